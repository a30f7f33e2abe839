"""The commands of the weekly rhythm on either database."""

import datetime as dt

import pytest

from budgetopt.cli import main

PLAN = """
currency = "CNY"
budget = 300
step = 1
[[channels]]
name = "feed"
[[channels]]
name = "kol"
"""
MONDAY = dt.date(2025, 8, 11)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    rows = [
        f"{MONDAY + dt.timedelta(weeks=week)},{name},{120 + 9 * week % 50},{200 + 30 * week % 70}"
        for week in range(10)
        for name in ("feed", "kol")
    ]
    text = "\n".join(["week,channel,spend,outcome", *rows])
    (tmp_path / "history.csv").write_text(text, encoding="utf-8")


def test_a_week_is_decided_approved_shown_and_verified(where, shop, capsys):
    def run(*words):
        with pytest.raises(SystemExit) as done:
            main([*words, "--ledger", str(where)])
        said = capsys.readouterr()
        assert said.err == ""
        return done.value.code, said.out

    week = ("--week", "2025-10-20")
    decide = ("week", "plan.toml", "--history", "history.csv", "--as-of", "2025-10-20")
    code, page = run(*decide)
    assert code == 0
    assert run(*decide) == (0, page)
    assert run("approve", "plan.toml", *week, "--who", "ann")[0] == 0
    code, out = run("apply", "plan.toml", *week, "--who", "ops", "--set", "kol=133", "--why", "x")
    assert "applied, revision 1" in out
    assert "2025-10-20" in run("history")[1]
    assert "133" in run("diff", *week)[1]
    assert run("show", *week)[0] == 0
    assert run("ledger", "verify")[0] == 0
