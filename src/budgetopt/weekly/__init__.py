"""The weekly run: `reallocate` learns, decides and explains; a `Decision` records it.

Between a policy and the money stand the guardrails: `watch` looks at freezes, last week's report
and how well predictions did; a split that might lose too much is taken part of the way; and an
answer that breaks a limit is withheld. What stepped in is in `Decision.fired`.
"""

from __future__ import annotations

from budgetopt.weekly.decision import Decision
from budgetopt.weekly.guardrails import Fired, Guardrails
from budgetopt.weekly.move import Move
from budgetopt.weekly.reallocate import last_spend, reallocate
from budgetopt.weekly.watch import Watch, watch

__all__ = ["Decision", "Fired", "Guardrails", "Move", "Watch", "last_spend", "reallocate", "watch"]
