"""Points that channels may choose, with what each is worth and uses of every row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from budgetopt.optimize.lagrangian import Field
from budgetopt.optimize.rows import Rows

Floats = NDArray[np.float64]


class Menu(NamedTuple):
    """Points, any number of them for a channel.

    Parameters
    ----------
    channel
        Position of the channel, shape ``(points,)``.
    spend
        Money, shape ``(points,)``.
    on, moves
        1 where the point counts as on, and as a move, shape ``(points,)``.
    """

    channel: NDArray[np.intp]
    spend: Floats
    on: Floats
    moves: Floats


def worth_and_uses(field: Field, rows: Rows, menu: Menu) -> tuple[Floats, csc_array]:
    """Return the objective of each point, and its part in every row, ``(rows, points)``."""
    at, spend = menu.channel, menu.spend
    value = value_at(field, at, spend)
    worth = field.weight[at] * value - field.cost[at] * spend
    uses = csc_array((rows.size, at.size))
    for table, amount in (
        (rows.money, spend),
        (rows.moved, np.abs(spend - field.last[at])),
        (rows.outcome, -value),
        (rows.on, menu.on),
        (rows.moves, menu.moves),
    ):
        if table.nnz:
            part = csc_array(table)[:, at]
            part.data = part.data * np.repeat(amount, np.diff(part.indptr))
            uses = uses + part
    return worth, csc_array(uses)


def value_at(field: Field, channel: NDArray[np.intp], spend: Floats) -> Floats:
    """Return the outcome of single channels at single spends, shape of `spend`."""
    size = field.lower.size
    if spend.size == 0:
        return spend
    # Points of one channel lie in one column, so that the curves are read as a whole.
    order = np.argsort(channel, kind="stable")
    counts = np.bincount(channel, minlength=size)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    row = np.arange(spend.size) - np.repeat(first, counts)
    table = np.zeros((int(counts.max()), size))
    table[row, channel[order]] = spend[order]
    value = np.empty(spend.size)
    value[order] = field.curves.value(table)[row, channel[order]]
    return value
