"""Every limit, counts and lots and S-curves included, by integer programs and branching."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.optimize.programs.choose import Mix, Points, chosen, mixed, points_of
from budgetopt.optimize.programs.linear import Clock, clash, clock
from budgetopt.optimize.programs.lp import Status
from budgetopt.optimize.programs.mixes import amounts_of, excess, free_amounts, masses, renewed
from budgetopt.optimize.programs.options import FREE, OFF, STAY, Options, Scene
from budgetopt.optimize.programs.polish import Split, box_of, polish, snapped
from budgetopt.optimize.solved import Solved

if TYPE_CHECKING:
    from budgetopt.optimize.problem import Problem

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

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
_KEPT = 1e-9
"""Share of a row's size that a split may break it by."""


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
    search = _Search(Scene(problem), clock(time_limit), gap)
    search.run()
    if search.best is None:
        raise search.nothing_found()
    return Solved(search.best.spend, search.best.prices, search.bound, "integer")


class _Node(NamedTuple):
    """Options with what was found about them."""

    options: Options
    points: Points
    mix: Mix | None
    bound: float


@dataclass
class _Search:
    """Branch and bound over options.

    Parameters
    ----------
    scene
        The problem.
    left
        Seconds left.
    gap
        Share of the bound at which to stop.
    """

    scene: Scene
    left: Clock
    gap: float
    best: Split | None = None
    bound: float = np.inf
    proof: Floats = field(default_factory=lambda: np.zeros(0))
    tried: set[bytes] = field(default_factory=set)

    def run(self) -> None:
        """Search from the root until the gap closes or the work is done."""
        root = self.scene.root
        if np.any(root.empty):
            raise _no_option(self.scene, int(np.argmax(root.empty)))
        first = self._relax(root, self._first_menu(root))
        if first.bound == -np.inf:
            raise clash(self.scene.rows, self.proof)
        self.bound = first.bound
        self._choose(first)
        self._explore(first)

    def _explore(self, first: _Node) -> None:
        """Split the node of the highest bound, again and again."""
        heap, count, settled = [(-first.bound, 0, first)], 0, -np.inf
        nodes = min(_NODES, 1 + _WORK // self.scene.field.lower.size)
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
            return SolverError(
                "time-limit",
                "the time ran out before any split was found",
                field="time_limit",
                remedy="allow more time",
            )
        if self.bound == -np.inf:
            counted = abs(self.scene.rows.on).sum(axis=1) + abs(self.scene.rows.moves).sum(axis=1)
            return clash(self.scene.rows, np.asarray(counted))
        return SolverError(
            "not-converged",
            "no split was found, nor was it shown that there is none",
            field="method",
            remedy="relax a limit that counts channels, or allow more time",
        )

    def _value(self) -> float:
        return -np.inf if self.best is None else self.best.worth

    def _closed(self, bound: float) -> bool:
        """Return whether nothing of this bound is better than the best by more than the gap."""
        return bound - self._value() <= self.gap * abs(bound)

    def _first_menu(self, options: Options) -> Points:
        low, high = self.scene.ends(options)
        return points_of(self.scene, options, low + _PARTS * (high - low))

    def _relax(self, options: Options, points: Points, parent: _Node | None = None) -> _Node:
        """Return a node with its bound, minus infinity where nothing keeps the rows."""
        size = options.low.size
        if np.any(options.empty):
            return _Node(options, points, None, -np.inf)
        prices = np.zeros(self.scene.rows.size)
        if parent is not None and parent.mix is not None:
            prices = parent.mix.prices
        bound = self.scene.reply(options, prices).bound
        node = _Node(options, points, None, bound if parent is None else min(bound, parent.bound))
        amounts = amounts_of(points, size)
        for _ in range(0 if self._closed(node.bound) else _TURNS):
            points = points_of(self.scene, options, amounts)
            mix = mixed(self.scene, options, points, self.left)
            if mix.status is Status.INFEASIBLE:
                found = self._approach(options, amounts)
                if found is None:
                    return node._replace(bound=-np.inf)
                amounts = found
                continue
            if not mix.share.size:
                break
            reply = self.scene.reply(options, mix.prices)
            node = _Node(options, points, mix, min(node.bound, reply.bound))
            short = excess(self.scene, options, points, mix, reply)
            if self._closed(node.bound) or short <= 0.1 * self.gap * abs(node.bound):
                break
            amounts = renewed(points, mix, reply, size)
        return node

    def _approach(self, options: Options, amounts: Floats) -> Floats | None:
        """Return amounts that come nearer to keeping the rows, or None where nothing keeps them."""
        scene = self.scene
        for _ in range(_TURNS):
            points = points_of(scene, options, amounts)
            mix = mixed(scene, options, points, self.left, elastic=True)
            if not mix.share.size or np.all(mix.missed <= _KEPT):
                break
            reply = scene.hollow.reply(options, mix.prices)
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
        reply = self.scene.reply(options, node.mix.prices)
        used = node.points.take(node.mix.share > _PART)
        middle = free_amounts(node.points, node.mix, size)
        wished = np.where(reply.kind == FREE, reply.spend, middle)
        points = points_of(self.scene, options, np.vstack([amounts_of(used, size), middle, wished]))
        found = chosen(self.scene, options, points, self.left, 0.1 * self.gap)
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
        if self.scene.lot.any():
            lot = np.maximum(self.scene.lot, 1) / self.scene.units
            self._polish(node.options, kind, spend - 0.5 * np.where(self.scene.lot > 0, lot, 0.0))

    def _polish(self, options: Options, kind: Places, spend: Floats) -> None:
        """Improve the amounts of a split with its choices fixed; keep it if it is the best."""
        if np.any(options.empty):
            return
        box = box_of(self.scene, options, kind, spend)
        key = np.concatenate([*box, kind]).tobytes()
        if key in self.tried:
            return
        self.tried.add(key)
        split = polish(self.scene, options, kind, spend, box, self.left)
        if split is not None and split.worth > self._value():
            self.best = split

    def _branches(self, node: _Node) -> list[Options]:
        """Return a node's options split in two where its mix promises most; none if it is clear."""
        scene, options, points, mix = self.scene, node.options, node.points, node.mix
        if mix is None:
            return []
        size = options.low.size
        mass = masses(points, mix, size)
        spend = free_amounts(points, mix, size)
        kind = np.argmax(mass, axis=0)
        near = snapped(scene, options, kind, spend)
        flags = scene.flags(options, kind, np.arange(size))
        reply = scene.reply(options, mix.prices)
        loss = reply.worth - scene.net(mix.prices, flags._replace(spend=near))
        mean = mass[FREE] * spend + mass[STAY] * scene.field.last
        cost = np.abs(scene.field.cost + scene.rows.money.T @ mix.prices)
        unsure = loss + cost * np.abs(mean - near)
        # Together the channels that are left alone lose less than a tenth of the gap.
        least = 0.1 * self.gap * abs(node.bound) / size
        for at in np.argsort(-unsure, kind="stable").tolist():
            if unsure[at] <= least:
                break
            for which in (OFF, STAY):
                if 1e-6 < mass[which, at] < 1 - 1e-6:
                    return [options.only(at, which), options.without(at, which)]
            split = self._halves(options, points, mix, at, float(spend[at]))
            if split:
                return split
        return []

    def _halves(
        self, options: Options, points: Points, mix: Mix, at: int, spend: float
    ) -> list[Options]:
        """Return the options with a channel's free amounts split, or none if they need no split."""
        low, high, lot = int(options.low[at]), int(options.high[at]), int(self.scene.lot[at])
        minor = spend * self.scene.units
        if lot:
            below = int(np.floor(minor / lot + 1e-9)) * lot
            if abs(minor - below) <= 1e-6 * lot and self.scene.concave:
                return []
            middle, above = below, below + lot
        elif self.scene.concave:
            return []
        else:
            middle = above = round(minor)
            mine = (points.channel == at) & (points.kind == FREE) & (mix.share > 1e-9)
            if not low < middle < high and mine.any():
                middle = above = round(float(points.spend[mine].mean()) * self.scene.units)
        if middle >= high or above <= low or high - low <= 1:
            return []
        return [options.between(at, low, middle), options.between(at, above, high)]


def _no_option(scene: Scene, at: int) -> InfeasibleError:
    name, show = scene.problem.names[at], scene.problem.money.show
    bounds, lot = scene.problem.bounds, int(scene.problem.lots[at])
    return InfeasibleError(
        "limits-clash",
        f"{name!r} has nothing between {show(bounds.lower[at])} and {show(bounds.upper[at])} that "
        f"is off, or at least {show(scene.problem.least_on[at])} in lots of {show(lot)}",
        field=f"channels.{name}",
        value=name,
        remedy="widen its bounds, lower its minimum or take a finer lot",
    )
