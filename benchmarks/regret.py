"""Every policy against a clairvoyant with the same limits, in markets drawn from a stated prior.

    OMP_NUM_THREADS=1 python benchmarks/regret.py                     # all cells
    OMP_NUM_THREADS=1 python benchmarks/regret.py --cells 12x26 --policies 'hold;thompson(1)'

A policy's share is its expected outcome, by the true curves, over that of the clairvoyant, who
knows the week's true curves and keeps the same floors, caps and change limit from the same start.
Policies learn at full resolution, those marked "fast" at that of the simulator.
Seeds are paired: every policy meets the same market, weather and history. The figures are means
over seeds with 95 % intervals of the mean.

The equal share is 5,000 a week: at 0.03 outcomes per unit some fifty to a hundred and fifty
outcomes a week and channel. `--equal-share` changes it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import peer_bandit

from budgetopt.belief.settings import Settings
from budgetopt.belief.stream import Stream
from budgetopt.curves import Curve
from budgetopt.market import Demand, Drift, Market, Noise, Prior, Tracking
from budgetopt.optimize.batched import best_of_runs
from budgetopt.optimize.waterfill import waterfill
from budgetopt.policies import HoldSteady, Policy, View, fit_shares, policy_named

HISTORY = 8
CHANGE = 0.3
FLOOR = 0.1
DULL = ("hold", "equal", "proportional", "mabwiser")
"""Policies that ask nothing of a belief, so that none is learned for them."""
POLICIES = (
    "hold",
    "equal",
    "proportional(8)",
    "greedy(0.05), fast",
    "posterior-mean",
    "posterior-mean, fast",
    "optimistic(1)",
    "optimistic(1), fast",
    "optimistic(0.5), fast",
    "optimistic(2), fast",
    "thompson(1)",
    "thompson(10)",
    "upper-quantile(0.8), fast",
    "cautious(posterior-mean, 1), fast",
    "test-budget(posterior-mean, 0.05), fast",
    "mabwiser",
)


@dataclass(frozen=True)
class Cell:
    """One market: its size and what makes it hard."""

    channels: int
    weeks: int
    kind: str = "stationary"

    @property
    def name(self) -> str:
        return f"{self.channels}x{self.weeks} {self.kind}"


MAIN = tuple(Cell(n, w, k) for n in (5, 12, 30) for w in (26, 52) for k in ("stationary", "drift"))
STRESS = tuple(
    Cell(12, 26, kind)
    for kind in (
        "no history",
        "noise 0.4",
        "saturation x3",
        "saturation x1/3",
        "power law",
        "outages",
        "no variation",
        "demand wave",
        "wave and drift",
        "new channels",
    )
)


def market_of(cell: Cell, share: float) -> Market:
    """Return the market of a cell."""
    saturation = {"saturation x3": 3.0, "saturation x1/3": 1 / 3}.get(cell.kind, 1.0)
    kinds = ("power",) if cell.kind == "power law" else ("exponential", "hill")
    prior = Prior(cell.channels, share, saturation=saturation, kinds=kinds)
    drifts, waves = "drift" in cell.kind, "wave" in cell.kind
    first = HISTORY + 1
    return Market(
        tuple(f"c{at}" for at in range(cell.channels)),
        prior,
        noise=Noise.both(0.4 if cell.kind == "noise 0.4" else 0.2),
        drift=Drift(0.04, 0.25, shock_week=(first, HISTORY + cell.weeks)) if drifts else Drift(),
        demand=Demand(0.3, period=26) if waves else Demand(),
        tracking=Tracking(0.03, 0.9) if cell.kind == "outages" else Tracking(),
    )


class Limits(NamedTuple):
    """Floors and caps of every run, and the budget."""

    floor: np.ndarray
    cap: np.ndarray
    budget: float

    def around(self, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds within the change limit of last week's spends; none for a new channel."""
        lower = np.maximum(self.floor, (1 - CHANGE) * last)
        upper = np.where(last > 0, (1 + CHANGE) * last, np.inf)
        return lower, np.maximum(np.minimum(self.cap, upper), lower)


