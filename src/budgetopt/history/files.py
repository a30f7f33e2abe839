"""A path to a table: which reader serves which kind of file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

from budgetopt.errors import HistoryError
from budgetopt.history.columns import Columns, check_columns
from budgetopt.history.table import Table, bad_file, from_frame
from budgetopt.history.text import read_text
from budgetopt.history.workbook import read_workbook


def load(path: str | os.PathLike[str], columns: Columns) -> Table:
    """Read the declared columns of a file; its suffix says what kind it is.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``no-data``, ``unknown-name`` for a sheet, or
        ``missing-extra`` where the package for this kind of file is not installed.
    """
    check_columns(columns)
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    try:
        # First, since a folder or a missing file says more than its suffix does.
        data = path.read_bytes()
    except FileNotFoundError:
        bad_file(path, "not there", "check the path")
    except IsADirectoryError:
        bad_file(path, "a folder", "give one file")
    except (OSError, ValueError) as error:
        bad_file(path, f"not readable ({error})", "check the path and its permissions")
    if reader is None:
        bad_file(path, "of a kind that is not read", f"give one of {', '.join(READERS)}")
    if not data.strip():
        bad_file(path, "empty", "export it again")
    return reader(path, data, columns)


def _read_parquet(path: Path, data: bytes, columns: Columns) -> Table:
    try:
        import pyarrow  # type: ignore[import-untyped] # noqa: F401 - only to know that it is there
    except ImportError:
        raise HistoryError(
            "missing-extra",
            "reading a parquet file needs pyarrow, which is not installed",
            field="path",
            value="pyarrow",
            remedy="pip install 'budgetopt[parquet]'",
        ) from None
    import pandas as pd

    try:
        frame = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
    except Exception as error:  # noqa: BLE001 - a broken file fails in a dozen ways
        bad_file(path, f"not a whole parquet file ({error})", "write it again")
    return from_frame(frame, columns)


READERS: dict[str, Callable[[Path, bytes, Columns], Table]] = {
    ".csv": read_text,
    ".txt": read_text,
    ".tsv": read_text,
    ".xlsx": read_workbook,
    ".parquet": _read_parquet,
}
"""Kinds of file by suffix."""
