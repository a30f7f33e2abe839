"""Money moved to learn: balanced, within bounds, and dear only to the second order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.errors import InputError
from budgetopt.policies import ExplorationBudget, PosteriorMean

from .helpers import Coin, Fixed, decide, view

SPEND = np.array([40.0, 30.0, 50.0])
AT = Fixed(*SPEND)


def moved_by(seed=0, share=0.05, **changes):
    return decide(ExplorationBudget(AT, share), seed, **changes) - SPEND


def test_the_two_channels_whose_slope_is_least_known_are_moved_against_each_other():
    # 6 of 120 to each side. The doubt of a channel: half the difference of its two curves' steps.
    steps = [
        coin * (cells[1] - cells[0]) / 12
        for coin, cells in zip(
            Coin().tops,
            zip(
                Coin.cells.value(SPEND[:, None] - 6), Coin.cells.value(SPEND[:, None] + 6), strict=1
            ),
            strict=True,
        )
    ]
    doubt = [abs(a - b) / 2 for a, b in steps]
    moved = moved_by()
    assert np.flatnonzero(moved).tolist() == sorted(np.argsort(doubt)[1:].tolist())
    assert sorted(moved.tolist()) == pytest.approx([-6, 0, 6])


def test_which_way_is_a_coin():
    signs = {np.sign(moved_by(seed)).tobytes() for seed in range(20)}
    assert len(signs) == 2
    assert moved_by(3).tolist() == moved_by(3).tolist()


def test_the_plans_test_reserve_takes_the_place_of_the_share():
    assert np.abs(moved_by(test=np.asarray(2.0))).max() == pytest.approx(2)
    assert np.abs(moved_by(share=0.025)).max() == pytest.approx(3)


def test_bounds_keep_a_test_small_and_the_rest_goes_to_the_next_pair():
    tops = np.array([[100.0, 900.0], [0.0, 900.0], [150.0, 150.0], [150.0, 160.0]])
    wide = view(
        belief=Coin(tops),
        lower=np.zeros(4),
        upper=np.array([40.0, 24.0, 60.0, 60.0]),
        last=np.full(4, 20.0),
    )
    policy = ExplorationBudget(Fixed(20, 20, 20, 20), 0.05)
    moved = policy.decide(wide, np.random.default_rng(1)) - 20
    # Of 6 the first pair takes 4, as the second has no more room; 2 are left for the others.
    assert sorted(np.abs(moved).tolist()) == pytest.approx([2, 2, 4, 4])
    assert moved.sum() == pytest.approx(0)


def test_a_channel_at_its_bound_is_left_alone():
    upper = np.array([100.0, 30.0, 100.0])
    assert moved_by(upper=upper)[1] == 0
    locked = {"lower": SPEND, "upper": SPEND}
    assert moved_by(**locked).tolist() == [0, 0, 0]


def test_the_expected_loss_is_of_second_order():
    def value(spend):
        return float(Coin().mean().value(spend).sum())

    def loss(share):
        up = moved_by(share=share)
        return value(SPEND) - (value(SPEND + up) + value(SPEND - up)) / 2

    small, large = loss(0.005), loss(0.01)
    assert large / small == pytest.approx(4, rel=1e-2)
    # The formula: half the square of the step times the curvatures of the pair.
    moved, h = moved_by(share=0.005), 1e-3
    bend = (Coin().mean().slope(SPEND + h) - Coin().mean().slope(SPEND - h)) / (2 * h)
    assert small == pytest.approx(-0.5 * float(np.square(moved) @ bend), rel=1e-3)


def test_one_channel_has_nobody_to_pair_with():
    one = view(
        belief=Coin(Coin().tops[:1]), lower=np.zeros(1), upper=np.full(1, 90.0), last=np.ones(1)
    )
    assert ExplorationBudget(Fixed(50.0)).decide(one, np.random.default_rng(0)).tolist() == [50]


amounts = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(np.array)


@settings(max_examples=80)
@given(amounts, amounts, amounts, st.floats(0.001, 1), st.integers(0, 5))
def test_the_sum_stays_and_no_bound_is_broken(lower, width, place, share, seed):
    lower = 30 * lower
    upper = lower + 60 * width
    spend = np.clip(lower + place * (upper - lower), lower, upper)
    week = view(lower=lower, upper=upper)
    got = ExplorationBudget(Fixed(*spend), share).decide(week, np.random.default_rng(seed))
    assert np.all((lower <= got) & (got <= upper))
    assert got.sum() == pytest.approx(spend.sum(), abs=1e-9)
    assert np.abs(got - spend).sum() / 2 <= share * 120 + 1e-9


@pytest.mark.parametrize("share", [0, 1.01, np.nan, "5%"])
def test_shares_out_of_range_are_refused(share):
    with pytest.raises(InputError, match="above 0, at most 1"):
        ExplorationBudget(PosteriorMean(), share)
