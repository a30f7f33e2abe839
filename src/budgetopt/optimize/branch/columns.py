"""The linear program of a tree of nodes: every column is one spend of one channel, truly valued.

A split of a channel over its columns is a point under the concave envelope of what the columns
hold, so that a node is nothing but the set of columns within its spans, and one model, solved
again and again from where it stood, serves the whole tree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from budgetopt.arrays import Floats, Places
from budgetopt.errors import SolverError
from budgetopt.messages import say
from budgetopt.optimize import highs
from budgetopt.optimize.branch.envelope import Span
from budgetopt.optimize.problem import Rows
from budgetopt.optimize.waterfill import Field

_BREAKING = ((1e3, np.inf), (1e7, np.inf), (1e7, 0.0))
"""What it costs to break a row by its size, in objectives of a channel, and how far one may:
high enough for most, higher still for slopes that are infinite at zero, and not at all."""
_WANTED = 1e-13
"""What a column must bring, in objectives of a channel, to be added."""
_EXACT = 1e-10
"""The finest feasibility the solver takes."""
_PROGRAM, _ITERATION = 1500, 25
"""Work of a round of columns and of an iteration, in microseconds, and a fifth for each channel."""


class Mixed(NamedTuple):
    """A solved program.

    Parameters
    ----------
    value
        Objective of the mixture of columns, what breaks rows not counted.
    spend
        Mean spend by channel, shape ``(channels,)``.
    prices
        At least 0, shape ``(rows,)``.
    broken
        By how much rows are broken, in rows' sizes.
    """

    value: float
    spend: Floats
    prices: Floats
    broken: float


class TreeProgram:
    r"""Maximise :math:`\sum_{ik} \mu_{ik} (w_i f_i(x_{ik}) - c_i x_{ik})` over mixtures in rows.

    Parameters
    ----------
    field, rows
        The channels and rows; rows that count are not taken.

    Notes
    -----
    Source: Dantzig and Wolfe (1960), "Decomposition principle for linear programs". Rows are
    measured by their size and the objective by its own, so that units do not matter.
    """

    def __init__(self, field: Field, rows: Rows) -> None:
        self.field, self.rows = field, rows
        self.channel: Places = np.empty(0, dtype=np.intp)
        self.spend = np.empty(0)
        self.worth, self.size = _units(field, rows)
        self.model: Any = highs.model(
            presolve="off",
            # New columns leave the last basis feasible, and the rows are scaled already.
            simplex_strategy=4,
            simplex_scale_strategy=0,
            primal_feasibility_tolerance=_EXACT,
            dual_feasibility_tolerance=_EXACT,
            # Smaller entries are dropped, and a spend that small would break its rows.
            small_matrix_value=1e-12,
        )
        self._rows()
        self.active = np.empty(0, dtype=bool)
        self.value = np.empty(0)
        self.duals = np.empty(0)
        self.held: set[tuple[int, float]] = set()
        self.work = 0

    def _rows(self) -> None:
        """Add a row for each limit, one that sums to 1 for each channel, and what breaks limits."""
        count, channels = self.rows.size, self.field.lower.size
        room = self.rows.room / self.size
        least = np.concatenate([np.full(count, -np.inf), np.ones(channels)])
        most = np.concatenate([room, np.ones(channels)])
        nothing = np.zeros(0, dtype=np.int32)
        starts = np.zeros(count + channels, dtype=np.int32)
        status = self.model.addRows(count + channels, least, most, 0, starts, nothing, np.zeros(0))
        highs.checked(status, "rows")
        at = np.arange(count, dtype=np.int32)
        self._add(np.full(count, _BREAKING[0][0]), at, at, -np.ones(count))

    def _add(self, cost: Floats, starts: Any, rows: Any, entries: Floats) -> None:
        size = cost.size
        zeros, ends = np.zeros(size), np.full(size, np.inf)
        starts, rows = starts.astype(np.int32), rows.astype(np.int32)
        status = self.model.addCols(size, cost, zeros, ends, rows.size, starts, rows, entries)
        highs.checked(status, "columns")

    def add(self, channel: Places, spend: Floats, *, wanted: bool = True) -> int:
        """Add columns that are not there yet, if they are wanted at the prices of the last solve.

        Parameters
        ----------
        channel
            Positions, each once.
        spend
            Money.
        wanted
            Whether to leave out what these prices do not ask for.

        Returns
        -------
        int
            How many were new.
        """
        pairs = zip(channel.tolist(), spend.tolist(), strict=True)
        fresh = np.array([pair not in self.held for pair in pairs], dtype=bool)
        channel, spend = channel[fresh], spend[fresh]
        if not channel.size:
            return 0
        field, rows = self.field, self.rows
        full = field.lower.copy()
        full[channel] = spend
        value = field.curves.value(full)[channel]
        moved = np.abs(spend - field.last[channel])
        table = (
            rows.money[:, channel].toarray() * spend
            + rows.moved[:, channel].toarray() * moved
            - rows.outcome[:, channel].toarray() * value
        ) / self.size[:, None]
        table = np.vstack([table, np.zeros((field.lower.size, spend.size))])
        table[rows.size + channel, np.arange(spend.size)] = 1.0
        gain = field.weight[channel] * value - field.cost[channel] * spend
        if wanted:
            asked = gain / self.worth + self.duals @ table > _WANTED
            table, gain = table[:, asked], gain[asked]
            channel, spend = channel[asked], spend[asked]
        columns, places = np.nonzero(table.T)
        starts = np.searchsorted(columns, np.arange(spend.size))
        self.held.update(zip(channel.tolist(), spend.tolist(), strict=True))
        self._add(-gain / self.worth, starts, places, table.T[columns, places])
        self.channel = np.append(self.channel, channel)
        self.spend = np.append(self.spend, spend)
        self.value = np.append(self.value, gain)
        self.active = np.append(self.active, np.ones(spend.size, dtype=bool))
        return int(spend.size)

    def keep(self, span: Span) -> None:
        """Let in the columns within spans, and no others."""
        lower, least, upper = (ends[self.channel] for ends in span)
        active = (self.spend == lower) | ((self.spend >= least) & (self.spend <= upper))
        changed = np.flatnonzero(active != self.active)
        if changed.size:
            ends = np.where(active[changed], np.inf, 0.0)
            at = (changed + self.rows.size).astype(np.int32)
            status = self.model.changeColsBounds(changed.size, at, np.zeros(changed.size), ends)
            highs.checked(status, "bounds")
            self.active = active

    def breaking(self, level: int) -> None:
        """Set how dear it is to break a row: 0 dear, 1 very dear, 2 not to be had."""
        count, (cost, most) = self.rows.size, _BREAKING[level]
        at = np.arange(count, dtype=np.int32)
        highs.checked(self.model.changeColsCost(count, at, np.full(count, cost)), "costs")
        status = self.model.changeColsBounds(count, at, np.zeros(count), np.full(count, most))
        highs.checked(status, "bounds")

    def solve(self) -> Mixed | None:
        """Solve from where the last solve ended; None where the columns cannot keep the rows.

        Raises
        ------
        SolverError
            ``not-converged``.
        """
        status = self._run()
        if status == "kInfeasible":
            return None
        if status != "kOptimal":
            self.model.clearSolver()
            status = self._run()
        if status != "kOptimal":
            raise SolverError(
                "not-converged",
                say("linear-program-node"),
                field="method",
                value="branch",
                remedy=say("remedy-use-integer-engine"),
            )
        answer, count = self.model.getSolution(), self.rows.size
        share = np.array(answer.col_value)
        mixed = np.maximum(share[count:], 0.0)
        spend = np.bincount(self.channel, mixed * self.spend, self.field.lower.size).astype(float)
        self.duals = np.array(answer.row_dual)
        low, high = self._ends()
        spend = np.clip(spend, low, high)
        prices = np.maximum(-self.duals[:count], 0.0) * self.worth / self.size
        return Mixed(float(mixed @ self.value), spend, prices, float(share[:count].sum()))

    def _run(self) -> str:
        status = highs.run(self.model)
        iterations = max(0, int(self.model.getInfo().simplex_iteration_count))
        self.work += _PROGRAM + iterations * (_ITERATION + self.field.lower.size // 5)
        return status

    def _ends(self) -> tuple[Floats, Floats]:
        """Return the lowest and the highest spend let in by channel: means may round past them."""
        low, high = np.full(self.field.lower.size, np.inf), np.zeros(self.field.lower.size)
        np.minimum.at(low, self.channel[self.active], self.spend[self.active])
        np.maximum.at(high, self.channel[self.active], self.spend[self.active])
        return low, high


def _units(field: Field, rows: Rows) -> tuple[float, Floats]:
    """Return the size of the objective and of each row, at the most that can be spent."""
    budget = float(rows.room[0]) if rows.size else 1.0
    most = np.minimum(field.upper, max(budget, 0.0))
    value = field.curves.value(most)
    worth = float(np.abs(field.weight) @ value + np.abs(field.cost) @ most) / most.size
    size = np.maximum(
        abs(rows.money).max(axis=1).toarray().ravel() * max(budget, 0.0),
        abs(rows.outcome) @ value + rows.moved @ np.maximum(most, field.last),
    )
    size = np.maximum(size, np.abs(rows.room))
    return worth or 1.0, np.where(size > 0, size, 1.0)
