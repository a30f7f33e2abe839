"""From observations and declared priors to what the filter reads, week by week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.belief.filter.state import PriorModel, WeekData
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.settings import Settings
from budgetopt.curves import Carryover, kernels
from budgetopt.i18n import say
from budgetopt.notebook import short
from budgetopt.plan import ChannelPrior, days_of

FIRST_WEEKS = 8
"""Weeks from which first impressions are taken: the pooled ROAS that centres the priors, and what
stands in for the size of an event. Later weeks do not change them."""
_SMALL_EVENT = 1e-3
"""Size of an event, in median weeks, where no zero ever was: it adds 0.001 to the variance. Ten
times that would hide a noise of 0.1, and make 80 % bands hold 95 % of quiet channels."""
REACH = 8
"""Weeks over which a learned carryover reaches; at 0.6 a week, 2 % of it lies beyond."""


@dataclass(frozen=True, eq=False)
class FilterInputs:
    """What the filter reads: arrays of shape ``(weeks, channels)`` save where said.

    Parameters
    ----------
    days
        First days, ``(weeks,)``.
    spend
        Effective money, ``(weeks, kernels, channels)``.
    outcome, seen, offset, offset_variance
        As in `WeekData`.
    eventful
        Holidays and promotions, ``(weeks,)``.
    event
        Size of one event, ``(channels,)``.
    event_known
        Whether that is declared or learned, and no mere stand-in, ``(channels,)``.
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
    event_known: NDArray[np.bool_]
    centre: Floats
    sd: Floats

    def week(self, at: int) -> WeekData:
        """Return one week as the filter reads it."""
        return WeekData(
            self.days[at],
            np.ascontiguousarray(self.spend[at].T),
            self.outcome[at],
            self.seen[at],
            self.event,
            self.offset[at],
            self.offset_variance[at],
            bool(self.eventful[at]),
        )

    def goes_on(self, earlier: FilterInputs) -> bool:
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


def model_of(log: ObservationLog, settings: Settings) -> PriorModel:
    """Return the cells and priors for a log."""
    grid = settings.grid(log.reference)
    return PriorModel(grid, settings, *own_of(log).of_model, len(settings.carryover))


class OwnPriors(NamedTuple):
    """What is believed of single channels, arrays of shape ``(channels,)``, NaN where nothing is.

    Parameters
    ----------
    log_half, log_half_sd, log_noise
        As `PriorModel` takes them.
    centre, sd
        Prior of the log response at the reference.
    """

    log_half: Floats
    log_half_sd: Floats
    log_noise: Floats
    centre: Floats
    sd: Floats

    @property
    def of_model(self) -> tuple[Floats, Floats, Floats]:
        """What the model of the filter takes."""
        return self.log_half, self.log_half_sd, self.log_noise


def own_of(log: ObservationLog) -> OwnPriors:
    """Return the priors of a log's channels."""
    own = dict(log.priors.channels)
    return own_priors([own.get(name) for name in log.channels], log.reference)


def own_priors(priors: Sequence[ChannelPrior | None], reference: float) -> OwnPriors:
    """Return the priors of channels, in order, as arrays; None for a channel without one."""
    known = OwnPriors(*np.full((5, len(priors)), np.nan))
    for at, prior in enumerate(priors):
        if prior is not None and prior.saturation is not None:
            known.log_half[at] = np.log(prior.saturation / reference)
            known.log_half_sd[at] = prior.saturation_sd
        if prior is not None and prior.noise is not None:
            known.log_noise[at] = np.log(prior.noise)
        if prior is not None and prior.roas is not None:
            known.centre[at], known.sd[at] = np.log(prior.roas * reference), prior.roas_sd
    return known


def inputs_of(log: ObservationLog, settings: Settings) -> FilterInputs:
    """Return what the filter reads of a log with an outcome for each channel."""
    share, log_sd = maturity(log)
    outcome = np.asarray(log.outcome)
    known = np.isfinite(log.spend) & np.isfinite(outcome) & np.isfinite(share)
    spend = effective(log, settings.carryover)
    # NaN is not above zero. What is carried into a week without spend is spend all the same.
    seen = known & np.all(spend > 0, axis=1)
    outcome = np.where(seen, outcome, 0.0)
    full = np.where(seen, outcome / np.where(seen, share, 1.0), np.nan)
    event, event_known = event_size(full, log.unit)
    index = demand_of(log)
    with np.errstate(divide="ignore"):
        offset = np.where(seen, np.log(np.where(seen, share, 1.0)) + index[:, None], 0.0)
    centre, sd = _amplitude(log, settings, outcome / np.exp(offset), seen, event)
    return FilterInputs(
        log.weeks,
        spend,
        outcome,
        seen,
        offset,
        np.where(seen, np.square(log_sd), 0.0),
        _eventful(log),
        event,
        event_known,
        centre,
        sd,
    )


