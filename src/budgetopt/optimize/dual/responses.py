"""What every channel takes at given prices of the rows, and how that changes with the prices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.arrays import Floats
from budgetopt.optimize.problem import Rows
from budgetopt.optimize.waterfill import Field

_DENSE = 20_000
"""Entries up to which a table is held dense, where dense products are quicker."""
_REACH = 2.0
"""A channel's cap from a row is so many times what the row leaves it and the room more, so that
the row itself, not this cap, is what binds and has the price."""


class Response(NamedTuple):
    """What channels spend at given prices of the rows.

    Parameters
    ----------
    prices
        Scaled prices, shape ``(rows,)``.
    left
        Room less what is used, as shares of the rows' sizes: the gradient of the dual function.
    spend
        Money, shape ``(channels,)``.
    gives
        Money that a channel takes more when its cost falls by one, 0 where it is stuck.
    slope
        Slope of the curve as far as `gives` goes, for rows on the outcome; None where there are
        none.
    side
        1 above the last spend, -1 below it, 0 at it; None where no row counts money moved.
    """

    prices: Floats
    left: Floats
    spend: Floats
    gives: Floats
    slope: Floats | None
    side: Floats | None


class Chords(NamedTuple):
    """Straight pieces on which channels are undecided at the same price.

    Parameters
    ----------
    at
        Positions of the channels.
    low, high
        Ends of the pieces, money.
    slope
        Outcome per money on them.
    pull
        Where the channels stood, money: moving costs ``(x - pull)**2 / (2 ease)``.
    ease
        Money per scaled cost.
    """

    at: NDArray[np.intp]
    low: Floats
    high: Floats
    slope: Floats
    pull: Floats
    ease: Floats


class ScaledProblem:
    r"""A field and its rows, free of units: rows by their size, the objective by its own.

    Parameters
    ----------
    field, rows
        As in `dual`.

    Notes
    -----
    A row's size is what its terms add up to at an even filling, so that prices times size over
    objective are around 1 whatever the units.
    """

    def __init__(self, field: Field, rows: Rows) -> None:
        self.field, self.rows, self.curves = field, rows, field.curves
        dense = rows.size * field.lower.size <= _DENSE
        self.low = field.lower
        covers = _covers(rows)
        reach = _reach(rows, covers, field.lower)
        self.high = np.maximum(self.low, np.minimum(field.upper, reach))
        held = np.diff(rows.money.indptr)[covers]
        self.widest = int(covers[np.argmax(held)]) if covers.size else None
        middle = _even(rows, self.widest, self.low, self.high)
        value = field.curves.value(middle)
        moved = np.abs(middle - field.last)
        size = np.abs(rows.room) + abs(rows.money) @ middle
        size = size + rows.moved @ moved + rows.outcome @ value
        self.size = np.where(size > 0, size, 1.0)
        worth = float(np.abs(field.weight) @ value + np.abs(field.cost) @ middle)
        self.worth = worth if worth > 0 else 1.0
        self.middle = middle
        self.money = _table(rows.money, self.size, dense)
        self.moved = _table(rows.moved, self.size, dense) if rows.moved.nnz else None
        self.outcome = _table(rows.outcome, self.size, dense) if rows.outcome.nnz else None
        self.room = rows.room / self.size
        self.weight, self.cost = field.weight / self.worth, field.cost / self.worth
        self.unit = 0.0
        if self.widest is not None:
            _, uses = _entries(rows.money, self.widest)
            self.unit = float(uses.mean()) / self.size[self.widest]
        self.hinge = np.clip(field.last, self.low, self.high)

    def prices(self, scaled: Floats) -> Floats:
        """Return prices in units from scaled ones."""
        return scaled * (self.worth / self.size)

    def scaled(self, prices: Floats) -> Floats:
        """Return scaled prices."""
        return np.maximum(prices, 0.0) * (self.size / self.worth)

    def terms(self, prices: Floats) -> tuple[Floats, Floats, Floats | None]:
        """Return each channel's weight of outcome, cost of money and cost of moving it."""
        weight = self.weight
        if self.outcome is not None:
            weight = weight + self.outcome.T @ prices
        drag = None if self.moved is None else self.moved.T @ prices
        return weight, self.cost + self.money.T @ prices, drag

    def best(self, weight: Floats, cost: Floats, drag: Floats | None) -> tuple[Floats, Floats]:
        """Return the best spend of each channel, and the cost of money on its side of the last."""
        if drag is None:
            return self._meeting(weight, cost, self.low, self.high), cost
        up = self._meeting(weight, cost + drag, self.hinge, self.high)
        down = self._meeting(weight, cost - drag, self.low, self.hinge)
        rises = up > self.hinge
        return np.where(rises, up, down), np.where(rises, cost + drag, cost - drag)

    def _meeting(self, weight: Floats, cost: Floats, low: Floats, high: Floats) -> Floats:
        spend = self.curves.spend_at_slope(np.maximum(cost / weight, 0.0))
        spend = np.minimum(np.maximum(spend, low), high)
        negative = cost < 0
        if negative.any():
            spend = np.where(negative, high, spend)
        idle = weight <= 0
        if idle.any():
            spend = np.where(idle & ~negative, low, spend)
        return spend

    def left(self, spend: Floats) -> Floats:
        """Return room less what is used, as shares of the rows' sizes."""
        left = self.room - self.money @ spend
        if self.moved is not None:
            left = left - self.moved @ np.abs(spend - self.field.last)
        if self.outcome is not None:
            left = left + self.outcome @ self.curves.value(spend)
        return np.asarray(left)

    def side(self, spend: Floats) -> Floats | None:
        """Return on which side of its last spend each channel is."""
        return None if self.moved is None else np.sign(spend - self.field.last)

    def smooth(self, prices: Floats) -> Response:
        """Return the best spends, for curves without straight pieces."""
        weight, cost, drag = self.terms(prices)
        spend, paid = self.best(weight, cost, drag)
        free = (spend > self.low) & (spend < self.high)
        if drag is not None:
            free &= spend != self.hinge
        gives = self.curves.slope_decay(spend) / paid
        gives = np.where(free & np.isfinite(gives) & (gives > 0), gives, 0.0)
        slope = None if self.outcome is None else np.where(gives > 0, paid / weight, 0.0)
        return Response(prices, self.left(spend), spend, gives, slope, self.side(spend))

    def window(self, prices: Floats, half: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        r"""Return spends averaged over costs within `half`, the spends at both ends, and slopes.

        With :math:`\psi(c) = \max_x w f(x) - c x` the average of the best spend over
        :math:`c \pm h` is :math:`(\psi(c-h) - \psi(c+h)) / 2h`: a jump becomes a ramp.
        """
        weight, cost, drag = self.terms(prices)
        few, _ = self.best(weight, cost + half, drag)
        many, _ = self.best(weight, cost - half, drag)
        wide = many - few
        rise = self.curves.value(many) - self.curves.value(few)
        lead = weight * rise - cost * wide
        if drag is not None:
            last = self.field.last
            lead = lead - drag * (np.abs(many - last) - np.abs(few - last))
        spend = np.clip(0.5 * (few + many) + lead / (2.0 * half), few, many)
        return spend, few, many, np.where(wide > 0, rise / wide, 0.0)

    def averaged(self, prices: Floats, half: Floats) -> Response:
        """Return spends averaged over costs within `half`."""
        spend, few, many, slope = self.window(prices, half)
        gives = (many - few) / (2.0 * half)
        slopes = None if self.outcome is None else slope
        return Response(prices, self.left(spend), spend, gives, slopes, self.side(spend))

    def costs(self, prices: Floats) -> Floats:
        """Return the size of each channel's cost, all of its parts counted as positive."""
        cost = np.abs(self.cost) + abs(self.money).T @ prices
        if self.moved is not None:
            cost = cost + self.moved.T @ prices
        typical = float(np.mean(cost)) or 1.0
        return np.asarray(cost + 1e-3 * typical)

    def chords(self, prices: Floats, half: Floats) -> Chords:
        """Return the straight pieces that the costs lie on, give or take `half`."""
        spend, few, many, slope = self.window(prices, half)
        weight, _, _ = self.terms(prices)
        wide = many - few
        # A curve's own slope falls by the whole window between the ends, a straight piece's by 0.
        inset = 0.01 * wide
        falls = self.curves.slope(few + inset) - self.curves.slope(many - inset)
        straight = ~(weight * falls > half)
        at = np.flatnonzero(straight & (wide > 1e-9 * many))
        low, high = few[at], many[at]
        ease = (high - low) / (2.0 * half[at])
        return Chords(at, low, high, slope[at], spend[at], ease)

    def drawn(self, prices: Floats, chords: Chords) -> Response:
        """Return best spends that on straight pieces are drawn to where they stood."""
        response = self.smooth(prices)
        weight, cost, drag = self.terms(prices)
        at = chords.at
        aim = chords.pull + chords.ease * (chords.slope * weight[at] - cost[at])
        if drag is not None:
            last, rub = self.field.last[at], chords.ease * drag[at]
            aim = np.where(aim - rub > last, aim - rub, np.minimum(aim + rub, last))
        spend, gives, found = response.spend.copy(), response.gives.copy(), response.spend[at]
        inside = (aim > chords.low) & (aim < chords.high)
        past = np.where(
            aim >= chords.high, np.maximum(found, chords.high), np.minimum(found, chords.low)
        )
        spend[at] = np.where(inside, aim, past)
        stays = (past == chords.low) | (past == chords.high)
        gives[at] = np.where(inside, chords.ease, np.where(stays, 0.0, gives[at]))
        if drag is not None:
            gives[at] = np.where(spend[at] == last, 0.0, gives[at])
        slope = response.slope
        if slope is not None:
            slope = slope.copy()
            slope[at] = np.where(inside, chords.slope, slope[at])
        return Response(prices, self.left(spend), spend, gives, slope, self.side(spend))

    def effect(self, response: Response, chosen: NDArray[np.intp]) -> Any:
        """Return what a unit of money in each channel uses of some rows, where it is free to move.

        Returns
        -------
        ndarray or csr_array
            Shape ``(chosen rows, channels)``.
        """
        effect = _part(self.money, chosen)
        if self.moved is not None and response.side is not None:
            effect = effect + _times(_part(self.moved, chosen), response.side)
        if self.outcome is not None and response.slope is not None:
            effect = effect - _times(_part(self.outcome, chosen), response.slope)
        return effect

    def curvature(self, response: Response, chosen: NDArray[np.intp]) -> Floats:
        r"""Return the second derivative of the dual function, :math:`G D G^T`, over some rows."""
        effect = self.effect(response, chosen)
        if isinstance(effect, np.ndarray):
            return np.asarray((effect * response.gives) @ effect.T)
        return _sandwich(effect, response.gives)


def _table(table: csr_array, size: Floats, dense: bool) -> Any:
    """Return a table with each row over its size."""
    if dense:
        return table.toarray() / size[:, None]
    data = table.data / np.repeat(size, np.diff(table.indptr))
    return csr_array((data, table.indices, table.indptr), shape=table.shape)


def _part(table: Any, rows: NDArray[np.intp]) -> Any:
    return table[rows] if rows.size < table.shape[0] else table


def _times(table: Any, columns: Floats) -> Any:
    """Return a table with its columns scaled."""
    if isinstance(table, np.ndarray):
        return table * columns
    data = table.data * columns[table.indices]
    return csr_array((data, table.indices, table.indptr), shape=table.shape)


def _sandwich(table: csr_array, middle: Floats) -> Floats:
    """Return ``G D G^T`` row by row.

    A product of sparse tables takes several times as long, and as much memory.
    """
    size = table.shape[0]
    product = np.empty((size, size))
    for row in range(size):
        here, after = table.indptr[row], table.indptr[row + 1]
        at, weighed = table.indices[here:after], np.zeros(middle.size)
        weighed[at] = table.data[here:after] * middle[at]
        rest = csr_array(
            (table.data[here:], table.indices[here:], table.indptr[row:] - here),
            shape=(size - row, middle.size),
        )
        product[row, row:] = product[row:, row] = rest @ weighed
    return product


def _covers(rows: Rows) -> NDArray[np.intp]:
    """Return the rows that every spend can only fill: no negative money, no outcome."""
    table = rows.money
    negative = np.bincount(_row_of(table)[table.data < 0], minlength=rows.size)
    held = np.diff(table.indptr) > 0
    return np.flatnonzero((negative == 0) & held & (np.diff(rows.outcome.indptr) == 0))


def _row_of(table: csr_array) -> NDArray[np.intp]:
    return np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))


