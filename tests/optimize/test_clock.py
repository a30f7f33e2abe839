"""The caller's time: without a limit no clock is read; where it is over, the answer says so."""

import itertools
import random
import time
from dataclasses import replace
from decimal import Decimal
from operator import mul
from pathlib import Path

import numpy as np
import pytest

import budgetopt as bo
from budgetopt import Limit, Plan
from budgetopt.optimize import highs, problem_of, solve
from budgetopt.optimize.branch import explore, search
from budgetopt.optimize.dual import search as dual
from budgetopt.optimize.infeasibility import feasibility
from budgetopt.optimize.steps import best_in_steps
from budgetopt.optimize.waterfill import field_of

from . import declared
from .all_limits import allocated, best_split, broken, plan_of, random_week

WEEKLY = Path(__file__).parents[2] / "examples" / "weekly"


def coarse(seed):
    """Return a week of few channels in few steps, with groups and linear rules."""
    kinds = ("group", "linear")
    return random_week(random.Random(seed), small=True, sizes=(3, 4), steps=(9, 15), kinds=kinds)


def test_without_a_limit_nothing_looks_at_a_clock(monkeypatch):
    def refuse(*_):
        raise AssertionError("a clock was read")

    def timeless(**options):
        assert "time_limit" not in options
        return made(**options)

    made = highs.model
    monkeypatch.setattr(highs, "model", timeless)
    for name in ("monotonic", "perf_counter", "process_time", "time"):
        monkeypatch.setattr(time, name, refuse)
    # The latter four are rounded by an integer program.
    for seed in (4, 7, 9, 12, 94, 111, 113, 117):
        assert allocated(coarse(seed), time_limit=None).gap <= 1e-6


def near_ties(groups, size=12):
    """Return a plan of S-curves that differ by a percent, which takes many nodes to prove."""
    rng = np.random.default_rng(0)
    channels = [
        bo.Channel(
            f"c{at}",
            cap=400,
            labels={"side": "left" if at % 3 else "right"},
            curve=bo.Hill(*(value * (1 + 0.01 * rng.random()) for value in (1000, 100, 3))),
        )
        for at in range(size)
    ]
    caps = [Limit.group("left", {"side": "left"}, at_most=30 * size)] * groups
    return Plan(budget=73 * size, currency="CNY", channels=channels, limits=caps)


@pytest.mark.parametrize(("groups", "size"), [(0, 30), (1, 12)])
def test_work_and_no_clock_ends_a_search_by_default(groups, size, monkeypatch):
    plan = near_ties(groups, size)
    monkeypatch.setattr(search, "WORK", 60_000)
    usual = bo.allocate(plan)
    assert usual.method == "branch"
    assert usual.gap > 1e-6
    assert not usual.timed_out
    # A machine so slow that every look at its clock is an hour later.
    hours = itertools.count(0, 3600.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(hours))
    assert bo.allocate(plan).to_json() == usual.to_json()
    assert bo.allocate(plan, time_limit=60).timed_out


def test_who_gives_time_may_have_more_work(monkeypatch):
    case = problem_of(near_ties(0, 30))
    monkeypatch.setattr(search, "WORK", 60_000)
    short, hour = explore(case), itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: 0.01 * next(hour))
    longer = explore(case, time_limit=1)
    assert longer.nodes > short.nodes > 10
    assert longer.solved.bound <= short.solved.bound


def test_a_search_that_finds_nothing_in_its_work_leaves_it_to_the_next_engine(monkeypatch):
    monkeypatch.setattr(search, "WORK", 0)
    monkeypatch.setattr(search._Tree, "offer", lambda *_: None)
    case = problem_of(near_ties(1, 6))
    with pytest.raises(bo.SolverError) as caught:
        explore(case)
    assert caught.value.code == "not-converged"
    assert solve(case).method == "integer"


def test_a_week_reads_no_clock(monkeypatch):
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    history = bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)
    usual = bo.reallocate(plan, history, seed=1).to_json()

    def refuse(*_):
        raise AssertionError("a clock was read")

    monkeypatch.setattr(time, "monotonic", refuse)
    assert bo.reallocate(plan, history, seed=1).to_json() == usual


def clock_of(reads):
    """Return a clock on which the time is over when it was read so often."""
    count = itertools.count()
    return lambda: 1.0 if next(count) < reads else 0.0


def test_a_search_for_steps_whose_time_runs_out_promises_enough():
    late = 0
    for seed in range(12):
        week = replace(coarse(seed), last=None, spend_all=False, known={})
        best = best_split(week)
        if best is None:
            continue
        problem = problem_of(plan_of(week))
        solved = solve(problem)
        for reads in (0, 1, 3, 6):
            found = best_in_steps(problem, solved, clock_of(reads))
            worth = week.objective(found.spend.tolist())
            assert broken(week, found.spend.tolist()) == []
            assert found.bound >= best - 1e-9 * abs(best)
            assert found.timed_out or found.bound - worth <= 1e-6 * abs(found.bound)
            late += found.timed_out
    assert late > 5


@pytest.mark.slow
def test_an_equation_that_no_program_settles_is_given_up_after_so_much_work(monkeypatch):
    # Weights of 16 digits: one node tightens whole steps one by one, and never ends by itself.
    rng = random.Random(9)
    curves = [
        bo.Hill(rng.uniform(1e3, 5e3), rng.uniform(100, 900), rng.choice([1, 2])) for _ in "abcd"
    ]
    weights = {name: Decimal(repr(rng.uniform(0.1, 2))) for name in "abcd"}
    spend = [Decimal(repr(round(rng.uniform(50, 500), 2))) for _ in "abcd"]
    total = sum(map(mul, weights.values(), spend))
    plan = Plan(
        budget=2400,
        currency="CNY",
        channels=[
            bo.Channel(name, curve=curve) for name, curve in zip("abcd", curves, strict=True)
        ],
        limits=[Limit.linear("sum", weights, equal=total)],
    )
    monkeypatch.setattr(feasibility, "LOOKS", 500)
    ends, minimise = [], highs.minimise

    def watched(*given, **more):
        ends.append(minimise(*given, **more))
        return ends[-1]

    monkeypatch.setattr(highs, "minimise", watched)
    with pytest.raises(bo.SolverError) as caught:
        bo.allocate(plan)
    assert caught.value.code == "not-converged"
    assert ends[-1].status == "kInterrupt"
    again = ends[-1].iterations
    with pytest.raises(bo.SolverError):
        bo.allocate(plan)
    assert ends[-1].iterations == again


@pytest.mark.slow
def test_untying_channels_ends_with_the_time(monkeypatch):
    draft = declared.random_draft(random.Random(60000283), most=30)
    problem = problem_of(declared.plan_of(draft), last=draft.last)
    field, searches, minimise = field_of(problem), [], dual.minimise
    monkeypatch.setattr(dual, "minimise", lambda *a, **b: searches.append(0) or minimise(*a, **b))
    with pytest.raises(bo.SolverError) as caught:
        dual.dual(field, problem.rows)
    assert (caught.value.code, len(searches) > 10) == ("not-converged", True)
    searches.clear()
    late = dual.dual(field, problem.rows, left=lambda: 0.0)
    assert len(searches) == 1
    assert late.bound >= solve(problem).bound * (1 - 1e-9) > problem.objective(late.spend)
