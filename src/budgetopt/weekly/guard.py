"""What stands between a policy and the week's money: an answer that breaks a limit is withheld."""

from __future__ import annotations

from typing import Any

import numpy as np

from budgetopt.errors import InputError, VerificationError
from budgetopt.figures import show_figure
from budgetopt.optimize import Problem
from budgetopt.plan import RULES
from budgetopt.policies import Policy
from budgetopt.policies.base import Floats

_EXACT = 1e-9
"""Share of the budget by which floating-point arithmetic may miss a limit."""


def checked_policy(policy: Any) -> Policy:
    """Return a policy, or say what is needed of one.

    Raises
    ------
    InputError
        ``bad-argument`` for a class, a name or anything else without a name and `decide`.
    """
    if isinstance(policy, type) or not isinstance(policy, Policy):
        raise InputError(
            "bad-argument",
            f"policy is {policy!r}",
            field="policy",
            value=str(policy),
            remedy="give an object with a name and the method decide, such as Thompson()",
        )
    return policy


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
        count = len(problem.names)
        raise _withheld(policy, f"gave no finite amount for each of {count} channels", answer)
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
    return spend


def _withheld(policy: str, problem: str, value: Any) -> VerificationError:
    return VerificationError(
        "broken-limit",
        f"policy {policy!r} {problem}",
        field="policy",
        value=value if isinstance(value, float) else str(value)[:60],
        remedy="mend the policy; fit_spend of budgetopt.policies draws wishes into the limits",
    )
