"""What moving money is believed to bring: the exact moments against hand arithmetic and draws."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Grid
from budgetopt.belief.stream import Stream

from .helpers import Plan, simulated

PLAN, PAST, _ = simulated(np.random.default_rng(1), weeks=6, channels=3)
OWN = learn(PAST, Plan((*PLAN.names, "new"), 4000.0), settings=Settings.fast())
BEFORE = np.array([100.0, 900.0, 0.0, 500.0])
AFTER = np.array([400.0, 500.0, 700.0, 500.0])


def test_one_cell_is_a_log_normal():
    grid = Grid(100.0, 1, 2.0, ())
    posterior = Posterior(
        grid, (1,), np.ones((1, 1, 1)), np.full((1, 1, 1), 0.3), np.full((1, 1, 1), 0.4)
    )
    step = grid.cells.value(np.array([50.0])) - grid.cells.value(np.array([20.0]))
    mean, variance = posterior.gain(np.array([20.0]), np.array([50.0]))
    assert mean == pytest.approx(np.exp(0.3 + 0.2) * step)
    # The variance of a log-normal: (e^v - 1) e^(2m + v).
    assert variance == pytest.approx((np.exp(0.4) - 1) * np.exp(2 * 0.3 + 0.4) * step**2)


def test_moments_are_those_of_draws():
    mean, variance = OWN.gain(BEFORE, AFTER)
    drawn = OWN.draw(np.random.default_rng(2), 40_000)
    gains = drawn.value(AFTER) - drawn.value(BEFORE)
    error = gains.std(axis=0) / np.sqrt(len(gains))
    assert np.all(np.abs(gains.mean(axis=0) - mean) <= 4 * error)
    # The prior's tails are heavy, so the channel without data is left to the hand arithmetic.
    np.testing.assert_allclose(gains[:, :3].var(axis=0), variance[:3], rtol=0.1)
    assert mean[3] == variance[3] == 0.0


def test_the_mean_is_that_of_the_mean_curves_and_turns_with_the_move():
    mean, variance = OWN.gain(BEFORE, AFTER)
    curve = OWN.mean()
    np.testing.assert_allclose(mean, curve.value(AFTER) - curve.value(BEFORE), rtol=1e-9)
    back = OWN.gain(AFTER, BEFORE)
    np.testing.assert_allclose(back[0], -mean)
    np.testing.assert_allclose(back[1], variance)


def test_many_moves_at_once_are_the_moves_one_by_one():
    steps = BEFORE + np.linspace(0, 1, 5)[:, None] * (AFTER - BEFORE)
    together = OWN.gain(BEFORE, steps)
    for at, step in enumerate(steps):
        for many, one in zip(together, OWN.gain(BEFORE, step), strict=True):
            np.testing.assert_allclose(many[at], one, rtol=1e-12, atol=1e-12)


def test_runs_at_once_are_the_runs_one_by_one():
    def streamed(runs):
        stream = Stream(3, len(runs), reference=1000.0, unit=1.0)
        for spend, outcome in zip(PAST.spend, PAST.outcome, strict=True):
            stream.learn(np.stack([spend * r for r in runs]), np.stack([outcome] * len(runs)))
        return stream.posterior

    before, after = np.full((2, 3), 800.0), np.array([[900.0, 800.0, 1.0], [100.0, 0.0, 2e3]])
    together = streamed((1.0, 1.5)).gain(before, after)
    for run, scale in enumerate((1.0, 1.5)):
        alone = streamed((scale,)).gain(before[run : run + 1], after[run : run + 1])
        for many, one in zip(together, alone, strict=True):
            np.testing.assert_allclose(many[run], one[0], rtol=1e-12)


def test_a_pinned_curve_is_not_in_doubt():
    curve = bo.Log(50.0, 30.0)
    channels = [bo.Channel("a"), bo.Channel("b", curve=curve, pinned=True)]
    plan = bo.Plan(budget=200, currency="CNY", channels=channels)
    weeks = np.datetime64("2025-03-03") + 7 * np.arange(4)
    spend, outcome = np.full((4, 2), 80.0), np.full((4, 2), 150.0)
    belief = learn(bo.History(("a", "b"), weeks, spend, outcome=outcome), plan)
    mean, variance = belief.gain(np.array([80.0, 80.0]), np.array([90.0, 60.0]))
    assert variance[0] > 0
    assert variance[1] == 0
    assert mean[1] == pytest.approx(float(curve.value(60) - curve.value(80)))
