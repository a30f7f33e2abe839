"""What the filter reads: events, kernels, delays, demand, and every treatment of a week."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from budgetopt.belief import ObservationLog, Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.inputs import carried, event_size, inputs_of, model_of, treated
from budgetopt.curves import Carryover
from budgetopt.history import Delay
from budgetopt.plan.channel import ChannelPrior
from budgetopt.plan.priors import Priors, as_events

from .helpers import Past, Plan, names, simulated

QUICK = Settings(points=5, noise=(0.1, 0.3), drift=(0.01, 0.05))
MONDAY = np.datetime64("2022-01-03")


def log_of(spend, outcome, *, unit=1.0, reference=100.0, through=None, weeks=None, **priors):
    spend, outcome = np.asarray(spend, dtype=float), np.asarray(outcome, dtype=float)
    past = Past(names(spend.shape[1]), spend, outcome, through=through, weeks=weeks)
    return ObservationLog.of(past, past.channels, reference, unit, Priors(**priors))


def ones(weeks, channels=2):
    return np.full((weeks, channels), 100.0), np.full((weeks, channels), 300.0)


def test_event_size_from_zeros():
    outcome = np.array([[0.0, 10.0, 0.0], [4.0, 30.0, 0.0], [0.0, 20.0, 0.0], [8.0, 20.0, 0.0]])
    size, known = event_size(outcome, None)
    # Half of the weeks zero: mean 3 = u ln 2; no zero: 0.1 % of the median; all zero: the median.
    np.testing.assert_allclose(size[:2], [3 / np.log(2), 0.02])
    assert size[2] == np.median(size[:2])
    assert known.tolist() == [True, False, False]
    assert np.array_equal(event_size(outcome, 2.5)[0], [2.5] * 3)
    # Weeks of nothing at the end may be an outage: they wait for the next week with an outcome.
    longer = np.concatenate([outcome, np.zeros((3, 3))])
    np.testing.assert_array_equal(event_size(longer, None)[0], size)


def test_all_weeks_tell_the_size_of_an_event():
    """Revenue of two orders a week; eight weeks without a zero did not show it."""
    rng = np.random.default_rng(0)
    orders = rng.poisson(2.0, 200)
    orders[:8] = 2
    (size,), (known,) = event_size(50.0 * orders[:, None].astype(float), None)
    assert known
    assert size == pytest.approx(50.0, rel=0.15)


def test_outages_of_a_channel_with_many_events_are_no_small_counts():
    rng = np.random.default_rng(0)
    outcome = 900.0 * rng.lognormal(0, 0.2, (60, 1))
    outcome[[10, 33]] = 0.0
    (size,), (known,) = event_size(outcome, None)
    assert not known
    assert size < 1.0


def test_the_pooled_roas_of_the_first_eight_weeks_centres_the_prior():
    rng = np.random.default_rng(0)
    spend, outcome = rng.uniform(50, 150, (12, 2)), rng.uniform(100, 500, (12, 2))
    spend[2] = np.nan
    found = inputs_of(log_of(spend, outcome), QUICK)
    first = [0, 1, 3, 4, 5, 6, 7, 8]
    roas = outcome[first].sum() / spend[first].sum()
    np.testing.assert_allclose(found.centre, np.log(roas * 100.0), rtol=1e-14)
    np.testing.assert_array_equal(found.sd, 1.0)


def test_a_channels_own_priors():
    spend, outcome = ones(3)
    own = ChannelPrior(roas=9.0, roas_sd=0.2, saturation=250.0, saturation_sd=0.3, noise=0.1)
    log = log_of(spend, outcome, channels=(("c1", own),))
    found, model = inputs_of(log, QUICK), model_of(log, QUICK)
    np.testing.assert_allclose(found.centre, np.log([300.0, 900.0]))
    np.testing.assert_allclose(found.sd, [1.0, 0.2])
    np.testing.assert_allclose(model.log_half, [np.nan, np.log(2.5)])
    np.testing.assert_allclose(model.log_half_sd, [np.nan, 0.3])
    np.testing.assert_allclose(model.log_noise, [np.nan, np.log(0.1)])


def test_a_given_kernel_by_hand():
    """Each week with half of it carried on; what came before the log was like it."""
    kernel = Carryover("geometric", share=0.5, length=3)
    spend = np.array([[80.0, 80.0], [40.0, 40.0], [120.0, np.nan], [0.0, 0.0]])
    log = log_of(spend, np.full((4, 2), 30.0), carryovers=(("c0", kernel),))
    found = inputs_of(log, QUICK)
    w = np.array([4, 2, 1]) / 7
    expected = [80, (w[0] * 40 + w[1] * 80) / (w[0] + w[1]),
                w @ [120, 40, 80], w @ [0, 120, 40]]  # fmt: skip
    np.testing.assert_allclose(found.spend[:, 0, 0], expected, rtol=1e-13)
    np.testing.assert_array_equal(found.spend[:, 0, 1], spend[:, 1])
    # Money carried into a week without any is learned from; a week without is not.
    assert found.seen.T.tolist() == [[True] * 4, [True, True, False, False]]
    codes = {(one.channel, one.code) for one in treated(log)}
    assert ("c0", "outcome-without-spend") not in codes
    assert ("c1", "outcome-without-spend") in codes


def test_learned_kernels_leave_a_steady_spend_as_it_is():
    spend, outcome = ones(20)
    found = inputs_of(log_of(spend, outcome), replace(QUICK, carryover=(0.0, 0.3, 0.6)))
    np.testing.assert_allclose(found.spend, 100.0)
    assert found.spend.shape == (20, 3, 2)


def test_a_channel_that_starts_late_or_has_a_gap_keeps_its_weeks():
    """Another channel's kernel takes nothing from it, and a gap costs its own week only."""
    rng = np.random.default_rng(1)
    spend, outcome = rng.uniform(50, 150, (20, 3)), rng.uniform(100, 500, (20, 3))
    spend[:10, 1] = np.nan
    spend[15, 2] = np.nan
    kernel = Carryover("geometric", share=0.5)
    given = inputs_of(log_of(spend, outcome, carryovers=(("c0", kernel),)), QUICK)
    learned = inputs_of(log_of(spend, outcome), replace(QUICK, carryover=(0.0, 0.5)))
    for found in (given, learned):
        assert found.seen.sum(axis=0).tolist() == [20, 10, 19]


