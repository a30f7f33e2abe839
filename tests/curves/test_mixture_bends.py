"""Mixtures with S-shaped cells: read from a table, proven concave or not, and their envelopes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.curves import (
    Exponential,
    Hill,
    Log,
    Logistic,
    Mixture,
    Points,
    Power,
    Scalable,
    Stack,
)
from budgetopt.curves.envelope import Hull, stretches
from budgetopt.curves.points import row_envelope
from budgetopt.curves.sampled import Sampled, tabulated
from budgetopt.errors import CurveError

HALF = np.exp(np.linspace(-3, 3, 15))
SHAPES = (1.0, 0.8, 0.6, 2.0, 3.0)
SIZE = HALF.size * (1 + len(SHAPES))
CONCAVE = np.arange(SIZE) < 4 * HALF.size


def grid(money=1.0):
    """Return cells of the kind a belief weighs, saturating from a twentieth to twenty."""
    rest = SIZE - HALF.size
    hill = Hill(np.ones(rest), money * np.tile(HALF, len(SHAPES)), np.repeat(SHAPES, HALF.size))
    first = Exponential(np.ones(HALF.size), money * HALF / np.log(2))
    return Stack(((np.arange(HALF.size), first), (np.arange(HALF.size, SIZE), hill)))


CELLS = grid()


def weights(rng, shape, share, peak=0.05):
    """Return random weights of which a share is on S-shaped cells."""
    made = rng.dirichlet(np.full(SIZE, peak), shape) + 1e-9
    parts = [np.where(some, made, 0.0) for some in (CONCAVE, ~CONCAVE)]
    plain, bent = (part / part.sum(axis=-1, keepdims=True) for part in parts)
    return (1 - share) * plain + share * bent


def dense(mixture, low, high, count=20_001):
    spend = np.geomspace(low, high, count)
    return spend, mixture.value(spend[:, None])


@pytest.mark.parametrize(
    "cells",
    [
        CELLS,
        Log([1.0, 2.0, 5.0], [0.3, 4.0, 20.0]),
        Power([1.0, 2.0], [1.0, 3.0], [0.4, 0.9]),
        Logistic([1.0, 2.0], [0.5, 9.0]),
        Hill([1.0, 3.0], [0.5, 2.0], [5.0, 0.3]),
    ],
)
def test_the_table_reads_as_the_cells_do(cells):
    rng = np.random.default_rng(1)
    size = cells.size if isinstance(cells, Stack) else np.size(cells.top)
    mixture = Mixture(cells, rng.dirichlet(np.full(size, 0.3), 400) + 1e-6)
    spend = np.exp(rng.uniform(-5, 3, 400))
    read = mixture.sampled(spend.min(), spend.max())
    assert read.value(spend) == pytest.approx(mixture.value(spend), rel=1e-12)
    assert read.slope(spend) == pytest.approx(mixture.slope(spend), rel=1e-9)
    if cells.concave:
        assert read.slope_decay(spend) == pytest.approx(mixture.slope_decay(spend), rel=1e-6)


def test_the_table_inverts_slopes_and_ends_where_it_is_told():
    rng = np.random.default_rng(2)
    mixture = Mixture(CELLS, weights(rng, 300, 0.0))
    spend = np.exp(rng.uniform(-4, 2.5, 300))
    read, price = mixture.sampled(1e-3, 20.0), mixture.slope(spend)
    assert read.spend_at_slope(price) == pytest.approx(spend, rel=1e-10)
    assert np.array_equal(read.falling(price, 2.0 * spend, 3.0 * spend), 2.0 * spend)
    assert np.array_equal(read.falling(price, spend / 3.0, spend / 2.0), spend / 2.0)


def test_cells_with_kinks_or_of_their_own_have_no_table():
    kinked = Points([[1.0, 2.0], [1.0, 5.0]], [[1.0, 1.5], [2.0, 3.0]])
    assert Mixture(kinked, [[0.5, 0.5]]).sampled(0.1, 10) is None
    stacked = Stack(((np.array([0]), Points([[1.0, 2.0]], [[1.0, 1.5]])),))
    assert Mixture(stacked, [[1.0]]).sampled(0.1, 10) is None
    own = Log(np.ones((2, 3)), np.ones((2, 3)))
    assert Mixture(own, np.ones((2, 3))).sampled(0.1, 10) is None
    steep = Hill([1.0], [1.0], [500.0])
    assert tabulated(steep, 0.1, 10) is None
    with pytest.raises(CurveError) as raised:
        Mixture(steep, [[1.0]]).conjugate(0.1, 0.0, 3.0)
    assert raised.value.code == "bad-curve"


@pytest.mark.parametrize("money", [1e-4, 0.37, 1250.0, 3e11])
def test_cells_in_units_share_the_panels_of_one_table(money):
    scaled = Scalable(grid(money).parts, money, CELLS)
    spend = money * np.geomspace(1e-3, 20.0, 400)
    shared, own = (tabulated(cells, spend[0], spend[-1]) for cells in (scaled, grid(money)))
    assert shared.pieces is tabulated(CELLS, 1e-3, 20.0).pieces
    assert own.pieces is not shared.pieces
    mixture = Mixture(scaled, weights(np.random.default_rng(8), 3, 0.2))
    for each in (shared, own):
        read = Sampled(each, np.asarray(mixture.weights))
        np.testing.assert_allclose(
            read.value(spend[:, None]), mixture.value(spend[:, None]), rtol=1e-11
        )
        np.testing.assert_allclose(
            read.slope(spend[:, None]), mixture.slope(spend[:, None]), rtol=1e-10
        )
    assert bool(mixture.concave) == bool(Mixture(grid(money), mixture.weights).concave)


def test_cells_without_weight_do_not_bend_a_sum():
    cells = Hill([1.0, 1.0], [1.0, 1.0], [1.0, 3.0])
    assert Mixture(cells, [1.0, 0.0]).concave
    assert not Mixture(cells, [0.0, 1.0]).concave
    assert Mixture(cells, [1.0, 1e-12]).concave


def test_concave_up_to_the_weight_at_which_the_second_derivative_vanishes():
    # At zero the second derivative of w x/(1+x) + v x²/(1+x²) is 2 v - 2 w.
    cells = Hill([1.0, 1.0], [1.0, 1.0], [1.0, 2.0])
    assert not Mixture(cells, [1.0, 1.0 + 1e-6]).concave
    x = np.linspace(1e-6, 5, 200_001)
    bend = -2 / (1 + x) ** 3 + 2 * (1 - 3 * x**2) / (1 + x**2) ** 3
    most = np.min((2 / (1 + x) ** 3)[bend + 2 / (1 + x) ** 3 > 0]
                  / (bend + 2 / (1 + x) ** 3)[bend + 2 / (1 + x) ** 3 > 0])  # fmt: skip
    assert Mixture(cells, [1.0, most * (1 - 1e-6)]).concave
    assert not Mixture(cells, [1.0, most * (1 + 1e-3)]).concave


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_what_is_said_to_be_concave_is_and_what_is_not_is_not(seed, share):
    rng = np.random.default_rng(seed)
    mixture = Mixture(CELLS, weights(rng, 1, share))
    slope = mixture.slope(np.geomspace(1e-6, 60, 6001)[:, None])[:, 0]
    rises = np.diff(slope) / slope[1:]
    if mixture.concave:
        assert rises.max() <= 1e-12
    elif not np.any(rises > 0):
        # Bent by so little, or on so short a stretch, that steps of 0.3 % do not show it.
        assert rises.max() > -1e-3


def test_stretches_of_one_s_curve_end_at_its_inflection():
    for shape in (1.5, 2.0, 3.0):
        curve = Hill(1.0, 2.0, shape)
        read = Mixture(Hill([1.0], [2.0], [shape]), [[1.0]]).sampled(0.0, 50.0)
        parts = stretches(read, 0.0, 50.0)
        first = np.min(parts.low)
        assert first == pytest.approx(float(curve.inflection), rel=1e-3)


def test_a_mixture_of_one_s_curve_has_its_envelope():
    curve, alone = Mixture(Hill([3.0], [2.0], [3.0]), [[1.0]]), Hill(3.0, 2.0, 3.0)
    spend = np.linspace(0, 9, 50)
    assert curve.envelope(spend[:, None])[:, 0] == pytest.approx(alone.envelope(spend), rel=1e-11)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_envelopes_against_the_hull_of_many_points(seed, share):
    rng = np.random.default_rng([seed, int(10 * share)])
    mixture = Mixture(CELLS, weights(rng, 1, share))
    low, high = rng.choice([0.0, 0.2, 1.0]), rng.uniform(2, 15)
    spend, value = dense(mixture, max(low, 1e-9), high)
    above, _ = row_envelope(spend, value[:, 0])
    read = mixture.sampled(low, high)
    ends = (np.array([end]) for end in (low, low, high))
    hull = Hull.over(read, stretches(read, low, high), *ends)
    many = hull.take(np.zeros(spend.size, dtype=int))
    ours = many.value(spend)
    # A line between points 0.1 % apart falls short of the curve by their distance squared.
    assert ours == pytest.approx(above, abs=2e-6 * value.max())
    assert np.all(ours >= value[:, 0] - 1e-13)
    slope = many.slope(spend)
    assert np.all(np.diff(slope) <= 1e-9 * slope[1:])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_the_best_spend_at_a_price_against_many_points(seed):
    rng = np.random.default_rng(seed)
    mixture = Mixture(CELLS, weights(rng, 3, rng.choice([0.5, 1.0])))
    low, high = rng.choice([0.0, 0.3]), rng.uniform(1, 15, 3)
    price = mixture.value(high) / high * np.exp(rng.normal(0, 0.7, 3))
    spend, best = mixture.conjugate(price, low, high)
    assert np.all((spend >= low) & (spend <= high))
    assert best == pytest.approx(mixture.value(spend) - price * spend, rel=1e-12, abs=1e-15)
    tried = low + (high - low) * np.linspace(0, 1, 4001)[:, None]
    grid_best = np.max(mixture.value(tried) - price * tried, axis=0)
    assert np.all(best >= grid_best - 1e-13)
    assert best == pytest.approx(grid_best, abs=1e-5)


def test_a_price_below_zero_takes_all_and_no_room_takes_nothing():
    mixture = Mixture(Hill([1.0], [1.0], [3.0]), [[1.0], [2.0]])
    spend, best = mixture.conjugate(-1.0, 0.0, [2.0, 3.0])
    assert spend.tolist() == [2.0, 3.0]
    assert best == pytest.approx(mixture.value([2.0, 3.0]) + np.array([2.0, 3.0]))
    assert mixture.conjugate(0.1, 0.0, 0.0)[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(10))
def test_the_largest_spend_that_is_steep_enough(seed):
    rng = np.random.default_rng(seed)
    mixture = Mixture(CELLS, weights(rng, 4, 0.8))
    spend = np.geomspace(1e-4, 200, 40_001)[:, None]
    slope = mixture.slope(spend)
    price = np.exp(rng.uniform(-4, 1, 4))
    steep = slope >= price
    last = np.where(steep.any(axis=0), spend[len(spend) - 1 - steep[::-1].argmax(axis=0), 0], 0.0)
    found = mixture.spend_at_slope(price)
    assert np.where(found < 1e-4, 0.0, found) == pytest.approx(last, rel=1e-3)


def test_the_decay_of_a_sum_with_rising_cells_is_that_of_its_slope():
    rng = np.random.default_rng(7)
    mixture = Mixture(CELLS, weights(rng, 50, 0.1))
    spend = np.exp(rng.uniform(-2, 2, 50))
    step = 1e-5 * spend
    fall = (mixture.slope(spend - step) - mixture.slope(spend + step)) / (2 * step)
    falls = fall > 1e-3 * mixture.slope(spend) / spend
    assert falls.sum() > 40
    assert mixture.slope_decay(spend)[falls] == pytest.approx(
        (mixture.slope(spend) / fall)[falls], rel=1e-4
    )


def test_units_do_not_change_what_is_concave_or_best():
    rng = np.random.default_rng(3)
    weight = weights(rng, 6, 0.6)
    plain, scaled = Mixture(CELLS, weight), Mixture(grid(1e3), 1e-6 * weight)
    assert plain.concave == scaled.concave
    price = plain.value(3.0) / 3.0
    ours, theirs = plain.conjugate(price, 0.1, 8.0), scaled.conjugate(1e-9 * price, 100.0, 8e3)
    assert theirs[0] / 1e3 == pytest.approx(ours[0], rel=1e-9)
    assert theirs[1] * 1e6 == pytest.approx(ours[1], rel=1e-9, abs=1e-12)
