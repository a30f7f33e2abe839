"""The branch engine under a budget alone: by hand, by grids, by properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.curves import Hill, Log, Points, Power
from budgetopt.curves.base import stack
from budgetopt.errors import InfeasibleError
from budgetopt.optimize.branch import branch, explore
from budgetopt.optimize.waterfill import waterfill

from .branch_cases import assert_kept, best_on_grid, problem, random_problem, s_curves


def tops(*top, half=100.0, shape=3.0):
    count = len(top)
    return Hill(np.array(top), np.full(count, half), np.full(count, shape))


def free(curves, budget, **more):
    size = more.pop("size")
    return problem(curves, np.zeros(size), np.full(size, budget), budget, **more)


def test_two_equal_s_curves_get_all_the_money_in_one():
    # Half each is f(50) + f(50) = 2/9 of the top, all in one is f(100) = 1/2.
    solved = branch(free(tops(10.0, 10.0), 100.0, size=2))
    assert sorted(solved.spend) == pytest.approx([0, 100])
    assert solved.bound == pytest.approx(5.0, rel=1e-9)


def test_two_equal_s_curves_share_plenty_of_money():
    solved = branch(free(tops(10.0, 10.0), 400.0, size=2))
    assert solved.spend == pytest.approx([200, 200], rel=1e-6)
    assert solved.prices[0] == pytest.approx(float(tops(10.0).slope(200.0)[0]), rel=1e-6)


def test_what_is_left_below_a_cap_goes_to_a_rising_slope():
    # The first is full at its cap; what is left is worth most undivided, below the inflection.
    case = problem(tops(10.0, 1.0, 1.0), np.zeros(3), [100.0, 100.0, 100.0], 140.0)
    solved = branch(case)
    assert solved.spend[0] == pytest.approx(100)
    assert sorted(solved.spend[1:]) == pytest.approx([0, 40], abs=1e-6)


def test_all_money_at_the_floors():
    case = problem(tops(10.0, 1.0), [30.0, 70.0], [100.0, 100.0], 100.0)
    found = explore(case)
    assert found.solved.spend == pytest.approx([30, 70])
    assert found.gap <= 1e-12


def test_no_budget():
    found = explore(problem(tops(10.0, 1.0), [0.0, 0.0], [100.0, 100.0], 0.0))
    assert np.all(found.solved.spend == 0)
    assert found.objective == found.solved.bound == 0


def test_curves_without_effect_get_nothing():
    found = explore(free(tops(0.0, 5.0, 0.0), 100.0, size=3))
    assert found.solved.spend == pytest.approx([0, 100, 0])
    assert np.all(explore(free(tops(0.0, 0.0), 100.0, size=2)).solved.spend == 0)


def test_concave_curves_are_those_of_waterfill():
    curves = stack([Log(3.0, 10.0), Hill(5.0, 30.0, 0.8), Power(1.0, 10.0, 0.5)])
    case = problem(curves, [5.0, 0.0, 0.0], [80.0, 100.0, 20.0], 100.0)
    filled, found = waterfill(curves, case.lower, case.upper, 100.0), explore(case)
    assert found.nodes == 1
    assert found.solved.spend == pytest.approx(filled.spend, rel=1e-6)
    assert found.solved.prices[0] == pytest.approx(float(filled.price), rel=1e-6)


@pytest.mark.parametrize(("least", "spend"), [(50.0, [50.0, 50.0]), (60.0, [100.0, 0.0])])
def test_off_or_at_least_on_both_sides_of_where_it_pays(least, spend):
    # Half and half brings 2 ln 6 = 3.58; 40 and 60 bring ln 5 + 0.8 ln 7 = 3.17 and all in the
    # first ln 11 = 2.40, so that the second is worth its minimum until the first starves.
    first, second = Log(1.0, 10.0), Log(1.0, 10.0) if least == 50 else Log(0.4, 10.0)
    solved = branch(free(stack([first, second]), 100.0, size=2, least_on=[0.0, least]))
    assert solved.spend == pytest.approx(spend, abs=1e-5)


def test_an_unaffordable_minimum_is_off():
    solved = branch(free(tops(1.0, 9.0), 100.0, size=2, least_on=[0.0, 100.01]))
    assert solved.spend == pytest.approx([100, 0])


def test_points_that_are_not_concave():
    curve = Points([[0, 50, 60, 100]] * 2, [[0, 1, 9, 10]] * 2)
    # Two knees at 60 need 120; with 100 one knee and its tail beat any other split.
    assert branch(free(curve, 100.0, size=2)).bound == pytest.approx(10.0, rel=1e-9)
    assert branch(free(curve, 120.0, size=2)).spend == pytest.approx([60, 60])


def test_money_that_costs_more_than_it_brings_stays():
    case = free(tops(10.0, 1.0), 1000.0, size=2, cost=[0.02, 0.02])
    solved = branch(case)
    assert solved.spend[1] == 0
    assert float(tops(10.0).slope(solved.spend[:1])[0]) == pytest.approx(0.02, rel=1e-6)
    assert solved.prices[0] == 0


def test_all_is_spent_where_that_is_asked_for():
    case = free(tops(10.0, 1.0), 1000.0, size=2, cost=[0.02, 0.02], spend_all=True)
    found = explore(case)
    assert found.solved.spend.sum() == pytest.approx(1000, rel=1e-12)
    # One more unit of the budget that must be spent costs more than it brings.
    assert found.solved.prices[0] == 0
    assert found.solved.prices[1] > 0
    assert found.objective == pytest.approx(best_on_grid(case), rel=1e-4)


def test_minimums_that_cannot_add_up_are_infeasible():
    # Off or 60 to 70 each cannot make 100.
    curves = tops(1.0, 1.0)
    bounds = ([0.0, 0.0], [70.0, 70.0], 100.0)
    case = problem(curves, *bounds, least_on=[60.0, 60.0], spend_all=True)
    with pytest.raises(InfeasibleError) as raised:
        branch(case)
    assert raised.value.code == "limits-clash"
    case = problem(curves, *bounds, least_on=[50.0, 50.0], spend_all=True)
    assert branch(case).spend == pytest.approx([50, 50])


def test_a_channel_that_must_be_on_above_its_cap_is_named():
    case = problem(tops(1.0, 1.0), [10.0, 0.0], [40.0, 100.0], 100.0, least_on=[50.0, 0.0])
    with pytest.raises(InfeasibleError, match="channel 0"):
        branch(case)


def test_the_best_so_far_comes_with_its_bound_when_time_is_over():
    found = explore(s_curves(1000, 1), time_limit=0.0)
    assert found.nodes == 1
    assert 0 <= found.gap < 1e-3
    assert explore(s_curves(1000, 1)).objective <= found.solved.bound


@pytest.mark.parametrize("seed", range(10))
def test_ten_s_curves_against_dynamic_programming(seed):
    case = s_curves(10, seed)
    found = explore(case)
    assert found.gap <= 1e-9
    assert_kept(case, found.solved.spend)
    best = best_on_grid(case)
    assert best <= found.objective * (1 + 1e-12)
    assert best >= found.objective * (1 - 1e-3)


def test_a_thousand_s_curves():
    case = s_curves(1000, 1)
    found = explore(case)
    assert found.gap <= 1e-9
    assert_kept(case, found.solved.spend)


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("share", [34.0, 60.0])
def test_near_ties(spread, share):
    rng = np.random.default_rng(3)
    case = problem(
        tops(*(100 * (1 + spread * rng.normal(size=10)))),
        np.zeros(10),
        np.full(10, 600.0),
        share * 10,
    )
    found = explore(case)
    assert found.gap <= 1e-9
    assert found.nodes < 20
    assert found.objective >= best_on_grid(case) * (1 - 1e-12)


def test_a_thousand_equal_s_curves():
    found = explore(problem(tops(*[10.0] * 1000), np.zeros(1000), np.full(1000, 600.0), 34_000.0))
    assert found.gap <= 1e-9
    assert found.nodes < 20


@pytest.mark.parametrize("seed", [0, 7, 9])
@pytest.mark.parametrize("worth", [1e-8, 1e-3, 1e3, 1e8])
def test_units_of_outcome_do_not_move_the_split(seed, worth):
    plain = branch(s_curves(10, seed))
    scaled = branch(s_curves(10, seed, worth=worth))
    assert scaled.spend == pytest.approx(plain.spend, rel=1e-6, abs=1e-6)
    assert scaled.bound == pytest.approx(worth * plain.bound, rel=1e-9)


@pytest.mark.parametrize("seed", [0, 7, 9])
def test_units_of_money_do_not_move_the_split(seed):
    plain, scaled = branch(s_curves(10, seed)), branch(s_curves(10, seed, units=1000.0))
    assert scaled.spend / 1000 == pytest.approx(plain.spend, rel=1e-6, abs=1e-6)


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_random_problems_against_dynamic_programming(seed):
    case = random_problem(seed)
    best = best_on_grid(case)
    if case.bounds.lower.sum() > case.budget:
        return
    try:
        found = explore(case)
    except InfeasibleError:
        assert best == -np.inf
        return
    assert found.gap <= 1e-9 or found.solved.bound - found.objective <= 1e-12
    assert_kept(case, found.solved.spend)
    assert found.objective >= best - 1e-9 * abs(best) - 1e-12
    assert found.solved.bound >= best - 1e-12


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_the_price_is_what_one_more_unit_brings(seed):
    rng = np.random.default_rng(seed)
    case = s_curves(int(rng.integers(2, 8)), seed)
    here = explore(case)
    step = 0.02
    more = explore(problem(case.curves, case.lower, case.upper, case.budget_money + step))
    # At least the price to first order; more where another branch takes over.
    brings = (more.objective - here.objective) / step
    assert brings >= here.solved.prices[0] * (1 - 1e-3) - 1e-9
