"""The branch engine under rows: by hand, by full grids, by properties."""

import itertools
from dataclasses import replace
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Hill, Log
from budgetopt.curves.base import stack
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.optimize.branch import branch, explore, relax
from budgetopt.optimize.dual.search import dual
from budgetopt.optimize.programs.integer import integer
from budgetopt.optimize.waterfill import field_of, priced
from budgetopt.plan import Row

from .branch_cases import assert_kept, best_of_many, problem, random_problem, random_rows, s_curves


def rowed(seed, most=4):
    """Return a random problem under random rows and a last applied week."""
    rng = np.random.default_rng([seed, 7])
    case = random_problem(seed, most=most)
    size, budget = len(case.names), case.budget_money
    last = (np.floor(rng.dirichlet(np.ones(size)) * budget) * 100).astype(np.int64)
    case = replace(case, limits=tuple(random_rows(rng, size, budget)), last=last)
    if rng.random() > 0.15:
        return case
    even = float(np.sum(case.curves.value(np.full(size, budget / size))))
    target = Row(
        "target",
        np.zeros(size, dtype=np.int64),
        -Fraction(rng.uniform(0.1, 1) * even),
        outcome=np.ones(size),
    )
    return replace(case, limits=(*case.limits, target), weight=np.zeros(size), cost=np.ones(size))


def grouped(seed, channels=50, groups=20):
    """Return S-curves and concave ones, half of them off or at least so much, in groups."""
    rng = np.random.default_rng(seed)
    curves = []
    for at in range(channels):
        top, half = rng.lognormal(5, 0.6), rng.lognormal(4.6, 0.7)
        kinds = (Hill(top, half, 0.8), Hill(top, half, rng.uniform(1.5, 4)), Log(top, half))
        curves.append(kinds[1] if at % 2 else kinds[at % 4])
    least_on = np.where(rng.random(channels) < 0.5, rng.uniform(20, 120, channels), 0)
    rows = []
    for number in range(groups):
        group = (rng.random(channels) < 0.2).astype(np.int64)
        size = int(group.sum())
        if rng.random() < 0.3:
            room, sign = -int(30 * size * rng.uniform(0.3, 1)), -1
        else:
            room, sign = int(100 * size * rng.uniform(0.6, 1.2)), 1
        rows.append(Row(f"group {number}", sign * group, Fraction(room)))
    bounds = np.zeros(channels), np.full(channels, 600.0), 100.0 * channels
    return problem(stack(curves), *bounds, least_on=least_on, limits=rows)


def test_a_group_cap_moves_the_money_to_the_next_best():
    curves = Hill(np.array([10.0, 9.0]), np.full(2, 100.0), np.full(2, 3.0))
    bounds = np.zeros(2), np.full(2, 200.0), 200.0
    cap = Row("cap of the first", np.array([1, 0]), Fraction(20))
    solved = branch(problem(curves, *bounds, limits=[cap]))
    # 20 in the first and 180 in the second are worth 10/126 + 9 · 5.832/6.832 = 7.76, less than 8.
    assert solved.spend == pytest.approx([0, 200], abs=1e-6)
    assert solved.bound == pytest.approx(8, rel=1e-8)
    assert solved.prices.shape == (2,)


def test_no_money_moves_where_none_may():
    curves = Hill(np.array([10.0, 9.0]), np.full(2, 100.0), np.full(2, 3.0))
    turnover = Row(
        "turnover", np.zeros(2, dtype=np.int64), Fraction(0), moved=np.ones(2, dtype=int)
    )
    case = problem(
        curves, np.zeros(2), np.full(2, 200.0), 200.0, last=[70.0, 130.0], limits=[turnover]
    )
    assert branch(case).spend == pytest.approx([70, 130])


def test_a_floor_on_return_stops_where_an_s_curve_falls_below_it():
    # f(x) = 10 x³/(100³ + x³) returns 0.04 on x between 68 and 231.31 only.
    curve = Hill(np.array([10.0]), np.array([100.0]), np.array([3.0]))
    roas = Row("return", np.array([1]), Fraction(0), outcome=np.array([1 / 0.04]))
    case = problem(curve, [0.0], [1000.0], 1000.0, limits=[roas])
    found = explore(case)
    assert float(curve.value(found.solved.spend)[0]) >= 0.04 * found.solved.spend[0] * (1 - 1e-9)
    assert found.solved.spend[0] == pytest.approx(231.31, abs=0.01)


