"""Entries to the arrays of a history, and the checks that every history passes.

First the checks that every history passes: consecutive weeks, finite amounts of at least zero. Then
entries to arrays by week and channel: daily rows, partial weeks, gaps and repeats. Sums are exactly
rounded (`math.fsum`): the order of rows changes no digit.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.calendar import DAYS, as_date, start_day_number, week_starts
from budgetopt.history.cells import refuse
from budgetopt.history.columns import Columns, Named, Reading, check_names
from budgetopt.history.entries import LAST_DAY, Days, Entries
from budgetopt.history.tables import SHOWN
from budgetopt.i18n import listed, quoted, say


def check_weeks(weeks: Any, week_start: str) -> tuple[str, NDArray[np.datetime64]]:
    """Return the start day in lower case, and weeks as a read-only array.

    Raises
    ------
    CalendarError
        ``bad-date`` where a week cannot be read or starts on another day.
    HistoryError
        ``bad-history`` where weeks do not follow one another.
    """
    start_day_number(week_start)
    days = _as_days(weeks)
    for wrong in days[days != week_starts(days, week_start)][:1]:
        problem = say("week-does-start", wrong=wrong, week_start=week_start.strip().lower())
        refuse("bad-date", problem, "weeks", str(wrong), say("remedy-first-days-declare-week"))
    for at in np.flatnonzero(np.diff(days) != np.timedelta64(7, "D"))[:1]:
        problem = say("week-followed", days=days[at], days_2=days[at + 1])
        refuse("bad-history", problem, "weeks", str(days[at + 1]), say("remedy-weeks-once"))
    days.flags.writeable = False
    return week_start.strip().lower(), days


def _as_days(weeks: Any) -> NDArray[np.datetime64]:
    given = np.asarray(weeks)
    try:
        if given.size and given.dtype.kind not in "MOUS":
            raise TypeError
        days = np.array(given, dtype="datetime64[D]")
    except (TypeError, ValueError):
        days = np.array(["NaT"], dtype="datetime64[D]")
    if days.ndim != 1 or np.isnat(days).any():
        problem = say("weeks-are-no-dates")
        refuse("bad-date", problem, "weeks", str(weeks)[:60], say("remedy-first-day-week-dates"))
    return days


MOST_AMOUNT = 1e50
"""The largest spend, outcome, total or control, whose squares and products floats still hold."""


def check_amounts(
    amounts: Any,
    field: str,
    weeks: NDArray[np.datetime64],
    channels: tuple[str, ...] | None,
    *,
    signed: bool = False,
) -> Floats:
    """Return amounts as a read-only array by week, and by channel unless that is None.

    Raises
    ------
    HistoryError
        ``bad-history`` for a wrong shape, ``bad-number`` for an amount beyond `MOST_AMOUNT`, that
        is no number or, unless they are signed, negative.
    """
    shape = (weeks.size,) if channels is None else (weeks.size, len(channels))
    try:
        given = np.asarray(amounts)
        if given.dtype.kind not in "iufO":
            raise TypeError
        # Adding zero turns -0.0 into 0.0, which is the same amount in other bytes.
        array = np.array(given, dtype=np.float64) + 0.0
    except (TypeError, ValueError):
        problem = say("not-numbers", field=field)
        refuse("bad-number", problem, field, None, say("remedy-array-numbers"))
    if array.shape != shape:
        axes = "(weeks,)" if channels is None else "(weeks, channels)"
        problem = say("shape-not", field=field, shape=array.shape, shape_2=shape)
        remedy = say("remedy-one-number-per", axes=axes)
        refuse("bad-history", problem, field, str(array.shape), remedy)
    bad = np.argwhere(((array < 0) & (not signed)) | (np.abs(array) > MOST_AMOUNT))
    for at in bad[:1]:
        value = float(array[tuple(at)])
        whose = field
        if channels is not None:
            whose = say("field-of-channel", field=field, channel=quoted(channels[at[1]]))
        about = {"field": whose, "week": weeks[at[0]], "value": value}
        remedy = say("remedy-number-or-nan" if signed else "remedy-positive-or-nan")
        if not np.isfinite(value):
            problem = say("amount-not-finite", **about)
        elif abs(value) > MOST_AMOUNT:
            problem = say("amount-too-large", most=f"{MOST_AMOUNT:g}", **about)
            remedy = say("remedy-amount-in-range")
        else:
            problem = say("amount-negative", **about)
        refuse("bad-number", problem, field, value, remedy)
    array.flags.writeable = False
    return array


def check_controls(
    controls: Any, weeks: NDArray[np.datetime64], total: Floats | None
) -> Named[Floats]:
    """Return what else moves the total as read-only arrays by week, by name.

    Raises
    ------
    HistoryError
        ``bad-argument`` where outcomes are by channel, ``bad-name``, ``bad-number`` for a week
        with a total that has no number; else as `check_amounts`.
    """
    if not controls:
        return Named(())
    names = check_names(controls, "controls")
    if total is None:
        problem = say("controls-total-outcome")
        refuse("bad-argument", problem, "controls", names, say("remedy-leave-or-total"))
    arrays = {
        name: check_amounts(controls[name], f"controls.{name}", weeks, None, signed=True)
        for name in names
    }
    for name, array in arrays.items():
        for week in weeks[np.isnan(array) & ~np.isnan(total)][:1]:
            problem = say("control-missing-week", name=repr(name), week=week)
            refuse("bad-number", problem, f"controls.{name}", str(week), say("remedy-fill-in"))
    return Named(arrays.items())


def check_daily(daily: Any, weeks: NDArray[np.datetime64], channels: tuple[str, ...]) -> Floats:
    """Return money by day of each week as a read-only array.

    Raises
    ------
    HistoryError
        ``bad-history`` for a wrong shape, ``bad-number`` as `check_amounts`.
    """
    days = (weeks[:, None] + np.arange(7)).ravel()
    given = np.asarray(daily)
    if given.shape != (weeks.size, 7, len(channels)):
        problem = say("daily-shape-not", shape=given.shape, weeks=(weeks.size, 7, len(channels)))
        remedy = say("remedy-number-per-weeks")
        refuse("bad-history", problem, "daily", str(given.shape), remedy)
    flat = check_amounts(given.reshape(days.size, len(channels)), "daily", days, channels)
    return flat.reshape(given.shape)


def check_partial(partial: Any, weeks: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Return the marks of partial weeks as a read-only array; none are given by an empty one.

    Raises
    ------
    HistoryError
        ``bad-history``.
    """
    marks = np.array(partial)
    if not marks.size:
        marks = np.zeros(weeks.size, dtype=bool)
    if marks.dtype != np.bool_ or marks.shape != weeks.shape:
        problem = say("partial-shape", dtype=marks.dtype, shape=marks.shape)
        remedy = say("remedy-times-true-false", size=weeks.size)
        refuse("bad-history", problem, "partial", str(marks.shape), remedy)
    marks.flags.writeable = False
    return marks


