"""Why a plan has no solution: a smallest set of limits that clash, and the least change that helps.

`explain_infeasible` makes the sentence; `reach` holds the limits by name and finds what plain
arithmetic shows, `elastic` asks a solver whether some of them can be kept together, `least_change`
looks for the change.
"""

from __future__ import annotations

from budgetopt.optimize.conflict.sentence import Clash, explain_infeasible, find_clash

__all__ = ["Clash", "explain_infeasible", "find_clash"]
