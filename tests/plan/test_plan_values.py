"""Channels, plans and their parts: what they accept, refuse and say."""

import copy
import decimal
import pickle
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Hill, Log, Points
from budgetopt.money import MOST, Currency
from budgetopt.plan import BudgetLines, Channel, Limit, MaxChange, Plan, Reserve
from budgetopt.plan.amounts import as_share, shifted

CNY = Currency("CNY")


def plan_of(*channels, **fields):
    given = {"budget": 100, "currency": "CNY", "channels": channels or (Channel("a"),)}
    return Plan(**(given | fields))


BAD_AMOUNTS = [
    -1,
    "-0.01",
    float("nan"),
    Decimal("sNaN"),
    float("inf"),
    "-Infinity",
    True,
    np.bool_(False),
    "1,000",
    "1.234,56",
    "1_000",
    "10 000",
    "",
    "ten",
    [1],
    {"a": 1},
    1j,
    b"5",
]
AMOUNT_FIELDS = {
    "budget": lambda bad: plan_of(budget=bad),
    "step": lambda bad: plan_of(step=bad),
    "floor": lambda bad: Channel("a", floor=bad),
    "cap": lambda bad: Channel("a", cap=bad),
    "lock": lambda bad: Channel("a", locked=bad),
    "max_change": lambda bad: Channel("a", max_change=bad),
    "max_change.money": lambda bad: MaxChange(money=bad),
    "max_change.share": lambda bad: MaxChange(share=bad),
    "max_change.from_zero": lambda bad: MaxChange(share=1, from_zero=bad),
    "reserve.contingency": lambda bad: Reserve(bad),
    "outcome_unit": lambda bad: plan_of(outcome_unit=bad),
    "budget_lines.total": lambda bad: BudgetLines(bad, {"a": 1}),
    "budget_lines.lines.a": lambda bad: BudgetLines(1, {"a": bad}),
    "last": lambda bad: plan_of().last_minor({"a": bad}),
}


@pytest.mark.parametrize("field", AMOUNT_FIELDS)
@pytest.mark.parametrize("bad", BAD_AMOUNTS, ids=repr)
def test_an_amount_that_is_no_plain_number_is_refused_with_its_field(field, bad):
    with pytest.raises(bo.InputError) as caught:
        AMOUNT_FIELDS[field](bad)
    assert caught.value.code in ("bad-money", "bad-number", "bad-plan")
    assert field in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("given", [5, "5", " 5 ", "5.00", 5.0, Decimal(5), np.int64(5), "5e0"])
def test_one_amount_written_in_many_ways_makes_equal_plans(given):
    assert plan_of(budget=given) == plan_of(budget=5)
    assert hash(plan_of(budget=given)) == hash(plan_of(budget=5))


@pytest.mark.parametrize(("code", "fits", "finer"), [
    ("JPY", "5", "5.5"), ("CNY", "5.01", "5.001"), ("KWD", "5.001", "5.0001"),
    ("XXX", "5.000001", "5.0000001"),
])  # fmt: skip
@pytest.mark.parametrize("field", ["budget", "step", "locked", "lot"])
def test_an_exact_amount_finer_than_the_minor_unit_is_refused(code, fits, finer, field):
    def made(amount):
        if field in ("budget", "step"):
            return plan_of(currency=code, **{field: amount})
        return plan_of(Channel("a", **{field: amount}), currency=code)

    made(fits)
    with pytest.raises(bo.MoneyError, match="finer than the minor unit") as caught:
        made(finer)
    assert caught.value.code == "bad-money"


@pytest.mark.parametrize("finer", ["5.001", 5.001, Fraction(5001, 1000), Fraction(16, 3)])
def test_a_limit_finer_than_the_minor_unit_is_rounded_inwards(finer):
    low = 500 if finer != Fraction(16, 3) else 533
    channel = Channel("a", floor=finer, cap=Fraction(finer) + 1)
    assert plan_of(channel).minor_bounds == ((low + 1, low + 100, False),)
    assert plan_of(Channel("a", off_or_at_least=finer)).minimums_minor == (low + 1,)
    assert plan_of(reserve=Reserve(finer)).held == CNY.amount(low + 1)
    plan = plan_of(max_change=MaxChange(money=finer))
    assert plan.max_change.room(1000, 1000, CNY) == low
    plan = plan_of(max_change=MaxChange(share=9, from_zero=finer))
    assert plan.max_change.room(0, 1000, CNY) == low


