"""Goals with dates: how they are declared, and what a plan's data cannot measure."""

import datetime as dt
from decimal import Decimal

import pytest

import budgetopt as bo
from budgetopt.errors import BudgetoptError
from budgetopt.plan import Relative, Target

BY = "2026-12-31"


def plan(*targets, **changes):
    channels = [bo.Channel("a", rates={"orders": "0.05"}), bo.Channel("b", rates={"orders": 0.1})]
    fields = {"budget": 100, "currency": "CNY", "channels": channels, "outcome": "leads"}
    return bo.Plan(**fields | changes, targets=targets)


def test_a_ratio_is_measured_over_four_weeks_unless_said_otherwise():
    target = Target("cpa", 50, BY)
    assert (target.start, target.days) == (dt.date(2026, 12, 4), 28)
    assert Target("cpa", 50, BY, "2026-12-31").days == 1


def test_values_are_numbers_shares_or_changes():
    assert Target("cpa", "49.5", BY).value == Decimal("49.5")
    assert Target("conversion-rate", "3.5%", BY, of="orders").value == Decimal("0.035")
    assert Target("outcome", "+30%", BY, "2026-12-01").change == Relative(0.3)
    assert Target("cpa", "x0.8", BY).change == Relative(-0.2)


def test_a_target_comes_back_from_plain_data():
    given = [
        {"metric": "outcome", "value": "+30%", "first": "2026-12-01", "by": BY},
        {"metric": "cpa", "value": "50", "by": BY, "of": "orders"},
    ]
    made = plan(*given)
    assert made.to_dict()["targets"] == [{"of": ""} | one for one in given]
    assert bo.Plan.from_json(made.to_json()) == made
    assert "targets" not in plan().to_dict()


FIRST = {"first": "2026-12-01"}
WRONG = [
    ({"metric": "cpl", "value": 1}, "bad-plan", "target.metric is 'cpl'"),
    ({"metric": "cpa", "value": 0}, "bad-number", "target.value is 0"),
    ({"metric": "cpa", "value": "30%"}, "bad-plan", "says neither up nor down"),
    ({"metric": "cpa", "value": "-100%"}, "bad-argument", "give a change above -100%"),
    ({"metric": "outcome", "value": 5}, "bad-plan", "adds up from some day on"),
    ({"metric": "cpa", "value": 5, "first": "2027-01-01"}, "bad-date", "before the last"),
    ({"metric": "conversion-rate", "value": "3%"}, "bad-plan", "between two counts"),
    ({"metric": "conversion-rate", "value": 3.5, "of": "orders"}, "bad-number", "3.5"),
    ({"metric": "cpa", "value": 5, "of": "visits"}, "unknown-name", "'visits' has no rate"),
    ({"metric": "roas", "value": 3}, "bad-plan", "needs a value in money"),
    ({"metric": "roas", "value": 3, "of": "orders"}, "bad-plan", "the plan's own outcome"),
]


@pytest.mark.parametrize(("given", "code", "said"), WRONG)
def test_what_cannot_be_measured_is_refused_with_the_reason(given, code, said):
    with pytest.raises(BudgetoptError) as error:
        plan(given | {"by": BY})
    assert error.value.code == code
    assert said in str(error.value)
    assert error.value.field.startswith("target")


def test_a_cpa_of_money_is_refused_and_a_roas_of_it_is_not():
    with pytest.raises(BudgetoptError, match="needs a count, but the outcome 'revenue' is money"):
        plan(Target("cpa", 50, BY), outcome="revenue")
    assert plan(Target("roas", 3, BY), outcome="revenue").targets
    assert plan(Target("cpa", 50, BY, of="orders"), outcome="revenue").targets


def test_a_target_is_declared_once():
    with pytest.raises(BudgetoptError, match=r"targets\.1 is given twice"):
        plan(Target("cpa", 50, BY), Target("cpa", "50", BY))
