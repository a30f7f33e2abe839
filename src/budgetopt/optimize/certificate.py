"""How far an answer can be from the best: an upper bound from the true curves and one price."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.curves import Curve
from budgetopt.optimize.waterfill import quick


def lagrangian_bound(
    curves: Curve, lower: ArrayLike, upper: ArrayLike, budget: ArrayLike, price: ArrayLike
) -> NDArray[np.float64]:
    r"""Return an upper bound on every split's outcome, valid for any price.

    :math:`\sum_i \max_{l_i \le x \le u_i} (f_i(x) - \lambda x) + \lambda B`, where the maximum of a
    concave :math:`f_i` lies at its spend at slope :math:`\lambda`, drawn into the bounds.

    Parameters
    ----------
    curves
        Concave curves over the channels; points that fall short of concave count by their
        concave envelope.
    lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    budget, price
        Money and outcome per unit of money, shape ``()`` or ``(runs,)``.

    Returns
    -------
    ndarray
        Shape of `price`.

    Notes
    -----
    Weak duality (Boyd and Vandenberghe 2004, section 5.1.3): it needs no trust in how the price
    was found. It is tight at the optimal price.
    """
    rate, money = np.asarray(price, dtype=np.float64), np.asarray(budget, dtype=np.float64)
    low = np.asarray(lower, dtype=np.float64)
    room = np.maximum(money - low.sum(axis=-1), 0.0)[..., None]
    high = np.minimum(upper, low + room)
    spend = quick(curves, low, high, money).spend_at_slope(rate[..., None])
    spend = np.clip(spend, low, high)
    left = money - spend.sum(axis=-1)
    # No money left is worth nothing, even at the infinite price of an infinite slope.
    worth = np.multiply(rate, left, where=left != 0, out=np.zeros(np.shape(left)))
    return np.asarray(curves.envelope(spend).sum(axis=-1) + worth)
