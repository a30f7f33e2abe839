"""Best splits of many runs at once, held against one run at a time and their own bounds."""

import numpy as np
import pytest

from budgetopt.curves import Hill, Log, Mixture, Points
from budgetopt.curves.base import stack
from budgetopt.errors import SolverError
from budgetopt.optimize import lagrangian_bound
from budgetopt.optimize.batched import best_of_runs
from budgetopt.optimize.branch.search import explore
from budgetopt.optimize.waterfill import waterfill

from .branch_cases import best_on_grid, problem
from .mixture_cases import CELLS, SIZE, grid, mixture


def assert_kept(best, curves, lower, upper, budget):
    assert np.all(best.spend >= lower)
    assert np.all(best.spend <= upper)
    assert np.all(best.spend.sum(axis=-1) <= budget * (1 + 1e-12))
    assert best.outcome == pytest.approx(curves.value(best.spend).sum(axis=-1), rel=1e-11)
    assert np.all(best.bound >= best.outcome)


@pytest.mark.parametrize(
    ("channels", "share", "low", "high"),
    [(3, 1.0, 0.0, 400.0), (6, 0.5, 0.0, 400.0), (12, 0.9, 10.0, 300.0), (12, 0.6, 70.0, 130.0)],
)
def test_all_runs_together_are_as_good_as_each_alone(channels, share, low, high):
    rng = np.random.default_rng([channels, int(10 * share)])
    runs = 8
    curves = mixture(rng, (runs, channels), share)
    lower, upper = np.full((runs, channels), low), np.full((runs, channels), high)
    budget = 100.0 * channels * rng.uniform(0.75, 1.2, runs).round(2)
    best = best_of_runs(curves, lower, upper, budget, gap=1e-9)
    assert_kept(best, curves, lower, upper, budget)
    assert np.all(best.bound - best.outcome <= 2e-9 * best.bound)
    for run in range(runs):
        one = Mixture(CELLS, curves.weights[run])
        alone = explore(problem(one, lower[run], upper[run], budget[run]))
        assert best.outcome[run] == pytest.approx(alone.objective, rel=3e-9)
        assert best.bound[run] >= alone.objective * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_three_channels_against_dynamic_programming(seed):
    rng = np.random.default_rng(seed)
    curves = mixture(rng, (5, 3), 0.9)
    best = best_of_runs(curves, np.zeros((5, 3)), np.full((5, 3), 250.0), np.full(5, 300.0))
    for run in range(5):
        one = Mixture(CELLS, curves.weights[run])
        on_grid = best_on_grid(problem(one, np.zeros(3), np.full(3, 250.0), 300.0))
        assert best.outcome[run] >= on_grid * (1 - 1e-6)
        assert best.bound[run] >= on_grid


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_concave_mixtures_are_filled_to_the_last_digit(share):
    rng = np.random.default_rng(1)
    runs, channels = 200, 12
    curves = mixture(rng, (runs, channels), share)
    lower = rng.uniform(10, 90, (runs, channels))
    upper = lower * rng.uniform(1.0, 2.0, (runs, channels))
    budget = lower.sum(axis=-1) + rng.uniform(0, 1, runs) * (upper - lower).sum(axis=-1)
    best = best_of_runs(curves, lower, upper, budget)
    assert_kept(best, curves, lower, upper, budget)
    assert best.spend.sum(axis=-1) == pytest.approx(budget, rel=1e-13)
    assert np.all(best.bound - best.outcome <= 1e-13 * best.bound)
    bound = lagrangian_bound(curves, lower, upper, budget, best.price)
    assert np.all(np.abs(bound - best.outcome) <= 1e-12 * bound)
    filled = waterfill(curves, lower, upper, budget)
    assert best.spend == pytest.approx(filled.spend, abs=1e-8 * 1200)


@pytest.mark.parametrize("draws", [1, 10])
def test_drawn_cells_one_or_an_average(draws):
    rng = np.random.default_rng(draws)
    runs, channels = 60, 8
    weights = np.zeros((runs, channels, SIZE))
    for _ in range(draws):
        cell = rng.integers(0, SIZE, (runs, channels, 1))
        more = np.take_along_axis(weights, cell, -1) + rng.lognormal(4, 0.7, cell.shape)
        np.put_along_axis(weights, cell, more, axis=-1)
    curves = Mixture(CELLS, weights)
    lower, upper = np.full((runs, channels), 10.0), np.full((runs, channels), 300.0)
    best = best_of_runs(curves, lower, upper, np.full(runs, 800.0))
    assert_kept(best, curves, lower, upper, 800.0)
    assert np.all(best.bound - best.outcome <= 1e-5 * best.bound)
    assert np.median((best.bound - best.outcome) / best.bound) <= 1e-9


