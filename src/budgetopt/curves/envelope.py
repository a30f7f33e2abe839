"""Where weighted sums of cells are concave, and the least concave function above them.

- `bent` and `stretches`: whether a sum is concave all over, or on which stretches between its
  inflections, proven panel by panel on the polynomials of `Sampled`.
- `Hull`: the concave envelope on a span of spends, as chords and the stretches between them.

Where a panel is not proven, its bend is read at places 1.6 % apart: two inflections nearer to each
other than that count as none, which costs less than a part in a thousand million.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import comb
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arrays import Floats
from budgetopt.curves.base import Curve, as_spend
from budgetopt.curves.sampled import Sampled, SlopeTable, products
from budgetopt.notebook import short

_PARTS = 4
"""A panel is proven concave in so many parts."""
_ALONG = np.linspace(0.0, 1.0, 33)
"""Places on a panel at which the bend is read where it is not proven: spends at most 1.6 % apart,
so that two inflections between neighbours are worth less than a part in a thousand million."""
_LEVEL = 1e-11
"""A slope that rises by less than this share while the spend grows by a factor of e is level: the
polynomials say no more."""


@short
class Stretches(NamedTuple):
    """Stretches of spends on which curves are concave, in order, the convex ones between them.

    Parameters
    ----------
    low, high
        Their ends, shape ``(stretches, channels)``; the first begins at 0 where the curve begins
        concave, the last ends at infinity. Where a curve has fewer, `low` is infinite and `high`
        is -1.
    """

    low: Floats
    high: Floats

    def around(self, spend: Floats, least: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """Return the ends of the stretches, drawn into spans, on which spends lie.

        A spend that is on none, or below its span, is alone.
        """
        on = (self.low <= spend) & (spend <= self.high) & (spend >= least)
        at, inside = np.argmax(on, axis=0)[None], np.any(on, axis=0)
        low, high = (np.take_along_axis(ends, at, axis=0)[0] for ends in self)
        low, high = np.maximum(low, least), np.minimum(high, upper)
        return (
            np.where(inside, np.minimum(low, spend), spend),
            np.where(inside, np.maximum(high, spend), spend),
        )

    def pick(self, number: NDArray[np.intp]) -> Stretches:
        """Return those of some curves, by number."""
        return Stretches(self.low[:, number], self.high[:, number])


def bent(sampled: Sampled, low: float, high: float) -> NDArray[np.bool_]:
    r"""Return which curves are convex somewhere between two spends, shape of the curves.

    On a panel the bend is a polynomial in the place on it. Its Bernstein coefficients enclose its
    values: where all have one sign, so has the bend; only elsewhere is it read at many places.

    References
    ----------
    Farouki (2012), "The Bernstein polynomial basis: a centennial retrospective", section 3.
    """
    found = np.zeros(sampled.rows.shape[0], dtype=bool)
    panels, doubtful = _doubtful(sampled, low, high)
    if panels.size:
        found[doubtful] = np.any(_bend(sampled, panels, doubtful) < 0, axis=0)
    return found.reshape(sampled.shape)


def stretches(sampled: Sampled, low: float, high: float) -> Stretches:
    """Return the concave stretches of each curve between two spends, the curves in one row.

    What lies beyond the panels of the two counts as concave or convex as at their ends.

    Notes
    -----
    The bend is read at spends so near each other that it is as good as linear between them, and an
    inflection is off by some 1e-4 of its spend; what that costs goes with its cube.
    """
    size = sampled.rows.shape[0]
    panels, doubtful = _doubtful(sampled, low, high)
    if not panels.size:
        return Stretches(np.zeros((1, size)), np.full((1, size), np.inf))
    # Where a panel is left out both its ends are concave, so that no turn is missed there.
    bend, place = _bend(sampled, panels, doubtful), (panels[:, None] + _ALONG).ravel()
    convex = bend < 0
    turns = np.diff(convex.astype(np.int8), axis=0, prepend=0, append=0)
    # A stretch ends where the curve turns convex and begins where it turns concave again.
    ends = [_at(turn, bend, place, sampled.table) for turn in (turns == 1, turns == -1)]
    most = 1 + len(ends[0])
    begin, end = np.full((most, size), np.inf), np.full((most, size), -1.0)
    begin[0], end[0] = 0.0, np.inf
    end[: most - 1, doubtful] = np.where(np.isinf(ends[0]), -1.0, ends[0])
    begin[1:, doubtful] = ends[1]
    end[np.sum(turns == 1, axis=0), doubtful] = np.inf
    # A curve that is convex from the start has its first stretch only beyond that.
    none = doubtful[convex[0]]
    begin[0, none], end[0, none] = np.inf, -1.0
    return Stretches(begin, end)


def _doubtful(
    sampled: Sampled, low: float, high: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the panels and the curves for which the cells alone do not prove concavity."""
    table = sampled.table
    first, last = (
        int(np.clip(np.searchsorted(table.ends, end) - 1, 0, len(table.pieces) - 1))
        for end in (low, high)
    )
    asked = _least_bend(table.root or table)[first * _PARTS : (last + 1) * _PARTS]
    doubtful = products(asked, sampled.rows) < 0
    curves = np.flatnonzero(np.any(doubtful, axis=0))
    panels = np.any(doubtful, axis=1).reshape(-1, _PARTS).any(axis=1)
    return first + np.flatnonzero(panels), curves


