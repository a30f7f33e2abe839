"""Rates, such as clicks per impression: Beta-binomial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import betainc, betaincinv, betaln, expit, logit

from budgetopt.experiments.posterior import Floats

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
    The line is the log-odds. Source: Gelman et al., Bayesian Data Analysis (2013), section 2.4. The
    theory stops where an arm's rate changes over time, or where trials are not independent.
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
        """Return the density of the log-odds."""
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
