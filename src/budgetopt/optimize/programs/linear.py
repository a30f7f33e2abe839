"""Concave curves with any linear rows, by linear programs on grids that close in.

- `Menu`, `worth_and_uses`: points that channels may choose, what each is worth, and what it uses of
  every row.
- `climb` solves a linear program over such points, prices the rows, and puts new points where the
  true curves are best at those prices (Dantzig and Wolfe 1960).
- `linear` is the engine: it climbs from a rough grid and refines until the bound closes.

The grid underestimates concave curves, so spends are feasible and the bound, which comes from the
true curves, is right at every round. S-curves are refused: a mix of two points is no spend of
theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from budgetopt.arrays import Floats
from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.i18n import listed, quoted, say
from budgetopt.optimize.problem import Clock, Problem, Rows, Solved, clock, out_of_time
from budgetopt.optimize.programs.lp import Program, Status, largest_entries, solve
from budgetopt.optimize.waterfill import Field, Priced, field_of, priced, waterfill


class Menu(NamedTuple):
    """Points, any number of them for a channel.

    Parameters
    ----------
    channel
        Position of the channel, shape ``(points,)``.
    spend
        Money, shape ``(points,)``.
    on, moves
        1 where the point counts as on, and as a move, shape ``(points,)``.
    """

    channel: NDArray[np.intp]
    spend: Floats
    on: Floats
    moves: Floats


def worth_and_uses(field: Field, rows: Rows, menu: Menu) -> tuple[Floats, csc_array]:
    r"""Return the objective of each point, and its part in every row, ``(rows, points)``.

    A point at spend x of channel i is worth :math:`w_i f_i(x) - b_i x` and uses
    :math:`A_i x + M_i |x - l_i| - P_i f_i(x) + O_i [on] + C_i [moves]` of the rows.
    """
    at, spend = menu.channel, menu.spend
    value = value_at(field, at, spend)
    worth = field.weight[at] * value - field.cost[at] * spend
    uses = csc_array((rows.size, at.size))
    for table, amount in (
        (rows.money, spend),
        (rows.moved, np.abs(spend - field.last[at])),
        (rows.outcome, -value),
        (rows.on, menu.on),
        (rows.moves, menu.moves),
    ):
        if table.nnz:
            part = csc_array(table)[:, at]
            part.data = part.data * np.repeat(amount, np.diff(part.indptr))
            uses = uses + part
    return worth, csc_array(uses)


def value_at(field: Field, channel: NDArray[np.intp], spend: Floats) -> Floats:
    """Return the outcome of single channels at single spends, shape of `spend`."""
    size = field.lower.size
    if spend.size == 0:
        return spend
    # Points of one channel lie in one column, so that the curves are read as a whole.
    order = np.argsort(channel, kind="stable")
    counts = np.bincount(channel, minlength=size)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    row = np.arange(spend.size) - np.repeat(first, counts)
    table = np.zeros((int(counts.max()), size))
    table[row, channel[order]] = spend[order]
    value = np.empty(spend.size)
    value[order] = field.curves.value(table)[row, channel[order]]
    return value


_CLOSED = 1e-9
"""Gap, as a share of the bound, at which no closer grid is tried."""
_MANY, _CLOSED_MANY = 200, 1e-7
"""With more channels than this a program takes a third of a second, and a wider gap is enough."""
_ROUNDS = 30
"""Linear programs at most; a smooth problem needs four to six."""
_MET = 1e-9
"""Share of a row's largest entry that rows may be missed by before they count as a clash."""
_PRICES = 2.0 ** np.arange(-4.0, 5.0)
"""Multiples of the budget's price at which the first grid has the channels' spends."""
_PARTS = 2.0 ** -np.arange(1.0, 6.0)
"""Parts of the way between the bounds that the first grid has besides."""
_AROUND = np.array([-4.0, -1.5, -0.6, -0.2, 0.2, 0.6, 1.5, 4.0])
"""Points of the next grid around the last spend, in distances to the spend at the new prices."""
_REFINED, _REACH, _EXACT = 3, 1e3, 1e-15
"""Programs at most to keep rows to the last digits; how far they reach, in misses; and the share of
what channels can use of a row that is a last digit."""
_SHRINK = 3.0
"""What a grid's spacing shrinks by at most, lest a channel be taken for settled too soon."""


