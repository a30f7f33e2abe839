r"""One week of outcomes: how every row's table changes, under each of the hypotheses.

Before the week the log outcome of cell ``k`` is :math:`\eta \sim N(f_k, V)` with
:math:`V = P + \sigma^2 + \ldots`. From simple to subtle:

- `gaussian` and `counts`: what the outcome says under each hypothesis, which adds to the level's
  variance or to the week's: how likely it was, :math:`\ell_{hk}`, by how much the level's mean
  moves and what variance is left;
- `collapse`: the hypotheses as one mean and variance;
- `update_effect`: the week effect that all channels share, learned from each for the others;
- `rank`: where the outcome lies in what was predicted for it.

Where this stops: after each week hypotheses are one normal (see the package), and the week effect
reaches a channel by its mean and variance alone.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, expit, ndtr, psi

from budgetopt.arrays import Floats
from budgetopt.belief.filter.state import Effect, Gammas, Hypothesis, beside, gamma_shape, tiny
from budgetopt.belief.settings import Settings


class Update(NamedTuple):
    """What one hypothesis says of a block of rows.

    Parameters
    ----------
    log_density
        Log likelihood of the outcome, ``(rows, nuisances, cells)``.
    shift
        By how much the level's mean moves, same shape.
    variance
        What is left of the level's variance, ``(rows, nuisances)``.
    """

    log_density: Floats
    shift: Floats
    variance: Floats


class Before(NamedTuple):
    """What is expected of a block of rows before the week.

    Parameters
    ----------
    centre
        Mean of the log outcome, ``(rows, nuisances, cells)``.
    level
        Variance of the level, ``(rows, nuisances)``.
    total
        Variance of the log outcome apart from counting, same shape.
    """

    centre: Floats
    level: Floats
    total: Floats


def gaussian(
    before: Before, log_outcome: Floats, counting: Floats, hypotheses: tuple[Hypothesis, ...]
) -> list[Update]:
    r"""Return what a logarithm says, with its counting variance, both of shape ``(rows,)``.

    The logarithm is :math:`\ln(y + u/2) = \eta + N(0, q)` with :math:`q = u/\max(\hat y, u)`, where
    ``u`` is the size of one event and :math:`\hat y` what was expected before the week. With gain
    :math:`K = P/(V + q)` the level's mean moves by :math:`K\,(\ln(y + u/2) - f)` and the variance
    left is :math:`P\,(1 - K)`.

    Parameters
    ----------
    before
        What was expected.
    log_outcome, counting
        :math:`\ln(y + u/2)` and ``q``.
    hypotheses
        What may have happened.

    Notes
    -----
    Taking ``q`` at the outcome instead favours lucky weeks: at five events a week it overstates the
    curve by 17 %.

    References
    ----------
    Kalman (1960), A new approach to linear filtering and prediction problems. Anscombe (1948), The
    transformation of Poisson, binomial and negative-binomial data, for the logarithm.
    """
    miss = beside(log_outcome[:, None], before.centre) - before.centre
    square = np.square(miss)
    jump, week = added(hypotheses)
    level = before.level + jump
    spread = before.total + jump + week + counting[:, None]
    gain = level / spread
    left = level * (1.0 - gain)
    steep, flat, up = (beside(v, miss) for v in (-0.5 / spread, 0.5 * np.log(spread), gain))
    # One piece of memory for all: small ones would be handed back to the system every time.
    log_density, shift = np.empty((2, len(hypotheses), *miss.shape), miss.dtype)
    for at in range(len(hypotheses)):
        np.multiply(square, steep[at], out=log_density[at])
        log_density[at] -= flat[at]
        np.multiply(miss, up[at], out=shift[at])
    return [Update(*parts) for parts in zip(log_density, shift, left, strict=True)]


def added(hypotheses: tuple[Hypothesis, ...]) -> tuple[Floats, Floats]:
    """Return what hypotheses add to the variances of level and week, ``(hypotheses, 1, 1)``."""
    _, level, week = np.array(hypotheses).T[..., None, None]
    return level, week


def counts(
    before: Before, events: Floats, event: Floats, hypotheses: tuple[Hypothesis, ...]
) -> list[Update]:
    r"""Return what a count of events says; `events` and `event` have shape ``(rows,)``.

    Where few events are expected, logarithms of zeros would mislead. There
    :math:`y/u \sim Poisson(e^\eta/u)`, with the normal prior of :math:`\eta` replaced by the
    log-gamma of the same mean and variance: :math:`\lambda \sim Gamma(r, c)` with
    :math:`\psi(r) - \ln c = f - \ln u` and :math:`\psi'(r) = V`. Then the evidence is negative
    binomial and :math:`\eta` has posterior mean :math:`\psi(r+y) - \ln(c+1)` and variance
    :math:`\psi'(r+y)`.

    Parameters
    ----------
    before
        What was expected.
    events, event
        The count, which need not be whole, and the size of one.
    hypotheses
        What may have happened.

    References
    ----------
    West, Harrison and Migon (1985), Dynamic generalized linear models and Bayesian forecasting.
    """
    # Small arrays for all hypotheses at once, (hypotheses, rows, nuisances).
    jump, week = added(hypotheses)
    seen = events[:, None]
    level = before.level + jump
    spread = before.total + jump + week
    shape = gamma_shape(spread)
    prior, after = Gammas(shape), Gammas(shape + seen)
    gain = level / spread
    left = level - np.square(gain) * spread * (1.0 - after.trigamma / prior.trigamma)
    small = (
        prior.digamma + np.log(event)[:, None],
        shape,
        shape + seen,
        after.log - prior.log - Gammas(seen + 1.0).log,
        after.digamma - prior.digamma,
        gain,
    )
    each = zip(*(beside(part, before.centre) for part in small), strict=True)
    return [
        Update(*_counted(before.centre, *parts), rest)
        for parts, rest in zip(each, np.maximum(left, 0.0), strict=True)
    ]


def _counted(
    centre: Floats,
    start: Floats,
    shape: Floats,
    more: Floats,
    ways: Floats,
    up: Floats,
    gain: Floats,
) -> tuple[Floats, Floats]:
    """Return log density and shift of a table under one hypothesis."""
    # ln c, then ln(c + 1): the table's only work.
    log_rate = start - centre
    # Four times as quick as logaddexp, and as exact where it counts: differences of rounding.
    np.minimum(log_rate, np.log(np.finfo(centre.dtype).max) - 8.0, out=log_rate)
    log_after = np.exp(log_rate)
    log_after += 1.0
    np.log(log_after, out=log_after)
    log_density = shape * log_rate
    log_density += ways
    # E[eta | y] - f = psi(r + y) - psi(r) - ln(c + 1) + ln c.
    log_rate -= log_after
    log_rate += up
    log_rate *= gain
    log_after *= more
    log_density -= log_after
    return log_density, log_rate


def collapse(updates: list[Update], chance: list[float], weight: Floats) -> tuple[Floats, ...]:
    r"""Return hypotheses as one: shift, variance, log likelihood and the chance of each.

    With chances :math:`q_h \propto p_h \ell_{hk}` the shift is :math:`\sum_h q_h s_h` and the
    variance :math:`\sum_h q_h (v_h + s_h^2)` less the square of the shift: the moments of the
    mixture. The densities of `updates` are used up.

    Parameters
    ----------
    updates
        What each hypothesis says.
    chance
        Of each, before the week.
    weight
        Chances of nuisances and cells before the week, ``(rows, nuisances, cells)``.

    Returns
    -------
    shift
        By how much the level's mean moves, ``(rows, nuisances, cells)``.
    variance
        Of the level, ``(rows, nuisances)``: averaged over the cells, since in all that are
        credible the week looks alike.
    log_density
        Of the outcome, ``(rows, nuisances, cells)``.
    after
        Chance of each hypothesis after the week, ``(hypotheses, rows)``.

    References
    ----------
    Ackerson and Fu (1970), On state estimation in switching environments.
    """
    if len(updates) == 1:
        one = updates[0]
        return one.shift, one.variance, one.log_density, np.ones((1, len(weight)))
    # The widest hypothesis falls slowest: where it is not zero nothing is lost.
    most = updates[-1].log_density.max(axis=(1, 2), keepdims=True)
    heavy = np.empty_like(weight)
    shares, spread = [], np.zeros(weight.shape[:2])
    for one, prior in zip(updates, chance, strict=True):
        density = one.log_density
        density += np.log(prior) - most
        np.exp(density, out=density)
        np.multiply(weight, density, out=heavy)
        shares.append(heavy.sum(axis=2))
        spread += shares[-1] * one.variance
        heavy *= one.shift
        spread += np.einsum("rjk,rjk->rj", heavy, one.shift)
    total = reduce(np.add, (one.log_density for one in updates))
    for one in updates:
        np.multiply(one.log_density, one.shift, out=one.log_density)
    moved = reduce(np.add, (one.log_density for one in updates))
    np.maximum(total, tiny(total), out=total)
    moved /= total
    total_chance = np.maximum(np.add.reduce(shares), tiny(total))
    np.multiply(weight, total, out=heavy)
    spread -= np.einsum("rjk,rjk,rjk->rj", heavy, moved, moved)
    least = np.minimum.reduce([one.variance for one in updates])
    after = np.stack([share.sum(axis=1) for share in shares])
    log_density = np.log(total)
    log_density += most
    return moved, np.maximum(spread / total_chance, least), log_density, after / after.sum(axis=0)


_TINY = float(np.finfo(np.float64).tiny)
_FAR = 2.0
"""Standard deviations from the channels' middle beyond which a channel counts for less."""
_FEWEST = 3
"""Channels from which a week effect can be updates from their own ups and downs."""


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
    r"""Return the effect some weeks later, nothing seen in between.

    .. math:: w_t = m + \varphi\,(w_{t-1} - m) + \tau\sqrt{1-\varphi^2}\,\varepsilon_t,
        \qquad m = -\tau^2/2

    so that a usual week has factor 1 on average. Sizes :math:`\tau` and persistences
    :math:`\varphi` form a small bank of kinds, weighed by how well each explains the channels
    together. Without the effect a season is read as effect of spend, since teams spend more when
    demand is high.
    """
    size, persistence = kinds_of(settings)
    kept = persistence**weeks
    usual = -0.5 * np.square(size)
    mean = usual + kept * (effect.mean - usual)
    variance = np.square(size) + np.square(kept) * (effect.variance - np.square(size))
    return Effect(mean, variance, effect.weight)


