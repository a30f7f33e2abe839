"""The last check of an answer reads what was declared, not the rows that engines were given."""

from __future__ import annotations

import ast
import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Log
from budgetopt.errors import InfeasibleError, SolverError, VerificationError
from budgetopt.optimize import check as declared
from budgetopt.optimize.check import Split
from budgetopt.plan import Bounds, Goal, LearningMinimum, Limit, Reserve
from budgetopt.plan.limits import KINDS, MroasFloor

from .all_limits import broken, minors, plan_of, random_week

LAST = {"a": 400, "b": 300, "c": 200}
SPEND = {"a": "400.00", "b": "300.00", "c": "200.00"}


def plan_with(*limits, a=None, **fields):
    """Return a plan that the spends 400, 300 and 200 keep, with what is to be broken."""
    given = {"labels": {"k": "x"}, "rates": {"leads": "0.5"}} | (a or {})
    channels = [bo.Channel("a", curve=Log(300, 100), **given)]
    channels += [bo.Channel(name, curve=Log(200, 100), labels={"k": "y"}) for name in "bc"]
    return bo.Plan(
        **{"budget": 1000, "currency": "CNY", "max_change": "none", "channels": channels} | fields,
        limits=limits,
    )


def found(plan, last=LAST, **changes):
    """Return what the declared check says of a split."""
    spend = {name: Decimal(changes.get(name, money)) for name, money in SPEND.items()}
    outcomes = {c.name: float(c.curve.value(float(spend[c.name]))) for c in plan.channels}
    before = {} if last is None else {name: Decimal(money) for name, money in last.items()}
    return [error.problem for error in Split(plan, spend, before, outcomes).violations()]


BREAKS = [
    (plan_with(), {"a": "500.01"}, "the total"),
    (plan_with(reserve=Reserve("9.999%")), {"a": "400.02"}, "the total"),
    (plan_with(budget=900, spend="all"), {"a": "399.99"}, "the total"),
    (plan_with(goal=Goal.least_spend(979.5)), {"a": "399"}, "the outcome"),
    (plan_with(a={"floor": 400}), {"a": "399.99"}, "'a'"),
    (plan_with(a={"cap": 400}), {"a": "400.01"}, "'a'"),
    (plan_with(a={"locked": 400}), {"a": "400.01"}, "'a'"),
    (plan_with(a={"max_change": 0.1}), {"a": "440.01"}, "'a'"),
    (plan_with(max_change={"money": 40}), {"a": "359.99"}, "'a'"),
    (plan_with(max_change={"share": 9, "money": 99}), {"a": "300.99"}, "'a'"),
    (plan_with(a={"off_or_at_least": 350}), {"a": "349.99"}, "'a'"),
    (plan_with(a={"learning": LearningMinimum(35, 10)}), {"a": "349.99"}, "'a'"),
    (plan_with(a={"lot": 40}), {"a": "399"}, "'a'"),
    (plan_with(step=10), {"c": "199"}, "'c'"),
    (plan_with(), {"a": "400.001"}, "'a'"),
    (plan_with(Limit.group("g", {"k": "y"}, at_most=500)), {"b": "300.01"}, "'g'"),
    (plan_with(Limit.group("g", {"k": "y"}, at_least=500)), {"b": "299.99"}, "'g'"),
    (plan_with(Limit.group("g", ["a"], at_most="400/9%")), {"a": "400.01"}, "'g'"),
    (plan_with(Limit.group("g", ["c"], at_least="200/3%", of=["b"])), {"b": "300.01"}, "'g'"),
    (plan_with(Limit.linear("g", {"a": 1 / 3, "b": "1/7"}, 176.1905)), {"a": "400.01"}, "'g'"),
    (plan_with(Limit.linear("g", {"a": 1, "b": -1}, at_least=100)), {"a": "399.99"}, "'g'"),
    (plan_with(Limit.linear("g", {"a": 1, "b": -1}, equal=100)), {"b": "299.99"}, "'g'"),
    (plan_with(Limit.turnover("0.5")), {"a": "400.51"}, "'turnover'"),
    (plan_with(Limit.few_moves(1)), {"a": "400.01", "b": "299.99"}, "'few moves'"),
    (plan_with(Limit.apart(["a", "b"], name="g"), a={"floor": 0}), {}, "'g'"),
    (plan_with(Limit.at_least_on(3)), {"b": "0"}, "'at least on'"),
    (plan_with(Limit.roas("1.05")), {"b": "600", "a": "0"}, "'ROAS'"),
    (plan_with(Limit.cpa("0.95")), {"a": "0", "b": "700"}, "'CPA'"),
    (plan_with(Limit.outcome(240, of="leads")), {"a": "350"}, "'outcome'"),
    # 500 at 25 for a thousand are 20,000 contacts, 2 with each of 10,000 people.
    (plan_with(Limit.frequency(2, 10_000, 25, {"k": "y"})), {"b": "300.01"}, "'frequency'"),
    (plan_with(Limit.frequency("8/3", 1e4, {"a": 30, "b": 22.5})), {"a": "400.01"}, "'frequency'"),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "change", "named"), BREAKS)
