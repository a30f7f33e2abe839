"""`page`: one HTML file of a plan's week or period, of a decision, or of another answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from budgetopt.belief import Belief
from budgetopt.errors import InputError
from budgetopt.horizon import Schedule
from budgetopt.ledger import Ledger
from budgetopt.messages import Message, say
from budgetopt.optimize import Allocation, Frontier
from budgetopt.plan import Plan
from budgetopt.report.html import Page, to_html
from budgetopt.report.memo import PLACES, week_memo
from budgetopt.report.record import LedgerRecord
from budgetopt.report.review import period_named, review
from budgetopt.report.simulation import Years
from budgetopt.report.text import write_whole
from budgetopt.report.views import (
    allocation_page,
    belief_page,
    decision_page,
    frontier_page,
    what_if_page,
    years_page,
)
from budgetopt.report.year import year_page
from budgetopt.simulation import WhatIf
from budgetopt.weekly import Decision
from budgetopt.workflow import week_of


def page(
    what: Any,
    *,
    ledger: Ledger | str | PathLike[str] | None = None,
    week: dt.date | str | None = None,
    month: str | None = None,
    quarter: str | None = None,
    plan: Plan | None = None,
    out: str | PathLike[str] | None = None,
    language: str = "en",
    files: Sequence[str] = PLACES,
) -> str:
    """Return an answer as one HTML page, which `budgetopt.report` is called for too.

    The page needs no network, is readable without scripts, and fits a phone as well as a sheet of
    A4; what is named in it is shown as text, whatever it is.

    Parameters
    ----------
    what
        An `Allocation`, `Decision`, `Frontier`, `WhatIf`, `Belief`, simulated `Years`, or a
        `Schedule` of weeks; or a `Plan`, with the ledger of its weeks.
    ledger
        The ledger, or where it is; for a plan only.
    week
        A day of the week that the memo is of; by default the newest week of the ledger.
    month, quarter
        The period that is reviewed in place of a week: ``"2026-11"``, ``"2026-Q4"``, or a day of
        it, by the plan's fiscal year.
    plan
        The plan of a belief, which says what its outcome is and is worth, or of a schedule.
    out
        File that it is written to; None to return it only.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    files
        Names of the plan's file and of the ledger, for the command that a memo says is next.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        ``bad-argument`` for what has no page, or a week that the ledger does not have;
        ``missing-extra`` without ``budgetopt[report]``; ``bad-file`` where it cannot be written.
    LedgerError
        Where the ledger cannot be read.
    """
    if isinstance(what, Plan):
        spans = {"week": week, "month": month, "quarter": quarter}
        given = {kind: str(one) for kind, one in spans.items() if one is not None}
        made = _of_ledger(what, ledger, given, language, files)
    else:
        made = _of_answer(what, plan, language)
    text = to_html(made, language)
    if out is not None:
        write_whole(Path(out), text)
    return text


def _of_answer(what: Any, plan: Plan | None, language: str) -> Page:
    match what:
        case Allocation():
            return allocation_page(what, language)
        case Decision():
            return decision_page(what, language)
        case Frontier():
            return frontier_page(what, language)
        case WhatIf():
            return what_if_page(what, language)
        case Years():
            return years_page(what, language)
        case Schedule():
            if plan is None:
                raise _wrong("plan", say("page-weeks-needs"), say("remedy-give-plan"))
            return year_page(what, plan, language)
        case Belief():
            return belief_page(what, plan, language)
    kind = type(what).__name__
    remedy = say("remedy-split-decision-frontier")
    raise _wrong("what", say("no-page", kind=kind), remedy, kind)


def _of_ledger(
    plan: Plan,
    ledger: Ledger | str | PathLike[str] | None,
    given: Mapping[str, str],
    language: str,
    files: Sequence[str],
) -> Page:
    """Return the memo of a week, or the review of the period that is given in its place."""
    if ledger is None:
        raise _wrong("ledger", say("page-plan-needs"), say("remedy-give-ledger"))
    if len(given) > 1:
        both = " and ".join(given)
        raise _wrong(min(given), say("given-once", both=both), say("remedy-week-month-quarter"))
    if not isinstance(ledger, Ledger):
        with Ledger.open(str(ledger), create=False) as opened:
            return _of_ledger(plan, opened, given, language, files)
    kind, span = next(iter(given.items()), ("week", ""))
    if kind != "week":
        named = period_named(plan, kind, span)
        return review(LedgerRecord.read(plan, ledger, named[1].last), named, language)
    wanted = week_of(plan, span) if span else None
    record = LedgerRecord.read(plan, ledger, wanted)
    if wanted not in (None, record.week):
        remedy = say("remedy-choose-budgetopt-history-lists")
        raise _wrong("week", say("ledger-without-week", given=span), remedy, span)
    return week_memo(record, language, files)


def _wrong(field: str, problem: Message, remedy: Message, value: str | None = None) -> InputError:
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)
