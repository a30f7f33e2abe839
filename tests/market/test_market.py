"""The market: closed forms, one weather for all policies, chunks that do not matter."""

import datetime as dt
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.curves import Exponential, Hill, Log
from budgetopt.curves.base import stack
from budgetopt.curves.carryover import Carryover
from budgetopt.errors import InputError, PlanError
from budgetopt.market import (
    Competitor,
    Delivery,
    Demand,
    Drift,
    Funnel,
    Market,
    NewChannel,
    Noise,
    Outage,
    Prices,
    Prior,
    Tracking,
)
from budgetopt.plan import Channel, Plan

NAMES = ("a", "b", "c")
CURVES = stack([Exponential(300, 80), Hill(200, 60, 0.8), Log(90, 40)])
ALL = {
    "curves": Prior(channels=3, equal_share=100),
    "noise": Noise.both(0.2),
    "drift": Drift(0.04, 0.25),
    "demand": Demand(0.3, sd=0.1, persistence=0.5),
    "prices": Prices(0.1),
    "delivery": Delivery(0.97, 0.05),
    "tracking": Tracking(0.1, 0.9),
    "delay": (0.5, 0.8),
    "carryover": (Carryover("geometric", share=0.3), None, None),
}
HAPPENING = (
    Competitor(start=2, end=3, chance=0.5, channels=["b"], recovery=1),
    Outage(start=4, days=3, chance=0.3),
    NewChannel(channels=["c"], start=3, chance=0.7),
)


def market(**changes):
    return Market(**{"channels": NAMES, "curves": CURVES} | changes)


def year(market, spend, *, weeks=6, runs=5, seed=7, first_run=0, scenarios=()):
    """Return the outcomes of a plan that never changes."""
    state, outcomes = market.begin(), []
    for week in market.weather(weeks, runs, seed, first_run=first_run, scenarios=scenarios):
        state, outcome = market.step(state, spend, week)
        outcomes.append(outcome)
    return outcomes


def fields(outcome):
    return [outcome.spend, outcome.expected, outcome.outcome, outcome.reported, *outcome.revised]


def test_a_market_without_chance_is_its_curves():
    spend = np.array([50.0, 0.0, 120.0])
    for outcome in year(market(), spend):
        np.testing.assert_array_equal(outcome.outcome, CURVES.value(spend))
        np.testing.assert_array_equal(outcome.reported, outcome.expected)
        np.testing.assert_array_equal(outcome.spend, spend)


@pytest.mark.parametrize("scenarios", [(), HAPPENING])
def test_chunks_do_not_matter_to_the_bit(scenarios):
    rich, runs = market(**ALL), 150
    whole = year(rich, [80.0, 90.0, 100.0], runs=runs, scenarios=scenarios)
    for chunk in (1, 7, 64, 1000):
        parts = [
            year(
                rich,
                [80.0, 90.0, 100.0],
                runs=min(chunk, runs - at),
                first_run=at,
                scenarios=scenarios,
            )
            for at in range(0, runs, chunk)
        ]
        for week, wanted in enumerate(whole):
            for at, value in enumerate(fields(wanted)):
                joined = np.concatenate([fields(part[week])[at] for part in parts])
                assert joined.tobytes() == np.ascontiguousarray(value).tobytes()


def test_runs_without_chance_differ_by_their_curves_only():
    same = market(curves=Prior(channels=3, equal_share=100))
    outcomes = year(same, [80.0, 90.0, 100.0])
    np.testing.assert_array_equal(outcomes[0].outcome, outcomes[5].outcome)


def test_more_weeks_and_other_scenarios_leave_the_weather_as_it_was():
    rich = market(**ALL | {"drift": Drift(0.04)})
    short = list(rich.weather(3, 20, 7, scenarios=HAPPENING[:1]))
    long = list(rich.weather(9, 20, 7, scenarios=(*HAPPENING, Outage(name="other", chance=0.4))))
    for few, many in zip(short, long, strict=False):
        for name in ("multiplier", "luck"):
            np.testing.assert_array_equal(getattr(few, name), getattr(many, name))
    first, all_ = (rich.weather(9, 20, 7, scenarios=s) for s in (HAPPENING[:1], HAPPENING))
    np.testing.assert_array_equal(first.happens["competitor"], all_.happens["competitor"])


