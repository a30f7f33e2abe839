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
from numpy.typing import NDArray

from budgetopt.belief.filter.tables import CENTRES, Model, Tables, blocks, tiny
from budgetopt.curves.base import Floats

_TRIED = len(CENTRES)


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
    cell, nuisance = model.cell_prior, model.nuisance_prior
    rows, width = runs * model.channels, model.drift.size * model.cells
    channel = np.tile(np.arange(model.channels), runs)
    explained = np.empty((rows, nuisance.shape[1], _TRIED), model.dtype)
    for at in blocks(rows, width):
        likely = tables.chance[at]
        # Only differences count; so they never grow.
        tables.evidence[at] -= tables.evidence[at].max((1, 2), keepdims=True)
        np.exp(tables.evidence[at], out=likely)
        by_cell = _times(likely, np.swapaxes(cell, 1, 2), channel[at])
        explained[at] = _rows_of(nuisance, channel[at]) @ by_cell
    share = _shares(explained, runs)
    for at in blocks(rows, width):
        prior = np.swapaxes(_rows_of(nuisance, channel[at]), 1, 2) @ share[at]
        chance = tables.chance[at]
        chance *= _times(prior, cell, channel[at])
        chance /= chance.sum((1, 2), keepdims=True)
        _sum_up(tables, at)


def _shares(explained: Floats, runs: int) -> Floats:
    """Return each triple's chance over how well it explains each channel."""
    square = -0.5 * np.square(CENTRES)
    prior = np.add.outer(np.add.outer(square, square).ravel(), square).astype(explained.dtype)
    np.maximum(explained, tiny(explained), out=explained)
    log_chance = np.log(explained)
    log_chance = log_chance.reshape(runs, -1, *prior.shape).sum(axis=1) + prior
    chance = np.exp(log_chance - log_chance.max((1, 2), keepdims=True))
    chance /= chance.sum((1, 2), keepdims=True)
    each = np.repeat(chance, explained.shape[0] // runs, axis=0)
    share: Floats = each / explained
    return share


def _rows_of(prior: Floats, channel: NDArray[np.intp]) -> Floats:
    """Return a prior of each row; all channels share one where it has one only."""
    return prior if prior.shape[0] == 1 else prior[channel]


def _times(table: Floats, prior: Floats, channel: NDArray[np.intp]) -> Floats:
    """Return the product of each row's table and prior; one product where all share the prior."""
    if prior.shape[0] > 1:
        each: Floats = table @ prior[channel]
        return each
    flat: Floats = table.reshape(-1, table.shape[2]) @ prior[0]
    return flat.reshape(*table.shape[:2], -1)


def _sum_up(tables: Tables, at: slice) -> None:
    """Renew what the next week needs of the chances."""
    chance, mean = tables.chance[at], tables.mean[at]
    cell = chance.sum(axis=1)
    middle = np.einsum("rjk,rjk->rk", chance, mean) / np.maximum(cell, tiny(cell))
    away = mean - middle[:, None, :]
    between = np.einsum("rjk,rjk,rjk->r", chance, away, away)
    tables.cell_chance[at] = cell
    tables.cell_mean[at] = middle
    tables.within[at] = between + np.einsum("rjk,rj->r", chance, tables.variance[at])
