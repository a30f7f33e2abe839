"""What commands write as JSON is what their schemas say; `tests/cli/helpers.run` always asks."""

import copy
import json

import jsonschema
import numpy as np
import pytest

import budgetopt as bo
from budgetopt.exchange import RESULTS, result_schema

TWO = [bo.Channel("search", curve=bo.Log(300, 50)), bo.Channel("抖音", curve=bo.Log(200, 40))]
PLAN = bo.Plan(budget=1000, currency="CNY", channels=TWO, max_change="30%")
LAST = {"search": 500, "抖音": 400}


def check(name, data):
    schema = result_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)


@pytest.fixture(scope="module")
def results():
    """Return a result of each kind that needs no history."""
    split = bo.allocate(PLAN, last=LAST)
    broken = bo.PlanError("bad-plan", "no plan", field="x", value=1.5, remedy="write one")
    return {
        "allocate": split.to_dict(),
        "frontier": bo.frontier(PLAN, budgets=[500, 1000, 1500]).to_dict(),
        "what-if": bo.what_if(PLAN, None, {"less": bo.Change(budget="-20%")}).to_dict(),
        "error": broken.to_dict(),
    }


@pytest.mark.parametrize("name", ["allocate", "frontier", "what-if", "error"])
def test_a_result_is_as_its_schema_says_and_a_spoilt_one_is_not(results, name):
    data = results[name]
    check(name, data)
    whole = result_schema()
    check_all = {"$ref": whole["properties"][name]["$ref"], "$defs": whole["$defs"]}
    jsonschema.validate(data, check_all)
    for field in result_schema(name)["required"]:
        spoilt = copy.deepcopy(data)
        del spoilt[field]
        with pytest.raises(jsonschema.ValidationError, match=field):
            check(name, spoilt)


def test_what_nobody_declared_and_money_that_is_a_number_are_refused(results):
    split = results["allocate"]
    with pytest.raises(jsonschema.ValidationError, match="more"):
        check("allocate", {**split, "more": 1})
    with pytest.raises(jsonschema.ValidationError, match="500"):
        check("allocate", {**split, "spend": {"search": 500.0}})


def test_every_field_of_a_record_is_in_its_schema(results):
    assert set(result_schema("allocate")["properties"]) == set(results["allocate"])
    assert {"points", "knee", "notes"} == set(result_schema("frontier")["properties"])


def test_an_unknown_name_is_refused_with_those_that_are_known():
    assert set(result_schema()["properties"]) == set(RESULTS)
    with pytest.raises(bo.InputError, match="reallocate") as caught:
        result_schema("realocate")
    assert caught.value.code == "unknown-name"


WEEKS = np.arange("2026-01-05", "2026-03-30", 7, dtype="datetime64[D]")
SPEND = np.array([[100.0, 90 + 7 * n] for n in range(WEEKS.size)])
SPEND[3, 1] = np.nan
HISTORY = bo.History(("search", "抖音"), WEEKS, SPEND, outcome=3 * SPEND)


def test_records_that_come_back_are_as_their_schemas_say():
    belief = bo.learn(HISTORY, PLAN)
    check("history", json.loads(HISTORY.to_json()))
    check("belief", json.loads(belief.to_json()))
    check("belief", json.loads(belief.to_json(learned=True)))
    check("decision", json.loads(bo.reallocate(PLAN, HISTORY, belief=belief).to_json()))
    line = bo.frontier(PLAN, belief, budgets=[500, 1000, 10**9], last=LAST)
    check("frontier-whole", json.loads(line.to_json(whole=True)))
    years = bo.simulate(
        PLAN, bo.Market.of_plan(PLAN), ["hold", "equal"], weeks=2, runs=4, last=LAST
    )
    check("simulation-whole", json.loads(years.to_json(whole=True)))
    check("tests", json.loads(bo.report.as_json(bo.value_of_tests(PLAN, belief).to_dict())))


def test_a_weekly_run_is_as_its_schema_says(tmp_path):
    book = bo.Ledger.open(tmp_path / "week.db")
    run = bo.run_week(PLAN, HISTORY, book, who="cron", today="2026-03-30")
    check("week-run", json.loads(run.to_json()))


@pytest.mark.parametrize("name", ["results", *RESULTS])
def test_a_schema_says_its_draft_and_its_name(name):
    schema = result_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f":{name}")


@pytest.mark.parametrize(
    ("wrong", "fits"),
    [
        ({}, True),
        ({"budget": "1000.50"}, True),
        ({"budget": "lots"}, False),
        ({"channels": []}, False),
    ],
)
def test_the_schema_of_a_plan_refuses_what_a_plan_does(wrong, fits):
    data = {"currency": "CNY", "budget": 1000, "channels": [{"name": "a"}]} | wrong
    valid = jsonschema.Draft202012Validator(bo.plan.schema()).is_valid(data)
    assert valid == fits
    if not fits:
        with pytest.raises(bo.InputError):
            bo.Plan.from_dict(data)
