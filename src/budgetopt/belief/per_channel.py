r"""Learning where each channel has an outcome of its own: exact, with nothing to converge.

In cell ``k`` the curve is :math:`A\,g_k(x)` with :math:`g_k(reference) = 1`, and
:math:`a = \ln A`. A week with spend ``x`` and outcome ``y`` says

.. math:: \ln(y + u/2) = a + \ln g_k(x) - \sigma^2/2 + e, \qquad
    e \sim N(0,\ \sigma^2 + u/\max(\hat y, u))

where ``u`` is the size of one event in units of the outcome: 1 for counts, which gives Anscombe's
:math:`\ln(y+1/2)`, the average order value for revenue. The curve is the *expected* outcome, and
the mean of a logarithm lies below the logarithm of the mean, by :math:`\sigma^2/2` for weekly
noise; for counts the half event makes up for it.

The variance of a count is taken at :math:`\hat y`, the channel's own ROAS times the week's spend,
and not at ``y``: weights that follow the outcome favour lucky weeks. With Poisson outcomes of five
a week, ``1/(y+1)`` overstates the curve by 17 % and its 90 % band holds the truth 30 % of the
time; this variance leaves 2 % and 92 %.

Given cell and noise all this is linear and Gaussian in ``a``, so posterior and evidence are in
closed form (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.5), and the grid of cells
and noise levels is weighed exactly.

What does not vary by channel is weighed on a small grid too: the centre of the saturation prior
and the usual noise. Averaging over it, rather than fixing the likeliest, is the whole of the
hierarchical model: a channel's chances are those given the pair, averaged by how well the pair
explains all channels.

A week without spend says nothing about the curve (it is zero at zero whatever the cell) and is
left out. A week of zero outcome with spend is kept: it is half an event.

Where this stops. No drift, no jumps, no week effect that channels share, no carryover. Below
about two events a week :math:`\ln(y+1/2)` overstates the rate, by a sixth at one a week. A week
whose outcome was lost and recorded as zero pulls hard: leave it out of the history.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from budgetopt.belief.grid import Grid
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats

_BLOCK = 2_000_000
"""Numbers held at once in one table of weeks × channels × cells; 16 MB, about a cache."""
_SMALL_EVENT = 0.01
"""Size of an event, in median weeks, where no zero ever was: it adds 0.01 to the variance."""
_CENTRES = np.linspace(-2.0, 2.0, 5)
"""Standard deviations at which shared quantities are tried."""
_NOISE_SD = 0.5
"""Prior standard deviation of a channel's log noise around the usual one."""
_USUAL_NOISE_SD = 0.7
"""Prior standard deviation of the logarithm of the usual noise."""


class Learned(NamedTuple):
    """Chances, means and variances of the log response at the reference, by channel and cell.

    The first three have shape ``(channels, cells, nuisance)``; `data_share` has ``(channels,)``.
    """

    chance: Floats
    log_mean: Floats
    log_variance: Floats
    data_share: Floats


