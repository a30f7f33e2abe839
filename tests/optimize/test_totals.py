"""Spend all where lots differ: the nearest totals, against every sum there is."""

import itertools
import json
import pickle
import random
from decimal import Decimal
from fractions import Fraction
from operator import mul

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Log
from budgetopt.errors import InfeasibleError
from budgetopt.optimize import build, steps
from budgetopt.optimize.build import nearest_totals, problem_of
from budgetopt.optimize.infeasibility.feasibility import impossible


def spend_all(budget, channels, **more):
    return bo.Plan(budget=budget, currency="JPY", channels=channels, spend="all", **more)


def random_channels(rng):
    """Return channels beside the amounts that each may spend, up to 60."""
    channels, amounts = [], []
    for at in range(rng.integers(1, 5)):
        lot, floor, cap = int(rng.integers(2, 12)), int(rng.integers(0, 9)), rng.integers(12, 30)
        kind = rng.choice(["free", "floor", "cap", "off", "lock"])
        whole = range(0, 61, lot)
        more = {"lot": lot}
        if kind == "floor":
            more["floor"], whole = floor, [x for x in whole if x >= floor]
        if kind == "cap":
            more["cap"], whole = int(cap), [x for x in whole if x <= cap]
        if kind == "off":
            more["off_or_at_least"], whole = int(cap), [x for x in whole if x == 0 or x >= cap]
        if kind == "lock":
            more, whole = {"locked": floor}, [floor]
        channels.append(bo.Channel(f"c{at}", curve=Log(1, 9), **more))
        amounts.append(whole)
    return channels, amounts


@pytest.mark.parametrize("seed", range(30))
def test_the_nearest_totals_are_those_of_all_sums(seed):
    rng = np.random.default_rng(seed)
    channels, amounts = random_channels(rng)
    budget = int(rng.integers(8, 50))
    sums = {sum(split) for split in itertools.product(*amounts)}
    below = max((s for s in sums if s <= budget), default=None)
    above = min((s for s in sums if s >= budget), default=None)
    plan = spend_all(budget, channels)
    if budget not in sums:
        with pytest.raises(InfeasibleError) as caught:
            problem_of(plan)
        # Where bounds alone rule it out, these are what is named.
        if details := caught.value.details:
            assert (details.get("below"), details.get("above")) == (below, above)
        return
    assert nearest_totals(problem_of(plan)) == (below, above)


def test_a_common_divisor_settles_large_budgets_at_once(monkeypatch):
    lots = [bo.Channel(f"c{n}", curve=Log(n, 5), lot=n) for n in (6, 10, 14)]
    with monkeypatch.context() as patched:
        patched.setattr(build, "_sums", lambda *_: pytest.fail("looked at every total"))
        with pytest.raises(InfeasibleError, match="to 999,999,998 or 1,000,000,000") as caught:
            bo.allocate(spend_all(999_999_999, lots))
    assert caught.value.details == {"below": Decimal(999_999_998), "above": Decimal(10**9)}
    lots.append(bo.Channel("lock", curve=Log(1, 1), locked=5))
    assert bo.allocate(spend_all(100_005, lots)).unspent == 0


def test_a_channel_that_may_go_far_beyond_the_budget_takes_no_room_for_it():
    far = bo.Channel("far", curve=Log(1, 5), off_or_at_least=9 * 10**10, max_change="10%")
    plan = spend_all(99 * 10**9, [far, bo.Channel("b", curve=Log(1, 5), lot=7)])
    week = problem_of(plan, last={"far": 110 * 10**9, "b": 0})
    assert nearest_totals(week) == (99 * 10**9, 99 * 10**9)


def test_the_nearest_totals_go_with_the_error():
    lots = [bo.Channel("a", curve=Log(3, 5), lot=3), bo.Channel("b", curve=Log(2, 5), lot=5)]
    with pytest.raises(InfeasibleError) as caught:
        bo.allocate(spend_all(7, lots))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.details == caught.value.details == {"below": Decimal(6), "above": Decimal(8)}
    assert json.loads(json.dumps(again.to_dict()))["details"] == {"below": "6", "above": "8"}


