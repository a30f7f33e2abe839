"""A week's split for other curves or wishes than its own, drawn into the limits across channels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from budgetopt.curves import Curve, Log, stack
from budgetopt.curves.base import Floats
from budgetopt.errors import SolverError
from budgetopt.optimize.engines import solve
from budgetopt.optimize.problem import Problem
from budgetopt.optimize.runs import best_of_runs

ROUGH = 1e-6
"""Share of its own size by which a row may be missed: rounding to exact money takes it away."""
_PROVEN = 1e-9
"""Share of the outcome by which a split that is called best may miss the best."""
_HALVINGS = 50
"""Halvings of the way to the best split, down to the last digits."""


def best_for(problem: Problem, best: Floats, curves: Curve) -> Floats:
    """Return the best split for curves other than those the week is judged by.

    Parameters
    ----------
    problem
        The week.
    best
        Its best split by its own curves, shape ``(channels,)``.
    curves
        Curves over its channels.
    """
    if problem.plain:
        bounds = (problem.lower, problem.upper, problem.budget_money)
        # Where this cannot prove its answer the engines can, with a bound that is not asked for.
        with suppress(SolverError):
            found = best_of_runs(curves, *bounds, spend_all=problem.spend_all, gap=_PROVEN)
            if found.bound <= found.outcome + _PROVEN * abs(found.outcome):
                return found.spend
    # Limits on outcomes hold by the week's own curves, whatever these say.
    return drawn_in(problem, best, solve(replace(problem, curves=curves)).spend)


def drawn_in(problem: Problem, best: Floats, spend: Floats) -> Floats:
    r"""Return spends within bounds and budget drawn into the rows, where they break one.

    The nearest split in relative terms: with :math:`s` the equal share of the budget it maximises
    :math:`\sum_i (y_i + s) \ln(1 + x_i / s) - x_i`, whose peak without rows is the wish :math:`y`.
    Rows that see outcomes would not know these curves; with them the spends are moved towards the
    best split, as far as the rows ask for.

    Parameters
    ----------
    problem
        The week.
    best
        A split that keeps every row, shape ``(channels,)``.
    spend
        Money within bounds and budget, same shape.
    """
    if not broken_rows(problem, spend):
        return spend
    if problem.rows.outcome.nnz:
        return _towards(problem, best, spend)
    equal, ones = problem.budget_money / spend.size, np.ones(spend.size)
    pull = stack([Log(wish + equal, equal) for wish in spend.tolist()])
    return solve(replace(problem, curves=pull, weight=ones, cost=ones)).spend


def _towards(problem: Problem, best: Floats, spend: Floats) -> Floats:
    """Return spends moved towards the best split: what keeps convex rows is the end of the way."""
    near, far = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (near + far)
        if broken_rows(problem, spend + middle * (best - spend), slack=0.0):
            near = middle
        else:
            far = middle
    return np.asarray(spend + far * (best - spend))


def broken_rows(problem: Problem, spend: Floats, slack: float = ROUGH) -> list[str]:
    """Return the limits whose rows spends break by more than a share of the rows' own size."""
    if not problem.limits:
        return []
    rows = problem.rows
    value, last = problem.curves.value(spend), problem.last_money
    size = np.abs(rows.room) + abs(rows.money) @ spend + rows.outcome @ value
    over = rows.used(spend, value, last) - rows.room > slack * size
    return [name for name, broken in zip(rows.names, over.tolist(), strict=True) if broken]