def test_one_run_needs_no_axis_of_runs():
    rng = np.random.default_rng(5)
    curves = mixture(rng, 6, 0.8)
    one = best_of_runs(curves, np.zeros(6), np.full(6, 300.0), 600.0)
    many = best_of_runs(
        Mixture(CELLS, curves.weights[None]), np.zeros((1, 6)), np.full((1, 6), 300.0), [600.0]
    )
    assert one.spend.shape == (6,)
    assert one.price.shape == one.bound.shape == ()
    assert one.spend == pytest.approx(many.spend[0], rel=1e-12)


def test_runs_do_not_see_each_other():
    rng = np.random.default_rng(6)
    curves = mixture(rng, (30, 6), 0.7)
    lower, upper, budget = np.full((30, 6), 5.0), np.full((30, 6), 300.0), rng.uniform(300, 900, 30)
    together = best_of_runs(curves, lower, upper, budget)
    order = rng.permutation(30)
    moved = best_of_runs(Mixture(CELLS, curves.weights[order]), lower, upper, budget[order])
    assert moved.outcome == pytest.approx(together.outcome[order], rel=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.8])
def test_a_run_is_the_same_to_the_last_bit_in_whatever_company(share):
    rng = np.random.default_rng(11)
    runs = 40
    curves = mixture(rng, (runs, 7), share)
    lower, upper = np.full((runs, 7), 5.0), np.full((runs, 7), 300.0)
    budget = rng.uniform(300, 1000, runs)
    for fill in (best_of_runs, waterfill) if share < 0.1 else (best_of_runs,):
        together = fill(curves, lower, upper, budget)
        for size in (1, 7):
            for at in range(0, runs, size):
                some = slice(at, at + size)
                part = Mixture(CELLS, curves.weights[some])
                alone = fill(part, lower[some], upper[some], budget[some])
                for whole, own in zip(together, alone, strict=True):
                    assert np.array_equal(whole[some], own)


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_no_cap_no_room_and_no_money(share):
    rng = np.random.default_rng(7)
    curves = mixture(rng, (4, 3), share)
    lower = np.array([[0.0] * 3, [20.0] * 3, [0.0] * 3, [10.0] * 3])
    budget = np.array([300.0, 60.0, 0.0, 150.0])
    best = best_of_runs(curves, lower, np.full((4, 3), np.inf), budget)
    assert_kept(best, curves, lower, np.inf, budget)
    assert best.spend[1:3].tolist() == lower[1:3].tolist()
    assert np.all(best.bound - best.outcome <= 1e-6 * best.bound)
    nothing = best_of_runs(curves, np.zeros((4, 3)), np.full((4, 3), 9.0), np.zeros(4))
    assert not nothing.spend.any()
    assert not nothing.bound.any()


def test_money_that_brings_nothing_is_spent_only_where_asked():
    curves = stack([Points([10.0], [10.0]), Points([30.0], [3.0])])
    lower, upper = np.zeros((2, 2)), np.full((2, 2), 100.0)
    kept = best_of_runs(curves, lower, upper, np.array([20.0, 100.0]))
    assert kept.spend[1].tolist() == [10.0, 30.0]
    spent = best_of_runs(curves, lower, upper, np.array([20.0, 100.0]), spend_all=True)
    assert spent.spend.sum(axis=-1) == pytest.approx([20.0, 100.0])
    assert spent.outcome == pytest.approx(kept.outcome)


def test_concave_curves_of_any_kind_are_filled():
    best = best_of_runs(Log([3.0, 1.0], [10.0, 10.0]), np.zeros(2), np.full(2, 100.0), 100.0)
    assert best.spend == pytest.approx([80.0, 20.0])
    assert float(best.bound) == pytest.approx(float(best.outcome))


def test_other_curves_that_bend_are_refused():
    with pytest.raises(SolverError) as raised:
        best_of_runs(Hill([1.0, 1.0], [5.0, 9.0], [3.0, 3.0]), np.zeros(2), np.ones(2), 1.0)
    assert raised.value.code == "wrong-method"
    steep = Mixture(Hill([1.0], [5.0], [500.0]), [[1.0]])
    with pytest.raises(SolverError):
        best_of_runs(steep, np.zeros(1), np.full(1, 9.0), 9.0)


@pytest.mark.parametrize("share", [0.0, 0.8])
def test_units_do_not_move_the_splits(share):
    plain = mixture(np.random.default_rng(3), (20, 5), share)
    scaled = Mixture(grid(1e5), 1e-6 * np.asarray(plain.weights))
    lower, upper, budget = np.full((20, 5), 5.0), np.full((20, 5), 300.0), np.full(20, 500.0)
    ours = best_of_runs(plain, lower, upper, budget)
    theirs = best_of_runs(scaled, 1e3 * lower, 1e3 * upper, 1e3 * budget)
    assert theirs.spend / 1e3 == pytest.approx(ours.spend, abs=1e-9 * 500)
    assert theirs.bound * 1e6 == pytest.approx(ours.bound, rel=1e-11)
