r"""Learning where one total outcome is all there is: Bayesian regression, cell by cell.

.. math:: y_t = base + trend + season + \sum_i \beta_i\,\frac{g_i(x_{it})}{mean_t\,g_i} + e_t

:math:`\beta_i \ge 0` is what channel ``i`` brings in an average week. Its prior is half-normal
with standard deviation ``effect_share · mean outcome · share of the money``, so that a unit of
money is worth the same everywhere until the data say otherwise. The features
:math:`g_i` are cells of the grid applied to carried-over spend: each week's is the average of the
last eight with weights :math:`\alpha^{lag}`, which leaves a steady week as it is.

For one channel at a time, each cell and carryover gets the exact posterior of
:math:`\beta_i` with *every* other coefficient integrated out, so that money moved together widens
it, truncated at zero; its evidence is the cell's weight (O'Hagan and Forster 2004).
The other channels enter by their posterior-mean features and a Gaussian prior with the moments of
their half-normal. All channels are renewed at once from the last sweep's features, half-way each
time, so that their order does not matter.

The noise variance is plugged in: its posterior mean on a grid, flat in the logarithm, times
:math:`(1+\rho)/(1-\rho)` where neighbouring residuals correlate by :math:`\rho > 0`, since what a
straight trend and two seasonal waves miss is not independent from week to week.

Whatever moves spend and outcome alike is read as effect, however long the history; therefore a
variance ``doubt²`` that never shrinks is added to the log response, its mean kept.

Where this stops. A total identifies little: two channels whose money moves together cannot be
told apart by any method. No controls, no event weeks, no changing effects; the other channels'
shapes are taken at their mean, not integrated out.

`from_total` goes from a log to a posterior, lift tests included; `learn_total` is the regression;
the helpers follow in the order in which it calls them.

References
----------
O'Hagan and Forster (2004), Kendall's Advanced Theory of Statistics 2B: Bayesian Inference, section
11. Jin, Wang, Sun, Chan and Koehler (2017), Bayesian methods for media mix modeling with carryover
and shape effects, for the model without the integrals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp, softmax

from budgetopt.arrays import Floats
from budgetopt.belief.evidence import log_step, renewed
from budgetopt.belief.inputs import REACH, carried
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Grid, Settings

_BLOCK = 4_000_000
"""Numbers held at once in one table of features."""
_SEASONAL_WEEKS = 78
"""Weeks needed for a yearly pattern: less than 1.5 years cannot tell it from a trend."""
_BASE_SD = (1.0, 0.5, 0.5)
"""Prior sds of base, trend over half the span and seasonal waves, in mean outcomes."""
_NOISE = np.geomspace(3e-3, 3.0, 61)
"""Noise levels tried, in mean outcomes."""
_MOST_SERIAL = 0.8
"""Residual correlation beyond which a ninefold variance is enough."""
_PIECES, _NODES = 4, 15
"""A truncated normal is cut at its quartiles and summed over fifteen quantiles in each."""


class FromTotal(NamedTuple):
    """What one total says.

    Parameters
    ----------
    posterior
        Of the curves.
    data_share
        Share of what is known of each channel that is data, ``(channels,)``.
    alike
        Correlations of the channels' features, ``(channels, channels)``.
    """

    posterior: Posterior
    data_share: Floats
    alike: Floats


def from_total(log: ObservationLog, settings: Settings) -> FromTotal:
    """Return what a log with one total says; concave cells only.

    A lift test comes after the regression, whose doubt it is free of.
    """
    grid = settings.total_grid(log.reference)
    learned, alike = learn_total(
        log.weeks, log.spend, np.asarray(log.total), grid=grid, settings=settings
    )
    chance, mean, variance = (np.ascontiguousarray(np.swapaxes(part, 1, 2)) for part in learned[:3])
    for test in log.priors.lift_tests:
        at, step = log.channels.index(test.channel), log_step(test, grid)
        log_evidence = np.empty_like(chance[at])
        for nuisance in range(len(log_evidence)):
            mean[at, nuisance], variance[at, nuisance], log_evidence[nuisance] = renewed(
                mean[at, nuisance], variance[at, nuisance], step, test
            )
        chance[at] *= np.exp(log_evidence - log_evidence.max())
        chance[at] /= chance[at].sum()
    posterior = Posterior(grid, (len(log.channels),), chance, mean, variance)
    return FromTotal(posterior, learned.data_share, alike)


class CellPosteriors(NamedTuple):
    """Chances, means and variances of the log response at the reference, by channel and cell.

    The first three have shape ``(channels, cells, nuisance)``; `data_share` has ``(channels,)``.
    """

    chance: Floats
    log_mean: Floats
    log_variance: Floats
    data_share: Floats


class Regression(NamedTuple):
    """What the sweeps share: features of the mean, their posterior and the noise variance."""

    features: Floats
    information: Floats
    score: Floats
    weight: Floats
    level: Floats


def learn_total(
    weeks: NDArray[np.datetime64],
    spend: Floats,
    total: Floats,
    *,
    grid: Grid,
    settings: Settings,
) -> tuple[CellPosteriors, Floats]:
    """Return what one total outcome says, and how alike the channels' features are.

    Parameters
    ----------
    weeks
        First days, rising, shape ``(weeks,)``.
    spend
        Money, shape ``(weeks, channels)``; NaN where not reported.
    total
        Outcome of all channels and the baseline together, shape ``(weeks,)``, mean above 0.
    grid
        The cells.
    settings
        Priors.

    Returns
    -------
    learned
        With carryovers times pieces of the truncated normal on the nuisance axis. `data_share` is
        ``(p - v) / (p + d²)`` of what the channel brings in an average week: prior variance,
        posterior variance with every other coefficient unknown, and the doubt, which is never
        data.
    alike
        Correlations of the channels' features, shape ``(channels, channels)``; 0 where unseen.
    """
    used = usable(spend, total)
    seen = np.nansum(spend[used], axis=0) > 0
    size = float(total[used].mean())
    average = np.nansum(spend[used], axis=0) / used.sum()
    roas = settings.effect_share * size / average.sum()
    lags = np.arange(REACH, dtype=np.float64)[:, None]
    each = [carried(weeks, spend[:, seen], share**lags) for share in settings.total_carryover]
    effective = np.stack(each)[:, used]
    prior_sd = roas * average[seen] / size
    fit = _sweeps(
        weeks[used], effective, total[used] / size, prior_sd, grid=grid, settings=settings
    )
    prior = np.square(prior_sd)[:, None, None]
    variance = prior / (1.0 + prior * fit.information)
    middle = variance * fit.score
    log_mean, log_variance = lognormal_pieces(middle, np.sqrt(variance))
    share = _data_share(fit.weight, log_mean, log_variance, prior_sd, settings.doubt)
    log_mean += (np.log(size) - np.log(fit.level))[..., None] - 0.5 * settings.doubt**2
    log_variance += settings.doubt**2
    learned = _unseen(len(seen), roas * grid.reference, grid, settings)
    spread = np.broadcast_to(fit.weight[..., None] / _PIECES, log_mean.shape)
    for whole, part in zip(learned, (spread, log_mean, log_variance), strict=False):
        whole[seen] = part.reshape(part.shape[0], grid.size, -1)
    learned.data_share[seen] = share
    alike = np.zeros((len(seen), len(seen)))
    alike[np.ix_(seen, seen)] = _correlations(fit.features)
    return learned, alike


def usable(spend: Floats, total: Floats) -> NDArray[np.bool_]:
    """Return the weeks whose total and whose spend of every channel ever seen are reported."""
    seen = np.nansum(spend, axis=0) > 0
    used: NDArray[np.bool_] = np.isfinite(total) & np.isfinite(spend[:, seen]).all(axis=1)
    return used


def _sweeps(
    weeks: NDArray[np.datetime64],
    carried: Floats,
    outcome: Floats,
    prior_sd: Floats,
    *,
    grid: Grid,
    settings: Settings,
) -> Regression:
    """Renew all channels' features from each other a fixed number of times."""
    base, base_mean, base_sd = baseline(weeks)
    # Gaussian with the mean and the variance of a half-normal.
    mean = np.concatenate([base_mean, np.sqrt(2.0 / np.pi) * prior_sd])
    sd = np.concatenate([base_sd, np.sqrt(1.0 - 2.0 / np.pi) * prior_sd])
    features, _ = _renewed(carried, None, grid, settings)
    for _ in range(settings.sweeps):
        others = _Others(np.hstack([base, features]), mean, sd, outcome, base.shape[1])
        ahead, fit = _renewed(carried, others, grid, settings, prior_sd)
        features = 0.5 * (features + ahead)
    information, score, weight, level = fit
    return Regression(features, information, score, weight, level)


