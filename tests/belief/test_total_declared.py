"""One total: what the plan declares enters the regression, or is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from budgetopt.belief import Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.inputs import REACH
from budgetopt.curves import Carryover, Hill
from budgetopt.errors import InputError
from budgetopt.history import Delay
from budgetopt.plan.channel import ChannelPrior
from budgetopt.plan.priors import Priors, as_events

from .helpers import Past, Plan, names

QUICK = Settings(total_carryover=(0.0, 0.4), sweeps=4)
WEEKS, MONEY = 104, 1000.0
CURVE = Hill(500.0, MONEY, 1.0)


def history(seed=0, channels=2, varied=0.5):
    """Return plan, history and what each channel brings a week at 1,000."""
    rng = np.random.default_rng(seed)
    spend = MONEY * rng.lognormal(0, varied, (WEEKS, channels))
    brought = CURVE.value(spend)
    total = 1000 + brought.sum(axis=1) + rng.normal(0, 25, WEEKS)
    return (
        Plan(names(channels), channels * MONEY),
        Past(names(channels), spend, None, total),
        brought,
    )


def at_usual(belief):
    return belief.mean().value(np.full(len(belief.channels), MONEY))


def test_events_by_name_are_no_effect_of_the_money_spent_in_them():
    """Every third week +18 % while spends double: too many to be odd."""
    plan, past, _ = history()
    weeks = [3 * at + 1 for at in range(34)]
    spend, total = past.spend.copy(), past.total.copy()
    spend[weeks] *= 2.0
    total[weeks] += 300 + (CURVE.value(spend[weeks]) - CURVE.value(past.spend[weeks])).sum(axis=1)
    promoted = Past(past.channels, spend, None, total)
    first, last = np.timedelta64(1, "D"), np.timedelta64(3, "D")
    days = {"sale": [[str(past.weeks[at] + first), str(past.weeks[at] + last)] for at in weeks]}
    told = learn(promoted, replace(plan, priors=Priors(events=as_events(days))), settings=QUICK)
    silent = learn(promoted, plan, settings=QUICK)
    calm = at_usual(learn(past, plan, settings=QUICK))
    np.testing.assert_allclose(at_usual(told), calm, rtol=0.1)
    assert silent.fit.media > 1.1 * told.fit.media
    assert silent.fit.noise > 3.0 * told.fit.noise
    assert told.fit.explained > silent.fit.explained


def test_a_declared_roas_is_believed_where_the_weeks_say_nothing():
    """One channel always has the same money, so that no week tells its effect from the baseline."""
    plan, past, _ = history(1)
    spend = past.spend.copy()
    spend[:, 0] = MONEY
    still = Past(past.channels, spend, None, past.total)
    prior = (("c0", ChannelPrior(roas=0.2, roas_sd=0.1)),)
    belief = learn(
        still, replace(plan, priors=Priors(channels=prior)), settings=replace(QUICK, doubt=0.0)
    )
    band = belief.response(MONEY, 0.9)
    assert band.mean[0] == pytest.approx(200.0, rel=0.05)
    assert band.low[0] == pytest.approx(200 * (1 - 1.645 * 0.1), rel=0.06)
    assert band.high[0] == pytest.approx(200 * (1 + 1.645 * 0.1), rel=0.06)


def test_a_declared_saturation_moves_where_the_curve_bends():
    plan, past, _ = history(2, varied=0.1)
    bends = []
    for saturation in (200.0, 5000.0):
        prior = (("c0", ChannelPrior(saturation=saturation, saturation_sd=0.2)),)
        belief = learn(past, replace(plan, priors=Priors(channels=prior)), settings=QUICK)
        bends.append(belief.summary()[0].saturation.mean)
    assert bends[0] < 400
    assert bends[1] > 3000


def test_a_declared_carryover_is_that_which_settings_would_try_alone():
    plan, past, _ = history(3)
    kernel = Carryover("geometric", share=0.4, length=REACH)
    known = Priors(carryovers=tuple((name, kernel) for name in plan.names))
    declared = learn(past, replace(plan, priors=known), settings=QUICK)
    alone = learn(past, plan, settings=replace(QUICK, total_carryover=(0.4,)))
    np.testing.assert_allclose(at_usual(declared), at_usual(alone), rtol=1e-6)


def test_a_pinned_curve_is_taken_out_of_the_total():
    plan, past, brought = history(4, channels=3)
    known = replace(plan, priors=Priors(pinned=(("c1", CURVE),)))
    belief = learn(past, known, settings=QUICK)
    without = past.select(("c0", "c2"))
    without = replace(without, total=past.total - brought[:, 1])
    other = learn(without, Plan(("c0", "c2"), 2 * MONEY), settings=QUICK)
    np.testing.assert_allclose(at_usual(belief)[[0, 2]], at_usual(other), rtol=0.05)
    assert at_usual(belief)[1] == pytest.approx(float(CURVE.value(MONEY)))
    assert belief.data_share[1] == 0.0
    everything = Priors(pinned=tuple((name, CURVE) for name in plan.names))
    all_known = learn(past, replace(plan, priors=everything), settings=QUICK)
    np.testing.assert_allclose(at_usual(all_known), CURVE.value(MONEY))


def test_demand_multiplies_baseline_and_effects():
    plan, past, _ = history(5)
    index = np.where(np.arange(WEEKS) % 13 < 3, 1.5, 1.0)
    days = [day.astype("datetime64[D]").item() for day in past.weeks]
    known = Priors(demand=tuple(zip(days, index.tolist(), strict=True)))
    raised = replace(past, total=past.total * index)
    told = learn(raised, replace(plan, priors=known), settings=QUICK)
    usual = learn(past, plan, settings=QUICK)
    np.testing.assert_allclose(at_usual(told), at_usual(usual), rtol=0.1)


def test_a_delay_completes_the_last_totals():
    plan, past, _ = history(6)
    last = past.weeks[-1].astype("datetime64[D]").item() + dt.timedelta(days=6)
    total = past.total.copy()
    total[-2:] *= np.array([0.8, 0.5])
    young = replace(past, total=total, through=last)
    known = replace(plan, priors=Priors(delay=Delay([0.5, 0.8, 1.0])))
    told, whole = learn(young, known, settings=QUICK), learn(past, plan, settings=QUICK)
    np.testing.assert_allclose(at_usual(told), at_usual(whole), rtol=1e-9)


@pytest.mark.parametrize(
    ("known", "field"),
    [
        (Priors(channels=(("c1", ChannelPrior(noise=0.2)),)), "channels.c1.prior.noise"),
        (Priors(delay=Delay([0.5, 1.0], channels={"c0": [0.2, 1.0]})), "delay.channels"),
    ],
)
def test_what_means_nothing_with_one_total_is_refused(known, field):
    plan, past, _ = history(7)
    with pytest.raises(InputError) as caught:
        learn(past, replace(plan, priors=known), settings=QUICK)
    assert caught.value.field == field
    assert caught.value.remedy
