r"""Learning where one total outcome is all there is: Bayesian regression, cell by cell.

.. math:: y_t = baseline_t + \sum_i \beta_i\,\frac{g_i(x_{it})}{mean_t\,g_i} + e_t

:math:`\beta_i \ge 0` is what channel ``i`` brings in an average week. Its prior is a normal above
zero around ``τ · mean outcome · share of the money``, its sd half of its mean, so that a unit of
money is worth the same everywhere until the data say otherwise; the scale ``τ`` around
``effect_share`` is learned from all channels together, down to no effect at all. The features
:math:`g_i` are cells of the grid applied to carried-over spend: each week's is the average of the
last eight with weights :math:`\alpha^{lag}`, which leaves a steady week as it is. `regression` is
the model of the rows: baseline, scales, and errors that are neither normal nor independent.

For one channel at a time, each cell and carryover gets the exact posterior of
:math:`\beta_i` with *every* other coefficient integrated out, so that money moved together widens
it, truncated at zero; its evidence is the cell's weight (O'Hagan and Forster 2004).
The other channels enter by their posterior-mean features, their effects kept above zero. All
channels are renewed at once from the last sweep's features, half-way each time, so that their order
does not matter; weeks' weights and the scales are renewed with them.

Channels whose money keeps one proportion are learned as one (`Groups`). A lift test of one channel
tells of the others what is left for them: within the regression it is a prior of its effect.

Whatever moves spend and outcome alike is read as effect, however long the history; therefore a
variance ``doubt²`` that never shrinks is added to the log response, its mean kept.

Where this stops. A total identifies little: two channels whose money moves together cannot be
told apart by any method. No changing effects; the other channels' shapes are taken at their mean,
not integrated out.

`from_total` goes from a log to a posterior, lift tests included; `learn_total` is the regression;
the helpers follow in the order in which they are called.

References
----------
O'Hagan and Forster (2004), Kendall's Advanced Theory of Statistics 2B: Bayesian Inference, section
11. Jin, Wang, Sun, Chan and Koehler (2017), Bayesian methods for media mix modeling with carryover
and shape effects, for the model without the integrals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp, softmax

from budgetopt.arrays import Floats
from budgetopt.belief.evidence import log_step, renewed
from budgetopt.belief.inputs import (
    control_columns,
    demand_of,
    effective,
    event_columns,
    maturity,
    own_of,
)
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.regression import (
    Baseline,
    Design,
    Gaussian,
    LiftEvidence,
    Rows,
    Scales,
    TotalFit,
    Weighed,
    baseline,
    fit_of,
    kept_moments,
    media_scales,
    model_at,
    refitted,
    usual_effects,
    usual_spread,
    weigh,
)
from budgetopt.belief.settings import Grid, Settings
from budgetopt.belief.shifts import Shift, jumped, likely_shifts, shifts_of
from budgetopt.errors import InputError
from budgetopt.i18n import say

_BLOCK = 4_000_000
"""Numbers held at once in one table of features."""
_NEGLIGIBLE = 1e-3
"""Chance of a scale of the media that is left out."""
_TINY = float(np.finfo(np.float64).tiny)
_CONTROL_SD = 0.15
"""How far a usual change of a control may move the total, in mean totals, one prior sd."""
_SEASON = 0.08
"""Scale of the season while jumps of the level are first looked for."""
_FIRST = 3
"""Rounds in which odd weeks are looked for before effects are learned."""
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
    fit
        How well the model fits.
    """

    posterior: Posterior
    data_share: Floats
    alike: Floats
    fit: TotalFit


