"""Curves as records: validation, equality, plain data, positions taken, kinds side by side."""

import json
import pickle
import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.curves import (
    KINDS,
    Exponential,
    Hill,
    Log,
    Logistic,
    Mixture,
    Points,
    Power,
    Stack,
    curve_from_dict,
)
from budgetopt.curves.base import stack
from budgetopt.errors import CurveError

SINGLES = [
    Exponential(100, 50),
    Hill(100, 50, 0.7),
    Hill(80, 20, 2.5),
    Log(10, 5),
    Power(10, 100, 0.5),
    Logistic(10, 5),
    Points([0, 10, 30], [0, 5, 9]),
    Points([0, 7], [0, 5]),
]
METHODS = ("value", "slope", "spend_at_slope", "slope_decay", "envelope")
TINY = 5e-324


@pytest.mark.parametrize(
    ("kind", "name", "inside", "outside"),
    [
        (Exponential, "top", [0, 1e308], [-TINY, np.inf, np.nan]),
        (Exponential, "scale", [TINY, 1e308], [0, -1, np.inf, np.nan]),
        (Log, "top", [0], [-TINY, np.inf, np.nan]),
        (Log, "scale", [TINY], [0, np.inf, np.nan]),
        (Logistic, "top", [0], [-TINY, np.inf, np.nan]),
        (Logistic, "scale", [TINY], [0, np.inf, np.nan]),
        (Power, "top", [0], [-TINY, np.inf, np.nan]),
        (Power, "scale", [TINY], [0, np.inf, np.nan]),
        (Power, "exponent", [TINY, 1 - 1e-16], [0, 1, -0.5, np.nan]),
        (Hill, "top", [0], [-TINY, np.inf, np.nan]),
        (Hill, "half", [TINY], [0, np.inf, np.nan]),
        (Hill, "shape", [TINY, 1e300], [0, np.inf, np.nan]),
    ],
)
def test_both_sides_of_every_boundary(kind, name, inside, outside):
    good = {"top": 1, "scale": 1, "half": 1, "exponent": 0.5, "shape": 1}
    good = {field: good[field] for field in kind.__dataclass_fields__ if field != "kind"}
    for value in inside:
        made = getattr(kind(**{**good, name: value}), name)
        assert type(made) is float
        assert made == value
    for value in [*outside, True, "1", "one", None, [True], ["1"], [[1], [1, 2]], 1j, np.True_]:
        with pytest.raises(CurveError, match=f"{name}.* of the {kind.kind} curve is ") as caught:
            kind(**{**good, name: value})
        assert (caught.value.code, caught.value.field) == ("bad-curve", name)
    array = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, outside[0]]])
    with pytest.raises(CurveError, match=rf"{name}\[1, 2\] of the {kind.kind} curve is "):
        kind(**{**good, name: array})


def test_numbers_of_any_kind_are_floats():
    for one in (1, 1.0, np.int32(1), np.float32(1), Decimal(1), np.array(1)):
        assert Log(one, one) == Log(1.0, 1.0)
    for many in ([1, 2], (1, 2), np.array([1, 2]), [Decimal(1), 2], [np.float32(1), 2]):
        assert Log(many, 1.0).top.tolist() == [1.0, 2.0]
        assert Log(many, 1.0).top.dtype == np.float64


def test_shapes_that_do_not_go_together():
    with pytest.raises(CurveError, match=r"hill curve have shapes top \(2,\), half \(3,\), shape"):
        Hill([1, 2], [1, 2, 3], 1)
    assert Hill(np.ones((4, 1)), np.ones(3), 1.0).value(1.0).shape == (4, 3)


@pytest.mark.parametrize("curve", SINGLES)
def test_plain_data_there_and_back(curve):
    data = json.loads(json.dumps(curve.to_dict(), allow_nan=False))
    again = curve_from_dict(data)
    assert type(again) is type(curve)
    assert again == curve
    assert hash(again) == hash(curve)
    assert pickle.loads(pickle.dumps(curve)) == curve
    assert data["kind"] in KINDS
    assert curve_from_dict(dict(reversed(data.items()))) == curve


def test_equality_looks_at_kind_and_every_number():
    for curve in SINGLES:
        assert sum(curve == other for other in SINGLES) == 1
    assert len({*SINGLES, *SINGLES}) == len(SINGLES)
    assert Log([1, 2], 1) == Log([1, 2], 1)
    assert Log([1, 2], 1) != Log([1, 3], 1)
    assert Log(1, 1) != Logistic(1, 1)
    assert Log(1, 1) != "log"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "hil", "top": 1}, "curve kind 'hil' is not known: did you mean 'hill'"),
        ({"top": 1}, "curve kind None is not known: choose one of"),
        ({"kind": ["hill"]}, "is not known"),
        (
            {"kind": "hill", "top": 1, "half": 1, "shpe": 1},
            "hill curve has no parameter 'shpe': did you mean 'shape'",
        ),
        (
            {"kind": "hill", "top": 1},
            "hill curve is missing half, shape: give exactly top, half, shape",
        ),
        ({"kind": "log", "top": "1", "scale": 1}, "top of the log curve is 1: give a number"),
        ({"kind": "power", "top": 1, "scale": 1, "exponent": 1}, "give .* above 0 and below 1"),
    ],
)
def test_plain_data_that_is_refused(data, words):
    with pytest.raises(CurveError, match=words) as caught:
        curve_from_dict(data)
    assert caught.value.code == "bad-curve"