def test_weather_is_the_same_again_and_in_another_process():
    weather = market(**ALL).weather(3, 20, 7)
    copied = pickle.loads(pickle.dumps(market(**ALL).weather(3, 20, 7)))
    for one, two, three in zip(weather, weather, copied, strict=True):
        np.testing.assert_array_equal(one.luck, two.luck)
        np.testing.assert_array_equal(one.price, three.price)
        assert one.truth == three.truth


def test_policies_that_spend_the_same_get_the_same_and_seeds_differ():
    rich, spend = market(**ALL), np.array([80.0, 90.0, 100.0])
    state = [rich.begin(), rich.begin()]
    for week in rich.weather(4, 30, 7):
        (state[0], one), (state[1], two) = (rich.step(s, spend, week) for s in state)
        np.testing.assert_array_equal(one.outcome, two.outcome)
    other = year(rich, spend, weeks=1, runs=30, seed=8)[0]
    assert np.mean(other.outcome == year(rich, spend, weeks=1, runs=30)[0].outcome) < 0.3


@settings(max_examples=30)
@given(
    spend=st.lists(st.floats(0, 1000), min_size=3, max_size=3),
    more=st.lists(st.floats(0, 1000), min_size=3, max_size=3),
    noise=st.sampled_from(
        [Noise.none(), Noise.lognormal(0.3), Noise.both(0.2), Noise.negative_binomial(0.3)]
    ),
)
def test_who_spends_more_never_gets_less(spend, more, noise):
    rich = market(**ALL | {"noise": noise})
    less_, more_ = (
        year(rich, amount, weeks=4, runs=10, scenarios=HAPPENING)
        for amount in (spend, np.add(spend, more))
    )
    for one, two in zip(less_, more_, strict=True):
        for lower, upper in zip(fields(one), fields(two), strict=True):
            assert np.all(lower <= upper * (1 + 1e-12))


def test_common_weather_makes_differences_sharp():
    # The variance of a difference under one weather, against two: several times smaller.
    rich = market(noise=Noise.both(0.2), drift=Drift(0.04), demand=Demand(0.3))
    one, two = (year(rich, s, runs=400)[5].outcome.sum(1) for s in ([80.0] * 3, [90.0] * 3))
    apart = year(rich, [90.0] * 3, runs=400, seed=8)[5].outcome.sum(1)
    assert np.var(two - one) < 0.25 * np.var(apart - one)


def test_price_divides_the_spend_and_delivery_multiplies_it():
    spend = np.array([50.0, 60.0, 70.0])
    dear = year(market(prices=Prices(index=(2.0,))), spend)[0]
    np.testing.assert_array_equal(dear.outcome, CURVES.value(spend / 2))
    np.testing.assert_array_equal(dear.spend, spend)
    short = year(market(delivery=Delivery(0.5)), spend)[0]
    np.testing.assert_array_equal(short.outcome, CURVES.value(spend / 2))
    np.testing.assert_array_equal(short.spend, spend / 2)


def test_the_weeks_curve_is_what_a_week_without_carryover_expects():
    rich = market(**ALL | {"carryover": None})
    spend = np.array([80.0, 90.0, 100.0])
    state = rich.begin()
    for week in rich.weather(5, 40, 7, scenarios=HAPPENING):
        state, outcome = rich.step(state, spend, week)
        np.testing.assert_allclose(week.curve.value(spend), outcome.expected, rtol=1e-12)
        step = 1e-4
        _, ahead = rich.step(state, spend + step, week)
        _, behind = rich.step(state, spend - step, week)
        slope = (ahead.expected - behind.expected) / (2 * step)
        np.testing.assert_allclose(week.curve.slope(spend), slope, rtol=1e-5, atol=1e-8)


def test_carryover_by_hand():
    kernel = Carryover("geometric", share=0.5, length=3)
    late = market(carryover=kernel)
    np.testing.assert_allclose(kernel.weights, np.array([4, 2, 1]) / 7)
    spends = [np.array([70.0, 0.0, 7.0]), np.array([0.0, 14.0, 7.0]), np.array([35.0, 0.0, 7.0])]
    state = late.begin(spent=[[5.0, 5.0, 5.0], [14.0, 0.0, 7.0], [7.0, 0.0, 7.0]])
    effective = [[40 + 2 + 2, 0, 7], [20 + 1, 8, 7], [20 + 10, 4, 7]]
    for week, spend, wanted in zip(late.weather(3, 1, 7), spends, effective, strict=True):
        state, outcome = late.step(state, spend, week)
        np.testing.assert_allclose(outcome.outcome, CURVES.value(np.array(wanted, float)))


