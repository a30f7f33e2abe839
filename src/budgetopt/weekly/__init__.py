"""The weekly run: `reallocate` learns, decides and explains; a `Decision` records it."""

from __future__ import annotations

from budgetopt.weekly.decision import Decision, Move
from budgetopt.weekly.reallocate import reallocate

__all__ = ["Decision", "Move", "reallocate"]
