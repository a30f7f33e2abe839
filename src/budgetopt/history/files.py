"""Files to raw tables: the declared columns, cell by cell, before anything is converted.

`Table` comes first, then a reader for each kind of file, and `load`, which chooses one. Text is
read with the standard library, so that a word such as ``na`` stays a word, every row keeps its line
number, and a row with too many or too few cells is noticed. Headers may stand below title lines, in
text and in workbooks. Sizes are limited, since files come from other people.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import HistoryError, foreign
from budgetopt.history.cells import Cells, Column, Style, as_objects, numbering, refuse, rough
from budgetopt.history.columns import Columns, check_columns, suggest
from budgetopt.history.dates import span_of
from budgetopt.history.layouts import end_column
from budgetopt.history.template import (
    HEADER_WITHIN,
    Filled,
    Sheets,
    cells_of,
    find_template,
    numbered_rows,
)
from budgetopt.history.totals import find_totals, is_total
from budgetopt.i18n import listed, missing_extra, quoted, say
from budgetopt.untrusted import read_bounded

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 * 2**20
"""Size of a file that is read: ten years of daily rows of 200 channels are a quarter of it."""
MOST_UNPACKED = 256 * 2**20
"""Size of what a compressed file unpacks to."""
MOST_ROWS = 1_100_000
"""Rows of a file, blank ones included: a million with title and totals rows."""
MOST_SHEET_ROWS = 200_000
"""Rows of a workbook, likewise; they take far longer to read than those of a text."""
MOST_CELLS = 2_000_000
"""Cells of a workbook, likewise."""
MOST_LINE = 1_000_000
"""Characters of one line of text."""
MOST_CELL = 100_000
"""Characters of one cell."""
SHOWN = 6
"""Rows, names or weeks that one note names."""


@dataclass(frozen=True)
class Plain:
    """The columns of a table that is no history: some are wanted, and all are read as they are."""

    declared: tuple[str, ...]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    amounts: tuple[str, ...] = ()

    def beside(self, header: Sequence[str]) -> tuple[str, ...]:
        """Return the other columns of a header that have a name of their own."""
        others = (n for n in header if n and n not in self.declared and header.count(n) == 1)
        return tuple(others)


@dataclass(frozen=True)
class Table:
    """The declared columns of a file, cell by cell.

    Parameters
    ----------
    cells
        Column name to cells.
    places
        Where each row stands: a line of text, a row of a sheet, or a position in a frame.
    labels
        Whether any cell of a row is the label of a totals row, shape ``(rows,)``.
    unit
        What `places` counts.
    delimiter
        What split the cells, where something did.
    notes
        What was noticed on the way.
    file
        Name of the file, empty for a frame.
    one_of_many
        Whether rows are named with their file.
    sheet
        Title of the sheet of a workbook.
    letters
        Column of the sheet by its name in the header; empty where there is no sheet.
    columns
        What the columns mean where the file says so itself, as a filled-in template does.
    header
        Names of all columns of the file.
    encoding
        That of a text.
    """

    cells: dict[str, Cells]
    places: NDArray[np.int64]
    labels: NDArray[np.bool_]
    unit: str = "line"
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
    file: str = ""
    one_of_many: bool = False
    sheet: str = ""
    letters: dict[str, str] = field(default_factory=dict)
    columns: Columns | None = None
    header: tuple[str, ...] = ()
    encoding: str = ""

    @property
    def dates(self) -> str:
        """Column of the date, where rows have cells."""
        return next(iter(self.letters), "")

    def where(self, row: int, column: str = "") -> str:
        """Say where a row stands, or its cell of a column where a sheet has one."""
        if column in self.letters:
            cell = f"{self.letters[column]}{self.places[row]}"
            place = say("at-cell", cell=cell, sheet=quoted(self.sheet))
        else:
            code = {"line": "at-line", "row": "at-row"}.get(self.unit, "at-position")
            place = say(code, place=self.places[row])
        return say("in-file", file=self.file, place=place) if self.one_of_many else place

    def column(self, name: str) -> Column:
        """Return a column, whose cells know where they stand."""
        return Column(self.cells[name], name, lambda row: self.where(row, name))

    def take(self, keep: NDArray[np.bool_]) -> Table:
        """Return the rows that are kept."""
        if keep.all():
            return self
        cells = {name: column.take(keep) for name, column in self.cells.items()}
        return replace(self, cells=cells, places=self.places[keep], labels=self.labels[keep])


def from_rows(
    rows: Sequence[tuple[int, Sequence[Any]]],
    header: Sequence[str],
    columns: Columns | Plain,
    *,
    unit: str,
    above: int,
    labelled: bool = True,
    sheet: str = "",
) -> Table:
    """Return numbered rows under a header as a table; `above` rows before it were skipped.

    `labelled` says whether any cell may be the label of a totals row.
    """
    at = {name: header.index(name) for name in (*columns.declared, *columns.beside(header))}
    cells = {name: Cells.of(row[column] for _, row in rows) for name, column in at.items()}
    texts = [[cell for cell in row if labelled and isinstance(cell, str)] for _, row in rows]
    made = Table(
        cells,
        np.array([place for place, _ in rows], dtype=np.int64),
        _rows_with(_labels_among(chain.from_iterable(texts)), texts),
        unit,
        notes=_skipped(above, unit),
        sheet=sheet,
        letters={name: column_letter(column) for name, column in at.items() if sheet},
        header=tuple(header),
    )
    return without_totals(made, columns)


def column_letter(at: int) -> str:
    """Return what a spreadsheet calls a column by its position.

    Examples
    --------
    >>> [column_letter(at) for at in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    letters, at = "", at + 1
    while at:
        at, last = divmod(at - 1, 26)
        letters = chr(ord("A") + last) + letters
    return letters


def _labels_among(cells: Iterable[str]) -> set[str]:
    """Return the cells that are labels of totals rows."""
    # Most cells are amounts and days, which no label begins like.
    return {cell for cell in cells if not "0" <= cell < ":" and is_total(cell)}


def _rows_with(words: set[str], rows: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Return which rows hold any of some words."""
    if not words:
        return np.zeros(len(rows), dtype=bool)
    return np.array([not words.isdisjoint(row) for row in rows], dtype=bool)


def _skipped(above: int, unit: str) -> tuple[str, ...]:
    """Return what is noted of lines or rows above the header."""
    if not above:
        return ()
    if unit == "line":
        lines = say("header-skipped-lines", lines=above)
        return (say("header-skipped-line") if above == 1 else lines,)
    return (say("header-skipped-row") if above == 1 else say("header-skipped-rows", rows=above),)


def from_frame(frame: Any, columns: Columns | Plain) -> Table:
    """Return the declared columns, or index levels, of a data frame of any library as a table."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        frame = _as_pandas(frame, columns)
    if set(frame.index.names) & set(columns.declared) - set(frame.columns):
        frame = frame.reset_index()
    names = [str(name).strip() for name in frame.columns]
    if not names and not len(frame):
        refuse("no-data", say("history-is-empty"), "history", 0, say("remedy-with-rows"))
    check_header(names, columns)
    cells = {
        name: _series_cells(frame.iloc[:, names.index(name)], number=name in columns.amounts)
        for name in (*columns.declared, *columns.beside(names))
    }
    labels = np.zeros(len(frame), dtype=bool)
    for column in cells.values():
        labels |= column.each(is_total)
    table = Table(cells, np.arange(len(frame)), labels, unit="position", header=tuple(names))
    return without_totals(table, columns)


def _as_pandas(frame: Any, columns: Columns | Plain) -> pd.DataFrame:
    """Return what is read of a frame of another library, such as polars or pyarrow."""
    import narwhals as nw
    import pandas as pd

    try:
        wrapped = nw.from_native(frame)
    except TypeError:
        problem = say("frame-data-frame", name=type(frame).__name__)
        remedy = say("remedy-data-frame-pandas-polars")
        refuse("bad-argument", problem, "frame", type(frame).__name__, remedy)
    whole = wrapped.collect() if isinstance(wrapped, nw.LazyFrame) else wrapped

    def cells(name: str) -> pd.Series[Any]:
        column, amount = whole[name], name.strip() in columns.amounts
        if amount and (column.dtype.is_integer() or column.dtype.is_float()):
            return pd.Series(column.cast(nw.Float64()).to_numpy())
        return pd.Series(column.to_list(), dtype=object)

    header = [name.strip() for name in whole.columns]
    wanted = {*columns.declared, *columns.beside(header)}
    return pd.DataFrame({name: cells(name) for name in whole.columns if name.strip() in wanted})


def from_query(query: Any, connection: Any, columns: Columns) -> Table:
    """Return the declared columns of what a query of a database gives as a table.

    Raises
    ------
    HistoryError
        ``missing-extra``; ``bad-argument`` where the query fails; ``bad-columns``, ``no-data``.
    """
    try:
        import sqlalchemy as sa
    except ImportError:
        raise missing_extra(
            say("reading-database"), "SQLAlchemy", "sql", "connection", HistoryError
        ) from None
    check_columns(columns)
    try:
        if isinstance(connection, sa.Connection):
            header, rows = _fetch(connection, sa.text(query) if isinstance(query, str) else query)
        else:
            made = isinstance(connection, (str, sa.URL))
            engine = sa.create_engine(connection) if made else connection
            try:
                with engine.connect() as opened:
                    return from_query(query, opened, columns)
            finally:
                if made:
                    engine.dispose()
    except (sa.exc.SQLAlchemyError, AttributeError, ImportError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        problem = say("query-cannot-run", reason=reason)
        refuse("bad-argument", problem, "query", str(query), say("remedy-check-query-sqlalchemy"))
    check_header(header, columns)
    return from_rows(list(enumerate(rows)), header, columns, unit="position", above=0)


def _fetch(connection: Any, query: Any) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names and rows of a query, as many as may be."""
    result = connection.execute(query)
    header = [str(name).strip() for name in list(result.keys())]
    rows = result.fetchmany(MOST_ROWS + 1)
    too_much(say("the-query"), len(rows), MOST_ROWS, say("n-all-rows"))
    return header, [tuple(row) for row in rows]


def _series_cells(column: pd.Series[Any], *, number: bool) -> Cells:
    kind = getattr(column.dtype, "kind", "O")
    if kind == "M":
        # The date as it is written, without its zone.
        local = column.dt.tz_localize(None) if column.dt.tz is not None else column
        return Cells.of(local.to_numpy(dtype="datetime64[us]"))
    if number and kind in "iuf":
        return Cells.of(column.to_numpy(dtype=np.float64, na_value=np.nan))
    # What is missing is so in one way: pandas has four, one of which cannot even be compared.
    return Cells.of(column.astype(object).where(column.notna(), None).to_numpy(dtype=object))


def style_of(table: Table, columns: Columns) -> Style:
    """Return how the numbers of a table are written."""
    return Style(columns.decimal, table.delimiter)


def without_totals(table: Table, columns: Columns | Plain) -> Table:
    """Leave out totals rows of a history, note them, and refuse a table without other rows."""
    if isinstance(columns, Plain):
        return table
    end = end_column(tuple(table.cells), columns)
    style = style_of(table, columns)
    names = columns.spend_columns
    total = find_totals(
        table.cells[columns.week],
        None if end is None else table.cells[end],
        table.cells[columns.channel] if columns.layout == "long" else None,
        table.labels,
        lambda: np.array([rough(table.cells[name], style) for name in names]).T,
        lambda cell: span_of(cell, columns.date_format),
    )
    if total.any():
        at = listed((table.where(int(row)) for row in np.flatnonzero(total)), SHOWN)
        table = replace(table, notes=(*table.notes, say("totals-dropped", places=at)))
        table = table.take(~total)
    if not table.places.size:
        refuse("no-data", say("history-without-rows"), "history", 0, say("remedy-with-rows"))
    return table


def check_header(header: Sequence[str], columns: Columns | Plain) -> None:
    """Refuse a header that lacks a declared column, or has it twice.

    Raises
    ------
    HistoryError
        ``bad-columns``, with the closest column that is there.
    """
    for name in columns.declared:
        if header.count(name) != 1:
            twice = name in header
            problem, remedy = (
                say("column-twice-header" if twice else "column-not-header", name=repr(name)),
                say("remedy-rename-them")
                if twice
                else suggest(name, [cell for cell in header if cell]),
            )
            refuse("bad-columns", problem, name, name, remedy)


def too_much(path: str | os.PathLike[str], count: int, most: int, what: str) -> None:
    """Refuse a file that has more of something than is read."""
    if count > most:
        bad_file(
            path,
            say("too-large-more-than", most=f"{most:,}", what=what),
            say("remedy-split-sum-up"),
        )


def bad_file(path: str | os.PathLike[str], problem: str, remedy: str) -> NoReturn:
    """Raise the error of a file as a whole."""
    name = PurePath(path).name or str(path)
    refuse("bad-file", say("file-is-wrong", file=name, problem=problem), "path", str(path), remedy)


DELIMITERS = (",", ";", "\t", "|")
HeadRow = tuple[str, int, list[str]]
"""A row that may be the header: its delimiter or sheet, what stands above it, and its cells."""

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
    text, encoding = _decode(path, data, columns.encoding)
    too_much(path, text.count("\n") + text.count("\r"), 2 * MOST_ROWS, say("n-line-breaks"))
    at = _longer_line(text, MOST_LINE)
    if at is not None:
        line = text.count("\n", 0, at) + 1
        problem = say("line-too-long", line=line, most=f"{MOST_LINE:,}")
        bad_file(path, problem, say("remedy-export-again"))
    marks = (columns.delimiter,) if columns.delimiter else DELIMITERS
    delimiter, above, header = _best(text_rows(text, marks), columns)
    check_header(header, columns)
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
        _skipped(above, "line"),
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
    labels = np.zeros(rows, dtype=bool)
    for number in range(width):
        at, spellings = pd.factorize(frame.iloc[:, number].to_numpy())
        column = cells[number] = Cells(spellings, at)
        if not number and not all(map(str.strip, spellings)):
            return None
        if words := _labels_among(column.spellings):
            labels |= column.each(words.__contains__)
    return cells, above + 2 + np.arange(rows), labels


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
        words |= _labels_among(chain(new, rest))
        places.append(where)
        labels.append(_rows_with(words, rows))
    cells = {column.at: column.cells for column in read}
    return cells, np.concatenate(places), np.concatenate(labels)


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


def _decode(path: Path, data: bytes, encoding: str | None) -> tuple[str, str]:
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


def sheet_rows(sheets: Sheets) -> Iterator[HeadRow]:
    """Yield the first rows of every sheet: its title, rows above, cells."""
    for title, rows in sheets.items():
        for above, row in enumerate(rows[:HEADER_WITHIN]):
            yield title, above, cells_of(row)


def _best(rows: Iterable[HeadRow], columns: Columns | Plain) -> HeadRow:
    """Return the first row that holds most of the declared columns, else the longest.

    It is the one that an error suggests from, where it lacks some.
    """
    declared = set(columns.declared)
    best: HeadRow = (",", 0, [])
    most = (-1, 0)
    for row in rows:
        found = len(declared.intersection(row[2]))
        merit = found, -row[1] if found else len(row[2])
        if merit > most:
            best, most = row, merit
        if most == (len(declared), 0):
            # No row is better than a first one that holds all of them.
            break
    return best


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
    title, above, header = _best(seen, columns)
    check_header(header, columns)
    rows = numbered_rows(sheets[title], above, len(header))
    table = from_rows(rows, header, columns, unit="row", above=above, sheet=title)
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
    made = from_rows(
        rows,
        filled.header,
        filled.columns,
        unit="row",
        above=0,
        labelled=False,
        sheet=filled.sheet,
    )
    note = say("template-weeks-open", weeks=listed(map(str, open_weeks), SHOWN))
    notes = (*made.notes, note) if open_weeks else made.notes
    return replace(made, notes=notes, columns=filled.columns)


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


def load_plain(source: Any, needed: Sequence[str]) -> Table:
    """Return all columns of a file or of a data frame that is no history, its cells as they stand.

    A text is read in the encoding that shows the columns which are needed.

    Raises
    ------
    HistoryError
        As `load`.
    """
    wanted = Plain(tuple(dict.fromkeys(needed)))
    if not isinstance(source, (str, os.PathLike)):
        return from_frame(source, wanted)
    path = Path(source)
    data, read = read_file(path), READERS[path.suffix.lower()]
    if read is read_text:
        _, encoding = find_encoding(path, data, lambda row: len({*row} & {*wanted.declared}))
        wanted = replace(wanted, encoding=encoding)
    return replace(read(path, data, wanted), file=path.name, one_of_many=True)


def first_row(path: str | os.PathLike[str]) -> list[str]:
    """Return the first row of a file as text, such as the header of one that we wrote.

    Raises
    ------
    HistoryError
        ``bad-file`` or ``missing-extra``.
    """
    path = Path(path)
    data, kind = read_file(path), path.suffix.lower()
    if kind == ".parquet":
        return [str(name) for name in parquet_frame(path, data).columns]
    if kind == ".xlsx":
        rows = sheet_rows(read_sheets(path, data))
    else:
        rows = text_rows(_decode(path, data, None)[0], "\t" if kind == ".tsv" else ",")
    return next((cells for _, _, cells in rows), [])


def read_file(path: Path) -> bytes:
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
    if path.suffix.lower() not in READERS:
        bad_file(path, say("not-supported-file"), say("remedy-give-one-of", kinds=[*READERS]))
    if not data.strip():
        bad_file(path, say("value-empty"), say("remedy-export-again"))
    return data


def _read_parquet(path: Path, data: bytes, columns: Columns | Plain) -> Table:
    return from_frame(parquet_frame(path, data), columns)


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
