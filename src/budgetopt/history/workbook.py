"""Excel workbooks to tables: the sheet, and the header below any title rows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from budgetopt.errors import HistoryError
from budgetopt.history.columns import Columns, suggest
from budgetopt.history.table import HEADER_WITHIN, Table, bad_file, check_header, from_rows, hits

Sheets = dict[str, list[list[Any]]]


def read_workbook(path: Path, data: bytes, columns: Columns) -> Table:
    """Return the declared columns of the sheet that is declared, or that alone holds them all."""
    sheets = _sheets(path, data)
    if columns.sheet is not None:
        if columns.sheet not in sheets:
            raise HistoryError(
                "unknown-name",
                f"sheet {columns.sheet!r} is not in {path.name}",
                field="history.sheet",
                value=columns.sheet,
                remedy=suggest(columns.sheet, sheets),
            )
        sheets = {columns.sheet: sheets[columns.sheet]}
    title, above, header = _find_header(path, sheets, columns)
    check_header(header, columns)
    rows = [
        (number, row + [None] * (len(header) - len(row)))
        for number, row in enumerate(sheets[title], start=1)
        if number > above + 1 and any(cell is not None and str(cell).strip() for cell in row)
    ]
    return from_rows(rows, header, columns, unit="row", above=above)


def _sheets(path: Path, data: bytes) -> Sheets:
    """Return the cells of every sheet: formulas as the value that was saved with them."""
    try:
        import openpyxl  # type: ignore[import-untyped] # it comes without types
    except ImportError:
        raise HistoryError(
            "missing-extra",
            "reading a workbook needs openpyxl, which is not installed",
            field="path",
            value="openpyxl",
            remedy="pip install 'budgetopt[excel]'",
        ) from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            # Some exporters declare a sheet smaller than it is.
            sheet.reset_dimensions()
        return {
            sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
            for sheet in book.worksheets
        }
    except Exception as error:  # noqa: BLE001 - a broken workbook fails in a dozen ways
        bad_file(path, f"not a whole workbook ({error})", "save it again as .xlsx")


def _find_header(path: Path, sheets: Sheets, columns: Columns) -> tuple[str, int, list[str]]:
    """Return the sheet, the rows above its header, and the header."""
    seen = []
    for title, rows in sheets.items():
        for above, row in enumerate(rows[:HEADER_WITHIN]):
            cells = ["" if cell is None else str(cell).strip() for cell in row]
            seen.append((hits(cells, columns), above, title, cells))
    if not seen:
        bad_file(path, "a workbook without a filled sheet", "export it again")
    whole = {title for found, _, title, _ in seen if found == len(columns.declared)}
    if len(whole) > 1:
        bad_file(
            path,
            f"ambiguous: sheets {', '.join(map(repr, sorted(whole)))} hold all declared columns",
            "declare which sheet",
        )
    _, above, title, cells = max(seen, key=lambda row: (row[0], -row[1] if row[0] else len(row[3])))
    return title, above, cells
