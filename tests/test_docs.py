"""Every example in a docstring of the package runs."""

import doctest
import importlib
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


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
