"""Clashes made by hand with their names and amounts; random ones against all splits there are."""

import itertools
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Hill, Log, stack
from budgetopt.money import Currency
from budgetopt.optimize.conflict import explain_infeasible, find_clash
from budgetopt.optimize.conflict.reach import Part, limits_of
from budgetopt.optimize.problem import Problem
from budgetopt.plan import Bounds, Channel, Plan, Row
from budgetopt.plan.bounds import CAP, CHANGE, FLOOR, FREE, LOCKED
from budgetopt.plan.limits import Limit

YEN = Currency("JPY")


def problem(
    budget, *channels, step=1, spend_all=False, limits=(), last=None, curves=None, money=YEN
):
    """Return a problem from (floor, cap) pairs or dicts, without the checks of `problem_of`."""
    given = [
        c if isinstance(c, dict) else dict(zip(("floor", "cap"), c, strict=False)) for c in channels
    ]
    names = tuple("abcdefgh"[: len(given)])
    labels = [{"k": c.get("group", "x")} for c in given]
    plan = Plan(
        budget=10**6, currency=money.code, max_change="none",
        channels=[Channel(n, labels=at) for n, at in zip(names, labels, strict=True)],
    )  # fmt: skip
    before = None if last is None else np.array(last, dtype=np.int64)
    rows = tuple(row for limit in limits for row in limit.rows(plan, before))
    whole = [
        np.array(values, dtype=np.int64)
        for values in zip(*(_channel(c, budget, step) for c in given), strict=True)
    ]
    lower, upper, least_on, lots, low_rule, high_rule = whole
    size = len(given)
    return Problem(
        names=names, money=money, step=step, budget=budget, spend_all=spend_all,
        bounds=Bounds(lower, upper, low_rule.astype(np.int8), high_rule.astype(np.int8)),
        curves=curves or stack([Log(10.0, 30.0)] * size), weight=np.ones(size),
        cost=np.zeros(size), least_on=least_on, lots=lots, limits=rows, last=before,
    )  # fmt: skip


