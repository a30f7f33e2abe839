"""Linear and integer programs through PuLP, the one place that imports it.

A `Program` is plain arrays; `solve` hands it to HiGHS by PuLP 3 or 4, in memory and without a file,
and gives back a `ProgramResult` that has been checked against the rows. PuLP's own words differ
between the two (signs of prices, "optimal" after a time limit), so none of them is used: the model
is always stated as a minimisation, whose signs agree, and the solver itself is asked how it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.arrays import Floats
from budgetopt.optimize import highs

_EXACT = 1e-9
"""Feasibility asked of the solver, whose rows have largest entry 1. It takes 1e-10 as well, but
then its presolve was seen to call feasible programs infeasible."""
_KEPT = 1e-7
"""Share of a row's largest entry that a split may break it by and still count as within."""
_WHOLE = 1e-6
"""How far a whole column may be from a whole number; it is then put there."""


class Status(Enum):
    """How a solve ended.

    Only the first two come with values; TIME_LIMIT has them where any were found.
    """

    OPTIMAL = "optimal"
    TIME_LIMIT = "time limit"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    ERROR = "error"


_STATUS = {
    "kOptimal": Status.OPTIMAL,
    "kInfeasible": Status.INFEASIBLE,
    "kUnbounded": Status.UNBOUNDED,
    "kTimeLimit": Status.TIME_LIMIT,
    "kObjectiveBound": Status.TIME_LIMIT,
    "kObjectiveTarget": Status.TIME_LIMIT,
    "kIterationLimit": Status.TIME_LIMIT,
    "kSolutionLimit": Status.TIME_LIMIT,
    "kInterrupt": Status.TIME_LIMIT,
}
_UNSURE = ("kUnboundedOrInfeasible", "kInfeasible", "kUnknown")
"""Words of a presolve that are not believed until the solver says so without it."""


@dataclass(frozen=True, eq=False)
class Program:
    r"""Maximise :math:`c^T x` over :math:`A x \le b`, :math:`l \le x \le u`, some x whole.

    Parameters
    ----------
    objective, lower, upper
        By column; bounds may be infinite, shape ``(columns,)``.
    matrix, room
        Rows, shapes ``(rows, columns)`` and ``(rows,)``.
    whole
        Columns that are whole numbers, shape ``(columns,)``; None for none.
    equal
        Rows that hold as equations, shape ``(rows,)``; None for none.
    """

    objective: Floats
    lower: Floats
    upper: Floats
    matrix: csr_array
    room: Floats
    whole: NDArray[np.bool_] | None = None
    equal: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """What came of a program.

    Parameters
    ----------
    status
        How the solve ended.
    values
        By column, within bounds and rows; empty where there are none.
    prices
        What one more unit of room brings, by row: at least 0, of either sign for an equation;
        empty where there are none, and for programs with whole columns.
    """

    status: Status
    values: Floats
    prices: Floats

    @property
    def found(self) -> bool:
        """Whether there are values, if only those of a program without columns."""
        return self.status is Status.OPTIMAL or bool(self.values.size)


def solve(
    program: Program,
    *,
    time_limit: float | None = None,
    gap: float = 0.0,
    nodes: int | None = None,
) -> ProgramResult:
    """Solve a program with HiGHS.

    Parameters
    ----------
    program
        The program.
    time_limit
        Seconds, or None.
    gap
        Share of the objective that a program with whole columns may be solved to.
    nodes
        Nodes of its search at most, or None; where they run out the status is TIME_LIMIT.

    Notes
    -----
    Rows and objective are scaled to largest entry 1, so that units do not matter, and the prices
    are scaled back. A split that the solver calls optimal but that breaks a row is an error.
    """
    rows, equal = _scaled(program)
    empty = rows.kept & (rows.largest == 0)
    unmet = np.where(equal, rows.room != 0, rows.room < 0)
    if np.any(empty & unmet):
        return _nothing(Status.INFEASIBLE)
    if not program.objective.size:
        return ProgramResult(Status.OPTIMAL, np.empty(0), np.zeros(program.room.size))
    model = _Model(program, rows, equal, rows.kept & ~empty)
    options = {} if nodes is None else {"mip_max_nodes": nodes}
    model.run(time_limit, gap, **options)
    if model.word in _UNSURE:
        model.run(time_limit, gap, presolve="off", **options)
    status = _STATUS.get(model.word, Status.ERROR)
    if status is not Status.OPTIMAL and (status is not Status.TIME_LIMIT or not model.found):
        return _nothing(status)
    values = _tidy(program, model.values())
    if _breaks(rows, equal, values):
        return _nothing(Status.ERROR)
    if program.whole is not None and program.whole.any():
        return ProgramResult(status, values, np.empty(0))
    prices = np.zeros(program.room.size)
    prices[model.kept] = -model.duals() * rows.objective / rows.largest[model.kept]
    return ProgramResult(status, values, np.where(equal, prices, np.maximum(prices, 0.0)))


def _nothing(status: Status) -> ProgramResult:
    return ProgramResult(status, np.empty(0), np.empty(0))


@dataclass(frozen=True, eq=False)
class _Rows:
    """A program's rows with largest entry 1, and what they were divided by."""

    matrix: csr_array
    room: Floats
    largest: Floats
    objective: float
    kept: NDArray[np.bool_]


def _scaled(program: Program) -> tuple[_Rows, NDArray[np.bool_]]:
    matrix = csr_array(program.matrix)
    size = program.room.size
    largest = largest_entries(matrix)
    divisor = np.where(largest > 0, largest, 1.0)
    data = matrix.data / np.repeat(divisor, np.diff(matrix.indptr))
    objective = float(np.max(np.abs(program.objective), initial=0.0)) or 1.0
    equal = np.zeros(size, dtype=bool) if program.equal is None else program.equal
    scaled = csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    kept = np.isfinite(program.room)
    return _Rows(scaled, program.room / divisor, largest, objective, kept), equal