def from_total(log: ObservationLog, settings: Settings) -> FromTotal:
    """Return what a log with one total says; concave cells only.

    What a lift test says of its own channel comes after the regression, whose doubt it is free of;
    what it says of the others, which bring the rest, comes within it.
    """
    grid = settings.total_grid(log.reference)
    _check(log)
    learned, alike, fit = learn_total(log, grid, settings)
    chance, mean, variance = (np.ascontiguousarray(np.swapaxes(part, 1, 2)) for part in learned[:3])
    for test in log.priors.lift_tests:
        at, step = log.index[test.channel], log_step(test, grid)
        log_evidence = np.empty_like(chance[at])
        for nuisance in range(len(log_evidence)):
            mean[at, nuisance], variance[at, nuisance], log_evidence[nuisance] = renewed(
                mean[at, nuisance], variance[at, nuisance], step, test
            )
        chance[at] *= np.exp(log_evidence - log_evidence.max())
        chance[at] /= chance[at].sum()
    posterior = Posterior(grid, (len(log.channels),), chance, mean, variance)
    return FromTotal(posterior, learned.data_share, alike, fit)


def _check(log: ObservationLog) -> None:
    """Refuse what is declared and means nothing where one total is all there is."""
    delay = log.priors.delay
    if delay is not None and delay.channels:
        raise InputError(
            "bad-argument",
            say("delay-channels-says-how"),
            field="delay.channels",
            value=tuple(name for name, *_ in delay.channels),
            remedy=say("remedy-delay-total-alone-without"),
        )
    for name, prior in log.priors.channels:
        if prior.noise is not None:
            raise InputError(
                "bad-argument",
                say("prior-noise-outcome-history", name=repr(name)),
                field=f"channels.{name}.prior.noise",
                value=prior.noise,
                remedy=say("remedy-leave-out-history-outcomes"),
            )


class CellPosteriors(NamedTuple):
    """Chances, means and variances of the log response at the reference, by channel and cell.

    The first three have shape ``(channels, cells, nuisance)``; `data_share` has ``(channels,)``.
    """

    chance: Floats
    log_mean: Floats
    log_variance: Floats
    data_share: Floats


class Fitted(NamedTuple):
    """What the sweeps end with: columns, what is known of scales and rows, features, and priors.

    `shifts` are the jumps of the level, whose columns are the last of the baseline.
    """

    design: Design
    weighed: Weighed
    rows: Rows
    tried: _Tried
    before: _Before
    groups: Groups
    shifts: tuple[Shift, ...]


class _Before(NamedTuple):
    """What is believed of effects in an average week before the totals, by channel and cell.

    Parameters
    ----------
    mean, sd
        Declared effects, NaN where none is declared, ``(channels, cells)``.
    lift
        What lift tests say, same shape.
    """

    mean: Floats
    sd: Floats
    lift: LiftEvidence


class Groups(NamedTuple):
    """Channels whose money keeps one proportion, of which no total says more than of all together.

    They are learned as one channel and share out what it brings by their money, so that the name
    under which money is booked moves nothing: neither the total nor what is known of its shape.

    Parameters
    ----------
    of
        Each channel's group, ``(channels,)``.
    part
        Its share of the group's money, same shape.
    """

    of: NDArray[np.intp]
    part: Floats

    def added(self, values: Floats) -> Floats:
        """Return sums over the channels of each group, by the last axis."""
        summed: Floats = values @ (self.of[:, None] == np.unique(self.of)).astype(np.float64)
        return summed

    def mixed(self, values: Floats) -> Floats:
        """Return averages over the channels of each group by their money, by the last axis."""
        return self.added(values * self.part)

    def apart(self) -> Floats:
        r"""Return by how much channels of a group are worth more or less than it: log variances.

        With worths of relative sd ``r`` of which the group's :math:`\sum_j q_j w_j` is known, that
        of a part is :math:`r^2 (1 - 2q_i + \sum_j q_j^2)`.
        """
        square = self.added(np.square(self.part))[self.of]
        alone = self.part == 1.0
        spread: Floats = usual_spread() ** 2 * (1.0 - 2.0 * self.part + square)
        return np.where(alone, 0.0, np.log1p(np.maximum(spread, 0.0)))


_ALIKE = 0.01
"""How far two channels' money may lie off one proportion, in its own sd: a correlation of 0.99995.
Rounding to units of money is finer."""


