"""Curves through points: the line between them, their envelope, and published curves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.curves import Points
from budgetopt.curves.base import stack
from budgetopt.errors import CurveError

SHARED = Path(__file__).parents[3] / "shared" / "data"


def read(folder, name):
    path = SHARED / folder / name
    if not path.exists():
        pytest.skip(f"{path} is not there: put the shared data folder beside the repository")
    return pd.read_csv(path)


@st.composite
def points(draw, least=1, most=12):
    count = draw(st.integers(least, most))
    widths = draw(st.lists(st.integers(1, 50), min_size=count, max_size=count))
    rises = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))
    return np.cumsum([0, *widths]).astype(float), np.cumsum([0, *rises]).astype(float)


def hull_by_force(x, y):
    """Return at each point the highest chord over it."""
    best = y.copy()
    for i in range(x.size):
        for j in range(i + 1, x.size):
            inside = (x > x[i]) & (x < x[j])
            chord = y[i] + (y[j] - y[i]) * (x - x[i]) / (x[j] - x[i])
            best = np.where(inside, np.maximum(best, chord), best)
    return best


@given(points(), st.lists(st.floats(0, 1000), max_size=10))
def test_the_value_lies_on_the_lines(data, spends):
    x, y = data
    curve = Points(x, y)
    for at in (x, np.array(spends), (x[1:] + x[:-1]) / 2):
        assert curve.value(at) == pytest.approx(np.interp(at, x, y), rel=1e-13, abs=1e-13)
    assert curve.value(1e300) == y[-1]


@given(points(), st.floats(0, 700))
def test_the_envelope_is_the_highest_chord(data, spend):
    x, y = data
    curve = Points(x, y)
    hull = hull_by_force(x, y)
    assert curve.envelope(x) == pytest.approx(hull, rel=1e-12, abs=1e-12)
    assert curve.envelope(spend) >= curve.value(spend) - 1e-12
    slopes = curve.slope(x)
    assert np.all(np.diff(slopes) <= 0)
    assert slopes[-1] == 0
    assert slopes[:-1] == pytest.approx(np.diff(hull) / np.diff(x), rel=1e-9, abs=1e-12)


@given(points(), st.just(0.0) | st.floats(0.01, 25))
def test_the_spend_at_a_price_is_best_on_the_envelope(data, price):
    x, y = data
    curve = Points(x, y)
    spend = float(curve.spend_at_slope(price))
    assert spend in x
    gain = curve.envelope(x) - price * x
    assert curve.envelope(spend) - price * spend >= gain.max() - 1e-9
    # It is the largest such spend, save at price 0, where it stops with the curve.
    for other in x[x > spend]:
        assert curve.envelope(other) - price * other < gain.max() or price == 0


@given(points(least=2))
def test_the_inverse_undoes_the_slope_at_every_chord(data):
    x, y = data
    curve = Points(x, y)
    for left in x[:-1]:
        slope = float(curve.slope(left))
        if slope > 0:
            end = float(curve.spend_at_slope(slope))
            assert end > left
            assert float(curve.slope(end)) < slope


@given(st.lists(points(), min_size=1, max_size=5), st.floats(0, 700), st.floats(0, 25))
def test_joined_points_of_different_lengths_equal_each_alone(members, spend, price):
    each = [Points(x, y) for x, y in members]
    joined = stack(each)
    assert isinstance(joined, Points)
    assert joined.concave == all(c.concave for c in each)
    for method, argument in (
        ("value", spend),
        ("slope", spend),
        ("envelope", spend),
        ("spend_at_slope", price),
        ("slope_decay", spend),
    ):
        alone = [float(getattr(c, method)(argument)) for c in each]
        assert getattr(joined, method)(argument).tolist() == alone
    for at in range(len(each)):
        assert np.all(joined.take(at).value(spend) == each[at].value(spend))


def test_a_missing_zero_is_added_also_beside_a_curve_that_has_one():
    assert Points([10, 30], [5, 9]) == Points([0, 10, 30], [0, 5, 9])
    both = Points([[0.0, 10.0], [5.0, 10.0]], [[0.0, 5.0], [4.0, 5.0]])
    assert both.slope(0).tolist() == [0.5, 0.8]
    assert both.spend_at_slope(0.4).tolist() == [10, 5]
    assert both.spend_at_slope(0.6).tolist() == [0, 5]


def test_one_point():
    assert float(Points([10], [5]).value(4)) == 2
    nothing = Points([0], [0])
    assert (nothing.value(3), nothing.slope(0), nothing.spend_at_slope(0)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("spend", "outcome", "words"),
    [
        ([], [], "shapes differ or are empty"),
        (3, 4, "shapes differ or are empty"),
        ([0, 1], [0, 1, 2], "shapes differ or are empty"),
        ([0, 1], [1, 2], "outcome at zero spend is not 0"),
        ([0, 2, 1], [0, 1, 2], "spends do not rise: sort the points"),
        ([0, 1, 1], [0, 1, 2], "spends do not rise: sort the points"),
        ([0, 1e-310, 5], [0, 1, 2], "rises too steeply: give spends that lie further apart"),
        ([1, 2, 3], [0, 2, 1], r"outcome\[2\] falls: take the running maximum"),
        ([[1, 2], [1, 2]], [[1, 2], [2, 1]], r"outcome\[1, 1\] falls: take the running maximum"),
        ([0, -1], [0, 1], r"spend\[1\] of the points curve is -1.0: give"),
        ([0, 1], [0, float("nan")], r"outcome\[1\] of the points curve is nan"),
        ([0, "1"], [0, 1], r"spend\[1\]"),
        ([0, True], [0, 1], r"spend\[1\]"),
        (None, [0, 1], "spend of the points curve is None"),
        ([[0, 1], [0]], [0, 1], "spend of the points curve is"),
    ],
)
def test_points_that_are_refused(spend, outcome, words):
    with pytest.raises(CurveError, match=words) as caught:
        Points(spend, outcome)
    assert caught.value.code == "bad-curve"


def test_concave_but_for_rounding():
    def bent(dent):
        return Points([0, 10, 20], [0, 10 - dent, 20])

    assert bent(0).concave
    assert bent(1.9e-5).concave
    assert not bent(2.1e-5).concave
    assert bent(2.1e-5).envelope(10) == 10


def test_meridians_published_curves_count_as_concave():
    table = read("meridian_optimum_2021_2024", "response_curves.csv")
    curves = [Points(g["spend"], g["mean"]) for _, g in table.groupby("channel")]
    rising = [np.sum(np.diff(np.diff(c.outcome) / np.diff(c.spend)) > 0) for c in curves]
    assert sum(rising) > 0
    assert all(c.concave for c in curves)
    for curve in (*curves, stack(curves)):
        assert np.all(curve.envelope(curve.spend[..., 57]) >= curve.value(curve.spend[..., 57]))


def test_curves_of_a_reach_planner_are_nearly_concave_only():
    table = read("robyn_weekly", "df_curve_reach_freq.csv")
    buckets = [bucket for _, bucket in table.groupby("freq_bucket")]
    assert len(buckets) == 10
    falling = [b for b in buckets if np.any(np.diff(b["response_cumulated"]) < 0)]
    assert len(falling) == 9
    for bucket in falling:
        with pytest.raises(CurveError, match="falls: take the running maximum"):
            Points(bucket["spend_cumulated"], bucket["response_cumulated"])
    for bucket in buckets:
        curve = Points(bucket["spend_cumulated"], bucket["response_cumulated"].cummax())
        assert not curve.concave
        hull = curve.envelope(curve.spend)
        assert hull == pytest.approx(hull_by_force(curve.spend, curve.outcome), rel=1e-12)
        # Noise of the simulation dents them by 1 to 2 % of the top.
        assert 0.005 < np.max(hull - curve.outcome) / curve.outcome[-1] < 0.02
