"""Numbers in a range, and parts made from a mapping of their fields."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import as_number
from budgetopt.plan import ChannelPrior, LiftTest
from budgetopt.plan.declare import part_of


@pytest.mark.parametrize(
    "given", [0.5, Decimal("0.5"), Fraction(1, 2), np.float64(0.5), np.float32(0.5)], ids=repr
)
def test_a_number_of_any_kind_is_a_float(given):
    number = as_number(given, "x", least=0, most=1)
    assert (number, type(number)) == (0.5, float)
    assert as_number(np.int64(1), "x", least=0, most=1) == 1.0


@pytest.mark.parametrize(
    "given",
    [
        True,
        np.bool_(True),
        "0.5",
        None,
        [0.5],
        np.array([0.5]),
        0.5j,
        np.complex128(0.5),
        {"a": 1},
        float("nan"),
        float("inf"),
        -float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        10**400,
    ],
    ids=lambda given: repr(given)[:20],
)
def test_what_is_no_number_of_the_range_is_refused_with_its_field(given):
    with pytest.raises(bo.InputError, match=r"^a\.b is ") as caught:
        as_number(given, "a.b", least=-1e300, most=1e300)
    error = caught.value
    assert (error.code, error.field) == ("bad-argument", "a.b")
    assert error.remedy == "give a number from -1e+300 to 1e+300"
    assert error.to_dict()["code"] == "bad-argument"


def test_a_range_holds_its_ends_and_nothing_beyond():
    assert as_number(1, "x", least=1, most=2) == 1
    assert as_number(2, "x", least=1, most=2) == 2
    for outside in (np.nextafter(1, 0), np.nextafter(2, 3)):
        with pytest.raises(bo.InputError, match="give a number from 1 to 2"):
            as_number(outside, "x", least=1, most=2)
    with pytest.raises(bo.InputError, match="speak up"):
        as_number(3, "x", least=1, most=2, remedy="speak up")


@pytest.mark.parametrize(
    ("ends", "inside", "outside", "words"),
    [
        ({"above": 0, "below": 1}, 0.5, (0, 1), "above 0 and below 1"),
        ({"above": 0, "most": 1}, 1, (0, 1.5), "above 0 and at most 1"),
        ({"least": 0, "below": 1}, 0, (-1, 1), "of at least 0 and below 1"),
        ({"least": 0}, 0, (-1,), "of at least 0"),
        ({}, -3, (float("inf"),), "that is finite"),
    ],
    ids=str,
)
def test_a_range_is_told_as_one_would_say_it(ends, inside, outside, words):
    assert as_number(inside, "x", **ends) == inside
    for given in outside:
        with pytest.raises(bo.InputError) as caught:
            as_number(given, "x", **ends)
        assert caught.value.remedy == f"give a number {words}"


def test_a_part_that_is_made_comes_back_and_a_mapping_makes_one():
    prior = ChannelPrior(roas=3)
    assert part_of(ChannelPrior, prior, "prior", "here") is prior
    assert part_of(ChannelPrior, {"roas": 3}, "prior", "here") == prior


@pytest.mark.parametrize(
    ("kind", "given", "code", "field", "remedy"),
    [
        (ChannelPrior, 5, "bad-argument", "here", "such as roas, roas_sd"),
        (LiftTest, None, "bad-argument", "here", "with channel, incremental, error, high"),
        (LiftTest, {"chanel": "a"}, "unknown-name", "here.chanel", "'channel'"),
        (LiftTest, {5: "a"}, "unknown-name", "here.5", "choose one of"),
        (LiftTest, {"channel": "a"}, "bad-argument", "here.incremental", "give channel, incr"),
        (ChannelPrior, {"noise": 0}, "bad-argument", "here.noise", "from 0.001 to 5"),
    ],
)
def test_what_is_wrong_with_a_part_names_its_place_and_the_remedy(kind, given, code, field, remedy):
    own = "prior" if kind is ChannelPrior else "lift_tests"
    with pytest.raises(bo.InputError) as caught:
        part_of(kind, given, own, "here")
    assert (caught.value.code, caught.value.field) == (code, field)
    assert str(caught.value).count("here") == 1 or "has no field" in str(caught.value)
    assert remedy in caught.value.remedy
