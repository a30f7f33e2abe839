"""Weeks, amounts spread over their days, and fiscal periods.

A `Week` is seven dated days from a declared start day; its ISO label is an extra. A week that is
not over, or of which days are missing, is *partial*: marked, never scaled silently.

`spread` divides an amount over days exactly: running totals are rounded, and days are their
differences. `by_period` adds up weekly money by the days in each period.

Months, quarters and years begin on the first of a month, and a fiscal year with any month. A 4-4-5
year is made of whole weeks instead: it begins on the start of the week nearest to the first of its
first month, and each quarter has periods of four, four and five weeks. Every fifth or sixth year
has a 53rd week, which its last period takes. With Mondays and January its years are those of
ISO 8601.

References
----------
National Retail Federation, "4-5-4 calendar", for the rule of the 53rd week.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import public
from budgetopt.errors import CalendarError, InputError, did_you_mean
from budgetopt.messages import say
from budgetopt.untrusted import half_width

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Names of the start days, in the order of `datetime.date.weekday`."""


def start_day_number(name: str) -> int:
    """Return 0 for ``"monday"`` up to 6 for ``"sunday"``.

    Raises
    ------
    CalendarError
        ``bad-date`` for any other name.
    """
    key = name.strip().lower() if isinstance(name, str) else name
    if key not in DAYS:
        raise CalendarError(
            "bad-date",
            say("week-start-day-day", name=repr(name)),
            field="week_start",
            value=name,
            remedy=did_you_mean(str(key), DAYS),
        )
    return DAYS.index(key)


def as_date(value: Any, field: str) -> dt.date:
    """Return a date from a date, a datetime, or ISO text (``2026-11-20``).

    Raises
    ------
    CalendarError
        ``bad-date``.
    """
    try:
        # A missing time stamp of pandas is a datetime too, but differs from itself.
        if isinstance(value, dt.date) and value == value:
            return value.date() if isinstance(value, dt.datetime) else value
        if isinstance(value, np.datetime64):
            return dt.date.fromisoformat(str(value.astype("datetime64[D]")))
        return dt.date.fromisoformat(half_width(value.strip()))
    except (ValueError, AttributeError, TypeError):
        raise CalendarError(
            "bad-date",
            say("field-is-no-date", field=field, value=repr(value)),
            field=field,
            value=value,
            remedy=say("remedy-write-2026-11-20"),
        ) from None


@public
@dataclass(frozen=True, slots=True, order=True)
class Week:
    """Seven days from a start date, of which `days` have been seen.

    Parameters
    ----------
    start
        First day.
    days
        Days of it that are covered by data, 1 to 7; fewer than 7 makes the week partial.
    """

    start: dt.date
    days: int = 7

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 7:
            raise CalendarError(
                "bad-date",
                say("week-has-days", start=self.start, days=self.days),
                field="days",
                value=self.days,
                remedy=say("remedy-1-7"),
            )

    @classmethod
    def of(cls, day: dt.date, start_day: str = "monday") -> Week:
        """Return the week that a day lies in.

        Examples
        --------
        >>> str(Week.of(dt.date(2026, 11, 20)))
        '2026-11-16 (2026-W47)'
        """
        back = (day.weekday() - start_day_number(start_day)) % 7
        return cls(day - dt.timedelta(days=back))

    @property
    def end(self) -> dt.date:
        """Last day."""
        return self.start + dt.timedelta(days=6)

    @property
    def partial(self) -> bool:
        """Whether some of its days are missing."""
        return self.days < 7

    @property
    def iso(self) -> str:
        """ISO 8601 label of the week that holds most of these days, such as ``2026-W47``."""
        year, number, _ = (self.start + dt.timedelta(days=3)).isocalendar()
        return f"{year}-W{number:02d}"

    def shift(self, weeks: int) -> Week:
        """Return the whole week that lies some weeks later, or earlier if negative."""
        return Week(self.start + dt.timedelta(weeks=int(weeks)))

    def over(self, today: dt.date) -> bool:
        """Say whether the week has ended before a day."""
        return self.end < today

    def __str__(self) -> str:
        return f"{self.start} ({self.iso})"


def week_starts(days: NDArray[np.datetime64], start_day: str = "monday") -> NDArray[np.datetime64]:
    """Return for each day the start of its week.

    Parameters
    ----------
    days
        Dates of dtype ``datetime64[D]``, any shape.
    start_day
        Name of the day on which weeks start.

    Returns
    -------
    ndarray of datetime64[D]
        Same shape; a missing date stays missing.
    """
    dates = days.astype("datetime64[D]")
    number = dates.astype(np.int64)
    # 1970-01-01 was a Thursday, day 3 counted from Monday.
    back = (number + 3 - start_day_number(start_day)) % 7
    starts: NDArray[np.datetime64] = dates - back.astype("timedelta64[D]")
    return starts


