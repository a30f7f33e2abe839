"""The best outcome along a range of budgets, each a verified allocation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from budgetopt.errors import InfeasibleError, PlanError, SolverError
from budgetopt.money import as_decimal
from budgetopt.optimize.allocate import allocate
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.engines import TIME_LIMIT, Method
from budgetopt.optimize.frontier.hurdle import (
    Source,
    bad,
    budget_at_price,
    value_slope,
    weekly,
    with_budget,
)
from budgetopt.optimize.frontier.record import Frontier, FrontierPoint
from budgetopt.plan import Plan

_POINTS = 21
_UNANSWERED = ("bounds-clash", "not-converged", "time-limit")
"""Codes of what concerns one budget alone; a reserve above the budget is a clash in the plan."""


def frontier(
    plan: Plan,
    curves: Any = None,
    budgets: Iterable[Any] | None = None,
    *,
    last: Mapping[str, Any] | None = None,
    method: Method = "auto",
    time_limit: float | None = TIME_LIMIT,
) -> Frontier:
    r"""Return the best outcome along a range of budgets, each a verified allocation.

    Parameters
    ----------
    plan
        Everything but its budget; reserve shares, change limits and steps keep their meaning.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    budgets
        Money per week, reserve included. By default 21 even steps from the sum of what must be
        spent to the sum of what may be spent, at most twice the plan's budget.
    last
        Last applied spend by channel.
    method, time_limit
        As in `allocate`, for each budget.

    Raises
    ------
    InputError
        ``bad-argument`` for a plan of least spend for a target, whose outcome no budget changes.
    PlanError, SolverError
        As in `allocate`. An infeasible budget raises nothing: its point says why.

    Notes
    -----
    The knee is where the normalised frontier lies farthest above the diagonal, as in Satopää,
    Albrecht, Irwin and Raghavan (2011), "Finding a kneedle in a haystack", section 2; here it is
    not picked among the points but found exactly, as the budget whose price is the slope of the
    line between the ends. It depends on the range of the budgets.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> from budgetopt.plan import Channel
    >>> channels = [Channel("a", curve=Log(300, 100)), Channel("b", curve=Log(100, 100))]
    >>> line = frontier(Plan(budget=200, currency="CNY", channels=channels), budgets=[100, 200])
    >>> [round(point.mroas, 3) for point in line.points], line.budget_at(0.8)
    ([1.5, 1.0], Decimal('300.00'))
    """
    if plan.goal.kind == "least-spend":
        raise bad("goal", "least-spend", "ask for most outcome or most profit")
    source = Source(plan, curves, last)
    given = _default_budgets(source) if budgets is None else _as_budgets(plan, budgets)
    points = tuple(_point(source, b, method, time_limit) for b in given)
    line = Frontier(points, None, source)
    return replace(line, knee=_knee(line))


def _point(
    source: Source, budget: Decimal, method: Method, time_limit: float | None
) -> FrontierPoint:
    """Return one budget's best split, or why there is none."""
    try:
        plan = with_budget(source.plan, budget)
        week = allocate(plan, source.curves, last=source.last, method=method, time_limit=time_limit)
    except (InfeasibleError, PlanError, SolverError) as error:
        if not isinstance(error, InfeasibleError) and error.code not in _UNANSWERED:
            raise
        return FrontierPoint(budget, None, str(error), math.nan, math.nan)
    value = float(plan.values @ np.array([week.outcomes[n] for n in plan.names]))
    return FrontierPoint(budget, week, "", value, _mroas(source._replace(plan=plan), week))


def _mroas(source: Source, week: Allocation) -> float:
    """Return the value that the next unit of money brings."""
    price = week.prices.get("budget", 0.0) - week.prices.get("spend all", 0.0)
    if _many_prices(week):
        if source.plan.limits or not source.counts_value:
            return value_slope(source, week.rules.budget)
        price = _steepest(source, week)
        if math.isinf(price):
            return value_slope(source, week.rules.budget)
    if price <= 0:
        return 0.0
    if source.plan.goal.kind == "profit":
        return price + 1.0
    if source.one_value:
        return price * float(source.plan.values[0])
    return value_slope(source, week.rules.budget)


def _many_prices(week: Allocation) -> bool:
    """Whether the budget has many prices: no channel is inside its bounds.

    So it is at the least that must be spent, and where a channel without a cap takes the whole
    budget, which then is its cap.
    """
    bounds, room = week.bounds, week.bounds.upper > week.bounds.lower
    if int(bounds.lower.sum()) == week.rules.budget:
        return bool(np.any(room))
    spend = week.rules.money.minors(week.spend, "spend")
    whole = (bounds.upper_rule == 0) & (spend == bounds.upper) & (spend > 0)
    return bool(np.any(whole & room))


def _steepest(source: Source, week: Allocation) -> float:
    """Return what the next unit adds to the objective in the channel where it adds most."""
    spend = week.rules.money.minors(week.spend, "spend")
    open_ended = (spend < week.bounds.upper) | (week.bounds.upper_rule == 0)
    slopes = np.array([week.marginal[name] for name in source.plan.names])
    if source.plan.goal.kind == "profit":
        slopes = slopes * source.plan.values - 1.0
    return float(np.max(slopes[open_ended], initial=0.0))


def _knee(line: Frontier) -> Decimal | None:
    """Return the budget farthest above the line between the ends, by its price."""
    feasible = [(p.budget, p.allocation) for p in line.points if p.allocation is not None]
    if len(feasible) < 3:
        return None
    (least, first), (most, last) = feasible[0], feasible[-1]
    width, rise = float(last.budget - first.budget), last.objective - first.objective
    if width <= 0 or rise <= 0:
        return None
    # A bend of less than a thousandth of the rise is no knee but rounding.
    above = [
        (week.objective - first.objective) / rise - float(week.budget - first.budget) / width
        for _, week in feasible
    ]
    if max(above) < 1e-3:
        return None
    knee = budget_at_price(line.source, rise / width)
    return min(max(knee, least), most)


def _default_budgets(source: Source) -> tuple[Decimal, ...]:
    """Return even steps from what must be spent to what may be spent."""
    plan = source.plan
    top = max(2 * plan.spendable_minor, plan.step_minor)
    while True:
        try:
            bounds = source.problem_at(top).bounds
            break
        except InfeasibleError as error:
            if error.code != "floors-above-budget" or top > 2**51:
                raise
            top *= 2
    low = int(bounds.lower.sum())
    high = max(low, min(int(bounds.upper.sum()), 2 * plan.spendable_minor))
    steps = np.linspace(0, (high - low) // plan.step_minor, _POINTS).round().astype(int).tolist()
    return tuple(dict.fromkeys(weekly(plan, low + plan.step_minor * n) for n in steps))


def _as_budgets(plan: Plan, budgets: Iterable[Any]) -> tuple[Decimal, ...]:
    """Return budgets as exact money, rising, each once."""
    money = plan.money
    given = {money.amount(money.minor(as_decimal(b, "budgets"), "budgets")) for b in budgets}
    if not given:
        raise bad("budgets", (), "give at least one budget, or leave them out")
    return tuple(sorted(given))