def check_through(
    through: Any, weeks: NDArray[np.datetime64], partial: NDArray[np.bool_]
) -> dt.date | None:
    """Return the last day of data as a date, or None where it is not said.

    Raises
    ------
    CalendarError
        ``bad-date`` for what is no date.
    HistoryError
        ``bad-history`` where a week that is not partial ends after it.
    """
    if through is None:
        return None
    day = as_date(through, "data_through")
    late = ~partial & (weeks + np.timedelta64(6, "D") > np.datetime64(day, "D"))
    for week in weeks[late][:1]:
        problem = say("data-runs-through", day=day, week=week)
        refuse("bad-history", problem, "data_through", str(day), say("remedy-mark-partial"))
    return day


WEEK = np.timedelta64(7, "D")
_DAY = dt.timedelta(days=1)


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
    daily: Floats | None
    controls: Mapping[str, Floats] = field(default_factory=dict)


def assemble(entries: Entries, columns: Columns, reading: Reading) -> Weekly:
    """Return entries as weekly arrays.

    Raises
    ------
    HistoryError
        ``bad-history`` for a repeated or absent row, a gap, or daily rows that are not declared.
    CalendarError
        ``bad-date`` where weeks start on another day than declared.
    """
    if columns.rows == "weekly":
        _check_starts(entries, reading.week_start)
    notes = [*entries.notes, *_settle_repeats(entries, columns)]
    grid = _Grid(entries, columns, reading.week_start)
    grid.settle_gaps(columns, notes)
    unknown = grid.settle_absent(columns, notes)
    through = grid.find_through(columns, reading)
    partial = grid.find_partial(columns, reading.as_of, through, notes)
    spend = grid.add(entries.days, entries.codes, entries.spend)
    spend[unknown] = np.nan
    outcome, total, controls = None, None, {}
    if entries.outcome is not None:
        outcome = grid.add(entries.days, entries.codes, entries.outcome)
        outcome[unknown] = np.nan
    if entries.total is not None:
        days, values = entries.total
        total = grid.add(days, np.zeros(days.size, dtype=np.int64), values)[:, 0]
        total[grid.seen == 0] = np.nan
        controls = {name: grid.mean(days, each) for name, each in entries.controls.items()}
    daily = grid.spend_by_day(columns) if columns.rows == "daily" else None
    return Weekly(
        grid.weeks, spend, outcome, total, partial, tuple(notes), through, daily, controls
    )


