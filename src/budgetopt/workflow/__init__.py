"""Operation: the weekly rhythm, on a ledger.

`run_week` is the whole Friday; `approve`, `reject`, `edit`, `apply`, `measure` and `release` are
what people do with it; `state_of` and `states_of` say where weeks stand.

What they count with are pure functions, which need no ledger: `pace`, `answer_overspend`,
`balances` and `releases_due`, `ramp`, `alerts`.
"""

from __future__ import annotations

from budgetopt.workflow.ahead import weeks_ahead
from budgetopt.workflow.alerts import Alert, Severity, alerts, news, stale, worst
from budgetopt.workflow.approval import Edited, apply, approve, edit, priced, reject, release
from budgetopt.workflow.inputs import (
    RecordedHistory,
    actual_of,
    plan_fingerprint,
    policy_record,
    recorded,
)
from budgetopt.workflow.measure import Score, Scores, measure, record_year, scores
from budgetopt.workflow.pacing import LOOK_BACK, Line, Pace, Paced, Warned, pace, rounded
from budgetopt.workflow.proposal import decision_of, latest_split, spend_of
from budgetopt.workflow.ramp import Path, Ramp, ramp
from budgetopt.workflow.reserves import (
    Answered,
    Balances,
    Movement,
    answer_overspend,
    balances,
    release_by_hand,
    releases_due,
)
from budgetopt.workflow.run_week import run_week
from budgetopt.workflow.snapshot import Snapshot, take_snapshot
from budgetopt.workflow.validation import RULE, ledger_of, next_week, week_of
from budgetopt.workflow.week_run import WeekRun
from budgetopt.workflow.week_state import LedgerReader, WeekState, fold, state_of, states_of

__all__ = [
    "LOOK_BACK",
    "RULE",
    "Alert",
    "Answered",
    "Balances",
    "Edited",
    "LedgerReader",
    "Line",
    "Movement",
    "Pace",
    "Paced",
    "Path",
    "Ramp",
    "RecordedHistory",
    "Score",
    "Scores",
    "Severity",
    "Snapshot",
    "Warned",
    "WeekRun",
    "WeekState",
    "actual_of",
    "alerts",
    "answer_overspend",
    "apply",
    "approve",
    "balances",
    "decision_of",
    "edit",
    "fold",
    "latest_split",
    "ledger_of",
    "measure",
    "news",
    "next_week",
    "pace",
    "plan_fingerprint",
    "policy_record",
    "priced",
    "ramp",
    "record_year",
    "recorded",
    "reject",
    "release",
    "release_by_hand",
    "releases_due",
    "rounded",
    "run_week",
    "scores",
    "spend_of",
    "stale",
    "state_of",
    "states_of",
    "take_snapshot",
    "week_of",
    "weeks_ahead",
    "worst",
]
