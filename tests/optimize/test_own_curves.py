"""Curves of one's own: S-shaped classes that declare where they bend, and plain functions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Curve, Hill, Points
from budgetopt.errors import CurveError, SolverError


@dataclass(frozen=True, eq=False)
class Carried(Curve):
    """A Hill curve to which a constant carried-in spend adds, as in Robyn's response."""

    top: float
    half: float
    shape: float
    carried: float
    kind: ClassVar[str] = "carried"

    @property
    def hill(self):
        return Hill(self.top, self.half, self.shape)

    def value(self, spend):
        return self.hill.value(np.asarray(spend) + self.carried) - self.hill.value(self.carried)

    def slope(self, spend):
        return self.hill.slope(np.asarray(spend) + self.carried)

    def spend_at_slope(self, slope):
        return np.maximum(self.hill.spend_at_slope(slope) - self.carried, 0.0)

    def slope_decay(self, spend):
        return self.hill.slope_decay(np.asarray(spend) + self.carried)

    @property
    def inflection(self):
        return np.maximum(self.hill.inflection - self.carried, 0.0)

    @property
    def concave(self):
        return bool(np.all(self.inflection <= 0))


def plan_of(curves, budget=100, **fields):
    channels = [bo.Channel(f"c{at}", curve=curve) for at, curve in enumerate(curves)]
    return bo.Plan(budget=budget, currency="CNY", channels=channels, step=1, **fields)


def by_force(functions, budget):
    """Return the best outcome of whole units of money."""
    table = [[f(float(x)) for x in range(budget + 1)] for f in functions]
    splits = itertools.product(range(budget + 1), repeat=len(functions) - 1)
    rest = ((*some, budget - sum(some)) for some in splits if sum(some) <= budget)
    return max(sum(row[x] for row, x in zip(table, xs, strict=True)) for xs in rest)


def drawn(seed):
    rng = np.random.default_rng(seed)
    return [Carried(*rng.uniform((50, 20, 1.5, 0), (150, 80, 4.0, 30)).tolist()) for _ in range(3)]


@pytest.mark.parametrize("seed", range(6))
def test_a_carried_in_spend_against_brute_force(seed):
    """As a class that declares its inflection, and as samples of a plain function."""
    curves = drawn(seed)
    functions = [lambda x, c=c: float(c.value(x)) for c in curves]
    best = by_force(functions, 60)
    declared = bo.allocate(plan_of(curves, 60))
    sampled = bo.allocate(plan_of([Points.sampled(f, upto=60) for f in functions], 60))
    for week in (declared, sampled):
        spends = [float(money) for money in week.spend.values()]
        true = sum(f(x) for f, x in zip(functions, spends, strict=True))
        assert true == pytest.approx(best, rel=1e-5)
        assert week.bound >= best * (1 - 1e-6)
    assert declared.method == "branch"
    assert declared.gap < 1e-6 or declared.bound - best < 0.02 * best


def test_an_inflection_that_is_declared_is_the_hill_it_is():
    """Without a carried-in spend it is Hill, and gives the same split, alone or beside others."""
    shapes = [(100, 40, 3.0), (90, 60, 2.5), (60, 30, 0.8)]
    own = bo.allocate(plan_of([Carried(*shape, 0.0) for shape in shapes]))
    mixed = bo.allocate(plan_of([Carried(*shapes[0], 0.0), *(Hill(*s) for s in shapes[1:])]))
    hill = bo.allocate(plan_of([Hill(*shape) for shape in shapes]))
    assert own.spend == mixed.spend == hill.spend
    assert own.bound == pytest.approx(hill.bound, rel=1e-9)


def test_a_curve_that_does_not_say_where_it_bends_is_refused():
    class Silent(Carried):
        inflection = None

        @property
        def concave(self):
            return False

    with pytest.raises(SolverError, match="bends is not known") as caught:
        bo.allocate(plan_of([Silent(100, 40, 3.0, 0.0), Hill(60, 30, 1.0)]))
    assert "Points.sampled" in caught.value.remedy


def test_a_plain_function_leads_to_its_samples():
    with pytest.raises(CurveError) as caught:
        bo.Channel("a", curve=math.sqrt)
    assert "Points.sampled(function, upto=...)" in caught.value.remedy
    curve = Points.sampled(math.sqrt, upto=100)
    assert curve.concave
    x = np.linspace(0, 100, 5001)
    np.testing.assert_allclose(curve.value(x), np.sqrt(x), atol=1.5e-5)
    week = bo.allocate(plan_of([curve, Points.sampled(lambda x: 2 * math.sqrt(x), upto=100)]))
    assert float(week.spend["c1"]) == 80
    assert bo.Plan.from_json(plan_of([curve]).to_json()) == plan_of([curve])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: -x, "falls between"),
        (lambda x: math.nan, "finite"),
        (lambda x: "1", "finite"),
        (lambda x: math.floor(3 * x) + x, "is not met by"),
    ],
)
def test_what_cannot_be_sampled_is_refused(function, said):
    with pytest.raises(CurveError, match=said):
        Points.sampled(function, upto=1)
    with pytest.raises(CurveError):
        Points.sampled(math.sqrt, upto=0)