def test_each_declared_limit_is_kept_on_one_side_and_broken_on_the_other(plan, change, named):
    if change:
        assert found(plan) == []
    problems = found(plan, **change)
    assert problems
    assert all(named in problem for problem in problems), problems


def test_every_kind_of_limit_has_a_check_of_its_own():
    assert set(declared._CHECKS) == set(KINDS.values()) - {MroasFloor}
    broken_kinds = {type(limit) for plan, _, _ in BREAKS for limit in plan.limits}
    assert broken_kinds == set(declared._CHECKS)


NEEDS_LAST = {"turnover": Limit.turnover(10), "few moves": Limit.few_moves(0)}
OTHERS = (
    Limit.group("g", ["a"], at_most=900), Limit.linear("l", {"a": 1}, 900), Limit.apart(["b", "c"]),
    Limit.at_least_on(1), Limit.roas("0.1"), Limit.mroas("0.0001"), Limit.cpa(99), Limit.outcome(1),
    Limit.frequency(9, 9_000, 10),
)  # fmt: skip


def test_every_limit_that_needs_a_last_week_is_named_where_there_is_none():
    assert {type(limit) for limit in (*NEEDS_LAST.values(), *OTHERS)} == set(KINDS.values())
    week = bo.allocate(plan_with(*NEEDS_LAST.values(), *OTHERS))
    note = "no last applied week was given, so these limits do not apply: turnover, few moves"
    assert [str(one) for one in week.notes] == [note]
    assert note in week.explain()
    assert "以下限制不起作用" in week.explain("zh")
    assert bo.allocate(plan_with(*NEEDS_LAST.values()), last=LAST).notes == ()
    for limited in (
        {"a": {"max_change": 0.1}},
        {"max_change": "30%"},
        {"max_change": {"money": 1}},
    ):
        notes = [str(one) for one in bo.allocate(plan_with(*OTHERS, **limited)).notes]
        assert notes == ["no last applied week was given, so change limits do not apply"]
    assert bo.allocate(plan_with(a={"max_change": 0.1, "locked": 50})).notes == ()


@pytest.mark.parametrize(("fields", "code"), [
    ({"off_or_at_least": 50, "floor": 1}, "bounds-clash"),
    ({"off_or_at_least": 50, "cap": "49.99"}, "bounds-clash"),
    ({"off_or_at_least": 50, "cap": 50, "floor": 0}, None),
])  # fmt: skip
def test_off_or_at_least_beside_a_floor_or_above_a_cap_is_refused(fields, code):
    if code is None:
        assert bo.allocate(plan_with(a=fields)).spend["a"] in (0, 50)
        return
    with pytest.raises(bo.PlanError) as caught:
        plan_with(a=fields)
    assert caught.value.code == code


def test_a_lock_or_a_stay_may_be_off_the_lot_and_a_move_may_not():
    assert bo.allocate(plan_with(a={"lot": 70, "locked": 33})).spend["a"] == 33
    last = LAST | {"a": 333}
    # Of its lots 350 alone lies within a tenth of 333.
    for more in ({}, {"max_change": "10%"}):
        week = bo.allocate(plan_with(Limit.few_moves(0), a={"lot": 70} | more), last=last)
        assert week.spend["a"] == 333
    moved = bo.allocate(plan_with(a={"lot": 70}), last=last).spend["a"]
    assert moved == 333 or moved % 70 == 0


