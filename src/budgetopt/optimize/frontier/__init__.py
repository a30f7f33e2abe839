"""What more or less budget would bring.

`frontier` traces the best split along a range of budgets, `Frontier` is the record, and its
`budget_at` finds the budget at a hurdle by price; `with_budget` is a plan with another budget.
"""

from __future__ import annotations

from budgetopt.optimize.frontier.hurdle import with_budget
from budgetopt.optimize.frontier.record import Frontier, FrontierPoint
from budgetopt.optimize.frontier.trace import frontier

__all__ = ["Frontier", "FrontierPoint", "frontier", "with_budget"]