class Past(NamedTuple):
    """History before the first decision, shape ``(weeks, runs, channels)``."""

    spend: np.ndarray
    outcome: np.ndarray


class Told(NamedTuple):
    """What one policy did, shape ``(weeks, runs)``; milliseconds a week of one run."""

    outcome: np.ndarray
    moved: np.ndarray
    broken: int
    milliseconds: float


def history_plan(cell: Cell, share: float, runs: int, seed: int) -> tuple[Limits, np.ndarray]:
    """Return limits, and the spends of the history: around a plan that is not the best."""
    rng = np.random.default_rng([seed, 77])
    shape = (runs, cell.channels)
    cap = share * rng.uniform(1.5, 4.0, shape)
    limits = Limits(np.full(shape, FLOOR * share), cap, share * cell.channels)
    budget = np.full(runs, limits.budget)
    plan = fit_shares(rng.lognormal(0, 0.5, shape), limits.floor, cap, budget)
    varied = 0.0 if cell.kind == "no variation" else 0.15
    spends = np.array(
        [
            fit_shares(plan * rng.lognormal(0, varied, shape), limits.floor, cap, budget)
            for _ in range(HISTORY)
        ]
    )
    if cell.kind == "new channels":
        # A quarter of the channels: nothing was spent on them, and they may start at any spend.
        spends[:, :, : cell.channels // 4] = 0.0
    return limits, spends


def years(market: Market, cell: Cell, runs: int, seed: int) -> Iterator[Any]:
    return iter(market.weather(HISTORY + cell.weeks, runs, seed))


def clairvoyant(market: Market, cell: Cell, limits: Limits, spends: np.ndarray, seed: int) -> Told:
    """Return the best that can be done within the limits, knowing every week's true curves."""
    runs, last, outcomes = spends.shape[1], spends[-1], []
    for week in years(market, cell, runs, seed):
        if week.number <= HISTORY:
            continue
        lower, upper = limits.around(last)
        last = waterfill(week.curve, lower, upper, np.full(runs, limits.budget)).spend
        outcomes.append(week.curve.value(last).sum(axis=-1))
    return Told(np.array(outcomes), np.zeros(0), 0, 0.0)


def live(
    policy: Policy,
    market: Market,
    cell: Cell,
    limits: Limits,
    spends: np.ndarray,
    seed: int,
    settings: Settings,
) -> Told:
    """Return what a policy does that learns from its own reports only."""
    runs = spends.shape[1]
    stream = Stream(
        cell.channels, runs, reference=limits.budget / cell.channels, unit=1.0, settings=settings
    )
    state, rng = market.begin(), np.random.default_rng([seed, 5])
    told: dict[str, list[Any]] = {"outcome": [], "moved": []}
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    last, broken, spent_time = spends[-1], 0, 0.0
    for week in years(market, cell, runs, seed):
        old = week.number <= HISTORY
        began = time.perf_counter()
        if old:
            spend = spends[week.number - 1]
        else:
            view = _view(stream, limits, last, seen, runs)
            spend = policy.decide(view, rng)
            broken += _broken(spend, view)
            told["outcome"].append(week.curve.value(spend).sum(axis=-1))
            told["moved"].append(0.5 * np.abs(spend - last).sum(axis=-1) / limits.budget)
        spent_time += 0.0 if old else time.perf_counter() - began
        state, out = market.step(state, spend, week)
        last = spend
        if old and cell.kind == "no history":
            continue
        began = time.perf_counter()
        seen.append((spend, out.reported))
        if not policy.name.startswith(DULL):
            stream.learn(spend, out.reported)
        spent_time += 0.0 if old else time.perf_counter() - began
    each = 1e3 * spent_time / cell.weeks / runs
    return Told(np.array(told["outcome"]), np.array(told["moved"]), broken, each)


def _view(
    stream: Stream,
    limits: Limits,
    last: np.ndarray,
    seen: list[tuple[np.ndarray, np.ndarray]],
    runs: int,
) -> View:
    lower, upper = limits.around(last)
    budget = np.full(runs, limits.budget)

    def best(curves: Curve) -> np.ndarray:
        return best_of_runs(curves, lower, upper, budget, spend_all=True).spend

    nothing = np.zeros((runs, 0, last.shape[1]))
    spend, outcome = (
        (np.stack(part, axis=1) for part in zip(*seen, strict=True)) if seen else (nothing, nothing)
    )
    return View(
        belief=stream.posterior,
        lower=lower,
        upper=upper,
        budget=budget,
        last=last,
        spend=spend,
        outcome=outcome,
        spend_all=True,
        best=best,
    )


def _broken(spend: np.ndarray, view: View) -> int:
    """Return how many decisions break a limit by more than a millionth of the budget."""
    slack = 1e-6 * view.budget.max()
    wrong = np.any((spend < view.lower - slack) | (spend > view.upper + slack), axis=-1)
    return int(np.sum(wrong | (spend.sum(axis=-1) > view.budget + slack)))


class Line(NamedTuple):
    """One policy's figures in one cell, in percent save milliseconds."""

    policy: str
    share: float
    half: float
    worst: float
    harm: float
    turnover: float
    broken: int
    milliseconds: float
    shares: np.ndarray


def compare(cell: Cell, names: tuple[str, ...], seeds: int, seed: int, share: float) -> list[Line]:
    """Return the figures of policies in one cell."""
    market = market_of(cell, share)
    limits, spends = history_plan(cell, share, seeds, seed)
    best = clairvoyant(market, cell, limits, spends, seed).outcome
    hold = live(HoldSteady(), market, cell, limits, spends, seed, Settings.fast()).outcome
    lines = []
    for name in names:
        base, _, _ = name.partition(", fast")
        settings = Settings.fast() if name != base else Settings()
        if base == "mabwiser" and not peer_bandit.available():
            continue
        policy = peer_bandit.ChannelArms() if base == "mabwiser" else policy_named(base)
        told = live(policy, market, cell, limits, spends, seed, settings)
        shares = 100 * told.outcome.sum(axis=0) / best.sum(axis=0)
        lines.append(
            Line(
                name,
                float(shares.mean()),
                float(1.96 * shares.std(ddof=1) / np.sqrt(seeds)),
                float(shares.min()),
                float(100 * np.mean(told.outcome < 0.98 * hold)),
                float(100 * told.moved.mean()),
                told.broken,
                told.milliseconds,
                shares,
            )
        )
    return lines


def table(cell: Cell, lines: list[Line]) -> str:
    """Return a Markdown table of one cell."""
    mean = next((line for line in lines if line.policy == "posterior-mean"), lines[0])
    rows = [
        f"### {cell.name}",
        "",
        "| policy | share % | ± | less the mean | ± | worst | harm weeks % | turnover % | broken "
        "| ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for line in lines:
        away = line.shares - mean.shares
        half = 1.96 * away.std(ddof=1) / np.sqrt(away.size)
        rows.append(
            f"| {line.policy} | {line.share:.2f} | {line.half:.2f} | {away.mean():+.2f} | "
            f"{half:.2f} | {line.worst:.1f} | {line.harm:.2f} | {line.turnover:.1f} | "
            f"{line.broken} | {line.milliseconds:.2f} |"
        )
    return "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", default="", help="words that a cell's name must hold, by comma")
    parser.add_argument("--policies", default=";".join(POLICIES), help="names, by semicolon")
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--equal-share", type=float, default=5000.0)
    given = parser.parse_args()
    wanted = [word for word in given.cells.split(",") if word]
    for cell in (*MAIN, *STRESS):
        if not wanted or any(word in cell.name for word in wanted):
            names = tuple(name for name in given.policies.split(";") if name)
            lines = compare(cell, names, given.seeds, given.seed, given.equal_share)
            print(table(cell, lines), flush=True)


if __name__ == "__main__":
    main()
