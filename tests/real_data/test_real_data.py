"""The weekly run on data that was not made here; the plan files only map columns."""

import json
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.cli import main

HERE = Path(__file__).parent
DATA = HERE.parents[1].parent / "shared" / "data"
SETS = {
    "robyn_weekly": "robyn_weekly/dt_simulated_weekly.csv",
    "meridian_national": "meridian_national/national_all_channels.csv",
    "pymc_mmm": "pymc_mmm/mmm_example.csv",
    "pymc_roas": "pymc_mmm/mmm_roas_data.csv",
}
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets at {DATA}")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    said = capsys.readouterr()
    assert said.err == ""
    assert exit_.value.code == 0
    return said.out


@pytest.mark.parametrize("name", SETS)
def test_a_week_is_decided(capsys, name):
    plan, history = HERE / f"{name}.toml", DATA / SETS[name]
    text = run(capsys, "reallocate", plan, "--history", history, "--format", "json")
    decision = bo.Decision.from_json(text)
    declared = bo.Plan.load(plan)
    week = decision.allocation
    assert week.total <= declared.spendable
    # The gap is what is not moved, as its gain cannot be told from nothing.
    assert week.gap < 1e-2
    assert decision.moved
    for move in decision.moves:
        assert move.reason
        assert move.before is not None
        assert move.worth >= 0
    assert json.loads(text)["history"] == decision.history


@pytest.mark.parametrize("name", SETS)
def test_reasons_are_given_and_the_weakness_of_one_total_is_said(capsys, name):
    plan, history = HERE / f"{name}.toml", DATA / SETS[name]
    text = run(capsys, "reallocate", plan, "--history", history, "--explain")
    said = " ".join(text.split())
    for channel in bo.Plan.load(plan).names:
        assert f"{channel}: up from" in said or f"{channel}: down from" in said
    assert "Note: with one total outcome for" in said
    assert "the rest from the assumption" in said


@pytest.mark.parametrize("name", SETS)
def test_the_plan_fits_its_history(capsys, name):
    text = run(capsys, "check", HERE / f"{name}.toml", "--history", DATA / SETS[name])
    assert "one total outcome" in text


def test_revenue_is_the_product_of_two_columns():
    plan = bo.Plan.load(HERE / "meridian_national.toml")
    history = bo.History.read(DATA / SETS["meridian_national"], plan.columns)
    assert history.weeks.size == 156
    assert history.total.sum() == pytest.approx(1_318_718_006, rel=1e-9)


def test_spends_in_scaled_units_are_not_wiped_out():
    plan = bo.Plan.load(HERE / "pymc_mmm.toml")
    history = bo.History.read(DATA / SETS["pymc_mmm"], plan.columns)
    week = bo.reallocate(plan, history).allocation
    assert float(week.total) == pytest.approx(0.4, abs=1e-6)
    assert all(0 < float(money) < 0.4 for money in week.spend.values())


@pytest.mark.parametrize("policy", ["thompson", "thompson(20)", "hold"])
def test_every_policy_that_needs_no_outcome_by_channel_runs(policy):
    from budgetopt.policies import policy_named

    plan = bo.Plan.load(HERE / "robyn_weekly.toml")
    history = bo.History.read(DATA / SETS["robyn_weekly"], plan.columns, channels=plan.names)
    decision = bo.reallocate(plan, history, policy=policy_named(policy), seed=3)
    assert decision.policy == policy_named(policy).name
    assert decision.allocation.total <= plan.spendable
