"""From observations and what is known beforehand to what the filter reads, week by week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief.filter import Model, Week
from budgetopt.belief.log import Log
from budgetopt.belief.settings import Settings
from budgetopt.curves import Carryover
from budgetopt.curves.base import Floats
from budgetopt.curves.carryover import kernels
from budgetopt.words import say

FIRST_WEEKS = 8
"""Weeks from which a channel's first impressions are taken: the pooled ROAS that centres the
priors, and the size of an event where it is not declared. Later weeks do not change them, so that
learning week by week is learning all at once."""
_SMALL_EVENT = 1e-3
"""Size of an event, in median weeks, where no zero ever was: it adds 0.001 to the variance. Ten
times that would hide a noise of 0.1, and make 80 % bands hold 95 % of quiet channels."""
_REACH = 8
"""Weeks over which a learned carryover reaches; at 0.6 a week, 2 % of it lies beyond."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the filter reads: arrays of shape ``(weeks, channels)`` save where said.

    Parameters
    ----------
    days
        First days, ``(weeks,)``.
    spend
        Effective money, ``(weeks, kernels, channels)``.
    outcome, seen, offset, offset_variance
        As in `Week`.
    eventful
        Holidays and promotions, ``(weeks,)``.
    event
        Size of one event, ``(channels,)``.
    centre, sd
        Prior of the log response at the reference, ``(channels,)``.
    """

    days: NDArray[np.datetime64]
    spend: Floats
    outcome: Floats
    seen: NDArray[np.bool_]
    offset: Floats
    offset_variance: Floats
    eventful: NDArray[np.bool_]
    event: Floats
    centre: Floats
    sd: Floats

    def week(self, at: int) -> Week:
        """Return one week as the filter reads it."""
        return Week(
            self.days[at],
            np.ascontiguousarray(self.spend[at].T),
            self.outcome[at],
            self.seen[at],
            self.event,
            self.offset[at],
            self.offset_variance[at],
            bool(self.eventful[at]),
        )

    def goes_on(self, earlier: Inputs) -> bool:
        """Return whether these inputs begin with all of earlier ones, to the bit."""
        weeks = len(earlier.days)
        first = (self.event, self.centre, self.sd)
        same = weeks <= len(self.days) and all(
            np.array_equal(a, b)
            for a, b in zip(first, (earlier.event, earlier.centre, earlier.sd), strict=True)
        )
        by_week = ("days", "outcome", "seen", "offset", "offset_variance", "eventful")
        return (
            same
            and np.array_equal(self.spend[:weeks], earlier.spend, equal_nan=True)
            and all(
                np.array_equal(getattr(self, name)[:weeks], getattr(earlier, name))
                for name in by_week
            )
        )


def model_of(log: Log, settings: Settings) -> Model:
    """Return the cells and priors for a log."""
    grid = settings.grid(log.reference)
    own = dict(log.beforehand.priors)
    half, sd, noise = np.full((3, len(log.channels)), np.nan)
    for at, name in enumerate(log.channels):
        prior = own.get(name)
        if prior is not None and prior.saturation is not None:
            half[at], sd[at] = np.log(prior.saturation / log.reference), prior.saturation_sd
        if prior is not None and prior.noise is not None:
            noise[at] = np.log(prior.noise)
    return Model(grid, settings, half, sd, noise, len(settings.carryover))


def inputs_of(log: Log, settings: Settings) -> Inputs:
    """Return what the filter reads of a log with an outcome for each channel."""
    share, log_sd = _maturity(log)
    outcome = np.asarray(log.outcome)
    known = np.isfinite(log.spend) & np.isfinite(outcome) & np.isfinite(share)
    spend = _effective(log, settings.carryover)
    # NaN is not above zero. What is carried into a week without spend is spend all the same.
    seen = known & np.all(spend > 0, axis=1)
    outcome = np.where(seen, outcome, 0.0)
    event = event_size(np.where(seen, outcome / np.where(seen, share, 1.0), np.nan), log.unit)
    index = _demand(log)
    with np.errstate(divide="ignore"):
        offset = np.where(seen, np.log(np.where(seen, share, 1.0)) + index[:, None], 0.0)
    centre, sd = _amplitude(log, settings, outcome / np.exp(offset), seen, event)
    return Inputs(
        log.weeks,
        spend,
        outcome,
        seen,
        offset,
        np.where(seen, np.square(log_sd), 0.0),
        _eventful(log),
        event,
        centre,
        sd,
    )


def _maturity(log: Log) -> tuple[Floats, Floats]:
    """Return the share of each outcome that is reported yet, and how well that is known."""
    shape = log.spend.shape
    delay = log.beforehand.delay
    if delay is None:
        return np.ones(shape), np.zeros(shape)
    last = log.weeks + np.timedelta64(6, "D")
    age = ((log.through - last) / np.timedelta64(7, "D"))[:, None]
    # Where it is not known through which day, weeks are taken to be complete.
    unknown = np.isnat(log.through)[:, None]
    share = np.where(unknown, 1.0, delay.share(age, log.channels))
    return share, np.where(unknown, 0.0, delay.log_sd(age, log.channels))


def _effective(log: Log, shares: tuple[float, ...]) -> Floats:
    """Return effective money by carryover, shape ``(weeks, kernels, channels)``."""
    given = dict(log.beforehand.carryovers)
    tried = []
    for share in shares:
        learned = Carryover("geometric", share=share, length=_REACH) if share > 0 else None
        tried.append(_carried(log, kernels([given.get(name, learned) for name in log.channels])))
    return np.stack(tried, axis=1)


def _carried(log: Log, weights: Floats) -> Floats:
    """Return each week's average of itself and the weeks before it, ``(weeks, channels)``.

    Weeks before the log, missing ones and unreported ones drop out of the average: they are taken
    to be like the others.
    """
    number = (log.weeks - log.weeks[:1]).astype(np.int64) // 7
    summed, weight = np.zeros_like(log.spend), np.zeros_like(log.spend)
    for lag, share in enumerate(weights):
        at = np.searchsorted(number, number - lag)
        past = np.where((number[at] == number - lag)[:, None], log.spend[at], np.nan)
        known = np.isfinite(past)
        summed += share * np.where(known, past, 0.0)
        weight += share * known
    return np.where(weight > 0, summed / np.where(weight > 0, weight, 1.0), np.nan)


def _demand(log: Log) -> Floats:
    """Return the logarithm of the known demand of each week, ``(weeks,)``."""
    index = np.zeros(len(log.weeks))
    for day, demand in log.beforehand.demand:
        index[_in_week(log, np.datetime64(day, "D"))] = np.log(demand)
    return index


def _eventful(log: Log) -> NDArray[np.bool_]:
    marked = np.zeros(len(log.weeks), dtype=np.bool_)
    for day in log.beforehand.events:
        marked |= _in_week(log, np.datetime64(day, "D"))
    return marked


def _in_week(log: Log, day: np.datetime64) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (log.weeks <= day) & (day < log.weeks + np.timedelta64(7, "D"))
    return inside


def _amplitude(
    log: Log, settings: Settings, outcome: Floats, seen: NDArray[np.bool_], event: Floats
) -> tuple[Floats, Floats]:
    """Return the prior of the log response at the reference: pooled ROAS, or the channel's own."""
    first = np.flatnonzero(seen.any(axis=1))[:FIRST_WEEKS]
    money = np.sum(np.nan_to_num(log.spend[first]), where=seen[first])
    brought = np.sum(outcome[first], where=seen[first])
    # All outcomes zero: half an event in all, so that the logarithm exists.
    least = 0.5 * float(np.median(event))
    centre = np.log(max(brought, least) / money * log.reference) if money > 0 else np.log(least)
    centres = np.full(len(log.channels), centre)
    sds = np.full(len(log.channels), settings.amplitude_sd)
    for at, name in enumerate(log.channels):
        prior = dict(log.beforehand.priors).get(name)
        if prior is not None and prior.roas is not None:
            centres[at], sds[at] = np.log(prior.roas * log.reference), prior.roas_sd
    return centres, sds


