"""What a weekly run is made from, as the ledger keeps it, and what changed from run to run.

A `RecordedHistory` is a history in the ledger: what differs from the one recorded before it, and
every so often a whole one, so that reading the newest takes a few entries. `Difference` is what one
says that another did not. `Inputs` is everything a proposal depends on: two runs with the same
fingerprint are the same run. `what_changed` says in sentences how two inputs differ.

A policy of one's own is known by its name alone: other settings under one name are not noticed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import cached_property
from math import isnan
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief import Belief
from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.i18n import listed, say, show_figure
from budgetopt.ledger import Entry, Transaction
from budgetopt.money import show_amount
from budgetopt.notebook import short
from budgetopt.plan import Plan
from budgetopt.policies import Policy, policy_to_dict
from budgetopt.workflow.week_state import LedgerReader

_DAY = dt.timedelta(days=1)
CHAIN = 26
"""Histories that are recorded as differences before a whole one is: half a year of Fridays."""

Row = list[Any]
"""Spends by channel, outcomes by channel (or the total alone), and whether the week is partial."""


class Revised(NamedTuple):
    """A week whose amounts changed, and in which channels; of the total alone where there are none.

    Parameters
    ----------
    week
        First day.
    channels
        Names.
    share
        Largest change of an amount, as a share of what it was; infinite where that was nothing.
    """

    week: dt.date
    channels: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Difference:
    """What a history says that an earlier one did not.

    Parameters
    ----------
    added, gone, completed
        Weeks that are new, that are not in it any more, and that were partial and are whole now.
    revised
        Whole weeks whose amounts changed.
    channels
        Channels that were added or left out.
    """

    added: tuple[dt.date, ...] = ()
    gone: tuple[dt.date, ...] = ()
    completed: tuple[dt.date, ...] = ()
    revised: tuple[Revised, ...] = ()
    channels: tuple[str, ...] = ()


_SURE = 4
"""Weeks in common by which two plans' histories are told apart."""