def first_days(minor: int, days: int, count: int) -> int:
    r"""Return what the first days get of an amount that is spread evenly.

    :math:`S_k = \lfloor m k / d + \tfrac12 \rfloor`, so that :math:`S_0 = 0`, :math:`S_d = m`, and
    no running total is further than half a minor unit from its exact share. What days ``a`` to
    ``b`` get is the difference of two such totals, and so adds up whichever way days are grouped.

    Parameters
    ----------
    minor
        The amount in minor units; may be negative.
    days
        Days that it is spread over, at least 1.
    count
        How many of them, 0 to `days`.

    Raises
    ------
    CalendarError
        ``bad-date`` for a number of days out of range.

    Examples
    --------
    >>> [first_days(100, 7, count) for count in range(8)]
    [0, 14, 29, 43, 57, 71, 86, 100]
    """
    if not (days >= 1 and 0 <= count <= days):
        raise CalendarError(
            "bad-date",
            say("amount-days-defined", count=count, days=days),
            field="days",
            value=days,
            remedy=say("remedy-least-1-day-count"),
        )
    return (2 * minor * count + days) // (2 * days)


def spread(minor: int, days: int) -> list[int]:
    """Return an amount spread evenly over days, which sum to it exactly.

    Parameters
    ----------
    minor
        The amount in minor units.
    days
        How many days, at least 1.

    Returns
    -------
    list of int
        Minor units by day, each within one of the exact share; see `first_days`.

    Raises
    ------
    CalendarError
        ``bad-date`` for less than one day.

    Examples
    --------
    >>> spread(100, 7), spread(2, 3)
    ([14, 15, 14, 14, 14, 15, 14], [1, 0, 1])
    """
    totals = [first_days(minor, days, count) for count in range(max(days, 0) + 1)]
    return [after - before for before, after in pairwise(totals)]


