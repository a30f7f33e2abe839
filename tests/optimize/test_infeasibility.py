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
from budgetopt.curves import Hill, Log
from budgetopt.curves.base import stack
from budgetopt.money import Currency
from budgetopt.optimize.infeasibility import explain_infeasible, find_clash, total_range
from budgetopt.optimize.infeasibility.declarations import Declaration as Part
from budgetopt.optimize.infeasibility.declarations import Declarations
from budgetopt.optimize.problem import Problem
from budgetopt.plan import Bounds, Channel, Plan, Row
from budgetopt.plan.limits import Limit
from budgetopt.plan.plan import CAP, CHANGE, FLOOR, FREE, LOCKED

YEN = Currency("JPY")
STEP = Part("step", 0)


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
    if part.kind == "off-or-at-least":
        least = given.least_on.copy()
        least[part.at] -= int(by)
        return replace(given, least_on=least)
    lower, upper = bounds.lower.copy(), bounds.upper.copy()
    lower[part.at] -= int(by) * (part.kind in ("floor", "max-change"))
    upper[part.at] += int(by) * (part.kind in ("cap", "max-change"))
    return replace(given, bounds=replace(bounds, lower=lower, upper=upper))


def row(at):
    return Part("row", at)


X_CAP = Limit.group("x cap", {"k": "x"}, at_most=80)
X_FLOOR = Limit.group("x floor", {"k": "x"}, at_least=80)
Y = {"group": "y"}
CASES = {
    "floors above the budget": (
        problem(100, (60,), (50,), (1,)),
        ["the budget of 100", "floor of 60 on 'a'", "floor of 50 on 'b'"],
        (Part("floor", 0), 11, "lower the floor of 'a' by 11, to 49"),
    ),
    "caps below a budget that must be spent": (
        problem(100, (0, 60), (0, 30), spend_all=True),
        ["the whole budget is spent", "cap of 60 on 'a'", "cap of 30 on 'b'"],
        (Part("cap", 0), 10, "raise the cap of 'a' by 10, to 70"),
    ),
    "group cap below its floors": (
        problem(100, (60,), (30,), Y, limits=[X_CAP]),
        ["floor of 60 on 'a'", "floor of 30 on 'b'", "x cap (k x: at most 80 JPY)"],
        (Part("floor", 0), 10, "lower the floor of 'a' by 10, to 50"),
    ),
    "group floor above its caps": (
        problem(100, (0, 20), (0, 30), Y, limits=[X_FLOOR]),
        ["cap of 20 on 'a'", "cap of 30 on 'b'", "x floor (k x: at least 80 JPY)"],
        (Part("cap", 0), 30, "raise the cap of 'a' by 30, to 50"),
    ),
    "group floor above the budget": (
        problem(70, {}, {}, Y, limits=[X_FLOOR]),
        ["the budget of 70", "x floor (k x: at least 80 JPY)"],
        (row(1), 10, "loosen 'x floor' by 10 JPY"),
    ),
    "share": (
        problem(100, (60,), Y, limits=[Limit.group("share", ("a",), at_most="40%")]),
        ["the budget of 100", "floor of 60 on 'a'", "share (a: at most 40 % of total spend)"],
        (Part("floor", 0), 20, "lower the floor of 'a' by 20, to 40"),
    ),
    "turnover": (
        problem(100, (60,), {}, limits=[Limit.turnover(30)], last=[20, 60]),
        ["floor of 60 on 'a'", "turnover (at most 30 JPY moved in total)"],
        (Part("floor", 0), 15, "lower the floor of 'a' by 15, to 45"),
    ),
    "change limits": (
        problem(80, {"floor": 63, "cap": 77, "change": 1}, {"floor": 54, "cap": 66, "change": 1}),
        ["the budget of 80", "max change of 'a' (63 to 77)", "max change of 'b' (54 to 66)"],
        (Part("max-change", 0), 37, "allow 'a' to change by 37 more"),
    ),
    "off or at least above the budget": (
        problem(100, {"on": 160}, (0, 20), spend_all=True),
        ["the budget of 100", "the whole budget is spent", "cap of 20 on 'b'",
         "'a' off or at least 160"],
        (Part("off-or-at-least", 0), 60, "lower off_or_at_least of 'a' by 60, to 100"),
    ),
    "at least so many on": (
        problem(100, {"on": 60}, {"on": 50}, (0, 0), limits=[Limit.at_least_on(2)]),
        ["the budget of 100", "cap of 0 on 'c'", "'a' off or at least 60", "'b' off or at least 50",
         "at least on (at least 2 of all channels are on)"],
        (Part("cap", 2), 1, "raise the cap of 'c' by 1, to 1"),
    ),
    "few moves": (
        problem(100, (60,), (0, 20), limits=[Limit.few_moves(1)], last=[20, 60]),
        ["the budget of 100", "floor of 60 on 'a'", "few moves (at most 1 channel changes)"],
        (Part("floor", 0), 40, "lower the floor of 'a' by 40, to 20"),
    ),
    "apart": (
        problem(100, (6,), (5,), limits=[Limit.apart(("a", "b"), name="not both")]),
        ["floor of 6 on 'a'", "floor of 5 on 'b'", "not both (at most one of a, b is on)"],
        (Part("floor", 1), 5, "lower the floor of 'b' by 5, to 0"),
    ),
    "lots": (
        problem(100, {"lot": 70}, (0, 20), spend_all=True),
        ["the budget of 100", "the whole budget is spent", "cap of 20 on 'b'", "lot of 70 on 'a'"],
        (Part("cap", 1), 10, "raise the cap of 'b' by 10, to 30"),
    ),
    "whole steps": (
        problem(100, {}, Y, step=10, spend_all=True, limits=[
            Limit.group("x", {"k": "x"}, at_most=55), Limit.group("y", {"k": "y"}, at_most=49)]),
        ["the whole budget is spent", "steps of 10", "x (k x: at most 55 JPY)",
         "y (k y: at most 49 JPY)"],
        (row(3), 10, "loosen 'y' by 10 JPY"),
    ),
    "a third each, to the yen": (
        problem(100, {}, {}, {}, spend_all=True, limits=[
            Limit.linear("ab", {"a": 1, "b": -1}, 0), Limit.linear("bc", {"b": 1, "c": -1}, 0),
            Limit.linear("ca", {"c": 1, "a": -1}, 0)]),
        ["the budget of 100", "the whole budget is spent", "ab (at most 0)", "bc (at most 0)",
         "ca (at most 0)"],
        (row(4), 1, "loosen 'ca' by 1 JPY"),
    ),
}  # fmt: skip