def event_size(outcome: Floats, unit: float | None) -> Floats:
    r"""Return the size of one event for each channel, in units of the outcome.

    Parameters
    ----------
    outcome
        Shape ``(weeks, channels)``, NaN where unseen.
    unit
        Declared size; None where it is not.

    Notes
    -----
    Where it is not declared, weeks of zero outcome betray it: with Poisson events the share of
    such weeks is :math:`e^{-mean/u}`, so :math:`u = mean / -\ln(share)`. Where no week was zero,
    events are too many to matter, and 0.1 % of the median week stands in. A channel whose weeks
    were all zero takes the median of the others. All of these scale with the outcome, so the
    answer does not depend on its unit. A channel's first eight weeks decide.
    """
    channels = outcome.shape[1]
    if unit is not None:
        return np.full(channels, float(unit))
    size = np.full(channels, np.nan)
    for at in range(channels):
        held = outcome[np.isfinite(outcome[:, at]), at][:FIRST_WEEKS]
        positive = held[held > 0]
        if positive.size:
            with np.errstate(divide="ignore"):
                from_zeros = held.mean() / -np.log(1.0 - positive.size / held.size)
            size[at] = max(_SMALL_EVENT * float(np.median(positive)), from_zeros)
    known = np.isfinite(size)
    return np.where(known, size, np.median(size[known])) if known.any() else np.ones(channels)


class Treated(NamedTuple):
    """Weeks of a channel that were not learned from like all others.

    Parameters
    ----------
    channel
        Its name.
    code
        What was found: ``not-reported``, ``zero-outcome``, ``outcome-without-spend``,
        ``young`` or ``too-young``. Spend that was planned but not delivered is in no history; weeks
        are learned at what was delivered.
    weeks
        First days.
    treatment
        What was done about it.
    """

    channel: str
    code: str
    weeks: tuple[np.datetime64, ...]
    treatment: str


_TREATMENT = {
    "not-reported": say("left out"),
    "zero-outcome": say("learned as a week that brought nothing"),
    "outcome-without-spend": say("left out: no spend can have brought it"),
    "young": say("completed by the delay, with what that leaves unknown"),
    "too-young": say("left out: too little of it is reported yet"),
}


def treated(log: Log) -> tuple[Treated, ...]:
    """Return the weeks that need a treatment of their own, by channel."""
    outcome = np.asarray(log.outcome)
    share, _ = _maturity(log)
    # A kernel that is given carries money into weeks without any.
    spent = np.isfinite(log.spend) & (_effective(log, (0.0,))[:, 0] > 0)
    found = {
        "not-reported": np.isnan(log.spend) | (np.isnan(outcome) & spent),
        "zero-outcome": spent & (outcome == 0),
        "outcome-without-spend": (log.spend == 0) & ~spent & (np.nan_to_num(outcome) > 0),
        "young": spent & (share < 1),
        "too-young": spent & np.isnan(share),
    }
    ever = np.asarray(np.isfinite(log.spend).any(axis=0))
    return tuple(
        Treated(name, code, tuple(log.weeks[where[:, at]]), _TREATMENT[code])
        for at, name in enumerate(log.channels)
        if ever[at]
        for code, where in found.items()
        if where[:, at].any()
    )
