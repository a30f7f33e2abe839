"""Policies that go only part of the way, and what happens in a week that one cannot solve.

- `Cautious` makes only as much of another policy's move as is likely to pay;
- `Guarded` may not lose much against last week's split; `conservative` is its rule;
- `decided` takes a policy's answer, or that of its fallback where it has none.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.errors import InfeasibleError, SolverError, VerificationError
from budgetopt.i18n import say
from budgetopt.notebook import short
from budgetopt.optimize import in_proportion
from budgetopt.policies.base import (
    Policy,
    View,
    accepts_otherwise,
    along,
    best_part,
    check_chance,
    check_share,
    checked_policy,
    last_part,
    written,
)
from budgetopt.policies.baselines import HOLD, HoldSteady
from budgetopt.policies.bayesian import MEAN

MOST = 100.0
"""More standard deviations than this let nothing move that is in doubt at all."""


@public
@accepts_otherwise
@dataclass(frozen=True)
class Cautious:
    r"""Go towards another policy's split as long as the gain is sure enough.

    On the way :math:`x(t) = x_0 + t\,(y - x_0)` from last week's split projected onto the limits to
    the other policy's split ``y``, it takes the ``t`` that maximises
    :math:`E[G(t)] - k\,sd[G(t)]`, where ``G`` is the gain over :math:`x_0` under the belief;
    nothing moves where that is nowhere above zero.

    Parameters
    ----------
    policy
        Whose split it goes towards.
    k
        Standard deviations that the gain must exceed, above 0, at most 100.
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not a policy, or a number out of range.

    Notes
    -----
    The moments of the gain are exact (`Posterior.gain`), the best part is found to 1/128 of the
    way. Where channels are all equally in doubt it moves little and learns little.
    """

    policy: Policy = MEAN
    k: float = 1.0
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.k, "k", "cautious", most=MOST)

    @property
    def name(self) -> str:
        """The name with the other policy and the standard deviations."""
        return f"cautious({self.policy.name}, {written(self.k)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the split part of the way to the other policy's."""
        start, end = view.held(), np.asarray(self.policy.decide(view, rng))

        def worth(part: Floats) -> Floats:
            mean, variance = view.gain(start, along(start, end, part))
            return np.asarray(mean.sum(axis=-1) - self.k * np.sqrt(variance.sum(axis=-1)))

        return view.project_across(along(start, end, best_part(worth, start[..., 0])))


@short
class Kept(NamedTuple):
    """A split that loses no more than is allowed.

    Parameters
    ----------
    spend
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    part
        How far the split goes from last week's to the wish, 1 where the whole way is safe, shape
        ``()`` or ``(runs,)``.
    low, allowed
        Least gain of the wish at the confidence, and the least that is let through, same shape.
    """

    spend: Floats
    part: Floats
    low: Floats
    allowed: Floats


@public
@accepts_otherwise
@dataclass(frozen=True)
class Guarded:
    """Do as another policy does, as far as little can be lost; see `conservative`.

    Parameters
    ----------
    policy
        What is done.
    most_loss
        Share of the expected outcome of last week's split that may be lost, above 0, at most 1.
    confidence
        Chance at which no more is lost, above 0 and below 1.
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not a policy, or a number out of range.
    """

    policy: Policy = MEAN
    most_loss: float = 0.05
    confidence: float = 0.8
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.most_loss, "most_loss", "guarded")
        check_chance(self.confidence, "confidence", "guarded")

    @property
    def name(self) -> str:
        """The name with the other policy, the share and the confidence."""
        numbers = f"{written(self.most_loss)}, {written(self.confidence)}"
        return f"guarded({self.policy.name}, {numbers})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the other policy's split, or as much of the way to it as is safe."""
        wish = np.asarray(self.policy.decide(view, rng))
        return conservative(view, wish, self.most_loss, self.confidence).spend


