"""Share of the budget by trailing ROAS, the Friday rule of many teams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.errors import InputError
from budgetopt.policies.base import Floats, View, check_count
from budgetopt.policies.fit import fit_shares

MOST_WEEKS = 1_000
"""Some twenty years."""


@dataclass(frozen=True)
class Proportional:
    """Give each channel a share of the budget in proportion to its trailing ROAS.

    Parameters
    ----------
    weeks
        Weeks that are added up for the ROAS, 1 to 1,000. Ratios come from totals; a channel
        without spend in these weeks gets the ratio of all channels together.

    Raises
    ------
    InputError
        ``bad-argument`` for weeks out of range, or where the history has no outcome by channel.
    """

    weeks: int = 8

    def __post_init__(self) -> None:
        check_count(self.weeks, "weeks", "proportional", MOST_WEEKS)

    @property
    def name(self) -> str:
        """The name with the number of weeks."""
        return f"proportional({self.weeks})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return money in proportion to trailing ROAS, within bounds and budget."""
        if view.outcome is None:
            raise InputError(
                "bad-argument",
                "the proportional policy needs the outcome of each channel, "
                "and the history has one total",
                field="policy",
                value=self.name,
                remedy="choose posterior-mean, thompson or hold",
            )
        spend, outcome = view.spend[..., -self.weeks :, :], view.outcome[..., -self.weeks :, :]
        known = np.isfinite(spend) & np.isfinite(outcome)
        spent = np.where(known, spend, 0.0).sum(axis=-2)
        earned = np.where(known, outcome, 0.0).sum(axis=-2)
        with np.errstate(all="ignore"):
            pooled = earned.sum(axis=-1) / spent.sum(axis=-1)
            pooled = np.where(np.isfinite(pooled), pooled, 0.0)
            roas = np.where(spent > 0, earned / spent, pooled[..., None])
        roas = np.where(roas.max(axis=-1, keepdims=True) > 0, roas, 1.0)
        return view.kept(fit_shares(roas, view.lower, view.upper, view.budget))
