"""One total learned from data that was not made here: known truths, and a year forecast."""

import numpy as np
import pytest

import budgetopt as bo

from .test_real_data import DATA, HERE, SETS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets at {DATA}"),
]
QUARTER = 13


def loaded(name):
    plan = bo.Plan.load(HERE / f"{name}.toml")
    start = {"week_start": "saturday"} if name == "pymc_roas" else {}
    return plan, bo.History.read(DATA / SETS[name], plan.columns, channels=plan.names, **start)


def test_truths_of_a_simulated_market_lie_in_their_bands():
    """Of `mmm_example` the generator is known: adstock, logistic curves and effects."""
    plan, history = loaded("pymc_mmm")
    belief = bo.learn(history, plan)
    money, scale = belief.usual_spend, 1000 * np.array([3.0, 2.0])
    brought = scale * np.tanh(np.array([4.0, 3.0]) * money / 2)
    slope = scale * np.array([2.0, 1.5]) / np.cosh(np.array([4.0, 3.0]) * money / 2) ** 2
    for band, truth in (
        (belief.response(money, 0.9), brought),
        (belief.marginal(money, 0.9), slope),
    ):
        assert np.all((band.low <= truth) & (truth <= band.high))
    # Both events stand in the data as columns that nobody declared here.
    assert {str(day) for day, _ in belief.fit.odd} == {"2019-05-13", "2020-09-14"}


def test_a_year_by_quarter_is_covered_as_stated():
    """Four quarters of four sets, each forecast from the weeks before it."""
    inside, weeks = dict.fromkeys((0.8, 0.9), 0), 0
    for name in SETS:
        plan, history = loaded(name)
        for left in range(4):
            end = history.weeks[-1] + np.timedelta64(7 * (1 - QUARTER * left), "D")
            belief = bo.learn(history.until(end.astype("datetime64[D]").item()), plan)
            for level in inside:
                inside[level] += belief.held_out(level).inside
            weeks += QUARTER
    assert weeks == 208
    assert 0.72 <= inside[0.8] / weeks <= 0.88, inside
    assert 0.83 <= inside[0.9] / weeks <= 0.96, inside
