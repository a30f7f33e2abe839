"""Pace by hand, its identities, and against a computation day by day in fractions."""

import datetime as dt
import json
import math
import pickle
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.calendar import Fiscal, Week
from budgetopt.errors import HistoryError, InputError, PlanError
from budgetopt.history import Columns, History
from budgetopt.i18n import in_language
from budgetopt.money import show_amount
from budgetopt.plan import Channel, Plan, Reserve
from budgetopt.plan.governance import Pacing
from budgetopt.report.week import pace_warnings
from budgetopt.workflow.inputs import actual_of
from budgetopt.workflow.pacing import pace, rounded

MONDAY = dt.date(2026, 11, 16)
FRIDAY = dt.date(2026, 11, 20)
DAY = dt.timedelta(days=1)
WEEK = 7 * DAY


def plan_of(**more):
    settings = {"budget": 1400, "currency": "CNY", "channels": [Channel("a"), Channel("b")]}
    return Plan(**(settings | more))


def money(text):
    return Decimal(text)


def test_a_week_by_hand():
    # Four of seven days are seen: 400 of a's 700 was due and 500 went, so 875 will go.
    found = pace(
        plan_of(), {MONDAY: {"a": 700, "b": 350}}, {Week(MONDAY, 4): {"a": 500, "b": 190}}, FRIDAY
    ).week
    a, b = found.lines
    assert (a.planned, a.due, a.actual, a.projection) == (700, 400, 500, 875)
    assert (a.days_seen, a.days_left, a.to_come, a.over) == (4, 3, 375, 175)
    assert a.catch_up == money("66.66")  # 200 over three days
    assert (a.status, a.pace, a.delivery) == ("ahead", 1.25, 1.25)
    assert (b.projection, b.status, b.over) == (money("332.50"), "on", 0)  # exactly 5 % below
    total = found.total
    assert (total.planned, total.actual, total.projection) == (1050, 690, money("1207.50"))
    assert (total.catch_up, total.status) == (120, "ahead")


@pytest.mark.parametrize(
    ("spent", "status"),
    [("419.99", "on"), (420, "on"), ("420.01", "ahead"), (380, "on"), ("379.99", "behind")],
)
def test_both_sides_of_the_band(spent, status):
    found = pace(plan_of(), {MONDAY: {"a": 700}}, {Week(MONDAY, 4): {"a": spent}}, FRIDAY).week
    assert found.lines[0].status == status


def test_before_a_day_is_seen_the_projection_is_the_plan():
    found = pace(plan_of(), {MONDAY: {"a": 700, "b": 0}}, {}, MONDAY).week
    a, b = found.lines
    assert (a.pace, a.status, found.total.status) == (None, "unseen", "unseen")
    assert (a.projection, a.days_seen, a.delivery, a.catch_up) == (700, 0, None, 100)
    assert (b.pace, b.delivery, b.status, b.projection) == (None, None, "unseen", 0)


def test_what_nobody_saw_is_not_on_pace():
    planned = {MONDAY: {"a": 700, "b": 0}, MONDAY + WEEK: {"a": 700, "b": 350}}
    # Days are over, and no report came: unknown is neither nothing spent nor on pace.
    over = pace(plan_of(), planned, {}, FRIDAY).week
    assert (over.total.pace, over.total.status) == (None, "unseen")
    assert str(over.sentence()) == "week of 2026-11-16: 700 planned, no data yet"
    assert in_language(over.sentence(), "zh").endswith("尚无数据")
    coming = pace(plan_of(), planned, {}, FRIDAY, week=MONDAY + WEEK).week
    assert {line.status for line in (*coming.lines, coming.total)} == {"not-begun"}
    assert str(coming.sentence()) == "week of 2026-11-23: 1,050 planned, not started"
    assert json.loads(json.dumps(coming.to_dict()))["total"]["pace"] is None
    # One channel reports: the total is known in part, the other line is not.
    partly = pace(plan_of(), planned, {Week(MONDAY, 4): {"a": 400}}, FRIDAY).week
    assert [line.status for line in partly.lines] == ["on", "unseen"]
    assert (partly.total.status, partly.total.pace) == ("on", 1.0)


