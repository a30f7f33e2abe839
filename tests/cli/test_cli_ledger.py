"""What the ledger's commands print, and what they say of a ledger that was changed."""

import contextlib
import csv
import json
import os
import re
import sqlite3
from decimal import Decimal

import pytest
from rich.cells import cell_len

from budgetopt.ledger import Ledger
from budgetopt.ledger.sqlite import TABLES
from budgetopt.report.ledger import diff_table

from . import friday as at
from .helpers import run


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A folder with a week that was proposed, edited, approved, applied and measured."""
    folder = tmp_path_factory.mktemp("lived")
    at.write(folder)
    at.lived(
        folder,
        at.week,
        lambda unheard: at.edit(unheard, "feed=1100", "kol=800", why="more posts"),
        lambda unheard: at.approve(unheard, "--why", "all right"),
        lambda unheard: at.apply(unheard, "--set", "kol=650", "--why", "one post less"),
    )
    at.write(folder, weeks=14)
    return at.lived(folder, lambda unheard: at.week(unheard, as_of="2025-11-14"))


@pytest.fixture
def shop(lived, tmp_path, monkeypatch):
    """A copy of it, as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ann")
    return at.copied(lived, tmp_path)


WEEK = ("--ledger", "friday.db", "--week", at.WEEK)


def test_history_lists_the_weeks_and_where_they_stand(shop, capsys):
    code, out, err = run(capsys, "history", *at.LEDGER)
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1:3]}
    assert rows[at.WEEK][1:6] == ["measured", "2", "3,000", "2,850", "2,510"]
    assert rows["2025-11-17"][1:3] == ["proposed", "1"]
    weeks = json.loads(run(capsys, "history", *at.LEDGER, "--json")[1])["weeks"]
    assert [(week["state"], week["by"]) for week in weeks] == [
        ("measured", "李雷 Li Lei"), ("proposed", ""),
    ]  # fmt: skip
    reported = [row.split(",") for row in (shop / "history.csv").read_text("utf-8").splitlines()
                if row.startswith(at.WEEK)]  # fmt: skip
    # The outcome is of what was spent, which is neither what was planned nor what was applied.
    assert float(weeks[0]["actual"]) == sum(float(row[2]) for row in reported)
    assert weeks[0]["outcome"] == sum(float(row[3]) for row in reported)
    assert (float(weeks[0]["planned"]), float(weeks[0]["applied"])) == (3000, 2850)
    assert (weeks[1]["applied"], weeks[1]["actual"], weeks[1]["outcome"]) == (None, None, None)


def test_show_says_who_did_what_and_shows_a_revision(shop, capsys):
    code, out, err = run(capsys, "show", *WEEK)
    assert (code, err) == (0, "")
    assert out.startswith("Week of 2025-11-03: measured, revision 2\n")
    for who, kind in (("cron", "proposal"), ("ann", "edit"), ("李雷 Li Lei", "approval"),
                      ("李雷 Li Lei", "applied"), ("cron", "measured")):  # fmt: skip
        assert re.search(rf"\b{kind}\s+{who}$", out, re.MULTILINE)
    for reason in ("more posts", "all right", "one post less", "this edit costs"):
        assert reason in at.squeezed(out)
    assert at.squeezed(out).count("one post less") == 1
    assert "Entry 7: kol from 800 to 650: one post less." in out
    became = out.partition("\nRevision 2, as applied:\n")[2].partition("\n\n")[0]
    headings, rows = table(became)
    assert headings == ["channel", "as approved", "as applied", "actual"]
    assert rows["kol"][:2] == ["800", "650"]
    assert rows["total"] == ["3,000", "2,850", "2,510"]
    assert "\nRevision 2:\n" in out
    _, first, _ = run(capsys, "show", *WEEK, "--revision", 1)
    assert "\nRevision 1:\n" in first
    assert "What became" not in first
    # Any day of the week will do.
    assert run(capsys, "show", *at.LEDGER, "--week", "2025-11-09")[1] == out
    assert max(map(cell_len, out.splitlines())) <= 80


def test_show_has_every_entry_as_json(shop, capsys):
    every = json.loads(run(capsys, "show", *WEEK, "--json")[1])
    kept = Ledger.open("friday.db").entries()
    assert every == [json.loads(json.dumps(e.to_dict())) for e in kept if str(e.week) == at.WEEK]
    first = json.loads(run(capsys, "show", *WEEK, "--revision", 1, "--json")[1])
    assert [entry["kind"] for entry in first] == ["proposal"]