def _entries(table: csr_array, row: int) -> tuple[NDArray[Any], Floats]:
    """Return the columns and values of one row."""
    part = slice(table.indptr[row], table.indptr[row + 1])
    return np.asarray(table.indices[part]), np.asarray(table.data[part])


def _reach(rows: Rows, covers: NDArray[np.intp], low: Floats) -> Floats:
    """Return caps above all that some rows leave to each channel, infinite where none does."""
    reach = np.full(low.size, np.inf)
    table = rows.money
    spare = np.maximum(rows.room - table @ low, 0.0)
    for row in covers:
        at, uses = _entries(table, row)
        most = _REACH * spare[row] + abs(rows.room[row])
        if most > 0:
            reach[at] = np.minimum(reach[at], low[at] + most / uses)
    return reach


def _even(rows: Rows, widest: int | None, low: Floats, high: Floats) -> Floats:
    """Return spends part of the way between the bounds, as far as the widest row lets them go."""
    width = np.where(np.isfinite(high), high - low, 0.0)
    share = 1.0
    if widest is not None:
        at, uses = _entries(rows.money, widest)
        used = float(uses @ width[at])
        if used > 0:
            share = (float(rows.room[widest]) - float(uses @ low[at])) / used
    return np.asarray(low + width * min(max(share, 0.01), 1.0))
