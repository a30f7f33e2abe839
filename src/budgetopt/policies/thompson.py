"""Thompson sampling: the optimum of curves drawn from the posterior."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_count
from budgetopt.policies.hold import HOLD

MOST_DRAWS = 10_000
"""More draws than this differ from the posterior mean by less than money is rounded."""


@dataclass(frozen=True)
class Thompson:
    r"""Maximise the average of posterior draws.

    Parameters
    ----------
    draws
        Number of draws averaged, 1 to 10,000. One is Thompson sampling, where every split is chosen
        with the probability that it is the best; many approach the posterior mean.
    otherwise
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for draws out of range.

    Notes
    -----
    Source: Thompson (1933); Russo, Van Roy, Kazerouni, Osband and Wen (2018). The draw is one
    coherent curve per channel, not a perturbed spend.
    """

    draws: int = 1
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_count(self.draws, "draws", "Thompson policy", MOST_DRAWS)

    @property
    def name(self) -> str:
        """The name with the number of draws."""
        return f"thompson({self.draws})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the average of posterior draws."""
        return view.optimum(view.belief.average(rng, self.draws))