def conservative(
    view: View, wish: Floats, most_loss: float, confidence: float, widened: float = 1.0
) -> Kept:
    r"""Return a wish, or the last split on the way to it that loses little against last week's.

    Let ``G`` be the gain over last week's split :math:`x_0` projected onto the limits, and ``L``
    the loss in the channels that get less. Curves never fall, so :math:`G \ge -L`, and the gain is
    at least

    .. math:: \max(E[G] - z\,sd[G],\; -E[L] - z\,sd[L])

    at a confidence with the normal quantile ``z``. That must be no less than minus the allowed
    share of the expected outcome of :math:`x_0`.

    Where the wish spends more than :math:`x_0`, the way to it begins at its own total in last
    week's proportions, so that doubt about the split leaves no budget unspent; where those would
    lose too much themselves, as under a cost of each unit, it begins at :math:`x_0`.

    Parameters
    ----------
    view
        The week.
    wish
        Money within the limits, shape of the view's bounds.
    most_loss
        Share that may be lost.
    confidence
        Chance at which no more is lost.
    widened
        Factor on all standard deviations, for a belief whose bands have held too little.

    Notes
    -----
    The posterior's moments stand in the place of the confidence set of the source, week by week:
    losses of different weeks are not added up. The gain is a sum of mixtures of log-normals;
    reading its quantile as a normal one is rough for a few channels that are hardly known, and errs
    to the safe side for moves upward.

    References
    ----------
    Kazerouni, Ghavamzadeh, Abbasi-Yadkori and Van Roy (2017), Conservative contextual linear
    bandits.
    """
    start = view.held()
    outcome = view.weight * view.belief.mean().value(start)
    allowed = -most_loss * outcome.sum(axis=-1)
    doubts = widened * float(ndtri(confidence))

    def least(spend: Floats) -> Floats:
        mean, variance = view.gain(start, spend)
        down = spend < start
        # Money that a channel gets more costs what it costs, and can bring nothing at worst.
        worst = np.where(down, mean, -np.asarray(view.cost) * (spend - start))
        doubt = np.where(down, variance, 0.0)
        sides = [
            part.sum(axis=-1) - doubts * np.sqrt(spread.sum(axis=-1))
            for part, spread in ((mean, variance), (worst, doubt))
        ]
        return np.asarray(np.maximum(*sides))

    def passes(part: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.asarray(least(along(begin, wish, part)) >= allowed)

    begin, total = start, np.asarray(wish.sum(axis=-1))
    more = total > start.sum(axis=-1)
    if more.any():
        equal = view.project_across(in_proportion(start, view.lower, view.upper, total))
        from_equal = more & (least(equal) >= allowed)
        begin = np.where(from_equal[..., None], equal, start)
    part = last_part(passes, start[..., 0])
    spend = view.project_across(along(begin, wish, part))
    # Limits that count, or that see outcomes, may draw a point on the way somewhere else.
    safe = part == 1.0
    if not safe.all():
        safe |= least(spend) >= allowed
    part = np.where(safe, part, 0.0)
    spend = np.where(safe[..., None], spend, begin)
    return Kept(spend, part, least(wish), np.asarray(allowed))


_UNSOLVED = (SolverError, InfeasibleError, ArithmeticError, np.linalg.LinAlgError)


@short
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
    """Return a policy's split, or that of its `fallback` where it has no finite one.

    Where only some runs have no finite answer, only these take the other policy's.

    Parameters
    ----------
    policy
        Any; without an attribute ``fallback`` it falls back on `HoldSteady`.
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
    other = None if isinstance(policy, HoldSteady) else fallback_of(policy)
    try:
        answer = policy.decide(view, rng)
    except _UNSOLVED as error:
        if other is None:
            raise
        taken = decided(other, view, rng)
        reason = say("policy-failed", policy=policy.name, error=str(error))
        return taken._replace(reason=_joined(reason, taken), fell=np.ones_like(taken.fell))
    spend = _amounts(policy, answer, view.lower.shape)
    lost = np.asarray(~np.isfinite(spend).all(axis=-1))
    if not lost.any():
        return Decided(spend, policy.name, "", lost)
    if other is None:
        raise not_amounts(policy.name, answer, view.lower.shape[-1])
    taken = decided(other, view, rng)
    reason = say("policy-not-finite", policy=policy.name)
    if lost.ndim:
        few, runs = f"{lost.sum():,}", f"{lost.size:,}"
        reason = say("reason-in-runs", reason=reason, few=few, runs=runs)
    spend = np.where(lost[..., None], taken.spend, spend)
    return Decided(spend, taken.policy, _joined(reason, taken), lost)


def fallback_of(policy: Policy) -> Policy:
    """Return what a policy falls back on; a policy of one's own may still call it `otherwise`."""
    if not hasattr(policy, "fallback") and hasattr(policy, "otherwise"):
        warnings.warn(
            f"the attribute otherwise of policy {policy.name!r} is now called fallback",
            DeprecationWarning,
            stacklevel=3,
        )
        older: Policy = policy.otherwise
        return older
    fallback: Policy = getattr(policy, "fallback", HOLD)
    return fallback


def not_amounts(policy: str, answer: Any, channels: int) -> VerificationError:
    """Return the error for an answer that is not a finite amount for each channel."""
    return VerificationError("broken-limit", say("policy-did-return-finite", policy=repr(policy),
                             channels=channels), field="policy", value=str(answer)[:60],
                             remedy=say("remedy-fix-policy-view-project"))  # fmt: skip


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
    return say("reasons-joined", reason=reason, other=taken.reason)
