"""The best splits of many runs at once, of curves that need not be concave.

`best_of_runs` is `waterfill` where all curves are concave. Where mixtures hold S-shaped cells it is
the search of `branch` with the nodes of all runs side by side: one relaxation, one round of splits.

It knows bounds and one budget, no limits across channels, and it does not search to the end: after
a dozen rounds what is left is in the gap between outcome and bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arrays import Floats, Places
from budgetopt.curves import Curve, Hull, Mixture, Sampled, stretches
from budgetopt.errors import SolverError
from budgetopt.messages import say
from budgetopt.optimize.waterfill import lagrangian_bound, quick, waterfill

_ROUNDS = 12
"""Rounds of splits; most runs need none or one, and what is left shows in the gap."""
_NODES = 24
"""Open nodes of a run beyond which no more are made."""
_ASIDE = 1e-3
"""Share of a line that a split keeps away from its ends."""


class BestSplits(NamedTuple):
    """The best splits found, and how much better others can be.

    Parameters
    ----------
    spend
        Money by channel, shape of the bounds.
    price
        Outcome per unit of money that one more unit of budget brings where no channel leaves its
        side of a bend, shape of the budgets.
    outcome
        What all channels bring, shape of the budgets.
    bound
        No split within bounds and budget brings more.
    """

    spend: Floats
    price: Floats
    outcome: Floats
    bound: Floats


def best_of_runs(
    curves: Curve,
    lower: ArrayLike,
    upper: ArrayLike,
    budget: ArrayLike,
    *,
    spend_all: bool = False,
    gap: float = 1e-6,
) -> BestSplits:
    r"""Maximise :math:`\sum_i f_i(x_i)` over :math:`\sum_i x_i \le B,\ l \le x \le u` in every run.

    Parameters
    ----------
    curves
        Concave curves of any kind, or mixtures of smooth cells that all channels share.
    lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``; the lower bounds must fit the budget.
    budget
        Money, shape ``()`` or ``(runs,)``.
    spend_all
        Whether money that brings nothing is spent all the same, evenly over the room.
    gap
        Share of the outcome by which a split may miss the best before the search ends.

    Returns
    -------
    BestSplits
        In a few runs, where many splits are nearly as good, the gap may stay greater than asked
        for; it is told truthfully.

    Raises
    ------
    SolverError
        ``wrong-method`` for other curves that are not concave.

    Notes
    -----
    Sources as in `waterfill` and `branch`. Every node is bounded by the concave envelopes of the
    curves on its spans, at one price for each; its splits are the best on the concave stretches
    on both sides of the line that a channel lies on.
    """
    low, high, money = (np.asarray(a, dtype=np.float64) for a in (lower, upper, budget))
    room = np.maximum(money - low.sum(axis=-1), 0.0)
    reach = np.minimum(high, low + room[..., None])
    read = quick(curves, low, reach, money)
    if _surely_concave(curves) or not np.any(reach > 0):
        best = _of_concave(read, low, reach, money)
    elif isinstance(read, Sampled):
        best = _Runs(read, low, reach, money, gap).solve()
    else:
        raise _not_concave(curves)
    if not spend_all:
        return best
    free = reach - best.spend
    left = np.maximum(money - best.spend.sum(axis=-1), 0.0)
    share = np.minimum(1.0, left / np.maximum(free.sum(axis=-1), 1e-300))
    return best._replace(spend=best.spend + free * share[..., None])


def _surely_concave(curves: Curve) -> bool:
    """Return whether curves are concave without a look at the weights of a mixture."""
    return curves.cells.concave if isinstance(curves, Mixture) else curves.concave


def _not_concave(curves: Curve) -> SolverError:
    return SolverError(
        "wrong-method",
        say("curves-not-concave", kind=curves.kind),
        field="curves",
        value=curves.kind,
        remedy=say("remedy-use-branch-run"),
    )


def _of_concave(curves: Curve, low: Floats, high: Floats, money: Floats) -> BestSplits:
    filled = waterfill(curves, low, high, money)
    outcome = curves.value(filled.spend).sum(axis=-1)
    bound = lagrangian_bound(curves, low, high, money, filled.price)
    # Without room there is one split, whose price may be infinite.
    bound = np.where(money > low.sum(axis=-1), np.maximum(bound, outcome), outcome)
    return BestSplits(filled.spend, filled.price, outcome, bound)


class _Nodes(NamedTuple):
    """Spans of spends, one row a node.

    Parameters
    ----------
    run
        Its run, shape ``(nodes,)``.
    low, high
        Money, shape ``(nodes, channels)``.
    """

    run: Places
    low: Floats
    high: Floats

    def some(self, at: NDArray[np.bool_] | Places) -> _Nodes:
        """Return some of the nodes."""
        return _Nodes(self.run[at], self.low[at], self.high[at])


class _Relaxed(NamedTuple):
    """The best under the envelopes of nodes.

    Parameters
    ----------
    bound, price
        Shape ``(nodes,)``.
    less, more
        The least and the most money that is best at the price, shape ``(nodes, channels)``; they
        differ where a channel is undecided between the ends of a line.
    """

    bound: Floats
    price: Floats
    less: Floats
    more: Floats


class _Runs:
    """The best splits so far, and the bounds of what was closed."""

    def __init__(
        self, sampled: Sampled, low: Floats, high: Floats, money: Floats, gap: float
    ) -> None:
        channels = sampled.shape[-1]
        self.shape, self.gap = sampled.shape, gap
        self.sampled = sampled.pick(np.arange(len(sampled.rows)))
        self.money = np.broadcast_to(money, self.shape[:-1]).reshape(-1)
        low, high = (np.broadcast_to(end, self.shape).reshape(-1, channels) for end in (low, high))
        self.low, self.high = low, high
        self.parts = stretches(self.sampled, self.low.min(), self.high.max())
        self.spend, self.price = self.low.copy(), np.zeros(len(low))
        self.outcome, self.closed = np.full((2, len(low)), -np.inf)

    def solve(self) -> BestSplits:
        """Return the best splits of all runs."""
        nodes = _Nodes(np.arange(len(self.low)), self.low, self.high)
        with np.errstate(all="ignore"):
            for turn in range(_ROUNDS + 1):
                hull = self._hull(nodes)
                relaxed = self._relax(hull, nodes)
                self._settle(hull, nodes, relaxed)
                best = self.outcome[nodes.run]
                open_ = relaxed.bound > best + self.gap * np.abs(best)
                crowded = np.bincount(nodes.run[open_], minlength=len(self.low)) > _NODES // 2
                open_ &= ~crowded[nodes.run] & (turn < _ROUNDS)
                np.maximum.at(self.closed, nodes.run[~open_], relaxed.bound[~open_])
                if not np.any(open_):
                    break
                nodes = self._split(nodes.some(open_), *(part[open_] for part in relaxed))
        bound = np.maximum(self.outcome, self.closed)
        lead = self.shape[:-1]
        totals = (part.reshape(lead) for part in (self.price, self.outcome, bound))
        return BestSplits(self.spend.reshape(self.shape), *totals)

    def _numbers(self, nodes: _Nodes) -> Places:
        channels = self.low.shape[-1]
        return np.asarray(nodes.run[:, None] * channels + np.arange(channels))

    def _hull(self, nodes: _Nodes) -> Hull:
        number = self._numbers(nodes)
        flat = number.ravel()
        low, high = nodes.low.ravel(), nodes.high.ravel()
        hull = Hull.over(self.sampled.pick(flat), self.parts.pick(flat), low, low, high)
        return hull.shaped(number.shape)

    def _relax(self, hull: Hull, nodes: _Nodes) -> _Relaxed:
        """Return the best under envelopes: at the price of a line, or between two of them."""
        money = self.money[nodes.run]
        price, at_line = _line_price(hull, money)
        if not np.all(at_line):
            free = np.flatnonzero(~at_line)
            part = _some(hull, free)
            filled = waterfill(part, nodes.low[free], nodes.high[free], money[free], price[free])
            price[free] = filled.price
        less, more = hull.least_and_most(price[:, None])
        worth = hull.sampled.value(more) - price[:, None] * more
        bound = worth.sum(axis=-1) + price * money
        if not np.all(at_line):
            # Their spends meet the budget to the last digit, and none is on a line.
            less[free] = more[free] = filled.spend
        return _Relaxed(bound, price, less, more)

    def _settle(self, hull: Hull, nodes: _Nodes, relaxed: _Relaxed) -> None:
        """Keep the best splits on the stretches around both ends of the lines, where better."""
        undecided = np.any(relaxed.more > relaxed.less, axis=-1)
        decided = np.flatnonzero(~undecided)
        self._offer(
            nodes.run[decided], relaxed.more[decided], relaxed.price[decided], hull, decided
        )
        at = np.flatnonzero(undecided & (relaxed.bound > self.outcome[nodes.run]))
        for ends in (relaxed.less, relaxed.more):
            if not at.size:
                return
            number = self._numbers(nodes.some(at)).ravel()
            x, least, upper = (t[at].ravel() for t in (ends, nodes.low, nodes.high))
            low, high = self.parts.pick(number).around(x, least, upper)
            low, high = (end.reshape(at.size, -1) for end in (low, high))
            fits = low.sum(axis=-1) <= self.money[nodes.run[at]]
            low, high, rows = low[fits], high[fits], at[fits]
            if rows.size:
                curves = Hull.on(_some(hull, rows).sampled, low, high)
                filled = waterfill(curves, low, high, self.money[nodes.run[rows]])
                self._offer(nodes.run[rows], filled.spend, filled.price, hull, rows)

    def _offer(self, run: Places, spend: Floats, price: Floats, hull: Hull, rows: Places) -> None:
        if not run.size:
            return
        outcome = _some(hull, rows).sampled.value(spend).sum(axis=-1)
        # A run may have several nodes: the last written is the best.
        order = np.argsort(outcome, kind="stable")
        order = order[outcome[order] > self.outcome[run[order]]]
        run = run[order]
        self.spend[run], self.price[run] = spend[order], price[order]
        self.outcome[run] = outcome[order]

    def _split(
        self, nodes: _Nodes, bound: Floats, price: Floats, less: Floats, more: Floats
    ) -> _Nodes:
        """Return both halves of each node, cut where its undecided channel would spend."""
        every = np.arange(len(nodes.run))
        room = np.clip(self.money[nodes.run] - less.sum(axis=-1), 0.0, None)[:, None]
        gap = more - less
        before = np.cumsum(gap, axis=-1) - gap
        spend = less + np.clip(room - before, 0.0, gap)
        inside = (spend > less) & (spend < more)
        at = np.argmax(np.where(inside, gap, np.where(gap > 0, 1e-9 * gap, -1.0)), axis=-1)
        aside = _ASIDE * gap[every, at]
        point = np.clip(spend[every, at], less[every, at] + aside, more[every, at] - aside)
        below, above = nodes.high.copy(), nodes.low.copy()
        below[every, at] = above[every, at] = point
        return _Nodes(
            np.concatenate([nodes.run, nodes.run]),
            np.concatenate([nodes.low, above]),
            np.concatenate([below, nodes.high]),
        )


def _some(hull: Hull, rows: Places) -> Hull:
    """Return the envelopes of some nodes."""
    number = np.arange(hull.enter[0].size).reshape(hull.enter.shape[1:])[rows]
    tables = (t[:, rows] for t in (hull.enter, hull.leave, hull.price, hull.start))
    return Hull(hull.sampled.pick(number), *tables)


def _line_price(hull: Hull, money: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the price of the line at which the budget is used up, and whether there is one.

    Where there is none it is a price to start from, between those of two lines.
    """
    count, nodes = len(hull.price), len(money)
    lines = np.moveaxis(hull.price, 0, -1).reshape(nodes, -1)
    lines = np.sort(np.where(np.isfinite(lines) & (lines > 0), lines, np.inf), axis=-1)
    lines = np.concatenate([lines, np.full((nodes, 1), np.inf)], axis=-1)
    first, last = np.zeros(nodes, dtype=np.intp), np.isfinite(lines).sum(axis=-1)
    found = np.zeros(nodes, dtype=bool)
    every = np.arange(nodes)
    price = np.zeros(nodes)
    while count > 1 and np.any(asked := (first < last) & ~found):
        some = np.flatnonzero(asked)
        middle = (first[some] + last[some]) // 2
        tried = lines[some, middle]
        less, more = _some(hull, some).least_and_most(tried[:, None])
        dear, cheap = more.sum(axis=-1) < money[some], less.sum(axis=-1) > money[some]
        last[some] = np.where(dear, middle, last[some])
        first[some] = np.where(cheap, middle + 1, first[some])
        found[some] = ~dear & ~cheap
        price[some] = tried
    below = np.where(first > 0, lines[every, np.maximum(first - 1, 0)], 0.0)
    between = np.sqrt(below * lines[every, last])
    between = np.where(np.isfinite(between) & (between > 0), between, 0.0)
    return np.where(found, price, between), found
