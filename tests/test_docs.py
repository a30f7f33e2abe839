"""Every example in a docstring of the package runs."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import budgetopt

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
