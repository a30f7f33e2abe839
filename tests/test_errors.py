"""The error tree: every code is declared and used, and errors travel between processes."""

import ast
import json
import math
import pickle
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

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
