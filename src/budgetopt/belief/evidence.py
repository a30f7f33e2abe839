r"""Evidence beside the weeks: lift tests, and what an earlier model says.

A test that moved one channel from a low to a high weekly spend says
:math:`z = A\,(g_k(high) - g_k(low)) + N(0, s^2)` with the incremental outcome per week ``z`` and
its standard error ``s``. In every cell the log-normal ``A`` is renewed by one-dimensional
quadrature, so that a result of zero or below is as good as any other. Its nodes lie where the
prior, the test and both together have their mass, so that neither a sharp test nor a surprising
one falls between them.
"""

from __future__ import annotations

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.belief.filter.run import FilterState, weigh
from budgetopt.belief.filter.state import PriorModel
from budgetopt.belief.settings import Grid
from budgetopt.plan import LiftTest

_NODE = np.linspace(-8.0, 8.0, 401)
"""Nodes of the quadrature in standard deviations: around the prior, the result and the mode."""
_HALVINGS = 40
_LEAST = 1e-12
"""No test leaves less than this share of the variance: the nodes' rounding is of that size."""
_TINY = float(np.finfo(np.float64).tiny)


def log_step(test: LiftTest, grid: Grid) -> Floats:
    r"""Return the logarithm of what each cell brings more at the high spend, ``(cells,)``.

    It is :math:`\ln(g_k(high) - g_k(low))`, per unit of amplitude.
    """
    high = np.exp(grid.log_value(np.array(test.high)))
    low = np.exp(grid.log_value(np.array(test.low))) if test.low > 0 else 0.0
    return np.log(np.maximum(high - low, _TINY))


def renewed(
    mean: Floats, variance: Floats, step: Floats, test: LiftTest
) -> tuple[Floats, Floats, Floats]:
    r"""Return mean, variance and log evidence of log amplitudes after a test.

    With prior :math:`a \sim N(m, v)` and the test's :math:`z \sim N(e^{a + step}, s^2)` the
    evidence is :math:`\int N(a; m, v)\,N(z; e^{a + step}, s^2)\,da` up to a factor that all cells
    share, and mean and variance are the moments of the integrand, by the trapezoidal rule.

    Parameters
    ----------
    mean, variance
        Before it, shape ``(cells,)``.
    step
        Logarithm of what each cell brings more, at amplitude 1.
    test
        What was found.
    """
    sd = np.sqrt(variance)[:, None]
    middle = mean[:, None]
    # Where the cell would bring the result, give or take its errors; at least some of it.
    brought = np.maximum(test.incremental + test.error * _NODE, 1e-3 * test.error)
    likely = (np.log(brought) - step[:, None] - middle) / sd
    between = _between(likely[:, [_NODE.size // 2]], (middle + step[:, None], sd), test)
    prior = np.broadcast_to(_NODE, likely.shape)
    node = np.sort(np.concatenate([prior, likely, between], axis=1), axis=1)
    level = middle + sd * node
    miss = (test.incremental - np.exp(np.minimum(level + step[:, None], 700.0))) / test.error
    log_dense = -0.5 * (np.square(node) + np.square(miss))
    most = log_dense.max(axis=1, keepdims=True)
    gap = np.diff(node, axis=1, prepend=node[:, :1], append=node[:, -1:])
    dense = np.exp(log_dense - most) * 0.5 * (gap[:, 1:] + gap[:, :-1])
    total = dense.sum(axis=1)
    first = np.sum(dense * node, axis=1) / total
    second = np.sum(dense * np.square(node - first[:, None]), axis=1) / total
    second = np.maximum(second, _LEAST)
    return mean + sd[:, 0] * first, variance * second, np.log(total) + most[:, 0]


def _between(result: Floats, prior: tuple[Floats, Floats], test: LiftTest) -> Floats:
    """Return nodes around the mode, which for a surprise lies far from prior and result alike.

    Parameters
    ----------
    result
        Where the cell brings the result, in prior standard deviations, ``(cells, 1)``.
    prior
        Mean and standard deviation of the logarithm of what the test would bring.
    test
        What was found.
    """
    low, high = np.minimum(result, 0.0), np.maximum(result, 0.0)
    mean, sd = prior
    for _ in range(_HALVINGS):
        mode = 0.5 * (low + high)
        brought = np.exp(np.minimum(mean + sd * mode, 300.0)) / test.error
        miss = test.incremental / test.error - brought
        rises = sd * brought * miss > mode
        low, high = np.where(rises, mode, low), np.where(rises, high, mode)
    curvature = 1.0 + np.square(sd) * brought * (brought - miss)
    nodes: Floats = mode + _NODE / np.sqrt(np.maximum(curvature, 1.0))
    return nodes


def apply_lift_test(state: FilterState, test: LiftTest, channel: int, model: PriorModel) -> None:
    """Renew one channel of the tables, in place, by a test; the state has one run.

    Parameters
    ----------
    state
        What is known when the test ended.
    test
        What it found.
    channel
        Position of its channel.
    model
        The cells.
    """
    tables, rival = state.tables, state.rival
    step = np.tile(log_step(test, model.grid), model.kernels)
    known = [(tables.mean[channel], tables.variance[channel], tables.evidence[channel])]
    if rival is not None:
        for at in np.flatnonzero(rival.rows == channel):
            known.append((rival.mean[at], rival.variance[at], rival.evidence[at]))
    for mean, variance, evidence in known:
        for nuisance in range(model.drift.size):
            before = np.full(mean.shape[1], variance[nuisance])
            mean[nuisance], left, log_evidence = renewed(mean[nuisance], before, step, test)
            evidence[nuisance] += log_evidence
            # One variance serves all cells of a nuisance: averaged over their new chances.
            heavy = tables.chance[channel, nuisance] * np.exp(log_evidence - log_evidence.max())
            variance[nuisance] = heavy @ left / max(heavy.sum(), _TINY)
    weigh(tables, model, 1)
