"""The weekly run: `reallocate` learns, decides and explains; a `Decision` records it.

Between a policy and the money stands `guard`: an answer that breaks a limit is withheld.
"""

from __future__ import annotations

from budgetopt.weekly.decision import Decision, Move
from budgetopt.weekly.reallocate import last_spend, reallocate

__all__ = ["Decision", "Move", "last_spend", "reallocate"]
