"""The reserves: what they hold, when money leaves them, and who pays for an overspend.

`accounts` are what is held and what moved, `balances` adds them up and releases by rule or by hand,
and `answer` says who pays for what was spent beyond the plan.
"""

from __future__ import annotations

from budgetopt.operation.reserve.accounts import Account, Balances, Movement
from budgetopt.operation.reserve.answer import Answered, Source, answer_overspend
from budgetopt.operation.reserve.balances import (
    Due,
    balances,
    parts_of,
    release_by_hand,
    releases_due,
)

__all__ = [
    "Account",
    "Answered",
    "Balances",
    "Due",
    "Movement",
    "Source",
    "answer_overspend",
    "balances",
    "parts_of",
    "release_by_hand",
    "releases_due",
]