# Many curves side by side.


def each(curves, method, given_):
    wide = np.broadcast_to(given_, (*np.shape(given_)[:-1], len(curves)))
    found = [getattr(c, method)(wide[..., at]) for at, c in enumerate(curves)]
    return np.stack(np.broadcast_arrays(*found), axis=-1)


@given(st.lists(st.sampled_from(SINGLES), min_size=1, max_size=12), st.integers(0, 99))
def test_a_stack_equals_its_members(curves, seed):
    many = stack(curves)
    rng = np.random.default_rng(seed)
    assert many.concave == all(c.concave for c in curves)
    for shape in ((len(curves),), (3, len(curves)), (2, 3, len(curves)), (3, 1)):
        given_ = rng.exponential(10, shape) * rng.integers(0, 2, shape)
        for method in METHODS:
            found = getattr(many, method)(given_)
            expected = each(curves, method, given_)
            assert np.broadcast_to(found, expected.shape) == pytest.approx(
                expected, rel=1e-12, abs=1e-12
            )


@given(st.lists(st.sampled_from(SINGLES), min_size=2, max_size=10), st.integers(0, 99))
def test_positions_taken_in_any_way(curves, seed):
    many = stack(curves)
    rng = random.Random(seed)
    some = [rng.randrange(len(curves)) for _ in range(rng.randint(1, 5))]
    mask = np.array([rng.random() < 0.5 for _ in curves])
    mask[rng.randrange(len(curves))] = True
    cases = [
        (some, [curves[at] for at in some]),
        (np.array(some), [curves[at] for at in some]),
        (slice(1, None), curves[1:]),
        (slice(None, None, -1), curves[::-1]),
        (mask, [c for c, m in zip(curves, mask, strict=True) if m]),
    ]
    for columns, expected in cases:
        taken = many.take(columns)
        for method in METHODS:
            found = getattr(taken, method)(np.full(len(expected), 0.3))
            assert np.broadcast_to(found, len(expected)) == pytest.approx(
                each(expected, method, 0.3 * np.ones(1)), rel=1e-12
            )
    one = many.take(some[0])
    assert type(one) is type(curves[some[0]])
    assert float(one.value(3.0)) == float(curves[some[0]].value(3.0))


def test_shared_parameters_survive_take():
    curve = Hill(np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0]), 0.7)
    assert curve.take([2, 0]).top.tolist() == [[2, 0], [5, 3]]
    assert curve.take([2, 0]).half.tolist() == [3, 1]
    assert curve.take([2, 0]).shape.tolist() == [0.7, 0.7]
    assert curve.take(1).top.tolist() == [1, 4]
    assert curve.take(1).half == 2.0
    column = Hill(np.ones((4, 1)), np.array([1.0, 2.0, 3.0]), 0.7)
    assert column.take([0, 2]).value(1.0).shape == (4, 2)
    same = Hill(1.0, 2.0, 3.0)
    assert same.take([0, 1]) is same


def test_a_stack_of_one_kind_is_that_kind():
    assert stack([Log(2, 1), Log(3, 4)]) == Log([2, 3], [1, 4])
    mixed = stack([Log(2, 1), Exponential(3, 4), Log(5, 6)])
    assert isinstance(mixed, Stack)
    assert mixed.size == 3
    assert mixed.take([0, 2]) == Log([2, 5], [1, 6])
    assert mixed == stack([Log(2, 1), Exponential(3, 4), Log(5, 6)])
    assert hash(mixed) == hash(stack([Log(2, 1), Exponential(3, 4), Log(5, 6)]))
    assert mixed != stack([Log(2, 1), Exponential(3, 4), Log(5, 7)])
    assert mixed != Log(2, 1)
    assert json.loads(json.dumps(mixed.to_dict()))["kind"] == "stack"
    assert pickle.loads(pickle.dumps(mixed)) == mixed


def test_a_stack_of_no_curve():
    assert stack([]).value([]).shape == (0,)
    assert stack([]).value(np.zeros((4, 0))).shape == (4, 0)


@pytest.mark.parametrize("positions", [([0], [0]), ([0], [2]), ([1], [2]), ([-1], [0])])
def test_positions_of_a_stack_that_leave_a_gap_or_meet(positions):
    first, second = positions
    with pytest.raises(CurveError, match="leave a gap or meet"):
        Stack(((first, Log(1, 1)), (second, Exponential(1, 1))))


def test_a_large_mixed_stack_is_taken_apart_quickly():
    size = 200_000
    parts = [(np.arange(0, size, 2), Log(1.0, np.ones(size // 2)))]
    parts += [(np.arange(1, size, 2), Exponential(1.0, np.ones(size // 2)))]
    many = Stack(tuple(parts))
    assert many.take(slice(None, None, 2)).scale.shape == (size // 2,)


def test_mixtures_taken_and_joined():
    cells = Log([1.0, 3.0], [2.0, 5.0])
    one, two = Mixture(cells, [0.5, 0.5]), Mixture(cells, [0.1, 0.9])
    both = stack([one, two])
    assert isinstance(both, Mixture)
    assert both.value([4.0, 4.0]).tolist() == [float(one.value(4)), float(two.value(4))]
    assert both.take([1]) == Mixture(cells, [[0.1, 0.9]])
    assert both.take(1) == two
    per_run = Mixture(cells, np.ones((3, 2, 2)))
    assert per_run.take([0]).weights.shape == (3, 1, 2)
    assert pickle.loads(pickle.dumps(both)) == both
