"""The public menu is pinned, and the package costs nothing until a name is used."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import budgetopt as bo

PINNED = """
Allocation Approval Belief BudgetLines BudgetoptError CalendarError Carryover Cautious Channel
ChannelPrior Columns CurveError Decision Delay EqualSplit Experiment Exponential Freeze Frontier
Goal Greedy Guarded Hill History HistoryError HoldSteady InfeasibleError InputError Ledger
LedgerError LiftTest Limit Log Logistic Market MaxChange MoneyError Operation Optimistic Phase
Plan PlanError Points PosteriorMean Power Proportional Release Reserve Risk Settings Simulation
SolverError TestBudget Thompson UpperQuantile VerificationError Week WeekRun allocate apply
approve edit frontier learn ramp reallocate reject release run_week simulate
"""
MENU = PINNED.split()


def test_a_name_becomes_public_on_purpose():
    assert sorted(bo.__all__) == sorted(MENU)
    assert dir(bo) == sorted(MENU)


@pytest.mark.parametrize("name", MENU)
def test_every_name_is_there_and_documented(name):
    assert getattr(bo, name).__doc__


def test_every_error_class_is_public():
    from budgetopt import errors

    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, bo.BudgetoptError)
    }
    assert classes <= set(MENU)


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="no attribute 'allocat'"):
        _ = bo.allocat


def test_the_version_is_the_packages():
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert bo.__version__ == declared["project"]["version"]


def loaded_after(statement):
    code = f"{statement}\nimport sys; print(' '.join(m for m in sys.modules if '.' not in m))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


def test_import_loads_nothing_heavy():
    heavy = {"numpy", "scipy", "pandas", "pydantic", "pulp", "highspy", "typer", "rich"}
    assert not heavy & loaded_after("import budgetopt")
    assert not heavy & loaded_after("import budgetopt; budgetopt.InputError")


def test_deciding_a_week_in_python_needs_no_command_line():
    assert not {"typer", "rich"} & loaded_after("import budgetopt; budgetopt.reallocate")
