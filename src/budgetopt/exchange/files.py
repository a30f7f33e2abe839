"""What the readers of this room share: tables and JSON of untrusted files, and their refusals."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from budgetopt.arrays import Floats
from budgetopt.errors import HistoryError, foreign
from budgetopt.messages import say
from budgetopt.untrusted import MEBIBYTE, is_safe, read_bounded

MOST_BYTES = 64 * MEBIBYTE


def read_table(path: str | PathLike[str], needed: Sequence[str]) -> pd.DataFrame:
    """Return a CSV file as text, checked for its columns.

    Raises
    ------
    HistoryError
        ``bad-file`` or ``bad-columns``.
    """
    try:
        data = read_bounded(Path(path), MOST_BYTES)
        table = pd.read_csv(
            io.BytesIO(data), dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (OSError, ValueError, pd.errors.ParserError) as error:
        reason = foreign(error) if isinstance(error, OSError) else say("not-a-csv-file")
        raise refused("bad-file", "path", say("path-unreadable", path=repr(str(path)),
                      reason=reason), say("remedy-csv-file-utf")) from None  # fmt: skip
    if not isinstance(table.index, pd.RangeIndex):
        # A row with a cell too many makes an index of the first column.
        raise refused("bad-file", "path", say("rows-longer-than", name=Path(path).name),
                      say("remedy-quote-cells-hold"))  # fmt: skip
    for name in needed:
        if name not in table.columns:
            there = ", ".join(map(str, table.columns[:8]))
            raise refused("bad-columns", name, say("no-column", name=Path(path).name,
                          name_2=repr(name)), say("choose-one-of", known=there))  # fmt: skip
    return table


def numbers(table: pd.DataFrame, name: str, path: str | PathLike[str]) -> Floats:
    """Return a column as finite numbers.

    Raises
    ------
    HistoryError
        ``bad-number``, which names the line.
    """
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
    for at in np.flatnonzero(~np.isfinite(values))[:1]:
        line = int(table.index[at]) + 2
        cell = str(table[name].iloc[at])[:60]
        raise refused("bad-number", name, say("line-not-finite", name=Path(path).name, line=line,
                      name_2=repr(name), cell=repr(cell)), say("remedy-export-again"))  # fmt: skip
    return values


def dates(table: pd.DataFrame, name: str, path: str | PathLike[str]) -> Any:
    """Return a column of ISO dates as days.

    Raises
    ------
    HistoryError
        ``bad-date``, which names the line.
    """
    days = pd.to_datetime(table[name], errors="coerce", format="ISO8601", utc=True)
    for at in np.flatnonzero(days.isna())[:1]:
        cell = str(table[name].iloc[at])[:60]
        raise refused(
            "bad-date",
            name,
            say(
                "line-not-date", name=Path(path).name, at=at + 2, name_2=repr(name), cell=repr(cell)
            ),
            say("remedy-write-dates-2026"),
        )
    return days.dt.tz_localize(None).to_numpy(dtype="datetime64[D]")


def read_json(path: str | PathLike[str]) -> Any:
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
                  say("remedy-export-model-again"))  # fmt: skip


def _no_number(text: str) -> Any:
    raise ValueError(text)


def safe_names(names: Sequence[str], field: str) -> tuple[str, ...]:
    """Return channel names that can be shown and are told apart.

    Raises
    ------
    HistoryError
        ``bad-name``.
    """
    for name in names:
        if not name.strip() or not is_safe(name) or len(name) > 200:
            raise refused("bad-name", field, say("channel-called", name=repr(name[:60])),
                          say("remedy-name-can-shown"))  # fmt: skip
    if len(set(names)) < len(names) or not names:
        raise refused("bad-name", field, say("no-channel-two"),
                      say("remedy-name-channel-once"))  # fmt: skip
    return tuple(names)


def refused(code: str, field: str, problem: str, remedy: str) -> HistoryError:
    """Return the error of a file that is refused."""
    return HistoryError(code, problem, field=field, value=field, remedy=remedy)
