"""``budgetopt edit``: another split in the place of the one proposed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from budgetopt.cli.files import read_history
from budgetopt.cli.on_ledger import (
    LedgerPath,
    Reason,
    Set,
    SpendsPath,
    WeekDay,
    Who,
    login,
    open_ledger,
    tell,
)
from budgetopt.cli.options import (
    Form,
    FormOption,
    HistoryPath,
    Language,
    LanguageOption,
    PlanPath,
)
from budgetopt.cli.spends import spends_of
from budgetopt.errors import InputError
from budgetopt.ledger import Ledger
from budgetopt.operation.checks import week_of
from budgetopt.operation.edit import edit as edit_week
from budgetopt.operation.record import recorded
from budgetopt.operation.state import state_of
from budgetopt.plan import Plan
from budgetopt.words import say


def edit(
    plan: PlanPath,
    history: HistoryPath,
    ledger: LedgerPath,
    week: WeekDay,
    why: Reason,
    set: Set = None,
    spends: SpendsPath = None,
    who: Who = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Change what a week proposes; the split is held against every limit, and priced."""
    declared, others = Plan.load(plan), spends_of(set, spends)
    if not others:
        raise InputError(
            "bad-argument",
            "no channel is given other money",
            field="set",
            remedy="give --set channel=amount, or --spends with a file",
        )
    with open_ledger(ledger) as found:
        start = week_of(declared, week)
        past = read_history(declared, history, *_as_proposed(found, start))
        made = edit_week(found, declared, past, week, others, who=login(who), why=why)
    assert made.state is not None
    price = say("{sentence}.", sentence=made.sentence(declared.outcome))
    facts: dict[str, Any] = {"cost": made.cost, "instead": made.instead}
    tell(made.state, plan, declared, ledger, form=format, lang=lang, first=(price,), **facts)


def _as_proposed(ledger: Ledger, week: dt.date) -> tuple[str | None, str | None]:
    """Return the day that the history was read on when the week was proposed, and its last day.

    Read on the day of the edit, the same file may have one more week that is over.
    """
    proposal = state_of(ledger, week).proposal
    if proposal is None:
        return None, None
    through = dt.date.fromisoformat(recorded(ledger, proposal.data["history_entry"]).through)
    return str(through + dt.timedelta(days=1)), str(through)
