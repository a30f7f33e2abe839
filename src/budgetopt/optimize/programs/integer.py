"""Every limit, counts and lots and S-curves included, by integer programs and branching.

- `snapped`, `box_of`, `polish` make fixed choices into the best split that they allow, on the true
  curves.
- `integer` is the engine: it branches over choices, each node a program over points, and proves its
  bound with the true curves.

It solves everything that the other engines do and is slower than each; a node limit keeps answers
the same on every machine, and what it leaves open is in the gap.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from budgetopt.arrays import Floats, Places
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.i18n import quoted, say
from budgetopt.optimize.problem import Clock, Problem, Solved, clock, out_of_time
from budgetopt.optimize.programs.choices import (
    Mix,
    OptionPoints,
    amounts_of,
    chosen,
    excess,
    free_amounts,
    masses,
    mixed,
    points_of,
    renewed,
    total,
)
from budgetopt.optimize.programs.linear import clash, climb, grid_around, worth_of
from budgetopt.optimize.programs.lp import Status
from budgetopt.optimize.programs.options import FREE, OFF, STAY, Options, OptionSpace

_KEPT = 1e-9
"""Share of a row's size that a split may break it by."""
_HAIR = 1e-3
"""Minor units from an end of its amounts at which a spend is put on the end."""
_SAMPLES = 64
"""Pieces in which a curve is looked at for where it bends downwards."""


class Incumbent(NamedTuple):
    """A split that keeps everything, and the prices of the rows at its choices.

    Parameters
    ----------
    spend
        Money by channel, shape ``(channels,)``.
    prices
        Price of each row with the choices fixed, shape ``(rows,)``.
    worth
        The objective.
    """

    spend: Floats
    prices: Floats
    worth: float


def snapped(space: OptionSpace, options: Options, kind: Places, spend: Floats) -> Floats:
    """Return spends as their kinds of option allow them: on lots, between the ends."""
    low, high = space.ends(options)
    lot = np.maximum(space.lot, 1)
    whole = np.round(spend * space.units / lot).astype(np.int64) * lot
    whole = np.clip(whole, options.low, np.maximum(options.low, options.high))
    near = np.where(spend < low + _HAIR / space.units, low, np.minimum(spend, high))
    near = np.where(near > high - _HAIR / space.units, high, near)
    free = np.where(space.lot > 0, whole / space.units, near)
    return np.select([kind == OFF, kind == STAY], [np.zeros_like(free), space.field.last], free)


def box_of(
    space: OptionSpace, options: Options, kind: Places, spend: Floats
) -> tuple[Floats, Floats]:
    """Return the bounds that choices leave: equal but for free amounts off lots."""
    low, high = space.ends(options)
    fixed = snapped(space, options, kind, spend)
    loose = (kind == FREE) & (space.lot == 0)
    lower, upper = np.where(loose, low, fixed), np.where(loose, high, fixed)
    if space.concave:
        return lower, upper
    return _concave_around(space, fixed, lower, upper)


def polish(
    space: OptionSpace,
    options: Options,
    kind: Places,
    start: Floats,
    box: tuple[Floats, Floats],
    left: Clock,
) -> Incumbent | None:
    """Return the best split of fixed choices within bounds, or None where the rows refuse it."""
    flags = space.flags(options, kind, np.arange(kind.size))
    counted = space.rows.on @ flags.on + space.rows.moves @ flags.moves
    rows = replace(space.plain, room=space.rows.room - counted)
    field = space.field._replace(lower=box[0], upper=box[1], least_on=np.zeros_like(start))
    try:
        end = climb(field, rows, grid_around(field, np.clip(start, *box)), left)
    except (InfeasibleError, SolverError):
        return None
    if not _keeps(space, end.spend):
        return None
    return Incumbent(end.spend, end.prices, worth_of(space.field, end.spend))


def _concave_around(
    space: OptionSpace, spend: Floats, lower: Floats, upper: Floats
) -> tuple[Floats, Floats]:
    """Return bounds around a split within which samples of the curves bend downwards only."""
    count = _SAMPLES
    grid = lower + np.linspace(0.0, 1.0, count + 1)[:, None] * (upper - lower)
    rises = np.diff(space.field.curves.value(grid), axis=0)
    down = rises[1:] <= rises[:-1] * (1.0 + 1e-9)
    width = np.where(upper > lower, (upper - lower) / count, 1.0)
    cell = np.clip(np.floor((spend - lower) / width).astype(np.intp), 0, count - 1)
    low, high = spend.copy(), spend.copy()
    for at in np.flatnonzero(upper > lower).tolist():
        first = last = int(cell[at])
        while first > 0 and down[first - 1, at]:
            first -= 1
        while last < count - 1 and down[last, at]:
            last += 1
        if last > first:
            low[at], high[at] = grid[first, at], grid[last + 1, at]
    return low, high


