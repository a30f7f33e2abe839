"""Lift tests and earlier models: against adaptive quadrature, by direction and by count."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from budgetopt.belief import Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.evidence import log_step, renewed
from budgetopt.curves import Hill
from budgetopt.plan.priors import LiftTest, Priors

from .helpers import Past, Plan, simulated

SMALL = Settings(points=7, noise=(0.1, 0.2, 0.4), drift=(0.01, 0.05))
PLAN, PAST, CURVE = simulated(np.random.default_rng(1), weeks=20, channels=3)
LAST = dt.date(2022, 5, 22)
PRIOR = learn(PAST, PLAN, settings=SMALL)


def told(*tests, past=PAST, **change):
    plan = replace(PLAN, priors=Priors(lift_tests=tests, **change))
    return learn(past, plan, settings=SMALL)


def by_brute_force(mean, sd, step, test):
    """Return mean, variance and log evidence of the log amplitude from 400,000 levels.

    A first grid finds where the mass lies, a second one weighs it.
    """
    likely = np.log([max(test.incremental, 1e-3 * test.error), abs(test.incremental) + test.error])
    ends = min(mean - 12 * sd, likely[0] - step - 1), max(mean + 12 * sd, likely[1] - step + 1)
    for _ in range(2):
        a = np.linspace(*ends, 200_001)
        miss = (test.incremental - np.exp(np.minimum(a + step, 300.0))) / test.error
        dense = -0.5 * (np.square((a - mean) / sd) + np.square(miss))
        most = dense.max()
        held = a[dense > most - 45]
        ends = held[0] - 1e-9, held[-1] + 1e-9
    dense = np.exp(dense - most)
    mass = trapezoid(dense, a)
    first = trapezoid(dense * a, a) / mass
    return first, trapezoid(dense * np.square(a - first), a) / mass, np.log(mass / sd) + most


@pytest.mark.parametrize("low", [0.0, 400.0])
@pytest.mark.parametrize(
    ("incremental", "error"),
    [(900, 300), (900, 30), (900, 0.9), (5000, 100), (0, 200), (-150, 200), (20, 200), (40, 0.04)],
)
def test_a_result_agrees_with_brute_force(incremental, error, low):
    """Sharp ones, far ones, zero and negative ones; in every fifth cell."""
    test = LiftTest("c0", incremental, error, 1000.0, low)
    step = log_step(test, PRIOR.grid)
    mean, variance = np.linspace(5.5, 7.5, step.size), np.linspace(0.003, 1.0, step.size)
    found = np.array(renewed(mean, variance, step, test))
    for cell in range(0, step.size, 5):
        direct = by_brute_force(mean[cell], np.sqrt(variance[cell]), step[cell], test)
        assert found[0, cell] == pytest.approx(direct[0], abs=1e-3 * np.sqrt(direct[1]))
        assert found[1, cell] == pytest.approx(direct[1], rel=1e-3)
        assert found[2, cell] == pytest.approx(direct[2], abs=1e-3)


def test_what_a_step_brings():
    test = LiftTest("c0", 1.0, 1.0, 2000.0, 500.0)
    step = log_step(test, PRIOR.grid)
    value = PRIOR.grid.cells.value
    brought = value(np.full(step.size, 2000.0)) - value(np.full(step.size, 500.0))
    np.testing.assert_allclose(np.exp(step), brought, rtol=1e-12)
    hold = log_step(replace(test, low=0.0), PRIOR.grid)
    np.testing.assert_allclose(np.exp(hold), value(np.full(step.size, 2000.0)), rtol=1e-12)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_test_moves_the_belief_towards_its_result(factor):
    before = PRIOR.response(1000.0).mean[0]
    result = factor * before
    after = told(LiftTest("c0", result, 0.2 * result, 1000.0, ended=LAST))
    assert min(before, result) < after.response(1000.0).mean[0] < max(before, result)
    held, was = after.response(1000.0), PRIOR.response(1000.0)
    np.testing.assert_allclose(held.mean[1:], was.mean[1:], rtol=0.05)
    assert after.data_share[0] > PRIOR.data_share[0] - 0.01


@pytest.mark.parametrize("relative", [1e-2, 1e-3, 1e-5])
def test_a_sharp_test_pins_the_response(relative):
    """After all weeks, on a channel with none: the result to within its error, in every cell."""
    wider = Plan((*PLAN.names, "new"), 4000.0)
    result = 1700.0
    test = LiftTest("new", result, relative * result, 1000.0, ended=LAST)
    belief = learn(PAST, replace(wider, priors=Priors(lift_tests=(test,))), settings=SMALL)
    held = belief.response(1000.0, 0.9)
    assert held.mean[3] == pytest.approx(result, rel=3 * relative)
    assert held.high[3] / held.low[3] < 1 + 5 * relative
    # At the reference all cells say the same, so shapes stay as they were.
    old = learn(PAST, wider, settings=SMALL).walked.state.tables.cell_chance[3]
    np.testing.assert_allclose(belief.posterior.by_cell()[3], old, atol=2e-3)


def test_two_spends_tell_the_shape():
    """Half of the response at a tenth of the money: a channel that is all but saturated."""
    tests = [LiftTest("c0", 2000.0, 20.0, 1000.0), LiftTest("c0", 1400.0, 14.0, 100.0)]
    saturation = told(*tests).summary()[0].saturation.mean
    straight = [LiftTest("c0", 2000.0, 20.0, 1000.0), LiftTest("c0", 230.0, 2.3, 100.0)]
    assert saturation < 300 < told(*straight).summary()[0].saturation.mean


@pytest.mark.parametrize("incremental", [0.0, -100.0, -1000.0])
def test_no_or_negative_lift_means_little_response(incremental):
    before = PRIOR.response(1000.0).mean[0]
    after = told(LiftTest("c0", incremental, 0.1 * before, 1000.0, ended=LAST)).response(1000.0)
    assert 0 < after.low[0] < after.mean[0] < 0.7 * before
    assert np.isfinite(after.high[0])


def test_an_earlier_models_curve_counts_once():
    """Told at one spend or at eight, it says no more of the height."""
    wider = Plan((*PLAN.names, "new"), 4000.0)
    curve = Hill(4000.0, 1000.0, 1.0)
    spread = []
    for spends in ([1000.0], np.geomspace(600, 1600, 8)):
        tests = LiftTest.from_curve("new", curve, spends, 0.3)
        belief = learn(PAST, replace(wider, priors=Priors(lift_tests=tests)),
                       settings=SMALL)  # fmt: skip
        held = belief.response(1000.0)
        spread.append(np.log(held.high[3] / held.low[3]))
        assert held.low[3] < 2000 < held.high[3]
    assert spread[1] == pytest.approx(spread[0], rel=0.15)


def test_the_older_a_test_the_less_it_says():
    """Before, among and after the weeks, of a channel that has none: it drifts on since."""
    wider = Plan((*PLAN.names, "new"), 4000.0)
    spread = []
    for day in (None, dt.date(2022, 3, 1), dt.date(2023, 1, 1)):
        test = LiftTest("new", 1700.0, 17.0, 1000.0, ended=day)
        held = learn(
            PAST, replace(wider, priors=Priors(lift_tests=(test,))), settings=SMALL
        ).response(1000.0)
        spread.append(held.high[3] / held.low[3])
    assert spread[0] > spread[1] > spread[2]
    # 1 % either way.
    assert spread[2] == pytest.approx(np.exp(2 * 1.2816 * 0.01), rel=1e-3)


def test_a_test_learned_with_the_weeks_or_one_by_one():
    test = LiftTest("c1", 2500.0, 200.0, 1200.0, 300.0, ended=dt.date(2022, 4, 6))
    after = replace(test, ended=dt.date(2022, 5, 18))
    whole = told(test, after)
    step = told(test, after, past=PAST.rows(slice(1)))
    for week in range(1, 20):
        step = step.updated(PAST.rows(slice(week, week + 1)))
    for one, other in zip(step.walked.state.tables, whole.walked.state.tables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_total_hears_tests_too():
    past = Past(PAST.channels, PAST.spend, None, 5e3 + PAST.outcome.sum(axis=1))
    quick = Settings(total_points=5, total_carryover=(0.0, 0.4), sweeps=3)
    plain = learn(past, PLAN, settings=quick).response(1000.0)
    result = 2 * plain.mean[0]
    plan = replace(PLAN, priors=Priors(lift_tests=(LiftTest("c0", result, 0.02 * result, 1000.0),)))
    held = learn(past, plan, settings=quick).response(1000.0)
    assert held.mean[0] == pytest.approx(result, rel=0.05)


@given(st.floats(-3, 3), st.floats(0.01, 25), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_any_result_leaves_numbers(mean, variance, incremental, error):
    test = LiftTest("c0", incremental, error, 1000.0)
    after = renewed(np.array([mean]), np.array([variance]), np.array([0.3]), test)
    assert all(np.isfinite(part).all() for part in after)
    assert 0 < after[1][0] <= 4 * variance
