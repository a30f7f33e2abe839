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
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import foreign
from budgetopt.history.cells import Cells, as_objects, numbering
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
    labelled_rows,
    labels_among,
    skipped_above,
    too_much,
    without_totals,
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
    if data.startswith(b"PK\x03\x04"):
        bad_file(path, say("workbook-name-text"), say("remedy-rename-xlsx"))
    text, encoding = decode(path, data, columns.encoding)
    too_much(path, text.count("\n") + text.count("\r"), 2 * MOST_ROWS, say("n-line-breaks"))
    at = _longer_line(text, MOST_LINE)
    if at is not None:
        line = text.count("\n", 0, at) + 1
        problem = say("line-too-long", line=line, most=f"{MOST_LINE:,}")
        bad_file(path, problem, say("remedy-export-again"))
    marks = (columns.delimiter,) if columns.delimiter else DELIMITERS
    delimiter, above, header = best_header(text_rows(text, marks), columns)
    check_header(header, columns, path.name)
    position = {name: header.index(name) for name in (*columns.declared, *columns.beside(header))}
    even = _even(text, delimiter, above, len(header)) if len(text) > _LARGE else None
    read = _columns_below(path, text, columns, delimiter, above, header) if even is None else even
    cells, places, labels = read
    table = Table(
        {name: cells[number] for name, number in position.items()},
        places,
        labels,
        "line",
        delimiter,
        skipped_above(above, "line"),
        header=tuple(header),
        encoding=encoding,
    )
    return without_totals(table, columns)


_LARGE = 2**20
"""Characters of a text from which it is worth to load pandas for it."""
Below = tuple[Mapping[int, Cells], NDArray[np.int64], NDArray[np.bool_]]
"""What stands below a header: columns by their position, place and label of each row."""


def _even(text: str, delimiter: str, above: int, width: int) -> Below | None:
    """Return what stands below the header of a text of the plainest kind; None for any other.

    Nothing is quoted or blank, and every line has as many cells as the header: none has more, which
    pandas would refuse, and all together have no fewer. This agrees with `_columns_below`, which
    takes three times as long.
    """
    import pandas as pd

    if '"' in text or not delimiter.isascii() or _longer_line(text, MOST_CELL) is not None:
        return None
    below = re.compile(f"(?:[^\r\n]*(?:\r\n|\r|\n)){{{above + 1}}}").match(text)
    if below is None:
        return None
    try:
        frame = pd.read_csv(
            io.BytesIO(text[below.end() :].rstrip("\r\n").encode()),
            sep=delimiter,
            header=None,
            dtype=object,
            engine="c",
            na_filter=False,
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
        )
    except ValueError:  # What its parser raises is one.
        return None
    rows, wide = frame.shape
    even = wide == width and text.count(delimiter, below.end()) == rows * (width - 1)
    if not even or above + rows >= MOST_ROWS:
        return None
    cells = {}
    for number in range(width):
        at, spellings = pd.factorize(frame.iloc[:, number].to_numpy())
        cells[number] = Cells(spellings, at)
        if not number and not all(map(str.strip, spellings)):
            return None
    return cells, above + 2 + np.arange(rows), labelled_rows(cells.values(), rows)


def _columns_below(
    path: Path, text: str, columns: Columns | Plain, delimiter: str, above: int, header: list[str]
) -> Below:
    """Return what stands below the header of a text, of the columns that are read."""
    wanted = {header.index(n) for n in (*columns.declared, *columns.beside(header))}
    read = [_Column(at) for at in sorted(wanted)]
    others = [at for at in range(len(header)) if at not in wanted]
    places, labels, words = [np.zeros(0, np.int64)], [np.zeros(0, bool)], set[str]()
    for where, rows in _blocks_below(path, text, columns, delimiter, above, header):
        new = chain.from_iterable(column.add(rows) for column in read)
        rest = chain.from_iterable({*map(itemgetter(at), rows)} for at in others)
        words |= labels_among(chain(new, rest))
        places.append(where)
        labels.append(_rows_with(words, rows))
    cells = {column.at: column.cells for column in read}
    return cells, np.concatenate(places), np.concatenate(labels)


