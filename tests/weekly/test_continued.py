"""Decisions from a belief that was learned before: the same as from all weeks at once."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.policies import Thompson, policy_from_dict, policy_to_dict
from budgetopt.weekly import Guardrails

from .helpers import MONDAY, NAMES, history, plan


def until(weeks):
    return MONDAY + dt.timedelta(weeks=weeks)


@pytest.mark.parametrize("total", [False, True])
def test_a_belief_goes_on_where_it_stopped(total):
    past = history(total=total)
    belief = bo.learn(past.until(until(9)), plan())
    policy = Thompson(3)
    assert bo.reallocate(plan(), past, policy=policy, belief=belief) == bo.reallocate(
        plan(), past, policy=policy
    )


def test_the_same_decision_comes_after_save_and_load():
    past, policy, rails = history(), Thompson(2), Guardrails(0.1, freezes=[(MONDAY, MONDAY)])
    belief = bo.learn(past.until(until(9)), plan())
    first = bo.reallocate(plan(), past, policy=policy, seed=5, belief=belief, guardrails=rails)
    state = json.loads(
        json.dumps([belief.to_dict(), policy_to_dict(policy), rails.to_dict(), plan().to_json()])
    )
    again = bo.reallocate(
        bo.Plan.from_json(state[3]),
        past,
        policy=policy_from_dict(state[1]),
        seed=5,
        belief=bo.Belief.from_dict(state[0]),
        guardrails=Guardrails.from_dict(state[2]),
    )
    assert again.to_json() == first.to_json()


def test_only_new_weeks_are_enough():
    past = history()
    belief = bo.learn(past.until(until(9)), plan())
    late = bo.History(NAMES, past.weeks[9:], past.spend[9:], outcome=past.outcome[9:])
    split = bo.reallocate(plan(), late, belief=belief).allocation
    assert split == bo.reallocate(plan(), past).allocation


def test_a_belief_with_other_channels_is_refused_with_the_nearest():
    belief = bo.learn(history(), plan())
    other = plan(channels=[bo.Channel(n) for n in (*NAMES[:2], "kols")])
    past = history()
    named = bo.History((*NAMES[:2], "kols"), past.weeks, past.spend, outcome=past.outcome)
    with pytest.raises(bo.InputError, match=r"'kol'.*did you mean 'kols'") as error:
        bo.reallocate(other, named, belief=belief)
    assert error.value.code == "unknown-name"
    more = plan(channels=[bo.Channel(n) for n in (*NAMES, "new")])
    with pytest.raises(bo.InputError, match="'new', which is not in the belief"):
        bo.reallocate(more, past, belief=belief)


def test_a_belief_that_has_seen_the_week_is_refused():
    belief = bo.learn(history(), plan())
    assert bo.reallocate(plan(), history(), week=until(12), belief=belief)
    with pytest.raises(bo.InputError, match="includes the week of 2025-05-19") as error:
        bo.reallocate(plan(), history(), week=until(11), belief=belief)
    assert error.value.field == "belief"


def test_a_belief_of_another_kind_of_outcome_is_refused():
    belief = bo.learn(history(total=True), plan())
    with pytest.raises(bo.InputError, match="another kind of outcome"):
        bo.reallocate(plan(), history(), belief=belief)


def test_channels_may_be_in_another_order():
    belief = bo.learn(history().until(until(9)), plan())
    turned = plan(channels=[bo.Channel(n) for n in NAMES[::-1]])
    got = bo.reallocate(turned, history(), belief=belief)
    assert got.allocation.spend == bo.reallocate(plan(), history()).allocation.spend


def test_what_the_plan_has_learned_since_is_not_forgotten():
    # A lift test that comes after the belief was saved counts as it does when learned anew.
    belief = bo.learn(history().until(until(9)), plan())
    test = bo.plan.LiftTest("feed", low=60, high=120, incremental=900, error=5)
    tested = plan(lift_tests=[test])
    got = bo.reallocate(tested, history(), belief=belief)
    assert got == bo.reallocate(tested, history())
    assert got.allocation.outcomes != bo.reallocate(plan(), history()).allocation.outcomes


def test_spends_that_were_never_seen_are_named_with_numbers():
    past = history()
    most = float(past.spend[:, 0].max())
    decision = bo.reallocate(
        plan(budget=600, max_change="100%"), past, policy=bo.PosteriorMean(), guardrails=None
    )
    said = [note for note in decision.notes if note.startswith("extrapolated")]
    assert len(said) == 1
    spend = decision.allocation.spend
    beyond = [n for at, n in enumerate(NAMES) if float(spend[n]) > past.spend[:, at].max()]
    assert beyond
    for at, name in enumerate(NAMES):
        assert (repr(name) in said[0]) == (name in beyond)
        if name in beyond:
            assert (
                f"({spend[name]:,.0f}, observed maximum {past.spend[:, at].max():,.0f})" in said[0]
            )
    assert most > 0


def test_below_the_least_is_said_too_and_nothing_within():
    past = history()
    low = bo.Channel("feed", locked=20)
    channels = [bo.Channel(NAMES[0]), low, bo.Channel("kol")]
    decision = bo.reallocate(plan(channels=channels, max_change="10%"), past)
    least = past.spend[:, 1].min()
    assert any(f"'feed' (20, observed minimum {least:g})" in note for note in decision.notes)
    calm = bo.reallocate(plan(max_change="1%"), replace_last(past))
    assert not [note for note in calm.notes if note.startswith("beyond")]


def replace_last(past):
    """Return a history whose last week is in the middle of all weeks."""
    spend = past.spend.copy()
    spend[-1] = 100.0
    return replace(past, spend=np.round(spend))