CODES = {
    "floors above the budget": "floors-above-budget",
    "change limits": "floors-above-budget",
    "caps below a budget that must be spent": "cannot-spend-all",
    "off or at least above the budget": "cannot-spend-all",
    "lots": "cannot-spend-all",
}


def names_of(error):
    return [limit["text"] for limit in error.limits]


@pytest.mark.parametrize("name", CASES)
def test_a_clash_is_named_with_its_least_change(name):
    given, names, (part, by, text) = CASES[name]
    error, clash = explain_infeasible(given), find_clash(given)
    assert names_of(error) == names
    assert [(c.declaration, c.by) for c in clash.ways[0]] == [(part, by)]
    assert [change["text"] for change in error.remedies[0]] == [text]
    assert (error.code, error.exit_code) == (CODES.get(name, "limits-clash"), 3)
    named = names if error.code == "limits-clash" else names[2:]
    assert all(each in error.problem for each in named)
    assert error.remedy.split(", or ")[0] == text
    assert error.irreducible


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
    assert names_of(explain_infeasible(replace(given, limits=(*given.limits, idle)))) == names


def splits(given, kept, moved, grids):
    """Return every split on the steps up to far above the budget that keeps some limits.

    Written apart from the library's own way: all of them are made, then sifted.
    """
    bounds, columns = given.bounds, []
    for at in range(len(given.names)):
        here = {part.kind for part in kept if part.at == at}
        by = {part.kind: int(amount) for part, amount in moved.items() if part.at == at}
        step = grids.get(STEP, given.step) if STEP in kept else 5
        if "lot" in here:
            step = grids.get(Part("lot", at), int(given.lots[at]))
        low, high = int(bounds.lower[at]), int(bounds.upper[at])
        allowed = set(range(0, 40 * given.step + 1, step))
        stays = given.lots[at] > given.step or any(rule.counts for rule in given.all_rows)
        last = None if given.last is None else int(given.last[at])
        allowed |= {last} if last is not None and stays else set()
        for kind in ("lock", "max-change"):
            if kind in here:
                far = by.get(kind, 0)
                allowed |= {low - far, high + far, low, high} if kind == "lock" else set()
                allowed = {x for x in allowed if max(low - far, 0) <= x <= high + far}
        if "floor" in here:
            allowed = {x for x in allowed if x >= low - by.get("floor", 0)}
        if "cap" in here:
            allowed = {x for x in allowed if x <= high + by.get("cap", 0)}
        if not allowed and last is not None and last % step:
            allowed = within(given, at, here, by, last)
        if "off-or-at-least" in here:
            least = given.least_on[at] - by.get("off-or-at-least", 0)
            allowed = {x for x in allowed if x == 0 or x >= least}
        if {"floor", "cap"} <= here and low == high and not by.keys() & here:
            allowed = {low}
        columns.append(sorted(allowed))
    found = np.array(list(itertools.product(*columns)), dtype=np.int64).reshape(-1, len(columns))
    last = 0 if given.last is None else given.last
    for at, rule in enumerate(given.all_rows):
        if Part("row", at) not in kept:
            continue
        by, share = moved.get(Part("row", at), Fraction(0)), 0
        if rule.base is not None:
            by, share = Fraction(0), by
        left = found @ rule.money * share.denominator
        if share:
            left = left - found @ rule.base * share.numerator
        scale = rule.scale * share.denominator
        if rule.moved is not None:
            left = left + np.abs(found - last) @ rule.moved
        if rule.on is not None:
            left = left + (found > 0) @ rule.on * rule.scale
        if rule.moves is not None:
            left = left + (found != last) @ rule.moves * rule.scale
        room = (rule.room + by) * scale
        found = found[left * room.denominator <= room.numerator]
    return found


