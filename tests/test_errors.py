"""The error tree: every code is declared and used, and errors travel between processes."""

import ast
import json
import math
import pickle
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import budgetopt as bo
from budgetopt import errors
from budgetopt.errors import CODES, BudgetoptError, InputError, did_you_mean

SOURCE = Path(errors.__file__).parent
TREE = [
    thing
    for thing in vars(errors).values()
    if isinstance(thing, type) and issubclass(thing, BudgetoptError)
]
OURS = {kind.__name__ for kind in TREE}


def codes_in_source():
    """Return the texts in the source that are codes, and those handed to an error as its code."""
    texts, raised = set(), {}
    for path in SOURCE.rglob("*.py"):
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.Call) and _called(node.func) in OURS and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    raised[code.value] = f"{path.name}:{node.lineno}"
    return texts, raised


def _called(func):
    return getattr(func, "id", getattr(func, "attr", ""))


def test_every_code_that_is_raised_is_declared():
    _, raised = codes_in_source()
    assert {code: at for code, at in raised.items() if code not in CODES} == {}


# Out of the default run, since it holds only for the finished tree.
@pytest.mark.slow
def test_every_code_that_is_declared_is_used():
    texts, _ = codes_in_source()
    assert set(CODES) - texts == set()


def test_an_undeclared_code_is_a_mistake_of_the_programmer():
    with pytest.raises(KeyError, match="no-such-code"):
        BudgetoptError("no-such-code", "what")


@pytest.mark.parametrize("kind", TREE)
def test_errors_survive_pickling(kind):
    error = kind("bad-number", "cap is -1", field="cap", value=Decimal("-1"), remedy="give more")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert str(again) == str(error) == "cap is -1: give more"


@pytest.mark.parametrize("kind", TREE)
def test_exit_codes_follow_what_the_caller_can_do(kind):
    expected = {"InputError": 2, "InfeasibleError": 3, "SolverError": 4, "LedgerError": 6}
    family = [expected[base.__name__] for base in kind.__mro__ if base.__name__ in expected]
    assert kind.exit_code == (family[0] if family else 1)
    assert issubclass(kind, ValueError) == issubclass(kind, InputError)


def test_a_message_without_a_remedy_has_no_colon():
    assert str(BudgetoptError("bad-number", "cap is -1")) == "cap is -1"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (3, 3),
        (2.5, 2.5),
        (True, True),
        (None, None),
        ("x", "x"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (Decimal("1.50"), "1.50"),
        (np.float64(2.5), 2.5),
        (("a", 1), "('a', 1)"),
    ],
)
def test_to_dict_is_plain_json(value, plain):
    data = InputError("bad-number", "p", field="f", value=value, remedy="r").to_dict()
    assert data == {
        "error": "InputError",
        "code": "bad-number",
        "message": "p: r",
        "field": "f",
        "value": plain,
        "remedy": "r",
    }
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_did_you_mean():
    assert did_you_mean("douyn", ["baidu", "douyin"]) == "did you mean 'douyin'?"
    assert did_you_mean("抖因音", ["抖音", "快手"]) == "did you mean '抖音'?"
    assert did_you_mean("zzz", ["a", "b"]) == "choose one of 'a', 'b'"
    assert did_you_mean("zzz", (str(n) for n in range(12))).endswith("'11'")
    assert did_you_mean("zzz", (str(n) for n in range(13))).endswith("'11', ...")
    assert did_you_mean("zzz", []) == "nothing is available"


def test_an_error_is_said_in_the_language_that_is_asked_for():
    with pytest.raises(InputError) as caught:
        bo.Channel("douyin", floor=30_000, cap=20_000)
    error = caught.value
    assert error.explain() == str(error) == error.to_dict()["message"]
    said = "“douyin”的上限为 20,000，低于其下限 30,000：请提高上限或降低下限"
    data = error.to_dict(language="zh")
    assert error.explain("zh") == data["message"] == said
    assert data["remedy"] == "请提高上限或降低下限"
    assert data["code"] == "bounds-clash"
    foreign = InputError("bad-file", "disk is gone", field="path")
    assert foreign.explain("zh") == "文件无法读取或写入（path）。原文：disk is gone"
    with pytest.raises(InputError, match="language is 'fr'"):
        error.explain("fr")


def test_limits_that_clash_are_said_in_the_language_that_is_asked_for():
    channels = [bo.Channel("a", floor=700), bo.Channel("b", floor=500)]
    plan = bo.Plan(currency="CNY", budget=1000, channels=channels)
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan, {name: bo.Log(top=3, scale=2) for name in "ab"})
    data = caught.value.to_dict(language="zh")
    texts = [limit["text"] for limit in data["limits"]]
    texts += [change["text"] for way in data["remedies"] for change in way]
    assert len(texts) > 2
    assert all(re.search("[\u4e00-\u9fff]", text) for text in texts)


WRONG = [
    {"channels": "feed"},
    {"channels": [3]},
    {"horizon": "x"},
    {"spend": "twice"},
    {"labels": 3},
    {"id": 3},
    {"channels": [{"name": "feed", "awake": "yes"}]},
    {"history": {"outcome": 3}},
    {"budget": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_wrong_in_plain_data_is_said_in_chinese_alone(wrong):
    right = {"currency": "CNY", "budget": 1000, "channels": [{"name": "feed"}]}
    with pytest.raises(InputError) as caught:
        bo.Plan.from_dict(right | wrong)
    remedy = caught.value.to_dict("zh")["remedy"]
    assert re.search("[\u4e00-\u9fff]", remedy), remedy
    assert "nput" not in str(caught.value)


def test_a_wrong_argument_is_said_in_chinese_alone():
    with pytest.raises(InputError) as caught:
        bo.reallocate(None, None)
    assert str(caught.value) == "plan is None: give a Plan"
    assert caught.value.explain("zh") == "plan 为 None：请给出 Plan 对象"


def test_a_long_value_is_cut_and_a_missing_field_has_none():
    channels = [{"name": f"channel {n}"} for n in range(200)]
    with pytest.raises(InputError) as caught:
        bo.Plan.from_dict({"budget": 1, "channels": channels})
    assert (caught.value.field, caught.value.to_dict()["value"]) == ("currency", None)
    assert len(InputError("bad-plan", "p", value=channels).to_dict()["value"]) < 500


def test_a_service_answers_by_the_class():
    statuses = {kind.__name__: kind("bad-number", "p").http_status for kind in TREE}
    assert statuses["PlanError"] == statuses["HistoryError"] == statuses["InputError"] == 400
    assert statuses["InfeasibleError"] == 422
    assert statuses["SolverError"] == statuses["VerificationError"] == 500
    assert statuses["LedgerError"] == 503
    assert InputError("wrong-state", "p").http_status == 409
