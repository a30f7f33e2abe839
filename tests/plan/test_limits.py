"""Limits across channels: exact rows, names, errors and files."""

from __future__ import annotations

import inspect
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.plan import Limit
from budgetopt.plan.limits import KINDS, limit_from_dict, limit_to_dict

UNITS = 100


def plan_with(*limits, **fields):
    channels = [
        bo.Channel("抖音", labels={"platform": "douyin", "kind": "feeds"}, value=2),
        bo.Channel(
            "快手", labels={"platform": "kuaishou", "kind": "feeds"}, rates={"leads": "0.5"}
        ),
        bo.Channel("百度", labels={"platform": "baidu", "kind": "search"}),
    ]
    return bo.Plan(
        **{"budget": 100, "currency": "CNY", "channels": channels} | fields, limits=limits
    )


def rows_of(limit, last=None, **fields):
    plan = plan_with(limit, **fields)
    return limit.rows(plan, None if last is None else np.array(last))


def used(row, spend, last=None):
    money = np.array(spend) * UNITS
    return row.used(money, None if last is None else np.array(last) * UNITS, UNITS)


def test_a_group_cap_in_money_adds_up_its_members():
    (row,) = rows_of(Limit.group("feeds", {"kind": "feeds"}, at_most="60.01"))
    assert used(row, [10, 20, 40]) == 30
    assert row.room == Fraction(6001, 100)
    assert row.sentence == "kind feeds: at most 60.01 CNY"


@pytest.mark.parametrize("bound", ["at_least", "at_most"])
def test_a_bare_number_between_zero_and_one_is_money_or_a_share_and_refused(bound):
    for given in (0.4, "0.4", "0.999999", Fraction(1, 3)):
        with pytest.raises(bo.PlanError, match="may be a share or an amount of money") as caught:
            Limit.group("feeds", {"kind": "feeds"}, **{bound: given})
        assert caught.value.code == "bad-number"
    assert caught.value.remedy == "write '33.33%' for a share, or an amount of 1 or more"
    for given in (0, 1, "40%", "0.4%", "100/3%", 1.5):
        Limit.group("feeds", {"kind": "feeds"}, **{bound: given})
    # Where only a share, or only money, can be meant, that is what a number is.
    assert bo.MaxChange.of(0.3, "x").share == bo.MaxChange.of("30%", "x").share
    assert Limit.turnover(0.4).at_most == Decimal("0.4")


def test_a_linear_rule_has_bounds_on_either_side_or_both_or_an_equality():
    coefficients = {"抖音": 1, "百度": Fraction(-1, 3)}
    for given, sides in (
        ({"at_most": 2}, [(1, 2, "at most 2 h")]),
        ({"at_least": 2}, [(-1, -2, "at least 2 h")]),
        ({"at_most": 3, "at_least": -2}, [(1, 3, "at most 3 h"), (-1, 2, "at least -2 h")]),
        ({"equal": 2}, [(1, 2, "exactly 2 h"), (-1, -2, "exactly 2 h")]),
    ):
        rows = rows_of(Limit.linear("hours", coefficients, unit="h", **given))
        assert [(r.room, str(r.sentence)) for r in rows] == [(b, text) for _, b, text in sides]
        for row, (sign, _, _) in zip(rows, sides, strict=True):
            assert used(row, [5, 7, 2]) == sign * Fraction(13, 3)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "bad-plan"),
        ({"equal": 1, "at_most": 2}, "bad-plan"),
        ({"equal": 1, "at_least": 0}, "bad-plan"),
        ({"at_least": 3, "at_most": 2}, "bounds-clash"),
        ({"at_most": Decimal("1e400")}, "bad-number"),
        ({"at_most": "1e400"}, "bad-number"),
        ({"at_most": "1/0"}, "bad-number"),
    ],
)
def test_a_linear_rule_refuses_bounds_that_say_nothing_or_too_much(given, code):
    with pytest.raises(bo.PlanError) as caught:
        Limit.linear("hours", {"抖音": 1}, **given)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "coefficients",
    [
        (0.7491714896150972, 0.6862438813682099, 1.0),
        (1 / 290, 1 / 380, 1 / 7),
        (1e19, 1e-19, 1.0),
        (Fraction(1, 3), Fraction(1, 2**70), Fraction(10**30, 7)),
        (Decimal(1) / 3, "1/3", 10**18),
        (-(2.0**63), 2.0**63, 2**63 - 1),
    ],
)
def test_coefficients_of_any_representation_stay_exact(coefficients):
    limit = Limit.linear("x", dict(zip(["抖音", "快手", "百度"], coefficients, strict=True)), 1)
    (row,) = rows_of(limit)
    exact = [Fraction(repr(c)) if isinstance(c, float) else Fraction(c) for c in coefficients]
    assert used(row, [3, 5, 7]) == 3 * exact[0] + 5 * exact[1] + 7 * exact[2]
    assert row.money_floats.tolist() == [float(c) for c in exact]
    assert limit_from_dict(limit_to_dict(limit)) == limit


