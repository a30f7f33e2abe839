"""Cells to days: ISO dates, or one declared format.

A time of day is refused, since it means hourly rows, or a time zone that shifted the date.
"""

from __future__ import annotations

import datetime as dt
import numbers
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
        texts = {cell for cell in cells if isinstance(cell, str)}
        known = {text: _parse(text.strip(), date_format) for text in texts}
        found = [known[c] if isinstance(c, str) else _typed(c, date_format) for c in cells]
        good = np.array([day is not None for day in found], dtype=bool)
        days = np.array(found, dtype="datetime64[D]")
    if not good.all():
        at = int(np.argmin(good))
        _refuse(cells[at], date_format, field, where(at))
    return days


def _parse(text: str, date_format: str | None) -> dt.date | None:
    """Return the day that a text names, or None where it does not name one."""
    try:
        if date_format is not None:
            return _midnight(dt.datetime.strptime(text, date_format))
        match = ISO.fullmatch(text)
        return dt.date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _typed(cell: Any, date_format: str | None) -> dt.date | None:
    """Return the day of a cell that is not text, or None."""
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    # A missing time stamp of pandas is a datetime too, but differs from itself.
    if isinstance(cell, dt.date) and cell == cell:
        return _midnight(cell) if isinstance(cell, dt.datetime) else cell
    # A workbook turns 20261120 into a number; only a declared format makes it a date.
    whole = isinstance(cell, numbers.Integral) and date_format is not None
    return _parse(str(cell), date_format) if whole else None


def _midnight(stamp: dt.datetime) -> dt.date | None:
    # The zone is left out: the date is the one that is written.
    return stamp.date() if stamp.time() == dt.time.min else None


def _refuse(cell: Any, date_format: str | None, field: str, place: str) -> None:
    text = str(cell).strip()
    if re.search(r"[0-9]:[0-9]{2}", text) and not isinstance(cell, (int, float)):
        problem, remedy = "not a whole day", "give dates without a time of day"
    elif text in ("", "NaT", "None", "nan", "<NA>"):
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
