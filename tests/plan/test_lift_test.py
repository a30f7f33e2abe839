"""What an experiment found that moved the spend of one channel."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Exponential, Hill, Log, Points
from budgetopt.curves.base import stack
from budgetopt.plan import LiftTest
from budgetopt.untrusted import twin_key

GIVEN = {"channel": "search", "incremental": 120, "error": 30, "high": 20_000}


def refused(**changes):
    with pytest.raises(bo.InputError) as caught:
        LiftTest(**GIVEN | changes)
    assert caught.value.remedy
    return caught.value


def test_a_test_is_kept_as_floats_and_a_date():
    test = LiftTest("搜索", np.int64(-5), Decimal("0.5"), 20, np.float32(0.5), ended="2026-03-31")
    assert test == LiftTest("搜索", -5.0, 0.5, 20.0, 0.5, dt.date(2026, 3, 31))
    assert type(test.incremental) is type(test.error) is type(test.low) is float
    assert LiftTest(**GIVEN).low == 0.0
    assert LiftTest(**GIVEN).ended is None


@pytest.mark.parametrize("name", ["incremental", "error", "high", "low"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), True, "5", None, [5], 1j], ids=repr)
def test_a_field_that_is_no_number_is_refused(name, bad):
    error = refused(**{name: bad})
    assert (error.code, error.field) == ("bad-argument", f"lift_tests.{name}")


def test_both_sides_of_each_boundary():
    assert LiftTest(**GIVEN | {"incremental": -1e100}).incremental == -1e100
    assert refused(incremental=-1.1e100).field == "lift_tests.incremental"
    assert LiftTest(**GIVEN | {"error": 1e-100}).error == 1e-100
    for error in (0, -1, 9e-101):
        assert refused(error=error).field == "lift_tests.error"
    assert LiftTest(**GIVEN | {"low": 0}).low == 0
    assert refused(low=-1e-9).field == "lift_tests.low"
    assert LiftTest(**GIVEN | {"low": 19_999.99}).low == 19_999.99
    assert refused(low=20_000).field == "lift_tests.low"
    assert refused(low=20_001).field == "lift_tests.low"
    assert refused(high=0).field == "lift_tests.low"


@pytest.mark.parametrize("bad", ["", " ", 5, None, ["search"], "\ud800"], ids=ascii)
def test_a_channel_that_is_no_name_is_refused(bad):
    error = refused(channel=bad)
    assert (error.code, error.field) == ("bad-name", "lift_tests.channel")


@pytest.mark.parametrize("bad", ["soon", "2026-02-30", 5, float("nan"), np.datetime64("NaT", "D")])
def test_an_end_that_is_no_date_is_refused(bad):
    error = refused(ended=bad)
    assert (error.code, error.field) == ("bad-date", "lift_tests.ended")


def test_of_takes_a_test_or_its_fields_and_names_the_place():
    test = LiftTest(**GIVEN)
    assert LiftTest.of(test) is test
    assert LiftTest.of(GIVEN) == test
    with pytest.raises(bo.InputError, match="'incremental'") as caught:
        LiftTest.of(GIVEN | {"incremetal": 5}, "lift_tests.3")
    assert (caught.value.code, caught.value.field) == ("unknown-name", "lift_tests.3.incremetal")
    with pytest.raises(bo.CalendarError) as caught:
        LiftTest.of(GIVEN | {"ended": "soon"}, "lift_tests.3")
    assert caught.value.field == "lift_tests.3.ended"
    with pytest.raises(bo.PlanError) as caught:
        LiftTest.of(GIVEN | {"channel": ""}, "lift_tests.3")
    assert caught.value.field == "lift_tests.3.channel"


numbers = st.floats(-1e100, 1e100)
positive = st.floats(1e-100, 1e100)


@given(
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "M"]), min_size=1).filter(twin_key),
    numbers,
    positive,
    st.lists(st.floats(0, 1e100), min_size=2, max_size=2, unique=True).map(sorted),
    st.none() | st.dates(),
)
def test_any_test_comes_back_as_it_was(channel, incremental, error, arms, ended):
    test = LiftTest(channel, incremental, error, arms[1], arms[0], ended)
    assert LiftTest.of(test.to_dict()) == test


# An earlier model's curve


def test_a_curve_becomes_tests_by_hand():
    # 90 (1 - 1/2) = 45 at one half life; the errors are 45 * 0.1 * sqrt(2) and 67.5 * the same.
    half = 100 * np.log(2)
    tests = LiftTest.from_curve("kol", Exponential(90, 100), [half, 2 * half], 0.1)
    assert [t.channel for t in tests] == ["kol", "kol"]
    assert [t.incremental for t in tests] == pytest.approx([45, 67.5])
    assert [t.error for t in tests] == pytest.approx([4.5 * np.sqrt(2), 6.75 * np.sqrt(2)])
    assert [(t.high, t.low, t.ended) for t in tests] == [(half, 0, None), (2 * half, 0, None)]


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=9), st.floats(0.001, 5))
def test_all_spends_together_say_the_height_as_well_as_one_test(spends, log_sd):
    # Relative precisions of one common factor add up: 1/sd^2 = sum 1/sd_i^2.
    tests = LiftTest.from_curve("kol", Log(50, 1000), spends, log_sd)
    precision = sum((t.incremental / t.error) ** 2 for t in tests)
    assert 1 / np.sqrt(precision) == pytest.approx(log_sd)


@pytest.mark.parametrize("bad", [0, -0.1, 9e-4, 5.1, float("nan"), float("inf"), None, "0.1"])
def test_a_relative_error_that_would_be_certainty_is_refused(bad):
    with pytest.raises(bo.InputError, match="log_sd") as caught:
        LiftTest.from_curve("kol", Log(50, 1), [1], bad)
    assert caught.value.field == "log_sd"


def test_the_ends_of_the_relative_error():
    for end in (0.001, 5):
        (test,) = LiftTest.from_curve("kol", Log(1 / np.log(2), 1), [1], end)
        assert test.error == pytest.approx(end)


def test_a_spend_that_brings_nothing_is_refused_since_its_error_would_be_nothing():
    starts_late = Points([0, 10, 20], [0, 0, 5])
    assert len(LiftTest.from_curve("kol", starts_late, [20], 0.1)) == 1
    for curve, spend in [(starts_late, 5), (Log(50, 1), 0), (Log(50, 1), float("nan"))]:
        with pytest.raises(bo.InputError) as caught:
            LiftTest.from_curve("kol", curve, [20, spend], 0.1)
        assert caught.value.field == "spends[1]"
    assert LiftTest.from_curve("kol", starts_late, [], 0.1) == ()


@pytest.mark.parametrize("curve", [None, 5, stack([Hill(1, 1, 1), Hill(2, 2, 2)])], ids=type)
def test_what_is_not_one_curve_is_refused(curve):
    with pytest.raises(bo.CurveError, match="'kol'"):
        LiftTest.from_curve("kol", curve, [1], 0.1)
