"""What each channel may do, off, unchanged or somewhere between two amounts, and its best reply."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.arrays import Bools, Floats, Whole
from budgetopt.optimize.problem import Problem, Rows
from budgetopt.optimize.programs.linear import Menu, value_at
from budgetopt.optimize.waterfill import Field, field_of, priced

_LOTS = 500
"""Lots up to which a channel's best is looked for among all of them."""
OFF, STAY, FREE = range(3)
"""Kinds of option: nothing, the last applied spend, or an amount between two bounds."""


class Options(NamedTuple):
    """What is left open in one node of the search, by channel; amounts in minor units.

    Parameters
    ----------
    off, stay
        Whether the channel may be off, or keep its last spend, as a choice apart.
    low, high
        Ends of its free amounts; there are none where `low` is above `high`.
    """

    off: Bools
    stay: Bools
    low: Whole
    high: Whole

    @property
    def free(self) -> Bools:
        """Where an amount between two bounds may be chosen."""
        return self.low <= self.high

    @property
    def empty(self) -> Bools:
        """Where nothing is left."""
        return ~(self.off | self.stay | self.free)

    def only(self, at: int, kind: int) -> Options:
        """Return the options with just one kind left to a channel."""
        kept = self
        for other in (OFF, STAY, FREE):
            kept = kept if other == kind else kept.without(at, other)
        return kept

    def without(self, at: int, kind: int) -> Options:
        """Return the options with one kind taken from a channel."""
        if kind == OFF:
            return self._replace(off=_put(self.off, at, False))
        if kind == STAY:
            return self._replace(stay=_put(self.stay, at, False))
        return self.between(at, 1, 0)

    def between(self, at: int, low: int, high: int) -> Options:
        """Return the options with other ends of a channel's free amounts."""
        return self._replace(low=_put(self.low, at, low), high=_put(self.high, at, high))


def _put(values: Any, at: int, value: int | bool) -> Any:
    changed = values.copy()
    changed[at] = value
    return changed


class Reply(NamedTuple):
    """What channels choose at prices.

    Parameters
    ----------
    bound
        No split within these options has a better objective.
    kind, spend
        Choice and money by channel, shape ``(channels,)``.
    worth
        What the choice is worth at the prices, at least what any other is, shape ``(channels,)``.
    """

    bound: float
    kind: NDArray[np.intp]
    spend: Floats
    worth: Floats


