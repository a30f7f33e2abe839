"""Past weeks decided again: no leak, by hand, and what cannot be known."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.belief.learning import forecast
from budgetopt.weekly import known_before

from .helpers import MONDAY, NAMES, history, plan

FAST = bo.Settings.fast()
PAST = history(14, noise=0.3)
PLAN = plan(max_change="50%")


def tested(past=PAST, of=PLAN, **asked):  # noqa: PT028 - no test
    return bo.backtest(of, past, **{"settings": FAST, "policies": ["optimistic"]} | asked)


def same_until(one, other, weeks):
    """Whether two backtests agree, to the bit, in advice and forecasts of their first weeks."""
    for mine, theirs in zip(one.weeks[:weeks], other.weeks[:weeks], strict=True):
        assert mine.failed == theirs.failed
        np.testing.assert_array_equal(mine.expected, theirs.expected)
        for name in mine.advised:
            np.testing.assert_array_equal(mine.advised[name], theirs.advised[name])


FOUND = tested()


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_no_future_row_changes_a_past_decision(data):
    """The week's own outcome and all later rows are permuted, scaled or lost."""
    first = data.draw(st.integers(8, 13))
    order = data.draw(st.permutations(range(first, 14)))
    scale = data.draw(st.floats(0.1, 10.0))
    spend, outcome = PAST.spend.copy(), PAST.outcome.copy()
    outcome[first:] = np.round(scale * PAST.outcome[order])
    spend[first + 1 :] = np.round(scale * PAST.spend[sorted(order[1:], reverse=True)])
    if data.draw(st.booleans()):
        outcome[first + 1 :, 1] = np.nan
    changed = bo.History(NAMES, PAST.weeks, spend, outcome=outcome)
    same_until(FOUND, tested(changed), first - 8 + 1)


def test_weeks_that_come_later_change_nothing_either():
    same_until(tested(PAST.until(dt.date(2025, 5, 19))), FOUND, 3)


def test_each_week_is_the_decision_of_its_own_morning():
    for at, week in enumerate(FOUND.weeks, start=8):
        then = replace(PAST.until(week.start), data_through=week.start - dt.timedelta(days=1))
        budget = int(PAST.spend[at].sum())
        belief = bo.learn(then, PLAN, settings=FAST)
        decision = bo.reallocate(replace(PLAN, budget=budget), then, belief=belief)
        assert decision.week.start == week.start
        spend = [float(money) for money in decision.allocation.spend.values()]
        assert week.advised["optimistic(1)"].tolist() == spend


def test_forecasts_are_the_predictions_of_the_week_before():
    """Inside an 80 % band where the rank is within 0.4 of the middle, and of its mean."""
    week = FOUND.weeks[3]
    belief = bo.learn(PAST.until(week.start), PLAN, settings=FAST)
    band = belief.predict(week.spend, 0.8)
    half = 0.5 * belief.walked.inputs.event
    inside = (band.low <= week.outcome + half) & (week.outcome + half <= band.high)
    np.testing.assert_array_equal(np.abs(week.rank - 0.5) <= 0.4, inside)
    effect, doubt = belief.walked.effect_ahead()
    mean = belief.mean().value(week.spend) * np.exp(effect + doubt / 2)
    np.testing.assert_allclose(week.expected, mean, rtol=1e-9)


def test_records_by_hand():
    weeks = FOUND.weeks
    parts = ("outcome", "expected", "usual", "rank")
    outcome, expected, usual, rank = (np.stack([getattr(w, p) for w in weeks]) for p in parts)
    record = FOUND.records[1]
    assert (record.channel, record.weeks, record.outcome) == ("feed", 6, outcome[:, 1].sum())
    assert record.expected == pytest.approx(expected[:, 1].sum())
    error = np.abs(outcome - expected)[:, 1].mean() / outcome[:, 1].mean()
    assert record.error == pytest.approx(error)
    assert record.inside == np.mean(np.abs(rank[:, 1] - 0.5) <= 0.4)
    # Last week's return on this week's money.
    before = PAST.outcome[7, 1] / PAST.spend[7, 1] * PAST.spend[8, 1]
    assert usual[0, 1] == pytest.approx(before)
    whole = FOUND.records[-1]
    assert whole.channel == ""
    miss = np.abs(outcome.sum(axis=1) - expected.sum(axis=1)).sum()
    assert whole.error == pytest.approx(miss / outcome.sum())
    inside = [np.sum(np.abs(rank - 0.5) <= level / 2) for level in (0.5, 0.8, 0.95)]
    assert [(one.inside, one.outcomes) for one in FOUND.calibration] == [(n, 18) for n in inside]


