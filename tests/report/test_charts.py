"""Charts: where numbers lie, by arithmetic."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.report.charts import HEIGHT, WIDTH, Axis, Bars, Lines, Mark, Series, Stack

NUMBERS = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-6)


def points(path):
    return [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


@given(st.lists(NUMBERS, min_size=1, max_size=9))
def test_an_axis_holds_zero_and_every_number_between_its_round_ends(values):
    axis = Axis.over(values)
    assert axis.low <= min(0.0, *values)
    assert axis.high >= max(0.0, *values)
    shares = [tick.at for tick in axis.ticks]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == pytest.approx((0, 100))
    assert 2 <= len(shares) <= 9


def test_ticks_are_round():
    assert [tick.text for tick in Axis.over([73_000.0]).ticks] == [
        "0", "20,000", "40,000", "60,000", "80,000"]  # fmt: skip
    assert [tick.text for tick in Axis.over([-3.0, 4.0]).ticks] == ["-4", "-2", "0", "2", "4"]
    assert Axis.over([]).ticks == Axis.over([0.0]).ticks


def test_a_line_breaks_where_a_number_is_missing():
    line = Lines("t", "week", ["a", "b", "c", "d"], [Series("s", [0.0, 10.0, math.nan, 5.0])])
    (shape,) = line.shapes
    assert points(shape["path"]) == [
        (WIDTH / 8, HEIGHT), (3 * WIDTH / 8, 0.0), (7 * WIDTH / 8, HEIGHT / 2)]  # fmt: skip
    assert shape["path"].count("M") == 2
    assert [column.title for column in line.columns] == [
        "a\ns 0",
        "b\ns 10",
        "c",
        "d\ns 5",
    ]
    assert sum(column.width for column in line.columns) == pytest.approx(WIDTH)
    assert line.ends == ["a", "d"]


def test_a_band_lies_between_its_ends_and_a_single_week_has_one_too():
    series = Series(
        "s", [4.0, math.nan, 4.0], [2.0, math.nan, 0.0], [8.0, math.nan, 8.0], dots=True
    )
    line = Lines("t", "week", ["a", "b", "c"], [series])
    band, dots = line.shapes
    assert (band["kind"], dots["kind"]) == ("band", "dots")
    assert band["path"].count("Z") == 2
    heights = [y for _, y in points(band["path"])]
    assert heights[:4] == [0.0, 0.0, 0.75 * HEIGHT, 0.75 * HEIGHT]
    assert heights[4:] == [0.0, 0.0, HEIGHT, HEIGHT]


def test_places_that_are_uneven_are_drawn_so():
    line = Lines("t", "x", ["1", "2", "9"], [Series("s", [1.0, 2.0, 3.0])], [1.0, 2.0, 9.0])
    xs = [x for x, _ in points(next(line.shapes)["path"])]
    assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx(1 / 8, abs=1e-3)
    # The middle label is not in the middle, and would stand at a wrong place.
    assert line.ends == ["1", "9"]


def test_columns_stand_on_each_other():
    stack = Stack("t", "week", ["a", "b"], [Series("x", [1.0, 3.0]), Series("y", [3.0, math.nan])])
    low, high = (shape["path"] for shape in stack.shapes)
    tall = [float(v) for v in re.findall(r"v(-?[\d.]+)", low + high)]
    assert stack.scale.high == 4
    assert [t * stack.scale.high / HEIGHT for t in tall] == [1, 3, 3]
    assert points(high)[0][1] == 0.0


def test_bars_end_where_their_numbers_are():
    rows = {"a": [Mark("before", 10, "10"), Mark("after", -10, "-10", -20, 0)], "b": []}
    bars = Bars("t", rows, {})
    (name, (before, after)), (_, empty) = bars.drawn
    scale = bars.scale
    assert name == "a"
    assert empty == []
    zero = 100 * scale.share(0)
    assert float(before["x"]) == pytest.approx(zero, abs=0.01)
    assert float(after["x"]) + float(after["width"]) == pytest.approx(zero, abs=0.01)
    assert float(before["width"]) == pytest.approx(float(after["width"]), abs=0.01)
    assert before["low"] == ""
    assert float(after["low"]) == pytest.approx(100 * scale.share(-20), abs=0.01)
