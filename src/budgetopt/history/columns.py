"""What a history file means and what is read of it, checked when it is declared.

`Columns` are the columns of a file, `Reading` what every reading is asked beside them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, NoReturn, Self, TypedDict, TypeVar, cast

from budgetopt.arguments import ABSENT, Given, public, record
from budgetopt.calendar import as_date
from budgetopt.errors import did_you_mean
from budgetopt.history.cells import refuse
from budgetopt.history.dates import EXCEL
from budgetopt.history.layouts import beside
from budgetopt.history.mapping import MapRule
from budgetopt.i18n import Message, say
from budgetopt.notebook import short
from budgetopt.untrusted import is_blank, is_safe, twin_key

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
    "week_is": ("start", "end"),
    "absent": ("as-missing", "zero"),
    "unmapped": ("refuse", "leave-out"),
}
UNITS = {"": 1.0, "one": 1.0, "micros": 1e6, "fen": 100.0, "cents": 100.0}
"""How many of a unit of spend make one of the currency; nothing declared is one, if plausible."""


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


_SOURCES = {
    "type": "array",
    "items": {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]},
    "description": "columns of each file; the others are those of the history",
}


@public
@short
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
        A `strptime` format such as ``"%d-%m-%Y"``, or ``"excel"`` for serial days; by default any
        spelling that can be read in one way only, see `budgetopt.history.dates`.
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
    week_is
        ``"end"``: the date is the last day of its week, not the first.
    week_end
        Column of the last day, where rows have both; by default found beside a column that
        platforms write with one, such as ``Reporting starts``. Spans of another length are refused.
    absent
        ``"zero"``: a day without a row spent nothing, in all channels, up to the weekday on which
        weeks of the file usually end. By default the day is missing.
    spend_unit
        ``"micros"`` (millionths), ``"fen"`` or ``"cents"`` (hundredths), ``"one"``; by default one,
        and refused where that makes clicks dearer than any.
    where
        Rows that are read: column to value, or to a list of values.
    map
        Rules from campaigns to channels, `MapRule` or their fields; ``[[map]]`` in a plan file.
    controls
        Columns of a wide layout that move one total outcome beside the money, such as a price or
        the days of a promotion; any numbers, one a week. Of several rows a week their mean.
    unmapped
        ``"leave-out"``: spend of what is neither a channel nor mapped is left out, with its share.
    file
        Name or pattern of the file that these columns are of, in `sources`.
    sources
        Columns of several files, read as one history; each takes from here what it leaves unsaid.

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
    week_is: Literal["start", "end"] = "start"
    week_end: str | None = None
    absent: Literal["as-missing", "zero"] = "as-missing"
    spend_unit: str = ""
    where: Mapping[str, str | tuple[str, ...]] = field(default=Named(()), metadata={"plain": dict})
    map: tuple[MapRule, ...] = ()
    unmapped: Literal["refuse", "leave-out"] = "refuse"
    controls: tuple[str, ...] = ()
    file: str | None = None
    sources: tuple[Columns, ...] = field(default=(), metadata={"schema": _SOURCES})

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            given = getattr(self, name)
            if given not in known:
                _refuse(name, given, say("not-choice"), suggest(given, known))
        checked = {
            "week": _column("week", self.week),
            "channel": _column("channel", self.channel),
            "spend": _spend(self.spend, self.layout),
            "outcome": _outcome(self.outcome, self.layout),
            "ignore": _ignore(self.ignore, self.layout),
            "where": _where(self.where),
            "map": tuple(map(MapRule.of, self.map)),
            "controls": _controls(self.controls, self.layout, self.outcome),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _check_same_channels(self)
        _check_distinct(self)
        _check_reading(self)
        object.__setattr__(self, "sources", tuple(self._source(one) for one in self.sources))

    def _source(self, given: Any) -> Columns:
        """Return the columns of one source, with what it leaves unsaid as it is here."""
        if isinstance(given, Columns):
            return given
        if not given.get("file"):
            _refuse("sources", dict(given), say("without-file"), say("remedy-file-name-pattern"))
        common = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sources"}
        if given.get("layout") == "wide":
            # Its columns are channels already: rules for campaigns are for the other files.
            common.pop("map")
        return Columns.from_dict(common | dict(given))

    @property
    def spends(self) -> dict[str, str]:
        """Spend columns by channel of a wide layout."""
        return dict(self.spend) if isinstance(self.spend, Mapping) else {}

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Outcome columns by channel of a wide layout; empty where one total is declared."""
        return dict(self.outcome) if isinstance(self.outcome, Mapping) else {}

    @property
    def spend_columns(self) -> tuple[str, ...]:
        """Every column of spend."""
        return tuple(self.spends.values()) or (str(self.spend),)

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """Every column of an outcome or of a factor of one, each once."""
        every = self.outcomes.values() or [cast("Outcome", self.outcome)]
        return tuple(dict.fromkeys(name for outcome in every for name in factors(outcome)))

    @property
    def declared(self) -> tuple[str, ...]:
        """Every column that the file must have, each once."""
        named = [self.week, *([self.channel] if self.layout == "long" else [])]
        named += [*self.spend_columns, *self.outcome_columns, *self.where, *self.controls]
        named += [rule.column for rule in self.map if rule.column and not rule.file]
        named += [self.week_end] if self.week_end else []
        return tuple(dict.fromkeys(named))

    @property
    def amounts(self) -> tuple[str, ...]:
        """The declared columns of numbers."""
        return (*self.spend_columns, *self.outcome_columns, *self.controls)

    def beside(self, header: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of a header that are read beside the declared ones, as evidence."""
        return beside(header, self)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults as plain data, for TOML and JSON."""
        return self._beside(Columns())

    def _beside(self, other: Columns) -> dict[str, Any]:
        """Return the fields that differ from those of other columns."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        data = {name: _plain(one) for name, (one, two) in pairs.items() if one != two}
        if self.sources:
            # What a wide source leaves unsaid is no rule, as in `_source`.
            plain = replace(self, sources=())
            data["sources"] = [
                one._beside(replace(plain, map=()) if one.layout == "wide" else plain)
                for one in self.sources
            ]
        return data

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Return the columns that a ``[history]`` table declares.

        Raises
        ------
        HistoryError
            ``unknown-name`` for a key that is not a field, and whatever the constructor raises.
        """
        known = [f.name for f in fields(cls)]
        for key in table:
            if key not in known:
                _refuse(
                    str(key), key, say("not-known-field"), suggest(key, known), code="unknown-name"
                )
        return cls(**table)


class ReadingOptions(TypedDict, total=False):
    """The keywords of every reading of a history; what they mean is said in `Reading`."""

    channels: Sequence[str] | None
    week_start: str
    as_of: dt.date | str | None
    data_through: dt.date | str | None


@record()
class Reading:
    """What is asked of a reading, of a file, a frame or a query alike.

    Parameters
    ----------
    channels
        The plan's channels: the history gets these, in this order. One without rows becomes
        unknown (NaN); one that is not among them is refused. By default those of the file, sorted.
    week_start
        Day on which weeks start.
    as_of
        Today: weeks that are not over are marked as partial. Of daily rows those of days on or
        after it are left out, as if the file ended the day before; rows of earlier days keep their
        amounts, with what arrived since. Weekly rows all stay.
    data_through
        Last day whose events are in the file; weeks that end after it are partial. By default
        yesterday, seen from `as_of`, but never later than the last day that the rows speak of: an
        old file stays old. Give it where the file is younger than its last week. With daily rows
        and `as_of` it is yesterday at the latest.

    Raises
    ------
    HistoryError
        ``bad-name``.
    CalendarError
        ``bad-date``.
    """

    channels: Sequence[str] | None = None
    week_start: str = "monday"
    as_of: Given[dt.date | None] = ABSENT
    data_through: Given[dt.date | None] = ABSENT

    def __post_init__(self) -> None:
        for name, read in (
            ("channels", check_names),
            ("as_of", as_date),
            ("data_through", as_date),
        ):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, read(given, name))