def test_carryover_is_that_of_the_curves_room():
    kernel = Carryover("weibull-pdf", shape=2.0, scale=2.0, length=5)
    path = np.random.default_rng(1).uniform(0, 100, (12, 3))
    before = np.random.default_rng(2).uniform(0, 100, (3, 3))
    late = market(carryover=(kernel, None, kernel))
    state, found = late.begin(spent=before), []
    for week, spend in zip(late.weather(12, 1, 7), path, strict=True):
        state, outcome = late.step(state, spend, week)
        found.append(outcome.outcome)
    effective = kernel.effective(path, before)
    effective[:, 1] = path[:, 1]
    np.testing.assert_allclose(found, CURVES.value(effective), rtol=1e-12)


def test_conversions_keep_arriving():
    slow = market(delay=(0.5, 0.8, 1.0), prices=Prices(index=(1.0, 2.0, 4.0)))
    outcomes = year(slow, np.array([50.0, 60.0, 70.0]), weeks=3)
    one, two, three = outcomes
    np.testing.assert_array_equal(one.reported, 0.5 * one.outcome)
    assert [len(o.revised) for o in outcomes] == [1, 2, 3]
    np.testing.assert_array_equal(two.revised[1], 0.8 * one.outcome)
    np.testing.assert_array_equal(three.revised[0], three.reported)
    np.testing.assert_array_equal(three.revised[1], 0.8 * two.outcome)
    np.testing.assert_array_equal(three.revised[2], one.outcome)


def test_tracking_loses_reports_not_outcomes():
    runs = 4000
    lossy = market(tracking=Tracking(0.03, 0.9))
    outcome = year(lossy, np.array([50.0, 60.0, 70.0]), weeks=1, runs=runs)[0]
    share = outcome.reported / outcome.outcome
    assert set(np.round(np.unique(share), 12)) == {0.1, 1.0}
    assert np.mean(share < 1) == pytest.approx(0.03, abs=5 * np.sqrt(0.03 / (3 * runs)))