def _rows_with(words: set[str], rows: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Return which rows hold any of some words."""
    if not words:
        return np.zeros(len(rows), dtype=bool)
    return np.array([not words.isdisjoint(row) for row in rows], dtype=bool)


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


@dataclass
class _Column:
    """A column as it is read: its position, a number for each spelling, and that of every row."""

    at: int
    number: defaultdict[str, int] = field(default_factory=numbering)
    codes: list[NDArray[np.intp]] = field(default_factory=list)

    def add(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        """Take in some rows, and return the spellings that none before them had."""
        before = len(self.number)
        found = map(self.number.__getitem__, map(itemgetter(self.at), rows))
        self.codes.append(np.fromiter(found, np.intp, len(rows)))
        return islice(reversed(self.number), len(self.number) - before)

    @property
    def cells(self) -> Cells:
        """All that was taken in."""
        nothing = np.zeros(0, dtype=np.intp)
        return Cells(as_objects(self.number), np.concatenate([nothing, *self.codes]))


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
        best, row = max(rows, key=itemgetter(0), default=(0, []))
        seen.append((best, encoding, row, text))
    if not seen:
        bad_file(path, say("no-encoding-known"), say("remedy-save-utf-8"))
    most, encoding, row, text = max(seen, key=itemgetter(0))
    others = {other for s, _, _, other in seen if s == most}
    if encoding != "utf-8" and not marked and "".join(row).isascii() and len(others) > 1:
        # Names of campaigns would be read in one way or another.
        bad_file(path, say("several-encodings"), say("remedy-save-utf-8"))
    return row, None if marked or encoding == "utf-8" else encoding


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


_BLOCK = 2**9
"""Rows of a text that are looked at together; more do not stay in a processor's cache."""
_BREAK = re.compile("\r\n|\r|\n")


def _blocks_below(
    path: Path, text: str, columns: Columns | Plain, delimiter: str, above: int, header: list[str]
) -> Iterator[tuple[NDArray[np.int64], list[list[str]]]]:
    """Yield the rows under the header with their line numbers, blank ones left out."""
    stream = io.StringIO(text, newline="")
    for _ in range(above):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    need = max((header.index(name) + 1 for name in columns.declared), default=0)
    long = _longer_line(text, MOST_CELL) is not None
    try:
        next(reader)
        line = reader.line_num
        while rows := list(islice(reader, _BLOCK)):
            too_much(path, reader.line_num, MOST_ROWS, say("n-lines"))
            lines = np.ones(len(rows), dtype=np.int64)
            if broken := reader.line_num - line > len(rows):
                lines += [sum(len(_BREAK.findall(cell)) for cell in row) for row in rows]
            if long or broken:
                longest = max(map(len, chain.from_iterable(rows)), default=0)
                too_much(path, longest, MOST_CELL, say("n-characters"))
            places = above + line + np.cumsum(lines)
            line = reader.line_num
            even = set(map(len, rows)) == {len(header)}
            if not even or not all(map(str.strip, map(itemgetter(0), rows))):
                places, rows = _evened(path, places, rows, need, len(header))
            yield places, rows
    except csv.Error as error:
        bad_file(
            path,
            say("broken-line", above=above + reader.line_num, error=foreign(error)),
            say("remedy-export-again"),
        )


def _evened(
    path: Path, places: NDArray[np.int64], rows: list[list[str]], need: int, width: int
) -> tuple[NDArray[np.int64], list[list[str]]]:
    """Return rows without blank ones, none shorter than the header; refuse uneven ones."""
    kept = np.array([any(map(str.strip, row)) for row in rows], dtype=bool)
    places, rows = places[kept], [row for row, keep in zip(rows, kept, strict=True) if keep]
    for place, row in zip(places, rows, strict=True):
        uneven = len(row) < need or any(map(str.strip, row[width:]))
        # A totals row may be short, or have its label behind its amounts.
        if uneven and not any(map(is_total, row)):
            bad_file(
                path,
                say("uneven-line-cells", place=place, row=len(row), width=width),
                say("remedy-quote-cells-hold-delimiter"),
            )
        row += [""] * (width - len(row))
    return places, rows