Kind = Literal["month", "quarter", "year", "4-4-5"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WEEKS = (4, 4, 5) * 4
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Fiscal:
    """The periods that budgets and reserves are counted over.

    Parameters
    ----------
    period
        ``"month"``, ``"quarter"``, ``"year"`` or ``"4-4-5"``, periods of whole weeks.
    first_month
        Month that the fiscal year begins with, 1 to 12.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    period: Kind = "month"
    first_month: int = 1

    def __post_init__(self) -> None:
        if self.period not in _KINDS:
            raise InputError(
                "bad-argument",
                field="fiscal.period",
                value=self.period,
                remedy=did_you_mean(str(self.period), _KINDS),
            )
        month = self.first_month
        if isinstance(month, bool) or not isinstance(month, int) or not 1 <= month <= 12:
            raise InputError(
                "bad-argument",
                field="fiscal.first_month",
                value=month,
                remedy=say("remedy-month-1-12"),
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data for JSON."""
        return {"period": self.period, "first_month": self.first_month}


@dataclass(frozen=True, order=True)
class Period:
    """Dated days that are counted together.

    Parameters
    ----------
    first, last
        Its first and its last day.
    label
        How it is called: ``"2026-11"``, ``"2026-Q4"``, ``"2026"``; ``"FY2027-Q1"`` in a fiscal year
        that does not begin in January, called by the year in which it ends; ``"FY2026-P11"``.
    """

    first: dt.date
    last: dt.date
    label: str

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise CalendarError(
                "bad-date",
                say(
                    "period-ends-before-begins",
                    label=repr(self.label),
                    last=self.last,
                    first=self.first,
                ),
                field="last",
                value=str(self.last),
                remedy=say("remedy-first-day-first"),
            )

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last


def periods(
    first: dt.date, last: dt.date, fiscal: Fiscal, week_start: str = "monday"
) -> tuple[Period, ...]:
    """Return the whole periods that a range of days touches, in order and without gaps.

    Parameters
    ----------
    first, last
        First and last day of the range.
    fiscal
        Which periods.
    week_start
        Day on which weeks start; only 4-4-5 periods depend on it.

    Raises
    ------
    CalendarError
        ``bad-date`` for a range that ends before it begins, or an unknown start day.

    Examples
    --------
    >>> [p.label for p in periods(dt.date(2026, 11, 30), dt.date(2026, 12, 1), Fiscal())]
    ['2026-11', '2026-12']
    >>> periods(dt.date(2026, 6, 1), dt.date(2026, 6, 1), Fiscal("quarter", 4))[0].label
    'FY2027-Q1'
    """
    whole = Period(first, last, "range")
    if not (first.year > dt.MINYEAR and last.year < dt.MAXYEAR - 2):
        raise CalendarError(
            "bad-date",
            say("days-outside-calendar", first=first, last=last),
            field="first",
            value=str(first),
            remedy=say("remedy-dates-least-few-years"),
        )
    # A year earlier than the range may begin, since 4-4-5 years begin up to three days early.
    every = (_of_weeks if fiscal.period == "4-4-5" else _of_months)(
        range(first.year - 1, last.year + 2), fiscal, week_start
    )
    return tuple(p for p in every if p.last >= whole.first and p.first <= whole.last)


def by_period(amounts: Mapping[dt.date, int], fiscal: Fiscal) -> dict[Period, int]:
    """Return weekly amounts counted by fiscal period, by dated days.

    Each week is spread evenly over its seven days as `spread` does it, so that sums over periods
    equal sums over weeks to the minor unit, and a period is within one unit a week of the plain
    share of days.

    Parameters
    ----------
    amounts
        Minor units by the first day of their week, all weeks starting on the same weekday.
    fiscal
        Which periods.

    Returns
    -------
    dict
        Minor units by period, in order; periods that no week touches are left out.

    Raises
    ------
    CalendarError
        ``bad-date`` for what is not a date, and for weeks that start on different weekdays.

    Examples
    --------
    >>> found = by_period({dt.date(2026, 11, 30): 700}, Fiscal())
    >>> [(p.label, minor) for p, minor in found.items()]
    [('2026-11', 100), ('2026-12', 600)]
    """
    weeks = sorted((as_date(start, "week"), minor) for start, minor in amounts.items())
    if not weeks:
        return {}
    weekday = weeks[0][0].weekday()
    for start, _ in weeks:
        if start.weekday() != weekday:
            raise CalendarError(
                "bad-date",
                say(
                    "week-starts-another",
                    weeks=weeks[0][0],
                    weeks_2=f"{weeks[0][0]:%A}",
                    start=start,
                    start_2=f"{start:%A}",
                ),
                field="week",
                value=str(start),
                remedy=say("remedy-first-day-week"),
            )
    found: dict[Period, int] = {}
    every = periods(weeks[0][0], weeks[-1][0] + 6 * _DAY, fiscal, DAYS[weekday])
    at = 0
    for start, minor in weeks:
        while every[at].last < start:
            at += 1
        counted, here = 0, at
        while counted < 7:
            until = min(7, (every[here].last - start).days + 1)
            part = first_days(minor, 7, until) - first_days(minor, 7, counted)
            found[every[here]] = found.get(every[here], 0) + part
            counted, here = until, here + 1
    return found


def _of_months(years: range, fiscal: Fiscal, week_start: str) -> Iterator[Period]:
    """Yield the periods that begin on the first of a month, of fiscal years by where they begin."""
    months = _MONTHS[fiscal.period]
    for year in years:
        for at in range(12 // months):
            first = _month(year, fiscal.first_month + at * months)
            last = _month(year, fiscal.first_month + (at + 1) * months) - _DAY
            yield Period(first, last, _label(fiscal, year, at, first))


def _of_weeks(years: range, fiscal: Fiscal, week_start: str) -> Iterator[Period]:
    """Yield 4-4-5 periods."""
    for year in years:
        first, end = (_year_of_weeks(y, fiscal, week_start) for y in (year, year + 1))
        for at, weeks in enumerate(_WEEKS):
            later = end if at == len(_WEEKS) - 1 else first + 7 * weeks * _DAY
            yield Period(first, later - _DAY, f"FY{_called(fiscal, year)}-P{at + 1:02d}")
            first = later


def _year_of_weeks(year: int, fiscal: Fiscal, week_start: str) -> dt.date:
    """Return the start of the week nearest to the first of a year's first month."""
    return Week.of(dt.date(year, fiscal.first_month, 1) + 3 * _DAY, week_start).start


def _month(year: int, month: int) -> dt.date:
    """Return the first day of a month, counted on beyond December."""
    return dt.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _called(fiscal: Fiscal, year: int) -> int:
    """Return the year that a fiscal year is called by: the one in which it ends."""
    return year + (fiscal.first_month > 1)


def _label(fiscal: Fiscal, year: int, at: int, first: dt.date) -> str:
    if fiscal.period == "month":
        return f"{first.year:04d}-{first.month:02d}"
    name = f"FY{_called(fiscal, year)}" if fiscal.first_month > 1 else str(year)
    return name if fiscal.period == "year" else f"{name}-Q{at + 1}"
