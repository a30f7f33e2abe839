"""What pages read from a ledger: states, history and entries up to a week, and sums over weeks.

A `LedgerRecord` is read once and knows nothing that a ledger does not hold, so that a page is the
same whenever it is made from the same entries. `Totals` are what was spent and came back in some
whole weeks, money exact.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError
from budgetopt.ledger import Entry, Ledger
from budgetopt.messages import say
from budgetopt.money import total_of
from budgetopt.plan import Plan
from budgetopt.report.decision import brought
from budgetopt.workflow import (
    LOOK_BACK,
    Alert,
    Pace,
    RecordedHistory,
    Scores,
    Snapshot,
    WeekState,
    ledger_of,
    pace,
    recorded,
    scores,
    states_of,
    take_snapshot,
)


def in_minor(plan: Plan, money: float) -> Decimal:
    """Return money of a file to the minor unit of a plan's currency."""
    return plan.money.amount(plan.money.nearest(money))


ONE_WEEK = dt.timedelta(weeks=1)
DATA_ALERTS = {
    "data-stale",
    "data-incomplete",
    "week-not-over",
    "history-revised",
    "calibration",
    "not-delivered",
}
"""Codes of alerts on the data, which stand before everything that was made of them."""


@dataclass(frozen=True)
class Totals:
    """What was spent and came back in some weeks.

    Parameters
    ----------
    weeks
        How many.
    spend
        Exact money by channel; what was not reported is left out.
    outcome
        By channel; empty where only a total is known.
    total
        The outcome of all channels.
    value
        What that is worth by the plan's values; NaN where it cannot be told by channel.
    """

    weeks: int
    spend: Mapping[str, Decimal]
    outcome: Mapping[str, float]
    total: float
    value: float

    @property
    def money(self) -> Decimal:
        """Money of all channels."""
        return total_of(self.spend.values())

    def returned(self, plan: Plan, channel: str = "") -> float:
        """Return ROAS, CPA or what a unit of money brings, of a channel or of all."""
        if not channel:
            return brought(plan, [(float(self.money), self.value)])[0]
        worth = dict(zip(plan.names, plan.values.tolist(), strict=True)).get(channel, math.nan)
        value = self.outcome.get(channel, math.nan) * worth
        return brought(plan, [(float(self.spend.get(channel, 0)), value)])[0]


class Expected(NamedTuple):
    """What the decision of a week expected of it; NaN where it recorded no range."""

    outcome: float
    low: float
    high: float


