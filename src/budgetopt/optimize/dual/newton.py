"""Newton's method for a convex function of prices that must not be negative."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from budgetopt.optimize.dual.responses import Taken

Floats = NDArray[np.float64]
Reply = Callable[[Floats], Taken]
Curvature = Callable[[Taken, NDArray[np.intp]], Floats]

_CLOSE = 1e-11
"""Share of a row, and of the objective, that may be missing: the last step squares it."""
_NEAR = 0.1
_SIGHT = 10.0
"""Rows with no price and more room left than this share, or than so many times what is missing
anywhere, are out of a step's sight."""
_DAMPING = 2.0
"""Prices of rows without any curvature go up by half of one plus themselves at first."""
_PROX = 1e-11
"""Curvature, as a share of the greatest, that keeps doubled rows apart."""
_ROUNDS = 100
_FAST = 40
"""Rounds in which a step may overshoot a little; after them the function must fall."""
_STRIDES = 6
"""Points after which one that is not yet far enough is far enough: the next round goes on."""
_TRIES = 40
"""Points looked at along one direction."""
_JUMP = 1e-6
"""Share of a step within which a slope that still changes sign is taken to jump."""
_PATIENCE = 10
"""Exchanges of many rows at once that may fail to help before single ones are made."""


class Ended(NamedTuple):
    """Where the search ended.

    Parameters
    ----------
    taken
        The channels' answer at the prices.
    how
        ``"met"``, ``"jump"`` where the spends jump at the optimum, ``"away"`` where the caller
        stopped it, or ``"rounds"``.
    """

    taken: Taken
    how: str


def minimise(
    reply: Reply,
    curvature: Curvature,
    start: Floats,
    *,
    away: Callable[[Taken], bool],
    stride: float = np.inf,
    looks: int = 1000,
) -> Ended:
    r"""Minimise a convex function :math:`\varphi(\nu)` over :math:`\nu \ge 0` by its gradient.

    Each round minimises the second-order model over the prices that are not negative, and looks
    along the way there for a point at which the slope of :math:`\varphi` has become small.

    Parameters
    ----------
    reply
        Gradient (`left`) and what the curvature needs, at prices.
    curvature
        Second derivative over some of the rows.
    start
        First prices, shape ``(rows,)``.
    away
        Asked in each round whether the search runs off to infinity.
    stride
        First look along a step no further than this, as a share of one plus the price.
    looks
        Stop after about so many evaluations.

    Notes
    -----
    Semismooth Newton method with a regularised model (Qi and Sun 1993; Li, Sun and Toh 2018). The
    gradient alone steers the search, since near the optimum values of the function are rounding.
    """
    taken = reply(start)
    best, idle = np.inf, 0
    for turn in range(_ROUNDS):
        miss = missing(taken)
        idle = 0 if miss < 0.5 * best else idle + 1
        best = min(best, miss)
        if miss <= _CLOSE:
            return Ended(taken, "met")
        if idle >= 6 and best < 1e-8:
            return Ended(taken, "rounds")
        if away(taken):
            return Ended(taken, "away")
        step = _step(taken, curvature)
        length = float(np.max(np.abs(step) / (1.0 + taken.prices), initial=0.0))
        size = min(1.0, stride / length) if length > 0 else 1.0
        found, tries = _along(reply, taken, step, size, 0.3 if turn < _FAST else 0.0)
        looks -= tries
        if found is None:
            return Ended(taken, "jump")
        taken = found
        if looks <= 0:
            break
    return Ended(taken, "rounds")


def missing(taken: Taken) -> float:
    """Return the larger of what is overused and of the gap, as shares of rows and objective."""
    over = float(np.max(-taken.left, initial=0.0))
    return max(over, abs(float(taken.prices @ taken.left)))


def _step(taken: Taken, curvature: Curvature) -> Floats:
    """Return the way to the least value of the second-order model."""
    prices, left = taken.prices, taken.left
    near = min(_NEAR, _SIGHT * missing(taken))
    chosen = np.flatnonzero((prices > 0) | (left < near))
    bend = curvature(taken, chosen)
    now, slope = prices[chosen], left[chosen]
    top = float(np.max(np.diag(bend), initial=0.0))
    more = _DAMPING * np.abs(slope) / (now + 1.0) + _PROX * top
    bend.flat[:: now.size + 1] += np.where(more > 0, more, 1e-12)
    step = np.zeros_like(prices)
    step[chosen] = complementary(bend, slope - bend @ now, (now > 0) | (slope < 0)) - now
    return step


def complementary(matrix: Floats, offset: Floats, free: NDArray[np.bool_]) -> Floats:
    r"""Return :math:`z \ge 0` with :math:`w = Q z + q \ge 0` and :math:`z^T w = 0`.

    Parameters
    ----------
    matrix
        Positive definite ``Q``, shape ``(rows, rows)``.
    offset
        ``q``, shape ``(rows,)``.
    free
        Guess of which z are above zero.

    Notes
    -----
    Block principal pivoting with Murty's rule as the safeguard (Portugal, Júdice and Vicente
    1994).
    """
    free = free.copy()
    fewest, patience = offset.size + 1, _PATIENCE
    scale = 1e-13 * float(np.max(np.abs(offset), initial=0.0))
    solution = np.zeros_like(offset)
    for _ in range(100 + 10 * offset.size):
        at = np.flatnonzero(free)
        solution = np.zeros_like(offset)
        solution[at] = solve(matrix[at[:, None], at], -offset[at])
        wrong = np.where(free, solution < 0, matrix @ solution + offset < -scale)
        count = int(np.count_nonzero(wrong))
        if not count:
            break
        if count < fewest:
            fewest, patience = count, _PATIENCE
        elif patience:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free ^= wrong
    return np.maximum(solution, 0.0)


def solve(matrix: Floats, right: Floats) -> Floats:
    """Return the solution of a positive definite system, small ones without ceremony."""
    if not right.size:
        return right
    _, solution, failed = lapack.dposv(matrix, right)
    return np.asarray(np.linalg.solve(matrix, right) if failed else solution)


def _along(
    reply: Reply, taken: Taken, step: Floats, size: float, over: float
) -> tuple[Taken | None, int]:
    """Return a point along a step where the slope is small, and how many were tried.

    There is None where the slope jumps past zero.
    """
    first = float(step @ taken.left)
    if not first < 0:
        return None, 0
    falls = step < 0
    most = float(np.min(taken.prices[falls] / -step[falls], initial=np.inf))
    low, high, low_slope, high_slope = 0.0, np.inf, first, np.inf
    for tries in range(1, _TRIES + 1):
        here = reply(np.maximum(taken.prices + size * step, 0.0))
        slope = float(step @ here.left)
        if slope > -over * first:
            high, high_slope = size, slope
        else:
            low, low_slope = size, slope
            far = size >= most or tries >= _STRIDES
            if slope >= 0.5 * first or far or high <= 2.0 * size:
                return here, tries
        if high == np.inf:
            size = min(4.0 * size, most)
            continue
        if high - low <= _JUMP * high:
            break
        share = low_slope / (low_slope - high_slope) if low_slope < 0 else 0.5
        size = low + (high - low) * min(max(share, 0.1), 0.9)
    return None, _TRIES
