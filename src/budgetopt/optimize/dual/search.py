"""Concave curves under any rows without counts, solved through the prices of the rows.

- `minimise` is Newton's method for a convex function of prices that must not be negative: each step
  solves a linear complementarity problem, `complementary`.
- `dual` poses the Lagrangian dual of a week's problem, minimises it, and repairs the spends that
  its prices imply until they keep every row.

Right for concave curves only. Where slopes jump, as along points joined by lines, many splits share
the best prices; the repair then picks one, and the gap shows what the choice costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from budgetopt.arrays import Floats
from budgetopt.errors import BudgetoptError, InfeasibleError, SolverError
from budgetopt.i18n import listed, quoted, say
from budgetopt.optimize.dual.responses import Chords, Response, ScaledProblem
from budgetopt.optimize.problem import UNLIMITED, Clock, Rows, Solved
from budgetopt.optimize.waterfill import Field, priced

Oracle = Callable[[Floats], Response]
Curvature = Callable[[Response, NDArray[np.intp]], Floats]

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


class Minimum(NamedTuple):
    """Where the search ended.

    Parameters
    ----------
    response
        The channels' answer at the prices.
    how
        ``"met"``, ``"jump"`` where the spends jump at the optimum, ``"away"`` where the caller
        stopped it, or ``"rounds"``.
    """

    response: Response
    how: str


def minimise(
    oracle: Oracle,
    curvature: Curvature,
    start: Floats,
    *,
    away: Callable[[Response], bool],
    stride: float = np.inf,
    looks: int = 1000,
) -> Minimum:
    r"""Minimise a convex function :math:`\varphi(\nu)` over :math:`\nu \ge 0` by its gradient.

    Each round minimises the second-order model over the prices that are not negative, and looks
    along the way there for a point at which the slope of :math:`\varphi` has become small.

    Parameters
    ----------
    oracle
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
    response = oracle(start)
    best, idle = np.inf, 0
    for turn in range(_ROUNDS):
        miss = missing(response)
        idle = 0 if miss < 0.5 * best else idle + 1
        best = min(best, miss)
        if miss <= _CLOSE:
            return Minimum(response, "met")
        if idle >= 6 and best < 1e-8:
            return Minimum(response, "rounds")
        if away(response):
            return Minimum(response, "away")
        step = _step(response, curvature)
        length = float(np.max(np.abs(step) / (1.0 + response.prices), initial=0.0))
        size = min(1.0, stride / length) if length > 0 else 1.0
        found, tries = _along(oracle, response, step, size, 0.3 if turn < _FAST else 0.0)
        looks -= tries
        if found is None:
            return Minimum(response, "jump")
        response = found
        if looks <= 0:
            break
    return Minimum(response, "rounds")


def missing(response: Response) -> float:
    """Return the larger of what is overused and of the gap, as shares of rows and objective."""
    over = float(np.max(-response.left, initial=0.0))
    return max(over, abs(float(response.prices @ response.left)))


def _step(response: Response, curvature: Curvature) -> Floats:
    """Return the way to the least value of the second-order model."""
    prices, left = response.prices, response.left
    near = min(_NEAR, _SIGHT * missing(response))
    chosen = np.flatnonzero((prices > 0) | (left < near))
    bend = curvature(response, chosen)
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
    oracle: Oracle, response: Response, step: Floats, size: float, over: float
) -> tuple[Response | None, int]:
    """Return a point along a step where the slope is small, and how many were tried.

    There is None where the slope jumps past zero.
    """
    first = float(step @ response.left)
    if not first < 0:
        return None, 0
    falls = step < 0
    most = float(np.min(response.prices[falls] / -step[falls], initial=np.inf))
    low, high, low_slope, high_slope = 0.0, np.inf, first, np.inf
    for tries in range(1, _TRIES + 1):
        here = oracle(np.maximum(response.prices + size * step, 0.0))
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


_GOOD = 1e-10
"""Gap, as a share of the bound, at which nothing better is looked for."""
_ENOUGH = 1e-7
"""Largest gap that is handed back as an answer."""
_KEPT = 1e-11
"""Share of a row's size by which rounding may break it."""
_WINDOWS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6)
"""Shares of the costs over which jumps are averaged, one after the other."""
_LOOKS = 60
"""Evaluations after which jumps are suspected: smooth curves need 6 to 40."""
_STRIDE = 10.0
"""First look along a step, in windows."""
_DRAWS = 30
"""Rounds in which channels on straight pieces are drawn to where they stood: two or three do."""
_MANY = 65_536
"""With more channels than this, every 64th is solved first for a start."""
_EVERY = 64
_GUESSES = 8
"""Rounds for the price of the budget alone, with which a search begins."""
_ROUGH = 0.05
"""Share of the budget by which that price may miss it."""
_FAR = 30.0
"""Scaled prices are around 1; from here on it is asked whether the rows contradict each other."""


class _Try(NamedTuple):
    """A candidate: the answer, its gap and what it overuses, as shares."""

    solved: Solved
    gap: float
    over: float

    @property
    def rank(self) -> float:
        return max(self.gap, self.over * (_GOOD / _KEPT))


