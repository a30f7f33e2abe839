"""What a plan says of its outcome: money, a count, or nothing; and what may be asked of which."""

import pytest

from budgetopt.errors import PlanError
from budgetopt.plan import Channel, Goal, Limit, Plan, kind_of, return_words

TWO = (Channel("a"), Channel("b"))


def plan_of(channels=TWO, **fields):
    return Plan(budget=100, currency="CNY", channels=channels, **fields)


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({}, "unknown", ("per CNY", "next CNY")),
        ({"outcome": "转化"}, "count", ("CPA", "marginal CPA")),
        ({"outcome": "New-customer sign-ups"}, "count", ("CPA", "marginal CPA")),
        ({"outcome_unit": 1}, "count", ("CPA", "marginal CPA")),
        ({"outcome_unit": 120}, "money", ("ROAS", "mROAS")),
        ({"outcome": "revenue"}, "money", ("ROAS", "mROAS")),
        ({"outcome": "销售额（元）"}, "money", ("ROAS", "mROAS")),
        ({"outcome": "conversion value"}, "money", ("ROAS", "mROAS")),
        ({"value": 1}, "money", ("ROAS", "mROAS")),
        ({"outcome": "leads", "value": 60}, "money", ("ROAS", "mROAS")),
        ({"outcome": "revenue", "value": "0.35"}, "money", ("value/spend", "marginal value/spend")),
        ({"value": "0.35"}, "money", ("value/spend", "marginal value/spend")),
        ({"channels": (Channel("a", value=2), Channel("b", value=3))}, "money", None),
        ({"channels": (Channel("a", value=2), Channel("b"))}, "unknown", None),
        ({"outcome": "leads", "channels": (Channel("a", value=2), Channel("b"))}, "count", None),
    ],
)
def test_what_a_plan_says_of_its_outcome(fields, kind, words):
    plan = plan_of(**fields)
    assert kind_of(plan) == kind
    if words is not None:
        assert return_words(plan)[:2] == words
    again = Plan.from_json(plan.to_json())
    assert (again, kind_of(again)) == (plan, kind)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(["conversions", "value_each"], "money"), ("revenue", "money"), ("leads", "count"),
     ("outcome", "unknown")],
)  # fmt: skip
def test_the_column_of_the_history_speaks_as_well(outcome, kind):
    from budgetopt.history import Columns

    outcome = tuple(outcome) if isinstance(outcome, list) else outcome
    assert kind_of(plan_of(columns=Columns(outcome=outcome))) == kind


@pytest.mark.parametrize(
    "fields",
    [
        {"goal": Goal.most_profit()},
        {"limits": [Limit.roas(2)]},
        {"limits": [Limit.mroas(1)]},
        {"operation": {"alerts": {"pause_roas": 0.5}}},
        {"operation": {"releases": [{"when": "mroas", "share": "50%", "hurdle": 2}]}},
    ],
    ids=str,
)
def test_money_is_not_asked_from_a_count_without_a_value(fields):
    with pytest.raises(PlanError, match="without a declared value: give value") as error:
        plan_of(outcome="转化", **fields)
    assert error.value.code == "bad-plan"
    assert plan_of(outcome="转化", value=60, **fields).value == 60
    # Who asks for a ratio of money from an outcome that is not known to be a count says enough.
    assert kind_of(plan_of(**fields)) == "unknown"


def test_a_cost_is_no_worth():
    assert plan_of(outcome="转化", limits=[Limit.cpa(60)]).value is None
