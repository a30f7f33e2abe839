"""All published responses of 180 fitted models follow from `Hill` and a geometric carryover."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetopt.curves import Hill

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "robyn_models_2022"
WINDOW = slice(52, 145)


@pytest.fixture(scope="module")
def models():
    """Return the published rows with the parameters of their curves."""
    if not FOLDER.exists():
        pytest.skip(f"{FOLDER} is not there: put the shared data folder beside the repository")
    rows = pd.read_csv(FOLDER / "pareto_media.csv")
    fits = pd.read_csv(FOLDER / "pareto_hyperparameters.csv").set_index("solID")
    weeks = pd.read_csv(FOLDER / "dt_simulated_weekly_2022.csv")

    def parameter(name):
        cells = zip(rows.solID, rows.rn, strict=True)
        return np.array([fits.loc[model, f"{channel}_{name}"] for model, channel in cells])

    theta, gamma = parameter("thetas"), parameter("gammas")
    carried = np.zeros((len(weeks), len(rows)))
    last = np.zeros(len(rows))
    for week, spends in enumerate(weeks[rows.rn].to_numpy(dtype=float)):
        carried[week] = last = spends + theta * last
    seen = carried[WINDOW]
    half = (1 - gamma) * seen.min(axis=0) + gamma * seen.max(axis=0)
    return rows, Hill(rows.coef.to_numpy(), half, parameter("alphas"))


def test_all_published_responses(models):
    rows, curve = models
    assert len(rows) == 900
    found = curve.value(rows.mean_spend.to_numpy())
    assert found == pytest.approx(rows.mean_response.to_numpy(), rel=1e-12, abs=0)


def test_the_response_of_the_next_unit(models):
    rows, curve = models
    spend = rows.mean_spend.to_numpy()
    published = rows.next_unit_response.to_numpy()
    # A difference of two responses: as good as their last digits.
    doubt = 1e-15 * rows.mean_response.to_numpy()
    assert np.all(np.abs(curve.value(spend + 1) - curve.value(spend) - published) <= 8 * doubt)
    slope = curve.slope(spend + 0.5)
    assert np.all(np.abs(slope - published) <= 1e-6 * published + 8 * doubt)


def test_slopes_are_undone_on_the_falling_branch(models):
    rows, curve = models
    assert not curve.concave
    spend = rows.mean_spend.to_numpy()
    works = (rows.coef > 0).to_numpy() & (spend > 1.01 * curve.inflection)
    found = curve.spend_at_slope(curve.slope(spend))
    assert found[works] == pytest.approx(spend[works], rel=1e-9)
    assert np.all(found[(rows.coef == 0).to_numpy()] == 0)
