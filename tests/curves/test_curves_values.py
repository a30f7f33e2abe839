"""Values and slopes of every kind: hand arithmetic, calculus, extremes, and shapes of arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.curves import Exponential, Hill, Log, Logistic, Mixture, Points, Power
from budgetopt.curves.base import stack

scales = st.floats(-8, 8).map(lambda e: 10.0**e)
ratios = st.floats(-6, 1.5).map(lambda e: 10.0**e)
exponents = st.floats(0.05, 0.95)
shapes = st.sampled_from([0.05, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 3.0, 10.0]) | st.floats(0.05, 10)
smooth = st.one_of(
    st.builds(Exponential, scales, scales),
    st.builds(Log, scales, scales),
    st.builds(Logistic, scales, scales),
    st.builds(Power, scales, scales, exponents),
    st.builds(Hill, scales, scales, shapes),
)


def money_scale(curve):
    return curve.half if isinstance(curve, Hill) else curve.scale


@pytest.mark.parametrize(
    ("curve", "spend", "value", "slope"),
    [
        (Exponential(100, 50), 50, 100 * (1 - math.exp(-1)), 2 * math.exp(-1)),
        (Hill(100, 50, 1), 150, 75, 100 * 50 / 200**2),
        (Hill(100, 50, 2), 100, 80, 2 * 100 * 50**2 * 100 / (50**2 + 100**2) ** 2),
        (Hill(100, 16, 0.5), 4, 100 / 3, 100 * 0.5 / 4 * (1 / 3) * (2 / 3)),
        (Log(10, 5), 5 * (math.e - 1), 10, 10 / (5 * math.e)),
        (Power(10, 100, 0.5), 25, 5, 0.1),
        (Logistic(10, 5), 5 * math.log(3), 5, 0.75),
        (Points([0, 10, 30], [0, 5, 9]), 20, 7, 0.2),
        (Mixture(Log([1, 3], [2, 5]), [2, 1]), 2, 2 * math.log(2) + 3 * math.log(1.4), 0.5 + 3 / 7),
    ],
)
def test_by_hand(curve, spend, value, slope):
    assert float(curve.value(spend)) == pytest.approx(value, rel=1e-14)
    assert float(curve.slope(spend)) == pytest.approx(slope, rel=1e-14)
    assert float(curve.value(0)) == 0
    assert curve.envelope(spend) == pytest.approx(float(curve.value(spend)), rel=1e-14)


@pytest.mark.parametrize(
    ("curve", "slope", "decay"),
    [
        (Exponential(100, 50), 2, 50),
        (Log(10, 5), 2, 5),
        (Logistic(10, 5), 1, math.inf),
        (Power(10, 100, 0.5), math.inf, 0),
        (Hill(100, 50, 0.5), math.inf, 0),
        (Hill(100, 50, 1), 2, 25),
        (Hill(100, 50, 2), 0, math.inf),
        (Points([0, 10], [0, 5]), 0.5, 0),
    ],
)
def test_at_zero(curve, slope, decay):
    assert float(curve.slope(0)) == slope
    assert float(curve.slope_decay(0)) == decay


@given(smooth, ratios)
def test_the_slope_is_the_derivative_of_the_value(curve, ratio):
    x = ratio * money_scale(curve)
    step = 1e-4 * x
    # Richardson's extrapolation of central differences, of fourth order.
    wide = (curve.value(x + 2 * step) - curve.value(x - 2 * step)) / (4 * step)
    near = (curve.value(x + step) - curve.value(x - step)) / (2 * step)
    noise = 4e-16 * float(curve.value(x)) / step
    assert float(curve.slope(x)) == pytest.approx((4 * near - wide) / 3, rel=1e-7, abs=2 * noise)


@given(smooth, ratios)
def test_the_decay_is_the_derivative_of_the_logarithm_of_the_slope(curve, ratio):
    x = ratio * money_scale(curve)
    step = 1e-4 * x
    falls = (np.log(curve.slope(x - step)) - np.log(curve.slope(x + step))) / (2 * step)
    noise = 1e-15 * (1 + abs(np.log(curve.slope(x)))) / step
    decay = float(curve.slope_decay(x))
    if np.isinf(decay):
        assert falls <= noise
    else:
        assert 1 / decay == pytest.approx(falls, rel=1e-5, abs=4 * noise)


@given(smooth, st.lists(ratios, min_size=2, max_size=20))
def test_more_money_never_brings_less(curve, ratios):
    spends = np.sort(ratios) * money_scale(curve)
    values = curve.value(spends)
    assert np.all(values >= 0)
    assert np.all(np.diff(values) >= -1e-15 * values[1:])
    if curve.concave:
        slopes = curve.slope(spends)
        assert np.all(np.diff(slopes) <= 1e-14 * slopes[:-1])


@given(smooth)
def test_extreme_spends_are_quiet(curve):
    """No overflow, no NaN and no warning, which the test run would raise."""
    spends = np.array([0, 5e-324, 1e-300, 1e-100, 1e100, 1e300])
    for method in (curve.value, curve.envelope):
        assert np.all(method(spends) >= 0)
    assert np.all(curve.slope(spends) >= 0)
    assert np.all(curve.slope_decay(spends) >= 0)
    assert np.all(np.isfinite(curve.value(spends[:-1])))
    assert np.all(curve.spend_at_slope(np.array([0, 1e-300, 1e-100, 1e100, 1e300, np.inf])) >= 0)


def test_hill_at_the_smallest_spends_keeps_its_digits():
    # z**(s-1) / (1+z**s)**2 with everything but the power equal to one.
    assert Hill(1, 1, 0.5).slope(1e-300) == pytest.approx(0.5e150, rel=1e-12)
    assert Hill(1, 1, 1.5).slope(1e-300) == pytest.approx(1.5e-150, rel=1e-12)
    assert Hill(1e300, 1, 3).slope(1e-300) == 0
    assert Hill(1, 1, 1).slope_decay(1e-300) == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0])
def test_channels_without_effect_are_flat(shape):
    flat = Hill([0.0, 5.0], [10.0, 10.0], shape)
    assert flat.value([3.0, 0.0]).tolist() == [0, 0]
    assert flat.slope([0.0, 3.0])[0] == 0
    assert flat.spend_at_slope([0.0, 0.0]).tolist() == [0, math.inf]
    for curve in (Exponential(0, 5), Log(0, 5), Logistic(0, 5), Power(0, 5, 0.5)):
        assert (curve.value(3), curve.slope(0), curve.spend_at_slope(0)) == (0, 0, 0)
        assert curve.spend_at_slope(1) == 0


def test_which_are_concave():
    assert all(c(1, 1).concave for c in (Exponential, Log, Logistic))
    assert Power(1, 1, 0.99).concave
    assert Hill(1, 1, 1).concave
    assert not Hill(1, 1, 1 + 1e-9).concave
    assert Hill(0, 1, 3).concave
    assert not Hill([0.0, 1.0], 1.0, 3.0).concave
    assert not stack([Log(1, 1), Hill(1, 1, 2)]).concave
    assert stack([Log(1, 1), Hill(1, 1, 1)]).concave
    assert not Mixture(Hill(1.0, 1.0, [1.0, 2.0]), [0.5, 0.5]).concave


def test_the_inflection_of_hill_is_where_the_slope_is_greatest():
    curve = Hill(100.0, 50.0, np.array([0.5, 1.0, 1.5, 3.0, 10.0]))
    assert curve.inflection[:2].tolist() == [0, 0]
    spends = np.linspace(0.01, 200, 100_001)[:, None]
    greatest = spends[np.argmax(Hill(100.0, 50.0, curve.shape[2:]).slope(spends), axis=0), 0]
    assert curve.inflection[2:] == pytest.approx(greatest, abs=0.002)


@pytest.mark.parametrize("shape", [1.01, 1.5, 2.0, 3.0, 10.0])
def test_the_envelope_of_hill_is_its_concave_hull(shape):
    from scipy.spatial import ConvexHull

    curve = Hill(100, 50, shape)
    x = np.linspace(0, 400, 4001)
    points = np.column_stack([x, curve.value(x)])
    below = np.vstack([points, [[0, -1], [400, -1]]])
    corners = points[np.sort([v for v in ConvexHull(below).vertices if v < x.size])]
    hull = np.interp(x, *corners.T)
    assert curve.envelope(x) == pytest.approx(hull, abs=1e-4)
    assert np.all(curve.envelope(x) >= hull - 1e-12)


def test_arrays_broadcast():
    """One class serves one channel, many channels, and many runs of many channels."""
    runs, channels = 5, 3
    rng = np.random.default_rng(3)
    top, half = rng.uniform(1, 9, (runs, channels)), rng.uniform(1, 9, channels)
    spend, price = rng.uniform(0, 9, (runs, channels)), rng.uniform(0.01, 1, (runs, 1))
    many = Hill(top, half, 0.7)
    for method in ("value", "slope", "spend_at_slope", "slope_decay"):
        for given_ in (spend, spend[0], price, 2.0):
            found = getattr(many, method)(given_)
            assert found.shape == (runs, channels) or method == "slope_decay"
            wide = np.broadcast_to(given_, (runs, channels))
            for run in range(runs):
                for channel in range(channels):
                    one = Hill(top[run, channel], half[channel], 0.7)
                    alone = getattr(one, method)(wide[run, channel])
                    at = np.broadcast_to(found, (runs, channels))[run, channel]
                    assert at == pytest.approx(float(alone), rel=1e-13)
    # Parameters shared by all, spends of each run.
    shared = Hill(3.0, 2.0, 0.7)
    assert shared.value(spend).shape == (runs, channels)
    assert shared.spend_at_slope(spend).shape == (runs, channels)
    assert shared.value(spend).tolist() == [[float(shared.value(x)) for x in r] for r in spend]


def test_no_channel_and_no_run():
    for curve in (Hill(np.empty(0), np.empty(0), np.empty(0)), Log(np.empty((0, 3)), 1.0)):
        size = curve.top.shape
        for method in (curve.value, curve.slope, curve.spend_at_slope, curve.slope_decay):
            assert np.broadcast_to(method(np.zeros(size)), size).size == 0
