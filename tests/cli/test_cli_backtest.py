"""``budgetopt backtest``: the same answer as the call, in both languages and as files."""

import csv
import json

import budgetopt as bo

from .helpers import plan_and_history, run

ASKED = ("backtest", "plan.toml", "--history", "history.csv", "--weeks", "2", "--settings", "fast")


def test_it_prints_what_the_call_returns(shop, capsys):
    code, out, err = run(capsys, *ASKED, "--policy", "posterior-mean", "--json")
    assert (code, err) == (0, "")
    plan, past = plan_and_history()
    found = bo.backtest(
        plan, past, weeks=2, settings=bo.Settings.fast(), policies=["posterior-mean"]
    )
    assert json.loads(out) == json.loads(json.dumps(found.to_dict()))


def test_the_table_is_in_both_languages(shop, capsys):
    code, english, _ = run(capsys, *ASKED)
    assert code == 0
    assert english.startswith("Backtest of 2 weeks, ")
    assert "optimistic(1)" in english
    assert "hold" in english
    assert "placed otherwise" in english
    assert "all together" in english
    assert "nobody saw" in english
    _, chinese, _ = run(capsys, *ASKED, "--lang", "zh")
    assert chinese.startswith("回测 2 周")
    assert "改投比例" in chinese
    assert all(len(line.encode("gbk")) <= 80 for line in chinese.splitlines())


def test_it_is_written_as_the_name_of_the_file_says(shop, capsys):
    assert run(capsys, *ASKED, "--out", "weeks.csv")[0] == 0
    with (shop / "weeks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    plan, past = plan_and_history()
    assert len(rows) == 2 * len(plan.names)
    assert rows[-1]["week"] == str(past.weeks[-1])
    assert float(rows[0]["spend"]) == past.spend[-2, 0]
    assert float(rows[0]["advised by hold"]) >= 0
    assert run(capsys, *ASKED, "--out", "all.xlsx")[0] == 0
    assert (shop / "all.xlsx").stat().st_size > 0
    assert run(capsys, *ASKED, "--out", "page.md")[0] == 0
    assert "| policy" in (shop / "page.md").read_text(encoding="utf-8")


def test_too_short_a_history_is_refused(shop, capsys):
    lines = (shop / "history.csv").read_text(encoding="utf-8").splitlines()
    plan, _ = plan_and_history()
    kept = lines[: 1 + 8 * len(plan.names)]
    (shop / "short.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    code, _, err = run(capsys, "backtest", "plan.toml", "--history", "short.csv")
    assert code == 2
    assert "8 complete weeks" in err
    assert "give at least 9" in err
