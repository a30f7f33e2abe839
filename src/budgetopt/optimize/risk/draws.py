"""A problem with its draws: what every draw brings at a split, and mixtures of draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import Mixture
from budgetopt.errors import InputError, SolverError
from budgetopt.messages import listed, say
from budgetopt.optimize.engines import solve
from budgetopt.optimize.problem import Problem, Solved


@dataclass(frozen=True, eq=False)
class DrawProblem:
    r"""A problem and its draws, :math:`F_s(x) = \sum_i w_i f_{si}(x_i) - b_i x_i - offset_s`.

    Parameters
    ----------
    problem
        Bounds, rows, weights and costs; its own curves are not used.
    draws
        Weights of shape ``(draws, channels, cells)``.
    offset
        What each draw is measured from, shape ``(draws,)``.
    """

    problem: Problem
    draws: Mixture
    offset: Floats

    @classmethod
    def of(cls, problem: Problem, draws: Mixture) -> DrawProblem:
        """Return a problem with its draws, measured from zero.

        Raises
        ------
        InputError
            ``bad-argument`` where the draws are not over the problem's channels.
        """
        weights = np.asarray(draws.weights)
        size = len(problem.names)
        if weights.ndim != 3 or weights.shape[1] != size:
            raise InputError(
                "bad-argument",
                say("weights-draws-shape", shape=weights.shape),
                field="draws",
                value=str(weights.shape),
                remedy=say("remedy-draws-cells-belief", size=size),
            )
        return cls(problem, draws, np.zeros(weights.shape[0]))

    @property
    def size(self) -> int:
        """Number of draws."""
        return self.offset.size

    @cached_property
    def table(self) -> Floats:
        """Weights of the cells in money, shape ``(draws, channels, cells)``."""
        return np.asarray(self.draws.weights) * self.problem.weight[:, None]

    @cached_property
    def weighed(self) -> Mixture:
        """The draws, an outcome of each channel counted by its weight."""
        return Mixture(self.draws.cells, self.table)

    def kept(self, chosen: NDArray[np.bool_], offset: Floats | None = None) -> DrawProblem:
        """Return the same problem with some draws only, measured from another offset if given."""
        apart = self.offset if offset is None else offset
        return DrawProblem(
            self.problem,
            Mixture(self.draws.cells, np.asarray(self.draws.weights)[chosen]),
            apart[chosen],
        )

    def value(self, spend: Floats) -> Floats:
        """Return what each draw brings, shape ``(draws,)``."""
        gained: Floats = self.weighed.value(spend).sum(axis=-1)
        return gained - self.problem.cost @ spend - self.offset

    def unit(self, spend: Floats) -> float:
        """Return the size of what is compared, whatever draws are measured from; above 0."""
        return float(np.mean(np.abs(self.value(spend) + self.offset))) or 1.0

    def slope(self, spend: Floats) -> Floats:
        """Return the slopes of each draw, shape ``(draws, channels)``."""
        slopes: Floats = self.weighed.slope(spend) - self.problem.cost
        return slopes

    def mixed(self, shares: Floats) -> Mixture:
        """Return the curves of a mixture of draws, weights ``(channels, cells)``."""
        return Mixture(self.draws.cells, np.tensordot(shares, self.table, 1))

    def solve(self, shares: Floats, time_limit: float | None = None) -> Solved:
        r"""Return the split that is best for a mixture of draws, with its proven bound.

        For shares that sum to one, :math:`\max_x \sum_s q_s F_s(x)`, offset included.
        """
        problem = self.problem
        ones = np.ones_like(problem.weight)
        solved = solve(
            replace(problem, curves=self.mixed(shares), weight=ones), time_limit=time_limit
        )
        return solved._replace(bound=solved.bound - float(shares @ self.offset))


def refuse_what_is_not_concave(sample: DrawProblem) -> None:
    """Raise where risk over draws would not be concave or rows are not of the draws.

    Raises
    ------
    SolverError
        ``not-concave`` for S-shaped draws; ``wrong-method`` for rows that count channels or hold
        outcomes, for lots and for off-or-at-least.
    """
    problem = sample.problem
    reasons = {
        say("engine-counts"): any(row.counts for row in problem.limits),
        say("engine-outcomes"): any(row.outcome is not None for row in problem.limits),
        say("engine-lots"): bool(np.any(problem.lots > problem.step)),
        say("engine-least-on"): bool(problem.least_on.any()),
    }
    found = listed(text for text, there in reasons.items() if there)
    if not sample.draws.concave:
        raise SolverError(
            "not-concave",
            say("draws-hold-s"),
            field="risk",
            remedy=say("remedy-allocate-their-mean"),
        )
    if found:
        raise SolverError(
            "wrong-method",
            say("risk-over-draws", found=found),
            field="risk",
            value=found,
            remedy=say("remedy-allocate-mean-draws"),
        )
