"""How far an answer can be from the best: an upper bound from the true curves and one price."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.curves import Curve

_TINY = np.finfo(np.float64).tiny


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
    lower, upper, price = (np.asarray(a, dtype=np.float64) for a in (lower, upper, price))
    upper = np.minimum(upper, np.asarray(budget)[..., None])
    spend = np.clip(curves.spend_at_slope(price[..., None]), lower, np.maximum(lower, upper))
    value: NDArray[np.float64] = curves.envelope(spend).sum(axis=-1)
    return value + price * (np.asarray(budget) - spend.sum(axis=-1))


def relative_gap(bound: float, outcome: float) -> float:
    """Return ``(bound - outcome)/|bound|``, at least 0, and 0 where both are 0."""
    return max(0.0, bound - outcome) / max(abs(bound), float(_TINY))
