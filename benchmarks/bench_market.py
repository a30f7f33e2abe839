"""Open loop: years of a market under a steady plan, beside drawing the normals that they need.

The floor is NumPy filling one small array again and again, which is quicker than one large array;
`sets` is how many such arrays of runs x weeks x channels a market draws, so that ``times the
normals`` compares equal numbers.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc

import numpy as np
import problems
import pytest

from budgetopt.curves.base import stack
from budgetopt.market import RISKS, Delivery, Demand, Drift, Market, Noise, Prices, Prior, Tracking

WEEKS, CHANNELS, CHUNK = 52, 20, 1024
NAMES = tuple(f"channel {at}" for at in range(CHANNELS))
CURVES = stack(problems.curves(CHANNELS, "mixed"))
PRIOR = Prior(channels=CHANNELS, equal_share=100)

MARKETS = {
    "lognormal": (Market(NAMES, CURVES, noise=Noise.lognormal(0.2)), 1),
    "lognormal and drift": (
        Market(NAMES, CURVES, noise=Noise.lognormal(0.2), drift=Drift(0.04, 0.25)),
        2,
    ),
    "poisson": (Market(NAMES, CURVES, noise=Noise.poisson()), 1),
    "poisson x lognormal": (Market(NAMES, CURVES, noise=Noise.both(0.2)), 2),
    "negative binomial": (Market(NAMES, CURVES, noise=Noise.negative_binomial(0.04)), 2),
    "drawn curves, all that moves": (
        Market(
            NAMES,
            PRIOR,
            noise=Noise.both(0.2),
            drift=Drift(0.04, 0.25),
            demand=Demand(0.3, sd=0.1),
            prices=Prices(0.05),
            delivery=Delivery(1.0, 0.05),
            tracking=Tracking(0.03),
            delay=(0.6, 0.9),
        ),
        6,
    ),
}


def open_loop(market: Market, runs: int, scenarios: tuple = ()) -> np.ndarray:
    """Return the mean outcome by week, chunk by chunk."""
    spend, total = np.full(CHANNELS, 100.0), np.zeros(WEEKS)
    for first in range(0, runs, CHUNK):
        size = min(CHUNK, runs - first)
        state = market.begin()
        for week in market.weather(WEEKS, size, 7, first_run=first, scenarios=scenarios):
            state, outcome = market.step(state, spend, week)
            total[week.number - 1] += outcome.outcome.sum()
    return total / runs


def normals(count: int) -> None:
    """Draw so many normals, a chunk and week at a time."""
    rng, out = np.random.default_rng(7), np.empty((CHUNK, CHANNELS))
    for _ in range(count // out.size):
        rng.standard_normal(out=out)


def _seconds(count: int) -> float:
    start = time.perf_counter()
    normals(count)
    return time.perf_counter() - start


def _runs(request: pytest.FixtureRequest) -> int:
    """Return 10,000 runs, and few where this is but a smoke test."""
    return 10_000 if request.config.getoption("--benchmark-enable") else 128


@pytest.mark.parametrize("name", MARKETS)
def bench_open_loop(benchmark, name: str, request: pytest.FixtureRequest) -> None:
    market, sets = MARKETS[name]
    runs = _runs(request)
    found = benchmark.pedantic(open_loop, (market, runs), rounds=5, warmup_rounds=1)
    assert np.all(found > 0)
    if benchmark.stats is not None:
        floor = statistics.median(_seconds(runs * WEEKS * CHANNELS) for _ in range(5))
        median = benchmark.stats["median"]
        benchmark.extra_info["times the normals"] = round(median / floor / sets, 2)
        benchmark.extra_info["times one set of normals"] = round(median / floor, 2)


def bench_open_loop_under_all_risks(benchmark, request: pytest.FixtureRequest) -> None:
    market, _ = MARKETS["lognormal"]
    risks = tuple(RISKS.values())
    runs = _runs(request)
    found = benchmark.pedantic(open_loop, (market, runs, risks), rounds=5, warmup_rounds=1)
    assert found[5] < open_loop(market, 128)[5]


def bench_memory(benchmark, request: pytest.FixtureRequest) -> None:
    """Peak memory of arrays, which must not grow with the runs."""
    market, _ = MARKETS["drawn curves, all that moves"]
    peaks = []
    for runs in (CHUNK, 4 * CHUNK):
        tracemalloc.start()
        open_loop(market, runs)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
        if not request.config.getoption("--benchmark-enable"):
            break
    benchmark.extra_info["megabytes"] = [round(peak, 1) for peak in peaks]
    assert peaks[-1] < 1.1 * peaks[0] + 1
    benchmark.pedantic(open_loop, (market, 64), rounds=1)
