"""A folder to work in."""

import sys

import pytest

from .helpers import run


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys):
    """A folder with the demo in it, as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["budgetopt"])
    assert run(capsys, "demo", ".")[0] == 0
    return tmp_path
