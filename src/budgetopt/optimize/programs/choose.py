"""Programs over menus of points: each channel mixes its points, or chooses one piece of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array, csr_array, diags_array

from budgetopt.optimize.programs.linear import Clock
from budgetopt.optimize.programs.lp import Program, Status, largest_entries, solve
from budgetopt.optimize.programs.menu import value_at, worth_and_uses
from budgetopt.optimize.programs.options import FREE, OFF, STAY, Options, Scene

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

_MILP_WORK = 3000
"""Nodes of the solver's search times channels: what it finds late the search here finds too, and
a count, unlike a time, ends alike everywhere."""
_MILP_NODES = 30
"""Nodes at least."""
_STRAIGHT = 1e-9
"""Relative rise of a slope that is rounding, not an S-curve."""


class Points(NamedTuple):
    """A menu whose points know which kind of option they belong to.

    Parameters
    ----------
    channel, kind
        Positions and kinds, shape ``(points,)``.
    spend
        Money, shape ``(points,)``.
    """

    channel: Places
    kind: Places
    spend: Floats

    def take(self, which: NDArray[Any]) -> Points:
        """Return the points at some positions."""
        return Points(self.channel[which], self.kind[which], self.spend[which])


class Mix(NamedTuple):
    """A relaxed answer.

    Parameters
    ----------
    status
        How the linear program ended.
    share
        Part that each point has in its channel, shape ``(points,)``.
    prices
        Price of each row, shape ``(rows,)``.
    missed
        By how much rows are missed, in largest entries; zeros where they are kept.
    """

    status: Status
    share: Floats
    prices: Floats
    missed: Floats


def points_of(scene: Scene, options: Options, free: Floats) -> Points:
    """Return the points of all options, with these free amounts, shape ``(amounts, channels)``."""
    low, high = scene.ends(options)
    every = np.arange(low.size)
    spends = np.clip(np.vstack([low, high, np.clip(scene.field.last, low, high), free]), low, high)
    lots = np.maximum(scene.lot, 1)
    whole = np.round(spends * scene.units / lots) * lots
    whole = np.clip(whole, options.low, np.maximum(options.low, options.high)) / scene.units
    spends = np.sort(np.where(scene.lot > 0, whole, spends), axis=0)
    fresh = np.vstack([np.ones((1, low.size), dtype=bool), np.diff(spends, axis=0) > 0])
    row, at = np.nonzero(fresh & options.free)
    channel = np.concatenate([at, every[options.off], every[options.stay]])
    counts = [at.size, int(options.off.sum()), int(options.stay.sum())]
    kind = np.repeat(np.array([FREE, OFF, STAY]), counts)
    last = scene.field.last[options.stay]
    spend = np.concatenate([spends[row, at], np.zeros(counts[1]), last])
    order = np.lexsort((spend, kind, channel))
    return Points(channel[order], kind[order], spend[order])


def _tables(scene: Scene, options: Options, points: Points) -> tuple[Floats, csr_array]:
    menu = scene.flags(options, points.kind, points.channel)._replace(spend=points.spend)
    worth, uses = worth_and_uses(scene.field, scene.rows, menu)
    return worth, uses.tocsr()


def total(owner: Places, amounts: Floats, size: int) -> Floats:
    """Return the sum of amounts by owner, shape ``(size,)``."""
    return np.bincount(owner, amounts, minlength=size).astype(np.float64)


def _sums(owner: Places, size: int) -> csr_array:
    """Return the table that adds up columns by owner."""
    one = np.ones(owner.size)
    return csr_array(coo_array((one, (owner, np.arange(owner.size))), shape=(size, owner.size)))


def mixed(
    scene: Scene, options: Options, points: Points, left: Clock, *, elastic: bool = False
) -> Mix:
    """Solve the program in which channels mix their points; `elastic` as in `linear`."""
    worth, uses = _tables(scene, options, points)
    size, rows = options.low.size, scene.rows
    sums = _sums(points.channel, size)
    columns, upper = points.spend.size, np.ones(points.spend.size)
    matrix = block_array([[uses], [sums]], format="csr")
    scale = np.ones(rows.size)
    if elastic:
        entries = largest_entries(uses)
        scale = np.where(entries > 0, entries, np.maximum(1.0, np.abs(rows.room)))
        matrix = block_array([[uses, -diags_array(scale)], [sums, None]], format="csr")
        worth = np.concatenate([np.zeros(columns), -np.ones(rows.size)])
        upper = np.concatenate([upper, np.full(rows.size, np.inf)])
    room = np.concatenate([rows.room, np.ones(size)])
    equal = np.arange(room.size) >= rows.size
    program = Program(worth, np.zeros(worth.size), upper, csr_array(matrix), room, equal=equal)
    answer = solve(program, time_limit=left())
    if not answer.found:
        return Mix(answer.status, answer.values, answer.prices, answer.values)
    missed = answer.values[columns:] if elastic else np.zeros(rows.size)
    return Mix(answer.status, answer.values[:columns], answer.prices[: rows.size], missed)


def chosen(
    scene: Scene, options: Options, points: Points, left: Clock, gap: float
) -> tuple[Places, Floats] | None:
    """Return kind and money by channel where each has one piece of its menu, or None.

    A piece is a run of neighbouring points whose broken line is concave, so that a mix of them
    stands for the amount between; an S-curve has several. Lots are whole numbers. The proof
    never rests on what the solver says of its own gap.
    """
    points, piece = _in_pieces(scene, points)
    worth, uses = _tables(scene, options, points)
    size, count = options.low.size, points.spend.size
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    pieces, owner = first.size, points.channel[first]
    lots = np.flatnonzero(scene.lot > 0)
    place = np.zeros(size, dtype=np.intp)
    place[lots] = np.arange(lots.size)
    inside = (points.kind == FREE) & (scene.lot[points.channel] > 0)
    steps = coo_array(
        (points.spend[inside], (place[points.channel[inside]], np.flatnonzero(inside))),
        shape=(lots.size, count),
    )
    lot = diags_array(-scene.lot[lots] / scene.units) if lots.size else csr_array((0, 0))
    blocks: list[list[Any]] = [
        [uses, csr_array((scene.rows.size, pieces)), csr_array((scene.rows.size, lots.size))],
        [_sums(piece, pieces), -diags_array(np.ones(pieces)), csr_array((pieces, lots.size))],
        [csr_array((size, count)), _sums(owner, size), csr_array((size, lots.size))],
        [steps, csr_array((lots.size, pieces)), lot],
    ]
    matrix = csr_array(block_array([row for row in blocks if row[0].shape[0]], format="csr"))
    room = np.concatenate([scene.rows.room, np.zeros(pieces), np.ones(size), np.zeros(lots.size)])
    upper = np.concatenate([np.ones(count + pieces), np.full(lots.size, np.inf)])
    objective = np.concatenate([worth, np.zeros(pieces + lots.size)])
    whole = np.arange(objective.size) >= count
    equal = np.arange(room.size) >= scene.rows.size
    program = Program(objective, np.zeros(objective.size), upper, matrix, room, whole, equal)
    nodes = max(_MILP_NODES, _MILP_WORK // size)
    answer = solve(program, time_limit=left(), gap=gap, nodes=nodes)
    if not answer.found:
        return None
    kind = points.kind[first][_argmax(owner, answer.values[count : count + pieces], size)]
    return kind, total(points.channel, answer.values[:count] * points.spend, size)


def _in_pieces(scene: Scene, points: Points) -> tuple[Points, Places]:
    """Return the points and the number of each one's piece, those between two pieces twice."""
    new = (np.diff(points.channel, prepend=-1) != 0) | (np.diff(points.kind, prepend=-1) != 0)
    if scene.concave:
        return points, np.cumsum(new) - 1
    value = value_at(scene.field, points.channel, points.spend)
    rise = np.full(new.size + 1, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        rise[1:-1] = np.diff(value) / np.diff(points.spend)
        rise[:-1][new] = np.nan
        bends = rise[1:] > rise[:-1] * (1.0 + _STRAIGHT)
    twice = np.repeat(np.arange(new.size), 1 + bends)
    again = np.diff(twice, prepend=-1) == 0
    piece = np.cumsum(new[twice] | again) - 1 - np.cumsum(new[twice] & again)
    return points.take(twice), piece


def _argmax(owner: Places, values: Floats, size: int) -> Places:
    """Return for each owner the position of its largest value."""
    order = np.lexsort((values, owner))
    last = np.searchsorted(owner[order], np.arange(size), side="right") - 1
    best: Places = order[last]
    return best