def test_a_floor_and_a_cap_between_which_no_minor_unit_lies_clash():
    assert plan_of(Channel("a", floor="5.001", cap="5.01")).minor_bounds == ((501, 501, False),)
    with pytest.raises(bo.PlanError, match="no amount in CNY lies between the floor") as caught:
        plan_of(Channel("a", floor="5.001", cap="5.009"))
    assert caught.value.code == "bounds-clash"


@pytest.mark.parametrize(
    ("noisy", "minor"), [(1.1 * 100000, 11_000_000), (0.3 - 0.1, 20), (1e-2 + 1e-17, 1)]
)
def test_floats_from_arithmetic_are_welcome_everywhere(noisy, minor):
    channels = (
        Channel("a", floor=noisy, cap=noisy),
        Channel("b", locked=noisy),
        Channel("c", off_or_at_least=noisy, lot=noisy),
    )
    plan = plan_of(*channels, budget=noisy, step=noisy, max_change=MaxChange(money=noisy))
    assert plan.spendable_minor == plan.step_minor == minor
    assert plan.minor_bounds[:2] == ((minor, minor, False), (minor, minor, True))
    assert plan.minimums_minor[2] == plan.lots_minor[2] == minor
    assert plan.last_minor({"a": noisy, "b": noisy}) == [minor, minor, 0]
    assert plan.max_change.room(10**9, 0, CNY) == minor
    last = np.zeros(3, dtype=np.int64)
    for limit in (Limit.linear("l", {"a": 1}, noisy), Limit.turnover(noisy)):
        assert limit.rows(plan, last)[0].room == Fraction(minor, 100)
    assert Plan.from_json(plan.to_json()) == plan
    assert str(plan.budget) == str(CNY.amount(minor))


def test_money_is_counted_exactly_up_to_the_last_unit_and_refused_beyond():
    most = CNY.amount(MOST - 1)
    assert plan_of(budget=most).spendable_minor == MOST - 1
    assert plan_of().last_minor({"a": most}) == [MOST - 1]
    for refused in (
        lambda: plan_of(budget=CNY.amount(MOST)),
        lambda: plan_of(max_change=MaxChange(money=CNY.amount(MOST))),
        lambda: plan_of().last_minor({"a": CNY.amount(MOST)}),
        lambda: plan_of().last_minor({"a": 1e20}),
        lambda: plan_of().last_minor({"a": "1e999999999"}),
    ):
        with pytest.raises(bo.MoneyError, match=r"too large to count exactly|too large"):
            refused()


@pytest.mark.parametrize("name", ["", " ", "\t\n", None, 5, b"a", ["a"], "\ud800"])
def test_a_name_that_is_blank_or_no_text_is_refused(name):
    with pytest.raises(bo.PlanError) as caught:
        Channel(name)
    assert caught.value.code == "bad-name"


NAMES = [
    "a b", "a_b", "a/b", "a\\b", "抖音", "📣", "x" * 300, "=1+1", "é", "-a", "a:b",
    "x0", "budget", "__dummy", "%s", "{name}", "'", '"', "a,b", "A B",
]  # fmt: skip


def test_all_kinds_of_names_stand_beside_each_other():
    plan = plan_of(*map(Channel, NAMES))
    assert plan.names == tuple(NAMES)
    assert Plan.from_json(plan.to_json()) == plan


def test_names_that_no_reader_can_tell_apart_or_that_break_a_line_are_refused():
    with pytest.raises(bo.PlanError, match="looks the same"):
        plan_of(Channel("e\u0301"), Channel("é"))
    with pytest.raises(bo.PlanError, match="line break"):
        Channel("a\nb")