def test_equal_lots_under_a_budget_are_filled_exactly_and_proven():
    channels = [bo.Channel(n, curve=Log(t, 30), lot=20) for n, t in (("a", 9), ("b", 7), ("c", 1))]
    week = bo.allocate(spend_all(100, channels))
    splits = itertools.product(range(0, 101, 20), repeat=3)
    values = [[float(Log(t, 30).value(x)) for t, x in zip((9, 7, 1), s, strict=True)]
              for s in splits if sum(s) == 100]  # fmt: skip
    assert week.outcome == pytest.approx(max(map(sum, values)), rel=1e-14)
    assert (week.method, week.gap) == ("waterfill", pytest.approx(0.0, abs=1e-14))


def equal(weights, room, channels, **more):
    limit = bo.Limit.linear("e", weights, equal=room)
    given = {"currency": "JPY", "max_change": "none"} | more
    return bo.Plan(channels=channels, limits=[limit], **given)


def test_of_a_weighted_sum_that_is_fixed_arithmetic_says_whether_any_lots_reach_it():
    rng, told = random.Random(0), 0
    for _ in range(150):
        names = "abc"[: rng.choice([2, 2, 3])]
        lots, caps = ([rng.randint(*ends) for _ in names] for ends in ((1, 3), (2, 12)))
        weights = {name: rng.choice([-7, -3, -2, 1, 2, 3, 5, 6, "1.5"]) for name in names}
        room = rng.randint(-10, 40)
        channels = [bo.Channel(name, lot=lot, cap=cap, curve=Log(1, 9))
                    for name, lot, cap in zip(names, lots, caps, strict=True)]  # fmt: skip
        menus = [range(0, cap + 1, lot) for lot, cap in zip(lots, caps, strict=True)]
        factors = [Fraction(weight) for weight in weights.values()]
        there = any(sum(map(mul, factors, split)) == room for split in itertools.product(*menus))
        shown = impossible(problem_of(equal(weights, room, channels, budget=100)))
        assert not (there and shown)
        # Of two channels every solution is known.
        assert there or shown or len(names) == 3
        told += shown
    assert told > 50


def test_a_weighted_sum_that_nothing_adds_up_to_is_refused_before_any_search(monkeypatch):
    monkeypatch.setattr(steps.StepGrid, "program", None)
    channels = [bo.Channel(name, curve=Log(9, 1000)) for name in "abc"]
    for weights, room in (({"a": 3, "b": 7}, "500.005"), ({"a": 6, "b": 14, "c": 4}, "500.01")):
        with pytest.raises(InfeasibleError, match="exactly 500"):
            bo.allocate(equal(weights, room, channels, budget=2000, currency="CNY"))


def test_a_weighted_sum_that_few_splits_add_up_to_is_met_near_the_optimum():
    # The nearest solutions are 91 and 37 cents apart; any split that was found was taken.
    channels = [
        bo.Channel(n, curve=Log(top, 1000)) for n, top in (("a", 100), ("b", 80), ("c", 80))
    ]
    weights = {"a": "0.37", "b": "0.91"}
    week = bo.allocate(equal(weights, 1001, channels, budget=2000, currency="CNY"))
    assert sum(Fraction(w) * Fraction(week.spend[n]) for n, w in weights.items()) == 1001
    assert week.proven


@pytest.mark.parametrize("method", ["auto", "linear", "integer"])
@pytest.mark.parametrize(("count", "lot"), [(1, "0.002"), (1, None), (3, "0.002"), (3, None)])
def test_all_of_billions_is_spent_whatever_floats_miss(method, count, lot):
    # 877 million dinars are 8.8e11 minor units: programs are exact to a few of them.
    curves = [
        bo.Logistic(top=5e8 / n, scale=3e8) if count > 1 else bo.Logistic(5.1e8, 298479588.649014)
        for n in range(1, count + 1)
    ]
    channels = [
        bo.Channel(f"c{n}", curve=curve, **({} if lot is None else {"lot": Fraction(lot)}))
        for n, curve in enumerate(curves)
    ]
    budget = Decimal("877128201.186")
    plan = bo.Plan(budget=budget, currency="KWD", channels=channels, spend="all")
    week = bo.allocate(plan, method=method)
    assert week.total == budget
    assert week.gap < 1e-6
