"""The public menu is pinned, and the package costs nothing until a name is used."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import budgetopt as bo

PINNED = """
Account Allocation Approval Backtest Belief BudgetLines BudgetoptError CalendarError Carryover
Cautious Change Channel ChannelPrior Columns CurveError Decision Delay EqualSplit Experiment
Exponential Freeze Frontier Goal Greedy Guarded Hill History HistoryError HoldSteady
InfeasibleError InputError Ledger LedgerError LiftTest Limit Log Logistic Market MaxChange
MoneyError Operation Optimistic Phase Phased Pilot Plan PlanError Points Portfolio PosteriorMean
Power Proportional Release Reserve Risk Schedule Settings Simulation SolverError
ExplorationBudget Target Thompson UpperQuantile VerificationError Week WeekRun allocate apply
approve backtest edit frontier learn plan_weeks ramp reallocate reject release run_week simulate
upload_sheet value_of_tests what_if
"""
MENU = PINNED.split()


def test_a_name_becomes_public_on_purpose():
    assert sorted(bo.__all__) == sorted(MENU)
    assert dir(bo) == sorted({*MENU, *bo._ROOMS})


@pytest.mark.parametrize("name", MENU)
def test_every_name_is_there_and_documented(name):
    assert getattr(bo, name).__doc__


def test_a_renamed_name_is_given_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"TestBudget is now budgetopt\.ExplorationBudget"):
        assert bo.TestBudget is bo.ExplorationBudget


def test_types_and_menu_name_the_same():
    tree = ast.parse(Path(bo.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        (alias.name, alias.asname, node.module)
        for node in block.body
        for alias in node.names
        if node.module != "budgetopt"
    }
    loaded = {(name, name, f"budgetopt.{room.split('.')[0]}") for name, room in bo._ROOM_OF.items()}
    assert typed == loaded


def test_every_room_below_the_command_line_is_loaded_by_its_name():
    rooms = {path.parent.name for path in Path(bo.__file__).parent.glob("*/__init__.py")}
    assert rooms - {"cli"} <= {*bo._ROOMS}
    for room in bo._ROOMS:
        assert getattr(bo, room).__name__ == f"budgetopt.{room}"


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
