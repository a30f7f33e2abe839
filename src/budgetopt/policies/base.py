"""What a policy sees and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.curves import Curve
from budgetopt.optimize.runs import best_of_runs
from budgetopt.policies.fit import fit_spend

Floats = NDArray[np.float64]


class Learned(Protocol):
    """What a policy may ask of a belief; no policy asks for all of it.

    Curves are over the channels, or ``(runs, channels)`` where a belief holds many runs.
    """

    def mean(self) -> Curve:
        """Return the expected curve of each channel."""

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return posterior draws, curves over ``(draws, channels)``."""

    def average(self, rng: np.random.Generator, draws: int) -> Curve:
        """Return the average of draws, a curve for each channel."""

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Curve:
        """Return the expected curves scaled to a quantile of the response at a spend above 0."""

    def tilted(self, power: float, spend: ArrayLike) -> Curve:
        """Return the expected curves where steep ones, at a spend above 0, count for more."""

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel brings more at another spend."""


@dataclass(frozen=True, eq=False)
class View:
    """What is known before a week is decided: the past and the limits, nothing of the future.

    Parameters
    ----------
    belief
        What the past says about the curves.
    lower, upper
        Least and most money by channel this week, change limits included, shape ``(channels,)``
        or ``(runs, channels)``.
    budget
        Money that may be spent this week, shape ``()`` or ``(runs,)``.
    last
        Money of the last applied week, shape of the bounds.
    spend, outcome
        Past weeks, shape ``(weeks, channels)`` or ``(runs, weeks, channels)``, NaN where not
        reported; `outcome` is None where only one total outcome is known.
    spend_all
        Whether the whole budget is to be spent.
    best
        Returns the best split for given curves under all limits of the plan, shape of the bounds;
        None for budget and bounds alone.
    keep
        Draws a split within bounds and budget into the plan's limits across channels; None where
        there are none.
    weight, cost
        What an outcome counts for, and what a unit of money costs, by channel, by default 1 and
        0; they are other numbers where the goal is not the outcome.
    test
        Money of the plan's test reserve, shape of `budget`; 0 where it has none.
    """

    belief: Learned
    lower: Floats
    upper: Floats
    budget: Floats
    last: Floats
    spend: Floats
    outcome: Floats | None
    spend_all: bool = False
    best: Callable[[Curve], Floats] | None = None
    keep: Callable[[Floats], Floats] | None = None
    weight: Floats | float = 1.0
    cost: Floats | float = 0.0
    test: Floats | float = 0.0

    def optimum(self, curves: Curve) -> Floats:
        """Return the best split for given curves within the limits."""
        if self.best is not None:
            return self.best(curves)
        bounds = (self.lower, self.upper, self.budget)
        return best_of_runs(curves, *bounds, spend_all=self.spend_all).spend

    def fit(self, wish: Floats) -> Floats:
        """Return wished spends drawn into all limits, as near to the wish as they let be."""
        return self.kept(fit_spend(wish, self.lower, self.upper, self.budget, all_=self.spend_all))

    def kept(self, spend: Floats) -> Floats:
        """Return spends within bounds and budget drawn into the limits across channels."""
        return spend if self.keep is None else self.keep(spend)

    def held(self) -> Floats:
        """Return last week's split drawn into the limits."""
        return self.fit(self.last)

    def equal_share(self) -> Floats:
        """Return the budget divided by the number of channels, shape of the bounds."""
        share = np.asarray(self.budget / self.lower.shape[-1])[..., None]
        return np.broadcast_to(share, self.lower.shape)

    def gain(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel adds to the goal at another spend.

        Parameters
        ----------
        before, after
            Money, shape of the bounds.
        """
        mean, variance = self.belief.gain(before, after)
        worth = self.weight * mean - self.cost * (after - before)
        return np.asarray(worth), np.asarray(np.square(self.weight) * variance)


@runtime_checkable
class Policy(Protocol):
    """One verb: the past and the limits in, next week's money by channel out.

    An object of any class plugs in without inheriting. It may carry an attribute ``otherwise``,
    the policy that is taken in a week that it cannot solve; without one that is `HoldSteady`.
    """

    @property
    def name(self) -> str:
        """How reports and the command line call it."""

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return money by channel within the view's bounds and budget, shape of its bounds."""
