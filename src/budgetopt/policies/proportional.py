"""Share of the budget by trailing ROAS, the Friday rule of many teams."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.errors import InputError
from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_count, check_share, written
from budgetopt.policies.fit import fit_shares
from budgetopt.policies.hold import HOLD

MOST_WEEKS = 1_000
"""Some twenty years."""


@dataclass(frozen=True)
class Proportional:
    r"""Go towards shares of the budget in proportion to trailing ROAS.

    From last week's split :math:`x` drawn into the limits to the shares :math:`s` it goes
    :math:`x + step\,(s - x)`.

    Parameters
    ----------
    weeks
        Weeks that are added up for the ROAS, 1 to 1,000. Ratios come from totals; a channel
        without spend in these weeks gets the ratio of all channels together.
    step
        Part of the way to the shares, above 0, at most 1.
    otherwise
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for numbers out of range, or where the history has no outcome by channel.

    Notes
    -----
    ROAS is an average and says nothing of the next unit of money: a channel that is past its
    saturation keeps its share.
    """

    weeks: int = 8
    step: float = 1.0
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_count(self.weeks, "weeks", "proportional policy", MOST_WEEKS)
        check_share(self.step, "step", "proportional policy")

    @property
    def name(self) -> str:
        """The name with the number of weeks, and with the step where it is not the whole way."""
        step = "" if self.step == 1.0 else f", {written(self.step)}"
        return f"proportional({self.weeks}{step})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return money on the way to shares by trailing ROAS, within bounds and budget."""
        shares = fit_shares(self._roas(view), view.lower, view.upper, view.budget)
        if self.step == 1.0:
            return view.kept(shares)
        start = view.held()
        return view.kept(start + self.step * (shares - start))

    def _roas(self, view: View) -> Floats:
        """Return trailing ROAS by channel; 1 for all where nothing came back."""
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
        return np.where(roas.max(axis=-1, keepdims=True) > 0, roas, 1.0)