def largest_entries(matrix: csr_array) -> Floats:
    """Return the largest absolute entry of each row, 0 where it has none."""
    largest = np.zeros(matrix.shape[0])
    filled = np.diff(matrix.indptr) > 0
    if filled.any():
        largest[filled] = np.maximum.reduceat(np.abs(matrix.data), matrix.indptr[:-1][filled])
    return largest


def _tidy(program: Program, values: Floats) -> Floats:
    """Return values clipped to their bounds, whole ones on whole numbers."""
    whole = program.whole
    if whole is not None:
        near = np.round(values)
        values = np.where(whole & (np.abs(values - near) <= _WHOLE), near, values)
    return np.clip(values, program.lower, program.upper)


def _breaks(rows: _Rows, equal: NDArray[np.bool_], values: Floats) -> bool:
    over = rows.matrix @ values - rows.room
    over = np.where(equal, np.abs(over), over)
    size = np.maximum(1.0, np.abs(rows.room))
    size = np.maximum(size, abs(rows.matrix) @ np.abs(values))
    return bool(np.any((over > _KEPT * size) & rows.kept))


class _Model:
    """A program in PuLP, of either major version.

    Parameters
    ----------
    program, rows, equal
        The program, its scaled rows and which of them are equations.
    kept
        Rows that go into the model.
    """

    def __init__(
        self, program: Program, rows: _Rows, equal: NDArray[np.bool_], kept: NDArray[np.bool_]
    ) -> None:
        import pulp  # type: ignore[import-untyped, unused-ignore] # PuLP 3 has no types

        # PuLP 4 alone has `from_list`; `LpAffineExpression(pairs)` there is something else.
        self.pulp: Any = pulp
        whole_sum: Any = pulp.LpAffineExpression
        self.expression = getattr(whole_sum, "from_list", whole_sum)
        self.kept = kept
        self.problem: Any = pulp.LpProblem("budget", pulp.LpMinimize)
        self.lower = program.lower
        whole = np.zeros(program.lower.size, dtype=bool)
        whole = whole if program.whole is None else program.whole
        self.searches = bool(whole.any())
        self.columns = [
            self.problem.add_variable(
                f"x{at}",
                low if low > -np.inf else None,
                high if high < np.inf else None,
                "Integer" if is_whole else "Continuous",
            )
            for at, (low, high, is_whole) in enumerate(
                zip(program.lower.tolist(), program.upper.tolist(), whole.tolist(), strict=True)
            )
        ]
        cost = (-program.objective / rows.objective).tolist()
        self.problem.setObjective(self.expression(list(zip(self.columns, cost, strict=True))))
        self.rows = [self._row(rows, at, bool(equal[at])) for at in np.flatnonzero(kept).tolist()]

    def _row(self, rows: _Rows, at: int, equal: bool) -> Any:
        part = slice(int(rows.matrix.indptr[at]), int(rows.matrix.indptr[at + 1]))
        columns = [self.columns[i] for i in rows.matrix.indices[part].tolist()]
        pairs = list(zip(columns, rows.matrix.data[part].tolist(), strict=True))
        total, room = self.expression(pairs), float(rows.room[at])
        row = total == room if equal else total <= room
        # PuLP 4 hands back the row that will carry the price, PuLP 3 fills in the one it was given.
        added = self.problem.addConstraint(row)
        return row if added is None else added

    def run(self, time_limit: float | None, gap: float, **options: Any) -> None:
        """Solve, silently and on this thread."""
        if time_limit is not None:
            options["time_limit"] = max(time_limit, 0.0)
        made = self.problem.solverModel = highs.model(
            mip_rel_gap=gap,
            mip_abs_gap=0.0,
            # Entries below this are dropped; the default of 1e-9 would drop fine grids.
            small_matrix_value=1e-12,
            primal_feasibility_tolerance=_EXACT,
            dual_feasibility_tolerance=_EXACT,
            **options,
        )
        # PuLP states the model; its own settings would print, and take any number of threads.
        solver = self.pulp.HiGHS(msg=False)
        solver.buildSolverModel(self.problem)
        if (made.getNumCol(), made.getNumRow()) != (len(self.columns), len(self.rows)):
            self.word, self.found = highs.FAILED, False
            return
        if self.searches:
            highs.bound_work(made)
        self.word = highs.run(made)
        # 2 is HiGHS's number for a point within its tolerance of feasible; an optimum that misses
        # it by a hair after scaling back is judged by the rows instead.
        self.found = self.word != highs.FAILED and made.getInfo().primal_solution_status == 2
        if self.word == "kOptimal" or self.found:
            self._fill_in(solver)

    def _fill_in(self, solver: Any) -> None:
        """Let PuLP hand out the values and the prices."""
        try:
            solver.findSolutionValues(self.problem)
        except KeyError:
            # PuLP 3 has no word for a node limit, which it looks up after it filled in the values.
            if self.word not in _STATUS:
                raise

    def values(self) -> Floats:
        """Return the columns' values; one that stands nowhere is at its bound nearest zero."""
        given = [column.varValue for column in self.columns]
        rest = np.where(np.isfinite(self.lower), self.lower, 0.0).tolist()
        return np.array([r if v is None else v for v, r in zip(given, rest, strict=True)])

    def duals(self) -> Floats:
        """Return what PuLP calls the rows' prices, of the minimisation."""
        return np.array([row.pi for row in self.rows])