def within(given, at, here, by, last):
    """Return the last spend where no step lies within the bounds that hold, but it does."""
    low, high = int(given.bounds.lower[at]), int(given.bounds.upper[at])
    both = [kind for kind in ("lock", "max-change") if kind in here]
    floors = [low - by.get(kind, 0) for kind in (*both, *(["floor"] if "floor" in here else []))]
    caps = [high + by.get(kind, 0) for kind in (*both, *(["cap"] if "cap" in here else []))]
    return {last} if max(floors, default=0) <= last <= min(caps, default=last) else set()


def kept_together(given, kept, moved=None, grids=None):
    return len(splits(given, set(kept), moved or {}, grids or {})) > 0


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


@settings(max_examples=25)
@given(problems())
def test_a_clash_is_irreducible_and_its_changes_are_enough_among_all_splits(given):
    everything = Declarations(given).all
    clash = find_clash(given)
    assert (clash is None) == kept_together(given, everything)
    error = explain_infeasible(given)
    if clash is None:
        assert error is None
        return
    assert isinstance(error, bo.InfeasibleError)
    assert len(error.limits) == len(clash.parts)
    assert clash.irreducible
    assert not kept_together(given, clash.parts)
    for part in clash.parts:
        assert kept_together(given, set(clash.parts) - {part}), names_of(error)
    assert clash.ways
    for way in clash.ways:
        assert_enough_and_no_more(given, everything, way)


