"""Spends varied on purpose: the design, how far it pays, and weeks that keep their limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import budgetopt as bo
from budgetopt.curves import Log
from budgetopt.errors import InputError
from budgetopt.horizon.phasing import (
    ChannelSlopes,
    SlopeDoubt,
    balanced,
    block,
    report_error,
    signs,
    slope_doubt,
)
from budgetopt.i18n import in_language

NAMES = ("a", "b", "c")


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 12, 40])
def test_channels_are_as_often_up_as_down_and_no_two_move_together(channels):
    weeks = block(channels)
    rows = signs(channels, range(weeks))
    assert set(np.unique(rows)) == {-1.0, 1.0}
    np.testing.assert_array_equal(rows.sum(axis=0), 0)
    np.testing.assert_array_equal(rows.T @ rows, weeks * np.eye(channels))
    np.testing.assert_array_equal(signs(channels, weeks + 1), rows[1])
    # None stays up for more than half a block in a row, where the block has more than four weeks.
    runs = np.abs(np.convolve(rows[:, 0], np.ones(weeks // 2 + 1), "valid"))
    assert weeks <= 4 or runs.max() < weeks // 2 + 1


def test_a_weeks_total_stays_and_so_does_what_is_balanced_over_weeks():
    # By hand: 10 up and 5 down of swings 10 and 5; 100 of 125 of the 5 too much is the first's.
    np.testing.assert_allclose(balanced(np.array([10.0, 5.0]), np.array([1.0, -1.0])), [6, -6])
    swing = np.array([10.0, 5.0, 0.0, 8.0])
    moved = balanced(swing, signs(4, range(8)))
    np.testing.assert_allclose(moved.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(moved.sum(axis=0), 0, atol=1e-12)
    assert not moved[:, 2].any()
    assert not balanced(np.zeros(3), np.ones(3)).any()


positive = st.floats(0.01, 100)


@settings(max_examples=100)
@given(positive, positive, positive, st.integers(1, 64), st.integers(1, 520))
def test_the_best_swing_is_where_the_worth_is_largest(variance, error, bend, weeks, used):
    doubt = SlopeDoubt(*(np.array([one]) for one in (variance, error, bend)))
    best = doubt.best_swing(weeks, used)[0]

    def worth_of(swing):
        square = swing**2
        return used / (2 * bend) * doubt.taken(weeks * square)[0] - weeks * bend * square / 2

    worth = worth_of(best)
    pays = variance * np.sqrt(used) > error * bend
    assert pays == (best > 0) or best == pytest.approx(0, abs=1e-6)

    def less(log):
        return -worth_of(np.exp(log))

    centre = np.log(best) if best > 0 else 0.0
    found = minimize_scalar(less, bounds=(centre - 3, centre + 3), method="bounded")
    assert worth >= -found.fun - 1e-9 * max(1.0, abs(found.fun))
    assert worth >= 0


def test_what_weeks_take_off_the_doubt_is_the_normal_rule():
    # Variance 4, error 3, squares 9: 1/(1/4 + 9/9) = 0.8 is left.
    doubt = SlopeDoubt(np.array([4.0]), np.array([3.0]), np.array([1.0]))
    assert 4 - doubt.taken(np.array([9.0]))[0] == pytest.approx(0.8)


class Cloud:
    """A belief that is a number of draws of curves."""

    def __init__(self, tops, scales):
        self.curves = Log(tops, scales)

    def mean(self):
        return Log(self.curves.top.mean(axis=0), self.curves.scale.mean(axis=0))

    def gain(self, before, after):
        value = self.curves.value
        rise = value(np.asarray(after)[..., None, :]) - value(np.asarray(before)[..., None, :])
        return rise.mean(axis=-2), rise.var(axis=-2)


def test_doubt_about_levels_alone_is_no_doubt_where_channels_report():
    rng = np.random.default_rng(1)
    spend = np.array([100.0, 50.0])
    level = Cloud(rng.lognormal(0, 0.3, (500, 2)), np.full((500, 2), 80.0))
    assert slope_doubt(level, spend, np.ones(2), True).variance == pytest.approx([0, 0], abs=1e-12)
    whole = slope_doubt(level, spend, np.ones(2), False).variance
    rise = level.curves.value(1.2 * spend) - level.curves.value(0.8 * spend)
    np.testing.assert_allclose(whole, rise.var(axis=0) / (0.4 * spend) ** 2)


def test_doubt_that_a_level_leaves_is_what_a_regression_leaves():
    rng = np.random.default_rng(2)
    belief = Cloud(rng.lognormal(0, 0.3, (800, 2)), rng.lognormal(4, 0.8, (800, 2)))
    spend = np.array([100.0, 50.0])
    found = slope_doubt(belief, spend, np.ones(2), True)
    level = belief.curves.value(spend)
    rise = belief.curves.value(1.2 * spend) - belief.curves.value(0.8 * spend)
    for at in range(2):
        line = np.polyfit(level[:, at], rise[:, at], 1)
        left = rise[:, at] - np.polyval(line, level[:, at])
        assert found.variance[at] == pytest.approx(left.var() / (0.4 * spend[at]) ** 2)
    mean, near = belief.mean(), 1e-3
    second = (mean.slope(spend + near) - mean.slope(spend - near)) / (2 * near)
    np.testing.assert_allclose(found.bend, -second, rtol=1e-6)


def test_a_weeks_error_is_read_off_neighbouring_weeks():
    rng = np.random.default_rng(3)
    curve, at = Log(np.array([10.0, 20.0]), np.array([50.0, 80.0])), np.array([60.0, 70.0])
    spend = rng.uniform(20, 120, (3, 53, 2))
    expected = curve.value(spend)
    outcome = expected * rng.lognormal(0, 0.2, expected.shape)
    outcome[:, 5, 0], outcome[:, 9, 1] = np.nan, 0.0
    found = report_error(curve, spend, outcome, None, np.broadcast_to(at, (3, 2)))
    np.testing.assert_allclose(found, 0.2 * np.broadcast_to(curve.value(at), (3, 2)), rtol=0.35)
    alone = report_error(curve, spend[1], outcome[1], None, at)
    np.testing.assert_allclose(found[1], alone)
    season = 500 + 5 * np.sin(np.arange(53) / 8)
    total = season + expected[0].sum(axis=1) + rng.normal(0, 2, 53)
    np.testing.assert_allclose(report_error(curve, spend[0], None, total, at), 2, rtol=0.35)
    for few in (spend[0, :1], spend[0, :0]):
        assert np.isnan(report_error(curve, few, few, None, at)).all()
    assert np.isnan(report_error(curve, spend[0], None, None, at)).all()


DAYS = np.datetime64("2025-01-06") + 7 * np.arange(20)


@pytest.fixture(scope="module")
def known():
    """A plan, and a belief from few weeks that hardly differ."""
    rng = np.random.default_rng(4)
    spend = (1000 * rng.lognormal(0, 0.02, (20, 3))).round(2)
    outcome = np.array([900.0, 500.0, 700.0]) * -np.expm1(-spend / 900)
    past = bo.History(NAMES, DAYS, spend, outcome * rng.lognormal(0, 0.03, spend.shape))
    channels = [bo.Channel(name, floor=200, cap=1500) for name in NAMES]
    limits = [bo.Limit.group("ab", ["a", "b"], at_most=2200)]
    declared = bo.Plan(budget=3000, currency="CNY", channels=channels, max_change="30%",
                       limits=limits, spend="all")  # fmt: skip
    return declared, bo.learn(past, declared, settings=bo.Settings.fast()), past


def test_varied_weeks_keep_every_limit_and_say_what_they_cost_and_teach(known):
    plan, belief, past = known
    plain = bo.plan_weeks(plan, belief, 16, history=past)
    found = bo.plan_weeks(plan, belief, 16, history=past, vary="10%")
    assert plain.variation is None
    moved = (found.minor - plain.minor) / 100
    assert np.abs(moved).max() > 20
    assert found.totals == plain.totals
    # Over whole blocks each channel's money stays, but for where limits bind.
    assert np.abs(moved.sum(axis=0)).max() < 0.25 * np.abs(moved).sum(axis=0).max()
    assert (found.minor[:, :2].sum(axis=1) <= 220_000).all()
    assert (np.abs(np.diff(found.minor, axis=0)) <= 0.3 * found.minor[:-1] + 1).all()
    assert (found.minor >= 20_000).all()
    assert (found.minor <= 150_000).all()
    lost = plain.objective - found.objective
    said = found.variation
    assert said.cost == pytest.approx(lost, abs=1e-6)
    assert said.worth > said.cost > 0
    assert found.bound == plain.bound >= plain.objective
    assert any(b > a for a, b in zip(said.after, said.before, strict=True))
    assert max(said.share) <= 0.1 + 1e-6
    assert found.notes[0].code == "year-varied"
    assert in_language(found.notes[0], "zh")[-1] != "。" != found.notes[0][-1] != "."
    assert found.to_dict()["variation"]["share"].keys() == set(NAMES)


def test_where_limits_leave_room_the_weeks_are_the_design_itself(known):
    _, belief, past = known
    channels = [bo.Channel(name) for name in NAMES]
    free = bo.Plan(budget=3000, currency="CNY", channels=channels, max_change="none", spend="all")
    plain = bo.plan_weeks(free, belief, 16, history=past)
    found = bo.plan_weeks(free, belief, 16, history=past, vary="5%")
    usual = plain.minor.mean(axis=0) / 100
    share = ChannelSlopes.of(belief, NAMES, usual).share(16, 0.05)
    assert (share > 0).all()
    # Sixteen weeks are whole blocks of three channels.
    wanted = balanced(share * usual, signs(3, range(16)))
    # Both are rounded to cents, and prices meet slopes to the solver's gap.
    np.testing.assert_allclose((found.minor - plain.minor) / 100, wanted, atol=1.0)


def test_weeks_of_which_nothing_is_to_be_learned_do_not_vary(known):
    plan, belief, past = known
    plain = bo.plan_weeks(plan, belief, 4, history=past)
    same = bo.plan_weeks(plan, belief, 4, history=past, vary="0.001%")
    # Steps of a cent are no part of so little.
    assert np.abs(same.minor - plain.minor).max() <= 2
    locked = [bo.Channel(name, locked=1000) for name in NAMES]
    still = bo.Plan(budget=3000, currency="CNY", channels=locked, spend="all")
    found = bo.plan_weeks(still, bo.learn(past, still), 4, history=past, vary="10%")
    assert found.variation is None
    assert found.notes[0].code == "year-not-varied"
    assert in_language(found.notes[0], "zh")[-1] != "。" != found.notes[0][-1] != "."


@pytest.mark.parametrize("vary", [0, "0%", 0.6, "60%", -0.1, "much", 20])
def test_a_share_out_of_range_is_refused(known, vary):
    plan, belief, _ = known
    with pytest.raises(bo.BudgetoptError) as error:
        bo.plan_weeks(plan, belief, 4, start="2025-06-02", vary=vary)
    assert error.value.field == "vary"
    assert "above" not in in_language(error.value.remedy, "zh")


def test_curves_without_doubt_are_nothing_to_learn_from():
    plan = bo.Plan(budget=100, currency="CNY", channels=[bo.Channel("a", curve=bo.Log(5, 8))])
    with pytest.raises(InputError, match="taken as certain") as error:
        bo.plan_weeks(plan, None, 4, start="2025-06-02", vary="10%")
    assert error.value.code == "bad-argument"
