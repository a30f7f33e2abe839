"""Tables in Chinese: the same answer with the same numbers."""

import re

import pytest

import budgetopt as bo
from budgetopt import report
from budgetopt.cli.options import Language
from budgetopt.words import LANGUAGES

from .helpers import plan_and_history, run

WEEK = ("plan.toml", "--history", "history.csv", "--as-of", "2026-01-01")


@pytest.mark.parametrize("explain", [False, True])
def test_a_week_is_decided_in_chinese(shop, capsys, explain):
    options = ["--explain"] * explain
    code, out, err = run(capsys, "reallocate", *WEEK, "--lang", "zh", *options)
    assert (code, err) == (0, "")
    decision = bo.reallocate(*plan_and_history())
    assert out == report.decision_table(decision, explain=explain, language="zh") + "\n"
    assert "预期成效" in out
    english = run(capsys, "reallocate", *WEEK, *options)[1]
    assert english == run(capsys, "reallocate", *WEEK, "--lang", "en", *options)[1]
    words = re.compile(r"[A-Za-z]{2,}")
    names = words.findall(" ".join([*decision.allocation.spend, "CNY", decision.policy]))
    assert set(words.findall(out)) <= set(names)


def test_a_plan_with_curves_is_allocated_in_chinese(shop, capsys):
    plan = bo.Plan(
        budget=100,
        currency="CNY",
        channels=[bo.Channel(n, curve=bo.Log(3, 10)) for n in "ab"],
    )
    (shop / "curves.json").write_text(plan.to_json(), encoding="utf-8")
    code, out, _ = run(capsys, "allocate", "curves.json", "--lang", "zh", "--explain")
    assert code == 0
    assert out == report.allocation_table(bo.allocate(plan), explain=True, language="zh") + "\n"
    assert "渠道" in out


@pytest.mark.parametrize("command", ["reallocate", "allocate"])
def test_a_language_that_is_not_known_is_refused(shop, capsys, command):
    history = ("--history", "history.csv") if command == "reallocate" else ()
    code, out, err = run(capsys, command, "plan.toml", *history, "--lang", "de")
    assert (code, out) == (2, "")
    assert "'de' is not one of 'en', 'zh'" in " ".join(err.split())


def test_files_keep_english_names_in_any_language(shop, capsys):
    for kind in ("json", "csv"):
        said = [run(capsys, "reallocate", *WEEK, "--lang", lang, "--format", kind)[1]
                for lang in LANGUAGES]  # fmt: skip
        assert said[0] == said[1]


def test_the_option_names_every_language():
    assert tuple(Language) == LANGUAGES
