"""Weighted sums of cells as polynomials in the logarithm of the spend, for many sums at once.

`SlopeTable` holds the cells, `Sampled` the sums: what a sum is between two spends is one product of
its weights with the table, so that thousands of sums are read at the cost of a few polynomials.
Right for cells that are smooth; the table is compared with the cells where it is made, and refused
where it does not meet them, as with the kinks of `Points`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats, Places
from budgetopt.curves.base import Curve, Scalable, as_spend

_TERMS = 16
"""Coefficients of a panel; with the first width they leave some 1e-13 for Hill shapes up to 3."""
_WIDTHS = (0.5, 0.25, 0.125)
"""Widths of a panel in the logarithm of the spend, the next where one is too wide for the cells."""
_MET = 1e-12
"""Share of a cell's outcome by which the table may miss it."""
_GROUP = 8
"""Panels are made in groups of so many, so that nearly the same spends share a table."""
_ROUNDS = 60
"""Newton's method needs some four rounds; bisection alone would need 50."""
_NEAR = 1e-7
"""A Newton step this small leaves an error of its square."""
_TINY = 1e-300
_BLOCK = 64
"""Rows of a product at a time, the last ones padded: what a row gets then does not depend, to the
last bit, on which rows are beside it, as it would where sizes choose the way a product is made."""


@dataclass(frozen=True, eq=False)
class SlopeTable:
    r"""Slopes of cells: :math:`x f'(x)` by panels of :math:`\ln x`, polynomials of t, -1 to 1.

    Parameters
    ----------
    width
        Of a panel.
    first
        Number of the first panel, which begins at ``exp(first * width)``; whole where money is in
        units of the cells.
    slopes
        Slopes at the panels' ends, shape ``(panels + 1, cells)``.
    pieces
        Coefficients by panel, then what the value has for a constant, shape ``(panels, terms + 1,
        cells)``.
    root
        The table that it was moved from, with the same panels; None for none.
    """

    width: float
    first: float
    slopes: Floats
    pieces: Floats
    root: SlopeTable | None = None

    @cached_property
    def ends(self) -> Floats:
        """Spends at the panels' ends, shape ``(panels + 1,)``."""
        ends: Floats = np.exp(self.width * (self.first + np.arange(len(self.slopes))))
        return ends

    def place(self, spend: Floats) -> tuple[Places, Floats]:
        """Return the panel and the place on it, -1 to 1, of spends within the table."""
        along = np.log(spend) / self.width - self.first
        panel = np.clip(along.astype(np.intp), 0, len(self.pieces) - 1)
        return panel, 2.0 * (along - panel) - 1.0


def tabulated(cells: Curve, low: float, high: float) -> SlopeTable | None:
    r"""Return the table of cells between two spends above 0; None where the cells are not smooth.

    With money in units of ``u`` a cell is :math:`f(x) = g(x/u)`, and :math:`x f'(x)` that of ``g``
    at :math:`\ln x - \ln u`: cells that say their unit share the panels of one table, whatever it
    is.

    Parameters
    ----------
    cells
        Curves of money, shape ``(cells,)``.
    low, high
        Money between which the table is right.
    """
    unit, cells = (cells.unit, cells.base) if isinstance(cells, Scalable) else (1.0, cells)
    begin, end = np.log(low / unit), np.log(high / unit)
    for width in _WIDTHS:
        reach = width * _GROUP
        first, last = int(np.floor(begin / reach)), int(np.ceil(end / reach))
        table = _table(cells, width, _GROUP * first, _GROUP * max(last, first + 1))
        if table is not None:
            return table if unit == 1.0 else _moved(table, unit)
    return None


@lru_cache(maxsize=32)
def _moved(table: SlopeTable, unit: float) -> SlopeTable:
    """Return a table for money of another unit."""
    first = table.first + float(np.log(unit)) / table.width
    return SlopeTable(table.width, first, table.slopes / unit, table.pieces, table)


@lru_cache(maxsize=32)
def _table(cells: Curve, width: float, first: int, last: int) -> SlopeTable | None:
    """Return the table of some panels, None where it misses the cells."""
    number = np.arange(first, last)[:, None, None]
    ends = np.exp(width * np.arange(first, last + 1))[:, None]
    nodes = np.cos(np.pi * (np.arange(_TERMS) + 0.5) / _TERMS)
    between = np.array([-1.0, -0.95, 0.1])

    def spend(at: Floats) -> Floats:
        return np.exp(width * (number + 0.5 * (1.0 + at[None, :, None])))

    with np.errstate(all="ignore"):
        flow = spend(nodes) * cells.slope(spend(nodes))
        # In two steps, for Chebyshev's coefficients fall fast and lose nothing as powers.
        terms = np.matmul(_powers_of_chebyshev(), np.matmul(_fit(nodes), flow))
        value = cells.value(ends)
        piece = np.concatenate([terms, np.zeros_like(terms[:, :1])], axis=1)
        piece[:, -1] = value[:-1] - _value(np.moveaxis(piece, 1, 0), -np.ones(()), width)
        terms = np.moveaxis(piece, 1, 0)
        read = _polynomial(terms[:-1, :, None], between[:, None])
        off = read - spend(between) * cells.slope(spend(between))
        end = _value(terms, np.ones(()), width) - value[1:]
        miss = np.max(np.maximum(np.abs(off).max(axis=1), np.abs(end)) - _MET * value[1:])
    if not miss <= 0:
        return None
    return SlopeTable(width, first, cells.slope(ends), piece)


