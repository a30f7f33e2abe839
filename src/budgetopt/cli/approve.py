"""``budgetopt approve``: somebody who may says yes to a week."""

from __future__ import annotations

from budgetopt.cli.on_ledger import (
    LedgerPath,
    Revision,
    WeekDay,
    Who,
    Why,
    login,
    open_ledger,
    tell,
)
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, PlanPath
from budgetopt.operation.approve import approve as approve_week
from budgetopt.plan import Plan


def approve(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    who: Who = None,
    why: Why = "",
    revision: Revision = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Approve what a week proposes, by name."""
    declared = Plan.load(plan)
    with open_ledger(ledger) as found:
        state = approve_week(found, declared, week, who=login(who), why=why, revision=revision)
    tell(state, plan, declared, ledger, form=format, lang=lang)
