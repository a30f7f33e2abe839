"""Raw tables to entries: one amount of one channel on one date, whatever the layout was.

In the order in which a table is read: totals rows and rows that filters leave out, dates, the
currency, campaigns to channels, and last the amounts. A wide file and its long form give the same
entries.
"""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.history.cells import (
    Amounts,
    Cells,
    Column,
    header_currency,
    read_amounts,
    refuse,
    rough,
    same_currency,
)
from budgetopt.history.columns import (
    UNITS,
    Columns,
    Outcome,
    Reading,
    check_twins,
    factors,
    suggest,
)
from budgetopt.history.dates import read_spans
from budgetopt.history.layouts import end_column, first_named
from budgetopt.history.mapping import as_text, kept, mapped
from budgetopt.history.tables import SHOWN, Table, style_of
from budgetopt.history.totals import is_empty
from budgetopt.i18n import listed, quoted, say, show_figure
from budgetopt.money import currencies_of
from budgetopt.untrusted import from_cell

Days = NDArray[np.datetime64]
Where = Callable[[int, str], str]
"""Says where the cell of a row and column stands, and whose amount it is."""
LAST_DAY = np.timedelta64(6, "D")


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
    controls
        What else moves the total, by name, on the dates of `total`.
    notes
        What was noticed and done.
    currency_sign
        Sign or code of the currency that cells or headers carried; empty where none did.
    dates
        Every date of the file, those of ignored channels included; empty for those of `days`.
    parts
        A number for the campaign of every entry, where campaigns are mapped to channels: only
        rows of one campaign repeat each other.
    campaigns
        How many campaigns are mapped; 0 where none are.
    left_out
        What was spent on names that are no known channels.
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
    currency_sign: str = ""
    dates: Days = field(default_factory=lambda: np.array([], dtype="datetime64[D]"))
    parts: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))
    campaigns: int = 0
    left_out: float = 0.0
    controls: Mapping[str, Floats] = field(default_factory=dict)

    def where(self, entry: int) -> str:
        """Say which row, date and channel an entry is."""
        name = self.channels[self.codes[entry]]
        place = self.table.where(self.rows[entry], self.table.dates)
        return say("place-of-channel", place=place, day=self.days[entry], channel=repr(name))


def read_entries(table: Table, columns: Columns, reading: Reading) -> Entries:
    """Return the entries of a table.

    Of daily rows only those of days before `Reading.as_of` are read, as if the table ended there.

    Raises
    ------
    HistoryError
        ``unknown-name`` or ``bad-name`` for a channel, ``bad-number`` for an amount, ``no-data``
        where no row is left.
    CalendarError
        ``bad-date``.
    """
    if columns.where:
        table = _filtered(table, columns)
    days, notes = _read_days(table, columns)
    table = replace(table, notes=(*table.notes, *notes))
    _check_currency_column(table)
    if columns.rows == "daily" and reading.as_of is not None:
        table, days = _cut(table, days, columns, reading.as_of)
    make = _long if columns.layout == "long" else _wide
    return make(table, days, columns, reading.channels)


def _filtered(table: Table, columns: Columns) -> Table:
    """Leave out the rows that the filters of the columns do not let through."""
    keep = kept(columns.where, table.cells)
    if not keep.any():
        column = next(iter(columns.where))
        there = listed(sorted(set(map(as_text, table.cells[column].spellings))), SHOWN)
        problem = say("no-row-values", column=repr(column), there=there)
        refuse("no-data", problem, "history.where", column, say("remedy-correct-value-leave"))
    note = say("rows-filtered", rows=int((~keep).sum()), columns=listed(map(quoted, columns.where)))
    return replace(table, notes=(*table.notes, note)).take(keep)


def _read_days(table: Table, columns: Columns) -> tuple[Days, tuple[str, ...]]:
    """Return the first day of every row's week, or its day, and what was noticed."""
    spans = read_spans(table.column(columns.week), columns.date_format)
    first, last, given = spans.first, spans.last, spans.given
    end = end_column(tuple(table.cells), columns)
    notes = spans.notes
    if end is not None:
        read = read_spans(table.column(end), columns.date_format)
        last, given, notes = read.last, np.ones(first.size, dtype=bool), (*notes, *read.notes)
    if given.any():
        _check_spans(table, columns, first, last, given)
    if columns.week_is == "end":
        first = np.where(given, first, first - LAST_DAY)
    return first, notes


