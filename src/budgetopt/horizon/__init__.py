"""Many weeks at once: carryover, change limits and free timing, planned together and proven.

From simple to subtle: `plan_weeks` returns a `Schedule`, `LookAhead` the first week of one for many
runs; `phasing` is how far weeks are varied on purpose, which the policy `Phased` does week by week.
"""

from __future__ import annotations

from budgetopt.horizon.build import Timing
from budgetopt.horizon.phasing import (
    MOST_SWING,
    USED,
    SlopeDoubt,
    balanced,
    block,
    report_error,
    signs,
    slope_doubt,
)
from budgetopt.horizon.receding import LookAhead
from budgetopt.horizon.schedule import Schedule, plan_weeks

__all__ = [
    "MOST_SWING",
    "USED",
    "LookAhead",
    "Schedule",
    "SlopeDoubt",
    "Timing",
    "balanced",
    "block",
    "plan_weeks",
    "report_error",
    "signs",
    "slope_doubt",
]
