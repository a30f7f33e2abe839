"""Who pays for an overspend: by hand, sums exact, and the least loss against a linear program."""

import datetime as dt
import decimal
import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from budgetopt.calendar import Week
from budgetopt.errors import InputError
from budgetopt.plan import Channel, Plan, Reserve
from budgetopt.workflow.pacing import pace
from budgetopt.workflow.reserves import (
    Answered,
    Movement,
    Source,
    answer_overspend,
    answer_owed,
    balances,
    releases_due,
)

MONDAY = dt.date(2026, 11, 16)
FRIDAY = dt.date(2026, 11, 20)
NEXT = dt.date(2026, 11, 23)
PLAN = Plan(
    budget=2100,
    currency="CNY",
    channels=[Channel("a"), Channel("b", floor=500), Channel("c"), Channel("d", locked=70)],
)
SPLIT = {"a": 700, "b": 700, "c": 630, "d": 70}
MARGINAL = {"a": 3.0, "b": 1.0, "c": 2.0, "d": 0.1}


def week_of(spent, days=4, today=FRIDAY):
    seen = {Week(MONDAY, days): spent}
    return pace(PLAN, {MONDAY: SPLIT}, seen, today, week=MONDAY).week


def sources(answered):
    return [(s.payer, s.channel, s.amount) for s in answered.sources]


# a: 500 of 400 due, 875 projected, 175 over; c leaves 630 - 560 = 70; b and d are on pace.
AHEAD = {"a": 500, "b": 400, "c": 320, "d": 40}


def test_what_others_leave_pays_first_then_the_reserve():
    found = answer_overspend(PLAN, week_of(AHEAD), "reserve", balance=1000)
    assert found.over == (("a", Decimal(175)),)
    assert sources(found) == [("left-over", "c", 70), ("reserve", "", 105)]
    assert found.uncovered == 0
    short = answer_overspend(PLAN, week_of(AHEAD), "reserve", balance=100)
    assert sources(short)[-1] == ("reserve", "", 100)
    assert short.uncovered == 5
    assert "5 is not covered" in short.sentence()


def test_next_week_pays_down_to_what_it_must_have():
    """Its change limits too: 700 of a may fall to 490, 700 of b to 600, and nothing of c."""
    least = {"a": 490, "b": 600, "c": 630}
    much = week_of({"a": 2000, "b": 700, "c": 630, "d": 70}, days=7, today=NEXT)
    found = answer_overspend(PLAN, much, "weakest", marginal=MARGINAL, next_week=SPLIT, least=least)
    assert sources(found) == [("next-week", "b", 100), ("next-week", "a", 210)]
    assert found.uncovered == 1300 - 310
    own = answer_overspend(PLAN, much, "stop", next_week=SPLIT, least=least)
    assert sources(own) == [("next-week", "a", 210)]
    # A floor stays a floor.
    free = answer_overspend(
        PLAN, much, "weakest", marginal=MARGINAL, next_week=SPLIT, least={"b": 100}
    )
    assert sources(free)[0] == ("next-week", "b", 200)


def test_a_programs_own_decimal_context_changes_nothing():
    plan = Plan(
        budget="123456.78",
        currency="CNY",
        channels=[Channel("a"), Channel("b")],
        reserve=Reserve("10%"),
        operation={"releases": [{"when": "pace", "share": "50%", "pace": 0.4}]},
    )
    planned = {MONDAY: {"a": "61728.39", "b": "49382.71"}}
    spent = {Week(MONDAY): {"a": "71728.44", "b": "49000.01"}}
    little = {Week(MONDAY): {"a": "1728.44", "b": "9000.01"}}

    def facts():
        found = pace(plan, planned, spent, MONDAY + dt.timedelta(days=6))
        behind = pace(plan, planned, little, MONDAY + dt.timedelta(days=6))
        there = balances(plan, [MONDAY], [Movement(MONDAY, "release", Decimal("123.45"))])
        answered = answer_overspend(plan, found.week, balance=there.contingency.balance)
        due = [one.to_dict() for one in releases_due(plan, there, behind)]
        return found.to_dict(), there.to_dict(), answered.to_dict(), answered.sentence(), due

    usual = facts()
    assert len(usual[-1]) == 1
    with decimal.localcontext(decimal.Context(prec=4)):
        assert facts() == usual