GOALS = {
    "outcome": ({}, (1, 1, 1)),
    "weights": ({"outcome": "leads", "goal": bo.Goal.most_outcome({"sales": 1})}, (0, 0.1, 9)),
    "profit": ({"goal": bo.Goal.most_profit()}, (3, 1, 1)),
    "least-spend": ({"goal": bo.Goal.least_spend(1)}, (1, 1, 1)),
}


@pytest.mark.parametrize("goal", GOALS)
def test_the_gain_by_hand_where_the_curves_are_known(goal):
    fields, counts = GOALS[goal]
    curves = [bo.Log(top, 50.0) for top in (400.0, 200.0, 100.0)]
    channels = [
        bo.Channel(n, curve=c, pinned=True, value=v, rates={"sales": r})
        for n, c, v, r in zip(NAMES, curves, (3, 1, 1), (0, "0.1", 9), strict=True)
    ]
    demand = {MONDAY + dt.timedelta(weeks=9): 2.0}
    declared = plan(channels=channels, demand=demand, max_change="20%", **fields)
    found = tested(of=declared, policies=["posterior-mean", "hold"])
    assert [one.policy for one in found.policies] == ["posterior-mean", "hold"]
    for one in found.policies:
        more = base = apart = 0.0
        for week in found.weeks:
            given = week.advised[one.policy]
            given = given * week.spend.sum() / given.sum()
            values = [
                sum(w * float(c.value(x)) for w, c, x in zip(counts, curves, split, strict=True))
                for split in (given, week.spend)
            ]
            index = 2.0 if week.start == MONDAY + dt.timedelta(weeks=9) else 1.0
            more, base = more + index * (values[0] - values[1]), base + index * values[1]
            apart += 0.5 * np.abs(given - week.spend).sum() / week.spend.sum() / 6
        assert one.gain.mean == pytest.approx(more / base)
        assert one.gain.low == pytest.approx(one.gain.high)
        assert one.moved == pytest.approx(apart)
    # By the weights all that counts is in the channel that brings least.
    assert goal == "least-spend" or found.policies[0].gain.mean > 0.01


def test_a_gain_beyond_all_spends_ever_tried_cannot_be_known():
    steady = np.array([100.0, 100.0, 100.0]) * np.ones((14, 1))
    found = tested(bo.History(NAMES, PAST.weeks, steady, outcome=PAST.outcome))
    (policy,) = found.policies
    assert policy.gain is None
    assert policy.untried == 1.0
    assert any("cannot be known: 100%" in note for note in found.notes)
    assert "?" in repr(found)


def test_a_gain_that_holds_both_signs_is_said():
    found = tested(policies=["hold"], level=0.95)
    assert found.policies[0].gain.low <= 0 <= found.policies[0].gain.high
    assert any("'hold' cannot be told from none: its 95% range" in note for note in found.notes)


def test_one_total_outcome_forecasts_no_channel():
    settings = bo.Settings(total_points=3, sweeps=2)
    found = tested(history(10, total=True), policies=None, settings=settings)
    assert (found.source, found.records, found.calibration) == ("total", (), ())
    assert [one.policy for one in found.policies] == ["cautious(posterior-mean, 0.5)", "hold"]
    assert [week.start for week in found.weeks] == [dt.date(2025, 4, 28), dt.date(2025, 5, 5)]
    assert all(week.advised for week in found.weeks)
    assert any("no channel is forecast" in note for note in found.notes)


DELAY = bo.Delay([0.5, 0.8, 1.0], channels={"kol": [0.25, 0.5, 1.0]})


def test_young_weeks_are_known_as_far_as_they_were_reported():
    """As of the fourth Monday the third week has age 0, the second 1, the first 2 and is whole."""
    spend, outcome = np.full((5, 3), 100.0), np.full((5, 3), 80.0)
    past = bo.History(NAMES, PAST.weeks[:5], spend, outcome=outcome, data_through="2025-06-01")
    then = known_before(past, dt.date(2025, 3, 24), DELAY)
    assert then.outcome.tolist() == [[80, 80, 80], [64, 64, 40], [40, 40, 20]]
    assert then.ages.tolist() == [2, 1, 0]
    # What is half reported now was reported in the same half then.
    now = replace(past, data_through=dt.date(2025, 4, 6))
    assert known_before(now, dt.date(2025, 4, 7), DELAY).outcome.tolist() == outcome.tolist()
    total = bo.History(NAMES, PAST.weeks[:5], spend, total=outcome[:, 0], data_through="2025-06-01")
    assert known_before(total, dt.date(2025, 3, 24), DELAY).total.tolist() == [80, 64, 40]
    assert known_before(past, dt.date(2025, 3, 24)).outcome.tolist() == outcome[:3].tolist()


