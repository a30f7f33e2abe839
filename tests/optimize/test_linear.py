"""Linear programs on closing grids: against waterfill, SciPy, hand arithmetic and duality."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import budgetopt as bo
from budgetopt.curves import Exponential, Hill, Log, Points, Power
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.optimize.build import problem_of
from budgetopt.optimize.programs.linear import linear
from budgetopt.optimize.waterfill import field_of, priced, waterfill
from budgetopt.plan import Goal, Limit

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def random_plan(seed, size=6, limits=True, last=False, scale=1.0):
    """Return a plan with rows that an inner point keeps, and that point."""
    rng = np.random.default_rng([seed, size])
    made = []
    for at in range(size):
        top, half = float(rng.lognormal(3, 0.6)), float(rng.lognormal(3.5, 0.5)) * scale
        kind = at % 5
        curve = [Hill(top, half, 0.8), Exponential(top, half), Log(top, half),
                 Power(top, half, 0.5),
                 Points([0, half, 3 * half], [0, top, 1.5 * top])][kind]  # fmt: skip
        made.append(bo.Channel(f"c{at}", cap=round(90 * scale), curve=curve))
    inner = np.round(rng.uniform(10, 45, size) * scale, 2)
    names = np.array([c.name for c in made])
    rules = []
    if limits:
        some = rng.random((3, size)) < 0.5
        for number, chosen in enumerate(some):
            if chosen.sum() > 1:
                most = round(float(inner[chosen].sum() + 5 * scale), 2)
                rules.append(Limit.group(f"g{number}", tuple(names[chosen]), at_most=most))
        rules.append(Limit.linear("side", {n: round(float(rng.uniform(-1, 1)), 2) for n in names},
                                  round(float(60 * scale), 2)))  # fmt: skip
    if last:
        rules.append(Limit.turnover(round(80 * scale)))
    budget = round(30 * size * scale)
    return bo.Plan(budget=budget, currency="CNY", channels=made, limits=rules), inner


def gap_of(problem, solved):
    return (solved.bound - problem.objective(solved.spend)) / abs(solved.bound)


def assert_kept(problem, spend, within=1e-9):
    assert np.all(spend >= problem.lower)
    assert np.all(spend <= problem.upper)
    used = problem.rows.used(spend, problem.curves.value(spend), problem.last_money)
    size = np.abs(problem.rows.room) + abs(problem.rows.money) @ spend
    assert np.all(used <= problem.rows.room + within * np.maximum(size, 1e-300))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [1, 3, 20])
def test_budget_and_bounds_alone_agree_with_waterfill(seed, size):
    problem = problem_of(random_plan(seed, size, limits=False)[0])
    solved = linear(problem)
    filled = waterfill(problem.curves, problem.lower, problem.upper, problem.budget_money)
    best = problem.curves.value(filled.spend).sum()
    assert_kept(problem, solved.spend)
    assert problem.objective(solved.spend) == pytest.approx(best, rel=2e-9)
    assert gap_of(problem, solved) <= 2e-9
    assert solved.method == "linear"


@pytest.mark.parametrize("seed", range(8))
def test_groups_and_side_rules_are_proven_and_no_general_solver_is_better(seed):
    problem = problem_of(random_plan(seed)[0])
    solved = linear(problem)
    assert_kept(problem, solved.spend)
    assert 0 <= gap_of(problem, solved) + 1e-12 <= 1e-8
    rows = problem.rows
    answer = minimize(
        lambda x: -problem.objective(np.maximum(x, 0)),
        np.maximum(problem.lower, 1.0),
        method="SLSQP",
        bounds=list(zip(problem.lower, problem.upper, strict=True)),
        constraints={"type": "ineq", "fun": lambda x: rows.room - rows.money @ x},
        options={"maxiter": 300},
    )
    assert -answer.fun <= solved.bound * (1 + 1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_the_lagrangian_at_the_prices(seed):
    problem = problem_of(random_plan(seed)[0])
    solved = linear(problem)
    assert np.all(solved.prices >= 0)
    again = priced(field_of(problem), problem.rows, solved.prices).bound
    assert again == pytest.approx(solved.bound, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_turnover_is_kept_and_proven(seed):
    plan, inner = random_plan(seed, last=True)
    last = {f"c{at}": round(float(x), 2) for at, x in enumerate(inner)}
    problem = problem_of(plan, last=last)
    solved = linear(problem)
    assert_kept(problem, solved.spend)
    assert np.abs(solved.spend - problem.last_money).sum() <= 80 * (1 + 1e-9)
    assert gap_of(problem, solved) <= 1e-8


def test_the_price_of_a_row_is_what_more_room_brings():
    def solved(most, budget=100):
        channels = [bo.Channel("a", curve=Log(50, 20)), bo.Channel("b", curve=Log(30, 20)),
                    bo.Channel("c", curve=Exponential(20, 40))]  # fmt: skip
        limit = Limit.group("ab", ("a", "b"), at_most=most)
        plan = bo.Plan(budget=budget, currency="CNY", channels=channels, limits=[limit])
        problem = problem_of(plan)
        return problem, linear(problem)

    problem, here = solved(60)
    value = problem.objective(here.spend)
    for row, (there, end) in enumerate([solved(60, 101), solved(61)]):
        gain = there.objective(end.spend) - value
        assert here.prices[row] == pytest.approx(gain, rel=0.03)


def two(goal=None, limits=(), **more):
    channels = [bo.Channel("a", curve=Log(50, 20), value=2), bo.Channel("b", curve=Log(30, 20),
                value=2)]  # fmt: skip
    return bo.Plan(budget=200, currency="CNY", channels=channels, limits=limits,
                   **({"goal": goal} if goal else {}), **more)  # fmt: skip


def test_least_spend_reaches_its_target_and_no_more():
    problem = problem_of(two(Goal.least_spend(60)))
    solved = linear(problem)
    assert problem.curves.value(solved.spend).sum() == pytest.approx(60, rel=1e-8)
    # By hand: equal slopes give x_a + 20 = 5/3 (x_b + 20), and the outcomes add up to 60.
    ends = (solved.spend + 20.0) / 20.0
    assert ends[0] / ends[1] == pytest.approx(5 / 3, rel=1e-3)
    assert 50 * np.log(ends[0]) + 30 * np.log(ends[1]) == pytest.approx(60, rel=1e-8)
    assert gap_of(problem, solved) >= -1e-8
    assert abs(gap_of(problem, solved)) <= 1e-7


def test_ratio_goals_are_kept_on_the_true_curves():
    free = problem_of(two())
    ratio = 2 * free.curves.value(linear(free).spend).sum() / 200
    problem = problem_of(two(limits=[Limit.roas(round(1.3 * ratio, 3))]))
    solved = linear(problem)
    assert_kept(problem, solved.spend)
    assert solved.spend.sum() < 199
    assert gap_of(problem, solved) <= 1e-8
    assert solved.prices[0] == 0
    assert solved.prices[1] > 0


def test_a_target_at_the_very_end_of_what_is_possible_is_met():
    most = linear(problem_of(two()))
    problem = problem_of(two())
    best = problem.objective(most.spend)
    target = np.floor(best * 1e6) / 1e6
    near = problem_of(two(Goal.least_spend(f"{target:.6f}")))
    solved = linear(near)
    assert_kept(near, solved.spend, within=1e-7)
    with pytest.raises(InfeasibleError) as caught:
        linear(problem_of(two(Goal.least_spend(f"{best * 1.001:.6f}"))))
    assert caught.value.code == "limits-clash"
    assert "target" in str(caught.value)


def test_rows_that_clash_are_named():
    limits = [Limit.group("much", ("a",), at_least=150), Limit.group("little", ("a",), at_most=90),
              Limit.group("idle", ("b",), at_most=190)]  # fmt: skip
    with pytest.raises(InfeasibleError) as caught:
        linear(problem_of(two(limits=limits)))
    assert caught.value.code == "limits-clash"
    assert "'much'" in str(caught.value)
    assert "'little'" in str(caught.value)
    assert "'idle'" not in str(caught.value)


def test_what_it_cannot_keep_is_refused():
    channels = [bo.Channel("a", curve=Hill(5, 20, 3)), bo.Channel("b", curve=Log(5, 20))]
    curved = bo.Plan(budget=10, currency="CNY", channels=channels)
    counted = two(limits=[Limit.apart(("a", "b"))])
    for plan in (curved, counted):
        with pytest.raises(SolverError) as caught:
            linear(problem_of(plan))
        assert caught.value.code == "wrong-method"


def test_no_time_is_said():
    with pytest.raises(SolverError) as caught:
        linear(problem_of(random_plan(1, 40)[0]), time_limit=0.0)
    assert caught.value.code == "time-limit"


@pytest.mark.parametrize("worth", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("money", [1, 1000])
def test_units_leave_the_split_unchanged(money, worth):
    def split(money, worth):
        curves = [Hill(5 * worth, 40 * money, 0.8), Log(3 * worth, 30 * money),
                  Exponential(4 * worth, 50 * money),
                  Power(2 * worth, 40 * money, 0.5)]  # fmt: skip
        channels = [bo.Channel(f"c{at}", curve=curve) for at, curve in enumerate(curves)]
        limits = [Limit.group("g", ("c0", "c1"), at_most=40 * money),
                  Limit.linear("s", {"c2": "0.5", "c3": 1}, 40 * money)]  # fmt: skip
        plan = bo.Plan(budget=120 * money, currency="CNY", channels=channels, limits=limits)
        return linear(problem_of(plan)).spend / money

    # A gap of 1e-9 leaves a split of about its root: flat optima, not units, are what differs.
    assert split(money, worth) == pytest.approx(split(1, 1.0), rel=2e-4)


def test_names_of_any_kind_are_no_matter():
    names = ("抖音 直播", "x0", "a-b", "a b", "a_b", "1+1 <= 2")
    channels = [bo.Channel(n, curve=Log(5 + at, 20)) for at, n in enumerate(names)]
    limits = [Limit.group("g: [x] ≥ 1", names[:3], at_most=20)]
    plan = bo.Plan(budget=100, currency="CNY", channels=channels, limits=limits)
    problem = problem_of(plan)
    assert gap_of(problem, linear(problem)) <= 1e-8


def test_a_published_linear_program_is_solved_exactly():
    if not DATA.exists():
        pytest.skip("the shared data are not here")
    tiers = {}
    with (DATA / "tiered_roi_lp" / "roi_company1.csv").open() as file:
        for line in csv.DictReader(file):
            tiers.setdefault(line["Platform"], []).append(line)
    with (DATA / "tiered_roi_lp" / "published_allocation.csv").open() as file:
        published = {r["platform"]: float(r["published_spend_musd"]) for r in csv.DictReader(file)}
    channels = []
    for name, steps in tiers.items():
        ends = [min(float(s["UpperBound"]), 1e3) for s in steps]
        rois = [float(s["ROI"]) for s in steps]
        spend = np.concatenate([[0.0], ends])
        outcome = np.concatenate([[0.0], np.cumsum(np.diff(spend) * rois)])
        channels.append(bo.Channel(name, cap=3, curve=Points(spend, outcome)))
    social = dict.fromkeys(("Facebook", "LinkedIn", "Instagram", "Snapchat", "Twitter"), -1)
    limits = [
        Limit.linear("print", {"Print": 1, "TV": 1, "Facebook": -1, "Email": -1}, 0),
        Limit.linear("social", {**social, "SEO": 2, "AdWords": 2}, 0),
    ]
    plan = bo.Plan(budget=10, currency="USD", channels=channels, limits=limits)
    problem = problem_of(plan)
    solved = linear(problem)
    assert problem.objective(solved.spend) == pytest.approx(0.543640, abs=1e-12)
    assert solved.bound == pytest.approx(0.543640, abs=1e-12)
    split = dict(zip(problem.names, solved.spend, strict=True))
    for name, money in published.items():
        assert split[name] == pytest.approx(money, abs=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 7))
def test_rows_are_kept_and_no_feasible_split_beats_the_bound(seed, size):
    problem = problem_of(random_plan(seed, size)[0])
    solved = linear(problem)
    assert_kept(problem, solved.spend)
    assert gap_of(problem, solved) <= 1e-6
    rng = np.random.default_rng(seed)
    for _ in range(50):
        split = rng.uniform(problem.lower, problem.upper)
        split *= rng.random() * problem.budget_money / split.sum()
        split = np.clip(split, problem.lower, problem.upper)
        if np.all(problem.rows.money @ split <= problem.rows.room):
            assert problem.objective(split) <= solved.bound * (1 + 1e-12)