@lru_cache(maxsize=1)
def _powers_of_chebyshev() -> Floats:
    """Return powers' coefficients of each Chebyshev polynomial, shape ``(terms, terms)``."""
    rows = [np.pad(chebyshev.cheb2poly(row), (0, _TERMS)) for row in np.eye(_TERMS)]
    return np.stack([row[:_TERMS] for row in rows], axis=-1)


def _fit(nodes: Floats) -> Floats:
    """Return the matrix from values at Chebyshev's nodes to coefficients of his polynomials."""
    fit = chebyshev.chebvander(nodes, _TERMS - 1).T * (2.0 / _TERMS)
    fit[0] *= 0.5
    return np.asarray(fit)


def _polynomial(terms: Floats, at: Floats) -> Floats:
    """Return polynomials, coefficients first, by Horner's rule."""
    value: Floats = terms[-1] + np.zeros_like(at)
    for term in terms[-2::-1]:
        value *= at
        value += term
    return value


def _powers(terms: Floats | list[Floats], at: Floats) -> tuple[Floats, Floats]:
    """Return polynomials and their derivatives, coefficients first, by Horner's rule."""
    value = terms[-1] + np.zeros_like(at)
    slope = np.zeros_like(value)
    for term in terms[-2::-1]:
        slope *= at
        slope += value
        value *= at
        value += term
    return value, slope


