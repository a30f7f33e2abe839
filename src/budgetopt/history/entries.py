"""Tables to entries: one amount of one channel on one date, whatever the layout was.

From here on long and wide files are the same, so a wide file and its long form give the same
history.
"""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import HistoryError
from budgetopt.history.columns import Columns, Outcome, factors, suggest
from budgetopt.history.dates import read_days
from budgetopt.history.numbers import Style, read_amounts
from budgetopt.history.table import Table
from budgetopt.words import listed, quoted, say

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class Entries:
    """Amounts by date and channel.

    Parameters
    ----------
    table
        Where they came from, for errors.
    channels
        Names, sorted.
    days, codes, rows
        Date, position in `channels` and row in `table` of every entry, shape ``(entries,)``.
    spend, outcome
        Amounts, shape ``(entries,)``; NaN is unknown. No outcome where only a total is known.
    total
        Date and outcome of every row of `table`, where only a total is known.
    notes
        What was noticed and done.
    """

    table: Table
    channels: tuple[str, ...]
    days: Days
    codes: NDArray[np.int64]
    rows: NDArray[np.int64]
    spend: Floats
    outcome: Floats | None
    total: tuple[Days, Floats] | None
    notes: tuple[str, ...]

    def where(self, entry: int) -> str:
        """Say which row, date and channel an entry is."""
        name = self.channels[self.codes[entry]]
        return f"{self.table.where(self.rows[entry])} ({self.days[entry]}, channel {name!r})"


def read_entries(
    table: Table, columns: Columns, known: Sequence[str] | None, before: dt.date | None = None
) -> Entries:
    """Return the entries of a table; `known` are the channels that may occur.

    Of daily rows only those of days before `before` are read, as if the table ended there.

    Raises
    ------
    HistoryError
        ``unknown-name`` or ``bad-name`` for a channel, ``bad-number`` for an amount, ``no-data``
        where no row is left.
    CalendarError
        ``bad-date``.
    """
    # Dates first: a subtotal or a footer is told by its date cell.
    days = read_days(table.cells[columns.week], columns.date_format, columns.week, table.where)
    if columns.rows == "daily" and before is not None:
        table, days = _cut(table, days, columns, before)
    return (_long if columns.layout == "long" else _wide)(table, days, columns, known)


def _cut(table: Table, days: Days, columns: Columns, before: dt.date) -> tuple[Table, Days]:
    """Return the rows of days before one."""
    keep = days < np.datetime64(before, "D")
    if not keep.any():
        raise HistoryError(
            "no-data",
            f"the history begins on {days.min()}, not before {before}",
            field=columns.week,
            value=str(days.min()),
            remedy="give a later as_of, or a history that begins earlier",
        )
    left_out = int((~keep).sum())
    if left_out:
        note = say("rows from {day} on left out: {rows}", day=before, rows=left_out)
        table = replace(table.take(keep), notes=(*table.notes, note))
    return table, days[keep]


def _long(table: Table, days: Days, columns: Columns, known: Sequence[str] | None) -> Entries:
    names = _names(table, columns, known)
    keep = np.array([name not in columns.ignore for name in names], dtype=bool)
    notes = _ignored(columns, names)
    table, days, names = (
        table.take(keep),
        days[keep],
        [name for name in names if name not in columns.ignore],
    )
    if not names:
        raise HistoryError(
            "no-data",
            "every channel of the history is ignored",
            field="history.ignore",
            value=columns.ignore,
            remedy="ignore fewer",
        )
    channels = tuple(sorted(set(names)))
    position = {name: at for at, name in enumerate(channels)}
    reader = _Amounts(table, columns)

    def where(row: int) -> str:
        return f"{table.where(row)} ({days[row]}, channel {names[row]!r})"

    if known is None:
        notes += _look_alikes(channels)
    return Entries(
        table,
        channels,
        days,
        codes=np.array([position[name] for name in names], dtype=np.int64),
        rows=np.arange(len(names)),
        spend=reader.column(str(columns.spend), where),
        outcome=reader.product(cast("Outcome", columns.outcome), where),
        total=None,
        notes=(*table.notes, *notes, *reader.notes),
    )


def _wide(table: Table, days: Days, columns: Columns, known: Sequence[str] | None) -> Entries:
    channels = tuple(sorted(columns.spends))
    for name in channels:
        if known is not None and name not in known:
            raise _unknown(name, f"channel {name!r} of the declared columns", known)
    size = len(channels)
    reader = _Amounts(table, columns)

    def of(name: str) -> Callable[[int], str]:
        return lambda row: f"{table.where(row)} ({days[row]}, channel {name!r})"

    def date(row: int) -> str:
        return f"{table.where(row)} ({days[row]})"

    spend = [reader.column(columns.spends[name], of(name)) for name in channels]
    outcomes, total = columns.outcomes, None
    outcome = [reader.product(outcomes[name], of(name)) for name in channels if outcomes]
    if not outcomes:
        total = days, reader.product(cast("Outcome", columns.outcome), date)
    return Entries(
        table,
        channels,
        days=np.tile(days, size),
        codes=np.repeat(np.arange(size), days.size),
        rows=np.tile(np.arange(days.size), size),
        spend=np.concatenate(spend),
        outcome=np.concatenate(outcome) if outcome else None,
        total=total,
        notes=(*table.notes, *reader.notes),
    )


