"""Rounding is part of the optimum: coarse steps against every split there is."""

import random
from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Log
from budgetopt.errors import InfeasibleError
from budgetopt.optimize import problem_of, solve, steps
from budgetopt.optimize.branch import branch
from budgetopt.optimize.problem import UNLIMITED, keeps
from budgetopt.optimize.steps import best_in_steps, exchange

from .all_limits import allocated, best_split, broken, minors, plan_of, random_week
from .test_branch_rows import switched


def coarse_week(seed):
    """Return a week of 3 to 5 channels and 6 to 15 steps under any limits."""
    return random_week(random.Random(seed), small=True, sizes=(3, 5), steps=(6, 15))


def plain_week(seed):
    """Return a week of concave curves with a budget, floors, caps and locks, in coarse steps."""
    week = random_week(
        random.Random(seed), small=True, sizes=(3, 5), steps=(6, 15), s_curves=False, limits=0
    )
    lines = tuple(replace(line, lot=None, off=None, value="") for line in week.lines)
    return replace(week, lines=lines, goal=("outcome",), known={})


def lost(week):
    """Return what an answer loses against the best split on whole steps; None where there is none.

    No answer breaks a limit, promises less than the best, or is called proven while it is worse.
    """
    try:
        answer = allocated(week)
    except InfeasibleError:
        assert best_split(week) is None
        return None
    spend = minors(week, answer)
    assert broken(week, spend) == []
    mine = week.objective(spend)
    assert answer.objective == pytest.approx(mine, rel=1e-9, abs=1e-12)
    better = best_split(week, than=mine)
    best = mine if better is None else better
    assert best <= answer.bound + 1e-9 * abs(best) + 1e-12
    share = (best - mine) / abs(best) if better else 0.0
    assert not answer.proven or share <= 1.001e-6
    return share


@pytest.mark.parametrize("seed", range(24))
def test_under_any_limits_no_split_on_whole_steps_is_better(seed):
    assert (lost(coarse_week(seed)) or 0.0) <= 1e-9


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_under_a_budget_no_split_on_whole_steps_is_better(first):
    shares = [lost(plain_week(seed)) for seed in range(first, first + 50)]
    assert max(share for share in shares if share is not None) <= 1e-9
    assert sum(share is not None for share in shares) > 40


@pytest.mark.slow
@pytest.mark.parametrize("first", range(10_000, 11_000, 100))
def test_a_thousand_weeks_under_any_limits(first):
    shares = [lost(coarse_week(seed)) for seed in range(first, first + 100)]
    assert all(share <= 1e-9 for share in shares if share is not None)


def test_a_coarse_step_goes_where_it_brings_most_and_is_proven():
    # Rounded by largest remainder, the second step went to b, which brings a fifth of a's.
    channels = [bo.Channel("a", curve=Log(10, 30)), bo.Channel("b", curve=Log(3, 5))]
    week = bo.allocate(bo.Plan(budget=100, currency="CNY", channels=channels, step=50))
    splits = {(0, 100), (50, 50), (100, 0)}
    best = max(float(Log(10, 30).value(a) + Log(3, 5).value(b)) for a, b in splits)
    assert week.outcome == best == week.bound
    assert week.proven
    # What a step more or less in each is worth, by its slope: 10 / (30 + a) and 3 / (5 + b).
    a, b = (float(money) for money in week.spend.values())
    assert week.steps_worth == pytest.approx(50 * (10 / (30 + a) + 3 / (5 + b)))


def test_many_runs_are_exchanged_as_each_of_them_alone():
    rng = np.random.default_rng(0)
    top, scale = rng.uniform(1, 9, (2, 40, 6))
    low, high = 10 * rng.integers(0, 3, (40, 6)), 10 * rng.integers(3, 9, (40, 6))
    spend, rank = low.copy(), rng.permutation(6)
    total = low.sum(axis=1) + 10 * rng.integers(0, 12, 40)
    together = exchange(Log(top, scale).value, spend, low, high, 10, total, rank)
    for run in range(40):
        curves = Log(top[run], scale[run])
        alone = exchange(curves.value, spend[run], low[run], high[run], 10, total[run], rank)
        assert together[run].tolist() == alone.tolist()
        assert alone.sum() == min(total[run], high[run].sum())


@pytest.mark.parametrize(("pairs", "wide"), [(2, 400), (2_000_000, 1)])
def test_a_search_that_is_cut_short_promises_enough(monkeypatch, pairs, wide):
    # Hardly any partial splits, or menus of one step around a start that is far from the best.
    for name, value in {"_PAIRS": pairs, "_FEWEST": pairs, "_FURTHEST": wide}.items():
        monkeypatch.setattr(steps, name, value)
    monkeypatch.setattr(steps.StepGrid, "prices", lambda grid, some, left: None)
    short = 0
    for seed in range(60):
        week = random_week(
            random.Random(seed), small=True, sizes=(3, 4), steps=(9, 15), kinds=("group", "linear")
        )
        week = replace(week, last=None, spend_all=False, known={})
        best = best_split(week)
        start = np.array([line.lock or 0 for line in week.lines])
        if best is None or broken(week, start.tolist()):
            continue
        problem = problem_of(plan_of(week))
        far = solve(problem)._replace(bound=np.inf, spend=start / problem.money.units)
        found = steps._Search(problem, far, start).run()
        worth = week.objective(found.spend.tolist())
        assert found.bound >= best - 1e-9 * abs(best)
        short += worth < best - 1e-9 * abs(best)
    assert short > 3


@pytest.mark.parametrize("group", [None, 50])
def test_a_search_around_money_that_is_spent_counts_what_lies_outside_in_full(monkeypatch, group):
    # The best, (50, 50), lies outside of menus of one step around (60, 40). Rows are counted from
    # the menus' first spends on, which floors keep from being zero; outside they must be so too.
    monkeypatch.setattr(steps, "_FURTHEST", 1)
    channels = [bo.Channel(n, curve=Log(10, 20), floor=10, labels={"g": n}) for n in "ab"]
    limits = [bo.Limit.group("most", {"g": "a"}, at_most=group)] if group else []
    plan = bo.Plan(budget=100, currency="CNY", channels=channels, limits=limits)
    problem, start = problem_of(plan), np.array([5000, 3000] if group else [6000, 4000])
    far = solve(problem)._replace(bound=np.inf, spend=start / 100)
    found = steps._Search(problem, far, start).run()
    assert found.bound >= 20 * np.log(1 + 50 / 20) - 1e-9


@pytest.mark.parametrize("seed", [0, 2])
def test_a_thousand_channels_in_groups_lose_a_cent_and_not_a_cent_each(monkeypatch, seed):
    case = switched(seed, 1000, 10)
    solved = branch(case)
    cent = float(solved.prices.sum()) * case.step / case.money.units
    greedy = steps.rounded(case, solved.spend)
    assert solved.bound - case.objective(greedy / case.money.units) > 0.4 * cent
    found = steps._between(case, solved.spend, greedy, UNLIMITED)
    assert keeps(case, found)
    assert solved.bound - case.objective(found / case.money.units) < 0.2 * cent
    # It is what an answer is made of where the greedy one is not near enough.
    monkeypatch.setattr(steps, "NEAR", 0.2 * cent / solved.bound)
    monkeypatch.delattr(steps._Search, "run")
    assert np.array_equal(best_in_steps(case, solved).spend, found)
