"""What priors of like accounts are worth to a new account, in paired draws of portfolios.

    OMP_NUM_THREADS=1 python benchmarks/pooling.py [--draws 100] [--weeks 4]

A draw is nine accounts with a year and a half of weeks and a new one with a few; six channels each,
exponential truths. In a *family* each channel's ROAS and saturation differ between accounts by a
factor of 1.3 (standard deviation 0.25 of the logarithm) around values that channels share; *unlike*
accounts have values of their own. The new account decides one week alone and with the pool, by its
expected curves; what either brings by the true curves is compared with the best split.
"""

from __future__ import annotations

import argparse

import numpy as np

import budgetopt as bo
from budgetopt.curves import Exponential
from budgetopt.portfolio import Account
from budgetopt.portfolio.pooled import lent, lesson_of, with_lent

CHANNELS, OTHERS, LONG = 6, 9, 78
FIRST = 1000
"""First seed; the rules were settled on those from 0 on."""
NAMES = tuple(f"channel {at}" for at in range(CHANNELS))


def portfolio(seed: int, weeks: int, *, alike: bool) -> tuple[list[Account], bo.Plan]:
    """Return the accounts, the new one first, and its plan with the true curves."""
    rng = np.random.default_rng([seed, 20])
    roas, half = rng.normal(1.0, 0.7, CHANNELS), rng.normal(0.0, 0.7, CHANNELS)
    accounts, truth = [], None
    for number in range(OTHERS + 1):
        count = LONG if number else weeks
        share = float(np.exp(rng.normal(6.0, 0.5)))
        spread = 0.25 if alike else 0.7
        own = [(roas if alike else 1.0) + rng.normal(0, spread, CHANNELS),
               (half if alike else 0.0) + rng.normal(0, spread, CHANNELS)]  # fmt: skip
        scale = share * np.exp(own[1]) / np.log(2)
        top = share * np.exp(own[0]) / -np.expm1(-share / scale)
        spend = np.round(share * rng.lognormal(0, 0.3, (count, CHANNELS)), 2)
        brought = top * -np.expm1(-spend / scale) * rng.lognormal(0, 0.2, spend.shape)
        days = np.datetime64("2026-01-05") - 7 * np.arange(count, 0, -1)
        channels = [bo.Channel(name) for name in NAMES]
        plan = bo.Plan(budget=round(share * CHANNELS), currency="CNY", channels=channels)
        past = bo.History(NAMES, days, spend, outcome=np.round(brought, 2))
        accounts.append(Account(f"account {number}", plan, past))
        if not number:
            curves = [Exponential(float(t), float(s)) for t, s in zip(top, scale, strict=True)]
            channels = [bo.Channel(n, curve=c) for n, c in zip(NAMES, curves, strict=True)]
            truth = bo.Plan(budget=plan.budget, currency="CNY", channels=channels)
    return accounts, truth


def split(plan: bo.Plan, past: bo.History, truth: bo.Plan) -> float:
    """Return what the best split by the expected curves brings by the true ones."""
    found = bo.allocate(plan, bo.learn(past, plan, carryovers=False))
    return float(sum(c.curve.value(float(found.spend[c.name])) for c in truth.channels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--weeks", type=int, default=4)
    args = parser.parse_args()
    for alike in (True, False):
        parts = []
        for seed in range(FIRST, FIRST + args.draws):
            accounts, truth = portfolio(seed, args.weeks, alike=alike)
            best = bo.allocate(truth).outcome
            lessons = [
                lesson_of(a.key, None, a.plan, bo.learn(a.history, a.plan, carryovers=False))
                for a in accounts
            ]
            new, priors = accounts[0], lent(lessons).get("account 0", {})
            plans = (new.plan, with_lent(new.plan, priors))
            parts.append([split(plan, new.history, truth) / best for plan in plans])
        alone, pooled = np.array(parts).T
        gain = 100 * (pooled - alone)
        error = gain.std(ddof=1) / np.sqrt(gain.size)
        print(f"{'family' if alike else 'unlike'}, {args.weeks} weeks, {args.draws} draws: "
              f"alone {alone.mean():.2%}, pooled {pooled.mean():.2%} of the best; gain "
              f"{gain.mean():+.2f} points, 95 % {gain.mean() - 1.96 * error:+.2f} to "
              f"{gain.mean() + 1.96 * error:+.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
