"""From a plan and curves to a verified split of one week's money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Mixture
from budgetopt.errors import InputError
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.engines import TIME_LIMIT, Method, solve
from budgetopt.optimize.problem import Problem, problem_of
from budgetopt.optimize.rounding import rounded
from budgetopt.optimize.solved import Solved
from budgetopt.plan import RULES, Plan
from budgetopt.words import say

if TYPE_CHECKING:
    from budgetopt.optimize.risk import Risk, Spread

Floats = NDArray[np.float64]

_MOST = float(np.finfo(np.float64).max)


def allocate(
    plan: Plan,
    curves: Any = None,
    *,
    last: Mapping[str, Any] | None = None,
    method: Method = "auto",
    time_limit: float | None = TIME_LIMIT,
    risk: Risk | None = None,
    draws: int = 200,
    seed: int = 0,
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
        Seconds after which engines that search return the best verified split with its gap;
        None for no limit. Only an answer that ran into it may differ from run to run.
    risk
        What is maximised over draws from the belief, such as ``Risk.mean_cvar(0.5)``; by default
        the mean of the belief.
    draws
        Draws from the belief, at least 1, for `risk` and for the range of the outcome. For `risk`
        they are given that no channel is S-shaped, and refused where one likely is.
    seed
        Seed of the draws.

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
    if risk is None or risk.neutral:
        drawn = draws_of(plan, curves, draws, seed)
        return settle(plan, problem, solve(problem, method, time_limit), drawn)
    drawn = draws_of(plan, curves, draws, seed, concave=True)
    from budgetopt.optimize.risk import risk_averse

    if drawn is None:
        raise InputError(
            "bad-argument",
            "a risk is given, but no belief to draw from",
            field="risk",
            value=risk.kind,
            remedy="give the belief that bo.learn returns",
        )
    solved = risk_averse(problem, drawn, risk, time_limit=time_limit)
    return settle(plan, problem, solved, drawn, risk)


def draws_of(
    plan: Plan, belief: Any, draws: int, seed: int, *, concave: bool = False
) -> Mixture | None:
    """Return curves drawn from a belief, in the plan's order; None for what is no belief.

    Where only concave curves will do, S-shaped ones are left out if the belief can.
    """
    if not hasattr(belief, "draw"):
        return None
    draw = getattr(belief, "draw_concave", belief.draw) if concave else belief.draw
    drawn: Mixture = draw(np.random.default_rng(seed), draws)
    if belief.channels == plan.names:
        return drawn
    return drawn.take([belief.channels.index(name) for name in plan.names])


def settle(
    plan: Plan,
    problem: Problem,
    solved: Solved,
    drawn: Mixture | None = None,
    risk: Risk | None = None,
) -> Allocation:
    """Round a split to exact money, verify it and record it with its bound and prices.

    Parameters
    ----------
    plan, problem
        The plan and its array form.
    solved
        The continuous split, its prices and its bound.
    drawn
        Curves drawn from the belief, for the range of the outcome.
    risk
        What was maximised over them, if not the mean.
    """
    money, names = problem.money, problem.names
    minor = rounded(problem, solved.spend)
    spend = minor / money.units
    outcomes = problem.curves.value(spend)
    marginal = problem.curves.slope(spend)
    objective = problem.objective(spend)
    if risk is not None and drawn is not None:
        worth = [
            np.asarray((problem.weight * drawn.value(x)).sum(axis=-1) - problem.cost @ x)
            for x in (spend, problem.last_money)
        ]
        objective = risk.value(*worth)
    amounts = money.amounts(minor.tolist())
    last = () if problem.last is None else money.amounts(problem.last.tolist())
    return Allocation(
        currency=money.code,
        spend=dict(zip(names, amounts, strict=True)),
        held=plan.held,
        rules=problem.rules,
        outcome=float(outcomes.sum()),
        outcomes=dict(zip(names, outcomes.tolist(), strict=True)),
        objective=objective,
        bound=solved.bound,
        method=solved.method,
        marginal=dict(zip(names, marginal.tolist(), strict=True)),
        prices=_prices(problem, minor, marginal, solved.prices),
        last=dict(zip(names, last, strict=False)),
        notes=_notes(plan, problem),
        steps_worth=_steps_worth(problem, marginal),
        value=_value(plan),
        spread=None if drawn is None else _spread(problem, drawn, spend),
    )


def _steps_worth(problem: Problem, marginal: Floats) -> float:
    """Return what one lot more or less in every channel is worth, infinite slopes left out."""
    each = np.abs(problem.weight * np.where(np.isfinite(marginal), marginal, 0.0) - problem.cost)
    return float(each @ problem.lots) / problem.money.units


def _value(plan: Plan) -> float:
    """Return what one unit of the objective is worth in money, NaN where channels differ."""
    if plan.goal.kind != "outcome":
        return 1.0
    alike = not plan.goal.weights and bool(np.all(plan.values == plan.values[0]))
    return float(plan.values[0]) if alike else math.nan


def _spread(problem: Problem, drawn: Mixture, spend: Floats) -> Spread:
    from budgetopt.optimize.risk import spread

    return spread(drawn, spend, None if problem.last is None else problem.last_money)


def _prices(
    problem: Problem, spend: NDArray[np.int64], marginal: Floats, prices: Floats
) -> dict[str, float]:
    """Return the price of every limit that holds the objective back, by name.

    A channel's worth is what its next unit of money adds to the objective less what that unit
    uses of the rows at their prices. Room under its upper bound is worth that much; room above
    its lower bound is worth the opposite.
    """
    found: dict[str, float] = {}
    worth = _times(problem.weight, marginal) - problem.cost
    if problem.limits or problem.spend_all:
        # Where nothing may be spent, the next unit of money can be worth infinitely much.
        rows, prices = problem.rows, np.minimum(prices, _MOST)
        worth = (
            np.clip(worth, -_MOST, _MOST)
            - rows.money.T @ prices
            + _times(rows.outcome.T @ prices, marginal)
        )
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


def _times(weight: Floats, marginal: Floats) -> Floats:
    """Return the products, with nothing where the weight is 0 and the slope infinite."""
    return np.multiply(weight, marginal, where=weight > 0, out=np.zeros_like(marginal))


def _notes(plan: Plan, problem: Problem) -> tuple[str, ...]:
    limited = plan.max_change.share is not None or plan.max_change.money is not None
    if problem.last is None and limited:
        return (say("no last applied week was given, so no change limit binds"),)
    return ()
