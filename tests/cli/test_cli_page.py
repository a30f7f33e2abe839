"""``--out page.html``: the answer of a command as a page."""

import json
from dataclasses import replace

import pytest

import budgetopt as bo

from . import friday
from .helpers import run

WEEK = ("plan.toml", "--history", "history.csv", "--as-of", "2026-01-01")
WEEK_OF = "2025-11-03"
MEMO = ("plan.toml", "--ledger", "friday.db")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_decision_is_written_as_a_page(shop, capsys, lang):
    code, out, err = run(capsys, "reallocate", *WEEK, "--out", "page.html", "--lang", lang)
    assert (code, out, err) == (0, "", "")
    text = (shop / "page.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert f'<html lang="{ {"en": "en", "zh": "zh-CN"}[lang] }">' in text


def test_a_split_of_its_own_is_written_as_a_page(shop, capsys):
    plan = bo.Plan.load("plan.toml")
    curved = [replace(channel, curve=bo.Log(900, 500)) for channel in plan.channels]
    curves = json.dumps(replace(plan, channels=curved).to_dict())
    (shop / "curved.json").write_text(curves, "utf-8")
    assert run(capsys, "allocate", "curved.json", "--out", "page.html") == (0, "", "")
    assert "The best split of one week" in (shop / "page.html").read_text("utf-8")


def test_json_is_not_written_to_a_page(shop, capsys):
    code, _, err = run(capsys, "reallocate", *WEEK, "--out", "page.html", "--format", "json")
    assert code == 2
    assert "JSON is written" in err
    assert not (shop / "page.html").exists()


def test_the_memo_of_a_week_is_written_from_the_ledger(folder, capsys):
    assert friday.week(capsys)[0] == 0
    made = {}
    for lang in ("en", "zh"):
        out = f"{lang}.html"
        code, said, err = run(capsys, "report", *MEMO, "--out", out, "--lang", lang)
        assert (code, said, err) == (0, "", "")
        made[lang] = (folder / out).read_text("utf-8")
    assert "weekly memo" in made["en"]
    assert "周报" in made["zh"]
    by_day = run(capsys, "report", *MEMO, "--week", "2025-11-05", "--out", "day.html")
    assert by_day[0] == 0
    reviewed = run(capsys, "report", *MEMO, "--quarter", "2025-Q4", "--out", "quarter.html")
    assert reviewed == (0, "", "")
    assert "review of 2025-Q4" in (folder / "quarter.html").read_text("utf-8")
    assert (folder / "day.html").read_text("utf-8") == made["en"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--out", "memo.pdf"), "HTML is written"),
        (("--out", "memo.html", "--week", "2031-01-01"), "no week of 2031-01-01"),
        (("--out", "memo.html", "--month", "soon"), "month is 'soon'"),
        (("--out", "memo.html", "--month", "2025-10", "--week", WEEK_OF), "at once"),
        (("--out", "friday.db"), "HTML is written"),
        ((), "--out"),
    ],
)
def test_a_memo_that_cannot_be_made_is_refused(folder, capsys, more, said):
    assert friday.week(capsys)[0] == 0
    before = (folder / "friday.db").read_bytes()
    code, _, err = run(capsys, "report", *MEMO, *more)
    assert code == 2
    assert said in " ".join(err.split())
    assert (folder / "friday.db").read_bytes() == before
    assert not (folder / "memo.html").exists()


PAGES = {
    "frontier": (),
    "what-if": ("--budget", "-5%"),
    "learn": (),
    "simulate": ("--runs", 8, "--weeks", 2, "--policy", "hold", "--policy", "equal"),
}


@pytest.mark.parametrize("command", PAGES)
def test_answers_are_written_as_pages(shop, capsys, command):
    more = (*PAGES[command], "--out", "page.html")
    code, _, err = run(capsys, command, *WEEK, *more, "--lang", "zh")
    assert (code, err) == (0, "")
    text = (shop / "page.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert 'lang="zh-CN"' in text
    # The page of a belief is no belief: none is saved, and none that was is touched.
    assert not (shop / "belief.json").exists()
