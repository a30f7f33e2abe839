"""From a continuous optimum to exact money: rounding, and the best split in whole steps.

- `rounded` keeps every rule near the optimum: by largest remainders where the budget is the only
  row, else on a `StepGrid`, greedily, and by an integer program where that breaks a rule.
- `best_in_steps` starts from there. Where that is proven already, as with steps of a cent, it is
  the answer; where a step is coarse, rounding is part of the optimum.
- `exchange` moves single steps until none helps, which is the best there is for concave curves
  under a budget (Gross 1956), in one run or, by `runs_on_steps`, in many.
- `_Search` settles everything else, S-curves, lots and rows across channels, by dynamic programming
  between the prices of the continuous optimum.
- `on_lots` is the engine for channels with lots of their own: the same search, in the lots alone.

The search is cut off at a number of partial splits; its bound says how far the best can then be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from budgetopt.arrays import Floats, Places, Whole
from budgetopt.curves import Curve
from budgetopt.errors import SolverError
from budgetopt.messages import say
from budgetopt.money import round_to_step
from budgetopt.optimize import highs
from budgetopt.optimize.problem import (
    UNLIMITED,
    Clock,
    Problem,
    Solved,
    extended,
    keeps,
    out_of_time,
)
from budgetopt.optimize.waterfill import best_worth

Number = TypeVar("Number", np.int64, np.float64)

_SNAP = 1e-4
"""Lots by which a spend may miss a whole lot and still be taken for it."""
_ROOM = 2
"""Lots below and above its neighbours that a channel may be moved to, to keep a rule."""
_WIDE = 2000
"""Spends of all channels together among which a second look chooses, where the first finds none."""
_SPARE = 1e-5
"""Share of what a channel can use of a row that a program spares where it broke the row."""
_WORK = 100_000
"""Columns times nodes that one integer program may take; most are settled in one node."""
_GRACE = 0.5
"""Seconds that rounding has though the caller's time is over, as there is no answer without it."""


