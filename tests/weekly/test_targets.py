"""Where dated targets stand and where they are heading, by hand arithmetic and by simulation."""

import datetime as dt
import json

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.weekly import measured_so_far, target_statuses

MONDAY = dt.date(2026, 1, 5)
WEEKS = 20
NEXT = MONDAY + dt.timedelta(weeks=WEEKS)


def day(weeks, days=0):
    return MONDAY + dt.timedelta(weeks=weeks, days=days)


def history(noise=0.0, seed=0, weeks=WEEKS, total=False):
    rng = np.random.default_rng(seed)
    spend = np.round(rng.uniform(60, 140, (weeks, 2)))
    brought = [400, 200] * -np.expm1(-spend / 90) * rng.lognormal(0, noise, (weeks, 1))
    known = {"total": brought.sum(axis=1)} if total else {"outcome": brought}
    starts = np.datetime64(MONDAY) + 7 * np.arange(weeks)
    return bo.History(("a", "b"), starts, spend, **known)


def plan(*targets, **changes):
    channels = [bo.Channel("a", rates={"orders": 0.05}), bo.Channel("b", rates={"orders": 0.1})]
    fields = {"budget": 200, "currency": "CNY", "channels": channels, "outcome": "leads"}
    return bo.Plan(**fields | changes, targets=targets)


def stands(target, past=None, **changes):
    (status,) = bo.reallocate(plan(target, **changes), past or history(0.05)).targets
    return status


def test_what_is_over_is_measured_to_the_number():
    past = history()
    status = stands(bo.Target("cpa", 1, day(20, -1), day(16)), past)
    expected = past.spend[16:].sum() / past.outcome[16:].sum()
    assert status.so_far == pytest.approx(expected)
    assert status.forecast == pytest.approx(expected)
    assert (status.known, status.state, status.needed) == (1.0, "reached", 1.0)
    assert stands(bo.Target("cpa", 0.1, day(20, -1)), past).state == "missed"


def test_days_of_a_week_count_by_their_share():
    past = history()
    target = bo.Target("outcome", 1, day(19, 1), day(17, 5))
    outcome = past.outcome.sum(axis=1)
    status = stands(target, past)
    assert status.so_far == pytest.approx(outcome[17] * 2 / 7 + outcome[18] + outcome[19] * 2 / 7)
    assert measured_so_far(plan(target), target, past) == status.measured()


def test_a_change_is_against_as_many_days_right_before():
    past = history()
    status = stands(bo.Target("outcome", "+30%", day(20, -1), day(18)), past)
    outcome = past.outcome.sum(axis=1)
    assert status.needed == pytest.approx(1.3 * outcome[16:18].sum())
    assert status.forecast == pytest.approx(outcome[18:].sum())
    assert stands(bo.Target("outcome", "+30%", day(12, -1), MONDAY), past).state == "unknown"


def test_a_conversion_rate_is_that_of_the_mix_of_channels():
    past = history()
    status = stands(bo.Target("conversion-rate", "3%", day(20, -1), of="orders"), past)
    one, two = past.outcome[16:].sum(axis=0)
    assert status.so_far == pytest.approx((0.05 * one + 0.1 * two) / (one + two))
    assert status.measured().endswith("%")


def test_a_total_says_nothing_of_outcomes_that_channels_bring_at_other_rates():
    past = history(total=True)
    assert stands(bo.Target("cpa", 1, day(20, -1), of="orders"), past).state == "unknown"
    assert stands(bo.Target("cpa", 1, day(20, -1)), past).state == "reached"


def test_the_forecast_is_the_belief_at_the_split():
    target = bo.Target("outcome", 5000, day(24, -1), NEXT)
    past, declared = history(0.05), plan(target)
    decision = bo.reallocate(declared, past)
    (status,) = decision.targets
    assert status.forecast == pytest.approx(4 * decision.allocation.outcome, rel=0.01)
    assert status.low < status.forecast < status.high
    assert (status.known, status.so_far, status.chance) == (0.0, None, 0.0)
    assert status.state == "out-of-reach"
    near = stands(bo.Target("outcome", round(status.forecast), day(24, -1), NEXT))
    assert 0.4 < near.chance < 0.6


def test_demand_and_money_of_later_weeks_count():
    target = bo.Target("outcome", 5000, day(22, -1), NEXT)
    twice = stands(target, demand={day(21): 2})
    usual = stands(target)
    assert twice.forecast == pytest.approx(1.5 * usual.forecast, rel=0.03)
    phase = {"name": "off", "first": day(21), "last": day(21, 6), "budget": 0}
    half = stands(target, operation={"phases": phase})
    assert half.forecast == pytest.approx(0.5 * usual.forecast, rel=0.03)


def test_a_decision_keeps_where_its_targets_stand():
    decision = bo.reallocate(plan(bo.Target("cpa", 50, day(24))), history(0.05))
    again = bo.Decision.from_json(decision.to_json())
    assert again.targets == decision.targets
    assert again == decision
    assert json.loads(decision.to_json())["targets"][0]["state"] == "reached" or decision.targets
    assert "targets" not in bo.reallocate(plan(), history(0.05)).to_dict()


@pytest.mark.slow
def test_ranges_of_80_percent_hold_what_comes():
    """Ten weeks to come of steady markets, 60 of them; 3 standard errors of 80 % are 15 points."""
    target, inside = bo.Target("outcome", 1, day(30, -1), NEXT), 0
    declared = plan(target)
    for seed in range(60):
        every = history(0.2, seed, 30)
        past = history(0.2, seed, 30).until(NEXT)
        learned, allocation = bo.learn(past, declared), bo.reallocate(declared, past).allocation
        (status,) = target_statuses(declared, past, learned, allocation, bo.Week(NEXT), seed)
        split = np.array([float(money) for money in allocation.spend.values()])
        true = [400, 200] * -np.expm1(-every.spend[20:] / 90)
        shocks = every.outcome[20:, 0] / true[:, 0]
        came = float((shocks * ([400, 200] * -np.expm1(-split / 90)).sum()).sum())
        inside += status.low <= came <= status.high
    assert 0.65 <= inside / 60 <= 0.95
