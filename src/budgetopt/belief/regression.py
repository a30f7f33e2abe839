r"""Weekly totals as rows of a Gaussian model: baseline, scales, odd weeks and what is left over.

.. math:: y_t = Z_t\gamma + F_t\beta + e_t, \qquad \gamma \sim N(m, S), \quad \beta_i \ge 0,
    \quad \beta_i \sim N(a\,\tau s_i, b^2\tau^2 s_i^2)

with outcomes ``y`` in mean outcomes, columns ``Z`` of the baseline and features ``F`` of the
channels, of which ``i`` has the share :math:`s_i` of the money. What is not known of the model
itself is weighed by its evidence on a small grid (`weigh`): the scale of the media :math:`\tau`,
those of season and trend, and the noise. A small :math:`\tau` is that they bring nothing to speak
of; around it money is worth half as much again, or as little, in one channel as in another
(`usual_effects`). Effects of at least zero are what keeps channels that move together from growing
against each other, the more so the more there are: `kept_positive`. Rows are robust and not
independent (`Rows`):

- errors have Student's law with 4 to 40 degrees of freedom, or are those of an odd week, a
  promotion or a holiday that nobody declared, and the same week of other years is more likely odd
  too: each week's weight is what is expected of its precision given how far off it and its like
  lie (`weights_of`);
- what is left over of one week goes on into the next, and rows are freed of it beforehand.

`baseline` are the columns; `Gaussian` is the model at one point of the grid, from which any one
channel can be taken out; `refitted` renews weights and persistence; `fit_of` says how well all of
it fits.

Where this stops: weights, persistence and features are plugged in, not integrated out. Jumps of
the level are found beforehand (`shifts`). Holidays that move by more than half a week from year to
year are single odd weeks.

References
----------
Box and Tiao (1968), A Bayesian approach to some outlier problems, Biometrika 55, for odd weeks.
Cunningham, Hennig and Lacoste-Julien (2011), Gaussian probabilities and expectation propagation.
Lange, Little and Taylor (1989), Robust statistical modeling using the t distribution, JASA 84,
section 3. O'Hagan and Forster (2004), Kendall's Advanced Theory of Statistics 2B, section 11.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, logsumexp, softmax

from budgetopt.arrays import Floats
from budgetopt.belief.posterior import band

NO_EFFECT = 0.01
"""Scale of the media at which they bring nothing to speak of: 0.8 % of the total."""
_NONE_CHANCE = 0.2
"""Prior chance of that."""
_SCALES = np.geomspace(0.05, 1.8, 9)
"""The other scales of the media tried, in usual ones: of 2 to 72 % of the total by default, as more
than all of it is for no channels to bring."""
_SCALE_SD = 1.5
"""Prior standard deviation of their logarithm."""
_ABOVE = 1.7
"""How many sds above zero the normal of an effect is beforehand. What is kept of it above zero has
an sd of half its mean: money is worth half as much again or as little in another channel."""
_SEASON = np.array([0.02, 0.08, 0.25])
TREND = np.array([0.01, 0.04, 0.15])
"""Scales tried of the first yearly wave, and of the level's change in a quarter, in mean
outcomes."""
NOISE = np.geomspace(3e-3, 3.0, 49)
"""Noise levels tried, in mean outcomes."""
_BASE_SD, _SLOPE_SD = 1.0, 0.3
"""Prior sds of the level and of a straight trend over half the span, in mean outcomes."""
_WAVES = 3
_YEAR = 365.25
_QUARTER = 13 * 7.0
_MOST_STEPS = 40
"""Steps of the level at most: over more than ten years each is longer than a quarter."""
_FREEDOM = np.array([4.0, 10.0, 40.0])
"""Degrees of freedom of the errors that are weighed."""
ODD_SD = 0.4
"""How far an odd week lies off, one sd in mean outcomes."""
ODD_CHANCE, _YEARLY, _AGAIN = 0.03, 0.05, 0.8
"""Chances that a week is odd, that a week of the year is odd as a rule, and that it then is."""
_MOST_SERIAL = 0.8
"""Persistence beyond which errors are a trend."""
_STEPS = 30
"""Steps to the most likely scale of the errors."""
_TINY = float(np.finfo(np.float64).tiny)


class Baseline(NamedTuple):
    """Columns that are not media: level, straight trend, seasons, a level that walks, and others.

    Parameters
    ----------
    columns
        Shape ``(weeks, columns)``.
    mean, sd
        Of their coefficients beforehand, ``(columns,)``, in mean outcomes.
    season, trend
        Whether the scale of the season, or of the trend, multiplies the sd, ``(columns,)``.
    """

    columns: Floats
    mean: Floats
    sd: Floats
    season: NDArray[np.bool_]
    trend: NDArray[np.bool_]

    def beside(self, columns: Floats, sd: float | Floats) -> Baseline:
        """Return it with more columns, whose coefficients are around zero."""
        more = columns.shape[1]
        return Baseline(
            np.hstack([self.columns, columns]),
            np.append(self.mean, np.zeros(more)),
            np.append(self.sd, np.broadcast_to(sd, more)),
            np.append(self.season, np.zeros(more, np.bool_)),
            np.append(self.trend, np.zeros(more, np.bool_)),
        )

    def variance(self, season: float, trend: float) -> Floats:
        """Return prior variances of the coefficients at scales of season and trend."""
        scale = np.where(self.season, season, np.where(self.trend, trend, 1.0))
        return np.square(self.sd * scale)


def baseline(weeks: NDArray[np.datetime64], used: NDArray[np.bool_] | None = None) -> Baseline:
    r"""Return the columns of the baseline and their priors.

    Level, straight trend, three yearly waves :math:`\cos, \sin` whose sds fall as one over their
    number, and a random walk over quarters, straight in between: a column for each quarter's step.

    Parameters
    ----------
    weeks
        First days, rising, shape ``(weeks,)``.
    used
        Those that are learned from, from the first of which time counts; by default all.
    """
    first = weeks if used is None else weeks[used]
    day = (weeks - first.min()).astype("timedelta64[D]").astype(np.float64)
    half = max(float(day.max()) / 2.0, 7.0)
    turn = 2.0 * np.pi * day / _YEAR
    waves = [wave(n * turn) for n in range(1, _WAVES + 1) for wave in (np.cos, np.sin)]
    width = max(_QUARTER, float(day.max()) / _MOST_STEPS)
    starts = np.arange(0.0, float(day.max()) - width / 2.0, width)
    steps = [np.clip((day - start) / width, 0.0, 1.0) for start in starts]
    columns = np.stack([np.ones_like(day), day / half - day.max() / (2.0 * half), *waves, *steps])
    falling = np.repeat(1.0 / np.arange(1, _WAVES + 1), 2)
    step_sd = np.full(len(steps), np.sqrt(width / _QUARTER))
    sd = np.concatenate([[_BASE_SD, _SLOPE_SD], falling, step_sd])
    kind = np.repeat([0, 1, 2], [2, len(waves), len(steps)])
    return Baseline(columns.T, (np.arange(len(sd)) == 0).astype(float), sd, kind == 1, kind == 2)


class Rows(NamedTuple):
    """How much each week counts, and how its error follows the one before.

    Parameters
    ----------
    weight
        Above 0, 1 for a usual week, shape ``(weeks,)``.
    serial
        Correlation of errors of neighbouring weeks, 0 to 0.8.
    next_to
        Whether the week before is known too, ``(weeks,)``.
    turn
        Week of the year, 0 to 51, ``(weeks,)``.
    told
        What errors of Student's law tell of a mean, as a share of what they would if their weights
        were known, 0 to 1.
    """

    weight: Floats
    serial: float
    next_to: NDArray[np.bool_]
    turn: NDArray[np.intp]
    told: float = 1.0

    @classmethod
    def plain(cls, weeks: NDArray[np.datetime64]) -> Rows:
        """Return rows that all count alike, with errors of their own."""
        next_to = np.diff(weeks, prepend=weeks[:1]) == np.timedelta64(7, "D")
        day = (weeks - weeks.min()).astype("timedelta64[D]").astype(np.float64)
        turn = np.rint(day % _YEAR / 7.0).astype(np.intp) % 52
        return cls(np.ones(len(weeks)), 0.0, next_to, turn)

    def freed(self, values: Floats) -> Floats:
        r"""Return columns, shape ``(weeks, ...)``, as rows with independent errors of one variance.

        With :math:`v^*_t = \sqrt{w_t}\,v_t` a row is
        :math:`(v^*_t - \rho\,v^*_{t-1})/\sqrt{1-\rho^2}`, and :math:`v^*_t` where the week before
        is not known.
        """
        wide = (slice(None), *[None] * (values.ndim - 1))
        scaled = np.sqrt(self.weight)[wide] * values
        if not self.serial:
            return scaled
        left = scaled.copy()
        left[1:] -= self.serial * scaled[:-1]
        left /= np.sqrt(1.0 - self.serial**2)
        freed: Floats = np.where(self.next_to[wide], left, scaled)
        return freed


class Scales(NamedTuple):
    """Scales of media and baseline with the noise variance, at one point or on average."""

    media: float
    season: float
    trend: float
    noise: float


class Weighed(NamedTuple):
    """Chances of the media's scales, and what is expected of the others.

    Parameters
    ----------
    media
        Scales tried, shape ``(scales,)``; the first is that of no effect.
    chance
        Given the totals, same shape.
    given
        Expected scales given each of them.
    overall
        Over all of them.
    """

    media: Floats
    chance: Floats
    given: tuple[Scales, ...]
    overall: Scales


def media_scales(usual: float) -> tuple[Floats, Floats]:
    """Return scales of the media that are tried, and their prior chances."""
    log = np.log(_SCALES)
    some = (1.0 - _NONE_CHANCE) * softmax(-0.5 * np.square(log / _SCALE_SD))
    return np.append(NO_EFFECT, usual * _SCALES), np.append(_NONE_CHANCE, some)


def usual_effects(scale: Floats) -> tuple[Floats, Floats]:
    r"""Return means and sds of the normals that, kept above zero, are believed of effects.

    The mean of what is kept is :math:`\sqrt{2/\pi}` of the scale, as that of a half-normal, so that
    the mean of all effects together does not depend on the number of channels, and its sd is
    half of the mean.

    Parameters
    ----------
    scale
        Scale of the media times share of the money, any shape.

    Notes
    -----
    With the mean :math:`z` of the normal in its sds and :math:`h = \varphi(z)/\Phi(z)` the mean of
    what is kept is :math:`z + h` sds and its variance :math:`1 - h(z + h)` (Johnson, Kotz and
    Balakrishnan 1994, section 13.10.1).
    """
    mean, _ = _kept()
    sd = np.sqrt(2.0 / np.pi) * scale / mean
    return _ABOVE * sd, sd


def usual_spread() -> float:
    """Return the sd of an effect beforehand as a share of its mean."""
    mean, variance = _kept()
    return float(np.sqrt(variance)) / mean


def _kept() -> tuple[float, float]:
    """Return mean and variance of a normal with sd 1 that lies `_ABOVE` zero and is kept there."""
    hazard = float(np.exp(-0.5 * _ABOVE**2 - log_ndtr(_ABOVE)) / np.sqrt(2.0 * np.pi))
    mean = _ABOVE + hazard
    return mean, 1.0 - hazard * mean


class LiftEvidence(NamedTuple):
    r"""What lift tests say of effects: information ``I`` and score ``h``, 0 where there are none.

    A test that found ``z`` with the error ``s`` where an effect of 1 brings ``c`` has
    :math:`I = c^2/s^2` and :math:`h = cz/s^2`, and those of several add up. Any shape.
    """

    information: Floats
    score: Floats

    @classmethod
    def none(cls, shape: int | tuple[int, ...]) -> LiftEvidence:
        """Return that there were none."""
        return cls(np.zeros(shape), np.zeros(shape))

    def averaged(self, weight: Floats) -> LiftEvidence:
        r"""Return it with what an effect of 1 brings averaged over the last axis by weights.

        What is not known of that is error: of results ``z`` a share with the relative variance
        :math:`v` of :math:`c = \sqrt{I}` leaves :math:`\bar{c}^2 / (s^2 + v z^2)` of information.
        """
        brings = np.sqrt(self.information)
        mean = np.sum(weight * brings, axis=-1)
        once = np.where(mean > 0, mean, 1.0)
        spread = np.sum(weight * np.square(brings - mean[..., None]), axis=-1) / np.square(once)
        result = np.sum(weight * self.score, axis=-1) / once
        error = 1.0 + spread * np.square(result)
        return LiftEvidence(np.square(mean) / error, mean * result / error)

    def after(self, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """Return means and variances of normals after the tests."""
        left = variance / (1.0 + self.information * variance)
        return np.where(self.information > 0, left * (self.score + mean / variance), mean), left

    def log_evidence(self, mean: Floats, variance: Floats) -> Floats:
        """Return log densities of what was found, up to constants."""
        after, left = self.after(mean, variance)
        found = np.square(after) / left - np.square(mean) / variance + np.log(left / variance)
        return np.where(self.information > 0, 0.5 * found, 0.0)


class Design(NamedTuple):
    """The columns of baseline and channels, and what is believed of them beforehand.

    Parameters
    ----------
    outcome
        In mean outcomes, shape ``(weeks,)``.
    base
        The baseline.
    features
        Of the channels, shape ``(weeks, channels)``.
    share
        Each channel's share of the money, ``(channels,)``.
    own_mean, own_sd
        Of effects that do not follow that scale, NaN where they do, ``(channels,)``.
    lift
        What lift tests say of the effects.
    """

    outcome: Floats
    base: Baseline
    features: Floats
    share: Floats
    own_mean: Floats
    own_sd: Floats
    lift: LiftEvidence

    @property
    def columns(self) -> Floats:
        """Those of the baseline, then those of the channels."""
        return np.hstack([self.base.columns, self.features])

    def expected(self, scale: float) -> Design:
        """Return it with effects that are what is believed of them at a scale of the media."""
        mean = np.sqrt(2.0 / np.pi) * scale * self.share
        mean = np.where(np.isfinite(self.own_mean), self.own_mean, mean)
        return self._replace(own_mean=mean, own_sd=0.02 * mean)

    def moments(self, scales: Scales) -> tuple[Floats, Floats]:
        """Return means and variances of all coefficients before the totals, of either sign."""
        mean, variance = self.lift.after(*self._believed(scales.media))
        before = self.base.variance(scales.season, scales.trend)
        return np.append(self.base.mean, mean), np.append(before, variance)

    def log_lift(self, media: float) -> float:
        """Return the log density of what the lift tests found, at a scale of the media."""
        return float(self.lift.log_evidence(*self._believed(media)).sum())

    def _believed(self, media: float) -> tuple[Floats, Floats]:
        """Return prior means and variances of the effects, of either sign."""
        own = np.isfinite(self.own_mean)
        usual_mean, usual_sd = usual_effects(media * self.share)
        sd = np.where(own, self.own_sd, usual_sd)
        return np.where(own, self.own_mean, usual_mean), np.square(sd)


def weigh(design: Design, rows: Rows, usual: float) -> Weighed:
    r"""Return the chances of the scales by their evidence.

    With rows ``X`` and prior :math:`N(m, S)` the evidence is that of
    :math:`r = y - Xm \sim N(0, \sigma^2 + XSX^T)`, times the chance that all effects are positive
    given the totals over that beforehand, which is the same at every point, and the density of
    what lift tests found. One symmetric eigenvalue problem a point, in columns or in weeks,
    whichever are fewer, serves all noise levels; the chance is worked out at each scale of the
    media, the others expected.

    Parameters
    ----------
    design
        Columns and priors.
    rows
        Weights and persistence.
    usual
        Prior median of the scale of the media.
    """
    media, prior = media_scales(usual)
    freed = rows.freed(np.column_stack([design.columns, design.outcome]))
    columns, outcome = freed[:, :-1], freed[:, -1]
    # Where every effect has a prior of its own, nothing depends on the scale of the media.
    tried = media[:1] if np.isfinite(design.own_mean).all() else media
    points = [Scales(m, s, t, 0.0) for m in tried for s in _SEASON for t in TREND]
    means, variances = map(np.array, zip(*map(design.moments, points), strict=True))
    log_like = _log_evidence(columns, outcome - means @ columns.T, variances)
    shape = (tried.size, _SEASON.size, TREND.size, NOISE.size)
    log_prior = np.log(prior) + [design.log_lift(m) for m in media.tolist()]
    log_like = log_like.reshape(shape) + log_prior[:, None, None, None]
    each = softmax(log_like, axis=(1, 2, 3))
    given = tuple(_expected(m, part) for m, part in zip(media.tolist(), each, strict=True))
    _, log_positive = kept_positive(*_of_channels(design, columns, outcome, given))
    chance = softmax(logsumexp(log_like, axis=(1, 2, 3)) + log_positive)
    overall = _expected(float(chance @ media), np.einsum("m,mstn->stn", chance, each))
    return Weighed(media, chance, given, overall)


def _expected(media: float, chance: Floats) -> Scales:
    """Return expected scales: of variances, as these are what adds up."""
    season = float(np.sqrt(chance.sum(axis=(1, 2)) @ np.square(_SEASON)))
    trend = float(np.sqrt(chance.sum(axis=(0, 2)) @ np.square(TREND)))
    return Scales(media, season, trend, float(chance.sum(axis=(0, 1)) @ np.square(NOISE)))


def _log_evidence(columns: Floats, miss: Floats, variances: Floats) -> Floats:
    """Return log densities of what was missed, shape ``(points, noises)``, up to a constant."""
    weeks, count = columns.shape
    noise = np.square(NOISE)
    if count <= weeks:
        root = np.sqrt(variances)
        gram = root[:, :, None] * (columns.T @ columns) * root[:, None, :]
        power, turn = np.linalg.eigh(gram)
        along = np.square(np.einsum("pij,pi->pj", turn, root * (miss @ columns)))
        power = np.maximum(power, 0.0)
        square = np.einsum("pt,pt->p", miss, miss)[:, None]
        spread = power[:, :, None] + noise
        explained = np.sum(along[:, :, None] / spread, axis=1)
        square = np.maximum(square - explained, 0.0) / noise
        width = np.sum(np.log(spread), axis=1) + (weeks - count) * np.log(noise)
    else:
        held = np.einsum("tc,pc,sc->pts", columns, variances, columns)
        power, turn = np.linalg.eigh(held)
        spread = np.maximum(power, 0.0)[:, :, None] + noise
        along = np.square(np.einsum("pij,pi->pj", turn, miss))
        square = np.sum(along[:, :, None] / spread, axis=1)
        width = np.sum(np.log(spread), axis=1)
    log_like: Floats = -0.5 * (square + width)
    return log_like


def _of_channels(
    design: Design, columns: Floats, outcome: Floats, points: Sequence[Scales]
) -> tuple[Floats, Floats]:
    """Return precisions and shifts of the effects given the totals, with the baseline out of it.

    The normal of the effects, were they free to be negative, at each point: precision of shape
    ``(points, channels, channels)``, and precision times mean, ``(points, channels)``.
    """
    first = design.base.columns.shape[1]
    base, features = columns[:, :first], columns[:, first:]
    means, variances = map(np.array, zip(*map(design.moments, points), strict=True))
    noise = np.array([point.noise for point in points])[:, None, None]
    miss = outcome - means[:, :first] @ base.T
    inner = base.T @ base + noise * (np.eye(first) / variances[:, :first, None])
    along = np.linalg.solve(
        inner, np.broadcast_to(base.T @ features, (len(points), first, features.shape[1]))
    )
    precision = (features.T @ features - (features.T @ base) @ along) / noise
    left = miss @ features - np.einsum("pbc,pb->pc", along, miss @ base)
    before = 1.0 / variances[:, first:]
    precision = precision + np.eye(features.shape[1]) * before[:, None, :]
    return precision, left / noise[:, :, 0] + before * means[:, first:]


class Sites(NamedTuple):
    """Normals that stand for "at least zero": precisions, and precisions times means.

    Both of shape ``(points, channels)``.
    """

    precision: Floats
    shift: Floats


_ROUNDS, _DAMPED = 12, 0.8
"""Rounds of expectation propagation, and how far each goes."""


def kept_positive(precision: Floats, shift: Floats) -> tuple[Sites, Floats]:
    r"""Return what keeping all coordinates of normals above zero is like, and its log chance.

    Expectation propagation: each condition :math:`\beta_i \ge 0` becomes a normal such that with
    it the mean and the variance of :math:`\beta_i` are those of the truncated normal of what the
    totals and all other conditions say. The log chance is :math:`A(after) - A(before) + \sum_i \ln
    \Phi(z_i) + A(cavity_i) - A(marginal_i)` with the log normaliser :math:`A` of a normal and
    :math:`z_i` the mean of the cavity over its sd (Cunningham, Hennig and Lacoste-Julien 2011,
    section 3).

    Parameters
    ----------
    precision
        Shape ``(points, coordinates, coordinates)``.
    shift
        Precision times mean, ``(points, coordinates)``.
    """
    sites = Sites(np.zeros_like(shift), np.zeros_like(shift))
    for _ in range(_ROUNDS):
        mean, variance, _ = _with_sites(precision, shift, sites)
        cavity = _cavity(mean, variance, sites)
        middle, spread = cavity
        held, variance = kept_moments(middle, np.sqrt(spread))
        left = variance / spread
        wanted = np.maximum(1.0 / left - 1.0, 0.0) / spread
        pull = held / (spread * left) - middle / spread
        sites = Sites(
            sites.precision + _DAMPED * (wanted - sites.precision),
            sites.shift + _DAMPED * (pull - sites.shift),
        )
    mean, variance, log_after = _with_sites(precision, shift, sites)
    middle, spread = _cavity(mean, variance, sites)
    log_before = _with_sites(precision, shift, Sites(*np.zeros((2, *shift.shape))))[2]
    log_cavity = 0.5 * (np.square(middle) / spread + np.log(spread))
    log_marginal = 0.5 * (np.square(mean) / variance + np.log(variance))
    each = log_ndtr(middle / np.sqrt(spread)) + log_cavity - log_marginal
    return sites, log_after - log_before + each.sum(axis=1)


def kept_moments(mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Return means and variances of normals that are kept above zero, as in `usual_effects`."""
    at = mean / sd
    hazard = np.exp(-0.5 * np.square(at) - log_ndtr(at)) / np.sqrt(2.0 * np.pi)
    # Far below zero the difference of two large numbers can round to less than nothing.
    left = np.maximum(1.0 - hazard * (at + hazard), 1e-9)
    return mean + sd * hazard, np.square(sd) * left


