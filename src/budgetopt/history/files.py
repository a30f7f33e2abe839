"""Files to raw tables: workbooks and parquet here, texts by `texts`; `load` chooses by the suffix.

Headers may stand below title lines, in text and in workbooks. Sizes are limited, since files come
from other people.
"""

from __future__ import annotations

import errno
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budgetopt.errors import HistoryError, foreign
from budgetopt.history.cells import refuse
from budgetopt.history.columns import Columns, check_columns, suggest
from budgetopt.history.tables import (
    MOST_CELL,
    MOST_ROWS,
    SHOWN,
    HeadRow,
    Plain,
    Table,
    bad_file,
    best_header,
    check_header,
    column_letter,
    from_frame,
    numbered_columns,
    table_of,
    too_much,
)
from budgetopt.history.template import (
    HEADER_WITHIN,
    Filled,
    Sheets,
    cells_of,
    find_template,
    numbered_rows,
)
from budgetopt.history.texts import find_encoding, read_text
from budgetopt.i18n import listed, missing_extra, say
from budgetopt.untrusted import read_bounded

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 * 2**20
"""Size of a file that is read: ten years of daily rows of 200 channels are a quarter of it."""
MOST_UNPACKED = 256 * 2**20
"""Size of what a compressed file unpacks to."""
MOST_SHEET_ROWS = 200_000
"""Rows of a workbook, likewise; they take far longer to read than those of a text."""
MOST_CELLS = 2_000_000
"""Cells of a workbook, likewise."""


def sheet_rows(sheets: Sheets) -> Iterator[HeadRow]:
    """Yield the first rows of every sheet: its title, rows above, cells."""
    for title, rows in sheets.items():
        for above, row in enumerate(rows[:HEADER_WITHIN]):
            yield title, above, cells_of(row)


def read_workbook(path: Path, data: bytes, columns: Columns | Plain) -> Table:
    """Return the declared columns of the sheet that is declared, or that alone holds them all.

    A filled-in template has columns of its own.
    """
    sheets = read_sheets(path, data)
    filled = None if isinstance(columns, Plain) else find_template(sheets, columns)
    if filled is not None:
        return _of_template(path, data, sheets, filled)
    if columns.sheet is not None:
        if columns.sheet not in sheets:
            problem = say("sheet-not-in-file", sheet=repr(columns.sheet), name=path.name)
            remedy = suggest(columns.sheet, sheets)
            refuse("unknown-name", problem, "history.sheet", columns.sheet, remedy)
        sheets = {columns.sheet: sheets[columns.sheet]}
    seen = list(sheet_rows(sheets))
    if not seen:
        bad_file(path, say("workbook-without-filled"), say("remedy-export-again"))
    declared = set(columns.declared)
    whole = {title for title, _, cells in seen if declared.issubset(cells)}
    if len(whole) > 1:
        titles = ", ".join(map(repr, sorted(whole)))
        problem = say("ambiguous-sheets-hold", titles=titles)
        bad_file(path, problem, say("remedy-declare-sheet"))
    title, above, header = best_header(seen, columns)
    check_header(header, columns, path.name)
    rows = numbered_rows(sheets[title], above, len(header))
    numbered = numbered_columns(rows, len(header))
    table = table_of(*numbered, header, columns, "row", above, sheet=title)
    empty = [name for name in table.letters if None in table.cells[name].spellings.tolist()]
    if empty:
        places = {int(place) for place in table.places[~table.labels]}
        _check_formulas(path, data, title, {header.index(name) for name in empty}, places)
    return table


