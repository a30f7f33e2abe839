"""S-curves and channels that are off or at least so much: best first over envelopes, proven.

- `branch` answers like every engine; `explore` says in addition how many nodes it took. What a node
  is worth comes from a `Relaxation`: a search for one price where the budget is the only row, a
  linear program of true spends under any rows that do not count channels.
- `Dominance` orders channels that differ in their top alone, which spares the search near ties. It
  holds under a budget, and is not used where a row may treat two such channels differently.

Limits that count channels are not solved here; `programs.integer` does.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from budgetopt.arrays import Floats, Places
from budgetopt.curves import Hill, Stack
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.i18n import quoted, say
from budgetopt.money import sum_minor
from budgetopt.optimize.branch.envelope import Bends, Envelope, Span
from budgetopt.optimize.branch.relax import (
    Branches,
    BudgetRelaxation,
    Relaxation,
    Relaxed,
    budget_alone,
    split,
    stationary,
)
from budgetopt.optimize.problem import Problem, Solved, clock, out_of_time


@dataclass(frozen=True, eq=False)
class Dominance:
    r"""Which channels a best split gives at least as much as others.

    Two channels with the same bounds and :math:`w_i f_i = \alpha\, w_j f_j`, :math:`\alpha \ge 1`,
    may swap spends under a budget, and the swap that gives more to the first loses nothing:
    :math:`(\alpha - 1) (w_j f_j(a) - w_j f_j(b)) \ge 0` for :math:`a \ge b`. So what is searched
    can be cut down to splits in that order.

    Parameters
    ----------
    groups
        Positions of channels in order, the first gets most.
    place
        Group of each channel, -1 for none, shape ``(channels,)``.
    """

    groups: tuple[Places, ...]
    place: Places

    @classmethod
    def of(cls, problem: Problem, span: Span) -> Self:
        """Return the orders among a problem's S-curves under a budget alone."""
        curves, size = problem.curves, len(problem.names)
        parts = curves.parts if isinstance(curves, Stack) else ((np.arange(size), curves),)
        groups: list[Places] = []
        for places, part in parts:
            if not isinstance(part, Hill) or part.concave:
                continue
            given = [np.broadcast_to(v, places.shape) for v in (part.half, part.shape)]
            key = np.stack([*given, *(ends[places] for ends in span)], axis=-1)
            _, kind = np.unique(key, axis=0, return_inverse=True)
            worth = problem.weight[places] * np.broadcast_to(part.top, places.shape)
            order = np.lexsort((places, -worth, kind.ravel()))
            cuts = np.flatnonzero(np.diff(kind.ravel()[order])) + 1
            groups += [places[some] for some in np.split(order, cuts) if some.size > 1]
        place = np.full(size, -1, dtype=np.intp)
        for number, group in enumerate(groups):
            place[group] = number
        return cls(tuple(groups), place)

    @classmethod
    def none(cls, size: int) -> Self:
        """Return no order."""
        return cls((), np.full(size, -1, dtype=np.intp))

    def follow(self, span: Span, at: int) -> tuple[Span, Places]:
        """Return spans after one channel's was cut, and the channels whose spans changed with it.

        Those behind it get no more than it may at most, those before it no less than it must.
        """
        number = int(self.place[at])
        if number < 0:
            return span, np.array([at])
        group = self.groups[number]
        rank = int(np.flatnonzero(group == at)[0])
        ahead, behind = group[:rank], group[rank + 1 :]
        lower, least, upper = (ends.copy() for ends in span)
        behind = behind[upper[behind] > upper[at]]
        upper[behind] = upper[at]
        off = behind[upper[behind] < least[behind]]
        upper[off] = least[off] = lower[off]
        ahead = ahead[lower[ahead] < lower[at]]
        lower[ahead] = lower[at]
        least[ahead] = np.maximum(least[ahead], lower[at])
        ends = Span(lower, least, np.maximum(upper, least))
        return ends, np.concatenate([[at], behind, ahead])


WORK = 60_000_000
"""Work of a search where the caller gives no time, in microseconds of a usual processor."""
_ROUNDING = 1e-14
"""Share of all that the channels can bring that floating point alone may make a bound miss."""


class Explored(NamedTuple):
    """What a search found and what it took.

    Parameters
    ----------
    solved
        The answer.
    objective
        Objective of its split.
    gap
        ``(bound - objective) / |bound|``.
    nodes
        Relaxations solved.
    """

    solved: Solved
    objective: float
    gap: float
    nodes: int


