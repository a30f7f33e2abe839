"""Many weeks at once: the program alone, and a plan of a year as a whole call."""

from __future__ import annotations

import numpy as np
import pytest
import weeks

import budgetopt as bo
from budgetopt.horizon.interior import solve


@pytest.mark.parametrize(
    ("channels", "count"),
    [(12, 13), *(pytest.param(*size, marks=pytest.mark.slow) for size in ((30, 52), (100, 52)))],
)
def bench_program(benchmark, channels: int, count: int) -> None:
    given = weeks.program(channels, count, 0)
    found = benchmark.pedantic(solve, (given,), rounds=5, iterations=1, warmup_rounds=1)
    benchmark.extra_info["gap"] = (found.bound - given.value(found.spend)) / found.bound
    assert benchmark.extra_info["gap"] <= 1e-8
    assert weeks.broken(given, found.spend) <= 1e-7 * given.upper.max()


def bench_a_year_of_twelve_channels(benchmark) -> None:
    rng = np.random.default_rng(3)
    channels = [
        bo.Channel(
            f"c{at}",
            curve=bo.Exponential(float(np.exp(rng.normal(6, 0.5))), 3000),
            carryover=bo.Carryover("geometric", share=float(rng.uniform(0, 0.6))),
        )
        for at in range(12)
    ]
    plan = bo.Plan(budget=60_000, currency="CNY", channels=channels, max_change="30%")
    last = dict.fromkeys(plan.names, 5000)
    found = benchmark.pedantic(
        bo.plan_weeks, (plan, None, 52), {"start": "2026-12-07", "last": last}, rounds=3
    )
    benchmark.extra_info["gap"] = found.gap
    assert found.proven