def dual(
    field: Field, rows: Rows, *, start: Floats | None = None, left: Clock = UNLIMITED
) -> Solved:
    r"""Maximise :math:`\sum_i w_i f_i(x_i) - c_i x_i` within bounds and rows without counts.

    .. math::
        \min_{\pi \ge 0} \varphi(\pi) = \pi^T room + \sum_i \max_{l_i \le x \le u_i}
        \{ (w_i + P_i^T\pi) f_i(x) - (c_i + A_i^T\pi) x - M_i^T\pi |x - x^{last}_i| \}

    Each channel's maximum is in closed form, where its slope meets
    :math:`(c_i + A_i^T\pi \pm M_i^T\pi)/(w_i + P_i^T\pi)`; the gradient of :math:`\varphi` is what
    the rows have left, and its curvature is :math:`G D G^T`, where G is what a unit of money uses
    and D what a channel gives when its cost falls. So it is minimised by Newton's method
    (`newton.minimise`). Where channels are tied on straight pieces, the jumps are first averaged
    over a window of costs, which shrinks, and then each tied channel is drawn to where it stood
    until nothing moves.

    Parameters
    ----------
    field
        Channels with concave curves; `least_on` is not looked at.
    rows
        Rows without counts.
    start
        Prices to start from, if known from a similar problem, shape ``(rows,)``.
    left
        The caller's time, looked at while ties are untied.

    Returns
    -------
    Solved
        Bounds are kept exactly, rows to rounding error; the gap to `bound` is at most 1e-7 of it,
        but for one whose time ran out.

    Raises
    ------
    InfeasibleError
        ``limits-clash``, with the names of rows that no split keeps together.
    SolverError
        ``not-converged``.

    Notes
    -----
    Source: Everett (1963); Boyd and Vandenberghe (2004), section 5; for the straight pieces the
    proximal method of multipliers (Rockafellar 1976). Free of units: every row is measured by its
    size and the objective by its own.
    """
    field = field._replace(least_on=np.zeros_like(field.lower))
    with np.errstate(all="ignore"):
        scaled = ScaledProblem(field, rows)
        search = _Search(scaled)
        first = _first_prices(scaled) if start is None else scaled.scaled(start)
        ended = search.run(scaled.smooth, first, looks=_LOOKS)
        best = search.settle(ended.response, scaled.low, scaled.high)
        if best.rank > _GOOD:
            best = _untied(search, ended.response, best, left)
    if best.over > _KEPT or (best.gap > _ENOUGH and left() != 0):
        raise _not_converged(best)
    return best.solved


class _Search:
    """Newton's method on one problem, with a look-out for rows that contradict each other."""

    def __init__(self, scaled: ScaledProblem) -> None:
        self.scaled = scaled
        self.limit = _FAR

    def run(
        self,
        oracle: Oracle,
        start: Floats,
        stride: float = np.inf,
        looks: int = 1000,
    ) -> Minimum:
        """Return where the search ends; raise where no split keeps the rows."""
        curvature, away = self.scaled.curvature, self._contradicts
        ended = minimise(oracle, curvature, start, away=away, stride=stride, looks=looks)
        if ended.how == "away":
            raise self._clash(ended.response.prices)
        return ended

    def _contradicts(self, response: Response) -> bool:
        """Return whether the prices prove that no split keeps the rows.

        With an objective of zero the bound is zero at least, if there is a split at all.
        """
        high = float(np.max(response.prices, initial=0.0))
        if high < self.limit:
            return False
        self.limit = 8.0 * high
        return self._proves(response.prices)

    def _proves(self, scaled: Floats) -> bool:
        """Return whether the bound at these prices is below zero when nothing is aimed for."""
        field, prices = self.scaled.field, self.scaled.prices(scaled)
        zero = np.zeros_like(field.weight)
        bare = field._replace(weight=zero, cost=zero, upper=self.scaled.high)
        bound = priced(bare, self.scaled.rows, prices).bound
        return bool(bound < -_KEPT * self.scaled.worth * scaled.sum())

    def _clash(self, prices: Floats) -> InfeasibleError:
        for share in (0.1, 1e-2, 1e-9):
            weighty = np.flatnonzero(prices > share * prices.max())
            if self._proves(np.where(prices > share * prices.max(), prices, 0.0)):
                break
        names = list(dict.fromkeys(self.scaled.rows.names[at] for at in weighty))
        return InfeasibleError(
            "limits-clash",
            say("limits-within-bounds", limits=listed(map(quoted, names))),
            field=",".join(names),
            remedy=say("remedy-relax-or-bounds"),
        )

    def settle(self, response: Response, low: Floats, high: Floats) -> _Try:
        """Return the candidate that the channels' answer leads to."""
        scaled = self.scaled
        spend = _repaired(scaled, response, low, high)
        prices = scaled.prices(response.prices)
        bound = priced(scaled.field, scaled.rows, prices).bound
        field = scaled.field
        reached = float(field.weight @ field.curves.value(spend) - field.cost @ spend)
        gap = (bound - reached) / max(abs(bound), 1e-6 * scaled.worth)
        over = float(np.max(-scaled.left(spend), initial=0.0))
        gap = gap if np.isfinite(gap) else np.inf
        return _Try(Solved(spend, prices, bound, "dual"), gap, over)


