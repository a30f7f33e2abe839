"""Tables in Chinese: the same answer with the same numbers."""

import re

import pytest

import budgetopt as bo
from budgetopt import report
from budgetopt.cli.common import Language
from budgetopt.i18n import LANGUAGES

from .helpers import plan_and_history, run

WEEK = ("plan.toml", "--history", "history.csv", "--as-of", "2025-11-20")


@pytest.mark.parametrize("explain", [False, True])
def test_a_week_is_decided_in_chinese(shop, capsys, explain):
    options = ["--explain"] * explain
    code, out, err = run(capsys, "reallocate", *WEEK, "--lang", "zh", *options)
    assert (code, err) == (0, "")
    decision = bo.reallocate(*plan_and_history())
    assert out == report.decision_table(decision, explain=explain, language="zh") + "\n"
    assert "预期转化" in out
    english = run(capsys, "reallocate", *WEEK, *options)[1]
    assert english == run(capsys, "reallocate", *WEEK, "--lang", "en", *options)[1]
    words = re.compile(r"[A-Za-z]{2,}")
    names = words.findall(
        " ".join(
            [
                *decision.allocation.spend,
                "CNY",
                "revenue",
                "ROAS",
                decision.policy,
                "budgetopt ramp",
            ]
        )
    )
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


YEARS = ("--runs", 8, "--weeks", 2, "--policy", "hold", "--policy", "equal")


@pytest.mark.parametrize("command", ["check", "frontier", "learn", "simulate"])
def test_what_a_plan_allows_and_may_bring_is_said_in_chinese(shop, capsys, command):
    more = YEARS if command == "simulate" else ()
    code, out, err = run(capsys, command, *WEEK, *more, "--lang", "zh")
    assert (code, err) == (0, "")
    plan, _ = plan_and_history()
    words = re.compile(r"[A-Za-z]{2,}")
    known = words.findall(
        " ".join([*plan.names, plan.outcome, "CNY", "ROAS", "mROAS", "hold equal"])
    )
    assert set(words.findall(out)) <= set(known)
    english = run(capsys, command, *WEEK, *more)[1]
    numbers = re.compile(r"\d[\d,.]*\d|\d")
    assert sorted(numbers.findall(out)) == sorted(numbers.findall(english))