def _of_template(path: Path, data: bytes, sheets: Sheets, filled: Filled) -> Table:
    """Return the rows of a template, without weeks before and after those that are filled in."""
    rows, open_weeks = filled.rows(sheets[filled.sheet])
    # Of all rows: a week of formulas without values looks like one that is not filled in.
    every = set(range(filled.above + 2, len(sheets[filled.sheet]) + 1))
    _check_formulas(path, data, filled.sheet, filled.amounts, every)
    if not rows:
        problem = say("template-nobody-filled", name=path.name)
        remedy = say("remedy-fill-sheet", sheet=repr(filled.sheet))
        refuse("no-data", problem, "history", path.name, remedy)
    header, columns = filled.header, filled.columns
    numbered = numbered_columns(rows, len(header))
    made = table_of(*numbered, header, columns, "row", labelled=False, sheet=filled.sheet)
    note = say("template-weeks-open", weeks=listed(map(str, open_weeks), SHOWN))
    notes = (*made.notes, note) if open_weeks else made.notes
    return replace(made, notes=notes, columns=columns)


def is_template(path: Path, columns: Columns) -> bool:
    """Say whether a file is a filled-in template, which no plan has to declare."""
    if path.suffix.lower() != ".xlsx":
        return False
    try:
        sheets = read_sheets(path, read_bounded(path, MOST_BYTES))
    except (OSError, ValueError):
        # What is wrong with it is said where it is read.
        return False
    return find_template(sheets, replace(columns, sources=())) is not None


def _check_formulas(
    path: Path, data: bytes, title: str, columns: set[int], places: set[int]
) -> None:
    """Refuse the first formula of some cells that has no stored value, by its cell."""
    import openpyxl  # type: ignore[import-untyped] # it comes without types

    formulas = openpyxl.load_workbook(io.BytesIO(data), read_only=True)[title]
    values = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)[title]
    for sheet in (formulas, values):
        sheet.reset_dimensions()
    rows = (sheet.iter_rows(values_only=True) for sheet in (formulas, values))
    for number, (written, stored) in enumerate(zip(*rows, strict=True), start=1):
        if number not in places:
            continue
        for at in sorted(columns & set(range(len(written)))):
            if stored[at] is None and isinstance(written[at], str) and written[at][:1] == "=":
                cell = f"{column_letter(at)}{number}"
                bad_file(
                    path,
                    say("workbook-whose-cell", cell=cell),
                    say("remedy-open-spreadsheet-save"),
                )


def read_sheets(path: Path, data: bytes) -> Sheets:
    """Return the cells of every sheet: formulas as the value that was saved with them."""
    try:
        import openpyxl
    except ImportError:
        raise missing_extra(
            say("reading-workbook"), "openpyxl", "excel", "path", HistoryError
        ) from None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
            linked = any(part.startswith("xl/externalLinks/") for part in packed.namelist())
        # Before anything is unpacked: a part never unpacks to more than it declares.
        too_much(path, unpacked, MOST_UNPACKED, say("n-bytes"))
        if linked:
            problem = say("linked-another-workbook")
            bad_file(path, problem, say("remedy-paste-cells-values"))
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        return _cells(path, book)
    except HistoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken workbook fails in a dozen ways
        bad_file(
            path, say("not-whole-workbook", error=foreign(error)), say("remedy-save-again-xlsx")
        )


def _cells(path: Path, book: Any) -> Sheets:
    """Return the cells of every sheet, as many as may be."""
    sheets: Sheets = {}
    rows = cells = 0
    for sheet in book.worksheets:
        # Some exporters declare a sheet smaller than it is.
        sheet.reset_dimensions()
        kept = sheets[sheet.title] = []
        for row in sheet.iter_rows(values_only=True):
            # Rows that are not there are counted too: a sheet may number them as it likes.
            rows, cells = rows + 1, cells + len(row)
            too_much(path, rows, MOST_SHEET_ROWS, say("n-rows"))
            too_much(path, cells, MOST_CELLS, say("n-cells"))
            for cell in row:
                if isinstance(cell, str):
                    too_much(path, len(cell), MOST_CELL, say("n-characters"))
            kept.append(list(row))
    return sheets


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
    data = read_file(path)
    return replace(READERS[path.suffix.lower()](path, data, columns), file=path.name)


