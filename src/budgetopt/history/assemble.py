"""Entries to arrays by week and channel: daily rows, partial weeks, gaps and repeats.

Sums are exactly rounded (`math.fsum`), so the order of rows cannot change a digit.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import DAYS, as_date, week_starts
from budgetopt.errors import CalendarError, HistoryError
from budgetopt.history.columns import Columns
from budgetopt.history.entries import Days, Entries, Floats
from budgetopt.words import listed, say

WEEK = np.timedelta64(7, "D")
LAST_DAY = np.timedelta64(6, "D")
_DAY = dt.timedelta(days=1)
SHOWN = 6
"""Weeks that one note names."""


@dataclass(frozen=True)
class Weekly:
    """The arrays of a history, as `History` takes them."""

    weeks: Days
    spend: Floats
    outcome: Floats | None
    total: Floats | None
    partial: NDArray[np.bool_]
    notes: tuple[str, ...]
    through: dt.date | None


def assemble(
    entries: Entries,
    columns: Columns,
    week_start: str,
    as_of: dt.date | None,
    data_through: dt.date | None = None,
) -> Weekly:
    """Return entries as weekly arrays.

    Raises
    ------
    HistoryError
        ``bad-history`` for a repeated or absent row, a gap, or daily rows that are not declared.
    CalendarError
        ``bad-date`` where weeks start on another day than declared.
    """
    if columns.rows == "weekly":
        _check_starts(entries, week_start)
    notes = [*entries.notes, *_settle_repeats(entries, columns)]
    grid = _Grid(entries, week_start)
    grid.settle_gaps(columns, notes)
    unknown = grid.settle_absent(columns, notes)
    through = grid.find_through(columns, as_of, data_through)
    partial = grid.find_partial(columns, as_of, through, notes)
    spend = grid.add(entries.days, entries.codes, entries.spend)
    spend[unknown] = np.nan
    outcome, total = None, None
    if entries.outcome is not None:
        outcome = grid.add(entries.days, entries.codes, entries.outcome)
        outcome[unknown] = np.nan
    if entries.total is not None:
        days, values = entries.total
        total = grid.add(days, np.zeros(days.size, dtype=np.int64), values)[:, 0]
        total[grid.seen == 0] = np.nan
    return Weekly(grid.weeks, spend, outcome, total, partial, tuple(notes), through)


class _Grid:
    """Consecutive weeks from the first date of the entries to the last."""

    def __init__(self, entries: Entries, week_start: str) -> None:
        self.entries, self.week_start = entries, week_start
        self.dates = np.unique(entries.days)
        starts = week_starts(self.dates, week_start)
        self.weeks: Days = np.arange(starts[0], starts[-1] + WEEK, WEEK)
        self.seen = np.bincount(self.week_of(self.dates), minlength=self.weeks.size)
        """Distinct dates in each week."""

    def week_of(self, days: Days) -> NDArray[np.int64]:
        """Return the position of the week that each day lies in."""
        starts = week_starts(days, self.week_start)
        return ((starts - self.weeks[:1]) // WEEK).astype(np.int64)

    def settle_gaps(self, columns: Columns, notes: list[str]) -> None:
        """Refuse or note weeks that no row speaks of."""
        gaps = self.weeks[self.seen == 0]
        if gaps.size and columns.gaps == "refuse":
            _refuse(
                f"the history has no row for the week of {gaps[0]}",
                columns.week,
                str(gaps[0]),
                "add the rows of that week, or declare gaps = 'unknown'",
            )
        if gaps.size:
            notes.append(say("weeks without rows, read as unknown: {weeks}", weeks=_named(gaps)))

    def settle_absent(self, columns: Columns, notes: list[str]) -> NDArray[np.bool_]:
        """Refuse, or mark by week and channel, dates on which a channel has no row."""
        channels, entries = self.entries.channels, self.entries
        there = np.zeros((self.dates.size, len(channels)), dtype=bool)
        there[np.searchsorted(self.dates, entries.days), entries.codes] = True
        date, channel = np.nonzero(~there)
        unknown = np.zeros((self.weeks.size, len(channels)), dtype=bool)
        unknown[self.seen == 0] = True
        if not date.size:
            return unknown
        if columns.missing == "refuse":
            _refuse(
                f"channel {channels[channel[0]]!r} has no row on {self.dates[date[0]]}, "
                "where others have",
                columns.channel,
                channels[channel[0]],
                "add the row, or declare missing = 'zero' or 'unknown'",
            )
        notes.append(
            say("absent rows read as unknown: {rows}", rows=date.size)
            if columns.missing == "unknown"
            else say("absent rows read as zero: {rows}", rows=date.size)
        )
        if columns.missing == "unknown":
            unknown[self.week_of(self.dates[date]), channel] = True
        return unknown

    def find_through(
        self, columns: Columns, as_of: dt.date | None, declared: dt.date | None
    ) -> dt.date | None:
        """Return the last day that the rows speak of, before today; None where it is not said.

        A declared day holds in its place; of daily rows none from today on are there.
        """
        if declared is not None:
            if as_of is None or columns.rows == "weekly":
                return declared
            return min(declared, as_of - _DAY)
        if columns.rows == "weekly" and as_of is None:
            return None
        last = self.dates[-1] if columns.rows == "daily" else self.weeks[-1] + LAST_DAY
        day = as_date(last, columns.week)
        return day if as_of is None else min(day, as_of - _DAY)

    def find_partial(
        self,
        columns: Columns,
        as_of: dt.date | None,
        through: dt.date | None,
        notes: list[str],
    ) -> NDArray[np.bool_]:
        """Mark weeks of which days are missing or still to come."""
        partial: NDArray[np.bool_] = np.zeros(self.weeks.size, dtype=bool)
        if columns.rows == "daily":
            partial = (self.seen > 0) & (self.seen < 7)
            if partial.any():
                short = _named(self.weeks[partial])
                notes.append(say("weeks with fewer than 7 days: {weeks}", weeks=short))
        if as_of is not None:
            to_come = self.weeks + WEEK > np.datetime64(as_of, "D")
            if to_come.any():
                weeks = _named(self.weeks[to_come])
                notes.append(
                    say("weeks that are not over on {day}: {weeks}", day=as_of, weeks=weeks)
                )
            partial = partial | to_come
        if through is not None:
            late = ~partial & (self.weeks + LAST_DAY > np.datetime64(through, "D"))
            if late.any():
                notes.append(
                    say(
                        "weeks that end after {day}, the last day of data: {weeks}",
                        day=through,
                        weeks=_named(self.weeks[late]),
                    )
                )
            partial = partial | late
        return partial

    def add(self, days: Days, codes: NDArray[np.int64], values: Floats) -> Floats:
        """Return the sums by week and channel, zero where there is nothing to add."""
        width = len(self.entries.channels)
        sums = np.zeros(self.weeks.size * width)
        key = self.week_of(days) * width + codes
        order = np.argsort(key, kind="stable")
        first = np.flatnonzero(np.diff(key[order], prepend=-1))
        sorted_values = values[order].tolist()
        for begin, end in zip(first, [*first[1:], key.size], strict=True):
            sums[key[order[begin]]] = _exact_sum(sorted_values[begin:end])
        return sums.reshape(-1, width)


def _exact_sum(values: Sequence[float]) -> float:
    try:
        return math.fsum(values)
    except OverflowError:
        return math.inf  # The history refuses it, by week and channel.


def _check_starts(entries: Entries, week_start: str) -> None:
    """Refuse dates that are not the declared first day of a week."""
    wrong = np.flatnonzero(entries.days != week_starts(entries.days, week_start))
    if not wrong.size:
        return
    dates = np.unique(entries.days)
    starts = week_starts(dates, week_start)
    shared = np.flatnonzero(starts[1:] == starts[:-1])
    if shared.size:
        one, other = dates[shared[0]], dates[shared[0] + 1]
        _refuse(
            f"{one} and {other} lie in one week, and rows are declared weekly",
            "history.rows",
            "weekly",
            "declare rows = 'daily', or correct the date",
        )
    day = entries.days[wrong[0]]
    name = DAYS[day.astype(dt.date).weekday()]
    steady = bool(np.all(np.diff(dates) % WEEK == np.timedelta64(0, "D")))
    raise CalendarError(
        "bad-date",
        f"{entries.where(int(wrong[0]))}: week starts on a {name}, not on a {week_start}",
        field="week_start",
        value=str(day),
        remedy=f"declare week_start = {name!r} if it is the first day of every week"
        if steady
        else f"correct the date: others start on a {week_start}",
    )


def _settle_repeats(entries: Entries, columns: Columns) -> list[str]:
    """Refuse or note several rows of one date and channel."""
    key = entries.days.astype(np.int64) * len(entries.channels) + entries.codes
    order = np.argsort(key, kind="stable")
    again = np.sort(order[1:][np.diff(key[order]) == 0])
    if not again.size:
        return []
    if columns.repeats == "refuse":
        first = int(np.argmax(key == key[again[0]]))
        _refuse(
            f"{entries.where(int(again[0]))} repeats "
            f"{entries.table.where(int(entries.rows[first]))}",
            columns.week,
            str(entries.days[first]),
            "remove one, or declare repeats = 'sum' if they are parts, such as campaigns",
        )
    return [say("rows added to another of the same date and channel: {rows}", rows=again.size)]


def _named(weeks: Days) -> str:
    """Return the first few of some weeks."""
    return listed([str(week) for week in weeks], SHOWN)


def _refuse(problem: str, field: str, value: str, remedy: str) -> NoReturn:
    raise HistoryError("bad-history", problem, field=field, value=value, remedy=remedy)
