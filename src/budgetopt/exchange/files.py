"""What the readers of this room share: tables and JSON of untrusted files, and their refusals."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.errors import HistoryError, foreign
from budgetopt.history import MOST_AMOUNT, Style, Table, as_text, read_amounts, read_days
from budgetopt.messages import Message, say
from budgetopt.untrusted import MEBIBYTE, read_bounded

MOST_BYTES = 64 * MEBIBYTE


def texts(table: Table, name: str) -> list[str]:
    """Return a column as text, row by row."""
    column: list[str] = table.cells[name].each(as_text, object).tolist()
    return column


def numbers(table: Table, name: str, *, signed: bool = True) -> Floats:
    """Return a column as numbers of at most `MOST_AMOUNT`, at least zero unless they are signed.

    Raises
    ------
    HistoryError
        ``bad-number``, which names the first cell that is none.
    """
    column = table.column(name)
    values = read_amounts(column, Style(delimiter=table.delimiter), signed=signed).values
    for row in np.flatnonzero(~(np.abs(values) <= MOST_AMOUNT))[:1]:
        missing = np.isnan(values[row])
        problem = say("value-missing") if missing else say("beyond-most", most=f"{MOST_AMOUNT:g}")
        remedy = say("remedy-export-again") if missing else say("remedy-amount-in-range")
        column.refuse("bad-number", int(column.cells.at[row]), problem, remedy)
    return values


def dates(table: Table, name: str) -> NDArray[np.datetime64]:
    """Return a column as days.

    Raises
    ------
    CalendarError
        ``bad-date``, which names the first cell that is none.
    """
    return read_days(table.column(name), None)


def read_json(path: str | PathLike[str], remedy: Message) -> Any:
    """Return the plain data of a JSON file: no constants beside JSON's, no deep nesting.

    Raises
    ------
    HistoryError
        ``bad-file``.
    """
    try:
        text = read_bounded(Path(path), MOST_BYTES).decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_number)
    except OSError as error:
        reason = foreign(error)
    except (ValueError, RecursionError):
        reason = say("not-json-utf")
    raise refused("bad-file", "path", say("path-unreadable", path=repr(str(path)), reason=reason),
                  remedy)  # fmt: skip


def _no_number(text: str) -> Any:
    raise ValueError(text)


def refused(code: str, field: str, problem: Message, remedy: Message) -> HistoryError:
    """Return the error of a file that is refused."""
    return HistoryError(code, problem, field=field, value=field, remedy=remedy)
