r"""What changes from week to week whatever is spent: response, demand, prices, delivery, reports.

`Drift`, `Demand`, `Prices`, `Delivery` and `Tracking` each draw numbers of their own, by channel or
for all channels together, and give one factor a week; most are a `Walk` in the logarithm. A part
that is left at its defaults gives exactly 1 and draws nothing.

What lies between the expected outcome of a week and the one that comes is `Noise`. The outcome is
:math:`M\,E`, a multiplier M of mean 1 times the expected outcome E, or where outcomes are counted a
Poisson number of events of that mean. M is drawn with the weather and does not depend on the
spends. The events are the Poisson quantile of a uniform number that is drawn with the weather too,
so one run meets one luck whatever a policy spends, and more expected outcome never brings less.

======================  ========================================  ======================
noise                   M                                         variance of the outcome
======================  ========================================  ======================
`Noise.none`            1                                         0
`Noise.lognormal`       :math:`e^{\sigma z-\sigma^2/2}`           :math:`(e^{\sigma^2}-1)E^2`
`Noise.poisson`         1, counted                                :math:`uE`
`Noise.both`            lognormal, counted                        the sum of the two
`Noise.negative_        gamma of mean 1 and variance              :math:`uE+\alpha E^2`
binomial`               :math:`\alpha`, counted
======================  ========================================  ======================

The checks of a market's settings stand first: each raises an error that names field, value and
remedy.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import InputError, as_number, did_you_mean
from budgetopt.i18n import Message, say
from budgetopt.market.random import Stream, poisson_quantile
from budgetopt.notebook import short

Factor = float | Floats
"""A factor for all runs and channels, or an array that broadcasts to ``(runs, channels)``."""
MakeStream = Callable[[str], Stream]
"""Gives the stream of a purpose for the chunk of runs."""
PerChannel = float | tuple[float, ...]


def wrong(field: str, value: Any, remedy: Message, problem: Message | None = None) -> InputError:
    """Return a ``bad-argument`` error about a field."""
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)


def numbers_of(values: Any, field: str, *, least: float) -> tuple[float, ...]:
    """Return a row of numbers as a tuple of floats."""
    if isinstance(values, (str, Mapping)) or not isinstance(values, (Iterable, np.ndarray)):
        raise wrong(field, values, say("remedy-list-numbers"))
    return tuple(as_number(v, f"{field}[{at}]", least=least) for at, v in enumerate(values))


def by_channel(value: Any, field: str, *, least: float) -> float | tuple[float, ...]:
    """Return one number for all channels, or a tuple of one for each."""
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        return numbers_of(value, field, least=least)
    return as_number(value, field, least=least)


def whole(value: Any, field: str, *, least: int = 0) -> int:
    """Return a whole number as an int."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= least:
        return int(value)
    raise wrong(field, value, say("remedy-whole-number-least-2", least=least))


def known(names: Iterable[str], all_names: tuple[str, ...], field: str) -> None:
    """Raise ``unknown-name`` for the first name that is not a channel."""
    for name in names:
        if name not in all_names:
            raise InputError("unknown-name", say("field-names-no-channel", field=field,
                             name=repr(name)), field=field, value=name,
                             remedy=did_you_mean(name, all_names))  # fmt: skip


def scaled(array: Floats, *factors: Factor) -> Floats:
    """Return an array times factors; times exactly 1 it is the array itself, without a pass."""
    for factor in factors:
        if not (isinstance(factor, float) and factor == 1.0):
            array = array * factor
    return array


class Walk:
    r"""The logarithm of a level: :math:`l_1 = 0,\ l_t = \rho\,l_{t-1} + \sigma z_t`.

    Its variance in week t is :math:`\sigma^2 (1-\rho^{2(t-1)})/(1-\rho^2)`, for a random walk
    (:math:`\rho = 1`) :math:`(t-1)\sigma^2`.

    Parameters
    ----------
    stream
        Where the normals come from.
    sd, persistence
        :math:`\sigma` and :math:`\rho`.
    width
        Levels per run.
    """

    def __init__(self, stream: Stream, sd: float, persistence: float, width: int) -> None:
        self._stream, self._sd, self._persistence = stream, sd, persistence
        self.level = np.zeros((stream.runs, width))

    def step(self, week: int) -> Floats:
        """Return the level of the next week, the same array every time; weeks come in order."""
        if week > 1:
            moved = self._stream.normals(self.level.shape[1])
            moved *= self._sd
            if self._persistence != 1:
                self.level *= self._persistence
            self.level += moved
        return self.level


