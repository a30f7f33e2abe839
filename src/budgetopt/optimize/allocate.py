"""From a plan and curves to a verified split of one week's money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.engines import Method, solve
from budgetopt.optimize.problem import Problem, problem_of
from budgetopt.optimize.rounding import rounded
from budgetopt.optimize.solved import Solved
from budgetopt.plan import RULES, Plan

Floats = NDArray[np.float64]

_MOST = float(np.finfo(np.float64).max)


def allocate(
    plan: Plan,
    curves: Any = None,
    *,
    last: Mapping[str, Any] | None = None,
    method: Method = "auto",
    time_limit: float | None = None,
) -> Allocation:
    """Split a week's budget for the plan's goal, proven and exact to the step.

    Parameters
    ----------
    plan
        Budget, channels, limits and goal.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel. Without it no change limit binds, and a note says so.
    method
        Engine to use, one of `budgetopt.optimize.METHODS`; by default what the plan needs.
    time_limit
        Seconds after which engines that search return the best verified split with its gap.

    Returns
    -------
    Allocation
        Verified; its ``bound`` comes from the true curves.

    Raises
    ------
    PlanError
        Where a channel has no curve or a name is unknown.
    InfeasibleError
        Where no split keeps the limits; it names a smallest set of them that clash.
    SolverError
        ``wrong-method``, ``time-limit``, ``not-converged``.

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
    return settle(plan, problem, solve(problem, method, time_limit))


def settle(plan: Plan, problem: Problem, solved: Solved) -> Allocation:
    """Round a split to exact money, verify it and record it with its bound and prices."""
    money, names = problem.money, problem.names
    minor = rounded(problem, solved.spend)
    spend = minor / money.units
    outcomes = problem.curves.value(spend)
    marginal = problem.curves.slope(spend)
    amounts = money.amounts(minor.tolist())
    last = () if problem.last is None else money.amounts(problem.last.tolist())
    return Allocation(
        currency=money.code,
        spend=dict(zip(names, amounts, strict=True)),
        held=plan.held,
        rules=problem.rules,
        outcome=float(outcomes.sum()),
        outcomes=dict(zip(names, outcomes.tolist(), strict=True)),
        objective=float(problem.weight @ outcomes - problem.cost @ spend),
        bound=solved.bound,
        method=solved.method,
        marginal=dict(zip(names, marginal.tolist(), strict=True)),
        prices=_prices(problem, minor, marginal, solved.prices),
        last=dict(zip(names, last, strict=False)),
        notes=_notes(plan, problem),
    )


def _prices(
    problem: Problem, spend: NDArray[np.int64], marginal: Floats, prices: Floats
) -> dict[str, float]:
    """Return the price of every limit that holds the objective back, by name.

    A channel's worth is what its next unit of money adds to the objective less what that unit
    uses of the rows at their prices. Room under its upper bound is worth that much; room above
    its lower bound is worth the opposite.
    """
    found: dict[str, float] = {}
    worth = problem.weight * marginal - problem.cost
    if problem.limits or problem.spend_all:
        rows = problem.rows
        gain = rows.outcome.T @ prices
        worth = worth - rows.money.T @ prices + np.where(gain > 0, gain * marginal, 0.0)
    else:
        # An infinite slope at an infinite price is worth nothing more.
        worth = np.where(np.isfinite(worth), worth - min(prices[0], _MOST), 0.0)
    for row, price in zip(problem.all_rows, prices.tolist(), strict=True):
        if price > 0:
            found[row.limit] = found.get(row.limit, 0.0) + price
    bounds = problem.bounds
    for rules, at_bound, value in (
        (bounds.upper_rule, spend == bounds.upper, worth),
        (bounds.lower_rule, spend == bounds.lower, -worth),
    ):
        for at in np.flatnonzero((rules > 0) & at_bound & (value > 0)).tolist():
            found[f"{RULES[rules[at]]} of {problem.names[at]}"] = float(value[at])
    return found


def _notes(plan: Plan, problem: Problem) -> tuple[str, ...]:
    limited = plan.max_change.share is not None or plan.max_change.money is not None
    if problem.last is None and limited:
        return ("no last applied week was given, so no change limit binds",)
    return ()