def learn_channels(
    spend: Floats, outcome: Floats, unit: float | None, *, grid: Grid, settings: Settings
) -> Learned:
    """Return what outcomes by channel say.

    Parameters
    ----------
    spend, outcome
        Money and outcome, shape ``(weeks, channels)``; NaN where not reported. A negative
        outcome (returns) counts as zero.
    unit
        Size of one event in units of the outcome; None where it is not known.
    grid
        The cells.
    settings
        Priors.

    Returns
    -------
    Learned
        With noise levels on the nuisance axis. `data_share` is one less the posterior variance of
        the log response at the reference over its prior variance.
    """
    outcome = np.maximum(outcome, 0.0)
    seen = np.isfinite(spend) & (spend > 0) & np.isfinite(outcome)
    event = event_size(outcome, seen, unit)
    money, brought = np.sum(spend, where=seen), np.sum(outcome, where=seen)
    events = np.sum(seen * event / 2.0)
    # All outcomes zero: half an event in all, so that the logarithm exists.
    pooled = (brought if brought > 0 else events / max(int(seen.sum()), 1)) / money
    centre = float(np.log(pooled * grid.reference))
    wide = max(1, _BLOCK // (spend.shape[0] * grid.size))
    parts = [
        _filter(
            spend[:, at : at + wide],
            outcome[:, at : at + wide],
            seen[:, at : at + wide],
            event[at : at + wide],
            centre=centre,
            grid=grid,
            settings=settings,
        )
        for at in range(0, spend.shape[1], wide)
    ]
    evidence, mean, variance = (np.concatenate(p) for p in zip(*parts, strict=True))
    chance = weigh(evidence, grid, settings)
    spread = np.sum(chance * (variance + np.square(mean)), axis=(1, 2))
    spread -= np.square(np.sum(chance * mean, axis=(1, 2)))
    share = np.clip(1.0 - spread / settings.amplitude_sd**2, 0.0, 1.0)
    share[~seen.any(axis=0)] = 0.0
    return Learned(chance, mean + centre, variance, share)


def event_size(outcome: Floats, seen: np.ndarray, unit: float | None) -> Floats:
    r"""Return the size of one event for each channel, in units of the outcome.

    Notes
    -----
    Where it is not declared, weeks of zero outcome betray it: with Poisson events the share of
    such weeks is :math:`e^{-mean/u}`, so :math:`u = mean / -\ln(share)`. Where no week was zero,
    events are too many to matter, and 1 % of the median week stands in; it sets the variance of
    no week above 0.01. A channel whose weeks were all zero takes the median of the others. All of
    these scale with the outcome, so the answer does not depend on its unit.
    """
    channels = outcome.shape[1]
    if unit is not None:
        return np.full(channels, float(unit))
    weeks = seen.sum(axis=0)
    positive = seen & (outcome > 0)
    zeros = weeks - positive.sum(axis=0)
    known = positive.any(axis=0)
    size = np.full(channels, np.nan)
    held = np.where(positive, outcome, np.nan)[:, known]
    with np.errstate(divide="ignore"):
        mean = np.nansum(held, axis=0) / weeks[known]
        from_zeros = mean / -np.log(zeros[known] / weeks[known])
    size[known] = np.maximum(_SMALL_EVENT * np.nanmedian(held, axis=0), from_zeros)
    return np.where(known, size, np.median(size[known])) if known.any() else np.ones(channels)


def _filter(
    spend: Floats,
    outcome: Floats,
    seen: np.ndarray,
    event: Floats,
    *,
    centre: float,
    grid: Grid,
    settings: Settings,
) -> tuple[Floats, Floats, Floats]:
    """Return log evidence, mean (less the centre) and variance by channel, cell and noise."""
    log_outcome = np.log(np.where(seen, outcome, 0.0) + event / 2.0).T
    roas = np.sum(outcome, axis=0, where=seen) / np.sum(spend, axis=0, where=seen, initial=1e-300)
    usual = roas * np.where(seen, spend, 0.0)
    count = (event / np.maximum(usual, event)).T
    log_shape = grid.log_value(np.where(seen, spend, grid.reference).T)
    miss = log_outcome[..., None] - centre - log_shape
    noise = np.square(np.asarray(settings.noise))
    weight = seen.T[:, None, :] / (noise[:, None] + count[:, None, :])
    prior = settings.amplitude_sd**2
    known = weight.sum(axis=-1)[..., None]
    variance = prior / (1.0 + prior * known)
    first, second = weight @ miss, weight @ np.square(miss)
    # Every miss is raised by half the noise variance.
    lift = 0.5 * noise[:, None]
    second += lift * (2.0 * first + lift * known)
    first += lift * known
    log_weight = np.log(np.where(weight > 0, weight, 1.0)).sum(axis=-1)[..., None]
    evidence = log_weight - (second - variance * np.square(first)) - np.log1p(prior * known)
    mean = variance * first
    variance = np.broadcast_to(variance, mean.shape)
    answer = (np.moveaxis(v, 1, 2) for v in (0.5 * evidence, mean, variance))
    return next(answer), next(answer), next(answer)


def weigh(evidence: Floats, grid: Grid, settings: Settings) -> Floats:
    """Return the chances of cells and noise levels, shape ``(channels, cells, noise)``.

    Parameters
    ----------
    evidence
        Log marginal likelihood, shape ``(channels, cells, noise)``.
    grid
        The cells.
    settings
        Priors of the saturation point and of the noise.
    """
    likely = np.exp(evidence - evidence.max(axis=(1, 2), keepdims=True))
    centres = np.log(settings.saturation) + settings.centre_sd * _CENTRES
    cell = grid.prior(centres, settings.saturation_sd)
    level = np.log(settings.noise)
    usual = np.log(settings.usual_noise) + _USUAL_NOISE_SD * _CENTRES
    noise = np.exp(-0.5 * np.square((level - usual[:, None]) / _NOISE_SD))
    noise /= noise.sum(axis=-1, keepdims=True)
    # How well each pair (centre, usual noise) explains each channel, then all of them.
    explains = cell @ likely @ noise.T
    pair = np.log(explains).sum(axis=0) - 0.5 * np.square(_CENTRES[:, None])
    pair = pair - 0.5 * np.square(_CENTRES)
    pair = np.exp(pair - pair.max())
    pair /= pair.sum()
    joint = likely * (cell.T @ (pair / explains) @ noise)
    chance: Floats = joint / joint.sum(axis=(1, 2), keepdims=True)
    return chance
