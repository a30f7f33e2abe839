"""The whole public call: bounds, optimum, exact money, certificate and record."""

from __future__ import annotations

import problems
import pytest

import budgetopt as bo


@pytest.mark.parametrize("kind", problems.KINDS)
@pytest.mark.parametrize("count", [1, 5, 20, 100, 1000])
def bench_allocate(benchmark, count: int, kind: str) -> None:
    plan = problems.plan(count, kind)
    week = benchmark(bo.allocate, plan)
    benchmark.extra_info["gap"] = week.gap
    assert week.gap < 1e-6
    assert week.unspent == 0


@pytest.mark.parametrize("count", [20, 1000])
def bench_allocate_against_last_week(benchmark, count: int) -> None:
    plan = problems.plan(count, "hill")
    last = bo.allocate(plan).spend
    week = benchmark(bo.allocate, plan, last=last)
    assert week.unspent == 0
