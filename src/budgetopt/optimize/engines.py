"""Which engine solves a plan, chosen by what the plan needs."""

from __future__ import annotations

from typing import Literal

import numpy as np

from budgetopt.curves import Curve, Mixture
from budgetopt.curves.hull import Hull
from budgetopt.errors import BudgetoptError, InfeasibleError, InputError, SolverError, did_you_mean
from budgetopt.optimize.certificate import lagrangian_bound
from budgetopt.optimize.problem import Problem
from budgetopt.optimize.solved import Solved
from budgetopt.optimize.waterfill import waterfill

Method = Literal["auto", "waterfill", "dual", "branch", "linear", "integer"]
METHODS: tuple[Method, ...] = ("auto", "waterfill", "dual", "branch", "linear", "integer")
"""Engines that `solve` may be told to use; ``"auto"`` leaves the choice to the plan."""


TIME_LIMIT = 60.0
"""Seconds that a search may take where nobody says otherwise; few plans take one."""


def solve(
    problem: Problem, method: Method = "auto", time_limit: float | None = TIME_LIMIT
) -> Solved:
    """Return the best continuous split, by the engine that the plan needs or the one asked for.

    ==============  ====================================================================
    engine          what it solves
    ==============  ====================================================================
    ``waterfill``   concave curves, a budget and bounds
    ``dual``        concave curves and any rows that do not count
    ``branch``      S-curves and off-or-at-least as well
    ``linear``      as ``dual``, by linear programs
    ``integer``     everything, counts and lots included, by integer programs
    ==============  ====================================================================

    Raises
    ------
    InputError
        ``unknown-name`` for a method that is not there.
    SolverError
        ``wrong-method`` where the engine asked for cannot solve the plan.
    """
    if method not in METHODS:
        raise InputError(
            "unknown-name",
            f"method {method!r} is not known",
            field="method",
            value=method,
            remedy=did_you_mean(str(method), METHODS),
        )
    able = _able(problem)
    chosen = able[0] if method == "auto" else method
    if chosen not in able:
        raise SolverError(
            "wrong-method",
            f"method {chosen!r} cannot solve this plan, which has {_needs(problem)}",
            field="method",
            value=chosen,
            remedy=f"choose {' or '.join(able)}, or leave the choice to budgetopt",
        )
    try:
        return _run(problem, chosen, time_limit)
    except (InfeasibleError, SolverError) as error:
        if isinstance(error, SolverError) and error.code != "not-converged":
            raise
        if isinstance(error, SolverError) and method == "auto" and chosen == "dual":
            # Many straight pieces tied at once: a linear program holds them as they are.
            return solve(problem, "linear", time_limit)
        return _any_split(problem, chosen, error)


def _able(problem: Problem) -> tuple[Method, ...]:
    """Return the engines that can solve a problem, the best first."""
    counts = any(row.counts for row in problem.limits)
    lots = bool(np.any(problem.lots > problem.step))
    if counts or lots:
        return ("integer",)
    if not problem.curves.concave or problem.least_on.any():
        return ("branch", "integer")
    if problem.plain:
        return ("waterfill", "dual", "branch", "linear", "integer")
    return ("dual", "branch", "linear", "integer")


def _needs(problem: Problem) -> str:
    """Return what of a problem the simpler engines cannot solve, in words."""
    found = [
        (any(row.counts for row in problem.limits), "limits that count channels"),
        (bool(np.any(problem.lots > problem.step)), "lots"),
        (not problem.curves.concave, "S-shaped curves"),
        (bool(problem.least_on.any()), "channels that are off or at least so much"),
        (not problem.plain, "rows across channels or a goal of its own"),
    ]
    return ", ".join(text for there, text in found if there)


def _run(problem: Problem, method: Method, time_limit: float | None) -> Solved:
    if method == "waterfill":
        return _filled(problem)
    if method == "dual":
        from budgetopt.optimize.dual import dual
        from budgetopt.optimize.lagrangian import field_of

        field = field_of(problem)
        return dual(field._replace(curves=_read_fast(problem)), problem.rows)
    if method == "branch":
        from budgetopt.optimize.branch import branch

        return branch(problem, time_limit=time_limit)
    if method == "linear":
        from budgetopt.optimize.programs import linear

        return linear(problem, time_limit=time_limit)
    from budgetopt.optimize.programs import integer

    return integer(problem, time_limit=time_limit)


def _read_fast(problem: Problem) -> Curve:
    """Return concave curves for a search that reads them many times within their bounds."""
    curves = problem.curves
    sampled = curves.sampled(problem.lower, problem.upper) if isinstance(curves, Mixture) else None
    return curves if sampled is None else Hull.on(sampled, problem.lower, problem.upper)


def explain_infeasible(problem: Problem) -> InfeasibleError | None:
    """Return why a problem has no solution, in a sentence; None where it has one."""
    from budgetopt.optimize.conflict import explain_infeasible as explain

    return explain(problem)


def _any_split(problem: Problem, method: Method, error: BudgetoptError) -> Solved:
    """Return any split with a bound at no prices, where an engine found none; or say why not."""
    from budgetopt.optimize.conflict.elastic import find_split
    from budgetopt.optimize.conflict.reach import limits_of, system_of
    from budgetopt.optimize.lagrangian import field_of, priced

    clash = explain_infeasible(problem)
    found = None if clash else find_split(system_of(problem, set(limits_of(problem)))).spend
    if found is None:
        raise clash or error from None
    prices = np.zeros(problem.rows.size)
    bound = priced(field_of(problem), problem.rows, prices).bound
    return Solved(found / problem.money.units, prices, bound, method)


def _filled(problem: Problem) -> Solved:
    lower, budget = problem.lower, problem.budget_money
    # A channel without a cap is bounded by the budget, whose price that is.
    upper = np.where(problem.bounds.upper_rule > 0, problem.upper, np.inf)
    spend, price = waterfill(problem.curves, lower, upper, budget)
    bound = lagrangian_bound(problem.curves, lower, upper, budget, price)
    if int(problem.bounds.lower.sum()) == problem.budget:
        # In floats something may seem to be left, which at an infinite slope is worth infinity.
        spend, bound = lower, np.asarray(problem.curves.value(lower).sum())
    if problem.spend_all and price == 0:
        # What is left brings nothing anywhere; it is spent all the same, evenly over the room.
        room = problem.upper - spend
        spend = spend + room * min(1.0, (budget - spend.sum()) / max(room.sum(), 1e-300))
    prices = np.zeros(1 + problem.spend_all)
    prices[0] = price
    return Solved(spend, prices, float(bound), "waterfill")
