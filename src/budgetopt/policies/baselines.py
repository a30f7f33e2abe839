"""The dull policies that every claim is measured against, from dullest on.

- `HoldSteady` moves nothing;
- `EqualSplit` gives every channel the same;
- `Proportional` shares the budget by trailing ROAS, the Friday rule of many teams;
- `Greedy` moves one step from the channels where the last unit brings least to those where it
  brings most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.errors import InputError
from budgetopt.i18n import say
from budgetopt.optimize import fit_shares
from budgetopt.policies.base import (
    Policy,
    View,
    accepts_otherwise,
    check_count,
    check_share,
    written,
)


@public
@dataclass(frozen=True)
class HoldSteady:
    """Spend what was spent last week, projected onto the limits; arithmetic that cannot fail."""

    name: str = "hold"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return last week's money, cut or stretched evenly where the limits require it."""
        return view.held()


HOLD = HoldSteady()
"""What every policy falls back on by default."""


@public
@accepts_otherwise
@dataclass(frozen=True)
class EqualSplit:
    """Spend the whole budget in equal shares, as near to them as the limits let be."""

    name: str = "equal"
    fallback: Policy = field(default=HOLD, kw_only=True)

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return equal shares; what a bound keeps from one channel is shared by the others."""
        alike = np.ones(view.lower.shape)
        return view.project_across(fit_shares(alike, view.lower, view.upper, view.budget))


MOST_WEEKS = 1_000
"""Some twenty years."""


@public
@accepts_otherwise
@dataclass(frozen=True)
class Proportional:
    r"""Go towards shares of the budget in proportion to trailing ROAS.

    From last week's split :math:`x` projected onto the limits to the shares :math:`s` it goes
    :math:`x + step\,(s - x)`.

    Parameters
    ----------
    weeks
        Weeks that are added up for the ROAS, 1 to 1,000. Ratios come from totals; a channel
        without spend in these weeks gets the ratio of all channels together. Outcomes count by the
        plan's goal: by their weights, or by their value where it is profit.
    step
        Part of the way to the shares, above 0, at most 1.
    fallback
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
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_count(self.weeks, "weeks", "proportional", MOST_WEEKS)
        check_share(self.step, "step", "proportional")

    @property
    def name(self) -> str:
        """The name with the number of weeks, and with the step where it is not the whole way."""
        step = "" if self.step == 1.0 else f", {written(self.step)}"
        return f"proportional({self.weeks}{step})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return money on the way to shares by trailing ROAS, within bounds and budget."""
        shares = fit_shares(self._roas(view), view.lower, view.upper, view.budget)
        if self.step == 1.0:
            return view.project_across(shares)
        start = view.held()
        return view.project_across(start + self.step * (shares - start))

    def _roas(self, view: View) -> Floats:
        """Return trailing ROAS by channel; 1 for all where nothing came back."""
        if view.outcome is None:
            raise InputError("bad-argument", say("proportional-policy-needs-outcome"),
                             field="policy", value=self.name,
                             remedy=say("remedy-choose-posterior-mean-thompson"))  # fmt: skip
        spend, outcome = view.spend[..., -self.weeks :, :], view.outcome[..., -self.weeks :, :]
        known = np.isfinite(spend) & np.isfinite(outcome)
        spent = np.where(known, spend, 0.0).sum(axis=-2)
        earned = np.where(known, outcome, 0.0).sum(axis=-2)
        with np.errstate(all="ignore"):
            pooled = earned.sum(axis=-1) / spent.sum(axis=-1)
            pooled = np.where(np.isfinite(pooled), pooled, 0.0)
            roas = np.where(spent > 0, earned / spent, pooled[..., None])
        roas = roas * _counts(view)
        return np.where(roas.max(axis=-1, keepdims=True) > 0, roas, 1.0)


def _counts(view: View) -> Floats:
    """Return what an outcome of each channel counts for; alike where the goal counts none."""
    weight = np.asarray(view.weight, dtype=np.float64)
    return weight if np.any(weight > 0) else np.ones_like(weight)


@public
@accepts_otherwise
@dataclass(frozen=True)
class Greedy:
    r"""Move a share of the budget from the lowest to the highest expected mROAS.

    From last week's split the channels with the highest slopes take, one after the other, and
    those with the lowest give. No channel goes beyond its spend :math:`x_i^*` in the best split,
    where all slopes that bounds leave free are equal: so no two slopes ever cross.

    Parameters
    ----------
    step
        Share of the budget that moves in one week, above 0, at most 1.
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for a step out of range.

    Notes
    -----
    The rule of a careful team: a few large steps where the difference is largest, in place of
    many small ones. The slopes are those of the expected curves at last week's spends.
    """

    step: float = 0.05
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_share(self.step, "step", "greedy")

    @property
    def name(self) -> str:
        """The name with the step."""
        return f"greedy({written(self.step)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return last week's split after the step, within all limits."""
        curves, start = view.belief.mean(), view.held()
        best = view.optimum(curves)
        weight = np.broadcast_to(view.weight, start.shape)
        slope = curves.slope(start)
        # Outcomes that count for nothing are worth nothing even at an infinite slope.
        worth = np.multiply(weight, slope, where=weight > 0, out=np.zeros_like(start)) - view.cost
        money = self.step * np.asarray(view.budget)
        takes = _in_turn(np.maximum(best - start, 0.0), -worth, money)
        # What the best split spends more is there unspent; what it spends less is given back.
        owed = takes.sum(axis=-1) - (best - start).sum(axis=-1)
        gives = _in_turn(np.maximum(start - best, 0.0), worth, np.clip(owed, 0.0, money))
        return view.project_across(start + takes - gives)


def _in_turn(room: Floats, rank: Floats, money: Floats) -> Floats:
    """Return money shared out to one channel after the other, as far as each has room.

    Parameters
    ----------
    room
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    rank
        The lowest is first, shape of `room`.
    money
        Shape ``()`` or ``(runs,)``.
    """
    order = np.argsort(rank, axis=-1, kind="stable")
    rooms = np.take_along_axis(room, order, axis=-1)
    earlier = np.cumsum(rooms, axis=-1) - rooms
    shared = np.zeros_like(room)
    np.put_along_axis(shared, order, np.clip(money[..., None] - earlier, 0.0, rooms), axis=-1)
    return shared
