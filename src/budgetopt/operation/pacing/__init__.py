"""Pace: what is spent, held against the plan by dated days.

`by_day` turns weeks into days, `paced` is what is found of a channel, a span and a day, and `pace`
finds it.
"""

from __future__ import annotations

from budgetopt.operation.pacing.by_day import LOOK_BACK, Actual, actual_of
from budgetopt.operation.pacing.pace import pace
from budgetopt.operation.pacing.paced import Line, Pace, Paced, Status, Warned

__all__ = ["LOOK_BACK", "Actual", "Line", "Pace", "Paced", "Status", "Warned", "actual_of", "pace"]
