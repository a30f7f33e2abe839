"""Weeks: a start date plus a declared start day; the ISO label is an extra.

A week is seven dated days. A week that is not over, or of which some days are missing, is
*partial*: it is marked and never scaled up in silence.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import CalendarError, did_you_mean

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Names of the start days, in the order of `datetime.date.weekday`."""


def start_day_number(name: str) -> int:
    """Return 0 for ``"monday"`` up to 6 for ``"sunday"``.

    Raises
    ------
    CalendarError
        ``bad-date`` for any other name.
    """
    key = name.strip().lower() if isinstance(name, str) else name
    if key not in DAYS:
        raise CalendarError(
            "bad-date",
            f"week start day {name!r} is not a day",
            field="week_start",
            value=name,
            remedy=did_you_mean(str(key), DAYS),
        )
    return DAYS.index(key)


def as_date(value: Any, field: str) -> dt.date:
    """Return a date from a date, a datetime, or ISO text (``2026-11-20``).

    Raises
    ------
    CalendarError
        ``bad-date``.
    """
    try:
        # A missing time stamp of pandas is a datetime too, but differs from itself.
        if isinstance(value, dt.date) and value == value:
            return value.date() if isinstance(value, dt.datetime) else value
        if isinstance(value, np.datetime64):
            return dt.date.fromisoformat(str(value.astype("datetime64[D]")))
        return dt.date.fromisoformat(value.strip())
    except (ValueError, AttributeError):
        raise CalendarError(
            "bad-date",
            f"{field} is {value!r}, not a date",
            field=field,
            value=value,
            remedy="write it as 2026-11-20",
        ) from None


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """Seven days from a start date, of which `days` have been seen.

    Parameters
    ----------
    start
        First day.
    days
        Days of it that are covered by data, 1 to 7; fewer than 7 makes the week partial.
    """

    start: dt.date
    days: int = 7

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 7:
            raise CalendarError(
                "bad-date",
                f"week of {self.start} has {self.days} days",
                field="days",
                value=self.days,
                remedy="give 1 to 7",
            )

    @classmethod
    def of(cls, day: dt.date, start_day: str = "monday") -> Week:
        """Return the week that a day lies in.

        Examples
        --------
        >>> str(Week.of(dt.date(2026, 11, 20)))
        '2026-11-16 (2026-W47)'
        """
        back = (day.weekday() - start_day_number(start_day)) % 7
        return cls(day - dt.timedelta(days=back))

    @property
    def end(self) -> dt.date:
        """Last day."""
        return self.start + dt.timedelta(days=6)

    @property
    def partial(self) -> bool:
        """Whether some of its days are missing."""
        return self.days < 7

    @property
    def iso(self) -> str:
        """ISO 8601 label of the week that holds most of these days, such as ``2026-W47``."""
        year, number, _ = (self.start + dt.timedelta(days=3)).isocalendar()
        return f"{year}-W{number:02d}"

    def shift(self, weeks: int) -> Week:
        """Return the whole week that lies some weeks later, or earlier if negative."""
        return Week(self.start + dt.timedelta(weeks=weeks))

    def over(self, today: dt.date) -> bool:
        """Say whether the week has ended before a day."""
        return self.end < today

    def __str__(self) -> str:
        return f"{self.start} ({self.iso})"


def week_starts(days: NDArray[np.datetime64], start_day: str = "monday") -> NDArray[np.datetime64]:
    """Return for each day the start of its week.

    Parameters
    ----------
    days
        Dates of dtype ``datetime64[D]``, any shape.
    start_day
        Name of the day on which weeks start.

    Returns
    -------
    ndarray of datetime64[D]
        Same shape; a missing date stays missing.
    """
    dates = days.astype("datetime64[D]")
    number = dates.astype(np.int64)
    # 1970-01-01 was a Thursday, day 3 counted from Monday.
    back = (number + 3 - start_day_number(start_day)) % 7
    starts: NDArray[np.datetime64] = dates - back.astype("timedelta64[D]")
    return starts