def _value(piece: Floats | list[Floats], at: Floats, width: float) -> Floats:
    """Return outcomes: the integral of a panel's polynomial, and its constant."""
    total = piece[-2] / (len(piece) - 1) + np.zeros_like(at)
    for number in range(len(piece) - 2, 0, -1):
        total *= at
        total += piece[number - 1] / number
    total *= 0.5 * width * at
    total += piece[-1]
    return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Sampled(Curve):
    """Weighted sums of a table's cells, right between the ends of the table.

    Parameters
    ----------
    table
        The cells.
    weights
        Shape ``(channels, cells)`` or ``(runs, channels, cells)``; `rows` has all in one row each.

    Notes
    -----
    Below the table's first end a curve goes straight to zero; above its last end it is level. Each
    row keeps the polynomial it was last asked for, so that a search which stays on a panel pays for
    one product only.
    """

    table: SlopeTable
    weights: Floats
    kind: ClassVar[str] = "sampled"
    rows: Floats = field(init=False, repr=False)
    _slopes: Floats = field(init=False, repr=False)
    _held: tuple[Places, Floats] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = np.ascontiguousarray(self.weights).reshape(-1, self.weights.shape[-1])
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "_slopes", products(self.table.slopes, rows))
        none = np.full(len(rows), -1, dtype=np.intp), np.empty((_TERMS + 1, len(rows)))
        object.__setattr__(self, "_held", none)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the sums, the channels last."""
        return self.weights.shape[:-1]

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcomes."""
        own, x = self._asked(spend)
        ends = self.table.ends
        inside = np.clip(x, ends[0], ends[-1])
        panel, at = self.table.place(inside)
        value = _value(own.pieces(panel), at, self.table.width)
        value *= np.minimum(x / ends[0], 1.0)
        return value.reshape(np.broadcast_shapes(np.shape(spend), self.shape))

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slopes."""
        return self.slope_and_decay(spend)[0]

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the slopes' decays, infinite where a slope does not fall."""
        return self.slope_and_decay(spend)[1]

    def slope_and_decay(self, spend: ArrayLike) -> tuple[Floats, Floats]:
        """Return both, of one reading."""
        own, given = self._asked(spend)
        x = np.clip(given, self.table.ends[0], self.table.ends[-1])
        panel, at = self.table.place(x)
        flow, rise = _powers(own.pieces(panel)[:-1], at)
        slope, decay = _slope_and_decay(flow, rise * (2.0 / self.table.width), x)
        shape = np.broadcast_shapes(np.shape(spend), self.shape)
        return slope.reshape(shape), decay.reshape(shape)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the spend at which a slope that falls throughout meets a price."""
        return self.falling(slope, 0.0, np.inf)

    def falling(self, price: ArrayLike, low: ArrayLike, high: ArrayLike) -> Floats:
        """Return the spend between two, where the slope falls, at which it meets a price.

        Drawn to the nearer of the two where it does not. Spends below the table count as 0.
        """
        shape = np.broadcast_shapes(np.shape(price), self.shape)
        own, p = self._asked(price)
        below, above = (np.broadcast_to(as_spend(end), shape).ravel() for end in (low, high))
        ends, slopes = self.table.ends[:, None], own._slopes
        steep = (slopes >= p) & (slopes > 0)
        if np.any(below > ends[0]) or np.any(above < ends[-1]):
            steep = (ends < below) | (steep & (ends <= above))
        count = steep.sum(axis=0)
        panel = np.clip(count - 1, 0, len(slopes) - 2)
        last = float(ends[-1, 0])
        met = own._meet(panel, p, (below, above))
        spend = np.where(count == 0, 0.0, np.where(count == len(slopes), last, met))
        return np.clip(spend, below, above).reshape(shape)

    def _meet(self, panel: Places, price: Floats, bounds: tuple[Floats, Floats]) -> Floats:
        """Return the spend on a panel whose slope is a price, by Newton steps in logarithms."""
        every, terms = np.arange(panel.size), self.pieces(panel)[:-1]
        half = 0.5 * self.table.width
        begin = (self.table.first + panel) * self.table.width
        with np.errstate(all="ignore"):
            goal = np.log(price) + begin + half
            left, right = (np.log(self._slopes[panel + side, every] / price) for side in (0, 1))
            low, high = np.full_like(begin, -1.0), np.full_like(begin, 1.0)
            for bound, end, miss in zip(bounds, (low, high), (left, right), strict=True):
                place = (np.log(bound) - begin) / half - 1.0
                some = np.flatnonzero(np.abs(place) < 1.0)
                if not some.size:
                    continue
                end[some] = place[some]
                flow = np.maximum(_polynomial(terms[:, some], end[some]), _TINY)
                miss[some] = np.log(flow) - half * end[some] - goal[some]
            at = _root(terms, half, goal, (low, high), (left, right))
        spend: Floats = np.exp(begin + half * (1.0 + at))
        for bound, end in zip(bounds, (low, high), strict=True):
            # Exactly, so that who asks can tell that it is an end.
            np.copyto(spend, bound, where=(at == end) & (np.abs(end) < 1.0))
        return spend

    def pieces(self, panel: Places) -> Floats:
        """Return the polynomial of each row on its panel, shape ``(terms + 1, rows)``."""
        held, terms = self._held
        fresh = np.flatnonzero(panel != held)
        if fresh.size:
            # A new array, for another thread may be reading the old one.
            terms = terms.copy()
            order = fresh[np.argsort(panel[fresh], kind="stable")]
            cuts = np.flatnonzero(np.diff(panel[order])) + 1
            for some in np.split(order, cuts):
                terms[:, some] = products(self.table.pieces[panel[some[0]]], self.rows[some])
            object.__setattr__(self, "_held", (panel, terms))
        return terms

    def take(self, columns: Any) -> Self:
        """Return the sums at some positions of the channel axis."""
        return self.pick(np.arange(len(self.rows)).reshape(self.shape)[..., columns])

    def pick(self, number: Places) -> Self:
        """Return sums by their numbers, the places in `rows`, in the shape of the numbers."""
        flat, (panel, terms) = number.ravel(), self._held
        every = flat.size == len(self.rows) and np.array_equal(flat, np.arange(flat.size))
        rows = self.rows if every else self.rows[flat]
        picked = object.__new__(type(self))
        for name, value in (
            ("table", self.table),
            ("weights", rows.reshape(*number.shape, rows.shape[-1])),
            ("rows", rows),
            ("_slopes", self._slopes if every else self._slopes[:, flat]),
            ("_held", (panel, terms) if every else (panel[flat], terms[:, flat])),
        ):
            object.__setattr__(picked, name, value)
        return picked

    @property
    def concave(self) -> bool:
        """Not asked here: whoever makes it knows from the mixture."""
        raise NotImplementedError

    def _asked(self, given: ArrayLike) -> tuple[Self, Floats]:
        """Return what is asked about, flat, and the sums it asks."""
        wide = np.broadcast_shapes(np.shape(given), self.shape)
        flat = np.broadcast_to(as_spend(given), wide).ravel()
        if wide == self.shape:
            return self, flat
        weights = np.broadcast_to(self.weights, (*wide, self.weights.shape[-1]))
        return type(self)(self.table, weights), flat


@dataclass(frozen=True, eq=False)
class Panels(Curve):
    """Weighted sums of a table's cells with the polynomials of all panels, for many readings each.

    Spends have axes of their own before those of the sums, such as ``(weeks, runs, channels)``;
    `Sampled` keeps one polynomial a sum and is for one reading after another.

    Parameters
    ----------
    table
        The cells.
    shape
        Of the sums, the channels last.
    pieces
        Coefficients, then what the value has for a constant, ``(terms + 1, panels * sums)``.
    """

    table: SlopeTable
    shape: tuple[int, ...]
    pieces: Floats
    kind: ClassVar[str] = "panels"

    @classmethod
    def of(cls, sampled: Sampled) -> Self:
        """Return the polynomials of sums on every panel."""
        table = sampled.table
        each = [products(piece, sampled.rows) for piece in table.pieces]
        return cls(table, sampled.shape, np.concatenate(each, axis=1))

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcomes."""
        x = as_spend(spend)
        at, piece, _ = self._asked(x)
        read = (self.pieces[term, piece] for term in range(len(self.pieces)))
        value = _value(list(read), at, self.table.width)
        return np.asarray(value * np.minimum(x / self.table.ends[0], 1.0))

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slopes."""
        return self.slope_and_decay(spend)[0]

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the slopes' decays, infinite where a slope does not fall."""
        return self.slope_and_decay(spend)[1]

    def slope_and_decay(self, spend: ArrayLike) -> tuple[Floats, Floats]:
        """Return both, of one reading."""
        at, piece, x = self._asked(as_spend(spend))
        flow, rise = _powers([self.pieces[term, piece] for term in range(_TERMS)], at)
        return _slope_and_decay(flow, rise * (2.0 / self.table.width), x)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Not asked here: prices are asked of `Sampled`."""
        raise NotImplementedError

    @property
    def concave(self) -> bool:
        """Not asked here: whoever makes it knows from the mixture."""
        raise NotImplementedError

    def _asked(self, spend: Floats) -> tuple[Floats, Places, Floats]:
        """Return places on panels, -1 to 1, numbers of the polynomials, and spends in the table."""
        x = np.clip(spend, self.table.ends[0], self.table.ends[-1])
        panel, at = self.table.place(x)
        sums = int(np.prod(self.shape))
        return at, panel * sums + np.arange(sums).reshape(self.shape), x


def _slope_and_decay(flow: Floats, rise: Floats, spend: Floats) -> tuple[Floats, Floats]:
    """Return slope and decay of spend times slope, and its rise over the spend's logarithm."""
    flow = np.maximum(flow, 0.0)
    fall = flow - rise
    with np.errstate(divide="ignore", invalid="ignore"):
        decay = np.where(fall > 0, spend * flow / fall, np.where(flow > 0, np.inf, 0.0))
    return flow / spend, decay


