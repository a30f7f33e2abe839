"""From a continuous optimum to exact money that keeps every rule."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, milp

from budgetopt.errors import SolverError, VerificationError
from budgetopt.money import round_to_step
from budgetopt.optimize.check import verify
from budgetopt.optimize.problem import Problem

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)

_SNAP = 1e-4
"""Lots by which a spend may miss a whole lot and still be taken for it."""
_ROOM = 2
"""Lots below and above its neighbours that a channel may be moved to, to keep a rule."""
_WIDE = 2000
"""Spends of all channels together among which a second look chooses, where the first finds none."""
_SPARE = 1e-5
"""Share of what a channel can use of a row that a program spares where it broke the row."""
_SECONDS = 10.0
"""Time for one integer program."""


def rounded(problem: Problem, spend: Floats) -> Whole:
    """Return spends in minor units that keep bounds, lots, rows and budget.

    Budget and bounds alone are kept by largest remainder; equal remainders go to the channel
    whose name sorts first, so that the order in which channels are declared decides nothing. With
    more rules every spend is rounded down to its lot, rules that ask for more get the lots that
    they miss, and those that are left go out in the order of what they bring; where that breaks a
    rule, a small integer program chooses among the neighbouring lots, and then among all near.

    Raises
    ------
    InfeasibleError
        ``limits-clash`` or ``target-out-of-reach`` where no whole steps keep every rule.
    SolverError
        ``not-converged`` where none were found, nor a proof that there are none.
    """
    minor = spend * problem.money.units
    if _simple(problem):
        total = min(problem.target, round(float(minor.sum())))
        bounds = problem.bounds
        return round_to_step(minor, total, problem.step, bounds.lower, bounds.upper, _rank(problem))
    grid = _Grid(problem, _table(problem, minor), _most(problem, minor))
    chosen = grid.fill(grid.mend(np.full(minor.size, _ROOM, dtype=np.intp)))
    if grid.kept(chosen) and _keeps(problem, grid.spend(chosen)):
        return grid.spend(chosen)
    for table in (grid.table, _wide_table(problem, minor)):
        grid = _Grid(problem, table, problem.budget)
        for spare in (0.0, _SPARE):
            found = grid.program(spare)
            if found is not None and _keeps(problem, grid.spend(found)):
                return grid.spend(found)
    return _any_steps(problem)


def _most(problem: Problem, minor: Floats) -> int:
    """Return the total that rounding may reach: a split that leaves money on purpose keeps it.

    Where money costs, the next lot may be the better side; its cost says which one.
    """
    if not problem.cost.any():
        return round(float(minor.sum()))
    return int((np.ceil(minor / problem.lots - _SNAP) * problem.lots).sum())


def _keeps(problem: Problem, spend: Whole) -> bool:
    """Say whether exact spends keep every rule; floats cannot tell a row that is just full."""
    try:
        outcome = problem.curves.value(spend / problem.money.units)
        verify(problem.names, spend, problem.rules, outcome)
    except VerificationError:
        return False
    return True


def _any_steps(problem: Problem) -> Whole:
    """Return whole steps that keep every rule, wherever they are, or say why there are none."""
    from budgetopt.optimize.conflict import explain_infeasible
    from budgetopt.optimize.conflict.elastic import find_split
    from budgetopt.optimize.conflict.reach import limits_of, system_of

    answer = find_split(system_of(problem, set(limits_of(problem))))
    if answer.spend is not None:
        found: Whole = answer.spend
        return found
    clash = explain_infeasible(problem) if answer.none else None
    raise clash or SolverError(
        "not-converged",
        "no whole steps near the optimum keep every limit",
        field="step",
        value=problem.money.show(problem.step),
        remedy="take a finer step, or leave some room between the limits",
    )


def _simple(problem: Problem) -> bool:
    plain = not problem.limits and not problem.least_on.any() and not problem.cost.any()
    return plain and bool(np.all(problem.lots == problem.step))


def _rank(problem: Problem) -> Whole:
    rank = np.empty(len(problem.names), dtype=np.int64)
    rank[sorted(range(rank.size), key=problem.names.__getitem__)] = np.arange(rank.size)
    return rank


class _Grid:
    """The few exact spends that each channel may take near its optimum.

    Column ``j`` of `table` is a spend in minor units; columns rise, and a channel that has fewer
    repeats its last. What rows use and have left is counted from column 0 on, so that a cent among
    billions is not lost. No more than `most` minor units are spent in total.
    """

    def __init__(self, problem: Problem, table: Whole, most: int) -> None:
        self.problem, self.table, self.rank = problem, table, _rank(problem)
        units, rows, first = problem.money.units, problem.rows, table[:, 0]
        money = table / units
        value = np.stack([problem.curves.value(money[:, j]) for j in range(money.shape[1])], axis=1)
        last = np.zeros_like(first) if problem.last is None else problem.last
        change = np.abs(table - last[:, None])
        self.gain = problem.weight[:, None] * value - problem.cost[:, None] * money
        parts = (
            (rows.money, table, units), (rows.moved, change, units), (rows.outcome, -value, 1),
            (rows.on, 1 * (table > 0), 1), (rows.moves, 1 * (change > 0), 1),
        )  # fmt: skip
        # What each row uses more at each spend of a channel, shape (rows, channels, columns).
        self.use = np.zeros((rows.size, *table.shape))
        for coefficients, part, scale in parts:
            if coefficients.nnz:
                more = (part - part[:, :1]) / scale
                self.use += coefficients.toarray()[:, :, None] * more[None]
        left = [float(row.room - row.used(first, problem.last, units)) for row in problem.all_rows]
        left[0] = min(left[0], (most - int(first.sum())) / units)
        gained = abs(rows.outcome) @ value[:, 0]
        self.room = np.array(left) + rows.outcome @ value[:, 0]
        self.slack = 1e-12 * np.abs(self.use).max(axis=(1, 2), initial=0.0) + 1e-14 * gained

    def used(self, chosen: NDArray[np.intp]) -> Floats:
        """Return what each row uses more than at column 0."""
        used: Floats = np.take_along_axis(self.use, chosen[None, :, None], axis=2)[:, :, 0].sum(1)
        return used

    def kept(self, chosen: NDArray[np.intp]) -> bool:
        """Say whether every row is kept."""
        return bool(np.all(self.used(chosen) <= self.room + self.slack * chosen.size))

    def mend(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Move lots, up before down, until rows that rounding down broke are kept where it can."""
        chosen = chosen.copy()
        for row in np.flatnonzero(self.used(chosen) > self.room + self.slack * chosen.size):
            for way in (1, -1):
                short = self.used(chosen)[row] - self.room[row]
                if short <= 0:
                    break
                ahead = np.clip(chosen + way, 0, self.table.shape[1] - 1)
                gain = _at(self.gain, ahead) - _at(self.gain, chosen)
                helps = _at(self.use[row], chosen) - _at(self.use[row], ahead)
                order = np.lexsort((self.rank, -gain))
                order = order[((helps > 0) & self._may(chosen, ahead))[order]]
                taken = self._taken(order, chosen, ahead)
                enough = int(np.searchsorted(np.cumsum(helps[taken]), short)) + 1
                chosen[taken[:enough]] = ahead[taken[:enough]]
        return chosen

    def fill(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Give out lots in the order of what they bring, as far as no row breaks for it."""
        chosen, last = chosen.copy(), self.table.shape[1] - 1
        for _ in range(last):
            ahead = np.minimum(chosen + 1, last)
            gain = _at(self.gain, ahead) - _at(self.gain, chosen)
            order = np.lexsort((self.rank, -gain))
            order = order[((gain > 0) & self._may(chosen, ahead))[order]]
            taken = self._taken(order, chosen, ahead)
            if not taken.size:
                break
            chosen[taken] = ahead[taken]
        return chosen

    def _taken(
        self, order: NDArray[np.intp], chosen: NDArray[np.intp], ahead: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return which channels, asked in order, can take a lot more without breaking a row."""
        used, taken = self.used(chosen), []
        more = self.use[:, order, ahead[order]] - self.use[:, order, chosen[order]]
        # Rows that all of them together cannot fill need no look.
        near = np.maximum(more, 0.0).sum(axis=1) > self.room + self.slack - used
        more, room = more[near], (self.room + self.slack - used)[near]
        while order.size:
            fits = ~np.any((more > 0) & (more > room[:, None]), axis=0)
            order, more = order[fits], more[:, fits]
            sums = np.cumsum(more, axis=1)
            over = np.any((sums > room[:, None]) & (more > 0), axis=0)
            until = int(np.argmax(over)) if over.any() else order.size
            taken.append(order[:until])
            if until:
                room = room - sums[:, until - 1]
            order, more = order[until:], more[:, until:]
        return np.concatenate(taken) if taken else order

    def program(self, spare: float) -> NDArray[np.intp] | None:
        """Return the columns that bring most and keep every row, by a small integer program.

        Rows spare a share of what a channel can use, since programs keep them to a millionth only.
        """
        channels, columns = self.table.shape
        each = np.kron(np.eye(channels), np.ones(columns))
        size = np.abs(self.use).max(axis=(1, 2))
        size[size == 0] = 1.0
        left = (self.room + self.slack) / size - spare
        scale = np.abs(self.gain).max() or 1.0
        answer = milp(
            -self.gain.ravel() / scale,
            constraints=[
                LinearConstraint(self.use.reshape(size.size, -1) / size[:, None], ub=left),
                LinearConstraint(each, lb=1.0, ub=1.0),
            ],
            integrality=np.ones(channels * columns),
            bounds=Box(0.0, 1.0),
            options={"time_limit": _SECONDS, "mip_rel_gap": 1e-9},
        )
        if answer.x is None:
            return None
        best: NDArray[np.intp] = np.argmax(answer.x.reshape(channels, columns), axis=1)
        return best

    def spend(self, chosen: NDArray[np.intp]) -> Whole:
        """Return the spends of the columns chosen, in minor units."""
        return _at(self.table, chosen)

    def _may(self, chosen: NDArray[np.intp], ahead: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which channels may take another spend: not to start, to stop, or to begin to move."""
        now, then = _at(self.table, chosen), _at(self.table, ahead)
        switches = ((now == 0) | (then == 0)) & (self.problem.least_on > 0)
        counted = np.zeros(now.size, dtype=bool)
        if self.problem.rows.counts:
            switches |= (now == 0) | (then == 0)
            if self.problem.last is not None:
                counted = now == self.problem.last
        free: NDArray[np.bool_] = (then != now) & ~switches & ~counted
        return free


def _at(table: NDArray[Number], chosen: NDArray[np.intp]) -> NDArray[Number]:
    """Return one entry of each channel's row of a table."""
    entry: NDArray[Number] = np.take_along_axis(table, chosen[:, None], axis=1)[:, 0]
    return entry


def _table(problem: Problem, minor: Floats) -> Whole:
    """Return neighbouring spends on whole lots; column `_ROOM` is the optimum rounded down."""
    lower, upper, lot = problem.bounds.lower, problem.bounds.upper, problem.lots
    locked = lower == upper
    low, high = -(-lower // lot) * lot, upper // lot * lot
    nearest = np.rint(minor / lot)
    whole = np.where(np.abs(minor / lot - nearest) <= _SNAP, nearest, np.floor(minor / lot))
    base = np.clip(whole.astype(np.int64) * lot, low, np.maximum(low, high))
    steps = np.arange(-_ROOM, _ROOM + 2)
    table: Whole = base[:, None] + steps * lot[:, None]
    least = np.where(problem.least_on > 0, -(-problem.least_on // lot) * lot, low)
    table = np.clip(table, np.maximum(low, least)[:, None], np.maximum(low, high)[:, None])
    off = (problem.least_on > 0) & (minor < 0.5 * problem.least_on)
    table[off] = 0
    table[locked] = lower[locked, None]
    if problem.last is not None:
        # A channel that stays keeps its money to the cent, on the step or off it.
        odd = (low > high) | problem.rows.counts
        stays = odd & (np.abs(minor - problem.last) <= _SNAP * lot) & ~locked
        table[stays] = problem.last[stays, None]
        if problem.rows.counts:
            table[(minor <= _SNAP * lot) & (lower == 0)] = 0
    return table


def _wide_table(problem: Problem, minor: Floats) -> Whole:
    """Return spends further around, with nothing and the last spend where they are allowed."""
    room = max(_ROOM, _WIDE // (2 * minor.size))
    menus = []
    for at, (low, high) in enumerate(zip(*_ends(problem), strict=True)):
        lot, least = int(problem.lots[at]), int(problem.least_on[at])
        near = round(float(minor[at]) / lot)
        first, last = max(near - room, -(-max(low, least) // lot)), min(near + room, high // lot)
        menu = {lot * n for n in range(first, last + 1)} | ({low} if low in (0, high) else set())
        if problem.last is not None:
            before = int(problem.last[at])
            menu |= {before} if max(low, least * (before > 0)) <= before <= high else set()
        menus.append(sorted(menu) or [low])
    longest = max(len(menu) for menu in menus)
    return np.array([menu + menu[-1:] * (longest - len(menu)) for menu in menus], dtype=np.int64)


def _ends(problem: Problem) -> tuple[list[int], list[int]]:
    return problem.bounds.lower.tolist(), problem.bounds.upper.tolist()
