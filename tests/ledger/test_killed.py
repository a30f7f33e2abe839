"""A process that is killed at any moment loses nothing that was said to be recorded."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")


def kills(what, here, file, count, seed):
    words = [sys.executable, here / "kill.py", what, file, str(count), str(seed)]
    run = subprocess.run(words, check=True, capture_output=True, timeout=300)
    return json.loads(run.stdout)


def lost_nothing(count, found):
    assert found["lost"] == 0
    assert found["broken"] == []
    assert found["in order"]
    # So that the test does test: many died in the midst, and much was recorded before.
    assert found["midst"] > count / 4
    assert found["entries"] > count


def test_forty_kills_lose_nothing(here, file):
    lost_nothing(40, kills("recording", here, file, 40, seed=1))


@pytest.mark.slow
def test_many_kills_lose_nothing(here, file):
    lost_nothing(120, kills("recording", here, file, 120, seed=2))


def test_a_ledger_is_made_whole_or_not_at_all(here, file):
    found = kills("making", here, file, 20, seed=3)
    assert found["broken"] == []
    assert 0 < found["made"] < 20
