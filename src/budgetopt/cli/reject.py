"""``budgetopt reject``: somebody says no to a week, and why."""

from __future__ import annotations

from budgetopt.cli.on_ledger import (
    LedgerPath,
    Reason,
    Revision,
    WeekDay,
    Who,
    login,
    open_ledger,
    tell,
)
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, PlanPath
from budgetopt.operation.approve import reject as reject_week
from budgetopt.plan import Plan


def reject(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    why: Reason,
    who: Who = None,
    revision: Revision = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Reject what a week proposes, with a reason."""
    declared = Plan.load(plan)
    with open_ledger(ledger) as found:
        state = reject_week(found, declared, week, who=login(who), why=why, revision=revision)
    tell(state, plan, declared, ledger, form=format, lang=lang)
