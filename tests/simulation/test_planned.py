"""Scenarios and contingencies that a plan declares, and their schema."""

import datetime as dt
import json

import pytest

from budgetopt.errors import InputError
from budgetopt.market import KINDS, RISKS, Competitor, Outage, scenario_named, scenarios_of
from budgetopt.plan import Channel, Plan
from budgetopt.simulation import (
    Contingency,
    contingencies_of,
    contingency_from_dict,
    contingency_schema,
)


def plan(**more):
    channels = [Channel("a"), Channel("b")]
    return Plan(budget=100, currency="CNY", channels=channels, **more)


RIVAL = Competitor(name="rival", start=dt.date(2026, 6, 1), size=0.3, channels=("b",), recovery=2)


def test_what_a_plan_declares_comes_back_as_scenarios():
    made = plan(scenarios=[RIVAL, {"kind": "outage", "start": 3, "days": 0.5}])
    again = Plan.from_json(made.to_json())
    assert scenarios_of(again) == {"rival": RIVAL, "outage": Outage(start=3, days=0.5)}


@pytest.mark.parametrize("risk", RISKS.values(), ids=RISKS)
def test_every_preset_may_be_declared(risk):
    assert scenarios_of(plan(scenarios=[risk])) == {risk.name: risk}


def test_the_usual_risks_need_no_declaration_and_a_plans_own_comes_first():
    assert scenario_named("overspend", plan()) is RISKS["overspend"]
    mine = plan(scenarios=[{"kind": "overspend", "size": 0.5}])
    assert scenario_named("overspend", mine).size == 0.5
    with pytest.raises(InputError, match="did you mean 'overspend'") as error:
        scenario_named("overspent", plan())
    assert error.value.code == "unknown-name"


WRONG = [
    ({"kind": "competitor", "sise": 1}, "did you mean 'size'?", "bad-plan"),
    ({"kind": "competitr"}, "did you mean 'competitor'?", "bad-plan"),
    ({"name": "rival"}, "a scenario has no kind", "bad-plan"),
    ({"kind": "competitor", "size": 2}, "from 0 to 1", "bad-argument"),
    ({"kind": "competitor", "start": "soon"}, "soon", "bad-date"),
    ({"kind": "competitor", "channels": ["bb"]}, "did you mean 'b'?", "unknown-name"),
]


@pytest.mark.parametrize(("table", "said", "code"), WRONG)
def test_a_wrong_scenario_is_refused_where_it_is_read(table, said, code):
    made = plan(scenarios=[table])
    with pytest.raises(InputError) as error:
        scenarios_of(made)
    assert said in str(error.value)
    assert error.value.code == code


def test_contingencies_come_back_with_their_defaults():
    open_b = {"release": 0.5, "pause": ("b",), "after": 0, "spare": {"a": 20, "b": 0.5}}
    answers = (Contingency("rival", **open_b), Contingency("overspend"))
    made = plan(scenarios=[RIVAL], contingencies=answers)
    assert contingencies_of(Plan.from_json(made.to_json())) == answers
    assert answers[1].to_dict() == {"scenario": "overspend"}
    assert contingency_from_dict(answers[0].to_dict()) == answers[0]


WRONG_ANSWERS = [
    ({"scenario": "rival", "realease": 1}, "did you mean 'release'?", "bad-plan"),
    ({"scenario": "rivall"}, "did you mean 'rival'?", "unknown-name"),
    ({"scenario": "rival", "pause": ["bb"]}, "did you mean 'b'?", "unknown-name"),
    ({"scenario": "rival", "release": 1.5}, "from 0 to 1", "bad-argument"),
    ({"scenario": "rival", "spare": {"bb": 1}}, "did you mean 'b'?", "unknown-name"),
    ({"scenario": "rival", "spare": {"b": -1}}, "at least 0", "bad-argument"),
    ({"scenario": "rival", "spare": ["b"]}, "money by channel", "bad-argument"),
    ({"scenario": "rival", "after": 0.5}, "whole number", "bad-argument"),
]


@pytest.mark.parametrize(("table", "said", "code"), WRONG_ANSWERS)
def test_a_wrong_contingency_is_refused_where_it_is_read(table, said, code):
    made = plan(scenarios=[RIVAL], contingencies=[table])
    with pytest.raises(InputError) as error:
        contingencies_of(made)
    assert said in str(error.value)
    assert error.value.code == code


def test_a_contingency_without_a_scenario_is_refused():
    with pytest.raises(InputError, match="name the scenario"):
        contingency_from_dict({"release": 1})


def test_the_schema_knows_the_fields_and_their_defaults():
    made = contingency_schema()
    assert json.loads(json.dumps(made)) == made
    fields = Contingency.__dataclass_fields__
    assert set(made["properties"]) == set(fields)
    for name, part in made["properties"].items():
        assert part.get("default", ()) == (fields[name].default if "default" in part else ())


def test_the_command_lines_schema_joins_them():
    from budgetopt.cli.plans import whole_schema

    tables = whole_schema()["properties"]
    kinds = {one["properties"]["kind"]["const"] for one in tables["scenarios"]["items"]["oneOf"]}
    assert kinds == set(KINDS)
    assert tables["contingencies"]["items"] == contingency_schema()
