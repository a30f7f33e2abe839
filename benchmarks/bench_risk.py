"""Risk over posterior draws and the frontier: 20 channels, 200 draws, 100 cells a channel."""

from __future__ import annotations

import numpy as np
import problems
import pytest

from budgetopt import Channel, Log, Plan
from budgetopt.belief.settings import Grid
from budgetopt.curves import Mixture
from budgetopt.optimize.build import problem_of
from budgetopt.optimize.frontier import frontier
from budgetopt.optimize.problem import Problem
from budgetopt.optimize.risk import Risk, risk_averse
from budgetopt.optimize.risk.measure import spread
from budgetopt.plan import Limit

CHANNELS, DRAWS = 20, 200
CONCAVE = {
    "mean": Risk.mean(),
    "mean-cvar": Risk.mean_cvar(0.5, 0.05),
    "cvar": Risk.cvar(0.05),
    "worst": Risk.cvar(0.001),
}
OTHERS = {"quantile": Risk.quantile(0.05), "chance": Risk.chance()}


def _week(rows: bool = False) -> Problem:
    groups = [
        Limit.group("a", {"side": "0"}, at_most=400),
        Limit.group("b", {"side": "1"}, at_least="30%"),
        Limit.turnover(600),
    ]
    plan = Plan(
        budget=100 * CHANNELS,
        currency="CNY",
        channels=[
            Channel(f"c{n}", cap=300, curve=Log(1, 1), labels={"side": str(n % 4)})
            for n in range(CHANNELS)
        ],
        max_change="none",
        limits=groups if rows else [],
    )
    return problem_of(plan, last={f"c{n}": 100 for n in range(CHANNELS)})


def _draws(seed: int = 7) -> Mixture:
    """Return draws as a belief makes them: one cell and one amplitude for each channel."""
    rng = np.random.default_rng(seed)
    grid = Grid(100.0, 25, 10.0, (1.0, 0.8, 0.6))
    near = rng.integers(0, grid.size, CHANNELS) + rng.integers(-8, 9, (DRAWS, CHANNELS))
    top = 5 + rng.normal(0, 0.5, CHANNELS) + rng.normal(0, 0.4, (DRAWS, CHANNELS))
    weights = np.zeros((DRAWS, CHANNELS, grid.size))
    cells = np.clip(near, 0, grid.size - 1)[..., None]
    np.put_along_axis(weights, cells, np.exp(top)[..., None], axis=-1)
    return Mixture(grid.cells, weights)


def _value(week: Problem, draws: Mixture, risk: Risk, split: np.ndarray) -> float:
    last = draws.value(week.last_money).sum(axis=-1)
    return risk.value(draws.value(split).sum(axis=-1), last)


@pytest.mark.parametrize("rows", [False, True], ids=["budget", "groups and turnover"])
@pytest.mark.parametrize("name", CONCAVE)
def bench_mean_and_cvar(benchmark, name: str, rows: bool) -> None:
    week, draws, risk = _week(rows), _draws(), CONCAVE[name]
    solved = benchmark(risk_averse, week, draws, risk)
    gap = (solved.bound - _value(week, draws, risk, solved.spend)) / solved.bound
    benchmark.extra_info["gap"] = gap
    assert gap <= 1e-8


@pytest.mark.parametrize("name", OTHERS)
def bench_quantile_and_chance(benchmark, name: str) -> None:
    week, draws, risk = _week(), _draws(), OTHERS[name]
    solved = benchmark.pedantic(risk_averse, (week, draws, risk), rounds=3)
    value = _value(week, draws, risk, solved.spend)
    mean = risk_averse(week, draws, Risk.mean())
    benchmark.extra_info["value"] = value
    benchmark.extra_info["at the mean's split"] = _value(week, draws, risk, mean.spend)
    benchmark.extra_info["bound"] = solved.bound
    assert benchmark.extra_info["at the mean's split"] <= value <= solved.bound


def bench_spread(benchmark) -> None:
    week, draws = _week(), _draws()
    found = benchmark(spread, draws, np.full(CHANNELS, 100.0), week.last_money)
    assert found.better is None


@pytest.mark.parametrize("count", [20, 1000])
def bench_frontier(benchmark, count: int) -> None:
    plan = problems.plan(count, "hill")
    line = benchmark.pedantic(frontier, (plan,), rounds=3)
    assert len(line.points) == 21
    assert all(point.feasible for point in line.points)


def bench_budget_at_hurdle(benchmark) -> None:
    line = frontier(problems.plan(20, "hill"), budgets=[2000])
    assert benchmark(line.budget_at, 0.5) > 0