def linear(problem: Problem, *, time_limit: float | None = None) -> Solved:
    r"""Maximise concave curves under linear rows, by linear programs.

    Every curve is replaced by the broken line through its values on a grid, which lies below it,
    so that each answer keeps the rows of the true curves too. The prices of its rows give a bound
    (`lagrangian.priced`) and, for each channel, the spend it would choose at them; the next grid
    has that spend and points around it, and the last answer, so that nothing is lost. Where the
    rows cannot be kept on the first grid their violation is minimised in the same way before.

    Parameters
    ----------
    problem
        Concave curves; rows without counts; no lots and no minimums.
    time_limit
        Seconds, or None.

    Raises
    ------
    SolverError
        ``wrong-method`` for what only `integer` can keep; ``time-limit`` where no split was found
        in time; ``not-converged`` where the solver fails.
    InfeasibleError
        ``limits-clash``, with the names of rows that clash.

    Notes
    -----
    Columns priced by the curves: Dantzig and Wolfe (1960), "Decomposition principle for linear
    programs"; Dantzig (1963), section 24-1. The gap falls with the square of the distance between
    grid points, and for straight pieces (`Points`) it closes at the knots.
    """
    if problem.rows.counts or problem.least_on.any() or not problem.curves.concave:
        raise SolverError(
            "wrong-method",
            say("linear-program-keeps"),
            field="method",
            value="linear",
            remedy=say("remedy-take-method-integer"),
        )
    field, rows = field_of(problem), problem.rows
    end = climb(field, rows, first_grid(field, rows), clock(time_limit))
    return Solved(end.spend, end.prices, end.bound, "linear")


class LinearSolution(NamedTuple):
    """The best split of a climb, with the best prices' bound."""

    spend: Floats
    prices: Floats
    bound: float
    worth: float


def climb(
    field: Field, rows: Rows, grid: Floats, left: Clock, *, rounds: int = _ROUNDS
) -> LinearSolution:
    r"""Solve linear programs on grids that close in on the best split.

    With points :math:`x_{ij}` of channel i, shares :math:`s_{ij} \ge 0` that sum to one in every
    channel, their worth :math:`v_{ij}` and their uses :math:`u_{ij}` of the rows,

    .. math::
        \max_s \sum_{ij} v_{ij} s_{ij} \quad \text{with} \quad \sum_{ij} u_{ij} s_{ij} \le room.

    The prices of the rows bound the true problem from above, by `certificate.priced`, and say
    where the next points go.

    Parameters
    ----------
    field
        Channels with concave curves; their `least_on` is not read.
    rows
        Rows, of which counts are not read.
    grid
        Money to start with, rising, from each channel's lower to its upper bound, shape
        ``(channels, points)``.
    left
        Seconds left, or None.
    rounds
        Linear programs at most.

    Raises
    ------
    InfeasibleError, SolverError
        As in `linear`.

    References
    ----------
    Dantzig and Wolfe (1960), "Decomposition principle for linear programs".
    """
    best: LinearSolution | None = None
    closed = _CLOSED if field.lower.size <= _MANY else _CLOSED_MANY
    bound, prices, slack = np.inf, np.zeros(rows.size), np.zeros(rows.size)
    for turn in range(rounds):
        solved = _on_grid(field, rows, grid, left, slack)
        if solved.status is Status.TIME_LIMIT:
            break
        if solved.status is Status.INFEASIBLE:
            if turn > 0:
                break
            grid, slack = _approach(field, rows, grid, left)
            solved = _on_grid(field, rows, grid, left, slack)
        if not solved.spend.size:
            break
        answer = priced(field, rows, solved.prices)
        if answer.bound < bound:
            bound, prices = answer.bound, solved.prices
        worth = worth_of(field, solved.spend)
        if best is None or worth >= best.worth:
            best = LinearSolution(solved.spend, prices, bound, worth)
        if bound - best.worth <= closed * abs(bound):
            break
        grid = _closer(field, grid, best.spend, answer.spend)
    if best is None:
        raise out_of_time() if solved.status is Status.TIME_LIMIT else _failed(solved.status)
    return _refined(field, rows, best, left)._replace(prices=prices, bound=bound)


