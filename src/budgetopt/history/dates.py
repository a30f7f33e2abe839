"""Cells to days: every spelling that can be read in one way only, and spans of days.

Without a declared format a cell may be a date of a workbook or a frame, a year-first date in any
spelling (``2026-2-2``, ``2026/2/2``, ``2026年2月2日``, ``20260202``), also as ``="2026-02-02"``, an
ISO week (``2026-W06``), a date with the name of its month (``Thu, 5 Feb 2026``), or a span of two
of these (``2026-02-02 至 2026-02-08``, ``~``, ``to``, `` - ``). Whether ``05/02/2026`` is
day-first or month-first is settled by the whole column, or refused. A time of day means
hourly rows or a time zone that shifted the date, and is refused.
"""

from __future__ import annotations

import datetime as dt
import numbers
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.history.cells import Column, shown
from budgetopt.i18n import say
from budgetopt.untrusted import half_width

Dates = NDArray[np.datetime64]
EXCEL = "excel"
"""The date format of a column of serial days, as a spreadsheet counts them from 1899-12-30."""
_YEAR_FIRST = re.compile(r"([0-9]{4})\s*([-/.年])\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?")
_DIGITS = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_ISO_WEEK = re.compile(r"([0-9]{4})-?W([0-9]{2})")
_TWO_FIRST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_DAY_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -]([0-9]{4})")
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")
_WEEKDAY = re.compile(
    r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? |\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?$",
    re.IGNORECASE,
)
_MIDNIGHT = re.compile(r"[ T]0?0:00(?::00(?:\.0+)?)?$")
_FORMULA_TEXT = re.compile(r'="([^"]*)"')
_SPAN = re.compile(r"\s*(?:至|到|～|~|—|–|\bto\b| - |(?<=[0-9]{8})-(?=[0-9]{8}))\s*")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONGEST = 64
"""Characters of a text up to which its days are remembered."""
_HINTS = ("%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d")
"""Formats that a hint may name, where one fits the value at hand."""
_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Spans:
    """The first and the last day that each row speaks of; `given` where the cell has both."""

    first: Dates
    last: Dates
    given: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def read_days(column: Column, date_format: str | None) -> Dates:
    """Return cells as days.

    Parameters
    ----------
    column
        Text, dates, datetimes at midnight or ``datetime64``.
    date_format
        `strptime` format of text cells, or ``"excel"`` for serial days; None for what can be read
        in one way only.

    Returns
    -------
    ndarray of datetime64[D]
        Shape ``(rows,)``.

    Raises
    ------
    CalendarError
        ``bad-date`` for the first cell that is not one whole day.
    """
    spans = read_spans(column, date_format)
    for row in np.flatnonzero(spans.first != spans.last)[:1]:
        at = int(column.cells.at[row])
        column.refuse("bad-date", at, say("span-days"), say("remedy-day-cell"))
    return spans.first


def read_spans(column: Column, date_format: str | None) -> Spans:
    """Return cells as spans of days; one day is a span of its own. All else as `read_days`."""
    cells, spellings = column.cells, column.cells.spellings
    if spellings.dtype.kind == "M":
        days = spellings.astype("datetime64[D]")
        _check_whole(column, ~np.isnat(days) & (days == spellings), date_format)
        return Spans(days[cells.at], days[cells.at], np.zeros(len(cells), dtype=bool))
    read = [_ends(cell, date_format) for cell in spellings]
    notes = []
    if date_format is None and any(isinstance(end, _Either) for ends in read for end in ends):
        order = _settled(column, read)
        notes = [say(f"dates-{order}-first", column=column.name)]
        read = [
            tuple(end.read(order) if isinstance(end, _Either) else end for end in ends)
            for ends in read
        ]
    _check_whole(column, np.array([None not in ends for ends in read]), date_format)
    given = np.array([len(ends) == 2 for ends in read], dtype=bool)
    first = last = _as_days(ends[0] for ends in read)
    if given.any():
        last = _as_days(ends[-1] for ends in read)
    for at in np.flatnonzero(last < first)[:1].tolist():
        column.refuse("bad-date", at, say("span-ends-before"), say("remedy-correct-span"))
    return Spans(first[cells.at], last[cells.at], given[cells.at], tuple(notes))


def _as_days(dates: Iterable[Any]) -> Dates:
    """Return dates as numpy has them; its own way takes five times as long."""
    since = np.array([date.toordinal() for date in dates], dtype=np.int64) - _EPOCH
    return since.astype("datetime64[D]")