def test_missing_weeks_are_no_weeks_before():
    """A log with a hole of two weeks: what lies before it is three weeks back."""
    weeks = MONDAY + np.array([0, 7, 28], dtype="timedelta64[D]")
    kernel = Carryover("geometric", share=0.5, length=4)
    log = log_of([[80.0], [40.0], [120.0]], np.full((3, 1), 9.0), weeks=weeks,
                 carryovers=(("c0", kernel),))  # fmt: skip
    found = inputs_of(log, QUICK).spend[2, 0, 0]
    assert found == pytest.approx((8 * 120 + 1 * 40) / 9)


def test_young_weeks_are_completed_by_age():
    """Through the last day of week four: ages 3, 2, 1 and 0 weeks."""
    spend, outcome = ones(4)
    delay = Delay([0.6, 0.9, 1.0], log_sds=[0.2, 0.1, 0.0], channels={"c1": [0.3, 0.8, 1.0]})
    found = inputs_of(log_of(spend, outcome, delay=delay, through=dt.date(2022, 1, 30)), QUICK)
    np.testing.assert_allclose(
        np.exp(found.offset), [[1, 1], [1, 1], [0.9, 0.8], [0.6, 0.3]], rtol=1e-14
    )
    np.testing.assert_allclose(found.offset_variance[:, 0], [0, 0, 0.01, 0.04])
    # Without a day through which the amounts go, weeks are complete.
    assert not inputs_of(log_of(spend, outcome, delay=delay), QUICK).offset.any()


