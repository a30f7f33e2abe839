r"""Evidence beside the weeks: lift tests, and what an earlier model says.

A test that moved one channel from a low to a high weekly spend says
:math:`z = A\,(g_k(high) - g_k(low)) + N(0, s^2)` with the incremental outcome per week ``z`` and
its standard error ``s``. In every cell the log-normal ``A`` is renewed by one-dimensional
quadrature, so that a result of zero or below is as good as any other.
"""

from __future__ import annotations

import numpy as np

from budgetopt.belief.filter import Model, State
from budgetopt.belief.filter.weigh import weigh
from budgetopt.belief.grid import Grid
from budgetopt.curves.base import Floats
from budgetopt.plan import LiftTest

_NODES = 2001
"""Nodes of the quadrature over six standard deviations either way: right for errors down to 1 %."""
_TINY = float(np.finfo(np.float64).tiny)


def log_step(test: LiftTest, grid: Grid) -> Floats:
    """Return the logarithm of what each cell brings more at the high spend, ``(cells,)``."""
    high = np.exp(grid.log_value(np.array(test.high)))
    low = np.exp(grid.log_value(np.array(test.low))) if test.low > 0 else 0.0
    return np.log(np.maximum(high - low, _TINY))


def renewed(
    mean: Floats, variance: Floats, step: Floats, test: LiftTest
) -> tuple[Floats, Floats, Floats]:
    """Return mean, variance and log evidence of log amplitudes after a test.

    Parameters
    ----------
    mean, variance
        Before it, shape ``(cells,)``.
    step
        Logarithm of what each cell brings more, at amplitude 1.
    test
        What was found.
    """
    node = np.linspace(-6.0, 6.0, _NODES)
    sd = np.sqrt(variance)
    level = mean[:, None] + sd[:, None] * node
    miss = (test.incremental - np.exp(np.minimum(level + step[:, None], 700.0))) / test.error
    log_dense = -0.5 * (np.square(node) + np.square(miss))
    most = log_dense.max(axis=1, keepdims=True)
    dense = np.exp(log_dense - most)
    total = dense.sum(axis=1)
    first = dense @ node / total
    second = np.maximum(dense @ np.square(node) / total - np.square(first), 1e-6)
    return mean + sd * first, variance * second, np.log(total) + most[:, 0]


def hear_test(state: State, test: LiftTest, channel: int, model: Model) -> None:
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
    tables = state.tables
    step = np.tile(log_step(test, model.grid), model.kernels)
    for nuisance in range(model.drift.size):
        before = tables.variance[channel, nuisance]
        mean = tables.mean[channel, nuisance]
        after, left, told = renewed(mean, np.full(mean.size, before), step, test)
        tables.mean[channel, nuisance] = after
        tables.evidence[channel, nuisance] += told
        # One variance serves all cells of a nuisance: averaged over their new chances.
        heavy = tables.chance[channel, nuisance] * np.exp(told - told.max())
        tables.variance[channel, nuisance] = heavy @ left / max(heavy.sum(), _TINY)
    weigh(tables, model, 1)
