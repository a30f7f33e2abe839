"""Days on which channels may not move."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from budgetopt.calendar import Week
from budgetopt.plan.channel import check_name
from budgetopt.plan.operation.parts import as_names, as_span, one_of


@dataclass(frozen=True)
class Freeze:
    """Days on which channels may not move; a week that one of them lies in is frozen whole.

    Parameters
    ----------
    name
        How it is called.
    first, last
        Its first and its last day; at most ten years.
    channels
        Which channels; empty for all.
    why
        ``"frozen"``, or ``"learning"`` while a platform learns.

    Raises
    ------
    PlanError, CalendarError
        ``bad-name``, ``bad-plan``, ``bad-date``.

    Examples
    --------
    >>> freeze = Freeze("11.11", dt.date(2026, 11, 9), dt.date(2026, 11, 11))
    >>> freeze.touches(Week(dt.date(2026, 11, 9))), freeze.touches(Week(dt.date(2026, 11, 16)))
    (True, False)
    """

    name: str
    first: dt.date
    last: dt.date
    channels: tuple[str, ...] = ()
    why: Literal["frozen", "learning"] = "frozen"

    def __post_init__(self) -> None:
        check_name(self.name, "freeze.name", "freeze")
        first, last = as_span(self.first, self.last, "freeze")
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "channels", as_names(self.channels, "freeze.channels"))
        one_of(self.why, ("frozen", "learning"), "freeze.why")

    def touches(self, week: Week) -> bool:
        """Say whether one of its days lies in a week."""
        return self.first <= week.end and week.start <= self.last

    def to_dict(self) -> dict[str, Any]:
        """Return the freeze as it is written in a plan file."""
        return {
            "name": self.name,
            "first": str(self.first),
            "last": str(self.last),
            "channels": list(self.channels),
            "why": self.why,
        }
