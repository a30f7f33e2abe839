"""The backtest: its processor time, and whether its ranges hold what the advice was really worth.

    OMP_NUM_THREADS=1 python benchmarks/backtest.py            # both
    OMP_NUM_THREADS=1 python benchmarks/backtest.py --shops 0  # the time alone

Shops are simulated, so that what the advice would have brought is known: of each kind of market
some are backtested, and the 80 % range of the gain should hold the true gain in 80 % of them. A
shop's spends vary by 30 % from week to week around levels of their own.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.market import Demand, Drift, Market, Noise, Prior

SEED = 7
KINDS: dict[str, dict[str, Any]] = {
    "stationary": {},
    "drift with shock": {"drift": Drift(sd=0.04, shock_share=0.25, shock_sd=0.3, shock_mean=-0.3)},
    "noise 0.4": {"noise": Noise.both(0.4)},
    "demand wave": {"demand": Demand(amplitude=0.3, period=26)},
    "power-law truth": {"kinds": ("power",)},
}


def shops(kind: str, count: int, channels: int, weeks: int) -> tuple[Any, ...]:
    """Return names, spends, outcomes and the true curve of each week, of all shops of a kind."""
    changes = dict(KINDS[kind])
    prior = Prior(channels, 1000.0, **{k: changes.pop(k) for k in ("kinds",) if k in changes})
    names = tuple(f"channel {at}" for at in range(channels))
    market = Market(names, prior, **({"noise": Noise.both(0.2)} | changes))
    rng = np.random.default_rng([SEED, 1])
    level = 1000 * rng.lognormal(0, 0.5, (count, 1, channels))
    spend = np.round(level * rng.lognormal(0, 0.3, (count, weeks, channels)), 2)
    state, told, curves = market.begin(), [], []
    for at, week in enumerate(market.weather(weeks, count, SEED)):
        state, outcome = market.step(state, spend[:, at], week)
        told.append(outcome.reported)
        curves.append(week.curve)
    return names, spend, np.stack(told, axis=1), curves


def backtested(names: Any, spend: Any, outcome: Any, **asked: Any) -> bo.Backtest:
    """Return the backtest of one shop."""
    days = np.datetime64("2023-01-02") + 7 * np.arange(len(spend))
    channels = [bo.Channel(name) for name in names]
    budget = round(float(spend.sum(axis=1).mean()), 2)
    plan = bo.Plan(budget=budget, currency="CNY", outcome_unit=1, channels=channels)
    return bo.backtest(plan, bo.History(names, days, spend, outcome=outcome), **asked)


def true_gain(found: bo.Backtest, curves: Any, run: int, runs: int, first: int) -> float:
    """Return what the first policy's splits would have brought more, at the same money."""
    more = base = 0.0
    name = found.policies[0].policy
    for week, curve in zip(found.weeks, curves[first:], strict=True):
        if name not in week.advised:
            continue
        done = np.zeros((runs, week.spend.size))
        done[run], given = week.spend, done.copy()
        given[run] = week.advised[name] * week.spend.sum() / week.advised[name].sum()
        more += curve.value(given)[run].sum() - curve.value(done)[run].sum()
        base += curve.value(done)[run].sum()
    return float(more / base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=52)
    given = parser.parse_args()
    names, spend, outcome, _ = shops("stationary", 1, 12, 104)
    backtested(names, spend[0], outcome[0], weeks=1)
    began = time.process_time()
    backtested(names, spend[0], outcome[0])
    print(f"104 weeks, 12 channels, two policies: {time.process_time() - began:.1f} s processor")
    if not given.shops:
        return
    print("| market | known | mean gain % | mean true gain % | in 80 % range % | in bands % |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        names, spend, outcome, curves = shops(kind, given.shops, 6, given.weeks)
        said, truth, inside, bands = [], [], [], []
        for run in range(given.shops):
            found = backtested(names, spend[run], outcome[run], settings=Settings.fast(),
                               policies=["optimistic(1)"])  # fmt: skip
            gain, covered = found.policies[0].gain, found.calibration[1].covered
            bands.append(np.nan if covered is None else covered)
            if gain is not None:
                truth.append(true_gain(found, curves, run, given.shops, 8))
                said.append(gain.mean)
                inside.append(gain.low <= truth[-1] <= gain.high)
        figures = [100 * np.mean(each) for each in (said, truth, inside, bands)]
        print(f"| {kind} | {len(said)} of {given.shops} | {figures[0]:.2f} | {figures[1]:.2f} | "
              f"{figures[2]:.0f} | {figures[3]:.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