def _with_sites(precision: Floats, shift: Floats, sites: Sites) -> tuple[Floats, Floats, Floats]:
    """Return means and variances with the sites, and the log normaliser, ``(points,)``."""
    whole = precision + np.eye(shift.shape[1]) * sites.precision[:, None, :]
    covariance = np.linalg.inv(whole)
    pull = shift + sites.shift
    mean = np.einsum("pij,pj->pi", covariance, pull)
    log_norm = 0.5 * np.sum(mean * pull, axis=1) - 0.5 * np.linalg.slogdet(whole)[1]
    return mean, np.einsum("pii->pi", covariance), log_norm


def _cavity(mean: Floats, variance: Floats, sites: Sites) -> tuple[Floats, Floats]:
    """Return means and variances without each coordinate's own site."""
    spread = 1.0 / np.maximum(1.0 / variance - sites.precision, 1e-9 / variance)
    return spread * (mean / variance - sites.shift), spread


class Gaussian:
    """The model at one point, from which any one channel can be taken out.

    With ``X`` the rows and ``S`` the prior variances, ``C = σ² + X S Xᵀ`` is the covariance of the
    outcome. One thin singular value decomposition of ``X √S`` gives its inverse, in weeks or in
    columns, whichever are fewer.

    Parameters
    ----------
    columns
        Rows of baseline and channels, shape ``(weeks, columns)``.
    mean, variance
        Of the coefficients beforehand.
    outcome
        Shape ``(weeks,)``.
    first
        The first column of a channel.
    noise
        Variance.
    """

    def __init__(
        self,
        columns: Floats,
        mean: Floats,
        variance: Floats,
        outcome: Floats,
        first: int,
        noise: float,
    ) -> None:
        self.mean, self.variance, self.first, self.noise = mean, variance, first, noise
        left, root, self._turn = np.linalg.svd(columns * np.sqrt(variance), full_matrices=False)
        self.left, self.power = left, np.square(root)
        self.share = self.power / (self.power + noise)
        miss = outcome - columns @ mean
        both = self.solve(np.column_stack([miss, columns[:, first:]]))
        self.solved_miss, self.solved = both[:, 0], both[:, 1:]
        self.own = np.einsum("tc,tc->c", columns[:, first:], self.solved)
        self.own_score = columns[:, first:].T @ self.solved_miss
        self.coefficients = mean + variance * (columns.T @ self.solved_miss)

    def solve(self, right: Floats) -> Floats:
        """Return ``C⁻¹ right``."""
        solved: Floats = (
            right - self.left @ (self.share[:, None] * (self.left.T @ right))
        ) / self.noise
        return solved

    def fit_variance(self, columns: Floats) -> Floats:
        r"""Return the variance of :math:`x^T\gamma` for rows ``x`` given all totals, ``(weeks,)``.

        It is :math:`x^TSx` less what the totals say:
        :math:`\sum_r (x^T\sqrt S\,w_r)^2\,\lambda_r/(\lambda_r + \sigma^2)`.
        """
        scaled = columns * np.sqrt(self.variance)
        known = np.square(scaled @ self._turn.T) @ self.share
        left: Floats = np.maximum(np.square(scaled).sum(axis=1) - known, 0.0)
        return left

    def without(self, channels: slice | NDArray[np.intp], tried: Floats) -> tuple[Floats, Floats]:
        """Return information and score of features in a model without their own channel's.

        Parameters
        ----------
        channels
            The channels.
        tried
            Rows of features, shape ``(weeks, channels, cells)``.
        """
        along = np.tensordot(self.left.T * np.sqrt(self.share)[:, None], tried, axes=1)
        fixed = np.einsum("tck,tck->ck", tried, tried) - np.einsum("rck,rck->ck", along, along)
        cross = np.einsum("tck,tc->ck", tried, self.solved[:, channels])
        score = np.einsum("tck,t->ck", tried, self.solved_miss)
        mean, variance = self.mean[self.first :], self.variance[self.first :]
        mean, variance, own = (part[channels, None] for part in (mean, variance, self.own))
        # Taking a column out of the covariance is a change of rank one (Sherman and Morrison).
        gain = variance / np.maximum(1.0 - variance * own, np.finfo(np.float64).eps)
        information = np.maximum(fixed / self.noise, 0.0) + gain * np.square(cross)
        score = score + mean * cross + gain * cross * (self.own_score[channels, None] + mean * own)
        return information, score


