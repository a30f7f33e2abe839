"""Text files to tables: encoding, delimiter, and the header below any title lines.

Read with the standard library, so that a word such as ``na`` stays a word, every row keeps its
line number, and a row with too many or too few cells is noticed.
"""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from budgetopt.history.columns import Columns
from budgetopt.history.dates import is_total
from budgetopt.history.table import HEADER_WITHIN, Table, bad_file, check_header, from_rows, hits

DELIMITERS = (",", ";", "\t", "|")

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, data: bytes, columns: Columns) -> Table:
    """Return the declared columns of a delimited text file."""
    if data.startswith(b"PK\x03\x04"):
        bad_file(path, "a workbook under the name of a text file", "name it .xlsx")
    text = _decode(path, data, columns.encoding)
    delimiter, above, header = _find_header(text, columns)
    check_header(header, columns)
    rows = _rows_below(path, text, columns, delimiter, above, header)
    return from_rows(rows, header, columns, unit="line", above=above, delimiter=delimiter)


def _decode(path: Path, data: bytes, encoding: str | None) -> str:
    """Return the text of a file, by its declared encoding, its byte-order mark, or as UTF-8."""
    marked = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding or marked)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad_file(
            path,
            f"not {encoding or marked}: byte 0x{data[error.start]:02x} in line {line}, "
            f"position {error.start}",
            "declare its encoding, e.g. encoding = 'gbk' or 'cp1252'",
        )
    if "\0" in text:
        bad_file(path, "full of zero bytes", "declare its encoding, e.g. encoding = 'utf-16-le'")
    return text.removeprefix("\ufeff")


def _find_header(text: str, columns: Columns) -> tuple[str, int, list[str]]:
    """Return delimiter, lines above, and cells of the first line that holds all columns.

    Where no line does, it is the line that holds most of them, for the error to suggest from.
    """
    seen = []
    for mark in (columns.delimiter,) if columns.delimiter else DELIMITERS:
        above = 0
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                seen.append((hits(cells, columns), above, mark, cells))
                above = reader.line_num
                if seen[-1][0] == len(columns.declared) or above >= HEADER_WITHIN:
                    break
        except csv.Error:
            continue  # A cell without end under this delimiter: the others may do.
    if not seen:
        return ",", 0, []
    _, above, mark, cells = max(
        seen, key=lambda line: (line[0], -line[1] if line[0] else len(line[3]))
    )
    return mark, above, cells


def _rows_below(
    path: Path, text: str, columns: Columns, delimiter: str, above: int, header: list[str]
) -> list[tuple[int, list[str]]]:
    """Return the rows under the header with their line numbers, blank ones left out."""
    stream = io.StringIO(text, newline="")
    for _ in range(above):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    week = header.index(columns.week)
    need = max(header.index(name) for name in columns.declared) + 1
    rows: list[tuple[int, list[str]]] = []
    try:
        next(reader)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            # A totals row may be short.
            short = len(row) < need and not (len(row) > week and is_total(row[week]))
            if short or any(cell.strip() for cell in row[len(header) :]):
                bad_file(
                    path,
                    f"uneven: line {above + reader.line_num} has {len(row)} cells, "
                    f"the header {len(header)}",
                    "quote cells that hold the delimiter, and export whole rows",
                )
            rows.append((above + reader.line_num, row + [""] * (need - len(row))))
    except csv.Error as error:
        bad_file(path, f"broken at line {above + reader.line_num} ({error})", "export it again")
    return rows
