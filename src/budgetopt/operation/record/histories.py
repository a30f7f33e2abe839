"""Histories in the ledger: what each one says anew, so that a later one can be held against it.

A history is recorded as what differs from the one recorded before it; every so often as a whole,
so that reading the newest never takes more than a few entries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import as_date
from budgetopt.history import History
from budgetopt.ledger import Entry, Transaction
from budgetopt.operation.reading import Reads

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


@dataclass(frozen=True)
class Known:
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
    """

    fingerprint: str = ""
    channels: tuple[str, ...] = ()
    total: bool = False
    through: str = ""
    rows: Mapping[str, Row] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Self:
        """Return a history in plain rows; what is not known is None."""
        spend, outcome = _plain(history.spend), _plain(_outcome_of(history))
        partial = history.partial.tolist()
        weeks = [str(week) for week in history.weeks.astype("datetime64[D]")]
        rows = zip(spend, outcome, partial, strict=True)
        return cls(
            history.fingerprint,
            history.channels,
            history.total is not None,
            str(history.through),
            dict(zip(weeks, map(list, rows), strict=True)),
        )

    def after(self, data: Mapping[str, Any]) -> Known:
        """Return what is known with one more entry."""
        rows = {} if not data["base"] else dict(self.rows)
        for week in data["gone"]:
            del rows[week]
        rows.update(data["rows"])
        return Known(
            data["fingerprint"],
            tuple(data["channels"]),
            data["total"],
            data["through"],
            dict(sorted(rows.items())),
        )

    def entry(self, earlier: Known, base: int) -> dict[str, Any]:
        """Return what is recorded of this history after an earlier one.

        Parameters
        ----------
        earlier
            What was recorded last.
        base
            Number of the entry with the last whole history; 0 to record this one as a whole.
        """
        if (self.channels, self.total) != (earlier.channels, earlier.total):
            base = 0
        old = earlier.rows if base else {}
        return {
            "fingerprint": self.fingerprint,
            "base": base,
            "channels": list(self.channels),
            "total": self.total,
            "through": self.through,
            "gone": [week for week in old if week not in self.rows],
            "rows": {week: row for week, row in self.rows.items() if old.get(week) != row},
        }

    def since(self, earlier: Known) -> Difference:
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

    def _by_name(self, row: Row, names: set[str]) -> dict[str, tuple[Any, ...]]:
        """Return the amounts of channels by name, and a total under the empty name."""
        spend, outcome, _ = row
        if self.total:
            cells = {"": tuple(outcome), **dict(zip(self.channels, zip(spend), strict=True))}
        else:
            pairs = zip(spend, outcome, strict=True)
            cells = dict(zip(self.channels, pairs, strict=True))
        return {name: amounts for name, amounts in cells.items() if name in names}


class Latest:
    """The history recorded last, read as far as it is asked for.

    Parameters
    ----------
    reads
        The ledger.
    """

    def __init__(self, reads: Reads) -> None:
        self._reads, self._entry = reads, reads.latest("history")

    @property
    def number(self) -> int:
        """Number of its entry, 0 where there is none."""
        return 0 if self._entry is None else self._entry.number

    @cached_property
    def fingerprint(self) -> str:
        """That of the history, empty where there is none."""
        return "" if self._entry is None else str(self._entry.data["fingerprint"])

    @cached_property
    def known(self) -> Known:
        """What it says."""
        return _folded(self._chain)

    @cached_property
    def base(self) -> int:
        """The whole history to build on, 0 where another whole one is due."""
        return self._chain[0].number if 0 < len(self._chain) < CHAIN else 0

    @cached_property
    def _chain(self) -> list[Entry]:
        return [] if self._entry is None else _chain(self._reads, self._entry)


def keep(t: Transaction, known: Known, before: Latest | None = None) -> int:
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
    before = Latest(t) if before is None else before
    if before.fingerprint == known.fingerprint:
        return before.number
    return t.add("history", known.entry(before.known, before.base)).number


def recorded(reads: Reads, number: int) -> Known:
    """Return the history that was recorded by an entry."""
    return _folded(_chain(reads, reads.entries(kinds=("history",), after=number - 1)[0]))


def _chain(reads: Reads, newest: Entry) -> list[Entry]:
    """Return the entries that a history is made of, the whole one first."""
    base = newest.data["base"] or newest.number
    entries = reads.entries(kinds=("history",), after=base - 1)
    return [entry for entry in entries if entry.number <= newest.number]


def _folded(chain: Iterable[Entry]) -> Known:
    known = Known()
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
    return abs(now - was) / was
