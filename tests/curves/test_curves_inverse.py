"""The spend at a slope: it undoes the slope, falls with the price, and ends where it should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from budgetopt.curves import Exponential, Hill, Log, Logistic, Mixture, Points, Power

CONCAVE_SHAPES = [0.05, 0.3, 0.5, 0.6, 0.8, 0.95, 0.999, 1 - 1e-6, 1 - 1e-9, 1 - 1e-15, 1.0]
RISING_SHAPES = [1 + 1e-3, 1.01, 1.1, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0]

scales = st.floats(-8, 8).map(lambda e: 10.0**e)
concave = st.one_of(
    st.builds(Exponential, scales, scales),
    st.builds(Log, scales, scales),
    st.builds(Logistic, scales, scales),
    st.builds(Power, scales, scales, st.floats(0.05, 0.9)),
    st.builds(Hill, scales, scales, st.sampled_from(CONCAVE_SHAPES) | st.floats(0.05, 1)),
)


def close(found, spend, curve):
    """Say whether a spend is found again as well as its slope, a rounded number, allows.

    A slope known to a few parts in 1e16 of itself, or of its logarithm's size, fixes the spend to
    that many decays.
    """
    slope = np.asarray(curve.slope(spend))
    doubt = 4e-16 * (30 + np.abs(np.log(slope))) * np.asarray(curve.slope_decay(spend))
    return np.all(np.abs(found - spend) <= 1e-9 * spend + doubt)


@given(concave, st.floats(-9, 1.5))
def test_it_undoes_the_slope(curve, exponent):
    spend = (curve.half if isinstance(curve, Hill) else curve.scale) * 10.0**exponent
    assert close(curve.spend_at_slope(curve.slope(spend)), spend, curve)


@pytest.mark.parametrize("shape", CONCAVE_SHAPES)
def test_it_undoes_the_slope_of_concave_hill_over_many_orders(shape):
    half = np.logspace(-8, 8, 17)
    spend = half * np.logspace(-12, 12, 97)[:, None]
    curve = Hill(np.logspace(8, -8, 17), half, shape)
    found = curve.spend_at_slope(curve.slope(spend))
    assert close(found, spend, curve)
    away = spend > half * 1e-3
    assert np.max(np.abs(found / spend - 1)[away]) < 1e-10


@pytest.mark.parametrize("shape", RISING_SHAPES)
def test_it_undoes_the_slope_on_the_falling_branch(shape):
    half = np.logspace(-8, 8, 17)
    curve = Hill(np.logspace(8, -8, 17), half, shape)
    spend = curve.inflection * (1 + np.logspace(-3, 9, 97)[:, None])
    found = curve.spend_at_slope(curve.slope(spend))
    clear = curve.slope(spend) > 1e-290
    assert np.max(np.abs(found / spend - 1)[clear]) < (1e-9 if shape > 1.005 else 1e-6)
    # The same slope on the rising branch is answered on the falling one.
    before = curve.inflection * 0.9
    after = curve.spend_at_slope(curve.slope(before))
    assert np.all(after > curve.inflection)
    assert curve.slope(after) == pytest.approx(curve.slope(before), rel=1e-10)


@pytest.mark.parametrize("shape", RISING_SHAPES)
def test_around_the_greatest_slope_of_hill(shape):
    curve = Hill(3.0, 7.0, shape)
    greatest = curve.slope(curve.inflection)
    # At its maximum the slope is level, so that half the digits are all that can be had.
    assert curve.spend_at_slope(greatest) == pytest.approx(float(curve.inflection), rel=1e-4)
    assert curve.spend_at_slope(greatest * (1 - 1e-9)) >= curve.inflection
    assert curve.spend_at_slope(greatest * (1 + 1e-9)) == 0


def test_shape_one_inside_an_array_equals_shape_one_alone():
    price = np.concatenate([np.linspace(0.001, 0.2, 200), [0.2 * (1 - 1e-9), 0.2, 0.3, np.inf, 0]])
    alone = Hill(10, 50, 1).spend_at_slope(price)
    among = Hill(10, 50, np.where(np.arange(2) == 0, 1.0, 0.6)).spend_at_slope(price[:, None])
    assert among[:, 0] == pytest.approx(alone, rel=1e-12, abs=1e-12 * 50)


def test_blocks_are_independent_of_their_size():
    """Every spend is the same in a short array and across the seams of a long one."""
    rng = np.random.default_rng(5)
    shape = rng.uniform(0.3, 3, 50_000)
    curve = Hill(2.0, 3.0, shape)
    price = rng.uniform(0.01, 1, shape.size)
    whole = curve.spend_at_slope(price)
    for at in (0, 4_095, 4_096, 49_999):
        alone = float(Hill(2.0, 3.0, shape[at]).spend_at_slope(price[at]))
        assert whole[at] == pytest.approx(alone, rel=1e-13)
    by_run = curve.spend_at_slope(price.reshape(5, 10_000)[:, :1] * np.ones(50_000))
    assert by_run[3] == pytest.approx(curve.spend_at_slope(price[30_000]), rel=1e-13)


@given(concave, st.lists(st.floats(-10, 2), min_size=2, max_size=20))
def test_a_higher_price_never_buys_more(curve, exponents):
    unit = curve.slope(curve.half if isinstance(curve, Hill) else curve.scale)
    prices = np.sort(unit * 10.0 ** np.array(exponents))
    spends = curve.spend_at_slope(prices)
    assert np.all(spends[1:] <= spends[:-1] * (1 + 1e-12))


@pytest.mark.parametrize(
    "curve", [Exponential(10, 50), Log(10, 50), Logistic(20, 50), Hill(10, 50, 1)]
)
def test_the_first_slope_is_the_choke_price(curve):
    first = float(curve.slope(0))
    assert first == pytest.approx(0.2, rel=1e-15)
    assert curve.spend_at_slope(first * (1 + 1e-12)) == 0
    assert curve.spend_at_slope(np.inf) == 0
    assert 0 < curve.spend_at_slope(first * (1 - 1e-9)) < 0.01


@pytest.mark.parametrize(
    "curve",
    [
        *(kind(10, 50) for kind in (Exponential, Log, Logistic)),
        Power(10, 50, 0.5),
        *(Hill(10, 50, shape) for shape in (0.5, 1, 2)),
        Hill(10, 50, np.array([0.5, 1.0, 2.0])),
        Mixture(Log([1.0, 3.0], [2.0, 5.0]), [0.5, 0.5]),
    ],
)
def test_at_price_zero_a_curve_that_never_ends_takes_all(curve):
    assert np.all(curve.spend_at_slope(0) == np.inf)


def test_at_price_zero_points_end_at_the_last_that_brings_more():
    assert Points([0, 10, 30, 40], [0, 5, 9, 9]).spend_at_slope(0) == 30
    assert Points([0, 10], [0, 0]).spend_at_slope(0) == 0


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=6),
    st.sampled_from(["exponential", "hill", "log"]),
    st.floats(-2, 2),
    st.randoms(use_true_random=False),
)
def test_the_inverse_of_a_mixture(exponents, kind, spend, random):
    scale = 10.0 ** np.array(exponents)
    weight = np.array([random.uniform(0, 1) for _ in scale]) + 1e-3
    shape = np.array([random.choice([0.6, 0.8, 1.0]) for _ in scale])
    cells = {
        "exponential": Exponential(scale, scale),
        "hill": Hill(scale, scale, shape),
        "log": Log(scale, scale),
    }[kind]
    mixture = Mixture(cells, weight)
    spend = 10.0**spend
    parts = [
        type(cells)(*(float(np.asarray(v)[k]) for v in cells.parameters().values()))
        for k in range(scale.size)
    ]
    plain = sum(w * float(part.value(spend)) for w, part in zip(weight, parts, strict=True))
    assert float(mixture.value(spend)) == pytest.approx(plain, rel=1e-13)
    price = sum(w * float(part.slope(spend)) for w, part in zip(weight, parts, strict=True))
    assert float(mixture.slope(spend)) == pytest.approx(price, rel=1e-13)
    if price < 1e-200:
        return

    def miss(logarithm):
        x = np.exp(logarithm)
        return np.log(sum(w * p.slope(x) for w, p in zip(weight, parts, strict=True)) / price)

    low, high = np.log(spend) - 0.01, np.log(spend) + 0.01
    root = np.exp(brentq(miss, low, high, xtol=1e-13)) if miss(low) * miss(high) < 0 else spend
    found = float(mixture.spend_at_slope(price))
    doubt = 1e-14 * float(mixture.slope_decay(spend))
    assert found == pytest.approx(root, rel=1e-8, abs=20 * doubt)


def test_a_mixture_of_one_is_that_curve():
    one = Mixture(Hill([10.0], [50.0], [0.7]), [2.0])
    alone = Hill(20.0, 50.0, 0.7)
    x = np.logspace(-3, 4, 50)
    for method in ("value", "slope", "slope_decay"):
        assert getattr(one, method)(x) == pytest.approx(getattr(alone, method)(x), rel=1e-13)
    price = alone.slope(x)
    assert one.spend_at_slope(price) == pytest.approx(x, rel=1e-10)


def test_a_mixture_with_an_empty_cell_is_finite_where_the_rest_is():
    mixture = Mixture(Hill(1.0, [2.0, 3.0], [0.5, 1.0]), [0.0, 1.0])
    assert float(mixture.slope(0)) == pytest.approx(1 / 3)
    assert float(mixture.spend_at_slope(1 / 12)) == pytest.approx(3)
    assert float(Mixture(Log([1.0], [1.0]), [0.0]).spend_at_slope(0.1)) == 0
