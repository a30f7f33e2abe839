"""How often outcomes fall inside the bands that were predicted for them one week ahead.

Run ``python benchmarks/calibration.py``; ``--fast`` for the fast resolution alone. Of each cell 25
simulated companies of 12 channels, 52 weeks each, are learned; the first eight weeks, which
centre the priors, are not counted. An 80 % band should hold 75 to 88 %, a 95 % one 92 to 98 %;
of some three events a week it holds more, since whole numbers cannot be cut finer.

The second table is about curves: where true responses at 0.5, 1 and 1.5 times the mean spend lie.
The truths are the Hill curves and carryovers of published models (`robyn_models_2022`), with the
spends that they were fitted to; 90 % of them should lie in the 90 % band.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.curves import Carryover
from budgetopt.market import Demand, Drift, Market, Noise, Prior, Tracking

RUNS, CHANNELS, WEEKS, FIRST, SEED = 25, 12, 52, 8, 7
NAMES = tuple(f"channel {n}" for n in range(1, CHANNELS + 1))


def _prior(**change: Any) -> Prior:
    """Return where the truth is drawn from: some 30 events a week at the equal share."""
    return Prior(channels=CHANNELS, equal_share=1000.0, **change)


CELLS: dict[str, dict[str, Any]] = {
    "stationary": {},
    "drift with shock": {"drift": Drift(sd=0.04, shock_share=0.25, shock_sd=0.3, shock_mean=-0.3)},
    "double noise": {"noise": Noise.both(0.4)},
    "power-law truth": {"curves": _prior(kinds=("power",))},
    "3 % tracking outages": {"tracking": Tracking(chance=0.03, loss=0.9)},
    "no spend variation": {},
    "common demand wave": {"demand": Demand(amplitude=0.3, period=26)},
    "ten conversions": {"curves": _prior(slope=0.01)},
    "three conversions": {"curves": _prior(slope=0.003)},
}
MODELS = Path(__file__).parents[2] / "shared" / "data" / "robyn_models_2022"
WINDOW = slice(52, 145)
"""The weeks that the models were fitted to."""


def simulated(cell: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spends and reported outcomes of a cell, shape ``(runs, weeks, channels)``."""
    usual = {"curves": _prior(), "noise": Noise.both(0.2)}
    market = Market(channels=NAMES, **(usual | CELLS[cell]))
    rng = np.random.default_rng(seed)
    level = 1000 * rng.lognormal(0, 0.5, (RUNS, 1, CHANNELS))
    spend = level * rng.lognormal(0, 0.3, (RUNS, WEEKS, CHANNELS))
    if cell == "no spend variation":
        spend = level * np.ones_like(spend)
    state, told = market.begin(), []
    for at, week in enumerate(market.weather(WEEKS, RUNS, seed)):
        state, outcome = market.step(state, spend[:, at], week)
        told.append(outcome.reported)
    return spend, np.stack(told, axis=1)


def ranks(cell: str, settings: Settings, seed: int = SEED) -> np.ndarray:
    """Return the share of each prediction that lay below its outcome."""
    plan = bo.Plan(budget=1000 * CHANNELS, currency="CNY", outcome_unit=1,
                   channels=[bo.Channel(name) for name in NAMES])  # fmt: skip
    days = np.datetime64("2024-01-01") + 7 * np.arange(WEEKS)
    found = []
    for spend, outcome in zip(*simulated(cell, seed), strict=True):
        belief = bo.learn(bo.History(NAMES, days, spend, outcome=outcome), plan, settings=settings)
        assert belief.walked is not None
        found.append(belief.walked.ranks[FIRST:])
    return np.stack(found)


def held(rank: np.ndarray, level: float) -> float:
    """Return the share of ranks inside a band."""
    return float(np.mean(np.abs(rank - 0.5) <= level / 2))


def recovered(models: int, settings: Settings, seed: int = SEED) -> np.ndarray:
    """Return whether each true response lies in its band, shape ``(channels, 3)``.

    Channels without any effect in their model have no curve to recover, and are left out.
    """
    rows = pd.read_csv(MODELS / "pareto_media.csv")
    fits = pd.read_csv(MODELS / "pareto_hyperparameters.csv").set_index("solID")
    weeks = pd.read_csv(MODELS / "dt_simulated_weekly_2022.csv")
    rng, inside = np.random.default_rng(seed), []
    chosen = rng.choice(rows.solID.unique(), models, replace=False)
    days = np.datetime64("2024-01-01") + 7 * np.arange(WINDOW.stop - WINDOW.start)
    for model in chosen:
        mine = rows[(rows.solID == model) & (rows.coef > 0)]
        names, fit = tuple(mine.rn), fits.loc[model]
        spend = weeks[list(names)].to_numpy(float)
        effect, curves = np.empty_like(spend), []
        for at, (name, coef) in enumerate(zip(names, mine.coef, strict=True)):
            theta = fit[f"{name}_thetas"]
            carried = Carryover("geometric", share=theta, length=WINDOW.start).effective(
                spend[:, at]
            )
            low, high = carried[WINDOW].min(), carried[WINDOW].max()
            gamma = fit[f"{name}_gammas"]
            half = (1 - gamma) * low + gamma * high
            curves.append(bo.Hill(coef, half, fit[f"{name}_alphas"]))
            effect[:, at] = curves[-1].value(carried)
        noise = rng.lognormal(-0.02, 0.2, effect.shape)
        spend, outcome = spend[WINDOW], (effect * noise)[WINDOW]
        mean = spend.mean(axis=0)
        plan = bo.Plan(budget=round(mean.sum()), currency="USD",
                       channels=[bo.Channel(name) for name in names])  # fmt: skip
        belief = bo.learn(bo.History(names, days, spend, outcome=outcome), plan, settings=settings)
        for factor in (0.5, 1.0, 1.5):
            band = belief.response(factor * mean, 0.9)
            true = np.array([c.value(factor * x) for c, x in zip(curves, mean, strict=True)])
            inside.append((band.low <= true) & (true <= band.high))
    return np.stack([np.concatenate(inside[at::3]) for at in range(3)], axis=1)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="the fast resolution alone")
    only_fast = parser.parse_args().fast
    kinds = {"fast": Settings.fast()} | ({} if only_fast else {"full": Settings()})
    print(f"{RUNS * CHANNELS} channel-histories a cell, {WEEKS} weeks, seed {SEED}")
    print(f"{'cell':22}{'resolution':>11}{'80 %':>8}{'95 %':>8}{'below':>8}{'above':>8}")
    for cell in CELLS:
        for kind, settings in kinds.items():
            rank = ranks(cell, settings)
            ends = np.mean(rank < 0.1), np.mean(rank > 0.9)
            shares = [held(rank, 0.8), held(rank, 0.95), *ends]
            print(f"{cell:22}{kind:>11}" + "".join(f"{share:8.1%}" for share in shares))
    if MODELS.exists():
        carryover = (0.0, 0.2, 0.4, 0.6, 0.8)
        inside = recovered(40, Settings(carryover=carryover))
        print(f"\n{len(inside)} channels of 40 published models, seed {SEED}, 90 % bands")
        for factor, share in zip((0.5, 1.0, 1.5), inside.mean(axis=0), strict=True):
            print(f"{factor:.1f} times the mean spend {share:8.1%}")


if __name__ == "__main__":
    main()
