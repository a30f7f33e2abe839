"""A week's bounds by channel, exact, each with the name of the limit that sets it.

`bounds_of` makes one `Bounds` of floors, caps, locks and change limits, and refuses those that a
week cannot keep together; `Bounds.on_lots` moves them to whole lots. `sources_of` gives the same
declarations apart, one `Source` a kind, for explanations of limits that clash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Whole
from budgetopt.errors import InfeasibleError
from budgetopt.i18n import quoted, say
from budgetopt.money import Currency
from budgetopt.notebook import brief
from budgetopt.plan.plan import Plan

FREE, FLOOR, CAP, LOCKED, CHANGE, MARGIN = range(6)
RULES = ("", say("floor"), say("cap"), say("lock"), say("max-change"), say("mroas-floor"))
"""Names of the limits that can set a bound, by number; 0 is no limit but zero or the budget."""


FAR = 2**62
"""Minor units where nothing is declared."""


@brief
class Source(NamedTuple):
    """What one kind of declaration asks of the channels.

    Parameters
    ----------
    kind
        ``"floor"``, ``"cap"``, ``"lock"``, ``"max-change"``, ``"off-or-at-least"`` or ``"mroas"``.
    name
        What it is called; for ``"mroas"`` the name of the limit.
    lower, upper
        Whole units by channel, 0 and `FAR` where it asks nothing. Of ``"off-or-at-least"`` the
        lower one is what a channel that is on gets at least.
    """

    kind: str
    name: str
    lower: Whole
    upper: Whole


@brief
@dataclass(frozen=True, eq=False)
class Bounds:
    """Least and most money by channel in minor units, and which limit says so.

    Parameters
    ----------
    lower, upper
        Whole units, shape ``(channels,)``.
    lower_rule, upper_rule
        Positions in `RULES`, shape ``(channels,)``.
    """

    lower: Whole
    upper: Whole
    lower_rule: NDArray[np.int8]
    upper_rule: NDArray[np.int8]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bounds):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, f), getattr(other, f)) for f in self.__dataclass_fields__
        )

    def __hash__(self) -> int:
        return hash((self.lower.tobytes(), self.upper.tobytes()))

    def on_lots(
        self,
        lots: Whole,
        names: tuple[str, ...],
        money: Currency,
        last: Whole | None = None,
        stay: NDArray[np.bool_] | bool = False,
    ) -> Bounds:
        """Return the bounds on whole lots; locked channels (equal bounds) stay as they are.

        Parameters
        ----------
        lots
            Each channel's step in minor units, shape ``(channels,)``.
        names, money
            For the error.
        last
            Last applied spend in minor units; where no whole lot lies within a channel's bounds,
            it may stay at this.
        stay
            Which channels may stay at their last spend, off their lot, in any case; their bounds
            go on to hold it.

        Raises
        ------
        InfeasibleError
            ``no-step-in-bounds``.
        """
        if np.all(lots == 1):
            return self
        locked = self.lower == self.upper
        lower = np.where(locked, self.lower, -(-self.lower // lots) * lots)
        upper = np.where(locked, self.upper, self.upper // lots * lots)
        if last is not None:
            within = (self.lower <= last) & (last <= self.upper)
            only = within & (lower > upper)
            lower, upper = np.where(only, last, lower), np.where(only, last, upper)
            also = within & stay & ~locked
            lower = np.where(also, np.minimum(lower, last), lower)
            upper = np.where(also, np.maximum(upper, last), upper)
        if np.any(lower > upper):
            at = int(np.argmax(lower > upper))
            raise InfeasibleError("no-step-in-bounds", say("no-step-between",
                                  step=money.show(int(lots[at])), low=money.show(self.lower[at]),
                                  high=money.show(self.upper[at]), channel=quoted(names[at])),
                                  field=f"channels.{names[at]}", value=money.show(int(lots[at])),
                                  remedy=say("remedy-finer-step"))  # fmt: skip
        return Bounds(lower, upper, self.lower_rule, self.upper_rule)


def bounds_of(plan: Plan, last: Mapping[str, Any] | None = None) -> Bounds:
    """Return a week's bounds from a plan's floors, caps, locks and change limits.

    Parameters
    ----------
    plan
        The plan.
    last
        Last applied spend by channel; None where there is none, and then no change limit binds.
        A channel that is not named starts from zero.

    Raises
    ------
    InfeasibleError
        ``bounds-clash`` where a floor or cap cannot be reached under the change limit.
    """
    least, most, locked = zip(*plan.minor_bounds, strict=True)
    budget = plan.spendable_minor
    lower = np.array(least, dtype=np.int64)
    upper = np.array([budget if cap is None else cap for cap in most], dtype=np.int64)
    fixed = np.array(locked)
    lower_rule = np.where(fixed, LOCKED, np.where(lower > 0, FLOOR, FREE)).astype(np.int8)
    capped = np.array([cap is not None for cap in most])
    upper_rule = np.where(fixed, LOCKED, np.where(capped, CAP, FREE)).astype(np.int8)
    # What must be spent above the whole budget is found by its sum, not here.
    upper = np.where(capped, upper, np.maximum(upper, lower))
    if last is None:
        return Bounds(lower, upper, lower_rule, upper_rule)
    down, up = _reach(plan, plan.last_minor(last), fixed)
    upper = np.where(capped | fixed, upper, np.maximum(upper, down))
    _refuse_out_of_reach(plan, lower, upper, down, up)
    lower_rule = np.where(down > lower, CHANGE, lower_rule).astype(np.int8)
    upper_rule = np.where(up < upper, CHANGE, upper_rule).astype(np.int8)
    return Bounds(np.maximum(lower, down), np.minimum(upper, up), lower_rule, upper_rule)


def sources_of(plan: Plan, last: Mapping[str, Any] | None = None) -> tuple[Source, ...]:
    """Return what a plan declares by channel, each kind apart; parameters as in `bounds_of`."""
    least, most, locked = zip(*plan.minor_bounds, strict=True)
    fixed, none = np.array(locked), np.zeros(len(locked), dtype=np.int64)
    lower = np.array(least, dtype=np.int64)
    upper = np.array([FAR if cap is None else cap for cap in most], dtype=np.int64)
    minimum = np.array(plan.minimums_minor, dtype=np.int64)
    found = [
        Source("floor", "floor", np.where(fixed, 0, lower), none + FAR),
        Source("cap", "cap", none, np.where(fixed, FAR, upper)),
        Source("lock", "lock", np.where(fixed, lower, 0), np.where(fixed, upper, FAR)),
        Source("off-or-at-least", "off or at least", minimum, none + FAR),
    ]
    if last is not None:
        down, up = _reach(plan, plan.last_minor(last), fixed)
        found.append(Source("max-change", "max change", down, np.minimum(up, FAR)))
    return tuple(found)


def _reach(plan: Plan, last: list[int], fixed: NDArray[np.bool_]) -> tuple[Whole, Whole]:
    """Return the least and most that each channel can move to from its last spend."""
    equal = plan.spendable_minor // len(plan.channels)
    far = np.iinfo(np.int64).max
    down, up = np.zeros(len(last), dtype=np.int64), np.full(len(last), far)
    for at, channel in enumerate(plan.channels):
        rule = channel.max_change or plan.max_change
        room = None if fixed[at] else rule.room(last[at], equal, plan.money)
        if room is not None:
            down[at], up[at] = max(0, last[at] - room), last[at] + room
    return down, up


def _refuse_out_of_reach(plan: Plan, lower: Whole, upper: Whole, down: Whole, up: Whole) -> None:
    """Refuse a floor above what a change can reach, and a cap below it, naming both limits."""
    show = plan.money.show
    for which, bound, reach, bad in (
        ("floor", lower, up, lower > up),
        ("cap", upper, down, upper < down),
    ):
        if np.any(bad):
            at = int(np.argmax(bad))
            channel = plan.channels[at]
            rule = channel.max_change or plan.max_change
            raise InfeasibleError(
                "bounds-clash",
                say(
                    "floor-out-of-reach" if which == "floor" else "cap-out-of-reach",
                    channel=quoted(channel.name),
                    bound=show(bound[at]),
                    rule=str(rule),
                    reach=show(reach[at]),
                ),
                field=f"channels.{channel.name}.{which}",
                value=show(bound[at]),
                remedy=say("remedy-widen-change", channel=quoted(channel.name), which=which),
            )
