"""Test files: what is read, what is refused and how, and what is shown."""

import datetime as dt
import json

import pandas as pd
import pytest

from budgetopt.errors import CalendarError, HistoryError, InputError
from budgetopt.experiments import Experiment, Observation, PauseRule, Settings
from budgetopt.experiments.experiment import sentences
from budgetopt.experiments.files import read, read_log
from budgetopt.report import next_table as next_text
from budgetopt.report import verdict_table as verdict_text

ROWS = """day,arm,impressions,clicks,spend
2026-11-16,blue,10000,260,200
2026-11-16,red,10000,240,200.50
2026-11-17,blue,9000,230,180
2026-11-17,red,11000,250,220
"""


@pytest.fixture
def put(tmp_path):
    def write(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_a_bare_table(put):
    test = read(put("log.csv", ROWS))
    assert test.arms == ("blue", "red")
    assert test.settings == Settings()
    assert test.log[1] == Observation("2026-11-16", "red", 200.5, impressions=10_000, clicks=240)
    asked = Settings("cpa", 50, pause=None)
    table = "day,arm,conversions,spend\n2026-11-16,a,4,200\n2026-11-16,b,5.5,200\n"
    assert read(put("cpa.csv", table), asked).log[1].conversions == 5.5


def test_a_toml_file_with_a_table_beside_it(put):
    put("log.csv", ROWS.replace("day,arm", "日期,创意").replace("clicks", "点击数"), "gbk")
    test = read(
        put(
            "test.toml",
            """
metric = "ctr"
expected = 0.025
arms = ["blue", "red", "green"]
daily_budget = 900
cell = "750.50"
days = [2, 4]
seed = 7
log = "log.csv"

[pause]
average = 0.025
gap = 0.01

[columns]
day = "日期"
arm = "创意"
clicks = "点击数"
encoding = "gbk"
""",
        )
    )
    assert test.arms == ("blue", "green", "red")
    assert (test.seed, test.settings.days, str(test.settings.cell)) == (7, (2, 4), "750.50")
    assert test.settings.pause == PauseRule(average=0.025)
    assert len(test.log) == 4
    assert test.next_day().budget == 900
    assert Experiment.from_json(test.to_json()) == test


def test_arms_may_be_left_to_the_table_and_rows_to_the_file(put):
    put("log.csv", ROWS)
    assert read(put("a.toml", 'log = "log.csv"')).arms == ("blue", "red")
    inline = """
arms = ["a", "b"]
pause = "none"
[[log]]
day = 2026-11-16
arm = "a"
spend = 10.5
impressions = 100
clicks = 3
"""
    test = read(put("b.toml", inline))
    assert test.log[0].day == dt.date(2026, 11, 16)
    assert (test.log[0].spend, test.settings.pause) == (10.5, None)


def test_a_first_day_without_rows(put):
    put("log.csv", ROWS.splitlines()[0] + "\n")
    test = read(put("test.toml", 'arms = ["a", "b"]\nlog = "log.csv"\ndaily_budget = 500'))
    assert test.log == ()
    assert test.next_day().day is None


def test_json_comes_back(put):
    test = read(put("log.csv", ROWS))
    assert read(put("test.json", test.to_json())) == test


def test_other_columns_and_totals_rows_are_left_alone(put):
    table = "Report\n\n" + ROWS.replace("spend", "spend,note", 1).replace("\n2026", ",x\n2026")
    table = table.rstrip("\n") + ",x\nTotal,,40000,980,800.5,\n"
    assert len(read(put("log.csv", table)).log) == 4


def test_a_workbook_and_a_parquet_file(put, tmp_path):
    frame = pd.read_csv(put("log.csv", ROWS), parse_dates=["day"])
    frame.to_excel(tmp_path / "log.xlsx", index=False)
    frame.to_parquet(tmp_path / "log.parquet")
    test = read(tmp_path / "log.csv")
    assert read(tmp_path / "log.xlsx") == read(tmp_path / "log.parquet") == test


@pytest.mark.parametrize(
    ("old", "new", "error", "code", "part"),
    [
        ("clicks", "clics", HistoryError, "bad-columns", "did you mean 'clics'"),
        ("red", "", HistoryError, "bad-name", "line 3: arm is ''"),
        ("240", "x", HistoryError, "bad-number", "line 3: 'clicks' is 'x', not a number"),
        ("240", "-1", HistoryError, "bad-number", "line 3: 'clicks' is '-1', negative"),
        ("240", "10001", HistoryError, "bad-number", "line 3: clicks of 'red' on 2026-11-16 is"),
        ("240", "", HistoryError, "bad-number", "clicks of 'red' on 2026-11-16 is None, missing"),
        ("200.50", "--", HistoryError, "bad-number", "line 3: spend of 'red' on 2026-11-16"),
        ("2026-11-17,red", "16.11.2026,red", CalendarError, "bad-date", "line 5: 'day'"),
        ("2026-11-17,red", "2026-11-16,red", HistoryError, "bad-history", "'red' has two rows on"),
        ("2026-11-17,red", "2026-11-17,Red", HistoryError, "bad-name", "'Red' and 'red' differ"),
        ("240", "240.5", HistoryError, "bad-number", "not a whole number"),
    ],
)  # fmt: skip
def test_rows_that_are_wrong_are_named(put, old, new, error, code, part):
    with pytest.raises(error) as found:
        read(put("log.csv", ROWS.replace(old, new, 1)))
    assert part in str(found.value)
    assert found.value.code == code
    assert found.value.remedy


@pytest.mark.parametrize(
    ("name", "text", "code", "part"),
    [
        ("t.toml", 'arms = ["a", "b"]\nmetrik = "ctr"', "bad-plan", "did you mean 'metric'"),
        ("t.toml", 'arms = ["a", "b"', "bad-plan", "not TOML"),
        ("t.json", "{", "bad-plan", "not JSON"),
        ("t.toml", 'arms = ["a", "b"]\nlog = "no.csv"', "bad-file", "no.csv is not there"),
        ("t.toml", 'log = "log.csv"\nmetric = "cpa"', "bad-argument", "expected is missing"),
        ("t.toml", 'log = "log.csv"\n[columns]\narms = "x"', "bad-plan", "did you mean 'arm'"),
        ("t.toml", 'arms = ["blue", "rad"]\nlog = "log.csv"', "unknown-name", "mean 'rad'"),
        ("t.toml", 'log = "log.csv"\nmetric = "cvr"', "bad-columns", "'conversions' is not in"),
        ("t.doc", "x", "bad-file", "not a supported file type"),
    ],
)
def test_files_that_are_wrong(put, name, text, code, part):
    put("log.csv", ROWS)
    with pytest.raises(InputError) as found:
        read(put(name, text))
    assert found.value.code == code
    assert part in str(found.value)
    assert "plan file" not in str(found.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="test file"):
        read(tmp_path / "no.toml")
    with pytest.raises(InputError, match=r"no\.csv is not there"):
        read(tmp_path / "no.csv")


def test_a_bare_table_without_rows_has_no_arms(put):
    empty = put("log.csv", ROWS.splitlines()[0])
    with pytest.raises(InputError, match="give two or more"):
        read(empty)


def test_settings_are_given_once(put):
    with pytest.raises(InputError, match="settings of its own"):
        read(put("t.toml", 'arms = ["a", "b"]'), Settings())
    assert read_log(put("log.csv", ROWS), Settings(), {"day": "day"})


def test_what_is_said_of_a_winner():
    rows = [
        Observation(f"2026-11-{16 + d}", arm, 200.0, impressions=10_000, clicks=clicks)
        for d in range(5)
        for arm, clicks in (("红色", 320), ("blue", 250), ("old", 90))
    ]
    test = Experiment(("红色", "blue", "old"), Settings(), tuple(rows))
    said = sentences(test.verdict())
    assert said == [
        "红色 is better than every other arm "
        "(wrong in at most 5% of tests, however often you check).",
        "红色 is the best arm with a probability of 95% or more.",
        "old has been paused since 2026-11-16: its CTR is past the pause line with a probability "
        "of over 99.9%.",
    ]
    said = next_text(test.next_day(1000))
    assert said.startswith("Test on 2026-11-21, 1,000 to spend\n")
    assert "Note: the test is over (winner): take 红色." in said


def test_what_is_said_along_the_way():
    test = Experiment(("a", "b"))
    assert sentences(test.verdict())[0] == "No data yet: keep going."
    asked = Settings("cpa", 50, pause=None)
    row = [Observation("2026-11-16", arm, 500.0, conversions=c) for arm, c in (("a", 9), ("b", 10))]
    verdict = Experiment(("a", "b"), asked, tuple(row)).verdict()
    said = verdict_text(verdict)
    # (500 + 25) / (10 + 0.5) = 50.
    assert "\nb" in said
    assert " 50.0 " in said.split("\nb", 1)[1].splitlines()[0]
    assert "Keep going: b leads, but that is not certain yet." in said
    assert "Another arm may still be up to" in said
    assert "Minimum cells not complete: a, b." in said
    assert json.loads(verdict.to_json())["decision"] == "keep going"


def test_what_is_said_of_no_difference():
    rows = [
        Observation(f"2026-11-{16 + d}", arm, 200.0, impressions=200_000, clicks=5000)
        for d in range(5)
        for arm in "ab"
    ]
    test = Experiment(("a", "b"), Settings(), tuple(rows))
    assert "Take a: every other arm is worse or within 10% of it" in verdict_text(test.verdict())