@short
@dataclass(frozen=True)
class RecordedHistory:
    """A history as the ledger keeps it.

    Parameters
    ----------
    fingerprint
        That of the history; empty for one that holds nothing.
    channels
        Names.
    total
        Whether only a total outcome is known.
    through
        Last day whose events it holds, as text.
    rows
        One row a week, by first day as text.
    controls
        Names of what moves the total beside the money, whose numbers end each row.
    days
        Spends by channel on each of the seven days of a week, by its first day as text, where rows
        are daily; None where a day is not known. Empty where only weeks are known, or were kept.
    """

    fingerprint: str = ""
    channels: tuple[str, ...] = ()
    total: bool = False
    through: str = ""
    rows: Mapping[str, Row] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    days: Mapping[str, list[list[float | None]]] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Self:
        """Return a history in plain rows; what is not known is None."""
        spend, outcome = _plain(history.spend), _plain(_outcome_of(history))
        partial = history.partial.tolist()
        weeks = [str(week) for week in history.weeks.astype("datetime64[D]")]
        columns = [spend, outcome, partial]
        if history.controls:
            columns.append(_plain(np.stack(list(history.controls.values()), axis=1)))
        rows = zip(*columns, strict=True)
        return cls(
            history.fingerprint,
            history.channels,
            history.total is not None,
            str(history.through),
            dict(zip(weeks, map(list, rows), strict=True)),
            tuple(history.controls),
            {}
            if history.daily is None
            else dict(zip(weeks, map(_plain, history.daily), strict=True)),
        )

    def after(self, data: Mapping[str, Any]) -> RecordedHistory:
        """Return what is known with one more entry."""
        rows, days = (dict(self.rows), dict(self.days)) if data["base"] else ({}, {})
        for week in data["gone"]:
            del rows[week]
            days.pop(week, None)
        rows.update(data["rows"])
        days.update(data.get("days", {}))
        return RecordedHistory(
            data["fingerprint"],
            tuple(data["channels"]),
            data["total"],
            data["through"],
            dict(sorted(rows.items())),
            tuple(data.get("controls", ())),
            dict(sorted(days.items())),
        )

    def entry(self, earlier: RecordedHistory, base: int) -> dict[str, Any]:
        """Return what is recorded of this history after an earlier one.

        Parameters
        ----------
        earlier
            What was recorded last.
        base
            Number of the entry with the last whole history; 0 to record this one as a whole.
        """
        kind = self.channels, self.total, self.controls
        if kind != (earlier.channels, earlier.total, earlier.controls):
            base = 0
        old, known = (earlier.rows, earlier.days) if base else ({}, {})
        days = {week: each for week, each in self.days.items() if known.get(week) != each}
        return {
            "fingerprint": self.fingerprint,
            "base": base,
            "channels": list(self.channels),
            "total": self.total,
            **({"controls": list(self.controls)} if self.controls else {}),
            "through": self.through,
            "gone": [week for week in old if week not in self.rows],
            "rows": {week: row for week, row in self.rows.items() if old.get(week) != row},
            **({"days": days} if days else {}),
        }

    def spent(self, since: dt.date | None = None) -> dict[Week | dt.date, dict[str, float]]:
        """Return what was spent: by day where its rows are daily, else by week.

        A week that is not over has the days up to `through`. One that lacks days in between counts
        as a whole one with what was seen where only weeks are known, since nobody knows which days
        are missing; the alerts say that it is incomplete. Spends that are not reported are left
        out, and so are weeks that start before `since`.
        """
        found: dict[Week | dt.date, dict[str, float]] = {}
        through = None if self.through in ("", "None") else as_date(self.through, "through")

        def put(span: Week | dt.date, spends: Iterable[float | None]) -> None:
            pairs = zip(self.channels, spends, strict=True)
            known = {name: money for name, money in pairs if money is not None}
            if known or isinstance(span, Week):
                found[span] = known

        for text, (spends, _, partial, *_) in self.rows.items():
            start = as_date(text, "week")
            count = 7 if through is None else min(7, (through - start).days + 1)
            if since is not None and start < since:
                continue
            if daily := self.days.get(text):
                for number, day in enumerate(daily[: max(0, count)]):
                    put(start + number * _DAY, day)
                # Channels of a file with weekly rows beside one with daily rows.
                by_week = [
                    None if any(day[at] is not None for day in daily) else money
                    for at, money in enumerate(spends)
                ]
                if count >= 1 and any(money is not None for money in by_week):
                    put(Week(start, count), by_week)
            elif count >= 1 and not (through is None and partial):
                put(Week(start, count), spends)
        return found

    def since(self, earlier: RecordedHistory) -> Difference:
        """Return what this history says that an earlier one did not."""
        old, new = earlier.rows, self.rows
        both = [week for week in new if week in old]
        same = {"", *self.channels} & {"", *earlier.channels}
        alike = self.channels == earlier.channels and self.total == earlier.total
        pairs = [
            (week, self._by_name(new[week], same), earlier._by_name(old[week], same))
            for week in both
            if not old[week][2] and not (alike and old[week] == new[week])
        ]
        return Difference(
            added=_dates(week for week in new if week not in old),
            gone=_dates(week for week in old if week not in new),
            completed=_dates(week for week in both if old[week][2] and not new[week][2]),
            revised=tuple(_revised(week, a, b) for week, a, b in pairs if a != b),
            channels=tuple(sorted({*self.channels} ^ {*earlier.channels})) if old else (),
        )

    def refuse_unlike(self, earlier: RecordedHistory) -> None:
        """Refuse a history that repeats no spend of what was recorded: it is another plan's.

        Figures are corrected, but of four weeks or more that two histories of one plan report,
        some spend stands as it was. Two plans without an id may have all else in common.

        Raises
        ------
        InputError
            ``bad-argument``.
        """
        names = [name for name in self.channels if name in earlier.channels]
        now, was = ([one.channels.index(name) for name in names] for one in (self, earlier))
        weeks = [w for w, row in self.rows.items() if w in earlier.rows and not row[2]]
        pairs = [
            (self.rows[week][0][a], earlier.rows[week][0][b])
            for week in weeks
            for a, b in zip(now, was, strict=True)
        ]
        both = [a == b for a, b in pairs if a and b]
        if len(weeks) >= _SURE and len(both) >= 2 * _SURE and not any(both):
            raise InputError(
                "bad-argument",
                say("history-of-another-plan", weeks=len(weeks), first=weeks[0], last=weeks[-1]),
                field="history",
                remedy=say("remedy-history-of-another-plan"),
            )

    def _by_name(self, row: Row, names: set[str]) -> dict[str, tuple[Any, ...]]:
        """Return the amounts of channels by name, and a total under the empty name."""
        spend, outcome, _, *controls = row
        if self.total:
            cells = {
                "": (*outcome, *itertools.chain(*controls)),
                **dict(zip(self.channels, zip(spend), strict=True)),
            }
        else:
            pairs = zip(spend, outcome, strict=True)
            cells = dict(zip(self.channels, pairs, strict=True))
        return {name: amounts for name, amounts in cells.items() if name in names}