def test_two_channels_of_one_name_are_refused_by_name():
    with pytest.raises(bo.PlanError, match="'a b' is declared twice") as caught:
        plan_of(Channel("a b"), Channel("a_b"), Channel("a b"))
    assert caught.value.code == "bad-name"


def test_a_plan_without_channels_is_refused():
    with pytest.raises(bo.PlanError, match="no channel"):
        Plan(budget=1, currency="CNY", channels=[])


@pytest.mark.parametrize(
    ("inside", "outside", "named"),
    [
        ({"floor": 5, "cap": 5}, {"floor": "5.01", "cap": 5}, ["cap", "5", "floor", "5.01"]),
        ({"locked": 5, "cap": 5}, {"locked": "5.01", "cap": 5}, ["locked", "5.01", "cap", "5"]),
        ({"locked": 5, "floor": 5}, {"locked": 5, "floor": 6}, ["locked", "5", "floor", "6"]),
        ({"locked": 0}, {"locked": 0, "floor": 1}, ["locked", "0", "floor", "1"]),
    ],
)
def test_bounds_that_contradict_each_other_name_both_sides(inside, outside, named):
    Channel("抖音", **inside)
    with pytest.raises(bo.PlanError) as caught:
        Channel("抖音", **outside)
    assert caught.value.code == "bounds-clash"
    assert all(word in str(caught.value) for word in [*named, "'抖音'"])


def test_the_clash_of_floor_and_cap_reads_as_the_house_wants():
    with pytest.raises(bo.PlanError) as caught:
        Channel("douyin", floor=30000, cap=20000)
    assert str(caught.value) == (
        "cap of 'douyin' is 20,000, below its floor 30,000: raise the cap or lower the floor"
    )


@pytest.mark.parametrize("curve", [5, "hill", Log([1.0, 2.0], 3), Hill(1, [2.0], 1), Log])
def test_a_curve_that_is_not_one_curve_is_refused_with_the_channel(curve):
    with pytest.raises(bo.CurveError, match="'抖音'"):
        Channel("抖音", curve=curve)
    Channel("抖音", curve=Points([1, 2], [3, 4]))


def test_labels_compare_by_what_they_say_and_refuse_blanks():
    one, other = {"b": "2", "a": "1"}, {"a": "1", "b": "2"}
    assert Channel("a", labels=one) == Channel("a", labels=other)
    for bad in ({"a": ""}, {" ": "1"}, {"a": 5}, {5: "a", "b": "c"}):
        with pytest.raises(bo.PlanError) as caught:
            Channel("a", labels=bad)
        assert caught.value.code == "bad-name"


@pytest.mark.parametrize("fields", [
    {"channels": ["a"]}, {"channels": 5}, {"reserve": 5}, {"columns": "long"}, {"spend": "some"},
    {"budget_lines": {"total": 5}}, {"max_change": {"mony": 1}},
])  # fmt: skip
def test_a_part_of_the_wrong_kind_is_refused_as_a_plan_error(fields):
    with pytest.raises(bo.PlanError) as caught:
        plan_of(**fields)
    assert caught.value.code == "bad-plan"
    assert next(iter(fields)) in caught.value.field


def test_one_channel_may_be_given_without_a_list():
    assert plan_of(channels=Channel("a")) == plan_of(channels=[Channel("a")])


@pytest.mark.parametrize("day", ["funday", "", 0, None])
def test_a_week_start_that_is_no_day_is_refused(day):
    with pytest.raises(bo.CalendarError):
        plan_of(week_start=day)


@pytest.mark.parametrize("code", ["cny", "RMB", "", None, 156, "€"])
def test_a_currency_that_is_no_code_is_refused(code):
    with pytest.raises(bo.MoneyError) as caught:
        plan_of(currency=code)
    assert caught.value.code == "bad-currency"


def test_step_and_outcome_unit_must_be_above_zero():
    for field in ("step", "outcome_unit"):
        with pytest.raises(bo.PlanError, match=f"{field} is 0"):
            plan_of(**{field: 0})
    with pytest.raises(bo.MoneyError, match="outcome_unit"):
        plan_of(outcome_unit="1e400")
    assert plan_of(step="0.01").step_minor == 1