def model_at(design: Design, rows: Rows, scales: Scales) -> Gaussian:
    """Return the model at one point of the grid, in which effects are kept above zero by sites."""
    freed = rows.freed(np.column_stack([design.columns, design.outcome]))
    columns, outcome = freed[:, :-1], freed[:, -1]
    sites, _ = kept_positive(*_of_channels(design, columns, outcome, [scales]))
    mean, variance = design.moments(scales)
    first = design.base.columns.shape[1]
    precision = 1.0 / variance[first:]
    pull = precision * mean[first:] + sites.shift[0]
    variance[first:] = 1.0 / (precision + sites.precision[0])
    mean[first:] = variance[first:] * pull
    return Gaussian(columns, mean, variance, outcome, first, scales.noise / rows.told)


def refitted(design: Design, rows: Rows, model: Gaussian) -> Rows:
    """Return weights and persistence after a fit.

    The persistence is the correlation of neighbouring weighted misses.
    """
    columns = design.columns
    miss = design.outcome - columns @ model.coefficients
    weight, told = weights_of(np.square(miss) + model.fit_variance(columns), rows.turn)
    scaled = np.sqrt(weight) * miss
    pairs = rows.next_to[1:]
    power = max(float(scaled @ scaled), _TINY)
    serial = float(scaled[1:][pairs] @ scaled[:-1][pairs]) / power
    return rows._replace(weight=weight, serial=min(max(serial, 0.0), _MOST_SERIAL), told=told)


