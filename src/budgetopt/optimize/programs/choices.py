"""Programs over menus of points: each channel mixes its points, or chooses one piece of them.

- `points_of` and `renewed`: the points, and those that a next mix should have besides.
- `mixed` is the linear relaxation, `chosen` the integer program where counts and S-curves hold.
- `masses`, `free_amounts`, `amounts_of`: what a mix says by channel.

A mix across the convex part of an S-curve is worth more than any spend is; `excess` measures by how
much, and the search in `integer` branches until nothing is left of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array, csr_array, diags_array

from budgetopt.arrays import Floats, Places
from budgetopt.optimize.problem import Clock
from budgetopt.optimize.programs.linear import value_at, worth_and_uses
from budgetopt.optimize.programs.lp import Program, Status, largest_entries, solve
from budgetopt.optimize.programs.options import FREE, OFF, STAY, Options, OptionSpace, Reply

_MILP_WORK = 3000
"""Nodes of the solver's search times channels: what it finds late the search here finds too, and
a count, unlike a time, ends alike everywhere."""
_MILP_NODES = 30
"""Nodes at least."""
_STRAIGHT = 1e-9
"""Relative rise of a slope that is rounding, not an S-curve."""


class OptionPoints(NamedTuple):
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

    def take(self, which: NDArray[Any]) -> OptionPoints:
        """Return the points at some positions."""
        return OptionPoints(self.channel[which], self.kind[which], self.spend[which])


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


def points_of(space: OptionSpace, options: Options, free: Floats) -> OptionPoints:
    """Return the points of all options, with these free amounts, shape ``(amounts, channels)``."""
    low, high = space.ends(options)
    every = np.arange(low.size)
    spends = np.clip(np.vstack([low, high, np.clip(space.field.last, low, high), free]), low, high)
    lots = np.maximum(space.lot, 1)
    whole = np.round(spends * space.units / lots) * lots
    whole = np.clip(whole, options.low, np.maximum(options.low, options.high)) / space.units
    spends = np.sort(np.where(space.lot > 0, whole, spends), axis=0)
    fresh = np.vstack([np.ones((1, low.size), dtype=bool), np.diff(spends, axis=0) > 0])
    row, at = np.nonzero(fresh & options.free)
    channel = np.concatenate([at, every[options.off], every[options.stay]])
    counts = [at.size, int(options.off.sum()), int(options.stay.sum())]
    kind = np.repeat(np.array([FREE, OFF, STAY]), counts)
    last = space.field.last[options.stay]
    spend = np.concatenate([spends[row, at], np.zeros(counts[1]), last])
    order = np.lexsort((spend, kind, channel))
    return OptionPoints(channel[order], kind[order], spend[order])


def _tables(space: OptionSpace, options: Options, points: OptionPoints) -> tuple[Floats, csr_array]:
    menu = space.flags(options, points.kind, points.channel)._replace(spend=points.spend)
    worth, uses = worth_and_uses(space.field, space.rows, menu)
    return worth, uses.tocsr()


def total(owner: Places, amounts: Floats, size: int) -> Floats:
    """Return the sum of amounts by owner, shape ``(size,)``."""
    return np.bincount(owner, amounts, minlength=size).astype(np.float64)


def _sums(owner: Places, size: int) -> csr_array:
    """Return the table that adds up columns by owner."""
    one = np.ones(owner.size)
    return csr_array(coo_array((one, (owner, np.arange(owner.size))), shape=(size, owner.size)))


def mixed(
    space: OptionSpace,
    options: Options,
    points: OptionPoints,
    left: Clock,
    *,
    elastic: bool = False,
) -> Mix:
    """Solve the program in which channels mix their points; `elastic` as in `linear`."""
    worth, uses = _tables(space, options, points)
    size, rows = options.low.size, space.rows
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
    space: OptionSpace, options: Options, points: OptionPoints, left: Clock, gap: float
) -> tuple[Places, Floats] | None:
    """Return kind and money by channel where each has one piece of its menu, or None.

    A piece is a run of neighbouring points whose broken line is concave, so that a mix of them
    stands for the amount between; an S-curve has several. Lots are whole numbers. The proof
    never rests on what the solver says of its own gap.

    References
    ----------
    Croxton, Gendron and Magnanti (2003), "A comparison of mixed-integer programming models for
    nonconvex piecewise linear cost minimization problems": the multiple choice model.
    """
    points, piece = _in_pieces(space, points)
    worth, uses = _tables(space, options, points)
    size, count = options.low.size, points.spend.size
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    pieces, owner = first.size, points.channel[first]
    lots = np.flatnonzero(space.lot > 0)
    place = np.zeros(size, dtype=np.intp)
    place[lots] = np.arange(lots.size)
    inside = (points.kind == FREE) & (space.lot[points.channel] > 0)
    steps = coo_array(
        (points.spend[inside], (place[points.channel[inside]], np.flatnonzero(inside))),
        shape=(lots.size, count),
    )
    lot = diags_array(-space.lot[lots] / space.units) if lots.size else csr_array((0, 0))
    blocks: list[list[Any]] = [
        [uses, csr_array((space.rows.size, pieces)), csr_array((space.rows.size, lots.size))],
        [_sums(piece, pieces), -diags_array(np.ones(pieces)), csr_array((pieces, lots.size))],
        [csr_array((size, count)), _sums(owner, size), csr_array((size, lots.size))],
        [steps, csr_array((lots.size, pieces)), lot],
    ]
    matrix = csr_array(block_array([row for row in blocks if row[0].shape[0]], format="csr"))
    room = np.concatenate([space.rows.room, np.zeros(pieces), np.ones(size), np.zeros(lots.size)])
    upper = np.concatenate([np.ones(count + pieces), np.full(lots.size, np.inf)])
    objective = np.concatenate([worth, np.zeros(pieces + lots.size)])
    whole = np.arange(objective.size) >= count
    equal = np.arange(room.size) >= space.rows.size
    program = Program(objective, np.zeros(objective.size), upper, matrix, room, whole, equal)
    nodes = max(_MILP_NODES, _MILP_WORK // size)
    answer = solve(program, time_limit=left(), gap=gap, nodes=nodes)
    if not answer.found:
        return None
    kind = points.kind[first][_argmax(owner, answer.values[count : count + pieces], size)]
    return kind, total(points.channel, answer.values[:count] * points.spend, size)


def _in_pieces(space: OptionSpace, points: OptionPoints) -> tuple[OptionPoints, Places]:
    """Return the points and the number of each one's piece, those between two pieces twice."""
    new = (np.diff(points.channel, prepend=-1) != 0) | (np.diff(points.kind, prepend=-1) != 0)
    if space.concave:
        return points, np.cumsum(new) - 1
    value = value_at(space.field, points.channel, points.spend)
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


