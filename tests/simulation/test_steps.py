"""Coarse steps in a simulated year: the closed loop rounds as a live week does."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Log
from budgetopt.market import Market
from budgetopt.optimize import runs_on_steps
from budgetopt.policies import policy_named

NAMES = ("b", "a", "c")
TRUTH = {"b": Log(60, 30), "a": Log(20, 15), "c": Log(5, 40)}


def coarse_plan(**changes):
    channels = [bo.Channel(name) for name in NAMES]
    return bo.Plan(**{"budget": 100, "currency": "CNY", "channels": channels, "step": 20,
                      "max_change": "none"} | changes)  # fmt: skip


def test_a_batch_of_one_is_the_live_week():
    rng = np.random.default_rng(0)
    for _ in range(50):
        curves = Log(*rng.uniform(1, 80, (2, 3)))
        given = dict(zip(NAMES, (Log(t, s) for t, s in zip(curves.top, curves.scale, strict=True)),
                         strict=True))  # fmt: skip
        week = bo.allocate(coarse_plan(), given)
        exact = bo.allocate(coarse_plan(step=None), given)
        limits = (np.zeros((1, 3)), np.full((1, 3), np.inf), np.array([100.0]))
        spend = np.array([[float(x) for x in exact.spend.values()]])
        rank = np.array([1, 0, 2])
        found = runs_on_steps(spend, limits, 2000, 100, rank, curves)
        assert found[0].tolist() == [float(x) for x in week.spend.values()]


def test_wishes_go_to_the_nearest_steps_within_bounds_and_keep_their_total():
    rng = np.random.default_rng(1)
    lower = rng.uniform(0, 20, (200, 4))
    upper = lower + rng.uniform(0, 60, (200, 4))
    spend = rng.uniform(lower, upper)
    budget = spend.sum(axis=1) + rng.uniform(0, 30, 200)
    found = runs_on_steps(spend, (lower, upper, budget), 1000, 100, np.arange(4))
    assert np.all((found >= lower) & (found <= upper))
    assert np.all(found.sum(axis=1) <= budget + 1e-9)
    free = np.ceil(lower / 10) * 10 <= upper
    on_step = np.isclose(found % 10, 0)
    assert np.all(on_step | (found == spend))
    assert (on_step | ~free).mean() > 0.8
    assert np.abs(found - spend).max() < 30


@pytest.mark.parametrize("policy", ["posterior-mean", "thompson", "hold"])
def test_a_simulated_year_spends_whole_steps(policy):
    plan = coarse_plan()
    market = Market(plan.names, [TRUTH[name] for name in plan.names])
    year = bo.simulate(plan, market, [policy_named(policy)], weeks=4, runs=20, seed=1, detail=True)
    spend = year.record(year.policies[0]).detail[1]
    np.testing.assert_array_equal(spend % 20, 0)
    assert np.all(spend.sum(axis=-1) <= 100)
    assert "spends are not rounded to the money step" not in year.notes