def weights_of(square: Floats, turn: NDArray[np.intp]) -> tuple[Floats, float]:
    r"""Return weights of errors of Student's law or of odd weeks, and what they tell of a mean.

    .. math:: r_t \sim (1 - o_t)\,t_\nu(0, s^2) + o_t\,N(0, s^2 + q^2)

    A week of the year is odd as a rule with a small chance, and then most of its weeks are; of the
    others few are. With :math:`P_t` the chance that a week is odd given all errors, its weight is
    the expected precision of its error in those of a usual one:

    .. math:: w_t = (1 - P_t)\,\frac{\nu + 1}{\nu + r_t^2/s^2} + P_t\,\frac{s^2}{s^2 + q^2}

    with the most likely scale, by expectation and maximisation over the weeks that are not odd
    (Box and Tiao 1968; Lange, Little and Taylor 1989, equation 5). Student's tail alone leaves a
    week of three usual errors a third of its weight: holidays on which spends rise as well would
    be read as effect of the media. The Fisher information of a mean is
    :math:`(\nu + 1)/(\nu + 3)` of what Student's weights would tell if they were known (Lange,
    Little and Taylor, equation 9). All is averaged over degrees of freedom by their likelihood.

    Parameters
    ----------
    square
        Squared errors in mean outcomes, shape ``(weeks,)``.
    turn
        Week of the year, 0 to 51, same shape.
    """
    freedom, square = _FREEDOM[:, None], np.maximum(square, _TINY)
    scale = np.full_like(freedom, np.median(square))
    same = (turn[:, None] == np.unique(turn)).astype(np.float64)
    for _ in range(_STEPS):
        odd, _ = _odd(square, freedom, scale, same)
        weight = (freedom + 1.0) / (freedom + square / scale)
        usual = 1.0 - odd
        scale = np.sum(usual * weight * square, axis=1) / np.maximum(usual.sum(axis=1), _TINY)
        scale = np.maximum(scale, _TINY)[:, None]
    odd, log_like = _odd(square, freedom, scale, same)
    weight = (1.0 - odd) * weight + odd * scale / (scale + ODD_SD**2)
    chance = softmax(log_like)
    return chance @ weight, float(chance @ ((_FREEDOM + 1.0) / (_FREEDOM + 3.0)))


