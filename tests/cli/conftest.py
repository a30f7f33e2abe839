"""A folder to work in."""

import sys

import pytest

from .helpers import cut, run


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys):
    """A folder with the demo's plan and last 25 weeks in it, as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["budgetopt"])
    assert run(capsys, "demo", ".")[0] == 0
    cut(tmp_path, "history.csv", first="2025-05-26")
    return tmp_path
