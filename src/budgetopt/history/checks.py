"""What every history keeps: named channels, consecutive weeks, finite amounts of at least zero."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import as_date, start_day_number, week_starts
from budgetopt.errors import CalendarError, HistoryError

Floats = NDArray[np.float64]


def check_names(names: Any, field: str) -> tuple[str, ...]:
    """Return channel names as a tuple, each filled and once.

    Raises
    ------
    HistoryError
        ``bad-name``.
    """
    given = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else []
    if not given:
        _refuse(
            "bad-name", f"{field} is {names!r}", field, names, "give at least one name, as text"
        )
    seen = set()
    for name in given:
        if not isinstance(name, str) or not name.strip():
            _refuse("bad-name", f"{field} holds {name!r}", field, name, "give every name as text")
        if name in seen:
            _refuse("bad-name", f"channel {name!r} is named twice", field, name, "name it once")
        seen.add(name)
    return tuple(map(str, given))


def check_weeks(weeks: Any, week_start: str) -> tuple[str, NDArray[np.datetime64]]:
    """Return the start day in lower case, and weeks as a read-only array.

    Raises
    ------
    CalendarError
        ``bad-date`` where a week cannot be read or starts on another day.
    HistoryError
        ``bad-history`` where weeks do not follow one another.
    """
    start_day_number(week_start)
    days = _as_days(weeks)
    for wrong in days[days != week_starts(days, week_start)][:1]:
        raise CalendarError(
            "bad-date",
            f"the week of {wrong} does not start on a {week_start.strip().lower()}",
            field="weeks",
            value=str(wrong),
            remedy="give first days, or declare week_start",
        )
    for at in np.flatnonzero(np.diff(days) != np.timedelta64(7, "D"))[:1]:
        _refuse(
            "bad-history",
            f"the week of {days[at]} is followed by {days[at + 1]}",
            "weeks",
            str(days[at + 1]),
            "give every week once, in order; fill weeks that are unknown with NaN",
        )
    days.flags.writeable = False
    return week_start.strip().lower(), days


def _as_days(weeks: Any) -> NDArray[np.datetime64]:
    given = np.asarray(weeks)
    try:
        if given.size and given.dtype.kind not in "MOUS":
            raise TypeError
        days = np.array(given, dtype="datetime64[D]")
    except (TypeError, ValueError):
        days = np.array(["NaT"], dtype="datetime64[D]")
    if days.ndim != 1 or np.isnat(days).any():
        raise CalendarError(
            "bad-date",
            "weeks are not dates",
            field="weeks",
            value=str(weeks)[:60],
            remedy="give the first day of every week, as dates",
        )
    return days


def check_amounts(
    amounts: Any, field: str, weeks: NDArray[np.datetime64], channels: tuple[str, ...] | None
) -> Floats:
    """Return amounts as a read-only array by week, and by channel unless that is None.

    Raises
    ------
    HistoryError
        ``bad-history`` for a wrong shape, ``bad-number`` for an amount that is infinite, negative
        or no number.
    """
    shape = (weeks.size,) if channels is None else (weeks.size, len(channels))
    try:
        given = np.asarray(amounts)
        if given.dtype.kind not in "iufO":
            raise TypeError
        # Adding zero turns -0.0 into 0.0, which is the same amount in other bytes.
        array = np.array(given, dtype=np.float64) + 0.0
    except (TypeError, ValueError):
        _refuse("bad-number", f"{field} is not numbers", field, None, "give an array of numbers")
    if array.shape != shape:
        axes = "(weeks,)" if channels is None else "(weeks, channels)"
        problem = f"{field} has shape {array.shape}, not {shape}"
        _refuse("bad-history", problem, field, str(array.shape), f"give one number per {axes}")
    bad = np.argwhere((array < 0) | np.isinf(array))
    for at in bad[:1]:
        value = float(array[tuple(at)])
        whose = "" if channels is None else f" of {channels[at[1]]!r}"
        said = "negative" if np.isfinite(value) else "not finite"
        _refuse(
            "bad-number",
            f"{field}{whose} in the week of {weeks[at[0]]} is {value}, {said}",
            field,
            value,
            "give zero or more, or NaN where it is unknown",
        )
    array.flags.writeable = False
    return array


def check_partial(partial: Any, weeks: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Return the marks of partial weeks as a read-only array; none are given by an empty one.

    Raises
    ------
    HistoryError
        ``bad-history``.
    """
    marks = np.array(partial)
    if not marks.size:
        marks = np.zeros(weeks.size, dtype=bool)
    if marks.dtype != np.bool_ or marks.shape != weeks.shape:
        problem = f"partial is {marks.dtype} of shape {marks.shape}"
        remedy = f"give {weeks.size} times true or false"
        _refuse("bad-history", problem, "partial", str(marks.shape), remedy)
    marks.flags.writeable = False
    return marks


def check_through(
    through: Any, weeks: NDArray[np.datetime64], partial: NDArray[np.bool_]
) -> dt.date | None:
    """Return the last day of data as a date, or None where it is not said.

    Raises
    ------
    CalendarError
        ``bad-date`` for what is no date.
    HistoryError
        ``bad-history`` where a week that is not partial ends after it.
    """
    if through is None:
        return None
    day = as_date(through, "data_through")
    late = ~partial & (weeks + np.timedelta64(6, "D") > np.datetime64(day, "D"))
    for week in weeks[late][:1]:
        _refuse(
            "bad-history",
            f"data runs through {day}, and the week of {week} ends after it",
            "data_through",
            str(day),
            "mark that week as partial, or give a later day",
        )
    return day


def _refuse(code: str, problem: str, field: str, value: Any, remedy: str) -> NoReturn:
    raise HistoryError(code, problem, field=field, value=value, remedy=remedy)