def _odd(square: Floats, freedom: Floats, scale: Floats, same: Floats) -> tuple[Floats, Floats]:
    """Return the chances that weeks are odd, ``(freedoms, weeks)``, and log likelihoods.

    Parameters
    ----------
    square
        Squared errors, ``(weeks,)``.
    freedom, scale
        Of Student's law, ``(freedoms, 1)``.
    same
        1 where a week is of a week of the year, ``(weeks, weeks of the year)``.
    """
    log_usual = gammaln((freedom + 1.0) / 2.0) - gammaln(freedom / 2.0)
    log_usual = log_usual - 0.5 * np.log(np.pi * freedom * scale)
    log_usual = log_usual - 0.5 * (freedom + 1.0) * np.log1p(square / (freedom * scale))
    wide = scale + ODD_SD**2
    log_odd = -0.5 * (np.log(2.0 * np.pi * wide) + square / wide)
    both = [
        np.logaddexp(np.log1p(-chance) + log_usual, np.log(chance) + log_odd)
        for chance in (ODD_CHANCE, _AGAIN)
    ]
    rule = np.log(_YEARLY) + both[1] @ same
    no_rule = np.log1p(-_YEARLY) + both[0] @ same
    either = np.logaddexp(rule, no_rule)
    yearly = np.exp(rule - either) @ same.T
    alone = np.exp(np.log(ODD_CHANCE) + log_odd - both[0])
    again = np.exp(np.log(_AGAIN) + log_odd - both[1])
    return (1.0 - yearly) * alone + yearly * again, either.sum(axis=1)


