"""Plan and actual money by dated day and channel, in minor units, within a span of days.

Weekly money is spread over its seven days as the calendar does it, so that any two spans that
follow each other add up. Amounts of a week of which some days are seen lie on these days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError, PlanError, did_you_mean
from budgetopt.history import History
from budgetopt.plan import Plan

Money = Mapping[str, Any]
Actual = Mapping[Week | dt.date, Money]
"""Money by channel: of a week, on its days seen, or of one day. A channel not named is unknown."""
Whole = NDArray[np.int64]
LOOK_BACK = dt.timedelta(days=400)
"""How far back weeks count on a day: a fiscal year and some."""
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Days:
    """Money by channel and day, arrays of shape ``(channels, days)`` but for `beside`.

    Parameters
    ----------
    first
        The first day.
    planned, actual
        Minor units; the actual is 0 where a day is not seen.
    weekly
        What is planned for the whole week that a day lies in: seven times the day's exact share.
    seen
        Whether the money of the day is known.
    beside
        What may be spent on each day beside what is planned, reserve left out, shape ``(days,)``.
    """

    first: dt.date
    planned: Whole
    actual: Whole
    weekly: Whole
    seen: NDArray[np.bool_]
    beside: Whole

    @property
    def spendable(self) -> int:
        """What may be spent in all: the plan, and what the budget without reserve has beside."""
        return int(self.planned.sum()) + int(self.beside.sum())

    @property
    def count(self) -> int:
        """How many days there are."""
        return int(self.planned.shape[1])

    def day(self, at: int) -> dt.date:
        """Return the day at a position."""
        return self.first + at * _DAY

    def from_on(self, day: dt.date) -> NDArray[np.bool_]:
        """Return which days are not before one, shape ``(days,)``."""
        return np.arange(self.count) >= (day - self.first).days


def actual_of(
    history: History, since: dt.date | None = None
) -> dict[Week | dt.date, dict[str, float]]:
    """Return what a history knows was spent, by week with the days seen of it.

    A week that is not over has the days up to `History.through`. One that lacks days in between
    counts as a whole one with what was seen, since nobody knows which are missing; the alerts say
    that it is incomplete. Spends that are not reported are left out, and so are weeks that start
    before `since`.
    """
    found: dict[Week | dt.date, dict[str, float]] = {}
    through = history.through
    for at, start in enumerate(as_date(day, "week") for day in history.weeks):
        days = 7 if through is None else min(7, (through - start).days + 1)
        if since is not None and start < since:
            continue
        if days < 1 or (through is None and history.partial[at]):
            continue
        spends = zip(history.channels, history.spend[at].tolist(), strict=True)
        found[Week(start, days)] = {name: money for name, money in spends if not np.isnan(money)}
    return found


def days_of(
    plan: Plan,
    planned: Mapping[dt.date, Money],
    actual: Actual,
    first: dt.date,
    last: dt.date,
    today: dt.date,
) -> Days:
    """Return plan and actual on the days of a span.

    A week that nothing is planned for has what `Plan.on` lets it spend, split as in the nearest
    planned week before it, or else after it.

    Raises
    ------
    InputError
        ``bad-argument`` where no week is planned, where the money of a day is given twice, or
        that of a day to come.
    """
    weeks = {_start(plan, day): money for day, money in planned.items()}
    if not weeks:
        raise _wrong("planned", "holds no week", "give what is planned for at least one week")
    shape = len(plan.names), (last - first).days + 1
    zero = np.zeros(shape, dtype=np.int64)
    seen = np.zeros(shape, dtype=bool)
    grid = Days(first, zero, zero.copy(), zero.copy(), seen, np.zeros(shape[1], dtype=np.int64))
    for start in _weeks(plan, first, last):
        at, amounts = (start - first).days, _planned(plan, weeks, start)
        _put(grid.planned, at, _spread(amounts, 7))
        _put(grid.weekly, at, np.repeat(amounts[:, None], 7, axis=1))
        beside = max(plan.on(Week(start)).spendable_minor - int(amounts.sum()), 0)
        _put(grid.beside[None, :], at, _spread(np.array([beside]), 7))
    for key, money in actual.items():
        span = key if isinstance(key, Week) else Week(as_date(key, "actual"), 1)
        if span.start > last or span.start + (span.days - 1) * _DAY < first:
            continue
        if span.start + (span.days - 1) * _DAY > today:
            problem = f"has money of {span.start} to {span.start + (span.days - 1) * _DAY}"
            raise _wrong("actual", problem, f"give the days seen by {today} only")
        _see(grid, plan, span, money)
    return grid


def _see(grid: Days, plan: Plan, span: Week, money: Money) -> None:
    """Put what is known of some days in its place."""
    _refuse_unknown(plan, money)
    known = np.array([name in money for name in plan.names])
    amounts = np.array(plan.last_minor(money), dtype=np.int64)
    at = (span.start - grid.first).days
    there = slice(max(at, 0), max(at + span.days, 0))
    if np.any(grid.seen[known, there]):
        raise _wrong("actual", f"has the days from {span.start} twice", "give every day once")
    grid.seen[known, there] = True
    _put(grid.actual, at, _spread(amounts, span.days))


def _put(array: Whole, at: int, amounts: Whole) -> None:
    """Add amounts by day from a position on, as far as the array goes."""
    skip, end = max(-at, 0), min(at + amounts.shape[1], array.shape[1])
    if end > at + skip:
        array[:, at + skip : end] += amounts[:, skip : end - at]


def _spread(minor: Whole, days: int) -> Whole:
    """Return amounts by day, shape ``(channels, days)``; `calendar.spread` for many channels."""
    count = np.arange(days + 1)
    totals = (2 * minor[:, None] * count + days) // (2 * days)
    return np.asarray(np.diff(totals, axis=1))


def _planned(plan: Plan, weeks: Mapping[dt.date, Money], start: dt.date) -> Whole:
    """Return what is planned for a week by channel."""
    known = start if start in weeks else _nearest(weeks, start)
    _refuse_unknown(plan, weeks[known])
    split = plan.last_minor(weeks[known])
    if known == start:
        return np.array(split, dtype=np.int64)
    total, all_ = plan.on(Week(start)).spendable_minor, sum(split)
    if not all_:
        return np.zeros(len(split), dtype=np.int64)
    # Running totals are rounded, so that the parts add up; in whole numbers of any size.
    running = np.cumsum(np.array([0, *split], dtype=object))
    parts: Whole = np.diff((2 * total * running + all_) // (2 * all_)).astype(np.int64)
    return parts


def _nearest(weeks: Mapping[dt.date, Money], start: dt.date) -> dt.date:
    before = [week for week in weeks if week < start]
    return max(before) if before else min(weeks)


def _weeks(plan: Plan, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the starts of the weeks that a span touches."""
    start = Week.of(first, plan.week_start).start
    while start <= last:
        yield start
        start += 7 * _DAY


def _start(plan: Plan, day: Any) -> dt.date:
    """Return a day on which a week starts, or refuse it."""
    start = as_date(day, "planned")
    if Week.of(start, plan.week_start).start != start:
        remedy = f"weeks start on {plan.week_start.title()}"
        raise _wrong("planned", f"has a week that starts on {start}, a {start:%A}", remedy)
    return start


def _refuse_unknown(plan: Plan, money: Money) -> None:
    for name in money:
        if name not in plan.index:
            raise PlanError(
                "unknown-name",
                f"money is given for {name!r}, which is no channel of the plan",
                field="channels",
                value=name,
                remedy=did_you_mean(str(name), plan.names),
            )


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError("bad-argument", f"{field} {problem}", field=field, remedy=remedy)