@dataclass(frozen=True)
class Drift:
    r"""How true curves move: a weekly random walk of the log amplitude, and one shock.

    Parameters
    ----------
    sd
        Standard deviation of a week's step, at least 0. The walk starts at 0 in week 1 and has
        no trend in the logarithm, so that the mean amplitude grows by :math:`\sigma^2/2` a week.
    shock_share
        Chance of each channel to be hit by the shock, 0 to 1.
    shock_mean, shock_sd
        Mean and standard deviation of the step in the log amplitude of a channel that is hit.
    shock_week
        First week of the new level; or the first and the last that it may be, of which each run
        draws one, all equally likely; None for from week 2 to the last.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    sd: float = 0.0
    shock_share: float = 0.0
    shock_mean: float = 0.0
    shock_sd: float = 0.5
    shock_week: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "sd", as_number(self.sd, "drift.sd", least=0))
        put(self, "shock_share", as_number(self.shock_share, "drift.shock_share", least=0, most=1))
        put(self, "shock_mean", as_number(self.shock_mean, "drift.shock_mean"))
        put(self, "shock_sd", as_number(self.shock_sd, "drift.shock_sd", least=0))
        if isinstance(self.shock_week, (tuple, list)):
            put(self, "shock_week", _weeks(self.shock_week))
        elif self.shock_week is not None:
            put(self, "shock_week", whole(self.shock_week, "drift.shock_week", least=1))

    def factors(self, streams: MakeStream, channels: int, weeks: int) -> Callable[[int], Factor]:
        """Return the function from week, in order, to the amplitudes of that week."""
        if not self.sd and not self.shock_share:
            return lambda week: 1.0
        walk = Walk(streams("drift"), self.sd, 1.0, channels)
        when, size = self._shock(streams("shock"), channels, weeks)

        def factor(week: int) -> Factor:
            if self.sd:
                walk.step(week)
            struck = when == week
            if self.shock_share and struck.any():
                walk.level[struck] += size[struck]
            return np.exp(walk.level)

        return factor

    def _shock(self, stream: Stream, channels: int, weeks: int) -> tuple[Floats, Floats]:
        """Return each run's week of the shock, ``(runs,)``, and the steps of its channels."""
        given = self.shock_week or (2, weeks)
        first, last = given if isinstance(given, tuple) else (given, given)
        week = np.floor(first + stream.uniforms(1)[:, 0] * (last - first + 1))
        hit = stream.uniforms(channels) < self.shock_share
        size = self.shock_mean + self.shock_sd * stream.normals(channels)
        return week, np.where(hit, size, 0.0)


