"""What people do to a recorded week: ``approve``, ``reject``, ``edit``, ``apply`` and ``release``.

Each opens the ledger, records one act with a name and a reason, and prints where the week stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    Form,
    FormOption,
    HistoryPath,
    Language,
    LanguageOption,
    LedgerPath,
    PlanId,
    PlanPath,
    Reason,
    Revision,
    Set,
    SpendsPath,
    WeekDay,
    Who,
    Why,
    answer,
    files_of,
    login,
    open_ledger,
    read_history,
    spends_of,
    tell,
    today,
)
from budgetopt.errors import InputError
from budgetopt.messages import say


def approve(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    who: Who = None,
    why: Why = "",
    revision: Revision = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Approve the proposed split of a week, by name."""
    _decide(bo.approve, plan, ledger, plan_id, week, who, why, revision, format, lang)


def reject(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    why: Reason,
    who: Who = None,
    revision: Revision = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Reject the proposed split of a week, with a reason."""
    _decide(bo.reject, plan, ledger, plan_id, week, who, why, revision, format, lang)


def _decide(
    act: Callable[..., bo.workflow.WeekState],
    plan: Path,
    ledger: str,
    plan_id: str | None,
    week: str,
    who: str | None,
    why: str,
    revision: int | None,
    form: Form,
    lang: Language,
) -> None:
    """Record what somebody decides about a revision of a week, and print where it stands."""
    declared = bo.Plan.load(plan)
    with open_ledger(ledger, plan_id) as found:
        state = act(found, declared, week, who=login(who), why=why, revision=revision)
    tell(state, plan, declared, ledger, plan_id, form=form, lang=lang)


def apply(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    set: Set = None,
    spends: SpendsPath = None,
    who: Who = None,
    why: Why = "",
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Record an approved week as live, with any amounts that differ from the approved ones."""
    declared = bo.Plan.load(plan)
    others = spends_of(set, spends) or None
    with open_ledger(ledger, plan_id) as found:
        state = bo.apply(found, declared, week, who=login(who), spends=others, why=why)
    assert state.applied is not None
    broken = bo.report.restored_of(state.applied, "broken")
    last = [say("full-stop", sentence=sentence) for sentence in broken]
    tell(state, plan, declared, ledger, plan_id, form=format, lang=lang, last=last, broken=broken)


def edit(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    why: Reason,
    history: HistoryPath = None,
    set: Set = None,
    spends: SpendsPath = None,
    who: Who = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Change the proposed split of a week; it is checked against every limit, and priced."""
    declared, others = bo.Plan.load(plan), spends_of(set, spends)
    if not others:
        raise InputError(
            "bad-argument",
            say("channel-gets-new-amount"),
            field="set",
            remedy=say("remedy-set-channel-amount-spends"),
        )
    with open_ledger(ledger, plan_id) as found:
        start = bo.workflow.week_of(declared, week)
        files = files_of(declared, plan, history)
        past = read_history(declared, files, *_as_proposed(found, start))
        made = bo.edit(found, declared, past, week, others, who=login(who), why=why)
    assert made.state is not None
    price = say("full-stop", sentence=made.sentence(declared.outcome))
    facts: dict[str, Any] = {"cost": made.cost, "instead": made.instead}
    tell(
        made.state, plan, declared, ledger, plan_id, form=format, lang=lang, first=(price,), **facts
    )


def _as_proposed(ledger: bo.Ledger, week: dt.date) -> tuple[str | None, str | None]:
    """Return the day that the history was read on when the week was proposed, and its last day.

    Read on the day of the edit, the same file may have one more week that is over.
    """
    proposal = bo.workflow.state_of(ledger, week).proposal
    if proposal is None:
        return None, None
    through = dt.date.fromisoformat(
        bo.workflow.recorded(ledger, proposal.data["history_entry"]).through
    )
    return str(through + dt.timedelta(days=1)), str(through)


def release(
    plan: PlanPath,
    ledger: LedgerPath,
    amount: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Amount to release, at most the balance.")
    ],
    why: Reason,
    week: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Any day of the week that may spend it; default: next week."
        ),
    ] = None,
    who: Who = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the release; default: today.")
    ] = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Release contingency reserve for one week, with a reason; run budgetopt week afterwards."""
    declared = bo.Plan.load(plan)
    day = today(as_of)
    with open_ledger(ledger, plan_id) as found:
        left = bo.release(found, declared, amount, who=login(who), why=why, today=day, week=week)
    if format is Form.json:
        answer(bo.report.as_json(left.to_dict()), None)
    else:
        answer("\n".join(bo.report.released_lines(left, lang)), None)
