"""Every policy on random plans: whatever it wants, no limit is ever broken."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.plan import Limit
from budgetopt.policies import NAMES as POLICIES
from budgetopt.policies import policy_named
from budgetopt.weekly import Guardrails

from .helpers import MONDAY, NAMES, history

PAST = history()
BELIEF = bo.learn(PAST, bo.Plan(budget=330, currency="CNY", channels=map(bo.Channel, NAMES)))


@st.composite
def plans(draw):
    channels = []
    for name in NAMES:
        floor = draw(st.integers(0, 60))
        kind = draw(st.sampled_from(["free", "capped", "locked"]))
        rules = {"free": {}, "capped": {"cap": floor + draw(st.integers(0, 150))}, "locked": {}}
        given = rules[kind] | ({"locked": floor + 30} if kind == "locked" else {"floor": floor})
        channels.append(bo.Channel(name, labels={"kind": "x" if name != "kol" else "y"}, **given))
    limits = draw(
        st.sampled_from(
            [[], [Limit.group("x", {"kind": "x"}, at_most="70%")], [Limit.turnover(120)]]
        )
    )
    try:
        return bo.Plan(
            budget=draw(st.integers(150, 500)),
            currency="CNY",
            channels=channels,
            limits=limits,
            max_change=draw(st.sampled_from(["30%", "none", "10%"])),
            step=draw(st.sampled_from(["0.01", "1", "10"])),
            spend=draw(st.sampled_from(["at-most", "all"])),
            reserve=bo.Reserve(test=draw(st.sampled_from([0, 20]))),
        )
    except bo.InputError:
        assume(False)


@settings(max_examples=15)
@given(plans(), st.sampled_from(POLICIES), st.integers(0, 3), st.sampled_from([0.05, 0.0001]))
def test_no_decision_breaks_a_limit(plan, policy, seed, loss):
    rails = Guardrails(most_loss=loss, confidence=0.9)
    try:
        decision = bo.reallocate(
            plan, PAST, policy=policy_named(policy), seed=seed, belief=BELIEF, guardrails=rails
        )
    except bo.InfeasibleError:
        assume(False)
    spend, total = decision.allocation.spend, decision.allocation.total
    last = dict(zip(NAMES, PAST.spend[-1], strict=True))
    assert total <= plan.spendable
    for channel in plan.channels:
        money = spend[channel.name]
        assert channel.floor is None or money >= channel.floor
        assert channel.cap is None or money <= channel.cap
        assert channel.locked is None or money == channel.locked
        if channel.locked is None and plan.max_change.share is not None:
            room = plan.max_change.share * Decimal(float(last[channel.name]))
            assert abs(money - Decimal(float(last[channel.name]))) <= room
    for limit in plan.limits:
        if limit.name == "x":
            assert spend[NAMES[0]] + spend[NAMES[1]] <= Decimal("0.7") * total
        else:
            assert sum(abs(m.change) for m in decision.moves) <= 120
    if plan.spend == "all":
        assert total == plan.spendable


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_half_a_year_of_decisions_breaks_no_limit_and_loses_no_money(policy):
    """The policy is fed with its own decisions; a market of fixed curves answers."""
    names = tuple("abcdef")
    rng = np.random.default_rng(4)
    tops, halves = rng.uniform(300, 900, 6), rng.uniform(30, 120, 6)
    channels = [bo.Channel(n, floor=5, cap=150) for n in names]
    plan = bo.Plan(budget=360, currency="CNY", channels=channels, step="0.01")
    spend = [np.full(6, 60.0) * f for f in (1.0, 0.9, 1.1, 1.0)]
    outcome = [tops * -np.expm1(-x / halves) * rng.lognormal(0, 0.1, 6) for x in spend]
    chosen, belief = policy_named(policy), None
    for week in range(len(spend), 26):
        weeks = np.datetime64(MONDAY) + 7 * np.arange(week)
        past = bo.History(names, weeks, np.stack(spend), outcome=np.stack(outcome))
        belief = bo.learn(past, plan) if belief is None else belief.updated(past)
        decision = bo.reallocate(plan, past, policy=chosen, belief=belief)
        assert decision.allocation.total <= 360
        spend.append(np.array([float(decision.allocation.spend[n]) for n in names]))
        outcome.append(tops * -np.expm1(-spend[-1] / halves) * rng.lognormal(0, 0.1, 6))
    truth = [float((tops * -np.expm1(-x / halves)).sum()) for x in spend]
    # No policy ends worse off than the even split it began with, by more than a test may cost.
    assert np.mean(truth[-8:]) >= 0.99 * truth[0]
