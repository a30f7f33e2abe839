"""Jumps against outliers, one week later: by hand, by integration and by what they must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from budgetopt.belief import Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.learning import jumped

from .helpers import simulated

KNOWN = Settings()


def looked(first, second, level=0.01, noise=0.04, moved=0.0, settings=KNOWN):
    """Return the chance of a jump in the first of two weeks of one channel."""
    miss = np.array([[first], [second]])
    flat = np.ones_like(miss)
    return jumped(miss, moved * np.array([[1.0], [0.0]]), level * flat, noise * flat, settings)[
        0, 0
    ]


@pytest.mark.parametrize(("first", "second"), [(0.0, 0.0), (-1.0, -0.9), (-1.0, 0.1), (2.0, 1.9)])
def test_bayes_rule_over_all_pairs_of_hypotheses(first, second):
    jump, odd = KNOWN.jump_sd**2, KNOWN.outlier_sd**2
    usual = 1 - KNOWN.jump_chance - KNOWN.outlier_chance
    weights = []
    for prior, extra, one in (
        (usual, 0, 0),
        (KNOWN.outlier_chance, 0, odd),
        (KNOWN.jump_chance, jump, 0),
        (KNOWN.break_chance, odd, 0),
    ):
        total = 0.0
        for share, two in ((1 - KNOWN.outlier_chance, 0.0), (KNOWN.outlier_chance, odd)):
            shared = 0.01 + extra
            matrix = [[shared + 0.04 + one, shared], [shared, shared + 0.04 + two]]
            total += share * multivariate_normal([0, 0], matrix).pdf([first, second])
        weights.append(prior * total)
    assert looked(first, second) == pytest.approx(sum(weights[2:]) / sum(weights), rel=1e-9)


def test_what_stays_is_a_jump_and_what_passes_is_not():
    assert looked(-1.2, -1.2) > 0.9
    assert looked(-1.2, 0.0) < 0.05
    assert looked(0.1, 0.0) < 0.02


def test_what_the_first_week_moved_is_counted():
    assert looked(-1.2, -0.4, moved=-0.8) == pytest.approx(looked(-1.2, -1.2), rel=1e-12)


def test_the_last_week_is_judged_alone():
    miss = np.array([[-1.2]])
    flat = np.full((1, 1), 0.02)
    alone = jumped(miss, 0 * miss, flat, flat, KNOWN)[0, 0]
    assert looked(-1.2, 0.0) < alone < looked(-1.2, -1.2)


def test_unseen_weeks_are_stepped_over():
    miss = np.array([[-1.2], [np.nan], [-1.2]])
    flat = np.where(np.isfinite(miss), 0.01, np.nan)
    chance = jumped(miss, 0 * miss, flat, 4 * flat, KNOWN)
    assert chance[0, 0] == pytest.approx(looked(-1.2, -1.2), rel=1e-12)
    assert np.isnan(chance[1, 0])


def test_no_jumps_where_there_can_be_none():
    none = Settings(jump_chance=0.0, break_chance=0.0)
    assert looked(-1.2, -1.2, settings=none) == 0.0


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(1e-4, 2), st.floats(1e-4, 2))
def test_a_chance_is_a_chance_and_has_no_sign(first, second, level, noise):
    chance = looked(first, second, level, noise)
    assert 0.0 <= chance <= 1.0
    assert chance == pytest.approx(looked(-first, -second, level, noise), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("factor", [3.0, 0.35])
def test_a_lasting_change_is_found_in_its_week_and_in_no_other_channel(factor):
    plan, past, _ = simulated(np.random.default_rng(3), weeks=40, channels=4)
    past.outcome[20:, 1] *= factor
    told = [row.change for row in learn(past, plan).summary()]
    assert np.datetime64(told[1].week) == past.weeks[20]
    assert [told[at] for at in (0, 2, 3)] == [None] * 3
