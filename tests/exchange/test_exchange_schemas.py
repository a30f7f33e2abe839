"""What commands write as JSON is what their schemas say; `tests/cli/helpers.run` always asks."""

import copy

import jsonschema
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
