"""The declared columns of a history file: what is read and how, checked when it is declared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn, Self, TypeVar, cast

from budgetopt.errors import HistoryError, did_you_mean

V = TypeVar("V")
Outcome = str | tuple[str, str]
"""A column, or two columns whose product is meant."""

CHOICES: dict[str, tuple[str, ...]] = {
    "layout": ("long", "wide"),
    "rows": ("weekly", "daily"),
    "decimal": (".", ","),
    "missing": ("refuse", "zero", "unknown"),
    "gaps": ("refuse", "unknown"),
    "repeats": ("refuse", "sum"),
}


class Named(Mapping[str, V]):
    """A mapping that cannot be changed and has a hash; it keeps the order it was given in."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, V]]) -> None:
        self._pairs = tuple(pairs)

    def __getitem__(self, name: str) -> V:
        for key, value in self._pairs:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self._pairs))

    def __repr__(self) -> str:
        return repr(dict(self._pairs))


@dataclass(frozen=True)
class Columns:
    """What the columns of a history file mean; the ``[history]`` table of a plan file.

    Parameters
    ----------
    layout
        ``"long"``: one row per week and channel. ``"wide"``: one row per week, one spend column
        per channel.
    week
        Column of the date: the first day of the week, or the day where rows are daily.
    channel
        Column of the channel name; long layout only.
    spend
        Column of the spend; in the wide layout a mapping from channel name to column.
    outcome
        A column, or two columns whose product is meant (``("conversions", "value_each")``). In the
        wide layout one total outcome, or a mapping from channel name to either.
    rows
        ``"daily"`` rows are summed to weeks; only where it is declared.
    date_format
        A `strptime` format such as ``"%d-%m-%Y"``; by default ISO dates only (``2026-11-20``).
    delimiter
        One character; by default the one of ``,`` ``;`` tab ``|`` that splits the header into all
        declared columns.
    decimal
        Decimal sign, ``"."`` or ``","``. The other one, a space or an apostrophe may separate
        thousands.
    encoding
        By default UTF-8, and whatever a byte-order mark says.
    sheet
        Sheet of a workbook; by default the only one that holds all declared columns.
    missing
        What a missing spend or outcome means: an empty cell, a dash, or a channel without a row on
        a date that others have. ``"zero"`` reads nothing, ``"unknown"`` keeps it as NaN.
    gaps
        What weeks mean that no row speaks of; ``"unknown"`` keeps them as NaN.
    repeats
        ``"sum"`` adds up several rows of one date and channel, such as one per campaign; by
        default they are refused, since the usual cause is a row pasted twice.
    ignore
        Channels of the file that are left out on purpose; long layout only.

    Raises
    ------
    HistoryError
        ``bad-argument`` or ``unknown-name``, with the field as ``history.<field>``.

    Examples
    --------
    >>> Columns(layout="wide", spend={"tv": "tv_S"}, outcome="revenue").declared
    ('week', 'tv_S', 'revenue')
    """

    layout: Literal["long", "wide"] = "long"
    week: str = "week"
    channel: str = "channel"
    spend: str | Mapping[str, str] = "spend"
    outcome: Outcome | Mapping[str, Outcome] = "outcome"
    rows: Literal["weekly", "daily"] = "weekly"
    date_format: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."
    encoding: str | None = None
    sheet: str | None = None
    missing: Literal["refuse", "zero", "unknown"] = "refuse"
    gaps: Literal["refuse", "unknown"] = "refuse"
    repeats: Literal["refuse", "sum"] = "refuse"
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                refuse(
                    name, getattr(self, name), "not a choice", suggest(getattr(self, name), known)
                )
        checked = {
            "week": _column("week", self.week),
            "channel": _column("channel", self.channel),
            "spend": _spend(self.spend, self.layout),
            "outcome": _outcome(self.outcome, self.layout),
            "ignore": _ignore(self.ignore, self.layout),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _check_same_channels(self)
        _check_distinct(self)
        _check_reading(self)

    @property
    def spends(self) -> dict[str, str]:
        """Spend columns by channel of a wide layout."""
        return dict(self.spend) if isinstance(self.spend, Mapping) else {}

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Outcome columns by channel of a wide layout; empty where one total is declared."""
        return dict(self.outcome) if isinstance(self.outcome, Mapping) else {}

    @property
    def declared(self) -> tuple[str, ...]:
        """Every column that the file must have, each once."""
        named = [self.week, *([self.channel] if self.layout == "long" else [])]
        named += self.spends.values() if self.spends else [str(self.spend)]
        for outcome in self.outcomes.values() or [cast("Outcome", self.outcome)]:
            named += factors(outcome)
        return tuple(dict.fromkeys(named))

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults as plain data, for TOML and JSON."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {f.name: _plain(given[f.name]) for f in fields(self) if given[f.name] != f.default}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Return the columns that a ``[history]`` table declares.

        Raises
        ------
        HistoryError
            ``unknown-name`` for a key that is no field, and whatever the constructor raises.
        """
        known = [f.name for f in fields(cls)]
        for key in table:
            if key not in known:
                refuse(str(key), key, "no field of it", suggest(key, known), code="unknown-name")
        return cls(**table)


def check_columns(columns: Any) -> None:
    """Refuse what is not a `Columns`, such as a bare mapping.

    Raises
    ------
    HistoryError
        ``bad-argument``.
    """
    if not isinstance(columns, Columns):
        raise HistoryError(
            "bad-argument",
            f"columns is a {type(columns).__name__}",
            field="columns",
            value=type(columns).__name__,
            remedy="give Columns(...), or Columns.from_dict(...) of a mapping",
        )


def factors(outcome: Outcome) -> tuple[str, ...]:
    """Return the columns that are multiplied: one or two."""
    return (outcome,) if isinstance(outcome, str) else outcome


def suggest(name: Any, known: Iterable[str]) -> str:
    """Return a remedy that names the closest known name; upper and lower case count as close."""
    known = list(known)
    same = [k for k in known if k.casefold() == str(name).strip().casefold()]
    return f"did you mean {same[0]!r}?" if same else did_you_mean(str(name), known)


def refuse(
    field: str, value: Any, problem: str, remedy: str, *, code: str = "bad-argument"
) -> NoReturn:
    """Raise the error of one field of the declaration."""
    raise HistoryError(
        code,
        f"{field} of the history columns is {value!r}, {problem}",
        field=f"history.{field}",
        value=value,
        remedy=remedy,
    )


def _column(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        refuse(field, value, "not a column name", "give the name as it stands in the header")
    return value.strip()


def _pairs(field: str, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return a mapping's items under stripped channel names, which must differ."""
    pairs = [(_column(field, name), column) for name, column in value.items()]
    names = [name for name, _ in pairs]
    if not names:
        refuse(field, dict(value), "empty", "name at least one channel and its column")
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        refuse(field, doubled[0], "a channel named twice", "name every channel once")
    return pairs


def _spend(value: Any, layout: str) -> str | Named[str]:
    if layout == "long":
        return _column("spend", value)
    if not isinstance(value, Mapping):
        refuse("spend", value, "one column in a wide layout", "map each channel to its column")
    return Named((name, _column("spend", column)) for name, column in _pairs("spend", value))


def _outcome(value: Any, layout: str) -> Outcome | Named[Outcome]:
    if not isinstance(value, Mapping):
        return _one_outcome(value)
    if layout == "long":
        refuse("outcome", dict(value), "a mapping in a long layout", "give one column, or a pair")
    return Named((name, _one_outcome(column)) for name, column in _pairs("outcome", value))


def _one_outcome(value: Any) -> Outcome:
    if not isinstance(value, (tuple, list)):
        return _column("outcome", value)
    if len(value) != 2:
        refuse("outcome", value, "not a column or a pair", "give one column, or two to multiply")
    return _column("outcome", value[0]), _column("outcome", value[1])


def _ignore(value: Any, layout: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(name, str) for name in value):
        refuse("ignore", value, "not a list of names", "give a list of channel names")
    if value and layout == "wide":
        refuse("ignore", tuple(value), "without use in a wide layout", "leave the column out")
    return tuple(dict.fromkeys(name.strip() for name in value))


def _check_same_channels(columns: Columns) -> None:
    spends, outcomes = columns.spends, columns.outcomes
    if not outcomes:
        return
    for name in outcomes:
        if name not in spends:
            remedy = suggest(name, spends)
            refuse("outcome", name, "no channel of spend", remedy, code="unknown-name")
    for name in spends:
        if name not in outcomes:
            refuse("outcome", list(outcomes), f"without channel {name!r}", "give every channel one")


def _check_distinct(columns: Columns) -> None:
    """Refuse one column in two roles; only a factor may serve several outcomes."""
    outcome = columns.outcome
    outcomes = list(outcome.values()) if isinstance(outcome, Mapping) else [outcome]
    multiplied = {name for one in outcomes for name in factors(one)}
    roles = [columns.week, *([columns.channel] if columns.layout == "long" else [])]
    roles += columns.spends.values() if columns.spends else [str(columns.spend)]
    roles += multiplied
    for name in roles:
        if roles.count(name) > 1:
            refuse("spend", name, "declared in two roles", "give every role its own column")
    for one in outcomes:
        if outcomes.count(one) > 1:
            refuse("outcome", one, "the outcome of two channels", "give each its own, or one total")


def _check_reading(columns: Columns) -> None:
    if columns.date_format is not None:
        _check_date_format(columns.date_format)
    mark = columns.delimiter
    if mark is not None and (not isinstance(mark, str) or len(mark) != 1 or mark in '"\r\n'):
        refuse("delimiter", mark, "not one character", "give one, such as ';' or a tab")
    if columns.encoding is not None:
        try:
            " ".encode(columns.encoding)
        except (LookupError, TypeError, ValueError):
            remedy = "give a name such as 'utf-8', 'gbk' or 'cp1252'"
            refuse("encoding", columns.encoding, "not a known encoding", remedy)
    if columns.sheet is not None and not isinstance(columns.sheet, str):
        refuse("sheet", columns.sheet, "not the name of a sheet", "give its name as text")


def _check_date_format(date_format: Any) -> None:
    """Accept only a format that tells one day from another."""
    day = dt.date(2023, 11, 26)
    try:
        # Without a year, Python warns before it fails.
        told = any(year in date_format for year in ("%Y", "%y", "%G", "%x", "%c"))
        told = told and dt.datetime.strptime(day.strftime(date_format), date_format).date() == day
    except (ValueError, TypeError):
        told = False
    if not told:
        remedy = "give year, month and day, such as '%d-%m-%Y'"
        refuse("date_format", date_format, "not the format of a whole date", remedy)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return list(value) if isinstance(value, tuple) else value
