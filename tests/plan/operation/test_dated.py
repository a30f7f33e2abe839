"""What an operation makes of a week: exact budgets, the phase's change limit, who may not move."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.calendar import DAYS, Week
from budgetopt.errors import CalendarError, PlanError
from budgetopt.plan import MaxChange, Reserve

from .helpers import day, phase, plan, week

# 2026-11-02 is a Monday.


def test_a_week_in_no_phase_is_the_plan_itself():
    made = plan(phase())
    assert made.on(week("2026-10-26")) is made
    assert made.on(week("2026-11-16")) is made
    assert plan().on(week("2026-11-02")).budget == 700


def test_a_week_of_a_phase_has_its_days_of_the_phase_by_hand():
    # Ten days, 1,000: a hundred a day, as many as a usual day's; so make it 2,000.
    made = plan(phase(budget=2000, max_change="none"))
    first, second = made.on(week("2026-11-02")), made.on(week("2026-11-09"))
    assert first.budget == 1400
    # Three days of the phase, four usual ones.
    assert second.budget == 3 * 200 + 4 * 100
    assert (first.max_change, second.max_change) == (MaxChange(), made.max_change)
    assert first.operation.phases == second.operation.phases == ()
    assert first.on(week("2026-11-02")) is first
    assert (first.channels, first.goal, first.name) == (made.channels, made.goal, made.name)


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        # Days of the first and the second phase in the week, and whose rule holds.
        (("2026-11-02", "2026-11-05"), ("2026-11-06", "2026-11-08"), "0.1"),
        (("2026-11-02", "2026-11-04"), ("2026-11-05", "2026-11-08"), "0.2"),
        (("2026-11-02", "2026-11-04"), ("2026-11-06", "2026-11-08"), "0.2"),
        (("2026-11-02", "2026-11-03"), ("2026-11-07", "2026-11-08"), "0.3"),
    ],
)
def test_the_change_limit_is_that_of_most_days(one, other, rule):
    made = plan(phase("one", *one, max_change="10%"), phase("other", *other, max_change="20%"))
    assert made.on(week("2026-11-02")).max_change == MaxChange(rule)


def test_a_phase_without_a_rule_keeps_the_plan_s():
    made = plan(phase(), max_change="15%")
    assert made.on(week("2026-11-02")).max_change == MaxChange("15%")


@st.composite
def spans(draw):
    """Return phases that follow each other, some without a gap."""
    first = draw(st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 1)))
    made = []
    for at in range(draw(st.integers(1, 4))):
        first += dt.timedelta(days=draw(st.integers(0, 20)))
        last = first + dt.timedelta(days=draw(st.integers(0, 60)))
        made.append(phase(str(at), first, last, Decimal(draw(st.integers(0, 10**9))) / 100))
        first = last + dt.timedelta(days=1)
    return made


budgets = st.integers(0, 10**9).map(lambda minor: Decimal(minor) / 100)


@given(spans(), budgets, st.sampled_from(DAYS), st.sampled_from([None, "0.05", 7]))
def test_days_add_up_to_phases_and_weeks_whatever_they_are(phases, budget, start, step):
    made = plan(*phases, budget=budget, week_start=start, step=step)
    for one in made.operation.phases:
        assert made.budget_of(one.first, one.last) == made.money.minor(one.budget, "budget")
        # Weeks that cover the phase, cut at its ends, sum to it.
        at, total = Week.of(one.first, start), 0
        while at.start <= one.last:
            total += made.budget_of(max(at.start, one.first), min(at.end, one.last))
            at = at.shift(1)
        assert total == made.money.minor(one.budget, "budget")
    first = Week.of(made.operation.phases[0].first, start).shift(-1)
    last = Week.of(made.operation.phases[-1].last, start).shift(1)
    weekly, at = 0, first
    while at.start <= last.start:
        minor = made.money.minor(made.on(at).budget, "budget")
        assert minor == made.budget_of(at.start, at.end)
        weekly, at = weekly + minor, at.shift(1)
    assert weekly == made.budget_of(first.start, last.end)
    assert made.budget_of(first.start, first.end) == made.money.minor(budget, "budget")


@given(spans(), budgets, st.data())
def test_ranges_that_follow_each_other_add_up_and_days_are_within_a_unit_of_their_share(
    phases, budget, data
):
    made = plan(*phases, budget=budget)
    days = st.dates(dt.date(2025, 12, 1), dt.date(2027, 1, 1))
    a, b, c = sorted(data.draw(st.lists(days, min_size=3, max_size=3, unique=True)))
    one = dt.timedelta(days=1)
    assert made.budget_of(a, b) + made.budget_of(b + one, c) == made.budget_of(a, c)
    inside = [p for p in made.operation.phases if p.first <= b <= p.last]
    share = (
        Fraction(made.money.minor(inside[0].budget, "budget"), inside[0].days)
        if inside
        else Fraction(made.money.minor(budget, "budget"), 7)
    )
    assert abs(made.budget_of(b, b) - share) <= 1


def test_weeks_of_a_budget_in_whole_steps_are_whole_steps():
    # 10,000 over 30 days in steps of 50: 2,333.33 a week would leave money in the week.
    made = plan(phase(last="2026-12-01", budget=10_000), step=50, spend="all")
    weeks = [made.on(week("2026-11-02").shift(at)) for at in range(4)]
    assert [w.budget for w in weeks] == [2350, 2300, 2350, 2350]
    assert all(w.budget % 50 == 0 for w in weeks)
    assert all(abs(Fraction(w.budget) - Fraction(70_000, 30)) <= 50 for w in weeks)


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(CalendarError, match="first day first"):
        plan().budget_of(day("2026-11-02"), day("2026-11-01"))


# The reserve


def test_a_reserve_in_shares_follows_the_budget_and_one_in_money_stays():
    made = plan(phase(budget=2000), reserve=Reserve("10%", test=50))
    dated = made.on(week("2026-11-02"))
    assert (made.held, dated.held) == (70 + 50, 140 + 50)
    assert dated.spendable == 1400 - 190


def test_a_phase_with_less_money_a_week_than_the_reserve_is_refused_at_once():
    good = phase("warm-up", "2026-11-02", "2026-11-15", 200)
    assert plan(good, reserve=Reserve(100)).on(week("2026-11-02")).spendable == 0
    with pytest.raises(PlanError, match="above a week of phase 'warm-up', 100") as caught:
        plan(good, reserve=Reserve("100.01"))
    assert (caught.value.code, caught.value.field) == ("bounds-clash", "reserve")
    assert "write the reserve as shares" in caught.value.remedy


def test_a_week_that_is_cut_to_less_than_the_reserve_is_refused_with_its_day():
    # Six days of nothing leave one usual day, 100, for a reserve of 101.
    made = plan(phase(last="2026-11-07", budget=0), reserve=Reserve(101))
    with pytest.raises(PlanError, match="above the budget of the week of 2026-11-02, 100"):
        made.on(week("2026-11-02"))
    made = plan(phase(last="2026-11-07", budget=0), reserve=Reserve(100))
    assert made.on(week("2026-11-02")).held == 100


def test_a_week_without_a_budget_holds_back_nothing():
    made = plan(phase(last="2026-11-08", budget=0), reserve=Reserve("5%", test=100))
    dated = made.on(week("2026-11-02"))
    assert (dated.budget, dated.held, dated.spendable) == (0, 0, 0)
    assert made.reserve.to_dict() == {"contingency": "5%", "test": "100"}


def test_budget_lines_stay_as_they_are():
    lines = bo.BudgetLines(100, {"media": 60, "tools": 40})
    assert plan(phase(), budget_lines=lines).on(week("2026-11-02")).budget_lines == lines


# Freezes


def freeze(name, first, last, *channels, **more):
    return {"name": name, "first": first, "last": last, "channels": channels} | more


def test_a_week_is_frozen_where_one_of_its_days_is():
    made = plan(freezes=[freeze("ban", "2026-11-08", "2026-11-09", "b")])
    assert made.frozen(week("2026-11-02")) == made.frozen(week("2026-11-09")) == {"b": "ban"}
    assert made.frozen(week("2026-10-26")) == made.frozen(week("2026-11-16")) == {}


def test_all_channels_where_none_is_named_and_the_first_freeze_declared_counts():
    made = plan(
        freezes=[
            freeze("learning", "2026-11-02", "2026-11-02", "b", why="learning"),
            freeze("11.11", "2026-11-03", "2026-11-03"),
        ]
    )
    assert made.frozen(week("2026-11-02")) == {"a": "11.11", "b": "learning"}
    assert list(made.frozen(week("2026-11-02"))) == ["a", "b"]


def test_freezes_hold_in_a_week_of_a_phase_too():
    made = plan(phase(), freezes=[freeze("ban", "2026-11-02", "2026-11-02")])
    assert made.on(week("2026-11-02")).frozen(week("2026-11-02")) == {"a": "ban", "b": "ban"}
