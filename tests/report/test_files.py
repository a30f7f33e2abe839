"""Files that are written: no formula in a CSV, whole or absent, readable by whom they were."""

import csv
import io
import os
import stat

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.cli.common import spends_of
from budgetopt.exchange import Sheet, book_of, render
from budgetopt.report import write_whole
from budgetopt.untrusted import as_cell, from_cell

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "'=1+1", "＝1+1", '=HYPERLINK("x")', "=cmd|'/c'!A0"]


def csv_of(result):
    return render(book_of(result), "csv")


@pytest.mark.parametrize("name", FORMULAS)
def test_names_like_formulas_are_no_formulas_and_come_back(tmp_path, name):
    rows = [(day, name, "10", "20") for day in ("2026-11-09", "2026-11-16")]
    heads = ("week", "channel", "spend", "outcome")
    for text in (
        csv_of(Sheet("h", dict(zip(heads, zip(*rows, strict=True), strict=True)))),
        csv_of(pd.DataFrame(rows, columns=list(heads))),
    ):
        path = tmp_path / "h.csv"
        path.write_text(text, encoding="utf-8")
        assert not any(
            cell[:1] in tuple("=+-@＝") for row in csv.reader(io.StringIO(text)) for cell in row
        )
        assert bo.History.read(path).channels == (name,)
    split = csv_of(Sheet("split", {"channel": [name], "spend": ["5"]}))
    (tmp_path / "s.csv").write_text(split, encoding="utf-8")
    assert spends_of(None, tmp_path / "s.csv") == {name: "5"}


def test_an_allocation_with_such_a_name_is_no_formula():
    channels = [bo.Channel(name, curve=bo.Log(10, 10)) for name in ("=1+1", "tv")]
    week = bo.allocate(bo.Plan(budget=10, currency="CNY", channels=channels))
    assert [row.split(",")[0] for row in csv_of(week).splitlines()[1:]] == [
        "'=1+1", "tv"]  # fmt: skip


@pytest.mark.parametrize("number", ["-5", "+1.5", "-1e-3", "1", "-.5"])
def test_numbers_stay_numbers(number):
    assert as_cell(number) == number


@given(st.text("'=+-@ab1\t\r", max_size=6))
def test_every_text_comes_back(text):
    cell = as_cell(text)
    assert from_cell(cell) == text or cell == text
    assert not from_cell(cell).startswith("'") or from_cell(cell) == text


def test_formulas_in_headings_and_texts_of_frames_are_none():
    frame = pd.DataFrame(
        {"=a": ["=x", None], "n": [-1.5, 2.0], "day": pd.to_datetime(["2026-11-16"] * 2)}
    )
    assert csv_of(frame).splitlines() == ["'=a,n,day", "'=x,-1.5,2026-11-16", ",2.0,2026-11-16"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_keeps_its_mode_and_a_new_one_follows_the_umask(tmp_path, mode):
    kept, new = tmp_path / "kept.txt", tmp_path / "new.txt"
    kept.write_text("old")
    kept.chmod(mode)
    before = os.umask(0o027)
    try:
        write_whole(kept, "x")
        write_whole(new, "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.stat().st_mode) == mode
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert kept.read_text() == new.read_text() == "x"


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "kept.txt"
    path.write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(bo.errors.InputError):
        write_whole(path, "new")
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["kept.txt"])
