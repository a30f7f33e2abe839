r"""What one total can tell at best: decisions where only effects and baseline are unknown.

    OMP_NUM_THREADS=1 python benchmarks/one_total_bound.py            # every design, 10 seeds

The markets of `one_total`, where the learner is told what nobody knows: every channel's shape and
carryover, and all events and controls. What is left is a linear model

.. math:: y_t = Z_t\gamma + \sum_i b_i F_{ti} + e_t, \qquad e_t = \rho e_{t-1} + \epsilon_t,
    \quad \epsilon_t \sim N(0, \sigma^2), \quad b_i \sim N^+(\tau s_i, \tau^2 s_i^2)

with the true features ``F`` of mean 1, the share :math:`s_i` of the money and media of 5 to 75 % of
the total, drawn jointly by Gibbs sampling: effects one by one with the baseline integrated out,
all of them and their scale together, then baseline, persistence, noise, and scales of season and
trend. The decision is the best split by the mean curves, which earns most on average of all
decisions that the totals allow. What `one_total` lacks of that is what better learning could win.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import one_total as markets
from scipy.special import log_ndtr, ndtri_exp

import budgetopt as bo
from budgetopt.arrays import Floats
from budgetopt.belief.regression import Baseline, baseline
from budgetopt.curves import Hill

SWEEPS, BURN = 900, 200
LOG_SCALE = np.linspace(np.log(0.05), np.log(0.75), 61)
PERSISTENCE = np.linspace(0.0, 0.9, 46)
SEASON, TREND = np.geomspace(0.01, 0.4, 25), np.geomspace(0.005, 0.3, 25)


def picked(log_weight: Floats, rng: np.random.Generator) -> int:
    """Return a place with chances proportional to the exponentials."""
    rising = np.cumsum(np.exp(log_weight - log_weight.max()))
    return int(np.searchsorted(rising, rng.random() * rising[-1]))


def effects(outcome: Floats, base: Baseline, features: Floats, share: Floats, seed: int) -> Floats:
    """Return the posterior means of the effects; outcomes are in mean outcomes."""
    rng = np.random.default_rng(seed)
    plain = base.columns.shape[1]
    every = np.column_stack([base.columns, features, outcome - base.columns @ base.mean])
    tau, season, trend, persistence, noise = 0.3, 0.08, 0.04, 0.0, 0.01
    effect, total = tau * share, np.zeros(len(share))
    for sweep in range(SWEEPS):
        first = np.sqrt(1 - persistence**2) * every[:1]
        rows = np.vstack([first, every[1:] - persistence * every[:-1]]) / np.sqrt(noise)
        gram = rows.T @ rows
        inner = gram[:plain, :plain] + np.diag(1 / base.variance(season, trend))
        cross = gram[:plain, plain:]
        left = gram[plain:, plain:] - cross.T @ np.linalg.solve(inner, cross)
        power, pull = left[:-1, :-1], left[:-1, -1]
        for at, usual in enumerate(tau * share):
            precision = power[at, at] + usual**-2
            middle = pull[at] - power[at] @ effect + power[at, at] * effect[at] + 1 / usual
            middle, sd = middle / precision, precision**-0.5
            tail = np.log1p(-rng.random()) + log_ndtr(middle / sd)
            effect[at] = max(middle - sd * ndtri_exp(tail), 1e-12)
        times = np.exp(LOG_SCALE) / tau
        fit = times * (pull @ effect) - 0.5 * times**2 * (effect @ power @ effect)
        moved = times[picked(fit, rng)]
        tau, effect = tau * moved, effect * moved
        sds = np.exp(LOG_SCALE)[:, None] * share
        log_prior = -0.5 * np.square(effect / sds - 1) - np.log(sds)
        tau = float(np.exp(LOG_SCALE[picked(log_prior.sum(axis=1), rng)]))
        root = np.linalg.cholesky(inner)
        level = np.linalg.solve(inner, cross[:, -1] - cross[:, :-1] @ effect)
        level += np.linalg.solve(root.T, rng.standard_normal(plain))
        scaled = np.square(level / base.sd)
        for kind, grid in ((base.season, SEASON), (base.trend, TREND)):
            log_like = -0.5 * scaled[kind].sum() / grid**2 - kind.sum() * np.log(grid)
            chosen = float(grid[picked(log_like, rng)])
            season, trend = (chosen, trend) if kind is base.season else (season, chosen)
        miss = every[:, -1] - every[:, :plain] @ level - features @ effect
        square = np.square(miss[1:] - PERSISTENCE[:, None] * miss[:-1]).sum(axis=1)
        square += (1 - PERSISTENCE**2) * miss[0] ** 2
        at = picked(-0.5 * square / noise + 0.5 * np.log1p(-(PERSISTENCE**2)), rng)
        persistence = float(PERSISTENCE[at])
        noise = float(0.5 * square[at] / rng.gamma(0.5 * len(miss)))
        if sweep >= BURN:
            total += effect / (SWEEPS - BURN)
    return total


def score(design: markets.Design, seed: int) -> list[tuple[float, float, float]]:
    """Return gain, best gain and median error, without limits and within 30 %."""
    case = markets.case_of(design, seed)
    weeks, size = np.asarray(case.history.weeks), float(case.total.mean())
    known = [
        np.isin(weeks, [np.datetime64(first) - 1 for first, _ in days])
        for days in case.events.values()
    ]
    known += [np.log(control) for control in case.controls.values()]
    base = baseline(weeks)
    if known:
        base = base.beside(np.stack(known, axis=1).astype(float), 0.5)
    share = case.spend.sum(axis=0) / case.spend.sum()
    mean = case.brought.mean(axis=0)
    found = effects(case.total / size, base, case.brought / mean, share, seed) * size
    curve = Hill(found / mean * case.curve.top, case.curve.half, case.curve.shape)
    told, true = (np.asarray(c.value(case.spend)).sum(axis=0) for c in (curve, case.curve))
    now = float(case.curve.value(case.spend.mean(axis=0)).sum())
    rows = []
    for near in (False, True):
        gain, best = (
            float(case.curve.value(np.array([*map(float, split.spend.values())])).sum()) / now - 1
            for split in (bo.allocate(markets.plan_of(case, near, c)) for c in (curve, case.curve))
        )
        rows.append((gain, best, float(np.median(np.abs(told / true - 1)))))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--designs", default=",".join(markets.DESIGNS))
    given = parser.parse_args()
    print("| design | error | free | lose | 30 % | lose |\n|---|---|---|---|---|---|")
    every: list[Any] = []
    for name in given.designs.split(","):
        found = [score(markets.DESIGNS[name], seed) for seed in range(given.seeds)]
        every += found
        for title, rows in ((name, found), ("**all**", every)):
            if title == name or name == given.designs.split(",")[-1]:
                gain, best, error = np.moveaxis(np.array(rows), 2, 0)
                cells = [f"{np.median(error[:, 0]):.0%}"]
                for near in (0, 1):
                    cells.append(f"{gain[:, near].mean() / best[:, near].mean():.0%}")
                    cells.append(f"{np.mean(gain[:, near] < -1e-6):.0%}")
                print("| " + " | ".join([title, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
