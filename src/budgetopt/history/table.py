"""Cells by declared column, from any kind of file, before anything is converted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import HistoryError
from budgetopt.history.columns import Columns, check_columns, suggest
from budgetopt.history.dates import is_total
from budgetopt.words import listed, say

if TYPE_CHECKING:
    import pandas as pd

HEADER_WITHIN = 100
"""Lines in which the header is looked for; the longest preamble met so far has eight."""


@dataclass(frozen=True)
class Table:
    """The declared columns of a file, cell by cell.

    Parameters
    ----------
    cells
        Column name to cells, each of shape ``(rows,)``.
    places
        Where each row stands: a line of text, a row of a sheet, or a position in a frame.
    unit
        What `places` counts.
    delimiter
        What split the cells, where something did.
    notes
        What was noticed on the way.
    """

    cells: dict[str, NDArray[Any]]
    places: NDArray[np.int64]
    unit: str = "line"
    delimiter: str | None = None
    notes: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """Say where a row stands."""
        place = self.places[row]
        if self.unit == "line":
            return say("line {place}", place=place)
        if self.unit == "row":
            return say("row {place}", place=place)
        return say("position {place}", place=place)

    def take(self, keep: NDArray[Any]) -> Table:
        """Return some of the rows."""
        cells = {name: column[keep] for name, column in self.cells.items()}
        return replace(self, cells=cells, places=self.places[keep])


def from_rows(
    rows: Sequence[tuple[int, Sequence[Any]]],
    header: Sequence[str],
    columns: Columns,
    *,
    unit: str,
    above: int,
    delimiter: str | None = None,
) -> Table:
    """Return numbered rows under a header as a table; `above` rows before it were skipped."""
    cells = {}
    for name in columns.declared:
        at = header.index(name)
        # Filled in place: numpy would turn a list of dates or numbers into something else.
        cells[name] = np.empty(len(rows), dtype=object)
        cells[name][:] = [row[at] for _, row in rows]
    places = np.array([place for place, _ in rows], dtype=np.int64)
    notes = (_skipped(above, unit),) if above else ()
    return _finish(Table(cells, places, unit, delimiter, notes), columns)


def _skipped(above: int, unit: str) -> str:
    if unit == "line":
        return (
            say("skipped above the header: 1 line")
            if above == 1
            else say("skipped above the header: {lines} lines", lines=above)
        )
    return (
        say("skipped above the header: 1 row")
        if above == 1
        else say("skipped above the header: {rows} rows", rows=above)
    )


def from_frame(frame: pd.DataFrame, columns: Columns) -> Table:
    """Return the declared columns, or index levels, of a data frame as a table."""
    check_columns(columns)
    if not hasattr(frame, "iloc") or not hasattr(frame, "columns"):
        raise HistoryError(
            "bad-argument",
            f"frame is a {type(frame).__name__}, not a data frame",
            field="frame",
            value=type(frame).__name__,
            remedy="give a pandas DataFrame",
        )
    if set(frame.index.names) & set(columns.declared) - set(frame.columns):
        frame = frame.reset_index()
    names = [str(name).strip() for name in frame.columns]
    check_header(names, columns)
    labels = (columns.week, columns.channel if columns.layout == "long" else None)
    cells = {
        name: _series_cells(frame.iloc[:, names.index(name)], number=name not in labels)
        for name in columns.declared
    }
    return _finish(Table(cells, np.arange(len(frame)), unit="position"), columns)


def _series_cells(column: pd.Series[Any], *, number: bool) -> NDArray[Any]:
    kind = getattr(column.dtype, "kind", "O")
    if kind == "M":
        # The date as it is written, without its zone.
        local = column.dt.tz_localize(None) if column.dt.tz is not None else column
        return local.to_numpy(dtype="datetime64[us]")
    if number and kind in "iuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.to_numpy(dtype=object)


def _finish(table: Table, columns: Columns) -> Table:
    """Leave out totals rows, note them, and refuse a table without rows."""
    total = np.array([is_total(cell) for cell in table.cells[columns.week]], dtype=bool)
    if total.any():
        at = listed(table.where(int(row)) for row in np.flatnonzero(total))
        note = say("totals row left out: {places}", places=at)
        table = replace(table, notes=(*table.notes, note))
        table = table.take(~total)
    if not table.places.size:
        raise HistoryError(
            "no-data",
            "the history has a header and no rows",
            field="history",
            value=0,
            remedy="export it with its rows",
        )
    return table


def hits(cells: Sequence[str], columns: Columns) -> int:
    """Return how many of the declared columns a line holds."""
    return len(set(columns.declared) & set(cells))


def check_header(header: Sequence[str], columns: Columns) -> None:
    """Refuse a header that lacks a declared column, or has it twice.

    Raises
    ------
    HistoryError
        ``bad-columns``, with the closest column that is there.
    """
    for name in columns.declared:
        if header.count(name) != 1:
            twice = name in header
            raise HistoryError(
                "bad-columns",
                f"column {name!r} is {'twice' if twice else 'not'} in the header",
                field=name,
                value=name,
                remedy="rename one of them"
                if twice
                else suggest(name, [cell for cell in header if cell]),
            )


def bad_file(path: str | os.PathLike[str], problem: str, remedy: str) -> NoReturn:
    """Raise the error of a file as a whole."""
    name = PurePath(path).name or str(path)
    raise HistoryError(
        "bad-file", f"{name} is {problem}", field="path", value=str(path), remedy=remedy
    ) from None
