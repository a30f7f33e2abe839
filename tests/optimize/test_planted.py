"""Plans around a split that is known to keep them: they are answered, and at least as well."""

import random

import pytest

import budgetopt as bo
from budgetopt.curves import Log

from . import declared


def answered(seed, **more):
    """Return a draft, the answer to its plan, and the answer's spends in minor units."""
    draft = declared.random_draft(random.Random(seed))
    answer = bo.allocate(declared.plan_of(draft), last=draft.last, **more)
    return draft, answer, [int(money * draft.units) for money in answer.spend.values()]


# A turnover of a yen in billions; lots of cents, then of thousands, where rounding up and down
# keeps nothing; lots that fill the budget to the last digit, which a program calls infeasible.
@pytest.mark.parametrize("seed", [7000329, 7001175, 7001583, 1867, 7401582])
def test_a_plan_that_rounding_finds_no_split_for_is_answered(seed):
    draft, answer, spend = answered(seed)
    assert declared.violations(draft, draft.planted) == declared.violations(draft, spend) == []
    worth, size = declared.objective(draft, spend)
    assert worth >= declared.objective(draft, draft.planted)[0] - 1e-7 * size
    assert answer.proven


def test_unlike_lots_fill_large_money_to_the_last_yuan():
    # A split that was found anywhere left 80 % of what the best brings.
    curves = {7: Log(3e9, 3e8), 9: Log(2e9, 2e8), 11: Log(1e9, 5e8)}
    channels = [bo.Channel(f"c{lot}", lot=lot, curve=curve) for lot, curve in curves.items()]
    plan = bo.Plan(budget=10**9, currency="CNY", channels=channels, spend="all", max_change="none")
    week = bo.allocate(plan)
    assert week.total == 10**9
    assert week.proven


def test_a_switch_that_leads_far_is_no_proof_that_there_is_no_split():
    # Of 4 a + 4 b no sum is odd: c has to be on, 391,299 steps from the split that is found first.
    plan = bo.Plan(
        budget=11_132_497,
        currency="JPY",
        spend="all",
        channels=[
            bo.Channel("a", curve=bo.Log(11_100_064.9, 23_626_740.9), lot=4, cap=7_560_970),
            bo.Channel("b", curve=bo.Power(22_181_989.9, 3_690_247.9, 0.3), lot=4),
            bo.Channel(
                "c", curve=bo.Exponential(1_053_048.7, 3_629_879.5), off_or_at_least=391_299
            ),
        ],
        limits=[
            bo.Limit.linear(
                "rule", {"a": "1.908", "b": "0.15", "c": "1.635"}, at_most="16011472.252321051"
            ),
        ],
    )
    week = bo.allocate(plan)
    assert week.total == 11_132_497
    assert week.spend["c"] % 4 == 1
