"""A belief of two cells, small enough to work out by hand, and a week with it."""

from dataclasses import replace

import numpy as np

from budgetopt.curves import Exponential
from budgetopt.curves.base import stack
from budgetopt.curves.mixture import Mixture
from budgetopt.policies import View

TOPS = np.array([[100.0, 300.0], [200.0, 100.0], [300.0, 200.0]])
"""Response tops of three channels in two cells of their posterior."""


class Coin:
    """A belief of two cells with equal chances, each channel on its own."""

    cells = stack([Exponential(1.0, 20.0), Exponential(1.0, 60.0)])

    def __init__(self, tops=TOPS):
        self.tops = tops

    def mean(self):
        return Mixture(self.cells, self.tops / 2)

    def draw(self, rng, draws=1):
        first = rng.random((draws, len(self.tops))) < 0.5
        return Mixture(self.cells, self.tops * np.stack([first, ~first], axis=-1))

    def average(self, rng, draws):
        return Mixture(self.cells, self.draw(rng, draws).weights.mean(axis=0))

    def quantile(self, chance, spend=None):
        # The upper quantile of two equally likely values is the larger one.
        at = self.tops * self.cells.value(np.asarray(spend)[..., None])
        wanted = at.max(axis=-1) if chance > 0.5 else at.min(axis=-1)
        return Mixture(self.cells, self.tops / 2 * (wanted / at.mean(axis=-1))[..., None])

    def tilted(self, power, spend):
        steep = self.tops * self.cells.slope(np.asarray(spend)[..., None])
        chance = steep**power / (steep**power).sum(axis=-1, keepdims=True)
        return Mixture(self.cells, self.tops * chance)

    def gain(self, before, after):
        each = self.tops * (
            self.cells.value(np.asarray(after)[..., None])
            - self.cells.value(np.asarray(before)[..., None])
        )
        return each.mean(axis=-1), each.var(axis=-1)


def view(**changes):
    past = View(
        belief=Coin(),
        lower=np.zeros(3),
        upper=np.full(3, 100.0),
        budget=np.asarray(120.0),
        last=np.array([20.0, 30.0, 50.0]),
        spend=np.array([[10.0, 20.0, 30.0], [30.0, 20.0, 0.0]]),
        outcome=np.array([[40.0, 20.0, 90.0], [20.0, 60.0, 0.0]]),
    )
    return replace(past, **changes)


def decide(policy, seed=0, **changes):
    return policy.decide(view(**changes), np.random.default_rng(seed))


class Fixed:
    """A policy of one's own that answers what it was given."""

    name = "fixed"

    def __init__(self, *spend):
        self.spend = np.array(spend, dtype=float)

    def decide(self, view, rng):
        return self.spend