@dataclass
class _Amounts:
    """Reads the number columns of one table, and remembers what it noticed."""

    table: Table
    columns: Columns
    notes: list[str] = field(default_factory=list)
    read: dict[str, Floats] = field(default_factory=dict)
    sign: tuple[str, str] = ("", "")

    def product(self, outcome: Outcome, where: Callable[[int], str]) -> Floats:
        """Return a column, or the product of two."""
        values = [self.column(name, where) for name in factors(outcome)]
        # An overflow is refused by the history, which knows the week.
        with np.errstate(over="ignore"):
            return values[0] if len(values) == 1 else values[0] * values[1]

    def column(self, name: str, where: Callable[[int], str]) -> Floats:
        """Return a column with its missing cells settled."""
        if name not in self.read:
            style = Style(self.columns.decimal, self.table.delimiter)
            amounts = read_amounts(self.table.cells[name], style, name, where)
            self._check_sign(name, amounts.sign)
            self.read[name] = self._settle(name, amounts.values, where)
        return self.read[name]

    def _check_sign(self, name: str, sign: str) -> None:
        if not sign:
            return
        self.notes.append(
            say(
                "currency sign {sign} of column {column} left out",
                sign=quoted(sign),
                column=quoted(name),
            )
        )
        other, other_sign = self.sign
        if other_sign and other_sign != sign:
            raise HistoryError(
                "bad-number",
                f"column {name!r} is in {sign!r}, column {other!r} in {other_sign!r}",
                field=name,
                value=sign,
                remedy="give one currency: amounts are never converted",
            )
        self.sign = name, sign

    def _settle(self, name: str, values: Floats, where: Callable[[int], str]) -> Floats:
        """Apply what a missing cell means."""
        missing = np.isnan(values)
        if not missing.any():
            return values
        if self.columns.missing == "refuse":
            raise HistoryError(
                "bad-number",
                f"{where(int(np.argmax(missing)))}: {name!r} is missing",
                field=name,
                value=None,
                remedy="fill it in, or declare missing = 'zero' or 'unknown'",
            )
        column, cells = quoted(name), int(missing.sum())
        if self.columns.missing == "unknown":
            self.notes.append(
                say(
                    "missing cells of {column} read as unknown: {cells}", column=column, cells=cells
                )
            )
            return values
        self.notes.append(
            say("missing cells of {column} read as zero: {cells}", column=column, cells=cells)
        )
        return np.where(missing, 0.0, values)


def _names(table: Table, columns: Columns, known: Sequence[str] | None) -> list[str]:
    """Return the channel of every row, checked against the known ones."""
    allowed = None if known is None else {*known, *columns.ignore}
    names, seen = [], set()
    for row, cell in enumerate(table.cells[columns.channel]):
        name = _name(cell)
        if not name:
            raise HistoryError(
                "bad-name",
                f"{table.where(row)}: {columns.channel!r} is {cell!r}, not a channel name",
                field=columns.channel,
                value=cell,
                remedy="give every row the name of its channel as text",
            )
        if name not in seen and allowed is not None and name not in allowed:
            raise _unknown(name, f"{table.where(row)}: channel {name!r}", known or ())
        seen.add(name)
        names.append(name)
    return names


def _name(cell: Any) -> str:
    """Return a cell as a channel name; whole numbers serve, since campaigns have such names."""
    if isinstance(cell, numbers.Integral) and not isinstance(cell, (bool, np.bool_)):
        return str(int(cell))
    return cell.strip() if isinstance(cell, str) else ""


def _unknown(name: str, what: str, known: Sequence[str]) -> HistoryError:
    return HistoryError(
        "unknown-name",
        f"{what} is not in the plan",
        field="channel",
        value=name,
        remedy=f"{suggest(name, known)} (or add it to the plan, or ignore it)",
    )


def _ignored(columns: Columns, names: Sequence[str]) -> list[str]:
    there = set(names)
    return [
        say("ignored: {rows} rows of {channel}", rows=names.count(name), channel=quoted(name))
        if name in there
        else say("nothing to ignore: {channel} is not in the file", channel=quoted(name))
        for name in columns.ignore
    ]


def _look_alikes(channels: Sequence[str]) -> list[str]:
    """Note names that differ in upper and lower case or spaces only."""
    groups: dict[str, list[str]] = {}
    for name in channels:
        groups.setdefault("".join(name.casefold().split()), []).append(name)
    return [
        say(
            "channels that differ only in case or spaces: {channels}",
            channels=listed(map(quoted, group)),
        )
        for group in groups.values()
        if len(group) > 1
    ]
