"""A ledger as one week's run sees it, read once.

`AppliedWeeks` are the weeks that were applied and measured; a `Snapshot` adds the week's own state,
what left the reserves, who pays for overspends, and what was raised before, and answers what a run
asks of them: last applied spends, balances, money owed. `take_snapshot` reads it. It is of one
moment only if the ledger's head is still the same afterwards, which `run_week` checks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, reduce
from typing import Any

from budgetopt.calendar import Period, Week, periods
from budgetopt.i18n import Message, code_of, restored, say
from budgetopt.ledger import Entry
from budgetopt.money import total_of
from budgetopt.notebook import short
from budgetopt.plan import Plan
from budgetopt.workflow.proposal import BudgetAdjustment, latest_split
from budgetopt.workflow.reserves import Account, Answered, Balances, Movement, balances, parts_of
from budgetopt.workflow.validation import Spends, as_money
from budgetopt.workflow.week_state import LedgerReader, WeekState, states_of

_WEEK = dt.timedelta(weeks=1)


@dataclass(frozen=True)
class AppliedWeeks:
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


def applied_weeks(reader: LedgerReader) -> AppliedWeeks:
    """Read which weeks were applied and measured."""
    applied: dict[dt.date, Entry] = {}
    measured: dict[dt.date, list[Entry]] = {}
    for entry in reader.entries(kinds=("applied", "measured")):
        if entry.week is None:
            continue
        if entry.kind == "applied":
            applied[entry.week] = entry
        else:
            measured.setdefault(entry.week, []).append(entry)
    return AppliedWeeks(dict(sorted(applied.items())), measured)


@short
@dataclass(frozen=True)
class Snapshot:
    """A ledger as one week sees it.

    Parameters
    ----------
    head
        Number and hash of the last entry.
    state
        The week's own state.
    weeks
        The weeks that were applied.
    open
        The other weeks that have a plan: proposed, edited or approved, oldest first.
    releases
        All that left the reserves.
    notes
        What was noted.
    alerts
        What was raised, by key.
    year
        The weeks planned ahead last.
    """

    head: tuple[int, str]
    state: WeekState
    weeks: AppliedWeeks
    open: Mapping[dt.date, WeekState]
    releases: tuple[Entry, ...]
    notes: tuple[Entry, ...]
    alerts: Mapping[str, Entry]
    year: Entry | None = None

    @property
    def applied(self) -> Mapping[dt.date, Entry]:
        """The newest applied entry of every week that has one, oldest week first."""
        return self.weeks.applied

    @property
    def week(self) -> dt.date:
        """First day of the week."""
        return self.state.week

    @property
    def last(self) -> tuple[dt.date, Spends] | None:
        """The newest applied week before this one, with its spends; None where there is none."""
        weeks = [week for week in self.applied if week < self.week]
        return (weeks[-1], as_money(self.weeks.data[weeks[-1]]["spend"])) if weeks else None

    @property
    def base_notes(self) -> tuple[Message, ...]:
        """From which week changes count, where it is not the one before."""
        if self.last is None:
            return (say("base-is-history-earlier" if self.applied else "base-is-history"),)
        week = self.last[0]
        return () if self.week - week == _WEEK else (say("base-is-applied-week", week=str(week)),)

    def last_of(self, plan: Plan) -> Spends | None:
        """Return the spends applied last of the channels that a plan has; None where none were."""
        return None if self.last is None else self.spends_of(plan, self.last[0])

    def spends_of(self, plan: Plan, week: dt.date) -> Spends:
        """Return what was applied in a week in the channels that a plan has."""
        spends = as_money(self.weeks.data[week]["spend"])
        return {name: money for name, money in spends.items() if name in plan.index}

    def recent(self, weeks: int) -> tuple[dt.date, ...]:
        """Return which of some weeks before this one were applied."""
        first = self.week - weeks * _WEEK
        return tuple(week for week in self.applied if first <= week < self.week)

    def limits(self, weeks: int) -> dict[dt.date, Mapping[str, str]]:
        """Return the codes of the limits that channels stood at in the weeks applied of late."""
        recorded = {week: self.weeks.data[week]["limits"] for week in self.recent(weeks)}
        # Before there were codes, the English of a limit was recorded.
        return {
            week: {channel: code_of(limit) for channel, limit in limits.items()}
            for week, limits in recorded.items()
        }

    def planned_since(self, plan: Plan, day: dt.date) -> dict[dt.date, Spends]:
        """Return what is planned for the weeks from a day on, in the channels that a plan has.

        That is what was applied, or else what a week's newest revision gives, unless it was
        rejected: `WeekState.planned`.
        """
        found = {week: self.spends_of(plan, week) for week in self.applied if week >= day}
        for week, state in self.open.items():
            if week >= day:
                split = latest_split(state).items()
                found[week] = {name: money for name, money in split if name in plan.index}
        return found

    def not_recorded(self, today: dt.date) -> tuple[dt.date, ...]:
        """Return the weeks before this one that have begun, approved but never applied."""
        weeks = (week for week, state in self.open.items() if state.state == "approved")
        return tuple(week for week in weeks if week <= today and week < self.week)

    def released(self, *, by_hand: bool = False) -> Decimal:
        """Return the money released for this week, by hand alone or by rule too."""
        found = [e for e in self.releases if e.week == self.week and not (by_hand and e.key)]
        moved = map(movement_of, found)
        return total_of(m.amount for m in moved if m.kind == "release")

    @property
    def adjustment(self) -> BudgetAdjustment:
        """What this week's money is beside the plan, by what was recorded for it so far."""
        proposal = self.state.proposal
        before = (
            BudgetAdjustment()
            if proposal is None
            else BudgetAdjustment.from_dict(proposal.data["terms"])
        )
        return replace(before, released=self.released(), widened=())

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
    def answers(self) -> Mapping[dt.date, tuple[Answered, ...]]:
        """All that was answered of each week that overspent, the first answer first."""
        found: dict[dt.date, tuple[Answered, ...]] = {}
        for answer, _ in self._answers:
            found[answer.week] = (*found.get(answer.week, ()), answer)
        return found

    @cached_property
    def _answers(self) -> tuple[tuple[Answered, dt.date | None], ...]:
        """Every answer, and the week that it was recorded for, the oldest first."""
        noted = ((entry.data, entry.week) for entry in self.notes)
        return tuple(
            (Answered.from_dict(data["answer"]), week) for data, week in noted if "answer" in data
        )

    @cached_property
    def _standing(self) -> Mapping[dt.date, tuple[Answered, ...]]:
        """The answers that stand for each week that overspent, what was carried here as one."""
        found: dict[dt.date, tuple[Answered, ...]] = {}
        for answer, week in self._answers:
            before, now = found.get(answer.week, ()), week == self.week
            # What a revision adds is owed beside what was owed; all else answers the whole.
            if not (answer.revised and any(one.uncovered for one in before)):
                found[answer.week] = (answer if now else answer.carried(),)
            elif now:
                found[answer.week] = (*before, answer)
            else:
                found[answer.week] = (before[0].joined(answer),)
        return found

    @property
    def answered(self) -> Mapping[dt.date, Answered]:
        """Who pays for each week that overspent, all answers to it together."""
        return {week: reduce(Answered.joined, every) for week, every in self._standing.items()}

    @property
    def owed(self) -> tuple[Answered, ...]:
        """The answers that leave something unpaid, one a week, the oldest week first."""
        every = (self.answered[week] for week in sorted(self.answered))
        return tuple(one for one in every if one.uncovered and one.week < self.week)

    @property
    def unpaid(self) -> tuple[Answered, ...]:
        """The answers that leave something unpaid, as they were given for this week."""
        every = (one for week in sorted(self._standing) for one in self._standing[week])
        return tuple(one for one in every if one.uncovered and one.week < self.week)

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
            known = self.weeks.data[week]["held"] if week in self.applied else None
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
        return replace(now, contingency=Account(total_of((taken, least)), taken))

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


def take_snapshot(reader: LedgerReader, week: dt.date) -> Snapshot:
    """Read what a ledger says that a week's run needs."""
    head, states = reader.head, {state.week: state for state in states_of(reader)}
    return Snapshot(
        head,
        states.get(week, WeekState(week)),
        applied_weeks(reader),
        {day: s for day, s in states.items() if s.planned is not None and not s.over},
        reader.entries(kinds=("release",)),
        reader.entries(kinds=("note",)),
        {entry.key: entry for entry in reader.entries(kinds=("alert",))},
        reader.latest("year"),
    )
