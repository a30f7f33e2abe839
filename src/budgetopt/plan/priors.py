"""What is known before a history is read: events, demand, lift tests, priors and carryover.

`as_events` and `as_demand` read dated days and weekly indices; a `LiftTest` is what an experiment
found, or an earlier model's curve (`LiftTest.from_curve`); `Priors` gathers all of it for
learning, with the channels' priors, carryover and pinned curves, and goes into a belief's log.

Ranges are checked here. Whether a prior agrees with the history is for learning to find out.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np

from budgetopt.arguments import ABSENT, Given, public, record
from budgetopt.calendar import as_date, week_starts
from budgetopt.curves import Carryover, Curve, curve_from_dict
from budgetopt.errors import CalendarError, InputError, PlanError, as_number
from budgetopt.history import Delay
from budgetopt.i18n import say
from budgetopt.plan.channel import ChannelPrior, check_name, one_curve
from budgetopt.plan.declare import Declared, part_of

Event = tuple[str, dt.date, dt.date]
"""Its name, first and last day."""

_DAY = {"type": "string", "format": "date"}
_DAYS = {"type": "array", "items": _DAY, "minItems": 1, "maxItems": 2}
_WHEN = {"anyOf": [_DAY, _DAYS, {"type": "array", "items": _DAYS, "minItems": 1}]}
EVENTS: dict[str, Any] = {
    "anyOf": [
        {"type": "object", "additionalProperties": _WHEN},
        {"type": "array", "items": {"anyOf": [_DAY, _DAYS]}},
    ],
    "description": "days or [first, last], by name or without",
}
"""What a plan file holds for events, as JSON Schema."""

MOST_DAYS = 183
"""An event is over within half a year: the same feast of two years, written like a range, is a year
apart and refused, not read as one event that makes every week stand out."""
LEAST_DEMAND, MOST_DEMAND = 1e-3, 50.0
"""An index of which 100 is a usual week is found out by its greatest week."""


def as_events(given: Any) -> tuple[Event, ...]:
    """Return events as sorted triples of a name, the first and the last day.

    Parameters
    ----------
    given
        A mapping of a name to a day, to ``[first, last]``, or to a list of such lists; or days,
        pairs ``(first, last)`` and triples ``(name, first, last)``. What has no name is called by
        its days, as ISO 8601 writes them.

    Raises
    ------
    CalendarError
        ``bad-date`` for what is not a date, an end before the beginning, or more than 183 days.
    PlanError
        ``bad-plan`` for what is neither days nor ranges, ``bad-name``.

    Examples
    --------
    >>> [name for name, _, _ in as_events(["2026-10-01", ("2026-11-01", "2026-11-11")])]
    ['2026-10-01', '2026-11-01/2026-11-11']
    >>> as_events({"618": "2026-06-18"})
    (('618', datetime.date(2026, 6, 18), datetime.date(2026, 6, 18)),)
    """
    if isinstance(given, Mapping):
        return tuple(sorted({event for item in given.items() for event in _named(*item)}))
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise _no_dates(given, "events")
    return tuple(sorted({_unnamed(item, f"events[{at}]") for at, item in enumerate(given)}))


def _named(name: Any, when: Any) -> Iterator[Event]:
    """Yield the events of one name."""
    check_name(name, "events", "event")
    field = f"events.{name}"
    several = isinstance(when, (list, tuple)) and any(isinstance(w, (list, tuple)) for w in when)
    for span in when if several else [when]:
        yield _event(name, span, field)


def _unnamed(item: Any, field: str) -> Event:
    """Return an event that is given by its days, or as the triple that it is kept as."""
    if isinstance(item, (list, tuple)) and len(item) == 3:
        check_name(item[0], field, "event")
        return _event(item[0], item[1:], field)
    return _event(None, item, field)


def _event(name: str | None, span: Any, field: str) -> Event:
    days = list(span) if isinstance(span, (list, tuple)) else [span]
    if len(days) not in (1, 2):
        raise _no_dates(span, field)
    first, last = as_date(days[0], field), as_date(days[-1], field)
    if last < first:
        raise CalendarError("bad-date", say("ends-before-begins", field=field, last=last,
                            first=first), field=field, value=str(last),
                            remedy=say("remedy-write-first-day-first"))  # fmt: skip
    if (last - first).days >= MOST_DAYS:
        raise CalendarError("bad-date", say("lasts-more-days", field=field, first=first, last=last,
                            most_days=MOST_DAYS), field=field, value=str(last),
                            remedy=say("remedy-write-first-last-first"))  # fmt: skip
    if name is None:
        return (str(first) if first == last else f"{first}/{last}"), first, last
    if _reads_as_another_day(name, first):
        # Three days in one pair of brackets would else be a name and a range.
        raise _no_dates([name, *map(str, days)], field)
    return name, first, last


def _reads_as_another_day(name: str, day: dt.date) -> bool:
    try:
        return as_date(name, "name") != day
    except CalendarError:
        return False


def _no_dates(given: Any, field: str) -> PlanError:
    return PlanError("bad-plan", field=field, value=given, remedy=say("remedy-write-2026-11-11"))


def plain_events(events: Iterable[Event]) -> dict[str, Any]:
    """Return events by name as a plan file has them, which `as_events` reads."""
    spans: dict[str, list[list[str]]] = {}
    for name, first, last in events:
        spans.setdefault(name, []).append([str(day) for day in sorted({first, last})])
    plain: dict[str, Any] = {}
    for name, held in spans.items():
        one = held[0] if len(held) == 1 else held
        plain[name] = one[0] if len(one) == 1 else one
    return plain


def days_of(events: Iterable[Event]) -> tuple[dt.date, ...]:
    """Return all days of events, sorted, each once.

    Examples
    --------
    >>> day = dt.date(2026, 6, 17)
    >>> [str(d) for d in days_of([("618", day, dt.date(2026, 6, 18)), ("a", day, day)])]
    ['2026-06-17', '2026-06-18']
    """
    one = dt.timedelta(days=1)
    held = {first + at * one for _, first, last in events for at in range((last - first).days + 1)}
    return tuple(sorted(held))


def as_demand(given: Any) -> tuple[tuple[dt.date, float], ...]:
    """Return demand as sorted pairs of a day and its week's index.

    Parameters
    ----------
    given
        A mapping of a day to the index, or such pairs; 1 is a usual week, 0.001 to 50.

    Raises
    ------
    CalendarError
        ``bad-date``.
    InputError
        ``bad-argument`` for an index out of range.
    PlanError
        ``bad-plan`` for what is not a mapping.
    """
    try:
        pairs = list(given.items() if isinstance(given, Mapping) else ((d, i) for d, i in given))
    except (TypeError, ValueError):
        raise PlanError(
            "bad-plan", field="demand", value=given, remedy=say("remedy-day-week-s-index")
        ) from None
    return tuple(sorted((as_date(day, "demand"), _index(day, index)) for day, index in pairs))


def _index(day: Any, given: Any) -> float:
    remedy = say("remedy-demand-index", least=LEAST_DEMAND, most=MOST_DEMAND)
    return as_number(given, f"demand.{day}", least=LEAST_DEMAND, most=MOST_DEMAND, remedy=remedy)


def check_demand(demand: Iterable[tuple[dt.date, float]], week_start: str) -> None:
    """Refuse two indices of one week, of which one would be lost.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    days = [day for day, _ in demand]
    starts = week_starts(np.array(days, dtype="datetime64[D]"), week_start)
    for at in np.flatnonzero(starts[1:] == starts[:-1])[:1]:
        raise PlanError("bad-plan", say("demand-given-twice-week", days=days[at],
                        days_2=days[at + 1]), field=f"demand.{days[at + 1]}",
                        value=str(days[at + 1]), remedy=say("remedy-index-week"))  # fmt: skip


