"""How past weeks did: what their decisions promised, beside what was delivered.

`scores` reads the weeks of a ledger that were measured: for each channel and each phase the money
applied and spent, the outcome that the decision expected of it, and the outcome that came. Where
other money was applied than decided, the promise is that of the decision plus the difference at the
decision's marginal return, which is right for small differences, and too much for large ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from budgetopt.calendar import Week
from budgetopt.ledger import Entry
from budgetopt.money import difference_of, total_of
from budgetopt.notebook import brief
from budgetopt.plan import Plan
from budgetopt.workflow.proposal import decision_of
from budgetopt.workflow.snapshot import applied_weeks
from budgetopt.workflow.week_state import LedgerReader

WEEKS = 26
"""Weeks of late that are looked at: half a year."""
_REVISIONS = ("proposal", "edit")


class Score(NamedTuple):
    """What some weeks promised and delivered.

    Parameters
    ----------
    name
        A channel or a phase; empty for all together.
    weeks
        How many.
    applied, spent
        Money that was applied, and that was spent.
    promised, delivered
        Outcome that the decisions expected, and that came; the latter None where the history
        knows one total, of a channel.
    """

    name: str
    weeks: int
    applied: Decimal
    spent: Decimal
    promised: float
    delivered: float | None

    @property
    def ratio(self) -> float | None:
        """What was delivered for each unit promised; None where nothing can be said."""
        known = self.delivered is not None and self.promised > 0
        return self.delivered / self.promised if known and self.delivered is not None else None


@brief
@dataclass(frozen=True)
class Scores:
    """Scores of the weeks of late.

    Parameters
    ----------
    first, last
        First days of the first and the last week.
    channels
        By channel, in the plan's order.
    phases
        By phase, in the order of their days; a week counts for the phase that most of its days lie
        in. Weeks in none are left out.
    total
        All together.
    """

    first: dt.date
    last: dt.date
    channels: tuple[Score, ...]
    phases: tuple[Score, ...]
    total: Score

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "first": str(self.first),
            "last": str(self.last),
            "channels": [_plain(one) for one in self.channels],
            "phases": [_plain(one) for one in self.phases],
            "total": _plain(self.total),
        }


def _plain(score: Score) -> dict[str, Any]:
    money = {"applied": str(score.applied), "spent": str(score.spent)}
    return {**score._asdict(), **money, "ratio": score.ratio}


class _Past(NamedTuple):
    """A measured week."""

    week: dt.date
    applied: dict[str, Decimal]
    spent: dict[str, Decimal]
    promised: dict[str, float]
    delivered: dict[str, float] | None
    total: float


def scores(reader: LedgerReader, plan: Plan, *, weeks: int = WEEKS) -> Scores | None:
    """Return what the measured weeks of late promised and delivered; None where there are none.

    Weeks whose outcomes still arrive, by the plan's delay, are left out: they would look worse
    than they are.

    Parameters
    ----------
    reader
        The ledger.
    plan
        Its channels, phases and delay.
    weeks
        How many weeks are looked at, at most.

    Raises
    ------
    LedgerError
        Where the ledger cannot be read.
    """
    past = list(_measured(reader, plan, weeks))
    if not past:
        return None
    phases = [(p.name, [one for one in past if _phase(plan, one.week) == p.name])
              for p in plan.operation.phases]  # fmt: skip
    return Scores(
        past[0].week,
        past[-1].week,
        tuple(_channel(name, past) for name in plan.names),
        tuple(_together(name, some) for name, some in phases if some),
        _together("", past),
    )


def _measured(reader: LedgerReader, plan: Plan, weeks: int) -> Iterator[_Past]:
    """Yield the measured weeks of late, oldest first, whose outcomes have arrived."""
    done = applied_weeks(reader)
    found = [week for week in done.applied if done.measured.get(week)][-weeks:]
    if not found:
        return
    newest = max(week for week in done.measured)
    late = 0.0 if plan.delay is None else plan.delay.ages[-1]
    for week in found:
        if (newest - week).days / 7 < late:
            continue
        applied, measured = done.applied[week], done.measured[week][-1]
        entries = reader.entries(kinds=_REVISIONS, week=week)
        decided = [entry for entry in entries if entry.revision == applied.revision]
        if decided:
            yield _past(plan, week, decided[-1], applied, measured)


def _past(plan: Plan, week: dt.date, decided: Entry, applied: Entry, measured: Entry) -> _Past:
    allocation, came = decision_of(decided.data).allocation, measured.data
    money = {n: Decimal(m) for n, m in applied.data["spend"].items() if n in plan.index}
    spent = {n: Decimal(repr(m)) for n, m in came["spend"].items() if m is not None}
    outcome = {n: float(v) for n, v in came["outcome"].items() if v is not None}
    total = sum(outcome.values()) if came["total"] is None else float(came["total"])
    promised = {
        name: max(
            0.0,
            expected
            + allocation.marginal[name]
            * float(difference_of(money.get(name, Decimal(0)), allocation.spend[name])),
        )
        for name, expected in allocation.outcomes.items()
    }
    delivered = outcome if came["total"] is None else None
    return _Past(week, money, spent, promised, delivered, total)


def _channel(name: str, past: Iterable[_Past]) -> Score:
    """Return the score of a channel, over the weeks in which it had money or brought something."""
    some = [one for one in past if one.applied.get(name) or one.spent.get(name)]
    known = all(one.delivered is not None for one in some)
    return Score(
        name,
        len(some),
        total_of(one.applied.get(name, Decimal(0)) for one in some),
        total_of(one.spent.get(name, Decimal(0)) for one in some),
        float(sum(one.promised.get(name, 0.0) for one in some)),
        float(sum((one.delivered or {}).get(name, 0.0) for one in some)) if known else None,
    )


def _together(name: str, past: list[_Past]) -> Score:
    """Return the score of all channels over some weeks."""
    return Score(
        name,
        len(past),
        total_of(m for one in past for m in one.applied.values()),
        total_of(m for one in past for n, m in one.spent.items() if n in one.applied),
        float(sum(sum(one.promised.values()) for one in past)),
        float(sum(one.total for one in past)),
    )


def _phase(plan: Plan, start: dt.date) -> str:
    """Return the phase that most days of a week lie in, or nothing."""
    week = Week(start)
    days = [
        ((min(phase.last, week.end) - max(phase.first, week.start)).days + 1, phase.name)
        for phase in plan.operation.phases
    ]
    most, name = max(days, default=(0, ""))
    return name if most > 3 else ""