def _bend(sampled: Sampled, panels: NDArray[np.intp], curves: NDArray[np.intp]) -> Floats:
    """Return ``-x² f''`` of some curves at the nodes of some panels, nodes first."""
    table, rows = sampled.table, sampled.rows[curves]
    read = np.vander(2.0 * _ALONG - 1.0, table.pieces.shape[1] - 1, increasing=True) @ _fall(table)
    cells = np.matmul(read, table.pieces[panels, :-1])
    return np.concatenate([products(panel, rows) for panel in cells])


def _at(turn: NDArray[np.bool_], bend: Floats, place: Floats, table: SlopeTable) -> Floats:
    """Return the spends of turns in order, shape ``(most turns, curves)``, infinite where none."""
    curve, node = np.nonzero(turn.T)
    before, after = np.maximum(node - 1, 0), np.minimum(node, len(place) - 1)
    left, right = bend[before, curve], bend[after, curve]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(left != right, left / (left - right), 1.0)
    where = place[before] + np.clip(share, 0.0, 1.0) * (place[after] - place[before])
    count = np.bincount(curve, minlength=turn.shape[1])
    first = np.cumsum(count) - count
    spends = np.full((int(count.max(initial=0)), turn.shape[1]), np.inf)
    rank = np.arange(curve.size) - first[curve]
    spends[rank, curve] = np.exp(table.width * (table.first + where))
    return spends


def _fall(table: SlopeTable) -> Floats:
    """Return the matrix from ``x f'`` to ``-x² f''``, with what counts as level on top."""
    terms = table.pieces.shape[1] - 1
    rise = np.diag(np.arange(1.0, terms), 1) * (2.0 / table.width)
    return np.asarray((1.0 + _LEVEL) * np.eye(terms) - rise)


@lru_cache(maxsize=32)
def _least_bend(table: SlopeTable) -> Floats:
    """Return a lower bound of each cell's ``-x² f''`` on every part, ``(parts, cells)``.

    A polynomial lies above its least coefficient in Bernstein's form (Farouki 2012, "The Bernstein
    polynomial basis", section 3).
    """
    terms = table.pieces.shape[1] - 1
    cuts = np.linspace(-1.0, 1.0, _PARTS + 1)
    forms = [_bernstein(a, b, terms) for a, b in pairwise(cuts)]
    bend = np.matmul(np.concatenate(forms) @ _fall(table), table.pieces[:, :-1])
    panels, cells = len(bend), bend.shape[-1]
    return np.asarray(bend.reshape(panels * _PARTS, terms, cells).min(axis=1))


def _bernstein(begin: float, end: float, terms: int) -> Floats:
    """Return the matrix from powers of t to Bernstein coefficients between two places."""
    moved, form = np.zeros((2, terms, terms))
    for power in range(terms):
        for low in range(power + 1):
            # t = begin + (end - begin) s, so that powers of t are powers of s from 0 to 1.
            moved[low, power] = comb(power, low) * (end - begin) ** low * begin ** (power - low)
            form[power, low] = comb(power, low) / comb(terms - 1, low)
    return np.asarray(form @ moved)


_ROUNDS = 60
"""A line that touches two stretches is found in some six rounds."""
_NEAR = 1e-11
"""Relative step of a slope that leaves an error of its square."""


