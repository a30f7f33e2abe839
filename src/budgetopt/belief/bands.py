"""Means with bands of mixtures of log-normals, and rows of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from budgetopt.curves.base import Floats

_HALVINGS = 45
"""From the whole range of the components to 1e-12 of it."""
_NEGLIGIBLE = 1e-9
"""Chance of a component that moves no quantile by more than its share."""


@dataclass(frozen=True, eq=False)
class Band:
    """A quantity with its mean and the ends of its band, one value a channel.

    Parameters
    ----------
    mean, low, high
        Expectation and the quantiles that leave equal chances outside, each of shape
        ``(channels,)`` or ``(runs, channels)``.
    level
        Chance inside: 0.8 from the 10 % to the 90 % quantile.
    """

    mean: Floats
    low: Floats
    high: Floats
    level: float

    def scaled(self, factor: Floats) -> Band:
        """Return the band of the quantity times a positive number for each channel."""
        return Band(self.mean * factor, self.low * factor, self.high * factor, self.level)

    def row(self, channel: int) -> Estimate:
        """Return one channel's values."""
        return Estimate(*(float(v[channel]) for v in (self.mean, self.low, self.high)))


@dataclass(frozen=True)
class Estimate:
    """A mean with the ends of its band."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Reading:
    """What a spend brings: outcome per week, outcome per unit of money, and of the next unit.

    Parameters
    ----------
    spend
        Money per week.
    response, roas, mroas
        Outcome per week, outcome over spend, and slope there.
    """

    spend: float
    response: Estimate
    roas: Estimate
    mroas: Estimate


def band(chance: Floats, log_mean: Floats, log_variance: Floats, level: float) -> Band:
    r"""Return mean and quantiles of mixtures of log-normals.

    Parameters
    ----------
    chance, log_mean, log_variance
        Weights that sum to one, means and variances of the logarithms, shape ``(channels,
        components)``.
    level
        Chance inside the band, between 0 and 1.

    Notes
    -----
    The quantile solves :math:`\sum_k w_k \Phi((\ln q - m_k)/s_k) = p` by bisection.
    """
    mean = np.sum(chance * np.exp(log_mean + 0.5 * log_variance), axis=-1)
    # Most cells and noise levels are out of the question for every channel.
    likely = np.max(chance, axis=0) > _NEGLIGIBLE
    chance, log_mean, sd = (v[:, likely] for v in (chance, log_mean, np.sqrt(log_variance)))
    ends = np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])[:, None]
    low = np.broadcast_to(np.min(log_mean - 8.0 * sd, axis=-1), (2, len(mean)))
    high = np.broadcast_to(np.max(log_mean + 8.0 * sd, axis=-1), (2, len(mean)))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        below = np.sum(chance * ndtr((middle[..., None] - log_mean) / sd), axis=-1) < ends
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    quantile = np.exp(0.5 * (low + high))
    return Band(mean, quantile[0], quantile[1], level)
