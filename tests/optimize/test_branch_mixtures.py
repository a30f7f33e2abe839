"""Posterior means with S-shaped cells: proven optima against grids and dynamic programming."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Curve, Mixture, Points
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.optimize import lagrangian_bound
from budgetopt.optimize.allocate import allocate
from budgetopt.optimize.branch.search import branch, explore
from budgetopt.optimize.engines import solve
from budgetopt.optimize.waterfill import waterfill
from budgetopt.plan import Channel, Plan, Row

from .branch_cases import assert_kept, best_of_many, best_on_grid, problem
from .mixture_cases import CELLS, grid, mixture


@dataclass(frozen=True)
class Mean:
    """A belief of which only the mean is asked."""

    channels: tuple[str, ...]
    curves: Curve

    def mean(self):
        return self.curves


def random_case(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 5))
    lower = np.where(rng.random(size) < 0.3, rng.integers(0, 40, size), 0).astype(float)
    upper = lower + rng.integers(20, 600, size)
    least_on = np.where(rng.random(size) < 0.3, rng.integers(10, 80, size), 0)
    return problem(
        mixture(rng, size, rng.choice([0.05, 0.5, 1.0])),
        lower,
        upper,
        lower.sum() + float(rng.integers(50, 500)),
        least_on=np.minimum(least_on, upper),
        spend_all=bool(rng.random() < 0.3),
        weight=rng.uniform(0.5, 2, size) if rng.random() < 0.3 else np.ones(size),
    )


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_random_problems_against_dynamic_programming(seed):
    case = random_case(seed)
    best = best_on_grid(case)
    try:
        found = explore(case)
    except InfeasibleError:
        assert best == -np.inf
        return
    assert found.gap <= 1e-9
    assert_kept(case, found.solved.spend)
    assert found.objective >= best - 1e-9 * abs(best)
    assert found.solved.bound >= best - 1e-12 * abs(best)


@pytest.mark.parametrize("seed", range(4))
def test_rows_across_channels_against_a_full_grid(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 4))
    group = (np.arange(size) != seed % size).astype(np.int64)
    case = problem(
        mixture(rng, size, 0.9),
        np.zeros(size),
        np.full(size, 300.0),
        250.0,
        limits=[Row("group", group, Fraction(120))],
    )
    found = explore(case)
    assert found.gap <= 1e-9
    assert_kept(case, found.solved.spend)
    assert found.objective >= best_of_many(case) * (1 - 1e-9)


@pytest.mark.parametrize("share", [0.02, 0.9])
def test_a_belief_with_s_shaped_cells_gets_a_certified_split(share):
    rng = np.random.default_rng(4)
    names = tuple(f"c{at}" for at in range(4))
    mean = Mean(names, mixture(rng, 4, share))
    plan = Plan(budget=400, currency="CNY", channels=[Channel(n, cap=300) for n in names])
    week = allocate(plan, mean)
    assert week.method == ("waterfill" if share < 0.1 else "branch")
    assert 0 <= week.gap <= 1e-6
    case = problem(mean.curves, np.zeros(4), np.full(4, 300.0), 400.0)
    assert float(week.outcome) >= best_on_grid(case) * (1 - 1e-6)
    assert week.bound >= best_on_grid(case)


def test_where_nothing_can_be_spent_a_belief_is_asked_for_nothing():
    rng = np.random.default_rng(0)
    spend = rng.uniform(500, 1500, (20, 3))
    outcome = 3 * spend * rng.lognormal(0, 0.1, spend.shape)
    weeks = np.datetime64("2025-01-06") + 7 * np.arange(20)
    channels = [bo.Channel(name) for name in "abc"]
    plan = bo.Plan(budget=0, currency="CNY", channels=channels)
    belief = bo.learn(bo.History(tuple("abc"), weeks, spend=spend, outcome=outcome), plan)
    assert not belief.mean().concave
    found = bo.allocate(plan, belief)
    assert (found.total, found.outcome, found.bound) == (0, 0.0, 0.0)
    # So does a frontier without a last week, which begins at nothing.
    points = bo.frontier(replace(plan, budget=3000), belief, budgets=[0, 3000]).points
    assert [point.budget for point in points] == [0, 3000]


def test_the_gap_of_a_concave_mixture_with_bent_cells_is_closed():
    rng = np.random.default_rng(6)
    curves = mixture(rng, 30, 0.02)
    assert not curves.cells.concave
    assert curves.concave
    solved = solve(problem(curves, np.full(30, 5.0), np.full(30, 400.0), 3000.0))
    outcome = curves.value(solved.spend).sum()
    assert solved.method == "waterfill"
    assert solved.spend.sum() == pytest.approx(3000, rel=1e-14)
    assert abs(solved.bound - outcome) <= 1e-13 * outcome


def test_negligible_weights_change_nothing():
    rng = np.random.default_rng(8)
    whole = mixture(rng, 12, 0.0)
    few = np.where(whole.weights > 1e-6, whole.weights, 0.0)
    tiny = few + 1e-14 * np.random.default_rng(1).random(few.shape)
    lower, upper = np.zeros(12), np.full(12, 400.0)
    plain = waterfill(Mixture(CELLS, few), lower, upper, 1200.0)
    other = waterfill(Mixture(CELLS, tiny), lower, upper, 1200.0)
    assert other.spend == pytest.approx(plain.spend, abs=1e-8 * 1200)
    assert other.price == pytest.approx(plain.price, rel=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.9])
@pytest.mark.parametrize(("money", "outcome"), [(1e3, 1.0), (1.0, 1e-6), (1e3, 1e-6)])
def test_units_do_not_move_the_split(share, money, outcome):
    plain = mixture(np.random.default_rng(2), 6, share)
    scaled = Mixture(grid(100.0 * money), outcome * np.asarray(plain.weights))
    ends = np.full(6, 2.0), np.full(6, 350.0)
    ours = solve(problem(plain, *ends, 600.0))
    theirs = solve(problem(scaled, *(money * end for end in ends), 600.0 * money))
    assert theirs.method == ours.method
    assert theirs.spend / money == pytest.approx(ours.spend, abs=1e-9 * 600)
    assert theirs.bound == pytest.approx(outcome * ours.bound, rel=1e-12)


def test_runs_may_share_a_mixture_and_differ_in_bounds():
    rng = np.random.default_rng(9)
    curves = mixture(rng, 5, 0.0)
    upper = rng.uniform(50, 300, (7, 5))
    budget = rng.uniform(100, 400, 7)
    together = waterfill(curves, np.zeros(5), upper, budget)
    bound = lagrangian_bound(curves, np.zeros(5), upper, budget, together.price)
    for at in range(7):
        alone = waterfill(curves, np.zeros(5), upper[at], budget[at])
        assert together.spend[at] == pytest.approx(alone.spend, abs=1e-10 * budget[at])
    outcome = curves.value(together.spend).sum(axis=-1)
    assert np.all(np.abs(bound - outcome) <= 1e-12 * outcome)


def test_a_mixture_with_kinks_that_bends_is_refused():
    # Level up to 10, then rising: where a sum of such cells bends is not looked for.
    kinked = Points([[10.0, 20.0], [5.0, 30.0]], [[0.0, 5.0], [1.0, 9.0]])
    with pytest.raises(SolverError) as raised:
        branch(problem(Mixture(kinked, [[0.5, 0.5]] * 2), np.zeros(2), np.full(2, 50.0), 60.0))
    assert raised.value.code == "wrong-method"
