"""Averages, such as revenue per click or per conversion: normal-gamma on the scale of money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import gammaln, stdtr, stdtrit

from budgetopt.experiments.posterior import Floats

PRIOR_WEIGHT = 1.0
"""Clicks or conversions that the prior of the mean weighs."""
PRIOR_SHAPE = 1.0
"""Two degrees of freedom: the weakest prior of the variance under which the mean is finite."""


@dataclass(frozen=True, eq=False)
class Averages:
    r"""Student posterior of means, from daily averages.

    The average of day d over :math:`w_d` clicks or conversions is
    :math:`x_d \sim N(\mu_i, \sigma_i^2 / w_d)`, with prior
    :math:`\mu_i | \sigma_i \sim N(m, \sigma_i^2 / \kappa)`,
    :math:`\sigma_i^{-2} \sim \text{Gamma}(a, b)`.

    Parameters
    ----------
    days
        Days with a weight, :math:`n`, by arm, shape ``(..., arms)``.
    weight
        :math:`W = \sum w_d`.
    average
        :math:`\bar x = \sum w_d x_d / W`; anything where W is zero.
    squares
        :math:`\sum w_d (x_d - \bar x)^2`.
    prior
        :math:`(m, \kappa, a, b)`.

    Notes
    -----
    The scale is money itself, not its logarithm: a day's average of many orders is nearly normal
    whatever one order is like, and money adds up, while a mean of logarithms would rank arms by
    their typical order and not by what they earn. Source: Gelman et al., Bayesian Data Analysis
    (2013), section 3.3. The theory stops where days have few orders of very unequal size, and where
    the mean changes over time.
    """

    widest: ClassVar[float] = np.inf
    days: Floats
    weight: Floats
    average: Floats
    squares: Floats
    prior: tuple[float, float, float, float]

    @classmethod
    def of(cls, events: Floats, trials: Floats, expected: float | None, spread: float) -> Self:
        """Return the posterior of daily sums over counts, each of shape ``(..., days, arms)``.

        The prior is centred on the expected value; `spread` is the standard deviation of one
        click or conversion as a multiple of it.
        """
        assert expected is not None  # Settings ask for it: money has no scale of its own.
        weight = trials.sum(axis=-2)
        average = events.sum(axis=-2) / np.maximum(weight, 1e-300)
        daily = events / np.where(trials > 0, trials, 1.0)
        squares = (trials * (daily - average[..., None, :]) ** 2).sum(axis=-2)
        rate = PRIOR_SHAPE * (spread * expected) ** 2
        prior = (expected, PRIOR_WEIGHT, PRIOR_SHAPE, rate)
        return cls((trials > 0).sum(axis=-2).astype(float), weight, average, squares, prior)

    @property
    def _posterior(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return m, kappa, a and b, all renewed."""
        m, kappa, a, b = self.prior
        weight = kappa + self.weight
        mean = (kappa * m + self.weight * self.average) / weight
        apart = kappa * self.weight / weight * (self.average - m) ** 2
        return mean, weight, a + self.days / 2, b + (self.squares + apart) / 2

    @property
    def _scale(self) -> Floats:
        _, weight, a, b = self._posterior
        return np.asarray(np.sqrt(b / (a * weight)))

    @property
    def _degrees(self) -> Floats:
        return np.asarray(2 * self._posterior[2])

    @property
    def mean(self) -> Floats:
        """Posterior mean of the averages."""
        return self._posterior[0]

    def quantile(self, lower: Floats) -> Floats:
        """Return averages below which masses lie."""
        return np.asarray(self.mean + self._scale * stdtrit(self._degrees, lower[:, None]))

    def upper(self, tail: Floats) -> Floats:
        """Return averages above which masses lie."""
        return np.asarray(2 * self.mean - self.quantile(tail))

    def cdf(self, value: Floats) -> Floats:
        """Return the mass below averages."""
        return np.asarray(stdtr(self._degrees, (value - self.mean) / self._scale))

    def density(self, point: Floats) -> Floats:
        """Return the density of the average."""
        degrees, scale = self._degrees, self._scale
        log = gammaln((degrees + 1) / 2) - gammaln(degrees / 2) - np.log(np.pi * degrees) / 2
        tail = (degrees + 1) / 2 * np.log1p(((point - self.mean) / scale) ** 2 / degrees)
        return np.asarray(np.exp(log - tail) / scale)

    def value(self, point: Floats) -> Floats:
        """Return the point itself: the line is the value."""
        return point

    def point(self, value: Floats) -> Floats:
        """Return the value itself: the line is the value."""
        return value

    def slope(self, point: Floats) -> Floats:
        """Return ones: the line is the value."""
        return np.ones_like(point)
