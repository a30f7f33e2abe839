"""Operation: the weekly rhythm, on a ledger.

`run_week` is the whole Friday; `approve`, `reject`, `edit`, `apply`, `measure` and `release` are
what people do with it; `state_of` and `states_of` say where weeks stand.

What they count with are pure functions, which need no ledger: `pace`, `answer_overspend`,
`balances` and `releases_due`, `ramp`, `alerts`.
"""

from __future__ import annotations

from budgetopt.operation.alerts import Alert, alerts, news, worst
from budgetopt.operation.apply import apply
from budgetopt.operation.approve import approve, reject
from budgetopt.operation.edit import Edited, edit, priced
from budgetopt.operation.friday import WeekRun, run_week
from budgetopt.operation.measure import measure
from budgetopt.operation.pacing import Pace, Paced, actual_of, pace
from budgetopt.operation.ramp import Ramp, ramp
from budgetopt.operation.release import release
from budgetopt.operation.reserve import (
    Answered,
    Balances,
    Movement,
    answer_overspend,
    balances,
    release_by_hand,
    releases_due,
)
from budgetopt.operation.state import WeekState, state_of, states_of

__all__ = [
    "Alert",
    "Answered",
    "Balances",
    "Edited",
    "Movement",
    "Pace",
    "Paced",
    "Ramp",
    "WeekRun",
    "WeekState",
    "actual_of",
    "alerts",
    "answer_overspend",
    "apply",
    "approve",
    "balances",
    "edit",
    "measure",
    "news",
    "pace",
    "priced",
    "ramp",
    "reject",
    "release",
    "release_by_hand",
    "releases_due",
    "run_week",
    "state_of",
    "states_of",
    "worst",
]
