"""Learning curves from two years of twelve channels."""

from __future__ import annotations

import numpy as np

import budgetopt as bo


def _history(total: bool) -> tuple[bo.History, bo.Plan]:
    rng = np.random.default_rng(5)
    weeks, names = 104, tuple(f"channel {n}" for n in range(12))
    spend = rng.lognormal(4.6, 0.4, (weeks, 12))
    scale = rng.lognormal(4.6, 0.5, 12)
    outcome = 300 * -np.expm1(-spend / scale) * rng.lognormal(0, 0.2, spend.shape)
    history = bo.History(
        channels=names,
        weeks=np.datetime64("2024-01-01") + 7 * np.arange(weeks),
        spend=spend,
        outcome=None if total else outcome,
        total=2000 + outcome.sum(axis=1) if total else None,
        partial=np.zeros(weeks, dtype=bool),
    )
    channels = [bo.Channel(name) for name in names]
    return history, bo.Plan(budget=1200, currency="CNY", channels=channels)


def bench_learn_per_channel(benchmark) -> None:
    belief = benchmark(bo.learn, *_history(total=False))
    assert belief.source == "channel"


def bench_learn_from_one_total(benchmark) -> None:
    belief = benchmark(bo.learn, *_history(total=True))
    assert belief.source == "total"