def _repaired(scaled: ScaledProblem, response: Response, low: Floats, high: Floats) -> Floats:
    """Return spends that keep the rows to rounding error, and use up those with a price.

    What is missing is shared out among free channels in proportion to what they give, which is
    the least change in the objective to second order.
    """
    spend = response.spend
    tight = (response.prices > 0) & (np.abs(response.left) < 1e-6)
    for _ in range(6):
        left = scaled.left(spend)
        need = np.where(tight, left, np.minimum(left, 0.0))
        if np.max(np.abs(need), initial=0.0) <= 1e-15:
            break
        tight = tight | (left < 0)
        chosen = np.flatnonzero(tight)
        response = response._replace(spend=spend)
        bend = scaled.curvature(response, chosen)
        bend.flat[:: chosen.size + 1] += 1e-13 * np.max(np.diag(bend)) + 1e-300
        share = solve(bend, need[chosen])
        aim = spend + response.gives * (scaled.effect(response, chosen).T @ share)
        spend = np.clip(aim, low, high)
        stuck = spend != aim
        if stuck.any():
            response = response._replace(gives=np.where(stuck, 0.0, response.gives))
    return spend


def _untied(search: _Search, response: Response, best: _Try, left: Clock) -> _Try:
    """Return the best candidate where channels on straight pieces are tied at one price."""
    scaled, prices = search.scaled, response.prices
    for share in _WINDOWS:
        if left() == 0:
            return best
        half = share * scaled.costs(prices)
        response = search.run(partial(scaled.averaged, half=half), prices, _STRIDE * share).response
        prices = response.prices
    for _ in range(_DRAWS):
        chords = _pulled(scaled.chords(prices, _WINDOWS[-1] * scaled.costs(prices)), response.spend)
        response = search.run(
            partial(scaled.drawn, chords=chords), prices, _STRIDE * _WINDOWS[-1]
        ).response
        prices = response.prices
        low, high = scaled.low.copy(), scaled.high.copy()
        low[chords.at], high[chords.at] = chords.low, chords.high
        found = search.settle(response, low, high)
        best = min(best, found, key=lambda one: one.rank)
        if best.rank <= _GOOD or left() == 0:
            break
    return best


def _pulled(chords: Chords, spend: Floats) -> Chords:
    return chords._replace(pull=np.clip(spend[chords.at], chords.low, chords.high))


def _first_prices(scaled: ScaledProblem) -> Floats:
    """Return prices to start from: those of a sample of channels, or one price for the budget."""
    size = scaled.low.size
    if size > _MANY:
        try:
            return _sampled(scaled)
        except BudgetoptError:
            pass
    start = np.zeros(scaled.rows.size)
    if scaled.widest is None:
        return start
    gain = scaled.weight * scaled.curves.slope(scaled.middle) - scaled.cost
    gain = gain[np.isfinite(gain) & (scaled.high > scaled.low)]
    price = float(np.median(gain)) / scaled.unit if gain.size else 0.0
    for _ in range(_GUESSES if price > 0 else 0):
        start[scaled.widest] = price
        response = scaled.smooth(start)
        miss = float(response.left[scaled.widest])
        if abs(miss) < _ROUGH:
            break
        row = np.array([scaled.widest])
        fall = price * float(scaled.curvature(response, row)[0, 0])
        # Newton's method on the logarithm of the price, a factor of ten at a time.
        price *= float(np.exp(np.clip(-miss / max(fall, 1e-300), -2.3, 2.3)))
    return start


def _sampled(scaled: ScaledProblem) -> Floats:
    """Return the scaled prices of a problem with every 64th channel and as much of the room."""
    field, rows, every = scaled.field, scaled.rows, slice(None, None, _EVERY)
    whole = abs(rows.money) @ scaled.middle + rows.outcome @ scaled.middle
    some = replace(
        rows,
        money=rows.money[:, every],
        moved=rows.moved[:, every],
        outcome=rows.outcome[:, every],
        on=rows.on[:, every],
        moves=rows.moves[:, every],
    )
    middle = scaled.middle[every]
    share = (abs(some.money) @ middle + some.outcome @ middle) / np.where(whole > 0, whole, 1.0)
    share = np.where(whole > 0, share, 1.0 / _EVERY)
    part = Field(field.curves.take(every), *(array[every] for array in field[1:]))
    return scaled.scaled(dual(part, replace(some, room=rows.room * share)).prices)


def _not_converged(best: _Try) -> SolverError:
    return SolverError(
        "not-converged",
        say("search-prices-ended", gap=f"{best.gap:.1e}", over=f"{best.over:.1e}"),
        field="method",
        value="dual",
        remedy=say("remedy-try-another-method"),
    )