def span_of(cell: Any, date_format: str | None) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last day that a cell names, None where it names none.

    A date that may be day-first or month-first is read as either: this tells dates from words.
    """
    days = [
        e.read("day") or e.read("month") if isinstance(e, _Either) else e
        for e in _ends(cell, date_format)
    ]
    first, last = days[0], days[-1]
    return None if first is None or last is None else (first, last)


@dataclass(frozen=True)
class _Either:
    """A date whose first two numbers are day and month, or month and day."""

    one: int
    other: int
    year: int

    def read(self, order: str) -> dt.date | None:
        day, month = (self.one, self.other) if order == "day" else (self.other, self.one)
        return _date(self.year, month, day)


def _settled(column: Column, read: list[tuple[Any, ...]]) -> str:
    """Return whether the whole column is day-first or month-first, or refuse it."""
    at: dict[str, int] = {}
    for spelling, ends in enumerate(read):
        for end in ends:
            if isinstance(end, _Either):
                kind = "day" if end.one > 12 else "month" if end.other > 12 else ""
                at.setdefault(kind, spelling)
            elif end is not None:
                at.setdefault("plain", spelling)

    def place(kind: str) -> str:
        return say(
            "place-on-day",
            place=column.place(at[kind]),
            day=shown(column.cells.spellings[at[kind]]),
        )

    if "plain" in at:
        last = max(spelling for kind, spelling in at.items() if kind != "plain")
        problem = say("written-otherwise", place=place("plain"))
        column.refuse("bad-date", last, problem, say("remedy-one-spelling"))
    if "day" in at and "month" in at:
        problem = say("day-first-where-month", place=place("month"))
        column.refuse("bad-date", at["day"], problem, say("remedy-write-all-dates"))
    if "day" not in at and "month" not in at:
        problem, remedy = say("day-first-month"), say("remedy-declare-day-month")
        column.refuse("bad-date", at[""], problem, remedy)
    return "day" if "day" in at else "month"


def _ends(text: Any, date_format: str | None) -> tuple[dt.date | _Either | None, ...]:
    """Return the day of a cell, or the first and the last of a span; None for what is no day."""
    if not isinstance(text, str):
        return (_typed(text, date_format),)
    return (_ends_of if len(text) <= _LONGEST else _ends_of.__wrapped__)(text, date_format)


@lru_cache(maxsize=4096)
def _ends_of(text: str, date_format: str | None) -> tuple[dt.date | _Either | None, ...]:
    """Return the ends of a text: the same days are in every file of many accounts."""
    whole = _FORMULA_TEXT.fullmatch(text.strip())
    text = half_width(whole[1] if whole else text).strip()
    day = _parse(text, date_format)
    if day is not None:
        return (day,)
    parts = _SPAN.split(text)
    return tuple(_parse(part, date_format) for part in parts) if len(parts) == 2 else (None,)


def _parse(text: str, date_format: str | None) -> dt.date | _Either | None:
    """Return the day that a text names, or None where it does not name one."""
    if date_format == EXCEL:
        return _serial(text)
    if date_format is not None:
        try:
            return _midnight(dt.datetime.strptime(text, date_format))
        except ValueError:
            return None
    text = _WEEKDAY.sub("", _MIDNIGHT.sub("", text))
    if match := _YEAR_FIRST.fullmatch(text):
        return _date(int(match[1]), int(match[3]), int(match[4]))
    if match := _DIGITS.fullmatch(text):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := _TWO_FIRST.fullmatch(text):
        one, other, year = map(int, match.groups())
        both = _date(year, other, one), _date(year, one, other)
        return _Either(one, other, year) if any(both) else None
    if match := _ISO_WEEK.fullmatch(text):
        try:
            return dt.date.fromisocalendar(int(match[1]), int(match[2]), 1)
        except ValueError:
            return None
    for pattern, day, month in ((_DAY_MONTH, 1, 2), (_MONTH_DAY, 2, 1)):
        if match := pattern.fullmatch(text):
            name = match[month][:3].lower()
            number = _MONTHS.index(name) + 1 if name in _MONTHS else 0
            return _date(int(match[3]), number, int(match[day]))
    return None


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _serial(value: Any) -> dt.date | None:
    """Return the day that a spreadsheet counts as this number, 1900-03-01 or later."""
    try:
        days = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    whole = 61 <= days < 2_958_466 and days == int(days)
    return dt.date(1899, 12, 30) + dt.timedelta(days=int(days)) if whole else None


def _typed(cell: Any, date_format: str | None) -> dt.date | None:
    """Return the day of a cell that is not text, or None."""
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    # A missing time stamp of pandas is a datetime too, but differs from itself.
    if isinstance(cell, dt.date) and cell == cell:
        return _midnight(cell) if isinstance(cell, dt.datetime) else cell
    if isinstance(cell, bool) or not isinstance(cell, numbers.Real):
        return None
    if date_format == EXCEL:
        return _serial(cell)
    # A workbook turns 20261120 into a number.
    day = _parse(str(cell), date_format) if isinstance(cell, numbers.Integral) else None
    return day if isinstance(day, dt.date) else None


def _midnight(stamp: dt.datetime) -> dt.date | None:
    # The zone is left out: the date is the one that is written.
    return stamp.date() if stamp.time() == dt.time.min else None


def _check_whole(column: Column, good: NDArray[np.bool_], date_format: str | None) -> None:
    """Refuse the first spelling that is no whole day, with the format that would read it."""
    if good.all():
        return
    at = int(np.argmin(good))
    cell = column.cells.spellings[at]
    text = str(cell).strip()
    if re.search(r"[0-9]:[0-9]{2}", text) and not isinstance(cell, (int, float)):
        problem, remedy = say("not-whole-day"), say("remedy-dates-without-time")
    elif text in ("", "NaT", "None", "nan", "<NA>"):
        problem, remedy = say("value-missing"), say("remedy-row-date-remove")
    elif date_format is not None:
        problem = say("not-date-form", date_format=repr(date_format))
        remedy = say("remedy-declare-date-format")
    else:
        problem = say("not-date-can")
        fits = [repr(f) for f in _HINTS if _parse(half_width(text), f) is not None]
        if _serial(text) is not None and "." not in text:
            fits = [repr(EXCEL)]
        remedy = say("remedy-declare-some-format")
        if fits:
            remedy = say("remedy-declare-that-format", formats=" or ".join(fits))
    column.refuse("bad-date", at, problem, remedy)