def test_a_channel_that_nothing_is_due_of_yet_has_not_begun():
    monday = dt.date(2026, 11, 2)
    planned = {monday: {"a": 700, "b": 0}, monday + WEEK: {"a": 700, "b": 700}}
    planned |= {monday + n * WEEK: {"a": 700, "b": 700} for n in (2, 3, 4)}
    seen = {Week(monday): {"a": 700, "b": 0}}
    a, b = pace(plan_of(), planned, seen, monday + WEEK).period.lines
    assert (a.status, b.status, b.pace) == ("on", "not-begun", None)
    seen = {Week(monday): {"a": 700, "b": 70}}
    assert pace(plan_of(), planned, seen, monday + WEEK).period.lines[1].status == "ahead"


def test_money_beside_the_plan_goes_on_at_its_rate():
    found = pace(plan_of(), {MONDAY: {"a": 700}}, {Week(MONDAY, 4): {"a": 0, "b": 40}}, FRIDAY).week
    a, b = found.lines
    assert (b.planned, b.projection, b.pace, b.status) == (0, 70, None, "ahead")
    assert (a.projection, a.delivery, a.status) == (0, 0.0, "behind")


def test_daily_actuals_and_a_week_say_the_same():
    planned = {MONDAY: {"a": 700, "b": 350}}
    daily = {MONDAY + n * DAY: {"a": 125, "b": 50} for n in range(4)}
    weekly = {Week(MONDAY, 4): {"a": 500, "b": 200}}
    assert pace(plan_of(), planned, daily, FRIDAY) == pace(plan_of(), planned, weekly, FRIDAY)


def test_days_that_are_over_but_not_reported_are_projected():
    # Monday and Tuesday are known: 250 went; Wednesday and Thursday are taken to be the same.
    found = pace(plan_of(), {MONDAY: {"a": 700}}, {Week(MONDAY, 2): {"a": 250}}, FRIDAY).week
    a = found.lines[0]
    assert (a.projection, a.days_left, a.to_come) == (875, 3, 375)
    assert a.catch_up == money("66.66")  # 700 - 500 over three days


def test_when_the_week_is_over_nothing_can_be_caught_up():
    found = pace(
        plan_of(), {MONDAY: {"a": 700}}, {Week(MONDAY): {"a": 710, "b": 0}}, MONDAY + WEEK,
        week=MONDAY,
    ).week  # fmt: skip
    assert (found.total.days_left, found.total.catch_up, found.total.to_come) == (0, None, 0)
    assert found.total.projection == 710


def test_weeks_count_in_a_month_by_their_days():
    # The week of 30 November has one day in November: 100 of 700.
    monday = dt.date(2026, 11, 30)
    planned = {monday - WEEK: {"a": 700}, monday: {"a": 700}}
    actual = {Week(monday - WEEK): {"a": 1400, "b": 0}}
    november = pace(plan_of(), planned, actual, dt.date(2026, 11, 30)).period
    december = pace(plan_of(), planned, actual, dt.date(2026, 12, 1)).period
    assert (november.label, december.label) == ("2026-11", "2026-12")
    assert november.budget == 6000  # 30 days of 200
    assert december.budget == 6200
    # Weeks that nothing is planned for have what the plan lets them spend, 1,400, split as those
    # that are: 22 days of 200, then 8 of 100.
    assert november.lines[0].planned == 22 * 200 + 8 * 100
    # 1,400 came where 700 was due; the 23 days that were not seen go on like that.
    assert november.lines[0].projection == 1400 + 2 * (22 * 200 + 100)
    assert december.lines[0].planned == 6 * 100 + 25 * 200


