"""Ranges beyond what was seen: nothing changes within, and outside they widen as stated."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import ELASTICITY_SD, Extrapolated
from budgetopt.curves import Power

NAMES = ("a", "b")
SEEN = np.array([[10.0, 40.0], [20.0, 80.0]])
LUCK = np.random.default_rng(4).standard_normal((4000, 1))
DRAWS = Extrapolated(Power(np.ones((4000, 2)), 1.0, 0.5), SEEN, LUCK)


def test_within_what_was_seen_draws_stay_to_the_last_bit():
    for spend in ([10.0, 80.0], [25.0, 20.0], [40.0, 50.0]):
        np.testing.assert_array_equal(DRAWS.value(spend), DRAWS.curves.value(spend))


@pytest.mark.parametrize("times", [1.5, 2.0, 4.0])
def test_beyond_it_the_doubt_grows_with_the_distance_and_is_shared(times):
    """By hand: log outcomes have the standard deviation 0.2 ln(times) in both channels at once."""
    logs = np.log(DRAWS.value(times * SEEN[:, 1]))
    sd = ELASTICITY_SD * np.log(times)
    assert logs.std(axis=0) == pytest.approx([sd, sd], rel=0.03)
    assert np.corrcoef(logs.T)[0, 1] == pytest.approx(1.0)
    plain = DRAWS.curves.value(times * SEEN[:, 1])
    assert DRAWS.value(times * SEEN[:, 1]).mean(axis=0) == pytest.approx(plain[0], rel=0.01)


def test_below_it_the_doubt_grows_half_as_fast_and_nothing_brings_nothing():
    logs = np.log(DRAWS.value([5.0, 10.0]))
    assert logs.std(axis=0) == pytest.approx([0.1 * np.log(2)] * 2, rel=0.03)
    np.testing.assert_array_equal(DRAWS.value([0.0, 0.0]), 0.0)


def test_a_channel_that_was_never_seen_keeps_its_own_doubt():
    unseen = Extrapolated(DRAWS.curves, np.array([[np.nan, np.nan], [20.0, 80.0]]), LUCK)
    value = unseen.value([1000.0, 160.0])
    assert np.ptp(value[:, 0]) == 0.0
    assert np.ptp(value[:, 1]) > 0.0


def learned(**priors):
    rng = np.random.default_rng(7)
    spend = np.round(rng.uniform(50, 150, (20, 2)))
    outcome = np.round(900 * -np.expm1(-spend / 120) * rng.lognormal(0, 0.1, spend.shape))
    days = np.datetime64("2026-01-05") + 7 * np.arange(20)
    changes = {"channels": [bo.Channel(n) for n in NAMES], "max_change": None} | priors
    plan = bo.Plan(budget=200, currency="CNY", outcome_unit=1, **changes)
    past = bo.History(NAMES, days, spend, outcome=outcome)
    return plan, bo.learn(past, plan, settings=bo.Settings.fast())


def width(plan, belief, budget):
    week = bo.allocate(bo.Plan.from_dict(plan.to_dict() | {"budget": budget}), belief)
    return (week.spread.high - week.spread.low) / week.outcome


def test_ranges_of_larger_budgets_are_wider_than_those_of_the_draws_alone():
    plan, belief = learned()
    assert width(plan, belief, 200) < width(plan, belief, 600) < width(plan, belief, 2000)
    week = bo.allocate(bo.Plan.from_dict(plan.to_dict() | {"budget": 2000}), belief)
    spend = np.array([float(money) for money in week.spend.values()])
    alone = belief.draw(np.random.default_rng(0), 200).value(spend).sum(axis=1)
    assert week.spread.high - week.spread.low > np.ptp(np.quantile(alone, [0.05, 0.95])) * 1.2


def test_lift_tests_speak_of_their_spends_and_pinned_curves_of_all():
    _, belief = learned(lift_tests=[bo.LiftTest("a", 300, 30, high=600, low=0)])
    assert belief.trusted_range[0, 1] == 600
    assert belief.trusted_range[0, 0] == belief.spend_range[0, 0]
    pinned = [bo.Channel("a", curve=bo.Hill(900, 120, 1), pinned=True), bo.Channel("b")]
    _, belief = learned(channels=pinned)
    assert np.isnan(belief.trusted_range[0]).all()
    np.testing.assert_array_equal(belief.trusted_range[1], belief.spend_range[1])


def test_what_is_promised_beyond_what_was_seen_is_marked_wherever_it_is_promised():
    plan, belief = learned()
    week = bo.allocate(bo.Plan.from_dict(plan.to_dict() | {"budget": 2000}), belief)
    assert week.extrapolated
    assert [note for note in week.notes if "observed maximum" in note]
    assert not bo.allocate(plan, belief).extrapolated
    line = bo.frontier(plan, belief, [200, 2000, 3000])
    assert [p.allocation.extrapolated for p in line.points] == [False, True, True]
    assert "budgets 2,000, 3,000." in line.summary()
    found = bo.what_if(plan, belief, {"more": {"budget": "x10"}})
    (said,) = (note for note in found.notes if note.startswith("extrapolated"))
    assert ": more;" in said
