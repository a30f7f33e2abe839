"""Rows as bounds: what they leave each channel, and plans that only exact bounds can answer."""

import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Hill, Log, Power
from budgetopt.errors import InfeasibleError
from budgetopt.optimize import problem_of
from budgetopt.optimize.allocate import drawn_in
from budgetopt.optimize.problem import clock, keeps

from . import declared
from .all_limits import plan_of, random_week, splits


def problem(channels, *limits, last=None, **more):
    """Return the problem of a plan of 100 yen, in steps of a yen."""
    channels = [bo.Channel(name, curve=Log(1, 10), **own) for name, own in channels.items()]
    plan = bo.Plan(budget=100, currency="JPY", channels=channels, limits=limits, **more)
    return problem_of(plan, last=last)


def ends(drawn):
    return drawn.bounds.lower.tolist(), drawn.bounds.upper.tolist()


def test_a_row_leaves_a_channel_what_the_others_cannot_help_using():
    # 2 a + 3 b <= 30 with a >= 6 leaves b 18 / 3, and a 30 / 2.
    row = bo.Limit.linear("row", {"a": 2, "b": 3}, at_most=30)
    drawn = drawn_in(problem({"a": {"floor": 6}, "b": {}, "c": {}}, row))
    assert ends(drawn) == ([6, 0, 0], [15, 6, 94])


def test_a_row_that_asks_for_more_raises_a_bound():
    # a - b <= -20 asks for 20 of b at least, so that 80 are left for a, which then is 20 below b.
    row = bo.Limit.linear("row", {"a": 1, "b": -1}, at_most=-20)
    drawn = drawn_in(problem({"a": {}, "b": {"cap": 70}}, row))
    assert ends(drawn) == ([0, 20], [50, 70])


def test_bounds_are_drawn_in_to_what_a_channel_may_take():
    # 39 of a group: a takes whole lots of 15, b stays at its last 37, and c at least 50 or nothing.
    row = bo.Limit.group("group", ["a", "b", "c"], at_most=39)
    channels = {"a": {"lot": 15}, "b": {"lot": 20}, "c": {"off_or_at_least": 50}}
    drawn = drawn_in(problem(channels, row, last={"b": 37}, max_change="none"))
    assert ends(drawn) == ([0, 0, 0], [30, 37, 0])


def test_nothing_is_drawn_in_where_rows_leave_all_or_contradict_each_other():
    assert drawn_in(problem({"a": {"cap": 50}, "b": {"cap": 50}})) is None
    rows = (bo.Limit.group("less", ["a"], at_most=10), bo.Limit.group("more", ["a"], at_least=20))
    assert drawn_in(problem({"a": {}, "b": {}}, *rows)) is None


def test_no_split_is_lost():
    drawn_ones = 0
    for seed in range(40):
        week = random_week(random.Random(seed), small=True, sizes=(2, 3), steps=(4, 7))
        last = week.last and dict(zip(week.names, map(week.money, week.last), strict=True))
        try:
            # Without time for an explanation.
            whole = problem_of(plan_of(week), last=last, left=clock(0))
        except InfeasibleError:
            continue
        drawn = drawn_in(whole)
        if drawn is not None:
            drawn_ones += 1
            low, high = drawn.bounds.lower, drawn.bounds.upper
            lost = (s for s in map(np.array, splits(week)) if np.any((s < low) | (s > high)))
            assert not any(keeps(whole, s) for s in lost)
    assert drawn_ones > 10


def test_a_group_that_may_take_nothing_gets_nothing():
    # A millionth of the unit is the step, and a program's tolerance of the cap of two of them.
    channel = bo.Channel("a", curve=Power(0.38, 0.013, 0.5), cap=Decimal("0.000002"))
    none = bo.Limit.group("none", ["a"], at_most="0%")
    plan = bo.Plan(budget=Decimal("0.119821"), currency="XXX", channels=[channel], limits=[none])
    for method in ("auto", "dual", "linear", "branch", "integer"):
        week = bo.allocate(plan, method=method)
        assert week.total == 0
        assert week.proven


def test_a_best_of_nothing_is_not_above_its_bound():
    # The bound was the rounding of a worth at a spend of 1e-17 instead of at nothing, -3e-33.
    curve = Log(0.17285952662713322, 0.17507326294227277)
    row = bo.Limit.linear("row", {"a": 0.663972219944795}, at_most=0)
    channels = [bo.Channel("a", curve=curve)]
    plan = bo.Plan(
        budget="0.344036", currency="XXX", step="0.001186", channels=channels, limits=[row]
    )
    week = bo.allocate(plan)
    assert week.objective == week.bound == 0


def test_what_is_locked_to_the_last_cent_is_the_answer_of_every_method():
    # 2.24 + 1.58 is 3.8200000000000003 in floats.
    channels = [
        bo.Channel("a", curve=Hill(1.4, 7.1, 1), locked="2.24"),
        bo.Channel("b", curve=Log(23, 3), locked="1.58"),
    ]
    row = bo.Limit.linear("row", {"b": Fraction(1, 155)}, at_most=0.0131)
    plan = bo.Plan(budget="3.82", currency="CNY", channels=channels, limits=[row], spend="all")
    for method in ("auto", "dual", "linear", "branch", "integer"):
        week = bo.allocate(plan, method=method)
        assert week.total == Decimal("3.82")
        assert week.proven


# Found by `benchmarks/fuzz_declared.py`: a row without room over coefficients from 1e-12 to 1e8,
# with steps and with lots; and moves of money of 1e13 minor units, of which at most seven count.
@pytest.mark.parametrize("seed", [31012203, 40018877, 40019153])
def test_a_planted_split_that_programs_missed_is_found_and_proven(seed):
    draft = declared.random_draft(random.Random(seed))
    answer = bo.allocate(declared.plan_of(draft), last=draft.last)
    spend = [int(money * draft.units) for money in answer.spend.values()]
    assert declared.violations(draft, draft.planted) == declared.violations(draft, spend) == []
    worth, size = declared.objective(draft, spend)
    assert worth >= declared.objective(draft, draft.planted)[0] - 1e-7 * size
    assert answer.proven
