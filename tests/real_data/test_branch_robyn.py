"""180 published models, many with S-shaped channels, each solved with proof."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetopt.curves import Hill
from budgetopt.money import Currency
from budgetopt.optimize import Problem
from budgetopt.optimize.branch import explore
from budgetopt.plan import Bounds

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "robyn_models_2022"
WINDOW = slice(52, 145)


@pytest.fixture(scope="module")
def models():
    """Return for each model its five curves over weekly money, and its mean weekly spends."""
    if not FOLDER.exists():
        pytest.skip(f"{FOLDER} is not there: put the shared data folder beside the repository")
    rows = pd.read_csv(FOLDER / "pareto_media.csv")
    fits = pd.read_csv(FOLDER / "pareto_hyperparameters.csv").set_index("solID")
    weeks = pd.read_csv(FOLDER / "dt_simulated_weekly_2022.csv")
    return [_model(part, fits.loc[name], weeks) for name, part in rows.groupby("solID")]


def _model(part, fit, weeks):
    def parameter(name):
        return np.array([fit[f"{channel}_{name}"] for channel in part.rn], dtype=float)

    theta, gamma = parameter("thetas"), parameter("gammas")
    carried, last = [], 0.0
    for spends in weeks[list(part.rn)].to_numpy(dtype=float):
        last = spends + theta * last
        carried.append(last)
    seen = np.array(carried)[WINDOW]
    half = (1 - gamma) * seen.min(axis=0) + gamma * seen.max(axis=0)
    spend = part.mean_spend.to_numpy()
    return Hill(part.coef.to_numpy(dtype=float), half, parameter("alphas")), spend


def _problem(curves, spend):
    """Return the week of one model: its mean money, no channel above three times its own."""
    minor, rule = np.round(spend * 100).astype(np.int64), np.zeros(spend.size, dtype=np.int8)
    return Problem(
        names=tuple(map(str, range(spend.size))),
        money=Currency("EUR"),
        step=1,
        budget=int(minor.sum()),
        spend_all=False,
        bounds=Bounds(0 * minor, 3 * minor, rule, rule),
        curves=curves,
        weight=np.ones(spend.size),
        cost=np.zeros(spend.size),
        least_on=0 * minor,
        lots=0 * minor + 1,
        limits=(),
        last=None,
    )


def test_every_model_is_solved_with_proof(models):
    assert len(models) == 180
    shaped = 0
    for curves, spend in models:
        found = explore(_problem(curves, spend), gap=1e-9)
        shaped += not curves.concave
        assert found.gap <= 1e-9
        assert found.solved.spend.sum() <= spend.sum() + 0.05
        assert found.objective >= curves.value(spend).sum() * (1 - 1e-9)
    assert shaped > 100
