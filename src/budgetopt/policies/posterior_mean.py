"""The split that brings most on average over what is believed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.hold import HOLD


@dataclass(frozen=True)
class PosteriorMean:
    """Maximise the expected outcome over the posterior; the default."""

    name: str = "posterior-mean"
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the posterior mean curves."""
        return view.optimum(view.belief.mean())


MEAN = PosteriorMean()
"""What policies that change another one change by default."""