def test_least_spend_for_a_target_by_s_curves():
    # One curve at x = 100 brings half of its top; two would need more money.
    curves = Hill(np.full(2, 10.0), np.full(2, 100.0), np.full(2, 3.0))
    zero = np.zeros(2, dtype=np.int64)
    target = Row("target", zero, Fraction(-5), outcome=np.ones(2))
    case = problem(
        curves, zero, np.full(2, 500.0), 500.0, weight=[0, 0], cost=[1, 1], limits=[target]
    )
    found = explore(case)
    assert sorted(found.solved.spend) == pytest.approx([0, 100], abs=1e-4)
    assert found.gap <= 1e-8


def test_rows_that_contradict_each_other_are_infeasible():
    curves = Hill(np.full(2, 10.0), np.full(2, 100.0), np.full(2, 3.0))
    ones = np.ones(2, dtype=np.int64)
    rows = [Row("most", ones, Fraction(50)), Row("least", -ones, Fraction(-51))]
    bounds = np.zeros(2), np.full(2, 100.0), 100.0
    with pytest.raises(InfeasibleError) as raised:
        branch(problem(curves, *bounds, limits=rows))
    assert raised.value.code == "limits-clash"
    rows[1] = Row("least", -ones, Fraction(-50))
    assert branch(problem(curves, *bounds, limits=rows)).spend.sum() == pytest.approx(50)


def test_rows_that_count_are_refused():
    case = s_curves(2, 0)
    count = Row("few", np.zeros(2, dtype=np.int64), Fraction(1), on=np.ones(2, dtype=np.int64))
    with pytest.raises(SolverError) as raised:
        branch(replace(case, limits=(count,)))
    assert raised.value.code == "wrong-method"


@pytest.mark.parametrize("seed", range(5))
def test_fifty_channels_in_twenty_groups(seed):
    case = grouped(seed)
    found = explore(case, gap=1e-6)
    assert found.gap <= 1e-6
    assert_kept(case, found.solved.spend)
    free = branch(replace(case, limits=()))
    assert found.objective <= free.bound * (1 + 1e-12)


def switched(seed, channels, groups=4):
    """Return concave curves that are all off or at least so much, in groups that overlap."""
    rng = np.random.default_rng(seed)
    case = grouped(seed, channels, groups)
    top, half = rng.lognormal(5, 0.6, channels), rng.lognormal(4.6, 0.7, channels)
    on = np.round(rng.uniform(20, 120, channels), 2) * 100
    return replace(case, curves=Log(top, half), least_on=on.astype(np.int64))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", ["columns", "prices"])
def test_switches_in_groups_against_every_set_that_may_be_on(by, seed):
    case = switched(seed, 7)
    worth, none = [], np.zeros(7, dtype=np.int64)
    for on in itertools.product([False, True], repeat=7):
        low, high = (np.where(on, ends, 0) for ends in (case.least_on, case.bounds.upper))
        bounds = replace(case.bounds, lower=low, upper=high)
        part = replace(case, bounds=bounds, least_on=none)
        try:
            best = dual(field_of(part), part.rows)
        except InfeasibleError:
            continue
        worth.append((part.objective(best.spend), best.bound))
    found = _explored(case, by)
    if found is None:
        assert not worth
        return
    assert_kept(case, found.solved.spend)
    reached, bounded = np.max(worth, axis=0)
    assert found.objective >= reached - 1e-8 * abs(reached)
    assert found.objective <= bounded + 1e-8 * abs(bounded)
    assert found.solved.bound >= reached - 1e-9 * abs(reached)


@pytest.mark.parametrize("by", ["columns", "prices"])
@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_switches_in_groups_against_the_integer_program(by, seed):
    case = switched(seed, 9)
    found = _explored(case, by)
    try:
        other = integer(case)
    except InfeasibleError:
        assert found is None
        return
    assert_kept(case, found.solved.spend)
    assert found.gap <= 1e-9
    assert found.objective >= case.objective(other.spend) * (1 - 1e-6)
    assert found.objective <= other.bound * (1 + 1e-9)


