"""Days that are known to stand out: events by name, and the demand of single weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from budgetopt.calendar import as_date, week_starts
from budgetopt.errors import CalendarError, PlanError
from budgetopt.plan.channel import check_name
from budgetopt.plan.parts import as_number

if TYPE_CHECKING:
    from budgetopt.plan.plan import Plan

Event = tuple[str, dt.date, dt.date]
"""Its name, first and last day."""

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
        ``bad-date`` for what is no date, an end before the beginning, or more than 183 days.
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
        raise CalendarError(
            "bad-date",
            f"{field} ends on {last}, before it begins on {first}",
            field=field,
            value=str(last),
            remedy="write the first day first",
        )
    if (last - first).days >= MOST_DAYS:
        raise CalendarError(
            "bad-date",
            f"{field} lasts from {first} to {last}, more than {MOST_DAYS} days",
            field=field,
            value=str(last),
            remedy="write [[first, last], [first, last]] for an event that comes again",
        )
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
    return PlanError(
        "bad-plan",
        f"{field} is {given!r}",
        field=field,
        value=str(given),
        remedy="write 2026-11-11 for a day, [2026-11-01, 2026-11-11] for a range, or a list of "
        "such lists for several",
    )


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
        ``bad-plan`` for what is no mapping.
    """
    try:
        pairs = list(given.items() if isinstance(given, Mapping) else ((d, i) for d, i in given))
    except (TypeError, ValueError):
        raise PlanError(
            "bad-plan",
            f"demand is {given!r}",
            field="demand",
            value=str(given),
            remedy="give a day and its week's index, such as 2026-11-09 = 1.6",
        ) from None
    return tuple(sorted((as_date(day, "demand"), _index(day, index)) for day, index in pairs))


def _index(day: Any, given: Any) -> float:
    remedy = f"give a multiple of a usual week, such as 1.12, from {LEAST_DEMAND} to {MOST_DEMAND}"
    return as_number(given, f"demand.{day}", least=LEAST_DEMAND, most=MOST_DEMAND, remedy=remedy)


def check_demand(plan: Plan) -> None:
    """Refuse two indices of one week, of which one would be lost.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    days = [day for day, _ in plan.demand]
    starts = week_starts(np.array(days, dtype="datetime64[D]"), plan.week_start)
    for at in np.flatnonzero(starts[1:] == starts[:-1])[:1]:
        raise PlanError(
            "bad-plan",
            f"demand of {days[at]} and of {days[at + 1]} is for one week",
            field=f"demand.{days[at + 1]}",
            value=str(days[at + 1]),
            remedy="give one index for each week",
        )