class TestDynamics:
    def levels(self, part, weeks=40, runs=3200, **changes):
        weather = market(**{part[0]: part[1]} | changes).weather(weeks, runs, 7)
        name = {"drift": "response", "demand": "response", "prices": "price"}[part[0]]
        return [getattr(week, name) for week in weather]

    def test_drift_is_a_random_walk(self):
        levels = self.levels(("drift", Drift(0.05)))
        assert np.all(levels[0] == 1)
        for week in (2, 10, 40):
            log = np.log(levels[week - 1])
            variance = (week - 1) * 0.05**2
            assert log.mean() == pytest.approx(0, abs=5 * np.sqrt(variance / log.size))
            assert log.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / log.size))
        step = np.log(levels[20] / levels[19])
        before = np.log(levels[19])
        assert abs(np.corrcoef(step.ravel(), before.ravel())[0, 1]) < 5 / np.sqrt(step.size)

    def test_one_shock_hits_a_share_of_the_channels(self):
        levels = self.levels(("drift", Drift(0, 0.25, shock_sd=0.5, shock_mean=-0.2)), weeks=20)
        log = np.log(np.array([np.broadcast_to(v, (3200, 3)) for v in levels]))
        moved = np.diff(log, axis=0) != 0
        assert np.all(moved.sum(axis=0) <= 1)
        hit = moved.any(axis=0)
        assert hit.mean() == pytest.approx(0.25, abs=5 * np.sqrt(0.19 / hit.size))
        size = log[-1][hit]
        assert size.mean() == pytest.approx(-0.2, abs=2.5 / np.sqrt(size.size))
        assert size.std() == pytest.approx(0.5, rel=5 / np.sqrt(2 * size.size))
        # Channels that are hit are hit in one week, evenly from 2 to 20.
        when = np.argmax(moved, axis=0) + 2
        both = hit[:, 0] & hit[:, 1]
        assert np.all(when[both, 0] == when[both, 1])
        assert set(when[hit]) == set(range(2, 21))

    @pytest.mark.parametrize(("given", "weeks"), [(5, {5}), ((9, 12), {9, 10, 11, 12})])
    def test_the_week_of_the_shock_may_be_given(self, given, weeks):
        levels = self.levels(("drift", Drift(shock_share=1.0, shock_week=given)), weeks=15)
        levels = np.array([np.broadcast_to(v, (3200, 3)) for v in levels])
        assert set(np.argmax(levels != 1, axis=0).ravel() + 1) == weeks

    def test_demand_is_a_wave_common_to_all_channels(self):
        levels = self.levels(("demand", Demand(0.3, period=8, phase=0.25)), weeks=9)
        wanted = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(9) / 8 + 0.25))
        np.testing.assert_allclose(levels, wanted, rtol=1e-12)
        drawn = self.levels(("demand", Demand(0.3, period=8)), weeks=8)
        assert drawn[0].shape == (3200, 1)
        np.testing.assert_allclose(np.sum(drawn, axis=0), 8, rtol=1e-12)
        assert 1.299 < drawn[0].max() <= 1.3
        assert abs(drawn[0].mean() - 1) < 5 * 0.3 / np.sqrt(2 * 3200)

    def test_demand_index_starts_again(self):
        assert self.levels(("demand", Demand(index=(1, 2, 0.5))), weeks=5) == [1, 2, 0.5, 1, 2]

    def test_prices_move_around_their_index(self):
        prices = Prices(0.1, persistence=0.8, index=(1.0, 1.5))
        levels = self.levels(("prices", prices), weeks=12)
        assert np.all(levels[0] == 1)
        log = np.log(levels[11] / 1.5)
        variance = 0.01 * (1 - 0.64**11) / (1 - 0.64)
        assert log.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / log.size))
        # Each channel has its own.
        assert abs(np.corrcoef(log[:, 0], log[:, 1])[0, 1]) < 5 / np.sqrt(3200)

    def test_delivery_has_its_mean(self):
        week = next(iter(market(delivery=Delivery(1.1, 0.2)).weather(1, 6400, 7)))
        assert week.delivery.mean() == pytest.approx(1.1, abs=5 * 0.23 / np.sqrt(3 * 6400))
        assert np.log(week.delivery).std() == pytest.approx(0.2, rel=0.03)

    @pytest.mark.parametrize(
        ("make", "field"),
        [
            (lambda: Drift(-0.1), "drift.sd"),
            (lambda: Drift(0, 1.5), "drift.shock_share"),
            (lambda: Drift(shock_week=0), "drift.shock_week"),
            (lambda: Drift(shock_week=2.5), "drift.shock_week"),
            (lambda: Drift(shock_week=(5, 4)), "drift.shock_week[1]"),
            (lambda: Drift(shock_week=(5,)), "drift.shock_week[1]"),
            (lambda: Demand(1.0), "demand.amplitude"),
            (lambda: Demand(period=0), "demand.period"),
            (lambda: Demand(index=(1, -1)), "demand.index[1]"),
            (lambda: Demand(index=2), "demand.index"),
            (lambda: Demand(index="12"), "demand.index"),
            (lambda: Demand(persistence=1.1), "demand.persistence"),
            (lambda: Prices(index=(0,)), "prices.index[0]"),
            (lambda: Prices(-1), "prices.sd"),
            (lambda: Delivery(float("nan")), "delivery.mean"),
            (lambda: Tracking(1.01), "tracking.chance"),
            (lambda: Tracking(0.1, -0.01), "tracking.loss"),
        ],
    )
    def test_ranges(self, make, field):
        with pytest.raises(InputError) as caught:
            make()
        assert (caught.value.code, caught.value.field) == ("bad-argument", field)