def test_the_weakest_pay_down_to_their_floors():
    found = answer_overspend(PLAN, week_of(AHEAD), "weakest", marginal=MARGINAL)
    # d is locked; b has 300 to come and 700 - 500 above its floor; that is enough.
    assert sources(found) == [("left-over", "c", 70), ("this-week", "b", 105)]
    # 1,000 of a went in four days: 1,750 projected, 1,050 over.
    much = answer_overspend(
        PLAN, week_of(AHEAD | {"a": 1000}), "weakest", marginal=MARGINAL, next_week=SPLIT
    )
    assert sources(much) == [
        ("left-over", "c", 70),
        ("this-week", "b", 200),
        ("this-week", "c", 240),
        ("this-week", "a", 540),
    ]
    assert much.uncovered == 0


def test_when_the_week_is_over_the_next_one_pays():
    spent = {"a": 1000, "b": 700, "c": 620, "d": 70}
    over = week_of(spent, 7, NEXT)
    found = answer_overspend(PLAN, over, "weakest", marginal=MARGINAL, next_week=SPLIT)
    assert sources(found) == [
        ("left-over", "c", 10),
        ("next-week", "b", 200),
        ("next-week", "c", 90),
    ]
    stop = answer_overspend(PLAN, over, "stop", next_week={"a": 100})
    assert sources(stop) == [("next-week", "a", 100), ("left-over", "c", 10)]
    assert stop.uncovered == 190


def test_stop_leaves_a_channel_what_is_left_of_its_plan():
    spent = {"a": 500, "b": 400, "c": 360, "d": 40}
    found = answer_overspend(PLAN, week_of(spent), "stop")
    # 375 are to come and 175 over: it gets the 200 that are left of its plan.
    assert sources(found) == [("this-week", "a", 175)]
    gone = answer_overspend(PLAN, week_of(spent | {"a": 800}), "stop", next_week=SPLIT)
    # What others leave does not let it go on.
    assert sources(answer_overspend(PLAN, week_of(spent | {"c": 320}), "stop")) == sources(found)
    # 1,400 projected: nothing more this week saves 600, the 100 beyond the plan are next week's.
    assert sources(gone) == [("this-week", "a", 600), ("next-week", "a", 100)]


def test_within_the_band_nothing_is_over_until_the_week_is():
    spent = {"a": 404, "b": 400, "c": 360, "d": 40}  # 707 of 700 projected
    assert answer_overspend(PLAN, week_of(spent)).over == ()
    done = {"a": 707, "b": 700, "c": 630, "d": 70}
    found = answer_overspend(PLAN, week_of(done, 7, NEXT), balance=1000)
    assert found.over == (("a", Decimal(7)),)
    assert found.rule == "reserve"
    assert found.movement(NEXT).amount == 7
    assert answer_overspend(PLAN, week_of(spent)).sentence().code == "no-overspend"
    assert answer_overspend(PLAN, week_of(spent)).movement(NEXT) is None


def test_the_sentence_says_every_source():
    found = answer_overspend(PLAN, week_of(AHEAD), "reserve", balance=1000)
    assert str(found.sentence()) == (
        "overspend of 175 in the week of 2026-11-16 (175 in a) is covered by 70 that c leaves "
        "unspent, 105 of contingency"
    )
    nobody = answer_overspend(PLAN, week_of(AHEAD | {"c": 360}), "reserve")
    assert str(nobody.sentence()) == (
        "overspend of 175 in the week of 2026-11-16 (175 in a) is not covered"
    )


def test_what_does_not_add_up_is_refused():
    source = Source("reserve", "", Decimal(4))
    with pytest.raises(InputError, match="add up"):
        Answered(MONDAY, "reserve", (("a", Decimal(5)),), (source,), Decimal(2))
    with pytest.raises(InputError, match="did you mean 'reserve'"):
        answer_overspend(PLAN, week_of(AHEAD), "reserv")
    with pytest.raises(InputError, match="marginal"):
        answer_overspend(PLAN, week_of(AHEAD), "weakest")


def test_it_is_plain_data():
    found = answer_overspend(PLAN, week_of(AHEAD), "reserve", balance=1000)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["over"] == {"a": "175.00"}
    assert data["sources"][1] == {"payer": "reserve", "channel": "", "amount": "105.00"}


cents = st.decimals(0, 2000, places=2)


