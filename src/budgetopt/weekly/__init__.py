"""The weekly run: `reallocate` learns, decides and explains; a `Decision` records it.

`backtest` decides every past week again, with what was known before it.

Between a policy and the money stand the guardrails: `watch` looks at freezes, last week's report
and how well predictions did; a split that might lose too much is taken part of the way; and an
answer that breaks a limit is withheld. What stepped in is in `Decision.fired`.
"""

from __future__ import annotations

from budgetopt.optimize import last_spend
from budgetopt.weekly.backtest import (
    Backtest,
    ChannelRecord,
    PastWeek,
    PolicyRecord,
    backtest,
    known_before,
    shown_gain,
)
from budgetopt.weekly.decision import Decision, Gains, Move, gains_of, moves_of
from budgetopt.weekly.guardrails import (
    Guardrails,
    Intervention,
    Watch,
    best_split,
    holding,
    watch,
    with_change,
)
from budgetopt.weekly.reallocate import DRAWS, GUARDRAILS, belief_for, few_weeks_note, reallocate
from budgetopt.weekly.targets import TargetState, TargetStatus, measured_so_far, target_statuses

__all__ = [
    "DRAWS",
    "GUARDRAILS",
    "Backtest",
    "ChannelRecord",
    "Decision",
    "Gains",
    "Guardrails",
    "Intervention",
    "Move",
    "PastWeek",
    "PolicyRecord",
    "TargetState",
    "TargetStatus",
    "Watch",
    "backtest",
    "belief_for",
    "best_split",
    "few_weeks_note",
    "gains_of",
    "holding",
    "known_before",
    "last_spend",
    "measured_so_far",
    "moves_of",
    "reallocate",
    "shown_gain",
    "target_statuses",
    "watch",
    "with_change",
]