def test_show_as_csv_is_what_was_applied_once_it_is(shop, capsys):
    rows = list(csv.DictReader(run(capsys, "show", *WEEK, "--format", "csv")[1].splitlines()))
    spent = {row["channel"]: (float(row["approved"]), float(row["spend"])) for row in rows}
    assert spent["kol"] == (800, 650)
    applied = at.entries("applied")[0].data["spend"]
    assert {name: money for name, (_, money) in spent.items()} == {
        name: float(money) for name, money in applied.items()
    }
    measured = at.entries("measured")[0].data["spend"]
    assert {row["channel"]: float(row["actual"]) for row in rows} == measured
    text = run(capsys, "show", *WEEK, "--revision", 2, "--format", "csv")[1]
    approved = {row["channel"]: row["spend"] for row in csv.DictReader(text.splitlines())}
    assert approved["kol"] == "800.00"


def table(out):
    """Return the cells of a table of numbers by channel."""
    rows = [
        re.split(r"\s{2,}", line) for line in out.splitlines() if re.search(r"\S\s{2,}\S", line)
    ]
    return rows[0], {name: cells for name, *cells in rows[1:]}


def test_diff_sets_the_stages_of_a_week_side_by_side(shop, capsys):
    code, out, err = run(capsys, "diff", *WEEK)
    assert (code, err) == (0, "")
    headings, rows = table(out)
    assert headings == ["channel", "as proposed", "as edited", "as applied", "actual", "change"]
    assert rows["kol"][1:3] == ["800", "650"]
    assert rows["total"][1:3] == ["3,000", "2,850"]
    splits = json.loads(run(capsys, "diff", *WEEK, "--json")[1])["splits"]
    for place, name in enumerate(("proposed", "edited", "applied", "actual")):
        assert float(rows["kol"][place].replace(",", "")) == float(splits[name]["kol"])
    assert "\nThe change is from as proposed to actual.\n" in out
    change = float(rows["kol"][4].replace(",", ""))
    assert change == float(splits["actual"]["kol"]) - float(splits["proposed"]["kol"])


def test_diff_of_revisions_says_why(shop, capsys):
    code, out, _ = run(capsys, "diff", *WEEK, "--from", 1, "--to", 2)
    assert code == 0
    headings, rows = table(out)
    assert headings == ["channel", "revision 1", "revision 2", "change"]
    assert set(rows) <= {"feed", "kol", "total"}
    assert "Why: more posts." in out
    assert "Why: this edit costs" in out
    assert run(capsys, "diff", *WEEK, "--to", 2)[1] == out
    assert run(capsys, "diff", *WEEK, "--from", 1)[1] == out
    code, out, _ = run(capsys, "diff", *WEEK, "--from", 2, "--to", 2)
    assert out.startswith("No differences: revision 2.")


@pytest.mark.parametrize(("language", "said"), [("en", "Not in actual: kol."),
                                                ("zh", "“实际”中没有：kol。")])  # fmt: skip
def test_diff_names_a_channel_that_is_missing_on_one_side(language, said):
    splits = {"applied": {"feed": Decimal(5), "kol": Decimal(0)}, "actual": {"feed": Decimal(5)}}
    page = diff_table(splits, language=language)
    assert page.splitlines()[-1] == said
    assert "kol" in page.splitlines()[1]


def test_diff_of_a_week_that_was_only_proposed_is_between_its_revisions(shop, capsys):
    at.write(shop, weeks=14, change=40)
    at.week(capsys, as_of="2025-11-14")
    given = ("--ledger", "friday.db", "--week", "2025-11-17")
    code, out, _ = run(capsys, "diff", *given)
    assert code == 0
    assert "Why: the history was revised" in at.squeezed(out)


def test_verify_finds_nothing_wrong_and_prints_an_anchor_that_holds(shop, capsys):
    code, out, err = run(capsys, "ledger", "verify", *at.LEDGER)
    assert (code, err) == (0, "")
    anchor = out.splitlines()[-1].strip()
    number, digest = Ledger.open("friday.db").head
    assert anchor == f"{number}:{digest}"
    at.week(capsys, "--seed", "9", as_of="2025-11-14")
    assert run(capsys, "ledger", "verify", *at.LEDGER, "--anchor", anchor)[0] == 0
    code, out, _ = run(capsys, "ledger", "verify", *at.LEDGER, "--anchor", "3:00", "--json")
    assert code == 6
    assert json.loads(out)["problems"] == ["no entry 3 has the hash 00"]