@dataclass(frozen=True, eq=False)
class Hull(Curve):
    r"""Concave envelopes: pieces of the curves, and straight lines that touch where they end.

    Parameters
    ----------
    sampled
        The curves.
    enter, leave
        Spends between which the envelope is the curve, shape ``(pieces, *curves)``; in order, and
        infinite and -1 for a piece that the envelope passes over.
    price
        Slope of the line that ends where a piece begins: infinite before the first, falling, and
        minus infinity where the piece is passed over.
    start
        Where that line begins.

    Notes
    -----
    Source: Rockafellar (1970), "Convex Analysis", section 12: the line that touches two pieces
    has the price at which both are worth the same.
    """

    sampled: Sampled
    enter: Floats
    leave: Floats
    price: Floats
    start: Floats
    kind: ClassVar[str] = "hull"

    @classmethod
    def over(
        cls, sampled: Sampled, parts: Stretches, lower: Floats, least: Floats, upper: Floats
    ) -> Self:
        """Return the envelopes on ``lower`` and on all from `least` to `upper`.

        Parameters
        ----------
        sampled, parts
            The curves, in one row, and where they are concave.
        lower, least, upper
            Money, ``lower <= least <= upper``, one for each curve.
        """
        begin = np.concatenate([lower[None], np.maximum(parts.low, least), upper[None]])
        end = np.concatenate([lower[None], np.minimum(parts.high, upper), upper[None]])
        begin, end = (np.where(begin <= end, a, b) for a, b in ((begin, np.inf), (end, -1.0)))
        # An end of the span that is on a stretch is no piece of its own.
        inner = begin[1:-1]
        covered = np.any((inner <= lower) & (end[1:-1] >= lower), axis=0)
        begin[0], end[0] = np.where(covered, np.inf, lower), np.where(covered, -1.0, lower)
        covered = np.any(end[:-1] >= upper, axis=0)
        begin[-1], end[-1] = np.where(covered, np.inf, upper), np.where(covered, -1.0, upper)
        used = np.any(end >= begin, axis=1)
        return cls._wrapped(sampled, begin[used], end[used])

    @classmethod
    def on(cls, sampled: Sampled, low: Floats, high: Floats) -> Self:
        """Return the curves themselves, on spans where each is concave."""
        first = np.full_like(low[None], np.inf)
        return cls(sampled, low[None], high[None], first, first)

    @classmethod
    def _wrapped(cls, sampled: Sampled, begin: Floats, end: Floats) -> Self:
        """Return the envelope over pieces, from the left: the steepest line leads to the next."""
        count, size = begin.shape
        every = np.arange(size)
        price, start = np.full((2, count, size), np.inf)
        price[:] = -np.inf
        enter, leave = np.full((count, size), np.inf), np.full((count, size), -1.0)
        here = np.argmax(end >= begin, axis=0)
        enter[here, every], price[here, every] = begin[here, every], np.inf
        for _ in range(count - 1):
            ahead = _lines_ahead(sampled, begin, end, here)
            if np.all(ahead[0] == -np.inf):
                break
            there = np.argmax(ahead[0], axis=0)
            slope, left, right = (table[there, every] for table in ahead)
            on = slope > -np.inf
            leave[here[on], every[on]] = left[on]
            enter[there[on], every[on]] = right[on]
            price[there[on], every[on]], start[there[on], every[on]] = slope[on], left[on]
            here = np.where(on, there, here)
        leave[here, every] = end[here, every]
        return cls(sampled, enter, leave, price, start)

    def value(self, spend: ArrayLike) -> Floats:
        """Return the heights of the envelopes."""
        x = self._wide(spend)
        value = self.sampled.value(x)
        line = self._line(x, right=False)
        if line is None:
            return value
        inside, slope, _, end = line
        along = self.sampled.value(np.where(inside, end, x)) - slope * (end - x)
        return np.where(inside, along, value)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slopes of the envelopes to the right."""
        x = self._wide(spend)
        slope, line = self.sampled.slope(x), self._line(x, right=True)
        return slope if line is None else np.where(line[0], line[1], slope)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the slopes' decays, 0 on the lines and where a piece ends: there prices jump."""
        x = self._wide(spend)
        decay, line = self.sampled.slope_decay(x), self._line(x, right=True)
        still = np.any((x == self.enter) | (x == self.leave), axis=0)
        return np.where(still if line is None else still | line[0], 0.0, decay)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the largest spends at which the envelopes are still so steep."""
        return self._best(self._wide(slope), most=True)

    def least_and_most(self, price: ArrayLike) -> tuple[Floats, Floats]:
        """Return the least and the largest spends that are best at a price."""
        p = self._wide(price)
        most = self._best(p, most=True)
        # They differ only where the price is that of a line.
        return (self._best(p, most=False), most) if np.any(self.price == p) else (most, most)

    def _best(self, price: Floats, *, most: bool) -> Floats:
        reached = self.price >= price if most else self.price > price
        reached |= self.price == np.inf
        piece = len(reached) - 1 - np.argmax(reached[::-1], axis=0)[None]
        low, high = (np.take_along_axis(t, piece, axis=0)[0] for t in (self.enter, self.leave))
        return self.sampled.falling(price, low, high)

    def line(self, spend: ArrayLike) -> tuple[Floats, Floats]:
        """Return the ends of the lines on which spends lie; the spends themselves on the curves."""
        x = self._wide(spend)
        line = self._line(x, right=False)
        if line is None:
            return x, x
        return np.where(line[0], line[2], x), np.where(line[0], line[3], x)

    def shaped(self, shape: tuple[int, ...]) -> Self:
        """Return the same envelopes in another shape."""
        place = np.arange(self.enter[0].size).reshape(shape)
        tables = (t.reshape(-1, *shape) for t in (self.enter, self.leave, self.price, self.start))
        return type(self)(self.sampled.pick(place), *tables)

    def replaced(self, at: int, one: Self) -> Self:
        """Return the envelopes with that of one curve replaced."""
        most = max(len(self.enter), len(one.enter))
        tables = []
        for name, nothing in (("enter", np.inf), ("leave", -1.0), ("price", -np.inf), ("start", 0)):
            mine, other = (
                np.pad(t, ((0, most - len(t)), (0, 0)), constant_values=nothing)
                for t in (getattr(self, name), getattr(one, name))
            )
            mine[:, at] = other[:, 0]
            tables.append(mine)
        return type(self)(self.sampled, *tables)

    def _line(
        self, spend: Floats, *, right: bool
    ) -> tuple[NDArray[np.bool_], Floats, Floats, Floats] | None:
        """Return which spends lie on a line, and its slope, begin and end; None where none does."""
        if len(self.price) == 1:
            return None
        above = spend >= self.start if right else spend > self.start
        on = above & (spend < self.enter) & np.isfinite(self.price)
        inside = np.any(on, axis=0)
        if not np.any(inside):
            return None
        at = np.argmax(on, axis=0)[None]
        slope, begin, end = (
            np.where(inside, np.take_along_axis(table, at, axis=0)[0], 0.0)
            for table in (self.price, self.start, self.enter)
        )
        return inside, slope, begin, end

    def _wide(self, given: ArrayLike) -> Floats:
        return np.broadcast_to(as_spend(given), self.enter.shape[1:])

    @property
    def concave(self) -> bool:
        """Always."""
        return True

    def take(self, columns: Any) -> Self:
        """Return the envelopes at some positions."""
        tables = (t[..., columns] for t in (self.enter, self.leave, self.price, self.start))
        return type(self)(self.sampled.take(columns), *tables)


def _lines_ahead(sampled: Sampled, begin: Floats, end: Floats, here: NDArray[np.intp]) -> Floats:
    """Return slope, begin and end of the lines from one piece of each curve to all later ones.

    Shape ``(3, pieces, curves)``; minus infinity where there is none.
    """
    found = np.full((3, *begin.shape), -np.inf)
    later = (np.arange(len(begin))[:, None] > here) & (end >= begin)
    right, curve = np.nonzero(later)
    if curve.size:
        left = here[curve]
        ends = ((begin[left, curve], end[left, curve]), (begin[right, curve], end[right, curve]))
        found[:, right, curve] = _touching(sampled.take(curve), *ends)
    return found


def _touching(
    sampled: Sampled, left: tuple[Floats, Floats], right: tuple[Floats, Floats]
) -> Floats:
    """Return slope, begin and end of the lines that touch two pieces of each curve.

    At a price the pieces are worth the same where the chord between their best spends has that
    slope, which is Newton's step on the difference of what they are worth.
    """
    every = np.arange(left[0].size)
    # Each keeps its own last polynomials.
    both, ends = (sampled, sampled.pick(every)), (left, right)
    spends = [left[1], right[0]]
    values = [curve.value(x) for curve, x in zip(both, spends, strict=True)]
    low, high = np.zeros(left[0].size), np.full(left[0].size, np.inf)
    price = (values[1] - values[0]) / (spends[1] - spends[0])
    met = np.zeros(price.shape, dtype=bool)
    for _ in range(_ROUNDS):
        # What is met stays, so that no line depends on how long others take.
        taken = [curve.falling(price, *e) for curve, e in zip(both, ends, strict=True)]
        spends = [np.where(met, *pair) for pair in zip(spends, taken, strict=True)]
        values = [curve.value(x) for curve, x in zip(both, spends, strict=True)]
        ahead = (values[1] - values[0]) / (spends[1] - spends[0])
        low, high = np.where(ahead > price, price, low), np.where(ahead < price, price, high)
        ahead = np.where((ahead >= low) & (ahead <= high), ahead, 0.5 * (low + high))
        step, price = np.abs(ahead - price), np.where(met, price, ahead)
        met |= step <= _NEAR * price
        if np.all(met):
            break
    return np.stack([price, *spends])