def test_a_share_and_a_ratio_of_any_representation_stay_exact():
    for share in ("33.33333333333333%", "100/3%", "0.00000000000000001%"):
        (row,) = rows_of(Limit.group("g", ["抖音"], at_most=share))
        exact = Fraction(share[:-1]) / 100
        assert used(row, [3, 5, 7]) == 3 - 15 * exact
    for ratio in (Decimal(1) / 3, Fraction(1, 3), 1 / 3, 2**70 + 1):
        (row,) = rows_of(Limit.roas(ratio))
        exact = Fraction(repr(ratio)) if isinstance(ratio, float) else Fraction(ratio)
        assert used(row, [3, 5, 7]) == 15 * exact


def test_a_group_floor_is_the_same_row_turned_round():
    (row,) = rows_of(Limit.group("feeds", {"kind": "feeds"}, at_least=30))
    assert used(row, [10, 20, 40]) == row.room == -30


def test_a_share_of_what_is_spent_is_exact_at_its_edge():
    (row,) = rows_of(Limit.group("leader", {"platform": "douyin"}, at_most="40%"))
    assert used(row, [40, 30, 30]) == 0 == row.room
    assert used(row, [40, 30, 29]) > 0


def test_a_share_of_another_group_is_of_that_group():
    limit = Limit.group("search", ["百度"], at_most="50%", of={"kind": "feeds"})
    (row,) = rows_of(limit)
    assert used(row, [10, 10, 10]) == 0
    assert used(row, [10, 9, 10]) > 0


def test_both_bounds_of_a_group_are_two_rows_of_one_name():
    rows = rows_of(Limit.group("feeds", {"kind": "feeds"}, at_least=10, at_most=60))
    assert [row.limit for row in rows] == ["feeds", "feeds"]


def test_a_linear_rule_keeps_its_coefficients_exactly():
    (row,) = rows_of(Limit.linear("CO2", {"抖音": "0.1", "百度": "-0.025"}, at_most=1, unit="t"))
    assert used(row, [10, 99, 4]) == Fraction(9, 10)
    assert row.sentence == "at most 1 t"


def test_turnover_counts_ups_and_downs_and_needs_a_last_week():
    assert rows_of(Limit.turnover(10)) == ()
    (row,) = rows_of(Limit.turnover(10), last=[0, 0, 0])
    assert used(row, [30, 20, 10], last=[25, 25, 10]) == 10 == row.room


def test_few_moves_counts_channels_that_change_by_a_cent():
    assert rows_of(Limit.few_moves(1)) == ()
    (row,) = rows_of(Limit.few_moves(1), last=[0, 0, 0])
    assert used(row, [26, 25, 10], last=[25, 25, 10]) == 1
    assert row.counts


def test_apart_and_at_least_on_count_what_is_on():
    (apart,) = rows_of(Limit.apart(["抖音", "快手"]))
    assert used(apart, [1, 1, 1]) == 2 > apart.room
    assert used(apart, [0, 1, 1]) == 1 == apart.room
    (least,) = rows_of(Limit.at_least_on(2, {"kind": "feeds"}))
    assert used(least, [1, 0, 1]) == -1 > least.room
    assert used(least, [1, 1, 0]) == -2 == least.room


def test_contacts_are_those_of_the_money_spread_over_the_people():
    # 200 and 300 at 20 and 12.5 for a thousand are 10,000 and 24,000 contacts, with 10,000 people.
    priced = {"抖音": 20, "快手": "12.5"}
    (row,) = rows_of(Limit.frequency("3.4", 10_000, priced))
    assert used(row, [200, 300, 999]) == row.room == Fraction("3.4")
    (row,) = rows_of(Limit.frequency(3, 10_000, 20, ["抖音"]))
    # 600 at 20 for a thousand are 30,000 contacts.
    assert used(row, [600, 0, 999]) == row.room == 3
    with pytest.raises(bo.PlanError, match="prices by channel") as error:
        Limit.frequency(3, 10_000, priced, ["抖音"])
    assert error.value.code == "bad-plan"
    for part in ("at_most", "reach", "cpm"):
        with pytest.raises(bo.PlanError, match=r"limits\.frequency") as error:
            Limit.frequency(**{"at_most": 1, "reach": 1, "cpm": 1} | {part: 0})
        assert error.value.code == "bad-number"