def baseline(weeks: NDArray[np.datetime64]) -> tuple[Floats, Floats, Floats]:
    """Return columns, prior means and prior sds of base, trend and season, in mean outcomes."""
    day = (weeks - weeks.min()).astype("timedelta64[D]").astype(np.float64)
    half = max(float(day.max()) / 2.0, 7.0)
    columns = [np.ones_like(day), day / half - day.max() / (2.0 * half)]
    if day.max() >= 7.0 * (_SEASONAL_WEEKS - 1):
        turn = 2.0 * np.pi * day / 365.25
        columns += [wave(pair * turn) for pair in (1.0, 2.0) for wave in (np.cos, np.sin)]
    base, trend, season = _BASE_SD
    sd = np.array([base, trend, season, season, season, season][: len(columns)])
    return np.stack(columns, axis=1), np.array([1.0, *[0.0] * (len(columns) - 1)]), sd


class _Others:
    """The Gaussian model of the outcome, from which any one channel can be taken out.

    With ``Z`` the columns and ``S`` their prior variances, ``C = σ² + Z S Zᵀ`` is the covariance
    of the outcome. One thin singular value decomposition of ``Z √S`` gives its inverse for every
    noise level, in weeks or in columns, whichever are fewer.
    """

    def __init__(
        self, columns: Floats, mean: Floats, sd: Floats, outcome: Floats, first: int
    ) -> None:
        self.mean, self.sd = mean[first:], sd[first:]
        left, root, _ = np.linalg.svd(columns * sd, full_matrices=False)
        self.left, self.power = left, np.square(root)
        self.miss = outcome - columns @ mean
        self.noise = self._noise()
        both = self.solve(np.column_stack([self.miss, columns[:, first:]]))
        self.solved_miss, self.solved = both[:, 0], both[:, 1:]
        self.own = np.einsum("tc,tc->c", columns[:, first:], self.solved)
        self.own_score = columns[:, first:].T @ self.solved_miss

    def solve(self, right: Floats) -> Floats:
        """Return ``C⁻¹ right``."""
        share = self.power / (self.power + self.noise)
        solved: Floats = (right - self.left @ (share[:, None] * (self.left.T @ right))) / self.noise
        return solved

    def _noise(self) -> float:
        """Return the noise variance: posterior mean on a grid, raised for serial correlation."""
        tried = np.square(_NOISE)[:, None]
        along = np.square(self.left.T @ self.miss)
        beyond = max(float(self.miss @ self.miss - along.sum()), 0.0)
        free = self.miss.size - self.power.size
        log_like = free * np.log(tried[:, 0]) + beyond / tried[:, 0]
        log_like += np.sum(np.log(self.power + tried) + along / (self.power + tried), axis=1)
        self.noise = float(softmax(-0.5 * log_like) @ tried[:, 0])
        left = self.solve(self.miss[:, None])[:, 0]
        serial = float(left[1:] @ left[:-1] / max(float(left @ left), np.finfo(np.float64).tiny))
        serial = min(max(serial, 0.0), _MOST_SERIAL)
        return self.noise * (1.0 + serial) / (1.0 - serial)

    def without(self, columns: slice, tried: Floats) -> tuple[Floats, Floats]:
        """Return information and score of features in a model without their own channel's.

        Parameters
        ----------
        columns
            The channels.
        tried
            Features, shape ``(weeks, channels, cells)``.
        """
        share = self.power / (self.power + self.noise)
        along = np.tensordot(self.left.T * np.sqrt(share)[:, None], tried, axes=1)
        fixed = np.einsum("tck,tck->ck", tried, tried) - np.einsum("rck,rck->ck", along, along)
        cross = np.einsum("tck,tc->ck", tried, self.solved[:, columns])
        score = np.einsum("tck,t->ck", tried, self.solved_miss)
        mean, own = self.mean[columns, None], self.own[columns, None]
        variance = np.square(self.sd[columns, None])
        # Taking a column out of the covariance is a change of rank one (Sherman and Morrison).
        gain = variance / np.maximum(1.0 - variance * own, np.finfo(np.float64).eps)
        information = np.maximum(fixed / self.noise, 0.0) + gain * np.square(cross)
        score = score + mean * cross + gain * cross * (self.own_score[columns, None] + mean * own)
        return information, score