def _keeps(space: OptionSpace, spend: Floats) -> bool:
    """Return whether a split keeps all rows, on the true curves."""
    used = space.rows.used(spend, space.field.curves.value(spend), space.field.last)
    size = abs(space.rows.money) @ spend + np.abs(space.rows.room)
    return bool(np.all(used <= space.rows.room + _KEPT * np.maximum(size, 1e-300)))


_PARTS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85])[:, None]
"""Parts of the way between the bounds that every channel's first menu has."""
_PART = 1e-9
"""Share of a point in a mix that is more than rounding."""
_WORK = 6000
"""Nodes times channels that the search may take."""
_NODES = 400
"""Nodes at most."""
_TURNS = 12
"""Relaxed programs in a node at most; after the first few only where they still gain."""


def integer(problem: Problem, *, gap: float = 1e-6, time_limit: float | None = None) -> Solved:
    r"""Maximise any curves under any rows, counts, minimums and lots.

    An integer program lets each channel choose one piece of its menu: off, its last spend, or a
    stretch of amounts on which its curve is concave, in whole lots. With those choices fixed the
    amounts are polished by `climb` on the true curves. The proof is a search of its own: in each
    node a linear program mixes the menus' points, its prices give a bound (every channel's best
    reply on the true curves, S-curves, minimums, counts and lots included) and the replies are
    new points; the search branches on the channel whose mix promises most above what it can have.

    Parameters
    ----------
    problem
        Any problem.
    gap
        Share of the bound at which the search ends.
    time_limit
        Seconds, or None: then the search ends after so many nodes.

    Returns
    -------
    Solved
        Its bound holds whether or not the search ended; prices are those at the fixed choices.

    Raises
    ------
    InfeasibleError
        ``limits-clash``.
    SolverError
        ``time-limit`` where no split was found in time, ``not-converged`` where none was found.

    Notes
    -----
    Columns and branching: Barnhart, Johnson, Nemhauser, Savelsbergh and Vance (1998),
    "Branch-and-price"; bounds: Geoffrion (1974), "Lagrangean relaxation for integer programming".
    """
    search = _Search(OptionSpace(problem), clock(time_limit), gap)
    search.run()
    if search.best is None:
        raise search.nothing_found()
    return Solved(search.best.spend, search.best.prices, search.bound, "integer")


class _Node(NamedTuple):
    """Options with what was found about them."""

    options: Options
    points: OptionPoints
    mix: Mix | None
    bound: float


