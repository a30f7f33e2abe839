"""Why a plan has no solution: an irreducible set of what it declares, and the least changes.

`explain_infeasible` makes the error; `declarations` lists what a plan declares, `feasibility` asks
whether some of it can be kept together, `explain` narrows the set down and finds the changes, and
`sentences` says it.
"""

from __future__ import annotations

from budgetopt.optimize.infeasibility.declarations import Clash
from budgetopt.optimize.infeasibility.explain import explain_infeasible, find_clash
from budgetopt.optimize.infeasibility.feasibility import Feasibility, split_of, total_range

__all__ = ["Clash", "Feasibility", "explain_infeasible", "find_clash", "split_of", "total_range"]