@dataclass(frozen=True)
class LedgerRecord:
    """What a ledger holds of a plan up to a week.

    Parameters
    ----------
    plan
        The plan.
    week
        First day of the last week that counts.
    head
        Number and hash of the ledger's last entry.
    states
        The weeks up to it, oldest first.
    snapshot
        The ledger as that week sees it.
    known
        The history recorded last, up to that week.
    entries
        All entries of the ledger.
    scored
        What past weeks promised and delivered; None where a later week is known, or none was
        measured.
    """

    plan: Plan
    week: dt.date
    head: tuple[int, str]
    states: Mapping[dt.date, WeekState]
    snapshot: Snapshot
    known: RecordedHistory
    entries: tuple[Entry, ...]
    scored: Scores | None = None

    @classmethod
    def read(cls, plan: Plan, ledger: Ledger, last: dt.date | None = None) -> LedgerRecord:
        """Read a ledger up to a day; by default up to its newest week.

        Raises
        ------
        InputError
            ``bad-argument`` where it is another plan's ledger, or has no week up to that day.
        """
        ledger = ledger_of(ledger, plan)
        every = {state.week: state for state in states_of(ledger)}
        states = {week: s for week, s in every.items() if last is None or week <= last}
        if not states:
            raise InputError(
                "bad-argument",
                say("ledger-no-week") if last is None else say("ledger-no-week-until", last=last),
                field="week",
                value=str(last),
                remedy=say("remedy-choose-budgetopt-history-lists"),
            )
        week, newest = max(states), ledger.latest("history")
        known = RecordedHistory() if newest is None else recorded(ledger, newest.number)
        snapshot = take_snapshot(ledger, week)
        scored = scores(ledger, plan) if week == max(every) else None
        return cls(plan, week, ledger.head, states, snapshot, known, ledger.entries(), scored)

    @property
    def state(self) -> WeekState:
        """Where the week stands."""
        return self.states[self.week]

    @cached_property
    def weeks(self) -> tuple[dt.date, ...]:
        """The whole weeks of the history up to the week, oldest first."""
        rows = self.known.rows.items()
        days = (as_date(day, "week") for day, row in rows if not row[2])
        return tuple(day for day in days if day <= self.week)

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """The plan's channels that the history knows, in the plan's order."""
        return tuple(name for name in self.plan.names if name in self.known.channels)

    def of_week(self, week: dt.date | None = None) -> list[Entry]:
        """Return the entries of a week, by default of the last one that counts."""
        return [e for e in self.entries if e.week == (self.week if week is None else week)]

    def alerts(self, weeks: Iterable[dt.date]) -> list[Alert]:
        """Return what was raised for some weeks."""
        wanted = set(weeks)
        found = (e for e in self.entries if e.kind == "alert" and e.week in wanted)
        return [Alert.from_dict(entry.data) for entry in found]

    def totals(self, weeks: Sequence[dt.date]) -> Totals:
        """Return what was spent and came back in whole weeks."""
        rows = [self.known.rows[str(week)] for week in weeks]
        spend, outcome = {}, {}
        for name in self.channels:
            at = self.known.channels.index(name)
            # Known to the minor unit at most: what a sum of days has beyond it is no money.
            spent = [in_minor(self.plan, row[0][at]) for row in rows if row[0][at] is not None]
            if spent:
                spend[name] = total_of(spent)
            if not self.known.total:
                outcome[name] = math.fsum(row[1][at] or 0.0 for row in rows)
        worth = dict(zip(self.plan.names, self.plan.values.tolist(), strict=True))
        if self.known.total:
            total = math.fsum(row[1][0] or 0.0 for row in rows)
            alike = set(worth.values())
            value = total * alike.pop() if len(alike) == 1 else math.nan
        else:
            total = math.fsum(outcome.values())
            value = math.fsum(outcome[name] * worth[name] for name in outcome)
        return Totals(len(weeks), spend, outcome, total, value)

    def planned(self, week: dt.date) -> dict[str, Decimal]:
        """Return what a week's plan is: what was applied, or else its newest revision's split."""
        state = self.states.get(week)
        entry = None if state is None else state.planned
        spend = {} if entry is None else entry.data["spend"]
        # The ledger sorts names; what the plan does not have any more comes last.
        order = sorted(spend, key=lambda name: self.plan.index.get(name, len(self.plan.index)))
        return {name: Decimal(spend[name]) for name in order}

    def expected(self, week: dt.date) -> Expected | None:
        """Return what the newest revision of a week expected; None where there is none."""
        state = self.states.get(week)
        if state is None or state.current is None:
            return None
        kept = json.loads(state.current.data["decision"])["allocation"]
        spread = kept["spread"] or {}
        low, high = (float(spread.get(end, math.nan)) for end in ("low", "high"))
        return Expected(float(kept["outcome"]), low, high)

    @cached_property
    def today(self) -> dt.date:
        """The day after the last one with data, at most the one after the week."""
        after = Week(self.week).end + dt.timedelta(days=1)
        through = self.known.through
        if through in ("", "None"):
            return min(after, max(self.weeks) + ONE_WEEK) if self.weeks else self.week
        return min(after, as_date(through, "through") + dt.timedelta(days=1))

    def pace(self) -> Pace:
        """Return spend against plan on `today`, by what the history has of that day."""
        since = self.today - LOOK_BACK
        planned = {
            week: {n: m for n, m in self.planned(week).items() if n in self.plan.index}
            for week in self.states
            if week >= since
        }
        spent = {
            span: {n: m for n, m in each.items() if n in self.plan.index}
            for span, each in self.known.spent(since).items()
            if (span.start if isinstance(span, Week) else span) < self.today
        }
        return pace(self.plan, planned, spent, self.today)