amounts = st.one_of(
    st.integers(1, 10**9), st.floats(1, 1e9), st.fractions(1, 10**6, max_denominator=10**6),
    st.decimals(1, 10**9, places=7), st.integers(7, 99).map("{}/7".format),
    st.just(1.1 * 100000),
)  # fmt: skip
shares = st.one_of(st.floats(0.01, 99).map("{!r}%".format), st.just("100/3%"), amounts)
signed = st.one_of(amounts, amounts.map(lambda a: -a if not isinstance(a, str) else f"-{a}"))
where = st.sampled_from([None, {}, {"k": "y"}, ["a", "c"], ("b",)])
limits = st.one_of(
    st.builds(Limit.group, st.just("g"), where, at_most=shares, of=st.sampled_from([None, ["a"]])),
    st.builds(Limit.group, st.just("g"), where, at_least=shares),
    st.builds(Limit.linear, st.just("l"), st.dictionaries(
        st.sampled_from("abc"), signed, min_size=1), signed),
    st.builds(Limit.linear, st.just("l"), st.just({"a": 1}), unit=st.just("h"), at_least=signed),
    st.builds(Limit.linear, st.just("l"), st.just({"b": 0.1 + 0.2}), equal=signed),
    st.builds(Limit.turnover, amounts),
    st.builds(Limit.few_moves, st.integers(0, 9)),
    st.builds(Limit.apart, st.sampled_from([["a", "b"], ("a", "b", "c")])),
    st.builds(Limit.at_least_on, st.integers(0, 3), where),
    st.builds(Limit.roas, amounts, where), st.builds(Limit.mroas, amounts, where),
    st.builds(Limit.cpa, amounts, where),
    st.builds(Limit.outcome, amounts, where, of=st.just("leads")),
    st.builds(Limit.frequency, amounts, amounts, amounts, where),
    st.builds(Limit.frequency, amounts, amounts, st.dictionaries(
        st.sampled_from("abc"), amounts, min_size=1)),
)  # fmt: skip


@settings(max_examples=200)
@given(limits, amounts, amounts)
def test_a_plan_with_any_limit_comes_back_from_json_equal(limit, most, change):
    plan = plan_with(limit, a={"cap": most, "max_change": {"money": change, "share": "100/3%"}})
    again = bo.Plan.from_json(plan.to_json())
    assert again == plan
    assert bo.Plan.from_json(again.to_json()) == again


def test_the_check_shares_nothing_with_what_makes_an_answer():
    tree = ast.parse(Path(declared.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if name.startswith("budgetopt")} == {
        "budgetopt.errors",
        "budgetopt.i18n",
        "budgetopt.plan",
    }
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"rows", "minor", "minor_bounds", "spendable_minor", "lots_minor", "room"}
    assert not any("numpy" in (alias.name or "") for node in ast.walk(tree)
                   if isinstance(node, ast.Import) for alias in node.names)  # fmt: skip


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_it_agrees_with_a_second_reading_of_the_limits_on_any_split(seed):
    rng = random.Random(seed)
    week = random_week(rng, small=rng.random() < 0.5)
    plan = plan_of(week)
    last = (
        {} if week.last is None else dict(zip(week.names, map(week.money, week.last), strict=True))
    )
    try:
        answer = bo.allocate(plan, last=last if last else None, time_limit=2)
        base = minors(week, answer)
    except (InfeasibleError, SolverError):
        base = [line.lock or line.floor for line in week.lines]
    for _ in range(30):
        spend = list(base)
        for at in rng.sample(range(len(spend)), rng.randint(0, min(3, len(spend)))):
            lot = week.lines[at].lot or week.step
            spend[at] = max(0, spend[at] + rng.choice([-lot, -1, 1, lot, -spend[at], 3 * lot]))
        money = dict(zip(week.names, map(week.money, spend), strict=True))
        outcomes = dict(zip(week.names, week.outcomes(spend), strict=True))
        errors = list(Split(plan, money, last, outcomes).violations())
        expected = [name for name in broken(week, spend) if name != "mroas"]
        assert bool(errors) == bool(expected), (spend, errors, expected)