def _refined(field: Field, rows: Rows, best: LinearSolution, left: Clock) -> LinearSolution:
    """Return a split with its rows kept to the last digits.

    A program keeps a row to a share of its largest entry, which is what all the room of a channel
    uses of it; a small group beside a large budget is then missed by much of itself. In a program
    on a neighbourhood of the split a thousand times as wide as the miss, that share is nothing.

    Notes
    -----
    Source: Gleixner, Steffy and Wolter (2016), "Iterative refinement for linear programming".
    """
    room = field.upper - field.lower
    gain = field.curves.value(field.upper) - field.curves.value(field.lower)
    size = (abs(rows.money) + rows.moved) @ room + rows.outcome @ gain
    for _ in range(_REFINED):
        miss = _missed(field, rows, size, best.spend)
        if miss <= _EXACT:
            break
        reach = _REACH * miss * room
        lower = np.maximum(best.spend - reach, field.lower)
        upper = np.minimum(best.spend + reach, field.upper)
        near = field._replace(lower=lower, upper=upper)
        grid = _grid(near, best.spend, best.spend + _AROUND[:, None] * reach / _AROUND[-1])
        solved = _on_grid(near, rows, grid, left, np.zeros(rows.size))
        if not solved.spend.size or _missed(field, rows, size, solved.spend) >= miss:
            break
        best = best._replace(spend=solved.spend, worth=worth_of(field, solved.spend))
    return best


def _missed(field: Field, rows: Rows, size: Floats, spend: Floats) -> float:
    """Return by how much rows are missed at most, as a share of what all channels can use."""
    over = rows.used(spend, field.curves.value(spend), field.last) - rows.room
    return float(np.max(over / np.where(size > 0, size, np.inf), initial=0.0))


def worth_of(field: Field, spend: Floats) -> float:
    """Return the objective at spends."""
    return float(field.weight @ field.curves.value(spend) - field.cost @ spend)


def first_grid(field: Field, rows: Rows) -> Floats:
    """Return spends at the budget's price and its multiples, and some between the bounds."""
    low, high = field.lower, field.upper
    weight = field.weight + rows.outcome.sum(axis=0)
    plain = waterfill(field.curves, low, high, max(float(rows.room[0]), float(low.sum())))
    with np.errstate(divide="ignore", invalid="ignore"):
        price = _PRICES[:, None] * (field.cost + float(plain.price)) / weight
    price = np.where(np.isfinite(price), price, 0.0)
    spends = field.curves.spend_at_slope(price)
    parts = low + _PARTS[:, None] * (high - low)
    return _grid(field, plain.spend, spends, parts)


def grid_around(field: Field, spend: Floats) -> Floats:
    """Return a grid whose points lie the denser the nearer they are to a split."""
    reach = np.array([1.0, 0.5, 0.25, 0.1, 0.03, 0.01])[:, None]
    down = spend - reach * (spend - field.lower)
    return _grid(field, spend, down, spend + reach * (field.upper - spend))


def _closer(field: Field, grid: Floats, spend: Floats, wished: Floats) -> Floats:
    """Return a grid around a split, as wide as the spends at its prices lie off."""
    every = np.arange(spend.size)
    last = grid.shape[1] - 1
    above = np.sum(grid <= spend[:, None], axis=1).clip(1, last)
    below = np.sum(grid < spend[:, None], axis=1).clip(1, last) - 1
    cell = np.maximum(grid[every, above] - spend, spend - grid[every, below])
    reach = np.maximum(np.minimum(np.abs(wished - spend), cell), cell / _SHRINK)
    return _grid(field, spend, wished, spend + _AROUND[:, None] * reach)


def _grid(field: Field, *spends: Floats) -> Floats:
    """Return spends by channel in rising order, drawn into the bounds, with these and the last."""
    points = np.vstack([field.lower, field.upper, field.last, *(np.atleast_2d(s) for s in spends)])
    grid: Floats = np.sort(np.clip(points, field.lower, field.upper), axis=0).T
    return grid