def groups_of(spend: Floats, single: NDArray[np.bool_]) -> Groups:
    """Return the channels whose money keeps one proportion; those that are single keep alone.

    Parameters
    ----------
    spend
        Of the weeks learned from, shape ``(weeks, channels)``, each with some.
    single
        Channels of which something is known beside the totals, ``(channels,)``.
    """
    mean = spend.mean(axis=0)
    scaled = spend / mean
    far = _ALIKE * scaled.std(axis=0)
    of = np.full(mean.size, -1, dtype=np.intp)
    count = 0
    for first in range(mean.size):
        if of[first] >= 0:
            continue
        rest = np.flatnonzero((of < 0) & ~single) if not single[first] else np.array([first])
        miss = scaled[:, rest] - scaled[:, [first]]
        of[rest[np.sqrt(np.mean(np.square(miss), axis=0)) <= far[first]]] = count
        count += 1
    groups = Groups(of, np.ones(mean.size))
    return groups._replace(part=mean / groups.added(mean)[of])


class Effects(NamedTuple):
    """Normals that, kept above zero, are the effects in an average week, ``(channels, cells)``.

    `chance` is that of the cell, with the carryovers added up, and `carried`, ``(channels,
    carryovers)``, that of each carryover, with the cells added up.
    """

    chance: Floats
    mean: Floats
    variance: Floats
    carried: Floats


def learn_total(
    log: ObservationLog, grid: Grid, settings: Settings
) -> tuple[CellPosteriors, Floats, TotalFit]:
    """Return what one total outcome says, how alike the channels' features are, and the fit.

    What is declared enters the regression: a demand multiplies baseline and effects, each named
    event and each control has a column, a channel's carryover and priors take the place of those
    that are learned, and what a pinned channel brings is taken out of the total. Controls move the
    baseline alone: no effect depends on them, so that a week to come needs none.

    Parameters
    ----------
    log
        Weeks with one total, of mean above 0.
    grid
        The cells.
    settings
        Priors.

    Returns
    -------
    learned
        With scales of the media times pieces of the truncated normal on the nuisance axis.
        `data_share` is ``(p - v) / (p + d²)`` of what the channel brings in an average week: prior
        variance, posterior variance with every other coefficient unknown, and the doubt, which is
        never data.
    alike
        Correlations of the channels' features, shape ``(channels, channels)``; 0 where unseen.
    fit
        How well the model fits.
    """
    used = usable(log.spend, completed(log))
    found = regressed(log, grid, settings, used)
    fit, seen, size, average = found.fit, found.seen, found.size, found.average
    tried, groups = fit.tried, fit.groups
    likely = fit.weighed.chance > _NEGLIGIBLE
    chance = fit.weighed.chance[likely] / fit.weighed.chance[likely].sum()
    effects = [
        _effects(fit, scales)
        for scales, some in zip(fit.weighed.given, likely, strict=True)
        if some
    ]
    parts = [lognormal_pieces(one.mean, np.sqrt(one.variance)) for one in effects]
    shares = _shares(fit, np.flatnonzero(likely), effects, settings.doubt) if seen.any() else ()
    log_mean, log_variance = (np.stack(part, axis=2) for part in zip(*parts, strict=True))
    weight = np.stack([one.chance * p for one, p in zip(effects, chance, strict=True)], axis=2)
    apart = groups.apart()[:, None, None, None]
    log_mean += np.log(groups.part)[:, None, None, None] - 0.5 * apart
    log_variance += apart
    share = average[seen] / average.sum()
    known = _data_share(weight, log_mean, log_variance, share, settings)
    log_mean += (np.log(size) - np.log(tried.level))[..., None, None] - 0.5 * settings.doubt**2
    log_variance += settings.doubt**2
    typical = fit.weighed.media[likely] * size * grid.reference / average.sum()
    learned = _unseen(len(seen), typical, chance, grid, settings)
    spread = np.broadcast_to(weight[..., None] / _PIECES, log_mean.shape)
    for whole, part in zip(learned, (spread, log_mean, log_variance), strict=False):
        whole[seen] = part.reshape(len(part), grid.size, whole.shape[2])
    learned.data_share[seen] = known
    alike = np.zeros((len(seen), len(seen)))
    alike[np.ix_(seen, seen)] = _correlations(fit.design.features[:, groups.of])
    kept = np.tensordot(chance, [one.carried for one in effects], axes=1)
    kept = (kept @ np.array(settings.total_carryover)).tolist()
    declared = dict(log.priors.carryovers)
    names = [name for name, some in zip(log.channels, seen.tolist(), strict=True) if some]
    carryover = tuple(one for one in zip(names, kept, strict=True) if one[0] not in declared)
    weeks, usual = log.weeks[used], settings.effect_share
    how_well = fit_of(weeks, fit.design, fit.rows, fit.weighed, usual, shares)
    return learned, alike, replace(how_well, carryover=carryover, shifts=_shifts(fit))


