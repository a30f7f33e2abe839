"""Settings that all tests share, and what the rooms of the week learn once."""

import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

import budgetopt

# What is timed fails on a busy machine and proves nothing; the same examples every time keep a red
# run reproducible.
TIMED = [HealthCheck.too_slow]
settings.register_profile("budgetopt", deadline=None, derandomize=True, suppress_health_check=TIMED)
settings.load_profile("budgetopt")

# Hypothesis also draws from the constants of whatever modules of ours are loaded by then: a test
# would see other examples after other tests. There is no setting against it.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants

# Where nothing compiled is kept, each worker compiles all tests, and each program that a test
# starts compiles the whole library.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Two workers with two threads of linear algebra each wait for one another on two cores: what learns
# one total took 20 times as long. Read when numpy is loaded, here and in programs that tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Ledgers wait for the disk at every commit: where memory can hold what tests write, it lies there.
_MEMORY = Path("/dev/shm")
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2**32:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# Pages are compared in English, whatever the locale; programs that tests start inherit it.
os.environ["BUDGETOPT_LANG"] = "en"

FEW = 3
"""Seeds of a test, and the part of its examples, that the default suite takes."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave the further seeds and examples of a property to CI's slow run, which takes all.

    CI runs the default suite on two Pythons, with the same seeds and examples of a property:
    that it holds for many of them need be shown once. ``-m "slow or hypothesis"`` takes all.
    """
    few, done = config.getoption("markexpr") == "not slow", set()
    for item in items:
        seeds = getattr(item, "callspec", None) and item.callspec.indices.get("seed", 0)
        if seeds and seeds >= FEW:
            item.add_marker(pytest.mark.slow)
        # A function's settings are given to it in this attribute; there is no other way to them.
        # Cases of one test share it.
        function = getattr(item.obj, "__func__", item.obj)
        own = getattr(function, "_hypothesis_internal_use_settings", None)
        if few and own and function not in done:
            done.add(function)
            less = settings(own, max_examples=max(5, own.max_examples // FEW))
            function._hypothesis_internal_use_settings = less


_known = {}


@pytest.fixture(autouse=True)
def _learned_once(request, monkeypatch):
    """What is learned from the same weeks is learned once: beliefs never change."""
    if request.path.relative_to(Path(__file__).parent).parts[0] not in (
        "weekly",
        "workflow",
        "cli",
    ):
        return
    weekly = importlib.import_module("budgetopt.weekly.reallocate")
    learn = budgetopt.belief.learn

    def once(history, plan, **settings):
        if settings:
            return learn(history, plan, **settings)
        key = (history.fingerprint, str(history.through), plan.to_json())
        if key not in _known:
            _known[key] = learn(history, plan)
        return _known[key]

    monkeypatch.setattr(weekly, "learn", once)
    monkeypatch.setattr(budgetopt, "learn", once)
