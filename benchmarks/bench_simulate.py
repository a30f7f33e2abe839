"""The simulator: open loop beside drawing normals, closed loop by parts, workers.

    OMP_NUM_THREADS=1 pytest benchmarks/bench_simulate.py --benchmark-enable

Seconds are those of the processor, since other work on the machine must not count.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import problems
import pytest

from budgetopt.market import Drift, Market, Noise, Prior
from budgetopt.plan import Channel, Plan
from budgetopt.simulation import Schedule, simulate


def plan_of(channels: int) -> Plan:
    """Return a plan with floors, caps and the usual change limit."""
    each = [Channel(f"c{at}", floor=100, cap=4000) for at in range(channels)]
    return Plan(budget=1000 * channels, currency="CNY", channels=each)


def market_of(channels: int, **changes) -> Market:
    names = tuple(f"c{at}" for at in range(channels))
    given = {"noise": Noise.both(0.2), "drift": Drift(0.04)} | changes
    return Market(names, Prior(channels, 1000.0), **given)


def _enabled(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--benchmark-enable"))


def normals(runs: int, weeks: int, channels: int) -> float:
    """Return the seconds of drawing so many normals a week and batch at a time."""
    rng, out = np.random.default_rng(7), np.empty((256, channels))
    begun = time.process_time()
    for _ in range(runs * weeks // 256):
        rng.standard_normal(out=out)
    return time.process_time() - begun


def bench_open_loop(benchmark, request: pytest.FixtureRequest) -> None:
    """10,000 runs x 52 weeks x 20 channels of a fixed plan, in normals of the same number."""
    runs = 10_000 if _enabled(request) else 300
    fixed, names = Schedule([1000.0] * 20), plan_of(20).names
    world = Market(names, problems.curves(20, "mixed"), noise=Noise.lognormal(0.2))

    def year() -> float:
        begun = time.process_time()
        simulate(plan_of(20), world, fixed, runs=runs, seed=1)
        return time.process_time() - begun

    seconds = [benchmark.pedantic(year, rounds=1)] + [year() for _ in range(2)]
    floor = statistics.median(normals(runs, 52, 20) for _ in range(3))
    benchmark.extra_info["times the normals"] = round(statistics.median(seconds) / floor, 2)


@pytest.mark.parametrize("policy", ["hold", "posterior-mean", "optimistic(1)", "thompson(1)"])
def bench_closed_loop(benchmark, policy: str, request: pytest.FixtureRequest) -> None:
    """1,000 runs x 52 weeks x 12 channels; the goal is 12 seconds."""
    runs, weeks = (1000, 52) if _enabled(request) else (64, 4)
    begun = time.process_time()
    found = benchmark.pedantic(
        simulate, (plan_of(12), market_of(12), policy),
        {"runs": runs, "weeks": weeks, "last": {f"c{at}": 1000 for at in range(12)}}, rounds=1,
    )  # fmt: skip
    benchmark.extra_info["processor seconds"] = round(time.process_time() - begun, 2)
    assert found.runs == runs


def bench_memory(benchmark, request: pytest.FixtureRequest) -> None:
    """Peak memory of arrays, which grows with the runs by a record of some kilobytes each."""
    peaks = []
    for runs in (1024, 4096) if _enabled(request) else (64,):
        tracemalloc.start()
        simulate(plan_of(20), market_of(20), "hold", runs=runs)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    benchmark.extra_info["megabytes"] = [round(peak, 1) for peak in peaks]
    benchmark.pedantic(simulate, (plan_of(20), market_of(20), "hold"), {"runs": 64}, rounds=1)


def bench_two_workers(benchmark, request: pytest.FixtureRequest) -> None:
    """Wall-clock seconds of one and of two workers, which a loaded machine does not halve."""
    runs, weeks = (1024, 26) if _enabled(request) else (64, 2)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for workers in (1, 2) * (3 if _enabled(request) else 1):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(abs, range(workers)))
            begun = time.perf_counter()
            simulate(plan_of(12), market_of(12), runs=runs, weeks=weeks, chunk=256, executor=pool)
            seconds[workers].append(time.perf_counter() - begun)
    one, two = (statistics.median(each) for each in seconds.values())
    benchmark.extra_info["speed of two workers"] = round(one / two, 2)
    benchmark.pedantic(lambda: None, rounds=1)