@dataclass
class _Search:
    """Branch and bound over options.

    Parameters
    ----------
    space
        The problem.
    left
        Seconds left.
    gap
        Share of the bound at which to stop.
    """

    space: OptionSpace
    left: Clock
    gap: float
    best: Incumbent | None = None
    bound: float = np.inf
    proof: Floats = field(default_factory=lambda: np.zeros(0))
    tried: set[bytes] = field(default_factory=set)

    def run(self) -> None:
        """Search from the root until the gap closes or the work is done."""
        root = self.space.root
        if np.any(root.empty):
            raise _no_option(self.space, int(np.argmax(root.empty)))
        first = self._relax(root, self._first_menu(root))
        if first.bound == -np.inf:
            raise clash(self.space.rows, self.proof)
        self.bound = first.bound
        self._choose(first)
        if self.best is None and self.left() != 0:
            self._start_near(first)
        self._explore(first)

    def _explore(self, first: _Node) -> None:
        """Split the node of the highest bound, again and again."""
        heap, count, settled = [(-first.bound, 0, first)], 0, -np.inf
        nodes = min(_NODES, 1 + _WORK // self.space.field.lower.size)
        while heap:
            self.bound = max(-heap[0][0], settled, self._value())
            if self._closed(self.bound) or count >= nodes or self.left() == 0:
                return
            node = heapq.heappop(heap)[2]
            children = self._branches(node)
            if not children:
                settled = max(settled, node.bound)
            for options in children:
                count += 1
                child = self._relax(options, node.points, node)
                if self._closed(child.bound):
                    settled = max(settled, child.bound)
                else:
                    self._round(child)
                    heapq.heappush(heap, (-child.bound, count, child))
        self.bound = max(settled, self._value())

    def nothing_found(self) -> InfeasibleError | SolverError:
        """Return why there is no split."""
        if self.left() == 0:
            return out_of_time()
        if self.bound == -np.inf:
            counted = abs(self.space.rows.on).sum(axis=1) + abs(self.space.rows.moves).sum(axis=1)
            return clash(self.space.rows, np.asarray(counted))
        return SolverError(
            "not-converged",
            say("no-split-found-nor"),
            field="method",
            remedy=say("remedy-relax-limit-counts"),
        )

    def _value(self) -> float:
        return -np.inf if self.best is None else self.best.worth

    def _closed(self, bound: float) -> bool:
        """Return whether nothing of this bound is better than the best by more than the gap."""
        return bound - self._value() <= self.gap * abs(bound)

    def _first_menu(self, options: Options) -> OptionPoints:
        low, high = self.space.ends(options)
        return points_of(self.space, options, low + _PARTS * (high - low))

    def _relax(self, options: Options, points: OptionPoints, parent: _Node | None = None) -> _Node:
        """Return a node with its bound, minus infinity where nothing keeps the rows."""
        size = options.low.size
        if np.any(options.empty):
            return _Node(options, points, None, -np.inf)
        prices = np.zeros(self.space.rows.size)
        if parent is not None and parent.mix is not None:
            prices = parent.mix.prices
        bound = self.space.reply(options, prices).bound
        node = _Node(options, points, None, bound if parent is None else min(bound, parent.bound))
        amounts = amounts_of(points, size)
        for _ in range(0 if self._closed(node.bound) else _TURNS):
            points = points_of(self.space, options, amounts)
            mix = mixed(self.space, options, points, self.left)
            if mix.status is Status.INFEASIBLE:
                found = self._approach(options, amounts)
                if found is None:
                    return node._replace(bound=-np.inf)
                amounts = found
                continue
            if not mix.share.size:
                break
            reply = self.space.reply(options, mix.prices)
            node = _Node(options, points, mix, min(node.bound, reply.bound))
            short = excess(self.space, options, points, mix, reply)
            if self._closed(node.bound) or short <= 0.1 * self.gap * abs(node.bound):
                break
            amounts = renewed(points, mix, reply, size)
        return node

    def _approach(self, options: Options, amounts: Floats) -> Floats | None:
        """Return amounts that come nearer to keeping the rows, or None where nothing keeps them."""
        space = self.space
        for _ in range(_TURNS):
            points = points_of(space, options, amounts)
            mix = mixed(space, options, points, self.left, elastic=True)
            if not mix.share.size or np.all(mix.missed <= _KEPT):
                break
            reply = space.hollow.reply(options, mix.prices)
            if reply.bound < -0.1 * _KEPT:
                self.proof = mix.prices
                return None
            amounts = renewed(points, mix, reply, options.low.size)
        return amounts

    def _choose(self, node: _Node) -> None:
        """Look for a split by an integer program on what the node's mix is made of."""
        self._round(node)
        if node.mix is None or self._closed(self.bound):
            return
        options, size = node.options, node.options.low.size
        reply = self.space.reply(options, node.mix.prices)
        used = node.points.take(node.mix.share > _PART)
        middle = free_amounts(node.points, node.mix, size)
        wished = np.where(reply.kind == FREE, reply.spend, middle)
        points = points_of(self.space, options, np.vstack([amounts_of(used, size), middle, wished]))
        found = chosen(self.space, options, points, self.left, 0.1 * self.gap)
        if found is not None:
            self._polish(options, *found)

    def _round(self, node: _Node) -> None:
        """Look for a split with each channel's largest part of its mix."""
        if node.mix is None:
            return
        size = node.options.low.size
        mass = masses(node.points, node.mix, size)
        kind = np.argmax(mass, axis=0)
        spend = free_amounts(node.points, node.mix, size)
        self._polish(node.options, kind, spend)
        if self.space.lot.any():
            half = 0.5 * self.space.lot / self.space.units
            self._polish(node.options, kind, spend - half)
            if self.best is None:
                # A cap on the others can ask for more of a channel in lots, not less.
                self._polish(node.options, kind, spend + half)

    def _polish(self, options: Options, kind: Places, spend: Floats) -> None:
        """Improve the amounts of a split with its choices fixed; keep it if it is the best."""
        if np.any(options.empty):
            return
        box = box_of(self.space, options, kind, spend)
        key = np.concatenate([*box, kind]).tobytes()
        if key in self.tried:
            return
        self.tried.add(key)
        split = polish(self.space, options, kind, spend, box, self.left)
        if split is not None and split.worth > self._value():
            self.best = split

    def _start_near(self, node: _Node) -> None:
        """Start from any split that keeps everything, where rounding the relaxed one keeps none."""
        from budgetopt.optimize.infeasibility.feasibility import split_of

        near = self.space.field.lower
        if node.mix is not None:
            near = total(node.points.channel, node.mix.share * node.points.spend, near.size)
        answer = split_of(self.space.problem, near, self.left)
        if answer.none:
            raise clash(self.space.rows, np.zeros(self.space.rows.size))
        if answer.spend is None:
            return
        spend = answer.spend / self.space.units
        worth, options = worth_of(self.space.field, spend), self.space.root
        self.best = Incumbent(spend, np.zeros(self.space.rows.size), worth)
        stays = options.stay & (spend == self.space.field.last)
        kind = np.select([options.off & (spend == 0), stays], [OFF, STAY], FREE)
        self._polish(options, kind, spend)

    def _branches(self, node: _Node) -> list[Options]:
        """Return a node's options split in two where its mix promises most; none if it is clear."""
        space, options, points, mix = self.space, node.options, node.points, node.mix
        if mix is None:
            return []
        size = options.low.size
        mass = masses(points, mix, size)
        spend = free_amounts(points, mix, size)
        kind = np.argmax(mass, axis=0)
        near = snapped(space, options, kind, spend)
        flags = space.flags(options, kind, np.arange(size))
        reply = space.reply(options, mix.prices)
        loss = reply.worth - space.net(mix.prices, flags._replace(spend=near))
        mean = mass[FREE] * spend + mass[STAY] * space.field.last
        # Rows add up in size: a channel whose prices cancel out still breaks a row if it is moved.
        cost = space.field.cost + abs(space.rows.money).T @ mix.prices
        unsure = loss + cost * np.abs(mean - near)
        # Together the channels that are left alone lose less than a tenth of the gap. Where there
        # is no split yet, what they lose is not the point.
        least = 0.1 * self.gap * abs(node.bound) / size
        for at in np.argsort(-unsure, kind="stable").tolist():
            if unsure[at] <= least and self.best is not None:
                break
            for which in (OFF, STAY):
                if 1e-6 < mass[which, at] < 1 - 1e-6:
                    return [options.only(at, which), options.without(at, which)]
            split = self._halves(options, points, mix, at, float(spend[at]))
            if split:
                return split
        return []

    def _halves(
        self, options: Options, points: OptionPoints, mix: Mix, at: int, spend: float
    ) -> list[Options]:
        """Return the options with a channel's free amounts split, or none if they need no split."""
        low, high, lot = int(options.low[at]), int(options.high[at]), int(self.space.lot[at])
        minor = spend * self.space.units
        if lot:
            below = int(np.floor(minor / lot + 1e-9)) * lot
            if abs(minor - below) <= 1e-6 * lot and self.space.concave:
                return []
            middle, above = below, below + lot
        elif self.space.concave:
            return []
        else:
            middle = above = round(minor)
            mine = (points.channel == at) & (points.kind == FREE) & (mix.share > 1e-9)
            if not low < middle < high and mine.any():
                middle = above = round(float(points.spend[mine].mean()) * self.space.units)
        if middle >= high or above <= low or high - low <= 1:
            return []
        return [options.between(at, low, middle), options.between(at, above, high)]


def _no_option(space: OptionSpace, at: int) -> InfeasibleError:
    name, show = space.problem.names[at], space.problem.money.show
    bounds, lot = space.problem.bounds, int(space.problem.lots[at])
    return InfeasibleError(
        "limits-clash",
        say(
            "nothing-off-or-at-least",
            channel=quoted(name),
            low=show(bounds.lower[at]),
            high=show(bounds.upper[at]),
            least=show(space.problem.least_on[at]),
            lot=show(lot),
        ),
        field=f"channels.{name}",
        value=name,
        remedy=say("remedy-bounds-minimum-lot"),
    )
