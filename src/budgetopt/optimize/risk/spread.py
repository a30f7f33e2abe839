"""How far a split's outcome may lie from its mean, by posterior draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.curves import Curve
from budgetopt.figures import show_figure
from budgetopt.optimize.risk.measure import Risk
from budgetopt.words import say

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Range of a split's outcome over draws, and the chance that it beats last week's split.

    Parameters
    ----------
    low, median, high
        5, 50 and 95 % quantiles of the outcome.
    mean
        Mean of the draws.
    better
        Share of the draws in which the split brings more than last week's; None where no last
        week was given. The same split twice is never better.
    draws
        How many draws.
    """

    low: float
    median: float
    high: float
    mean: float
    better: float | None
    draws: int

    def summary(self) -> str:
        """Return the range in a sentence."""
        text = say(
            "{median} expected in the middle, {low} to {high} in 90 of 100 draws",
            median=show_figure(self.median),
            low=show_figure(self.low),
            high=show_figure(self.high),
        )
        if self.better is None:
            return text
        return say(
            "{range}; better than last week's split in {better} of 100",
            range=text,
            better=f"{100 * self.better:.0f}",
        )


def spread(
    draws: Curve,
    spend: ArrayLike,
    last: ArrayLike | None = None,
    *,
    weight: ArrayLike = 1.0,
    cost: ArrayLike = 0.0,
) -> Spread:
    """Return the range of a split's outcome over draws of the curves.

    Parameters
    ----------
    draws
        Curves with the draws before the channels, such as ``belief.draw(rng, 1000)``.
    spend, last
        Money by channel, shape ``(channels,)``; `last` may be None.
    weight, cost
        What an outcome counts for and a unit of money costs, by channel, as in `Problem`.

    Notes
    -----
    Quantiles are draws, not values between two of them. Of 1,000 draws a share near one half is
    known to 0.03 (two standard errors).
    """

    def drawn(money: ArrayLike) -> Floats:
        net = np.asarray(weight) * draws.value(money) - np.asarray(cost) * np.asarray(money)
        return np.asarray(np.atleast_1d(net.sum(axis=-1)))

    outcomes = drawn(spend)
    low, median, high = (Risk.quantile(level).value(outcomes) for level in (0.05, 0.5, 0.95))
    better = None if last is None else float(np.mean(outcomes > drawn(last)))
    return Spread(low, median, high, float(outcomes.mean()), better, outcomes.size)
