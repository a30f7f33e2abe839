"""A fixed plan of spends: the open loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from budgetopt.curves.base import Floats
from budgetopt.market import Conditions
from budgetopt.market.checks import wrong


@dataclass(frozen=True, eq=False)
class Schedule:
    """Spends that are settled beforehand, carried out whatever comes back.

    Nothing is learned, and no limit of the plan is looked at: the orders are the plan. A budget
    that a scenario cuts or raises scales them, and a closed channel takes no money.

    Parameters
    ----------
    spend
        Money, at least 0, shape ``(channels,)`` for every week or ``(weeks, channels)``.
    name
        How it is called in results.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    spend: Floats
    name: str = "schedule"

    def __init__(self, spend: Any, name: str = "schedule") -> None:
        given = np.array(spend, dtype=np.float64)
        # Written so that NaN fails.
        if given.ndim not in (1, 2) or not np.all((given >= 0) & (given < np.inf)):
            remedy = "give finite money of at least 0, by channel, or by week and channel"
            raise wrong("spend", str(given.shape), remedy, "spend of the schedule is no plan")
        given.flags.writeable = False
        object.__setattr__(self, "spend", given)
        object.__setattr__(self, "name", name)

    def ordered(self, week: Conditions) -> Floats:
        """Return the money of a week, shape ``(channels,)``, or by run where the budget is cut."""
        spend = self.spend if self.spend.ndim == 1 else self.spend[week.number - 1]
        return spend if np.all(week.budget == 1.0) else spend * week.budget[:, None]

    def check(self, weeks: int, channels: int) -> None:
        """Raise ``bad-argument`` where it is for other weeks or channels."""
        shape = self.spend.shape
        if shape[-1] != channels or (len(shape) == 2 and shape[0] < weeks):
            raise wrong(
                "spend",
                str(shape),
                f"give {channels} channels, and at least {weeks} weeks",
                f"spend of the schedule {self.name!r} has the shape {shape}",
            )