def test_warning_lines():
    planned = {MONDAY: {"a": 700, "b": 700}}
    actual = {MONDAY + n * DAY: {"a": 200, "b": 100} for n in range(4)}
    found = pace(plan_of(), planned, actual, FRIDAY).week
    # 300 a day: 1,120 on the fourth day, 1,260 and 1,400 on the fifth; by the plan 200 a day.
    assert [(w.share, w.amount, w.reached) for w in found.warned] == [
        (0.8, 1120, True),
        (0.9, 1260, False),
        (1.0, 1400, False),
    ]
    assert [(w.day, w.planned_day) for w in found.warned] == [
        (MONDAY + 3 * DAY, MONDAY + 5 * DAY),
        (MONDAY + 4 * DAY, MONDAY + 6 * DAY),
        (MONDAY + 4 * DAY, MONDAY + 6 * DAY),
    ]
    assert all(w.early for w in found.warned)


def test_lines_are_shares_of_what_may_be_spent():
    plan = plan_of(reserve=Reserve(contingency="10%"))
    for split, spendable in (
        ({"a": 600, "b": 660}, 1260),  # all that the budget has without its reserve
        ({"a": 600, "b": 100}, 1260),  # less than may be spent
        ({"a": 700, "b": 670}, 1370),  # 110 were released
    ):
        found = pace(plan, {MONDAY: split}, {}, FRIDAY).week
        assert (found.budget, found.spendable) == (1400, spendable)
        assert [w.amount for w in found.warned] == [money(spendable) * n / 10 for n in (8, 9, 10)]
        last = found.warned[-1].planned_day
        assert last == (MONDAY + 6 * DAY if found.total.planned == spendable else None)
        assert found.to_dict()["spendable"] == f"{spendable}.00"
    # Whatever days a month takes from its first and last week, the plan reaches all of it.
    odd = plan_of(budget="999.97", reserve=Reserve(contingency="3%"), channels=plan.channels)
    for month in range(1, 13):
        day = dt.date(2026, month, 5)
        planned = {Week.of(day).start: {"a": "0.01", "b": "969.96"}}
        found = pace(odd, planned, {}, day).period
        assert found.spendable == found.total.planned
        assert found.warned[-1].planned_day is not None


def test_a_warning_names_share_budget_and_money():
    plan = plan_of(reserve=Reserve(contingency="10%"))
    planned = {MONDAY: {"a": 600, "b": 660}}
    found = pace(plan, planned, {Week(MONDAY, 4): {"a": 800, "b": 300}}, FRIDAY).week
    (said,) = pace_warnings([found])
    assert str(said) == (
        "week of 2026-11-16: 100% of the budget of 1,260 without reserve (1,260) is spent by "
        "2026-11-20; planned for 2026-11-22."
    )
    assert "不含预留" in in_language(said, "zh")
    (less,) = pace_warnings([pace(plan, {MONDAY: {"a": 600}}, {Week(MONDAY, 4): {"a": 600, "b": 0}},
                             FRIDAY).week])  # fmt: skip
    assert str(less) == (
        "week of 2026-11-16: 80% of the budget of 1,260 without reserve (1,008) is spent by "
        "2026-11-22; the plan never gets there."
    )


def test_a_line_is_reached_at_its_amount_and_not_before():
    planned = {MONDAY: {"a": 700, "b": 700}}
    for spent, reached in ((1120, True), ("1119.99", False)):
        found = pace(plan_of(), planned, {Week(MONDAY, 4): {"a": spent, "b": 0}}, FRIDAY).week
        assert found.warned[0].reached is reached
    nothing = pace(plan_of(budget=0), {MONDAY: {}}, {}, FRIDAY).week
    assert nothing.warned == ()


