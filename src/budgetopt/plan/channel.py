"""A channel: one line that money can go to, with the limits that are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from budgetopt.curves import Curve
from budgetopt.errors import PlanError
from budgetopt.money import as_decimal, show_amount
from budgetopt.plan.change import MaxChange


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
        (``0.3`` or ``"30%"``), a `MaxChange`, or None to use the plan's.
    curve
        Expected outcome per week against money per week; None where it is learned.
    labels
        Groups the channel belongs to, such as ``{"platform": "douyin"}``.

    Raises
    ------
    PlanError
        ``bad-name``, or ``bounds-clash`` where floor, cap and lock contradict each other.
    MoneyError
        ``bad-money``.

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
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise PlanError(
                "bad-name",
                f"channel name {name!r} is blank or not text",
                field="channels.name",
                value=name,
                remedy="give every channel a name",
            )
        where = f"of {name!r}"
        put = object.__setattr__
        put(self, "name", name)
        put(self, "floor", as_decimal(floor, f"floor {where}"))
        put(self, "cap", None if cap is None else as_decimal(cap, f"cap {where}"))
        put(self, "locked", None if locked is None else as_decimal(locked, f"lock {where}"))
        put(self, "max_change", MaxChange.of(max_change, f"max_change {where}"))
        put(self, "curve", curve)
        put(self, "labels", _labels(labels, name))
        self._check_bounds()

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

    def _clash(self, problem: str, field: str, value: Decimal, remedy: str) -> PlanError:
        where = f"channels.{self.name}.{field}"
        return PlanError("bounds-clash", problem, field=where, value=value, remedy=remedy)


def _labels(labels: Any, name: str) -> tuple[tuple[str, str], ...]:
    """Return labels as sorted pairs, so that two channels compare by what they say."""
    pairs = tuple(sorted(dict(labels).items()))
    for pair in pairs:
        if not all(isinstance(part, str) and part.strip() for part in pair):
            raise PlanError(
                "bad-name",
                f"label {pair!r} of {name!r} is blank or not text",
                field=f"channels.{name}.labels",
                value=str(pair),
                remedy="write labels as name = 'value'",
            )
    return pairs
