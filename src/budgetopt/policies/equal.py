"""The same money for every channel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.fit import fit_shares
from budgetopt.policies.hold import HOLD


@dataclass(frozen=True)
class EqualSplit:
    """Spend the whole budget in equal shares, as near to them as the limits let be."""

    name: str = "equal"
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return equal shares; what a bound keeps from one channel is shared by the others."""
        alike = np.ones(view.lower.shape)
        return view.kept(fit_shares(alike, view.lower, view.upper, view.budget))
