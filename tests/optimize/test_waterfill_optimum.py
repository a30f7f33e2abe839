"""The array-level solve against other methods: duality, root finding, SciPy, one by one."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from budgetopt.curves import Exponential, Hill, Log, Mixture, Points, Power
from budgetopt.curves.base import stack
from budgetopt.optimize import lagrangian_bound
from budgetopt.optimize.waterfill import waterfill

from .helpers import KINDS, SLOPE, best_spend, dual_bound, random_case

SMOOTH = tuple(kind for kind in KINDS if kind != "points")


def solved(case):
    return waterfill(case.curves, case.lower, case.upper, case.budget)


def assert_feasible(case, spend):
    assert np.all(spend >= case.lower)
    assert np.all(spend <= case.upper)
    assert spend.sum() <= case.budget * (1 + 1e-12)


def assert_optimal(case, filled, within=1e-9):
    outcome, bound = case.value(filled.spend).sum(), dual_bound(case, float(filled.price))
    assert_feasible(case, filled.spend)
    assert outcome == pytest.approx(case.curves.value(filled.spend).sum(), rel=1e-12)
    assert bound - outcome <= within * abs(bound)
    ours = lagrangian_bound(case.curves, case.lower, case.upper, case.budget, filled.price)
    assert ours >= outcome * (1 - 1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("seed", range(4))
def test_curves_of_one_kind_reach_the_optimum(kind, channels, seed):
    case = random_case(seed, channels, (kind,))
    assert_optimal(case, solved(case))


@pytest.mark.parametrize("bounds", [True, False])
@pytest.mark.parametrize(
    ("channels", "seed"), [(n, s) for n, many in [(2, 20), (5, 20), (20, 15), (100, 5), (1000, 2)]
                           for s in range(many)]
)  # fmt: skip
def test_mixtures_of_kinds_reach_the_optimum(channels, seed, bounds):
    case = random_case(seed, channels, bounds=bounds)
    assert_optimal(case, solved(case))


@pytest.mark.parametrize("seed", range(12))
def test_spends_and_price_agree_with_root_finding_on_the_slopes(seed):
    case = random_case(seed, 6, SMOOTH)

    def spends(price):
        parts = zip(case.kinds, case.parameters, case.lower, case.upper, strict=True)
        return np.array([best_spend(SLOPE[k], p, price, low, up) for k, p, low, up in parts])

    if spends(0.0).sum() <= case.budget:
        pytest.skip("the budget is not scarce")
    filled = solved(case)
    start = np.log(float(filled.price))
    log_price = brentq(
        lambda x: spends(np.exp(x)).sum() / case.budget - 1, start - 3, start + 3, xtol=1e-14
    )
    assert filled.spend == pytest.approx(spends(np.exp(log_price)), abs=1e-8 * case.budget)
    room = case.budget - case.lower.sum()
    inside = (filled.spend > case.lower) & (filled.spend < case.upper)
    if np.any(inside & (filled.spend < case.lower + room)):
        assert np.log(filled.price) == pytest.approx(log_price, abs=1e-8)


# SciPy before 1.13 warns of steps that it then takes back.
@pytest.mark.filterwarnings("ignore:Values in x were outside bounds:RuntimeWarning")
@pytest.mark.parametrize("seed", range(8))
def test_no_answer_of_a_general_solver_is_better(seed):
    case = random_case(seed, 5, ("exponential", "hill-1", "log", "logistic"))
    ours = case.value(solved(case).spend).sum()
    room = case.budget - case.lower.sum()
    width = case.upper - case.lower
    start = case.lower + width * min(1.0, room / max(width.sum(), 1e-300))
    answer = minimize(
        lambda x: -case.value(x * case.budget).sum() / ours,
        start / case.budget,
        method="SLSQP",
        bounds=list(zip(case.lower / case.budget, case.upper / case.budget, strict=True)),
        constraints={"type": "ineq", "fun": lambda x: 1 - x.sum()},
        options={"maxiter": 500, "ftol": 1e-14},
    )
    assert -answer.fun <= 1 + 1e-9
    assert -answer.fun >= 1 - 1e-6


@pytest.mark.parametrize("channels", [1, 4, 30])
def test_a_batch_of_runs_equals_its_runs_one_by_one(channels):
    rng = np.random.default_rng(channels)
    runs = 50
    top, half = np.exp(rng.normal(0, 1, (2, runs, channels)))
    shape = rng.uniform(0.3, 1, (runs, channels))
    lower = rng.uniform(0, 0.5, (runs, channels))
    upper = lower + rng.uniform(0, 5, (runs, channels))
    budget = lower.sum(axis=-1) + rng.uniform(0, 3, runs) * channels
    together = waterfill(Hill(top, half, shape), lower, upper, budget)
    for at in range(runs):
        alone = waterfill(Hill(top[at], half[at], shape[at]), lower[at], upper[at], budget[at])
        assert together.spend[at] == pytest.approx(alone.spend, rel=1e-12, abs=1e-14)
        assert together.price[at] == pytest.approx(float(alone.price), rel=1e-11)


def test_runs_may_share_curves_and_bounds_and_differ_in_budget_alone():
    curves = stack([Log(3.0, 1.0), Exponential(5.0, 2.0), Points([1.0, 4.0], [2.0, 3.0])])
    budget = np.array([0.0, 0.5, 3.0, 10.0, 1e6])
    together = waterfill(curves, np.zeros(3), np.array([8.0, 9.0, 10.0]), budget)
    for at, money in enumerate(budget):
        alone = waterfill(curves, np.zeros(3), np.array([8.0, 9.0, 10.0]), money)
        assert together.spend[at] == pytest.approx(alone.spend, rel=1e-12)


def test_a_known_price_as_a_start_changes_only_the_way():
    for seed in range(10):
        case = random_case(seed, 12, SMOOTH)
        cold = solved(case)
        for factor in (1.0, 1.1, 0.01, 100.0):
            warm = waterfill(case.curves, case.lower, case.upper, case.budget, cold.price * factor)
            assert warm.spend == pytest.approx(cold.spend, rel=1e-7, abs=1e-9 * case.budget)
            outcome = case.value(warm.spend).sum()
            assert outcome == pytest.approx(case.value(cold.spend).sum(), rel=1e-12)


def test_two_channels_by_hand():
    # 3/(10+x) = 1/(10+y), x + y = 100: x = 80.
    filled = waterfill(Log([3.0, 1.0], [10.0, 10.0]), [0.0, 0.0], [100.0, 100.0], 100.0)
    assert filled.spend == pytest.approx([80.0, 20.0], rel=1e-14)
    assert float(filled.price) == pytest.approx(3 / 90, rel=1e-14)


def test_square_roots_share_by_the_square_of_their_tops():
    tops = np.array([1.0, 2.0, 3.0, 10.0])
    filled = waterfill(Power(tops, np.ones(4), np.full(4, 0.5)), np.zeros(4), np.full(4, 1e9), 57.0)
    assert filled.spend == pytest.approx(57.0 * tops**2 / (tops**2).sum(), rel=1e-13)


def test_straight_pieces_of_one_slope_share_what_is_left_by_their_width():
    curves = stack([Points([10.0], [10.0]), Points([30.0], [30.0]), Points([5.0], [10.0])])
    filled = waterfill(curves, np.zeros(3), np.full(3, 25.0), 25.0)
    assert filled.spend == pytest.approx([20.0 * 10 / 35, 20.0 * 25 / 35, 5.0], rel=1e-12)
    assert float(filled.price) == pytest.approx(1.0, rel=1e-12)


def test_money_beyond_the_last_point_is_left_and_the_price_is_zero():
    curves = stack([Points([10.0], [10.0]), Points([30.0], [3.0])])
    filled = waterfill(curves, np.zeros(2), np.full(2, 100.0), 100.0)
    assert filled.spend == pytest.approx([10.0, 30.0])
    assert float(filled.price) == 0


def test_flat_curves_get_their_floor_and_nothing_more():
    curves = stack(
        [Log(0.0, 1.0), Hill(0.0, 1.0, 0.5), Power(0.0, 1.0, 0.5), Exponential(0.0, 1.0)]
    )
    filled = waterfill(curves, np.array([1.0, 0, 0, 0]), np.full(4, 10.0), 10.0)
    assert filled.spend.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert float(filled.price) == 0


@pytest.mark.parametrize("seed", range(5))
def test_an_average_of_draws_reaches_the_optimum(seed):
    rng = np.random.default_rng(seed)
    channels, draws = 8, 25
    top, scale = np.exp(rng.normal(0, 1, (2, channels, draws)))
    shape = rng.uniform(0.4, 1, (channels, draws))
    curves = Mixture(Hill(top, scale, shape), np.full((channels, draws), 1 / draws))
    filled = waterfill(curves, np.zeros(channels), np.full(channels, 9.0), 9.0)
    assert filled.spend.sum() == pytest.approx(9.0, rel=1e-12)
    slopes = curves.slope(filled.spend)
    assert slopes == pytest.approx(np.full(channels, float(filled.price)), rel=1e-7)


@pytest.mark.parametrize("kind", SMOOTH)
def test_free_channels_share_one_slope_and_the_others_stand_on_their_side_of_it(kind):
    for seed in range(10):
        case = random_case(seed, 15, (kind,))
        filled = solved(case)
        slope, price = case.curves.slope(filled.spend), float(filled.price)
        at_low, at_high = filled.spend <= case.lower, filled.spend >= case.upper
        free = ~(at_low | at_high)
        assert slope[free] == pytest.approx(np.full(free.sum(), price), rel=1e-7)
        assert np.all(slope[at_low & ~at_high] <= price * (1 + 1e-9))
        assert np.all(slope[at_high & ~at_low] >= price * (1 - 1e-9))


@pytest.mark.parametrize("money", [1e-6, 1e-3, 1e3, 1e9])
@pytest.mark.parametrize("outcome", [1e-8, 1e-3, 1e8])
def test_shares_do_not_depend_on_units(money, outcome):
    rng = np.random.default_rng(3)
    top, scale = np.exp(rng.normal(0, 1, (2, 12)))
    shape = rng.uniform(0.3, 1, 12)
    upper = np.full(12, 2.0)
    plain = waterfill(Hill(top, scale, shape), np.zeros(12), upper, 9.0)
    other = waterfill(
        Hill(top * outcome, scale * money, shape), np.zeros(12), upper * money, 9.0 * money
    )
    assert other.spend / money == pytest.approx(plain.spend, rel=1e-9)
    assert float(other.price) == pytest.approx(float(plain.price) * outcome / money, rel=1e-9)


def test_the_order_of_channels_changes_nothing_but_the_last_bits():
    for seed in range(10):
        case = random_case(seed, 25)
        order = np.random.default_rng(seed).permutation(25)
        other = waterfill(
            case.curves.take(order), case.lower[order], case.upper[order], case.budget
        )
        outcome = case.value(solved(case).spend).sum()
        back = np.empty(25)
        back[order] = other.spend
        assert case.value(back).sum() == pytest.approx(outcome, rel=1e-13)


@pytest.mark.parametrize("price", [0.0, 1e-9, 0.02, 0.5, 7.0, 1e6])
def test_any_price_at_all_gives_a_valid_bound(price):
    for seed in range(10):
        case = random_case(seed, 6)
        unit = case.value(case.upper).sum() / case.budget
        bound = lagrangian_bound(case.curves, case.lower, case.upper, case.budget, price * unit)
        assert bound >= case.value(solved(case).spend).sum() * (1 - 1e-12)
