"""Limits in the user's own numbers: kept exactly, whatever they are written as."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Exponential, Log
from budgetopt.plan import Limit


def exact(number):
    """Return what a number says: a float stands for the shortest decimal that prints it."""
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)


def plan_of(coefficients, *, budget=1000, **bounds):
    curves = [Exponential(100 + at, 200 + 50 * at) for at in range(len(coefficients))]
    names = "abcdefgh"[: len(curves)]
    channels = [bo.Channel(name, curve=curve) for name, curve in zip(names, curves, strict=True)]
    limit = Limit.linear("x", dict(zip(names, coefficients, strict=True)), **bounds)
    return bo.Plan(
        budget=budget, currency="EUR", channels=channels, max_change="none", limits=[limit]
    )


def used(week, coefficients):
    spends = [Fraction(spend) for spend in week.spend.values()]
    return sum(exact(c) * spend for c, spend in zip(coefficients, spends, strict=True))


@pytest.mark.parametrize(
    ("coefficients", "most", "budget"),
    [
        ((0.7491714896150972, 0.6862438813682099), 300, 1000),
        ((1 / 290, 1 / 380), 2, 1000),
        ((0.036123456789012345, 0.0093123456789012345), 50, 10_000),
        ((1e19, 1e19), 1e21, 1000),
        ((1e-19, 3e-19), 1e-17, 1000),
        (tuple(1 / n for n in (3, 7, 11, 13, 17, 19, 23)), 20, 1000),
        ((Fraction(1, 3), Fraction(1, 7)), Fraction(100, 3), 1000),
        ((Decimal(1) / 3, "1/7"), "100/3", 1000),
    ],
)
def test_a_linear_rule_is_kept_in_exact_arithmetic_and_used_up(coefficients, most, budget):
    week = bo.allocate(plan_of(coefficients, budget=budget, at_most=most))
    there, room = used(week, coefficients), exact(most)
    assert there <= room
    # A cent more in any channel would break it.
    assert there + sum(exact(c) for c in coefficients) / 100 > room
    assert bo.Allocation.from_dict(json.loads(week.to_json())) == week


def test_two_spots_of_1_in_290_and_1_in_380_are_split_as_worked_out_by_hand():
    week = bo.allocate(plan_of((1 / 290, 1 / 380), at_most=2))
    # The continuous optimum is 291.26 and 378.34; near it, other cents fill the rule better.
    assert abs(week.spend["a"] - Decimal("291.26")) <= Decimal("0.2")
    assert abs(week.spend["b"] - Decimal("378.34")) <= Decimal("0.2")
    rounded = Exponential(100, 200).value(291.26) + Exponential(101, 250).value(378.34)
    assert week.outcome >= rounded


def test_a_linear_rule_is_met_from_below_from_both_sides_and_exactly():
    coefficients = (Fraction(1, 3), Fraction(-2, 3))
    for bounds in ({"at_least": 100}, {"at_least": 0, "at_most": 1}, {"equal": 0}):
        week = bo.allocate(plan_of(coefficients, **bounds))
        there = used(week, coefficients)
        low, high = (bounds.get(name, bounds.get("equal")) for name in ("at_least", "at_most"))
        assert low is None or there >= low
        assert high is None or there <= high
        assert bo.Plan.from_json(plan_of(coefficients, **bounds).to_json()) == plan_of(
            coefficients, **bounds
        )


numbers = st.one_of(
    st.floats(1e-6, 1e6),
    st.fractions(Fraction(1, 10**6), 10**6),
    st.decimals("0.000001", "1000000", places=9),
    st.integers(1, 10**6),
)


@settings(max_examples=60)
@given(st.lists(numbers, min_size=2, max_size=6), st.floats(0.01, 0.99))
def test_any_linear_rule_is_kept_in_exact_arithmetic(coefficients, part):
    most = float(part * 1000 * float(sum(map(exact, coefficients))) / len(coefficients))
    week = bo.allocate(plan_of(coefficients, at_most=most))
    assert used(week, coefficients) <= exact(most)


@pytest.mark.parametrize("share", ["33.33333333333333%", "100/3%", Fraction(100, 3)])
def test_a_share_of_sixteen_digits_is_kept_exactly(share):
    text = share if isinstance(share, str) else f"{share}%"
    channels = [bo.Channel("a", curve=Log(900, 10)), bo.Channel("b", curve=Log(1, 10))]
    plan = bo.Plan(budget=1000, currency="EUR", channels=channels, max_change="none",
                   limits=[Limit.group("g", ["a"], at_most=text)])  # fmt: skip
    week = bo.allocate(plan)
    spent = Fraction(week.spend["a"])
    whole = Fraction(week.total)
    assert spent <= Fraction(text[:-1]) / 100 * whole
    assert spent + Fraction(1, 50) > Fraction(text[:-1]) / 100 * whole


@pytest.mark.parametrize("ratio", [Decimal(1) / 3, Fraction(1, 3), 1 / 3])
def test_a_roas_floor_of_any_representation_is_solved(ratio):
    channels = [bo.Channel("a", curve=Log(100, 100)), bo.Channel("b", curve=Log(50, 10))]
    plan = bo.Plan(budget=10_000, currency="EUR", channels=channels, max_change="none",
                   limits=[Limit.roas(ratio)])  # fmt: skip
    week = bo.allocate(plan)
    assert week.outcome >= float(exact(ratio)) * float(week.total) * (1 - 1e-9)
    assert bo.Plan.from_json(plan.to_json()) == plan


def many(count, **fields):
    channels = [bo.Channel(f"c{n}", curve=Log(1, 10), **fields) for n in range(count)]
    return bo.Plan(budget=9 * 10**13, currency="CNY", channels=channels, max_change="none",
                   spend="all")  # fmt: skip


def test_sums_of_bounds_of_many_channels_do_not_overflow():
    # As of 10,000 channels, 64 bits take the sum of what 1,100 may spend for less than nothing.
    assert bo.allocate(many(1_100)).total == 9 * 10**13


def test_sums_of_locks_of_many_channels_do_not_overflow():
    # Almost 2**64 cents, which 64 bits take for less than nothing.
    with pytest.raises(bo.InfeasibleError, match=r"least 184,467,440,737,095,495\.68 must") as it:
        bo.allocate(many(2_048, locked=Fraction(2**53 - 1, 100)))
    assert it.value.code == "floors-above-budget"


def test_the_rows_of_a_rule_of_ones_own_may_hold_integers_of_any_size():
    class Own:
        name = "own"

        def rows(self, plan, last):
            money = np.array([2**70, 2**69], dtype=object)
            return (bo.plan.Row("own", money, Fraction(2**70 * 100), sentence="own"),)

    channels = [bo.Channel("a", curve=Log(9, 10)), bo.Channel("b", curve=Log(5, 10))]
    plan = bo.Plan(
        budget=1000, currency="EUR", channels=channels, max_change="none", limits=[Own()]
    )
    week = bo.allocate(plan)
    spent = Fraction(week.spend["a"]) + Fraction(week.spend["b"]) / 2
    assert 100 - Fraction(1, 50) <= spent <= 100
    assert bo.Allocation.from_dict(json.loads(week.to_json())) == week