def test_demand_of_a_week_and_its_events():
    spend, outcome = ones(4)
    log = log_of(
        spend,
        outcome,
        demand=((dt.date(2022, 1, 12), 1.5),),
        events=as_events([dt.date(2022, 1, 23), dt.date(2030, 1, 1)]),
    )
    found = inputs_of(log, QUICK)
    np.testing.assert_allclose(np.exp(found.offset[:, 0]), [1, 1.5, 1, 1])
    assert found.eventful.tolist() == [False, False, True, False]
    assert found.week(2).eventful


def test_every_treatment_is_told():
    """One week of each kind; what is said is what is done."""
    spend, outcome = ones(7, 1)
    spend[0], outcome[1] = np.nan, np.nan
    outcome[2] = 0.0
    spend[3] = 0.0
    delay = Delay([0.5, 1.0], ages=[1.0, 2.0])
    # The last two weeks are one week and no week old.
    log = log_of(spend, outcome, delay=delay, through=dt.date(2022, 2, 20))
    told = {one.code: one for one in treated(log)}
    days = {code: [int((w - MONDAY).astype(int)) // 7 for w in one.weeks]
            for code, one in told.items()}  # fmt: skip
    assert days == {
        "not-reported": [0, 1],
        "zero-outcome": [2],
        "outcome-without-spend": [3],
        "young": [5],
        "too-young": [6],
    }
    found = inputs_of(log, QUICK)
    assert found.seen[:, 0].tolist() == [False, False, True, False, True, True, False]
    assert all(one.treatment for one in told.values())
    plan = Plan(names(1), 100.0, 1.0, Priors(delay=delay))
    belief = learn(Past(names(1), spend, outcome, through=dt.date(2022, 2, 20)), plan,
                   settings=QUICK)  # fmt: skip
    assert belief.treated == treated(belief.log)
    for code in ("not reported", "outcome without spend", "still being", "too recently"):
        assert any(code in note and "'c0'" in note for note in belief.notes)


def test_a_week_without_spend_and_outcome_needs_no_treatment():
    spend, outcome = ones(3)
    spend[1, 0] = outcome[1, 0] = 0.0
    log = log_of(spend, outcome)
    assert treated(log) == ()
    assert not inputs_of(log, QUICK).seen[1, 0]


def test_a_channel_that_was_never_reported_needs_no_treatment():
    spend, outcome = ones(3)
    spend[:, 1] = outcome[:, 1] = np.nan
    assert treated(log_of(spend, outcome)) == ()


def test_inputs_go_on_only_where_nothing_has_changed():
    _, past, _ = simulated(np.random.default_rng(2), weeks=14)
    spend = past.spend.copy()
    spend[9, 0] = np.nan

    def read(weeks, spends=spend):
        log = log_of(spends[:weeks], past.outcome[:weeks], reference=1000.0)
        return inputs_of(log, QUICK)

    assert read(14).goes_on(read(12))
    assert not read(12).goes_on(read(14))
    # The first eight weeks centre the prior.
    assert not read(14).goes_on(read(7))
    revised = spend.copy()
    revised[10, 1] += 1
    assert not read(14, revised).goes_on(read(12))
    assert read(14, revised).goes_on(read(10))


def test_carried_spend_by_hand():
    weeks = np.datetime64("2024-01-01") + 7 * np.array([0, 1, 3])
    spend, lags = np.array([[4.0], [8.0], [np.nan]]), np.arange(8)[:, None]
    np.testing.assert_allclose(carried(weeks, spend, 0.0**lags)[:, 0], [4, 8, np.nan])
    # The second week: (8 + 4/2)/(1 + 1/2). The fourth: weeks 2 and 3 back, (8/4 + 4/8)/(1/4 + 1/8).
    half = carried(weeks, spend, 0.5**lags)
    np.testing.assert_allclose(half[:, 0], [4, 20 / 3, 20 / 3])
    weeks = np.datetime64("2024-01-01") + 7 * np.arange(30)
    np.testing.assert_allclose(carried(weeks, np.full((30, 1), 5.0), 0.7**lags), 5.0)
