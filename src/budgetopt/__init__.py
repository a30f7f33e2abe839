"""budgetopt decides how a marketing budget is split, week after week, and proves its answer.

The menu below is in pipeline order. Every name, and every room, is loaded when it is first used, so
that importing the package costs almost nothing.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from budgetopt.version import VERSION

__version__ = VERSION

# isort: off
if TYPE_CHECKING:
    # Type checkers take a name imported under itself as handed on.
    from budgetopt import (
        belief as belief,
        calendar as calendar,
        curves as curves,
        errors as errors,
        exchange as exchange,
        experiments as experiments,
        history as history,
        horizon as horizon,
        i18n as i18n,
        ledger as ledger,
        market as market,
        money as money,
        optimize as optimize,
        plan as plan,
        policies as policies,
        portfolio as portfolio,
        report as report,
        simulation as simulation,
        weekly as weekly,
        workflow as workflow,
    )
    from budgetopt.belief import Belief as Belief, Settings as Settings, learn as learn
    from budgetopt.calendar import Week as Week
    from budgetopt.curves import (
        Carryover as Carryover,
        Exponential as Exponential,
        Hill as Hill,
        Log as Log,
        Logistic as Logistic,
        Points as Points,
        Power as Power,
    )
    from budgetopt.errors import (
        BudgetoptError as BudgetoptError,
        CalendarError as CalendarError,
        CurveError as CurveError,
        HistoryError as HistoryError,
        InfeasibleError as InfeasibleError,
        InputError as InputError,
        LedgerError as LedgerError,
        MoneyError as MoneyError,
        PlanError as PlanError,
        SolverError as SolverError,
        VerificationError as VerificationError,
    )
    from budgetopt.exchange import upload_sheet as upload_sheet
    from budgetopt.experiments import (
        Experiment as Experiment,
        Pilot as Pilot,
        value_of_tests as value_of_tests,
    )
    from budgetopt.history import Columns as Columns, Delay as Delay, History as History
    from budgetopt.horizon import Schedule as Schedule, plan_weeks as plan_weeks
    from budgetopt.ledger import Ledger as Ledger
    from budgetopt.market import Change as Change, Market as Market
    from budgetopt.optimize import (
        Allocation as Allocation,
        Frontier as Frontier,
        Risk as Risk,
        allocate as allocate,
        frontier as frontier,
    )
    from budgetopt.plan import (
        Approval as Approval,
        BudgetLines as BudgetLines,
        Channel as Channel,
        ChannelPrior as ChannelPrior,
        Freeze as Freeze,
        Goal as Goal,
        LiftTest as LiftTest,
        Limit as Limit,
        MaxChange as MaxChange,
        Operation as Operation,
        Phase as Phase,
        Plan as Plan,
        Release as Release,
        Reserve as Reserve,
        Target as Target,
    )
    from budgetopt.policies import (
        Cautious as Cautious,
        EqualSplit as EqualSplit,
        ExplorationBudget as ExplorationBudget,
        Greedy as Greedy,
        Guarded as Guarded,
        HoldSteady as HoldSteady,
        Optimistic as Optimistic,
        Phased as Phased,
        PosteriorMean as PosteriorMean,
        Proportional as Proportional,
        Thompson as Thompson,
        UpperQuantile as UpperQuantile,
    )
    from budgetopt.portfolio import Account as Account, Portfolio as Portfolio
    from budgetopt.simulation import (
        Simulation as Simulation,
        simulate as simulate,
        what_if as what_if,
    )
    from budgetopt.weekly import (
        Backtest as Backtest,
        Decision as Decision,
        backtest as backtest,
        reallocate as reallocate,
    )
    from budgetopt.workflow import (
        WeekRun as WeekRun,
        apply as apply,
        approve as approve,
        edit as edit,
        ramp as ramp,
        reject as reject,
        release as release,
        run_week as run_week,
    )
# isort: on

_MENU = {
    "plan": "Channel ChannelPrior LiftTest Plan Limit Goal MaxChange Reserve BudgetLines Operation "
    "Phase Freeze Approval Release Target",
    "history": "Columns History Delay",
    "calendar": "Week",
    "curves": "Exponential Hill Log Power Logistic Points Carryover",
    "belief": "learn Belief Settings",
    "optimize": "allocate Allocation",
    "optimize.risk": "Risk",
    "optimize.frontier": "frontier Frontier",
    "horizon": "plan_weeks Schedule",
    "policies": "HoldSteady EqualSplit Proportional Greedy PosteriorMean Optimistic Thompson "
    "UpperQuantile Cautious Guarded ExplorationBudget Phased",
    "experiments": "Experiment Pilot value_of_tests",
    "market": "Market Change",
    "simulation": "simulate Simulation what_if",
    "weekly": "reallocate Decision backtest Backtest",
    "ledger": "Ledger",
    "workflow": "run_week WeekRun approve reject edit apply release ramp",
    "portfolio": "Portfolio Account",
    "exchange": "upload_sheet",
    "errors": "BudgetoptError InputError PlanError HistoryError CurveError MoneyError "
    "CalendarError InfeasibleError SolverError VerificationError LedgerError",
}
"""Public names by the room that they are loaded from; a test compares them with the types below."""
_RENAMED = {"TestBudget": "ExplorationBudget"}
"""Deprecated names, given with a warning for one release."""
_ROOM_OF = {name: room for room, names in _MENU.items() for name in names.split()}
_ROOMS = ("money", "i18n", "report", *(room for room in _MENU if "." not in room))

__all__ = list(_ROOM_OF)


if not TYPE_CHECKING:  # so that a type checker still says which name is misspelt

    def __getattr__(name: str) -> Any:
        """Load a public name, or a room, on first use (PEP 562)."""
        if name in _ROOMS:
            return import_module(f"budgetopt.{name}")
        if name in _RENAMED:
            new = _RENAMED[name]
            message = f"budgetopt.{name} is now budgetopt.{new}"
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            return getattr(import_module(__name__), new)
        if name not in _ROOM_OF:
            raise AttributeError(f"module 'budgetopt' has no attribute {name!r}")
        value = getattr(import_module(f"budgetopt.{_ROOM_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names and the rooms."""
    return sorted({*__all__, *_ROOMS})
