"""Every example in a docstring runs, and the reference has every name, command, field and code."""

import dataclasses
import doctest
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path
from typing import get_args

import pytest

import budgetopt
from budgetopt import errors
from budgetopt.cli import run
from budgetopt.cli.experiment import next_day, pilot, verdict
from budgetopt.cli.weeks import verify

FULL = re.DOTALL | re.MULTILINE

MODULES = [
    "budgetopt",
    *(
        module.name
        for module in pkgutil.walk_packages(budgetopt.__path__, "budgetopt.")
        if not module.name.endswith("__main__")
    ),
]


class Finder(doctest.DocTestFinder):
    """Finds the examples of functions that a decorator has wrapped too."""

    def _from_module(self, module, object):
        return super()._from_module(module, inspect.unwrap(object))


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for examples in Finder().find(module, module.__name__):
        runner.run(examples)
    assert runner.failures == 0


def test_examples_of_marked_functions_are_among_them():
    found = Finder().find(importlib.import_module("budgetopt.simulation.run"), "run")
    assert any(test.name == "run.simulate" and test.examples for test in found)


@pytest.fixture(scope="module")
def reference():
    path = Path(__file__).parents[1] / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_every_public_name_is_in_the_reference(reference):
    api = "\n".join(text for path, text in reference.items() if path.startswith("api/"))
    shown = re.findall(r"^\.\. auto(?:class|function):: budgetopt\.(\w+)$", api, re.MULTILINE)
    assert sorted(shown) == sorted(budgetopt.__all__)
    for room in {*budgetopt._ROOMS} - {"money", "i18n"}:
        for name in getattr(getattr(budgetopt, room), "__all__", ()):
            assert f"``{name}``" in reference[f"api/{room}.rst"] or name in shown


def test_every_command_with_every_option_is_in_the_reference(reference):
    chapters = dict(re.findall(r"^## budgetopt (.*?)\n(.*?)(?=^## |\Z)", reference["cli.md"], FULL))
    called = {"experiment next": next_day, "experiment pilot": pilot}
    called |= {"experiment verdict": verdict, "ledger verify": verify}
    called |= {one.__name__.replace("_", "-"): one for one in (*run.COMMANDS, *run.RHYTHM)}
    assert {*chapters} == {*called}
    for name, command in called.items():
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            how = next(one for one in get_args(parameter.annotation)[1:] if hasattr(one, "help"))
            for option in how.param_decls or ():
                assert all(f"`{one}`" in chapters[name] for one in option.split("/"))
        assert "||" not in chapters[name]


def test_every_field_of_a_plan_is_in_the_reference(reference):
    text = reference["plan.md"]
    chapters = dict(re.findall(r"^## (\w+)\n(.*?)(?=^\(plan-|^## |\Z)", text, FULL))
    kinds = [budgetopt.Plan, budgetopt.Channel, budgetopt.Columns, budgetopt.Operation]
    kinds += [budgetopt.Phase, budgetopt.Freeze, budgetopt.Approval, budgetopt.Release]
    kinds += [budgetopt.Target, budgetopt.LiftTest, budgetopt.ChannelPrior]
    for kind in kinds:
        rows = re.findall(r"^\| `(\w+)` \|", chapters[kind.__name__], re.MULTILINE)
        names = {field.name for field in dataclasses.fields(kind) if field.init}
        # In a file the columns are the table that says how a history is read.
        assert {"history" if name == "columns" else name for name in names} <= {*rows}, kind


def test_every_error_and_exit_code_is_in_the_reference(reference):
    text = reference["errors.md"]
    codes = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", text, re.MULTILINE))
    assert codes == errors.CODES
    exits = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    assert exits == [*"01234567", "130", "143"]
    direct = [one for one in vars(errors).values()
              if isinstance(one, type) and one.__bases__[0] is errors.BudgetoptError]  # fmt: skip
    assert re.findall(r"^\| `(\w+)` \| (\d) \|", text, re.MULTILINE) == [
        (one.__name__, str(one.exit_code)) for one in direct
    ]
