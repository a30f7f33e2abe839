"""The shapes a belief weighs: one grid of curves that all channels share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from budgetopt.curves import Curve, Exponential, Hill, Stack
from budgetopt.curves.base import Floats

_LN2 = float(np.log(2.0))
_TINY = float(np.finfo(np.float64).tiny)


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
        Shapes of the concave Hill families beside the exponential, each at most 1.
    steep_shapes
        Shapes of the S-shaped Hill families, each above 1.
    steep_span
        S-shaped cells are kept where the saturation point lies within reference/steep_span and
        reference·steep_span: farther out they are straight powers of the spend, and the mean of a
        prior would believe in them.
    steep_share
        Prior chance of all S-shaped families together.

    Notes
    -----
    The saturation point is the money at which half of the top is reached, for all families, so
    that one prior serves all: ``scale = half / ln 2`` for the exponential.
    """

    reference: float
    points: int
    span: float
    hill_shapes: tuple[float, ...]
    steep_shapes: tuple[float, ...] = ()
    steep_span: float = 4.0
    steep_share: float = 0.0

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.log_half.size)

    @cached_property
    def _ladder(self) -> Floats:
        ends = np.log(self.span)
        return np.linspace(-ends, ends, self.points)

    @cached_property
    def _steep_ladder(self) -> Floats:
        # One part in a million of room: a point on the edge belongs to the grid in every unit.
        inside: Floats = self._ladder[np.abs(self._ladder) <= np.log(self.steep_span) + 1e-6]
        return inside

    @cached_property
    def log_half(self) -> Floats:
        """Logarithm of each cell's saturation point in references, shape ``(cells,)``."""
        concave = np.tile(self._ladder, 1 + len(self.hill_shapes))
        return np.concatenate([concave, np.tile(self._steep_ladder, len(self.steep_shapes))])

    @cached_property
    def steep(self) -> Floats:
        """1 for the S-shaped cells and 0 for the concave ones, shape ``(cells,)``."""
        concave = self.points * (1 + len(self.hill_shapes))
        return (np.arange(self.size) >= concave).astype(np.float64)

    @cached_property
    def cells(self) -> Stack:
        """The curves, with the cells on the axis where a stack has its channels."""
        half = np.exp(self.log_half)
        concave = self.points * (1 + len(self.hill_shapes))
        parts = (np.arange(self.points), np.arange(self.points, concave))
        scale = half[parts[0]] / _LN2
        exponential = Exponential(-1.0 / np.expm1(-1.0 / scale), self.reference * scale)
        shapes = np.repeat(self.hill_shapes, self.points)
        curves: list[tuple[Any, Curve]] = [(parts[0], exponential)]
        steep = np.repeat(self.steep_shapes, self._steep_ladder.size)
        for at, shape in ((parts[1], shapes), (np.arange(concave, self.size), steep)):
            if at.size:
                top = 1.0 + half[at] ** shape
                curves.append((at, Hill(top, self.reference * half[at], shape)))
        return Stack(tuple(curves))

    def prior(self, centre: Floats, sd: Floats | float) -> Floats:
        """Return prior chances of the cells, shape ``(..., cells)``.

        Normal in the logarithm of the saturation point around each centre (in references, a
        logarithm), the same for every concave family and for every S-shaped one.

        Parameters
        ----------
        centre, sd
            Centre and standard deviation, shapes that broadcast.
        """
        away = (self.log_half - np.asarray(centre)[..., None]) / np.asarray(sd)[..., None]
        dense = np.exp(-0.5 * np.square(away))
        share = self.steep_share if self.steep.any() else 0.0
        chance = np.zeros_like(dense)
        for family, part in ((1.0 - self.steep, 1.0 - share), (self.steep, share)):
            total = np.sum(dense * family, axis=-1, keepdims=True)
            chance += part * dense * family / np.maximum(total, _TINY)
        answer: Floats = chance / chance.sum(axis=-1, keepdims=True)
        return answer

    def log_value(self, spend: Floats) -> Floats:
        """Return the logarithm of each cell's outcome, shape ``(..., cells)``; spends above 0."""
        return np.log(np.maximum(self.cells.value(spend[..., None]), _TINY))

    def log_slope(self, spend: Floats) -> Floats:
        """Return the logarithm of each cell's slope, shape ``(..., cells)``; spends above 0."""
        return np.log(np.maximum(self.cells.slope(spend[..., None]), _TINY))
