"""``budgetopt experiment``: the Python calls from a shell, with right and wrong files."""

import datetime as dt
import json
import shutil
from dataclasses import replace

import pytest
from rich.cells import cell_len

from budgetopt import report
from budgetopt.experiments.files import read, read_pilot

from .helpers import run
from .test_cli_chinese import EXAMPLES, SENTENCE

ROWS = """day,arm,impressions,clicks,spend
2026-11-16,竖版 A,10000,260,200
2026-11-16,横版 B,10000,240,200.50
2026-11-17,竖版 A,9000,230,180
2026-11-17,横版 B,11000,250,220
2026-11-18,竖版 A,90000,2300,1800
2026-11-18,横版 B,110000,1000,2200
"""
SETTINGS = """metric = "ctr"
daily_budget = 900
seed = 7
log = "log.csv"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "test.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def test_the_next_day_is_that_of_the_python_call(folder, capsys):
    decided = read("test.toml").next_day()
    code, out, err = run(capsys, "experiment", "next", "test.toml")
    assert (code, err) == (0, "")
    assert out == report.next_table(decided) + "\n"
    for how in (("--json",), ("--format", "json")):
        code, out, err = run(capsys, "experiment", "next", "test.toml", *how)
        assert (code, err) == (0, "")
        assert json.loads(out) == decided.to_dict()


def test_the_verdict_is_that_of_the_python_call(folder, capsys):
    verdict = read("test.toml").verdict()
    code, out, err = run(capsys, "experiment", "verdict", "test.toml")
    assert (code, err) == (0, "")
    assert out == report.verdict_table(verdict) + "\n"
    assert "竖版 A is better than every other arm" in out
    assert max(map(cell_len, out.splitlines())) <= 80
    code, out, _ = run(capsys, "experiment", "verdict", "test.toml", "--json")
    assert json.loads(out) == verdict.to_dict()


def test_a_pilot_is_that_of_the_python_call(tmp_path, monkeypatch, capsys):
    shutil.copytree(EXAMPLES / "pilot", tmp_path / "pilot")
    monkeypatch.chdir(tmp_path / "pilot")
    found = read_pilot("pilot.toml").verdict()
    for lang in ("en", "zh"):
        code, out, err = run(capsys, "experiment", "pilot", "pilot.toml", "--lang", lang)
        assert (code, err) == (0, "")
        assert out == report.pilot_table(found, lang) + "\n"
        assert max(map(cell_len, out.splitlines())) <= 80
    assert not SENTENCE.findall(out.partition("[[")[0])
    code, out, _ = run(capsys, "experiment", "pilot", "pilot.toml", "--json")
    assert json.loads(out) == found.to_dict()
    code, _, err = run(capsys, "experiment", "pilot", "log.csv")
    assert code == 2
    assert "does not say what the pilot is" in " ".join(err.split())


def test_a_day_is_decided_from_the_days_before_it(folder, capsys):
    code, out, _ = run(capsys, "experiment", "next", "test.toml", "--day", "2026-11-18", "--json")
    test = read("test.toml")
    early = replace(test, log=tuple(row for row in test.log if row.day < dt.date(2026, 11, 18)))
    assert (code, json.loads(out)) == (0, early.next_day().to_dict())
    _, out, _ = run(capsys, "experiment", "next", "test.toml", "--day", "2026-12-24", "--json")
    assert json.loads(out) == test.next_day().to_dict() | {"day": "2026-12-24"}
    _, out, _ = run(capsys, "experiment", "next", "test.toml", "--day", "2026-01-01", "--json")
    assert set(json.loads(out)["probability"].values()) == {0.5}


def test_a_bare_table_needs_a_budget(folder, capsys):
    code, _, err = run(capsys, "experiment", "next", "log.csv")
    assert code == 2
    assert "the day has no budget" in err
    code, out, _ = run(capsys, "experiment", "next", "log.csv", "--budget", "900", "--json")
    assert code == 0
    assert json.loads(out) == read("log.csv").next_day(900).to_dict()


def test_a_saved_test_gives_the_same_day(folder, capsys):
    (folder / "test.json").write_text(read("test.toml").to_json(), encoding="utf-8")
    assert run(capsys, "experiment", "next", "test.json") == run(
        capsys, "experiment", "next", "test.toml"
    )


@pytest.mark.parametrize("command", ["next", "verdict"])
def test_out_writes_the_same_answer_to_a_file(folder, capsys, command):
    _, printed, _ = run(capsys, "experiment", command, "test.toml")
    assert run(capsys, "experiment", command, "test.toml", "--out", "a.txt") == (0, "", "")
    assert (folder / "a.txt").read_text(encoding="utf-8") == printed


def test_money_that_the_minimum_cells_need_is_exit_3(folder, capsys):
    (folder / "log.csv").write_text(ROWS.splitlines()[0] + "\n2026-11-16,a,1000,2,1\n")
    (folder / "test.toml").write_text(SETTINGS + 'arms = ["a", "b"]\ncell = 5000\n')
    code, out, err = run(capsys, "experiment", "next", "test.toml")
    assert (code, out) == (3, "")
    assert "the minimum cells need 2,000 for the day" in " ".join(err.split())


WRONG = [
    (("next", "nope.toml"), "'nope.toml' cannot be read"),
    (("verdict", "nope.csv"), "nope.csv is not there"),
    (("verdict", "."), "."),
    (("verdict", "spoilt.json"), "is not JSON"),
    (("verdict", "odd.toml"), "did you mean 'metric'?"),
    (("verdict", "odd.csv"), "line 3"),
    (("next", "test.toml", "--day", "soon"), "--day is 'soon', not a date"),
    (("next", "test.toml", "--budget", "1k"), "not a plain number"),
    (("next", "test.toml", "--budget", "-5"), "negative"),
    (("next", "test.toml", "--bugdet", "5"), "no such option: --bugdet"),
    (("next", "test.toml", "--format", "csv"), "'--format'"),
    (("verdict", "test.toml", "--out", "test.toml"), "plain text is written"),
    (("verdict", "./test", "--out", "test"), "which is an input"),
    (("verdict", "test.toml", "--out", "missing/x"), "No such file"),
    (("next",), "missing argument"),
    (("winner", "test.toml"), "no such command 'winner'"),
    ((), "missing command"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_input_is_one_paragraph_and_changes_nothing(folder, capsys, arguments, said):
    (folder / "spoilt.json").write_text('{"arms": ["a"')
    (folder / "odd.toml").write_text('metrik = "ctr"\narms = ["a", "b"]\n')
    (folder / "odd.csv").write_text(ROWS.replace("240,200.50", "-240,200.50"), encoding="utf-8")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    code, out, err = run(capsys, "experiment", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("budgetopt: ")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert max(map(cell_len, err.splitlines())) <= 80
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    if "--format" not in arguments:
        _, _, err = run(capsys, "experiment", *arguments, "--json")
        assert json.loads(err)["error"].endswith("Error")