def _check_spans(
    table: Table, columns: Columns, first: Days, last: Days, given: NDArray[np.bool_]
) -> None:
    """Refuse a span that is no week, or no day where rows are daily; the last may be running."""
    length = ((last - first) / np.timedelta64(1, "D")).astype(np.int64) + 1
    most = 7 if columns.rows == "weekly" else 1
    wrong = given & ((length > most) | (length < 1))
    wrong |= given & (length < most) & (last < last.max())
    for row in np.flatnonzero(wrong)[:1]:
        problem = say(
            "span-no-week" if most > 1 else "span-no-day",
            row=table.where(int(row)),
            first=first[row],
            last=last[row],
            length=length[row],
        )
        remedy = say("remedy-row-a-week" if most > 1 else "remedy-row-a-day")
        refuse("bad-date", problem, columns.week, f"{first[row]} to {last[row]}", remedy)


def _check_currency_column(table: Table) -> None:
    """Refuse a currency column that holds two currencies, by the row that differs."""
    name = first_named(table.cells, "currency")
    if name is None:
        return
    cells = table.cells[name].map(as_text)
    codes = [code for code, text in enumerate(cells.spellings) if text]
    for other in codes[1:]:
        first, row = cells.row_of(codes[0]), cells.row_of(other)
        problem = say(
            "rows-of-two-values",
            row=table.where(row),
            name=repr(name),
            cells=repr(cells[row]),
            first=table.where(first),
            cells_2=repr(cells[first]),
        )
        refuse("bad-money", problem, name, cells[row], say("remedy-currency-read-rows-history"))


def _cut(table: Table, days: Days, columns: Columns, before: dt.date) -> tuple[Table, Days]:
    """Return the rows of days before one."""
    keep = days < np.datetime64(before, "D")
    if not keep.any():
        problem = say("history-begins-later", first=str(days.min()), day=str(before))
        refuse("no-data", problem, columns.week, str(days.min()), say("remedy-later-as-of"))
    left_out = int((~keep).sum())
    if left_out:
        note = say("rows-after-dropped", day=before, rows=left_out)
        table = replace(table.take(keep), notes=(*table.notes, note))
    return table, days[keep]


def _long(table: Table, days: Days, columns: Columns, known: Sequence[str] | None) -> Entries:
    campaigns = _names(table, columns)
    _refuse_labels(table, campaigns, known)
    names = _channels(table, columns, campaigns)
    keep = names.each(lambda name: name not in columns.ignore)
    notes, every_day = _ignored(columns, names), np.unique(days)
    if not keep.any():
        problem = say("all-ignored")
        refuse("no-data", problem, "history.ignore", columns.ignore, say("remedy-ignore-fewer"))
    lost = 0.0
    if known is not None:
        among, lost = _known(table, columns, names, keep, known, notes)
        keep &= among
    table, days = table.take(keep), days[keep]
    names, campaigns = names.take(keep), campaigns.take(keep)
    channels = tuple(sorted(names.spellings))
    reader = _Amounts(table, columns)

    def where(row: int, column: str) -> str:
        place = table.where(row, column)
        return say("place-of-channel", place=place, day=days[row], channel=repr(names[row]))

    if known is None:
        notes += _look_alikes(channels)
    parts = not np.array_equal(campaigns.spellings[campaigns.at], names.spellings[names.at])
    made = Entries(
        table,
        channels,
        days,
        codes=names.each(channels.index, np.int64),
        rows=np.arange(len(names)),
        spend=reader.spend(str(columns.spend), where),
        outcome=reader.product(cast("Outcome", columns.outcome), where),
        total=None,
        notes=(),
        currency_sign=reader.sign[1],
        dates=every_day,
        parts=campaigns.at if parts else np.array([], dtype=np.int64),
        campaigns=len(campaigns.spellings) if parts else 0,
        left_out=lost,
    )
    reader.check_unit(made.spend)
    return replace(made, notes=(*table.notes, *notes, *reader.notes))


def _refuse_labels(table: Table, names: Cells, known: Sequence[str] | None) -> None:
    """Refuse a row that is called a total, has a date, and is not the sum of others."""
    strange = table.labels & names.each(lambda name: known is None or name not in known)
    if table.labels.all():
        return
    for row in np.flatnonzero(strange)[:1].tolist():
        problem = say("called-total-sum-rows", row=table.where(row))
        refuse("bad-history", problem, "history", names[row], say("remedy-remove-row-read-others"))


def _channels(table: Table, columns: Columns, campaigns: Cells) -> Cells:
    """Return the channel of every row, by the rules of the columns."""
    rules = [rule for rule in columns.map if rule.of_file(table.file)]
    for rule in rules:
        if rule.column and rule.column not in table.cells:
            problem = say("column-map-rule-header", column=repr(rule.column))
            remedy = suggest(rule.column, table.cells)
            refuse("bad-columns", problem, "map.column", rule.column, remedy)
    tested = {rule.column for rule in rules if rule.column}
    cells = {name: table.cells[name].map(as_text) for name in tested}
    return mapped(rules, campaigns, cells, columns.channel)


