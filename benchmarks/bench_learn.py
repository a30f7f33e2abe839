"""Learning curves: one more week, two years at once, and a thousand runs of a year."""

from __future__ import annotations

import tracemalloc

import numpy as np
import one_total
import one_total_bound
import pytest

import budgetopt as bo
from budgetopt.belief.stream import Stream


def _history(channels: int, weeks: int = 104, *, total: bool = False) -> tuple[bo.History, bo.Plan]:
    rng = np.random.default_rng(5)
    names = tuple(f"channel {n}" for n in range(channels))
    spend = rng.lognormal(4.6, 0.4, (weeks, channels))
    scale = rng.lognormal(4.6, 0.5, channels)
    outcome = 300 * -np.expm1(-spend / scale) * rng.lognormal(0, 0.2, spend.shape)
    history = bo.History(
        channels=names,
        weeks=np.datetime64("2024-01-01") + 7 * np.arange(weeks),
        spend=spend,
        outcome=None if total else outcome,
        total=2000 + outcome.sum(axis=1) if total else None,
        partial=np.zeros(weeks, dtype=bool),
    )
    plan = bo.Plan(
        budget=100 * channels, currency="CNY", channels=[bo.Channel(name) for name in names]
    )
    return history, plan


@pytest.mark.parametrize("channels", [12, 30])
def bench_one_more_week(benchmark, channels: int) -> None:
    """One weekly update at full resolution; the aim is 5 ms for 12 channels and 15 ms for 30."""
    history, plan = _history(channels)
    before = bo.learn(history.until(history.weeks[-1].item()), plan)
    after = benchmark(before.updated, history)
    assert len(after.log.weeks) == 104


def bench_two_years_by_channel(benchmark) -> None:
    """104 weeks of 12 channels at once; the aim is half a second."""
    belief = benchmark(bo.learn, *_history(12))
    assert belief.source == "channel"


def bench_two_years_from_one_total(benchmark) -> None:
    belief = benchmark(bo.learn, *_history(12, total=True))
    assert belief.source == "total"


def bench_what_one_total_can_tell(benchmark) -> None:
    """The joint sampler of one market; without noise to speak of it finds the truth."""
    market = one_total.Design(noise=1e-3)
    for gain, best, error in benchmark(one_total_bound.score, market, 2):
        assert 0.9 * best < gain <= best + 1e-9
        assert error < 0.1


@pytest.mark.parametrize("runs", [100, pytest.param(1000, marks=pytest.mark.slow)])
def bench_a_year_of_many_runs(benchmark, runs: int) -> None:
    """52 weeks of 12 channels in many runs, fast; the aim is 6 s for 1,000 runs."""
    rng = np.random.default_rng(6)
    spend = rng.lognormal(4.6, 0.4, (52, runs, 12))
    outcome = 300 * -np.expm1(-spend / 100) * rng.lognormal(0, 0.2, spend.shape)

    def year() -> Stream:
        stream = Stream(12, runs, reference=100.0, unit=1.0)
        for week in range(52):
            stream.learn(spend[week], outcome[week])
        return stream

    tracemalloc.start()
    year()
    benchmark.extra_info["megabytes"] = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    stream = benchmark.pedantic(year, rounds=2)
    assert stream.posterior.chance.shape[0] == runs * 12
