"""Which arm is best, how sure that is, and what choosing one may cost: by quadrature.

All integrals run along the posterior's line over panels between the quantiles of every arm, with
Gauss-Legendre nodes in each, so that an arm known to a hair beside one not known at all is seen.
Two runs give the same figures, since nothing is drawn. Mass beyond the outermost quantiles (1e-13)
is left out; probabilities are right to 1e-8.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from budgetopt.experiments.posterior import Floats, Posterior

TAILS = np.array([1e-13, 1e-9, 1e-6, 1e-4, 0.003, 0.03, 0.15, 0.3, 0.5])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
_FARTHEST = 1e6
"""A value remaining above this many times the value itself is as good as unknown."""


def probability_best(posterior: Posterior) -> Floats:
    r"""Return the probability that each arm has the highest value.

    .. math:: P_i = \int f_i(x) \prod_{j \ne i} F_j(x)\, dx

    Returns
    -------
    ndarray
        Shape ``(arms,)``, summing to 1.

    Notes
    -----
    Source: Thompson (1933); Scott (2010), section 2. It is the expected share of Thompson
    sampling.
    """
    point, weight = _nodes(_edges(posterior), posterior.widest)
    others = _others(posterior.cdf(posterior.value(point)))
    raw = weight @ (posterior.density(point) * others)
    return np.asarray(raw / raw.sum())


def expected_loss(posterior: Posterior) -> Floats:
    r"""Return what choosing each arm for good is expected to cost, in units of the value.

    .. math:: E[\max_j v_j - v_i] = \int F_i(x)\,(1 - \prod_{j \ne i} F_j(x))\, dx

    Returns
    -------
    ndarray
        Shape ``(arms,)``, at least zero.

    Notes
    -----
    Source: Stucchio (2015), Bayesian A/B testing at VWO, section 5, here for many arms.
    """
    point, weight = _nodes(_edges(posterior), posterior.widest)
    below = posterior.cdf(posterior.value(point))
    slope = np.broadcast_to(posterior.slope(point), point.shape)
    return np.asarray(weight @ (slope * below * (1.0 - _others(below))))


def value_remaining(posterior: Posterior, arm: int, confidence: float = 0.95) -> float | None:
    r"""Return by which share another arm may still be better than this one.

    The `confidence` quantile of :math:`(\max_j v_j - v_i) / v_i`; zero where arm i is the best with
    at least that probability.

    Parameters
    ----------
    posterior
        What is known of the arms.
    arm
        Position of the arm, usually the one that leads.
    confidence
        From above 0 to below 1.

    Returns
    -------
    float or None
        At least zero; None where the value of the arm may as well be nothing.

    Notes
    -----
    Source: Google Analytics content experiments (Scott 2015, section 3.2, "potential value
    remaining"), where a test ends below 1 %.
    """
    edges = _edges(posterior)

    def short(share: float) -> float:
        return _within(posterior, arm, share, edges) - confidence

    if short(0.0) >= 0:
        return 0.0
    most = 0.01
    while short(most) < 0:
        most *= 4
        if most > _FARTHEST:
            return None
    return float(brentq(short, 0.0, most, xtol=1e-7, rtol=1e-5))


def _within(posterior: Posterior, arm: int, share: float, edges: Floats) -> float:
    """Return the probability that no other arm is above this one's value by more than a share."""
    own = edges[:, arm]
    # What is above the value by the share lies that much lower on the arm's own scale.
    lower = posterior.point(posterior.value(edges) / (1.0 + share))
    cuts = np.concatenate([own, np.clip(lower, own.min(), own.max()).ravel()])
    point, weight = _nodes(cuts, posterior.widest)
    value = posterior.value(point)
    below = posterior.cdf(np.where(value > 0, value * (1.0 + share), -np.inf))
    density = posterior.density(point)[:, arm]
    return float(weight @ (density * _others(below)[:, arm]) / (weight @ density))


def _edges(posterior: Posterior) -> Floats:
    """Return quantiles of every arm on the line, shape ``(2 tails, arms)``."""
    return np.concatenate([posterior.quantile(TAILS), posterior.upper(TAILS)])


def _nodes(edges: Floats, widest: float) -> tuple[Floats, Floats]:
    """Return points ``(points, 1)`` and weights ``(points,)`` over the panels between edges."""
    cuts = np.unique(edges[np.isfinite(edges)])
    if np.isfinite(widest):
        # Between arms that lie far apart the value itself bends along the line.
        cuts = np.union1d(cuts, np.arange(cuts[0], cuts[-1], widest))
    half = np.diff(cuts)[:, None] / 2
    point = cuts[:-1, None] + half * (1.0 + NODES)
    return point.reshape(-1, 1), (half * WEIGHTS).ravel()


def _others(below: Floats) -> Floats:
    """Return for each arm the product over all others, shape ``(points, arms)``."""
    one = np.ones_like(below[:, :1])
    before = np.cumprod(np.concatenate([one, below[:, :-1]], axis=1), axis=1)
    after = np.cumprod(np.concatenate([one, below[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return np.asarray(before * after)
