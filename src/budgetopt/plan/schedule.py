"""What a plan's phases and freezes make of a dated week.

`changes` is what `Plan.on` replaces in a week: budget, reserve and change limit; `frozen` is which
channels may not move. `budget_of` is the money of any dated days, exact: a phase's budget spread
over its days, the weekly budget over all others; `day_weights` is how a week's money lies on its
days. `check_reserve` refuses, while a plan is being made, a reserve that a phase could not pay.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

from budgetopt.calendar import Week, first_days, start_day_number
from budgetopt.errors import CalendarError, PlanError
from budgetopt.i18n import quoted, say
from budgetopt.plan.amounts import MaxChange, Reserve
from budgetopt.plan.fields import PlanFields
from budgetopt.plan.governance import Freeze, Phase

_DAY = dt.timedelta(days=1)


def changes(plan: PlanFields, week: Week) -> dict[str, Any]:
    """Return the fields of a plan that are others in a week: none where no phase touches it."""
    phases = plan.operation.phases
    if not any(_days(phase, week) for phase in phases):
        return {}
    budget = budget_of(plan, week.start, week.end)
    held = plan.reserve.minor(budget, plan.money) if budget else 0
    if held > budget:
        raise _above(plan, held, budget, say("budget-of-week", week=str(week.start)))
    rule = _change_rule(plan, week)
    return {
        "budget": plan.money.amount(budget),
        "reserve": plan.reserve if budget else Reserve(),
        "max_change": plan.max_change if rule is None else rule,
        "operation": replace(plan.operation, phases=()),
    }


def _change_rule(plan: PlanFields, week: Week) -> MaxChange | None:
    """Return the rule of the phase that most days lie in, the later one of two with as many."""
    days = [(_days(phase, week), at) for at, phase in enumerate(plan.operation.phases)]
    most, at = max(days)
    return plan.operation.phases[at].max_change if most > 7 - sum(n for n, _ in days) else None


def _days(phase: Phase, week: Week) -> int:
    """Return how many days of a week lie in a phase."""
    return max(0, (min(phase.last, week.end) - max(phase.first, week.start)).days + 1)


def frozen(plan: PlanFields, week: Week) -> dict[str, Freeze]:
    """Return the channels that may not move in a week, in the plan's order.

    Each stands with the first freeze declared that holds it.
    """
    held: dict[str, Freeze] = {}
    for freeze in plan.operation.freezes:
        if freeze.touches(week):
            for name in freeze.channels or plan.names:
                held.setdefault(name, freeze)
    return {name: held[name] for name in plan.names if name in held}


def check_reserve(plan: PlanFields) -> None:
    """Refuse a phase with money of which a usual week would be less than the reserve.

    Raises
    ------
    PlanError
        ``bounds-clash``.
    """
    for phase in plan.operation.phases:
        minor = plan.money.minor(phase.budget, "phase.budget")
        week = math.ceil(Fraction(7 * minor, phase.days))
        held = plan.reserve.minor(week, plan.money)
        if week and held > week:
            raise _above(plan, held, week, say("week-of-phase", phase=quoted(phase.name)))


def _above(plan: PlanFields, held: int, budget: int, what: str) -> PlanError:
    show = plan.money.show
    return PlanError("bounds-clash", say("reserve-above", held=show(held), what=what,
                     budget=show(budget)), field="reserve", value=show(held),
                     remedy=say("remedy-reserve-shares"))  # fmt: skip


def budget_of(plan: PlanFields, first: dt.date, last: dt.date) -> int:
    """Return what is budgeted for dated days in minor units; see `Plan.budget_of`."""
    if last < first:
        raise CalendarError(
            "bad-date",
            say("budget-of-days-asked", first=first, last=last),
            field="last",
            value=str(last),
            remedy=say("remedy-first-day-first"),
        )
    total = _usual(plan, first, last)
    for phase in plan.operation.phases:
        start, end = max(first, phase.first), min(last, phase.last)
        if start <= end:
            before, until = ((day - phase.first).days for day in (start, end + _DAY))
            minor = plan.money.minor(phase.budget, "phase.budget")
            total += _part(plan, minor, phase.days, until) - _part(plan, minor, phase.days, before)
            total -= _usual(plan, start, end)
    return total


def day_weights(plan: PlanFields, first: dt.date, days: int = 7) -> tuple[int, ...]:
    """Return how money of some days on end lies on them: in proportion to their budgets.

    A day has a seventh of the weekly budget, or its part of its phase's. Days that are budgeted
    nothing at all count alike.

    Examples
    --------
    >>> from budgetopt import Channel, Plan
    >>> phase = {"name": "burst", "first": "2026-11-06", "last": "2026-11-08", "budget": 600}
    >>> days = {"phases": [phase]}
    >>> plan = Plan(budget=700, currency="CNY", channels=[Channel("a")], operation=days)
    >>> day_weights(plan, dt.date(2026, 11, 2))
    (1, 1, 1, 1, 2, 2, 2)
    """
    last, minor = first + (days - 1) * _DAY, plan.money.minor
    phases = [p for p in plan.operation.phases if p.first <= last and first <= p.last]
    if not phases:
        return (1,) * days
    by_day = [Fraction(minor(plan.budget, "budget"), 7)] * days
    for phase in phases:
        for at in range(
            max((phase.first - first).days, 0), min((phase.last - first).days + 1, days)
        ):
            by_day[at] = Fraction(minor(phase.budget, "phase.budget"), phase.days)
    whole = [int(one * math.lcm(*(each.denominator for each in by_day))) for one in by_day]
    common = math.gcd(*whole)
    return tuple(one // common for one in whole) if common else (1,) * days


def _usual(plan: PlanFields, first: dt.date, last: dt.date) -> int:
    """Return what dated days have by the weekly budget alone."""
    minor, start = plan.money.minor(plan.budget, "budget"), start_day_number(plan.week_start)

    def before(day: int) -> int:
        # Day 1 of the calendar that Python counts days in is a Monday.
        weeks, days = divmod(day - 1 - start, 7)
        return weeks * minor + _part(plan, minor, 7, days)

    return before(last.toordinal() + 1) - before(first.toordinal())


def _part(plan: PlanFields, minor: int, days: int, count: int) -> int:
    """Return what the first days get of a budget: whole steps of money, where it is made of them.

    A week whose budget is no multiple of the step could not be spent to the last unit.
    """
    unit = 1 if minor % plan.step_minor else plan.step_minor
    return unit * first_days(minor // unit, days, count)
