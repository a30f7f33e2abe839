"""A channel: one line that money can go to, with the limits that are its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from budgetopt.curves import Carryover, Curve
from budgetopt.errors import CurveError, PlanError
from budgetopt.money import as_decimal, show_amount
from budgetopt.plan.change import MaxChange
from budgetopt.plan.learning import LearningMinimum
from budgetopt.plan.prior import ChannelPrior

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Channel:
    """One line that money can go to.

    Parameters
    ----------
    name
        Any text that is not blank; names are compared letter by letter.
    floor
        Least money per week, at least 0.
    cap
        Most money per week; None for no cap.
    locked
        Exact money per week, whatever it brings; None for free. The change limit does not bind a
        locked channel: locking it is the decision.
    max_change
        How far the spend may move in a week, in place of the plan's own rule: a share
        (``0.3`` or ``"30%"``), a `MaxChange`, ``"none"`` for no limit, or None to use the plan's.
    curve
        Expected outcome per week against money per week, a single one; None where it is learned.
    labels
        Groups the channel belongs to, such as ``{"platform": "douyin"}``.
    off_or_at_least
        The channel gets nothing, or at least this much money, a platform's minimum. It goes with
        no floor.
    learning
        The same, as a `LearningMinimum` or its parts, ``{"conversions": 50, "cpa": 30}``; of the
        two minimums the larger holds.
    carryover
        How a week's effect spreads over later weeks: a `Carryover` or its parts, ``{"kind":
        "geometric", "share": 0.4}``. None where it is learned.
    lot
        The channel's own step of money, in place of the plan's.
    value
        What one outcome of this channel is worth in money, in place of the plan's `value`.
    rates
        Other outcomes that come with one unit of this channel's outcome, such as
        ``{"leads": 0.2}``.
    prior
        What is believed before the history is read: a `ChannelPrior` or its fields, ``{"roas": 3,
        "noise": 0.3}``. None leaves it to all channels together.
    pinned
        The `curve` is believed as it is; nothing of the history, a prior or a test changes it.

    Raises
    ------
    PlanError
        ``bad-name``, ``bounds-clash`` where floor, cap and lock contradict each other, or
        ``no-curve`` where one is pinned that is not given.
    InputError
        ``bad-argument`` or ``unknown-name`` for a wrong prior.
    MoneyError
        ``bad-money``.
    CurveError
        ``bad-curve`` where `curve` is not one curve, or `carryover` not one kernel.

    Examples
    --------
    >>> Channel("douyin", floor=1000, cap=20000).cap
    Decimal('20000')
    """

    name: str
    floor: Decimal = Decimal(0)
    cap: Decimal | None = None
    locked: Decimal | None = None
    max_change: MaxChange | None = None
    curve: Curve | None = None
    labels: tuple[tuple[str, str], ...] = ()
    off_or_at_least: Decimal | None = None
    lot: Decimal | None = None
    value: Decimal | None = None
    rates: tuple[tuple[str, Decimal], ...] = ()
    learning: LearningMinimum | None = None
    carryover: Carryover | None = None
    prior: ChannelPrior | None = None
    pinned: bool = False

    def __init__(
        self,
        name: str,
        *,
        floor: Any = 0,
        cap: Any = None,
        locked: Any = None,
        max_change: Any = None,
        curve: Curve | None = None,
        labels: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
        off_or_at_least: Any = None,
        lot: Any = None,
        value: Any = None,
        rates: Mapping[str, Any] | tuple[tuple[str, Any], ...] = (),
        learning: Any = None,
        carryover: Any = None,
        prior: Any = None,
        pinned: bool = False,
    ) -> None:
        check_name(name, "channels.name", "channel")
        where = f"of {name!r}"
        put = object.__setattr__
        put(self, "name", name)
        put(self, "floor", as_decimal(floor, f"floor {where}"))
        put(self, "cap", None if cap is None else as_decimal(cap, f"cap {where}"))
        put(self, "locked", None if locked is None else as_decimal(locked, f"lock {where}"))
        put(self, "max_change", MaxChange.of(max_change, f"max_change {where}"))
        put(self, "curve", None if curve is None else one_curve(curve, name))
        put(self, "labels", _labels(labels, name))
        for field, amount in (("off_or_at_least", off_or_at_least), ("lot", lot), ("value", value)):
            exact = None if amount is None else as_decimal(amount, f"{field} {where}")
            put(self, field, exact)
        pairs = ((k, as_decimal(v, f"rate {k!r} {where}")) for k, v in dict(rates).items())
        put(self, "rates", tuple(sorted(pairs)))
        put(self, "learning", LearningMinimum.of(learning, f"learning {where}"))
        put(self, "carryover", Carryover.of(carryover, f"channels.{name}.carryover"))
        put(self, "prior", ChannelPrior.of(prior, f"channels.{name}.prior"))
        put(self, "pinned", pinned)
        self._check_pinned()
        self._check_bounds()
        self._check_minimum()

    @property
    def least_on(self) -> Decimal | None:
        """Least money when the channel is on, None where nothing is asked."""
        asked = [self.off_or_at_least, None if self.learning is None else self.learning.money]
        return max((money for money in asked if money is not None), default=None)

    def _check_pinned(self) -> None:
        if not isinstance(self.pinned, bool):
            code, problem = "bad-plan", f"pinned of {self.name!r} is {self.pinned!r}"
            remedy = "write true or false"
        elif self.pinned and self.curve is None:
            code, problem = "no-curve", f"{self.name!r} is pinned and has no curve"
            remedy = "give the curve that is to be believed, or leave pinned out"
        else:
            return
        where = f"channels.{self.name}.pinned"
        raise PlanError(code, problem, field=where, value=str(self.pinned), remedy=remedy)

    def _check_bounds(self) -> None:
        if self.cap is not None and self.cap < self.floor:
            raise self._clash(
                f"cap of {self.name!r} is {show_amount(self.cap)}, "
                f"below its floor {show_amount(self.floor)}",
                "cap",
                self.cap,
                "raise the cap or lower the floor",
            )
        if self.locked is None:
            return
        if self.cap is not None and self.locked > self.cap:
            raise self._clash(
                f"{self.name!r} is locked at {show_amount(self.locked)}, "
                f"above its cap {show_amount(self.cap)}",
                "locked",
                self.locked,
                "raise the cap or lower the lock",
            )
        if self.locked < self.floor:
            raise self._clash(
                f"{self.name!r} is locked at {show_amount(self.locked)}, "
                f"below its floor {show_amount(self.floor)}",
                "locked",
                self.locked,
                "lower the floor or raise the lock",
            )

    def _check_minimum(self) -> None:
        least = self.least_on
        if least is not None and self.floor > 0:
            raise self._clash(
                f"{self.name!r} has a floor {show_amount(self.floor)}, so it cannot be off",
                "off_or_at_least",
                least,
                "give a floor or off_or_at_least, not both",
            )
        if least is not None and self.cap is not None and self.cap < least:
            raise self._clash(
                f"{self.name!r} is off or at least {show_amount(least)}, "
                f"above its cap {show_amount(self.cap)}",
                "off_or_at_least",
                least,
                "raise the cap or lower off_or_at_least",
            )
        if self.lot is not None and self.lot == 0:
            raise self._clash(
                f"lot of {self.name!r} is 0", "lot", self.lot, "give a lot above zero"
            )

    def _clash(self, problem: str, field: str, value: Decimal, remedy: str) -> PlanError:
        where = f"channels.{self.name}.{field}"
        return PlanError("bounds-clash", problem, field=where, value=value, remedy=remedy)


def check_name(name: Any, field: str, what: str) -> None:
    """Refuse a name that is blank, not text, or cannot be written to a file.

    Raises
    ------
    PlanError
        ``bad-name``.
    """
    if not isinstance(name, str) or not name.strip() or _LONE_SURROGATE.search(name):
        raise PlanError(
            "bad-name",
            f"{what} name {name!r} is blank or not text",
            field=field,
            value=ascii(name),
            remedy=f"give every {what} a name",
        )


def one_curve(curve: Any, name: str) -> Curve:
    """Return a channel's curve if it is one, for one channel.

    Raises
    ------
    CurveError
        ``bad-curve``.
    """
    if isinstance(curve, Curve) and np.ndim(curve.value(0.0)) == 0:
        return curve
    raise CurveError(
        "bad-curve",
        f"the curve of {name!r} is {curve!r}, not one curve",
        field=f"channels.{name}.curve",
        value=repr(curve),
        remedy="give one curve with plain numbers, such as Hill(top=9000, half=4000, shape=0.8)",
    )


def _labels(labels: Any, name: str) -> tuple[tuple[str, str], ...]:
    """Return labels as sorted pairs, so that two channels compare by what they say."""
    pairs = tuple(dict(labels).items())
    for pair in pairs:
        if not all(isinstance(part, str) and part.strip() for part in pair):
            raise PlanError(
                "bad-name",
                f"label {pair!r} of {name!r} is blank or not text",
                field=f"channels.{name}.labels",
                value=str(pair),
                remedy="write labels as name = 'value'",
            )
    return tuple(sorted(pairs))