class LatestHistory:
    """The history recorded last, read as far as it is asked for.

    Parameters
    ----------
    reader
        The ledger.
    """

    def __init__(self, reader: LedgerReader) -> None:
        self._reader, self._entry = reader, reader.latest("history")

    @property
    def number(self) -> int:
        """Number of its entry, 0 where there is none."""
        return 0 if self._entry is None else self._entry.number

    @cached_property
    def fingerprint(self) -> str:
        """That of the history, empty where there is none."""
        return "" if self._entry is None else str(self._entry.data["fingerprint"])

    def lacks(self, known: RecordedHistory) -> bool:
        """Return whether a history says what this one does not, if only on which day it was."""
        if self.fingerprint != known.fingerprint:
            return True
        # Read only where there may be days, and left alone where they were never kept.
        before = self.known if known.days else known
        same = known.channels == before.channels and bool(before.days)
        return same and known.days != before.days

    @cached_property
    def known(self) -> RecordedHistory:
        """What it says."""
        return _folded(self._chain)

    @cached_property
    def base(self) -> int:
        """The whole history to build on, 0 where another whole one is due."""
        return self._chain[0].number if 0 < len(self._chain) < CHAIN else 0

    @cached_property
    def _chain(self) -> list[Entry]:
        return [] if self._entry is None else _chain(self._reader, self._entry)


def actual_of(
    history: History, since: dt.date | None = None
) -> dict[Week | dt.date, dict[str, float]]:
    """Return what a history knows was spent, as `RecordedHistory.spent` does."""
    return RecordedHistory.of(history).spent(since)


def record_history(
    t: Transaction, known: RecordedHistory, before: LatestHistory | None = None
) -> int:
    """Record a history unless it is the one recorded last, and return the number of its entry.

    Parameters
    ----------
    t
        The ledger.
    known
        The history.
    before
        The one recorded last, where it has been read already.
    """
    before = LatestHistory(t) if before is None else before
    if not before.lacks(known):
        return before.number
    return t.add("history", known.entry(before.known, before.base)).number


def recorded(reader: LedgerReader, number: int) -> RecordedHistory:
    """Return the history that was recorded by an entry."""
    return _folded(_chain(reader, reader.entries(kinds=("history",), after=number - 1)[0]))


def _chain(reader: LedgerReader, newest: Entry) -> list[Entry]:
    """Return the entries that a history is made of, the whole one first."""
    base = newest.data["base"] or newest.number
    entries = reader.entries(kinds=("history",), after=base - 1)
    return [entry for entry in entries if entry.number <= newest.number]


def _folded(chain: Iterable[Entry]) -> RecordedHistory:
    known = RecordedHistory()
    for entry in chain:
        known = known.after(entry.data)
    return known