def freedom_of(told: float) -> float:
    """Return the degrees of freedom of errors of which a mean is told a share: `Rows.told`."""
    return (3.0 * told - 1.0) / max(1.0 - told, _TINY)


@dataclass(frozen=True)
class TotalFit:
    """How well one total's model fits its weeks.

    Parameters
    ----------
    explained
        Share of the variance of the totals that baseline and media explain (R²); may be below 0.
    serial
        Correlation of what is left over in neighbouring weeks, -1 to 1.
    noise
        Usual size of what is left over, as a share of the mean total.
    media
        Share of the totals that the channels are believed to bring, expected.
    no_effect
        Chance that they bring nothing to speak of.
    without_peaks
        What `media` would be without the twelfth of the weeks in which they had most money. Much
        less says that these few weeks carry the estimate, and so would anything else that is
        usual in them: spends rise where more is expected.
    shares
        Chances of what `media` could be, with log means and log variances: log-normals, none where
        no channel is learned.
    odd
        Weeks that do not fit, with what they miss as a share of the mean total: they counted for
        less than a fifth of a usual week.
    carryover
        Of each channel whose carryover is learned, the share of a week's effect that is expected
        to work again in the week after.
    shifts
        Weeks from which on the baseline is on another level, more likely than not: by how much as
        a share of the mean total, and how likely.
    """

    explained: float
    serial: float
    noise: float
    media: float
    no_effect: float
    without_peaks: float
    shares: tuple[tuple[float, float, float], ...]
    odd: tuple[tuple[dt.date, float], ...]
    carryover: tuple[tuple[str, float], ...] = ()
    shifts: tuple[tuple[dt.date, float, float], ...] = ()

    def media_range(self, level: float) -> tuple[float, float]:
        """Return the ends of the band of `media`; what is left of 1 is the baseline's."""
        if not self.shares:
            return 0.0, 0.0
        chance, log_mean, log_variance = np.array(self.shares).T
        held = band(chance[None], log_mean[None], log_variance[None], level)
        return float(held.low[0]), float(held.high[0])