def moments(effect: Effect) -> tuple[Floats, Floats]:
    r"""Return mean and variance over the kinds, each of shape ``(runs,)``.

    They are :math:`\sum_h q_h m_h` and :math:`\sum_h q_h (v_h + m_h^2)` less the mean squared.
    """
    chance = _chance(effect.weight)
    mean = np.sum(chance * effect.mean, axis=-1)
    second = np.sum(chance * (effect.variance + np.square(effect.mean)), axis=-1)
    return mean, np.maximum(second - np.square(mean), 0.0)


def update_effect(
    effect: Effect, rho: Floats, variance: Floats, seen: NDArray[np.bool_], extra: float
) -> tuple[Floats, Floats, Effect]:
    r"""Return what the others say of the effect to each channel, and the effect after the week.

    Channel ``i`` says :math:`w = \rho_i \pm \sqrt{v_i}`: its log outcome less what was expected of
    it. Precisions add, and a channel itself hears only what the others say, so nothing is counted
    twice. A channel far from the others' middle counts for less, as under a heavy tail, since an
    outage of one is no season of all.

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

    References
    ----------
    Minka (2001), Expectation propagation for approximate Bayesian inference, for the cavity. Huber
    (1964), Robust estimation of a location parameter, for the weights.
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
    log_likelihood = _log_likelihood(miss, before[:, None, :] + noise)
    chance = _chance(
        effect.weight[:, None, :] + np.where(others[..., None] > 0, log_likelihood, 0.0)
    )
    given = np.sum(chance * mean, axis=-1)
    second = np.sum(chance * (after + np.square(mean)), axis=-1)
    return given, np.maximum(second - np.square(given), 0.0), _after(effect, precision, said, extra)


def _after(effect: Effect, precision: Floats, said: Floats, extra: float) -> Effect:
    """Return the effect after all channels have spoken; the event itself is not carried on."""
    total = precision.sum(axis=1, keepdims=True)
    some = total > 0
    noise = 1.0 / np.maximum(total, _TINY) + extra
    rho = said.sum(axis=1, keepdims=True) / np.maximum(total, _TINY)
    spread = effect.variance + noise
    gain = np.where(some, effect.variance / spread, 0.0)
    miss = rho - effect.mean
    log_likelihood = _log_likelihood(miss, spread)
    return Effect(
        effect.mean + gain * miss,
        effect.variance * (1.0 - gain),
        effect.weight + np.where(some, log_likelihood, 0.0),
    )


def _log_likelihood(miss: Floats, variance: Floats) -> Floats:
    """Return a normal's log density, up to a constant."""
    density: Floats = -0.5 * (np.log(variance) + np.square(miss) / variance)
    return density