def test_with_a_delay_each_week_is_learned_as_from_its_own_report():
    past = replace(PAST, data_through=dt.date(2025, 9, 1))
    late = plan(delay=DELAY, outcome_unit=1)
    found = tested(past, late)
    for at, week in enumerate(found.weeks, start=8):
        then = known_before(past, week.start, DELAY)
        belief = bo.learn(then, late, settings=FAST)
        after = past.until(week.start + dt.timedelta(weeks=1))
        held = forecast(belief.walked, belief.posterior, belief.log.extended(after))
        np.testing.assert_array_equal(week.expected, held.expected)
        np.testing.assert_array_equal(week.rank, held.rank)
        assert then.weeks.size == at


def test_a_lift_test_counts_from_its_end_on():
    test = bo.LiftTest("kol", 90.0, 1.0, 100.0, ended=dt.date(2025, 5, 18))
    found = tested(of=plan(max_change="50%", lift_tests=[test]))
    same_until(found, FOUND, 3)
    assert found.weeks[4].expected[2] != FOUND.weeks[4].expected[2]


def test_a_week_that_the_limits_forbid_is_counted_and_left_out():
    spend = PAST.spend.copy()
    spend[10] = 30.0
    past = bo.History(NAMES, PAST.weeks, spend, outcome=PAST.outcome)
    floors = plan(channels=[bo.Channel(n, floor=40) for n in NAMES], max_change="none")
    found = tested(past, floors)
    (policy,) = found.policies
    assert (policy.weeks, policy.failed) == (5, (("floors-above-budget", 1),))
    assert found.weeks[2].failed == {"optimistic(1)": "floors-above-budget"}
    assert any("floors-above-budget in 1 week" in note for note in found.notes)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["weeks"][2]["advised"] == {}


def test_a_week_whose_spend_is_not_reported_is_left_out():
    spend = PAST.spend.copy()
    spend[9, 0] = np.nan
    found = tested(bo.History(NAMES, PAST.weeks, spend, outcome=PAST.outcome))
    assert len(found.weeks) == 5
    assert any("not reported: 1" in note for note in found.notes)


def test_a_channel_that_begins_later_is_new_until_then():
    spend, outcome = PAST.spend.copy(), PAST.outcome.copy()
    spend[:10, 2] = outcome[:10, 2] = np.nan
    found = tested(bo.History(NAMES, PAST.weeks, spend, outcome=outcome))
    assert len(found.weeks) == 6
    assert found.weeks[0].spend[2] == 0
    assert np.isnan(found.weeks[0].expected[2])
    assert found.weeks[2].expected[2] > 0


def test_the_last_weeks_alone_are_the_same_weeks():
    last = tested(weeks=2)
    assert [week.start for week in last.weeks] == [week.start for week in FOUND.weeks[-2:]]
    np.testing.assert_allclose(last.weeks[0].expected, FOUND.weeks[-2].expected)


def test_it_comes_as_a_frame_and_as_plain_data():
    frame = FOUND.to_frame()
    assert frame.shape == (18, 8)
    assert frame["advised by optimistic(1)"].tolist()[:3] == [
        *FOUND.weeks[0].advised["optimistic(1)"]
    ]
    plain = json.loads(json.dumps(FOUND.to_dict(), allow_nan=False))
    assert plain["policies"][0]["gain"]["mean"] == FOUND.policies[0].gain.mean
    assert plain["weeks"][0]["spend"]["feed"] == PAST.spend[8, 1]
    assert "Backtest of 6 weeks, 2025-04-28 to 2025-06-02" in repr(FOUND)


@pytest.mark.parametrize(
    ("asked", "error", "code"),
    [
        ({"level": 1.0}, bo.InputError, "bad-argument"),
        ({"policies": []}, bo.InputError, "bad-argument"),
        ({"policies": ["nobody"]}, bo.InputError, "unknown-name"),
        ({"weeks": 0}, bo.InputError, "bad-argument"),
        ({"past": PAST.until(dt.date(2025, 4, 28))}, bo.HistoryError, "no-data"),
        ({"of": plan(channels=[bo.Channel(n, floor=999) for n in NAMES], budget=3000)},
         bo.HistoryError, "no-data"),
    ],
)  # fmt: skip
def test_what_cannot_be_backtested_is_refused(asked, error, code):
    with pytest.raises(error) as caught:
        tested(**asked)
    assert caught.value.code == code
    assert caught.value.remedy
