"""Mixtures as beliefs make them, with S-shaped cells, for the optimizer."""

from __future__ import annotations

import numpy as np

from budgetopt.curves import Exponential, Hill, Mixture, Stack

POINTS, SHAPES = 15, (1.0, 0.8, 0.6, 2.0, 3.0)
SIZE = POINTS * (1 + len(SHAPES))
CONCAVE = np.arange(SIZE) < 4 * POINTS


def grid(reference=100.0):
    """Return cells that saturate from a twentieth to twenty references."""
    half = reference * np.exp(np.linspace(-3, 3, POINTS))
    rest = SIZE - POINTS
    hill = Hill(np.ones(rest), np.tile(half, len(SHAPES)), np.repeat(SHAPES, POINTS))
    first = Exponential(np.ones(POINTS), half / np.log(2))
    return Stack(((np.arange(POINTS), first), (np.arange(POINTS, SIZE), hill)))


CELLS = grid()


def mixture(rng, shape, share, cells=CELLS):
    """Return mixtures with a share of their weight on S-shaped cells, tops around 100."""
    made = rng.dirichlet(np.full(SIZE, 0.08), shape) + 1e-12
    plain, bent = (np.where(some, made, 0.0) for some in (CONCAVE, ~CONCAVE))
    plain, bent = (part / part.sum(axis=-1, keepdims=True) for part in (plain, bent))
    tops = 100.0 * rng.lognormal(0, 0.7, shape)[..., None]
    return Mixture(cells, tops * ((1 - share) * plain + share * bent))
