"""A weighted sum of curves, such as the mean of a belief or of posterior draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats, Places
from budgetopt.curves.base import Curve, Stack, as_spend, check_parameter
from budgetopt.curves.envelope import Hull, bent, stretches
from budgetopt.curves.families import Hill
from budgetopt.curves.points import Points
from budgetopt.curves.sampled import Sampled, tabulated
from budgetopt.errors import CurveError
from budgetopt.i18n import say
from budgetopt.notebook import brief

_ROUNDS = 100
"""Rounds allowed to the search on the price: bisection alone needs fewer than this."""
_NEAR = 1e-9
"""A Newton step this small leaves an error of its square."""
_NOTHING = 1e-12
"""Share of the most that may be spent below which spends are not told from nothing: what that
costs is less than this share of the outcome, divided by the smallest shape."""
_BEYOND = 1e3
"""A line that touches from above does so nearer than so many times the last inflection of a cell,
or all but reaches the top."""
_KEPT = 4
"""Envelopes that are kept."""
_FIRST = 1e-6
"""Share of the smallest inflection of a cell below which no inflection of a sum is looked for."""


@brief
@dataclass(frozen=True, eq=False)
class Mixture(Curve):
    r"""A weighted sum over cells, :math:`\sum_k w_k f_k(x)`; concave where every cell is.

    Parameters
    ----------
    cells
        Curve whose parameters have the cells on their last axis, ``(cells,)`` shared by all
        channels or ``(channels, cells)``.
    weights
        Weight of each cell, at least 0, shape ``(cells,)``, ``(channels, cells)`` or ``(runs,
        channels, cells)``.

    Notes
    -----
    Sums of concave functions are concave (Boyd and Vandenberghe 2004, section 3.2.1), so a
    posterior mean goes straight into the exact optimizer. The inverse of the slope has no closed
    form here and is found by safeguarded Newton steps on the logarithm of the spend.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> both = Mixture(Log([1.0, 3.0], [2.0, 5.0]), [0.5, 0.5])
    >>> float(both.value(4)) == 0.5 * float(Log(1, 2).value(4)) + 0.5 * float(Log(3, 5).value(4))
    True
    """

    cells: Curve
    weights: float | Floats
    kind: ClassVar[str] = "mixture"

    def __post_init__(self) -> None:
        check_parameter(self, "weights", least=0)

    def value(self, spend: ArrayLike) -> Floats:
        """Return the weighted sum of the cells' outcomes."""
        return self._sum(self.cells.value(as_spend(spend)[..., None]))

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return the value of the least concave function above each curve.

        Where the cells are not smooth, or not the same for all channels, it is the weighted sum of
        the cells' envelopes, which is concave and above as well.
        """
        x = as_spend(spend)
        if self.concave:
            return self.value(x)
        turns = self._inflections()
        most = np.max(x, initial=0.0) if turns is None else max(np.max(x), _BEYOND * turns.max())
        hull, wide = self._hull(x, 0.0, most)
        if hull is None:
            return self._sum(self.cells.envelope(x[..., None]))
        return hull.value(np.broadcast_to(x, wide).ravel()).reshape(wide)

    def conjugate(
        self, price: ArrayLike, lower: ArrayLike, upper: ArrayLike
    ) -> tuple[Floats, Floats]:
        """Return the spend in bounds that maximises ``f(x) - price x``, and the maximum.

        Raises
        ------
        CurveError
            ``bad-curve`` for a mixture that is not concave and whose cells are not smooth or not
            the same for all channels.
        """
        if self.concave or not as_spend(upper).max(initial=0.0) > 0:
            return super().conjugate(price, lower, upper)
        p = as_spend(price)
        hull, wide = self._hull(p, lower, upper)
        if hull is None:
            raise _not_smooth()
        flat = np.broadcast_to(p, wide).ravel()
        spend = np.where(flat < 0, hull.leave.max(axis=0), hull.spend_at_slope(flat)).reshape(wide)
        return spend, self.value(spend) - p * spend

    def _hull(
        self, asked: Floats, lower: ArrayLike, upper: ArrayLike
    ) -> tuple[Hull | None, tuple[int, ...]]:
        """Return the envelopes in bounds for each number asked, and the shape of all that.

        The last are kept, since a search asks at many prices within the same bounds.
        """
        weights = np.asarray(self.weights)
        ends = [as_spend(end) for end in (lower, upper)]
        wide = np.broadcast_shapes(asked.shape, weights.shape[:-1], *(e.shape for e in ends))
        low, high = (np.broadcast_to(end, wide).ravel() for end in ends)
        key = (wide, low.tobytes(), high.tobytes())
        hull = self._hulls.get(key)
        if hull is not None:
            return hull, wide
        sampled = self.sampled(low, high)
        if sampled is None:
            return None, wide
        place = np.arange(len(sampled.rows)).reshape(weights.shape[:-1])
        some = np.broadcast_to(place, wide).ravel()
        parts = stretches(sampled, low.min(), high.max()).pick(some)
        hull = Hull.over(sampled.pick(some), parts, low, low, high)
        if len(self._hulls) >= _KEPT:
            self._hulls.clear()
        self._hulls[key] = hull
        return hull, wide

    @cached_property
    def _hulls(self) -> dict[Any, Hull]:
        return {}

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the weighted sum of the cells' slopes."""
        return self._sum(self.cells.slope(as_spend(spend)[..., None]))

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``Σ w f' / Σ w f'/decay``: decays add like conductances.

        A cell whose slope rises takes from that sum, which its own decay does not say; so where
        there are such cells the decay is that of the table.
        """
        sampled = None
        if not self.cells.concave and np.all(as_spend(spend) > 0):
            sampled = self.sampled(spend, spend)
        if sampled is not None:
            own = sampled.pick(np.arange(len(sampled.rows)).reshape(np.shape(self.weights)[:-1]))
            return own.slope_decay(spend)
        x = as_spend(spend)[..., None]
        slope = self.cells.slope(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            fall = self._sum(slope / self.cells.slope_decay(x))
            decay = self._sum(slope) / fall
        return np.where(np.isnan(decay), 0.0, decay)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the spend at which the summed slope equals the given one, by Newton on its log.

        The root lies between the smallest and the largest of the cells' own roots for the price
        shared out, since a cell's slope above the price is balanced by another's below it.
        """
        weight = np.asarray(self.weights)
        total = weight.sum(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            each = self.cells.spend_at_slope((as_spend(slope) / total)[..., None])
        each = np.broadcast_to(each, np.broadcast_shapes(each.shape, weight.shape))
        low = np.min(np.where(weight > 0, each, np.inf), axis=-1)
        high = np.max(np.where(weight > 0, each, 0.0), axis=-1)
        if not self.cells.concave and 0 < high.max() < np.inf:
            return self._last_at_slope(as_spend(slope), high)
        # Where even the first unit brings less than the price the root is zero.
        high = np.where(self.slope(0.0) < as_spend(slope), 0.0, high)
        return self._between(as_spend(slope), np.minimum(low, high), high)

    def _last_at_slope(self, price: Floats, high: Floats) -> Floats:
        """Return the spend on the last concave stretch that is steep enough, 0 where none is.

        Above `high` every cell's slope is below the price shared out.
        """
        sampled = self.sampled(0.0, high)
        if sampled is None:
            raise _not_smooth()
        wide = np.broadcast_shapes(price.shape, high.shape)
        place = np.arange(len(sampled.rows)).reshape(np.shape(self.weights)[:-1])
        some = np.broadcast_to(place, wide).ravel()
        parts, asked = stretches(sampled, 0.0, high.max()).pick(some), sampled.pick(some)
        p, found = np.broadcast_to(price, wide).ravel(), np.zeros(some.size)
        for low, end in zip(*parts, strict=True):
            there = end >= low
            begin = np.where(there, low, 0.0)
            steep = there & (asked.slope(begin) >= p)
            spend = asked.falling(p, begin, np.where(there, end, np.inf))
            found = np.where(steep, spend, found)
        return found.reshape(wide)

    def _between(self, price: Floats, low: Floats, high: Floats) -> Floats:
        """Return the root of ``slope(x) = price`` in a bracket, by safeguarded Newton steps.

        The logarithm of the slope bends little over the logarithm of the spend, where a step is
        ``ln(slope/price) · decay/spend``; a step out of the bracket is replaced by its middle.
        """
        end = np.isfinite(high) & (high > 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            spend = np.where(end & (low > 0), np.sqrt(low) * np.sqrt(high), 0.5 * high)
            for _ in range(_ROUNDS):
                each = self.cells.slope(spend[..., None])
                slope = self._sum(each)
                fall = self._sum(each / self.cells.slope_decay(spend[..., None]))
                low = np.where(slope >= price, np.maximum(low, spend), low)
                high = np.where(slope < price, np.minimum(high, spend), high)
                ahead = spend * np.exp(np.log(slope / price) * slope / fall / spend)
                # On the straight lines of `Points` there is no curvature to step by.
                inside = np.isfinite(fall) & (ahead >= low) & (ahead <= high)
                near = inside & (np.abs(ahead - spend) <= _NEAR * spend)
                spend = np.where(inside, ahead, 0.5 * (low + high))
                if np.all(near | (high - low <= 1e-15 * high) | ~end):
                    break
        return np.where(end, spend, high)

    def _sum(self, each: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            summed: Floats = np.einsum("...k,...k->...", each, self.weights)
        if np.any(np.isnan(summed)):
            # An infinite slope in a cell without weight counts for nothing.
            weighed = np.where(np.asarray(self.weights) > 0, each, 0.0)
            summed = np.einsum("...k,...k->...", weighed, self.weights)
        return summed

    def sampled(self, lower: ArrayLike, upper: ArrayLike) -> Sampled | None:
        """Return the same curves for many readings at spends between bounds above 0.

        Parameters
        ----------
        lower, upper
            Money, that of a channel or a run as the weights have it, or of all.

        Returns
        -------
        Sampled or None
            None where the cells are not shared by all channels, or not smooth.
        """
        low, high = float(as_spend(lower).min()), float(as_spend(upper).max())
        if not 0 < high < np.inf or not self._shared:
            return None
        table = tabulated(self.cells, max(low, _NOTHING * high), high)
        return None if table is None else Sampled(table, np.atleast_2d(np.asarray(self.weights)))

    @property
    def _shared(self) -> bool:
        """Whether all channels have the same cells, of a kind with numbers for parameters."""
        parts = self.cells.parts if isinstance(self.cells, Stack) else ((0, self.cells),)
        return all(np.ndim(v) <= 1 for _, curve in parts for v in curve.parameters().values())

    @cached_property
    def concave(self) -> bool:
        """Whether every curve is; cells without weight do not count.

        A sum may be concave although some of its cells are not. That is proven where the cells are
        smooth and shared, for all spends at once, up to slopes that rise by less than 1e-11 of
        themselves while the spend grows by a factor of e.
        """
        if self.cells.concave:
            return True
        weight = np.asarray(self.weights)
        weighed = np.any(weight > 0, axis=tuple(range(weight.ndim - 1)))
        inflections = self._inflections()
        if inflections is None:
            return False
        turns = inflections[weighed & (inflections > 0)]
        if not turns.size:
            return True
        first, last = _FIRST * float(turns.min()), float(turns.max())
        table = tabulated(self.cells, first, last)
        if table is None:
            return False
        return not np.any(bent(Sampled(table, np.atleast_2d(weight)), first, last))

    def _inflections(self) -> Floats | None:
        """Return the spend up to which each cell is convex; None where it is not known.

        Channels with cells of their own are not looked at.
        """
        if not self._shared:
            return None
        inflections = np.zeros(np.shape(self.weights)[-1])
        cells = self.cells
        parts = cells.parts if isinstance(cells, Stack) else ((slice(None), cells),)
        for at, curve in parts:
            if isinstance(curve, Hill):
                inflections[at] = np.where(np.asarray(curve.top) > 0, curve.inflection, 0.0)
            elif not curve.concave:
                return None
        return inflections

    def take(self, columns: Any) -> Self:
        """Return the mixtures at some positions of the channel axis."""
        return type(self)(self._cells_at(columns), np.asarray(self.weights)[..., columns, :])

    def _cells_at(self, columns: Any) -> Curve:
        """Return the cells of the channels at some positions."""
        cells = self.cells
        # A stack holds one cell at each of its positions, shared by all channels.
        shared = isinstance(cells, Stack)
        # Behind the channels are the cells, and behind those the points of a cell.
        behind = (slice(None),) * (2 if isinstance(cells, Points) else 1)
        parts = {} if shared else cells.parameters()
        if max(map(np.ndim, parts.values()), default=0) > len(behind):
            cells = type(cells)(
                **{k: np.asarray(v)[(..., columns, *behind)] for k, v in parts.items()}
            )
        return cells

    @classmethod
    def join(cls, curves: Sequence[Self]) -> Self:
        """Return single mixtures with the same cells as one over an array of channels."""
        return cls(curves[0].cells, np.stack([np.asarray(c.weights) for c in curves]))

    def to_dict(self) -> dict[str, Any]:
        """Return cells and weights as plain data."""
        weights = np.asarray(self.weights).tolist()
        return {"kind": self.kind, "cells": self.cells.to_dict(), "weights": weights}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mixture):
            return NotImplemented
        return self.cells == other.cells and np.array_equal(self.weights, other.weights)

    def __hash__(self) -> int:
        return hash((self.cells, np.asarray(self.weights).tobytes()))


class Picked(Mixture):
    r"""Draws of a mixture: of each curve one cell with its amplitude, :math:`a\,f_k(x)`.

    A `Mixture` all of whose weights but one are zero, held as the place and the size of that one: a
    thousand draws of a thousand channels over a hundred cells take 16 MB and not 0.8 GB. Values and
    slopes are the same to the last bit, since products with zero add nothing. Whatever asks for the
    `weights` gets them in full.

    Parameters
    ----------
    cells
        As of a `Mixture`.
    cell
        Position of the cell, shape ``(draws, channels)`` or any other.
    amplitude
        Its weight, at least 0, of the same shape.
    """

    cell: Places
    amplitude: Floats

    def __init__(self, cells: Curve, cell: Places, amplitude: Floats) -> None:
        for name, value in (("cells", cells), ("cell", cell), ("amplitude", amplitude)):
            object.__setattr__(self, name, value)
        check_parameter(self, "amplitude", least=0)

    @cached_property
    def weights(self) -> Floats:
        """Weight of each cell, shape ``(draws, channels, cells)``."""
        size = np.shape(self.cells.value(0.0))[-1]
        weights = np.zeros((*self.cell.shape, size))
        np.put_along_axis(weights, self.cell[..., None], self.amplitude[..., None], axis=-1)
        return weights

    def scaled(self, height: Floats) -> Self:
        """Return the draws times a factor of at least 0 for each channel."""
        return type(self)(self.cells, self.cell, self.amplitude * height)

    def take(self, columns: Any) -> Self:
        """Return the draws at some positions of the channel axis."""
        cells = self._cells_at(columns)
        return type(self)(cells, self.cell[..., columns], self.amplitude[..., columns])

    @classmethod
    def join(cls, curves: Sequence[Mixture]) -> Mixture:  # type: ignore[override] # of any weights
        """Return single draws with the same cells as one mixture over an array of channels."""
        return Mixture.join(curves)

    def _sum(self, each: Floats) -> Floats:
        wide = np.broadcast_shapes(each.shape[:-1], self.cell.shape)
        every = np.broadcast_to(each, (*wide, each.shape[-1]))
        cell = np.broadcast_to(self.cell, wide)[..., None]
        summed: Floats = self.amplitude * np.take_along_axis(every, cell, axis=-1)[..., 0]
        return summed


def _not_smooth() -> CurveError:
    return CurveError("bad-curve", say("mixture-s-shaped-cells"), field="cells",
                      remedy=say("remedy-grid-smooth-cells-all"))  # fmt: skip
