"""What a test, its rows, its settings and its plain data refuse, each at its edge."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pytest

from budgetopt.errors import CalendarError, HistoryError, InputError, MoneyError
from budgetopt.experiments import Experiment, Observation, PauseRule, Settings

FIRST = dt.date(2026, 11, 16)


def row(arm, day=0, spend=200.0, shown=10_000, clicks=250, **more):
    when = FIRST + dt.timedelta(days=day)
    return Observation(when, arm, spend, impressions=shown, clicks=clicks, **more)


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"clicks": 10_001}, "clicks", "above its impressions 10,000"),
        ({"shown": 0, "clicks": 1}, "clicks", "above its impressions 0"),
        ({"clicks": -1}, "clicks", "negative"),
        ({"clicks": 1.5}, "clicks", "not a whole number"),
        ({"shown": math.nan}, "impressions", "not finite"),
        ({"spend": math.inf}, "spend", "not finite"),
        ({"spend": None}, "spend", "missing"),
        ({"spend": True}, "spend", "not a number"),
        ({"spend": "200"}, "spend", "not a number"),
        ({"spend": 1e17}, "spend", "too large to count exactly"),
        ({"conversions": -0.5}, "conversions", "negative"),
        ({"revenue": math.nan}, "revenue", "not finite"),
    ],
)
def test_rows_that_cannot_be(fields, field, part):
    with pytest.raises(HistoryError, match=part) as error:
        row("a", **fields)
    assert (error.value.code, error.value.field) == ("bad-number", field)
    assert "'a' on 2026-11-16" in str(error.value)
    assert error.value.remedy


def test_rows_at_the_edge_are_taken():
    assert row("a", shown=0, clicks=0, spend=0).impressions == 0
    assert row("a", clicks=10_000).clicks == 10_000
    assert row("a", conversions=900.0).conversions == 900  # Those who only saw the ad.
    assert row(" a ", spend=Decimal("1.5")).spend == 1.5
    assert row("a", spend=np.float64(2), clicks=np.int64(3)).to_dict()["clicks"] == 3


def test_days_and_names():
    with pytest.raises(CalendarError):
        Observation("16.11.2026", "a", 1)
    for name in ("", "  ", None, 7):
        with pytest.raises(HistoryError, match="arm is"):
            Observation(FIRST, name, 1)


@pytest.mark.parametrize("arms", [(), ("a",), "a"])
def test_fewer_than_two_arms(arms):
    with pytest.raises(InputError, match="give two or more") as error:
        Experiment(arms)
    assert error.value.code == "bad-argument"


def test_names_that_are_odd_but_names():
    names = ("红色", "=1+1", "a b", "a_b", "x" * 300, "🙂")
    day = Experiment(names).next_day(2000)
    assert sum(day.spend.values()) == 2000
    assert Experiment.from_json(Experiment(names).to_json()).arms == tuple(sorted(names))


@pytest.mark.parametrize(
    ("make", "code", "part"),
    [
        (lambda: Experiment(("a", "a")), "bad-name", "'a' is declared twice"),
        (lambda: Experiment(("a", "b"), log=[row("a"), row("a")]), "bad-history", "two rows"),
        (lambda: Experiment(("red", "b"), log=[row("rod")]), "unknown-name", "did you mean 'red'"),
        (lambda: Experiment(("a", "b"), log=[{"arm": "a"}]), "bad-argument", "log holds a dict"),
        (lambda: Experiment(("a", "b"), seed=-1), "bad-argument", "seed is -1"),
        (lambda: Experiment(("a", "b"), seed=True), "bad-argument", "seed is True"),
        (
            lambda: Experiment(("a", "b"), Settings("cpa", 50), [row("a")]),
            "bad-number",
            "conversions of 'a' on 2026-11-16 is None, missing",
        ),
        (
            lambda: Experiment(("a", "b"), Settings("cvr"), [row("a", conversions=251.0)]),
            "bad-number",
            "above its clicks 250",
        ),
        (
            lambda: Experiment(
                ("a", "b"),
                Settings("revenue-per-conversion", 9),
                [row("a", conversions=0, revenue=5)],
            ),
            "bad-number",
            "without conversions",
        ),
        (lambda: Experiment(("a", "b")).next_day(), "bad-argument", "the day has no budget"),
        (lambda: Experiment(("a", "b")).daily("click"), "unknown-name", "did you mean 'clicks'"),
    ],
)
def test_tests_that_cannot_be(make, code, part):
    with pytest.raises(InputError, match=part) as error:
        make()
    assert error.value.code == code
    assert error.value.remedy


@pytest.mark.parametrize("budget", [-1, math.nan, math.inf, True, "1,000", "10.001"])
def test_budgets_that_are_no_money(budget):
    with pytest.raises(MoneyError):
        Experiment(("a", "b")).next_day(budget)


@pytest.mark.parametrize(
    ("settings", "code", "field"),
    [
        ({"metric": "crt"}, "unknown-name", "metric"),
        ({"metric": "cpa"}, "bad-argument", "expected"),
        ({"metric": "revenue-per-click"}, "bad-argument", "expected"),
        ({"expected": 1.0}, "bad-argument", "expected"),
        ({"expected": 0}, "bad-argument", "expected"),
        ({"currency": "RMB"}, "bad-currency", "currency"),
        ({"cell": -1}, "bad-money", "cell"),
        ({"daily_budget": "x"}, "bad-money", "daily_budget"),
        ({"days": (0, 5)}, "bad-argument", "days"),
        ({"days": (5, 3)}, "bad-argument", "days"),
        ({"days": 3}, "bad-argument", "days"),
        ({"days": (True, 3)}, "bad-argument", "days"),
        ({"leader_share": 0}, "bad-argument", "leader_share"),
        ({"leader_share": 1.01}, "bad-argument", "leader_share"),
        ({"error_rate": 0.5}, "bad-argument", "error_rate"),
        ({"error_rate": "5%"}, "bad-argument", "error_rate"),
        ({"region": 0}, "bad-argument", "region"),
        ({"region": math.inf}, "bad-argument", "region"),
        ({"pause": "ctr"}, "bad-argument", "pause"),
    ],
)
def test_settings_out_of_range(settings, code, field):
    with pytest.raises(InputError) as error:
        Settings(**settings)
    assert (error.value.code, error.value.field) == (code, field)
    assert error.value.remedy


def test_settings_at_the_edge():
    settings = Settings(days=(1, 1), leader_share=1, cell=0, error_rate=0.499, pause=None)
    test = Experiment(("a", "b"), settings, (row("a"), row("b")))
    assert test.next_day(0).spend == {"a": 0, "b": 0}
    assert sum(test.next_day("0.01").spend.values()) == Decimal("0.01")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"metrik": "ctr"}, "did you mean 'metric'"),
        ({"schema_version": 2}, "write 1"),
        ({"arms": "ab"}, "give a list"),
        ({"log": {}}, "give a list"),
        ({"log": [5]}, r"log\[0\] is 5"),
        ({"log": [{"day": "2026-11-16", "arm": "a"}]}, "spend of log"),
        ({"log": [{"day": "2026-11-16", "arm": "a", "spend": 1, "click": 2}]}, "mean 'clicks'"),
        ({"pause": {"gaps": 0.01}}, "did you mean 'gap'"),
        ({"pause": 5}, "pause is 5"),
    ],
)
def test_plain_data_that_is_wrong(change, part):
    with pytest.raises(InputError, match=part) as error:
        Experiment.from_dict({"arms": ["a", "b"]} | change)
    assert error.value.code == "bad-plan"


def test_plain_data_without_arms_and_text_that_is_not_json():
    with pytest.raises(InputError, match="arms is missing"):
        Experiment.from_dict({})
    with pytest.raises(InputError, match="not JSON"):
        Experiment.from_json("{")
    with pytest.raises(InputError, match="give a table"):
        Experiment.from_json("[]")


def test_no_pause_rule_survives_the_trip():
    for rule in (None, PauseRule(gap=None), PauseRule(average=0.03, target_cpa=9.5)):
        test = Experiment(("a", "b"), Settings(pause=rule))
        assert Experiment.from_json(test.to_json()) == test
    assert Experiment.from_dict({"arms": ["a", "b"], "pause": "none"}).settings.pause is None
