"""A cell that a slipped point or a pasted column made: it is named, and usual weeks are not."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import out_of_scale

NAMES = ("a", "b")
DAYS = np.datetime64("2025-01-06") + 7 * np.arange(52)
PLAN = bo.Plan(budget=200, currency="CNY", outcome_unit=1, channels=[bo.Channel(n) for n in NAMES])


def weeks(seed=3, spread=0.4):
    rng = np.random.default_rng(seed)
    spend = np.round(100 * rng.lognormal(0, spread, (52, 2)), 2)
    return spend, np.round(40 * np.sqrt(spend))


@pytest.mark.parametrize("field", ["spend", "outcome"])
def test_a_cell_a_thousand_times_its_usual_is_named_wherever_it_stands(field):
    spend, outcome = weeks()
    {"spend": spend, "outcome": outcome}[field][7, 1] *= 1000
    history = bo.History(NAMES, DAYS, spend, outcome=outcome)
    (note,) = out_of_scale(history, NAMES)
    assert note.code == "cell-out-of-scale"
    assert "2025-02-24" in note
    assert f"{field} of 'b'" in note
    belief = bo.learn(history, PLAN, settings=bo.Settings.fast())
    assert belief.notes[0] == note
    assert note in bo.reallocate(PLAN, history, belief=belief).notes


def test_a_total_that_is_out_of_scale_is_named():
    spend, outcome = weeks()
    total = outcome.sum(axis=1)
    total[20] *= 100
    (note,) = out_of_scale(bo.History(NAMES, DAYS, spend, total=total), NAMES)
    assert "total outcome" in note


def test_promotions_and_wide_weeks_are_no_slip():
    named = 0
    for seed in range(60):
        spend, outcome = weeks(seed, 1.0)
        spend[45] *= 5
        named += len(out_of_scale(bo.History(NAMES, DAYS, spend, outcome=outcome), NAMES))
    assert named <= 2
    few = bo.History(NAMES, DAYS[:3], np.array([[1.0, 1], [1, 1], [900, 1]]), np.ones((3, 2)))
    assert not out_of_scale(few, NAMES)