def test_phases_and_the_campaign():
    phases = [
        {"name": "warm-up", "first": MONDAY - WEEK, "last": MONDAY - DAY, "budget": 700},
        {"name": "burst", "first": MONDAY, "last": MONDAY + 6 * DAY, "budget": 2100},
    ]
    plan = plan_of(operation={"phases": phases})
    planned = {MONDAY - WEEK: {"a": 700}, MONDAY: {"a": 2100}}
    actual = {Week(MONDAY - WEEK): {"a": 770, "b": 0}, Week(MONDAY, 1): {"a": 330, "b": 0}}
    found = pace(plan, planned, actual, MONDAY + DAY)
    assert (found.phase.label, found.phase.budget, found.campaign.budget) == ("burst", 2100, 2800)
    # 1,100 came where 1,000 was due: the 1,800 to come are 10 % more too.
    assert found.campaign.total.projection == 1100 + 1980
    assert found.campaign.label == "warm-up – burst"
    assert [span.kind for span in found.spans] == ["week", "phase", "period", "campaign"]
    apart = pace(plan, planned, {}, MONDAY + WEEK)
    assert apart.phase is None
    assert apart.campaign is not None


def test_a_history_knows_its_days():
    weeks = np.array([MONDAY - WEEK, MONDAY], dtype="datetime64[D]")
    history = History(
        ("a", "b"), weeks, [[700.0, np.nan], [500.0, 190.0]], outcome=[[1.0, 1.0], [1.0, 1.0]],
        partial=[False, True], data_through=FRIDAY - DAY,
    )  # fmt: skip
    assert actual_of(history) == {
        Week(MONDAY - WEEK): {"a": 700.0},
        Week(MONDAY, 4): {"a": 500.0, "b": 190.0},
    }
    unsaid = History(("a",), weeks, [[1.0], [2.0]], outcome=[[1.0], [1.0]], partial=[True, True])
    assert actual_of(unsaid) == {}


@pytest.mark.parametrize(
    ("planned", "actual", "error", "said"),
    [
        ({}, {}, InputError, "holds no week"),
        ({MONDAY + DAY: {"a": 1}}, {}, InputError, "a Tuesday"),
        ({MONDAY: {"a": 1}}, {Week(MONDAY): {"a": 1}}, InputError, "days seen by 2026-11-20"),
        ({MONDAY: {"a": 1}}, {Week(MONDAY, 2): {"a": 1}, MONDAY: {"a": 1}}, InputError, "twice"),
        ({MONDAY: {"A": 1}}, {}, PlanError, "unknown channel"),
        ({MONDAY: {"a": 1}}, {MONDAY: {"A": 1}}, PlanError, "unknown channel"),
    ],
)
def test_what_cannot_be_right_is_refused(planned, actual, error, said):
    with pytest.raises(error, match=said):
        pace(plan_of(), planned, actual, FRIDAY)


def test_sentences_say_the_fields():
    found = pace(
        plan_of(), {MONDAY: {"a": 700, "b": 350}}, {Week(MONDAY, 4): {"a": 500, "b": 190}}, FRIDAY
    ).week
    total, said = found.total, found.sentence()
    assert said.values["actual"] == show_amount(total.actual)
    assert said.values["projection"] == show_amount(total.projection)
    assert said.values["planned"] == show_amount(total.planned)
    assert said.values["pace"] == f"{total.pace:.1%}"
    assert said.values["daily"] == show_amount(total.catch_up)
    assert said.values["days"] == total.days_left
    assert str(said) == (
        "week of 2026-11-16: 690 of the planned 1,050 spent, 1,207.50 projected (115.0%), "
        "ahead of the plan; 120 a day over the remaining 3 days would end on plan"
    )


def test_one_day_left_is_a_day():
    sunday = MONDAY + 6 * DAY
    found = pace(plan_of(), {MONDAY: {"a": 700}}, {Week(MONDAY, 6): {"a": 590, "b": 0}}, sunday)
    assert str(found.week.sentence()).endswith("on pace; 110 on the last day would end on plan")
    assert in_language(found.week.sentence(), "zh").endswith("最后一天消耗 110 即可按计划用完")


def test_it_is_plain_data_and_rules_may_be_given():
    found = pace(
        plan_of(), {MONDAY: {"a": 700}}, {}, FRIDAY, pacing=Pacing(lines=(0.5,), band=0.0),
        fiscal=Fiscal("quarter"),
    )  # fmt: skip
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["period"]["label"] == "2026-Q4"
    assert [line["share"] for line in data["week"]["warned"]] == [0.5]
    assert data["week"]["total"]["planned"] == "700.00"