class TestInput:
    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"channels": ()}, "bad-name", "channels"),
            ({"channels": ("a", "a", "b")}, "bad-name", "channels"),
            ({"channels": "abc"}, "bad-name", "channels"),
            ({"channels": ("a", "b")}, "bad-argument", "curves"),
            ({"curves": 5}, "bad-argument", "curves"),
            ({"curves": []}, "bad-argument", "curves"),
            ({"curves": Prior(channels=4, equal_share=1)}, "bad-argument", "curves"),
            ({"curves": Exponential(np.ones((5, 3)), 1.0)}, "bad-argument", "curves"),
            ({"delay": (0.5, 0.4)}, "bad-argument", "delay"),
            ({"delay": (0.5, 1.4)}, "bad-argument", "delay[1]"),
            ({"delay": 0.5}, "bad-argument", "delay"),
            ({"carryover": (None, None)}, "bad-argument", "carryover"),
            ({"carryover": 0.3}, "bad-argument", "carryover"),
            ({"carryover": (0.3, None, None)}, "bad-argument", "carryover"),
            ({"noise": 0.2}, "bad-argument", "noise"),
            ({"drift": None}, "bad-argument", "drift"),
            ({"noise": Noise(sd=(0.1, 0.2))}, "bad-argument", "sd"),
            ({"funnel": Funnel(cpm=(1.0, 2.0))}, "bad-argument", "cpm"),
            ({"start": "soon"}, "bad-date", "start"),
        ],
    )
    def test_wrong_markets_are_refused(self, changes, code, field):
        with pytest.raises(InputError) as caught:
            market(**changes)
        assert (caught.value.code, caught.value.field) == (code, field)

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ((0, 1, 7), "weeks"),
            ((1, 0, 7), "runs"),
            ((1, 1, -1), "seed"),
            ((1, 1, 7.5), "seed"),
            ((True, 1, 7), "weeks"),
        ],
    )
    def test_wrong_weather_is_refused(self, arguments, field):
        with pytest.raises(InputError) as caught:
            market().weather(*arguments)
        assert (caught.value.code, caught.value.field) == ("bad-argument", field)

    @pytest.mark.parametrize(
        "spend", [[1.0, 2.0], 5.0, [1.0, -1e-9, 0.0], [1, np.nan, 0], [1, np.inf, 0]]
    )
    def test_wrong_spends_are_refused(self, spend):
        one = market()
        week = next(iter(one.weather(1, 1, 7)))
        with pytest.raises(InputError) as caught:
            one.step(one.begin(), spend, week)
        assert (caught.value.code, caught.value.field) == ("bad-argument", "spend")

    @pytest.mark.parametrize("spent", [[1.0, 2.0, 3.0], [[1.0, -1.0, 2.0]], [[1.0, 2.0]]])
    def test_wrong_earlier_spends_are_refused(self, spent):
        with pytest.raises(InputError):
            market(carryover=Carryover("geometric", share=0.3)).begin(spent=spent)

    def test_dates(self):
        dated = market(start="2026-01-05")
        weeks = list(dated.weather(3, 1, 7))
        assert [week.start for week in weeks] == [
            dt.date(2026, 1, 5),
            dt.date(2026, 1, 12),
            dt.date(2026, 1, 19),
        ]
        assert [week.number for week in weeks] == [1, 2, 3]
        assert [week.start for week in market().weather(2, 1, 7)] == [None, None]


def test_a_market_of_a_plan():
    kernel = Carryover("geometric", share=0.3)
    channels = [
        Channel("a", curve=Exponential(300, 80), carryover=kernel),
        Channel("b", curve=Log(90, 40)),
    ]
    plan = Plan(budget=100, currency="CNY", channels=channels)
    made = Market.of_plan(plan, noise=Noise.poisson())
    assert made.channels == ("a", "b")
    assert made.carryover == (kernel, None)
    assert made.noise.counted
    assert Market.of_plan(plan, Prior(channels=2, equal_share=50)).curves.channels == 2
    bare = Plan(budget=100, currency="CNY", channels=[channels[0], Channel("c")])
    with pytest.raises(PlanError, match="channel 'c' has no curve"):
        Market.of_plan(bare)


@pytest.mark.slow
def test_mean_and_variance_of_an_open_loop_sum():
    # Counts with a lognormal rate under a random walk, in closed form, summed over the weeks.
    sd, walk, weeks, runs = 0.3, 0.05, 12, 40_000
    noisy = market(noise=Noise.both(sd), drift=Drift(walk))
    spend = np.array([50.0, 60.0, 70.0])
    total = sum(o.outcome for o in year(noisy, spend, weeks=weeks, runs=runs))
    expected = CURVES.value(spend)
    age = np.arange(weeks)
    mean = np.exp(0.5 * walk**2 * age)
    # Two weeks share the walk up to the earlier one.
    both = np.exp(0.5 * walk**2 * (age[:, None] + age + 2 * np.minimum(age[:, None], age)))
    second = both + np.diag(np.diag(both) * np.expm1(sd**2))
    variance = expected**2 * (second.sum() - mean.sum() ** 2) + expected * mean.sum()
    error = np.sqrt(variance / runs)
    assert np.all(np.abs(total.mean(axis=0) - expected * mean.sum()) < 5 * error)
    np.testing.assert_allclose(total.var(axis=0), variance, rtol=0.05)
