"""Projecting spends onto a plan's limits: bounds and budget by arithmetic, rows by an engine.

- `fit_spend`, `fit_shares` and `in_proportion` keep bounds and one budget, for many runs at once,
  and need no engine.
- `best_for` maximises other curves than the problem's own under all of its limits;
  `project_onto_limits` finds a split near a wished one that keeps them.

The first three know no limits across channels. Where rows hold outcomes, `project_onto_limits` goes
from the wish towards the best split until they are kept: that is within the limits, not nearest.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import Curve, Log, stack
from budgetopt.errors import SolverError
from budgetopt.optimize.batched import best_of_runs
from budgetopt.optimize.engines import solve
from budgetopt.optimize.problem import Problem


def fit_spend(wish: Floats, lower: Floats, upper: Floats, budget: Floats, *, all_: bool) -> Floats:
    r"""Project wished spends onto bounds and budget.

    Each wish is clipped to its bounds, :math:`y_i = \mathrm{clip}(x_i, l_i, u_i)`. Where the sum is
    above the budget, every channel gives up the same share of what it has above its lower bound;
    where it is below and all is to be spent, every channel gets the same share of its room.

    Parameters
    ----------
    wish, lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    budget
        Money, shape ``()`` or ``(runs,)``; at least the sum of `lower`.
    all_
        Whether the whole budget is to be spent as far as the bounds allow.

    Returns
    -------
    ndarray
        Money, shape of the bounds.

    Notes
    -----
    Not the nearest split in any norm: what is above the budget is taken in proportion to what each
    channel can give, so that no channel meets its bound before the others do.
    """
    inside = np.clip(wish, lower, upper)
    over = inside.sum(axis=-1) - budget
    slack, room = inside - lower, upper - inside
    with np.errstate(all="ignore"):
        give = np.clip(np.nan_to_num(over / slack.sum(axis=-1)), 0.0, 1.0)
        take = np.clip(np.nan_to_num(-over / room.sum(axis=-1)), 0.0, 1.0) if all_ else 0.0 * give
    fitted = inside - slack * give[..., None] + room * take[..., None]
    # Arithmetic may step over a bound by its last digit.
    return np.asarray(np.clip(fitted, lower, upper))


def fit_shares(weight: Floats, lower: Floats, upper: Floats, budget: Floats) -> Floats:
    r"""Return spends in proportion to weights wherever the bounds let them be.

    One scale :math:`\tau` serves all, :math:`x_i = \mathrm{clip}(\tau w_i, l_i, u_i)`, chosen so
    that the sum is the budget, or as near below it as the upper bounds allow. The sum is piecewise
    linear in :math:`\tau` with kinks where a channel meets a bound, so it is solved exactly on
    the sorted kinks.

    Parameters
    ----------
    weight
        At least 0, shape ``(channels,)`` or ``(runs, channels)``.
    lower, upper
        Money, same shape.
    budget
        Money, shape ``()`` or ``(runs,)``; at least the sum of `lower`.

    Returns
    -------
    ndarray
        Money, shape of the bounds.
    """
    weight, lower, upper = np.broadcast_arrays(weight, lower, upper)
    # Weights of zero have their kinks nowhere, tiny ones beyond all numbers; bounds catch both.
    with np.errstate(all="ignore"):
        kinks = np.concatenate([lower / weight, upper / weight], axis=-1)
        kinks = np.sort(np.where(np.isfinite(kinks), kinks, 0.0), axis=-1)
        wish = kinks[..., :, None] * weight[..., None, :]
        sums = np.clip(wish, lower[..., None, :], upper[..., None, :]).sum(axis=-1)
        # The last kink at which the sum still fits, and the first at which it does not.
        fits = np.maximum((sums <= np.asarray(budget)[..., None]).sum(axis=-1) - 1, 0)
        over = np.minimum(fits + 1, kinks.shape[-1] - 1)
        low, high = _entry(sums, fits), _entry(sums, over)
        share = np.clip(np.where(high > low, (budget - low) / (high - low), 0.0), 0.0, 1.0)
        scale = _entry(kinks, fits) + share * (_entry(kinks, over) - _entry(kinks, fits))
        return np.asarray(np.clip(scale[..., None] * weight, lower, upper))


def in_proportion(last: Floats, lower: Floats, upper: Floats, total: Floats) -> Floats:
    """Return what a split's proportions are at another total, as near to them as bounds let be.

    What they cannot take is shared out by room; without any money in the split, all of it is.

    Parameters
    ----------
    last, lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    total
        Money, shape ``()`` or ``(runs,)``; between the sums of the bounds.
    """
    shares = fit_shares(last, lower, upper, total)
    return fit_spend(shares, lower, upper, total, all_=True)


def _entry(table: Floats, at: NDArray[np.intp]) -> Floats:
    """Return one entry of the last axis for each position."""
    entry: Floats = np.take_along_axis(table, at[..., None], axis=-1)[..., 0]
    return entry


ROUGH = 1e-6
"""Share of its own size by which a row may be missed: rounding to exact money takes it away."""
_PROVEN = 1e-9
"""Share of the outcome by which a split that is called best may miss the best."""
_HALVINGS = 50
"""Halvings of the way to the best split, down to the last digits."""


def best_for(problem: Problem, best: Floats, curves: Curve) -> Floats:
    """Return the best split for curves other than those the week is judged by.

    Parameters
    ----------
    problem
        The week.
    best
        Its best split by its own curves, shape ``(channels,)``.
    curves
        Curves over its channels.
    """
    if problem.plain:
        bounds = (problem.lower, problem.upper, problem.budget_money)
        # Where this cannot prove its answer the engines can, with a bound that is not asked for.
        with suppress(SolverError):
            found = best_of_runs(curves, *bounds, spend_all=problem.spend_all, gap=_PROVEN)
            if found.bound <= found.outcome + _PROVEN * abs(found.outcome):
                return found.spend
    same = curves is problem.curves
    spend = best if same else solve(replace(problem, curves=curves)).spend
    # Limits on outcomes hold by the week's own curves, whatever these say.
    return project_onto_limits(problem, best, spend)


def project_onto_limits(problem: Problem, best: Floats, spend: Floats) -> Floats:
    r"""Project spends within bounds and budget onto the rows, where they violate one.

    The nearest split in relative terms: with :math:`s` the equal share of the budget it maximises
    :math:`\sum_i (y_i + s) \ln(1 + x_i / s) - x_i`, whose peak without rows is the wish :math:`y`.
    Rows that see outcomes would not know these curves; with them the spends are moved towards the
    best split, as far as the rows ask for. To the second order at the wish the distance is
    :math:`\sum_i (x_i - y_i)^2 / (2 (y_i + s))`, a chi-square of spends.

    Parameters
    ----------
    problem
        The week.
    best
        A split that keeps every row, shape ``(channels,)``.
    spend
        Money within bounds and budget, same shape.
    """
    if not violated_limits(problem, spend):
        return spend
    if problem.rows.outcome.nnz:
        return _towards(problem, best, spend)
    equal, ones = problem.budget_money / spend.size, np.ones(spend.size)
    pull = stack([Log(wish + equal, equal) for wish in spend.tolist()])
    return solve(replace(problem, curves=pull, weight=ones, cost=ones)).spend


def _towards(problem: Problem, best: Floats, spend: Floats) -> Floats:
    """Return spends moved towards the best split: what keeps convex rows is the end of the way."""
    near, far = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (near + far)
        if violated_limits(problem, spend + middle * (best - spend), slack=0.0):
            near = middle
        else:
            far = middle
    return np.asarray(spend + far * (best - spend))


def violated_limits(problem: Problem, spend: Floats, slack: float = ROUGH) -> list[str]:
    """Return the limits whose rows are violated by more than a share of the rows' own size."""
    if not problem.limits:
        return []
    rows = problem.rows
    value, last = problem.curves.value(spend), problem.last_money
    size = np.abs(rows.room) + abs(rows.money) @ spend + rows.outcome @ value
    over = rows.used(spend, value, last) - rows.room > slack * size
    return [name for name, broken in zip(rows.names, over.tolist(), strict=True) if broken]