def _renewed(
    carried: Floats,
    others: _Others | None,
    grid: Grid,
    settings: Settings,
    prior_sd: Floats | None = None,
) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
    """Return mean features, and information, score, weight and level by channel and cell.

    Without a model of the others the weights are the prior's.
    """
    carryovers, weeks, channels = carried.shape
    prior = np.log(grid.prior(np.log([settings.saturation]), settings.saturation_sd)[0])
    prior = np.repeat(prior, carryovers)
    wide = max(1, _BLOCK // (weeks * prior.size))
    blocks = []
    for at in range(0, channels, wide):
        here = slice(at, at + wide)
        value = grid.cells.value(carried[:, :, here, None])
        tried = np.moveaxis(value, 0, -1).reshape(weeks, -1, prior.size)
        level = tried.mean(axis=0)
        tried /= level
        information, score = np.zeros_like(level), np.zeros_like(level)
        log_weight = np.broadcast_to(prior, level.shape)
        if others is not None and prior_sd is not None:
            information, score = others.without(here, tried)
            variance = np.square(prior_sd[here, None])
            precision = information + 1.0 / variance
            log_weight = prior + 0.5 * np.square(score) / precision
            log_weight = log_weight - 0.5 * np.log(precision * variance)
            log_weight += log_ndtr(score / np.sqrt(precision))
        weight = softmax(log_weight, axis=-1)
        blocks.append((np.einsum("tck,ck->ct", tried, weight), information, score, weight, level))
    features, *rest = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    shape = (channels, grid.size, carryovers)
    information, score, weight, level = (part.reshape(shape) for part in rest)
    return features.T, (information, score, weight, level)


def lognormal_pieces(mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    r"""Return log means and log variances of log-normals that together are a truncated normal.

    The normal, kept above zero, is cut at its quartiles; each piece becomes the log-normal with
    its mean and variance. One log-normal for the whole would hide the chance of hardly any effect.

    Parameters
    ----------
    mean, sd
        Of the normal before truncation, any shape.

    Returns
    -------
    log_mean, log_variance
        With the pieces, each as likely, on a new last axis.

    Notes
    -----
    Means and variances are sums over quantiles
    :math:`m - s\,\Phi^{-1}((1-p)\,\Phi(m/s))`, taken through logarithms, which holds however far
    the mean lies below zero. The mean is right to 1 %.
    """
    part = (np.arange(_PIECES * _NODES) + 0.5) / (_PIECES * _NODES)
    tail = np.log1p(-part) + log_ndtr(mean / sd)[..., None]
    value = mean[..., None] - sd[..., None] * ndtri_exp(tail)
    # Far below zero the difference of two large numbers can round to zero or less.
    value = np.maximum(value, 1e-9 * sd[..., None]).reshape(*mean.shape, _PIECES, _NODES)
    middle = value.mean(axis=-1)
    variance = np.log1p(value.var(axis=-1) / np.square(middle))
    return np.log(middle) - 0.5 * variance, variance


def _unseen(channels: int, typical: float, grid: Grid, settings: Settings) -> CellPosteriors:
    """Return the prior of a channel without history: half-normal response at the reference."""
    log_mean, log_variance = lognormal_pieces(np.zeros(1), np.full(1, typical))
    shape = (channels, grid.size, len(settings.total_carryover), _PIECES)
    flat = (channels, grid.size, len(settings.total_carryover) * _PIECES)
    cell = grid.prior(np.log([settings.saturation]), settings.saturation_sd)[0]
    return CellPosteriors(
        np.broadcast_to(cell[:, None], flat) / flat[-1],
        np.broadcast_to(log_mean[0], shape).reshape(flat).copy(),
        np.broadcast_to(log_variance[0], shape).reshape(flat).copy(),
        np.zeros(channels),
    )


def _data_share(
    weight: Floats, log_mean: Floats, log_variance: Floats, prior_sd: Floats, doubt: float
) -> Floats:
    """Return the share of what is known of the average week's effect that is data."""
    first = np.exp(log_mean + 0.5 * log_variance)
    mean = np.sum(weight * first.mean(axis=-1), axis=(1, 2))
    second = np.mean(np.square(first) * np.exp(log_variance), axis=-1)
    variance = np.sum(weight * second, axis=(1, 2)) - np.square(mean)
    prior = (1.0 - 2.0 / np.pi) * np.square(prior_sd)
    share: Floats = np.clip((prior - variance) / (prior + np.square(doubt * mean)), 0.0, 1.0)
    return share


def _correlations(features: Floats) -> Floats:
    """Return correlations of columns, 0 where a column does not vary."""
    away = features - features.mean(axis=0)
    length = np.sqrt(np.square(away).sum(axis=0))
    # A channel with the same money every week: its feature varies by rounding only.
    still = length <= 1e-9 * np.sqrt(len(features))
    away = np.where(still, 0.0, away / np.where(still, 1.0, length))
    alike: Floats = away.T @ away
    return alike