def test_plans_are_frozen_comparable_hashable_and_survive_copies():
    plan = plan_of(Channel("a", curve=Hill(9, 4, 0.5), labels={"k": "v"}), reserve=Reserve("5%"))
    for other in (pickle.loads(pickle.dumps(plan)), copy.deepcopy(plan), replace(plan)):
        assert other == plan
        assert hash(other) == hash(plan)
    assert replace(plan, budget=200).budget == 200
    with pytest.raises(FrozenInstanceError):
        plan.budget = Decimal(1)


# Reserve


def test_a_share_held_back_is_rounded_up_to_the_minor_unit():
    # 5 % of 0.07 is 0.0035, of 33.34 it is 1.667; 5 % of 0.20 is 0.01 exactly.
    assert [Reserve("5%").minor(m, CNY) for m in (7, 3334, 20, 0)] == [1, 167, 1, 0]


@given(st.decimals(0, 100, places=7), st.integers(0, MOST - 1))
def test_a_reserve_is_never_less_than_its_share_and_never_a_unit_more(percent, budget):
    held = Reserve(f"{percent}%").minor(budget, CNY)
    exact = decimal.Context(prec=60).multiply(shifted(percent, -2), Decimal(budget))
    assert exact <= held < exact + 1
    assert held <= budget


def test_a_reserve_between_zero_and_one_is_refused_since_it_means_two_things():
    with pytest.raises(bo.PlanError, match="'5%'"):
        Reserve(0.05)
    assert Reserve(1).contingency.amount == 1
    assert Reserve(0).contingency.amount == 0


def test_a_reserve_of_nothing_is_the_same_as_none():
    assert Reserve("0%") == Reserve(0) == Reserve()
    assert plan_of(reserve=Reserve("0.00%")) == plan_of()


def test_a_reserve_may_take_the_whole_budget_but_no_cent_more():
    assert plan_of(reserve=Reserve(100)).spendable == 0
    assert plan_of(reserve=Reserve("100%")).held == 100
    with pytest.raises(bo.PlanError, match=r"the reserve is 100\.01, above the budget 100"):
        plan_of(reserve=Reserve("100.01"))
    with pytest.raises(bo.PlanError, match="more than 100 %"):
        Reserve("100.01%")


# Change limits


@pytest.mark.parametrize(("given", "share"), [
    ("30%", "0.3"), (0.3, "0.3"), ("0.3", "0.3"), (1, "1"), ("1000%", "10"), (0, "0"), ("0%", "0"),
    (" 12.5 % ", "0.125"),
])  # fmt: skip
def test_a_share_is_read_from_a_number_or_percent(given, share):
    assert as_share(given, "max_change", Decimal(10)) == Decimal(share)


def test_thirty_for_thirty_percent_is_found_out_with_the_channel():
    with pytest.raises(bo.PlanError, match=r"max_change of 'a' is 30.*0\.30"):
        Channel("a", max_change=30)
    with pytest.raises(bo.PlanError, match=r"max_change\.share of 'a' is 30"):
        Channel("a", max_change={"share": 30})


def test_a_misspelt_part_of_a_change_limit_is_refused_with_a_suggestion():
    with pytest.raises(bo.PlanError, match=r"max_change of 'a' has no part 'mony'.*'money'"):
        Channel("a", max_change={"mony": 1})


def test_from_zero_without_a_share_is_refused_since_it_would_say_nothing():
    with pytest.raises(bo.PlanError, match="from_zero"):
        MaxChange(money=5, from_zero=3)
    assert MaxChange(share=0, from_zero=3).from_zero == 3


def test_none_lifts_the_change_limit_of_a_plan_or_a_channel():
    free = MaxChange()
    assert plan_of(max_change="none").max_change == free
    assert plan_of(max_change=None).max_change == free
    assert Channel("a", max_change="none").max_change == free
    assert Channel("a").max_change is None
    assert plan_of().max_change == MaxChange(share="30%")