def test_targets_weigh_outcomes_by_value_and_by_rate():
    (roas,) = rows_of(Limit.roas(3))
    assert roas.outcome.tolist() == [2, 1, 1]
    assert used(roas, [1, 1, 1]) == 9
    (cpa,) = rows_of(Limit.cpa(20, {"kind": "search"}))
    assert cpa.outcome.tolist() == [0, 0, 20]
    (leads,) = rows_of(Limit.outcome(5, of="leads"))
    assert leads.outcome.tolist() == [0, 0.5, 0]
    assert leads.room == -5


@pytest.mark.parametrize(
    ("limit", "hint"),
    [
        (Limit.group("g", {"platform": "douyn"}, at_most=1), "did you mean 'douyin'?"),
        (Limit.group("g", {"platfrom": "douyin"}, at_most=1), "did you mean 'platform'?"),
        (Limit.group("g", ["抖"], at_most=1), "抖音"),
        (Limit.linear("g", {"快": 1}, at_most=1), "快手"),
        (Limit.outcome(1, of="lead"), "did you mean 'leads'?"),
    ],
)
def test_a_misspelt_name_in_a_limit_is_refused_with_a_suggestion(limit, hint):
    with pytest.raises(bo.PlanError, match="no") as caught:
        limit.rows(plan_with(), None)
    assert caught.value.code == "unknown-name"
    assert hint in caught.value.remedy


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limit.group("g", {"kind": "feeds"}),
        lambda: Limit.group("g", "feeds", at_most=1),
        lambda: Limit.group("g", {"kind": "feeds"}, at_least=3, at_most=2),
        lambda: Limit.group("g", {}, at_most="101%"),
        lambda: Limit.group("g", {}, at_most=float("nan")),
        lambda: Limit.linear("g", {"抖音": "much"}, at_most=1),
        lambda: Limit.linear("g", {"抖音": True}, at_most=1),
        lambda: Limit.few_moves(-1),
        lambda: Limit.few_moves(1.5),
        lambda: Limit.apart(["抖音"]),
        lambda: Limit.apart(["抖音", "抖音"]),
        lambda: Limit.roas(0),
        lambda: Limit.cpa(-1),
    ],
)
def test_a_limit_out_of_range_is_refused(make):
    with pytest.raises(bo.InputError):
        make()


def test_two_limits_of_one_name_are_refused():
    with pytest.raises(bo.PlanError, match="declared twice"):
        plan_with(Limit.turnover(1), Limit.turnover(2))


SAMPLES = [
    Limit.group("g", {"kind": "feeds"}, at_least="10%", at_most=50, of={"platform": "baidu"}),
    Limit.group("names", ["抖音"], at_most=50),
    Limit.linear("CO2", {"抖音": "0.125"}, at_most="-1.5", unit="t"),
    Limit.turnover(10),
    Limit.few_moves(2),
    Limit.apart(["抖音", "快手"]),
    Limit.at_least_on(1, {"kind": "feeds"}),
    Limit.roas("2.5"),
    Limit.mroas(1),
    Limit.cpa(20, ["百度"]),
    Limit.outcome(100, of="leads"),
    Limit.frequency("2.5", 100_000, {"抖音": 20, "快手": "12.5"}),
]


@pytest.mark.parametrize("limit", SAMPLES, ids=lambda limit: limit.name)
def test_a_limit_comes_back_from_its_data(limit):
    assert limit_from_dict(limit_to_dict(limit)) == limit


def test_every_kind_has_a_sample_and_a_maker():
    assert {type(limit) for limit in SAMPLES} == set(KINDS.values())
    makers = {getattr(Limit, name) for name in dir(Limit) if not name.startswith("_")}
    assert makers == set(KINDS.values())


