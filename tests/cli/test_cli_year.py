"""``budgetopt year``: the weeks of the Python call, as table, JSON and CSV, in two languages."""

import csv
import datetime as dt
import io
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

import budgetopt as bo

from .conftest import run

WEEKLY = Path(__file__).parents[2] / "examples" / "weekly"
GIVEN = (WEEKLY / "plan.toml", "--history", WEEKLY / "history.csv", "--as-of", "2025-11-17")


@pytest.fixture(scope="module")
def found():
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    past = bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)
    return bo.plan_weeks(plan, None, 9, history=past, timing="month")


def answered(capsys, *more):
    code, out, err = run(capsys, "year", *GIVEN, "--weeks", 9, "--timing", "month", *more)
    assert code == 0, err
    return out


def test_json_and_csv_are_the_python_answer(found, capsys):
    data = json.loads(answered(capsys, "--json"))
    assert data == json.loads(json.dumps(found.to_dict(), ensure_ascii=False))
    rows = list(csv.DictReader(io.StringIO(answered(capsys, "--format", "csv").lstrip("\ufeff"))))
    assert len(rows) == 9 * len(found.channels)
    total = sum(Decimal(row["spend"]) for row in rows)
    assert total == sum(found.totals)


def test_varied_weeks_are_the_python_answer_and_say_what_it_costs(capsys):
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    past = bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)
    varied = bo.plan_weeks(plan, None, 9, history=past, timing="month", vary="20%")
    data = json.loads(answered(capsys, "--json", "--vary", "20%"))
    assert data == json.loads(json.dumps(varied.to_dict(), ensure_ascii=False))
    for lang in ("en", "zh"):
        said = answered(capsys, "--vary", "20%", "--lang", lang)
        assert f"{max(varied.variation.share):.1%}" in said
    code, _, err = run(capsys, "year", *GIVEN, "--vary", "70%")
    assert code == 2
    assert "vary" in err


@pytest.mark.parametrize(("lang", "total"), [("en", "total"), ("zh", "合计")])
@pytest.mark.parametrize("by", ["week", "month"])
def test_every_amount_of_the_table_is_that_of_the_weeks(by, lang, total, found, capsys):
    text = answered(capsys, "--by", by, "--lang", lang)
    periods = {}
    for day, money in zip(found.weeks, found.totals, strict=True):
        # A week is of the month of most of its days, as it is for limits over a month.
        label = f"{day + dt.timedelta(days=3):%Y-%m}" if by == "month" else str(day)
        periods[label] = periods.get(label, 0) + money
    first = {}
    for line in text.splitlines():
        words = line.split()
        if words[1:] and words[0] in (*periods, total) and words[1][0].isdigit():
            first.setdefault(words[0], []).append(Decimal(words[1].replace(",", "")))
    for label, money in periods.items():
        assert first[label][0] == money
    # The total row of each table, channel by channel, adds up to the first one.
    lines = [line for line in text.splitlines() if line.startswith(total)]
    each = [Decimal(n.replace(",", "")) for line in lines[1:] for n in re.findall(r"[\d,]+", line)]
    assert sum(each) == sum(found.totals)
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_year_that_cannot_be_kept_ends_with_3_and_the_week(tmp_path, capsys):
    (tmp_path / "plan.toml").write_text(
        """
        currency = "CNY"
        budget = 1000
        spend = "all"
        max_change = "30%"
        [[operation.phases]]
        name = "peak"
        first = 2027-01-04
        last = 2027-01-10
        budget = 2200
        [[channels]]
        name = "a"
        curve = { kind = "log", top = 10, scale = 100 }
        [[channels]]
        name = "b"
        curve = { kind = "log", top = 5, scale = 100 }
        """,
        encoding="utf-8",
    )
    code, out, err = run(capsys, "year", tmp_path / "plan.toml", "--start", "2026-12-21")
    assert code == 3
    assert "2027-01-04" in err
    assert "120%" in err
    assert not out


def test_without_a_history_the_first_week_has_to_be_said(tmp_path, capsys):
    (tmp_path / "plan.toml").write_text(
        'currency = "CNY"\nbudget = 9\n[[channels]]\nname = "a"\n'
        'curve = { kind = "log", top = 10, scale = 100 }\n'
    )
    code, _, err = run(capsys, "year", tmp_path / "plan.toml")
    assert code == 2
    assert "start" in err


def test_a_name_that_ends_in_html_is_a_page_of_the_same_weeks(found, capsys, tmp_path):
    out = tmp_path / "year.html"
    answered(capsys, "--out", out)
    assert str(found.weeks[-1]) in out.read_text("utf-8")


def test_weeks_recorded_in_a_ledger_are_what_the_weekly_run_compares_with(capsys, tmp_path):
    book = tmp_path / "book.db"
    answered(capsys, "--ledger", book, "--who", "ann")
    (entry,) = bo.Ledger.open(book).entries(kinds=("year",))
    assert (entry.who, str(entry.week), len(entry.data["spend"])) == ("ann", "2025-11-17", 9)
    code, out, err = run(capsys, "week", *GIVEN, "--ledger", book, "--who", "ann", "--explain")
    assert code == 0, err
    said = " ".join(out.split())
    assert "for 1 week up to this one" in said
    assert "the channel furthest from it is" in said
    code, out, err = run(capsys, "show", "--week", "2025-11-17", "--ledger", book)
    assert code == 0, err
    assert "weeks planned ahead" in out
