r"""S-curves and channels that are off or at least so much, over many weeks: best first, proven.

A node holds the plans whose spends, and whose effective spends, lie between some ends. Above each
curve stands its least concave function on those ends, and the interior point of `interior` solves
what is concave then; its bound is the node's. A node is split where a curve lies furthest below
what stands above it, or where a channel is neither off nor on. What the rows say of the ends of one
spend once those of another are narrower is passed on, so that a split in one week tells in others
too: change limits and carryover tie them.

Plans are found on the way: with every curve replaced by its concave stretch around a plan, drawn
out by its tangents, the best plan shows where to go, and true curves say how far.

References
----------
Falk and Soland (1969), "An algorithm for separable nonconvex programming problems"; Udell and Boyd
(2013), "Maximizing a sum of sigmoids"; for passing on ends of intervals, Belotti, Lee, Liberti,
Margot and Wächter (2009), "Branching and bounds tightening techniques for non-convex MINLP".
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Bools, Floats
from budgetopt.curves import Curve
from budgetopt.horizon.interior import Program, bound_of, solve
from budgetopt.optimize import Bends, Branches, Envelope, OpenSpan

GOOD = 1e-3
"""Gap, as a share of the bound, at which a plan is good enough."""
_NEAR = 1e-6
"""Gap to which the interior point solves a node; its bound holds whatever it left."""
_WORK = 8e8
"""Multiplications in the blocks of the channels after which the best plan so far is the answer."""
_ROUND = 2e5
"""What a round takes besides, counted in these."""
_CLIMBS = 12
"""Times that a plan is made better from where it stands, at most."""
_RISE = 1e-5
"""Share of the objective that such a step must bring for another one."""
_FAR = 1e-3
"""Share of the objective below the best plan from which on a plan is left alone."""
_HALVINGS = 6
_KEPT = 1e-6
"""Share of the largest spend by which a plan may miss a row: rounding to money takes it away."""
_ROOM = 1e-10
"""Share of the largest spend that ends of intervals are left wider by than arithmetic says."""
_LEVEL = 1e-9
"""Share of it below which an interval is one point for the interior point."""
_TELLS = 1e-6
"""Share of it that an end must move by to be passed on."""
_ASIDE = 0.2
"""Share of an interval that a split keeps away from its ends."""
_NARROW = 1e-6
"""Share of the objective by which a curve must lie below its envelope for a split."""


class Found(NamedTuple):
    """The best plan found, None where there is none, and what no plan exceeds."""

    spend: Floats | None
    bound: float


def search(program: Program, least_on: Floats) -> Found:
    """Return a plan of weeks whose curves may be S-shaped, with a bound.

    Parameters
    ----------
    program
        What is to be solved; its curves need not be concave.
    least_on
        Money that a channel gets at least in a week in which it is on, 0 where any will do,
        ``(channels, weeks)``.
    """
    tree = _Tree(program, least_on)
    first = tree.opened(tree.root, np.inf)
    heap = [] if first is None else [(-first.bound, 0, first)]
    closed, number = -np.inf, itertools.count(1)
    while heap:
        if tree.work > _WORK or tree.near(-heap[0][0]):
            closed = max(closed, -heap[0][0])
            break
        one = heapq.heappop(heap)[2]
        parts = tree.split(one)
        if parts is None:
            closed = max(closed, one.bound)
        for part in parts or ():
            child = tree.opened(part, one.bound)
            if child is not None:
                heapq.heappush(heap, (-child.bound, next(number), child))
    return Found(tree.best, max(closed, tree.value))


def improved(program: Program, least_on: Floats, spend: Floats) -> Floats | None:
    """Return a good plan near one that need not keep the rows, None where there is none.

    Parameters
    ----------
    program, least_on
        As in `search`.
    spend
        Money, ``(channels, weeks)``.
    """
    tree = _Tree(program, least_on)
    tree.climb(tree.root, np.clip(spend, program.lower, program.upper))
    return tree.best


class _Node(NamedTuple):
    """Spends between ends, ``(channels, weeks)``, and effective ones, ``(lasting, channels)``.

    `cut` says which effective spends have an end that the rows of spends alone do not keep.
    """

    lower: Floats
    upper: Floats
    low: Floats
    high: Floats
    cut: Bools


class _Opened(NamedTuple):
    """A node with its bound, and the best plan under its envelopes with prices of money."""

    bound: float
    node: _Node
    spend: Floats
    price: Floats
    above: Curve


@dataclass(frozen=True, eq=False)
class _Drawn(Curve):
    """Curves between ends, drawn out by straight lines; one for each week and channel.

    Parameters
    ----------
    curve
        Over weeks and channels in one row.
    low, high
        The ends, in one row.
    """

    curve: Curve
    low: Floats
    high: Floats
    kind: ClassVar[str] = "drawn"

    def value(self, spend: ArrayLike) -> Floats:
        """Return the curve's value, or the line's."""
        x, inside, slope = self._at(spend)
        over = x - inside
        with np.errstate(invalid="ignore"):
            line = np.where(over != 0, slope * over, 0.0)
        return (self.curve.value(inside) + line).reshape(np.shape(spend))

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slope of either."""
        return self._at(spend)[2].reshape(np.shape(spend))

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the curve's decay; 0 on straight lines."""
        x, inside, _ = self._at(spend)
        decay = np.where(x == inside, np.maximum(self.curve.slope_decay(inside), 0.0), 0.0)
        return np.where(self.low < self.high, decay, 0.0).reshape(np.shape(spend))

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return what the curve does between the ends."""
        flat = np.clip(self.curve.spend_at_slope(np.ravel(slope)), self.low, self.high)
        return flat.reshape(np.shape(slope))

    @property
    def concave(self) -> bool:
        """Always, between ends where the curve is."""
        return True

    def _at(self, spend: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return spends in one row, drawn in between the ends, and the slopes there."""
        x = np.ravel(np.asarray(spend, dtype=np.float64))
        # At the upper end the slope to the left counts, which a chord's end does not have.
        inside = np.clip(x, self.low, self.high)
        before = np.minimum(inside, np.nextafter(self.high, 0.0))
        return x, inside, self.curve.slope(np.maximum(before, np.minimum(self.low, inside)))


