"""A folder to work in."""

import sys

import pytest

from . import friday
from .helpers import cut, run


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys):
    """A folder with the demo's plan and last 25 weeks in it, as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["budgetopt"])
    assert run(capsys, "demo", ".")[0] == 0
    cut(tmp_path, "history.csv", first="2025-05-26")
    return tmp_path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a plan and a history for the weekly rhythm, as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["budgetopt"])
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setenv("PATH", "/nowhere")
    friday.write(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """A folder with a week that was proposed; for copies only."""
    made = tmp_path_factory.mktemp("proposed")
    friday.write(made)
    return friday.lived(made, friday.week)


@pytest.fixture
def proposed(once, folder):
    """A copy of it, as the working folder."""
    return friday.copied(once, folder)