def _known(
    table: Table,
    columns: Columns,
    names: Cells,
    keep: NDArray[np.bool_],
    known: Sequence[str],
    notes: list[str],
) -> tuple[NDArray[np.bool_], float]:
    """Return which rows are of known channels, and what others spent, or refuse them with it."""
    allowed = set(known)
    strange: NDArray[np.bool_] = keep & names.each(lambda name: name not in allowed)
    if not strange.any():
        return np.ones(strange.size, dtype=bool), 0.0
    spends = np.nan_to_num(rough(table.cells[str(columns.spend)], style_of(table, columns)))
    of_name = np.bincount(names.at[strange], spends[strange], len(names.spellings))
    there = np.unique(names.at[strange])
    by_name = {
        str(names.spellings[n]): float(of_name[n]) for n in there[np.argsort(-of_name[there])]
    }
    whole, lost = float(spends[keep].sum()), sum(by_name.values())
    share = f"{lost / whole:.1%}" if whole else "0%"
    of = listed((f"{quoted(n)} {show_figure(v)}" for n, v in by_name.items()), SHOWN)
    row = int(np.argmax(strange))
    if columns.unmapped == "refuse" and not columns.map and len(by_name) == 1:
        place = table.where(row, columns.channel)
        _unknown(names[row], say("place-channel", place=place, channel=repr(names[row])), known)
    if columns.unmapped == "refuse":
        spend = {"by_name": len(by_name), "lost": show_figure(lost), "share": share, "of": of}
        problem = say("names-no-channels", row=table.where(row), **spend)
        remedy = say("remedy-map-them-channels", names=suggest(names[row], known))
        refuse("unknown-name", problem, "channel", names[row], remedy)
    notes.append(say("unmapped-left-out", spend=show_figure(lost), share=share, names=of))
    if strange.all():
        refuse("no-data", say("row-channel-plan"), "channel", None, say("remedy-map-campaigns-map"))
    return np.logical_not(strange), lost


def _wide(table: Table, days: Days, columns: Columns, known: Sequence[str] | None) -> Entries:
    channels = tuple(sorted(columns.spends))
    for name in channels:
        if known is not None and name not in known:
            _unknown(name, say("declared-channel", name=repr(name)), known)
    size = len(channels)
    reader = _Amounts(table, columns)

    def of(name: str) -> Where:
        return lambda row, column: say(
            "place-of-channel", place=table.where(row, column), day=days[row], channel=repr(name)
        )

    def date(row: int, column: str) -> str:
        return say("place-on-day", place=table.where(row, column), day=days[row])

    spend = [reader.spend(columns.spends[name], of(name)) for name in channels]
    reader.check_unit(np.concatenate(spend))
    outcomes, total = columns.outcomes, None
    outcome = [reader.product(outcomes[name], of(name)) for name in channels if outcomes]
    if not outcomes:
        total = days, reader.product(cast("Outcome", columns.outcome), date, signed=True)
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
        currency_sign=reader.sign[1],
        controls={n: reader.amounts(n, date, signed=True).values for n in columns.controls},
    )


_DEAREST_CLICK = 20_000.0


