"""``--out FILE``: the ending of the name chooses the format, for commands that print tables."""

import io
import json

import openpyxl
import pandas as pd
import pytest

import budgetopt as bo
from budgetopt.cli.exchange import LayoutName
from budgetopt.report import LaidOut, as_markdown
from budgetopt.report.text import Table

from . import friday as at
from .helpers import run

WEEK = ("reallocate", "plan.toml", "--history", "history.csv", "--as-of", "2025-11-20")


def test_the_ending_of_the_name_chooses_the_format(capsys, shop):
    printed = {format: run(capsys, *WEEK, "--format", format)[1] for format in (
        "table", "json", "csv", "tsv", "md")}  # fmt: skip
    names = {"table": "a.txt", "json": "a.JSON", "csv": "a.csv", "tsv": "a.tsv", "md": "a.md"}
    for format, name in names.items():
        assert run(capsys, *WEEK, "--out", name) == (0, "", "")
        assert (shop / name).read_text("utf-8") == printed[format]
    assert run(capsys, *WEEK, "--out", "a.xlsx", "--lang", "zh")[0] == 0
    book = openpyxl.load_workbook(shop / "a.xlsx")
    assert book.sheetnames == ["预算分配", "金额", "说明"]
    assert run(capsys, *WEEK, "--out", "a.parquet")[0] == 0
    frame, rows = pd.read_parquet(shop / "a.parquet"), pd.read_csv(io.StringIO(printed["csv"]))
    assert frame["spend"].tolist() == rows["spend"].tolist()
    assert "\t" in printed["tsv"]
    assert printed["md"].startswith("**Week of 2025-11-17")


def test_csv_for_excel_begins_with_its_mark(capsys, shop):
    assert run(capsys, *WEEK, "--format", "csv-excel", "--out", "a.csv")[0] == 0
    plain = run(capsys, *WEEK, "--format", "csv")[1]
    assert (shop / "a.csv").read_bytes() == b"\xef\xbb\xbf" + plain.encode()


def test_a_missing_package_is_said_before_anything_is_recorded(capsys, folder, monkeypatch):
    monkeypatch.setattr("budgetopt.exchange.formats.find_spec", lambda name: None)
    code, _, err = at.week(capsys, "--out", "a.xlsx")
    assert (code, "budgetopt[excel]" in err) == (2, True)
    assert not list(folder.glob("*.db"))


def test_commands_on_a_ledger_write_their_tables(capsys, proposed):
    ledger = at.LEDGER
    for words in (("history", *ledger), ("show", *ledger, "--week", at.WEEK)):
        for ending in ("csv", "md", "xlsx", "parquet", "json"):
            assert run(capsys, *words, "--out", f"a.{ending}") == (0, "", "")
        total = openpyxl.load_workbook(proposed / "a.xlsx").worksheets[0]
        assert [cell.value for row in total for cell in row if cell.data_type == "f"]
        assert json.loads((proposed / "a.json").read_text("utf-8"))
        assert (proposed / "a.md").read_text("utf-8").strip()
        assert len(pd.read_parquet(proposed / "a.parquet")) == len(pd.read_csv(proposed / "a.csv"))


@pytest.mark.parametrize("format", ["xlsx", "parquet"])
def test_learn_prints_no_file(capsys, shop, format):
    words = ("learn", "plan.toml", "--history", "history.csv", "--format", format)
    code, _, err = run(capsys, *words)
    assert (code, "--out names the file of the belief" in " ".join(err.split())) == (2, True)
    assert not (shop / "belief.json").exists()


def test_markdown_keeps_every_cell_in_its_column():
    table = Table(("名 a|b", "n"), (("x_1", "total"), ("1,000", "2")), total=True)
    text = as_markdown(LaidOut("", ("title", table, "", "say <b>"), "en"))
    assert text.splitlines() == [
        "**title**", "", "| 名 a\\|b | n |", "| --- | ---: |", "| x\\_1 | 1,000 |",
        "| **total** | **2** |", "", "say \\<b\\>"]  # fmt: skip


def test_a_history_is_exported_in_the_layout_of_a_model_and_read_back(capsys, shop):
    words = ("export", "plan.toml", "--history", "history.csv", "--layout")
    plan = bo.Plan.load("plan.toml")
    past = bo.History.read("history.csv", plan.columns, channels=plan.names)
    for layout in bo.exchange.LAYOUTS:
        assert run(capsys, *words, layout, "--as-of", "2030-01-01", "--out", "h.csv") == (0, "", "")
        read = bo.exchange.read_history("h.csv")
        assert (read.channels, read.spend.tolist()) == (past.channels, past.spend.tolist())
        assert read.outcome.tolist() == past.outcome.tolist()
    assert [*LayoutName] == [*bo.exchange.LAYOUTS]
    code, _, err = run(capsys, *words, "robyn", "--out", "history.csv")
    assert (code, "which is an input" in err) == (2, True)
    code, _, err = run(capsys, *words, "robyn", "--out", "h.pdf")
    assert (code, "ending in .csv" in " ".join(err.split())) == (2, True)