def test_a_plan_with_limits_comes_back_from_json():
    plan = plan_with(*SAMPLES, goal=bo.Goal("least-spend", 10), value="1.5")
    assert bo.Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ({"kind": "grup", "name": "x"}, "did you mean 'group'?"),
        ({"kind": "group", "name": "x", "at_mots": 1}, "did you mean 'at_most'?"),
        ({"kind": "turnover"}, "at_most"),
        ({"name": "x"}, "group"),
    ],
)
def test_a_misspelt_limit_in_a_file_is_refused_with_a_suggestion(data, hint):
    with pytest.raises(bo.PlanError) as caught:
        limit_from_dict(data)
    assert hint in caught.value.remedy


@pytest.mark.parametrize("limit", SAMPLES, ids=lambda limit: limit.name)
def test_a_limit_without_a_part_that_it_needs_names_it_in_both_languages(limit):
    kind = limit_to_dict(limit)["kind"]
    maker = KINDS[kind]
    for part in inspect.signature(maker).parameters.values():
        if part.default is inspect.Parameter.empty:
            rest = {name: v for name, v in limit_to_dict(limit).items() if name != part.name}
            with pytest.raises(bo.PlanError) as caught:
                limit_from_dict(rest)
            assert caught.value.remedy == f"add {part.name}"
            assert caught.value.field == f"limits.{part.name}"
            words = f"{kind} 限制没有 {part.name!r}：请补上 {part.name}"
            assert caught.value.explain("zh") == words


@pytest.mark.parametrize(
    ("part", "given"),
    [
        ("reach", {"reach": 0}),
        ("reach", {"reach": -5}),
        ("at_most", {"at_most": "many"}),
        ("cpm", {"cpm": [25]}),
        ("cpm.百度", {"cpm": {"抖音": 25, "百度": 0}}),
    ],
)
def test_a_wrong_number_of_a_limit_is_named_by_its_part(part, given):
    with pytest.raises(bo.InputError) as caught:
        Limit.frequency(**{"at_most": 3, "reach": 200_000, "cpm": 25} | given)
    assert caught.value.field == f"limits.frequency.{part}"
    assert "limit 'frequency'" not in caught.value.explain("zh")


def test_a_limit_of_ones_own_class_is_kept_named_and_priced():
    class Paper:
        """At most 5 between the first two, written outside the library."""

        name = "paper"

        def rows(self, plan, last):
            from budgetopt.plan import Row

            return (Row(self.name, np.array([1, 1, 0]), Fraction(5), sentence="paper at most 5"),)

    plan = plan_with(Paper())
    curve = bo.Log(10, 10)
    week = bo.allocate(plan, dict.fromkeys(plan.names, curve))
    assert week.spend["抖音"] + week.spend["快手"] <= 5
    assert week.prices["paper"] > 0
    with pytest.raises(bo.PlanError, match="custom Python class"):
        plan.to_json()


def test_a_learning_minimum_is_off_or_the_money_of_its_conversions():
    curve = bo.Hill(100, 500, 2)
    channels = [
        bo.Channel("a", curve=curve, learning={"conversions": 50, "cpa": "30.01"}),
        bo.Channel("b", curve=bo.Log(10, 100)),
    ]
    assert channels[0].least_on == bo.plan.LearningMinimum(50, "30.01").money
    for budget in (1500, 1501):
        plan = bo.Plan(budget=budget, currency="CNY", channels=channels)
        week = bo.allocate(plan)
        assert week.spend["a"] == 0 or week.spend["a"] >= bo.plan.LearningMinimum(50, "30.01").money
        assert (week.spend["a"] > 0) == (budget == 1501)
        assert bo.Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("given", [{"conversions": 50}, {"conversion": 50, "cpa": 3}, 50])
def test_half_a_learning_minimum_is_refused(given):
    with pytest.raises(bo.PlanError, match="learning"):
        bo.Channel("a", learning=given)


@pytest.mark.parametrize(
    "limit",
    [
        Limit.group("none", [], at_most=3),
        Limit.group("none", ["抖音"], at_most="40%", of=[]),
        Limit.linear("none", {}, at_most=3),
        Limit.roas(2, [], name="none"),
        Limit.at_least_on(1, [], name="none"),
        Limit.frequency(3, reach=200_000, cpm={}, name="none"),
    ],
)
def test_a_limit_on_no_channel_is_refused(limit):
    with pytest.raises(bo.PlanError, match=r"'none' is for \[\]") as caught:
        plan_with(limit)
    assert caught.value.code == "bad-plan"
    assert caught.value.field == "limits.none.where"
