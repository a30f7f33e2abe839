"""Phased spend against the policy that it varies: what it earns net of what it costs.

    OMP_NUM_THREADS=1 python benchmarks/phased.py                          # outcomes by channel
    OMP_NUM_THREADS=1 python benchmarks/phased.py --total --seeds 35       # one total, half an hour

Seeds are paired, and shares are of a clairvoyant with the same limits, as in `regret`. With one
total the markets are those of `one_total` with a year of history, then 26 weeks decided one by one
(floors 0.1 and caps 3 times the usual spend); shares are of what the media bring.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import one_total as totals
import regret

import budgetopt as bo
from budgetopt.arrays import Floats
from budgetopt.belief.settings import Settings
from budgetopt.optimize.waterfill import waterfill
from budgetopt.policies import policy_named

CELLS = ("5x26 drift", "12x26 drift", "12x52 drift", "12x26 no history", "12x26 noise 0.4",
         "12x26 no variation")  # fmt: skip
BY_CHANNEL = ("optimistic(1)", "phased(optimistic(1), 0.05)", "phased(optimistic(1), 0.1)",
              "phased(optimistic(1), 0.3)")  # fmt: skip
CAUTIOUS = "cautious(posterior-mean, 0.5)"
OF_TOTAL = (CAUTIOUS, f"phased({CAUTIOUS}, 0.1)", f"phased({CAUTIOUS}, 0.3)")
DESIGNS = {
    "hardly varied, 30 %": (totals.Design(weeks=52, noise=0.03, varied=0.1), 0.3),
    "varied, no change limit": (totals.Design(weeks=52, noise=0.03), None),
}
AHEAD = 26


def by_channel(seeds: int) -> None:
    """Print the markets with outcomes by channel, at the fast resolution."""
    for cell in (*regret.MAIN, *regret.STRESS):
        if cell.name in CELLS:
            names = tuple(f"{name}, fast" for name in BY_CHANNEL)
            lines = regret.compare(cell, names, seeds, 7, 5000.0)
            shares, harms = [one.shares for one in lines], [one.harm for one in lines]
            print_rows(cell.name, BY_CHANNEL, shares, harms)


def of_total(design: totals.Design, change: float | None, seed: int) -> tuple[Floats, Floats]:
    """Return shares of the clairvoyant and harm weeks of each policy, in percent."""
    weeks = design.weeks or 0
    case = totals.case_of(replace(design, weeks=weeks + AHEAD), seed)
    base, past = case.total - case.brought.sum(axis=1), case.spend[:weeks].copy()
    mean = past[-1] = past.mean(axis=0).round(2)
    names = case.history.channels
    channels = [
        bo.Channel(name, floor=round(0.1 * money, 2), cap=round(3 * money, 2))
        for name, money in zip(names, mean.tolist(), strict=True)
    ]
    limit = "none" if change is None else f"{change:.0%}"
    budget = round(float(mean.sum()), 2)
    plan = bo.Plan(budget=budget, currency="CNY", channels=channels, max_change=limit)

    def brought(spend: Floats) -> Floats:
        return np.asarray(totals.carried(spend, case.carry, case.curve)).sum(axis=1)

    best = past
    for _ in range(AHEAD):
        near = np.inf if change is None else change
        lower = np.maximum(0.1 * mean, (1 - min(near, 1.0)) * best[-1])
        upper = np.minimum(3 * mean, (1 + near) * best[-1])
        best = np.vstack([best, waterfill(case.curve, lower, upper, np.array(budget)).spend])
    most = brought(best)[weeks:].sum()
    hold = brought(np.vstack([past, np.tile(mean, (AHEAD, 1))]))[weeks:]
    shares, harms = [], []
    for name in OF_TOTAL:
        spend = past
        for _ in range(AHEAD):
            outcome = np.maximum(base[: len(spend)] + brought(spend), 0.0).round(2)
            days = totals.FIRST + 7 * np.arange(len(spend))
            history = bo.History(names, days, spend.round(2), total=outcome)
            belief = bo.learn(history, plan, settings=Settings.fast())
            found = bo.reallocate(
                plan, history, policy=policy_named(name), belief=belief, guardrails=None
            )
            money = [float(one) for one in found.allocation.spend.values()]
            spend = np.vstack([spend, money])
        mine = brought(spend)[weeks:]
        shares.append(100 * mine.sum() / most)
        harms.append(100 * float(np.mean(mine < 0.98 * hold)))
    return np.array(shares), np.array(harms)


def print_rows(
    market: str, names: Sequence[str], shares: Sequence[Floats], harms: Sequence[float]
) -> None:
    """Print a market's lines: share, its difference to the first policy's, and harm weeks."""
    for name, share, harm in zip(names, shares, harms, strict=True):
        away = share - shares[0]
        half = 1.96 * away.std(ddof=1) / np.sqrt(away.size)
        print(f"| {market} | {name} | {share.mean():.2f} | {away.mean():+.3f} ± {half:.3f} | "
              f"{share.min():.1f} | {harm:.2f} |", flush=True)  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--total", action="store_true")
    parser.add_argument("--seeds", type=int, default=64)
    given = parser.parse_args()
    print("| market | policy | share % | less the first | worst | harm weeks % |")
    print("|---|---|---:|---:|---:|---:|")
    if not given.total:
        by_channel(given.seeds)
        return
    for market, (design, change) in DESIGNS.items():
        found = [of_total(design, change, seed) for seed in range(given.seeds)]
        shares, harms = (np.array(part).T for part in zip(*found, strict=True))
        print_rows(market, OF_TOTAL, list(shares), harms.mean(axis=1).tolist())


if __name__ == "__main__":
    main()
