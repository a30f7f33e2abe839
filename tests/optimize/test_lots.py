"""Lots of different sizes: the Lagrangian search against every split there is."""

import itertools

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Exponential, Hill, Log, Power
from budgetopt.optimize import problem_of, solve, steps
from budgetopt.plan import Limit


def plan_of(seed, *limits, size=4, **more):
    """Return channels in lots of 8 to 24, in two groups, with a budget of 100."""
    rng = np.random.default_rng(seed)
    kinds = (lambda t, s: Hill(t, s, 0.8), Exponential, Log, lambda t, s: Power(t, s, 0.5))
    channels = [
        bo.Channel(
            f"c{at}",
            curve=kinds[at % 4](float(rng.lognormal(3, 0.6)), float(rng.lognormal(3.5, 0.5))),
            cap=80,
            lot=int(rng.integers(8, 25)),
            labels={"g": "xy"[at % 2]},
        )
        for at in range(size)
    ]
    more = {"budget": 100, "max_change": "none", **more}
    return bo.Plan(currency="CNY", channels=channels, limits=limits, **more)


def best_of_all(plan, last=None, allowed=lambda spend: True):
    """Return the best objective over every split in lots, or at the last spend to the cent."""
    menus = []
    for channel in plan.channels:
        menu = {float(x) for x in range(0, 81, int(channel.lot))}
        menus.append(sorted(menu | ({last[channel.name]} if last else set())))
    worths = [c.curve.value(np.array(menu)) for c, menu in zip(plan.channels, menus, strict=True)]
    return max(
        sum(float(worth[at]) for worth, at in zip(worths, places, strict=True))
        for places in itertools.product(*(range(len(menu)) for menu in menus))
        if sum(spend := [m[at] for m, at in zip(menus, places, strict=True)]) <= plan.budget
        and allowed(spend)
    )


@pytest.mark.parametrize("seed", range(12))
def test_no_split_in_lots_is_better(seed):
    plan = plan_of(seed)
    week = bo.allocate(plan)
    assert week.method == "lots"
    assert week.proven
    assert week.objective == pytest.approx(best_of_all(plan), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_under_a_limit_across_channels_and_beside_a_last_week_off_the_lots(seed):
    rng = np.random.default_rng(seed)
    last = {f"c{at}": round(float(rng.uniform(5, 30)), 2) for at in range(4)}
    plan = plan_of(seed, Limit.group("x", {"g": "x"}, at_most=45))
    best = best_of_all(plan, last, lambda spend: spend[0] + spend[2] <= 45)
    week = bo.allocate(plan, last=last)
    assert week.method == "lots"
    assert week.proven
    assert week.objective == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_integer_engine_finds_the_same(seed):
    plan = plan_of(seed, size=8)
    ours, other = bo.allocate(plan), bo.allocate(plan, method="integer")
    assert ours.proven
    assert ours.objective >= other.objective * (1 - 1e-12)
    assert other.bound >= ours.objective * (1 - 1e-12)


def test_many_channels_are_proven_as_few_are():
    week = bo.allocate(plan_of(0, size=60, budget=1200))
    assert week.method == "lots"
    assert week.proven


def test_where_the_search_leaves_a_gap_the_integer_program_looks_too(monkeypatch):
    for name, value in {"_PAIRS": 2, "_FEWEST": 2}.items():
        monkeypatch.setattr(steps, name, value)
    monkeypatch.setattr(steps.StepGrid, "prices", lambda grid, some, left: None)
    engines = set()
    for seed in range(8):
        problem = problem_of(plan_of(seed))
        solved = solve(problem)
        best = best_of_all(plan_of(seed))
        assert solved.bound >= best * (1 - 1e-12)
        assert problem.objective(solved.spend) >= best * (1 - 1e-6)
        engines.add(solved.method)
    assert engines == {"lots", "integer"}


def test_where_no_start_is_found_the_integer_program_answers(monkeypatch):
    monkeypatch.setattr(steps, "keeps", lambda problem, spend: False)
    assert solve(problem_of(plan_of(0))).method == "integer"


def test_lots_with_a_channel_in_cents_and_locks():
    cents = plan_of(0, size=3)
    free = bo.Channel("d", curve=Log(20, 30))
    week = bo.allocate(bo.Plan(budget=100, currency="CNY", channels=[*cents.channels, free]))
    assert week.method == "integer"
    # A lot of a channel that may not move needs no search.
    locked = bo.Channel("d", curve=Log(20, 30), lot=7, locked=20)
    others = [bo.Channel(name, curve=Log(9, 30)) for name in "ab"]
    week = bo.allocate(bo.Plan(budget=100, currency="CNY", channels=[*others, locked]))
    assert week.method == "waterfill"
    assert {name: str(money) for name, money in week.spend.items()} == {
        "a": "40.00",
        "b": "40.00",
        "d": "20.00",
    }
