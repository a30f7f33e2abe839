"""Fitting wished spends into bounds and a budget by arithmetic alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fit_spend(wish: Floats, lower: Floats, upper: Floats, budget: Floats, *, all_: bool) -> Floats:
    r"""Return wished spends drawn into bounds and budget.

    Each wish is drawn into its bounds, :math:`y_i = \mathrm{clip}(x_i, l_i, u_i)`. Where the sum is
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


def _entry(table: Floats, at: NDArray[np.intp]) -> Floats:
    """Return one entry of the last axis for each position."""
    entry: Floats = np.take_along_axis(table, at[..., None], axis=-1)[..., 0]
    return entry
