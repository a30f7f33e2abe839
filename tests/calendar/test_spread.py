"""Amounts over days: by hand, exact in sum, and even."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.calendar import first_days, spread
from budgetopt.errors import CalendarError

amounts = st.integers(-(2**53), 2**53)


@pytest.mark.parametrize(
    ("minor", "days", "parts"),
    [
        (7, 7, [1] * 7),
        (0, 3, [0, 0, 0]),
        (10, 1, [10]),
        # Running totals 10/3 and 20/3 round to 3 and 7.
        (10, 3, [3, 4, 3]),
        # Halves go up: 0.5, 1.
        (1, 2, [1, 0]),
        (-10, 3, [-3, -4, -3]),
        (100, 7, [14, 15, 14, 14, 14, 15, 14]),
    ],
)
def test_by_hand(minor, days, parts):
    assert spread(minor, days) == parts


@given(amounts, st.integers(1, 400))
def test_days_sum_to_the_amount_and_are_within_one_unit_of_their_share(minor, days):
    parts = spread(minor, days)
    assert len(parts) == days
    assert sum(parts) == minor
    assert all(abs(part * days - minor) <= days for part in parts)


@given(amounts, st.integers(1, 400), st.data())
def test_running_totals_are_within_half_a_unit(minor, days, data):
    count = data.draw(st.integers(0, days))
    total = first_days(minor, days, count)
    assert total == sum(spread(minor, days)[:count])
    assert 2 * abs(total * days - minor * count) <= days


@pytest.mark.parametrize(("days", "count"), [(0, 0), (-1, 0), (7, 8), (7, -1)])
def test_days_that_are_not_there_are_refused(days, count):
    with pytest.raises(CalendarError, match="give at least 1 day") as caught:
        first_days(100, days, count)
    assert (caught.value.code, caught.value.field) == ("bad-date", "days")


def test_no_days_hold_nothing():
    with pytest.raises(CalendarError):
        spread(100, 0)
