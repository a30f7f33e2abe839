"""What stands between a policy and the week's money: an answer that breaks a limit is withheld."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from budgetopt.errors import SolverError, VerificationError
from budgetopt.figures import show_figure
from budgetopt.optimize import Problem, Solved, broken_rows, solve
from budgetopt.optimize.problem import refuse_infeasible
from budgetopt.plan import RULES, Bounds
from budgetopt.policies import fit_spend, not_amounts
from budgetopt.policies.base import Floats

_EXACT = 1e-9
"""Share of the budget by which floating-point arithmetic may miss a bound."""


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
    broken = broken_rows(problem, spend)
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
    # Where a bound moves it all the same, that bound says why.
    rule = np.where(problem.last < stay, bounds.lower_rule, bounds.upper_rule)
    rule = np.where(problem.last == stay, RULES.index("lock"), rule)
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


def _withheld(policy: str, problem: str, value: float | str) -> VerificationError:
    return VerificationError(
        "broken-limit",
        f"policy {policy!r} {problem}",
        field="policy",
        value=value,
        remedy="mend the policy; fit of its view draws wishes into the limits",
    )
