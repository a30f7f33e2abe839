"""Reserves: by hand, exact over fiscal periods, and no way to touch the holdout."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.calendar import Fiscal, Week
from budgetopt.errors import InputError, MoneyError
from budgetopt.money import show_amount
from budgetopt.plan import Channel, Plan, Reserve
from budgetopt.plan.governance import Release
from budgetopt.workflow.pacing import pace
from budgetopt.workflow.reserves import Movement, balances, parts_of, release_by_hand, releases_due

FIRST = dt.date(2026, 11, 2)
WEEK = dt.timedelta(weeks=1)
NOVEMBER = [FIRST + n * WEEK for n in range(4)]
STRADDLING = dt.date(2026, 11, 30)


def plan_of(**operation):
    reserve = Reserve(contingency="5%", test=50, holdout=70)
    channels = [Channel("a"), Channel("b")]
    return Plan(
        budget=1400, currency="CNY", channels=channels, reserve=reserve, operation=operation
    )


def test_parts_build_up_within_the_period():
    found = balances(plan_of(), NOVEMBER)
    assert found.period.label == "2026-11"
    assert (found.contingency.built, found.test.built, found.holdout.built) == (280, 200, 280)
    assert found.contingency.balance == 280


def test_a_week_across_two_months_counts_by_its_days():
    weeks = [*NOVEMBER, STRADDLING]
    november = balances(plan_of(), weeks, on=STRADDLING)
    december = balances(plan_of(), weeks)
    # One day of seven: 10 of 70.
    assert november.contingency.built == 290
    assert (december.period.label, december.contingency.built) == ("2026-12", 60)
    # What November leaves is not carried over.
    assert december.contingency.balance == 60


def test_movements_are_taken_off_their_own_reserve():
    moved = [
        Movement(FIRST, "release", 30, "Li", "shop opens"),
        Movement(FIRST + WEEK, "overspend", 45),
        Movement(FIRST + WEEK, "test", 20),
        Movement(dt.date(2026, 10, 5), "release", 1000),
    ]
    found = balances(plan_of(), NOVEMBER, moved)
    assert (found.contingency.taken, found.contingency.balance) == (75, 205)
    assert (found.test.taken, found.test.balance) == (20, 180)
    assert found.holdout.balance == 280


def test_no_more_is_taken_than_was_held_back_by_then():
    exactly, more = Movement(FIRST, "release", 70), Movement(FIRST, "release", "70.01")
    assert balances(plan_of(), NOVEMBER, [exactly]).contingency.balance == 210
    with pytest.raises(MoneyError, match=r"70\.01 of contingency was taken"):
        balances(plan_of(), NOVEMBER, [more])
    assert balances(plan_of(), NOVEMBER, [Movement(FIRST + WEEK, "release", "70.01")])


def test_what_was_held_back_then_may_be_another_plans():
    held = {FIRST: {"contingency": 100}, FIRST + WEEK: parts_of(plan_of(), FIRST + WEEK)}
    found = balances(plan_of(), held)
    assert (found.contingency.built, found.holdout.built) == (170, 70)


def test_phases_change_what_is_held_back():
    phase = {"name": "burst", "first": FIRST, "last": FIRST + WEEK - dt.timedelta(1)}
    plan = plan_of(phases=[phase | {"budget": 2800}])
    assert parts_of(plan, FIRST) == {"contingency": 140, "test": 50, "holdout": 70}
    assert parts_of(plan, FIRST + WEEK)["contingency"] == 70
    assert plan.on(Week(FIRST)).budget == 2800


@pytest.mark.parametrize(
    ("kind", "amount", "error"),
    [("holdout", 1, InputError), ("release", 0, InputError), ("release", -1, MoneyError)],
)
def test_movements_that_are_refused(kind, amount, error):
    with pytest.raises(error):
        Movement(FIRST, kind, amount)


def test_no_weeks_no_balance():
    with pytest.raises(InputError, match="at least one week"):
        balances(plan_of(), [])


RULES = [
    Release("scenario", "50%", scenario="festival"),
    Release("pace", "20%", pace=0.1),
    Release("mroas", "100%", hurdle=2),
]


def test_rules_release_in_their_order_of_what_is_left():
    plan = plan_of(releases=RULES)
    there = balances(plan, NOVEMBER)
    assert releases_due(plan, there) == ()
    found = releases_due(plan, there, 0.1, {"a": 2.5, "b": 1}, ["festival"])
    assert [due.amount for due in found] == [140, 28, 112]
    assert [due.balance for due in found] == [280, 140, 112]
    again = releases_due(plan, there, 0.1, {"a": 2.5}, ["festival"], released=[found[0].key])
    assert [due.amount for due in again] == [56, 224]
    after = balances(plan, NOVEMBER, [due.movement(NOVEMBER[-1]) for due in found])
    assert after.contingency.balance == 0
    assert releases_due(plan, after, 0.5, {"a": 9}, ["festival"]) == ()


def test_a_rule_has_released_wherever_it_stands():
    """Rules that others are put before, or taken from before, are still themselves."""
    flood = Release("scenario", "10%", scenario="a flood\u3000of returns")
    pace_rule, again = Release("pace", "20%", pace=0.1), Release("pace", "30%", pace=0.1)
    there = balances(plan_of(), NOVEMBER)
    plan = plan_of(releases=[pace_rule, again, flood])
    (first, second) = releases_due(plan, there, 0.1)
    used = [first.key, second.key]
    assert len(set(used)) == 2
    assert all(key.isprintable() for key in used)
    other = plan_of(releases=[flood, pace_rule, again])
    (due,) = releases_due(other, there, 0.1, scenarios=[flood.scenario], released=used)
    assert due.rule == flood
    assert due.key.isprintable()
    # The rule that takes its place has not released yet.
    (due,) = releases_due(
        plan_of(releases=[flood, again]), there, 0.1, scenarios=[flood.scenario], released=used
    )
    assert due.rule == flood
    stricter = Release("pace", "20%", pace=0.2)
    assert len(releases_due(plan_of(releases=[stricter]), there, 0.2, released=used)) == 1


def test_both_sides_of_each_rule():
    plan = plan_of(releases=RULES)
    there = balances(plan, NOVEMBER)
    assert len(releases_due(plan, there, 0.0999)) == 0
    assert len(releases_due(plan, there, 0.1)) == 1
    assert len(releases_due(plan, there, None, {"a": 1.999})) == 0
    assert len(releases_due(plan, there, None, {"a": 2.0})) == 1
    # Nothing is said by what is not a number, or an infinite slope at zero.
    assert releases_due(plan, there, float("nan"), {"a": float("inf"), "b": float("nan")}) == ()


@pytest.mark.parametrize(("spent", "due"), [("360", 1), ("360.01", 0)])
def test_the_pace_of_the_fiscal_period_counts(spent, due):
    plan = plan_of(releases=RULES, fiscal=Fiscal("4-4-5"))
    monday = dt.date(2026, 11, 16)
    planned = {monday - 3 * WEEK + n * WEEK: {"a": 700} for n in range(4)}
    seen = {Week(monday, 4): {"a": spent, "b": 0}}
    ahead = pace(plan, planned, seen, monday + dt.timedelta(days=4))
    found = releases_due(plan, balances(plan, [monday]), ahead)
    assert ahead.period.total.pace == pytest.approx(float(spent) / 400)
    assert len(found) == due
    if found:
        values = found[0].sentence.values["why"].values
        assert values["planned"] == show_amount(ahead.period.total.planned)
        assert values["projection"] == show_amount(ahead.period.total.projection)
        assert values["share"] == "10.0%"


def test_sentences_say_the_fields():
    plan = plan_of(releases=RULES)
    there = balances(plan, NOVEMBER, [Movement(FIRST, "release", 30)])
    assert str(there.sentence()) == (
        "reserves of 2026-11: contingency 250 of 280, test 200 of 200, holdout 280 untouched"
    )
    (due,) = releases_due(plan, there, None, {"a": 2.5})
    assert str(due.sentence) == (
        "250 of 250 contingency released: the next unit of money in a returns 2.5, "
        "at least the hurdle of 2"
    )
    assert due.sentence.values["amount"] == show_amount(due.amount)


def test_by_hand_needs_a_name_and_a_reason_and_the_money():
    plan = plan_of()
    there = balances(plan, NOVEMBER)
    day = NOVEMBER[-1]
    moved = release_by_hand(plan, there, 280, "Li", "shop opens", day)
    assert (moved.kind, moved.amount, moved.who) == ("release", 280, "Li")
    assert balances(plan, NOVEMBER, [moved]).contingency.balance == 0
    plain = "give a plain amount above 0, at most 280"
    for amount, remedy in (
        ("280.01", "above the contingency 280: give at most 280"),
        (0, f"amount is 0: {plain}"),
        (-1, f"amount is -1, negative: {plain}"),
    ):
        with pytest.raises(InputError, match=remedy):
            release_by_hand(plan, there, amount, "Li", "shop opens", day)
    for amount, who, why, on in (
        (10, " ", "shop opens", day),
        (10, "Li", "", day),
        (10, "Li", "shop opens", dt.date(2026, 12, 1)),
    ):
        with pytest.raises(InputError):
            release_by_hand(plan, there, amount, who, why, on)


def test_it_is_plain_data():
    plan = plan_of(releases=RULES)
    there = balances(plan, NOVEMBER, [Movement(FIRST, "release", 30)])
    data = json.loads(json.dumps(there.to_dict()))
    assert data["contingency"] == {"built": "280.00", "taken": "30.00", "balance": "250.00"}
    (due,) = releases_due(plan, there, 0.5)
    assert json.loads(json.dumps(due.to_dict()))["amount"] == "50.00"
    moved = due.movement(FIRST)
    assert Movement.from_dict(json.loads(json.dumps(moved.to_dict()))) == moved


steps = st.tuples(st.sampled_from(["hand", "rule", "overspend", "test"]), st.integers(1, 30_000))


@settings(max_examples=60)
@given(calls=st.lists(steps, max_size=8), weeks=st.integers(1, 4))
def test_no_sequence_of_calls_lowers_the_holdout_or_overdraws(calls, weeks):
    plan = plan_of(releases=RULES)
    lived, moved = NOVEMBER[:weeks], []
    day = lived[-1]
    for what, cents in calls:
        there = balances(plan, lived, moved)
        amount = Decimal(cents) / 100
        try:
            if what == "rule":
                new = [due.movement(day) for due in releases_due(plan, there, float(amount) / 300)]
            elif what == "hand":
                new = [release_by_hand(plan, there, amount, "Li", "asked for", day)]
            else:
                new = [Movement(day, what, amount)]
            balances(plan, lived, [*moved, *new])
        except (InputError, MoneyError):
            continue
        moved += new
    after = balances(plan, lived, moved)
    assert after.holdout.balance == after.holdout.built == 70 * weeks
    assert 0 <= after.contingency.balance <= after.contingency.built == 70 * weeks
    assert 0 <= after.test.balance <= after.test.built == 50 * weeks
    taken = after.contingency.taken + after.test.taken
    assert taken == sum((m.amount for m in moved), Decimal(0))


@settings(max_examples=30)
@given(
    first=st.dates(dt.date(2025, 1, 1), dt.date(2027, 1, 1)),
    count=st.integers(1, 20),
    kind=st.sampled_from(["month", "quarter", "year", "4-4-5"]),
)
def test_periods_add_up_to_the_weeks(first, count, kind):
    plan = plan_of(fiscal=Fiscal(kind))
    start = Week.of(first).start
    weeks = [start + n * WEEK for n in range(count)]
    days = [start + dt.timedelta(days=n) for n in range(7 * count)]
    found = {b.period: b for b in (balances(plan, weeks, on=day) for day in days)}
    assert sum(b.contingency.built for b in found.values()) == 70 * count
    assert sum(b.holdout.built for b in found.values()) == 70 * count
