"""Fitting wishes into limits: by hand, and as properties of random ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.optimize.project import fit_shares, fit_spend


def spends(wish, lower, upper, budget, all_=False):
    arrays = (np.array(a, dtype=float) for a in (wish, lower, upper, budget))
    return fit_spend(*arrays, all_=all_).tolist()


def shares(weight, lower, upper, budget):
    return fit_shares(*(np.array(a, dtype=float) for a in (weight, lower, upper, budget))).tolist()


def test_a_wish_within_all_limits_is_granted():
    assert spends([3, 4], [0, 0], [10, 10], 20) == [3, 4]


def test_a_wish_is_drawn_into_its_bounds():
    assert spends([1, 9], [2, 0], [10, 8], 20) == [2, 8]


def test_above_the_budget_every_channel_gives_the_same_share_of_its_slack():
    # 30 wished, 24 allowed: 6 of 24 above the floors is a quarter of each channel's slack.
    assert spends([10, 20], [6, 0], [50, 50], 24) == [9, 15]


def test_below_the_budget_every_channel_takes_the_same_share_of_its_room():
    # 30 wished, 40 to be spent: 10 of 25 room is two fifths of each.
    assert spends([10, 20], [0, 0], [15, 40], 40, all_=True) == [12, 28]


def test_money_is_left_unless_all_is_to_be_spent():
    assert spends([10, 20], [0, 0], [15, 40], 40) == [10, 20]


def test_caps_leave_money_even_where_all_is_to_be_spent():
    assert spends([1, 1], [0, 0], [2, 3], 40, all_=True) == [2, 3]


def test_locked_channels_stay():
    assert spends([9, 20], [5, 0], [5, 50], 15) == [5, 10]


def test_shares_are_proportional_where_bounds_let_them_be():
    assert shares([1, 3], [0, 0], [100, 100], 40) == [10, 30]


def test_shares_fill_up_around_a_cap():
    # 60 of 80 would go to the second, which takes 20: the rest shares 60 as 1 to 2.
    assert shares([1, 6, 2], [0, 0, 0], [100, 20, 100], 80) == pytest.approx([20, 20, 40])


def test_shares_give_way_to_a_floor():
    assert shares([1, 3], [20, 0], [100, 100], 50) == pytest.approx([20, 30])


def test_shares_stop_at_all_caps():
    assert shares([1, 3], [0, 0], [5, 6], 40) == [5, 6]


def test_a_weight_of_zero_gets_its_floor():
    assert shares([0, 3], [2, 0], [50, 50], 42) == pytest.approx([2, 40])


def test_floors_that_are_the_whole_budget_are_the_answer():
    assert shares([5, 1], [10, 20], [50, 50], 30) == pytest.approx([10, 20])


@st.composite
def cases(draw, runs=None):
    channels = draw(st.integers(1, 7))
    shape = (channels,) if runs is None else (runs, channels)
    amount = st.floats(0, 1e6, allow_subnormal=False)

    def array():
        size = int(np.prod(shape))
        return np.array(draw(st.lists(amount, min_size=size, max_size=size))).reshape(shape)

    wish, lower, width = array(), array(), array()
    slack = np.array(draw(st.lists(amount, min_size=runs or 1, max_size=runs or 1)))
    budget = lower.sum(axis=-1) + (slack[0] if runs is None else slack)
    return wish, lower, lower + width, np.asarray(budget)


@given(cases(), st.booleans())
def test_no_bound_and_no_budget_is_broken(case, all_):
    _, lower, upper, budget = case
    for fitted in (fit_spend(*case, all_=all_), fit_shares(*case)):
        assert np.all(lower <= fitted)
        assert np.all(fitted <= upper)
        assert fitted.sum() <= budget * (1 + 1e-12) + 1e-9


@given(cases())
def test_what_is_to_be_spent_is_spent_as_far_as_caps_allow(case):
    _, _, upper, budget = case
    want = min(float(budget), upper.sum())
    assert fit_spend(*case, all_=True).sum() == pytest.approx(want, rel=1e-9, abs=1e-9)


@given(cases())
def test_free_channels_share_one_scale(case):
    weight, lower, upper, budget = case
    fitted = fit_shares(*case)
    scale = 1e-9 * (1 + fitted)
    free = (weight > 1e-3) & (fitted > lower + scale) & (fitted < upper - scale)
    if free.any():
        ratio = fitted[free] / weight[free]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
        assert fitted.sum() == pytest.approx(float(budget), rel=1e-9, abs=1e-6)


@given(cases(runs=4), st.booleans())
def test_a_batch_is_its_runs_one_by_one(case, all_):
    alone_spend = [fit_spend(*(a[run] for a in case), all_=all_) for run in range(4)]
    alone_shares = [fit_shares(*(a[run] for a in case)) for run in range(4)]
    np.testing.assert_array_equal(fit_spend(*case, all_=all_), alone_spend)
    np.testing.assert_array_equal(fit_shares(*case), alone_shares)
