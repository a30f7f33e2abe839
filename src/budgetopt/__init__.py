"""budgetopt decides how a marketing budget is split, week after week, and proves its answer.

The menu below is in pipeline order; every name is loaded when it is first used, so that importing
the package costs almost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from budgetopt.version import VERSION

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
        LedgerError,
        MoneyError,
        PlanError,
        SolverError,
        VerificationError,
    )
    from budgetopt.experiments import Experiment
    from budgetopt.history import Columns, Delay, History
    from budgetopt.ledger import Ledger
    from budgetopt.market import Market
    from budgetopt.operation import (
        WeekRun,
        apply,
        approve,
        edit,
        ramp,
        reject,
        release,
        run_week,
    )
    from budgetopt.optimize import Allocation, allocate
    from budgetopt.optimize.frontier import Frontier, frontier
    from budgetopt.optimize.risk import Risk
    from budgetopt.plan import (
        Approval,
        BudgetLines,
        Channel,
        ChannelPrior,
        Freeze,
        Goal,
        LiftTest,
        Limit,
        MaxChange,
        Operation,
        Phase,
        Plan,
        Release,
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

__version__ = VERSION

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
        "Operation",
        "Phase",
        "Freeze",
        "Approval",
        "Release",
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
    "ledger": ("Ledger",),
    "operation": (
        "run_week",
        "WeekRun",
        "approve",
        "reject",
        "edit",
        "apply",
        "release",
        "ramp",
    ),
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
        "LedgerError",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Allocation",
    "Approval",
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
    "Freeze",
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
    "Ledger",
    "LedgerError",
    "LiftTest",
    "Limit",
    "Log",
    "Logistic",
    "Market",
    "MaxChange",
    "MoneyError",
    "Operation",
    "Optimistic",
    "Phase",
    "Plan",
    "PlanError",
    "Points",
    "PosteriorMean",
    "Power",
    "Proportional",
    "Release",
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
    "WeekRun",
    "allocate",
    "apply",
    "approve",
    "edit",
    "frontier",
    "learn",
    "ramp",
    "reallocate",
    "reject",
    "release",
    "run_week",
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
