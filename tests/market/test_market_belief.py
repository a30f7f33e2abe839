"""True curves drawn from what was learned, and markets as they are believed to be."""

import numpy as np
import pytest

from budgetopt.belief.belief import learn
from budgetopt.curves import Carryover
from budgetopt.errors import InputError
from budgetopt.history import Delay, History
from budgetopt.market import Drift, Market, Noise, believed_market
from budgetopt.plan import Channel, Plan


def learned(noise=0.1, total=False, **settings):
    """Return a plan, and what 30 weeks say of its two channels."""
    rng = np.random.default_rng(4)
    spend = rng.lognormal(4, 0.4, (30, 2))
    outcome = 100 * -np.expm1(-spend / 80) * rng.lognormal(0, noise, spend.shape)
    weeks = np.datetime64("2026-01-05") + 7 * np.arange(30)
    told = {"total": outcome.sum(axis=1)} if total else {"outcome": outcome}
    history = History(("a", "b"), weeks, spend, **told)
    channels = settings.pop("channels", [Channel("a"), Channel("b")])
    plan = Plan(budget=120, currency="CNY", channels=channels, **settings)
    return plan, learn(history, plan)


def test_curves_are_drawn_from_a_belief():
    _, belief = learned()
    market = Market(channels=("a", "b"), curves=belief)
    truth = market.weather(1, 2000, 7).truth
    np.testing.assert_allclose(
        truth.value(60.0).mean(axis=0), belief.mean().value(np.full(2, 60.0)), rtol=0.05
    )
    with pytest.raises(InputError, match="other channels"):
        Market(channels=("a", "c"), curves=belief)


def test_a_believed_market_is_as_noisy_as_the_weeks_were():
    calm, wild = (believed_market(*learned(noise)) for noise in (0.05, 0.4))
    assert np.all(np.array(calm.noise.sd) < 0.15)
    assert np.all(np.abs(np.array(wild.noise.sd) - 0.4) < 0.15)
    assert 0 < calm.drift.sd < 0.1
    assert not calm.noise.counted
    assert calm.delay == ()


def test_a_believed_market_counts_what_the_plan_counts_and_reports_as_late():
    carried = [Channel("a", carryover=Carryover("geometric", share=0.3)), Channel("b")]
    late = Delay([0.5, 0.8, 1.0], ages=[0, 1.5, 2])
    plan, belief = learned(channels=carried, outcome_unit=2.5, delay=late)
    market = believed_market(plan, belief)
    assert (market.noise.counted, market.noise.unit) == (True, 2.5)
    # A week later two thirds of the way to 0.8 have been gone.
    assert market.delay == pytest.approx((0.5, 0.7))
    assert market.carryover == (carried[0].carryover, None)


def test_what_one_total_cannot_tell_is_what_the_settings_assume():
    plan, belief = learned(total=True)
    market = believed_market(plan, belief)
    assert market.noise.sd == (belief.settings.usual_noise,) * 2
    assert market.drift == Drift()


def test_settings_take_the_place_of_what_was_learned():
    market = believed_market(*learned(), noise=Noise.none(), start="2026-08-03")
    assert market.noise == Noise()
    assert str(market.start) == "2026-08-03"
