"""A policy that may not lose much against last week's split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_chance, check_share, checked_policy, written
from budgetopt.policies.hold import HOLD
from budgetopt.policies.posterior_mean import MEAN
from budgetopt.policies.segment import along, last_part


class Kept(NamedTuple):
    """A split that loses no more than is allowed.

    Parameters
    ----------
    spend
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    part
        How far it goes from last week's split to the wish, 1 where the whole way is safe, shape
        ``()`` or ``(runs,)``.
    low, allowed
        Least gain of the wish at the confidence, and the least that is let through, same shape.
    """

    spend: Floats
    part: Floats
    low: Floats
    allowed: Floats


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
    otherwise
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is no policy, or a number out of range.
    """

    policy: Policy = MEAN
    most_loss: float = 0.05
    confidence: float = 0.8
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.most_loss, "most_loss", "guarded policy")
        check_chance(self.confidence, "confidence", "guarded policy")

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

    Let ``G`` be the gain over last week's split :math:`x_0` drawn into the limits, and ``L`` the
    loss in the channels that get less. Curves never fall, so :math:`G \ge -L`, and the gain is at
    least

    .. math:: \max(E[G] - z\,sd[G],\; -E[L] - z\,sd[L])

    at a confidence with the normal quantile ``z``. That must be no less than minus the allowed
    share of the expected outcome of :math:`x_0`.

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
    Source: the conservative bandit of Kazerouni, Ghavamzadeh, Abbasi-Yadkori and Van Roy (2017),
    "Conservative contextual linear bandits", with the posterior's moments in the place of their
    confidence set, week by week: losses of different weeks are not added up. The gain is a sum of
    mixtures of log-normals; reading its quantile as a normal one is rough for a few channels that
    are hardly known, and errs to the safe side for moves upward.
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
        return np.asarray(least(along(start, wish, part)) >= allowed)

    part = last_part(passes, start[..., 0])
    spend = view.kept(along(start, wish, part))
    # Limits that count, or that see outcomes, may draw a point on the way somewhere else.
    safe = (part == 1.0) | (least(spend) >= allowed)
    part = np.where(safe, part, 0.0)
    spend = np.where(safe[..., None], spend, start)
    return Kept(spend, part, least(wish), np.asarray(allowed))
