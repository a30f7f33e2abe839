"""Days, weeks and fiscal periods, and money spread over them exactly.

`Week` is what a plan decides; `Fiscal` and `periods` are what a company counts by; `spread` and
`by_period` carry money from the one to the other by dated days, without losing a minor unit.
"""

from __future__ import annotations

from budgetopt.calendar.periods import Fiscal, Period, by_period, periods
from budgetopt.calendar.spread import first_days, spread
from budgetopt.calendar.week import (
    DAYS,
    Week,
    as_date,
    start_day_number,
    week_starts,
)

__all__ = [
    "DAYS",
    "Fiscal",
    "Period",
    "Week",
    "as_date",
    "by_period",
    "first_days",
    "periods",
    "spread",
    "start_day_number",
    "week_starts",
]