def check_columns(columns: Any) -> None:
    """Refuse what is not a `Columns`, such as a bare mapping.

    Raises
    ------
    HistoryError
        ``bad-argument``.
    """
    if not isinstance(columns, Columns):
        problem = say("columns-of-type", name=type(columns).__name__)
        remedy = say("remedy-columns-columns-dict-mapping")
        refuse("bad-argument", problem, "columns", type(columns).__name__, remedy)


def factors(outcome: Outcome) -> tuple[str, ...]:
    """Return the columns that are multiplied: one or two."""
    return (outcome,) if isinstance(outcome, str) else outcome


def suggest(name: Any, known: Iterable[str]) -> Message:
    """Return a remedy that names the closest known name; upper and lower case count as close."""
    known = list(known)
    same = [k for k in known if k.casefold() == str(name).strip().casefold()]
    return say("did-you-mean", name=repr(same[0])) if same else did_you_mean(str(name), known)


def _refuse(
    field: str, value: Any, problem: Message, remedy: Message, *, code: str = "bad-argument"
) -> NoReturn:
    """Raise the error of one field of the declaration."""
    problem = say("column-field-wrong", field=field, value=repr(value), problem=problem)
    refuse(code, problem, f"history.{field}", value, remedy)


def check_names(names: Any, field: str) -> tuple[str, ...]:
    """Return channel names as a tuple, each filled and once.

    Raises
    ------
    HistoryError
        ``bad-name``.
    """
    given = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else []
    if not given:
        problem = say("field-is", field=field, value=repr(names))
        refuse("bad-name", problem, field, names, say("remedy-least-name-text"))
    for name in given:
        if not isinstance(name, str) or not name.strip():
            problem = say("field-holds", field=field, name=repr(name))
            refuse("bad-name", problem, field, name, say("remedy-names-as-text"))
    check_twins(given, field)
    return tuple(map(str, given))


