"""Channels without weeks: by hand, by identities, and never above the best known channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.belief import Posterior, Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.inputs import own_priors
from budgetopt.belief.settings import Grid
from budgetopt.belief.siblings import labels_in_common, like_siblings, sibling_shares
from budgetopt.belief.stream import Stream
from budgetopt.plan import ChannelPrior, LiftTest, Priors

from .helpers import Past, Plan, simulated

FAST = Settings.fast()
SPENDS = np.array([1.0, 100.0, 1000.0, 9000.0])[:, None]
PLAN, PAST, _ = simulated(np.random.default_rng(3), weeks=12)
WIDER = Plan((*PLAN.names, "new"), 4000.0)


def learned(**priors):
    return learn(PAST, replace(WIDER, priors=Priors(**priors)), settings=FAST)


def test_by_hand():
    """Two cells and two siblings; the third channel is new."""
    grid = Grid(100.0, 2, 2.0, ())
    chance = np.array([[[0.8, 0.2]], [[0.4, 0.6]], [[0.5, 0.5]]])
    amplitude = np.array([[[10.0, 20.0]], [[30.0, 40.0]], [[1.0, 1.0]]])
    variance = np.full((3, 1, 1), 0.04)
    posterior = Posterior(grid, (3,), chance, np.log(amplitude) - 0.02, variance)
    seen, untested = np.array([[True, True, False]]), np.zeros(3, bool)
    own = own_priors([None] * 3, 100.0)
    held = like_siblings(posterior, seen, untested, np.zeros((3, 3)), own, 0.5)
    np.testing.assert_allclose(held.chance[2, 0], [0.6, 0.4])
    # (0.8 * 10 + 0.4 * 30) / 1.2 and (0.2 * 20 + 0.6 * 40) / 0.8.
    expected = np.exp(held.log_mean[2, 0] + 0.5 * held.log_variance[2, 0])
    np.testing.assert_allclose(expected, [50 / 3, 35])
    assert held.log_variance[2, 0] == 0.25
    np.testing.assert_array_equal(held.chance[:2], chance[:2])
    # Means at the reference: 12, 36 and half of both.
    np.testing.assert_allclose(held.mean().value(100.0), [12, 36, 24])


def test_siblings_are_those_with_the_most_labels_in_common():
    labels = [
        [("platform", "douyin"), ("kind", "feeds")],
        [("platform", "douyin"), ("kind", "search")],
        [("platform", "baidu"), ("kind", "search")],
        [],
        [("platform", "douyin"), ("kind", "feeds")],
    ]
    common = labels_in_common(labels)
    assert common[0].tolist() == [2, 1, 0, 0, 2]
    seen = np.array([[False, True, True, True, False], [False, False, True, True, True]])
    shares = sibling_shares(common, seen)
    # The twin is not seen in the first run; nothing is shared in the fourth row.
    assert shares[0, 0].tolist() == [0, 1, 0, 0, 0]
    assert shares[1, 0].tolist() == [0, 0, 0, 0, 1]
    np.testing.assert_allclose(shares[0, 3], [0, 1 / 3, 1 / 3, 1 / 3, 0])
    assert sibling_shares(common, np.zeros((1, 5), bool)).sum() == 0


def test_labels_come_from_the_plan():
    same = {"kind": "search"}
    labels = tuple((name, (("kind", "search"),)) for name in ("c1", "new"))
    belief = learned(labels=labels)
    values = belief.mean().value(SPENDS)
    np.testing.assert_allclose(values[:, 3], values[:, 1])
    assert belief.log.priors.to_dict()["labels"] == {"c1": same, "new": same}
    assert type(belief).from_dict(belief.to_dict()) == belief


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    weeks=st.integers(1, 20),
    known=st.integers(1, 5),
    unit=st.sampled_from([None, 40.0, 1e5]),
    carryover=st.sampled_from([(0.0,), (0.0, 0.5)]),
)
def test_a_new_channel_is_never_above_the_best_known_one(seed, weeks, known, unit, carryover):
    """At any spend, and it is the mean of the known ones there."""
    plan, past, _ = simulated(np.random.default_rng(seed), weeks, known, unit=unit)
    if not past.outcome.any():
        return
    wider = Plan((*plan.names, "new", "newer"), plan.weekly, unit)
    chosen = replace(FAST, steep_shapes=(2.0,), carryover=carryover)
    value = learn(past, wider, settings=chosen).mean().value(SPENDS)
    old, new = value[:, :known], value[:, known:]
    assert np.all(new <= old.max(axis=1, keepdims=True) * (1 + 1e-9))
    np.testing.assert_allclose(new, old.mean(axis=1, keepdims=True).repeat(2, axis=1), rtol=1e-9)


def test_with_one_total_too():
    total = PAST.outcome.sum(axis=1) + 500.0
    belief = learn(Past(PAST.channels, PAST.spend, None, total), WIDER)
    value = belief.mean().value(SPENDS)
    np.testing.assert_allclose(value[:, 3], value[:, :3].mean(axis=1), rtol=1e-9)


def test_what_was_declared_of_the_channel_stays():
    usual = learned()
    roas = learned(channels=(("new", ChannelPrior(roas=7.0, roas_sd=0.1)),))
    assert roas.response(1000.0).mean[3] == pytest.approx(7000, rel=0.02)
    shaped = learned(channels=(("new", ChannelPrior(saturation=300.0, saturation_sd=0.1)),))
    at_reference = usual.mean().value(1000.0)
    assert shaped.mean().value(1000.0)[3] == pytest.approx(at_reference[3])
    assert shaped.summary()[3].saturation.mean == pytest.approx(300, rel=0.3)
    quiet = learned(channels=(("new", ChannelPrior(noise=0.1)),))
    np.testing.assert_allclose(quiet.mean().value(SPENDS), usual.mean().value(SPENDS))
    by_noise = quiet.posterior.chance[3].sum(axis=1).reshape(len(FAST.drift), -1).sum(axis=0)
    assert by_noise[0] > 0.6
    test = LiftTest("new", 20_000.0, 100.0, 1000.0)
    assert learned(lift_tests=(test,)).mean().value(1000.0)[3] == pytest.approx(20_000, rel=0.01)


def test_a_channel_ceases_to_be_new_with_its_first_week():
    spend = np.column_stack([PAST.spend, np.where(np.arange(12) < 11, np.nan, 500.0)])
    outcome = np.column_stack([PAST.outcome, np.where(np.arange(12) < 11, np.nan, 9000.0)])
    held = learn(Past(WIDER.names, spend, outcome), WIDER, settings=FAST).mean().value(500.0)
    assert held[3] > 6000 > held[:3].max()


def test_predictions_are_of_the_same_curves():
    held = learned().predict(1000.0)
    quiet = learned().response(1000.0)
    assert held.mean[3] == pytest.approx(quiet.mean[3], rel=0.2)
    assert held.low[3] < quiet.low[3] < quiet.high[3] < held.high[3]


def test_runs_at_once_are_as_many_beliefs():
    labels = ((), (("kind", "a"),), (), (("kind", "a"),))
    stream = Stream(4, 2, reference=1000.0, unit=40.0, settings=FAST, labels=labels)
    spend = np.stack([np.column_stack([PAST.spend, np.zeros(12)])] * 2, axis=1)
    spend[:, 1, 1] = 0.0
    outcome = np.stack([np.column_stack([PAST.outcome, np.zeros(12)])] * 2, axis=1)
    outcome[:, 1, 1] = 0.0
    for week in zip(spend, outcome, strict=True):
        stream.learn(*week)
    known = Priors(labels=(("c1", (("kind", "a"),)), ("new", (("kind", "a"),))))
    plan = replace(WIDER, outcome_unit=40.0, priors=known)
    weights = stream.posterior.mean().weights
    for run in range(2):
        past = Past(WIDER.names, spend[:, run], outcome[:, run])
        live = learn(past, plan, settings=FAST)
        np.testing.assert_allclose(weights[run], live.mean().weights, rtol=1e-9)
    # What the next week renews is the filter's own, not what was shown.
    before = stream.posterior.mean().weights
    np.testing.assert_array_equal(before, stream.posterior.mean().weights)
