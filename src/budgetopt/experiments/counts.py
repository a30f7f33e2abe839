"""Events per unit of money, such as conversions per CNY (1 / CPA): Gamma-Poisson."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import gammainc, gammainccinv, gammaincinv, gammaln

from budgetopt.experiments.posterior import Floats

PRIOR_EVENTS = 0.5
"""Events that the prior weighs, as in Jeffreys' prior."""


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
    The line is the logarithm. Source: Gelman et al., Bayesian Data Analysis (2013), section 2.6.
    Conversions that a platform splits over ads are taken as they are. The theory stops where the
    rate changes over time or falls with the money (saturation), and where conversions come in
    clusters.
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
        """Return the density of the log rate."""
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