def load_plain(source: Any, needed: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Return all columns of a file or of a data frame that is no history, its cells as they stand.

    A text is read in the encoding that shows the columns which are needed. Of two columns of one
    name neither is read; of one that is needed, or optional, they are refused.

    Raises
    ------
    HistoryError
        As `load`.
    """
    wanted = Plain(tuple(dict.fromkeys(needed)))
    if not isinstance(source, (str, os.PathLike)):
        return from_frame(source, wanted)
    path = Path(source)
    # A pipe has no suffix.
    kind = path.suffix.lower() or ".csv"
    data, read = read_file(path, kind), READERS[kind]
    if read is read_text:
        _, encoding = find_encoding(path, data, lambda row: len({*row} & {*wanted.declared}))
        wanted = replace(wanted, encoding=encoding)
    table = read(path, data, wanted)
    there = tuple(name for name in optional if name in table.header)
    check_header(table.header, Plain(there), path.name)
    return replace(table, file=path.name, one_of_many=True)


def read_file(path: Path, kind: str | None = None) -> bytes:
    """Return the bytes of a file of a kind that is read, of which there are some and not too many.

    Raises
    ------
    HistoryError
        ``bad-file``.
    """
    try:
        # First, since a folder or a missing file says more than its suffix does.
        data = read_bounded(path, MOST_BYTES)
    except FileNotFoundError:
        bad_file(path, say("path-not-there"), say("remedy-check-path"))
    except IsADirectoryError:
        bad_file(path, say("path-is-folder"), say("remedy-file"))
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            bad_file(
                path, say("too-large", strerror=foreign(error)), say("remedy-split-export-fewer")
            )
        bad_file(
            path, say("not-readable", error=foreign(error)), say("remedy-check-path-permissions")
        )
    if path.suffix.lower() == ".xls":
        bad_file(path, say("workbook-old-format"), say("remedy-save-xlsx"))
    kind = path.suffix.lower() if kind is None else kind
    if kind not in READERS:
        bad_file(
            path,
            say("not-supported-file"),
            say("remedy-give-one-of", kinds=[*READERS]),
        )
    if not data.strip():
        bad_file(path, say("value-empty"), say("remedy-export-again"))
    if READERS[kind] is read_text and data.startswith(b"PK\x03\x04"):
        bad_file(path, say("workbook-name-text"), say("remedy-rename-xlsx"))
    return data


def _read_parquet(path: Path, data: bytes, columns: Columns | Plain) -> Table:
    return from_frame(parquet_frame(path, data), columns, path.name)


def parquet_frame(path: Path, data: bytes) -> pd.DataFrame:
    """Return a parquet file as a frame, measured before it is unpacked."""
    try:
        from pyarrow import parquet  # type: ignore[import-untyped] # it comes without types
    except ImportError:
        raise missing_extra(
            say("reading-parquet"), "pyarrow", "parquet", "path", HistoryError
        ) from None
    import pandas as pd

    try:
        stored = parquet.ParquetFile(io.BytesIO(data)).metadata
        groups = (stored.row_group(at).total_byte_size for at in range(stored.num_row_groups))
        rows, unpacked = stored.num_rows, sum(groups)
    except Exception as error:  # noqa: BLE001 - a broken file fails in a dozen ways
        bad_file(path, say("not-whole-parquet", error=foreign(error)), say("remedy-write-again"))
    too_much(path, rows, MOST_ROWS, say("n-all-rows"))
    too_much(path, unpacked, MOST_UNPACKED, say("n-bytes"))
    try:
        frame = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
        # Text that is no UTF-8 is found only once it is taken out of Arrow.
        texts = [at for at, kind in frame.dtypes.items() if isinstance(kind, pd.StringDtype)]
        return frame.astype(dict.fromkeys(texts, object))
    except Exception as error:  # noqa: BLE001 - a broken file fails in a dozen ways
        bad_file(path, say("not-whole-parquet", error=foreign(error)), say("remedy-write-again"))


READERS: dict[str, Callable[[Path, bytes, Columns | Plain], Table]] = {
    ".csv": read_text,
    ".txt": read_text,
    ".tsv": read_text,
    ".xlsx": read_workbook,
    ".parquet": _read_parquet,
}
"""Kinds of file by suffix."""
