"""HiGHS, the solver of linear and integer programs, as a guest: the one file that imports highspy.

A library that is loaded into the process has state of its own, and each kind of it is settled here.

Threads
    HiGHS ties a scheduler to the thread that calls it first, with the number of threads asked for
    then. A later run there with another number ends in an error, and after a fork the threads of
    the scheduler are gone and nothing can end it. So every model asks for one thread, and every
    run has a thread of its own, which never saw another HiGHS and leaves none behind: what the
    caller does with HiGHS of their own changes nothing here, and nothing here changes theirs.
Output
    The banner is printed while a model is made, before an option can be set; `_quiet` sets it
    there.
Status
    A setting or a model that HiGHS refuses raises; a run that fails ends in ``"kSolveError"``,
    whatever the model's status still says of an earlier run.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.arrays import Floats
from budgetopt.errors import SolverError
from budgetopt.messages import say

FAILED = "kSolveError"
"""Name of the status of a run that failed."""


LOOKS = 100_000
"""Looks whether to go on that a search for whole columns may take, most 0.2 ms of a processor."""


class HighsResult(NamedTuple):
    """How a program ended.

    Parameters
    ----------
    status
        Name of HiGHS's model status, as ``"kOptimal"``.
    values
        By column, shape ``(columns,)``; None where there is no feasible point.
    prices
        Change of the least cost by one more unit of room, shape ``(rows,)``; zeros for programs
        with whole columns.
    iterations
        Iterations of the simplex method, those of a search for whole columns included.
    """

    status: str
    values: Floats | None
    prices: Floats
    iterations: int = 0


def model(**options: Any) -> Any:
    """Return an empty model, silent and on one thread, with these options.

    Raises
    ------
    SolverError
        ``not-converged`` where HiGHS refuses an option.
    """
    made = _quiet()()
    for name, value in {"threads": 1, "parallel": "off", **options}.items():
        checked(made.setOptionValue(name, value), f"option {name}")
    return made


def checked(status: Any, what: str) -> None:
    """Raise where HiGHS refused something.

    Raises
    ------
    SolverError
        ``not-converged``.
    """
    if status.name == "kError":
        raise SolverError(
            "not-converged",
            say("highs-refused", what=what),
            field="method",
            value="HiGHS",
            remedy=say("remedy-another-method"),
        )


def run(made: Any) -> str:
    """Run a model, in a thread of its own, and return the name of its status."""
    ended: list[str] = []

    def call() -> None:
        # What is raised, as for want of memory, leaves the list empty: a failure.
        with suppress(Exception):
            ended.append(made.run().name)

    # A new thread costs 0.1 ms; one kept for the next run would make every fork warn of it.
    thread = Thread(target=call, name="highs")
    thread.start()
    thread.join()
    return str(made.getModelStatus().name) if ended and ended[0] != "kError" else FAILED


def bound_work(made: Any, looks: int = LOOKS) -> None:
    """End a model's search for whole columns after so many looks, with ``"kInterrupt"``.

    Nodes alone do not bound it: tightening the bounds of large whole columns step by step, within
    one node, may take for ever. Looks are counted and not timed, so that it ends alike everywhere.
    """
    seen = itertools.count()

    def look(event: Any) -> None:
        if next(seen) >= looks:
            event.data_in.user_interrupt = True

    made.cbMipInterrupt.subscribe(look)


def minimise(
    cost: Floats,
    matrix: csr_array,
    room: Floats,
    lower: Floats,
    upper: Floats,
    *,
    whole: NDArray[np.bool_] | None = None,
    equal: NDArray[np.bool_] | None = None,
    looks: int = LOOKS,
    **options: Any,
) -> HighsResult:
    r"""Minimise :math:`c^T x` over :math:`A x \le b`, :math:`l \le x \le u`, some x whole.

    Parameters
    ----------
    cost, lower, upper
        By column; bounds may be infinite, shape ``(columns,)``.
    matrix, room
        Rows, shapes ``(rows, columns)`` and ``(rows,)``.
    whole
        Columns that are whole numbers; None for none.
    equal
        Rows that hold as equations; None for none.
    looks
        As in `bound_work`.
    **options
        Options of HiGHS.

    Raises
    ------
    SolverError
        ``not-converged`` where HiGHS refuses the program.
    """
    made, rows, columns = model(**options), matrix.tocsr(), cost.size
    nothing = np.zeros(0, dtype=np.int32)
    checked(made.addCols(columns, cost, lower, upper, 0, nothing, nothing, np.zeros(0)), "columns")
    least = np.full(room.size, -np.inf) if equal is None else np.where(equal, room, -np.inf)
    starts, places = rows.indptr[:-1].astype(np.int32), rows.indices.astype(np.int32)
    checked(made.addRows(room.size, least, room, rows.nnz, starts, places, rows.data), "rows")
    if whole is not None and whole.any():
        from highspy import HighsVarType

        at = np.flatnonzero(whole).astype(np.int32)
        kinds = np.full(at.size, HighsVarType.kInteger)
        checked(made.changeColsIntegrality(at.size, at, kinds), "whole columns")
        bound_work(made, looks)
    status = run(made)
    iterations = max(0, int(made.getInfo().simplex_iteration_count))
    # 2 is HiGHS's number for a feasible point.
    if status == FAILED or made.getInfo().primal_solution_status != 2:
        return HighsResult(status, None, np.zeros(room.size), iterations)
    answer = made.getSolution()
    prices = np.array(answer.row_dual) if answer.dual_valid else np.zeros(room.size)
    return HighsResult(status, np.array(answer.col_value), prices, iterations)


@cache
def _quiet() -> type[Any]:
    """Return highspy's model, silent from before its first word."""
    from highspy import Highs

    class Quiet(Highs):
        def enableCallbacks(self) -> None:  # noqa: N802 # highspy's name
            # Highs.__init__ calls this, and it prints the banner.
            checked(self.setOptionValue("output_flag", False), "silence")
            super().enableCallbacks()  # type: ignore[no-untyped-call]

    return Quiet
