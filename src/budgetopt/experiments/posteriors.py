"""What is known of the arms of a test, by the kind of metric: three conjugate families.

- `Rates`: clicks per impression or conversions per click, Beta-binomial;
- `Counts`: conversions per unit of money (1 / CPA), Gamma-Poisson;
- `Averages`: revenue per click or per conversion, normal-gamma on the scale of money.

All keep the protocol `Posterior`. Each has a *line*: a scale on which its densities are smooth (the
log-odds, the logarithm, money itself), so that one quadrature serves all three. In all of them more
is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
from scipy.special import (
    betainc,
    betaincinv,
    betaln,
    expit,
    gammainc,
    gammainccinv,
    gammaincinv,
    gammaln,
    logit,
    stdtr,
    stdtrit,
)

from budgetopt.arrays import Floats


class Posterior(Protocol):
    """Independent distributions of the arms' true values; more is better."""

    widest: ClassVar[float]
    """Widest panel of the line on which twelve nodes follow the value."""

    @property
    def mean(self) -> Floats:
        """Expected value by arm, shape ``(..., arms)``."""

    def quantile(self, lower: Floats) -> Floats:
        """Return points of the line below which a mass lies, shape ``(masses, arms)``."""

    def upper(self, tail: Floats) -> Floats:
        """Return points of the line above which a mass lies, shape ``(masses, arms)``."""

    def cdf(self, value: Floats) -> Floats:
        """Return the mass below values of shape ``(points, 1)``, shape ``(points, arms)``."""

    def density(self, point: Floats) -> Floats:
        """Return the density along the line at points ``(points, 1)``, shape ``(points, arms)``."""

    def value(self, point: Floats) -> Floats:
        """Return the value at points of the line, same shape."""

    def point(self, value: Floats) -> Floats:
        """Return the point of the line at values, same shape."""

    def slope(self, point: Floats) -> Floats:
        """Return by how much the value rises along the line at points, same shape."""


PRIOR_EVENTS = 0.5
"""Events that the prior weighs: Jeffreys' half where the expected rate is one half."""


@dataclass(frozen=True, eq=False)
class Rates:
    r"""Beta posterior of success rates.

    .. math:: \theta_i \sim \text{Beta}(a + s_i,\; b + f_i)

    Parameters
    ----------
    successes, failures
        Totals :math:`s, f` by arm, at least zero, shape ``(..., arms)``.
    prior
        :math:`(a, b)`, both above zero.

    Notes
    -----
    The line is the log-odds. The theory stops where an arm's rate changes over time, or where
    trials are not independent.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.4.
    """

    widest: ClassVar[float] = 2.0
    successes: Floats
    failures: Floats
    prior: tuple[float, float] = (PRIOR_EVENTS, PRIOR_EVENTS)

    @classmethod
    def of(cls, events: Floats, trials: Floats, expected: float | None, spread: float) -> Self:
        """Return the posterior of daily events in trials, each of shape ``(..., days, arms)``.

        The prior weighs half an event and is centred on the expected rate; where none is expected
        it is that of Jeffreys.
        """
        del spread  # A rate says itself how much it spreads.
        odds = 1.0 if expected is None else (1 - expected) / expected
        successes = events.sum(axis=-2)
        failures = np.maximum(trials.sum(axis=-2) - successes, 0.0)
        return cls(successes, failures, (PRIOR_EVENTS, PRIOR_EVENTS * odds))

    @property
    def _parameters(self) -> tuple[Floats, Floats]:
        return self.successes + self.prior[0], self.failures + self.prior[1]

    @property
    def mean(self) -> Floats:
        """Posterior mean of the rates."""
        a, b = self._parameters
        return np.asarray(a / (a + b))

    def quantile(self, lower: Floats) -> Floats:
        """Return log-odds below which masses lie."""
        a, b = self._parameters
        return np.asarray(logit(betaincinv(a, b, lower[:, None])))

    def upper(self, tail: Floats) -> Floats:
        """Return log-odds above which masses lie."""
        a, b = self._parameters
        return np.asarray(-logit(betaincinv(b, a, tail[:, None])))

    def cdf(self, value: Floats) -> Floats:
        """Return the mass below rates; all of it below 1."""
        a, b = self._parameters
        return np.asarray(betainc(a, b, np.clip(value, 0.0, 1.0)))

    def density(self, point: Floats) -> Floats:
        r"""Return the density of the log-odds t: :math:`p^a (1-p)^b / B(a, b)`, p that of t."""
        a, b = self._parameters
        log = -a * np.logaddexp(0.0, -point) - b * np.logaddexp(0.0, point) - betaln(a, b)
        return np.asarray(np.exp(log))

    def value(self, point: Floats) -> Floats:
        """Return the rate of log-odds."""
        return np.asarray(expit(point))

    def point(self, value: Floats) -> Floats:
        """Return the log-odds of a rate."""
        return np.asarray(logit(value))

    def slope(self, point: Floats) -> Floats:
        """Return by how much the rate rises with its log-odds."""
        return np.asarray(expit(point) * expit(-point))


