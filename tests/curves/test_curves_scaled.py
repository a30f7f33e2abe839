"""Stretched curves: the formula, for every family and for what is made of them."""

import numpy as np
import pytest

from budgetopt.belief import Settings
from budgetopt.belief.settings import Grid
from budgetopt.curves import (
    Exponential,
    Hill,
    Log,
    Logistic,
    Mixture,
    Points,
    Power,
    Scaled,
    stretched,
)
from budgetopt.curves.base import stack
from budgetopt.plan import Channel, Plan
from budgetopt.simulation import Change
from budgetopt.simulation.what_if import what_if

SPEND = np.array([30.0, 70.0, 5.0])
HEIGHT, WIDTH = np.array([1.2, 0.0, 3.0]), np.array([1.3, 0.5, 1.3])
FULL = Settings()
CELLS = Grid(
    50.0, 9, 20.0, FULL.hill_shapes, FULL.steep_shapes, FULL.steep_span, FULL.steep_share
).cells
WEIGHTS = np.random.default_rng(1).uniform(0, 1, (3, CELLS.value(np.zeros(1)).size))
# The S-shaped cells come last; they must not be smoothed away by the others.
WEIGHTS[:, :-5] *= 0.01
CURVES = {
    "exponential": stack([Exponential(10, 20)] * 3),
    "hill": stack([Hill(10, 20, s) for s in (0.7, 1.0, 2.5)]),
    "log": stack([Log(3, 10)] * 3),
    "logistic": stack([Logistic(3, 10)] * 3),
    "power": stack([Power(3, 10, 0.5)] * 3),
    "points": stack([Points([0, 10, 100], [0, 5, 8])] * 3),
    "mixed": stack([Log(3, 10), Hill(10, 20, 2.0), Exponential(10, 20)]),
    "belief": Mixture(CELLS, WEIGHTS),
    "scaled": Scaled(stack([Log(3, 10)] * 3), np.array([2.0, 1.0, 1.0]), 2.0),
}


@pytest.mark.parametrize("name", CURVES)
def test_it_is_the_height_times_the_curve_at_the_money_over_the_width(name):
    curve = CURVES[name]
    found = stretched(curve, HEIGHT, WIDTH)
    np.testing.assert_allclose(found.value(SPEND), HEIGHT * curve.value(SPEND / WIDTH), atol=1e-12)
    assert not isinstance(found, Scaled)


def test_a_belief_of_s_curves_is_solved_at_another_price():
    plan = Plan(budget=150, currency="CNY", channels=[Channel(n) for n in "abc"])

    class Belief:
        channels = ("a", "b", "c")

        def mean(self):
            return CURVES["belief"]

    assert not CURVES["belief"].concave
    found = what_if(
        plan, Belief(), {"dear": Change(price="+30%"), "a": Change(price={"a": "+30%"})}
    )
    cheaper = Plan(budget="115.38", currency="CNY", channels=plan.channels)
    less = what_if(cheaper, Belief())
    assert found["dear"].outcome == pytest.approx(less["as planned"].outcome, rel=1e-4)
    assert found["dear"].outcome < found["a"].outcome < found["as planned"].outcome
