"""The Friday: `run` records what `draft` works out, `decide` decides, and a `WeekRun` says it."""

from __future__ import annotations

from budgetopt.operation.friday.run import run_week
from budgetopt.operation.friday.week_run import WeekRun

__all__ = ["WeekRun", "run_week"]