@dataclass(frozen=True)
class Demand:
    r"""A factor of the response that all channels share: season, holidays, mood.

    The factor of week t is :math:`i_t\,(1 + a\sin(2\pi((t-1)/p + \varphi)))\,e^{l_t}`.

    Parameters
    ----------
    amplitude
        Height of the wave a, 0 to below 1.
    period
        Its length p in weeks, above 0.
    phase
        Its start :math:`\varphi` as a share of the period; None draws it evenly for each run.
    sd, persistence
        Of the logarithm :math:`l_t` of a random level, at least 0, and 0 to 1; see `Walk`.
    index
        Known index of each week :math:`i_t`, at least 0; it starts again where it ends. Empty for
        1 throughout.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    amplitude: float = 0.0
    period: float = 52.0
    phase: float | None = None
    sd: float = 0.0
    persistence: float = 0.0
    index: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "amplitude", as_number(self.amplitude, "demand.amplitude", least=0, most=0.999))
        put(self, "period", as_number(self.period, "demand.period", above=0))
        if self.phase is not None:
            put(self, "phase", as_number(self.phase, "demand.phase"))
        put(self, "sd", as_number(self.sd, "demand.sd", least=0))
        put(self, "persistence", as_number(self.persistence, "demand.persistence", least=0, most=1))
        put(self, "index", numbers_of(self.index, "demand.index", least=0))

    def index_of(self, week: int) -> float:
        """Return the known index of a week, from 1 on."""
        return _indexed(self.index, week)

    def factors(self, streams: MakeStream, channels: int, weeks: int) -> Callable[[int], Factor]:
        """Return the function from week, in order, to the demand, a number or ``(runs, 1)``."""
        stream = streams("demand")
        phase: Factor = self.phase or 0.0
        if self.amplitude and self.phase is None:
            phase = stream.uniforms(1)
        walk = Walk(stream, self.sd, self.persistence, 1) if self.sd else None

        def factor(week: int) -> Factor:
            level: Factor = self.index_of(week)
            if self.amplitude:
                turn = 2.0 * np.pi * ((week - 1) / self.period + phase)
                level = level * (1.0 + self.amplitude * np.sin(turn))
            return level * np.exp(walk.step(week)) if walk else level

        return factor


@dataclass(frozen=True)
class Prices:
    """What a thousand impressions cost, as an index by channel: money buys 1/price of them.

    Parameters
    ----------
    sd, persistence
        Of the log index of each channel, at least 0, and 0 to 1; it is 0 in week 1, see `Walk`.
    index
        Known index of each week for all channels, above 0; it starts again where it ends.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    sd: float = 0.0
    persistence: float = 0.9
    index: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "sd", as_number(self.sd, "prices.sd", least=0))
        put(self, "persistence", as_number(self.persistence, "prices.persistence", least=0, most=1))
        put(self, "index", numbers_of(self.index, "prices.index", least=1e-9))

    def factors(self, streams: MakeStream, channels: int, weeks: int) -> Callable[[int], Factor]:
        """Return the function from week, in order, to the prices."""
        walk = Walk(streams("prices"), self.sd, self.persistence, channels) if self.sd else None

        def factor(week: int) -> Factor:
            known = _indexed(self.index, week)
            return known * np.exp(walk.step(week)) if walk else known

        return factor


@dataclass(frozen=True)
class Delivery:
    """The share of the ordered money that a platform spends, lognormal, each week anew.

    Parameters
    ----------
    mean
        Its mean, at least 0; above 1 is over-delivery.
    sd
        Standard deviation of its logarithm, at least 0.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    mean: float = 1.0
    sd: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", as_number(self.mean, "delivery.mean", least=0))
        object.__setattr__(self, "sd", as_number(self.sd, "delivery.sd", least=0))

    def factors(self, streams: MakeStream, channels: int, weeks: int) -> Callable[[int], Factor]:
        """Return the function from week, in order, to the delivered shares."""
        stream = streams("delivery")

        def factor(week: int) -> Factor:
            if not self.sd:
                return self.mean
            return self.mean * np.exp(self.sd * stream.normals(channels) - 0.5 * self.sd**2)

        return factor


@dataclass(frozen=True)
class Tracking:
    """Reports that lose a part of the outcome: a tag that is down, a broken hand-over.

    Parameters
    ----------
    chance
        Of each channel's report of a week, 0 to 1.
    loss
        Share of the outcome that such a report lacks for good, 0 to 1.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    chance: float = 0.0
    loss: float = 0.9

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "chance", as_number(self.chance, "tracking.chance", least=0, most=1))
        put(self, "loss", as_number(self.loss, "tracking.loss", least=0, most=1))

    def factors(self, streams: MakeStream, channels: int, weeks: int) -> Callable[[int], Factor]:
        """Return the function from week, in order, to the reported shares."""
        stream = streams("tracking")

        def factor(week: int) -> Factor:
            if not self.chance:
                return 1.0
            return np.where(stream.uniforms(channels) < self.chance, 1.0 - self.loss, 1.0)

        return factor


