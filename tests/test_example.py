"""The weekly example: its history is made by its script, and its plan is decided."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import budgetopt as bo

WEEKLY = Path(__file__).parents[1] / "examples" / "weekly"


def test_the_script_makes_the_history_byte_for_byte(tmp_path):
    shutil.copy(WEEKLY / "make_history.py", tmp_path)
    subprocess.run([sys.executable, "make_history.py"], cwd=tmp_path, check=True)
    made = (tmp_path / "history.csv").read_bytes()
    assert made == (WEEKLY / "history.csv").read_bytes()


def test_the_example_is_decided_and_verified():
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    history = bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)
    assert history.weeks.size == 52
    assert len(plan.names) == 12
    decision = bo.reallocate(plan, history)
    week = decision.allocation
    assert week.gap < 1e-4
    assert week.total == plan.spendable == 18750
    assert week.held == 1250
    assert week.spend["企业微信 WeCom"] == 500
    assert bo.Allocation.from_dict(week.to_dict()) == week
    for move, channel in zip(decision.moves, plan.channels, strict=True):
        assert move.after >= channel.floor
        assert channel.cap is None or move.after <= channel.cap
        assert move.after % 10 == 0


def test_the_history_ends_before_the_library_was_made():
    # Otherwise the example would depend on the day it is tried.
    history = bo.History.read(WEEKLY / "history.csv", bo.Plan.load(WEEKLY / "plan.toml").columns)
    assert str(history.weeks[-1]) == "2025-11-10"


def test_the_budget_that_does_not_add_up_is_refused_by_the_difference(tmp_path):
    text = (WEEKLY / "plan.toml").read_text(encoding="utf-8")
    assert text.count("total = 110000") == 1
    path = tmp_path / "plan.toml"
    path.write_text(text.replace("total = 110000", "total = 100000"), encoding="utf-8")
    with pytest.raises(bo.PlanError, match="10,000") as error:
        bo.Plan.load(path)
    assert error.value.code == "lines-do-not-add-up"
