"""Scenarios and contingencies as the plan keeps them: plain, frozen, with names."""

import datetime as dt
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from budgetopt.errors import PlanError
from budgetopt.plan import Channel, Plan


def plan(**more):
    return Plan(budget=100, currency="CNY", channels=[Channel("a")], **more)


RIVAL = {
    "kind": "competitor",
    "name": "rival",
    "start": dt.date(2026, 6, 1),
    "size": Decimal("0.2"),
}


def test_tables_are_kept_as_plain_frozen_data():
    made = plan(scenarios=[RIVAL | {"channels": ["a"], "end": None, "chance": Fraction(1, 2)}])
    (table,) = made.scenarios
    kept = {"kind": "competitor", "name": "rival", "start": "2026-06-01", "size": 0.2}
    assert dict(table) == kept | {"channels": ("a",), "end": None, "chance": 0.5}
    assert table.to_dict() == kept | {"channels": ["a"], "end": None, "chance": 0.5}
    with pytest.raises(TypeError):
        table["size"] = 1
    assert hash(made) == hash(pickle.loads(pickle.dumps(made)))
    assert Plan.from_json(made.to_json()) == made


def test_what_was_given_is_no_longer_looked_at():
    given = {"kind": "competitor", "channels": ["a"]}
    made = plan(scenarios=given)
    given["channels"].append("b")
    assert made.scenarios[0]["channels"] == ("a",)


def test_numbers_of_numpy_are_plain_numbers():
    given = {"scenario": "x", "release": np.float32(0.5), "after": np.int8(2)}
    (table,) = plan(contingencies=given).contingencies
    assert [type(v) for v in table.values()] == [str, float, int]


def test_a_table_inside_a_table_is_frozen_too():
    given = {"scenario": "x", "spare": {"a": 2, "b": [1]}}
    made = plan(contingencies=[given])
    (table,) = made.contingencies
    given["spare"]["a"] = 3
    assert table["spare"]["a"] == 2
    assert table.to_dict() == given | {"spare": {"a": 2, "b": [1]}}
    assert Plan.from_json(made.to_json()) == made
    assert hash(Plan.from_json(made.to_json())) == hash(made)


def test_order_of_fields_does_not_tell_plans_apart():
    turned = dict(reversed(RIVAL.items()))
    assert plan(scenarios=[RIVAL]) == plan(scenarios=[turned])
    assert hash(plan(scenarios=[RIVAL])) == hash(plan(scenarios=[turned]))
    assert plan(scenarios=[RIVAL]) != plan()


WRONG = [
    ({"scenarios": [{"size": 1}]}, "scenarios.0 has no name: add its name or kind", "bad-plan"),
    ({"scenarios": [RIVAL, {"name": " "}]}, "scenarios.1.name is ' '", "bad-plan"),
    ({"scenarios": [{"kind": 3}]}, "scenarios.0.kind is 3", "bad-plan"),
    ({"scenarios": ["rival"]}, "scenarios.0 is 'rival'", "bad-plan"),
    ({"scenarios": 3}, "scenarios.0 is 3", "bad-plan"),
    ({"scenarios": [{1: 2}]}, "write a table", "bad-plan"),
    ({"scenarios": [RIVAL | {"size": float("nan")}]}, "scenarios.0.size is nan", "bad-plan"),
    ({"scenarios": [RIVAL | {"size": {"a": 1j}}]}, "scenarios.0.size.a is 1j", "bad-plan"),
    ({"scenarios": [RIVAL | {"channels": ["a", 1j]}]}, "scenarios.0.channels.1 is 1j", "bad-plan"),
    ({"scenarios": [RIVAL, {"kind": "rival"}]}, "'rival' is declared twice", "bad-name"),
    ({"contingencies": [{"release": 1}]}, "contingencies.0 has no scenario", "bad-plan"),
    ({"contingencies": [{"scenario": ""}]}, "contingencies.0.scenario is ''", "bad-plan"),
]


@pytest.mark.parametrize(("given", "said", "code"), WRONG)
def test_what_is_no_table_is_refused(given, said, code):
    with pytest.raises(PlanError) as error:
        plan(**given)
    assert said in str(error.value)
    assert error.value.code == code


def test_two_answers_to_one_scenario_are_no_mistake():
    tables = [{"scenario": "rival", "release": 1}, {"scenario": "rival", "pause": ["a"]}]
    assert len(plan(contingencies=tables).contingencies) == 2
