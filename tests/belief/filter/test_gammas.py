"""The gamma function's logarithm and derivatives, beside SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln, polygamma, psi

from budgetopt.belief.filter.state import Gammas, gamma_shape


@given(st.floats(1e-3, 1e6))
def test_each_is_scipys(x):
    found = Gammas(np.array([x]))
    near = {"rel": 1e-9, "abs": 1e-9}
    assert found.log[0] == pytest.approx(gammaln(x), **near)
    assert found.digamma[0] == pytest.approx(psi(x), **near)
    assert found.trigamma[0] == pytest.approx(polygamma(1, x), rel=1e-9)
    assert found.tetragamma[0] == pytest.approx(polygamma(2, x), rel=1e-8)


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_whole_numbers_by_hand(n):
    """The gamma function of n + 1 is n!, and digammas are harmonic numbers."""
    found = Gammas(np.array([n + 1.0]))
    assert np.exp(found.log[0]) == pytest.approx(np.prod(np.arange(1.0, n + 1)), rel=1e-9)
    harmonic = sum(1.0 / k for k in range(1, n + 1))
    assert found.digamma[0] == pytest.approx(harmonic - np.euler_gamma, abs=1e-9)


@given(st.floats(1e-4, 30.0))
def test_the_shape_has_the_variance(variance):
    shape = gamma_shape(np.array([variance]))[0]
    assert polygamma(1, shape) == pytest.approx(variance, rel=4e-3)