def maturity(log: ObservationLog) -> tuple[Floats, Floats]:
    """Return the share of each outcome that is reported yet, and how well that is known."""
    shape = log.spend.shape
    delay = log.priors.delay
    if delay is None:
        return np.ones(shape), np.zeros(shape)
    last = log.weeks + np.timedelta64(6, "D")
    age = ((log.through - last) / np.timedelta64(7, "D"))[:, None]
    # Where it is not known through which day, weeks are taken to be complete.
    unknown = np.isnat(log.through)[:, None]
    share = np.where(unknown, 1.0, delay.share(age, log.channels))
    return share, np.where(unknown, 0.0, delay.log_sd(age, log.channels))


def effective(log: ObservationLog, shares: tuple[float, ...]) -> Floats:
    """Return effective money by carryover, shape ``(weeks, kernels, channels)``."""
    given = dict(log.priors.carryovers)
    tried = []
    for share in shares:
        learned = Carryover("geometric", share=share, length=REACH) if share > 0 else None
        tried.append(
            carried(
                log.weeks,
                log.spend,
                kernels([given.get(name, learned) for name in log.channels]),
            )
        )
    return np.stack(tried, axis=1)


def carried(weeks: NDArray[np.datetime64], spend: Floats, weights: Floats) -> Floats:
    r"""Return each week's average of itself and the weeks before it, ``(weeks, channels)``.

    .. math:: z_t = \sum_l w_l\,x_{t-l} \Big/ \sum_l w_l

    over the weeks that are known: those before the first, missing ones and unreported ones drop out
    of the average, since they are taken to be like the others. A steady week stays as it is. NaN
    where no week is known.

    Parameters
    ----------
    weeks
        First days, rising, shape ``(weeks,)``.
    spend
        Money, shape ``(weeks, channels)``; NaN where not reported.
    weights
        By lag, at least 0, shape ``(lags, 1)`` or ``(lags, channels)``.
    """
    number = (weeks - weeks[:1]).astype("timedelta64[D]").astype(np.int64) // 7
    summed, weight = np.zeros_like(spend), np.zeros_like(spend)
    for lag, share in enumerate(weights):
        at = np.searchsorted(number, number - lag)
        past = np.where((number[at] == number - lag)[:, None], spend[at], np.nan)
        known = np.isfinite(past)
        summed += share * np.where(known, past, 0.0)
        weight += share * known
    return np.where(weight > 0, summed / np.where(weight > 0, weight, 1.0), np.nan)


def demand_of(log: ObservationLog) -> Floats:
    """Return the logarithm of the known demand of each week, ``(weeks,)``."""
    index = np.zeros(len(log.weeks))
    for day, demand in log.priors.demand:
        index[_in_week(log, np.datetime64(day, "D"))] = np.log(demand)
    return index


def event_columns(log: ObservationLog) -> tuple[tuple[str, ...], Floats]:
    """Return names of events, and for each the days of it in each week, its most being 1.

    Shape ``(weeks, names)``; names that none of the weeks has are left out.
    """
    names = dict.fromkeys(name for name, _, _ in log.priors.events)
    days = [days_of(one for one in log.priors.events if one[0] == name) for name in names]
    held = np.array(
        [np.sum([_in_week(log, np.datetime64(day, "D")) for day in one], axis=0) for one in days]
    ).reshape(len(days), len(log.weeks))
    most = held.max(axis=1, initial=0)
    columns: Floats = (held[most > 0] / most[most > 0, None]).T
    return tuple(name for name, days in zip(names, most, strict=True) if days > 0), columns


def control_columns(log: ObservationLog, used: NDArray[np.bool_]) -> Floats:
    """Return controls of all weeks, ``(weeks, controls)``, with mean 0 and sd 1 in the used ones.

    A control that is the same in all of them tells nothing, and is 0.
    """
    given = np.array(list(log.controls.values())).reshape(len(log.controls), len(log.weeks)).T
    mine = given[used]
    away, sd = given - mine.mean(axis=0), mine.std(axis=0)
    varies = sd > 1e-9 * np.abs(mine).max(axis=0, initial=0.0)
    columns: Floats = np.where(varies, away / np.where(varies, sd, 1.0), 0.0)
    return columns


