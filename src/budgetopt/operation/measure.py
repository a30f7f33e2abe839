"""What came of the weeks that were applied, from the history, as often as it is revised."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from budgetopt.history import History
from budgetopt.ledger import Ledger, Transaction
from budgetopt.operation.checks import named
from budgetopt.operation.record.histories import Difference, Known, Latest, keep
from budgetopt.operation.seen import Lived, lived
from budgetopt.operation.state import WeekState, state_of
from budgetopt.plan import Plan


class Measured(NamedTuple):
    """What came of an applied week, and where it goes in the ledger.

    Parameters
    ----------
    week, revision
        Which week, and the revision that was applied.
    times
        How often it was measured with this.
    data
        Spend and outcome by channel (or the total alone), and the history that says so.
    """

    week: dt.date
    revision: int
    times: int
    data: dict[str, Any]


def measure(ledger: Ledger, plan: Plan, history: History, *, who: str) -> tuple[WeekState, ...]:
    """Record what came of applied weeks that a history has whole, and what it has revised.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan
        Its channels.
    history
        Weeks of spend and outcome.
    who
        Who measures.

    Returns
    -------
    tuple of WeekState
        Of the weeks that were measured now.

    Raises
    ------
    HistoryError
        Where the history does not fit the plan.
    LedgerError
        Where the ledger cannot be written.
    """
    known = Known.of(history.select(plan.names))
    with ledger.transaction(named(who)) as t:
        before = Latest(t)
        keep(t, known, before)
        weeks = write_actuals(t, actuals(lived(t), known, known.since(before.known)))
        return tuple(state_of(t, week) for week in weeks)


def actuals(weeks: Lived, known: Known, difference: Difference) -> tuple[Measured, ...]:
    """Return what is to be recorded of applied weeks, oldest first.

    A week counts once it is whole and every channel that was applied is reported.

    Parameters
    ----------
    weeks
        Those that were applied.
    known
        The history.
    difference
        What it says that the one recorded before it did not: weeks that were measured before are
        looked at where it is about them.
    """
    return tuple(_actuals(weeks, known, set(_touched(difference))))


def write_actuals(t: Transaction, found: Iterable[Measured]) -> list[dt.date]:
    """Record what `actuals` found, and return the weeks."""
    weeks = []
    for one in found:
        key = f"{one.week}/{one.times}"
        t.add("measured", one.data, week=one.week, revision=one.revision, key=key)
        weeks.append(one.week)
    return weeks


def _actuals(weeks: Lived, known: Known, touched: set[dt.date]) -> Iterator[Measured]:
    for week, entry in weeks.applied.items():
        before = weeks.measured.get(week, [])
        if before and week not in touched:
            continue
        spent = [name for name, money in entry.data["spend"].items() if float(money)]
        data = _whole(known, week, spent)
        if data is None or (before and _same(data, before[-1].data)):
            continue
        yield Measured(week, entry.revision, len(before) + 1, data)


def _touched(difference: Difference) -> Iterator[dt.date]:
    yield from (*difference.added, *difference.completed)
    yield from (one.week for one in difference.revised)


def _whole(known: Known, week: dt.date, spent: Iterable[str]) -> dict[str, Any] | None:
    """Return a week's actuals, or None while they are not whole."""
    row = known.rows.get(str(week))
    if row is None or row[2]:
        return None
    spend = dict(zip(known.channels, row[0], strict=True))
    outcome = {} if known.total else dict(zip(known.channels, row[1], strict=True))
    total = row[1][0] if known.total else None
    missing = [name for name in spent if spend.get(name) is None]
    missing += [name for name in spent if not known.total and outcome.get(name) is None]
    if missing or (known.total and total is None):
        return None
    return {"spend": spend, "outcome": outcome, "total": total, "history": known.fingerprint}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[part] == other[part] for part in ("spend", "outcome", "total"))