class _Tree:
    """What nodes share: the program, where its curves bend, and the best plan so far."""

    def __init__(self, program: Program, least_on: Floats) -> None:
        self.program, self.least_on = program, least_on
        self.best: Floats | None = None
        self.value, self.work = -np.inf, 0.0
        size, weeks = program.lower.shape
        lasting = len(program.weight)
        self.money = max(float(np.abs(program.upper).max()), 1e-300)
        self.each = _ROUND + size * weeks * weeks * (weeks + lasting)
        low, high = program.effective(program.lower), program.effective(program.upper)
        self.root = _Node(program.lower, program.upper, low, high, np.zeros(low.shape, np.bool_))
        flat = program.curves.take(np.tile(np.arange(size), lasting))
        self.bends = Bends.of(flat, high.ravel())
        self.branches = Branches(
            self.bends, OpenSpan(0.0 * low.ravel(), 0.0 * low.ravel(), high.ravel())
        )
        # Effective spends that are one spend alone: their ends are ends of that, and so are holes.
        feeds = program.kernel > 0
        self.alone = (feeds.sum(axis=2) == 1).T
        at = np.argmax(feeds, axis=2).T
        channel = np.arange(size)
        factor = program.kernel[channel, np.arange(lasting)[:, None], at]
        self.gate = np.where(self.alone, program.carried + factor * least_on[channel, at], 0.0)

    def near(self, bound: float) -> bool:
        """Return whether the best plan is near enough to a bound."""
        return self.best is not None and bound - self.value <= GOOD * abs(bound)

    def opened(self, node: _Node, most: float) -> _Opened | None:
        """Return a node with its bound, at most that of the one it is part of; None if empty."""
        narrow = self._narrowed(node)
        if narrow is None:
            return None
        low, high = narrow.low.ravel(), narrow.high.ravel()
        gate = np.where(self.gate > narrow.low, np.minimum(self.gate, narrow.high), narrow.low)
        above = _Drawn(Envelope.over(self.bends, OpenSpan(low, gate.ravel(), high)), low, high)
        program = replace(self._with_rows(narrow), curves=above)
        # Where a node holds no plan, prices grow beyond all numbers, and its bound says nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            solved = solve(self._level(program), _NEAR)
            bound = float(bound_of(program, *solved[1:4]))
        self.work += solved.rounds * self.each
        spend = np.clip(solved.spend, narrow.lower, narrow.upper)
        bound = min(bound, most) if np.isfinite(bound) else most
        if self.best is None or bound - self.value > GOOD * abs(bound):
            self.climb(narrow, spend)
        price = program.pull(solved.own_price, solved.price)
        return _Opened(bound, narrow, spend, price, above)

    def split(self, opened: _Opened) -> tuple[_Node, _Node] | None:
        """Return two parts of a node; None where nothing is open in it."""
        _, node, spend, price, above = opened
        program = self.program
        hole = self._holes(node) & (spend > 0) & (spend < self.least_on)
        wrong = np.where(hole, np.minimum(spend, self.least_on - spend) * np.abs(price), 0.0)
        lasting = np.clip(program.effective(spend), node.low, node.high)
        short = program.weight * (above.value(lasting) - program.curves.value(lasting))
        scale = _NARROW * max(abs(float(program.value(spend))), 1e-300)
        if wrong.max() > max(float(short.max()), scale / program.lower.size):
            at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            off, on = node.upper.copy(), node.lower.copy()
            off[at], on[at] = 0.0, self.least_on[at]
            return node._replace(upper=off), node._replace(lower=on)
        if short.max() <= scale / program.lower.size:
            return None
        week = np.unravel_index(int(np.argmax(short)), short.shape)
        aside = _ASIDE * (node.high[week] - node.low[week])
        point = np.clip(lasting[week], node.low[week] + aside, node.high[week] - aside)
        cut, low, high = node.cut.copy(), node.low.copy(), node.high.copy()
        cut[week], low[week], high[week] = True, point, point
        return node._replace(high=high, cut=cut), node._replace(low=low, cut=cut)

    def _holes(self, node: _Node) -> Bools:
        """Return which channels may still be off or on in which weeks."""
        return np.asarray((node.lower < self.least_on) & (node.upper > 0))

    def _with_rows(self, node: _Node) -> Program:
        """Return the program of a node, with the ends of effective spends as rows."""
        program, (week, channel) = self.program, np.nonzero(node.cut)
        size, _, weeks = program.own.shape
        most = 2 * int(np.bincount(channel, minlength=size).max(initial=0))
        rows, room = np.zeros((size, most, weeks)), np.ones((size, most))
        count = [0] * size
        for t, at in zip(week.tolist(), channel.tolist(), strict=True):
            for sign, end in ((1.0, node.high[t, at]), (-1.0, node.low[t, at])):
                rows[at, count[at]] = sign * program.kernel[at, t]
                room[at, count[at]] = sign * (end - program.carried[t, at])
                count[at] += 1
        return replace(
            program,
            lower=node.lower,
            upper=node.upper,
            own=np.concatenate([program.own, rows], axis=1),
            own_room=np.concatenate([program.own_room, room], axis=1),
        )

    def _level(self, program: Program) -> Program:
        """Return a program in which intervals that are as good as points are points."""
        lower, upper = program.lower, program.upper
        point = upper - lower <= _LEVEL * self.money
        middle = 0.5 * (lower + upper)
        return replace(
            program, lower=np.where(point, middle, lower), upper=np.where(point, middle, upper)
        )

    def _narrowed(self, node: _Node) -> _Node | None:
        """Return a node with the ends that its rows leave; None where they leave nothing."""
        program, room = self._with_rows(node), _ROOM * self.money
        lower, upper = node.lower, node.upper
        across = program.across[None].reshape(1, len(program.room), -1)
        exact = program.exact
        across = np.concatenate([across, -across[:, exact]], axis=1)
        rooms = np.concatenate([program.room, -program.room[exact]])[None]
        for _ in range(program.lower.shape[1]):
            before = lower, upper
            lower, upper = _passed_on(program.own, program.own_room, lower, upper, room)
            flat = _passed_on(across, rooms, lower.reshape(1, -1), upper.reshape(1, -1), room)
            lower, upper = (end.reshape(lower.shape) for end in flat)
            # A channel that is on gets at least what it must; one that cannot is off.
            lower = np.where((self.least_on > 0) & (lower > room), np.maximum(lower, self.least_on),
                             lower)  # fmt: skip
            upper = np.where(upper < self.least_on - room, np.minimum(upper, 0.0), upper)
            if np.any(lower > upper + 2 * room):
                return None
            upper = np.maximum(lower, upper)
            moved = max(float((lower - before[0]).max()), float((before[1] - upper).max()))
            if moved <= _TELLS * self.money:
                break
        low = np.maximum(node.low, program.effective(lower))
        high = np.minimum(node.high, program.effective(upper))
        return node._replace(lower=lower, upper=upper, low=np.minimum(low, high), high=high,
                             cut=node.cut & ~self.alone)  # fmt: skip

    def climb(self, node: _Node, spend: Floats) -> None:
        """Look for a good plan from one that need not be one, and keep it if it is the best."""
        hole = self._holes(node)
        on = spend >= 0.5 * self.least_on
        decided = replace(
            self.program,
            lower=np.where(hole & on, np.maximum(node.lower, self.least_on), node.lower),
            upper=np.where(hole & ~on, 0.0, node.upper),
        )
        here: Floats | None = None
        value = -np.inf
        for _ in range(_CLIMBS):
            way = spend if here is None else here
            around = self.branches.at(self.program.effective(way).ravel()).span
            curves = _Drawn(self.bends.curves, around.lower, around.upper)
            with np.errstate(over="ignore", invalid="ignore"):
                solved = solve(self._level(replace(decided, curves=curves)), _NEAR)
            self.work += solved.rounds * self.each
            ahead = np.clip(solved.spend, decided.lower, decided.upper)
            if not self._keeps(decided, ahead):
                break
            steps = [1.0] if here is None else [0.5**at for at in range(_HALVINGS)]
            start = ahead if here is None else here
            found = (
                (float(self.program.value(x)), x)
                for s in steps
                for x in [start + s * (ahead - start)]
            )
            step = next(((v, x) for v, x in found if v > value), None)
            if step is None:
                break
            rise, (value, here) = step[0] - value, step
            if value > self.value:
                self.value, self.best = value, here
            if rise <= _RISE * abs(value) or value < self.value - _FAR * abs(self.value):
                break

    def _keeps(self, program: Program, spend: Floats) -> bool:
        """Return whether a plan keeps all rows, but for what rounding takes away."""
        over = program.use(spend) - program.room
        over = np.where(program.exact, np.abs(over), over)
        own = program.own_use(spend) - program.own_room
        return max(float(over.max(initial=0.0)), float(own.max(initial=0.0))) <= _KEPT * self.money


def _passed_on(
    table: Floats, room: Floats, lower: Floats, upper: Floats, wider: float
) -> tuple[Floats, Floats]:
    r"""Return the ends that rows :math:`a x \le r` leave to each number, a little wider.

    With what a row takes at least, :math:`m = \sum_{a>0} a\,l + \sum_{a<0} a\,u`, a number with
    :math:`a > 0` is at most :math:`l + (r - m) / a`, one with :math:`a < 0` at least
    :math:`u + (r - m) / a`.

    Parameters
    ----------
    table, room
        Rows, shapes ``(groups, rows, numbers)`` and ``(groups, rows)``.
    lower, upper
        Ends, ``(groups, numbers)``.
    wider
        How much wider.
    """
    up, down = np.maximum(table, 0.0), np.minimum(table, 0.0)
    least = np.matmul(up, lower[:, :, None]) + np.matmul(down, upper[:, :, None])
    spare = room[:, :, None] - least
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(up > 0, lower[:, None] + spare / up, np.inf)
        fewest = np.where(down < 0, upper[:, None] + spare / down, -np.inf)
    return (
        np.maximum(lower, fewest.max(axis=1, initial=-np.inf) - wider),
        np.minimum(upper, most.min(axis=1, initial=np.inf) + wider),
    )
