"""Concave curves under any rows without counts, solved through the prices of the rows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import BudgetoptError, InfeasibleError, SolverError
from budgetopt.optimize.dual.newton import Ended, Reply, minimise, solve
from budgetopt.optimize.dual.responses import Chords, Scaled, Taken
from budgetopt.optimize.lagrangian import Field, priced
from budgetopt.optimize.rows import Rows
from budgetopt.optimize.solved import Solved

Floats = NDArray[np.float64]

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


def dual(field: Field, rows: Rows, *, start: Floats | None = None) -> Solved:
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

    Returns
    -------
    Solved
        Bounds are kept exactly, rows to rounding error; the gap to `bound` is at most 1e-7 of it.

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
        scaled = Scaled(field, rows)
        search = _Search(scaled)
        first = _first_prices(scaled) if start is None else scaled.scaled(start)
        ended = search.run(scaled.smooth, first, looks=_LOOKS)
        best = search.settle(ended.taken, scaled.low, scaled.high)
        if best.rank > _GOOD:
            best = _untied(search, ended.taken, best)
    if best.gap > _ENOUGH or best.over > _KEPT:
        raise _not_converged(best)
    return best.solved


class _Search:
    """Newton's method on one problem, with a look-out for rows that contradict each other."""

    def __init__(self, scaled: Scaled) -> None:
        self.scaled = scaled
        self.limit = _FAR

    def run(
        self,
        reply: Reply,
        start: Floats,
        stride: float = np.inf,
        looks: int = 1000,
    ) -> Ended:
        """Return where the search ends; raise where no split keeps the rows."""
        curvature, away = self.scaled.curvature, self._contradicts
        ended = minimise(reply, curvature, start, away=away, stride=stride, looks=looks)
        if ended.how == "away":
            raise self._clash(ended.taken.prices)
        return ended

    def _contradicts(self, taken: Taken) -> bool:
        """Return whether the prices prove that no split keeps the rows.

        With an objective of zero the bound is zero at least, if there is a split at all.
        """
        high = float(np.max(taken.prices, initial=0.0))
        if high < self.limit:
            return False
        self.limit = 8.0 * high
        return self._proves(taken.prices)

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
        said = ", ".join(repr(name) for name in names)
        return InfeasibleError(
            "limits-clash",
            f"no split keeps {said} together within the channels' bounds",
            field=",".join(names),
            remedy="relax one of them, or the floors and caps",
        )

    def settle(self, taken: Taken, low: Floats, high: Floats) -> _Try:
        """Return the candidate that the channels' answer leads to."""
        scaled = self.scaled
        spend = _repaired(scaled, taken, low, high)
        prices = scaled.prices(taken.prices)
        bound = priced(scaled.field, scaled.rows, prices).bound
        field = scaled.field
        reached = float(field.weight @ field.curves.value(spend) - field.cost @ spend)
        gap = (bound - reached) / max(abs(bound), 1e-6 * scaled.worth)
        over = float(np.max(-scaled.left(spend), initial=0.0))
        gap = gap if np.isfinite(gap) else np.inf
        return _Try(Solved(spend, prices, bound, "dual"), gap, over)


def _repaired(scaled: Scaled, taken: Taken, low: Floats, high: Floats) -> Floats:
    """Return spends that keep the rows to rounding error, and use up those with a price.

    What is missing is shared out among free channels in proportion to what they give, which is
    the least change in the objective to second order.
    """
    spend = taken.spend
    tight = (taken.prices > 0) & (np.abs(taken.left) < 1e-6)
    for _ in range(6):
        left = scaled.left(spend)
        need = np.where(tight, left, np.minimum(left, 0.0))
        if np.max(np.abs(need), initial=0.0) <= 1e-15:
            break
        tight = tight | (left < 0)
        chosen = np.flatnonzero(tight)
        taken = taken._replace(spend=spend)
        bend = scaled.curvature(taken, chosen)
        bend.flat[:: chosen.size + 1] += 1e-13 * np.max(np.diag(bend)) + 1e-300
        share = solve(bend, need[chosen])
        aim = spend + taken.gives * (scaled.effect(taken, chosen).T @ share)
        spend = np.clip(aim, low, high)
        stuck = spend != aim
        if stuck.any():
            taken = taken._replace(gives=np.where(stuck, 0.0, taken.gives))
    return spend


def _untied(search: _Search, taken: Taken, best: _Try) -> _Try:
    """Return the best candidate where channels on straight pieces are tied at one price."""
    scaled, prices = search.scaled, taken.prices
    for share in _WINDOWS:
        half = share * scaled.costs(prices)
        taken = search.run(partial(scaled.averaged, half=half), prices, _STRIDE * share).taken
        prices = taken.prices
    for _ in range(_DRAWS):
        chords = _pulled(scaled.chords(prices, _WINDOWS[-1] * scaled.costs(prices)), taken.spend)
        taken = search.run(
            partial(scaled.drawn, chords=chords), prices, _STRIDE * _WINDOWS[-1]
        ).taken
        prices = taken.prices
        low, high = scaled.low.copy(), scaled.high.copy()
        low[chords.at], high[chords.at] = chords.low, chords.high
        found = search.settle(taken, low, high)
        best = min(best, found, key=lambda one: one.rank)
        if best.rank <= _GOOD:
            break
    return best


def _pulled(chords: Chords, spend: Floats) -> Chords:
    return chords._replace(pull=np.clip(spend[chords.at], chords.low, chords.high))


def _first_prices(scaled: Scaled) -> Floats:
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
        taken = scaled.smooth(start)
        miss = float(taken.left[scaled.widest])
        if abs(miss) < _ROUGH:
            break
        row = np.array([scaled.widest])
        fall = price * float(scaled.curvature(taken, row)[0, 0])
        # Newton's method on the logarithm of the price, a factor of ten at a time.
        price *= float(np.exp(np.clip(-miss / max(fall, 1e-300), -2.3, 2.3)))
    return start


def _sampled(scaled: Scaled) -> Floats:
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
        f"the search for the prices ended {best.gap:.1e} from the optimum, with "
        f"{best.over:.1e} of a row overused",
        field="method",
        value="dual",
        remedy="try another method, and report the plan if its curves are concave",
    )
