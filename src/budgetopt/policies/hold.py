"""Holding steady, the baseline that every claim stands beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.policies.base import Floats, View


@dataclass(frozen=True)
class HoldSteady:
    """Spend what was spent last week, drawn into the limits; arithmetic that cannot fail."""

    name: str = "hold"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return last week's money, cut or stretched evenly where the limits ask for it."""
        return view.held()


HOLD = HoldSteady()
"""What every policy does otherwise, unless it is told another."""
