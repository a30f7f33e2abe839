"""The weekly rhythm with wrong input: refused in words, and the ledger stays as it was."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt.ledger import Ledger

from . import friday as at
from .helpers import change, run

WRONG = [
    (("week", *at.FILES[:-1], "missing/friday.db"), 6, "cannot be created"),
    (("week", *at.FILES[:-1], "plan.toml"), 6, "not a ledger"),
    (("week", *at.FILES[:-1], "."), 6, ""),
    (("week", *at.FILES, "--scenario", "compet"), 2, "did you mean 'competition'?"),
    (("week", *at.FILES, "--week", "soon"), 2, "not a date"),
    (("week", *at.FILES, "--who", " "), 2, "who is missing"),
    (("week", "plan.toml", "--history", "history.csv"), 2, "missing option '--ledger'"),
    (("week", *at.FILES, "--lang", "zhh"), 2, "'--lang'"),
    (("week", *at.FILES, "--seed", "3", "--out", "missing/week.txt"), 2, "folder does not exist"),
    (("approve", *at.ON, "--who", "李雷"), 2, "choose one of '李雷 Li Lei'"),
    (("approve", "plan.toml", *at.LEDGER, "--week", "2026-01-05", "--who", "李雷 Li Lei"), 2,
     "the week of 2026-01-05 has no proposal"),
    (("approve", "plan.toml", "--ledger", "none.db", "--week", at.WEEK), 6, "is not there"),
    (("approve", *at.ON, "--who", "李雷 Li Lei", "--revision", "2"), 2, "revision 2"),
    (("apply", *at.ON), 2, "is proposed, revision 1"),
    (("reject", *at.ON), 2, "missing option '--why'"),
    (("reject", *at.ON, "--why", " "), 2, "give the reason"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x"), 2, "give --set channel=amount"),
    (("edit", *at.FILES, "--week", at.WEEK, "--set", "kol=1"), 2, "missing option '--why'"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--set", "kol"), 2, "channel=amount"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--set", "kok=1"), 2,
     "did you mean 'kol'?"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--set", "kol=1,000"), 2,
     "not a plain number"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--set", "kol=1", "--set", "kol=2"), 2,
     "--set names 'kol' twice"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--set", "feed=1990"), 2,
     "above its max change"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--set", "百度 Baidu=100"), 2,
     "below its floor 800"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--spends", "none.csv"), 2, "none.csv"),
    (("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--spends", "plan.toml"), 2,
     "not a supported file"),
    (("release", *at.ON, "--amount", "9999", "--why", "x", "--who", "李雷 Li Lei"), 2,
     "give at most 300"),
    (("release", *at.ON, "--amount", "-1", "--why", "x", "--who", "李雷 Li Lei"), 2, "negative"),
    (("release", *at.ON, "--amount", "1", "--why", "x"), 2, "'ann' is not among the approvers"),
    (("pace", *at.FILES, "--as-of", "soon"), 2, "not a date"),
    *((words, 2, "the ledger belongs to another plan, which has name 'shop', and this one 'other'")
      for words in (
          ("week", "other.toml", *at.FILES[1:], "--as-of", "2025-11-07"),
          ("pace", "other.toml", *at.FILES[1:], "--as-of", at.TODAY),
          ("ramp", "other.toml", *at.FILES[1:], "--as-of", at.TODAY),
          ("approve", "other.toml", *at.ON[1:], "--who", "李雷 Li Lei"),
          ("reject", "other.toml", *at.ON[1:], "--why", "x"),
          ("apply", "other.toml", *at.ON[1:], "--who", "李雷 Li Lei"),
          ("release", "other.toml", *at.ON[1:], "--amount", "1", "--why", "x"),
      )),
    (("ramp", "plan.toml", "--history", "history.csv", "--weeks", "0"), 2, "weeks of the ramp"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_wrong_input_is_refused_and_leaves_the_ledger_as_it_was(
    proposed, capsys, arguments, code, said
):
    before = at.entries()
    Path("other.toml").write_text(at.PLAN.replace('"shop"', '"other"', 1), encoding="utf-8")
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert err.startswith("budgetopt: ")
    assert said in at.squeezed(err)
    assert max(map(cell_len, err.splitlines())) <= 80
    assert at.entries() == before
    assert not (proposed / "none.db").exists()
    error = json.loads(run(capsys, *arguments, "--json")[2])
    assert error["code"] in bo.errors.CODES


def test_pace_without_a_week_says_what_to_do(folder, capsys):
    Ledger.open("friday.db")
    code, _, err = run(capsys, "pace", *at.FILES, "--as-of", at.TODAY)
    assert (code, "run budgetopt week first" in at.squeezed(err)) == (2, True)


def test_a_plan_that_cannot_be_met_is_recorded_with_an_alert(folder, capsys):
    change(folder, "plan.toml", "floor = 800", "locked = 3200")
    code, out, _ = at.week(capsys)
    assert (code, out) == (3, "")
    assert at.entries("proposal") == ()
    assert "cannot-decide" in [entry.data["code"] for entry in at.entries("alert")]


def test_what_was_applied_against_a_limit_is_recorded_and_told(folder, capsys):
    at.week(capsys)
    at.approve(capsys)
    code, out, _ = at.apply(capsys, "--set", "kol=5000", "--why", "a slip", "--lang", "zh")
    assert code == 0
    broken = at.entries("applied")[0].data["broken"]
    assert any("above the budget" in sentence for sentence in broken)
    assert out.count("实际执行违反限制：") == len(broken)
    code, out, _ = at.apply(capsys, "--set", "kol=5100", "--why", "a slip", "--json")
    assert json.loads(out)["broken"] == at.entries("applied")[1].data["broken"]


def test_who_is_the_login_or_must_be_given(folder, capsys, monkeypatch):
    run(capsys, "week", *at.FILES, "--as-of", at.TODAY)
    assert {entry.who for entry in at.entries("proposal")} == {"ann"}

    def nobody():
        raise OSError("no name")

    monkeypatch.setattr("getpass.getuser", nobody)
    code, _, err = run(capsys, "reject", *at.ON, "--why", "x")
    assert (code, "give a name with --who" in err) == (2, True)


def test_a_password_is_not_on_the_page(folder, capsys):
    from budgetopt.cli.common import shown

    assert shown("postgresql://ann:secret@host/db") == "postgresql://ann@host/db"
    assert shown("postgresql://ann@host/db") == "postgresql://ann@host/db"
    assert shown("a:b@c.db") == "a:b@c.db"