def rounded(problem: Problem, spend: Floats, left: Clock = UNLIMITED) -> Whole:
    """Return spends in minor units that keep bounds, lots, rows and budget.

    What is on whole steps and keeps every rule stays as it is. Budget and bounds alone are kept by
    largest remainder; equal remainders go to the channel whose name sorts first, so that the order
    in which channels are declared decides nothing. With more rules every spend is rounded down to
    its lot, rules that ask for more get the lots that they miss, and those that are left go out in
    the order of what they bring; where that breaks a rule, a small integer program chooses among
    the neighbouring lots, and then among all near, in the caller's time.

    Raises
    ------
    InfeasibleError
        ``limits-clash`` or ``target-out-of-reach`` where no whole steps keep every rule.
    SolverError
        ``not-converged`` where none were found, nor a proof that there are none; ``time-limit``
        where the time ran out before.
    """
    minor = spend * problem.money.units
    if _simple(problem):
        total = min(problem.target, _most(problem, minor))
        lot, bounds = problem.common_lot, problem.bounds
        return round_to_step(minor, total, lot, bounds.lower, bounds.upper, rank_of(problem))
    near = np.rint(minor).astype(np.int64)
    if np.all(np.abs(minor - near) <= 1e-9 * (1 + near)) and keeps(problem, near):
        return near
    grid = StepGrid(problem, _table(problem, minor), _most(problem, minor))
    chosen = grid.fill(grid.mend(np.full(minor.size, _ROOM, dtype=np.intp)))
    if grid.kept(chosen) and keeps(problem, grid.spend(chosen)):
        return grid.spend(chosen)
    left = extended(left, _GRACE)
    _refuse_impossible(problem, left)
    room = max(_ROOM, _WIDE // (2 * minor.size))
    for table in (grid.table, menus_of(problem, near, room)[0]):
        grid = StepGrid(problem, table, problem.budget)
        for spare in (0.0, _SPARE):
            found = grid.program(spare, left)
            if found is not None and keeps(problem, grid.spend(found)):
                return grid.spend(found)
    return _any_steps(problem, spend, left)


def _most(problem: Problem, minor: Floats) -> int:
    """Return the total that rounding may reach: a split that leaves money on purpose keeps it.

    Where money costs, the next lot may be the better side; its cost says which one. Where all is
    to be spent nothing is left on purpose, whatever floats of billions miss.
    """
    if problem.spend_all:
        return problem.budget
    if not problem.cost.any():
        return round(float(minor.sum()))
    return int((np.ceil(minor / problem.lots - _SNAP) * problem.lots).sum())


def _refuse_impossible(problem: Problem, left: Clock) -> None:
    """Raise where arithmetic shows that there is nothing to look for, as where nothing divides."""
    from budgetopt.optimize.infeasibility.explain import explain_infeasible
    from budgetopt.optimize.infeasibility.feasibility import impossible

    if impossible(problem) and (clash := explain_infeasible(problem, left, known=True)):
        raise clash


def _any_steps(problem: Problem, near: Floats, left: Clock) -> Whole:
    """Return whole steps that keep every rule, near if it can be, or say why there are none."""
    from budgetopt.optimize.infeasibility.explain import explain_infeasible
    from budgetopt.optimize.infeasibility.feasibility import split_of

    answer = split_of(problem, near, left)
    if answer.spend is not None:
        found: Whole = answer.spend
        return found
    if answer.none:
        clash = explain_infeasible(problem, left, known=True)
        if clash is not None:
            raise clash
    if left() == 0:
        raise out_of_time()
    raise SolverError(
        "not-converged",
        say("no-whole-steps"),
        field="step",
        value=problem.money.show(problem.step),
        remedy=say("remedy-take-finer-step-leave"),
    )


def _simple(problem: Problem) -> bool:
    return problem.even and not problem.cost.any()


def rank_of(problem: Problem) -> Whole:
    """Return each channel's place in the order of the names, by which ties are settled."""
    rank = np.empty(len(problem.names), dtype=np.int64)
    rank[sorted(range(rank.size), key=problem.names.__getitem__)] = np.arange(rank.size)
    return rank


class StepGrid:
    """The few exact spends that each channel may take near its optimum.

    Column ``j`` of `table` is a spend in minor units; columns rise, and a channel that has fewer
    repeats its last. What rows use and have left is counted from column 0 on, so that a cent among
    billions is not lost. No more than `most` minor units are spent in total.
    """

    def __init__(self, problem: Problem, table: Whole, most: int) -> None:
        self.problem, self.table, self.rank = problem, table, rank_of(problem)
        units, rows, first = problem.money.units, problem.rows, table[:, 0]
        money = table / units
        value = problem.curves.value(money.T).T
        last = np.zeros_like(first) if problem.last is None else problem.last
        change = np.abs(table - last[:, None])
        self.gain = problem.weight[:, None] * value - problem.cost[:, None] * money
        parts = (
            (rows.money, table, units), (rows.moved, change, units), (rows.outcome, -value, 1),
            (rows.on, 1 * (table > 0), 1), (rows.moves, 1 * (change > 0), 1),
        )  # fmt: skip
        # What each row uses more at each spend of a channel, shape (rows, channels, columns), and
        # what it uses at column 0.
        self.use, self.base = np.zeros((rows.size, *table.shape)), np.zeros((rows.size, first.size))
        for coefficients, part, scale in parts:
            if coefficients.nnz:
                dense = coefficients.toarray()
                self.use += dense[:, :, None] * ((part - part[:, :1]) / scale)[None]
                self.base += dense * (part[:, 0] / scale)
        left = [float(row.room - row.used(first, problem.last, units)) for row in problem.all_rows]
        left[0] = min(left[0], (most - int(first.sum())) / units)
        gained = abs(rows.outcome) @ value[:, 0]
        self.room = np.array(left) + rows.outcome @ value[:, 0]
        self.slack = 1e-15 * np.abs(self.use).max(axis=(1, 2), initial=0.0) + 1e-14 * gained

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

    def program(self, spare: float, left: Clock) -> NDArray[np.intp] | None:
        """Return the columns that bring most and keep every row, by a small integer program.

        Rows spare a share of what a channel can use, since programs keep them to a millionth only.
        """
        every = np.ones(self.table.shape, dtype=bool)
        nodes = max(1, _WORK // every.size)
        found, _ = self._mixed(every, spare, left, mip_rel_gap=1e-9, mip_max_nodes=nodes)
        return None if found is None else np.argmax(found, axis=1)

    def between(self, left: Clock) -> NDArray[np.intp] | None:
        """Return lots down or up by a linear program, and those that it leaves between by `fill`.

        At a corner no more channels are between two lots than rows are full, however many there
        are, so that what rounding loses does not grow with them (Beck and Fiala 1981).
        """
        down = np.full(len(self.table), _ROOM, dtype=np.intp)
        some = np.zeros(self.table.shape, dtype=bool)
        some[:, _ROOM], some[:, _ROOM + 1] = True, self._may(down, down + 1)
        shares, _ = self._mixed(some, 0.0, left, whole=False)
        if shares is None:
            return None
        return self.fill(self.mend(down + (shares[:, _ROOM + 1] > 1.0 - _HAIR)))

    def prices(self, some: NDArray[np.bool_], left: Clock) -> Floats | None:
        """Return the prices of the rows where each channel may mix some of its columns."""
        found, prices = self._mixed(some, 0.0, left, whole=False)
        return None if found is None else prices

    def _mixed(
        self,
        some: NDArray[np.bool_],
        spare: float,
        left: Clock,
        *,
        whole: bool = True,
        **options: Any,
    ) -> tuple[Floats | None, Floats]:
        """Return the shares of the columns that together bring most, and the prices of the rows."""
        channel, channels = np.nonzero(some)[0], len(self.table)
        every = np.arange(channel.size)
        each = csr_array((np.ones(every.size), (channel, every)), shape=(channels, every.size))
        size = np.abs(self.use).max(axis=(1, 2))
        size[size == 0] = 1.0
        room = (self.room + self.slack) / size - spare
        scale, seconds = np.abs(self.gain).max() or 1.0, left()
        if seconds is not None:
            options["time_limit"] = seconds
        uses = csr_array(self.use[:, some] / size[:, None])
        answer = highs.minimise(
            -self.gain[some] / scale,
            csr_array(vstack([uses, each])),
            np.concatenate([room, np.ones(channels)]),
            np.zeros(every.size),
            np.ones(every.size),
            whole=np.full(every.size, whole),
            equal=np.arange(size.size + channels) >= size.size,
            **options,
        )
        prices = np.maximum(-answer.prices[: size.size], 0.0) * scale / size
        if answer.values is None:
            return None, prices
        shares = np.zeros(self.table.shape)
        shares[some] = answer.values
        return shares, prices

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


def menus_of(problem: Problem, near: Whole, room: int) -> tuple[Whole, Whole, Whole]:
    """Return the exact spends that each channel may take, and between which ends none is left out.

    Parameters
    ----------
    problem
        Any problem.
    near
        Minor units, shape ``(channels,)``.
    room
        Lots below and above these that are looked at, beside nothing and the last spend.

    Returns
    -------
    tuple
        Rising spends, shape ``(channels, columns)``, of which a channel that has fewer repeats its
        last; and both ends of the lots in minor units, shape ``(channels,)``.
    """
    menus, ends = [], []
    stays = (problem.lots > problem.step) | problem.rows.counts
    for at, (low, high) in enumerate(zip(*_ends(problem), strict=True)):
        lot, least = int(problem.lots[at]), int(problem.least_on[at])
        middle = round(int(near[at]) / lot)
        least_lot, most_lot = -(-max(low, least) // lot), high // lot
        first, last = max(middle - room, least_lot), min(middle + room, most_lot)
        ends.append((lot * first, lot * last))
        menu = {lot * n for n in range(first, last + 1)} | ({low} if low in (0, high) else set())
        if problem.last is not None and stays[at]:
            before = int(problem.last[at])
            menu |= {before} if max(low, least * (before > 0)) <= before <= high else set()
        menus.append(sorted(menu) or [low])
    longest = max(len(menu) for menu in menus)
    table = [menu + menu[-1:] * (longest - len(menu)) for menu in menus]
    lowest, highest = np.array(ends, dtype=np.int64).T
    return np.array(table, dtype=np.int64), lowest, highest


def _ends(problem: Problem) -> tuple[list[int], list[int]]:
    return problem.bounds.lower.tolist(), problem.bounds.upper.tolist()


NEAR = 1e-6
"""Share of the bound by which a split may miss it and still count as the best."""
_NOISE = 1e-13
"""Share of an objective that is floating-point noise."""
_HAIR = 1e-6
"""Steps by which floats may miss a whole step."""
_MISSED = 1e-9
"""Share of its outcomes by which the exact check lets a row of outcomes, which are floats, miss."""
_SAME = 1e-11
"""Share of a row's greatest use by which two uses are taken for the same."""
_ENTRIES, _FURTHEST = 200_000, 400
"""Steps around the start that a search looks at: of all channels in all rows, and of each one."""
_PAIRS = 2_000_000
"""Partial splits that a search extends in all; it keeps the most promising ones."""
_FEWEST, _MOST = 2_000, 200_000
"""Partial splits that it extends at one channel, at least and at most."""
_TRIED = 1000
"""Complete splits that are held against the exact rules, the best first."""


class Steps(NamedTuple):
    """A split in minor units on whole steps, a bound on all such splits, and whether time ran out.

    As in `Solved`, time that ran out behind the best split says nothing.
    """

    spend: Whole
    bound: float
    timed_out: bool = False


def best_in_steps(problem: Problem, solved: Solved, left: Clock = UNLIMITED) -> Steps:
    """Return the best split on whole steps, with a bound on every such split.

    Parameters
    ----------
    problem
        Any problem.
    solved
        Its continuous optimum; prices and bound are where the search starts.
    left
        The caller's time; where it is over, the search ends, and the answer says so.

    Returns
    -------
    Steps
        Within a millionth of its bound, unless the search was too wide; the gap is honest then.

    Raises
    ------
    InfeasibleError, SolverError
        As `rounded` does.

    Notes
    -----
    At prices of the rows a spend that falls short of its channel's best by more than bound less
    objective is in no better split, so that only the steps around each channel's best are searched
    (Lagrangian reduction; Kellerer, Pferschy and Pisinger 2004, section 3.2).
    """
    spend = rounded(problem, solved.spend, left)
    worth = problem.objective(spend / problem.money.units)
    near = NEAR * abs(solved.bound)
    if not problem.even and solved.bound - worth > near and left() != 0:
        spend = _between(problem, solved.spend, spend, left)
        worth = problem.objective(spend / problem.money.units)
    if solved.bound - worth <= near:
        return Steps(spend, _above_rounding(problem, solved.bound, worth))
    if problem.even and problem.curves.concave:
        return _exchanged(problem, spend)
    return _Search(problem, solved, spend, left).run()


def _between(problem: Problem, spend: Floats, found: Whole, left: Clock) -> Whole:
    """Return the better of a split found and the one that a linear program of lots leads to."""
    minor = spend * problem.money.units
    grid = StepGrid(problem, _table(problem, minor), _most(problem, minor))
    chosen = grid.between(left)
    if chosen is None or not keeps(problem, grid.spend(chosen)):
        return found
    other = grid.spend(chosen)
    return max(found, other, key=lambda each: problem.objective(each / problem.money.units))


def _above_rounding(problem: Problem, bound: float, worth: float) -> float:
    """Return a bound that rounding left below the worth of a split, raised to it.

    Rounding is a share of what the channels can bring at most, which beside a best of nothing is
    much. What is below by more is no rounding, and stays for a check to see.
    """
    if bound >= worth:
        return bound
    most = problem.weight @ problem.curves.value(problem.upper) + problem.cost @ problem.upper
    return worth if worth - bound <= _NOISE * float(most) else bound


_ALIKE = 100
"""Smallest lots in the largest one, up to which menus around the optimum reach far enough."""


def suits_lots(problem: Problem) -> bool:
    """Return whether `on_lots` is made for a problem: concave curves in lots of like size."""
    free = problem.bounds.lower < problem.bounds.upper
    if problem.rows.counts or problem.least_on.any() or not problem.curves.concave:
        return False
    lots = problem.lots[free]
    return bool(np.any(lots > problem.step)) and int(lots.max()) <= _ALIKE * int(lots.min())


def on_lots(problem: Problem, relaxed: Solved, left: Clock = UNLIMITED) -> Solved:
    """Return the best split in lots of different sizes, of concave curves under rows.

    The optimum without lots is rounded as far as a greedy repair keeps the rows, and its prices are
    where `_Search` starts. Where that leaves a gap, the integer engine looks as well, and the
    better split and the lower bound of the two are the answer.

    Parameters
    ----------
    problem
        A problem that `suits_lots`.
    relaxed
        Its optimum without lots.
    left
        The caller's time.

    Raises
    ------
    InfeasibleError, SolverError
        Those of the integer engine, where the repair finds no split.

    Notes
    -----
    Lagrangian bound and reduction: Fisher (1981), "The Lagrangian relaxation method for solving
    integer programming problems"; Kellerer, Pferschy and Pisinger (2004), section 3.2.
    """
    from budgetopt.optimize.programs.integer import integer

    minor, units = relaxed.spend * problem.money.units, problem.money.units
    grid = StepGrid(problem, _table(problem, minor), problem.budget)
    start = grid.spend(grid.fill(grid.mend(np.full(minor.size, _ROOM, dtype=np.intp))))
    if not keeps(problem, start):
        return integer(problem, time_limit=left())
    found = _Search(problem, relaxed, start, left).run()
    solved = Solved(found.spend / units, relaxed.prices, found.bound, "lots")
    worth = problem.objective(solved.spend)
    if found.bound - worth <= NEAR * abs(found.bound) or left() == 0:
        return solved
    try:
        other = integer(problem, time_limit=left())
    except SolverError:
        return solved
    better = other if problem.objective(other.spend) > worth else solved
    return better._replace(bound=min(other.bound, solved.bound))


def exchanged(problem: Problem, spend: Floats) -> Floats:
    """Return the best split on whole steps near an optimum of which no bound is known.

    Where more than a budget and bounds is to be kept, or curves bend upwards, it stays as it is.
    """
    if not (problem.even and problem.curves.concave):
        return spend
    found: Floats = _exchanged(problem, rounded(problem, spend)).spend / problem.money.units
    return found


def _exchanged(problem: Problem, start: Whole) -> Steps:
    """Return the best split of concave curves under a budget and bounds."""
    fixed = problem.bounds.lower == problem.bounds.upper
    lot = problem.common_lot
    low = np.where(fixed, problem.bounds.lower, -(-problem.bounds.lower // lot) * lot)
    high = np.where(fixed, problem.bounds.upper, problem.bounds.upper // lot * lot)

    def worth(minor: Whole) -> Floats:
        money = minor / problem.money.units
        each: Floats = problem.weight * problem.curves.value(money) - problem.cost * money
        return each

    most = np.asarray(problem.target)
    spend = exchange(worth, start, low, high, lot, most, rank_of(problem), all_=problem.spend_all)
    return Steps(spend, float(worth(spend).sum()))


def exchange(
    worth: Callable[[Whole], Floats],
    spend: Whole,
    low: Whole,
    high: Whole,
    step: int,
    most: Whole,
    rank: Whole,
    *,
    all_: bool = False,
) -> Whole:
    r"""Move single steps from where they bring least to where they bring most, until none helps.

    Parameters
    ----------
    worth
        Returns what each channel's minor units are worth, concave in them.
    spend
        Minor units to start from, within the bounds, shape ``(..., channels)``.
    low, high
        Bounds that whole steps reach, of the same shape or ``(channels,)``.
    step
        Minor units in one step.
    most
        Minor units in total, shape ``(...)``.
    rank
        Order among equals, shape ``(channels,)``.
    all_
        Whether the total is to stay what it is; else steps may be left, or taken from what is left.

    Notes
    -----
    For concave worths under one total, a split that no exchange of one step improves is the best of
    all (Gross 1956; Fox 1966; Ibaraki and Katoh 1988, chapter 4). Money that is left is one more
    channel, in which steps are worth nothing. The best rises are paired with the least falls, and
    all pairs that gain are taken at once: a channel cannot be in both, as its own fall is no less
    than its rise.
    """
    spend, idle, count = spend.copy(), np.zeros(spend.shape), np.arange(spend.shape[-1])
    order = np.broadcast_to(
        np.concatenate([rank, rank.size + count]), (*spend.shape[:-1], 2 * rank.size)
    )
    while True:
        here = worth(spend)
        rise = np.where(spend + step <= high, worth(np.minimum(spend + step, high)) - here, -np.inf)
        fall = np.where(spend - step >= low, here - worth(np.maximum(spend - step, low)), np.inf)
        left = (most - spend.sum(axis=-1))[..., None] // step
        kept = np.where(count < left, 0.0, np.inf)
        idle_rise, idle_fall = (idle - np.inf, idle + np.inf) if all_ else (idle, kept)
        rises = np.concatenate([rise, idle_rise], axis=-1)
        falls = np.concatenate([fall, idle_fall], axis=-1)
        up = np.lexsort((order, -_digits(rises)), axis=-1)
        down = np.lexsort((order, _digits(falls)), axis=-1)
        gain = np.take_along_axis(rises, up, -1) - np.take_along_axis(falls, down, -1)
        helps = gain > _NOISE * np.abs(here).max(axis=-1, keepdims=True)
        if not helps.any():
            return spend
        moved = np.zeros(rises.shape, dtype=np.int64)
        np.put_along_axis(moved, up, helps * step, -1)
        less = np.zeros_like(moved)
        np.put_along_axis(less, down, helps * step, -1)
        spend += (moved - less)[..., : spend.shape[-1]]


def runs_on_steps(
    spend: Floats,
    limits: tuple[Floats, Floats, Floats],
    step: int,
    units: int,
    rank: Whole,
    curves: Curve | None = None,
) -> Floats:
    """Return the splits of many runs on whole steps: the nearest, or the best near an optimum.

    Parameters
    ----------
    spend
        Money, shape ``(runs, channels)``.
    limits
        Least and most money of the same shape, and the budgets, shape ``(runs,)``.
    step, units
        Minor units in one step, and in one unit of money.
    rank
        Order among equal channels.
    curves
        What the splits are the best for; None, or curves that are not concave, where the nearest
        steps are wanted.

    Returns
    -------
    ndarray
        Money. A channel without a step between its bounds, and a run whose least steps are above
        its budget, stay as they are.
    """
    lower, upper, budget = limits
    wish = spend * units
    low = np.ceil(lower * units / step - _HAIR).astype(np.int64) * step
    high = (
        np.floor(np.minimum(upper, budget[:, None]) * units / step + _HAIR).astype(np.int64) * step
    )
    odd = low > high
    low, high = (np.where(odd, np.rint(wish).astype(np.int64), end) for end in (low, high))
    most = np.floor(np.minimum(budget, spend.sum(axis=-1)) * units + step * _HAIR).astype(np.int64)
    start = np.clip(np.floor(wish / step + _HAIR).astype(np.int64) * step, low, high)

    def near(minor: Whole) -> Floats:
        # Concave, and steep enough that all of the money is given out.
        more = 4.0 * minor.shape[-1] * minor / step
        worth: Floats = more - np.square((minor - wish) / step)
        return worth

    found = exchange(near, start, low, high, step, most, rank)
    if curves is not None and curves.concave:
        most = np.floor(budget * units + step * _HAIR).astype(np.int64)
        found = exchange(lambda m: curves.value(m / units), found, low, high, step, most, rank)
    fits = found.sum(axis=-1) <= budget * units + step * _HAIR
    stepped: Floats = np.where(fits[:, None] & ~odd, found / units, spend)
    return stepped


def _digits(values: Floats) -> Floats:
    """Return numbers in twelve digits, so that noise does not order equals."""
    part, power = np.frexp(values)
    digits: Floats = np.ldexp(np.round(part * 2.0**40), power - 40)
    return digits


class _Layers:
    """Partial splits over more and more channels: what they use and lose, and where from.

    Parameters
    ----------
    room, prices, size
        Room, price and greatest use of each row.
    limit
        What a split may lose at most.
    """

    def __init__(self, room: Floats, prices: Floats, size: Floats, limit: float) -> None:
        self.room, self.prices, self.limit = room, prices, limit
        self.quantum, self.aside = _SAME * size, np.inf
        self.use, self.loss = np.zeros((1, room.size)), np.zeros(1)
        self.steps: list[tuple[Places, Places]] = []

    def extend(
        self, use: Floats, loss: Floats, columns: Places, least: Floats, most: Floats, pairs: int
    ) -> None:
        """Add a channel.

        Parameters
        ----------
        use, loss, columns
            What its spends use of the rows and lose, and where they stand in its menu.
        least, most
            What the channels that are still to come use of the rows.
        pairs
            Partial splits that are looked at, at most; those that lose most are set aside.
        """
        states, many = np.arange(self.loss.size), max(1, pairs // loss.size)
        if states.size > many:
            states = np.argsort(self.loss, kind="stable")
            self.aside = min(self.aside, float(self.loss[states[many]]))
            states = np.sort(states[:many])
        used = self.use[states][:, None, :] + use[None]
        lost = self.loss[states][:, None] + loss
        unused = np.maximum(self.room - used - most, 0.0)
        good = np.all(used + least <= self.room, axis=2)
        good &= lost + unused @ self.prices <= self.limit
        state, column = np.nonzero(good)
        used, lost = used[good], lost[good]
        key = np.round(used / self.quantum).astype(np.int64)
        by = np.lexsort((lost, *key.T))
        again = np.zeros(by.size, dtype=bool)
        again[1:] = np.all(key[by[1:]] == key[by[:-1]], axis=1)
        by = np.sort(by[~again])
        self.use, self.loss = used[by], lost[by]
        self.steps.append((states[state[by]], columns[column[by]]))

    def complete(self, count: int) -> tuple[Places, float]:
        """Return the best complete splits, one a row, and the least that any split loses."""
        total = self.loss + (self.room - self.use) @ self.prices
        best = np.argsort(total, kind="stable")
        lost = min(self.aside, float(total.min(initial=np.inf)))
        place, found = best[:count], []
        for parent, column in reversed(self.steps):
            found.append(column[place])
            place = parent[place]
        return np.stack(found[::-1], axis=1), lost


class _Search:
    r"""Dynamic programming over the channels, on what partial splits use of the rows.

    At prices :math:`\pi` of the rows every spend of a channel loses something against the channel's
    best reply; a whole split loses the sum, and its room that is left at the prices. What loses
    more than the best split known cannot be better, which leaves few spends of each channel
    (Nemhauser and Wolsey 1988, section II.5.2), and of partial splits that use the same of every
    row only one that loses least is kept (Bellman 1957). What is set aside because there is too
    much of it lowers the bound by no more than what it loses.
    """

    def __init__(
        self, problem: Problem, solved: Solved, start: Whole, left: Clock = UNLIMITED
    ) -> None:
        self.problem, self.bound, self.left = problem, solved.bound, left
        self.spend, self.worth = start, problem.objective(start / problem.money.units)
        size = max(1, len(problem.names) * problem.rows.size)
        near = np.rint(solved.spend * problem.money.units).astype(np.int64)
        table, *self.ends = menus_of(problem, near, min(max(_ENTRIES // size, 8), _FURTHEST))
        self.grid = StepGrid(problem, table, problem.budget)
        # Where a menu repeats its last spend, the first one stands for all.
        self._first = np.diff(table, axis=1, prepend=-1) != 0
        gained = np.abs(self.grid.use).max(axis=2).sum(axis=1)
        gained = np.where(abs(problem.rows.outcome).sum(axis=1) > 0, gained, 0.0)
        # As much as the exact check lets pass, so that nothing is lost that it would take.
        self.room = self.grid.room + self.grid.slack * start.size + _MISSED * gained
        self._price(np.where(np.isfinite(solved.prices), solved.prices, 0.0))

    def run(self) -> Steps:
        """Return the best split and the bound."""
        for pairs in (_PAIRS // 8, _PAIRS):
            self._extend(pairs)
            if self._closed() or self.left() == 0:
                break
            self._sharpen()
        return Steps(self.spend, self.bound, not self._closed() and self.left() == 0)

    def _closed(self) -> bool:
        return self.bound - self.worth <= NEAR * abs(self.bound)

    def _kept(self) -> NDArray[np.bool_]:
        """Return which spends do not lose too much to be part of a better split."""
        kept: NDArray[np.bool_] = self._first & (self.loss <= self.base - self.worth)
        return kept

    def _price(self, prices: Floats) -> None:
        """Work out what spends lose at prices of the rows."""
        self.prices = prices
        worth = self.grid.gain - np.tensordot(prices, self.grid.use, axes=1)
        beyond = self._beyond()
        # The best reply may lie outside the menu; what loses least outside is set aside from here.
        best = np.maximum(worth.max(axis=1), beyond)
        self.loss = best[:, None] - worth
        self.base = float(best.sum() + prices @ self.room)
        self.outside = float((best - beyond).min())

    def _sharpen(self) -> None:
        """Take the prices at which the menus as they are, in mixes, promise least."""
        prices = self.grid.prices(self._kept(), self.left)
        if prices is not None:
            self._price(prices)

    def _beyond(self) -> Floats:
        """Return what no spend outside a channel's menu is worth more than, at the prices."""
        problem, bounds, lot = self.problem, self.problem.bounds, self.problem.lots
        units, most = problem.money.units, np.full(lot.size, -np.inf)
        lowest, highest = self.ends
        least = -(-np.maximum(bounds.lower, problem.least_on) // lot) * lot
        for low, high in ((least, lowest - lot), (highest + lot, bounds.upper)):
            there = low <= high
            if there.any():
                worth = best_worth(problem, self.prices, low / units, np.maximum(low, high) / units)
                most = np.where(there, np.maximum(most, worth), most)
        # As in the menus, rows are counted from column 0 on.
        return most + self.prices @ self.grid.base

    def _extend(self, pairs: int) -> None:
        """Look for a better split among so many, and lower the bound."""
        units = self.problem.money.units
        noise = _NOISE * max(abs(self.base), abs(self.worth))
        limit = self.base - self.worth - noise
        found, least = self._extended(limit, pairs)
        for columns in found:
            split = self.grid.spend(columns)
            if keeps(self.problem, split):
                self.spend, self.worth = split, self.problem.objective(split / units)
                break
        bound = min(self.bound, self.base - min(limit, least, self.outside))
        self.bound = bound if bound > self.worth + 2 * noise else self.worth

    def _extended(self, limit: float, pairs: int) -> tuple[list[Places], float]:
        """Return the complete splits that may be better, the best first, and what they lose.

        The second is the least that any of them loses, or that was set aside for want of room.
        """
        grid = self.grid
        kept = [np.flatnonzero(row) for row in self._kept()]
        if not all(columns.size for columns in kept):
            return [], np.inf
        order = sorted(range(len(kept)), key=lambda at: kept[at].size)
        ends = [(grid.use[:, at, kept[at]].min(axis=1), grid.use[:, at, kept[at]].max(axis=1))
                for at in order]  # fmt: skip
        least, most = np.array(ends).transpose(1, 0, 2)
        room = self.room
        # Rows that nothing left can fill, and that cost nothing, need no look.
        live = (most.sum(axis=0) > room) | (self.prices > 0)
        least, most, room, prices = least[:, live], most[:, live], room[live], self.prices[live]
        size = np.maximum(np.abs(least), np.abs(most)).sum(axis=0)
        layers = _Layers(room, prices, np.where(size > 0, size, 1.0), limit)
        each = int(np.clip(pairs // len(kept), _FEWEST, _MOST))
        for n, at in enumerate(order):
            if self.left() == 0:
                return [], -np.inf
            ahead = least[n + 1 :].sum(axis=0), most[n + 1 :].sum(axis=0)
            use = grid.use[live, at][:, kept[at]].T
            layers.extend(use, self.loss[at, kept[at]], kept[at], *ahead, each)
        columns, lost = layers.complete(_TRIED)
        found = np.empty_like(columns)
        found[:, order] = columns
        return list(found), lost