def assert_enough_and_no_more(given, everything, way):
    grids = {c.declaration: int(c.to) for c in way if c.declaration.kind in ("step", "lot")}
    moved = {c.declaration: c.by for c in way if c.declaration not in grids}
    assert kept_together(given, everything, moved, grids), way
    if len(way) > 1 or grids:
        return
    ((part, by),) = moved.items()
    row = given.all_rows[part.at] if part.kind == "row" else None
    less = by - given.step
    if row is not None and row.counts:
        less = by - 1
    elif row is not None and row.base is not None:
        less = by - Fraction(1, 10_000)
    elif row is not None and row.unit != "money":
        less = by * Fraction(99, 100)
    assert less < 0 or not kept_together(given, everything, {part: less}), way


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
    said = re.search(
        r"the best possible within the other limits is ([0-9.]+), with a 30, b ", error.problem
    )
    assert float(said[1]) == pytest.approx(best, rel=1e-3)
    assert "ROAS of all channels at least 5" in error.problem


@pytest.mark.parametrize("floor", [5, 20, 45])
def test_a_ratio_asked_for_as_advised_can_be_kept_and_little_more_cannot(floor):
    best = best_by_search(lambda x: outcome(x) / x.sum(), (floor, 10), (100, 60), 100)

    def asking(ratio, limit=Limit.roas):
        return problem(100, (floor,), (10, 60), limits=[limit(str(ratio))], curves=LOG)

    clash = find_clash(asking(5))
    reached = float(clash.ways[0][0].to)
    assert reached == pytest.approx(best, rel=2e-3)
    assert find_clash(asking(round(reached, 6))) is None
    assert find_clash(asking(round(reached * 1.003, 6))) is not None
    dear = find_clash(asking("0.01", Limit.cpa))
    assert float(dear.ways[0][0].to) == pytest.approx(1 / best, rel=2e-3)


@pytest.mark.parametrize("budget", [20, 60, 100])
def test_an_outcome_asked_for_as_advised_can_be_kept_and_little_more_cannot(budget):
    best = best_by_search(outcome, (0, 0), (budget, budget), budget)

    def asking(least):
        return problem(budget, {}, {}, limits=[Limit.outcome(str(least))], curves=LOG)

    error = explain_infeasible(asking(70))
    assert names_of(error)[0] == f"the budget of {budget}"
    reached = float(error.remedies[0][0]["to"])
    assert reached == pytest.approx(best, rel=2e-3)
    assert reached <= best * (1 + 1e-9)
    assert find_clash(asking(round(reached, 6))) is None
    assert find_clash(asking(round(best * 1.001, 6))) is not None


def test_a_clash_without_the_target_is_named_before_one_with_it():
    given = problem(50, (30,), (40,), limits=[Limit.roas(5)], curves=LOG)
    names = names_of(explain_infeasible(given))
    assert names == ["the budget of 50", "floor of 40 on 'b'", "floor of 30 on 'a'"]
    assert find_clash(given).reach is None


def test_s_shaped_curves_give_an_upper_statement():
    curves = stack([Hill(10.0, 40.0, 3.0), Hill(20.0, 60.0, 2.5)])
    given = problem(80, (0, 60), {}, limits=[Limit.outcome(40)], curves=curves)
    error = explain_infeasible(given)
    assert "the best possible within the other limits is at most" in error.problem
    assert "concave envelopes" in error.problem
    low = problem(80, (0, 60), {}, limits=[Limit.outcome(5)], curves=curves)
    assert explain_infeasible(low) is None


def test_a_lock_off_the_steps_moves_to_the_cent():
    given = problem(100, {"lock": 55}, (50,), step=10)
    texts = [change["text"] for change in explain_infeasible(given).remedies[0]]
    assert texts == ["lower the lock of 'a' by 5, to 50"]


