"""The array-level solve of a million channels, against one evaluation of their curves."""

from __future__ import annotations

import statistics
import time
import tracemalloc

import problems
import pytest

from budgetopt.optimize import lagrangian_bound
from budgetopt.optimize.waterfill import waterfill

ARRAY_KINDS = ("exponential", "hill 1", "hill", "logistic", "power")


@pytest.mark.parametrize("kind", ARRAY_KINDS)
def bench_million_channels(benchmark, kind: str, request: pytest.FixtureRequest) -> None:
    timed = request.config.getoption("--benchmark-enable")
    smoke = request.config.getoption("--benchmark-disable") and not timed
    count = 20_000 if smoke else 1_000_000
    curves, lower, upper, budget = problems.arrays(count, kind)
    filled = benchmark.pedantic(waterfill, (curves, lower, upper, budget), rounds=5, iterations=1)
    bound = float(lagrangian_bound(curves, lower, upper, budget, filled.price))
    assert bound - curves.value(filled.spend).sum() <= 1e-9 * bound
    once = []
    for _ in range(7):
        start = time.perf_counter()
        curves.value(filled.spend)
        once.append(time.perf_counter() - start)
    if benchmark.stats is not None:
        ratio = benchmark.stats["median"] / statistics.median(once)
        benchmark.extra_info["times one evaluation"] = round(ratio, 1)
        tracemalloc.start()
        waterfill(curves, lower, upper, budget)
        benchmark.extra_info["peak MB"] = round(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
