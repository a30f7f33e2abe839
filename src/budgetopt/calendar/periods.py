"""Fiscal periods, and weekly money counted by them.

Months, quarters and years begin on the first of a month; their fiscal year may begin with any. A
4-4-5 year is made of whole weeks instead: it begins on the start of the week nearest to the first
of its first month, and each quarter has periods of four, four and five weeks. Every fifth or sixth
year has a 53rd week, which its last period takes (National Retail Federation, 4-5-4 calendar, has
the same rule). With Mondays and January its years are those of ISO 8601.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from budgetopt.calendar.spread import first_days
from budgetopt.calendar.week import DAYS, Week, as_date
from budgetopt.errors import CalendarError, InputError, did_you_mean

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
                f"fiscal.period is {self.period!r}",
                field="fiscal.period",
                value=self.period,
                remedy=did_you_mean(str(self.period), _KINDS),
            )
        month = self.first_month
        if isinstance(month, bool) or not isinstance(month, int) or not 1 <= month <= 12:
            raise InputError(
                "bad-argument",
                f"fiscal.first_month is {month!r}",
                field="fiscal.first_month",
                value=month,
                remedy="give a month, 1 to 12",
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
                f"period {self.label!r} ends on {self.last}, before it begins on {self.first}",
                field="last",
                value=str(self.last),
                remedy="give the first day first",
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
            f"{first} to {last} is asked for in fiscal periods",
            field="first",
            value=str(first),
            remedy="give days of our age",
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
        ``bad-date`` for what is no date, and for weeks that start on different weekdays.

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
                f"one week starts on {weeks[0][0]}, a {weeks[0][0]:%A}, another on {start}, "
                f"a {start:%A}",
                field="week",
                value=str(start),
                remedy="give the first day of each week",
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
