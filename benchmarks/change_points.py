"""How soon a response that changes for good is believed, and how soon it can be.

    OMP_NUM_THREADS=1 python benchmarks/change_points.py            # some 25 minutes
    OMP_NUM_THREADS=1 python benchmarks/change_points.py --fast --seeds 2

Of 12 channels with 26 usual weeks and some 500 outcomes a week each, one brings a factor of what
it brought from then on. Three weeks later, how often is it within a quarter of the new response
(of the old one where nothing is left)? The columns:

- `mean`, `median`, `own best`: what `learn` believes, by its mean, the middle of its band, and by
  the estimate that its own quantiles think likeliest within a quarter;
- `all paths`: the exact posterior over all 64 ways in which the three weeks may have been usual,
  odd, or changed for good, of somebody who is told the curve, the old response and the noise, by
  its median; `best` by the estimate that its own posterior thinks likeliest within a quarter;
- `date known`: of somebody who is told the week of the change as well, by the best estimate;
- `bound`: the same in closed form. The mean of three logarithms has the standard deviation
  :math:`s = \\sqrt{(\\sigma^2 + 1/n)/3}` with noise :math:`\\sigma` and ``n`` outcomes a week, and
  an estimate is right where the truth lies between its 1/1.25 and its 1/0.75 fold: of all that
  know no factor beforehand none is right more often than :math:`2\\Phi(\\ln(1.25/0.75)/2s) - 1`.

So three weeks of a noise of 0.3 or 0.4 do not tell a response to a quarter nine times in ten, not
even where all else is known.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import ndtr

import budgetopt as bo
from budgetopt.belief import Settings

NAMES = tuple(f"channel {n}" for n in range(1, 13))
BEFORE, AFTER, EVENTS = 26, 3, 500
FACTORS, NOISES = (0.0, 0.1, 0.3, 0.5, 2.0, 3.0), (0.1, 0.2, 0.3, 0.4)
LOW, HIGH = np.log(0.75), np.log(1.25)
"""Where an estimate lies that is within a quarter, as a logarithm."""
COLUMNS = ("mean", "median", "own best", "all paths", "best", "date known", "bound")


def company(noise: float, seed: int) -> tuple[Any, ...]:
    """Return draws, usual spends, true responses to them, spends, curves there and noise."""
    rng = np.random.default_rng([seed, round(100 * noise)])
    half, shape = 1000 * rng.lognormal(0, 0.7, 12), rng.uniform(0.6, 1.0, 12)
    usual = 1000 * rng.lognormal(0, 0.5, 12)
    true = EVENTS * rng.lognormal(0, 0.3, 12)
    spend = usual * rng.lognormal(0, 0.2, (BEFORE + AFTER, 12))
    brought = true * (1 + (half / usual) ** shape) / (1 + (half / spend) ** shape)
    return rng, usual, true, spend, brought, rng.lognormal(-(noise**2) / 2, noise, spend.shape)


def learned(spend: Any, outcome: Any, settings: Settings, earlier: Any = None) -> bo.Belief:
    """Return what is believed after some weeks, from the first on or after earlier ones."""
    plan = bo.Plan(budget=12_000, currency="CNY", outcome_unit=1,
                   channels=[bo.Channel(name) for name in NAMES])  # fmt: skip
    first = 0 if earlier is None else BEFORE
    days = np.datetime64("2024-01-01") + 7 * np.arange(first, first + len(spend))
    history = bo.History(NAMES, days, spend, outcome=outcome)
    return earlier.updated(history) if earlier else bo.learn(history, plan, settings=settings)


def cases(
    factor: float, noise: float, seed: int, channels: range, settings: Settings
) -> Iterator[tuple[float, ...]]:
    """Yield estimates of the new response as multiples of the old one, as `COLUMNS` without bound.

    What is zero or below the least that matters comes as it is.
    """
    rng, usual, true, spend, brought, odd = company(noise, seed)
    base = learned(spend[:BEFORE], rng.poisson((brought * odd)[:BEFORE]).astype(float), settings)
    for channel in channels:
        changed = (brought * odd)[BEFORE:].copy()
        changed[:, channel] *= factor
        outcome = rng.poisson(changed).astype(float)
        belief = learned(spend[BEFORE:], outcome, settings, base)
        mine = [one / true[channel] for one in estimates(belief, usual, channel)]
        seen = np.log((outcome[:, channel] + 0.5) / brought[BEFORE:, channel]) + noise**2 / 2
        counting = 1.0 / (outcome[:, channel] + 0.5)
        told = all_paths(seen, noise**2 + counting, settings)
        yield *mine, *told, float(np.exp(seen.mean() + (LOW + HIGH) / 2))


def all_paths(seen: Any, variance: Any, settings: Settings) -> tuple[float, float]:
    r"""Return the exact posterior's median and the estimate it thinks likeliest within a quarter.

    The log response is 0 until the first week; in each week it may jump or break for good by a
    normal, or the week may be odd by itself. Given a path all is normal, so each of the
    :math:`4^3` is one Kalman filter, and the posterior is their mixture.
    """
    known = settings
    ways = (
        (1 - known.jump_chance - known.outlier_chance - known.break_chance, 0.0, 0.0),
        (known.jump_chance, known.jump_sd**2, 0.0),
        (known.break_chance, known.outlier_sd**2, 0.0),
        (known.outlier_chance, 0.0, known.outlier_sd**2),
    )
    paths = np.array(list(itertools.product(range(len(ways)), repeat=len(seen))))
    chance, level, week = np.array(ways).T[:, paths]
    mean, spread, likely = np.zeros((3, len(paths)))
    for at, (one, noise) in enumerate(zip(seen, variance, strict=True)):
        spread = spread + level[:, at]
        total = spread + noise + week[:, at]
        likely += np.log(chance[:, at]) - 0.5 * (np.log(total) + (one - mean) ** 2 / total)
        gain = spread / total
        mean, spread = mean + gain * (one - mean), spread * (1 - gain)
    weight = np.exp(likely - likely.max())
    weight /= weight.sum()
    sd = np.sqrt(np.maximum(spread, 1e-12))
    grid = np.linspace(-8.0, 2.0, 4001)
    below = weight @ ndtr((grid - mean[:, None]) / sd[:, None])
    return float(np.exp(np.interp(0.5, below, grid))), float(np.exp(likeliest(grid, below)))


def likeliest(grid: Any, below: Any) -> float:
    """Return the logarithm around which most of a distribution lies within a quarter."""
    inside = np.interp(grid - LOW, grid, below) - np.interp(grid - HIGH, grid, below)
    return float(grid[inside.argmax()])


def estimates(belief: bo.Belief, usual: Any, channel: int) -> tuple[float, float, float]:
    """Return what is believed of a channel at its usual spend: mean, median and own best."""
    levels = np.array([0.001, 0.2, 0.4, 0.6, 0.75, 0.87, 0.95])
    bands = [belief.response(usual, level) for level in levels]
    low, high = (np.array([getattr(b, end)[channel] for b in bands]) for end in ("low", "high"))
    places = np.log(np.maximum(np.concatenate([low[::-1], high]), 1e-300))
    chances = np.concatenate([(1 - levels[::-1]) / 2, (1 + levels) / 2])
    grid = np.linspace(places[0], places[-1], 2001)
    best = likeliest(grid, np.interp(grid, places, chances, left=0.0, right=1.0))
    return bands[0].mean[channel], high[0], float(np.exp(best))


def bound(factor: float, noise: float) -> float:
    """Return how often the best estimate is right where the week is known."""
    if factor == 0:
        return 1.0
    sd = np.sqrt((noise**2 + 1.0 / (EVENTS * factor)) / AFTER)
    return float(2 * ndtr((HIGH - LOW) / 2 / sd) - 1)


def main() -> None:
    """Print how many in a hundred are right, by factor and noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="learn at the fast resolution")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--step", type=int, default=3, help="every so many channels one changes")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS)
    given = parser.parse_args()
    settings = Settings.fast() if given.fast else Settings()
    channels = range(0, 12, given.step)
    each = given.seeds * len(channels)
    print(f"right within a quarter three weeks later, in 100 of {each} changes a row")
    print(f"{'factor':>8}{'noise':>7}" + "".join(f"{name:>12}" for name in COLUMNS), flush=True)
    falls = []
    for factor in given.factors:
        for noise in NOISES:
            seeds = range(given.first, given.first + given.seeds)
            rows = [row for s in seeds for row in cases(factor, noise, s, channels, settings)]
            near = np.abs(np.array(rows) - factor) <= 0.25 * (factor or 1.0)
            shares = [*near.mean(axis=0), bound(factor, noise)]
            falls += [shares] if factor <= 0.3 else []
            print(f"{factor:8}{noise:7}" + "".join(f"{100 * one:12.1f}" for one in shares),
                  flush=True)  # fmt: skip
    print(
        f"{'to 0.3 and less':15}" + "".join(f"{100 * one:12.1f}" for one in np.mean(falls, axis=0))
    )


if __name__ == "__main__":
    main()
