"""``budgetopt tests``: the same answer as the call, in both languages and as files."""

import csv
import json

import budgetopt as bo

from .helpers import plan_and_history, run

ASKED = ("tests", "plan.toml", "--history", "history.csv", "--settings", "fast")
FEW = ("--channel", "Google", "--design", "regions,-100%,4,20%", "--design", "everywhere,50%,4")


def test_it_prints_what_the_call_returns(shop, capsys):
    code, out, err = run(capsys, *ASKED, *FEW, "--doubt", "0.5", "--weeks", "13", "--json")
    assert (code, err) == (0, "")
    plan, past = plan_and_history()
    belief = bo.learn(past, plan, settings=bo.Settings.fast())
    found = bo.value_of_tests(
        plan, belief, channels=["Google"], designs=FEW[3::2], weeks=13, doubt=0.5
    )
    assert json.loads(out) == json.loads(json.dumps(found.to_dict()))


def test_the_table_is_in_both_languages_and_in_files(shop, capsys):
    code, english, _ = run(capsys, *ASKED, *FEW, "--out", "tests.csv")
    assert code == 0
    with (shop / "tests.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["channel"] for row in rows} == {"Google"}
    assert len(rows) == 2
    code, english, _ = run(capsys, *ASKED, *FEW)
    assert code == 0
    assert english.startswith("Tests of single channels")
    assert "-100% in 20% of regions, 4 weeks" in english
    _, chinese, _ = run(capsys, *ASKED, *FEW, "--lang", "zh")
    assert chinese.startswith("单渠道测试")
    assert "20% 的地区 -100%，4 周" in chinese
    assert all(len(line.encode("gbk")) <= 80 for line in chinese.splitlines())


def test_what_it_cannot_read_is_refused(shop, capsys):
    code, _, err = run(capsys, *ASKED, "--design", "regions,-100%,4")
    assert code == 2
    assert "design.share does not suit regions" in err
    code, _, err = run(capsys, "tests", "plan.toml")
    assert code == 2
    assert "missing option '--history'" in err