@pytest.mark.parametrize(
    ("rule", "last", "room"),
    [
        (MaxChange(share="30%"), 10_001, 3000),  # 30.003 rounds down: a limit is never passed
        (MaxChange(share="30%", money=20), 10_000, 2000),
        (MaxChange(share="30%", money=40), 10_000, 3000),
        (MaxChange(money=20), 0, 2000),
        (MaxChange(share="30%"), 0, 15_000),  # of the equal share
        (MaxChange(share="30%", from_zero="7.50"), 0, 750),
        (MaxChange(share="30%", from_zero="7.50"), 1, 0),
        (MaxChange(share="30%", from_zero="7.50", money=5), 0, 500),
        (MaxChange(share=0), 10_000, 0),
        (MaxChange(), 10_000, None),
    ],
)
def test_the_room_of_a_change_limit_by_hand(rule, last, room):
    assert rule.room(last, 50_000, CNY) == room


def test_a_programs_decimal_precision_changes_nothing():
    def facts():
        plan = plan_of(
            Channel("a", max_change="12.345678%"),
            budget="1234567.89",
            reserve=Reserve("3.1234567%"),
            budget_lines=BudgetLines("1234567.89", {"a": "1234567", "b": "0.89"}),
        )
        return plan, plan.held, plan.to_json(), str(plan.channels[0].max_change)

    usual = facts()
    with decimal.localcontext() as context:
        context.prec = 3
        assert facts() == usual


# Budget lines


def test_budget_lines_of_the_practice_document_are_refused_by_ten_thousand():
    lines = {
        "content and creative": 25_000,
        "paid media": 60_000,
        "KOL and platforms": 15_000,
        "tools": 2_000,
        "data": 3_000,
        "contingency": 5_000,
    }
    with pytest.raises(bo.PlanError) as caught:
        BudgetLines(100_000, lines)
    assert caught.value.code == "lines-do-not-add-up"
    assert caught.value.value == "10000"
    assert "110,000, 10,000 above the total 100,000" in str(caught.value)
    assert BudgetLines(110_000, lines).total == 110_000
    with pytest.raises(bo.PlanError, match=r"0\.01 below the total 110,000\.01"):
        BudgetLines("110000.01", lines)


@given(st.lists(st.decimals(0, 10**12, places=4), min_size=1, max_size=8))
def test_budget_lines_add_up_exactly(amounts):
    with decimal.localcontext(prec=60):
        total = sum(amounts, Decimal(0))
        lines = {f"line {i}": amount for i, amount in enumerate(amounts)}
        BudgetLines(total, lines)
        with pytest.raises(bo.PlanError):
            BudgetLines(total + Decimal("0.0001"), lines)


@pytest.mark.parametrize("lines", [None, {}, 5, [1, 2], "ab"])
def test_budget_lines_that_are_no_lines_are_refused(lines):
    with pytest.raises(bo.PlanError) as caught:
        BudgetLines(100, lines)
    assert caught.value.code == "bad-plan"


def test_budget_lines_too_large_to_add_up_are_refused():
    with pytest.raises(bo.MoneyError):
        BudgetLines("1e9999999", {"a": "1e9999999"})


# Channels named by a history's columns and by the last week


def test_a_misspelt_channel_in_the_history_columns_is_refused():
    wide = {"layout": "wide", "outcome": "revenue"}
    plan_of(Channel("douyin"), columns=bo.Columns(**wide, spend={"douyin": "x"}))
    with pytest.raises(bo.PlanError, match=r"'douyn' in history\.spend.*'douyin'"):
        plan_of(Channel("douyin"), columns=bo.Columns(**wide, spend={"douyn": "x"}))


def test_a_misspelt_channel_of_the_last_week_is_refused():
    with pytest.raises(bo.PlanError, match=r"'douyn'.*did you mean 'douyin'") as caught:
        plan_of(Channel("douyin")).last_minor({"douyn": 5})
    assert caught.value.code == "unknown-name"


def test_last_spends_are_rounded_to_the_minor_unit_and_start_from_zero_unnamed():
    plan = plan_of(Channel("a"), Channel("b"), Channel("c"))
    assert plan.last_minor({"b": 1.005, "c": "2.015"}) == [0, 100, 202]
