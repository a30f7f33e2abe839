"""Delimited texts to raw tables: encodings, delimiters, title lines, rows with their line numbers.

Text is read with the standard library, so that a word such as ``na`` stays a word, every row keeps
its line number, and a row with too many or too few cells is noticed; what is large and of the
plainest kind is split by pandas.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import foreign
from budgetopt.history.cells import Cells
from budgetopt.history.columns import Columns
from budgetopt.history.tables import (
    MOST_CELL,
    MOST_ROWS,
    HeadRow,
    Plain,
    Table,
    bad_file,
    best_header,
    check_header,
    numbered_columns,
    table_of,
    too_much,
)
from budgetopt.history.template import HEADER_WITHIN, cells_of
from budgetopt.history.totals import is_total
from budgetopt.i18n import say

MOST_LINE = 1_000_000
"""Characters of one line of text."""
DELIMITERS = (",", ";", "\t", "|")
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, data: bytes, columns: Columns | Plain) -> Table:
    """Return the declared columns of a delimited text file."""
    text, encoding = decode(path, data, columns.encoding)
    if not text.strip():
        # A byte-order mark alone, or blanks of an encoding of two bytes.
        bad_file(path, say("value-empty"), say("remedy-export-again"))
    too_much(path, text.count("\n") + text.count("\r"), 2 * MOST_ROWS, say("n-line-breaks"))
    at = _longer_line(text, MOST_LINE)
    if at is not None:
        line = text.count("\n", 0, at) + 1
        problem = say("line-too-long", line=line, most=f"{MOST_LINE:,}")
        bad_file(path, problem, say("remedy-export-again"))
    marks = (columns.delimiter,) if columns.delimiter else DELIMITERS
    delimiter, above, header = best_header(text_rows(text, marks), columns)
    check_header(header, columns, path.name)
    even = _even(text, delimiter, above, len(header)) if len(text) > _LARGE else None
    cells, lines = even or numbered_columns(
        _rows_below(path, text, columns, delimiter, above, header), len(header)
    )
    return table_of(
        cells, lines, header, columns, "line", above, delimiter=delimiter, encoding=encoding
    )


_LARGE = 2**20
"""Characters of a text from which it is worth to load pandas for it."""


def _even(
    text: str, delimiter: str, above: int, width: int
) -> tuple[list[Cells], NDArray[np.int64]] | None:
    """Return the columns below the header of an even text, and their lines; None for any other.

    No line is blank, each has as many cells as the header, and quotes stand around whole cells
    that end in their line. This agrees with `_rows_below`, which takes three times as long.
    """
    import pandas as pd

    below = re.compile(f"(?:[^\r\n]*(?:\r\n|\r|\n)){{{above + 1}}}").match(text)
    if below is None or not delimiter.isascii() or _longer_line(text, MOST_CELL) is not None:
        return None
    text = text[below.end() :].rstrip("\r\n")
    ends = f"{re.escape(delimiter)}\r\n"
    cell = rf'(?<![^{ends}])"[^"\r\n]*+(?:""[^"\r\n]*+)*+"(?![^{ends}])'
    if '"' in text and not re.fullmatch(rf'[^"]*+(?:{cell}[^"]*+)*+', text):
        return None
    try:
        frame = pd.read_csv(
            io.BytesIO(text.encode()),
            sep=delimiter,
            header=None,
            dtype=object,
            engine="c",
            na_filter=False,
            skip_blank_lines=False,
        )
    except ValueError:  # What its parser raises is one.
        return None
    # Of a line with more cells pandas raises, so that as many altogether are as many in each.
    rows, wide = frame.shape
    quoted = "\0".join(text.split('"')[1::2])
    even = wide == width and text.count(delimiter) - quoted.count(delimiter) == rows * (width - 1)
    if not even or above + rows >= MOST_ROWS:
        return None
    factors = (pd.factorize(frame.iloc[:, at].to_numpy()) for at in range(width))
    cells = [Cells(spellings, at) for at, spellings in factors]
    if not all(map(str.strip, cells[0].spellings)):
        return None
    return cells, above + 2 + np.arange(rows)


def _longer_line(text: str, most: int) -> int | None:
    """Return where a line of more than so many characters begins, None where there is none."""
    at = 0
    while len(text) - at > most:
        window = at, at + most + 1
        end = max(text.rfind("\n", *window), text.rfind("\r", *window))
        if end < 0:
            return at
        at = end + 1
    return None


def decode(path: Path, data: bytes, encoding: str | None) -> tuple[str, str]:
    """Return the text of a file, by its declared encoding, its byte-order mark, or as UTF-8."""
    marked = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding or marked)
    except UnicodeDecodeError as error:
        at, byte = error.start, f"{data[error.start]:02x}"
        line = data.count(b"\n", 0, at) + 1
        problem = say("not-byte-0x", encoding=encoding or marked, data=byte, line=line, start=at)
        bad_file(path, problem, say("remedy-declare-encoding-e-g"))
    if "\0" in text:
        bad_file(path, say("full-zero-bytes"), say("remedy-declare-encoding-e"))
    if encoding is None and data.startswith(codecs.BOM_UTF8):
        marked = "utf-8-sig"
    return text.removeprefix("\ufeff"), encoding or marked


_ENCODINGS = ("utf-8", "gbk", "gb18030", "big5", "shift_jis", "cp1251", "cp1252")
_OF_TWO_BYTES = ("utf-16-le", "utf-16-be")
"""Encodings of text that has zero bytes."""


def find_encoding(
    path: Path, data: bytes, score: Callable[[list[str]], int]
) -> tuple[list[str], str | None]:
    """Return the row of a text that is most of a header, and the encoding that shows it.

    The encoding is None where a byte-order mark says it, or where it is UTF-8.
    """
    marked = [name for mark, name in MARKS if data.startswith(mark)]
    seen: list[tuple[int, str, list[str], str]] = []
    for encoding in marked[:1] or (_OF_TWO_BYTES if b"\0" in data else _ENCODINGS):
        try:
            text = data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
        rows = ((score(row), row) for _, _, row in text_rows(text))
        best, row = max(rows, key=likelihood, default=(0, []))
        seen.append((best, encoding, row, text))
    if not seen:
        bad_file(path, say("no-encoding-known"), say("remedy-save-utf-8"))
    most, encoding, row, text = max(seen, key=itemgetter(0))
    others = {other for s, _, _, other in seen if s == most}
    if encoding != "utf-8" and not marked and "".join(row).isascii() and len(others) > 1:
        # Names of campaigns would be read in one way or another.
        bad_file(path, say("several-encodings"), say("remedy-save-utf-8"))
    return row, None if marked or encoding == "utf-8" else encoding


def likelihood(scored: tuple[Any, ...]) -> tuple[int, int]:
    """Return what a header is chosen by: its score, and where that is nothing its filled cells."""
    score, row = scored[0], scored[-1]
    return score, 0 if score else sum(map(bool, row))


_HEAD = re.compile(f"(?:[^\r\n]*(?:\r\n|\r|\n)){{0,{HEADER_WITHIN}}}[^\r\n]*")


def text_rows(text: str, delimiters: Iterable[str] = DELIMITERS) -> Iterator[HeadRow]:
    """Yield the first rows of a text as each delimiter splits them: that, lines above, cells."""
    found = _HEAD.match(text)
    head = found[0] if found else ""
    for mark in delimiters:
        above = 0
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=mark)
        try:
            for row in reader:
                yield mark, above, cells_of(row)
                above = reader.line_num
                if above >= HEADER_WITHIN:
                    break
        except csv.Error:
            continue  # A cell without end under this delimiter: the others may do.


def _rows_below(
    path: Path, text: str, columns: Columns | Plain, delimiter: str, above: int, header: list[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows under the header with their lines, none shorter than it, no blank ones."""
    stream = io.StringIO(text, newline="")
    for _ in range(above):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    need = max((header.index(name) + 1 for name in columns.declared), default=0)
    width, known = len(header), dict[str, str]()
    try:
        next(reader)
        for row in reader:
            line = above + reader.line_num
            if reader.line_num > MOST_ROWS:
                too_much(path, reader.line_num, MOST_ROWS, say("n-lines"))
            if not any(map(str.strip, row)):
                continue
            longest = max(map(len, row))
            if longest > MOST_CELL:
                too_much(path, longest, MOST_CELL, say("n-characters"))
            uneven = len(row) < need or any(map(str.strip, row[width:]))
            # A totals row may be short, or have its label behind its amounts.
            if uneven and not any(map(is_total, row)):
                bad_file(
                    path,
                    say("uneven-line-cells", place=line, row=len(row), width=width),
                    say("remedy-quote-cells-hold-delimiter"),
                )
            # Columns repeat themselves: what is equal is kept once.
            kept = [known.setdefault(cell, cell) for cell in row]
            yield line, kept + [""] * (width - len(row))
    except csv.Error as error:
        bad_file(
            path,
            say("broken-line", above=above + reader.line_num, error=foreign(error)),
            say("remedy-export-again"),
        )