amounts = st.integers(0, 10**9)


@settings(max_examples=40)
@given(
    planned=st.lists(st.tuples(amounts, amounts), min_size=3, max_size=3),
    actual=st.lists(st.tuples(amounts, amounts), min_size=3, max_size=3),
    days=st.integers(1, 7),
    at=st.integers(0, 20),
)
def test_against_fractions_day_by_day(planned, actual, days, at):
    """Every sum over days is taken by hand; the total is rounded once, channels by a unit."""
    plan = plan_of(currency="XXX", operation={"fiscal": {"period": "year"}})
    starts = [dt.date(2026, 1, 5) + n * WEEK for n in range(3)]
    unit = Decimal(1) / 10**6

    def priced(pairs):
        both = [{"a": a * unit, "b": b * unit} for a, b in pairs]
        return dict(zip(starts, both, strict=True))

    seen = {
        Week(start, 7 if n < 2 else days): split
        for n, (start, split) in enumerate(priced(actual).items())
    }
    today = starts[2] + days * DAY
    found = pace(plan, priced(planned), seen, today, week=starts[0] + at * DAY)
    for span in found.spans:
        for field in ("planned", "due", "actual", "projection", "to_come"):
            assert sum(getattr(line, field) for line in span.lines) == getattr(span.total, field)
    number = at // 7
    week, known = found.week, days if number == 2 else 7
    exact = []
    for p, a in zip(planned[number], actual[number], strict=True):
        due, rest = Fraction(p * known, 7), Fraction(p * (7 - known), 7)
        exact.append(a * (1 + rest / due) if due else a + Fraction(a * (7 - known), known))
    for line, one in zip(week.lines, exact, strict=True):
        assert abs(Fraction(line.projection) - one * Fraction(unit)) < Fraction(unit)
    assert week.total.projection == math.floor(sum(exact) + Fraction(1, 2)) * unit
    assert week.total.planned == sum(planned[number]) * unit
    assert week.total.actual == sum(actual[number]) * unit
    # The year holds all three weeks whole, besides days that nothing is planned for.
    assert found.period.total.actual == sum(map(sum, actual)) * unit


def test_cents_are_rounded_once():
    # The user's try: 8,290 in four days go on as 14,507.50, whatever the shares of channels are.
    split = {"a": "1234.56", "b": "4444.44", "c": "0.07", "d": "2610.93"}
    plan = plan_of(budget=14750, channels=[Channel(name) for name in split])
    planned = {MONDAY: {"a": 4321.01, "b": 5000.02, "c": 1.03, "d": 5427.94}}
    found = pace(plan, planned, {Week(MONDAY, 4): split}, FRIDAY).week
    assert found.total.actual == 8290
    assert found.total.projection == money("14507.50")
    assert sum(line.projection for line in found.lines) == found.total.projection
    for line in found.lines:
        assert abs(Fraction(line.projection) - Fraction(line.actual) * 7 / 4) < Fraction(1, 100)


def test_a_month_of_daily_money_is_projected_exactly():
    # One day of 30 is seen: what it is off by half a cent would be 15 cents by the end.
    plan = plan_of(budget=100, channels=[Channel("a")])
    first = dt.date(2026, 6, 1)
    planned = {first + n * WEEK: {"a": 100} for n in range(5)}
    found = pace(plan, planned, {first: {"a": "14.29"}}, first + DAY).period
    assert found.total.projection == money("428.70")  # 30 days of 14.29


parts = st.fractions(0, 10**6, max_denominator=10**6)


@given(st.lists(parts, min_size=1, max_size=8))
def test_rounded_is_the_largest_remainder(exact):
    found = rounded(exact)
    assert sum(found) == math.floor(sum(exact) + Fraction(1, 2))
    assert all(
        math.floor(one) <= whole <= math.ceil(one) for one, whole in zip(exact, found, strict=True)
    )
    up = [one % 1 for one, whole in zip(exact, found, strict=True) if whole > one]
    down = [one % 1 for one, whole in zip(exact, found, strict=True) if whole <= one]
    assert not up or not down or min(up) >= max(down)


