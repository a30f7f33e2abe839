"""A history in the layouts that models read, and the same files read back.

`LAYOUTS` names them with the columns that each tool expects by default; `history_sheet` makes the
columns and `read_history` reads any of them, recognised by its header. What a layout has no column
for is added at its end, where the tools leave it aside: outcomes by channel beside a total,
controls, marks of partial weeks, and the last day that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.calendar import DAYS
from budgetopt.errors import HistoryError, did_you_mean
from budgetopt.exchange.files import dates, read_json, texts
from budgetopt.exchange.tables import Book, Sheet, book_of
from budgetopt.history import Columns, History, Style, check_header, load_plain, read_amounts
from budgetopt.messages import Message, say
from budgetopt.untrusted import from_cell

if TYPE_CHECKING:
    import pandas as pd

_PARTIAL, _THROUGH, _CONTROL = "partial", "data_through", "control "


@dataclass(frozen=True)
class Layout:
    """The columns of one layout; in wide ones ``{}`` stands for a channel.

    Parameters
    ----------
    week
        Column of the first day of the week.
    spend, outcome
        Columns of each channel's spend and outcome.
    total
        Column of the outcome of all channels.
    channel
        Column of the channel's name; empty in wide layouts.
    both
        Whether a long layout has the total even where outcomes are by channel.
    """

    week: str
    spend: str
    outcome: str
    total: str
    channel: str = ""
    both: bool = False


LAYOUTS = {
    "long": Layout("week", "spend", "outcome", "total", "channel"),
    "wide": Layout("week", "{}_spend", "{}_outcome", "outcome"),
    "robyn": Layout("DATE", "{}_S", "{}_revenue", "revenue"),
    "meridian": Layout("time", "{}_spend", "{}_kpi", "kpi"),
    "meridian-long": Layout("time", "media_spend", "media_kpi", "kpi", "media_channel", True),
    "pymc": Layout("date_week", "{}", "y_{}", "y"),
}
"""Our own two; Robyn's (``DATE``, ``<channel>_S``, ``revenue``); the national ones of Meridian
(``time``, ``<channel>_spend``, ``kpi``, or its coordinates one row each); PyMC-Marketing's
(``date_week``, a column a channel, ``y``)."""


def history_sheet(history: History, layout: str = "long") -> Sheet:
    """Return a history as the columns of a layout, one row a week, or a week and channel.

    Parameters
    ----------
    history
        The history; what is unknown in it stays empty.
    layout
        A key of `LAYOUTS`.

    Raises
    ------
    HistoryError
        ``unknown-name`` for another layout; ``bad-name`` where a channel is called as a column of
        the layout; ``no-data`` without weeks.
    """
    if layout not in LAYOUTS:
        remedy = did_you_mean(layout, LAYOUTS)
        raise _bad("unknown-name", "layout", layout, say("no-layout", layout=repr(layout)), remedy)
    if not history.weeks.size:
        raise _bad("no-data", "history", 0, say("history-no-weeks"), say("remedy-with-some"))
    how = LAYOUTS[layout]
    pairs = (_long if how.channel else _wide)(history, how) + _extras(history, how)
    columns = dict(pairs)
    if len(columns) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        problem = say("layout-column-channel", layout=repr(layout), name=repr(name))
        raise _bad("bad-name", "channels", name, problem, say("remedy-choose-another-layout"))
    return Sheet("history", columns, plain=True)


def _long(history: History, how: Layout) -> list[tuple[str, Sequence[Any]]]:
    width, days = len(history.channels), history.weeks.tolist()
    pairs: list[tuple[str, Sequence[Any]]] = [
        (how.week, [day for day in days for _ in range(width)]),
        (how.channel, list(history.channels) * len(days)),
        (how.spend, _known(history.spend.ravel())),
    ]
    if history.outcome is not None:
        pairs.append((how.outcome, _known(history.outcome.ravel())))
    if history.total is not None or how.both:
        pairs.append((how.total, _known(np.repeat(_total(history), width))))
    return pairs


def _wide(history: History, how: Layout) -> list[tuple[str, Sequence[Any]]]:
    pairs: list[tuple[str, Sequence[Any]]] = [(how.week, history.weeks.tolist())]
    names = history.channels
    pairs += [(how.spend.format(n), _known(history.spend[:, at])) for at, n in enumerate(names)]
    pairs.append((how.total, _known(_total(history))))
    if history.outcome is not None:
        by_name = zip(names, history.outcome.T, strict=True)
        pairs += [(how.outcome.format(name), _known(column)) for name, column in by_name]
    return pairs


def _extras(history: History, how: Layout) -> list[tuple[str, Sequence[Any]]]:
    times = len(history.channels) if how.channel else 1
    pairs: list[tuple[str, Sequence[Any]]] = [
        (f"{_CONTROL}{name}", _known(np.repeat(array, times)))
        for name, array in history.controls.items()
    ]
    if history.partial.any():
        pairs.append((_PARTIAL, np.repeat(history.partial.astype(int), times).tolist()))
    if history.data_through is not None:
        pairs.append((_THROUGH, [history.data_through] * (times * history.weeks.size)))
    return pairs


def _total(history: History) -> Floats:
    """Return the outcome of all channels, NaN in a week where that of one is unknown."""
    if history.total is not None:
        return history.total
    whole: Floats = np.asarray(history.outcome, dtype=np.float64).sum(axis=1)
    return whole


def _known(values: Floats) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


@book_of.register
def _history(result: History) -> Book:
    return Book("history", (history_sheet(result),))


def columns_of(header: Sequence[str]) -> tuple[Columns, tuple[str, ...]]:
    """Return how a file in one of the layouts is read, and its channels where it is wide.

    Raises
    ------
    HistoryError
        ``bad-columns`` where the header is that of no layout.
    """
    for how in LAYOUTS.values():
        if how.week not in header or bool(how.channel) != (how.channel in header):
            continue
        if how.channel and how.spend in header and {how.outcome, how.total} & {*header}:
            outcome = how.outcome if how.outcome in header else how.total
            columns = Columns(week=how.week, channel=how.channel, spend=how.spend, outcome=outcome)
            return replace(columns, missing="unknown", gaps="unknown"), ()
        if not how.channel and (found := _wide_columns(header, how)) is not None:
            return found
    raise _bad("bad-columns", "path", ", ".join(header[:8])[:200], say("header-no-layout"),
               say("remedy-use-history-read", layouts=[*LAYOUTS]))  # fmt: skip


def _wide_columns(header: Sequence[str], how: Layout) -> tuple[Columns, tuple[str, ...]] | None:
    """Return columns and channels of a wide layout: the spends stand before the total."""
    if how.total not in header:
        return None
    before, after = how.spend.split("{}")
    spends, names = list(header[1 : header.index(how.total)]), []
    for column in map(from_cell, spends):
        inner = column.removeprefix(before).removesuffix(after)
        if column != how.spend.format(inner):
            return None
        names.append(inner)
    if not names:
        return None
    written = {from_cell(column): column for column in header}
    outcomes = {name: written.get(how.outcome.format(name), "") for name in names}
    each = all(outcomes.values())
    columns = Columns(
        layout="wide",
        week=how.week,
        spend=dict(zip(names, spends, strict=True)),
        outcome=outcomes if each else how.total,
        missing="unknown",
        gaps="unknown",
    )
    return columns, tuple(names)


def read_history(path: str | PathLike[str]) -> History:
    """Return the history of a file that `write` or ``budgetopt export`` wrote.

    Parameters
    ----------
    path
        A ``.csv``, ``.tsv``, ``.xlsx``, ``.parquet`` or ``.json`` file, in any layout.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``missing-extra``; else as `History.read`.
    CalendarError
        ``bad-date``.
    """
    import pandas as pd

    file = Path(path)
    frame = _json_frame(file) if file.suffix.lower() == ".json" else None
    table = load_plain(file if frame is None else frame, ())
    columns, channels = columns_of(table.header)
    check_header(table.header, columns, file.name)
    if not table.places.size:
        raise _bad("no-data", "history", 0, say("history-without-rows"), say("remedy-with-rows"))
    days = dates(table, columns.week).tolist()
    if not channels:
        channels = tuple(dict.fromkeys(map(from_cell, texts(table, columns.channel))))
    known: dict[str, Any] = {"channels": channels, "week_start": DAYS[min(days).weekday()]}
    total = str(columns.outcome) if columns.layout == "long" and columns.outcome in _TOTALS else ""
    if total:
        # A total may be below zero, as no outcome of a channel may, and every row repeats it.
        names = (columns.week, columns.channel, str(columns.spend))
        read = {name: table.cells[name].spellings[table.cells[name].at] for name in names}
        frame = pd.DataFrame(read | {total: 0.0})
    past = (
        History.read(file, columns, **known)
        if frame is None
        else History.from_frame(frame, columns, **known)
    )
    weeks = past.weeks.tolist()

    def by_week(name: str) -> Floats:
        """Return the number of each week, NaN where no row has one."""
        values = read_amounts(table.column(name), Style(), signed=True).values
        written = {day: value for day, value in zip(days, values, strict=True) if value == value}
        return np.array([written.get(week, np.nan) for week in weeks], dtype=np.float64)

    found: dict[str, Any] = {}
    if _PARTIAL in table.cells:
        marks = zip(days, texts(table, _PARTIAL), strict=True)
        partial = {day for day, mark in marks if mark in ("1", "1.0")}
        found["partial"] = [week in partial for week in weeks]
    if _THROUGH in table.cells:
        found["data_through"] = dates(table, _THROUGH).tolist()[0]
    if total:
        found |= {"outcome": None, "total": by_week(total)}
    controls = [name for name in table.cells if name.startswith(_CONTROL)]
    if controls:
        found["controls"] = {name.removeprefix(_CONTROL): by_week(name) for name in controls}
    return replace(past, **found)


_TOTALS = frozenset(layout.total for layout in LAYOUTS.values() if layout.channel)


def _json_frame(file: Path) -> pd.DataFrame:
    """Return the sheet of a history in a JSON file."""
    import pandas as pd

    data = read_json(file, say("remedy-write-again"))
    try:
        sheet = data["sheets"]["history"]
        names = [str(name) for name in sheet["columns"]]
        rows = [tuple(row) for row in sheet["rows"]]
        if any(len(row) != len(names) for row in rows):
            raise ValueError
        return pd.DataFrame(rows, columns=names, dtype=object)
    except (ValueError, TypeError, KeyError):
        raise _bad("bad-file", "path", str(file), say("path-unreadable", path=repr(str(file)),
                   reason=say("json-no-history")), say("remedy-write-again")) from None  # fmt: skip


def _bad(code: str, field: str, value: Any, problem: Message, remedy: Message) -> HistoryError:
    return HistoryError(code, problem, field=field, value=value, remedy=remedy)
