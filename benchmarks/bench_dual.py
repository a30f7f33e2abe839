"""Concave curves under a budget and 50 overlapping group limits, proven, against SciPy's SLSQP."""

from __future__ import annotations

import numpy as np
import problems
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array

from budgetopt.optimize.dual import dual
from budgetopt.optimize.problem import Rows
from budgetopt.optimize.waterfill import Field

GROUPS = 50


def grouped(count: int, seed: int = 7) -> tuple[Field, Rows]:
    """Return Hill curves, a budget, and caps and floors of groups that overlap five deep."""
    rng = np.random.default_rng(seed)
    curves, lower, upper, budget = problems.arrays(count, "hill", seed)
    members = max(2, 5 * count // GROUPS)
    chosen = [np.unique(rng.integers(0, count, members)) for _ in range(GROUPS)]
    columns = np.concatenate([np.arange(count), *chosen])
    rows = np.repeat(np.arange(GROUPS + 1), [count, *(c.size for c in chosen)])
    table = csr_array((np.ones(columns.size), (rows, columns)), shape=(GROUPS + 1, count))
    spread = (upper - lower) * rng.random(count)
    inside = lower + spread * (budget - lower.sum()) / spread.sum()
    used = table @ inside
    floor = rng.random(GROUPS + 1) < 0.4
    floor[0] = False
    room = np.where(floor, -used * rng.uniform(0.8, 1.0, used.size), used * rng.uniform(1, 1.3))
    room[0] = budget
    signs = np.repeat(np.where(floor, -1.0, 1.0), np.diff(table.indptr))
    money = csr_array((table.data * signs, table.indices, table.indptr), shape=table.shape)
    zero, empty = np.zeros(count), csr_array(table.shape)
    names = tuple(f"group {at}" for at in range(used.size))
    field = Field(curves, zero + 1.0, zero, lower, upper, zero, zero)
    return field, Rows(names, money, empty, empty, empty, empty, room)


def shortfall(field: Field, spend: np.ndarray, bound: float) -> float:
    """Return the gap to a proven bound, as a share of it."""
    return (bound - float(field.weight @ field.curves.value(spend))) / bound


@pytest.mark.parametrize("count", [20, 1_000, 1_000_000])
def bench_dual(benchmark, count: int, request: pytest.FixtureRequest) -> None:
    timed = request.config.getoption("--benchmark-enable")
    smoke = request.config.getoption("--benchmark-disable") and not timed
    field, rows = grouped(min(count, 20_000) if smoke else count)
    rounds = 3 if count > 10_000 else 30
    solved = benchmark.pedantic(dual, (field, rows), rounds=rounds, iterations=1, warmup_rounds=1)
    benchmark.extra_info["gap"] = shortfall(field, solved.spend, solved.bound)
    assert benchmark.extra_info["gap"] <= 1e-7
    left = rows.room - rows.money @ solved.spend
    assert np.all(left >= -1e-11 * np.abs(rows.room))


def bench_slsqp(benchmark) -> None:
    field, rows = grouped(20)
    money = rows.money.toarray()
    bound = dual(field, rows).bound

    def solve() -> np.ndarray:
        answer = minimize(
            lambda x: -field.curves.value(np.maximum(x, 0.0)).sum() / bound,
            field.lower,
            jac=lambda x: -field.curves.slope(np.maximum(x, 0.0)) / bound,
            method="SLSQP",
            bounds=list(zip(field.lower, field.upper, strict=True)),
            constraints={
                "type": "ineq",
                "fun": lambda x: rows.room - money @ x,
                "jac": lambda x: -money,
            },
            options={"maxiter": 500, "ftol": 1e-12},
        )
        return answer.x

    spend = benchmark.pedantic(solve, rounds=5, iterations=1, warmup_rounds=1)
    benchmark.extra_info["gap"] = shortfall(field, spend, bound)