def _shifts(fit: Fitted) -> tuple[tuple[dt.date, float, float], ...]:
    """Return the likely jumps of the level, each with its week, size and chance."""
    if not fit.shifts:
        return ()
    model, last = model_at(fit.design, fit.rows, fit.weighed.overall), fit.design.base.mean.size
    columns = sum(one.weeks.size for one in fit.shifts)
    return likely_shifts(fit.shifts, model.coefficients[last - columns : last])


class Regressed(NamedTuple):
    """A regression on some weeks, with what it takes to predict the others.

    Parameters
    ----------
    fit
        What the sweeps end with.
    base
        The baseline of all weeks.
    carried
        Effective money by carryover in all weeks, shape ``(carryovers, weeks, channels)``.
    demand
        Known demand in all weeks, ``(weeks,)``.
    pinned
        What each pinned channel brings in all weeks, by name.
    size
        Mean total of the weeks learned from.
    seen, average
        Which channels are learned, and the mean spends of all, ``(channels,)``.
    """

    fit: Fitted
    base: Baseline
    carried: Floats
    demand: Floats
    pinned: dict[str, Floats]
    size: float
    seen: NDArray[np.bool_]
    average: Floats

    def at(self, weeks: NDArray[np.bool_]) -> tuple[Gaussian, Floats, Floats]:
        """Return the model, and in some weeks the baseline's columns and each channel's feature.

        What a channel brings is its feature times the effect of its group and its part of it.
        """
        fit, scales = self.fit, self.fit.weighed.overall
        model = model_at(fit.design, fit.rows, scales)
        log_weight = _cells(fit, scales, model, fit.before.lift)[0]
        features = fit.tried.ahead(self.carried[:, weeks], self.demand[weeks], log_weight)
        return model, self.base.columns[weeks], features


def regressed(
    log: ObservationLog, grid: Grid, settings: Settings, used: NDArray[np.bool_]
) -> Regressed:
    """Return the regression on the used weeks."""
    total, pinned = completed(log), dict(log.priors.pinned)
    index = np.exp(demand_of(log))
    ever = np.nansum(log.spend[used], axis=0) > 0
    seen = ever & ~np.isin(log.channels, list(pinned))
    size = float(total[used].mean())
    average = np.nansum(log.spend[used], axis=0) / used.sum()
    share = average[seen] / average.sum()
    each = np.moveaxis(effective(log, settings.total_carryover), 1, 0)[:, :, seen]
    # Without a carryover of its own a pinned curve takes the money of the week.
    money, brought = effective(log, (0.0,))[:, 0], dict[str, Floats]()
    for name, curve in pinned.items():
        at = log.channels.index(name)
        if ever[at]:
            brought[name] = index * np.asarray(curve.value(money[:, at]), dtype=np.float64)
    own = own_of(log)
    cells = _cell_prior(log.spend[used][:, seen], own.log_half[seen], own.log_half_sd[seen], grid,
                        settings)  # fmt: skip
    tried = _Tried(each[:, used], index[used], grid, cells)
    declared = tried.effects_at(np.exp(own.centre[seen]) / size, own.sd[seen])
    before = _Before(*declared, _lift_evidence(log, tried, seen, size))
    groups = groups_of(log.spend[used][:, seen], _known_apart(log)[seen])
    base = baseline(log.weeks, used).beside(event_columns(log)[1], settings.event_sd)
    base = base.beside(control_columns(log, used), _CONTROL_SD)
    base = base._replace(columns=base.columns * index[:, None])
    left = (total - sum(brought.values()))[used] / size
    mine = base._replace(columns=base.columns[used])
    data = left, groups.added(share)
    fit = _sweeps(log.weeks[used], mine, tried, (before, groups), data, settings)
    base = jumped(base, log.weeks, fit.shifts)
    return Regressed(fit, base, each, index, brought, size, seen, average)