class _Grid:
    """Consecutive weeks from the first date of the entries to the last."""

    def __init__(self, entries: Entries, columns: Columns, week_start: str) -> None:
        self.entries, self.week_start = entries, week_start
        self.dates = entries.dates if entries.dates.size else np.unique(entries.days)
        starts = week_starts(self.dates, week_start)
        self.weeks: Days = np.arange(starts[0], starts[-1] + WEEK, WEEK)
        self.covered = self.dates
        """Dates that the file speaks of, be it by having no row."""
        if columns.absent == "zero":
            step = WEEK if columns.rows == "weekly" else WEEK // 7
            first, last = self._edges() if columns.rows == "daily" else (self.dates[0], starts[-1])
            self.covered = np.arange(first, last + step, step)
        self.seen = np.bincount(self.week_of(self.covered), minlength=self.weeks.size)
        """Distinct dates of each week that are covered."""

    def _edges(self) -> tuple[np.datetime64, np.datetime64]:
        """Return the first and the last day that a file covers of which days may have no row.

        The first and the last week are whole where their rows begin and end no later and no earlier
        in the week than those of any other week; else they are covered as far as their rows go.
        """
        at = self.week_of(self.dates)
        begin = np.flatnonzero(np.diff(at, prepend=-1))
        weekday = ((self.dates - week_starts(self.dates, self.week_start)) // (WEEK // 7)).astype(
            int
        )
        firsts, lasts = weekday[begin], weekday[np.append(begin[1:], at.size) - 1]
        first, last = self.dates[0], self.dates[-1]
        if firsts.size > 1 and firsts[0] <= firsts[1:].min():
            first = self.weeks[0]
        if lasts.size > 1 and lasts[-1] >= lasts[:-1].max():
            last = self.weeks[-1] + LAST_DAY
        return first, last

    def week_of(self, days: Days) -> NDArray[np.int64]:
        """Return the position of the week that each day lies in."""
        starts = week_starts(days, self.week_start)
        return ((starts - self.weeks[:1]) // WEEK).astype(np.int64)

    def settle_gaps(self, columns: Columns, notes: list[str]) -> None:
        """Refuse or note weeks that no row speaks of."""
        gaps = self.weeks[self.seen == 0]
        if gaps.size and columns.gaps == "refuse":
            problem = say("history-no-row", gaps=gaps[0])
            refuse("bad-history", problem, columns.week, str(gaps[0]), say("remedy-add-rows-week"))
        if gaps.size:
            notes.append(say("weeks-without-rows", weeks=_named(gaps)))

    def settle_absent(self, columns: Columns, notes: list[str]) -> NDArray[np.bool_]:
        """Refuse, or mark by week and channel, dates on which a channel has no row."""
        channels, entries = self.entries.channels, self.entries
        there = np.zeros((self.dates.size, len(channels)), dtype=bool)
        there[np.searchsorted(self.dates, entries.days), entries.codes] = True
        date, channel = np.nonzero(~there)
        unknown = np.zeros((self.weeks.size, len(channels)), dtype=bool)
        unknown[self.seen == 0] = True
        if columns.absent == "zero":
            days = int(np.setdiff1d(self.covered, self.dates).size)
            if days or date.size:
                rows = date.size + days * len(channels)
                notes.append(say("absent-rows-read-zero", rows=rows))
            return unknown
        if not date.size:
            return unknown
        if columns.missing == "refuse":
            problem = say(
                "channel-no-row", channels=repr(channels[channel[0]]), dates=self.dates[date[0]]
            )
            remedy = say("remedy-add-row")
            refuse("bad-history", problem, columns.channel, channels[channel[0]], remedy)
        notes.append(
            say("absent-rows-read-unknown", rows=date.size)
            if columns.missing == "unknown"
            else say("absent-rows-read-zero", rows=date.size)
        )
        if columns.missing == "unknown":
            unknown[self.week_of(self.dates[date]), channel] = True
        return unknown

    def find_through(self, columns: Columns, reading: Reading) -> dt.date | None:
        """Return the last day that the rows speak of, before today; None where it is not said.

        A declared day holds in its place; of daily rows none from today on are there.
        """
        as_of, declared = reading.as_of, reading.data_through
        if declared is not None:
            if as_of is None or columns.rows == "weekly":
                return declared
            return min(declared, as_of - _DAY)
        if columns.rows == "weekly" and as_of is None:
            return None
        last = self.covered[-1] if columns.rows == "daily" else self.weeks[-1] + LAST_DAY
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
                notes.append(say("short-weeks", weeks=short))
        if as_of is not None:
            to_come = self.weeks + WEEK > np.datetime64(as_of, "D")
            if to_come.any():
                weeks = _named(self.weeks[to_come])
                notes.append(say("running-weeks", day=as_of, weeks=weeks))
            partial = partial | to_come
        if through is not None:
            late = ~partial & (self.weeks + LAST_DAY > np.datetime64(through, "D"))
            if late.any():
                notes.append(
                    say("weeks-after-last-day", day=through, weeks=_named(self.weeks[late]))
                )
            partial = partial | late
        return partial

    def spend_by_day(self, columns: Columns) -> Floats:
        """Return money by week, day and channel; NaN where no row speaks of it."""
        entries, width = self.entries, len(self.entries.channels)
        at = (entries.days - self.weeks[0]).astype(np.int64)
        sums = _sums(at * width + entries.codes, entries.spend, 7 * self.weeks.size * width)
        known = np.zeros((7 * self.weeks.size, width), dtype=bool)
        known[at, entries.codes] = True
        if columns.missing == "zero":
            known |= known.any(axis=1, keepdims=True)
        if columns.absent == "zero":
            known[(self.covered - self.weeks[0]).astype(np.int64)] = True
        daily = np.where(known, sums.reshape(known.shape), np.nan)
        return daily.reshape(self.weeks.size, 7, width)

    def add(self, days: Days, codes: NDArray[np.int64], values: Floats) -> Floats:
        """Return the sums by week and channel, zero where there is nothing to add."""
        width = len(self.entries.channels)
        key = self.week_of(days) * width + codes
        return _sums(key, values, self.weeks.size * width).reshape(-1, width)

    def mean(self, days: Days, values: Floats) -> Floats:
        """Return the means by week, NaN where a row has none or there is no row."""
        key, count = self.week_of(days), self.weeks.size
        rows = np.bincount(key, minlength=count)
        means: Floats = np.where(rows > 0, _sums(key, values, count) / np.maximum(rows, 1), np.nan)
        return means


def _sums(key: NDArray[np.int64], values: Floats, count: int) -> Floats:
    """Return the exact sum of the values of every key, zero for a key without any."""
    sums = np.zeros(count)
    order = np.argsort(key, kind="stable")
    key, values = key[order], values[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    sums[key[first]] = values[first]
    size = np.diff(first, append=key.size)
    several, each = size > 1, values.tolist()
    spans = zip(first[several].tolist(), (first + size)[several].tolist(), strict=True)
    try:
        sums[key[first[several]]] = [math.fsum(each[begin:end]) for begin, end in spans]
    except OverflowError:
        # The history refuses what is beyond any float, by week and channel.
        with np.errstate(over="ignore"):
            sums[key[first]] = np.add.reduceat(values, first)
    return sums


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
        problem = say("lie-week-rows", one=one, other=other)
        refuse("bad-history", problem, "history.rows", "weekly", say("remedy-declare-daily"))
    day = entries.days[wrong[0]]
    name = DAYS[day.astype(dt.date).weekday()]
    steady = bool(np.all(np.diff(dates) % WEEK == np.timedelta64(0, "D")))
    problem, remedy = (
        say(
            "week-starts-not", wrong=entries.where(int(wrong[0])), name=name, week_start=week_start
        ),
        say("remedy-declare-week-start", name=repr(name))
        if steady
        else say("remedy-correct-date-others", week_start=week_start),
    )
    refuse("bad-date", problem, "week_start", str(day), remedy)


def collapse(entries: Entries, columns: Columns, week_start: str) -> Entries:
    """Return entries with one for every date and channel, checked as those of a file by itself.

    Raises
    ------
    HistoryError, CalendarError
        As `assemble`.
    """
    if columns.rows == "weekly":
        _check_starts(entries, week_start)
    notes = (*entries.notes, *_settle_repeats(entries, columns))
    key = entries.days.astype(np.int64) * len(entries.channels) + entries.codes
    _, first, number = np.unique(key, return_index=True, return_inverse=True)

    def sums(values: Floats) -> Floats:
        return values[first] if first.size == key.size else _sums(number, values, first.size)

    return replace(
        entries,
        days=entries.days[first],
        codes=entries.codes[first],
        rows=entries.rows[first],
        spend=sums(entries.spend),
        outcome=None if entries.outcome is None else sums(entries.outcome),
        notes=notes,
        parts=np.array([], dtype=np.int64),
    )


def _settle_repeats(entries: Entries, columns: Columns) -> list[str]:
    """Refuse or note several rows of one date and channel."""
    parts = entries.parts
    key = entries.days.astype(np.int64) * len(entries.channels) + entries.codes
    if parts.size:
        key = key * (int(parts.max()) + 1) + parts
    order = np.argsort(key, kind="stable")
    again = np.sort(order[1:][np.diff(key[order]) == 0])
    if not again.size:
        return []
    if columns.repeats == "refuse":
        first = int(np.argmax(key == key[again[0]]))
        problem = say(
            "row-repeats-row",
            again=entries.where(int(again[0])),
            rows=entries.table.where(int(entries.rows[first]), entries.table.dates),
        )
        remedy = say("remedy-remove-or-sum")
        refuse("bad-history", problem, columns.week, str(entries.days[first]), remedy)
    return [say("rows-merged", rows=again.size)]


def _named(weeks: Days) -> str:
    """Return the first few of some weeks."""
    return listed([str(week) for week in weeks], SHOWN)