def _weeks(given: Any) -> tuple[int, int]:
    first, last = (*given, None, None)[:2]
    first = whole(first, "drift.shock_week[0]", least=1)
    return first, whole(last, "drift.shock_week[1]", least=first)


def _indexed(index: tuple[float, ...], week: int) -> float:
    return index[(week - 1) % len(index)] if index else 1.0


@short
@dataclass(frozen=True)
class Noise:
    r"""Mean-one noise of a channel's weekly outcome; the class methods name the usual ones.

    Parameters
    ----------
    sd
        Standard deviation of the logarithm of a lognormal multiplier, at least 0; one number, or
        one for each channel.
    dispersion
        Variance of a gamma multiplier, at least 0, likewise; not beside `sd`.
    counted
        Whether the outcome is a whole number of events.
    unit
        Size of one event in units of the outcome, above 0: 1 for counts, the average order value
        for revenue.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> Noise.both(0.2) == Noise(sd=0.2, counted=True)
    True
    """

    sd: PerChannel = 0.0
    dispersion: PerChannel = 0.0
    counted: bool = False
    unit: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", by_channel(self.sd, "noise.sd", least=0))
        spread = by_channel(self.dispersion, "noise.dispersion", least=0)
        object.__setattr__(self, "dispersion", spread)
        object.__setattr__(self, "unit", as_number(self.unit, "noise.unit", above=0))
        if np.any(self.sd) and np.any(self.dispersion):
            raise wrong("noise.dispersion", self.dispersion, say("remedy-sd-dispersion-not"))

    @classmethod
    def none(cls) -> Self:
        """Return no noise: what comes is what was expected."""
        return cls()

    @classmethod
    def lognormal(cls, sd: PerChannel) -> Self:
        """Return a lognormal multiplier."""
        return cls(sd=sd)

    @classmethod
    def poisson(cls, *, unit: float = 1.0) -> Self:
        """Return counts."""
        return cls(counted=True, unit=unit)

    @classmethod
    def both(cls, sd: PerChannel, *, unit: float = 1.0) -> Self:
        """Return counts whose rate has a lognormal multiplier."""
        return cls(sd=sd, counted=True, unit=unit)

    @classmethod
    def negative_binomial(cls, dispersion: PerChannel, *, unit: float = 1.0) -> Self:
        """Return counts whose rate has a gamma multiplier: variance ``m + dispersion m²``."""
        return cls(dispersion=dispersion, counted=True, unit=unit)

    def multiplier(self, stream: Stream, channels: int) -> float | Floats:
        r"""Return a week's multipliers, shape ``(runs, channels)``, or 1 where there are none.

        :math:`e^{\sigma z - \sigma^2/2}`, or a gamma number of mean 1 and variance :math:`\alpha`.
        """
        if np.any(self.sd):
            sd = np.asarray(self.sd)
            drawn = stream.normals(channels)
            drawn *= sd
            drawn -= 0.5 * np.square(sd)
            return np.exp(drawn, out=drawn)
        if np.any(self.dispersion):
            spread = np.broadcast_to(np.asarray(self.dispersion), (channels,))
            varied = spread > 0
            # A gamma of dispersion zero is one.
            shape = 1.0 / np.where(varied, spread, 1.0)
            drawn = stream.gammas(shape)
            drawn *= spread
            return drawn if varied.all() else np.where(varied, drawn, 1.0)
        return 1.0

    def luck(self, stream: Stream, channels: int) -> Floats | None:
        """Return a week's normals behind the counts, or None where nothing is counted."""
        return stream.normals(channels) if self.counted else None

    def outcome(self, expected: Floats, multiplier: float | Floats, luck: Floats | None) -> Floats:
        """Return what comes of the expected outcome; nondecreasing in it.

        ``M E``, or where outcomes are counted the unit times the Poisson quantile, at the week's
        luck, of the mean ``M E / unit``.
        """
        rate = expected * multiplier
        if luck is None:
            return rate
        rate /= self.unit
        events = poisson_quantile(luck, rate)
        events *= self.unit
        return events