def _plain(amounts: NDArray[np.float64]) -> list[list[float | None]]:
    """Return an array as lists, None for NaN."""
    plain: list[list[float | None]] = amounts.tolist()
    for at in np.flatnonzero(np.isnan(amounts).any(axis=1)).tolist():
        plain[at] = [None if isnan(amount) else amount for amount in amounts[at].tolist()]
    return plain


def _outcome_of(history: History) -> NDArray[np.float64]:
    """Return the outcome by channel, or the total as a single column."""
    if history.outcome is not None:
        return history.outcome
    return np.asarray(history.total, dtype=np.float64)[:, None]


def _dates(weeks: Iterable[str]) -> tuple[dt.date, ...]:
    return tuple(as_date(week, "week") for week in weeks)


def _revised(
    week: str, now: Mapping[str, tuple[Any, ...]], was: Mapping[str, tuple[Any, ...]]
) -> Revised:
    changed = [name for name in {**was, **now} if now.get(name) != was.get(name)]
    shares = [
        _share(a, b)
        for name in changed
        for a, b in zip(now.get(name, ()), was.get(name, ()), strict=False)
        if a != b
    ]
    names = tuple(name for name in changed if name)
    return Revised(as_date(week, "week"), names, max(shares, default=float("inf")))


def _share(now: float | None, was: float | None) -> float:
    if not was or now is None:
        return float("inf")
    return abs(now - was) / abs(was)


_NAMED = 6
"""Weeks, fields or channels that one sentence names."""