def _explored(case, by):
    """Return what the search finds, None where it proves that nothing is allowed."""
    try:
        with patch.object(relax, "_MANY", 1 if by == "prices" else 100):
            return explore(case)
    except InfeasibleError:
        return None


def test_a_thousand_switches_in_groups_take_a_few_nodes():
    case = switched(1, 1000, 10)
    found = explore(case)
    assert_kept(case, found.solved.spend)
    assert found.gap <= 1e-9
    assert found.nodes <= 30


def test_a_row_without_effect_changes_nothing():
    case = s_curves(10, 7)
    loose = Row("loose", np.ones(10, dtype=np.int64), Fraction(10_000))
    alone, with_row = explore(case), explore(replace(case, limits=(loose,)))
    assert with_row.objective == pytest.approx(alone.objective, rel=2e-9)
    assert with_row.solved.spend == pytest.approx(alone.solved.spend, rel=1e-3)


@pytest.mark.parametrize("worth", [1e-8, 1e8])
def test_units_do_not_move_the_split_under_rows(worth):
    group = Row("group", np.array([1, 1, 1, 0, 0, 0]), Fraction(150))
    scaled_group = replace(group, room=Fraction(150_000))
    plain = branch(replace(s_curves(6, 4), limits=(group,)), gap=1e-13)
    scaled = branch(replace(s_curves(6, 4, worth=worth), limits=(group,)), gap=1e-13)
    richer = branch(replace(s_curves(6, 4, units=1000.0), limits=(scaled_group,)), gap=1e-13)
    assert scaled.spend == pytest.approx(plain.spend, rel=1e-6, abs=1e-4)
    assert richer.spend / 1000 == pytest.approx(plain.spend, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("by", ["columns", "prices"])
@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_random_rows_against_full_grids(by, seed):
    case = rowed(seed)
    if case.bounds.lower.sum() > case.budget:
        return
    best = best_of_many(case)
    try:
        with patch.object(relax, "_MANY", 1 if by == "prices" else 100):
            found = explore(case, gap=1e-6)
    except InfeasibleError:
        assert best == -np.inf
        return
    assert_kept(case, found.solved.spend)
    assert found.gap <= 1e-6 or found.solved.bound - found.objective <= 1e-9
    assert found.objective >= best - 2e-6 * abs(best) - 1e-9
    assert found.solved.bound >= best - 1e-9 * abs(best) - 1e-12


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_no_price_bounds_below_the_split(seed):
    case = rowed(seed, most=6)
    rng = np.random.default_rng(seed)
    try:
        found = explore(case, gap=1e-4)
    except (InfeasibleError, SolverError):
        return
    prices = found.solved.prices * rng.exponential(1, found.solved.prices.shape)
    bound = priced(field_of(case), case.rows, prices).bound
    assert bound >= found.objective - 1e-9 * abs(found.objective) - 1e-9 * abs(bound)


@pytest.mark.parametrize("share", [35, 36, 40, 41])
@pytest.mark.parametrize("floor", [0, 500])
def test_a_limit_that_holds_an_s_curve_has_the_price_of_its_room(share, floor):
    # A node that ends where the limit does held the channel itself, and the limit had no price.
    # Below 3,841 the curve is convex, and the price was a hundred times what room brings.
    def week(money):
        curves = {
            "tv": bo.Hill(top=9000, half=6000, shape=2.2),
            "search": bo.Hill(top=6000, half=2500, shape=0.9),
            "feed": bo.Exponential(top=5000, scale=3000),
            "shop": bo.Points([0, 500, 1500, 4000], [0, 900, 1900, 2600]),
        }
        floors = {"search": floor}
        channels = [bo.Channel(n, curve=c, floor=floors.get(n, 0)) for n, c in curves.items()]
        limit = bo.Limit.group("tv", ["tv"], at_most=money)
        return bo.allocate(
            bo.Plan(currency="EUR", budget=10_000, channels=channels, limits=[limit])
        )

    room = 100 * share
    brings = (week(room + 5).outcome - week(room - 5).outcome) / 10
    here = week(room)
    assert here.method == "branch"
    assert here.prices["tv"] == pytest.approx(brings, rel=1e-3)
    assert "tv" in here.binding
