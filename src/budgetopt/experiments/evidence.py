r"""How much the data speak for one arm being above another: e-processes of pairs, day by day.

For arms i and j and a ratio :math:`\rho \le 1` each function returns :math:`\ln E_{ij}(\rho)`.
Under every truth with :math:`v_i \le \rho\,v_j` it holds, however often you check and however
shares are moved from day to day, that

.. math:: P(\text{ever } E_{ij}(\rho) \ge c) \le 1/c .

Only days on which both arms ran count, so a day that is good for all arms favours none. Evidence
within a day is not split further, so looking more than daily is the same as looking daily.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from budgetopt.arrays import Floats

LEADS = np.geomspace(0.02, 1.5, 14)
"""Log ratios by which an arm may be ahead, equally likely a priori: from 2 % to fourfold."""
TYPICAL_LEADS = np.array([0.1, 0.3, 1.0])
"""By which share of the expected revenue arms differ, equally likely a priori."""
_VARIANCE_SHAPE = 1.0


def evidence_of_counts(events: Floats, exposure: Floats, ratio: float = 1.0) -> Floats:
    r"""Return the log evidence for event rates, such as CTR, CVR or conversions per money.

    With events x, exposures e on day d and a lead :math:`\eta`,

    .. math:: \ln E = \ln \operatorname*{mean}_\eta \exp \sum_d \Bigl[ \eta x_{id} - (x_{id} +
              x_{jd}) \ln \frac{\rho e^\eta e_{id} + e_{jd}}{\rho e_{id} + e_{jd}} \Bigr].

    Parameters
    ----------
    events, exposure
        By day and arm, at least zero, shape ``(..., days, arms)``.
    ratio
        Above 0, at most 1.

    Returns
    -------
    ndarray
        Shape ``(..., arms, arms)``; nothing seen gives 0.

    Notes
    -----
    *Proof.* A term is :math:`x_i \ln u + x_j \ln w` with :math:`u \ge 1 \ge w`. A trial of rate p
    gives :math:`E[u^x] \le 1 + p(u - 1) \le e^{p(u-1)}`, for fractions of a conversion too, as does
    a Poisson count. So a day's factor is at most :math:`\exp(e_i v_i (u - 1) + e_j v_j (w - 1))` on
    average, and at :math:`v_i = \rho v_j` the exponent is zero by the choice of u and w; for a
    smaller :math:`v_i` it is negative. Products and averages over :math:`\eta` stay
    supermartingales; Ville (1939). The rates may differ from day to day. For Poisson counts it is
    the likelihood ratio given the day's total (Przyborowski and Wilenski 1940). The theory stops
    where events come in clusters.
    """
    logs = np.zeros((*events.shape[:-2], events.shape[-1], events.shape[-1], LEADS.size))
    for day in range(events.shape[-2]):
        x, e = events[..., day, :], exposure[..., day, :]
        xi, xj = x[..., :, None, None], x[..., None, :, None]
        ei, ej = ratio * e[..., :, None, None], e[..., None, :, None]
        weight = ei / np.where(ei + ej > 0, ei + ej, 1.0)
        both = (ei > 0) & (ej > 0)
        logs += np.where(both, LEADS * xi - (xi + xj) * np.log1p(weight * np.expm1(LEADS)), 0.0)
    return np.asarray(logsumexp(logs, axis=-1) - np.log(LEADS.size))


def evidence_of_averages(
    sums: Floats, counts: Floats, ratio: float = 1.0, *, expected: float, spread: float
) -> Floats:
    r"""Return the log evidence for averages, such as revenue per click.

    The differences :math:`\delta_d = x_{id} - \rho x_{jd}` of the day's averages are
    :math:`N(\Delta, \sigma^2 / h_d)` with :math:`1/h_d = 1/w_{id} + \rho^2/w_{jd}`. E is their
    marginal likelihood under a mixture of normal-gamma priors of :math:`(\Delta, \sigma)`, all
    centred on no difference, over their highest likelihood with :math:`\Delta \le 0` and any
    :math:`\sigma`.

    Parameters
    ----------
    sums, counts
        Revenue, and clicks or conversions, by day and arm, shape ``(..., days, arms)``.
    ratio
        Above 0, at most 1.
    expected
        Expected average, above zero.
    spread
        Standard deviation of one click or conversion as a multiple of it, above zero.

    Returns
    -------
    ndarray
        Shape ``(..., arms, arms)``; nothing seen gives 0.

    Notes
    -----
    *Proof.* At the truth, mixture over likelihood is a nonnegative martingale from 1 whatever the
    prior, and the highest likelihood is not below that of the truth (Wasserman, Ramdas and
    Balakrishnan 2020, section 8). The theory stops where one order spreads unlike in the two arms
    while their shares move, and where a day has few orders of very unequal size.
    """
    x = sums / np.where(counts > 0, counts, 1.0)
    w = np.where(counts > 0, counts, np.nan)
    with np.errstate(invalid="ignore"):
        h = np.nan_to_num(1 / (1 / w[..., :, None] + ratio**2 / w[..., None, :]))
    delta = x[..., :, None] - ratio * x[..., None, :]
    days, weight = (h > 0).sum(axis=-3), h.sum(axis=-3)
    mean = (h * delta).sum(axis=-3) / np.where(weight > 0, weight, 1.0)
    squares = (h * (delta - mean[..., None, :, :]) ** 2).sum(axis=-3)
    start, shape = _VARIANCE_SHAPE * (spread * expected) ** 2, _VARIANCE_SHAPE + days / 2
    own = ((spread / TYPICAL_LEADS) ** 2).reshape(-1, *np.ones(mean.ndim, dtype=int))
    rate = start + (squares + own * weight / (own + weight) * mean**2) / 2
    marginals = np.log(own / (own + weight)) / 2 - shape * np.log(rate)
    marginal = logsumexp(marginals, axis=0) - np.log(TYPICAL_LEADS.size)
    marginal += gammaln(shape) - gammaln(_VARIANCE_SHAPE) + _VARIANCE_SHAPE * np.log(start)
    least = np.maximum(squares + weight * np.maximum(mean, 0.0) ** 2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        highest = -days / 2 * (np.log(least / np.maximum(days, 1)) + 1)
    # Days that differ in nothing fit any variance, and say nothing.
    return np.asarray(np.where(days > 0, marginal - highest, 0.0))
