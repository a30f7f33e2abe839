"""What a ledger says that a week's run needs, read once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from budgetopt.calendar import Period, Week, periods
from budgetopt.ledger import Entry
from budgetopt.operation.checks import Spends, as_money
from budgetopt.operation.propose import Terms
from budgetopt.operation.reading import Reads
from budgetopt.operation.reserve import Account, Balances, Movement, balances, parts_of
from budgetopt.operation.state import WeekState, state_of
from budgetopt.plan import Plan
from budgetopt.words import restored

_WEEK = dt.timedelta(weeks=1)


@dataclass(frozen=True)
class Lived:
    """The weeks that were applied, and what was measured of them.

    Parameters
    ----------
    applied
        The newest applied entry of every week that has one, oldest week first.
    measured
        All measured entries of a week, oldest first.
    """

    applied: Mapping[dt.date, Entry]
    measured: Mapping[dt.date, list[Entry]]

    @cached_property
    def data(self) -> Mapping[dt.date, Mapping[str, Any]]:
        """The data of the applied entries, read as they are asked for."""
        return _Parsed(self.applied)


class _Parsed(dict[dt.date, Mapping[str, Any]]):
    """Data of entries, each parsed when it is first asked for."""

    def __init__(self, entries: Mapping[dt.date, Entry]) -> None:
        super().__init__()
        self._entries = entries

    def __missing__(self, week: dt.date) -> Mapping[str, Any]:
        self[week] = self._entries[week].data
        return self[week]


def lived(reads: Reads) -> Lived:
    """Read which weeks were applied and measured."""
    applied: dict[dt.date, Entry] = {}
    measured: dict[dt.date, list[Entry]] = {}
    for entry in reads.entries(kinds=("applied", "measured")):
        if entry.week is None:
            continue
        if entry.kind == "applied":
            applied[entry.week] = entry
        else:
            measured.setdefault(entry.week, []).append(entry)
    return Lived(dict(sorted(applied.items())), measured)


@dataclass(frozen=True)
class Seen:
    """A ledger as one week sees it.

    Parameters
    ----------
    head
        Number and hash of the last entry.
    state
        The week's own state.
    lived
        The weeks that were applied.
    releases
        All that left the reserves.
    notes, alerts
        Keys of what was noted, and of what was raised.
    """

    head: tuple[int, str]
    state: WeekState
    lived: Lived
    releases: tuple[Entry, ...]
    notes: frozenset[str]
    alerts: frozenset[str]

    @property
    def applied(self) -> Mapping[dt.date, Entry]:
        """The newest applied entry of every week that has one, oldest week first."""
        return self.lived.applied

    @property
    def week(self) -> dt.date:
        """First day of the week."""
        return self.state.week

    @property
    def last(self) -> tuple[dt.date, Spends] | None:
        """The newest applied week before this one, with its spends; None where there is none."""
        weeks = [week for week in self.applied if week < self.week]
        return (weeks[-1], as_money(self.lived.data[weeks[-1]]["spend"])) if weeks else None

    def last_of(self, plan: Plan) -> Spends | None:
        """Return the spends applied last of the channels that a plan has; None where none were."""
        return None if self.last is None else self.spends_of(plan, self.last[0])

    def spends_of(self, plan: Plan, week: dt.date) -> Spends:
        """Return what was applied in a week in the channels that a plan has."""
        spends = as_money(self.lived.data[week]["spend"])
        return {name: money for name, money in spends.items() if name in plan.index}

    def recent(self, weeks: int) -> tuple[dt.date, ...]:
        """Return which of some weeks before this one were applied."""
        first = self.week - weeks * _WEEK
        return tuple(week for week in self.applied if first <= week < self.week)

    def limits(self, weeks: int) -> dict[dt.date, Mapping[str, str]]:
        """Return the limits that channels stood at in the weeks that were applied of late."""
        return {week: self.lived.data[week]["limits"] for week in self.recent(weeks)}

    def spends_since(self, plan: Plan, day: dt.date) -> dict[dt.date, Spends]:
        """Return what was applied in the weeks from a day on, in the channels that a plan has."""
        return {week: self.spends_of(plan, week) for week in self.applied if week >= day}

    def released(self, *, by_hand: bool = False) -> Decimal:
        """Return the money released for this week, by hand alone or by rule too."""
        found = [e for e in self.releases if e.week == self.week and not (by_hand and e.key)]
        moved = map(movement_of, found)
        return sum((m.amount for m in moved if m.kind == "release"), Decimal(0))

    @property
    def terms(self) -> Terms:
        """What this week's money is beside the plan, by what was recorded for it so far."""
        proposal = self.state.proposal
        before = Terms() if proposal is None else Terms.from_dict(proposal.data["terms"])
        return replace(before, released=self.released())

    @property
    def released_for_week(self) -> tuple[Movement, ...]:
        """What left the reserves for this week."""
        found = [entry for entry in self.releases if entry.week == self.week]
        return tuple(movement_of(entry) for entry in found)

    @property
    def rules_used(self) -> tuple[str, ...]:
        """Keys of the rules that have released money."""
        return tuple(entry.key for entry in self.releases if entry.key)

    @cached_property
    def movements(self) -> tuple[Movement, ...]:
        """What ever left the reserves."""
        return tuple(map(movement_of, self.releases))

    def balances(
        self, plan: Plan, more: tuple[Movement, ...] = (), on: dt.date | None = None
    ) -> Balances:
        """Return what the reserves hold in a fiscal period, as of the beginning of a week.

        A week that was applied held back what its plan said then, every other one since the first
        for which money was spent or released what the plan says now.

        Parameters
        ----------
        plan
            Reserve, phases and fiscal periods.
        more
            What leaves them besides.
        on
            First day of the week, which is counted; by default of this one.
        """
        day = self.week if on is None else on
        period = self._period(plan, day)
        every = (*self.movements, *more)
        first = min([day, self.week, *self.applied, *(one.on for one in every)])
        held: dict[dt.date, Mapping[str, Any]] = {}
        week = day
        while week >= first and Week(week).end >= period.first:
            known = self.lived.data[week]["held"] if week in self.applied else None
            held[week] = parts_of(plan, week) if known is None else known
            week -= _WEEK
        moved = (one for one in every if one.on <= day)
        return balances(plan, held, moved, on=day)

    def free(
        self, plan: Plan, more: tuple[Movement, ...] = (), on: dt.date | None = None
    ) -> Balances:
        """Return the balances with only as much contingency as may be taken on a day.

        Money that is released for a later week already is not there any more, so that no balance
        ever falls below zero, whatever the order in which it is asked for. Parameters are those of
        `balances`.
        """
        day = self.week if on is None else on
        period, now = self._period(plan, day), self.balances(plan, more, day)
        later = {m.on for m in (*self.movements, *more) if m.on > day and m.on in period}
        left = [self.balances(plan, more, at).contingency.balance for at in later]
        least = min([now.contingency.balance, *left])
        taken = now.contingency.taken
        return replace(now, contingency=Account(taken + least, taken))

    @staticmethod
    def _period(plan: Plan, day: dt.date) -> Period:
        return periods(day, day, plan.operation.fiscal, plan.week_start)[0]


def overspend_key(week: dt.date) -> str:
    """Return the key under which it is recorded who pays for what a week overspent."""
    return f"overspend/{week}"


def movement_of(entry: Entry) -> Movement:
    """Return the movement of an entry, its reason as the sentence that it was."""
    data = entry.data
    movement = Movement.from_dict(data["movement"])
    return replace(movement, why=restored(movement.why, data["words"]))


def see(reads: Reads, week: dt.date) -> Seen:
    """Read what a ledger says that a week's run needs."""
    return Seen(
        reads.head,
        state_of(reads, week),
        lived(reads),
        reads.entries(kinds=("release",)),
        frozenset(entry.key for entry in reads.entries(kinds=("note",))),
        frozenset(entry.key for entry in reads.entries(kinds=("alert",))),
    )
