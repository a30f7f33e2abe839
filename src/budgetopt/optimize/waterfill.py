"""Concave curves under one budget and bounds, solved by one price, for all runs at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.curves import Curve
from budgetopt.errors import SolverError

Floats = NDArray[np.float64]

_ROUNDS = 200
"""Far above need: a bisection of the logarithm of the price ends sooner than this."""
_NEWTON_ROUNDS = 40
"""Newton's method needs some five rounds; past these only bisection is trusted."""
_CLOSE = 1e-11
"""Share of the budget the sum may miss before the last step, whose own error is its square."""
_ULP = 4e-16
"""Relative width at which a bracket of the log price cannot shrink, so that the sum jumps there."""
_SAMPLE = 64
"""With more than `_MANY` channels every 64th is solved first, for a good start on all."""
_MANY = 8192


class Filled(NamedTuple):
    """Spends and the price of the budget.

    Parameters
    ----------
    spend
        Money by channel, shape ``(channels,)`` or ``(runs, channels)``.
    price
        Outcome per unit of money that one more unit of budget brings, shape ``()`` or ``(runs,)``;
        0 where money is left over.
    """

    spend: Floats
    price: Floats


def waterfill(
    curves: Curve, lower: ArrayLike, upper: ArrayLike, budget: ArrayLike, price: ArrayLike = 0.0
) -> Filled:
    r"""Maximise :math:`\sum_i f_i(x_i)` over :math:`\sum_i x_i \le B,\ l \le x \le u`.

    At the optimum there is a price :math:`\lambda` at which every channel strictly between its
    bounds has slope :math:`\lambda`, so that
    :math:`x_i(\lambda) = \mathrm{clip}(f_i'^{-1}(\lambda), l_i, u_i)` and one equation is left,
    :math:`\sum_i x_i(\lambda) = B`. It is solved by Newton's method on :math:`\ln\lambda`, kept
    inside a bracket. Where the sum jumps (straight pieces of equal slope) the channels at the jump
    share what is left in proportion to their jumps.

    Parameters
    ----------
    curves
        Concave curves over the channels, parameters ``(channels,)`` or ``(runs, channels)``.
    lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``; the lower bounds must fit the budget.
    budget
        Money, shape ``()`` or ``(runs,)``.
    price
        Where to start the search, if known from a similar problem; shape of `budget`.

    Returns
    -------
    Filled
        Money that brings nothing at all is left unspent.

    Raises
    ------
    SolverError
        ``not-converged``: not seen for concave curves.

    Notes
    -----
    Source: Everett (1963); Patriksson (2008), "A survey on the continuous nonlinear resource
    allocation problem", section 2. Free of units: scaling money or outcome scales the answer.
    """
    low, money = np.asarray(lower, dtype=np.float64), np.asarray(budget, dtype=np.float64)
    room = np.asarray(money - low.sum(axis=-1))[..., None]
    high = np.minimum(np.asarray(upper, dtype=np.float64), low + np.maximum(room, 0.0))
    with np.errstate(all="ignore"):
        most = np.clip(curves.spend_at_slope(0.0), low, high)
        total = most.sum(axis=-1)
        scarce = np.asarray(total > money)
        if not np.any(scarce):
            return Filled(most, np.zeros(np.shape(scarce)))
        start = np.log(np.asarray(price, dtype=np.float64))
        start = np.where(np.isfinite(start), start, _first_guess(curves, low, high, money))
        spend, log_price = _search(curves, low, high, money, start, scarce)
        return Filled(
            np.where(scarce[..., None], spend, most), np.where(scarce, np.exp(log_price), 0.0)
        )


def _first_guess(curves: Curve, lower: Floats, upper: Floats, budget: Floats) -> Floats:
    """Return the log price that the slopes at an even filling ask for, to first order."""
    channels = np.broadcast_shapes(lower.shape, upper.shape)[-1]
    if channels > _MANY and lower.ndim == 1:
        every = slice(None, None, _SAMPLE)
        share = (budget - lower.sum()) / (upper - lower).sum()
        low, high = lower[every], upper[every]
        part = low.sum() + share * (high - low).sum()
        return np.log(waterfill(curves.take(every), low, high, part).price)
    width = upper - lower
    share = (budget - lower.sum(axis=-1)) / width.sum(axis=-1)
    spend = lower + width * share[..., None]
    slope, decay = curves.slope(spend), curves.slope_decay(spend)
    weight = np.where((slope > 0) & np.isfinite(slope) & (width > 0), decay, 0.0)
    weight = np.where(np.isfinite(weight) & (weight > 0), weight, 0.0)
    logs = np.where(weight > 0, np.log(slope), 0.0)
    guess = (weight * logs).sum(axis=-1) / weight.sum(axis=-1)
    steepest = np.log(np.max(np.where(np.isfinite(slope), slope, 0.0), axis=-1))
    guess = np.where(np.isfinite(guess), guess, steepest)
    return np.where(np.isfinite(guess), guess, 0.0)


def _search(
    curves: Curve,
    lower: Floats,
    upper: Floats,
    budget: Floats,
    start: Floats,
    scarce: NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """Return spends that sum to the budget and their log price; only for runs that are scarce."""
    log_price = np.broadcast_to(start, np.shape(scarce)).astype(np.float64)
    cheap, dear = np.full_like(log_price, -np.inf), np.full_like(log_price, np.inf)
    stride = 1.0
    for turn in range(_ROUNDS):
        spend = _spend_at(curves, log_price, lower, upper)
        miss = spend.sum(axis=-1) - budget
        cheap = np.where(miss > 0, log_price, cheap)
        dear = np.where(miss > 0, dear, log_price)
        give = np.where((spend > lower) & (spend < upper), curves.slope_decay(spend), 0.0)
        step = miss / give.sum(axis=-1)
        met = np.abs(miss) <= _CLOSE * budget
        jump = dear - cheap <= _ULP * np.maximum(1.0, np.abs(log_price))
        if np.all(met | jump | ~scarce):
            break
        ahead, middle = log_price + step, 0.5 * (cheap + dear)
        outward = log_price + np.where(miss > 0, stride, -stride)
        middle = np.where(np.isfinite(middle), middle, outward)
        stride *= 2.0
        inside = (ahead > cheap) & (ahead < dear) & (turn < _NEWTON_ROUNDS)
        log_price = np.where(met | jump, log_price, np.where(inside, ahead, middle))
    else:
        raise _not_converged()
    if np.any(jump & ~met):
        full = _spend_at(curves, cheap, lower, upper)
        bare = _spend_at(curves, dear, lower, upper)
        spend = np.where(met[..., None], spend, _part_way(bare, full, budget))
    share = np.where(met & np.isfinite(step), step, 0.0)
    return np.clip(spend - give * share[..., None], lower, upper), log_price + share


def _spend_at(curves: Curve, log_price: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return what each channel takes at a price, within its bounds."""
    return np.clip(curves.spend_at_slope(np.exp(log_price)[..., None]), lower, upper)


def _part_way(bare: Floats, full: Floats, budget: Floats) -> Floats:
    """Return the point on the way from one filling to the other that meets the budget."""
    low, high = bare.sum(axis=-1), full.sum(axis=-1)
    share = np.where(high > low, (budget - low) / (high - low), 0.0)
    met: Floats = bare + (full - bare) * np.clip(share, 0.0, 1.0)[..., None]
    return met


def _not_converged() -> SolverError:
    return SolverError(
        "not-converged",
        f"the search for the price did not end in {_ROUNDS} rounds",
        field="method",
        remedy="report the plan: concave curves always end sooner",
    )
