"""The engines on linear and integer programs: rows across groups, choices, S-curves, and proof."""

from __future__ import annotations

import numpy as np
import problems
import pytest

from budgetopt import Channel, Hill, Plan
from budgetopt.optimize import Problem, problem_of
from budgetopt.optimize.problem import Solved
from budgetopt.optimize.programs.integer import integer
from budgetopt.optimize.programs.linear import linear
from budgetopt.plan import Limit


def _grouped(count: int, groups: int, seed: int = 7) -> Problem:
    """Return a problem with overlapping groups whose limits a split near the optimum keeps."""
    plain = problems.plan(count, "mixed", seed)
    rng = np.random.default_rng(seed + 1)
    free = linear(problem_of(plain)).spend
    low, high = (np.array([float(getattr(c, b)) for c in plain.channels]) for b in ("floor", "cap"))
    other = low + (high - low) * rng.random(count)
    inner = 0.8 * free + 0.2 * np.clip(other * 100 * count / other.sum(), low, high)
    names, limits = np.array(plain.names), []
    for group in range(groups):
        chosen = rng.random(count) < max(0.05, 3 / count)
        total = float(inner[chosen].sum())
        most = round(total * rng.uniform(1, 1.02) + 0.01, 2)
        least = max(0.0, round(total * rng.uniform(0.98, 1.0) - 0.01, 2))
        bound = {"at_most": most} if group % 2 else {"at_least": least}
        if chosen.sum() > 1:
            limits.append(Limit.group(f"group {group}", tuple(names[chosen]), **bound))
    return problem_of(
        Plan(budget=100 * count, currency="CNY", channels=plain.channels, limits=limits)
    )


def _note(benchmark, problem: Problem, solved: Solved, most: float) -> None:
    gap = (solved.bound - problem.objective(solved.spend)) / abs(solved.bound)
    benchmark.extra_info["gap"] = gap
    assert gap <= most


@pytest.mark.parametrize("count", [20, 100, pytest.param(1000, marks=pytest.mark.slow)])
def bench_linear_with_50_groups(benchmark, count: int) -> None:
    problem = _grouped(count, 50)
    _note(benchmark, problem, benchmark(linear, problem), 1e-6)


def _chosen(count: int, kind: str, seed: int = 7) -> Problem:
    """Return a problem with choices of one kind, 100 money a channel."""
    channels = [
        Channel(
            f"channel {at}",
            cap=600 if kind == "S-curves" else 300,
            curve=Hill(curve.top, curve.half, 3) if kind == "S-curves" else curve,
            off_or_at_least=80 if kind == "off or at least" else None,
            lot=(20, 25, 30)[at % 3] if kind == "lots" else None,
        )
        for at, curve in enumerate(problems.curves(count, "hill", seed))
    ]
    limits = {
        "few moves": [Limit.few_moves(3)],
        "apart": [Limit.apart(tuple(c.name for c in channels[: count // 2]))],
    }.get(kind, [])
    plan = Plan(budget=100 * count, currency="CNY", channels=channels, limits=limits)
    last = {c.name: 100 for c in channels} if kind == "few moves" else None
    return problem_of(plan, last=last)


@pytest.mark.parametrize("kind", ["few moves", "apart", "off or at least", "S-curves"])
@pytest.mark.parametrize("count", [10, pytest.param(30, marks=pytest.mark.slow), 1000])
def bench_integer(benchmark, count: int, kind: str, request: pytest.FixtureRequest) -> None:
    if count == 1000 and not request.config.getoption("--benchmark-enable"):
        pytest.skip("timed only")
    problem = _chosen(count, kind)
    solved = benchmark.pedantic(integer, (problem,), rounds=3, iterations=1)
    # Three moves among a thousand leave more branches than the search has nodes.
    _note(benchmark, problem, solved, 1e-3 if (count, kind) == (1000, "few moves") else 1e-6)


@pytest.mark.parametrize("count", [5, 20])
def bench_integer_with_lots(benchmark, count: int) -> None:
    problem = _chosen(count, "lots")
    solved = benchmark.pedantic(integer, (problem,), rounds=1, iterations=1)
    _note(benchmark, problem, solved, 1e-4)


def bench_integer_with_groups_and_minimums(benchmark) -> None:
    rng = np.random.default_rng(0)
    count = 50
    channels = [
        Channel(
            f"channel {at}",
            curve=Hill(curve.top, curve.half, curve.shape if at % 3 else 3.0),
            cap=300,
            off_or_at_least=int(rng.integers(40, 120)) if at % 2 else None,
        )
        for at, curve in enumerate(problems.curves(count, "hill"))
    ]
    names = np.array([c.name for c in channels])
    limits = []
    for group in range(20):
        chosen = rng.random(count) < 0.12
        most = int(chosen.sum() * rng.uniform(60, 130))
        limits.append(Limit.group(f"group {group}", tuple(names[chosen]), at_most=most))
    plan = Plan(budget=100 * count, currency="CNY", channels=channels, limits=limits)
    problem = problem_of(plan)
    solved = benchmark.pedantic(integer, (problem,), {"gap": 1e-4}, rounds=1, iterations=1)
    _note(benchmark, problem, solved, 1e-4)
