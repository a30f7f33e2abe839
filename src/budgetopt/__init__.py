"""budgetopt decides how a marketing budget is split, week after week, and proves its answer.

The menu below is in pipeline order; every name is loaded when it is first used, so that importing
the package costs almost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from budgetopt.belief import Belief, Settings, learn
    from budgetopt.calendar import Week
    from budgetopt.curves import Carryover, Exponential, Hill, Log, Logistic, Points, Power
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
    from budgetopt.experiments import Experiment
    from budgetopt.history import Columns, Delay, History
    from budgetopt.market import Market
    from budgetopt.optimize import Allocation, allocate
    from budgetopt.optimize.frontier import Frontier, frontier
    from budgetopt.optimize.risk import Risk
    from budgetopt.plan import (
        BudgetLines,
        Channel,
        ChannelPrior,
        Goal,
        LiftTest,
        Limit,
        MaxChange,
        Plan,
        Reserve,
    )
    from budgetopt.policies import (
        Cautious,
        EqualSplit,
        Greedy,
        Guarded,
        HoldSteady,
        Optimistic,
        PosteriorMean,
        Proportional,
        TestBudget,
        Thompson,
        UpperQuantile,
    )
    from budgetopt.simulation import Simulation, simulate
    from budgetopt.weekly import Decision, reallocate

__version__ = "0.1.0"

_ROOMS = {
    "plan": (
        "Channel",
        "ChannelPrior",
        "LiftTest",
        "Plan",
        "Limit",
        "Goal",
        "MaxChange",
        "Reserve",
        "BudgetLines",
    ),
    "history": ("Columns", "History", "Delay"),
    "calendar": ("Week",),
    "curves": ("Exponential", "Hill", "Log", "Power", "Logistic", "Points", "Carryover"),
    "belief": ("learn", "Belief", "Settings"),
    "optimize": ("allocate", "Allocation"),
    "optimize.risk": ("Risk",),
    "optimize.frontier": ("frontier", "Frontier"),
    "policies": (
        "HoldSteady",
        "EqualSplit",
        "Proportional",
        "Greedy",
        "PosteriorMean",
        "Optimistic",
        "Thompson",
        "UpperQuantile",
        "Cautious",
        "Guarded",
        "TestBudget",
    ),
    "experiments": ("Experiment",),
    "market": ("Market",),
    "simulation": ("simulate", "Simulation"),
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
    "Carryover",
    "Cautious",
    "Channel",
    "ChannelPrior",
    "Columns",
    "CurveError",
    "Decision",
    "Delay",
    "EqualSplit",
    "Experiment",
    "Exponential",
    "Frontier",
    "Goal",
    "Greedy",
    "Guarded",
    "Hill",
    "History",
    "HistoryError",
    "HoldSteady",
    "InfeasibleError",
    "InputError",
    "LiftTest",
    "Limit",
    "Log",
    "Logistic",
    "Market",
    "MaxChange",
    "MoneyError",
    "Optimistic",
    "Plan",
    "PlanError",
    "Points",
    "PosteriorMean",
    "Power",
    "Proportional",
    "Reserve",
    "Risk",
    "Settings",
    "Simulation",
    "SolverError",
    "TestBudget",
    "Thompson",
    "UpperQuantile",
    "VerificationError",
    "Week",
    "allocate",
    "frontier",
    "learn",
    "reallocate",
    "simulate",
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
