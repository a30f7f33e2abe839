"""What happens in a week that a policy cannot solve."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError, SolverError, VerificationError
from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.hold import HOLD, HoldSteady
from budgetopt.words import say

_UNSOLVED = (SolverError, InfeasibleError, ArithmeticError, np.linalg.LinAlgError)


class Decided(NamedTuple):
    """A split and whose it is.

    Parameters
    ----------
    spend
        Money, shape of the view's bounds, finite.
    policy
        Name of the policy that was taken, in any run.
    reason
        Why it is not the policy that was asked; empty where it is.
    fell
        Where another policy was taken, shape ``()`` or ``(runs,)``.
    """

    spend: Floats
    policy: str
    reason: str
    fell: NDArray[np.bool_]


def decided(policy: Policy, view: View, rng: np.random.Generator) -> Decided:
    """Return a policy's split, or that of its `otherwise` where it has no finite one.

    Where only some runs have no finite answer, only these take the other policy's.

    Parameters
    ----------
    policy
        Any; without an attribute ``otherwise`` it falls back on `HoldSteady`.
    view
        The week.
    rng
        Source of randomness.

    Raises
    ------
    VerificationError
        ``broken-limit`` for an answer that is not money by channel, or where the last policy to
        fall back on has none either.
    InputError
        What the policy says of its settings or its history is let through: it stays wrong next
        week.
    """
    other = None if isinstance(policy, HoldSteady) else getattr(policy, "otherwise", HOLD)
    try:
        answer = policy.decide(view, rng)
    except _UNSOLVED as error:
        if other is None:
            raise
        taken = decided(other, view, rng)
        reason = say(
            "policy {policy} could not solve the week ({error})",
            policy=policy.name,
            error=str(error),
        )
        return taken._replace(reason=_joined(reason, taken), fell=np.ones_like(taken.fell))
    spend = _amounts(policy, answer, view.lower.shape)
    lost = np.asarray(~np.isfinite(spend).all(axis=-1))
    if not lost.any():
        return Decided(spend, policy.name, "", lost)
    if other is None:
        raise not_amounts(policy.name, answer, view.lower.shape[-1])
    taken = decided(other, view, rng)
    reason = say("policy {policy} gave an answer that is not finite", policy=policy.name)
    if lost.ndim:
        few, runs = f"{lost.sum():,}", f"{lost.size:,}"
        reason = say("{reason} in {few} of {runs} runs", reason=reason, few=few, runs=runs)
    spend = np.where(lost[..., None], taken.spend, spend)
    return Decided(spend, taken.policy, _joined(reason, taken), lost)


def not_amounts(policy: str, answer: Any, channels: int) -> VerificationError:
    """Return the error for an answer that is not a finite amount for each channel."""
    return VerificationError(
        "broken-limit",
        f"policy {policy!r} gave no finite amount for each of {channels} channels",
        field="policy",
        value=str(answer)[:60],
        remedy="mend the policy; fit of its view draws wishes into the limits",
    )


def _amounts(policy: Policy, answer: Any, shape: tuple[int, ...]) -> Floats:
    try:
        spend = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        spend = np.full(0, np.nan)
    if spend.shape != shape:
        raise not_amounts(policy.name, answer, shape[-1])
    return spend


def _joined(reason: str, taken: Decided) -> str:
    if not taken.reason:
        return reason
    return say("{reason}; {other}", reason=reason, other=taken.reason)