def usable(spend: Floats, total: Floats) -> NDArray[np.bool_]:
    """Return the weeks whose total and whose spend of every channel ever seen are reported."""
    seen = np.nansum(spend, axis=0) > 0
    used: NDArray[np.bool_] = np.isfinite(total) & np.isfinite(spend[:, seen]).all(axis=1)
    return used


def _known_apart(log: ObservationLog) -> NDArray[np.bool_]:
    """Return of which channels something is declared or was tested, ``(channels,)``."""
    own = log.priors
    names = [name for part in (own.channels, own.carryovers) for name, *_ in part]
    names += [test.channel for test in own.lift_tests]
    known: NDArray[np.bool_] = np.isin(log.channels, names)
    return known


def _lift_evidence(
    log: ObservationLog, tried: _Tried, seen: NDArray[np.bool_], size: float
) -> LiftEvidence:
    """Return what lift tests say of the effects in an average week, ``(channels, cells)``.

    In a cell an effect of 1 brings what the step of the test is in average weeks' values.
    """
    places = np.flatnonzero(seen).tolist()
    found = LiftEvidence.none(tried.log_prior.shape)
    for test in log.priors.lift_tests:
        at = log.index[test.channel]
        if at in places:
            row = places.index(at)
            step = np.repeat(np.exp(log_step(test, tried.grid)), tried.carryovers)
            brings = step / tried.levels[row] * size / test.error
            found.information[row] += np.square(brings)
            found.score[row] += brings * test.incremental / test.error
    return found


def completed(log: ObservationLog) -> Floats:
    """Return the totals as they will be when all of them is reported, NaN where too young."""
    share, _ = maturity(log)
    completed: Floats = np.asarray(log.total) / share[:, 0]
    return completed


def _cell_prior(
    spend: Floats, log_half: Floats, log_half_sd: Floats, grid: Grid, settings: Settings
) -> Floats:
    """Return log prior chances of the cells, ``(channels, cells)``.

    Where none is declared the saturation point lies around each channel's own usual money: with
    that, channels whose money is worth the same have the same marginal return, and a prior alone
    moves no money.
    """
    usual = spend.sum(axis=0) / np.maximum((spend > 0).sum(axis=0), 1)
    declared = np.isfinite(log_half)
    centre = np.where(declared, log_half, np.log(settings.saturation * usual / grid.reference))
    sd = np.where(declared, log_half_sd, settings.saturation_sd)
    return np.log(np.maximum(grid.prior(centre, sd), _TINY))


