"""Files that go to others: templates for channel owners, upload sheets for ad platforms."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

import budgetopt as bo
from budgetopt.cli import exchange as cli_exchange

from . import friday
from .helpers import run

AS_OF = ("--as-of", "2025-10-31")


@pytest.mark.parametrize(("lang", "header"), [("en", "Week from"), ("zh", "周起始日")])
def test_a_template_that_is_filled_in_is_a_history(capsys, folder, lang, header):
    code, out, err = run(capsys, "template", "plan.toml", "out.xlsx", "--lang", lang, *AS_OF)
    assert (code, err) == (0, "")
    book = openpyxl.load_workbook("out.xlsx")
    sheet = book.worksheets[0]
    assert sheet["A4"].value == header
    for row in range(5, 29):
        sheet[f"C{row}"], sheet[f"D{row}"] = 1000 + row, 3000 + row
    book.save("out.xlsx")
    check = out.splitlines()[-1].partition("check ")[2].split()
    assert check == ["plan.toml", "--history", "out.xlsx"]
    code, out, _ = run(capsys, "check", *check, *AS_OF)
    assert code == 0
    assert "8 weeks, 2025-09-01 to 2025-10-20" in " ".join(out.split())
    sheet["C9"] = "abc"
    book.save("out.xlsx")
    code, _, err = run(capsys, "check", *check, *AS_OF)
    assert (code, "cell C9 " in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize("name", ["out.csv", "out", "there.xlsx", "no/out.xlsx"])
def test_a_template_goes_into_a_new_workbook(capsys, folder, name):
    Path("there.xlsx").write_bytes(b"typed in for hours")
    code, out, err = run(capsys, "template", "plan.toml", name, *AS_OF)
    assert (code, out) == (2, "")
    assert "name a" in err
    assert Path("there.xlsx").read_bytes() == b"typed in for hours"
    assert not Path("out.csv").exists()


UPLOAD = ("upload", *friday.ON, "--platform", "baidu", "--channel", "百度 Baidu", *AS_OF)


@pytest.fixture
def approved(capsys, proposed):
    assert run(capsys, "approve", *friday.ON, "--who", "李雷 Li Lei")[0] == 0
    return proposed


def budget_of(capsys):
    split = json.loads(run(capsys, "show", *friday.LEDGER, "--week", friday.WEEK, "--json")[1])
    entries = split if isinstance(split, list) else split["entries"]
    return Decimal(
        next(e for e in entries if e["kind"] == "proposal")["data"]["spend"]["百度 Baidu"]
    )


def test_the_platforms_of_the_help_are_those_there_are():
    assert tuple(bo.exchange.PLATFORMS) == cli_exchange.PLATFORMS


def test_an_approved_week_becomes_a_bulk_sheet(capsys, approved):
    whole = budget_of(capsys)
    code, out, err = run(capsys, *UPLOAD)
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    assert f"baidu, week of 2025-11-03, approved, revision 1: {whole:,.0f} CNY approved" in said
    for name in ("a.csv", "a.xlsx", "a.json"):
        assert run(capsys, *UPLOAD, "--out", name)[0] == 0
    data = Path("a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    assert rows[0] == ["推广计划名称", "每日预算", "启用/暂停"]
    assert rows[1][0] == "百度 Baidu"
    book = openpyxl.load_workbook("a.xlsx")
    assert book.worksheets[0]["B2"].value == float(rows[1][1])
    sheet = json.loads(Path("a.json").read_text("utf-8"))
    assert sum(map(Decimal, sheet["budgets"][0]["daily"])) == whole
    code, out, _ = run(capsys, *UPLOAD, "--format", "csv")
    assert out == data.decode("utf-8-sig").replace("\r\n", "\n")
    code, out, _ = run(capsys, *UPLOAD, "--lang", "zh")
    assert (code, "广告计划" in out) == (0, True)


def test_what_is_spent_comes_by_channel_or_from_a_history(capsys, approved):
    whole = budget_of(capsys)
    late = (*UPLOAD[:-2], "--as-of", "2025-11-06", "--json")
    code, _, err = run(capsys, *late)
    assert (code, "has begun" in err) == (2, True)
    code, out, _ = run(capsys, *late, "--spent", "百度 Baidu=100.5")
    sheet = json.loads(out)
    assert (sheet["days"][0], Decimal(sheet["total"])) == ("2025-11-06", whole - Decimal("100.5"))
    assert run(capsys, *late, "--spent", "feed=1")[0] == 2
    twice = ("--spent", "百度 Baidu=1", "--spent", "百度 Baidu=2")
    assert run(capsys, *late, *twice)[0] == 2
    with Path("history.csv").open("a", encoding="utf-8") as file:
        for name in friday.NAMES:
            file.write(f"2025-11-03,{name},300.25,500\n")
    past = ("--history", "history.csv")
    code, out, err = run(capsys, *late, *past, "--spent", "百度 Baidu=1")
    assert (code, "both say" in err) == (2, True)
    # A row of a week says which days it has by the day the data runs through.
    code, out, err = run(capsys, *late, *past)
    assert code == 0, err
    assert Decimal(json.loads(out)["total"]) == whole - Decimal("300.25")


def test_campaigns_come_from_a_file(capsys, approved):
    Path("c.csv").write_text(
        "channel,campaign,share\n百度 Baidu,'=brand,2\n百度 Baidu,other,1\n", "utf-8"
    )
    words = [word for word in UPLOAD if word not in ("--channel", "百度 Baidu")]
    code, out, _ = run(capsys, *words, "--campaigns", "c.csv", "--json")
    lines = json.loads(out)["budgets"]
    assert (code, [line["campaign"] for line in lines]) == (0, ["=brand", "other"])
    assert abs(Decimal(lines[0]["total"]) - 2 * Decimal(lines[1]["total"])) < Decimal("0.03")
    Path("c.csv").write_text("channel,campaign\nfeed,a\nfeed,a\n", "utf-8")
    assert run(capsys, *words, "--campaigns", "c.csv")[0] == 2
    Path("c.csv").write_text("channel,name\nfeed,a\n", "utf-8")
    code, _, err = run(capsys, *words, "--campaigns", "c.csv")
    assert code == 2
    assert "c.csv: column 'campaign' is not in the header" in " ".join(err.split())
    # As a spreadsheet saves it as Unicode text, and as a workbook.
    rows = [["导出", "", ""], ["channel", "campaign", "share"], ["百度 Baidu", "品牌", 2],
            ["百度 Baidu", "行业", 1]]  # fmt: skip
    Path("c.txt").write_text("\n".join("\t".join(map(str, row)) for row in rows), "utf-16")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save("c.xlsx")
    for name in ("c.txt", "c.xlsx"):
        code, out, _ = run(capsys, *words, "--campaigns", name, "--json")
        lines = json.loads(out)["budgets"]
        assert (code, [line["campaign"] for line in lines]) == (0, ["品牌", "行业"])
        assert abs(Decimal(lines[0]["total"]) - 2 * Decimal(lines[1]["total"])) < Decimal("0.03")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--out", "a.pdf"), "plain text is written: name a .txt file"),
        (("--out", "a.csv", "--json"), "JSON is written: name a .json file, or give --format csv"),
        (("--out", "a.json", "--format", "xlsx"), "a workbook is written: name a .xlsx file"),
        (("--format", "xlsx"), "name a file with --out"),
        (("--day", "2025-11-10"), "choose one from 2025-11-03 to 2025-11-09"),
        (("--platform", "bing"), "given 2 times"),
    ],
)
def test_a_wrong_sheet_is_refused(capsys, approved, more, said):
    code, out, err = run(capsys, *UPLOAD, *more)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace('"', " ").split())
    assert not [*Path().glob("a.*")]


def test_a_proposed_week_is_not_exported(capsys, proposed):
    code, _, err = run(capsys, *UPLOAD, "--json")
    assert (code, json.loads(err)["code"]) == (2, "wrong-state")
    assert "budgetopt approve" in err
