"""Cells to days: ISO dates, or one declared format.

A time of day is refused, since it means hourly rows, or a time zone that shifted the date.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import CalendarError

TOTALS = frozenset({"total", "totals", "grand total", "合计", "总计", "汇总"})
"""What stands in the date cell of a totals row, in lower case and without a colon."""

ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")


def is_total(cell: Any) -> bool:
    """Say whether a date cell marks a totals row."""
    return isinstance(cell, str) and cell.strip().rstrip(":：").strip().casefold() in TOTALS


def read_days(
    cells: NDArray[Any], date_format: str | None, field: str, where: Callable[[int], str]
) -> NDArray[np.datetime64]:
    """Return cells as days.

    Parameters
    ----------
    cells
        Text, dates, datetimes at midnight or ``datetime64``, shape ``(rows,)``.
    date_format
        `strptime` format of text cells; None for ISO.
    field
        Name of the column, for errors.
    where
        Says where a row stands in its file.

    Returns
    -------
    ndarray of datetime64[D]
        Shape ``(rows,)``.

    Raises
    ------
    CalendarError
        ``bad-date`` for the first cell that is not one whole day.
    """
    if cells.dtype.kind == "M":
        days = cells.astype("datetime64[D]")
        good = ~np.isnat(days) & (days == cells)
    else:
        # Dates repeat once per channel: read each spelling once.
        known = {cell: _day(cell, date_format) for cell in {_key(cell) for cell in cells}}
        found = [known[_key(cell)] for cell in cells]
        good = np.array([day is not None for day in found], dtype=bool)
        days = np.array(found, dtype="datetime64[D]")
    if not good.all():
        at = int(np.argmin(good))
        _refuse(cells[at], date_format, field, where(at))
    return days


def _key(cell: Any) -> Any:
    return cell if isinstance(cell, (str, dt.date)) else repr(cell)


def _day(cell: Any, date_format: str | None) -> dt.date | None:
    """Return the day of a cell, or None where it is not one day."""
    if isinstance(cell, dt.datetime):
        # Comparing the time alone leaves out the zone: the date is the one that is written.
        return cell.date() if cell.time() == dt.time.min else None
    if isinstance(cell, dt.date):
        return cell
    try:
        if date_format is None:
            match = ISO.fullmatch(cell.strip())
            return dt.date.fromisoformat(match[1]) if match else None
        return _day(dt.datetime.strptime(cell.strip(), date_format), None)
    except ValueError:
        return None


def _refuse(cell: Any, date_format: str | None, field: str, place: str) -> None:
    text = str(cell).strip()
    if re.search(r"[0-9]:[0-9]{2}", text) and not isinstance(cell, (int, float)):
        problem, remedy = "not a whole day", "give dates without a time of day"
    elif text in ("", "NaT", "None", "nan"):
        problem, remedy = "missing", "give every row its date, or remove the row"
    elif date_format is not None:
        problem, remedy = f"not a date of the form {date_format!r}", "declare its date_format"
    else:
        problem = "not an ISO date"
        remedy = "write it as 2026-11-20, or declare date_format, such as '%d-%m-%Y'"
    raise CalendarError(
        "bad-date",
        f"{place}: {field!r} is {text[:60]!r}, {problem}",
        field=field,
        value=cell,
        remedy=remedy,
    )