def loosened(rules):
    """Return rules that let every split through: what an engine's mistake would look like."""
    wide = Bounds(0 * rules.bounds.lower, 0 * rules.bounds.upper + 10**9,
                  rules.bounds.lower_rule, rules.bounds.upper_rule)  # fmt: skip
    return replace(rules, bounds=wide, rows=(), budget=10**9, least_on=0 * rules.least_on,
                   lots=np.ones_like(rules.lots))  # fmt: skip


def test_wrong_rows_cannot_let_an_answer_through():
    plan = plan_with(Limit.linear("spots", {"a": 1 / 290, "b": 1 / 380}, 2), a={"cap": 300})
    week = bo.allocate(plan)
    loose = replace(week, rules=loosened(week.rules))
    for name, more in (("a", "0.02"), ("b", "0.02"), ("c", "500")):
        spend = dict(week.spend) | {name: week.spend[name] + Decimal(more)}
        with pytest.raises(VerificationError) as caught:
            replace(loose, spend=spend)
        assert caught.value.code == "broken-limit"


def test_nor_after_its_json_was_changed():
    week = bo.allocate(plan_with(Limit.group("g", ["a"], at_most=200)))
    assert bo.Allocation.from_dict(json.loads(week.to_json())) == week
    data = json.loads(week.to_json())
    data["rules"] = loosened(week.rules).to_dict()
    bo.Allocation.from_dict(data)
    for name, more in (("a", "0.01"), ("b", "-0.01")):
        data["spend"][name] = str(week.spend[name] + Decimal(more))
    with pytest.raises(VerificationError, match="against the limit 'g'"):
        bo.Allocation.from_dict(data)


def test_a_limit_of_ones_own_is_held_by_its_rows_after_json_too():
    class Own:
        name = "own"

        def rows(self, plan, last):
            return Limit.group("own", ["a"], at_most=200).rows(plan, last)

    week = bo.allocate(plan_with(Own()))
    data = json.loads(week.to_json())
    assert bo.Allocation.from_dict(data) == week
    data["spend"]["a"] = "200.01"
    with pytest.raises(VerificationError):
        bo.Allocation.from_dict(data)


@given(st.integers(1, 9), st.integers(100, 100_000), st.integers(1_000, 9_999), st.data())
def test_one_price_of_contacts_is_a_most_of_money(times, reach, cents, data):
    """Spread over as many people at one price, so many contacts are so much money."""
    group = data.draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]]))
    cpm = Decimal(cents) / 100
    money = times * reach * cpm / 1000
    of_people = bo.allocate(plan_with(Limit.frequency(times, reach, cpm, group)))
    of_money = bo.allocate(plan_with(Limit.group("g", group, at_most=money)))
    # Channels that are alike may change places.
    assert of_people.outcome == pytest.approx(of_money.outcome, rel=1e-7)
    assert sum(of_people.spend[name] for name in group) <= money
    each = of_people.prices.get("frequency", 0.0) * times
    assert each == pytest.approx(of_money.prices.get("g", 0.0) * float(money), rel=1e-4, abs=1e-6)


def test_a_contact_more_is_worth_its_price_and_clashes_are_told_in_contacts():
    def week(times, **a):
        return bo.allocate(plan_with(Limit.frequency(times, 1_000, {"a": 50, "b": 80}), a=a))

    tight = week(3)
    per_contact = (week("3.01").outcome - week("2.99").outcome) / 0.02
    assert tight.prices["frequency"] == pytest.approx(per_contact, rel=1e-2)
    contacts = sum(float(tight.spend[n]) * 1000 / c for n, c in (("a", 50), ("b", 80))) / 1_000
    assert contacts == pytest.approx(3, abs=1e-3)
    assert "relaxing it by one is worth" in tight.explain()
    with pytest.raises(bo.InfeasibleError, match="loosen 'frequency' by 1 contacts with each"):
        week(3, floor=200)
    sentence = "frequency（a、b 触达 1,000 人，平均每人至多 3 次）"
    assert sentence in tight.explain("zh")
