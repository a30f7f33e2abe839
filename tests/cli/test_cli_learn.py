"""``budgetopt learn``: what it prints and saves, how it goes on, and what it refuses."""

import csv
import io
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt import report
from budgetopt.belief import Settings

from .helpers import change, cut, over, plan_and_history, run, saved

LEARN = ("learn", "plan.toml", "--history", "history.csv", "--settings", "fast")


def test_it_prints_the_summary_and_saves_the_belief(shop, capsys):
    code, out, err = run(capsys, *LEARN)
    assert (code, err) == (0, "")
    plan, past = plan_and_history()
    belief = bo.learn(past, plan, settings=Settings.fast())
    assert out == report.belief_table(belief, plan=plan) + "\n"
    assert saved() == belief
    assert max(map(cell_len, out.splitlines())) <= 80
    assert sorted(p.name for p in shop.iterdir()) == ["belief.json", "history.csv", "plan.toml"]


def test_the_default_is_the_full_resolution(shop, capsys):
    cut(shop, "history.csv", "2025-10-01")
    assert run(capsys, *LEARN[:4])[0] == 0
    plan, past = plan_and_history()
    assert saved() == bo.learn(past, plan)
    assert saved().settings == Settings()


@pytest.mark.parametrize("how", [("--json",), ("--format", "json"), ("--format=json",)])
def test_json_holds_the_facts(shop, capsys, how):
    code, out, err = run(capsys, *LEARN, *how)
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(report.belief_json(saved()))


def test_csv_has_one_row_a_channel(shop, capsys):
    _, out, _ = run(capsys, *LEARN, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["channel"] for row in rows] == list(bo.Plan.load("plan.toml").names)
    assert float(rows[0]["roas"]) == saved().summary()[0].at_usual.roas.mean


def test_the_same_command_again_writes_the_same_bytes(shop, capsys):
    first = run(capsys, *LEARN), (shop / "belief.json").read_bytes()
    again = run(capsys, *LEARN), (shop / "belief.json").read_bytes()
    assert first == again


@pytest.mark.parametrize("same_file", [True, False])
def test_going_on_is_learning_from_all_weeks_at_once(shop, capsys, same_file):
    cut(shop, "old.csv", last="2025-06-30")
    cut(shop, "new.csv", first="2025-06-16")
    old = ("learn", "plan.toml", "--history", "old.csv", "--settings", "fast", "--out", "old.json")
    assert run(capsys, *old)[0] == 0
    out = "old.json" if same_file else "new.json"
    on = ("learn", "plan.toml", "--history", "new.csv", "--belief", "old.json", "--out", out)
    code, told, err = run(capsys, *on)
    assert (code, err) == (0, "")
    plan, past = plan_and_history()
    whole = bo.learn(past, plan, settings=Settings.fast())
    assert told == report.belief_table(whole, plan=plan) + "\n"
    _, new = plan_and_history("new.csv")
    if not same_file:
        assert saved(out) == saved("old.json").updated(new)
    np.testing.assert_array_equal(
        saved(out).posterior.mean().weights, whole.posterior.mean().weights
    )


def test_going_on_hears_what_the_plan_says_now(shop, capsys):
    assert run(capsys, *LEARN)[0] == 0
    change(shop, "plan.toml", "outcome_unit = 120 ", "outcome_unit = 300 ")
    assert run(capsys, *LEARN[:4], "--belief", "belief.json", "--out", "on.json")[0] == 0
    plan, past = plan_and_history()
    assert saved("on.json") == bo.learn(past, plan, settings=Settings.fast())
    assert saved("on.json") != saved()


def test_another_resolution_may_be_asked_of_an_earlier_belief(shop, capsys):
    cut(shop, "history.csv", "2025-10-01")
    assert run(capsys, *LEARN)[0] == 0
    full = ("--settings", "full", "--belief", "belief.json", "--out", "full.json")
    assert run(capsys, *LEARN[:4], *full)[0] == 0
    plan, past = plan_and_history()
    assert saved("full.json") == bo.learn(past, plan)


def test_weeks_between_belief_and_history_are_not_missed_in_silence(shop, capsys):
    cut(shop, "old.csv", last="2025-06-30")
    cut(shop, "new.csv", first="2025-07-14")
    old = ("learn", "plan.toml", "--history", "old.csv", "--settings", "fast")
    assert run(capsys, *old)[0] == 0
    on = ("learn", "plan.toml", "--history", "new.csv", "--belief", "belief.json")
    code, out, err = run(capsys, *on)
    assert (code, out) == (2, "")
    assert "has the week of 2025-07-07, after that of 2025-06-30" in " ".join(err.split())
    change(shop, "plan.toml", 'week = "week"', 'week = "week"\ngaps = "unknown"')
    assert run(capsys, *on)[0] == 0
    assert saved().log.weeks.size == 24