_LEAST, _MOST = 1e-100, 1e100
"""Within these no product or square overflows."""
_NUMBERS = {
    "incremental": (-_MOST, say("remedy-extra-outcome")),
    "error": (_LEAST, say("remedy-extra-error")),
    "high": (0.0, say("remedy-money-per-week")),
    "low": (0.0, say("remedy-money-per-week")),
}
"""The least that each may be, and what to do where it is not."""


@public
@record()
class LiftTest(Declared):
    """The extra outcome per week that more spend on one channel brought, with its error.

    Parameters
    ----------
    channel
        Its name.
    incremental
        Outcome per week that the higher spend brought over the lower one; may be negative.
    error
        Its standard error, in the same unit, above 0.
    high
        Money per week of the higher arm.
    low
        Money per week of the lower arm, at least 0 and below `high`; 0 for a holdout.
    ended
        Last day of the test; None for one before the history, or for a model of it.

    Raises
    ------
    InputError
        ``bad-argument``.
    PlanError
        ``bad-name`` where the channel's name is blank or not text.
    CalendarError
        ``bad-date``.

    Notes
    -----
    All numbers lie between -1e100 and 1e100; the error is at least 1e-100.

    Examples
    --------
    >>> LiftTest("search", incremental=120, error=30, high=20_000, low=10_000).low
    10000.0
    """

    channel: str
    incremental: float
    error: float
    high: float
    low: float = 0.0
    ended: Given[dt.date | None] = ABSENT

    def __post_init__(self) -> None:
        check_name(self.channel, "lift_tests.channel", "channel")
        for name, (least, remedy) in _NUMBERS.items():
            field = f"lift_tests.{name}"
            number = as_number(getattr(self, name), field, least=least, most=_MOST, remedy=remedy)
            object.__setattr__(self, name, number)
        if not self.low < self.high:
            raise InputError("bad-argument", say("lift-tests-low-below", low=f"{self.low:g}",
                             high=f"{self.high:g}"), field="lift_tests.low", value=self.low,
                             remedy=say("remedy-money-per-week-lower"))  # fmt: skip
        if self.ended is not None:
            object.__setattr__(self, "ended", as_date(self.ended, "lift_tests.ended"))

    @classmethod
    def from_curve(
        cls, channel: str, curve: Curve, spends: Sequence[float], log_sd: float
    ) -> tuple[Self, ...]:
        r"""Return an earlier model's curve as tests at some spends.

        Each of ``n`` spends has the error :math:`\sqrt{n} \cdot log\_sd \cdot f(x)`, so that all
        together say no more of the curve's height than one test with the relative error `log_sd`.

        Parameters
        ----------
        channel
            Its name.
        curve
            What the model believes, a single curve.
        spends
            Money per week at which it is to be believed, above 0, where the curve brings
            something.
        log_sd
            Relative error of the model, 0.001 to 5. All spends share it, as one model made them.

        Raises
        ------
        InputError
            ``bad-argument``; where the curve brings nothing at a spend too, since a relative error
            of nothing would be certainty.
        CurveError
            ``bad-curve`` where it is not one curve.

        Examples
        --------
        >>> from budgetopt.curves import Hill
        >>> tests = LiftTest.from_curve("kol", Hill(80, 1000, 1), [1000, 1000, 1000, 1000], 0.125)
        >>> [(test.incremental, test.error) for test in tests]
        [(40.0, 10.0), (40.0, 10.0), (40.0, 10.0), (40.0, 10.0)]
        """
        curve = one_curve(curve, channel)
        relative = as_number(log_sd, "log_sd", least=1e-3, most=5.0) * math.sqrt(len(spends))
        tests = []
        for at, given in enumerate(spends):
            spend = as_number(given, f"spends[{at}]", least=_LEAST, most=_MOST)
            outcome = float(curve.value(spend))
            if not outcome * relative >= _LEAST:
                raise InputError("bad-argument", say("curve-brings-spends", channel=repr(channel),
                                 outcome=f"{outcome:g}", at=at, spend=f"{spend:g}"),
                                 field=f"spends[{at}]", value=spend,
                                 remedy=say("remedy-spends-brings-something"))  # fmt: skip
            tests.append(cls(channel, outcome, relative * outcome, spend))
        return tuple(tests)

    @classmethod
    def of(cls, given: Any, field: str = "lift_tests") -> Self:
        """Return a test from itself or from a mapping of its fields.

        Raises
        ------
        InputError
            ``bad-argument``, or ``unknown-name`` for a misspelt field; they name `field`.
        """
        return part_of(cls, given, "lift_tests", field)