def _root(
    terms: Floats, half: float, goal: Floats, ends: tuple[Floats, Floats], miss: tuple[Floats, ...]
) -> Floats:
    """Return the place between ends where ``ln P(t) - half t`` falls to a goal, by Newton steps.

    `miss` is what it is above the goal at the ends; where that has one sign an end is the answer.
    """
    left, right = miss
    high = np.where(left < 0, ends[0], ends[1])
    low = np.where(right >= 0, high, ends[0])
    at = low + (high - low) * np.clip(left / (left - right), 0.0, 1.0)
    at = np.where(np.isfinite(at), at, 0.5 * (low + high))
    met = np.zeros(at.shape, dtype=bool)
    for _ in range(_ROUNDS):
        flow, rise = _powers(terms, at)
        flow = np.maximum(flow, _TINY)
        over = np.log(flow) - half * at - goal
        low, high = np.where(over >= 0, at, low), np.where(over < 0, at, high)
        ahead = at - over / (rise / flow - half)
        inside = (ahead >= low) & (ahead <= high)
        ahead = np.where(inside, ahead, 0.5 * (low + high))
        # What is met stays, so that no row depends on how long others take.
        step, at = np.abs(ahead - at), np.where(met, at, ahead)
        met |= step <= _NEAR
        if np.all(met):
            break
    return at


def products(table: Floats, rows: Floats) -> Floats:
    """Return ``table @ rows.T``, the same for a row in whatever company."""
    found = np.empty((len(table), len(rows)))
    padded = np.zeros((_BLOCK, rows.shape[1]))
    for at in range(0, len(rows), _BLOCK):
        some = rows[at : at + _BLOCK]
        if len(some) < _BLOCK:
            padded[: len(some)] = some
            found[:, at:] = (table @ padded.T)[:, : len(some)]
        else:
            found[:, at : at + _BLOCK] = table @ some.T
    return found
