"""Days that stand out: events by name, and the demand of single weeks."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.plan import Channel, Plan
from budgetopt.plan.priors import as_demand, as_events, days_of, plain_events

D = dt.date


def refused(read, given):
    with pytest.raises(bo.InputError) as caught:
        read(given)
    assert caught.value.remedy
    return caught.value


# Events


@pytest.mark.parametrize(
    ("given", "events"),
    [
        ({}, []),
        ((), []),
        ({"618": "2026-06-18"}, [("618", D(2026, 6, 18), D(2026, 6, 18))]),
        ({"618": D(2026, 6, 18)}, [("618", D(2026, 6, 18), D(2026, 6, 18))]),
        ({"618": ["2026-06-18"]}, [("618", D(2026, 6, 18), D(2026, 6, 18))]),
        ({"双11": ["2026-11-01", "2026-11-11"]}, [("双11", D(2026, 11, 1), D(2026, 11, 11))]),
        (
            {"618": [["2026-06-01", "2026-06-18"], ["2025-06-18"]], "10": D(2026, 10, 1)},
            [
                ("10", D(2026, 10, 1), D(2026, 10, 1)),
                ("618", D(2025, 6, 18), D(2025, 6, 18)),
                ("618", D(2026, 6, 1), D(2026, 6, 18)),
            ],
        ),
        (["2026-10-01"], [("2026-10-01", D(2026, 10, 1), D(2026, 10, 1))]),
        (
            [("2026-10-01", "2026-10-07"), D(2026, 1, 1)],
            [
                ("2026-01-01", D(2026, 1, 1), D(2026, 1, 1)),
                ("2026-10-01/2026-10-07", D(2026, 10, 1), D(2026, 10, 7)),
            ],
        ),
        (
            [("618", "2026-06-01", "2026-06-18")],
            [("618", D(2026, 6, 1), D(2026, 6, 18))],
        ),
        (pd.DatetimeIndex(["2026-10-01"]), [("2026-10-01", D(2026, 10, 1), D(2026, 10, 1))]),
        (
            np.array(["2026-10-01"], "datetime64[D]"),
            [("2026-10-01", D(2026, 10, 1), D(2026, 10, 1))],
        ),
    ],
)
def test_events_are_read_as_a_marketer_writes_them(given, events):
    assert as_events(given) == tuple(events)


def test_the_same_event_twice_is_one():
    day = D(2026, 6, 18)
    assert as_events([day, "2026-06-18", (day, day)]) == (("2026-06-18", day, day),)


def test_an_event_lasts_at_most_half_a_year():
    assert len(days_of(as_events([("2026-01-01", "2026-07-02")]))) == 183
    error = refused(as_events, {"sale": ["2026-01-01", "2026-07-03"]})
    assert (error.code, error.field) == ("bad-date", "events.sale")


@pytest.mark.parametrize(
    "days",
    [["2025-11-11", "2026-11-11"], ["2026-02-17", "2027-02-06"], ["2025-01-29", "2026-02-17"]],
)
def test_the_same_feast_of_two_years_is_not_read_as_one_long_event(days):
    assert "[[first, last]" in refused(as_events, {"feast": days}).remedy
    assert len(as_events({"feast": [[day] for day in days]})) == 2


def test_an_event_ends_on_the_day_it_begins_but_never_before():
    assert as_events({"a": ["2026-11-11", "2026-11-11"]}) == as_events({"a": "2026-11-11"})
    error = refused(as_events, {"a": ["2026-11-11", "2026-11-10"]})
    assert (error.code, error.field) == ("bad-date", "events.a")
    assert "before it begins" in str(error)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"a": "2026-02-30"}, "bad-date", "events.a"),
        ({"a": ["2026-02-01", "soon"]}, "bad-date", "events.a"),
        ({"a": 20261111}, "bad-date", "events.a"),
        ({"a": None}, "bad-date", "events.a"),
        ({"a": float("nan")}, "bad-date", "events.a"),
        ({"a": pd.NaT}, "bad-date", "events.a"),
        ({"a": {"first": "2026-01-01"}}, "bad-date", "events.a"),
        ({"a": []}, "bad-plan", "events.a"),
        ({"a": [[]]}, "bad-plan", "events.a"),
        ({"a": ["2026-01-01", "2026-01-02", "2026-01-03"]}, "bad-plan", "events.a"),
        ({"a": [["2026-01-01", "2026-01-02", "2026-01-03"]]}, "bad-plan", "events.a"),
        ({"": "2026-01-01"}, "bad-name", "events"),
        ({5: "2026-01-01"}, "bad-name", "events"),
        ({"\ud800": "2026-01-01"}, "bad-name", "events"),
        (["soon"], "bad-date", "events[0]"),
        ([[]], "bad-plan", "events[0]"),
        ([("", "2026-01-01", "2026-01-02")], "bad-name", "events[0]"),
        # A name that is another day than the event's: three days by mistake in one bracket.
        ([("2026-01-08", "2026-02-08", "2026-03-08")], "bad-plan", "events[0]"),
        ({"2026-01-08": "2026-01-09"}, "bad-plan", "events.2026-01-08"),
        ("2026-01-01", "bad-plan", "events"),
        (b"2026-01-01", "bad-plan", "events"),
        (D(2026, 1, 1), "bad-plan", "events"),
        (None, "bad-plan", "events"),
        (5, "bad-plan", "events"),
    ],
    ids=ascii,
)
def test_what_is_no_event_is_refused_with_its_place(given, code, field):
    error = refused(as_events, given)
    assert (error.code, error.field) == (code, field)


def test_events_are_written_as_plainly_as_they_can_be():
    given = {
        "618": "2026-06-18",
        "双11": ["2026-11-01", "2026-11-11"],
        "brand day": [["2025-03-08"], ["2026-03-07", "2026-03-08"]],
    }
    assert plain_events(as_events(given)) == given


spans = st.tuples(st.dates(max_value=D(9998, 1, 1)), st.integers(0, 182)).map(
    lambda pair: (pair[0], pair[0] + dt.timedelta(days=pair[1]))
)
# A name that reads as a day must be the event's own.
names = st.text(st.characters(categories=["L"]), min_size=1, max_size=5)


@given(
    st.lists(spans),
    st.dictionaries(names, st.lists(spans.map(list), min_size=1, max_size=3), max_size=4),
)
def test_any_events_come_back_as_they_were(unnamed, named):
    events = as_events([*unnamed]) + as_events(named)
    assert as_events(events) == tuple(sorted(events))
    assert as_events(plain_events(events)) == tuple(sorted(events))


@given(st.lists(spans, max_size=5))
def test_the_days_of_events_are_those_from_first_to_last(given):
    days = days_of(as_events(given))
    assert list(days) == sorted(set(days))
    assert all(any(first <= day <= last for first, last in given) for day in days)
    assert len(days) <= sum((last - first).days + 1 for first, last in given)
    assert {day for span in given for day in span} <= set(days)


def test_days_at_the_end_of_the_calendar_are_days():
    assert days_of(as_events([D.max, (D.min, D.min)])) == (D.min, D.max)


# Demand


def plan_with(demand, **fields):
    return Plan(budget=1, currency="CNY", channels=[Channel("a")], demand=demand, **fields)


def test_demand_is_kept_by_day():
    given = {"2026-11-09": Decimal("1.6"), D(2026, 2, 16): 0.5, np.datetime64("2026-06-15"): 2}
    wanted = ((D(2026, 2, 16), 0.5), (D(2026, 6, 15), 2.0), (D(2026, 11, 9), 1.6))
    assert as_demand(given) == wanted
    assert as_demand(wanted) == as_demand(list(wanted)) == wanted
    assert plan_with(given).demand == wanted
    assert plan_with(None).demand == plan_with({}).demand == ()


@pytest.mark.parametrize("good", [0.001, 50])
def test_the_ends_of_the_index(good):
    assert as_demand({"2026-11-09": good}) == ((D(2026, 11, 9), good),)


@pytest.mark.parametrize(
    "bad", [0, 0.0009, -1, 50.01, 112, float("nan"), float("inf"), True, "1.6", None, [1]], ids=repr
)
def test_an_index_that_is_no_multiple_of_a_usual_week_is_refused(bad):
    error = refused(as_demand, {"2026-11-09": bad})
    assert (error.code, error.field) == ("bad-argument", "demand.2026-11-09")
    assert "1.12" in error.remedy


@pytest.mark.parametrize(
    ("given", "code"),
    [({"soon": 1}, "bad-date"), ({5: 1}, "bad-date"), ([1.1, 1.2], "bad-plan"), (5, "bad-plan"),
     ("2026-11-09", "bad-plan"), ([("2026-11-09",)], "bad-plan")],
)  # fmt: skip
def test_what_is_no_demand_is_refused(given, code):
    error = refused(as_demand, given)
    assert (error.code, error.field) == (code, "demand")


def test_two_indices_of_one_week_are_refused_as_the_plans_weeks_lie():
    # A Sunday and a Monday: two weeks from Monday on, one week from Sunday on.
    days = {"2026-11-15": 1.6, "2026-11-16": 1.2}
    assert len(plan_with(days).demand) == 2
    with pytest.raises(bo.PlanError, match="2026-11-15 and of 2026-11-16") as caught:
        plan_with(days, week_start="sunday")
    assert (caught.value.code, caught.value.field) == ("bad-plan", "demand.2026-11-16")
    with pytest.raises(bo.PlanError):
        plan_with({"2026-11-15": 1.6, "20261115": 1.6})
    assert plan_with({D.min: 1, D.max: 1}, week_start="sunday")
