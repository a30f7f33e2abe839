"""One total: the last quarter is predicted from the weeks before it, and from them alone."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import budgetopt as bo
from budgetopt.belief import Belief, Settings
from budgetopt.belief.aggregate import _Tried
from budgetopt.belief.belief import learn
from budgetopt.belief.explained import HELD_OUT, HeldOut
from budgetopt.belief.regression import freedom_of
from budgetopt.curves import Hill
from budgetopt.errors import InputError
from budgetopt.plan.priors import Priors
from budgetopt.report import belief_facts, belief_table

from .helpers import Past, Plan, names

QUICK = Settings.fast()
CURVE, NOISE = Hill(800.0, 1000.0, 1.0), 40.0


def market(seed=0, weeks=91, channels=2):
    rng = np.random.default_rng(seed)
    spend = 1000 * rng.lognormal(0, 0.5, (weeks, channels))
    total = 1000 + CURVE.value(spend).sum(axis=1) + rng.normal(0, NOISE, weeks)
    return Plan(names(channels), 1000.0 * channels), Past(names(channels), spend, None, total)


@cache
def believed() -> Belief:
    plan, past = market()
    return learn(past, plan, settings=QUICK)


def test_totals_of_the_quarter_change_no_forecast_of_it():
    plan, past = market()
    total = past.total.copy()
    total[-HELD_OUT:] *= np.linspace(0.5, 3.0, HELD_OUT)
    other = learn(replace(past, total=total), plan, settings=QUICK).held_out()
    held = believed().held_out()
    assert (other.forecast, other.low, other.high) == (held.forecast, held.low, held.high)
    assert other.actual == tuple(total[-HELD_OUT:])
    assert other.error > 3 * held.error
    assert [str(week) for week in held.weeks] == [str(w) for w in past.weeks[-HELD_OUT:]]


def test_bands_hold_what_they_say():
    """Of 78 totals of six markets; the error is what the noise alone makes it, and a bit more."""
    found = [learn(market(s)[1], market(s)[0], settings=QUICK).held_out(0.8) for s in range(1, 7)]
    assert 0.7 <= np.mean([one.inside for one in found]) / HELD_OUT <= 0.95
    size = np.mean([one.actual for one in found])
    alone = np.sqrt(2 / np.pi) * NOISE / size
    assert 0.8 * alone < np.mean([one.error for one in found]) < 1.5 * alone


def test_error_and_inside_by_hand():
    held = HeldOut((), (10.0, 20.0), (9.0, 15.0), (11.0, 25.0), (12.0, 18.0), 0.8)
    assert held.inside == 1
    assert held.error == pytest.approx(2 / 15)
    assert freedom_of(5 / 7) == pytest.approx(4)
    assert freedom_of(1.0) > 1e6


def test_what_a_pinned_channel_brings_is_in_the_forecast():
    plan, past = market()
    pinned = replace(plan, priors=Priors(pinned=(("c0", CURVE),)))
    held = learn(past, pinned, settings=QUICK).held_out()
    np.testing.assert_allclose(held.forecast, believed().held_out().forecast, rtol=0.1)


def test_features_ahead_are_those_of_the_weeks_themselves():
    rng = np.random.default_rng(3)
    grid = QUICK.total_grid(1000.0)
    carried, index = 1000 * rng.lognormal(0, 0.5, (2, 20, 3)), rng.uniform(0.5, 1.5, 20)
    log_prior = np.log(rng.dirichlet(np.ones(grid.size), 3))
    tried = _Tried(carried, index, grid, log_prior)
    log_weight = rng.normal(0, 1, (3, 2 * grid.size))
    np.testing.assert_allclose(
        tried.ahead(carried, index, log_weight), tried.mean(log_weight), rtol=1e-12
    )


def test_a_quarter_that_cannot_be_forecast_is_not():
    plan, past = market()
    short = past.rows(slice(0, 3 * HELD_OUT - 1))
    assert learn(short, plan, settings=QUICK).held_out() is None
    spend = past.spend.copy()
    spend[:-5, 1] = 0.0
    assert learn(replace(past, spend=spend), plan, settings=QUICK).held_out() is None
    by_channel = replace(past, total=None, outcome=CURVE.value(past.spend))
    assert learn(by_channel, plan, settings=Settings.fast()).held_out() is None


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0, float("nan")])
def test_a_level_is_a_share(level):
    with pytest.raises(InputError, match="level"):
        believed().held_out(level)


def test_it_is_said():
    held = believed().held_out()
    facts = json.loads(json.dumps(belief_facts(believed())))["held_out"]
    assert facts["forecast"] == list(held.forecast)
    assert (facts["inside"], facts["error"]) == (held.inside, held.error)
    for language, word in (("en", "forecast"), ("zh", "预测")):
        text = belief_table(believed(), language=language)
        assert f"{held.error:.0%}" in text
        assert word in text


def test_held_out_weeks_are_a_frame():
    rng = np.random.default_rng(2)
    spend = 100 * rng.lognormal(0, 0.3, (60, 2))
    days = np.datetime64("2025-01-06") + 7 * np.arange(60)
    total = 500 + 20 * np.sqrt(spend).sum(axis=1) + rng.normal(0, 5, 60)
    plan = bo.Plan(budget=200, currency="CNY", channels=[bo.Channel("a"), bo.Channel("b")])
    history = bo.History(("a", "b"), days, spend, total=total)
    belief = bo.learn(history, plan, settings=bo.Settings.fast())
    found, frame = belief.held_out(), belief.held_out().to_frame()
    assert frame.week.tolist() == list(map(pd.Timestamp, found.weeks))
    assert frame.actual.tolist() == pytest.approx(total[-13:].tolist())
    assert found.inside == ((frame.low <= frame.actual) & (frame.actual <= frame.high)).sum()
    with pytest.raises(bo.InputError, match="held_out"):
        belief.predict([100, 100])
