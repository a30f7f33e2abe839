"""The integer engine against brute force, for each kind of choice and for mixtures of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Exponential, Hill, Log, Points, Power
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.optimize.build import problem_of
from budgetopt.optimize.programs.integer import integer
from budgetopt.optimize.programs.linear import linear
from budgetopt.optimize.waterfill import waterfill
from budgetopt.plan import Goal, Limit


def curves(seed, size, kind="concave"):
    rng = np.random.default_rng([seed, size])
    made = []
    for at in range(size):
        top, half = float(rng.lognormal(3, 0.6)), float(rng.lognormal(3.5, 0.5))
        concave = [Hill(top, half, 0.8), Exponential(top, half), Log(top, half),
                   Power(top, half, 0.5)][at % 4]  # fmt: skip
        made.append(Hill(top, half, 3.0) if kind == "s" else concave)
    return made


def plan_of(made, budget, limits=(), channel=None, **more):
    channels = [
        bo.Channel(f"c{at}", curve=curve, cap=80, **(channel(at) if channel else {}))
        for at, curve in enumerate(made)
    ]
    return bo.Plan(budget=budget, currency="CNY", channels=channels, limits=limits, **more)


def best_on(problem, lower, upper):
    """Return the best outcome within bounds and the budget alone, by waterfill."""
    if lower.sum() > problem.budget_money:
        return -np.inf
    filled = waterfill(problem.curves, lower, upper, problem.budget_money)
    return float(problem.curves.value(filled.spend).sum())


def assert_kept(problem, spend):
    minor = spend * problem.money.units
    assert np.all(spend >= problem.lower - 1e-9)
    assert np.all(spend <= problem.upper + 1e-9)
    used = problem.rows.used(spend, problem.curves.value(spend), problem.last_money)
    size = np.abs(problem.rows.room) + abs(problem.rows.money) @ spend
    assert np.all(used <= problem.rows.room + 1e-8 * np.maximum(size, 1e-300))
    least = problem.least_on / problem.money.units
    assert np.all((spend == 0) | (spend >= least * (1 - 1e-12)))
    whole = np.abs(minor / problem.lots - np.round(minor / problem.lots)) < 1e-9
    exempt = (problem.lots <= problem.step) | (problem.bounds.lower == problem.bounds.upper)
    if problem.last is not None:
        exempt |= np.abs(minor - problem.last) < 1e-6
    assert np.all(whole | exempt)


def assert_best(problem, best, gap=1e-6):
    solved = integer(problem)
    value = problem.objective(solved.spend)
    assert_kept(problem, solved.spend)
    assert solved.bound >= best - 1e-9 * abs(best)
    assert value >= best - gap * abs(best)
    assert solved.bound - value <= gap * abs(solved.bound)
    assert solved.method == "integer"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [0, 1, 2])
def test_few_moves(seed, most):
    rng = np.random.default_rng(seed)
    last = {f"c{at}": round(float(x), 2) for at, x in enumerate(rng.uniform(10, 30, 5))}
    plan = plan_of(curves(seed, 5), 150, [Limit.few_moves(most)])
    problem = problem_of(plan, last=last)
    best = -np.inf
    for movers in itertools.combinations(range(5), most):
        free = np.isin(np.arange(5), movers)
        lower = np.where(free, problem.lower, problem.last_money)
        upper = np.where(free, problem.upper, problem.last_money)
        best = max(best, best_on(problem, lower, upper))
    assert_best(problem, best)


def best_of_sets(problem, allowed):
    """Return the best outcome over the sets of channels on that are allowed."""
    least = np.maximum(problem.least_on / problem.money.units, problem.lower)
    least = np.maximum(least, problem.lots / problem.money.units)
    best = -np.inf
    for on in itertools.product([False, True], repeat=least.size):
        on = np.array(on)
        if allowed(on) and not np.any(~on & (problem.lower > 0)):
            lower, upper = np.where(on, least, 0.0), np.where(on, problem.upper, 0.0)
            best = max(best, best_on(problem, lower, upper))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_apart(seed):
    names = ("c0", "c2", "c3")
    problem = problem_of(plan_of(curves(seed, 5), 120, [Limit.apart(names)]))
    assert_best(problem, best_of_sets(problem, lambda on: on[[0, 2, 3]].sum() <= 1))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("least", [3, 4, 5])
def test_at_least_so_many_on(seed, least):
    plan = plan_of(
        curves(seed, 5), 100, [Limit.at_least_on(least)], lambda at: {"off_or_at_least": 20}
    )
    problem = problem_of(plan)
    assert_best(problem, best_of_sets(problem, lambda on: on.sum() >= least))


def test_a_channel_that_must_be_on_spends_at_least_a_step():
    # Without the limit the poor channel would get nothing.
    made = [Log(100, 20), Log(0.001, 20)]
    problem = problem_of(plan_of(made, 50, [Limit.at_least_on(2)]))
    solved = integer(problem)
    assert solved.spend[1] == pytest.approx(0.01)
    assert solved.bound >= problem.objective(np.array([49.99, 0.01]))


@pytest.mark.parametrize("seed", range(6))
def test_off_or_at_least(seed):
    rng = np.random.default_rng(seed)
    least = rng.integers(15, 60, 6)
    plan = plan_of(curves(seed, 6), 130, (), lambda at: {"off_or_at_least": int(least[at])})
    problem = problem_of(plan)
    assert_best(problem, best_of_sets(problem, lambda on: True))


@pytest.mark.parametrize("seed", range(4))
def test_lots(seed):
    rng = np.random.default_rng(seed)
    lots = rng.integers(8, 25, 4)
    plan = plan_of(curves(seed, 4), 100, (), lambda at: {"lot": int(lots[at])})
    problem = problem_of(plan)
    best = -np.inf
    for counts in itertools.product(*(range(80 // lot + 1) for lot in lots)):
        spend = np.array(counts) * lots
        if spend.sum() <= 100:
            best = max(best, problem.objective(spend.astype(float)))
    assert_best(problem, best)


def test_lots_beside_free_channels():
    lots = {0: {"lot": 30}, 1: {"lot": 25}}
    problem = problem_of(plan_of(curves(5, 4), 110, (), lambda at: lots.get(at, {})))
    best = -np.inf
    for first, second in itertools.product(range(3), range(4)):
        fixed = np.array([30.0 * first, 25.0 * second, 0, 0])
        upper = fixed + np.array([0, 0, 80.0, 80.0])
        best = max(best, best_on(problem, fixed, upper))
    assert_best(problem, best)


def dynamic(problem, step):
    """Return the best outcome on a grid of spends, by dynamic programming."""
    count = round(problem.budget_money / step)
    table = problem.curves.value(np.arange(count + 1)[:, None] * step)
    best = np.zeros(count + 1)
    for at in range(problem.lower.size):
        most = int(problem.upper[at] / step + 1e-9)
        new = np.full(count + 1, -np.inf)
        for take in range(min(most, count) + 1):
            new[take:] = np.maximum(new[take:], best[: count + 1 - take] + table[take, at])
        best = new
    return float(best.max())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [3, 10])
def test_s_curves(seed, size):
    problem = problem_of(plan_of(curves(seed, size, "s"), 20 * size))
    assert_best(problem, dynamic(problem, 0.25))


@pytest.mark.parametrize("seed", range(3))
def test_points_that_bend_upwards(seed):
    rng = np.random.default_rng(seed)
    made = [Points([0, 10, 30, 60], np.cumsum([0, *rng.uniform(1, 9, 3)])) for _ in range(4)]
    problem = problem_of(plan_of(made, 90))
    assert_best(problem, dynamic(problem, 1.0))


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_the_linear_engine_where_both_can(seed):
    limits = [Limit.group("g", ("c0", "c1"), at_most=50), Limit.group("h", ("c2",), at_least="20%")]
    problem = problem_of(plan_of(curves(seed, 6), 150, limits))
    assert_best(problem, problem.objective(linear(problem).spend))


def test_ratio_goals_with_minimums_are_kept_on_the_true_curves():
    plan = plan_of(
        curves(2, 5), 150, [Limit.cpa(1.2)], lambda at: {"off_or_at_least": 25, "value": 2}
    )
    problem = problem_of(plan)
    solved = integer(problem)
    assert_kept(problem, solved.spend)
    assert solved.bound - problem.objective(solved.spend) <= 1e-6 * solved.bound
    rng = np.random.default_rng(0)
    for _ in range(3000):
        split = np.where(rng.random(5) < 0.5, 0, rng.uniform(25, 80, 5))
        used = problem.rows.used(split, problem.curves.value(split), problem.last_money)
        if np.all(used <= problem.rows.room):
            assert problem.objective(split) <= solved.bound


def test_least_spend_on_s_curves_reaches_its_target():
    problem = problem_of(plan_of(curves(1, 4, "s"), 200, goal=Goal.least_spend(30)))
    solved = integer(problem)
    assert problem.curves.value(solved.spend).sum() >= 30 * (1 - 1e-8)
    step, best = 1.0, np.inf
    grid = np.arange(0, 81, step)
    value = problem.curves.value(grid[:, None])
    for a, b, c in itertools.product(range(0, 81, 4), repeat=3):
        rest = 30 - value[a, 0] - value[b, 1] - value[c, 2]
        enough = np.flatnonzero(value[:, 3] >= rest)
        if enough.size:
            best = min(best, a + b + c + grid[enough[0]])
    assert -solved.bound <= best
    assert solved.spend.sum() <= best * (1 + 1e-9)


def test_what_cannot_be_kept_is_infeasible_by_name():
    limits = [Limit.at_least_on(3, name="wide"), Limit.apart(("c0", "c1", "c2"), name="narrow")]
    with pytest.raises(InfeasibleError) as caught:
        integer(problem_of(plan_of(curves(0, 4), 100, limits)))
    assert caught.value.code == "limits-clash"
    assert "'wide'" in str(caught.value)
    assert "'narrow'" in str(caught.value)


def test_lots_that_cannot_add_up_are_infeasible():
    plan = plan_of(curves(0, 2), 50, (), lambda at: {"lot": 20}, spend="all")
    with pytest.raises(InfeasibleError) as caught:
        problem_of(plan)
    assert caught.value.code == "cannot-spend-all"


def test_a_channel_with_nothing_left_is_named():
    channels = [bo.Channel("a", curve=Log(5, 20), floor=11, cap=19, lot=20),
                bo.Channel("b", curve=Log(5, 20))]  # fmt: skip
    plan = bo.Plan(budget=50, currency="CNY", channels=channels)
    with pytest.raises(InfeasibleError) as caught:
        integer(problem_of(plan))
    assert "'a'" in str(caught.value)


def test_no_time_is_said_and_little_time_gives_what_there_is():
    problem = problem_of(plan_of(curves(3, 25, "s"), 500))
    with pytest.raises(SolverError) as caught:
        integer(problem, time_limit=0.0)
    assert caught.value.code == "time-limit"


def test_a_channel_that_stays_keeps_its_money_to_the_cent():
    last = {"c0": "10.37", "c1": "20.11", "c2": "30.53"}
    plan = plan_of(curves(1, 3), 90, [Limit.few_moves(1)], lambda at: {"lot": 5})
    problem = problem_of(plan, last=last)
    solved = integer(problem)
    assert np.sum(solved.spend != problem.last_money) == 1
    assert_kept(problem, solved.spend)


@pytest.mark.parametrize("worth", [1e-8, 1e8])
def test_units_leave_the_choices_unchanged(worth):
    def split(worth, money):
        made = [Hill(t * worth, h * money, s) for t, h, s in
                [(10, 30, 3), (12, 40, 2), (8, 20, 1), (5, 25, 0.7)]]  # fmt: skip
        channels = [bo.Channel(f"c{at}", curve=c, cap=80 * money, off_or_at_least=15 * money)
                    for at, c in enumerate(made)]  # fmt: skip
        plan = bo.Plan(budget=100 * money, currency="CNY", channels=channels,
                       limits=[Limit.apart(("c0", "c3"))])  # fmt: skip
        return integer(problem_of(plan)).spend / money

    assert split(worth, 1000) == pytest.approx(split(1.0, 1), rel=1e-3, abs=1e-9)


def test_two_runs_give_the_same_bytes():
    problem = problem_of(plan_of(curves(4, 6, "s"), 120, [Limit.apart(("c0", "c1"))]))
    one, two = integer(problem), integer(problem)
    assert one.spend.tobytes() == two.spend.tobytes()
    assert one.bound == two.bound


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_nothing_is_broken_and_no_split_beats_the_bound(seed, data):
    rng = np.random.default_rng(seed)
    size = data.draw(st.integers(2, 5))
    made = [a if rng.random() < 0.6 else b
            for a, b in zip(curves(seed, size), curves(seed, size, "s"), strict=True)]  # fmt: skip
    names = [f"c{at}" for at in range(size)]
    kinds = data.draw(st.sets(st.sampled_from(["moves", "apart", "on", "group", "turnover"])))
    make = {
        "moves": lambda: Limit.few_moves(int(rng.integers(1, size + 1))),
        "apart": lambda: Limit.apart(tuple(names[:2])),
        "on": lambda: Limit.at_least_on(int(rng.integers(0, size))),
        "group": lambda: Limit.group("g", tuple(names[1:]), at_most=int(rng.integers(20, 90))),
        "turnover": lambda: Limit.turnover(int(rng.integers(10, 60))),
    }
    own = [{"off_or_at_least": int(rng.integers(5, 40))} if rng.random() < 0.4 else
           {"lot": int(rng.integers(3, 20))} if rng.random() < 0.3 else {}
           for _ in range(size)]  # fmt: skip
    plan = plan_of(made, 25 * size, [make[k]() for k in sorted(kinds)], lambda at: own[at],
                   max_change="none")  # fmt: skip
    last = np.round(rng.uniform(0, 30, size), 2) * (rng.random(size) < 0.8)
    try:
        problem = problem_of(plan, last={n: float(x) for n, x in zip(names, last, strict=True)})
    except InfeasibleError:
        return
    splits = list(feasible(problem, rng))
    try:
        solved = integer(problem, gap=1e-4)
    except InfeasibleError:
        assert splits == []
        return
    assert_kept(problem, solved.spend)
    assert solved.bound >= problem.objective(solved.spend) - 1e-9
    for split in splits:
        assert problem.objective(split) <= solved.bound * (1 + 1e-9)


def feasible(problem, rng):
    """Yield random splits that keep everything."""
    units, lots, size = problem.money.units, problem.lots, problem.lower.size
    for _ in range(150):
        split = np.round(rng.uniform(problem.lower, problem.upper) * units / lots) * lots / units
        split = np.where(rng.random(size) < 0.4, problem.last_money, split)
        split = np.where(rng.random(size) < 0.3, 0.0, split)
        least = problem.least_on / units
        inside = np.all((split <= problem.upper) & ((split == 0) | (split >= least)))
        used = problem.rows.used(split, problem.curves.value(split), problem.last_money)
        if inside and np.all(used <= problem.rows.room + 1e-12):
            yield split
