"""What a decision brings more than last week: by the goal, and in two parts where money differs."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.weekly.helpers import NAMES, history, plan

import budgetopt as bo
from budgetopt.i18n.messages import show_figure
from budgetopt.plan import Goal
from budgetopt.weekly.decision import Gains

MEAN = bo.PosteriorMean()
RATES = ({"sales": "0.5"}, {"sales": "0.1"}, {"sales": "0.02"})
GOALS = {
    "outcome": {},
    "profit": {"goal": Goal.most_profit(), "value": 2},
    "weights": {
        "goal": Goal.most_outcome({"leads": 1, "sales": 30}),
        "outcome": "leads",
        "channels": [bo.Channel(n, rates=r) for n, r in zip(NAMES, RATES, strict=True)],
    },
    "least-spend": {"goal": Goal.least_spend(700)},
}
BUDGETS = {"more": 420, "as much": None, "less": 200}


def money(decision, which="after"):
    return np.array([float(getattr(move, which)) for move in decision.moves])


def by_goal(name, curves, spend):
    """Return what a split brings by a goal, written out."""
    outcome = curves.value(spend)
    sales = np.array([0.5, 0.1, 0.02]) @ outcome
    return {
        "outcome": outcome.sum(),
        "profit": 2 * outcome.sum() - spend.sum(),
        "weights": outcome.sum() + 30 * sales,
        "least-spend": -spend.sum(),
    }[name]


class InProportion:
    """Last week's split at the week's money."""

    name = "in proportion"

    def decide(self, view, rng):
        return view.last * (view.budget / view.last.sum())


def test_what_rounding_brings_is_no_gain_of_the_split():
    past = history(seed=8)
    declared = plan(budget=300, max_change="none", step="0.01", spend="all")
    decision = bo.reallocate(declared, past, policy=InProportion(), guardrails=None)
    proportions = money(decision, "before") * 300 / past.spend[-1].sum()
    assert 0 < np.abs(money(decision) - proportions).max() <= 0.01
    assert decision.gains.split == 0.0
    assert decision.money_gain == decision.gain
    assert decision.allocation.spread.better is None


@pytest.mark.parametrize("much", BUDGETS)
@pytest.mark.parametrize("name", GOALS)
def test_both_parts_are_those_of_the_curves(name, much):
    past = history(seed=8)
    last = past.spend[-1]
    declared = plan(budget=BUDGETS[much] or last.sum(), max_change="60%", **GOALS[name])
    decision = bo.reallocate(declared, past, policy=MEAN)
    curves = bo.learn(past, declared).mean()
    after, before = money(decision), money(decision, "before")
    # Whatever the limits: they say of the money what it brings in last week's proportions.
    same = before * after.sum() / before.sum()
    brings = [by_goal(name, curves, spend) for spend in (after, same, before)]
    assert decision.gain == pytest.approx(brings[0] - brings[2])
    assert decision.gains.split == pytest.approx(brings[0] - brings[1], abs=1e-9)
    assert decision.money_gain == pytest.approx(brings[1] - brings[2], abs=1e-9)
    in_outcome = curves.value(after).sum() - curves.value(before).sum()
    assert decision.gains.outcome == pytest.approx(in_outcome)
    said = decision.against_last()
    more = round(after.sum() - before.sum())
    if name == "least-spend":
        assert f"{abs(more)} less money" in said or f"{more} more money" in said
    else:
        assert ("in last week's proportions" in said) == (more != 0)
        assert (f"spending {abs(more)} {'more' if more > 0 else 'less'}" in said) == (more != 0)


def test_proportions_that_limits_forbid_are_last_weeks_all_the_same():
    """One channel alone was on: more money in it is not what spreading it brings."""
    past = history(seed=8)
    last = dict(zip(NAMES, (300, 0, 0), strict=True))
    declared = plan(budget=600)
    decision = bo.reallocate(declared, past, last=last, policy=MEAN)
    curves = bo.learn(past, declared).mean()
    # All change limits hold, so that within them last week's proportions are the decision.
    assert money(decision).sum() < 600
    more = np.array([money(decision).sum(), 0, 0])
    expected = curves.value(more).sum() - curves.value(np.array([300.0, 0, 0])).sum()
    assert decision.money_gain == pytest.approx(expected)
    assert decision.gains.split > 0
    assert decision.gain == pytest.approx(decision.money_gain + decision.gains.split)


@pytest.mark.parametrize("name", GOALS)
def test_a_record_of_any_goal_has_no_nan_and_comes_back_equal(name):
    decision = bo.reallocate(plan(**GOALS[name]), history(), policy=MEAN)
    text = decision.to_json()
    assert "NaN" not in text
    assert '"nan"' not in text
    assert bo.Decision.from_json(text) == decision
    data = json.loads(text)
    for field in ("gain_of_split", "gain_in_outcome", "gain_on_priors"):
        del data[field]
    older = bo.Decision.from_dict(data)
    assert older == replace(decision, gains=Gains(decision.gain))
    assert "proportions" not in older.against_last()


def test_the_better_split_by_the_goal_gains_where_the_raw_outcome_falls():
    # What the goal wants is in the channel that brings the least of the plan's own outcome.
    rates = ({"sales": 0}, {"sales": 0}, {"sales": 9})
    channels = [bo.Channel(n, rates=r) for n, r in zip(NAMES, rates, strict=True)]
    declared = plan(channels=channels, outcome="leads", goal=Goal.most_outcome({"sales": 1}))
    decision = bo.reallocate(declared, history(seed=5), policy=MEAN)
    assert decision.gains.outcome < 0 < decision.gain
    assert "outcome by the goal's weights" in decision.against_last()
    kinds = decision.allocation.kinds
    assert kinds == {"sales": pytest.approx(9 * decision.allocation.outcomes["kol"])}
    assert f"Expected outcome {show_figure(kinds['sales'])} sales, " in decision.explain()


def test_outcomes_by_kind_stand_in_the_sentence():
    decision = bo.reallocate(plan(**GOALS["weights"]), history(), policy=MEAN)
    week = decision.allocation
    outcomes = np.array(list(week.outcomes.values()))
    assert week.kinds["leads"] == pytest.approx(week.outcome)
    assert week.kinds["sales"] == pytest.approx([0.5, 0.1, 0.02] @ outcomes)
    assert week.worth == pytest.approx(week.kinds["leads"] + 30 * week.kinds["sales"])
    leads, sales = (show_figure(week.kinds[name]) for name in ("leads", "sales"))
    told = f"{leads} leads, {sales} sales, worth {show_figure(week.worth)} by the goal's weights"
    assert f"Expected outcome {told}, " in decision.explain()


def test_proportional_shares_count_as_the_goal_counts():
    shares = {}
    for name, fields in GOALS.items():
        declared = plan(budget=300, max_change="none", step="0.01", **fields)
        decision = bo.reallocate(declared, history(), policy=bo.Proportional(12), guardrails=None)
        shares[name] = money(decision) / money(decision).sum()
    past = history()
    ratio = past.outcome.sum(axis=0) / past.spend.sum(axis=0)
    weight = 1 + 30 * np.array([0.5, 0.1, 0.02])
    for name, counts in {
        "outcome": 1.0,
        "profit": 1.0,
        "weights": weight,
        "least-spend": 1,
    }.items():
        np.testing.assert_allclose(shares[name], counts * ratio / (counts * ratio).sum(), rtol=1e-3)


def test_what_makes_an_outcome_money_is_not_lost_on_the_way_to_a_record():
    # The name is that of a count; only the columns of the history say that it is money.
    columns = bo.Columns(outcome=("leads", "value_each"))
    declared = plan(outcome="leads", columns=columns, limits=[bo.Limit.roas("1.5")])
    decision = bo.reallocate(declared, history(), policy=MEAN)
    assert bo.Decision.from_json(decision.to_json()) == decision


def test_extra_money_that_returns_less_than_it_costs_is_said_where_the_outcome_is_money():
    def noted(**fields):
        declared = plan(budget=450, max_change="none", **fields)
        decision = bo.reallocate(declared, history(), policy=MEAN)
        below = [m.channel for m in decision.moves if 0 <= m.worth < float(m.change)]
        said = [note for note in decision.notes if note.code == "returns-below-cost"]
        return below, said

    # Two thirds of the outcome's money stay with the team, and some of it no more comes back.
    below, said = noted(outcome="revenue", channels=[
        bo.Channel(n, curve=bo.Log(30 * at, 40), pinned=True) for at, n in enumerate(NAMES, 1)
    ])  # fmt: skip
    assert below
    assert all(repr(name) in said[0] for name in below)
    assert not noted(outcome="sales")[1]


def test_a_decision_in_sentences_and_in_short_has_its_range():
    decision = bo.reallocate(plan(), history(), policy=MEAN)
    known = decision.allocation.spread.summary()
    assert f"Outcome: {known}." in decision.explain()
    assert f"Outcome: {known}." in repr(decision)