T = TypeVar("T")


@dataclass(frozen=True)
class Priors:
    """All that learning is told beside the weeks; a plan gathers it from its fields.

    Parameters
    ----------
    channels, carryovers, pinned
        Pairs of a channel and its prior, its kernel, or the curve it is taken to have.
    delay
        How outcomes keep arriving; None where every week is complete.
    demand
        Pairs of a day and the known demand of its week; weeks that are not named have 1.
    events
        Holidays and promotions as `as_events` returns them, whose weeks may stand out in all
        channels.
    lift_tests
        What experiments and earlier models say.
    labels
        Pairs of a channel and its labels: a channel without weeks is like those that share them.
    """

    channels: tuple[tuple[str, ChannelPrior], ...] = ()
    carryovers: tuple[tuple[str, Carryover], ...] = ()
    pinned: tuple[tuple[str, Curve], ...] = ()
    delay: Delay | None = None
    demand: tuple[tuple[dt.date, float], ...] = ()
    events: tuple[Event, ...] = ()
    lift_tests: tuple[LiftTest, ...] = ()
    labels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    def only(self, channels: Iterable[str]) -> Self:
        """Return what concerns some channels; what concerns all of them stays."""
        kept = set(channels)

        def some(pairs: tuple[tuple[str, T], ...]) -> tuple[tuple[str, T], ...]:
            return tuple(pair for pair in pairs if pair[0] in kept)

        tests = tuple(test for test in self.lift_tests if test.channel in kept)
        return replace(
            self,
            channels=some(self.channels),
            carryovers=some(self.carryovers),
            pinned=some(self.pinned),
            lift_tests=tests,
            labels=some(self.labels),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON, in the words of the records that hold it."""
        labels = {"labels": {name: dict(pairs) for name, pairs in self.labels}}
        return {
            "priors": {name: prior.to_dict() for name, prior in self.channels},
            "carryovers": {name: kernel.to_dict() for name, kernel in self.carryovers},
            "pinned": {name: curve.to_dict() for name, curve in self.pinned},
            "delay": None if self.delay is None else self.delay.to_dict(),
            "demand": {str(day): index for day, index in self.demand},
            "events": [[name, str(first), str(last)] for name, first, last in self.events],
            "lift_tests": [test.to_dict() for test in self.lift_tests],
            **(labels if self.labels else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote.

        Raises
        ------
        InputError
            Where a part is out of its range, as where the part is made.
        """
        return cls(
            tuple((name, ChannelPrior(**prior)) for name, prior in data["priors"].items()),
            tuple((name, Carryover(**kernel)) for name, kernel in data["carryovers"].items()),
            tuple((name, curve_from_dict(curve)) for name, curve in data["pinned"].items()),
            Delay.of(data["delay"]),
            as_demand(data["demand"]),
            as_events(data["events"]),
            tuple(LiftTest.of(test) for test in data["lift_tests"]),
            tuple((name, tuple(kept.items())) for name, kept in data.get("labels", {}).items()),
        )
