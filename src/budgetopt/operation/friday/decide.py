"""A week's decision, with releases by rule and with what earlier weeks overspent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from budgetopt.calendar import Fiscal, Week
from budgetopt.errors import InfeasibleError
from budgetopt.operation.checks import Spends, as_text
from budgetopt.operation.measure import Measured
from budgetopt.operation.pacing import Pace, pace
from budgetopt.operation.propose import Asked, Terms, decision_text
from budgetopt.operation.reserve import Answered, Due, Movement, answer_overspend, releases_due
from budgetopt.operation.seen import Seen, overspend_key
from budgetopt.plan import Plan
from budgetopt.weekly import Decision
from budgetopt.words import say

_SHORT = Fiscal("month")
"""A short period where that of the week alone is looked at."""
_LATE = 8
"""Weeks back to which an overspend that is found is paid for."""


@dataclass(frozen=True)
class Decided:
    """A decision, and what moved money for it.

    Parameters
    ----------
    decision
        The split.
    terms
        What its money is beside the plan.
    dues
        Releases by rule.
    answers
        Who pays for weeks that overspent.
    notes
        What a reader should know of it.
    """

    decision: Decision
    terms: Terms
    dues: tuple[Due, ...] = ()
    answers: tuple[Answered, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what is recorded of the split and its money."""
        week = self.decision.allocation
        return {
            "decision": decision_text(self.decision),
            "spend": as_text(week.spend),
            "budget": str(week.budget),
            "limits": dict(week.limits()),
            "terms": self.terms.to_dict(),
        }

    def movements(self, week: dt.date) -> tuple[Movement, ...]:
        """Return what leaves the reserves for a week."""
        paid = (answered.movement(answered.week) for answered in self.answers)
        due = (one.movement(week) for one in self.dues)
        return (*(one for one in paid if one is not None), *due)


def decide(
    asked: Asked,
    seen: Seen,
    found: Iterable[Measured],
    today: dt.date,
    *,
    pace_now: Pace | None,
    scenarios: tuple[str, ...],
) -> Decided:
    """Decide a week after what a ledger says.

    Parameters
    ----------
    asked
        What it is decided from.
    seen
        The ledger.
    found
        Applied weeks that are measured now.
    today
        The day of the run.
    pace_now
        Spend against plan, for rules that release by it.
    scenarios
        Names of the scenarios that are happening.
    """
    plan, terms = asked.plan, seen.terms
    last = seen.last_of(plan)
    kinds = {rule.when for rule in plan.operation.releases}
    over = tuple(_overspent(plan, seen, found))
    # Who pays from the next week, and what the next unit brings, is read off a first decision.
    ahead = "mroas" in kinds or (over and plan.operation.pacing.overspend != "reserve")
    first = asked.decided(terms, last) if ahead else None
    answers = _answered(asked.plan, seen, over, today, first)
    moved = tuple(m for m in (one.movement(one.week) for one in answers) if m is not None)
    dues = releases_due(
        plan,
        seen.free(plan, moved),
        pace_now,
        None if first is None else _mroas(plan, first),
        scenarios,
        released=seen.rules_used,
    )
    more = sum((due.amount for due in dues), Decimal(0))
    after = _charged(replace(terms, released=terms.released + more), answers, first)
    # What other channels leave of the same week moves no money, and is kept in the ledger alone.
    said = tuple(a.sentence() for a in answers if a.paid("left-over") != a.total)
    if first is not None and after == terms:
        return Decided(first, terms, dues, answers, said)
    try:
        return Decided(asked.decided(after, last), after, dues, answers, said)
    except InfeasibleError:
        less = replace(after, taken=terms.taken, caps=terms.caps)
        if less == after:
            raise
    said = (*said, say("what earlier weeks overspent cannot be taken off this one by its limits"))
    return Decided(asked.decided(less, last), less, dues, answers, said)


class _Overspent(NamedTuple):
    """A week, what was applied in it, and what was spent."""

    week: dt.date
    applied: Spends
    spent: dict[str, float]


def _overspent(plan: Plan, seen: Seen, found: Iterable[Measured]) -> Iterator[_Overspent]:
    """Yield the weeks of late that spent more than was applied, and that nobody has paid for."""
    late = {week: seen.lived.measured.get(week) for week in seen.recent(_LATE)}
    measured = {week: entries[-1].data for week, entries in late.items() if entries}
    measured |= {one.week: one.data for one in found if one.week < seen.week}
    for week in sorted(measured):
        applied = seen.spends_of(plan, week)
        there = measured[week]["spend"]
        spent = {n: there[n] for n in plan.names if there.get(n) is not None}
        beyond = any(Decimal(repr(money)) > applied.get(n, 0) for n, money in spent.items())
        if beyond and overspend_key(week) not in seen.notes:
            yield _Overspent(week, applied, spent)


def _answered(
    plan: Plan,
    seen: Seen,
    over: Iterable[_Overspent],
    today: dt.date,
    first: Decision | None,
) -> tuple[Answered, ...]:
    """Return who pays for weeks that overspent, one after another."""
    answers: list[Answered] = []
    moved: tuple[Movement, ...] = ()
    there = {} if first is None else dict(first.allocation.spend)
    low = [] if first is None else first.allocation.money_bounds()[0]
    for week, applied, spent in over:
        paced = pace(plan, {week: applied}, {Week(week): spent}, today, week=week, fiscal=_SHORT)
        answered = answer_overspend(
            plan,
            paced.week,
            balance=seen.free(plan, moved, on=week).contingency.balance,
            marginal=None if first is None else _mroas(plan, first, all_=True),
            next_week=there,
            least=dict(zip(there, low, strict=True)),
        )
        answers.append(answered)
        # What pays for one week does not pay for another one.
        for source in answered.sources:
            if source.payer == "next-week":
                there[source.channel] -= source.amount
        movement = answered.movement(week)
        moved += () if movement is None else (movement,)
    return tuple(answers)


def _charged(terms: Terms, answers: Iterable[Answered], first: Decision | None) -> Terms:
    """Return terms with what overspends take off the week; whoever pays is capped."""
    taken, caps = terms.taken, dict(terms.caps)
    for answered in answers:
        taken += answered.paid("next-week")
        for source in answered.sources:
            if source.payer == "next-week" and first is not None:
                money = caps.get(source.channel, first.allocation.spend[source.channel])
                caps[source.channel] = money - source.amount
    return Terms(terms.released, taken, tuple(sorted(caps.items())))


def _mroas(plan: Plan, decision: Decision, *, all_: bool = False) -> dict[str, float]:
    """Return the value of the next unit of money, by channel that may get more, or by all."""
    week = decision.allocation
    _, most = week.money_bounds()
    return {
        name: float(value) * week.marginal[name]
        for name, value, top in zip(plan.names, plan.values, most, strict=True)
        if all_ or week.spend[name] < top
    }
