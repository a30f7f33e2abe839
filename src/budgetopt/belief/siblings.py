r"""Channels without a week of their own: each is believed to be like one of its siblings.

Channels are exchangeable until something is seen of them (Gelman et al. 2013, section 5.2), so a
new one has the curve of one of those that are known, nobody can say of which. Its siblings ``S``
are the channels with weeks that share the most labels with it; with no label in common, all that
have weeks. In cell ``k`` with chances :math:`p_{ik}` and expected amplitudes :math:`A_{ik}`,

.. math:: p_k = \frac{1}{|S|} \sum_{i \in S} p_{ik}, \qquad
    A_k = \sum_{i \in S} p_{ik} A_{ik} \Big/ \sum_{i \in S} p_{ik}, \qquad
    \ln A \mid k \sim N(\ln A_k - s^2/2,\; s^2),

so that its expected curve :math:`\sum_k p_k A_k g_k(x)` is the average of its siblings' expected
curves: at no spend above the best known one's. The doubt ``s`` is the prior one of a channel of
which nothing is known, and keeps that mean. Centred on the median instead, as channels with weeks
are before their first one, the mean of the wide log-normal would be :math:`e^{s^2/2}` times as
high, and a mean of wide saturation priors is steep near zero besides.

What was declared of the channel itself stays: its ROAS leaves it as it is, its saturation point or
noise keep their chances, and the amplitude in each cell is then that which the siblings bring at
the reference. A channel with a lift test is known by the test.

Where this stops: from its first week on a channel is learned from the filter's own prior, which
that week outweighs. Siblings count alike, however much is known of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.belief.inputs import OwnPriors
from budgetopt.belief.posterior import Posterior

_TINY = float(np.finfo(np.float64).tiny)


def labels_in_common(labels: Sequence[Sequence[tuple[str, str]]]) -> Floats:
    """Return how many labels each two channels share, shape ``(channels, channels)``."""
    known = sorted({pair for pairs in labels for pair in pairs})
    carries = np.array([[pair in pairs for pair in known] for pairs in labels], np.float64)
    carries = carries.reshape(len(labels), len(known))
    common: Floats = carries @ carries.T
    return common


def sibling_shares(common: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return each sibling's share of what is believed of a channel, ``(runs, channels, channels)``.

    Parameters
    ----------
    common
        Labels that each two channels share, shape ``(channels, channels)``.
    seen
        Channels with weeks to learn from, shape ``(runs, channels)``.

    Returns
    -------
    ndarray
        The last axis sums to one, or to zero in a run where nothing was seen.
    """
    alike = np.where(seen[:, None, :], common, -1.0)
    nearest = (alike == alike.max(axis=2, keepdims=True)) & seen[:, None, :]
    shares: Floats = nearest / np.maximum(nearest.sum(axis=2, keepdims=True), 1)
    return shares


def like_siblings(
    posterior: Posterior,
    seen: NDArray[np.bool_],
    known: NDArray[np.bool_],
    common: Floats,
    own: OwnPriors,
    sd: float,
) -> Posterior:
    """Return a posterior in which channels of which nothing is known are like their siblings.

    Parameters
    ----------
    posterior
        What the weeks say, with the prior for the other channels.
    seen
        Channels with weeks to learn from, shape ``(runs, channels)`` with one run for a live week.
    known
        Channels that keep what is said of them all the same, such as by a lift test, shape
        ``(channels,)``.
    common
        Labels that each two channels share, shape ``(channels, channels)``.
    own
        What was declared of single channels.
    sd
        Standard deviation of the log amplitude of a channel of which nothing is known.
    """
    wanted = ~seen & ~(known | np.isfinite(own.centre)) & seen.any(axis=1, keepdims=True)
    at = np.flatnonzero(wanted)
    if not at.size:
        return posterior
    shares = sibling_shares(common, seen)

    def pooled(of_rows: Floats) -> Floats:
        mixed = shares @ of_rows.reshape(*seen.shape, -1)
        rows: Floats = mixed.reshape(of_rows.shape)[at]
        return rows

    channel = at % seen.shape[1]
    amplitude = posterior.chance * np.exp(posterior.log_mean + 0.5 * posterior.log_variance)
    of_cells, of_nuisances = posterior.chance.sum(axis=1), posterior.chance.sum(axis=2)
    cell, brought = pooled(of_cells), pooled(amplitude.sum(axis=1))
    shaped = np.isfinite(own.log_half)[channel, None]
    level = np.where(shaped, brought.sum(axis=1, keepdims=True), brought / np.maximum(cell, _TINY))
    cell = np.where(shaped, of_cells[at], cell)
    noisy = np.isfinite(own.log_noise)[channel, None]
    nuisance = np.where(noisy, of_nuisances[at], pooled(of_nuisances))
    chance, log_mean, variance = (
        part.copy() for part in (posterior.chance, posterior.log_mean, posterior.log_variance)
    )
    chance[at] = nuisance[:, :, None] * cell[:, None, :]
    log_mean[at] = np.log(np.maximum(level, _TINY))[:, None, :] - 0.5 * sd**2
    variance[at] = sd**2
    return replace(posterior, chance=chance, log_mean=log_mean, log_variance=variance)