_BETWEEN = np.array([0.0, 0.15, 0.35, 0.6, 0.85, 1.0, 1.3])[:, None]
"""Parts of the way from a mix to the replies to its prices that are points of the next menu."""


def masses(points: OptionPoints, mix: Mix, size: int) -> Floats:
    """Return the part that each kind of option has in each channel's mix, ``(3, channels)``."""
    mass = np.zeros((3, size))
    np.add.at(mass, (points.kind, points.channel), mix.share)
    return mass


def free_amounts(points: OptionPoints, mix: Mix, size: int) -> Floats:
    """Return the mean of each channel's free amounts in its mix; their mean where it has none."""
    share = np.where(points.kind == FREE, mix.share[: points.kind.size] + 1e-12, 0.0)
    weight = total(points.channel, share, size)
    spend = total(points.channel, share * points.spend, size)
    return np.divide(spend, weight, out=np.zeros(size), where=weight > 0)


def amounts_of(points: OptionPoints, size: int) -> Floats:
    """Return free amounts by channel, shape ``(most, channels)``, zeros where there are fewer."""
    free = points.kind == FREE
    channel, spend = points.channel[free], points.spend[free]
    counts = np.bincount(channel, minlength=size)
    first = np.cumsum(counts) - counts
    table = np.zeros((max(1, int(counts.max(initial=0))), size))
    row = np.arange(spend.size) - first[channel]
    table[row, channel] = spend
    return table


def renewed(points: OptionPoints, mix: Mix, reply: Reply, size: int) -> Floats:
    """Return all amounts with the replies, and some between the replies and the mixed ones."""
    spend = free_amounts(points, mix, size)
    wished = np.where(reply.kind == FREE, reply.spend, spend)
    between = spend + _BETWEEN * (wished - spend)
    return np.vstack([amounts_of(points, size), np.maximum(between, 0.0)])


def excess(
    space: OptionSpace, options: Options, points: OptionPoints, mix: Mix, reply: Reply
) -> float:
    r"""Return by how much replies are worth more than the mixed points, at the same prices.

    It is :math:`\sum_i \max_{x \in D_i} L_i(x, \pi) - \sum_{ij} s_{ij} L_i(x_{ij}, \pi)` with L a
    channel's part of the Lagrangian: what new points may still add to the linear program.
    """
    menu = space.flags(options, points.kind, points.channel)._replace(spend=points.spend)
    worth, uses = worth_and_uses(space.field, space.rows, menu)
    return float(reply.worth.sum() - mix.share @ (worth - uses.T @ mix.prices))
