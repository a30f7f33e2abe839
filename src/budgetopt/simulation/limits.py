"""A simulated week's limits by channel, for all runs at once.

The same rules as `budgetopt.plan.bounds_of` in money instead of minor units. Where the live week
would refuse, a simulation has to go on, and what gives way is settled beforehand: a floor or cap
beats the change limit, a closed channel beats its floor, and where the money does not even cover
what must be spent, first the change limit and then the floors give way in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves.base import Floats
from budgetopt.errors import VerificationError
from budgetopt.figures import show_figure
from budgetopt.market import Conditions
from budgetopt.plan import Plan

Marks = NDArray[np.bool_]


class WeekLimits(NamedTuple):
    """Limits of one week.

    Parameters
    ----------
    lower, upper
        Money, shape ``(runs, channels)``.
    budget
        Money, shape ``(runs,)``.
    test
        Money of the test reserve, shape ``(runs,)``.
    gave_way
        Runs in which limits gave way because the money does not cover them, shape ``(runs,)``.
    """

    lower: Floats
    upper: Floats
    budget: Floats
    test: Floats
    gave_way: Marks

    def checked(self, policy: str, spend: Floats, slack: float) -> Floats:
        """Return a policy's answer, or withhold it.

        Parameters
        ----------
        policy
            Its name, for the message.
        spend
            Money, shape ``(runs, channels)``.
        slack
            Money by which arithmetic may miss a limit.

        Raises
        ------
        VerificationError
            ``broken-limit``.
        """
        over = spend.sum(axis=-1) - self.budget
        worst = max(float(a.max()) for a in (self.lower - spend, spend - self.upper, over))
        # Written so that NaN fails.
        if worst <= slack:
            return np.maximum(spend, 0.0)
        limit = "the budget" if over.max() > slack else "a floor, a cap or a change limit"
        raise VerificationError(
            "broken-limit",
            f"policy {policy!r} breaks {limit} by {show_figure(worst)}",
            field="policy",
            value=worst,
            remedy="mend the policy; fit of its view draws wishes into the limits",
        )


class _Held(NamedTuple):
    """A reserve: a share of the budget, and money."""

    share: float
    money: float

    def of(self, budget: Floats) -> Floats:
        return self.share * budget + self.money


@dataclass(frozen=True, eq=False)
class Limits:
    r"""Limits of a plan that are by channel, and its budget.

    With last week's spend :math:`x` the change limit leaves :math:`[x - r,\ x + r]` with
    :math:`r = \min(share \cdot x,\ money)`; from zero the share is taken of the equal share of the
    budget, or `from_zero` is the room.

    Parameters
    ----------
    floor, cap
        Money, shape ``(channels,)``; infinity for no cap.
    share, money, from_zero
        Parts of the change limit, shape ``(channels,)``; infinity for none, NaN for no `from_zero`.
    budget
        The plan's money a week, reserve included.
    equal
        The equal share of what may be spent.
    held, contingency, test
        What is held back: all of it, and two parts of it.
    """

    floor: Floats
    cap: Floats
    share: Floats
    money: Floats
    from_zero: Floats
    budget: float
    equal: float
    held: _Held
    contingency: _Held
    test: _Held

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Return the limits of a plan."""
        units = plan.money.units
        floor, cap, locked = zip(*plan.minor_bounds, strict=True)
        rules = [channel.max_change or plan.max_change for channel in plan.channels]

        def part(name: str, none: float) -> Floats:
            given = [getattr(rule, name) for rule in rules]
            values = np.array([none if v is None else float(v) for v in given])
            return np.where(locked, none, values)

        kinds = ("contingency", "test", "holdout")
        held = {
            kind: _Held(float(h.amount), 0.0) if h.is_share else _Held(0.0, float(h.amount))
            for kind in kinds
            for h in (getattr(plan.reserve, kind),)
        }
        whole = _Held(sum(h.share for h in held.values()), sum(h.money for h in held.values()))
        return cls(
            np.array(floor) / units,
            np.array([np.inf if most is None else most / units for most in cap]),
            part("share", np.inf),
            part("money", np.inf),
            part("from_zero", np.nan),
            float(plan.budget),
            plan.weekly / len(plan.channels),
            whole,
            held["contingency"],
            held["test"],
        )

    def week(
        self,
        week: Conditions,
        last: Floats | None,
        released: Floats,
        paused: Marks,
        spare: Floats,
    ) -> WeekLimits:
        """Return the limits of a week.

        Parameters
        ----------
        week
            Its conditions, of which the budget and the closed channels count.
        last
            Last applied money, shape ``(runs, channels)``; None where no change limit binds.
        released
            Share of the contingency reserve that is let go, shape ``(runs,)``.
        paused
            Channels that get nothing, shape ``(runs, channels)``.
        spare
            Money that takes the place of a lower cap, likewise.
        """
        budget = self.money_of(week, released)
        shut = paused | (np.asarray(week.open) == 0)
        floor = np.where(shut, 0.0, self.floor)
        cap = np.maximum(np.minimum(np.maximum(self.cap, spare), budget[:, None]), floor)
        cap = np.where(shut, 0.0, cap)
        lower, upper = floor, cap
        if last is not None:
            room = self._room(last)
            lower = np.clip(last - room, floor, cap)
            upper = np.clip(last + room, floor, cap)
        gave_way = lower.sum(axis=-1) > budget * (1 + 1e-9)
        if gave_way.any():
            lower = np.where(gave_way[:, None], _given_way(lower, floor, budget), lower)
            upper = np.maximum(upper, lower)
        for seen in (lower, upper, budget):
            # Policies see them, and answers are checked against them.
            seen.flags.writeable = False
        return WeekLimits(lower, upper, budget, self.test.of(self.budget * week.budget), gave_way)

    def money_of(self, week: Conditions, released: Floats) -> Floats:
        """Return what may be spent in a week, shape ``(runs,)``; parameters as in `week`."""
        whole = self.budget * week.budget
        free = whole - self.held.of(whole) + released * self.contingency.of(whole)
        return np.maximum(free, 0.0)

    def _room(self, last: Floats) -> Floats:
        """Return how far each channel may move."""
        with np.errstate(invalid="ignore"):
            by_share = self.share * np.where(last == 0, self.equal, last)
        by_share = np.where(np.isinf(self.share), np.inf, by_share)
        from_zero = (last == 0) & np.isfinite(self.from_zero)
        return np.minimum(np.where(from_zero, self.from_zero, by_share), self.money)


def _given_way(lower: Floats, floor: Floats, budget: Floats) -> Floats:
    """Return lower bounds that fit the budget: floors as long as they fit, then shares of them."""
    least, most = floor.sum(axis=-1), lower.sum(axis=-1)
    with np.errstate(all="ignore"):
        above = np.clip(np.nan_to_num((budget - least) / (most - least)), 0.0, 1.0)
        share = np.clip(np.nan_to_num(budget / least, posinf=1.0), 0.0, 1.0)
    fits = (least <= budget)[:, None]
    way: Floats = np.where(fits, floor + above[:, None] * (lower - floor), share[:, None] * floor)
    return way
