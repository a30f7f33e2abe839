"""Where weighted sums of cells are concave: all over, or on stretches between their inflections."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves.base import Floats
from budgetopt.curves.sampled import Sampled, Table, products

_PARTS = 4
"""A panel is proven concave in so many parts."""
_ALONG = np.linspace(0.0, 1.0, 33)
"""Places on a panel at which the bend is read where it is not proven: spends at most 1.6 % apart,
so that two inflections between neighbours are worth less than a part in a thousand million."""
_LEVEL = 1e-11
"""A slope that rises by less than this share while the spend grows by a factor of e is level: the
polynomials say no more."""


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
    """Return which curves are convex somewhere between two spends, shape of the curves."""
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
    asked = _least_bend(table)[first * _PARTS : (last + 1) * _PARTS]
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


def _at(turn: NDArray[np.bool_], bend: Floats, place: Floats, table: Table) -> Floats:
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


def _fall(table: Table) -> Floats:
    """Return the matrix from ``x f'`` to ``-x² f''``, with what counts as level on top."""
    terms = table.pieces.shape[1] - 1
    rise = np.diag(np.arange(1.0, terms), 1) * (2.0 / table.width)
    return np.asarray((1.0 + _LEVEL) * np.eye(terms) - rise)


@lru_cache(maxsize=32)
def _least_bend(table: Table) -> Floats:
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