@dataclass(frozen=True, eq=False)
class Counts:
    r"""Gamma posterior of event rates.

    .. math:: \lambda_i \sim \text{Gamma}(a + x_i,\; b + e_i)

    Parameters
    ----------
    events, exposure
        Totals :math:`x` of events and :math:`e` of money by arm, at least zero, shape
        ``(..., arms)``.
    prior
        Shape and rate :math:`(a, b)`; the rate is in units of the exposure.

    Notes
    -----
    The line is the logarithm. Conversions that a platform splits over ads are taken as they are.
    The theory stops where the rate changes over time or falls with the money (saturation), and
    where conversions come in clusters.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.6.
    """

    widest: ClassVar[float] = 2.0
    events: Floats
    exposure: Floats
    prior: tuple[float, float]

    @classmethod
    def of(cls, events: Floats, trials: Floats, expected: float | None, spread: float) -> Self:
        """Return the posterior of daily events in exposures, each of shape ``(..., days, arms)``.

        The prior weighs half an event and is centred on the expected exposure of one event, such
        as the CPA.
        """
        del spread  # A count says itself how much it spreads.
        assert expected is not None  # Settings ask for it: a rate of money has no scale of its own.
        return cls(
            events.sum(axis=-2), trials.sum(axis=-2), (PRIOR_EVENTS, PRIOR_EVENTS * expected)
        )

    @property
    def _parameters(self) -> tuple[Floats, Floats]:
        return self.events + self.prior[0], self.exposure + self.prior[1]

    @property
    def mean(self) -> Floats:
        """Posterior mean of the rates."""
        shape, rate = self._parameters
        return np.asarray(shape / rate)

    def quantile(self, lower: Floats) -> Floats:
        """Return log rates below which masses lie."""
        shape, rate = self._parameters
        return np.asarray(np.log(gammaincinv(shape, lower[:, None])) - np.log(rate))

    def upper(self, tail: Floats) -> Floats:
        """Return log rates above which masses lie."""
        shape, rate = self._parameters
        return np.asarray(np.log(gammainccinv(shape, tail[:, None])) - np.log(rate))

    def cdf(self, value: Floats) -> Floats:
        """Return the mass below rates."""
        shape, rate = self._parameters
        return np.asarray(gammainc(shape, np.maximum(value, 0.0) * rate))

    def density(self, point: Floats) -> Floats:
        r"""Return the density of the log rate t: :math:`(b e^t)^a e^{-b e^t} / \Gamma(a)`."""
        shape, rate = self._parameters
        scaled = point + np.log(rate)
        return np.asarray(np.exp(shape * scaled - np.exp(scaled) - gammaln(shape)))

    def value(self, point: Floats) -> Floats:
        """Return the rate of a log rate."""
        return np.asarray(np.exp(point))

    def point(self, value: Floats) -> Floats:
        """Return the log of a rate."""
        return np.asarray(np.log(value))

    def slope(self, point: Floats) -> Floats:
        """Return by how much the rate rises with its logarithm."""
        return np.asarray(np.exp(point))


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
    their typical order and not by what they earn. The theory stops where days have few orders of
    very unequal size, and where the mean changes over time.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 3.3.
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
        r"""Return the density of the average: Student's with 2a degrees, scaled.

        The scale is :math:`\sqrt{b / (a \kappa)}` with the renewed :math:`\kappa, a, b`.
        """
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