_ODD = 0.2
"""Weight of a week below which it is named: an error of 4.6 usual ones."""


def fit_of(
    weeks: NDArray[np.datetime64],
    design: Design,
    rows: Rows,
    weighed: Weighed,
    usual: float,
    shares: tuple[tuple[float, float, float], ...],
) -> TotalFit:
    """Return how well the model fits, at the expected scales; `usual` is as in `weigh`."""
    model = model_at(design, rows, weighed.overall)
    columns = design.columns
    miss = design.outcome - columns @ model.coefficients
    away = design.outcome - design.outcome.mean()
    first, second = miss[:-1][rows.next_to[1:]], miss[1:][rows.next_to[1:]]
    odd = np.flatnonzero(rows.weight < _ODD)
    days = weeks.astype("datetime64[D]")
    return TotalFit(
        explained=1.0 - float(miss @ miss) / max(float(away @ away), _TINY),
        serial=float(first @ second) / max(float(miss @ miss), _TINY),
        noise=float(np.sqrt(weighed.overall.noise)),
        media=_media(design, model),
        no_effect=float(weighed.chance[0]),
        without_peaks=_without_peaks(design, rows, usual),
        shares=shares,
        odd=tuple((days[at].item(), float(miss[at])) for at in odd),
    )


_PEAKS = 12
"""One week in so many is a peak of the media."""


def _without_peaks(design: Design, rows: Rows, usual: float) -> float:
    """Return what the channels would be believed to bring without the weeks that had most money."""
    money = design.features @ design.share
    weight = rows.weight.copy()
    weight[np.argsort(-money, kind="stable")[: len(money) // _PEAKS]] *= 1e-4
    rows = rows._replace(weight=weight)
    return _media(design, model_at(design, rows, weigh(design, rows, usual).overall))


def _media(design: Design, model: Gaussian) -> float:
    """Return the share of the totals that the channels bring in a model."""
    return float(model.coefficients[design.base.columns.shape[1] :].sum())