def canonical(data: Any) -> str:
    """Return data as JSON with sorted keys and nothing to spare: equal data, equal text."""
    return json.dumps(
        data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def fingerprint(data: Any) -> str:
    """Return the SHA-256 of data, hexadecimal."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


@dataclass(frozen=True)
class Inputs:
    """Everything that a week's proposal depends on.

    Parameters
    ----------
    week
        First day of the week decided.
    plan, history, belief
        Fingerprints; that of the belief is empty where it is learned from the history alone.
    policy, guardrails
        Settings as plain data.
    seed
        Seed of the policy.
    last
        Spends applied last, as text by channel; empty where the ledger has none.
    released
        Money released from the reserve by hand for this week, as text.
    scenarios
        Names of the scenarios that were declared for the week.
    version
        Version of this package.
    """

    week: str
    plan: str
    history: str
    belief: str
    policy: Mapping[str, Any]
    guardrails: Mapping[str, Any] | None
    seed: int
    last: Mapping[str, str]
    released: str
    scenarios: tuple[str, ...]
    version: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it."""
        return fingerprint(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "scenarios": list(self.scenarios)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the inputs of `to_dict`."""
        return cls(**{**data, "scenarios": tuple(data["scenarios"])})


def plan_fingerprint(plan: Plan) -> str:
    """Return the SHA-256 of a plan as it is written in a file, whatever the order of its keys."""
    return fingerprint(plan.to_dict())


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return what is recorded of a plan: all of it."""
    return {"fingerprint": plan_fingerprint(plan), "plan": plan.to_dict()}


def belief_fingerprint(belief: Belief | None) -> str:
    """Return the SHA-256 of what a belief was learned from; empty for none."""
    return "" if belief is None else fingerprint(belief.to_dict())


def policy_record(policy: Policy) -> dict[str, Any]:
    """Return a policy as plain data; one of one's own by its name."""
    try:
        return policy_to_dict(policy)
    except InputError:
        return {"name": policy.name}


def what_changed(
    old: Inputs, new: Inputs, plans: tuple[Mapping[str, Any], Mapping[str, Any]], said: Difference
) -> tuple[str, ...]:
    """Return one sentence for everything that differs between the inputs of two runs.

    Parameters
    ----------
    old, new
        The inputs.
    plans
        The plans as plain data, the old one first.
    said
        What the new history says that the old one did not.
    """
    return (
        *_plan_changes(*plans),
        *(_history_changes(said) if old.history != new.history else ()),
        *_other_changes(old, new),
    )


def _history_changes(said: Difference) -> Iterator[str]:
    weeks = (
        ("history-weeks-added", said.added),
        ("history-weeks-gone", said.gone),
        ("history-weeks-completed", said.completed),
    )
    for template, which in weeks:
        if which:
            yield say(template, weeks=listed(map(str, which), _NAMED))
    if said.channels:
        yield say("history-channels-changed", names=listed(said.channels, _NAMED))
    if said.revised:
        shown = [
            say(
                "week-in-channels",
                week=str(one.week),
                channels=listed(one.channels or (say("total"),), _NAMED),
            )
            for one in said.revised
        ]
        yield say("history-revisions", weeks=listed(shown, _NAMED))
    if said == Difference():
        yield say("history-extent-changed")


def _other_changes(old: Inputs, new: Inputs) -> Iterator[str]:
    if old.seed != new.seed:
        yield say("seed-changed", new=str(new.seed), old=str(old.seed))
    if old.policy != new.policy:
        was, now = (_policy_name(one.policy) for one in (old, new))
        yield say("policy-changed", new=now, old=was)
    if old.guardrails != new.guardrails:
        yield say("guardrails-changed")
    if old.belief != new.belief:
        yield say("belief-changed")
    if old.last != new.last:
        yield say("last-applied-changed", names=_moved(old.last, new.last))
    if old.released != new.released:
        was, now = (show_amount(Decimal(one.released)) for one in (old, new))
        yield say("release-changed", new=now, old=was)
    if old.scenarios != new.scenarios:
        yield say("scenarios-changed", names=listed(new.scenarios or (say("none"),)))
    if old.version != new.version:
        yield say("version-changed", new=new.version, old=old.version)


def _plan_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    was, now = dict(_flat(old)), dict(_flat(new))
    things = [set(_things(side)) for side in (old, new)]
    added, gone = sorted(things[1] - things[0]), sorted(things[0] - things[1])
    if added:
        yield say("plan-items-added", names=listed(added, _NAMED))
    if gone:
        yield say("plan-items-removed", names=listed(gone, _NAMED))
    whole = tuple(f"{thing}." for thing in (*added, *gone))
    changed = [
        name
        for name in {**was, **now}
        if was.get(name) != now.get(name)
        and not name.startswith(whole)
        # An empty list that was filled, or one that was emptied, is told by what it holds.
        and not any(thing.startswith(f"{name}.") for thing in whole)
    ]
    for name in changed[:_NAMED]:
        values = {key: _shown(side.get(name)) for key, side in (("new", now), ("old", was))}
        yield say("plan-field-changed", field=name, **values)
    if len(changed) > _NAMED:
        yield say("more-plan-changes", count=str(len(changed) - _NAMED))


def _flat(data: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Return every single value under its dotted name; things with names are found by them."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _flat(value, f"{at}.{key}" if at else str(key))
    elif isinstance(data, list) and data and all(_name(one) for one in data):
        for one in data:
            yield from _flat(one, f"{at}.{_name(one)}")
    elif at:
        yield at, data


def _things(data: Any, at: str = "") -> Iterator[str]:
    """Return the dotted name of everything that has a name, such as ``channels.search``."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _things(value, f"{at}.{key}" if at else str(key))
    elif isinstance(data, list) and all(_name(one) for one in data):
        for one in data:
            yield f"{at}.{_name(one)}"


def _name(one: Any) -> str:
    return str(one.get("name", "")) if isinstance(one, Mapping) else ""


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return show_figure(value, 15)
    return say("nothing") if value is None else str(value)


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    moved = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return listed(moved, _NAMED)


def _policy_name(policy: Mapping[str, Any]) -> str:
    inner = {k: v for k, v in policy.items() if k not in ("kind", "name", "schema_version")}
    settings = ", ".join(f"{k}={v}" for k, v in inner.items() if not isinstance(v, Mapping))
    name = str(policy.get("kind") or policy.get("name"))
    return f"{name}({settings})" if settings else name
