"""Policies that look ahead in a simulation: the weeks of the live run, and what they earn."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.errors import SolverError
from budgetopt.horizon import LookAhead, plan_weeks
from budgetopt.market import Market, Noise, Prior
from budgetopt.simulation import Schedule, simulate

START = dt.date(2026, 12, 7)
NAMES = ("a", "b", "c")
SHARES = (0.2, 0.5, 0.7)
LAST = {"a": 2500, "b": 2000, "c": 1500}
PAUSE = bo.Phase("pause", "2026-12-28", "2027-01-10", 4400)


def plan_of(**fields):
    channels = [
        bo.Channel(name, carryover=bo.Carryover("geometric", share=share))
        for name, share in zip(NAMES, SHARES, strict=True)
    ]
    fields = {"max_change": "30%", "horizon": 6} | fields
    return bo.Plan(budget=6000, currency="CNY", channels=channels, **fields)


CURVES = [bo.Hill(900, 4000, 1), bo.Exponential(700, 3000), bo.Log(300, 1500)]


class Told:
    """Takes the best split by true curves."""

    name = "told"

    def decide(self, view, rng):
        return view.optimum(Market(NAMES, CURVES).curves)


def path(found, name="told"):
    return found.records[name].detail[1][0]


def test_a_pause_ahead_is_wound_down_to():
    plan = plan_of(operation=bo.Operation(phases=[PAUSE]))
    market = Market.of_plan(plan, CURVES, start=START)
    ahead = simulate(plan, market, Told(), weeks=6, runs=2, last=LAST, detail=True)
    # 2,200 a week from the fourth on: at most 2,200 / 0.7 in the third.
    assert path(ahead).sum(axis=1)[2] <= 2200 / 0.7 + 1
    assert not ahead.records["told"].gave_way.any()
    assert not ahead.records["told"].alone.any()
    weekly = replace(plan, horizon=None)
    alone = simulate(weekly, market, Told(), weeks=6, runs=2, last=LAST, detail=True)
    assert alone.records["told"].gave_way.any()


def test_the_first_week_is_that_of_a_plan_of_weeks():
    plan = plan_of(demand={START + dt.timedelta(weeks=2): 1.8})
    market = Market.of_plan(plan, CURVES, start=START)
    found = simulate(plan, market, Told(), weeks=1, runs=1, last=LAST, detail=True)
    curves = dict(zip(NAMES, CURVES, strict=True))
    # Without a history nothing works on from before, whatever the last spends were.
    before = {name: [0] * 30 for name in LAST}
    weeks = plan_weeks(plan, curves, 6, start=START, last=LAST, before=before)
    assert path(found)[0] == pytest.approx(weeks.minor[0] / 100, rel=0.01)


def test_limits_across_channels_are_solved_run_by_run_with_the_same_weeks():
    free, market = plan_of(), Market.of_plan(plan_of(), CURVES, start=START)
    limit = bo.Limit.group("two", ["a", "b"], at_most=5999)
    together = simulate(free, market, Told(), weeks=3, runs=2, last=LAST, detail=True)
    alone = simulate(replace(free, limits=(limit,)), market, Told(), weeks=3, runs=2, last=LAST,
                     detail=True)  # fmt: skip
    assert path(alone) == pytest.approx(path(together), rel=0.01)
    held = replace(free, limits=(bo.Limit.group("two", ["a", "b"], at_most=4100),))
    kept = simulate(held, market, Told(), weeks=3, runs=2, last=LAST, detail=True)
    assert path(kept)[:, :2].sum(axis=1).max() <= 4100.01


def test_what_cannot_look_ahead_is_refused_before_anything_runs():
    plan = plan_of()
    market = Market.of_plan(plan, CURVES)
    few = replace(plan, limits=(bo.Limit.few_moves(1),))
    with pytest.raises(SolverError, match="many weeks"):
        simulate(few, market, "posterior-mean", weeks=2, runs=1)
    steep = replace(Settings.fast(), steep_shapes=(2.0,))
    with pytest.raises(SolverError) as caught:
        simulate(plan, market, "posterior-mean", weeks=2, runs=1, settings=steep)
    assert caught.value.field == "settings.steep_shapes"
    # A fixed plan looks at no week.
    assert simulate(few, market, Schedule(list(LAST.values())), weeks=2, runs=1).runs == 1


def test_weeks_that_cannot_be_planned_together_are_counted():
    # From 600 in two weeks to 300: no more than 30 % less each week.
    small = bo.Phase("small", "2026-12-14", "2026-12-20", 300)
    plan = plan_of(operation=bo.Operation(phases=[small]))
    market = Market.of_plan(plan, CURVES, start=START)
    found = simulate(plan, market, Told(), weeks=3, runs=2, last=LAST)
    assert found.records["told"].alone[:, 0].all()
    assert any("could not be planned together" in str(note) for note in found.notes)


def test_batches_and_workers_change_nothing():
    plan = plan_of()
    market = Market.of_plan(plan, Prior(3, 2000.0), noise=Noise.both(0.2))
    whole = simulate(plan, market, "posterior-mean", weeks=3, runs=300, seed=3, last=LAST)
    chunked = simulate(
        plan, market, "posterior-mean", weeks=3, runs=300, seed=3, last=LAST, chunk=2
    )
    a, b = (found.records["posterior-mean"].outcome for found in (whole, chunked))
    assert np.array_equal(a, b)


@pytest.mark.slow
def test_the_closed_loop_earns_what_the_plan_made_with_the_same_information_does():
    plan = plan_of(horizon=13)
    market = Market.of_plan(plan, Prior(3, 2000.0, 1.0), noise=Noise.both(0.1), start=START)
    found = simulate(plan, market, "posterior-mean", weeks=26, runs=64, seed=5, last=LAST,
                     regret=True)  # fmt: skip
    mine = found.records["clairvoyant"].expected.sum(axis=1)
    weather = market.weather(26, 64, 5)
    ahead = LookAhead.of(plan, [bo.Week(START).shift(at) for at in range(26)])
    last = np.repeat(np.array([list(LAST.values())], float), 64, axis=0)
    none = np.zeros((64, 0, 3))
    once = ahead.best_weeks(weather.truth, 0.7 * last, 1.3 * last, np.full(64, 6000.0), none)
    state, total = market.begin(), np.zeros(64)
    for week in weather:
        state, out = market.step(state, once.spend[:, :, week.number - 1], week)
        total += out.expected.sum(axis=1)
    assert mine.sum() >= 0.995 * total.sum()
    weekly = simulate(replace(plan, horizon=None), market, "posterior-mean", weeks=26, runs=64,
                      seed=5, last=LAST)  # fmt: skip
    ours, theirs = (one.records["posterior-mean"].expected.sum() for one in (found, weekly))
    assert ours >= 0.99 * theirs
