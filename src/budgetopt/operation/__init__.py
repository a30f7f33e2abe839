"""Operation: the weekly rhythm, on a ledger.

`run_week` is the whole Friday; `approve`, `reject`, `edit`, `apply`, `measure` and `release` are
what people do with it; `state_of` and `states_of` say where weeks stand.
"""

from __future__ import annotations

from budgetopt.operation.apply import apply
from budgetopt.operation.approve import approve, reject
from budgetopt.operation.edit import Edited, edit, priced
from budgetopt.operation.measure import measure
from budgetopt.operation.release import release
from budgetopt.operation.run import run_week
from budgetopt.operation.state import WeekState, state_of, states_of
from budgetopt.operation.week_run import WeekRun

__all__ = [
    "Edited",
    "WeekRun",
    "WeekState",
    "apply",
    "approve",
    "edit",
    "measure",
    "priced",
    "reject",
    "release",
    "run_week",
    "state_of",
    "states_of",
]