@settings(max_examples=60)
@given(
    spent=st.fixed_dictionaries(dict.fromkeys("abcd", cents)),
    balance=cents,
    rule=st.sampled_from(["reserve", "weakest", "stop"]),
    days=st.integers(1, 7),
    next_week=st.fixed_dictionaries(dict.fromkeys("abcd", cents)),
)
def test_every_unit_has_one_source(spent, balance, rule, days, next_week):
    week = week_of(spent, days, MONDAY + dt.timedelta(days=days))
    found = answer_overspend(
        PLAN, week, rule, balance=balance, marginal=MARGINAL, next_week=next_week
    )
    assert found.total == sum(s.amount for s in found.sources) + found.uncovered
    assert found.paid("reserve") <= balance
    assert all(s.amount > 0 for s in found.sources)
    for at, line in enumerate(week.lines):
        mine = {s.payer: s.amount for s in found.sources if s.channel == line.channel}
        floor = PLAN.channels[at].floor
        assert mine.get("this-week", 0) <= line.to_come
        if "this-week" in mine:
            assert line.projection - mine["this-week"] >= floor
        if "next-week" in mine:
            assert next_week[line.channel] - mine["next-week"] >= floor
        if line.channel == "d":
            assert set(mine) <= {"left-over"}


@settings(max_examples=40)
@given(
    worth=st.lists(st.floats(0.1, 9), min_size=4, max_size=4),
    spent=st.integers(701, 1500),
    next_week=st.lists(st.integers(0, 900), min_size=4, max_size=4),
)
def test_the_weakest_first_loses_least(worth, spent, next_week):
    """The greedy answer is the least of a linear program over what next week can give."""
    names = PLAN.names
    week = week_of({"a": spent, "b": 700, "c": 630, "d": 70}, 7, NEXT)
    given = dict(zip(names, next_week, strict=True))
    marginal = dict(zip(names, worth, strict=True))
    found = answer_overspend(PLAN, week, "weakest", marginal=marginal, next_week=given)
    room = [given["a"], max(given["b"] - 500, 0), given["c"], 0]
    paid = float(found.paid("next-week"))
    assert paid == min(spent - 700, sum(room))
    best = linprog(worth, A_eq=np.ones((1, 4)), b_eq=[paid], bounds=[(0, r) for r in room])
    loss = sum(marginal[s.channel] * float(s.amount) for s in found.sources)
    assert loss == pytest.approx(best.fun, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(
    spent=st.lists(st.integers(600, 900), min_size=4, max_size=4),
    given_next=st.lists(st.integers(0, 900), min_size=4, max_size=4),
    order=st.permutations(range(4)),
    rule=st.sampled_from(("reserve", "weakest", "stop")),
)
def test_what_is_owed_adds_up_in_any_order_of_the_channels(spent, given_next, order, rule):
    """A channel that is over itself may pay for others too, and a ledger sorts the names."""
    names = PLAN.names
    answered = answer_overspend(
        PLAN,
        week_of(dict(zip(names, spent, strict=True)), 7, NEXT),
        rule,
        balance=5,
        marginal={name: 1.0 + at for at, name in enumerate(names)},
        next_week=dict(zip(names, given_next, strict=True)),
    )
    over = sorted(answered.over, key=lambda pair: order[names.index(pair[0])])
    owed = replace(answered, over=tuple(over)).owed
    assert sum(owed.values()) == answered.uncovered
    assert all(0 < money <= dict(over)[name] for name, money in owed.items())
    assert replace(answered, over=tuple(over)).carried().total == answered.uncovered


def test_what_is_owed_is_that_of_the_channels_that_overspent():
    over = {"a": 900, "b": 400, "c": 0, "d": 100}
    own = answer_overspend(PLAN, week_of(over, 7, NEXT), "stop", next_week=SPLIT)
    for answered in (own, answer_overspend(PLAN, week_of(over, 7, NEXT), balance=3)):
        assert sum(answered.owed.values()) == answered.uncovered
        assert set(answered.owed) <= set(dict(answered.over))
        assert Answered.from_dict(json.loads(json.dumps(answered.to_dict()))) == answered
        less = answered.without("next-week").without("reserve")
        assert less.uncovered == less.total - less.paid("left-over")
        later = answer_owed(PLAN, answered, "reserve", balance="0.5")
        assert (later.total, later.paid("reserve")) == (
            answered.uncovered,
            min(answered.uncovered, Decimal("0.5")),
        )
        none = answer_owed(PLAN, later, "weakest", marginal={})
        assert (none.sources, none.uncovered, none.later) == ((), later.uncovered, True)
