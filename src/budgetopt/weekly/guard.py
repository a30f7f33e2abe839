"""What stands between a policy and the week's money: an answer that breaks a limit is withheld."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from budgetopt.curves import Curve, Log, stack
from budgetopt.errors import SolverError, VerificationError
from budgetopt.figures import show_figure
from budgetopt.optimize import Problem, Solved, solve
from budgetopt.optimize.problem import refuse_infeasible
from budgetopt.optimize.runs import best_of_runs
from budgetopt.plan import RULES, Bounds
from budgetopt.policies import fit_spend, not_amounts
from budgetopt.policies.base import Floats

_EXACT = 1e-9
"""Share of the budget by which floating-point arithmetic may miss a bound."""
_ROUGH = 1e-6
"""Share of its own size by which a row may be missed: rounding to exact money takes it away."""
_PROVEN = 1e-9
"""Share of the outcome by which a split that is called best may miss the best."""
_HALVINGS = 50
"""Halvings of the way to the best split, down to the last digits."""


def checked_spend(problem: Problem, policy: str, answer: Any) -> Floats:
    """Return a policy's answer, or withhold it.

    Half a minor unit is let pass: rounding to exact money takes it away.

    Parameters
    ----------
    problem
        The week's bounds and budget.
    policy
        Name of the policy, for the message.
    answer
        Money by channel, shape ``(channels,)``.

    Raises
    ------
    VerificationError
        ``broken-limit``, with the first limit that is broken.
    """
    try:
        spend = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        spend = np.full(0, np.nan)
    if spend.shape != (len(problem.names),) or not np.isfinite(spend).all():
        raise not_amounts(policy, answer, len(problem.names))
    slack = 0.5 / problem.money.units + _EXACT * problem.budget / problem.money.units
    bounds = problem.bounds
    for way, least, limit, rules in (
        ("below", problem.lower - spend, problem.lower, bounds.lower_rule),
        ("above", spend - problem.upper, problem.upper, bounds.upper_rule),
    ):
        if np.any(least > slack):
            at = int(np.argmax(least))
            rule = RULES[rules[at]] or ("zero" if way == "below" else "the budget")
            rest = f"{way} its {rule} {show_figure(limit[at], 15)}"
            problem_said = f"gave {problem.names[at]!r} {show_figure(spend[at])}, {rest}"
            raise _withheld(policy, problem_said, float(spend[at]))
    total, budget = float(spend.sum()), problem.budget / problem.money.units
    if total > budget + slack:
        rest = f"above the budget {show_figure(budget, 15)}"
        raise _withheld(policy, f"spent {show_figure(total, 15)}, {rest}", total)
    broken = _broken_rows(problem, spend)
    if broken:
        raise _withheld(policy, f"broke the limit {broken[0]!r}", broken[0])
    return spend


def holding(problem: Problem, channels: Iterable[str]) -> Problem:
    """Return a problem in which some channels get what they got last week, within their bounds.

    Raises
    ------
    InfeasibleError
        ``floors-above-budget`` or ``cannot-spend-all``.
    """
    held = np.isin(problem.names, list(channels))
    if not held.any() or problem.last is None:
        return problem
    bounds = problem.bounds
    stay = np.clip(problem.last, bounds.lower, bounds.upper)
    rule = RULES.index("lock")
    narrow = Bounds(
        np.where(held, stay, bounds.lower),
        np.where(held, stay, bounds.upper),
        np.where(held, rule, bounds.lower_rule).astype(np.int8),
        np.where(held, rule, bounds.upper_rule).astype(np.int8),
    )
    tighter = replace(problem, bounds=narrow)
    refuse_infeasible(tighter)
    return tighter


def best_split(problem: Problem) -> tuple[Solved, SolverError | None]:
    """Return the best split; or last week's with a rough bound, and why there is no better one.

    The rough bound is what all channels bring at their upper bounds.
    """
    try:
        return solve(problem), None
    except SolverError as error:
        every = (problem.lower, problem.upper, problem.budget_money)
        held = fit_spend(problem.last_money, *map(np.asarray, every), all_=problem.spend_all)
        most = np.minimum(problem.upper, problem.budget_money)
        bound = problem.weight @ problem.curves.value(most) - problem.cost @ problem.lower
        return Solved(held, np.zeros(problem.rows.size), float(bound), "hold"), error


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
    if not _broken_rows(problem, spend):
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
        if _broken_rows(problem, spend + middle * (best - spend), slack=0.0):
            near = middle
        else:
            far = middle
    return np.asarray(spend + far * (best - spend))


def _broken_rows(problem: Problem, spend: Floats, slack: float = _ROUGH) -> list[str]:
    """Return the limits whose rows spends break by more than a share of the rows' own size."""
    if not problem.limits:
        return []
    rows = problem.rows
    value, last = problem.curves.value(spend), problem.last_money
    size = np.abs(rows.room) + abs(rows.money) @ spend + rows.outcome @ value
    over = rows.used(spend, value, last) - rows.room > slack * size
    return [name for name, broken in zip(rows.names, over.tolist(), strict=True) if broken]


def _withheld(policy: str, problem: str, value: float | str) -> VerificationError:
    return VerificationError(
        "broken-limit",
        f"policy {policy!r} {problem}",
        field="policy",
        value=value,
        remedy="mend the policy; fit of its view draws wishes into the limits",
    )
