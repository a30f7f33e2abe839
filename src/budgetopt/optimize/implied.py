"""Bounds that the rows of a problem imply, in whole numbers.

A row says something of each channel alone: what is left of its room where all the others use as
little of it as they can. Where it has no more room than that, its channels are settled, as by a
group that may take nothing. A floating-point program keeps such a row to a share of its largest
entry, which at a small coefficient, or beside a large budget, is many steps; a bound it keeps
exactly.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from budgetopt.optimize.problem import Problem
from budgetopt.plan import CAP, Row

_ROUNDS = 10
"""Times at most that every row is looked at; one bound may draw in the next."""


def drawn_in(problem: Problem) -> Problem | None:
    r"""Return a problem of the same splits with its bounds drawn in; None where none can be.

    .. math::
        a_i x_i \le room - \sum_{j \ne i} \min_{l_j \le x_j \le u_j} a_j x_j

    None as well where bounds cross, so that there is no split: that is for an explanation to say.

    Notes
    -----
    Source: Brearley, Mitra and Williams (1975), "Analysis of mathematical programming problems
    prior to applying the simplex algorithm", section 3. What money moves or outcomes use of a row
    is left out: a part that is at least 0 can only ask for more.
    """
    lower, upper = problem.bounds.lower.tolist(), problem.bounds.upper.tolist()
    rows = [row for row in problem.all_rows if row.outcome is None and not row.counts]
    for _ in range(_ROUNDS):
        before = (*lower, *upper)
        for row in rows:
            _draw_in(row, problem, lower, upper)
            if any(low > high for low, high in zip(lower, upper, strict=True)):
                return None
        if (*lower, *upper) == before:
            break
    low, high = np.array(lower, dtype=np.int64), np.array(upper, dtype=np.int64)
    rule = np.where(high < problem.bounds.upper, CAP, problem.bounds.upper_rule).astype(np.int8)
    bounds = replace(problem.bounds, lower=low, upper=high, upper_rule=rule)
    return None if bounds == problem.bounds else replace(problem, bounds=bounds)


def _draw_in(row: Row, problem: Problem, lower: list[int], upper: list[int]) -> None:
    """Draw the bounds in minor units in to what one row leaves each channel."""
    parts = [(at, part) for at, part in enumerate(row.money.tolist()) if part]
    least = sum(part * (lower[at] if part > 0 else upper[at]) for at, part in parts)
    left = math.floor(row.room * row.scale * problem.money.units) - least
    for at, part in parts:
        reach = left // abs(part)
        if part > 0 and lower[at] + reach < upper[at]:
            upper[at] = _last(problem, at, lower[at], lower[at] + reach)
        elif part < 0 and upper[at] - reach > lower[at]:
            lower[at] = _first(problem, at, upper[at] - reach, upper[at])


def _last(problem: Problem, at: int, low: int, high: int) -> int:
    """Return the largest amount up to `high` that a channel may take; `low` is one."""
    lot, least, last = _own(problem, at)
    whole = high // lot * lot
    found = max(whole if whole >= least else 0, last if last <= high else 0)
    return max(found, low) if low <= high else high


def _first(problem: Problem, at: int, low: int, high: int) -> int:
    """Return the smallest amount from `low` on that a channel may take; `high` is one."""
    lot, least, last = _own(problem, at)
    whole = -(-max(low, least) // lot) * lot
    found = min(whole, last) if last >= low else whole
    return min(found, high) if low <= high else low


def _own(problem: Problem, at: int) -> tuple[int, int, int]:
    """Return a channel's lot, what it takes at least when on, and its last spend, -1 for none."""
    least, last = int(problem.least_on[at]), -1 if problem.last is None else int(problem.last[at])
    return int(problem.lots[at]), least, last if last >= least else -1
