"""Draws of a mixture: a picked cell with its amplitude is that mixture, bit by bit."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.curves import (
    Exponential,
    Hill,
    Log,
    Mixture,
    Picked,
    Points,
    Power,
    Stack,
    stretched,
)
from budgetopt.errors import CurveError

CELLS = {
    "one family": Hill([2.0, 3.0, 1.0, 5.0], [10.0, 0.0001, 30.0, 4e6], [1.0, 0.6, 3.0, 0.8]),
    "families": Stack(
        (
            (np.array([0, 2]), Exponential([1.0, 2.0], [30.0, 5.0])),
            (np.array([1, 3]), Power([1.0, 2.0], [30.0, 5.0], [0.5, 0.9])),
        )
    ),
    "cells of each channel": Log(np.arange(1.0, 13.0).reshape(3, 4), 20.0 * np.ones((3, 4))),
    "points": Points(np.tile([0.0, 5.0, 9.0], (4, 1)), np.arange(12.0).reshape(4, 3) * [0, 1, 1.1]),
}


def draws_of(cells, seed, shape):
    rng = np.random.default_rng(seed)
    return Picked(cells, rng.integers(0, 4, shape), rng.lognormal(0, 3, shape))


def same(one, other):
    assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    assert np.shape(one) == np.shape(other)


@given(
    seed=st.integers(0, 10**6),
    lead=st.sampled_from([(3,), (5, 3), (2, 4, 3)]),
    kind=st.sampled_from(list(CELLS)),
    zero=st.booleans(),
)
def test_values_and_slopes_are_those_of_the_full_weights_to_the_last_bit(seed, lead, kind, zero):
    draws = draws_of(CELLS[kind], seed, lead)
    full = Mixture(draws.cells, draws.weights)
    rng = np.random.default_rng(seed)
    for shape in ((), (3,), lead):
        spend = 0.0 * np.ones(shape) if zero else rng.lognormal(3, 4, shape)
        same(draws.value(spend), full.value(spend))
        same(draws.slope(spend), full.slope(spend))
    for columns in ([2, 0], slice(1, 3), 1):
        same(draws.take(columns).value(7.0), full.take(columns).value(7.0))


def test_the_weights_are_one_cell_each():
    draws = draws_of(CELLS["one family"], 0, (50, 3))
    assert draws.weights.shape == (50, 3, 4)
    assert np.all((draws.weights > 0).sum(axis=-1) == 1)
    assert draws == Mixture(draws.cells, draws.weights)
    assert pickle.loads(pickle.dumps(draws)) == draws


@pytest.mark.parametrize("width", [(1.0, 1.0, 1.0), (1.0, 2.0, 0.5)])
def test_stretched_draws_are_stretched_mixtures(width):
    draws, height = draws_of(CELLS["families"], 1, (9, 3)), np.array([0.5, 0.0, 3.0])
    full = stretched(Mixture(draws.cells, draws.weights), height, np.array(width))
    spend = np.array([3.0, 40.0, 7.0])
    same(stretched(draws, height, np.array(width)).value(spend), full.value(spend))


def test_an_amplitude_that_is_no_number_is_refused():
    with pytest.raises(CurveError, match="amplitude"):
        Picked(CELLS["one family"], np.array([0]), np.array([np.inf]))
    with pytest.raises(CurveError, match="amplitude"):
        Picked(CELLS["one family"], np.array([0]), np.array([-1.0]))
