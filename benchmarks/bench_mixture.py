"""Posterior-mean mixtures with S-shaped cells: one live week, and a thousand runs at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from budgetopt.curves import Exponential, Hill, Mixture, Stack
from budgetopt.money import Currency
from budgetopt.optimize import Problem, lagrangian_bound
from budgetopt.optimize.batched import best_of_runs
from budgetopt.optimize.engines import solve
from budgetopt.optimize.waterfill import waterfill
from budgetopt.plan import Bounds

REFERENCE = 100.0


def cells(shapes: tuple[float, ...], points: int = 25) -> Stack:
    """Return the grid of a belief: saturation points times an exponential and Hill shapes."""
    half = REFERENCE * np.exp(np.linspace(-3, 3, points))
    size = points * (1 + len(shapes))
    first = Exponential(np.ones(points), half / np.log(2))
    hill = Hill(np.ones(size - points), np.tile(half, len(shapes)), np.repeat(shapes, points))
    return Stack(((np.arange(points), first), (np.arange(points, size), hill)))


CONCAVE, ALL = cells((1.0, 0.8, 0.6)), cells((1.0, 0.8, 0.6, 2.0, 3.0))


def weights(shape: tuple[int, ...], share: float, seed: int = 7) -> np.ndarray:
    """Return random weights on all cells, a share of them on the S-shaped ones."""
    rng = np.random.default_rng(seed)
    plain = rng.dirichlet(np.full(100, 0.1), shape)
    bent = rng.dirichlet(np.full(50, 0.1), shape)
    tops = 100 * rng.lognormal(0, 0.7, shape)[..., None]
    return tops * np.concatenate([(1 - share) * plain, share * bent], axis=-1)


def live_week(channels: int, share: float) -> Problem:
    """Return one week of the plan with floors and caps."""
    no_rule = np.zeros(channels, dtype=np.int8)
    zero = np.zeros(channels, dtype=np.int64)
    return Problem(
        names=tuple(f"channel {at}" for at in range(channels)),
        money=Currency("CNY"),
        step=1,
        budget=10_000 * channels,
        spend_all=False,
        bounds=Bounds(zero + 1_000, zero + 40_000, no_rule, no_rule),
        curves=Mixture(ALL, weights((channels,), share)),
        weight=np.ones(channels),
        cost=np.zeros(channels),
        least_on=zero,
        lots=zero + 1,
        limits=(),
        last=None,
    )


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("channels", [12, 30])
def bench_live_week(benchmark, channels: int, share: float) -> None:
    problem = live_week(channels, share)

    def fresh() -> tuple[tuple[Problem], dict[str, object]]:
        # A new mixture, as after every update of a belief; the cells and their table are kept.
        return (replace(problem, curves=Mixture(ALL, np.array(problem.curves.weights))),), {}

    solved = benchmark.pedantic(solve, setup=fresh, rounds=25, warmup_rounds=2)
    outcome = problem.objective(solved.spend)
    benchmark.extra_info["gap"] = (solved.bound - outcome) / solved.bound
    benchmark.extra_info["method"] = solved.method
    assert solved.bound - outcome <= 1e-9 * solved.bound


def _runs(request: pytest.FixtureRequest) -> int:
    timed = request.config.getoption("--benchmark-enable")
    return 20 if request.config.getoption("--benchmark-disable") and not timed else 1000


@pytest.mark.parametrize("ends", [(10.0, 400.0), (70.0, 130.0)])
def bench_thousand_concave_runs(benchmark, ends, request: pytest.FixtureRequest) -> None:
    runs = _runs(request)
    curves = Mixture(CONCAVE, weights((runs, 12), 0.0)[..., :100])
    given = curves, np.full((runs, 12), ends[0]), np.full((runs, 12), ends[1]), np.full(runs, 1200)
    filled = benchmark.pedantic(waterfill, given, rounds=7, warmup_rounds=1)
    bound = lagrangian_bound(*given, filled.price)
    gap = np.abs(bound - curves.value(filled.spend).sum(axis=-1)) / bound
    benchmark.extra_info["gap"] = float(gap.max())
    assert gap.max() <= 1e-12


@pytest.mark.parametrize("ends", [(10.0, 400.0), (70.0, 130.0)])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def bench_thousand_bent_runs(benchmark, share, ends, request: pytest.FixtureRequest) -> None:
    runs = _runs(request)
    curves = Mixture(ALL, weights((runs, 12), share))
    given = curves, np.full((runs, 12), ends[0]), np.full((runs, 12), ends[1]), np.full(runs, 1200)
    best = benchmark.pedantic(best_of_runs, given, rounds=5, warmup_rounds=1)
    gap = (best.bound - best.outcome) / best.bound
    benchmark.extra_info["gap"] = float(gap.max())
    assert gap.max() <= 1e-3


@pytest.mark.parametrize("draws", [1, 10])
def bench_thousand_drawn_runs(benchmark, draws: int, request: pytest.FixtureRequest) -> None:
    rng, runs = np.random.default_rng(7), _runs(request)
    drawn = np.zeros((runs, 12, 150))
    for _ in range(draws):
        # One draw in twenty is S-shaped.
        bent = rng.random((runs, 12, 1)) < 0.05
        cell = np.where(bent, rng.integers(100, 150, bent.shape), rng.integers(0, 100, bent.shape))
        more = np.take_along_axis(drawn, cell, -1) + 100 * rng.lognormal(0, 0.7, bent.shape)
        np.put_along_axis(drawn, cell, more, axis=-1)
    given = Mixture(ALL, drawn), np.full((runs, 12), 10.0), np.full((runs, 12), 400.0)
    best = benchmark.pedantic(best_of_runs, (*given, np.full(runs, 1200)), rounds=5)
    gap = (best.bound - best.outcome) / best.bound
    benchmark.extra_info["gap"] = float(gap.max())
    assert gap.max() <= 1e-3
