"""S-curves, and off-or-at-least in groups, to proven gaps; SciPy's SLSQP beside them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize

from budgetopt.curves import Hill, Log
from budgetopt.curves.base import stack
from budgetopt.money import Currency
from budgetopt.optimize import Problem
from budgetopt.optimize.branch.search import Explored, explore
from budgetopt.plan import Bounds, Row


def s_curves(count: int, seed: int) -> Problem:
    """Return channels of Hill shape 3 around a spend of 100 each, caps six times that."""
    rng = np.random.default_rng(seed)
    top, half = rng.lognormal(5, 0.6, count), rng.lognormal(4.6, 0.7, count)
    zero, no_rule = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int8)
    return Problem(
        names=tuple(f"channel {at}" for at in range(count)),
        money=Currency("CNY"),
        step=1,
        budget=10_000 * count,
        spend_all=False,
        bounds=Bounds(zero, zero + 60_000, no_rule, no_rule),
        curves=Hill(top, half, np.full(count, 3.0)),
        weight=np.ones(count),
        cost=np.zeros(count),
        least_on=zero,
        lots=zero + 1,
        limits=(),
        last=None,
    )


def grouped(seed: int, count: int = 50, groups: int = 20) -> Problem:
    """Return S-curves and concave ones, half of them off or at least so much, in groups."""
    rng = np.random.default_rng(seed)
    curves = []
    for at in range(count):
        top, half = rng.lognormal(5, 0.6), rng.lognormal(4.6, 0.7)
        concave = Hill(top, half, 0.8) if at % 4 else Log(top, half)
        curves.append(Hill(top, half, rng.uniform(1.5, 4)) if at % 2 else concave)
    minimums = np.where(rng.random(count) < 0.5, rng.uniform(2_000, 12_000, count), 0)
    rows = []
    for number in range(groups):
        group = (rng.random(count) < 0.2).astype(np.int64)
        size = int(group.sum())
        if rng.random() < 0.3:
            room, sign = -int(30 * size * rng.uniform(0.3, 1)), -1
        else:
            room, sign = int(100 * size * rng.uniform(0.6, 1.2)), 1
        rows.append(Row(f"group {number}", sign * group, Fraction(room)))
    return replace(
        s_curves(count, seed),
        curves=stack(curves),
        least_on=minimums.astype(np.int64),
        limits=tuple(rows),
    )


def slsqp_shortfall(problem: Problem, best: Explored) -> float:
    """Return what SLSQP, started from the equal split, leaves on the table, as a share."""
    count, budget, curves = len(problem.names), problem.budget_money, problem.curves
    found = minimize(
        lambda x: -curves.value(x).sum(),
        np.full(count, budget / count),
        jac=lambda x: -curves.slope(x),
        bounds=list(zip(problem.lower, problem.upper, strict=True)),
        constraints={"type": "ineq", "fun": lambda x: budget - x.sum()},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return float(1.0 + found.fun / best.objective)


@pytest.mark.parametrize("seed", range(10))
def bench_ten_s_curves(benchmark, seed: int) -> None:
    problem = s_curves(10, seed)
    found = benchmark(explore, problem)
    benchmark.extra_info["gap"], benchmark.extra_info["nodes"] = found.gap, found.nodes
    benchmark.extra_info["SLSQP short"] = round(slsqp_shortfall(problem, found), 4)
    assert found.gap <= 1e-9


@pytest.mark.parametrize("seed", range(3))
def bench_a_thousand_s_curves(benchmark, seed: int) -> None:
    found = benchmark.pedantic(explore, (s_curves(1000, seed),), rounds=5, iterations=1)
    benchmark.extra_info["gap"], benchmark.extra_info["nodes"] = found.gap, found.nodes
    assert found.gap <= 1e-9


@pytest.mark.parametrize("gap", [1e-4, 1e-9])
@pytest.mark.parametrize("seed", range(5))
def bench_groups_and_minimums(benchmark, seed: int, gap: float) -> None:
    found = benchmark.pedantic(
        explore, (grouped(seed),), {"gap": gap}, rounds=3, iterations=1, warmup_rounds=1
    )
    benchmark.extra_info["gap"], benchmark.extra_info["nodes"] = found.gap, found.nodes
    assert found.gap <= gap
