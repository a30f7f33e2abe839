"""The shapes a belief weighs: one grid of concave curves that all channels share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from budgetopt.curves import Exponential, Hill, Stack
from budgetopt.curves.base import Floats

_LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class Grid:
    """Saturation points times families; in each cell a curve that brings 1 at the reference.

    Parameters
    ----------
    reference
        Money per week at which every cell brings 1, above 0.
    points
        Number of saturation points, evenly spread in the logarithm.
    span
        They run from reference/span to reference·span.
    hill_shapes
        Hill shapes beside the exponential.

    Notes
    -----
    The saturation point is the money at which half of the top is reached, for both families, so
    that one prior serves both: ``scale = half / ln 2`` for the exponential.
    """

    reference: float
    points: int
    span: float
    hill_shapes: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.points * (1 + len(self.hill_shapes))

    @property
    def log_half(self) -> Floats:
        """Logarithm of each cell's saturation point in references, shape ``(cells,)``."""
        ends = np.log(self.span)
        return np.tile(np.linspace(-ends, ends, self.points), 1 + len(self.hill_shapes))

    @cached_property
    def cells(self) -> Stack:
        """The curves, with the cells on the axis where a stack has its channels."""
        half = np.exp(self.log_half)
        first, rest = np.arange(self.points), np.arange(self.points, self.size)
        scale = half[first] / _LN2
        shape = np.repeat(self.hill_shapes, self.points)
        exponential = Exponential(-1.0 / np.expm1(-1.0 / scale), self.reference * scale)
        hill = Hill(1.0 + half[rest] ** shape, self.reference * half[rest], shape)
        return Stack(((first, exponential), (rest, hill)))

    def prior(self, centre: Floats, sd: float) -> Floats:
        """Return prior chances of the cells, shape ``(centres, cells)``.

        Normal in the logarithm of the saturation point around each centre (in references, a
        logarithm), the same for every family.
        """
        away = (self.log_half - centre[:, None]) / sd
        dense = np.exp(-0.5 * np.square(away))
        chance: Floats = dense / dense.sum(axis=-1, keepdims=True)
        return chance

    def log_value(self, spend: Floats) -> Floats:
        """Return the logarithm of each cell's outcome, shape ``(..., cells)``; spends above 0."""
        return np.log(np.maximum(self.cells.value(spend[..., None]), np.finfo(np.float64).tiny))

    def log_slope(self, spend: Floats) -> Floats:
        """Return the logarithm of each cell's slope, shape ``(..., cells)``; spends above 0."""
        return np.log(np.maximum(self.cells.slope(spend[..., None]), np.finfo(np.float64).tiny))
