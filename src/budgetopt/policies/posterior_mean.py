"""The split that brings most on average over what is believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.policies.base import Floats, View


@dataclass(frozen=True)
class PosteriorMean:
    """Maximise the expected outcome over the posterior; the default."""

    name: str = "posterior-mean"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the posterior mean curves."""
        return view.optimum(view.belief.mean())