def _eventful(log: ObservationLog) -> NDArray[np.bool_]:
    marked = np.zeros(len(log.weeks), dtype=np.bool_)
    for day in days_of(log.priors.events):
        marked |= _in_week(log, np.datetime64(day, "D"))
    return marked


def _in_week(log: ObservationLog, day: np.datetime64) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (log.weeks <= day) & (day < log.weeks + np.timedelta64(7, "D"))
    return inside


def _amplitude(
    log: ObservationLog, settings: Settings, outcome: Floats, seen: NDArray[np.bool_], event: Floats
) -> tuple[Floats, Floats]:
    """Return the prior of the log response at the reference: pooled ROAS, or the channel's own."""
    first = np.flatnonzero(seen.any(axis=1))[:FIRST_WEEKS]
    money = np.sum(np.nan_to_num(log.spend[first]), where=seen[first])
    brought = np.sum(outcome[first], where=seen[first])
    # All outcomes zero: half an event in all, so that the logarithm exists.
    least = 0.5 * float(np.median(event))
    centre = np.log(max(brought, least) / money * log.reference) if money > 0 else np.log(least)
    own = own_of(log)
    given = np.isfinite(own.centre)
    return np.where(given, own.centre, centre), np.where(given, own.sd, settings.amplitude_sd)


def event_size(outcome: Floats, unit: float | None) -> tuple[Floats, NDArray[np.bool_]]:
    r"""Return the size of one event for each channel, in units of the outcome, and if it is known.

    Parameters
    ----------
    outcome
        Shape ``(weeks, channels)``, NaN where unseen.
    unit
        Declared size; None where it is not.

    Notes
    -----
    Where it is not declared, weeks of zero outcome betray it: with Poisson events the share of
    such weeks is :math:`e^{-\lambda}`, so :math:`u = mean/\lambda`. All weeks count up to the last
    one that brought anything: zeros since then may be an outage, or the end. The other weeks must
    be as uneven as so few events are: above zero the squared coefficient of variation of a Poisson
    count is :math:`(1 - e^{-\lambda})(1 + 1/\lambda) - 1`, and where it is less than half of that,
    the zeros were outages of a channel with many events. Where nothing betrays it, 0.1 % of the
    median of the first eight weeks stands in, and the size is not known. A channel whose weeks
    were all zero takes the median of the others. All of these scale with the outcome, so the
    answer does not depend on its unit.
    """
    channels = outcome.shape[1]
    if unit is not None:
        return np.full(channels, float(unit)), np.ones(channels, np.bool_)
    size, known = np.full(channels, np.nan), np.zeros(channels, np.bool_)
    for at in range(channels):
        held = outcome[np.isfinite(outcome[:, at]), at]
        some = np.flatnonzero(held > 0)
        if not some.size:
            continue
        held, positive = held[: some[-1] + 1], held[some]
        # numpy's own median of few takes ten times as long.
        first = sorted(positive[:FIRST_WEEKS].tolist())
        size[at] = _SMALL_EVENT * 0.5 * (first[(len(first) - 1) // 2] + first[len(first) // 2])
        share = 1.0 - positive.size / held.size
        if share > 0:
            events = -np.log(share)
            uneven = (1.0 - share) * (1.0 + 1.0 / events) - 1.0
            known[at] = np.var(positive) >= 0.5 * uneven * np.square(positive.mean())
        if known[at]:
            size[at] = max(size[at], held.mean() / events)
    some = np.isfinite(size)
    return np.where(some, size, np.median(size[some])) if some.any() else np.ones(channels), known


@short
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
    "not-reported": say("left-out"),
    "zero-outcome": say("learned-as-zero"),
    "outcome-without-spend": say("left-out-impossible-outcome"),
    "young": say("completed-by-delay"),
    "too-young": say("left-out-too-immature"),
}


def treated(log: ObservationLog) -> tuple[Treated, ...]:
    """Return the weeks that need a treatment of their own, by channel."""
    outcome = np.asarray(log.outcome)
    share, _ = maturity(log)
    # A kernel that is given carries money into weeks without any.
    spent = np.isfinite(log.spend) & (effective(log, (0.0,))[:, 0] > 0)
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
