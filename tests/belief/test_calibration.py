"""Next week's outcome, and the record of the predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.belief import Calibration, Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.learning import calibration
from budgetopt.errors import InputError

from .helpers import Past, Plan, simulated

PLAN, PAST, CURVE = simulated(np.random.default_rng(1), weeks=30, channels=4)
QUICK = Settings(points=7, noise=(0.1, 0.2, 0.4), drift=(0.01, 0.05))
BELIEF = learn(PAST, PLAN, settings=QUICK)


def simulate(belief, spend, rng, draws):
    """Return next week's log outcomes, drawn step by step from what the filter holds."""
    walked = belief.walked
    model, tables = walked.model, walked.state.tables
    answer = np.empty((draws, len(spend)))
    effect_mean, effect_sd = belief.week_effect
    chance = [one.chance for one in model.hypotheses]
    for channel in range(len(spend)):
        flat = tables.chance[channel].ravel()
        at = rng.choice(flat.size, draws, p=flat / flat.sum())
        nuisance, cell = np.divmod(at, model.cells)
        what = rng.choice(len(chance), draws, p=chance)
        level = np.array([one.level for one in model.hypotheses])[what]
        week = np.array([one.week for one in model.hypotheses])[what]
        noise, drift = model.noise[nuisance], model.drift[nuisance]
        variance = tables.variance[channel, nuisance] + drift**2 + level
        a = rng.normal(tables.mean[channel, nuisance, cell], np.sqrt(variance))
        w = rng.normal(effect_mean, effect_sd, draws)
        shape = model.grid.log_value(spend)[channel][cell % model.grid.size]
        eta = a + shape + w + rng.normal(-(noise**2) / 2, np.sqrt(noise**2 + week))
        answer[:, channel] = rng.poisson(np.exp(eta) / walked.inputs.event[channel])
        answer[:, channel] *= walked.inputs.event[channel]
    return answer


def test_predictions_hold_what_is_simulated_from_the_belief():
    spend = np.array([500.0, 1000.0, 1500.0, 800.0])
    outcome = simulate(BELIEF, spend, np.random.default_rng(2), 8000)
    for level in (0.5, 0.8, 0.95):
        held = BELIEF.predict(spend, level)
        inside = np.mean((held.low <= outcome) & (outcome <= held.high), axis=0)
        assert np.all(np.abs(inside - level) < 0.02)
    np.testing.assert_allclose(BELIEF.predict(spend).mean, outcome.mean(axis=0), rtol=0.05)


def test_a_prediction_is_wider_than_the_response():
    response, week = BELIEF.response(1000.0), BELIEF.predict(1000.0)
    assert np.all((week.low < response.low) & (response.high < week.high))


def test_a_common_rise_that_lasts_is_predicted_to_go_on():
    """Twelve weeks at 1.4 times the usual in all channels: most of it is the week effect's."""
    outcome = PAST.outcome.copy()
    outcome[18:] *= 1.4
    risen = learn(replace(PAST, outcome=outcome), PLAN, settings=QUICK)
    both = np.log(risen.predict(1000.0).mean / BELIEF.predict(1000.0).mean)
    assert np.all(both > 0.15)
    assert risen.week_effect[0] > BELIEF.week_effect[0] + 0.05


def test_one_total_predicts_no_channel():
    past = Past(PAST.channels, PAST.spend, None, PAST.outcome.sum(axis=1))
    belief = learn(past, PLAN, settings=Settings(total_points=5, sweeps=2))
    with pytest.raises(InputError, match="one total"):
        belief.predict(100.0)
    assert belief.calibration() == Calibration(0.8, 0, 0)
    assert belief.calibration().covered is None
    assert belief.week_effect == (0.0, 0.0)


def test_the_record_counts_ranks():
    ranks = np.array([[0.05, 0.5], [0.5, np.nan], [0.95, 0.2], [0.91, 0.10001]])
    walked = BELIEF.walked._replace(records=BELIEF.walked.records._replace(rank=ranks))
    assert calibration(walked, 4, 0.8) == Calibration(0.8, 4, 7)
    assert calibration(walked, 1, 0.8) == Calibration(0.8, 1, 2)
    assert calibration(walked, 2, 0.95) == Calibration(0.95, 4, 4)
    assert calibration(walked, 0, 0.8).covered is None
    assert calibration(walked, 100, 0.8).outcomes == 7
    assert calibration(walked, 4, 0.8).covered == pytest.approx(4 / 7)


def test_the_record_is_made_before_each_week():
    """A week's rank comes from a belief without it: the band of `predict` the week before."""
    before = learn(PAST.rows(slice(29)), PLAN, settings=QUICK)
    rank = BELIEF.walked.ranks[29]
    for level in (0.3, 0.8):
        held = before.predict(PAST.spend[29], level)
        inside = (held.low < PAST.outcome[29]) & (PAST.outcome[29] < held.high)
        # The week effect is then told by the other channels of the week itself.
        near = np.abs(np.abs(rank - 0.5) - level / 2) < 0.1
        np.testing.assert_array_equal(inside[~near], (np.abs(rank - 0.5) < level / 2)[~near])


@given(seed=st.integers(0, 2**32 - 1), mean=st.sampled_from([0.3, 5.0, 1e3, 1e9]))
@settings(max_examples=25)
def test_ranks_lie_between_0_and_1(seed, mean):
    rng = np.random.default_rng(seed)
    outcome = np.round(mean * rng.lognormal(0, 1.5, (6, 3)))
    outcome[0, 0] = max(outcome[0, 0], 1.0)
    past = Past(("a", "b", "c"), 100 * rng.lognormal(0, 1, (6, 3)), outcome)
    ranks = learn(past, Plan(past.channels, 300.0, 1.0), settings=Settings.fast()).walked.ranks
    assert np.all((ranks >= 0) & (ranks <= 1))
