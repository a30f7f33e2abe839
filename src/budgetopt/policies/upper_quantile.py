"""Optimism in the face of doubt: the optimum of curves at an upper quantile."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_chance, written
from budgetopt.policies.hold import HOLD


@dataclass(frozen=True)
class UpperQuantile:
    r"""Maximise the outcome of curves that are as good as they may well be.

    Every expected curve is scaled so that at last week's spend it brings the quantile of its
    response there; a channel without spend is read at the equal share of the budget.

    Parameters
    ----------
    chance
        Of a response below the quantile, above 0 and below 1. Above a half doubt is worth money,
        below it doubt costs money.
    otherwise
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for a chance out of range.

    Notes
    -----
    Source: the Bayesian upper confidence bound of Kaufmann, Cappé and Garivier (2012), "On
    Bayesian upper confidence bounds for bandit problems", at a quantile that stays. Their regret
    bound is for separate arms and does not carry over to a shared budget.
    """

    chance: float = 0.8
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_chance(self.chance, "chance", "upper-quantile policy")

    @property
    def name(self) -> str:
        """The name with the chance."""
        return f"upper-quantile({written(self.chance)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the curves at the quantile."""
        at = np.where(view.last > 0, view.last, view.equal_share())
        return view.optimum(view.belief.quantile(self.chance, np.where(at > 0, at, 1.0)))
