"""Many runs at once are as many beliefs."""

from __future__ import annotations

import numpy as np
import pytest

from budgetopt.belief import Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.stream import Stream

from .helpers import Plan, simulated


@pytest.mark.parametrize("weeks", [1, 8, 14])
def test_each_run_is_the_live_belief(weeks):
    """To rounding, with weeks that were not reported and channels without spend."""
    chosen = Settings.fast()
    pasts = [simulated(np.random.default_rng(seed), weeks=weeks, unit=40.0)[1] for seed in range(3)]
    if weeks > 5:
        pasts[0].outcome[5, 1] = np.nan
        pasts[1].spend[4, 2] = pasts[1].outcome[4, 2] = 0.0
    stream = Stream(3, 3, reference=1000.0, unit=40.0, settings=chosen)
    for at in range(weeks):
        stream.learn(*(np.stack([getattr(p, k)[at] for p in pasts]) for k in ("spend", "outcome")))
    weights = stream.posterior.mean().weights
    for run, past in enumerate(pasts):
        belief = learn(past, Plan(past.channels, 3000.0, 40.0), settings=chosen)
        np.testing.assert_allclose(weights[run], belief.mean().weights, rtol=1e-9)


def test_runs_that_saw_nothing_keep_their_prior():
    stream = Stream(2, 2, reference=100.0, unit=1.0, roas=4.0)
    nothing = np.full((2, 2), np.nan)
    stream.learn(nothing, nothing)
    held = stream.posterior.response(100.0)
    np.testing.assert_allclose(held.mean, 400 * np.exp(0.5), rtol=1e-12)


@pytest.mark.parametrize("events", [3.0, 400.0], ids=["counts", "logarithms"])
def test_single_precision_moves_the_curves_by_millionths(events):
    """A year of weeks, with the curves and the amplitudes' second moments of doubles beside it."""
    rng = np.random.default_rng(5)
    spend = rng.lognormal(np.log(1000.0), 0.5, (52, 40, 6))
    level = events * np.exp(np.cumsum(rng.normal(0, 0.05, spend.shape), axis=0))
    outcome = rng.poisson(
        level * (1 - np.exp(-spend / 1000.0)) * rng.lognormal(0, 0.2, spend.shape)
    )
    money = np.linspace(100.0, 4000.0, 7)[:, None, None]
    kept = []
    for dtype in (np.float64, np.float32):
        stream = Stream(6, 40, reference=1000.0, unit=1.0, settings=Settings.fast(), dtype=dtype)
        for week in zip(spend, outcome.astype(float), strict=True):
            stream.learn(*week)
        held = stream.posterior
        kept.append((held.mean().value(money), *held.gain(500.0, 1500.0)))
    for double, single in zip(*kept, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4)
    np.testing.assert_allclose(kept[1][0], kept[0][0], rtol=2e-5)