def test_what_must_be_spent_is_not_laid_to_a_part_of_it():
    channels = [
        Channel(name, curve=Log(1, 1), floor=money) for name, money in (("a", 90), ("b", 60))
    ]
    with pytest.raises(bo.InfeasibleError) as one:
        bo.allocate(Plan(budget=50, currency="CNY", channels=channels))
    said = "at least 150 must be spent, 100 above the budget of 50, which is too small already for"
    assert one.value.problem.startswith(said)
    with pytest.raises(bo.InfeasibleError) as both:
        bo.allocate(Plan(budget=100, currency="CNY", channels=channels))
    assert (
        "at least 150 must be spent, 50 above the budget of 100, because of" in both.value.problem
    )


def test_two_clashes_at_once_need_two_changes():
    limits = [
        Limit.group("x cap", {"k": "x"}, at_most=50),
        Limit.group("y floor", {"k": "y"}, at_least=20),
    ]
    given = problem(100, (60,), {"cap": 10, "group": "y"}, limits=limits)
    clash = find_clash(given)
    assert len(clash.parts) == 2
    assert len(clash.ways[0]) == 2
    first, second = clash.ways[0]
    once = changed(given, first.declaration, first.by)
    assert find_clash(once) is not None
    assert find_clash(changed(once, second.declaration, second.by)) is None


def test_many_limits_are_shortened_in_the_sentence_and_all_in_the_value():
    plan = problem(50, *[(10,)] * 8)
    wide = replace(
        plan, names=tuple(f"c{n}" for n in range(40)), weight=np.ones(40), cost=np.zeros(40),
        curves=stack([Log(10.0, 30.0)] * 40), lots=np.ones(40, dtype=np.int64),
        least_on=np.zeros(40, dtype=np.int64), budget=195,
        bounds=Bounds(*(np.tile(values, 5) for values in vars(plan.bounds).values())),
    )  # fmt: skip
    error = explain_infeasible(wide)
    assert "and 12 more" in error.problem
    assert error.problem.startswith("at least 400 must be spent, 205 above the budget of 195")
    assert sum(limit["kind"] == "floor" for limit in error.limits) == 20


def test_a_plan_with_room_has_nothing_to_explain():
    channels = [Channel("a", floor=10, curve=Log(10, 30)), Channel("b", cap=50, curve=Log(20, 50))]
    plan = Plan(budget=100, currency="CNY", channels=channels, limits=[Limit.roas("0.1")])
    assert explain_infeasible(bo.optimize.problem_of(plan)) is None


IN_X = {"k": "x"}


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        (problem(100, (10, 40), (0, 30)), 10, 70),
        (problem(50, (10, 40), (0, 30), spend_all=True), 10, 50),
        (problem(100, (0, 90), (0, 90), limits=[Limit.group("g", IN_X, at_most=60)]), 0, 60),
        (problem(100, (0, 90), (0, 90), limits=[Limit.group("g", IN_X, at_least=25)]), 25, 100),
        (problem(100, (0, 30), (0, 50), limits=[Limit.apart(("a", "b"))]), 0, 50),
        (problem(100, {"on": 20}, {"on": 30}, limits=[Limit.at_least_on(1)]), 20, 100),
    ],
)
def test_the_money_that_limits_leave(given, least, most):
    assert total_range(given) == (least, most)


def test_limits_that_leave_no_split_leave_no_money():
    limits = [Limit.group("g", {"k": "x"}, at_least=60)]
    assert total_range(problem(50, (0, 90), (0, 90), limits=limits)) is None


@settings(max_examples=25)
@given(problems())
def test_no_split_lies_outside_the_money_that_limits_leave(given):
    declared = Declarations(given)
    kept = {one for one in declared.all if declared.kind(one) != "spend-all"}
    totals, found = splits(given, kept, {}, {}).sum(axis=1), total_range(given)
    assert totals.size == 0 or (found is not None and found[0] <= min(totals))
    assert totals.size == 0 or (found is not None and max(totals) <= found[1])