PHASES = [
    {"name": "warm-up", "first": "2026-11-09", "last": "2026-11-20", "budget": 3600},
    {"name": "burst", "first": "2026-11-21", "last": "2026-11-29", "budget": 3600},
]


def test_a_week_is_spread_as_the_plan_budgets_its_days():
    # The warm-up has 300 a day and ends on the Friday, the burst 400: 1,500 and 800 of the week.
    plan = plan_of(operation={"phases": PHASES})
    planned = {MONDAY - WEEK: {"a": 2100}, MONDAY: {"a": 1000, "b": 1300}}
    found = pace(plan, planned, {}, FRIDAY)
    assert (found.phase.total.planned, found.phase.spendable) == (3600, 3600)
    assert [line.planned for line in found.phase.lines] == [
        2100 + money("652.17"),
        money("847.83"),
    ]
    # What is known of the week alone lies on its days as their plan does.
    spent = {Week(MONDAY - WEEK): {"a": 2100, "b": 0}, Week(MONDAY): {"a": 1150, "b": 1150}}
    over = pace(plan, planned, spent, MONDAY + 6 * DAY, week=FRIDAY)
    assert (over.phase.total.actual, over.phase.total.status) == (2100 + 1500, "on")
    # Of days it is known which they are, and the phase is behind.
    daily = {MONDAY + n * DAY: {"a": 100 if n < 5 else 900, "b": 0} for n in range(7)}
    daily |= {MONDAY - WEEK + n * DAY: {"a": 300, "b": 0} for n in range(7)}
    late = pace(plan, planned, daily, MONDAY + 6 * DAY, week=FRIDAY)
    assert (late.phase.total.actual, late.phase.total.status) == (2100 + 500, "behind")
    assert late.week.total.actual == 500 + 1800


def test_a_run_rate_counts_in_the_plan_of_its_days():
    # Four days of 300 have brought 1,200 of 2,300: what is to come is 1,100, not three days of 300.
    plan = plan_of(operation={"phases": PHASES})
    spent = {Week(MONDAY, 4): {"a": 1200, "b": 0}}
    a, _ = pace(plan, {MONDAY: {"a": 2300}}, spent, FRIDAY).week.lines
    assert (a.due, a.projection, a.to_come, a.status) == (1200, 2300, 1100, "on")


@settings(max_examples=60)
@given(
    split=st.lists(st.integers(0, 50), min_size=3, max_size=3),
    first=st.integers(0, 6),
    last=st.integers(0, 6),
    phase=st.integers(0, 10**4),
)
def test_the_days_of_a_week_are_its_plan_however_few_units_it_has(split, first, last, phase):
    first, last = sorted((first, last))
    days = {"first": MONDAY + first * DAY, "last": MONDAY + last * DAY}
    named = {"name": "days", "budget": phase, **days}
    names = ("a", "b", "c")
    plan = plan_of(budget=7000, channels=[Channel(n) for n in names], operation={"phases": [named]})
    weeks = {MONDAY: {n: money(units) / 100 for n, units in zip(names, split, strict=True)}}
    found = pace(plan, weeks, {}, MONDAY, week=days["first"])
    assert found.week.total.planned * 100 == sum(split)
    total, budget = Fraction(sum(split)), plan.budget_of(MONDAY, MONDAY + 6 * DAY)
    share = Fraction(phase) / (Fraction(phase) + (7 - (last - first + 1)) * 1000 or 1)
    if budget:
        assert abs(Fraction(found.phase.total.planned) * 100 - total * share) <= 1
    assert all(line.planned >= 0 for line in found.phase.lines)


