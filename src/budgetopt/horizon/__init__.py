"""Many weeks at once: carryover, change limits and free timing, planned together and proven."""

from __future__ import annotations

from budgetopt.horizon.build import Timing
from budgetopt.horizon.receding import LookAhead
from budgetopt.horizon.schedule import Schedule, plan_weeks

__all__ = ["LookAhead", "Schedule", "Timing", "plan_weeks"]