def test_a_week_that_is_not_over_is_left_out(shop, capsys):
    code, out, _ = run(capsys, *LEARN, "--as-of", "2025-11-14")
    assert code == 0
    assert "Learned from 24 weeks, 2025-05-26 to 2025-11-03" in out
    assert "Note: 1 week left out: not over yet." in out


def test_data_through_leaves_out_weeks_that_the_file_does_not_hold_whole(shop, capsys):
    code, out, _ = run(capsys, *LEARN, "--data-through", "2025-11-02", "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["weeks"], facts["last"], facts["through"]) == (23, "2025-10-27", "2025-11-02")
    plan = bo.Plan.load("plan.toml")
    past = bo.History.read(
        "history.csv", plan.columns, channels=plan.names, data_through="2025-11-02"
    )
    assert saved() == bo.learn(past, plan, settings=Settings.fast())


def test_one_total_is_learned_from_as_well(shop, capsys):
    (shop / "total.csv").write_text(
        "week,a,b,sales\n"
        + "".join(f"2025-{m:02d}-03,{m},9,{5 * m}\n" for m in (2, 3))
        + "2025-02-10,4,7,30\n2025-02-17,6,8,36\n2025-02-24,5,5,31\n",
        encoding="utf-8",
    )
    (shop / "total.toml").write_text(
        'currency = "CNY"\nbudget = 20\n[history]\nlayout = "wide"\noutcome = "sales"\n'
        'spend = { a = "a", b = "b" }\n[[channels]]\nname = "a"\n[[channels]]\nname = "b"\n'
    )
    code, out, err = run(capsys, "learn", "total.toml", "--history", "total.csv")
    assert (code, err) == (0, "")
    assert "one total outcome" in out
    assert saved().source == "total"
    files = ("total.toml", "--history", "total.csv")
    for command in (("reallocate", *files), ("week", *files, "--ledger", "l.db", "--as-of",
                    "2025-03-10", "--format", "json")):  # fmt: skip
        out = run(capsys, *command)[1]
        assert "posterior-mean" in out
        assert "optimistic" not in out
    text = (shop / "total.toml").read_text()
    with_price = text.replace('outcome = "sales"', 'outcome = "sales"\ncontrols = ["price"]')
    (shop / "total.toml").write_text(with_price)
    code, _, err = run(capsys, "learn", *files)
    assert code == 2
    assert "'price'" in err


WRONG = [
    (("--belief", "nope.json"), "belief file 'nope.json' cannot be read, No such file"),
    (("--belief", "."), "belief file '.' cannot be read, Is a directory"),
    (("--belief", "history.csv"), "is not a belief, it is not JSON"),
    (("--settings", "slow"), "'--settings'"),
    (("--setings", "fast"), "no such option: --setings"),
    (("--as-of", "soon"), "--as-of is 'soon', not a date"),
    (("--data-through", "2025-13-01"), "--data-through is '2025-13-01', not a date"),
    (("--data-through", "2020-01-01"), "nothing to learn from"),
    (("--format", "yaml"), "'--format'"),
    (("--out", "missing/b.json"), "No such file or directory"),
    (("--out", "."), "not a plain file"),
    (("--out", "plan.toml"), "JSON is written: name a .json file"),
    (("--out", "./history.csv"), "JSON is written: name a .json file"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_wrong_input_changes_nothing(shop, capsys, options, said):
    before = {p.name: p.read_bytes() for p in shop.iterdir()}
    code, out, err = run(capsys, *over(LEARN, options))
    assert (code, out) == (2, "")
    assert err.startswith("budgetopt: ")
    assert said in " ".join(err.split())
    assert max(map(cell_len, err.splitlines())) <= 80
    assert {p.name: p.read_bytes() for p in shop.iterdir()} == before


def tampered(change):
    data = json.loads(Path("belief.json").read_text(encoding="utf-8"))
    change(data)
    return json.dumps(data)


TAMPERED = {
    "truncated": (lambda text: text[: len(text) // 2], "it is not JSON"),
    "empty": (lambda _: "", "it is not JSON"),
    "a list": (lambda _: "[]", "schema of the belief is []"),
    "deep": (lambda _: "[" * 100_000, "it is not JSON"),
    "NaN": (lambda text: text.replace("1562.5", "NaN"), "NaN is not JSON"),
    "schema 1": (lambda text: text.replace('"schema": 2', '"schema": 1'), "is 1"),
    "no log": (lambda _: tampered(lambda d: d.pop("log")), "'log'"),
    "no weeks": (lambda _: tampered(lambda d: d["log"].pop("weeks")), "weeks"),
    "short": (lambda _: tampered(lambda d: d["log"]["spend"].pop()), "spend"),
    "odd setting": (lambda _: tampered(lambda d: d["settings"].update(pointz=3)), "pointz"),
    "bad setting": (lambda _: tampered(lambda d: d["settings"].update(points=-3)), "points"),
}


def test_a_file_that_is_no_belief_is_refused(shop, capsys):
    assert run(capsys, *LEARN)[0] == 0
    text = (shop / "belief.json").read_text(encoding="utf-8")
    for kind, (spoil, said) in TAMPERED.items():
        (shop / "spoilt.json").write_text(spoil(text), encoding="utf-8")
        before = {p.name: p.read_bytes() for p in shop.iterdir()}
        code, out, err = run(capsys, *LEARN[:4], "--belief", "spoilt.json", "--json")
        assert (code, out) == (2, ""), kind
        error = json.loads(err)
        where = (error["code"], error["field"], error["value"])
        assert where == ("bad-file", "belief", "spoilt.json"), kind
        assert said in error["message"], kind
        assert {p.name: p.read_bytes() for p in shop.iterdir()} == before, kind


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "360"', 'name = "new"', "the belief names '360', which is not in the plan"),
        (
            '[[channels]]\nname = "360"',
            '[[channels]]\nname = "n"\n[[channels]]\nname = "360"',
            "the plan names 'n', which is not in the belief",
        ),
    ],
)
def test_a_belief_of_other_channels_is_refused(shop, capsys, old, new, said):
    assert run(capsys, *LEARN)[0] == 0
    change(shop, "plan.toml", old, new)
    text = (shop / "history.csv").read_text(encoding="utf-8").replace(",360,", ",Google+,")
    (shop / "history.csv").write_text(text, encoding="utf-8")
    change(shop, "plan.toml", "[history]", '[history]\nignore = ["Google+"]')
    code, _, err = run(capsys, *LEARN, "--belief", "belief.json", "--json")
    error = json.loads(err)
    assert (code, error["code"]) == (2, "unknown-name")
    assert said in error["message"]


def test_channels_in_another_order_are_the_same_channels(shop, capsys):
    assert run(capsys, *LEARN)[0] == 0
    text = (shop / "plan.toml").read_text(encoding="utf-8")
    for old, new in (("360", "@"), ("Google", "360"), ("@", "Google")):
        text = text.replace(f'name = "{old}"', f'name = "{new}"')
    (shop / "plan.toml").write_text(text, encoding="utf-8")
    assert run(capsys, *LEARN, "--belief", "belief.json", "--out", "on.json")[0] == 0
    plan, past = plan_and_history()
    assert saved("on.json") == bo.learn(past, plan, settings=Settings.fast())


def test_a_belief_that_knows_more_is_not_written_over(shop, capsys):
    assert run(capsys, *LEARN)[0] == 0
    cut(shop, "history.csv", first="2025-10-27")
    before = (shop / "belief.json").read_bytes()
    code, out, err = run(capsys, *LEARN)
    assert (code, out) == (2, "")
    said = " ".join(err.split())
    assert "contains other weeks, '2025-05-26'," in said
    assert "and 16 more" in said
    assert "--belief belief.json" in said
    assert (shop / "belief.json").read_bytes() == before
    assert run(capsys, *LEARN, "--out", "other.json")[0] == 0
    assert run(capsys, *LEARN[:4], "--belief", "belief.json")[0] == 0
    assert saved().log.weeks.size == 25


def test_a_belief_of_another_plan_is_not_written_over(shop, capsys):
    assert run(capsys, *LEARN)[0] == 0
    change(shop, "plan.toml", 'name = "360"', 'name = "361"')
    text = (shop / "history.csv").read_text(encoding="utf-8").replace(",360,", ",361,")
    (shop / "history.csv").write_text(text, encoding="utf-8")
    code, _, err = run(capsys, *LEARN)
    assert code == 2
    assert "contains other channels, '360', which would be lost" in " ".join(err.split())


def test_what_is_no_belief_is_written_over_as_by_other_commands(shop, capsys):
    (shop / "belief.json").write_text('{"log": 3}')
    assert run(capsys, *LEARN)[0] == 0
    assert saved().log.weeks.size == 25


@contextmanager
def read_only(folder):
    """Take away the right to write, which root has whatever a folder says."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="rights work otherwise on Windows")
def test_a_read_only_folder_is_refused_and_stays_as_it_is(shop, capsys, monkeypatch):
    # Not the folder of the tests, into which only its owner may look.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in shop.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        monkeypatch.chdir(folder)
        with read_only(folder):
            code, out, err = run(capsys, *LEARN)
            assert (code, out) == (2, "")
            assert "'belief.json' cannot be written, Permission denied" in " ".join(err.split())
            week = ("reallocate", "plan.toml", "--history", "history.csv")
            assert run(capsys, *week)[0] == 0
            assert run(capsys, *week, "--out", "x.csv")[0] == 2
        assert sorted(p.name for p in folder.iterdir()) == ["history.csv", "plan.toml"]
        monkeypatch.chdir(shop)
