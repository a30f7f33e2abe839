"""The bounds of a week: floors, caps, locks, change limits, and what contradicts what."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.money import Currency
from budgetopt.plan import RULES, Bounds, Channel, MaxChange, Plan, bounds_of


def week(*channels, last=None, **fields):
    plan = Plan(**({"budget": 100, "currency": "CNY", "channels": channels} | fields))
    return bounds_of(plan, last)


def told(bounds):
    """Return least, most and their rules by channel, readable."""
    rows = zip(bounds.lower, bounds.upper, bounds.lower_rule, bounds.upper_rule, strict=True)
    return [(int(a), int(b), RULES[c], RULES[d]) for a, b, c, d in rows]


def test_floors_caps_and_locks_become_bounds_with_their_names():
    assert told(week(Channel("a"), Channel("b", floor=10, cap=30), Channel("c", locked=5))) == [
        (0, 10_000, "", ""),
        (1000, 3000, "floor", "cap"),
        (500, 500, "lock", "lock"),
    ]


def test_a_cap_above_the_budget_and_a_floor_of_zero_stay_what_was_said():
    assert told(week(Channel("a", floor=0, cap=500))) == [(0, 50_000, "", "cap")]


def test_without_a_last_week_no_change_limit_binds():
    assert told(week(Channel("a"), max_change=0)) == [(0, 10_000, "", "")]


@pytest.mark.parametrize(
    ("rule", "last", "expected"),
    [
        ("30%", 50, (3500, 6500, "max change", "max change")),
        ("30%", "33.33", (2334, 4332, "max change", "max change")),  # 9.999 down to 9.99
        (MaxChange(money=10), 50, (4000, 6000, "max change", "max change")),
        (MaxChange(share="30%", money=10), 50, (4000, 6000, "max change", "max change")),
        (MaxChange(share="10%", money=10), 50, (4500, 5500, "max change", "max change")),
        (MaxChange(money=60), 50, (0, 10_000, "", "")),
        (MaxChange(money=49), 50, (100, 9900, "max change", "max change")),
        ("30%", 0, (0, 1500, "", "max change")),  # of the equal share, 50
        (MaxChange(share="30%", from_zero=7), 0, (0, 700, "", "max change")),
        (0, 50, (5000, 5000, "max change", "max change")),
        ("none", 50, (0, 10_000, "", "")),
    ],
)
def test_change_limits_by_hand(rule, last, expected):
    bounds = week(Channel("a", max_change=rule), Channel("b"), last={"a": last})
    assert told(bounds)[0] == expected


def test_a_channel_missing_from_the_last_week_starts_from_zero():
    assert told(week(Channel("a"), Channel("b"), last={"a": 50}))[1] == (0, 1500, "", "max change")
    assert told(week(Channel("a"), Channel("b"), last={})) == [(0, 1500, "", "max change")] * 2


def test_a_channels_own_rule_stands_in_place_of_the_plans():
    bounds = week(Channel("a", max_change=0.1), Channel("b"), last={"a": 50, "b": 50})
    assert [row[:2] for row in told(bounds)] == [(4500, 5500), (3500, 6500)]


def test_a_locked_channel_is_not_held_by_its_change_limit():
    bounds = week(Channel("a", locked=90, max_change=0), last={"a": 10})
    assert told(bounds) == [(9000, 9000, "lock", "lock")]


def test_the_tighter_of_two_limits_gives_the_bound_its_name():
    bounds = week(Channel("a", floor=40, cap=60), last={"a": 50}, max_change=0.3)
    assert told(bounds) == [(4000, 6000, "floor", "cap")]
    bounds = week(Channel("a", floor=30, cap=70), last={"a": 50}, max_change=0.3)
    assert told(bounds) == [(3500, 6500, "max change", "max change")]
    bounds = week(Channel("a", floor=35, cap=65), last={"a": 50}, max_change=0.3)
    assert told(bounds) == [(3500, 6500, "floor", "cap")]


def test_a_floor_just_within_reach_of_the_change_limit_passes_and_a_cent_more_is_refused():
    assert told(week(Channel("a", floor=65), last={"a": 50}))[0][:2] == (6500, 6500)
    with pytest.raises(bo.InfeasibleError) as caught:
        week(Channel("a", floor="65.01"), last={"a": 50})
    assert caught.value.code == "bounds-clash"
    assert str(caught.value).startswith(
        "floor of 'a' is 65.01, but its change limit (30 %) leaves at most 65 this week"
    )


def test_a_cap_just_within_reach_of_the_change_limit_passes_and_a_cent_less_is_refused():
    assert told(week(Channel("a", cap=35), last={"a": 50}))[0][:2] == (3500, 3500)
    with pytest.raises(bo.InfeasibleError, match=r"cap of 'a' is 34\.99.*leaves at least 35"):
        week(Channel("a", cap="34.99"), last={"a": 50})


def test_a_change_limit_that_keeps_more_than_the_budget_blames_no_cap():
    # The budget fell from 200 to 100; 30 % down from 200 is 140. There is no cap to blame.
    plan = Plan(budget=100, currency="CNY", channels=[Channel("a", curve=bo.Log(1, 1))])
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan, last={"a": 200})
    assert caught.value.code == "floors-above-budget"
    assert "max change of 'a' (140 to 260)" in str(caught.value)
    assert "40 above the budget of 100" in str(caught.value)
    assert bo.allocate(plan, last={"a": "142.85"}).spend["a"] == 100


def test_bounds_are_drawn_in_to_whole_steps_and_locks_stay():
    channels = (Channel("a", floor="10.01", cap="29.99"), Channel("b", locked="7.77"), Channel("c"))
    bounds = week(*channels, budget="105.55")
    drawn = bounds.on_lots(np.full(3, 1000), ("a", "b", "c"), Currency("CNY"))
    assert [row[:2] for row in told(drawn)] == [(2000, 2000), (777, 777), (0, 10_000)]


def test_bounds_without_a_step_between_them_are_refused_by_name():
    bounds = week(Channel("a", floor="10.01", cap="19.99"))
    with pytest.raises(bo.InfeasibleError, match=r"step 10 lies between 10\.01 and 19\.99.*'a'"):
        bounds.on_lots(np.full(1, 1000), ("a",), Currency("CNY"))


def test_bounds_compare_by_value():
    assert week(Channel("a", cap=5)) == week(Channel("b", cap=5))
    assert week(Channel("a", cap=5)) != week(Channel("a", floor=5, cap=5))
    assert hash(week(Channel("a", cap=5))) == hash(week(Channel("b", cap=5)))
    assert (week(Channel("a")) == 5) is False
    assert isinstance(week(Channel("a")), Bounds)


money = st.integers(0, 10**9).map(lambda minor: Decimal(minor).scaleb(-2))


@given(
    st.decimals(0, 10, places=4),
    st.none() | money,
    st.lists(money, min_size=1, max_size=5),
    money,
)
def test_no_bound_lets_a_spend_pass_its_change_limit_and_a_unit_more_would(share, most, last, cash):
    names = [f"c{i}" for i in range(len(last))]
    plan = Plan(
        budget=cash,
        currency="CNY",
        channels=map(Channel, names),
        max_change=MaxChange(share=share, money=most),
    )
    bounds = bounds_of(plan, dict(zip(names, last, strict=True)))
    equal = plan.spendable_minor // len(names)
    for at, before in enumerate(int(x * 100) for x in last):
        room = Fraction(share) * (before or equal)
        room = room if most is None else min(room, Fraction(most) * 100)
        assert before - bounds.lower[at] <= room
        assert bounds.upper[at] - before <= room
        assert bounds.lower[at] == 0 or before - bounds.lower[at] + 1 > room
        assert bounds.lower[at] <= bounds.upper[at]
    assert np.all(bounds.lower >= 0)
