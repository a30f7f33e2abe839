"""Fiscal periods: by hand, without gaps, and money counted by them without a loss."""

import datetime as dt
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.calendar import DAYS, Fiscal, Period, Week, by_period, periods
from budgetopt.errors import BudgetoptError, CalendarError, InputError

day = dt.date.fromisoformat
fiscals = st.builds(
    Fiscal, st.sampled_from(["month", "quarter", "year", "4-4-5"]), st.integers(1, 12)
)
dates = st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1))


def shown(found):
    return [(p.label, str(p.first), str(p.last)) for p in found]


@pytest.mark.parametrize(
    ("fiscal", "first", "last", "expected"),
    [
        (
            Fiscal(),
            "2026-01-31",
            "2026-03-01",
            [
                ("2026-01", "2026-01-01", "2026-01-31"),
                ("2026-02", "2026-02-01", "2026-02-28"),
                ("2026-03", "2026-03-01", "2026-03-31"),
            ],
        ),
        (Fiscal("quarter"), "2026-12-31", "2026-12-31", [("2026-Q4", "2026-10-01", "2026-12-31")]),
        (
            Fiscal("quarter", 2),
            "2026-01-31",
            "2026-02-01",
            [
                ("FY2026-Q4", "2025-11-01", "2026-01-31"),
                ("FY2027-Q1", "2026-02-01", "2026-04-30"),
            ],
        ),
        (Fiscal("year"), "2028-02-29", "2028-02-29", [("2028", "2028-01-01", "2028-12-31")]),
        (
            Fiscal("year", 4),
            "2026-03-31",
            "2026-04-01",
            [
                ("FY2026", "2025-04-01", "2026-03-31"),
                ("FY2027", "2026-04-01", "2027-03-31"),
            ],
        ),
        # 2026-01-01 is a Thursday, so its year of weeks begins on Monday 2025-12-29.
        (
            Fiscal("4-4-5"),
            "2026-01-25",
            "2026-02-23",
            [
                ("FY2026-P01", "2025-12-29", "2026-01-25"),
                ("FY2026-P02", "2026-01-26", "2026-02-22"),
                ("FY2026-P03", "2026-02-23", "2026-03-29"),
            ],
        ),
        # 2026 has 53 ISO weeks: the last period has six.
        (
            Fiscal("4-4-5"),
            "2027-01-03",
            "2027-01-04",
            [
                ("FY2026-P12", "2026-11-23", "2027-01-03"),
                ("FY2027-P01", "2027-01-04", "2027-01-31"),
            ],
        ),
    ],
)
def test_by_hand(fiscal, first, last, expected):
    assert shown(periods(day(first), day(last), fiscal)) == expected


def test_a_year_of_weeks_with_sundays_and_february_is_the_retail_year():
    # The National Retail Federation's fiscal 2023 begins on 2023-01-29 and has 53 weeks.
    found = periods(day("2023-01-29"), day("2024-02-04"), Fiscal("4-4-5", 2), "sunday")
    assert (found[0].first, found[11].last) == (day("2023-01-29"), day("2024-02-03"))
    assert [p.days // 7 for p in found[:12]] == [4, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 6]
    assert found[12].first == day("2024-02-04")


@given(st.integers(1991, 2099))
def test_years_of_weeks_from_january_are_those_of_iso_8601(year):
    first, last = dt.date.fromisocalendar(year, 1, 1), dt.date(year, 12, 28)
    found = [p for p in periods(first, last, Fiscal("4-4-5")) if p.label.startswith(f"FY{year}")]
    assert len(found) == 12
    assert found[0].first == first
    assert sum(p.days for p in found) == 7 * last.isocalendar().week


@given(fiscals, dates, st.integers(0, 900), st.sampled_from(DAYS))
def test_periods_follow_each_other_and_cover_the_range_and_no_more(fiscal, first, more, start):
    last = first + dt.timedelta(days=more)
    found = periods(first, last, fiscal, start)
    assert first in found[0]
    assert last in found[-1]
    for one, later in pairwise(found):
        assert later.first == one.last + dt.timedelta(days=1)
    assert len({p.label for p in found}) == len(found)
    if fiscal.period == "4-4-5":
        assert all(Week.of(p.first, start).start == p.first and p.days % 7 == 0 for p in found)
    # Which period a day lies in does not depend on the range that was asked for.
    assert periods(last, last, fiscal, start) == (found[-1],)


weeks = st.builds(
    lambda first, amounts: {first + dt.timedelta(weeks=at): minor for at, minor in amounts.items()},
    dates,
    st.dictionaries(st.integers(0, 200), st.integers(-(10**12), 10**12), max_size=30),
)


@given(weeks, fiscals)
def test_sums_agree_to_the_minor_unit_and_periods_are_within_one_unit_a_week(amounts, fiscal):
    found = by_period(amounts, fiscal)
    assert sum(found.values()) == sum(amounts.values())
    assert list(found) == sorted(found)
    for period, minor in found.items():
        share, touched = Fraction(0), 0
        for start, amount in amounts.items():
            within = [start + dt.timedelta(days=n) in period for n in range(7)]
            share += Fraction(amount * sum(within), 7)
            touched += any(within)
        assert touched
        assert abs(minor - share) <= touched
        # A 4-4-5 period is made of whole weeks, and loses nothing at all.
        if fiscal.period == "4-4-5":
            assert minor == share


def test_a_week_is_cut_at_the_month_s_end_by_hand():
    # Monday and Tuesday lie in June: of 100 over seven days they get 29, the rest 71.
    found = by_period({day("2026-06-29"): 100, day("2026-07-06"): 10}, Fiscal())
    assert {p.label: minor for p, minor in found.items()} == {"2026-06": 29, "2026-07": 81}


def test_nothing_and_gaps():
    assert by_period({}, Fiscal()) == {}
    found = by_period({day("2026-01-05"): 5, day("2026-06-01"): 7}, Fiscal())
    assert {p.label: minor for p, minor in found.items()} == {"2026-01": 5, "2026-06": 7}


@pytest.mark.parametrize(
    ("call", "code", "field"),
    [
        (lambda: Fiscal("months"), "bad-argument", "fiscal.period"),
        (lambda: Fiscal("month", 0), "bad-argument", "fiscal.first_month"),
        (lambda: Fiscal("month", 13), "bad-argument", "fiscal.first_month"),
        (lambda: Fiscal("month", True), "bad-argument", "fiscal.first_month"),
        (lambda: Fiscal("month", 1.0), "bad-argument", "fiscal.first_month"),
        (lambda: periods(day("2026-02-01"), day("2026-01-31"), Fiscal()), "bad-date", "last"),
        (lambda: periods(day("0001-02-01"), day("2026-01-31"), Fiscal()), "bad-date", "first"),
        (lambda: Period(day("2026-02-01"), day("2026-01-31"), "x"), "bad-date", "last"),
        (lambda: by_period({day("2026-06-29"): 1, day("2026-07-07"): 1}, Fiscal()), "bad-date",
         "week"),
        (lambda: by_period({"June": 1}, Fiscal()), "bad-date", "week"),
    ],
)  # fmt: skip
def test_what_is_refused(call, code, field):
    with pytest.raises(BudgetoptError) as caught:
        call()
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy


def test_a_misspelt_kind_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'quarter'"):
        Fiscal("quater")
    with pytest.raises(CalendarError, match="is not a day"):
        periods(day("2026-01-01"), day("2026-01-31"), Fiscal("4-4-5"), "munday")
