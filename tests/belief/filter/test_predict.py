"""Ranks of outcomes in their predictions: against SciPy's distributions, and even on average."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import psi
from scipy.stats import kstest, nbinom, norm

from budgetopt.belief.filter.state import Hypothesis, gamma_shape
from budgetopt.belief.filter.update import Before, rank

USUAL = (Hypothesis(1.0, 0.0, 0.0),)
THREE = (Hypothesis(0.9, 0.0, 0.0), Hypothesis(0.06, 0.25, 0.0), Hypothesis(0.04, 0.0, 2.25))
CENTRE = np.array([[[0.0, 0.4, 1.0], [0.1, 0.5, 1.2]]])
TOTAL = np.array([[0.3, 0.6]])
CHANCE = np.array([[[0.2, 0.1, 0.3], [0.1, 0.1, 0.2]]])
BEFORE = Before(CENTRE, 0.5 * TOTAL, TOTAL)


def components():
    """Return chance, centre and variance of every part of the prediction."""
    for one in THREE:
        for j in range(2):
            for k in range(3):
                spread = TOTAL[0, j] + one.level + one.week
                yield one.chance * CHANCE[0, j, k], CENTRE[0, j, k], spread


@pytest.mark.parametrize("seen", [-3.0, 0.4, 2.0])
def test_rank_of_a_logarithm(seen):
    found = rank(BEFORE, CHANCE, THREE, np.array([seen]), np.array([0.05]), few=False)
    direct = sum(c * norm.cdf(seen, m, np.sqrt(v + 0.05)) for c, m, v in components())
    assert found[0] == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize("events", [0, 1, 2, 7])
@pytest.mark.parametrize("unit", [1.0, 0.2])
def test_rank_of_a_count(events, unit):
    found = rank(BEFORE, CHANCE, THREE, np.array([float(events)]), np.array([unit]), few=True)
    direct = together = 0.0
    # The cells of a nuisance count as one normal with their mean and variance.
    share = CHANCE[0].sum(axis=1)
    middle = (CHANCE[0] * CENTRE[0]).sum(axis=1) / share
    wide = (CHANCE[0] * CENTRE[0] ** 2).sum(axis=1) / share - middle**2
    for one in THREE:
        for j in range(2):
            shape = gamma_shape(np.array([TOTAL[0, j] + wide[j] + one.level + one.week]))[0]
            rate = np.exp(psi(shape) - middle[j]) * unit
            law = nbinom(shape, rate / (rate + 1))
            together += one.chance * share[j] * (law.cdf(events) - 0.5 * law.pmf(events))
    assert found[0] == pytest.approx(together, rel=1e-9)
    for chance, centre, variance in components():
        shape = gamma_shape(np.array([variance]))[0]
        # A gamma with the mean logarithm of the component, in events.
        rate = np.exp(psi(shape) - centre) * unit
        law = nbinom(shape, rate / (rate + 1))
        direct += chance * (law.cdf(events) - 0.5 * law.pmf(events))
    # Against every cell on its own.
    assert found[0] == pytest.approx(direct, abs=0.02)


def test_ranks_of_what_was_predicted_are_even():
    """Outcomes drawn from the prediction itself: Kolmogorov and Smirnov."""
    rng = np.random.default_rng(0)
    parts = np.array(list(components()))
    at = rng.choice(len(parts), 2000, p=parts[:, 0] / parts[:, 0].sum())
    seen = rng.normal(parts[at, 1], np.sqrt(parts[at, 2] + 0.05))
    rows = Before(*(np.repeat(part, 2000, axis=0) for part in BEFORE))
    found = rank(rows, np.repeat(CHANCE, 2000, axis=0), THREE, seen, np.full(2000, 0.05), few=False)
    assert kstest(found, "uniform").pvalue > 0.01


@given(
    st.floats(-50, 50), st.floats(1e-4, 5), st.floats(0, 1e6), st.booleans(), st.floats(1e-3, 1e3)
)
def test_ranks_lie_between_0_and_1(centre, variance, seen, few, scale):
    one = Before(np.array([[[centre]]]), np.array([[variance]]), np.array([[variance]]))
    given_ = seen if few else np.log(seen + 1e-3)
    found = rank(one, np.ones((1, 1, 1)), THREE, np.array([given_]), np.array([scale]), few=few)
    assert 0.0 <= found[0] <= 1.0


@given(st.integers(0, 60), st.floats(-2, 4), st.floats(0.01, 3))
def test_ranks_rise_with_the_outcome(events, centre, variance):
    one = Before(np.array([[[centre]]]), np.array([[variance]]), np.array([[variance]]))
    low, high = (
        rank(one, np.ones((1, 1, 1)), USUAL, np.array([float(n)]), np.ones(1), few=True)[0]
        for n in (events, events + 1)
    )
    assert low < high or low > 1 - 1e-12
