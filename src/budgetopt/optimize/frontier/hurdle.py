"""The budget at which the next unit of money brings a given value, found by its price."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError, InputError
from budgetopt.optimize.engines import solve
from budgetopt.optimize.problem import Problem, problem_of
from budgetopt.plan import Plan

Floats = NDArray[np.float64]

_WIDER = 40
"""Times the room of channels without a cap is doubled before the hurdle counts as never met."""
_HALVINGS = 60


def with_budget(plan: Plan, budget: Any, **changes: Any) -> Plan:
    """Return a plan with another weekly budget, and other fields where they are named.

    Examples
    --------
    >>> from budgetopt.plan import Channel
    >>> plan = Plan(budget=100, currency="CNY", channels=[Channel("a")])
    >>> with_budget(plan, 250).spendable
    Decimal('250.00')
    """
    kept = {f.name: getattr(plan, f.name) for f in fields(plan)}
    return Plan(**kept | {"budget": budget} | changes)


class Source(NamedTuple):
    """What a frontier is made from.

    Parameters
    ----------
    plan
        Everything but the budget.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel, or None.
    """

    plan: Plan
    curves: Any
    last: Mapping[str, Any] | None

    def problem_at(self, spendable: int) -> Problem:
        """Return the problem with so much to plan, in minor units, none of which must be spent."""
        other = with_budget(self.plan, weekly(self.plan, spendable), spend="at-most")
        return problem_of(other, self.curves, self.last)

    @property
    def one_value(self) -> bool:
        """Whether an outcome of every channel counts by the same value."""
        return not self.plan.goal.weights and bool(np.ptp(self.plan.values) == 0)

    @property
    def counts_value(self) -> bool:
        """Whether the goal counts outcomes by their value, up to a factor."""
        return self.one_value or self.plan.goal.kind == "profit"

    def price_of(self, value: float) -> float | None:
        """Return the price of the budget at which its next unit brings a value.

        None where channels differ in value and the goal does not count it.
        """
        if self.plan.goal.kind == "profit":
            # Below 1 nothing more is spent.
            return max(value, 1.0) - 1.0
        if not self.one_value:
            return None
        worth = float(self.plan.values[0])
        return value / worth if worth else math.inf


def value_slope(source: Source, spendable: int) -> float:
    """Return the value of the next unit of money, from two budgets that differ by little."""
    apart = max(1, spendable // 100_000)
    least, most = (source.problem_at(spendable + more) for more in (0, apart))
    worth = source.plan.values
    low, high = (worth @ p.curves.value(solve(p).spend) for p in (least, most))
    return float(high - low) * source.plan.money.units / (most.budget - least.budget)


def budget_at_price(source: Source, price: float) -> Decimal:
    """Return the weekly budget whose next unit adds no more than a price to the objective.

    It is what is spent where a unit of money costs so much: at the optimum every free channel then
    brings the price and no more (Everett 1963).
    """
    plan = source.plan
    problem, spend = _ample(source, price)
    low, high = int(problem.bounds.lower.sum()), int(problem.bounds.upper.sum())
    steps = round((float(spend.sum()) * plan.money.units - low) / problem.step)
    return weekly(plan, min(max(low + steps * problem.step, low), high))


def _ample(source: Source, price: float) -> tuple[Problem, Floats]:
    """Return a problem with more budget than is worth its price, and its best spends."""
    spendable = max(source.plan.spendable_minor, 100 * source.plan.step_minor)
    for _ in range(_WIDER):
        spendable = min(2 * spendable, 2**52)
        try:
            problem = source.problem_at(spendable)
        except InfeasibleError as error:
            if error.code != "floors-above-budget" or spendable == 2**52:
                raise
            continue
        if math.isinf(price):
            return problem, problem.lower
        spend = solve(replace(problem, cost=problem.cost + price)).spend
        # Strictly less, since a channel without a cap is capped by the budget.
        if spend.sum() < (1.0 - 1e-9) * problem.budget_money:
            break
    return problem, spend


def budget_between(source: Source, low: Decimal, high: Decimal, hurdle: float) -> Decimal:
    """Return where the slope of the value crosses a hurdle between two budgets, by halving."""
    plan = source.plan
    least, most = (with_budget(plan, budget).spendable_minor for budget in (low, high))
    for _ in range(_HALVINGS):
        if most - least <= plan.step_minor:
            break
        middle = (least + most) // 2
        rises = value_slope(source, middle) >= hurdle
        least, most = (middle, most) if rises else (least, middle)
    return weekly(plan, least)


def weekly(plan: Plan, spendable: int) -> Decimal:
    """Return the least weekly budget that leaves so much beside the reserve."""
    money, most = plan.money, 2**52

    def left(budget: int) -> int:
        return budget - plan.reserve.minor(budget, money)

    low, high = spendable, max(2 * spendable, 1)
    while left(high) < spendable and high < most:
        low, high = high, 2 * high
    if high >= most and left(high) < spendable:
        # All of any budget is held back.
        return plan.budget
    low = low if left(low) < spendable else spendable - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if left(middle) >= spendable else (middle, high)
    return money.amount(high)


def bad(name: str, value: Any, remedy: str) -> InputError:
    """Return the error of an argument out of its range."""
    problem = f"{name} of the frontier is {value!r}"
    return InputError("bad-argument", problem, field=name, value=value, remedy=remedy)