def _channel(given, budget, step):
    floor, cap, lock = given.get("floor") or 0, given.get("cap"), given.get("lock")
    if lock is not None:
        return lock, lock, 0, given.get("lot", step), LOCKED, LOCKED
    low_rule, high_rule = FLOOR if floor else FREE, FREE if cap is None else CAP
    if given.get("change"):
        low_rule, high_rule = CHANGE, CHANGE
    free = max(budget // step * step, floor)
    return (
        floor,
        free if cap is None else cap,
        given.get("on", 0),
        given.get("lot", step),
        low_rule,
        high_rule,
    )


def changed(given, part, by):
    """Return a problem with one limit moved, written apart from the library's own way."""
    bounds = given.bounds
    if part.kind == "row":
        rows = given.all_rows
        if part.at == 0:
            return replace(given, budget=given.budget + int(by * given.money.units))
        row = replace(rows[part.at], room=rows[part.at].room + by)
        if given.spend_all and part.at == 1:
            return replace(given, spend_all=False, limits=(row, *given.limits))
        limits = tuple(row if old is rows[part.at] else old for old in given.limits)
        return replace(given, limits=limits)
    if part.kind == "minimum":
        least = given.least_on.copy()
        least[part.at] -= int(by)
        return replace(given, least_on=least)
    lower, upper = bounds.lower.copy(), bounds.upper.copy()
    lower[part.at] -= int(by) * (part.kind == "lower")
    upper[part.at] += int(by) * (part.kind == "upper")
    return replace(given, bounds=replace(bounds, lower=lower, upper=upper))


def row(at):
    return Part("row", at)


X_CAP = Limit.group("x cap", {"k": "x"}, at_most=80)
X_FLOOR = Limit.group("x floor", {"k": "x"}, at_least=80)
Y = {"group": "y"}
CASES = {
    "floors above the budget": (
        problem(100, (60,), (50,), (1,)),
        ["the budget 100", "floor of 'a' 60", "floor of 'b' 50"],
        (Part("lower", 0), 11, "lower the floor of 'a' by 11, to 49"),
    ),
    "caps below a budget that is all to be spent": (
        problem(100, (0, 60), (0, 30), spend_all=True),
        ["all of the budget is spent", "cap of 'a' 60", "cap of 'b' 30"],
        (Part("upper", 0), 10, "raise the cap of 'a' by 10, to 70"),
    ),
    "group cap below its floors": (
        problem(100, (60,), (30,), Y, limits=[X_CAP]),
        ["floor of 'a' 60", "floor of 'b' 30", "x cap (k x: at most 80 JPY)"],
        (Part("lower", 0), 10, "lower the floor of 'a' by 10, to 50"),
    ),
    "group floor above its caps": (
        problem(100, (0, 20), (0, 30), Y, limits=[X_FLOOR]),
        ["cap of 'a' 20", "cap of 'b' 30", "x floor (k x: at least 80 JPY)"],
        (Part("upper", 0), 30, "raise the cap of 'a' by 30, to 50"),
    ),
    "group floor above the budget": (
        problem(70, {}, {}, Y, limits=[X_FLOOR]),
        ["the budget 70", "x floor (k x: at least 80 JPY)"],
        (row(1), 10, "loosen 'x floor' by 10 JPY"),
    ),
    "share": (
        problem(100, (60,), Y, limits=[Limit.group("share", ("a",), at_most="40%")]),
        ["the budget 100", "floor of 'a' 60", "share (a: at most 40.00 % of what is spent)"],
        (Part("lower", 0), 20, "lower the floor of 'a' by 20, to 40"),
    ),
    "turnover": (
        problem(100, (60,), {}, limits=[Limit.turnover(30)], last=[20, 60]),
        ["floor of 'a' 60", "turnover (at most 30 JPY moves in total)"],
        (Part("lower", 0), 15, "lower the floor of 'a' by 15, to 45"),
    ),
    "change limits": (
        problem(80, {"floor": 63, "cap": 77, "change": 1}, {"floor": 54, "cap": 66, "change": 1}),
        ["the budget 80", "max change of 'a' (at least 63)", "max change of 'b' (at least 54)"],
        (Part("lower", 0), 37, "let 'a' fall by 37 more"),
    ),
    "off or at least above the budget": (
        problem(100, {"on": 160}, (0, 20), spend_all=True),
        ["the budget 100", "all of the budget is spent", "cap of 'b' 20",
         "'a' off or at least 160"],
        (Part("minimum", 0), 60, "lower off_or_at_least of 'a' by 60, to 100"),
    ),
    "at least so many on": (
        problem(100, {"on": 60}, {"on": 50}, (0, 0), limits=[Limit.at_least_on(2)]),
        ["the budget 100", "cap of 'c' 0", "'a' off or at least 60", "'b' off or at least 50",
         "at least on (at least 2 of all channels are on)"],
        (Part("upper", 2), 1, "raise the cap of 'c' by 1, to 1"),
    ),
    "few moves": (
        problem(100, (60,), (0, 20), limits=[Limit.few_moves(1)], last=[20, 60]),
        ["floor of 'a' 60", "cap of 'b' 20", "few moves (at most 1 channels change)"],
        (Part("lower", 0), 40, "lower the floor of 'a' by 40, to 20"),
    ),
    "apart": (
        problem(100, (6,), (5,), limits=[Limit.apart(("a", "b"), name="not both")]),
        ["floor of 'a' 6", "floor of 'b' 5", "not both (at most one of a, b is on)"],
        (Part("lower", 1), 5, "lower the floor of 'b' by 5, to 0"),
    ),
    "lots": (
        problem(100, {"lot": 70}, (0, 20), spend_all=True),
        ["the budget 100", "all of the budget is spent", "cap of 'b' 20", "lot of 'a' 70"],
        (Part("upper", 1), 10, "raise the cap of 'b' by 10, to 30"),
    ),
    "whole steps": (
        problem(100, {}, Y, step=10, spend_all=True, limits=[
            Limit.group("x", {"k": "x"}, at_most=55), Limit.group("y", {"k": "y"}, at_most=49)]),
        ["all of the budget is spent", "x (k x: at most 55 JPY)", "y (k y: at most 49 JPY)"],
        (row(3), 10, "loosen 'y' by 10 JPY"),
    ),
    "a third each, to the yen": (
        problem(100, {}, {}, {}, spend_all=True, limits=[
            Limit.linear("ab", {"a": 1, "b": -1}, 0), Limit.linear("bc", {"b": 1, "c": -1}, 0),
            Limit.linear("ca", {"c": 1, "a": -1}, 0)]),
        ["the budget 100", "all of the budget is spent", "ab (at most 0)", "bc (at most 0)",
         "ca (at most 0)"],
        (row(4), 1, "loosen 'ca' by 1 JPY"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_clash_is_named_with_its_least_change(name):
    given, names, (part, by, text) = CASES[name]
    clash = find_clash(given)
    assert list(clash.names) == names
    assert [(c.part, c.by, c.text) for c in clash.ways[0]] == [(part, by, text)]
    error = explain_infeasible(given)
    assert (error.code, error.exit_code) == ("limits-clash", 3)
    assert all(each in error.problem for each in names)
    assert error.remedy.split(", or ")[0] == text


@pytest.mark.parametrize("name", CASES)
def test_the_change_is_enough_and_a_step_less_is_not(name):
    given, _, (part, by, _) = CASES[name]
    step = given.step if by > given.step else by
    assert explain_infeasible(changed(given, part, Fraction(by))) is None
    assert explain_infeasible(changed(given, part, Fraction(by - step))) is not None


@pytest.mark.parametrize("name", CASES)
def test_a_limit_beside_the_clash_is_not_named(name):
    given, names, _ = CASES[name]
    size = len(given.names)
    idle = Row("idle", np.ones(size, dtype=np.int64), Fraction(10**6), sentence="never binds")
    clash = find_clash(replace(given, limits=(*given.limits, idle)))
    assert list(clash.names) == names


def splits(given, kept, moved):
    """Return every split on the steps up to far above the budget that keeps some limits.

    Written apart from the library's own way: all of them are made, then sifted.
    """
    bounds, columns = given.bounds, []
    for at in range(len(given.names)):
        by = {
            kind: int(moved.get(Part(kind, at), 0))
            for kind in ("lower", "upper", "lock", "minimum")
        }
        step = int(given.lots[at] if Part("lot", at) in kept else given.step)
        allowed = set(range(0, 40 * given.step + 1, step))
        if given.last is not None:
            allowed.add(int(given.last[at]))
        if Part("lock", at) in kept:
            low, high = bounds.lower[at] - by["lock"], bounds.upper[at] + by["lock"]
            allowed = {x for x in (*allowed, int(low), int(high)) if low <= x <= high}
        if Part("lower", at) in kept:
            allowed = {x for x in allowed if x >= bounds.lower[at] - by["lower"]}
        if Part("upper", at) in kept:
            allowed = {x for x in allowed if x <= bounds.upper[at] + by["upper"]}
        if Part("minimum", at) in kept:
            allowed = {x for x in allowed if x == 0 or x >= given.least_on[at] - by["minimum"]}
        columns.append(sorted(allowed))
    found = np.array(list(itertools.product(*columns)), dtype=np.int64).reshape(-1, len(columns))
    last = 0 if given.last is None else given.last
    for at, rule in enumerate(given.all_rows):
        if Part("row", at) in kept:
            left = found @ rule.money
            if rule.moved is not None:
                left = left + np.abs(found - last) @ rule.moved
            if rule.on is not None:
                left = left + (found > 0) @ rule.on * rule.scale
            if rule.moves is not None:
                left = left + (found != last) @ rule.moves * rule.scale
            room = (rule.room + moved.get(Part("row", at), 0)) * rule.scale
            found = found[left * room.denominator <= room.numerator]
    return found


def kept_together(given, kept, moved=None):
    return len(splits(given, set(kept), moved or {})) > 0


steps = st.integers(0, 8).map(lambda n: 10 * n)


@st.composite
def channels(draw):
    kind = draw(st.sampled_from(["free", "floor", "cap", "both", "on", "lot", "lock", "change"]))
    low, high = sorted([draw(steps), draw(steps)])
    group = draw(st.sampled_from("xy"))
    given = {
        "free": {}, "floor": {"floor": low}, "cap": {"cap": high}, "lock": {"lock": low},
        "both": {"floor": low, "cap": high}, "on": {"on": high}, "lot": {"lot": 20},
        "change": {"floor": low, "cap": high, "change": 1},
    }[kind]  # fmt: skip
    return {**given, "group": group}


@st.composite
def limits(draw, names):
    kinds = ["cap", "floor", "share", "least share", "linear", "turnover", "few", "apart", "on"]
    kind = draw(st.sampled_from(kinds))
    group, amount = {"k": draw(st.sampled_from("xy"))}, draw(steps)
    share, few = f"{draw(st.integers(3, 7))}0%", draw(st.integers(0, len(names)))
    factor = draw(
        st.lists(st.sampled_from(["-1", "-0.5", "0", "0.25", "1"]), min_size=3, max_size=3)
    )
    return {
        "cap": Limit.group("cap", group, at_most=amount),
        "floor": Limit.group("floor", group, at_least=amount),
        "share": Limit.group("share", group, at_most=share),
        "least share": Limit.group("least share", group, at_least=share),
        "linear": Limit.linear(
            "linear", dict(zip(names, factor, strict=False)), draw(st.integers(-3, 8)) * 10
        ),
        "turnover": Limit.turnover(amount),
        "few": Limit.few_moves(few),
        "apart": Limit.apart(tuple(names[:2])),
        "on": Limit.at_least_on(few),
    }[kind]


@st.composite
def problems(draw):
    given = draw(st.lists(channels(), min_size=2, max_size=3))
    # Labels of both groups are there, so that limits may name either.
    given[0]["group"], given[1]["group"] = "x", "y"
    names = "abc"[: len(given)]
    rules = draw(st.lists(limits(names), max_size=3, unique_by=lambda limit: limit.name))
    last = draw(st.none() | st.lists(st.integers(0, 80), min_size=len(given), max_size=len(given)))
    return problem(
        draw(steps), *given, step=10, spend_all=draw(st.booleans()), limits=rules, last=last
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(problems())
def test_a_clash_is_minimal_and_its_change_is_enough_among_all_splits(given):
    everything = limits_of(given)
    clash = find_clash(given)
    assert (clash is None) == kept_together(given, everything)
    error = explain_infeasible(given)
    if clash is None:
        assert error is None
        return
    assert isinstance(error, bo.InfeasibleError)
    assert error.code == "limits-clash"
    assert error.remedy
    assert not kept_together(given, clash.parts)
    for part in clash.parts:
        assert kept_together(given, set(clash.parts) - {part}), clash.names
    assert clash.ways
    for way in clash.ways:
        assert_enough_and_no_more(given, way)


def assert_enough_and_no_more(given, way):
    everything, moved = limits_of(given), {change.part: change.by for change in way}
    assert kept_together(given, everything, moved)
    if len(way) > 1:
        return
    ((part, by),) = moved.items()
    counts = part.kind == "row" and given.all_rows[part.at].counts
    own = "in its unit" in way[0].text
    less = by - 1 if counts else by * Fraction(99, 100) if own else by - given.step
    assert less < 0 or not kept_together(given, everything, {part: less})


@settings(max_examples=60, deadline=None)
@given(problems())
def test_plain_arithmetic_alone_never_claims_a_clash_that_is_none(given):
    if explain_infeasible(given, quick=True) is not None:
        assert not kept_together(given, limits_of(given))


LOG = stack([Log(10.0, 30.0), Log(20.0, 50.0)])


def best_by_search(value, lower, upper, budget):
    """Return the greatest of a measure over all splits of two channels, in whole yen."""
    a, b = np.meshgrid(np.arange(lower[0], upper[0] + 1), np.arange(lower[1], upper[1] + 1))
    spend = np.stack([a.ravel(), b.ravel()], axis=1)
    spend = spend[spend.sum(axis=1) <= budget]
    return max(value(x) for x in spend)


def outcome(spend):
    return float(LOG.value(spend.astype(float)).sum())


def test_a_roas_out_of_reach_says_the_best_that_can_be_had():
    given = problem(100, (30,), (10, 60), limits=[Limit.roas(5)], curves=LOG)
    error = explain_infeasible(given)
    best = best_by_search(lambda x: outcome(x) / x.sum(), (30, 10), (100, 60), 100)
    assert error.code == "target-out-of-reach"
    assert error.field == "limits.ROAS"
    said = re.search(r"the best within the other limits is ([0-9.]+), at a 30, b ", error.problem)
    assert float(said[1]) == pytest.approx(best, rel=1e-3)
    assert "ROAS of all channels at least 5" in error.problem


@pytest.mark.parametrize("floor", [5, 20, 45])
def test_a_ratio_asked_for_as_advised_can_be_kept_and_little_more_cannot(floor):
    best = best_by_search(lambda x: outcome(x) / x.sum(), (floor, 10), (100, 60), 100)

    def asking(ratio, limit=Limit.roas):
        return problem(100, (floor,), (10, 60), limits=[limit(str(ratio))], curves=LOG)

    clash = find_clash(asking(5))
    reached = 5 / float(1 + clash.reach.change.by)
    assert reached == pytest.approx(best, rel=2e-3)
    assert find_clash(asking(round(reached, 6))) is None
    assert find_clash(asking(round(reached * 1.003, 6))) is not None
    dear = find_clash(asking("0.01", Limit.cpa))
    assert float(1 + dear.reach.change.by) * 0.01 == pytest.approx(1 / best, rel=2e-3)


@pytest.mark.parametrize("budget", [20, 60, 100])
def test_an_outcome_asked_for_as_advised_can_be_kept_and_little_more_cannot(budget):
    best = best_by_search(outcome, (0, 0), (budget, budget), budget)

    def asking(least):
        return problem(budget, {}, {}, limits=[Limit.outcome(str(least))], curves=LOG)

    clash = find_clash(asking(70))
    assert clash.names[0] == f"the budget {budget}"
    reached = 70 - float(clash.reach.change.by)
    assert reached == pytest.approx(best, rel=2e-3)
    assert reached <= best * (1 + 1e-9)
    assert find_clash(asking(round(reached, 6))) is None
    assert find_clash(asking(round(best * 1.001, 6))) is not None


def test_a_clash_without_the_target_is_named_before_one_with_it():
    clash = find_clash(problem(50, (30,), (40,), limits=[Limit.roas(5)], curves=LOG))
    assert list(clash.names) == ["the budget 50", "floor of 'b' 40", "floor of 'a' 30"]
    assert clash.reach is None


def test_s_shaped_curves_give_an_upper_statement():
    curves = stack([Hill(10.0, 40.0, 3.0), Hill(20.0, 60.0, 2.5)])
    given = problem(80, (0, 60), {}, limits=[Limit.outcome(40)], curves=curves)
    error = explain_infeasible(given)
    assert "the best within the other limits is at most" in error.problem
    assert "concave envelopes" in error.problem
    low = problem(80, (0, 60), {}, limits=[Limit.outcome(5)], curves=curves)
    assert explain_infeasible(low) is None


def test_a_lock_off_the_steps_moves_to_the_cent():
    given = problem(100, {"lock": 55}, (50,), step=10)
    clash = find_clash(given)
    assert [c.text for c in clash.ways[0]] == ["lower the lock of 'a' by 5, to 50"]


def test_two_clashes_at_once_need_two_changes():
    limits = [
        Limit.group("x cap", {"k": "x"}, at_most=50),
        Limit.group("y floor", {"k": "y"}, at_least=20),
    ]
    given = problem(100, (60,), {"cap": 10, "group": "y"}, limits=limits)
    clash = find_clash(given)
    assert len(clash.parts) == 2
    assert len(clash.ways[0]) == 2
    once = changed(given, clash.ways[0][0].part, clash.ways[0][0].by)
    assert find_clash(once) is not None
    assert find_clash(changed(once, *(clash.ways[0][1].part, clash.ways[0][1].by))) is None


def test_many_limits_are_shortened_in_the_sentence_and_all_in_the_value():
    plan = problem(50, *[(10,)] * 8)
    wide = replace(
        plan, names=tuple(f"c{n}" for n in range(40)), weight=np.ones(40), cost=np.zeros(40),
        curves=stack([Log(10.0, 30.0)] * 40), lots=np.ones(40, dtype=np.int64),
        least_on=np.zeros(40, dtype=np.int64), budget=195,
        bounds=Bounds(*(np.tile(values, 5) for values in vars(plan.bounds).values())),
    )  # fmt: skip
    error = explain_infeasible(wide)
    assert "and 13 more" in error.problem
    assert error.value.count("floor of") == 20


def test_cheap_arithmetic_alone_says_nothing_where_only_a_solver_can():
    hard = problem(100, {}, {}, {}, spend_all=True, limits=[
        Limit.linear("ab", {"a": 1, "b": -1}, 0), Limit.linear("bc", {"b": 1, "c": -1}, 0),
        Limit.linear("ca", {"c": 1, "a": -1}, 0)])  # fmt: skip
    assert explain_infeasible(hard, quick=True) is None
    assert explain_infeasible(CASES["floors above the budget"][0], quick=True) is not None


def test_a_plan_with_room_has_nothing_to_explain():
    channels = [Channel("a", floor=10, curve=Log(10, 30)), Channel("b", cap=50, curve=Log(20, 50))]
    plan = Plan(budget=100, currency="CNY", channels=channels, limits=[Limit.roas("0.1")])
    assert explain_infeasible(bo.optimize.problem_of(plan)) is None
