"""Outcomes by channel: by hand, by direct integration, by identities and on simulated truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.stats import norm

from budgetopt.belief import Settings, learn
from budgetopt.belief.per_channel import event_size
from budgetopt.errors import HistoryError, InputError

from .helpers import Past, Plan, names, simulated

ONE_NOISE = Settings(noise=(0.5,), centre_sd=0.0)


def test_one_observation_by_hand():
    """At the reference every cell says the same: a normal prior times a normal likelihood."""
    belief = learn(
        Past(("a",), np.array([[100.0]]), np.array([[800.0]])),
        Plan(("a",), 100.0, 1.0),
        settings=ONE_NOISE,
    )
    # Prior: ROAS 8 at the reference, sd 1. Observation: ln 800.5 + 0.5²/2, variance 0.25 + 1/800.
    prior, noise = np.log(800.0), 0.25 + 1 / 800
    variance = 1 / (1 + 1 / noise)
    mean = variance * (prior + (np.log(800.5) + 0.125) / noise)
    np.testing.assert_allclose(belief.log_mean, mean, rtol=1e-14)
    np.testing.assert_allclose(belief.log_variance, variance, rtol=1e-14)
    expected = np.exp(mean + variance / 2)
    np.testing.assert_allclose(belief.mean().value([100.0]), expected, rtol=1e-13)
    np.testing.assert_allclose(belief.data_share, 1 - variance, rtol=1e-12)
    # A single observation at the reference cannot tell the shapes apart.
    np.testing.assert_allclose(
        belief.chance[0, :, 0], belief.grid.prior(np.zeros(1), 1.0)[0], rtol=1e-12
    )


def test_agrees_with_direct_integration():
    """The chances and moments from a dense grid over the log amplitude, written out."""
    rng = np.random.default_rng(3)
    spend, outcome = 100 * rng.uniform(0.2, 3, (6, 1)), rng.uniform(50, 300, (6, 1))
    levels = (0.1, 0.3, 0.6)
    chosen = Settings(points=5, noise=levels, centre_sd=0.0, usual_noise=0.2)
    belief = learn(Past(("a",), spend, outcome), Plan(("a",), 100.0, 1.0), settings=chosen)
    roas = outcome.sum() / spend.sum()
    a = np.log(roas * 100.0) + np.linspace(-9, 9, 20_001)
    cell = belief.grid.prior(np.zeros(1), 1.0)[0]
    # The usual noise is one of five, 0.7 apart in the logarithm.
    usual = np.log(0.2) + 0.7 * np.linspace(-2, 2, 5)
    hyper = norm.pdf(np.linspace(-2, 2, 5))
    density = norm.pdf(np.log(levels), usual[:, None], 0.5)
    noise = hyper @ (density / density.sum(axis=1, keepdims=True))
    mass, first = np.empty((20, 3)), np.empty((20, 3))
    for k in range(20):
        shape = belief.grid.log_value(spend[:, 0])[:, k]
        for s, sigma in enumerate(levels):
            sd = np.sqrt(sigma**2 + 1 / np.maximum(roas * spend[:, 0], 1))
            at = a[:, None] + shape - sigma**2 / 2
            like = norm.logpdf(np.log(outcome[:, 0] + 0.5), at, sd).sum(axis=1)
            density = cell[k] * noise[s] * np.exp(like) * norm.pdf(a, np.log(roas * 100.0), 1)
            mass[k, s], first[k, s] = trapezoid(density, a), trapezoid(density * a, a)
    np.testing.assert_allclose(belief.chance[0], mass / mass.sum(), rtol=1e-8)
    np.testing.assert_allclose(belief.log_mean[0], first / mass, rtol=1e-8)


def test_order_of_channels_does_not_matter():
    plan, past, _ = simulated(np.random.default_rng(0), channels=5)
    turned = plan.names[::-1]
    there = learn(past, plan).mean()
    back = learn(past, Plan(turned, plan.weekly)).mean()
    np.testing.assert_allclose(back.weights[::-1], there.weights, rtol=1e-10)


def test_order_of_weeks_does_not_matter():
    plan, past, _ = simulated(np.random.default_rng(0))
    mixed = past.rows(np.random.default_rng(1).permutation(len(past.spend)))
    np.testing.assert_allclose(
        learn(mixed, plan).mean().weights, learn(past, plan).mean().weights, rtol=1e-9
    )


@pytest.mark.parametrize("money", [1.0, 1e3, 1e-6])
@pytest.mark.parametrize("outcome", [1.0, 1e-6, 7e8])
@pytest.mark.parametrize("unit", [None, 30.0])
def test_units_scale_the_answer(money, outcome, unit):
    plan, past, _ = simulated(np.random.default_rng(4), unit=30.0)
    before = learn(past, Plan(plan.names, plan.weekly, unit)).mean()
    after = learn(
        Past(past.channels, past.spend * money, past.outcome * outcome),
        Plan(plan.names, plan.weekly * money, unit and unit * outcome),
    ).mean()
    np.testing.assert_allclose(after.weights, before.weights * outcome, rtol=1e-9)
    x = np.array([10.0, 500.0, 5000.0])
    np.testing.assert_allclose(after.value(x * money), before.value(x) * outcome, rtol=1e-9)


def test_channel_without_data_keeps_its_prior():
    plan, past, _ = simulated(np.random.default_rng(5), channels=2)
    wider = Plan((*plan.names, "new"), plan.weekly * 1.5)
    belief = learn(past, wider)
    roas = past.outcome.sum() / past.spend.sum()
    np.testing.assert_allclose(belief.log_mean[2], np.log(roas * 1000.0), rtol=1e-12)
    assert np.all(belief.log_variance[2] == 1.0)
    assert belief.data_share[2] == 0.0
    assert np.isnan(belief.spend_range[2]).all()
    assert "no data for 'new': the prior is all there is" in belief.notes
    assert belief.summary()[2].at_usual is None
    # And it takes nothing from the others.
    np.testing.assert_allclose(
        belief.mean().weights[:2],
        learn(past, Plan(plan.names, 2000.0)).mean().weights,
        rtol=1e-12,
    )


def test_more_data_narrows():
    plan, past, _ = simulated(np.random.default_rng(6), weeks=200)
    few, many = (learn(past.rows(slice(n)), plan).response(1000.0) for n in (10, 200))
    assert np.all(many.high / many.low < few.high / few.low)


def test_missing_and_zero_weeks_are_left_out():
    plan, past, _ = simulated(np.random.default_rng(7), weeks=20)
    spend, outcome = past.spend.copy(), past.outcome.copy()
    spend[3], outcome[4], spend[5, 0] = np.nan, np.nan, 0.0
    holes = learn(Past(past.channels, spend, outcome), plan)
    assert "2 weeks of 'c0' left out: spend or outcome not reported" in holes.notes
    keep = [t for t in range(20) if t not in (3, 4)]
    alone = past.rows(keep)
    alone.spend[3, 0] = 0.0
    np.testing.assert_allclose(holes.mean().weights, learn(alone, plan).mean().weights, rtol=1e-10)


def test_partial_weeks_are_left_out_and_said():
    plan, past, _ = simulated(np.random.default_rng(8), weeks=20)
    partial = np.arange(20) == 19
    whole = Past(past.channels, past.spend, past.outcome, partial=partial)
    belief = learn(whole, plan)
    assert "1 week left out: not over yet" in belief.notes
    assert np.array_equal(belief.chance, learn(past.rows(slice(19)), plan).chance)


def test_event_size_from_zeros():
    outcome = np.array([[0.0, 10.0, 0.0], [4.0, 30.0, 0.0], [0.0, 20.0, 0.0], [8.0, 20.0, 0.0]])
    seen = np.ones((4, 3), dtype=bool)
    size = event_size(outcome, seen, None)
    # Half of the weeks zero: mean 3 = u ln 2; no zero: 1 % of the median; all zero: the median.
    np.testing.assert_allclose(size[:2], [3 / np.log(2), 0.2])
    assert size[2] == np.median(size[:2])
    assert np.array_equal(event_size(outcome, seen, 2.5), [2.5] * 3)


def test_zero_outcomes_mean_little_response():
    past = Past(names(2), np.full((30, 2), 50.0), np.tile([0.0, 40.0], (30, 1)))
    response = learn(past, Plan(names(2), 100.0, 1.0)).response(50.0)
    assert response.high[0] < 1.5
    assert 35 < response.low[1] < response.high[1] < 45
    nothing = Past(names(2), np.full((30, 2), 50.0), np.zeros((30, 2)))
    assert np.all(learn(nothing, Plan(names(2), 100.0, 1.0)).response(50.0).high < 1.5)
    with pytest.raises(HistoryError, match="outcome above zero") as caught:
        learn(nothing, Plan(names(2), 100.0))
    assert caught.value.code == "no-data"


@pytest.mark.parametrize(
    ("spend", "outcome"),
    [(np.zeros((5, 2)), np.ones((5, 2))), (np.full((5, 2), np.nan), np.ones((5, 2)))],
)
def test_nothing_to_learn_from(spend, outcome):
    with pytest.raises(HistoryError, match="'c0', 'c1'") as caught:
        learn(Past(names(2), spend, outcome), Plan(names(2), 10.0))
    assert caught.value.code == "no-data"


def test_a_paused_week_is_learned_at_the_usual_money_of_its_history():
    past = Past(("a",), np.full((4, 1), 50.0), np.full((4, 1), 9.0))
    assert learn(past, Plan(("a",), 0.0)).reference == 50.0
    with pytest.raises(InputError):
        learn(Past(("a",), np.zeros((4, 1)), np.zeros((4, 1))), Plan(("a",), 0.0))


@pytest.mark.parametrize("weekly", [-1.0, np.nan, np.inf])
def test_plan_without_money(weekly):
    with pytest.raises(InputError) as caught:
        learn(Past(("a",), np.ones((1, 1)), np.ones((1, 1))), Plan(("a",), weekly))
    assert caught.value.code == "bad-argument"


@pytest.mark.parametrize(("weeks", "channels"), [(1, 1), (1, 1000), (10_000, 1)])
def test_sizes(weeks, channels):
    plan, past, _ = simulated(np.random.default_rng(9), weeks=weeks, channels=channels)
    belief = learn(past, plan)
    assert belief.mean().weights.shape == (channels, belief.grid.size)
    assert np.isfinite(belief.mean().weights).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    weeks=st.integers(1, 12),
    scale=st.floats(-6, 6),
    unit=st.sampled_from([None, 1.0, 50.0]),
)
@settings(max_examples=60, deadline=None)
def test_mean_curve_is_a_curve(seed, weeks, scale, unit):
    """Nondecreasing, concave, zero at zero and finite, whatever the history."""
    rng = np.random.default_rng(seed)
    spend = 10.0**scale * rng.lognormal(0, 2, (weeks, 3)) * (rng.random((weeks, 3)) < 0.7)
    outcome = rng.lognormal(0, 3, (weeks, 3)) * (rng.random((weeks, 3)) < 0.7)
    spend[0], outcome[0] = 10.0**scale, 1.0
    curve = learn(Past(names(3), spend, outcome), Plan(names(3), 3 * 10.0**scale, unit)).mean()
    x = 10.0**scale * np.geomspace(1e-4, 1e4, 40)[:, None] * np.ones(3)
    value, slope = curve.value(x), curve.slope(x)
    assert np.all(curve.value(np.zeros(3)) == 0.0)
    assert curve.concave
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert np.all(np.diff(value, axis=0) >= 0)
    assert np.all(np.diff(slope, axis=0) <= 0)


def coverage(reps, **how):
    held, marginal, error = [], [], []
    for seed in range(reps):
        plan, past, curve = simulated(np.random.default_rng(seed), **how)
        belief = learn(past, plan)
        x = belief.usual_spend
        response, slope, true = belief.response(x), belief.marginal(x), curve(x)
        steep = (curve(x * 1.001) - curve(x * 0.999)) / (0.002 * x)
        held.append((response.low <= true) & (true <= response.high))
        marginal.append((slope.low <= steep) & (steep <= slope.high))
        error.append(np.log(response.mean / true))
    return np.mean(held), np.mean(marginal), np.mean(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "bias"),
    [
        ({"weeks": 8}, 0.04),
        ({"weeks": 40}, 0.02),
        ({"weeks": 104, "noise": 0.5}, 0.02),
        ({"weeks": 52, "noise": 0.1, "unit": 30.0}, 0.02),  # some 100 events a week
        ({"weeks": 52, "noise": 0.1, "unit": 150.0}, 0.03),  # some 20
        ({"weeks": 52, "noise": 0.1, "unit": 600.0}, 0.05),  # some 5
    ],
)
def test_bands_hold_the_truth(how, bias):
    """90 % bands hold 90 %: of 450 true values at least 83 %, five binomial standard deviations
    below, as the channels of a run share a prior and 8 weeks lean on it."""
    response, slope, error = coverage(150, **how)
    assert response > 0.83
    assert slope > 0.83
    assert abs(error) < bias