def _heavy_tailed(rho: Floats, variance: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return weights from 0 to 1 that fall with the distance from the channels' middle."""
    # What is not seen sorts last; numpy's own median of few takes ten times as long.
    held, count = np.sort(np.where(seen, rho, np.nan), axis=1), seen.sum(axis=1)
    run = np.arange(len(rho))
    middle = 0.5 * (held[run, np.maximum(count - 1, 0) // 2] + held[run, count // 2])
    middle = np.where(count > 0, middle, 0.0)
    away = np.abs(rho - middle[:, None]) / np.sqrt(variance)
    far: Floats = np.square(_FAR / np.maximum(away, _FAR))
    return far


def _chance(weight: Floats) -> Floats:
    likely = np.exp(weight - weight.max(axis=-1, keepdims=True))
    chance: Floats = likely / likely.sum(axis=-1, keepdims=True)
    return chance


_NEGLIGIBLE = 1e-5
"""Chance of a cell that moves no rank by more than its share of the table."""


def rank(
    before: Before,
    chance: Floats,
    hypotheses: tuple[Hypothesis, ...],
    seen: Floats,
    scale: Floats,
    *,
    few: bool,
) -> Floats:
    r"""Return the share of each row's prediction that lies below what was seen, ``(rows,)``.

    The share :math:`F(y)` is even between 0 and 1 where the belief is calibrated. For counts it is
    the middle of the jump, :math:`F(y) - \tfrac12 p(y)`, of the negative binomial that a gamma rate
    makes.

    Parameters
    ----------
    before
        What was expected.
    chance
        Of nuisances and cells before the week.
    hypotheses
        What may have happened.
    seen, scale
        Log outcome and counting variance; or, where `few`, events and the size of one.
    few
        Whether the outcome is learned as a count.

    References
    ----------
    Dawid (1984), Statistical theory: the prequential approach.
    """
    if few:
        return _rank_of_counts(before, chance, hypotheses, seen, scale)
    likely = np.flatnonzero(chance > _NEGLIGIBLE)
    pair = likely // chance.shape[2]
    row = pair // chance.shape[1]
    weight = np.take(chance, likely)
    miss = seen[row] - np.take(before.centre, likely)
    below = np.zeros(weight.size)
    for one in hypotheses:
        sd = np.sqrt(before.total + one.level + one.week + scale[:, None])
        below += one.chance * ndtr(miss / np.take(sd, pair))
    summed = np.bincount(row, weight * below, len(chance))
    answer: Floats = summed / np.bincount(row, weight, len(chance))
    return answer


def _rank_of_counts(
    before: Before,
    chance: Floats,
    hypotheses: tuple[Hypothesis, ...],
    events: Floats,
    event: Floats,
) -> Floats:
    """Return ranks of counts; the cells of a nuisance count as one normal."""
    weight = chance.sum(axis=2)
    heavy = np.maximum(weight, np.finfo(np.float64).tiny)
    middle = np.einsum("rjk,rjk->rj", chance, before.centre) / heavy
    square = np.einsum("rjk,rjk->rj", chance, np.square(before.centre)) / heavy
    total = before.total + np.maximum(square - np.square(middle), 0.0)
    below = np.zeros_like(weight)
    for one in hypotheses:
        shape = gamma_shape(total + one.level + one.week)
        still = expit(psi(shape) + np.log(event)[:, None] - middle)
        below += one.chance * _count_rank(shape, still, events[:, None])
    answer: Floats = np.sum(weight * below, axis=1) / weight.sum(axis=1)
    return answer


def _count_rank(shape: Floats, still: Floats, events: Floats) -> Floats:
    """Return the middle of the negative binomial's jump at a count, which need not be whole.

    Parameters
    ----------
    shape, still
        Of the gamma rate, and the chance ``c/(1+c)`` of no further event at it.
    events
        The count.
    """
    upto = betainc(shape, events + 1.0, still)
    less = np.where(events >= 1.0, betainc(shape, np.maximum(events, 1e-300), still), 0.0)
    return np.asarray(0.5 * (upto + less), dtype=np.float64)