@dataclass
class _Amounts:
    """Reads the number columns of one table, and remembers what it noticed."""

    table: Table
    columns: Columns
    notes: list[str] = field(default_factory=list)
    read: dict[str, Floats] = field(default_factory=dict)
    sign: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if name := first_named(self.table.cells, "currency"):
            cells = self.table.cells[name].spellings
            code = next((as_text(c) for c in cells if not is_empty(c)), "")
            self.sign = (name, code) if currencies_of(code) else self.sign

    def product(self, outcome: Outcome, where: Where, *, signed: bool = False) -> Floats:
        """Return a column, or the product of two."""
        values = [self.column(name, where, signed=signed) for name in factors(outcome)]
        # An overflow is refused by the history, which knows the week.
        with np.errstate(over="ignore"):
            return values[0] if len(values) == 1 else values[0] * values[1]

    def spend(self, name: str, where: Where) -> Floats:
        """Return a column of spend in units of the currency."""
        return self.column(name, where) / UNITS[self.columns.spend_unit]

    def check_unit(self, spend: Floats) -> None:
        """Refuse spends that make clicks dearer than any, unless their unit is declared.

        A click of 20,000 is ten times the dearest that is sold, in any currency with clicks that
        dear; spends in millionths make it 50,000 to 50 million.
        """
        name = first_named(self.table.cells, "clicks")
        if name is None or self.columns.spend_unit:
            return
        clicks = rough(self.table.cells[name], style_of(self.table, self.columns))
        both = float(np.nansum(clicks)), float(np.nansum(spend))
        if both[0] and both[1] / both[0] >= _DEAREST_CLICK:
            problem = say(
                "spend-clicks-amounts-may",
                both=show_figure(both[1]),
                both_2=show_figure(both[0]),
                name=repr(name),
            )
            remedy = say("remedy-declare-spend-unit-micros")
            refuse("bad-money", problem, "history.spend_unit", both[1], remedy)

    def amounts(self, name: str, where: Where, *, signed: bool) -> Amounts:
        """Return a column of numbers; what is missing in it stays unknown."""
        column = Column(self.table.cells[name], name, lambda row: where(row, name))
        return read_amounts(column, style_of(self.table, self.columns), signed=signed)

    def column(self, name: str, where: Where, *, signed: bool = False) -> Floats:
        """Return a column with its missing cells settled."""
        if name not in self.read:
            amounts = self.amounts(name, where, signed=signed)
            if amounts.sign:
                said = {"sign": quoted(amounts.sign), "column": quoted(name)}
                self.notes.append(say("currency-sign-dropped", **said))
            for sign in filter(None, (header_currency(name), amounts.sign)):
                self._check_sign(name, sign)
            self.read[name] = self._settle(name, amounts.values, where)
        return self.read[name]

    def _check_sign(self, name: str, sign: str) -> None:
        """Refuse two currencies in one file, and keep the sign that says most."""
        other, other_sign = self.sign
        if other_sign and not same_currency(sign, other_sign):
            problem = say(
                "columns-of-currencies",
                name=repr(name),
                sign=repr(sign),
                other=repr(other),
                other_sign=repr(other_sign),
            )
            remedy = say("remedy-currency-amounts-never-converted")
            refuse("bad-number", problem, name, sign, remedy)
        if not other_sign or len(currencies_of(sign)) < len(currencies_of(other_sign)):
            self.sign = name, sign

    def _settle(self, name: str, values: Floats, where: Where) -> Floats:
        """Apply what a missing cell means."""
        missing = np.isnan(values)
        if not missing.any():
            return values
        if self.columns.missing == "refuse":
            problem = say(
                "cell-missing", missing=where(int(np.argmax(missing)), name), name=repr(name)
            )
            refuse("bad-number", problem, name, None, say("remedy-fill-declare-missing-zero"))
        column, cells = quoted(name), int(missing.sum())
        if self.columns.missing == "unknown":
            self.notes.append(say("missing-cells-read-unknown", column=column, cells=cells))
            return values
        self.notes.append(say("missing-cells-read-zero", column=column, cells=cells))
        return np.where(missing, 0.0, values)


def _names(table: Table, columns: Columns) -> Cells:
    """Return the channel or campaign of every row."""
    cells = table.cells[columns.channel]
    names = cells.map(_name)
    for empty in np.flatnonzero(names.spellings == "")[:1].tolist():
        row = names.row_of(empty)
        problem = say(
            "cell-is-no-channel",
            row=table.where(row, columns.channel),
            channel=repr(columns.channel),
            cells=repr(cells[row]),
        )
        remedy = say("remedy-row-name-channel-text")
        refuse("bad-name", problem, columns.channel, cells[row], remedy)
    check_twins(sorted(names.spellings), columns.channel)
    return names


def _name(cell: Any) -> str:
    """Return a cell as a channel name; whole numbers serve, since campaigns have such names."""
    if isinstance(cell, numbers.Integral) and not isinstance(cell, (bool, np.bool_)):
        return str(int(cell))
    return from_cell(cell.strip()) if isinstance(cell, str) else ""


def _unknown(name: str, what: str, known: Sequence[str]) -> NoReturn:
    remedy = say("remedy-add-plan-ignore", name=suggest(name, known))
    refuse("unknown-name", say("not-plan", what=what), "channel", name, remedy)


def _ignored(columns: Columns, names: Cells) -> list[str]:
    rows = dict(zip(names.spellings, np.bincount(names.at).tolist(), strict=True))
    return [
        say("rows-ignored", rows=rows[name], channel=quoted(name))
        if name in rows
        else say("nothing-to-ignore", channel=quoted(name))
        for name in columns.ignore
    ]


def _look_alikes(channels: Sequence[str]) -> list[str]:
    """Note names that differ in upper and lower case or spaces only."""
    groups: dict[str, list[str]] = {}
    for name in channels:
        groups.setdefault("".join(name.casefold().split()), []).append(name)
    return [
        say("similar-channel-names", channels=listed(map(quoted, group)))
        for group in groups.values()
        if len(group) > 1
    ]
