"""Steps from the channels where the last unit brings least to those where it brings most."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_share, written
from budgetopt.policies.hold import HOLD


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
    otherwise
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
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_share(self.step, "step", "greedy policy")

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
        return view.kept(start + takes - gives)


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