def tamper(sql):
    """Change a ledger behind its back, and put its guards up again."""
    with contextlib.closing(sqlite3.connect("friday.db")) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        for name, _ in (kept := guards.fetchall()):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(sql)
        for _, again in kept:
            connection.execute(again)
        connection.commit()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_verify_names_the_entry_that_was_changed(shop, capsys, language):
    entry = next(e for e in Ledger.open("friday.db").entries() if e.kind == "applied")
    tamper(f"UPDATE ledger_entries SET body = replace(body, '650', '651') "
           f"WHERE number = {entry.number}")  # fmt: skip
    code, out, _ = run(capsys, "ledger", "verify", *at.LEDGER, "--lang", language)
    assert code == 6
    assert str(entry.number) in out.splitlines()[1]
    # Nothing is read from such an entry either.
    for words in (("history", *at.LEDGER), ("show", *WEEK), ("diff", *WEEK)):
        code, out, err = run(capsys, *words)
        assert (code, out) == (6, "")
        assert f"entry {entry.number} of the ledger is not what was recorded" in at.squeezed(err)


GUARDS = [sql.split()[2] for sql in TABLES if sql.startswith("CREATE TRIGGER")]


@pytest.mark.parametrize("trigger", GUARDS)
def test_verify_says_what_protection_is_missing(shop, capsys, trigger):
    with contextlib.closing(sqlite3.connect("friday.db")) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")
    for language, said in (
        ("en", r"protection against .* is missing: TRIGGER "), ("zh", r"缺少防止.*的保护：TRIGGER ")
    ):  # fmt: skip
        code, out, _ = run(capsys, "ledger", "verify", *at.LEDGER, "--lang", language)
        assert code == 6
        assert re.search(said + trigger, at.squeezed(out))


WRONG = [
    (("history", "--ledger", "none.db"), 6, "is not there"),
    (("history", "--ledger", "plan.toml"), 6, "not a ledger"),
    (("history",), 2, "missing option '--ledger'"),
    (("history", *at.LEDGER, "--lang", "zhh"), 2, "'zhh' is not one of 'en', 'zh'"),
    (("show", *at.LEDGER, "--week", "2024-01-01"), 2, "the ledger has no week of 2024-01-01"),
    (("show", *at.LEDGER, "--week", "soon"), 2, "not a date"),
    (("show", *WEEK, "--revision", "9"), 2, "choose one of 1, 2"),
    (("diff", *WEEK, "--from", "1", "--to", "7"), 2, "no revision 7"),
    (("diff", *WEEK, "--to", "1"), 2, "no revision 0"),
    (("diff", *WEEK, "--from", "2", "--to", "1"), 2, "give --from 1 --to 2"),
    (("ledger", "verify", *at.LEDGER, "--anchor", "x"), 2, "a colon between them"),
    (("ledger", "verify", "--ledger", "none.db"), 6, "is not there"),
    (("ledger",), 2, "missing command"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_wrong_input_is_one_paragraph(shop, capsys, arguments, code, said):
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert said in at.squeezed(err)
    assert max(map(cell_len, err.splitlines())) <= 80
    assert not (shop / "none.db").exists()


def test_an_empty_ledger_has_no_week(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Ledger.open("friday.db")
    assert run(capsys, "history", *at.LEDGER) == (0, "The ledger has no weeks yet.\n", "")
    assert json.loads(run(capsys, "history", *at.LEDGER, "--json")[1])["weeks"] == []


@pytest.mark.skipif(os.name == "nt" or not os.path.exists("/dev/full"), reason="needs /dev")
def test_a_place_that_no_ledger_can_be_made_in(shop, capsys):
    for where in ("history.csv/friday.db", "/proc/friday.db", "/dev/full"):
        code, out, err = run(capsys, "week", *at.FILES[:-1], where, "--as-of", at.TODAY)
        assert (code, out) == (6, "")
        assert err.startswith("budgetopt: ")


def numbers(text):
    """Return the numbers of a page, however they are ordered in its sentences."""
    return sorted(re.findall(r"[+-]?\d[\d,.]*\d%?|\d%?", re.sub(r"(\d)\s+(?=\d)", r"\1 | ", text)))


def test_pages_have_the_same_numbers_in_both_languages(shop, capsys):
    dated = ("--as-of", "2025-11-14")
    for words in (
        ("week", *at.FILES, *dated), ("week", *at.FILES, *dated, "--explain"),
        ("pace", *at.FILES, *dated), ("ramp", *at.FILES, *dated),
        ("history", *at.LEDGER), ("show", *WEEK), ("diff", *WEEK), ("diff", *WEEK, "--from", 1),
        ("ledger", "verify", *at.LEDGER),
    ):  # fmt: skip
        code, english, _ = run(capsys, *words)
        again, chinese, _ = run(capsys, *words, "--lang", "zh")
        assert (code, numbers(english)) == (again, numbers(chinese))
        assert re.search("[\u4e00-\u9fff]", chinese)
        # Names, what people wrote and what is to be copied stay; all that is said is Chinese.
        said = [line for line in chinese.splitlines() if not line.startswith("  ")]
        english = r"\b(the|of|is|as|by|in|at|to|revision|entries|week|money)\b"
        assert not [line for line in said if re.search(english, line)]
