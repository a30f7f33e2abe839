"""Another policy's split, varied by a balanced design as far as that pays."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Exponential
from budgetopt.curves.base import stack
from budgetopt.curves.mixture import Mixture
from budgetopt.errors import InputError
from budgetopt.horizon import block
from budgetopt.policies import Phased, PosteriorMean

from .helpers import Coin, Fixed, decide, view

SPEND = np.array([40.0, 30.0, 50.0])
AT = Fixed(*SPEND)


class Wide(Coin):
    """Four cells, so that a channel's level does not tell its slope."""

    cells = stack([Exponential(1.0, scale) for scale in (20.0, 60.0, 20.0, 60.0)])

    def mean(self):
        return Mixture(self.cells, self.tops / 4)


BELIEF = Wide(np.array([[100.0, 300.0, 200.0, 150.0]] * 3) * [[1.0], [1.5], [2.0]])


def reports(weeks, noise=0.05, seed=0):
    """Return past weeks around the split whose outcomes are off by so much."""
    rng = np.random.default_rng(seed)
    spend = SPEND * rng.lognormal(0, 0.05, (weeks, 3))
    return {
        "spend": spend,
        "outcome": BELIEF.mean().value(spend) * rng.lognormal(0, noise, spend.shape),
        "last": SPEND,
        "belief": BELIEF,
    }


def moved_by(weeks=13, noise=0.05, most=0.1, used=26, **changes):
    return decide(Phased(AT, most, used), **{**reports(weeks, noise), **changes}) - SPEND


def test_over_a_block_every_channel_is_as_often_up_as_down_and_totals_stay():
    past = reports(60)
    moved = []
    for week in range(40, 40 + block(3)):
        seen = {"spend": past["spend"][:week], "outcome": past["outcome"][:week]}
        moved.append(decide(Phased(AT, 0.1), **{**past, **seen}) - SPEND)
    np.testing.assert_allclose(np.sum(moved, axis=1), 0, atol=1e-9)
    # Every swing is at its most, so that the balance is the design's own.
    np.testing.assert_allclose(np.sum(moved, axis=0), 0, atol=1e-9)
    assert np.abs(moved).max(axis=0) == pytest.approx(0.1 * SPEND, rel=0.5)


def test_it_is_the_other_policy_where_nothing_pays():
    assert moved_by().any()
    for little in ({"noise": 3.0, "used": 1}, {"weeks": 1}, {"weeks": 0}):
        assert not moved_by(**little).any()
    # Two cells, each with a level of its own: who knows the level knows the slope.
    assert not moved_by(belief=Coin()).any()
    for bound in ({"upper": SPEND}, {"lower": SPEND}):
        assert not moved_by(**bound).any()


def test_within_change_limits_no_channel_goes_further_than_it_may_come_back():
    # From 1 - a to 1 + a by 30 %: a is 0.3/2.3.
    moved = moved_by(most=0.5, lower=0.7 * SPEND, upper=1.3 * SPEND)
    assert np.abs(moved / SPEND).max() == pytest.approx(0.3 / 2.3, rel=0.3)
    last = SPEND + moved
    bounds = {"lower": 0.7 * last, "upper": 1.3 * last, "last": last}
    for week in range(13, 17):
        moved = moved_by(weeks=week, most=0.5, **bounds)
        assert ((bounds["lower"] <= SPEND + moved) & (SPEND + moved <= bounds["upper"])).all()


def test_one_total_tells_how_far_a_week_is_off():
    past = reports(30)
    total = past["outcome"].sum(axis=1) + 500
    told = {**past, "outcome": None}
    assert not moved_by(**told).any()
    assert moved_by(**told, total=total).any()


def test_a_week_that_is_decided_hands_its_totals_on():
    class Reader(Fixed):
        def decide(self, view, rng):
            self.total = view.total
            return view.project(view.last)

    rng, names = np.random.default_rng(1), ("a", "b")
    spend, total = (100 * rng.lognormal(0, 0.3, (30, 2))).round(2), rng.lognormal(6, 0.1, 30)
    days = np.datetime64("2025-01-06") + 7 * np.arange(30)
    plan = bo.Plan(budget=200, currency="CNY", channels=[bo.Channel(name) for name in names])
    past, reader = bo.History(names, days, spend, total=total), Reader(100, 100)
    belief = bo.learn(past, plan, settings=bo.Settings.fast())
    bo.reallocate(plan, past, policy=reader, belief=belief)
    np.testing.assert_array_equal(reader.total, total)


def test_the_same_week_is_the_same_split_whatever_the_seed():
    week = view(**reports(12))
    first, second = (Phased(AT).decide(week, np.random.default_rng(seed)) for seed in (1, 2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(("field", "wrong"), [
    ("most", 0), ("most", 0.51), ("most", np.nan), ("weeks", 0), ("weeks", 521), ("weeks", 2.5),
])  # fmt: skip
def test_settings_out_of_range_are_refused(field, wrong):
    with pytest.raises(InputError, match=field):
        Phased(PosteriorMean(), **{field: wrong})