class _Tried:
    """Features of all channels in all cells and carryovers, each with mean 1 over the weeks.

    Parameters
    ----------
    carried
        Effective money by carryover, shape ``(carryovers, weeks, channels)``.
    index
        Demand, which multiplies every effect, shape ``(weeks,)``.
    grid
        The cells.
    log_prior
        Of the cells, shape ``(channels, cells)``.
    """

    def __init__(self, carried: Floats, index: Floats, grid: Grid, log_prior: Floats) -> None:
        self.carryovers, self.weeks, self.channels = carried.shape
        self.cells = grid.size
        self.log_prior = np.repeat(log_prior, self.carryovers, axis=1)
        self._carried, self._index, self.grid = carried, index, grid
        wide = max(1, _BLOCK // (self.weeks * self.log_prior.shape[1]))
        self._slices = [slice(at, at + wide) for at in range(0, max(self.channels, 1), wide)]
        self._kept = [self._values(self._slices[0])] if len(self._slices) == 1 else None
        self.levels = np.concatenate([level for _, _, level in self.blocks()])
        self.level = self.levels.reshape(self.channels, self.cells, self.carryovers).mean(axis=2)

    def effects_at(self, response: Floats, sd: Floats) -> tuple[Floats, Floats]:
        """Return declared effects in an average week and their sds, NaN where none is declared.

        Parameters
        ----------
        response
            Median response at the reference, shape ``(channels,)``.
        sd
            Of its logarithm. The effect is a normal around the median with this relative sd, kept
            above zero: what the log-normal is near its median.

        Returns
        -------
        tuple of ndarray
            Of shape ``(channels, cells)``.
        """
        middle = response[:, None] * self.levels
        return middle, sd[:, None] * middle

    def _values(self, here: slice) -> tuple[Floats, Floats]:
        value = self.grid.cells.value(self._carried[:, :, here, None])
        value = np.moveaxis(value, 0, -1)
        tried = value.reshape(self.weeks, value.shape[1], self.log_prior.shape[1])
        level = tried.mean(axis=0)
        tried = tried / level * self._index[:, None, None]
        return tried, level

    def blocks(self) -> Iterator[tuple[slice, Floats, Floats]]:
        """Yield channels, their features of shape ``(weeks, channels, cells)``, and their means."""
        for at, here in enumerate(self._slices):
            yield here, *(self._values(here) if self._kept is None else self._kept[at])

    def ahead(self, carried: Floats, index: Floats, log_weight: Floats) -> Floats:
        """Return features of other weeks, averaged over the cells, shape ``(weeks, channels)``."""
        weight = softmax(log_weight, axis=-1) / self.levels
        value = np.moveaxis(self.grid.cells.value(carried[..., None]), 0, -1)
        value = value.reshape(*value.shape[:2], -1)
        features: Floats = np.einsum("tck,ck->tc", value, weight) * index[:, None]
        return features

    def mean(self, log_weight: Floats) -> Floats:
        """Return features averaged over the cells, shape ``(weeks, channels)``."""
        weight = softmax(log_weight, axis=-1)
        parts = [np.einsum("tck,ck->tc", part, weight[here]) for here, part, _ in self.blocks()]
        return np.hstack(parts)


def _sweeps(
    weeks: NDArray[np.datetime64],
    base: Baseline,
    tried: _Tried,
    known: tuple[_Before, Groups],
    data: tuple[Floats, Floats],
    settings: Settings,
) -> Fitted:
    """Renew features, scales and rows from each other a fixed number of times.

    Where the level jumped and which weeks are odd is first looked for with channels that bring
    what is believed of them beforehand. From weights of one, effects that grow threefold explain
    holidays on which spends rise as well, and no later round finds back. Jumps are looked for once
    more when odd weeks and features are known.

    Parameters
    ----------
    weeks
        Their first days, ``(weeks,)``.
    base
        The columns that are not media.
    tried
        The features.
    known
        What is believed before the totals, and which channels are learned as one.
    data
        Outcomes in mean outcomes, and each group's share of the money.
    settings
        Rounds, and the usual scale of the media.
    """
    (before, groups), (outcome, share) = known, data
    log_weight, rows = tried.log_prior, Rows.plain(weeks)
    design = _designed(outcome, base, share, log_weight, tried, known)
    overall = Scales(settings.effect_share, _SEASON, 0.0, 0.0)
    shifts = shifts_of(weeks, design, overall)
    design = design._replace(base=jumped(base, weeks, shifts))
    usual = design.expected(settings.effect_share)
    for _ in range(_FIRST):
        scales = weigh(usual, rows, settings.effect_share).overall
        rows = refitted(usual, rows, model_at(usual, rows, scales))
    for sweep in range(settings.sweeps):
        if shifts and sweep == settings.sweeps // 2:
            plain = design._replace(base=base)
            shifts = shifts_of(weeks, plain, overall, rows.weight)
            design = design._replace(base=jumped(base, weeks, shifts))
        weighed = weigh(design, rows, settings.effect_share)
        overall = weighed.overall
        model = model_at(design, rows, overall)
        fit = Fitted(design, weighed, rows, tried, before, groups, shifts)
        log_weight = _cells(fit, overall, model, before.lift)[0]
        ahead = _designed(outcome, design.base, share, log_weight, tried, known)
        design = ahead._replace(features=0.5 * (design.features + ahead.features))
        rows = refitted(design, rows, model)
    weighed = weigh(design, rows, settings.effect_share)
    return Fitted(design, weighed, rows, tried, before, groups, shifts)


def _designed(
    outcome: Floats,
    base: Baseline,
    share: Floats,
    log_weight: Floats,
    tried: _Tried,
    known: tuple[_Before, Groups],
) -> Design:
    """Return the columns, averaged over the cells, and what is believed of the effects.

    What is declared of single channels is averaged over the prior of their cells, and what lift
    tests say over the weights: a test says less where it is not known what an effect brings in it.
    """
    before, groups = known
    prior, weight = (softmax(part, axis=1) for part in (tried.log_prior, log_weight))
    mean, sd = (np.sum(prior * part, axis=1) for part in (before.mean, before.sd))
    # Single channels are their own groups; the others have neither.
    one = np.unique(groups.of, return_index=True)[1]
    lift = before.lift.averaged(weight)
    return Design(
        outcome,
        base,
        groups.mixed(tried.mean(log_weight)),
        share,
        mean[one],
        sd[one],
        LiftEvidence(lift.information[one], lift.score[one]),
    )


def _cells(
    fit: Fitted, scales: Scales, model: Gaussian, lift: LiftEvidence
) -> tuple[Floats, Floats, Floats]:
    """Return log weights, means and variances of effects by channel, cell and carryover.

    With information ``I`` and score ``h`` of a cell and the prior ``N(m, v)`` above zero the effect
    is ``N((h + m/v) / (I + 1/v), 1 / (I + 1/v))`` above zero, and the log weight that of the
    integral. The effect is that of the channel's group, were this its shape; `lift` is what lift
    tests say of the same channel.
    """
    tried, before, of = fit.tried, fit.before, fit.groups.of
    shape = tried.log_prior.shape
    information, score = np.empty(shape), np.empty(shape)
    for here, part, _ in tried.blocks():
        information[here], score[here] = model.without(of[here], fit.rows.freed(part))
    information, score = information + lift.information, score + lift.score
    declared = np.isfinite(before.mean)
    usual_mean, usual_sd = usual_effects((scales.media * fit.design.share[of])[:, None])
    mean = np.where(declared, before.mean, usual_mean)
    sd = np.where(declared, before.sd, usual_sd)
    variance = np.square(sd)
    precision, pull = information + 1.0 / variance, score + mean / variance
    log_weight = tried.log_prior + 0.5 * (np.square(pull) / precision - np.square(mean) / variance)
    log_weight -= 0.5 * np.log(precision * variance)
    log_weight += log_ndtr(pull / np.sqrt(precision)) - log_ndtr(mean / sd)
    return log_weight, pull / precision, 1.0 / precision


def _effects(fit: Fitted, scales: Scales) -> Effects:
    """Return the effects by channel and cell at one scale of the media.

    What the carryovers say of the same cell becomes one normal with the mean and the variance of
    all of them.
    """
    model = model_at(fit.design, fit.rows, scales)
    # A channel's own tests come afterwards, with the doubt that they are free of.
    none = LiftEvidence.none(fit.tried.log_prior.shape)
    found = _cells(fit, scales, model, none)
    shape = (fit.tried.channels, fit.tried.cells, fit.tried.carryovers)
    log_weight, mean, variance = (part.reshape(shape) for part in found)
    weight = softmax(log_weight, axis=(1, 2))
    chance, carried = weight.sum(axis=2), weight.sum(axis=1)
    weight /= np.maximum(chance, _TINY)[..., None]
    # A cell of no chance keeps the mean of its carryovers, whatever that is.
    weight[chance < _TINY] = 1.0 / weight.shape[2]
    middle = np.sum(weight * mean, axis=2)
    spread = np.sum(weight * (variance + np.square(mean - middle[..., None])), axis=2)
    return Effects(chance, middle, spread, carried)


def _shares(
    fit: Fitted, likely: NDArray[np.intp], effects: list[Effects], doubt: float
) -> tuple[tuple[float, float, float], ...]:
    """Return chance, log mean and log variance of what all channels bring, by scale of the media.

    Given the scale the channels are taken for independent, as they are everywhere else; the doubt
    is shared by all of them, since what moves spend and outcome alike is in each.

    Parameters
    ----------
    fit
        What the sweeps end with.
    likely, effects
        The scales that are kept, and the effects at each.
    doubt
        Relative sd.
    """
    found = []
    for at, one in zip(likely.tolist(), effects, strict=True):
        middle, variance = kept_moments(one.mean, np.sqrt(one.variance))
        mean = np.sum(one.chance * middle, axis=1)
        spread = np.sum(one.chance * (variance + np.square(middle - mean[:, None])), axis=1)
        whole = float(fit.groups.mixed(mean).sum())
        wide = float(np.log1p(fit.groups.mixed(spread).sum() / whole**2)) + doubt**2
        found.append((float(fit.weighed.chance[at]), float(np.log(whole)) - 0.5 * wide, wide))
    total = sum(chance for chance, _, _ in found)
    return tuple((chance / total, middle, wide) for chance, middle, wide in found)


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


def _unseen(
    channels: int, typical: Floats, chance: Floats, grid: Grid, settings: Settings
) -> CellPosteriors:
    """Return what is believed of a channel without history, of which only the scale is learned.

    Parameters
    ----------
    channels
        How many.
    typical
        Scales of the response at the reference.
    chance
        Of each.
    grid, settings
        Cells and priors.
    """
    log_mean, log_variance = lognormal_pieces(*usual_effects(typical))
    shape = (channels, grid.size, log_mean.size)
    cell = grid.prior(np.log([settings.saturation]), settings.saturation_sd)[0]
    weight = np.repeat(chance, _PIECES) / _PIECES
    return CellPosteriors(
        np.broadcast_to(cell[:, None] * weight, shape).copy(),
        np.broadcast_to(log_mean.ravel(), shape).copy(),
        np.broadcast_to(log_variance.ravel(), shape).copy(),
        np.zeros(channels),
    )


def _data_share(
    weight: Floats, log_mean: Floats, log_variance: Floats, share: Floats, settings: Settings
) -> Floats:
    """Return the share of what is known of the average week's effect that is data."""
    first = np.exp(log_mean + 0.5 * log_variance)
    mean = np.sum(weight * first.mean(axis=-1), axis=(1, 2))
    second = np.mean(np.square(first) * np.exp(log_variance), axis=-1)
    variance = np.sum(weight * second, axis=(1, 2)) - np.square(mean)
    media, chance = media_scales(settings.effect_share)
    second = (1.0 + usual_spread() ** 2) * (chance @ np.square(media))
    prior = 2.0 / np.pi * np.square(share) * (second - np.square(chance @ media))
    known: Floats = np.clip(
        (prior - variance) / (prior + np.square(settings.doubt * mean)), 0.0, 1.0
    )
    return known


def _correlations(features: Floats) -> Floats:
    """Return correlations of columns, 0 where a column does not vary."""
    away = features - features.mean(axis=0)
    length = np.sqrt(np.square(away).sum(axis=0))
    # A channel with the same money every week: its feature varies by rounding only.
    still = length <= 1e-9 * np.sqrt(len(features))
    away = np.where(still, 0.0, away / np.where(still, 1.0, length))
    alike: Floats = away.T @ away
    return alike
