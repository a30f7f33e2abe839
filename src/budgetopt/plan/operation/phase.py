"""A phase of a campaign, with a budget of its own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from budgetopt.money import as_decimal
from budgetopt.plan.change import MaxChange
from budgetopt.plan.channel import check_name
from budgetopt.plan.operation.parts import as_span, one_of

PhaseKind = Literal["preparation", "warm-up", "burst", "steady", "wind-down"]


@dataclass(frozen=True)
class Phase:
    """Dated days with a budget of their own.

    Parameters
    ----------
    name
        How it is called.
    first, last
        Its first and its last day, which may lie within weeks; at most ten years.
    budget
        Money for the whole phase, reserve included, at least 0. It takes the place of the plan's
        weekly budget on these days, and is spread evenly over them, exactly.
    kind
        ``"preparation"``, ``"warm-up"``, ``"burst"``, ``"steady"`` or ``"wind-down"``, for those
        who read the plan; it changes no number.
    max_change
        How far any channel may move in weeks of the phase, in place of the plan's own rule;
        None to use the plan's. Channels with a rule of their own keep it.

    Raises
    ------
    PlanError, MoneyError, CalendarError
        ``bad-name``, ``bad-plan``, ``bad-money``, ``bad-number``, ``bad-date``.

    Examples
    --------
    >>> phase = Phase("11.11", dt.date(2026, 11, 1), dt.date(2026, 11, 11), Decimal(1100), "burst")
    >>> phase.days
    11
    """

    name: str
    first: dt.date
    last: dt.date
    budget: Decimal
    kind: PhaseKind = "steady"
    max_change: MaxChange | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        check_name(self.name, "phase.name", "phase")
        first, last = as_span(self.first, self.last, "phase")
        put(self, "first", first)
        put(self, "last", last)
        put(self, "budget", as_decimal(self.budget, "phase.budget"))
        one_of(self.kind, get_args(PhaseKind), "phase.kind")
        put(self, "max_change", MaxChange.of(self.max_change, "phase.max_change"))

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def to_dict(self) -> dict[str, Any]:
        """Return the phase as it is written in a plan file."""
        data: dict[str, Any] = {
            "name": self.name,
            "first": str(self.first),
            "last": str(self.last),
            "budget": f"{self.budget:f}",
            "kind": self.kind,
        }
        if self.max_change is not None:
            data["max_change"] = self.max_change.to_dict()
        return data