def test_a_week_that_nobody_decided_is_held_against_nothing():
    # Twice what a usual week may spend went, in the channel that gets nothing next week.
    spent = {MONDAY + n * DAY: {"a": 0, "b": 400} for n in range(4)}
    found = pace(plan_of(), {MONDAY + WEEK: {"a": 1400}}, spent, FRIDAY)
    week = found.week
    assert {line.status for line in (*week.lines, week.total)} == {"unplanned"}
    assert (week.total.pace, week.total.catch_up, week.total.actual) == (None, None, 1600)
    assert str(week.sentence()) == (
        "week of 2026-11-16: 1,600 spent, 2,800 projected; no split was decided for this week"
    )
    # The month is held against what the plan's days allow, and no channel against next week's.
    a, b = found.period.lines
    assert (found.period.total.planned, found.period.total.status) == (6000, "ahead")
    assert b.planned == 5 * 200 + 2 * 200  # this week as it was spent
    assert a.planned == 6000 - b.planned
    unknown = pace(plan_of(), {MONDAY + WEEK: {"a": 1400}}, {}, FRIDAY).week
    assert str(unknown.sentence()) == (
        "week of 2026-11-16: no split was decided for this week, and there is no data yet"
    )
    # The split decided last goes on through a week that was skipped.
    skipped = pace(plan_of(), {MONDAY - WEEK: {"a": 700}, MONDAY + WEEK: {"b": 70}}, {}, FRIDAY)
    assert [line.planned for line in skipped.week.lines] == [1400, 0]


def test_daily_rows_keep_their_days(tmp_path):
    rows = ["day,channel,spend,outcome"]
    for number in range(11):
        rows.append(f"{MONDAY + number * DAY},a,{10 if number < 3 else 100},1")
    rows.append(f"{MONDAY + 2 * DAY},b,5,1")
    (tmp_path / "days.csv").write_text("\n".join(rows) + "\n")
    columns = Columns(week="day", channel="channel", spend="spend", outcome="outcome",
                      rows="daily", missing="zero")  # fmt: skip
    history = History.read(tmp_path / "days.csv", columns, as_of=MONDAY + 10 * DAY)
    found = actual_of(history.select(("b", "a", "new")))
    assert len(found) == 10  # today's row is not one of a day that is over
    assert found[MONDAY + 2 * DAY] == {"a": 10.0, "b": 5.0}
    assert found[MONDAY + 3 * DAY] == {"a": 100.0, "b": 0.0}
    assert list(actual_of(history.until(MONDAY + WEEK)))[-1] == MONDAY + 6 * DAY
    assert pickle.loads(pickle.dumps(history)).daily.shape == (2, 7, 2)
    with pytest.raises(HistoryError, match="daily has shape"):
        replace(history, daily=history.daily[:, :6])


SHARED = {"phase": (1500, "phase", "on"), "month": (100, "period", "behind")}


@pytest.mark.parametrize("name", SHARED)
def test_a_change_of_pace_within_a_week_lies_on_its_days(name, tmp_path):
    """Daily money that changes on 1 October, a Wednesday, as of the Monday after."""
    before, after, phases = {"phase": (20, 300, True), "month": (300, 20, False)}[name]
    first, today = dt.date(2025, 9, 1), dt.date(2025, 10, 6)
    rows = ["day,channel,spend,outcome"]
    for number in range((today - first).days):
        day = first + number * DAY
        rows.append(f"{day},Brand,{after if day >= dt.date(2025, 10, 1) else before},60")
    (tmp_path / "h.csv").write_text("\n".join(rows) + "\n")
    columns = Columns(week="day", channel="channel", spend="spend", outcome="outcome", rows="daily")
    history = History.read(tmp_path / "h.csv", columns, as_of=today)
    days = {"name": "warm-up", "first": "2025-10-01", "last": "2025-10-14", "budget": 4200}
    plan = plan_of(
        budget=2100, channels=[Channel("Brand")], operation={"phases": [days] if phases else []}
    )
    found = pace(plan, {today: {"Brand": 2100}}, actual_of(history), today)
    spent, kind, status = SHARED[name]
    span = getattr(found, kind)
    assert (span.total.actual, span.total.status) == (spent, status)