def branch(problem: Problem, *, gap: float = 1e-9, time_limit: float | None = None) -> Solved:
    r"""Maximise :math:`\sum_i w_i f_i(x_i) - b_i x_i` for curves that need not be concave.

    Every node of a tree holds a span of spends for each channel. Its bound is the best under the
    concave envelopes of the curves on these spans, which is also the Lagrangian bound of the true
    curves. The node with the best bound is split at the channel whose envelope lies furthest
    above its curve, until the best split found is within `gap` of the best bound.

    Parameters
    ----------
    problem
        Channels, goal and rows without counts.
    gap
        Relative gap at which to stop, at least 0.
    time_limit
        Seconds, or None for `WORK`, which ends alike on any machine; when they are over, the best
        split so far is returned with its bound.

    Returns
    -------
    Solved
        ``prices`` are those around the split that is returned: what one more unit of room brings
        as long as no channel leaves its side of its bend. ``bound`` holds for all splits.

    Raises
    ------
    InfeasibleError
        ``limits-clash`` where no split keeps rows and minimums.
    SolverError
        ``time-limit`` where the time is over before any split is found, ``not-converged`` where
        the work is; ``wrong-method`` for rows that count channels and for curves of which it is
        not known where they bend.

    Notes
    -----
    Sources: Falk and Soland (1969), "An algorithm for separable nonconvex programming problems";
    Udell and Boyd (2013), "Maximizing a sum of sigmoids". With the budget as the only row at most
    one channel lies under its envelope, so that few nodes are needed. S-curves that differ in their
    top alone are kept in order. A dozen or more that are the same in everything to within a
    percent, but not quite, need many nodes, since all orders are nearly as good; what is then left
    open is in the gap.
    """
    return explore(problem, gap=gap, time_limit=time_limit).solved


def explore(problem: Problem, *, gap: float = 1e-9, time_limit: float | None = None) -> Explored:
    """Return the answer of `branch` with what it took."""
    if problem.rows.counts:
        raise SolverError(
            "wrong-method",
            say("plan-counts-channels"),
            field="method",
            value="branch",
            remedy=say("remedy-use-integer-engine"),
        )
    left = clock(time_limit)
    tree = _Tree(problem, gap)
    while tree.open and (tree.relaxation.work < WORK if left() is None else left() != 0):
        tree.grow()
    return tree.answer(late=bool(tree.heap) and left() is not None)


class _Node(NamedTuple):
    envelope: Envelope
    relaxed: Relaxed
    again: bool


