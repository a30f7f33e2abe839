"""Settings that all tests share, and what the rooms of the week learn once."""

import importlib
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Time limits of single examples fail on a busy machine and prove nothing; the same examples every
# time keep a red run reproducible.
settings.register_profile("budgetopt", deadline=None, derandomize=True)
settings.load_profile("budgetopt")

# Pages are compared in English, whatever the locale; programs that tests start inherit it.
os.environ["BUDGETOPT_LANG"] = "en"

_known = {}


@pytest.fixture(autouse=True)
def _learned_once(request, monkeypatch):
    """What is learned from the same weeks is learned once: beliefs never change."""
    if request.path.relative_to(Path(__file__).parent).parts[0] not in ("weekly", "workflow"):
        return
    warm_start = importlib.import_module("budgetopt.weekly.warm_start")
    learn = warm_start.learn

    def once(history, plan):
        key = (history.fingerprint, str(history.through), plan.to_json())
        if key not in _known:
            _known[key] = learn(history, plan)
        return _known[key]

    monkeypatch.setattr(warm_start, "learn", once)