class OptionSpace:
    """A problem's channels and rows as the search reads them.

    Parameters
    ----------
    problem
        Any problem.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.field: Field = field_of(problem)
        self.rows: Rows = problem.rows
        self.units = problem.money.units
        self.concave = problem.curves.concave
        bounds = problem.bounds
        locked = bounds.lower == bounds.upper
        self.lot: Whole = np.where((problem.lots > problem.step) & ~locked, problem.lots, 0)
        none = csr_array(self.rows.money.shape)
        self.plain: Rows = replace(self.rows, on=none, moves=none)

    @cached_property
    def root(self) -> Options:
        """Everything that bounds, minimums, lots and the last week leave open."""
        problem, bounds = self.problem, self.problem.bounds
        lower, upper, least = bounds.lower, bounds.upper, problem.least_on
        locked = lower == upper
        counted = _columns(self.rows.on)
        apart = (least > 0) | counted | (locked & (lower == 0) & counted)
        low = np.maximum(lower, least)
        low = np.where(apart & ~locked, np.maximum(low, problem.lots), low)
        low = np.where(locked & (lower == 0) & apart, 1, low)
        lot = np.maximum(self.lot, 1)
        low, high = -(-low // lot) * lot, upper // lot * lot
        stay = np.zeros(low.size, dtype=bool)
        if problem.last is not None:
            last = problem.last
            stay = (_columns(self.rows.moves) | (self.lot > 0)) & (lower <= last) & (last <= upper)
            stay &= (last == 0) | (last >= least)
        return Options((lower <= 0) & apart, stay, low, high)

    @cached_property
    def hollow(self) -> OptionSpace:
        """The same with nothing to gain, in which prices prove that rows cannot be kept."""
        nothing = np.zeros_like(self.field.weight)
        empty = copy(self)
        empty.field = self.field._replace(weight=nothing, cost=nothing)
        return empty

    def ends(self, options: Options) -> tuple[Floats, Floats]:
        """Return the ends of the free amounts in money, equal where there are none."""
        low = options.low / self.units
        return low, np.maximum(low, options.high / self.units)

    def flags(self, options: Options, kind: NDArray[np.intp], at: NDArray[np.intp]) -> Menu:
        """Return points without spends: whether each choice counts as on, and as a move."""
        last = self.field.last[at]
        pinned = (options.low == options.high)[at] & (options.low[at] / self.units == last)
        on = np.select([kind == OFF, kind == STAY], [False, last > 0], options.low[at] > 0)
        moves = np.select([kind == OFF, kind == STAY], [last != 0, False], ~pinned)
        return Menu(at, np.zeros(at.size), on.astype(np.float64), moves.astype(np.float64))

    def net(self, prices: Floats, menu: Menu) -> Floats:
        """Return what every channel's one point is worth at prices."""
        field, rows, spend = self.field, self.rows, menu.spend
        weight = field.weight + rows.outcome.T @ prices
        net: Floats = (
            weight * field.curves.value(spend) - (field.cost + rows.money.T @ prices) * spend
        )
        net -= (rows.moved.T @ prices) * np.abs(spend - field.last)
        net -= (rows.on.T @ prices) * menu.on + (rows.moves.T @ prices) * menu.moves
        return net

    def reply(self, options: Options, prices: Floats) -> Reply:
        """Return every channel's best choice at prices.

        With many lots on S-curves the worth is that of the best amount off the lots, which is more.
        """
        every = np.arange(options.low.size)
        worth, chosen, spends = (
            np.full(every.size, -np.inf),
            np.zeros_like(every),
            np.zeros(every.size),
        )
        best = self._best_free(options, prices)
        for kind, allowed, spend in (
            (FREE, options.free, best),
            (OFF, options.off, np.zeros(every.size)),
            (STAY, options.stay, self.field.last),
        ):
            flags = self.flags(options, np.full(every.size, kind), every)
            here = self.net(prices, flags._replace(spend=spend))
            if kind == FREE and self.lot.any():
                spend, here = self._on_lots(options, prices, flags, spend, here)
            better = allowed & (here > worth)
            worth, chosen = np.where(better, here, worth), np.where(better, kind, chosen)
            spends = np.where(better, spend, spends)
        return Reply(float(worth.sum() + prices @ self.rows.room), chosen, spends, worth)

    def _best_free(self, options: Options, prices: Floats) -> Floats:
        low, high = self.ends(options)
        field = self.field._replace(lower=low, upper=high, least_on=np.zeros_like(low))
        return priced(field, self.plain, prices).spend

    def _on_lots(
        self, options: Options, prices: Floats, flags: Menu, spend: Floats, worth: Floats
    ) -> tuple[Floats, Floats]:
        """Return the best lots where they are few, and else the better of those beside the best."""
        lot = np.maximum(self.lot, 1)
        best, most = spend, np.full(spend.size, -np.inf)
        for step in (0, 1):
            minor = (np.floor(spend * self.units / lot + 1e-9).astype(np.int64) + step) * lot
            near = np.clip(minor, options.low, np.maximum(options.low, options.high)) / self.units
            here = self.net(prices, flags._replace(spend=near))
            best, most = np.where(here > most, near, best), np.maximum(most, here)
        lots = self.lot > 0
        best = np.where(lots, best, spend)
        worth = np.where(lots, most, worth) if self.concave else worth
        at, minor, value = self._few_lots
        if at.size:
            money = minor / self.units
            net = (self.field.weight + self.rows.outcome.T @ prices)[at] * value
            net -= (self.field.cost + self.rows.money.T @ prices)[at] * money
            net -= (self.rows.moved.T @ prices)[at] * np.abs(money - self.field.last[at])
            net -= (self.rows.on.T @ prices * flags.on + self.rows.moves.T @ prices * flags.moves)[
                at
            ]
            net[(minor < options.low[at]) | (minor > options.high[at])] = -np.inf
            top, every = np.argmax(net, axis=0), np.arange(at.size)
            best[at], worth[at] = money[top, every], net[top, every]
        return best, worth

    @cached_property
    def _few_lots(self) -> tuple[NDArray[np.intp], Whole, Floats]:
        """Channels with few lots, all their lots in minor units, and the outcome at them."""
        count = self.problem.bounds.upper // np.maximum(self.lot, 1)
        at = np.flatnonzero((self.lot > 0) & (count <= _LOTS))
        minor = np.arange(int(count[at].max(initial=0)) + 1)[:, None] * self.lot[at]
        place = np.broadcast_to(at, minor.shape).ravel()
        value = value_at(self.field, place, (minor / self.units).ravel())
        return at, minor, value.reshape(minor.shape)


def _columns(table: csr_array) -> Bools:
    """Return the columns that have entries."""
    seen: Bools = np.zeros(table.shape[1], dtype=bool)
    seen[table.indices] = True
    return seen
