"""From a plan and curves to a verified split of one week's money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.money import round_to_step
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.certificate import lagrangian_bound
from budgetopt.optimize.problem import Problem, problem_of
from budgetopt.optimize.waterfill import waterfill
from budgetopt.plan import RULES, Plan


def allocate(
    plan: Plan, curves: Any = None, *, last: Mapping[str, Any] | None = None
) -> Allocation:
    """Split a week's budget for the most expected outcome, proven and exact to the step.

    Parameters
    ----------
    plan
        Budget, channels and limits.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel. Without it no change limit binds, and a note says so.

    Returns
    -------
    Allocation
        Verified; its ``bound`` comes from the true curves.

    Raises
    ------
    PlanError
        Where a channel has no curve or a name is unknown.
    InfeasibleError
        Where no split keeps the limits.
    SolverError
        ``not-concave`` for S-shaped curves.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> from budgetopt.plan import Channel
    >>> channels = [Channel("a", curve=Log(3, 10)), Channel("b", curve=Log(1, 10))]
    >>> week = allocate(Plan(budget=100, currency="CNY", channels=channels))
    >>> {name: str(money) for name, money in week.spend.items()}
    {'a': '80.00', 'b': '20.00'}
    """
    problem = problem_of(plan, curves, last)
    filled = waterfill(
        problem.curves, problem.lower, problem.upper, problem.budget / problem.money.units
    )
    return settle(plan, problem, filled.spend, filled.price, method="waterfill", last=last)


def settle(
    plan: Plan,
    problem: Problem,
    split: NDArray[np.float64],
    price: ArrayLike,
    *,
    method: str,
    last: Mapping[str, Any] | None,
) -> Allocation:
    """Round a split to exact money, certify it by a price and record it.

    Parameters
    ----------
    plan, problem
        The plan and its array form.
    split
        Money by channel within bounds and budget, shape ``(channels,)``.
    price
        Price of the budget; any price gives a valid bound, the optimal one the tightest.
    method
        What made the split.
    last
        Last applied spend by channel, or None.
    """
    units, names = problem.money.units, problem.names
    minor = rounded(problem, split)
    spend = minor / units
    budget = problem.budget / units
    outcomes = problem.curves.value(spend)
    bound = lagrangian_bound(problem.curves, problem.lower, problem.upper, budget, price)
    marginal = problem.curves.slope(spend)
    amount = problem.money.amount
    before = {} if last is None else dict(zip(names, plan.last_minor(last), strict=True))
    return Allocation(
        currency=problem.money.code,
        spend={n: amount(m) for n, m in zip(names, minor.tolist(), strict=True)},
        budget=amount(problem.budget),
        held=plan.held,
        step=amount(problem.step),
        bounds=problem.bounds,
        outcome=float(outcomes.sum()),
        outcomes=dict(zip(names, outcomes.tolist(), strict=True)),
        bound=float(bound),
        method=method,
        marginal=dict(zip(names, marginal.tolist(), strict=True)),
        prices=_prices(problem, minor, marginal, float(np.asarray(price))),
        last={n: amount(m) for n, m in before.items()},
        notes=_notes(plan, last),
    )


def rounded(problem: Problem, spend: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return spends in minor units, on whole steps, within bounds and budget.

    Among equal remainders the step goes to the channel whose name sorts first, so that the order
    in which channels are declared decides nothing.
    """
    minor = spend * problem.money.units
    total = min(problem.target, round(float(minor.sum())))
    rank = np.empty(len(problem.names), dtype=np.int64)
    rank[sorted(range(len(problem.names)), key=problem.names.__getitem__)] = np.arange(rank.size)
    bounds = problem.bounds
    return round_to_step(minor, total, problem.step, bounds.lower, bounds.upper, rank)


def _prices(
    problem: Problem, spend: NDArray[np.int64], marginal: NDArray[np.float64], price: float
) -> dict[str, float]:
    """Return the price of every limit that holds the outcome back, by name.

    Room under a channel's upper bound is worth its slope less the price of the budget; room
    above its lower bound is worth the price less the slope.
    """
    bounds = problem.bounds
    prices = {"budget": price} if price > 0 else {}
    for rules, at_bound, worth in (
        (bounds.upper_rule, spend == bounds.upper, marginal - price),
        (bounds.lower_rule, spend == bounds.lower, price - marginal),
    ):
        for at in np.flatnonzero((rules > 0) & at_bound & (worth > 0)).tolist():
            prices[f"{RULES[rules[at]]} of {problem.names[at]}"] = float(worth[at])
    return prices


def _notes(plan: Plan, last: Mapping[str, Any] | None) -> tuple[str, ...]:
    limited = plan.max_change.share is not None or plan.max_change.money is not None
    if last is None and limited:
        return ("no last applied week was given, so no change limit binds",)
    return ()
