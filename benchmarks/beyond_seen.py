"""Whether the range printed for a chosen split holds what it truly brings, also beyond the seen.

    OMP_NUM_THREADS=1 python benchmarks/beyond_seen.py [SHOPS] [FIRST]

Shops have six channels, true curves of one family (exponential, concave Hill, power, S-shaped Hill)
and 42 weeks whose spends vary by 30 % around usual ones. The best split of half to three times the
usual budget is promised with its range, free and within floors and caps of half to one and a half
times each channel's usual share; the truth should lie in the 80 and 90 % ranges in 75 to 88 and 86
to 95 % of shops. "Alone" are the same draws without the doubt beyond what was seen.
"""

import sys

import numpy as np

import budgetopt as bo
from budgetopt.optimize import best_of_runs, draws_of

KINDS, TIMES = ("exponential", "hill", "power", "s-shaped"), (0.5, 1.0, 2.0, 3.0)
CHANNELS, WEEKS, NOISE, EVENT = 6, 42, 0.2, 30.0


def truth(kind, rng):
    """Return usual spends and the true outcome at any spends."""
    usual = 1000 * CHANNELS * rng.dirichlet(np.full(CHANNELS, 4.0))
    half = usual * np.exp(0.7 * rng.standard_normal(CHANNELS))
    roas = 3 * np.exp(0.4 * rng.standard_normal(CHANNELS))
    least, most = {"hill": (0.6, 1.0), "power": (0.3, 0.8)}.get(kind, (1.3, 2.5))
    shape = rng.uniform(least, most, CHANNELS)

    def rise(x):
        if kind == "exponential":
            return -np.expm1(-np.log(2) * x / half)
        return x**shape if kind == "power" else x**shape / (half**shape + x**shape)

    top = roas * usual / rise(usual)
    return usual, lambda x: top * rise(x)


def ranks(seed):
    """Return by budget and limits: rank among the draws alone and as printed, and the miss."""
    rng = np.random.default_rng(seed)
    usual, brings = truth(KINDS[seed % len(KINDS)], rng)
    spend = np.round(usual * np.exp(0.3 * rng.standard_normal((WEEKS, CHANNELS))), 2)
    level = brings(spend) * np.exp(NOISE * rng.standard_normal(spend.shape) - NOISE**2 / 2)
    outcome = EVENT * rng.poisson(level / EVENT)
    names = tuple(f"channel {at}" for at in range(CHANNELS))
    days = np.datetime64("2026-01-05") + 7 * np.arange(WEEKS)
    budget = round(float(spend.sum(axis=1).mean()), 2)
    channels = [bo.Channel(name) for name in names]
    plan = bo.Plan(budget=budget, currency="CNY", outcome_unit=EVENT, channels=channels)
    belief = bo.learn(bo.History(names, days, spend, outcome=outcome), plan)
    mean, drawn = belief.mean(), draws_of(plan, belief, 1000, 0)
    found = []
    for times in TIMES:
        for low, high in ((0.0, np.inf), (0.5, 1.5)):
            money = times * budget
            share = money * usual / usual.sum()
            ends = low * share, np.minimum(high * share, money)
            split = best_of_runs(mean, *ends, money, gap=1e-4).spend
            true, said = brings(split).sum(), mean.value(split).sum()
            below = [np.mean(d.value(split).sum(axis=1) < true) for d in (drawn.curves, drawn)]
            found.append((*below, said / true - 1))
    return found


def main(shops, first):
    table = np.array([ranks(seed) for seed in range(first, first + shops)])
    away, miss = np.abs(table[..., :2] - 0.5), table[..., 2]
    print(f"{shops} shops")
    print(
        "| budget | limits | in 80 % | in 90 % | alone, 80 % | 90 % | promise, mean % | median % |"
    )
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for row in range(table.shape[1]):
        held = [
            f"{100 * np.mean(away[:, row, which] <= end):.0f}"
            for which in (1, 0)
            for end in (0.4, 0.45)
        ]
        off = f"{100 * miss[:, row].mean():+.1f} | {100 * np.median(miss[:, row]):+.1f}"
        bound = "half to 1.5 shares" if row % 2 else "none"
        print(f"| {TIMES[row // 2]:g} | {bound} | {' | '.join(held)} | {off} |")


if __name__ == "__main__":
    main(*(int(each) for each in (*sys.argv[1:], *("200", "0")[len(sys.argv) - 1 :])))
