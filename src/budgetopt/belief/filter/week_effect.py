r"""What all channels share in a week: season, demand, a holiday.

Without it a season is read as effect, since teams spend more when demand is high. The effect is

.. math:: w_t = m + \varphi\,(w_{t-1} - m) + \tau\sqrt{1-\varphi^2}\,\varepsilon_t,
    \qquad m = -\tau^2/2

so that a usual week has factor 1 on average. Sizes :math:`\tau` and persistences :math:`\varphi`
form a small bank of kinds, weighed by how well each explains the channels together.

Channel ``i`` says :math:`w = \rho_i \pm \sqrt{v_i}`: its log outcome less what was expected of it.
Precisions add; a channel itself hears only what the others say (the cavity of expectation
propagation, Minka 2001), so nothing is counted twice. A channel far from the others' middle counts
for less, as under a heavy tail (Huber 1964), since an outage of one is no season of all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief.filter.tables import Effect
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats

_TINY = float(np.finfo(np.float64).tiny)
_FAR = 2.0
"""Standard deviations from the channels' middle beyond which a channel counts for less."""
_FEWEST = 3
"""Channels from which a week effect can be told from their own ups and downs."""


def kinds_of(settings: Settings) -> tuple[Floats, Floats]:
    """Return sizes and persistences of the kinds of week effect, each of shape ``(kinds,)``."""
    pairs = [(0.0, 0.0)]
    pairs += [(t, p) for t in settings.week_effect if t > 0 for p in settings.week_persistence]
    size, persistence = np.array(pairs).T
    return size, persistence


def effect_start(settings: Settings, channels: int, runs: int) -> Effect | None:
    """Return the week effect before anything is seen; None where it is not learned."""
    if channels < _FEWEST or not settings.week_effect:
        return None
    size, _ = kinds_of(settings)
    shape = (runs, size.size)
    mean = np.broadcast_to(-0.5 * np.square(size), shape).copy()
    return Effect(mean, np.broadcast_to(np.square(size), shape).copy(), np.zeros(shape))


def ahead(effect: Effect, settings: Settings, weeks: float) -> Effect:
    """Return the effect some weeks later, nothing seen in between."""
    size, persistence = kinds_of(settings)
    kept = persistence**weeks
    usual = -0.5 * np.square(size)
    mean = usual + kept * (effect.mean - usual)
    variance = np.square(size) + np.square(kept) * (effect.variance - np.square(size))
    return Effect(mean, variance, effect.weight)


def moments(effect: Effect) -> tuple[Floats, Floats]:
    """Return mean and variance over the kinds, each of shape ``(runs,)``."""
    chance = _chance(effect.weight)
    mean = np.sum(chance * effect.mean, axis=-1)
    second = np.sum(chance * (effect.variance + np.square(effect.mean)), axis=-1)
    return mean, np.maximum(second - np.square(mean), 0.0)


def hear(
    effect: Effect, rho: Floats, variance: Floats, seen: NDArray[np.bool_], extra: float
) -> tuple[Floats, Floats, Effect]:
    """Return what the others say of the effect to each channel, and the effect after the week.

    Parameters
    ----------
    effect
        Before the week.
    rho, variance
        What each channel says by itself, and how surely, ``(runs, channels)``.
    seen
        Which channels say anything.
    extra
        Variance that an eventful week adds, for this week only.

    Returns
    -------
    mean, variance
        Of the week effect given the other channels, ``(runs, channels)``.
    effect
        After the week.
    """
    precision = np.where(seen, _heavy_tailed(rho, variance, seen) / variance, 0.0)
    said = precision * np.where(seen, rho, 0.0)
    others = precision.sum(axis=1, keepdims=True) - precision
    theirs = said.sum(axis=1, keepdims=True) - said
    before = np.maximum(effect.variance + extra, _TINY)
    after = 1.0 / (1.0 / before[:, None, :] + others[..., None])
    mean = after * (effect.mean[:, None, :] / before[:, None, :] + theirs[..., None])
    # What the others say tells the kinds apart as well.
    noise = 1.0 / np.maximum(others, _TINY)[..., None]
    miss = noise * theirs[..., None] - effect.mean[:, None, :]
    told = _log_likelihood(miss, before[:, None, :] + noise)
    chance = _chance(effect.weight[:, None, :] + np.where(others[..., None] > 0, told, 0.0))
    heard = np.sum(chance * mean, axis=-1)
    second = np.sum(chance * (after + np.square(mean)), axis=-1)
    return heard, np.maximum(second - np.square(heard), 0.0), _after(effect, precision, said, extra)


def _after(effect: Effect, precision: Floats, said: Floats, extra: float) -> Effect:
    """Return the effect after all channels have spoken; the event itself is not carried on."""
    total = precision.sum(axis=1, keepdims=True)
    some = total > 0
    noise = 1.0 / np.maximum(total, _TINY) + extra
    rho = said.sum(axis=1, keepdims=True) / np.maximum(total, _TINY)
    spread = effect.variance + noise
    gain = np.where(some, effect.variance / spread, 0.0)
    miss = rho - effect.mean
    told = _log_likelihood(miss, spread)
    return Effect(
        effect.mean + gain * miss,
        effect.variance * (1.0 - gain),
        effect.weight + np.where(some, told, 0.0),
    )


def _log_likelihood(miss: Floats, variance: Floats) -> Floats:
    """Return a normal's log density, up to a constant."""
    density: Floats = -0.5 * (np.log(variance) + np.square(miss) / variance)
    return density


def _heavy_tailed(rho: Floats, variance: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return weights from 0 to 1 that fall with the distance from the channels' middle."""
    held = np.where(seen, rho, np.nan)
    some = seen.any(axis=1)
    middle = np.zeros((len(rho), 1))
    middle[some, 0] = np.nanmedian(held[some], axis=1)
    away = np.abs(rho - middle) / np.sqrt(variance)
    far: Floats = np.square(_FAR / np.maximum(away, _FAR))
    return far


def _chance(weight: Floats) -> Floats:
    likely = np.exp(weight - weight.max(axis=-1, keepdims=True))
    chance: Floats = likely / likely.sum(axis=-1, keepdims=True)
    return chance