def check_twins(names: Iterable[str], field: str) -> None:
    """Refuse a name with control characters, and two that are or look the same.

    Raises
    ------
    HistoryError
        ``bad-name``.
    """
    by_key: dict[str, str] = {}
    for name in names:
        if is_blank(name) or not is_safe(name):
            what = "channel-holds-nothing" if is_blank(name) else "channel-holds-control"
            remedy = say("remedy-write-without-line")
            refuse("bad-name", say(what, name=ascii(name)), field, name, remedy)
        other = by_key.get(twin_key(name))
        if other is not None:
            same = other == name
            problem = say("channel-appears-twice", name=repr(name))
            alike = say("channel-looks-same", name=ascii(name), other=ascii(other))
            remedy = say("remedy-name-it-once") if same else say("remedy-write-both-way")
            refuse("bad-name", problem if same else alike, field, name, remedy)
        by_key[twin_key(name)] = name


def _column(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        _refuse(field, value, say("not-column-name"), say("remedy-name-stands-header"))
    return value.strip()


def _pairs(field: str, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return a mapping's items under stripped channel names, which must differ."""
    pairs = [(_column(field, name), column) for name, column in value.items()]
    names = [name for name, _ in pairs]
    if not names:
        _refuse(field, dict(value), say("value-empty"), say("remedy-name-least-channel"))
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        _refuse(field, doubled[0], say("channel-named-twice"), say("remedy-each-channel-once"))
    return pairs


def _spend(value: Any, layout: str) -> str | Named[str]:
    if layout == "long":
        return _column("spend", value)
    if not isinstance(value, Mapping):
        _refuse("spend", value, say("column-wide-layout"), say("remedy-map-channel-column"))
    return Named((name, _column("spend", column)) for name, column in _pairs("spend", value))


def _outcome(value: Any, layout: str) -> Outcome | Named[Outcome]:
    if not isinstance(value, Mapping):
        return _one_outcome(value)
    if layout == "long":
        _refuse("outcome", dict(value), say("mapping-long-layout"), say("remedy-column-pair"))
    return Named((name, _one_outcome(column)) for name, column in _pairs("outcome", value))


def _one_outcome(value: Any) -> Outcome:
    if not isinstance(value, (tuple, list)):
        return _column("outcome", value)
    if len(value) != 2:
        _refuse("outcome", value, say("not-column-pair"), say("remedy-column-two-multiply"))
    return _column("outcome", value[0]), _column("outcome", value[1])


def _ignore(value: Any, layout: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(name, str) for name in value):
        _refuse("ignore", value, say("not-list-names"), say("remedy-list-channel-names"))
    if len(value) and layout == "wide":
        _refuse("ignore", tuple(value), say("without-use-wide"), say("remedy-leave-column-out"))
    return tuple(dict.fromkeys(name.strip() for name in value))


def _controls(value: Any, layout: str, outcome: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(name, str) for name in value):
        _refuse("controls", value, say("not-list-columns"), say("remedy-list-column-names"))
    if value and (layout == "long" or isinstance(outcome, Mapping)):
        remedy = say("remedy-leave-them-out")
        _refuse("controls", tuple(value), say("without-use-where"), remedy)
    return tuple(_column("controls", name) for name in value)


def _where(value: Any) -> Named[tuple[str, ...]]:
    """Return filters as columns and the values they let through."""
    if not isinstance(value, Mapping):
        _refuse("where", value, say("no-mapping"), say("remedy-columns-their-values"))
    pairs = []
    for column, values in value.items():
        values = [values] if isinstance(values, str) else list(values)
        if not values or not all(isinstance(one, str) for one in values):
            _refuse("where", values, say("not-text"), say("remedy-value-list-values"))
        pairs.append((_column("where", column), tuple(values)))
    return Named(pairs)


def _check_same_channels(columns: Columns) -> None:
    spends, outcomes = columns.spends, columns.outcomes
    if not outcomes:
        return
    for name in outcomes:
        if name not in spends:
            remedy = suggest(name, spends)
            _refuse("outcome", name, say("not-among-spend"), remedy, code="unknown-name")
    for name in spends:
        if name not in outcomes:
            problem = say("without-channel", name=repr(name))
            _refuse("outcome", list(outcomes), problem, say("remedy-every-channel-one"))


def _check_distinct(columns: Columns) -> None:
    """Refuse one column in two roles; only a factor may serve several outcomes."""
    roles = [columns.week, *([columns.channel] if columns.layout == "long" else [])]
    roles += [*columns.spend_columns, *columns.outcome_columns, *columns.controls]
    for name in roles:
        if roles.count(name) > 1:
            _refuse("spend", name, say("declared-two-roles"), say("remedy-role-column"))
    outcomes = list(columns.outcomes.values())
    for one in outcomes:
        if outcomes.count(one) > 1:
            _refuse("outcome", one, say("outcome-two-channels"), say("remedy-total"))


def _check_reading(columns: Columns) -> None:
    if columns.date_format is not None:
        _check_date_format(columns.date_format)
    mark = columns.delimiter
    if mark is not None and (not isinstance(mark, str) or len(mark) != 1 or mark in '"\r\n'):
        _refuse("delimiter", mark, say("not-character"), say("remedy-one-character"))
    if columns.encoding is not None:
        try:
            " ".encode(columns.encoding)
        except (LookupError, TypeError, ValueError):
            remedy = say("remedy-name-utf-8")
            _refuse("encoding", columns.encoding, say("not-known-encoding"), remedy)
    if columns.spend_unit not in UNITS:
        _refuse(
            "spend_unit", columns.spend_unit, say("not-unit"), suggest(columns.spend_unit, UNITS)
        )
    if columns.week_is == "end" and (columns.rows == "daily" or columns.week_end):
        _refuse("week_is", "end", say("rows-name-their"), say("remedy-leave-out"))
    if columns.map and columns.layout == "wide":
        _refuse("map", "rules", say("without-use-wide"), say("remedy-leave-out"))
    if columns.sheet is not None and not isinstance(columns.sheet, str):
        _refuse("sheet", columns.sheet, say("not-name-sheet"), say("remedy-name-text"))


def _check_date_format(date_format: Any) -> None:
    """Accept only a format that tells one day from another."""
    if date_format == EXCEL:
        return
    day = dt.date(2023, 11, 26)
    try:
        # Without a year, Python warns before it fails.
        told = any(year in date_format for year in ("%Y", "%y", "%G", "%x", "%c"))
        told = told and dt.datetime.strptime(day.strftime(date_format), date_format).date() == day
    except (ValueError, TypeError, re.error):
        told = False
    if not told:
        remedy = say("remedy-year-month-day")
        _refuse("date_format", date_format, say("not-format-whole"), remedy)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, MapRule):
        return value.to_dict()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
