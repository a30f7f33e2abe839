"""Raw tables: the columns of a file, a frame or a query, cell by cell, as they stand.

A `Table` knows where each of its rows stands. Here are the headers that may be one's, the totals
rows that are left out of a history, and the refusals that all kinds of files share.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import HistoryError, foreign
from budgetopt.history.cells import Cells, Column, Style, refuse, rough
from budgetopt.history.columns import Columns, check_columns, suggest
from budgetopt.history.dates import span_of
from budgetopt.history.layouts import end_column
from budgetopt.history.totals import find_totals, is_total
from budgetopt.i18n import Message, listed, missing_extra, quoted, say
from budgetopt.notebook import short

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 1_100_000
"""Rows of a file, blank ones included: a million with title and totals rows."""
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


@short
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


def numbered_columns(
    rows: Iterable[tuple[int, Sequence[Any]]], width: int
) -> tuple[list[Cells], NDArray[np.int64]]:
    """Return numbered rows as columns, at least so many, and their numbers."""
    rows = list(rows)
    cells = [Cells.of(column) for column in zip_longest(*(row for _, row in rows))]
    places = np.array([place for place, _ in rows], dtype=np.int64)
    return cells or [Cells.of(())] * width, places


def table_of(
    every: Sequence[Cells],
    places: NDArray[np.int64],
    header: Sequence[str],
    columns: Columns | Plain,
    unit: str,
    above: int = 0,
    *,
    labelled: bool = True,
    sheet: str = "",
    delimiter: str | None = None,
    encoding: str = "",
) -> Table:
    """Return columns under a header as a table; `above` rows before it were skipped.

    `labelled` says whether any cell may be the label of a totals row.
    """
    at = {name: header.index(name) for name in (*columns.declared, *columns.beside(header))}
    made = Table(
        {name: every[column] for name, column in at.items()},
        places,
        labelled_rows(every if labelled else (), places.size),
        unit,
        delimiter,
        notes=skipped_above(above, unit),
        sheet=sheet,
        letters={name: column_letter(column) for name, column in at.items() if sheet},
        header=tuple(header),
        encoding=encoding,
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


def labelled_rows(columns: Iterable[Cells], rows: int) -> NDArray[np.bool_]:
    """Return which rows hold the label of a totals row in any of some columns."""
    labels = np.zeros(rows, dtype=bool)
    for column in columns:
        # Most cells are amounts and days, which no label begins like.
        told = [
            at
            for at, cell in enumerate(column.spellings)
            if isinstance(cell, str) and not "0" <= cell < ":" and is_total(cell)
        ]
        if told:
            labels |= np.isin(column.at, told)
    return labels


def skipped_above(above: int, unit: str) -> tuple[str, ...]:
    """Return what is noted of lines or rows above the header."""
    if not above:
        return ()
    if unit == "line":
        lines = say("header-skipped-lines", lines=above)
        return (say("header-skipped-line") if above == 1 else lines,)
    return (say("header-skipped-row") if above == 1 else say("header-skipped-rows", rows=above),)


def from_frame(frame: Any, columns: Columns | Plain, file: str = "") -> Table:
    """Return the declared columns, or index levels, of a data frame of any library as a table."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        frame = _as_pandas(frame, columns)
    if set(frame.index.names) & set(columns.declared) - set(frame.columns):
        frame = frame.reset_index()
    names = [str(name).strip() for name in frame.columns]
    if not names and not len(frame):
        refuse("no-data", say("history-is-empty"), "history", 0, say("remedy-with-rows"))
    check_header(names, columns, file)
    cells = {
        name: _series_cells(frame.iloc[:, names.index(name)], number=name in columns.amounts)
        for name in (*columns.declared, *columns.beside(names))
    }
    labels = labelled_rows(cells.values(), len(frame))
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
        try:
            return pd.Series(column.to_list(), dtype=object)
        except (OverflowError, ValueError) as error:
            # Such as a day of Arrow's that Python's calendar does not reach.
            problem = say("column-unreadable", name=repr(name), error=foreign(error))
            refuse("bad-columns", problem, name, None, say("remedy-export-again"))

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
    return table_of(*numbered_columns(enumerate(rows), len(header)), header, columns, "position")


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


def check_header(header: Sequence[str], columns: Columns | Plain, file: str = "") -> None:
    """Refuse a header that lacks a declared column, or has it twice; say in which file.

    Raises
    ------
    HistoryError
        ``bad-columns``, with the closest column that is there.
    """
    for name in columns.declared:
        if header.count(name) != 1:
            twice = name in header
            problem = say("column-twice-header" if twice else "column-not-header", name=repr(name))
            there = [cell for cell in header if cell]
            remedy = say("remedy-rename-them") if twice else suggest(name, there)
            whole = say("of-file", file=file, note=problem) if file else problem
            refuse("bad-columns", whole, name, name, remedy)


def too_much(path: str | os.PathLike[str], count: int, most: int, what: str) -> None:
    """Refuse a file that has more of something than is read."""
    if count > most:
        bad_file(
            path,
            say("too-large-more-than", most=f"{most:,}", what=what),
            say("remedy-split-sum-up"),
        )


def bad_file(path: str | os.PathLike[str], problem: Message, remedy: Message) -> NoReturn:
    """Raise the error of a file as a whole."""
    name = PurePath(path).name or str(path)
    refuse("bad-file", say("file-is-wrong", file=name, problem=problem), "path", str(path), remedy)


HeadRow = tuple[str, int, list[str]]
"""A row that may be the header: its delimiter or sheet, what stands above it, and its cells."""


def best_header(rows: Iterable[HeadRow], columns: Columns | Plain) -> HeadRow:
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