class _Tree:
    """The open nodes, the best split so far, and the bound of all that was closed."""

    def __init__(self, problem: Problem, gap: float) -> None:
        self.problem, self.gap = problem, gap
        span = root_span(problem)
        self.bends = Bends.of(problem.curves, span.upper)
        self.relaxation: Relaxation = _relaxation(problem, gap)
        self.branches = Branches(self.bends, span)
        alone = budget_alone(problem)
        self.order = Dominance.of(problem, span) if alone else Dominance.none(len(problem.names))
        self.best: Floats | None = None
        self.best_prices, self.objective = np.zeros(0), -np.inf
        self.closed = -np.inf
        self.heap: list[tuple[float, int, _Node]] = []
        self.count, self.nodes = itertools.count(), 0
        most = problem.weight @ problem.curves.value(span.upper) + np.abs(problem.cost) @ span.upper
        self.rounding = _ROUNDING * float(most)
        self.add(Envelope.over(self.bends, span), np.inf, None)

    @property
    def open(self) -> bool:
        """Whether a node may still hold a better split."""
        return bool(self.heap) and -self.heap[0][0] > self.objective + self._slack()

    def _slack(self) -> float:
        return max(self.gap * abs(self.objective), self.rounding) if self.best is not None else 0.0

    def add(
        self, envelope: Envelope, above: float, start: Floats | None, *, again: bool = False
    ) -> None:
        """Solve a node, look for splits around its point, and keep it."""
        self.nodes += 1
        relaxed = self.relaxation.relax(envelope, start, self.objective)
        if relaxed is None:
            return
        relaxed = relaxed._replace(bound=min(relaxed.bound, above))
        if relaxed.bound <= self.objective:
            return
        self.improve(envelope, relaxed)
        node = _Node(envelope, relaxed, again)
        heapq.heappush(self.heap, (-relaxed.bound, next(self.count), node))

    def improve(self, envelope: Envelope, relaxed: Relaxed) -> None:
        """Try a node's point, and the best splits on the concave branches around it."""
        self.offer(relaxed.spend, relaxed.prices)
        for concave in self.branches.around(
            envelope, relaxed.spend, self.relaxation.weight(relaxed)
        ):
            found = self.relaxation.settle(concave, relaxed.prices, self.objective)
            if found is not None:
                self.offer(found.spend, found.prices)

    def offer(self, spend: Floats, prices: Floats) -> None:
        """Keep a split if it is allowed and the best so far."""
        value = self.problem.objective(spend)
        if value > self.objective and self.branches.holds(spend) and self.relaxation.keeps(spend):
            self.best, self.best_prices, self.objective = spend, prices, value

    def sharpen(self) -> None:
        """Solve the concave branches around the best split to the last digit, where that helps."""
        if self.best is not None:
            concave = self.branches.at(self.best)
            best = Relaxed(self.objective, self.best, self.best_prices)
            found = self.relaxation.sharpen(concave, best)
            if found is not None:
                self.objective -= self.rounding
                self.offer(found.spend, found.prices)

    def grow(self) -> None:
        """Split the node with the best bound."""
        envelope, relaxed, again = heapq.heappop(self.heap)[-1]
        children = split(envelope, relaxed.spend, self.relaxation.weight(relaxed))
        for at, ends in children:
            span, changed = self.order.follow(envelope.span.with_channel(at, *ends), at)
            alone = changed.size == 1
            child = envelope.with_channel(at, *ends) if alone else Envelope.over(self.bends, span)
            self.add(child, relaxed.bound, relaxed.prices)
        if children:
            return
        if again:
            self.closed = max(self.closed, relaxed.bound)
        else:
            # Solved loosely before there was a split to compare it with, perhaps.
            self.add(envelope, relaxed.bound, relaxed.prices, again=True)

    def answer(self, *, late: bool) -> Explored:
        """Return the best split with the bound of all nodes."""
        if self.best is None and late:
            raise out_of_time()
        if self.best is None:
            raise _nothing_found(proven=not self.heap and self.closed == -np.inf)
        self.sharpen()
        bound = max(self.objective, self.closed, -self.heap[0][0] if self.heap else -np.inf)
        if bound - self.objective <= self.rounding:
            bound = self.objective
        prices = self.best_prices
        if not budget_alone(self.problem):
            prices = stationary(self.problem, self.best, prices)
        solved = Solved(self.best, prices, bound, "branch")
        gap = (bound - self.objective) / abs(bound) if bound else 0.0
        return Explored(solved, self.objective, gap, self.nodes)


def _relaxation(problem: Problem, gap: float) -> Relaxation:
    if budget_alone(problem):
        return BudgetRelaxation(problem)
    from budgetopt.optimize.branch.relax import RowsRelaxation

    return RowsRelaxation(problem, gap)


def _clash(name: str) -> InfeasibleError:
    return InfeasibleError(
        "limits-clash",
        say("on-above-most", channel=quoted(name)),
        field=f"channels.{name}",
        value=name,
        remedy=say("remedy-minimum-or-cap"),
    )


def _nothing_found(*, proven: bool) -> InfeasibleError | SolverError:
    if proven:
        return InfeasibleError(
            "limits-clash",
            say("limits-with-minimums"),
            field="limits",
            remedy=say("remedy-minimum-or-limit"),
        )
    return SolverError(
        "not-converged",
        say("no-split-found"),
        field="method",
        value="branch",
        remedy=say("remedy-relax-limits-little"),
    )


def root_span(problem: Problem) -> Span:
    """Return what each channel may spend, no more than the others leave of the budget."""
    lower, on = problem.lower, problem.least_on / problem.money.units
    lower = np.where(lower > 0, np.maximum(lower, on), lower)
    if np.any(lower > problem.upper):
        raise _clash(problem.names[int(np.argmax(lower > problem.upper))])
    # Exactly: in floats a cent that locks of billions leave is none.
    held = np.where(lower > 0, np.maximum(problem.bounds.lower, problem.least_on), 0)
    room = max(0, problem.budget - sum_minor(held)) / problem.money.units
    upper = np.maximum(lower, np.minimum(problem.upper, lower + room))
    optional = (lower <= 0) & (on > 0)
    upper = np.where(optional & (upper < on), 0.0, upper)
    least = np.where(optional & (upper > 0), on, lower)
    return Span(lower, least, upper)
