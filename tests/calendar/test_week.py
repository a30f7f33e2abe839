"""Weeks: start days, ISO labels across year ends, and dates that cannot be read."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.calendar import DAYS, Week, as_date, start_day_number, week_starts
from budgetopt.errors import CalendarError

dates = st.dates(dt.date(1900, 1, 10), dt.date(2200, 12, 20))


def test_monday_weeks_carry_the_iso_label_of_every_day_since_1999():
    for number in range(dt.date(1999, 1, 1).toordinal(), dt.date(2041, 1, 1).toordinal()):
        day = dt.date.fromordinal(number)
        year, week, _ = day.isocalendar()
        assert Week.of(day).iso == f"{year}-W{week:02d}"


@pytest.mark.parametrize(
    ("day", "label"),
    [
        ("2020-12-31", "2020-W53"),
        ("2021-01-03", "2020-W53"),
        ("2021-01-04", "2021-W01"),
        ("2024-12-30", "2025-W01"),
        ("2026-11-20", "2026-W47"),
    ],
)
def test_labels_at_year_ends(day, label):
    week = Week.of(dt.date.fromisoformat(day))
    assert str(week) == f"{week.start} ({label})"


@given(dates, st.sampled_from(DAYS))
def test_a_day_lies_in_its_week(day, start_day):
    week = Week.of(day, start_day)
    assert week.start.weekday() == start_day_number(start_day)
    assert week.start <= day <= week.end
    assert (week.end - week.start).days == 6
    assert Week.of(week.start, start_day) == Week.of(week.end, start_day) == week
    # The label is the one that at least four of the seven days carry.
    labels = [Week.of(week.start + dt.timedelta(days=n)).iso for n in range(7)]
    assert labels.count(week.iso) >= 4


@given(st.lists(dates, max_size=20), st.sampled_from(DAYS))
def test_arrays_agree_with_single_weeks(days, start_day):
    starts = week_starts(np.array(days, dtype="datetime64[D]"), start_day)
    assert starts.tolist() == [Week.of(day, start_day).start for day in days]


def test_a_missing_date_stays_missing_and_times_count_as_their_day():
    days = np.array([["NaT", "1969-12-31T23:59"]], dtype="datetime64[ns]")
    starts = week_starts(days)
    assert starts.shape == (1, 2)
    assert np.isnat(starts[0, 0])
    assert starts[0, 1] == np.datetime64("1969-12-29")


@given(dates, st.integers(-60, 60))
def test_shift_goes_there_and_back(day, weeks):
    week = Week.of(day)
    assert week.shift(weeks).shift(-weeks) == week
    assert (week.shift(weeks).start - week.start).days == 7 * weeks
    assert (week < week.shift(weeks)) == (weeks > 0)


def test_partial_weeks():
    monday = dt.date(2026, 11, 16)
    assert not Week(monday).partial
    assert Week(monday, 6).partial
    assert Week(monday, 1).partial
    assert not Week(monday, 3).shift(1).partial
    for days in (0, 8, -1):
        with pytest.raises(CalendarError, match=f"week of 2026-11-16 has {days} days: give 1 to 7"):
            Week(monday, days)


def test_a_week_is_over_the_day_after_its_last():
    week = Week(dt.date(2026, 11, 16))
    assert not week.over(week.end)
    assert week.over(week.end + dt.timedelta(days=1))


@pytest.mark.parametrize("name", ["Monday", " monday ", "MONDAY"])
def test_start_days_are_read_kindly(name):
    assert start_day_number(name) == 0


@pytest.mark.parametrize("name", ["munday", "", "mon", 0, None, ["monday"]])
def test_unknown_start_days(name):
    with pytest.raises(CalendarError, match="is not a day: ") as caught:
        start_day_number(name)
    assert (caught.value.code, caught.value.field) == ("bad-date", "week_start")


@pytest.mark.parametrize(
    "value",
    [
        dt.date(2026, 11, 20),
        dt.datetime(2026, 11, 20, 23, 59, tzinfo=dt.UTC),
        " 2026-11-20 ",
        np.datetime64("2026-11-20"),
        np.datetime64("2026-11-20T13:00", "ns"),
        pd.Timestamp("2026-11-20 13:00"),
    ],
)
def test_dates(value):
    found = as_date(value, "day")
    assert type(found) is dt.date
    assert found == dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "20.11.2026",
        "2026-02-29",
        "11/20/2026",
        20261120,
        46_000.0,
        float("nan"),
        pd.NaT,
        np.datetime64("NaT", "D"),
        np.datetime64("10000-01-01"),
    ],
)
def test_what_is_not_a_date(value):
    with pytest.raises(CalendarError, match=r"day is .*, not a date: write it as") as caught:
        as_date(value, "day")
    assert (caught.value.code, caught.value.field) == ("bad-date", "day")
