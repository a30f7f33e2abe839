"""What a policy sees and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve
from budgetopt.errors import InputError
from budgetopt.optimize import waterfill
from budgetopt.policies.fit import fit_spend

Floats = NDArray[np.float64]


class Learned(Protocol):
    """What a policy may ask of a belief: its mean, draws from it, and their average."""

    def mean(self) -> Curve:
        """Return the expected curve of each channel."""

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return posterior draws, curves over ``(draws, channels)``."""

    def average(self, rng: np.random.Generator, draws: int) -> Curve:
        """Return the average of draws, a curve for each channel."""


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

    def optimum(self, curves: Curve) -> Floats:
        """Return the best split for given curves within the limits."""
        if self.best is not None:
            return self.best(curves)
        return waterfill(curves, self.lower, self.upper, self.budget).spend

    def fit(self, wish: Floats) -> Floats:
        """Return wished spends drawn into all limits, as near to the wish as they let be."""
        return self.kept(fit_spend(wish, self.lower, self.upper, self.budget, all_=self.spend_all))

    def kept(self, spend: Floats) -> Floats:
        """Return spends within bounds and budget drawn into the limits across channels."""
        return spend if self.keep is None else self.keep(spend)


@runtime_checkable
class Policy(Protocol):
    """One verb: the past and the limits in, next week's money by channel out.

    An object of any class plugs in without inheriting.
    """

    @property
    def name(self) -> str:
        """How reports and the command line call it."""

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return money by channel within the view's bounds and budget, shape of its bounds."""


def check_count(count: Any, field: str, what: str, most: int) -> None:
    """Refuse what is not a whole number from 1 to the most.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
    if not whole or not 1 <= count <= most:
        raise InputError(
            "bad-argument",
            f"{field} of the {what} policy is {count!r}",
            field=field,
            value=count,
            remedy=f"give a whole number from 1 to {most:,}",
        )
