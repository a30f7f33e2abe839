r"""The chances of cells and nuisances, with the centres of their priors learned from all channels.

What does not vary by channel is weighed on a small grid: the centre of the saturation prior, the
usual drift and the usual noise, five points each. Averaging over it, rather than fixing the
likeliest, is the whole of the hierarchical model. With :math:`L_{ijk}` the likelihood of channel
``i`` in nuisance ``j`` and cell ``k``, a triple of centres ``t`` explains the channel by
:math:`E_{it} = \sum_{jk} L_{ijk}\,p(jk \mid t)`, has the chance :math:`q_t \propto p_t \prod_i
E_{it}`, and the channel's chances are :math:`\sum_t q_t\,L_{ijk}\,p(jk \mid t)/E_{it}` (Gelman et
al., Bayesian Data Analysis, 3rd ed., section 5.3).
"""

from __future__ import annotations

import numpy as np

from budgetopt.belief.filter.tables import CENTRES, Model, Tables, blocks
from budgetopt.curves.base import Floats

_TINY = float(np.finfo(np.float64).tiny)


def weigh(tables: Tables, model: Model, runs: int) -> None:
    """Renew the chances of the tables, in place, from their evidence.

    Parameters
    ----------
    tables
        With the evidence of every channel of every run.
    model
        The priors.
    runs
        Number of runs; each has centres of its own.
    """
    channels = model.channels
    cell, drift, noise = model.cell_prior(), model.drift_prior(), model.noise_prior()
    drifts, noises = drift.shape[1], noise.shape[2]
    rows = runs * channels
    explained = np.empty((rows, len(CENTRES), len(CENTRES), len(CENTRES)))
    channel = np.tile(np.arange(channels), runs)
    for at in blocks(rows, model.drift.size * model.cells):
        likely = tables.chance[at]
        # Only differences count; so they never grow.
        tables.evidence[at] -= tables.evidence[at].max((1, 2), keepdims=True)
        np.exp(tables.evidence[at], out=likely)
        by_cell = likely @ np.swapaxes(_of(cell, channel[at]), 1, 2)
        by_cell = by_cell.reshape(-1, drifts, noises, len(CENTRES))
        explained[at] = np.einsum(
            "rdsc,ud,rvs->rcuv", by_cell, drift, _of(noise, channel[at]), optimize=True
        )
    share = _shares(explained, runs)
    for at in blocks(rows, model.drift.size * model.cells):
        nuisance = np.einsum(
            "rcuv,ud,rvs->rdsc", share[at], drift, _of(noise, channel[at]), optimize=True
        )
        nuisance = nuisance.reshape(-1, drifts * noises, len(CENTRES))
        chance = tables.chance[at]
        chance *= nuisance @ _of(cell, channel[at])
        chance /= chance.sum((1, 2), keepdims=True)
        _sum_up(tables, at)


def _shares(explained: Floats, runs: int) -> Floats:
    """Return each triple's chance over how well it explains each channel."""
    prior = -0.5 * np.square(CENTRES)
    prior = prior[:, None, None] + prior[:, None] + prior
    log_chance = np.log(np.maximum(explained, _TINY))
    log_chance = log_chance.reshape(runs, -1, *explained.shape[1:]).sum(axis=1) + prior
    log_chance -= log_chance.max((1, 2, 3), keepdims=True)
    chance = np.exp(log_chance)
    chance /= chance.sum((1, 2, 3), keepdims=True)
    each = np.repeat(chance, explained.shape[0] // runs, axis=0)
    share: Floats = each / np.maximum(explained, _TINY)
    return share


def _of(prior: Floats, channel: Floats) -> Floats:
    """Return a prior of each row; all channels share one where it has one only."""
    return prior if prior.shape[0] == 1 else prior[channel]


def _sum_up(tables: Tables, at: slice) -> None:
    """Renew what the next week needs of the chances."""
    chance, mean = tables.chance[at], tables.mean[at]
    cell = chance.sum(axis=1)
    first = np.einsum("rjk,rjk->rk", chance, mean)
    middle = first / np.maximum(cell, _TINY)
    second = np.einsum("rjk,rjk,rjk->r", chance, mean, mean)
    between = np.maximum(second - np.einsum("rk,rk->r", first, middle), 0.0)
    tables.cell_chance[at] = cell
    tables.cell_mean[at] = middle
    tables.within[at] = between + np.einsum("rjk,rj->r", chance, tables.variance[at])