class _Grid(NamedTuple):
    """What a linear program on a grid says."""

    status: Status
    spend: Floats
    prices: Floats
    missed: Floats


def _on_grid(
    field: Field, rows: Rows, grid: Floats, left: Clock, slack: Floats, *, elastic: bool = False
) -> _Grid:
    """Solve on a grid; with `elastic` minimise by how much rows are missed, in largest entries.

    A channel is a run of increments from one grid point to the next, each taken in part. Since
    they bring less and less, and use no less, those that come first are taken first.
    """
    size, points = grid.shape
    channel = np.repeat(np.arange(size), points)
    none = np.zeros(channel.size)
    worth, uses = worth_and_uses(field, rows, Menu(channel, grid.ravel(), none, none))
    start = np.arange(size) * points
    room = rows.room + slack - uses[:, start].sum(axis=1)
    width = np.diff(grid, axis=1)
    owner, step = np.nonzero(width > 0)
    before = owner * points + step
    table = (uses[:, before + 1] - uses[:, before]).tocsr()
    gain = worth[before + 1] - worth[before]
    upper, scale = np.ones(before.size), np.ones(rows.size)
    if elastic:
        from scipy.sparse import diags_array, hstack

        entries = largest_entries(table)
        scale = np.where(entries > 0, entries, np.maximum(1.0, np.abs(room)))
        table = hstack([table, -diags_array(scale)], format="csr")
        gain = np.concatenate([np.zeros(before.size), -np.ones(rows.size)])
        upper = np.concatenate([upper, np.full(rows.size, np.inf)])
    answer = solve(Program(gain, np.zeros(gain.size), upper, table, room), time_limit=left())
    if not answer.found:
        return _Grid(answer.status, answer.values, answer.prices, answer.values)
    taken = np.bincount(owner, answer.values[: before.size] * width[owner, step], minlength=size)
    spend = np.clip(grid[:, 0] + taken, field.lower, field.upper)
    missed = answer.values[before.size :] * scale if elastic else np.zeros(rows.size)
    return _Grid(answer.status, spend, answer.prices, missed)


def _approach(field: Field, rows: Rows, grid: Floats, left: Clock) -> tuple[Floats, Floats]:
    """Return a grid on which the rows can be kept, and the room that rounding takes.

    Raises
    ------
    InfeasibleError
        ``limits-clash`` with the rows whose prices prove that they cannot.
    """
    nothing = field._replace(weight=np.zeros_like(field.weight), cost=np.zeros_like(field.cost))
    none = np.zeros(rows.size)
    for _ in range(_ROUNDS):
        solved = _on_grid(field, rows, grid, left, none, elastic=True)
        if not solved.spend.size:
            raise out_of_time() if solved.status is Status.TIME_LIMIT else _failed(solved.status)
        used = rows.used(solved.spend, field.curves.value(solved.spend), field.last)
        size = np.maximum(np.abs(rows.room), np.abs(used))
        if np.all(solved.missed <= _MET * size):
            # Twice what was missed, since the solver stops at any point within its tolerance.
            return _closer(field, grid, solved.spend, solved.spend), 2.0 * solved.missed
        proof: Priced = priced(nothing, rows, solved.prices)
        if proof.bound < 0 and np.all(solved.missed[solved.prices > 0] >= 0):
            raise clash(rows, solved.prices)
        grid = _closer(field, grid, solved.spend, proof.spend)
    raise clash(rows, solved.prices)


def clash(rows: Rows, prices: Floats) -> InfeasibleError:
    """Return the error that names the rows which prices prove to contradict each other."""
    named = list(dict.fromkeys(n for n, p in zip(rows.names, prices, strict=True) if p > 0))
    text = listed(map(quoted, named)) if named else say("the-limits")
    return InfeasibleError(
        "limits-clash",
        say("limits-with-bounds", limits=text),
        field="limits",
        value=", ".join(named),
        remedy=say("remedy-relax-one"),
    )


def _failed(status: Status) -> SolverError:
    return SolverError(
        "not-converged",
        say("linear-program-ended", value=status.value),
        field="method",
        remedy=say("remedy-another-method"),
    )
