"""budgetopt decides how a marketing budget is split, week after week, and proves its answer.

The menu below is in pipeline order; every name is loaded when it is first used, so that importing
the package costs almost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from budgetopt.belief import Belief, learn
    from budgetopt.calendar import Week
    from budgetopt.curves import Exponential, Hill, Log, Logistic, Points, Power
    from budgetopt.errors import (
        BudgetoptError,
        CalendarError,
        CurveError,
        HistoryError,
        InfeasibleError,
        InputError,
        MoneyError,
        PlanError,
        SolverError,
        VerificationError,
    )
    from budgetopt.history import Columns, History
    from budgetopt.optimize import Allocation, allocate
    from budgetopt.optimize.frontier import Frontier, frontier
    from budgetopt.optimize.risk import Risk
    from budgetopt.plan import BudgetLines, Channel, Goal, Limit, MaxChange, Plan, Reserve
    from budgetopt.policies import HoldSteady, PosteriorMean, Proportional, Thompson
    from budgetopt.weekly import Decision, reallocate

__version__ = "0.1.0"

_ROOMS = {
    "plan": ("Channel", "Plan", "Limit", "Goal", "MaxChange", "Reserve", "BudgetLines"),
    "history": ("Columns", "History"),
    "calendar": ("Week",),
    "curves": ("Exponential", "Hill", "Log", "Power", "Logistic", "Points"),
    "belief": ("learn", "Belief"),
    "optimize": ("allocate", "Allocation"),
    "optimize.risk": ("Risk",),
    "optimize.frontier": ("frontier", "Frontier"),
    "policies": ("HoldSteady", "Proportional", "PosteriorMean", "Thompson"),
    "weekly": ("reallocate", "Decision"),
    "errors": (
        "BudgetoptError",
        "InputError",
        "PlanError",
        "HistoryError",
        "CurveError",
        "MoneyError",
        "CalendarError",
        "InfeasibleError",
        "SolverError",
        "VerificationError",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Allocation",
    "Belief",
    "BudgetLines",
    "BudgetoptError",
    "CalendarError",
    "Channel",
    "Columns",
    "CurveError",
    "Decision",
    "Exponential",
    "Frontier",
    "Goal",
    "Hill",
    "History",
    "HistoryError",
    "HoldSteady",
    "InfeasibleError",
    "InputError",
    "Limit",
    "Log",
    "Logistic",
    "MaxChange",
    "MoneyError",
    "Plan",
    "PlanError",
    "Points",
    "PosteriorMean",
    "Power",
    "Proportional",
    "Reserve",
    "Risk",
    "SolverError",
    "Thompson",
    "VerificationError",
    "Week",
    "allocate",
    "frontier",
    "learn",
    "reallocate",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'budgetopt' has no attribute {name!r}")
    value = getattr(import_module(f"budgetopt.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
