"""``budgetopt apply``: what was really put into effect."""

from __future__ import annotations

from budgetopt.cli.on_ledger import (
    LedgerPath,
    Set,
    SpendsPath,
    WeekDay,
    Who,
    Why,
    login,
    open_ledger,
    tell,
)
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, PlanPath
from budgetopt.cli.spends import spends_of
from budgetopt.operation.apply import apply as apply_week
from budgetopt.plan import Plan
from budgetopt.report.operation.ledger import restored_of
from budgetopt.words import say


def apply(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    set: Set = None,
    spends: SpendsPath = None,
    who: Who = None,
    why: Why = "",
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Say that an approved week is in effect, with what differs from what was approved."""
    declared = Plan.load(plan)
    others = spends_of(set, spends) or None
    with open_ledger(ledger) as found:
        state = apply_week(found, declared, week, who=login(who), spends=others, why=why)
    assert state.applied is not None
    broken = restored_of(state.applied, "broken")
    last = [say("{sentence}.", sentence=sentence) for sentence in broken]
    tell(state, plan, declared, ledger, form=format, lang=lang, last=last, broken=broken)
