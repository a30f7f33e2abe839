"""The relaxation of a node of `branch` under any rows without counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.branch.columns import Columns
from budgetopt.optimize.branch.envelope import Envelope, Span
from budgetopt.optimize.branch.relaxed import Relaxed
from budgetopt.optimize.branch.sharpen import sharpened
from budgetopt.optimize.lagrangian import Field, field_of, priced
from budgetopt.optimize.problem import Problem

Floats = NDArray[np.float64]

_ROUNDS = 60
"""Rounds of new columns in a node; near the optimum each divides what is missing by four."""
_SHARE = 0.05
"""A node is solved to this share of its distance from the best split."""
_LEAST = 1e-12
"""Below this share of the bound rounding hides what columns bring."""
_KEPT = 1e-10
"""Share of a row's size by which rounding may break it."""
_FREE = 1e-11
"""What rows may be broken by, in their sizes, for a node to count as keeping them."""
_NEARLY = 1e-6
"""What they may be broken by, at a high price, for a node to be tried without."""


class RowsRelaxation:
    r"""Columns that the Lagrangian asks for, until none is missing.

    Parameters
    ----------
    problem
        One whose rows do not count.
    gap
        Relative gap that the tree is to reach.

    Notes
    -----
    The bound is the Lagrangian's at the prices of the linear program (`priced`), from the true
    curves, and holds in any round. In a row that sees outcomes, such as a floor on ROAS, mixtures
    stand for the curve, which makes the row easier to keep; splits are held against the true row.
    """

    def __init__(self, problem: Problem, gap: float) -> None:
        self.problem, self.gap = problem, gap
        self.field, self.rows = field_of(problem), problem.rows
        self.columns = Columns(self.field, self.rows)

    def relax(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best mixture in a node, its prices and the bound."""
        return self._node(envelope, start, floor, share=_SHARE)

    def _node(
        self, envelope: Envelope, start: Floats | None, floor: float, *, share: float
    ) -> Relaxed | None:
        span = envelope.span
        self._seed(envelope)
        self.columns.keep(span)
        field = self._within(span)
        relaxed, broken = self._generate(field, floor, start, share)
        if broken <= _FREE or relaxed.bound <= floor:
            return relaxed
        try:
            self.columns.breaking(1)
            relaxed, broken = self._generate(field, floor, relaxed.prices, share)
            if broken > _NEARLY:
                return None if self._impossible(field, relaxed.prices) else relaxed
            self.columns.breaking(2)
            kept, _ = self._generate(field, floor, relaxed.prices, share)
            return kept if np.isfinite(kept.bound) else relaxed
        finally:
            self.columns.breaking(0)

    def settle(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split on concave branches, None where it is no better than the floor."""
        found = self._node(envelope, start, floor, share=0.0)
        return None if found is None or found.bound <= floor else found

    def sharpen(self, envelope: Envelope, found: Relaxed) -> Relaxed | None:
        """Return the best split on concave branches by Newton's method on the prices.

        Columns leave an error of the root of the gap in spends and prices. On straight pieces they
        are exact, and there this ends without an answer.
        """
        with np.errstate(all="ignore"):
            sharp = sharpened(envelope, self.field, self.rows, found)
        return sharp if sharp is not None and np.all(np.isfinite(sharp.spend)) else None

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split keeps every row by the true curves."""
        return bool(np.all(self._used(spend) <= self.rows.room + _KEPT * self.columns.size))

    def weight(self, relaxed: Relaxed) -> Floats:
        """Return what outcomes count for: in the objective, in priced and in broken rows."""
        if not self.rows.outcome.nnz:
            return self.field.weight
        broken = self._used(relaxed.spend) > self.rows.room
        size = self.columns.worth / self.columns.size
        prices = relaxed.prices + np.where(broken, size, 0.0)
        return np.asarray(self.field.weight + self.rows.outcome.T @ prices)

    def _used(self, spend: Floats) -> Floats:
        return self.rows.used(spend, self.field.curves.value(spend), self.field.last)

    def _generate(
        self, field: Field, floor: float, start: Floats | None, share: float
    ) -> tuple[Relaxed, float]:
        """Solve and add what the prices ask for, until the bound is near enough."""
        every = np.arange(field.lower.size)
        bound, prices = np.inf, np.zeros(self.rows.size)
        spend, broken = field.lower, np.inf
        if start is not None:
            self.columns.add(every, priced(field, self.rows, start).spend, wanted=False)
        for _ in range(_ROUNDS):
            mixed = self.columns.solve()
            if mixed is None:
                break
            spend, broken = mixed.spend, mixed.broken
            asked = priced(field, self.rows, mixed.prices)
            if asked.bound < bound:
                bound, prices = asked.bound, mixed.prices
            if bound <= floor:
                break
            met = mixed.broken <= _FREE
            near = max(0.1 * self.gap, _LEAST) * abs(bound)
            if np.isfinite(floor):
                near = max(near, share * (mixed.value - floor))
            if met and bound - mixed.value <= near:
                break
            if not self.columns.add(every, asked.spend):
                break
        return Relaxed(bound, spend, prices), broken

    def _seed(self, envelope: Envelope) -> None:
        """Add the ends of the spans and of the chords."""
        every = np.arange(envelope.touch.size)
        for spend in (*envelope.span, envelope.touch):
            self.columns.add(every, spend, wanted=False)

    def _within(self, span: Span) -> Field:
        least = np.where(span.least > span.lower, span.least, 0.0)
        return self.field._replace(lower=span.lower, upper=span.upper, least_on=least)

    def _impossible(self, field: Field, prices: Floats) -> bool:
        """Return whether prices prove that no split keeps the rows.

        With no objective the bound would be zero at least.
        """
        zero = np.zeros_like(field.weight)
        bare = priced(field._replace(weight=zero, cost=zero), self.rows, prices).bound
        return bool(bare < -_KEPT * float(prices @ self.columns.size))
