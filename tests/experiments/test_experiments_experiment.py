"""The test as a value: what it refuses, what it says, and that it says it again after loading."""

import datetime as dt
import json
import os
import pickle
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import InfeasibleError
from budgetopt.experiments import Experiment, Observation, PauseRule, Settings
from budgetopt.experiments.experiment import thompson_shares

FIRST = dt.date(2026, 11, 16)


def row(arm, day=0, spend=200.0, shown=10_000, clicks=250, **more):
    when = FIRST + dt.timedelta(days=day)
    return Observation(when, arm, spend, impressions=shown, clicks=clicks, **more)


def ads(clicks, days=5, **settings):
    """Return a test of arms a, b, ... with the same clicks on every day."""
    arms = "abcdefgh"[: len(clicks)]
    rows = [row(arm, d, clicks=c) for d in range(days) for arm, c in zip(arms, clicks, strict=True)]
    return Experiment(tuple(arms), Settings(**({"expected": 0.025} | settings)), tuple(rows))


tables = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 900), st.integers(0, 60_000), st.integers(0, 90)),
    max_size=24,
    unique_by=lambda r: (r[0], r[3] % 12),
)


def random_test(rows, cents=100_000, **settings):
    log = [
        row("abcd"[arm], day % 12, spend=cost / 100, shown=cost + clicks, clicks=clicks)
        for arm, clicks, cost, day in rows
    ]
    return Experiment(tuple("abcd"), Settings(daily_budget=Decimal(cents) / 100, **settings), log)


def test_a_first_day_is_shared_equally_to_the_cent():
    day = Experiment(("a", "b", "c")).next_day(1000)
    assert day.spend == {"a": Decimal("333.34"), "b": Decimal("333.33"), "c": Decimal("333.33")}
    assert day.day is None
    assert set(day.minimum.values()) == {Decimal(200)}


def test_minimum_cells_come_first_and_the_rest_goes_by_probability():
    test = ads((250, 300), days=1, leader_share=1.0)
    day = test.next_day(1000)
    assert day.probability["b"] > 0.98
    share = Decimal(round(600 * round(day.probability["b"], 9), 2)) + 200
    assert day.spend["b"] == pytest.approx(share, abs=Decimal("0.011"))
    assert day.spend["a"] >= 200
    assert day.day == FIRST + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "spend", "least"),
    [
        (1, 200.0, "200.00"),
        (2, 900.0, "200.00"),  # The money is there, the days are not.
        (3, 333.34, "0.00"),
        (4, 200.0, "200.00"),
        (4, 225.0, "100.00"),
        (5, 200.0, "0.00"),
        (9, 100.0, "100.00"),  # The platform spent less: the cell goes on.
    ],
)
def test_a_cell_is_complete_with_its_money_and_its_days(days, spend, least):
    rows = [row(arm, d, spend=spend) for d in range(days) for arm in "ab"]
    test = Experiment(("a", "b"), Settings(), tuple(rows))
    assert test.next_day(1000).minimum["a"] == Decimal(least)
    assert (test.verdict().waiting == ()) == (least == "0.00")


def test_minimum_cells_above_the_budget_are_refused():
    test = Experiment(("a", "b"))
    with pytest.raises(
        InfeasibleError, match="need 400 for the day, above its budget 399"
    ) as error:
        test.next_day("399.99")
    assert error.value.code == "floors-above-budget"
    assert test.next_day(400).spend == {"a": 200, "b": 200}


def test_shares_of_top_two_sampling_by_hand():
    p = np.array([0.7, 0.2, 0.1])
    assert thompson_shares(p, 1.0) == pytest.approx(p)
    # Challengers: 0.2/0.3 and 0.1/0.3 beside arm 0; 0.7/0.8 and 0.1/0.8; 0.7/0.9 and 0.2/0.9.
    other = [0.2 * 0.7 / 0.8 + 0.1 * 0.7 / 0.9, 0.7 * 2 / 3 + 0.1 * 2 / 9, 0.7 / 3 + 0.2 / 8]
    assert thompson_shares(p, 0.0) == pytest.approx(other)
    assert thompson_shares(p, 0.75) == pytest.approx(0.75 * p + 0.25 * np.array(other))
    assert thompson_shares(np.array([0.0, 1.0, 0.0]), 0.75) == pytest.approx([0.125, 0.75, 0.125])
    assert thompson_shares(np.array([1e-80, 1.0, 3e-80]), 0.5) == pytest.approx(
        [1 / 8, 1 / 2, 3 / 8]
    )
    assert thompson_shares(np.array([1e-310, 1.0, 0.0]), 0.5) == pytest.approx([1 / 2, 1 / 2, 0])


@given(tables, st.integers(80_000, 10_000_000), st.sampled_from([1.0, 0.75]))
def test_money_adds_up_and_state_comes_back(rows, cents, lead):
    test = random_test(rows, cents, leader_share=lead)
    day = test.next_day()
    assert sum(day.spend.values()) + day.back_to_plan == day.budget == Decimal(cents) / 100
    assert all(day.spend[a] >= day.minimum[a] for a in test.arms if a not in day.released)
    assert all(m.as_tuple().exponent == -2 for m in day.spend.values())
    again = Experiment.from_json(test.to_json())
    assert again == test
    assert again.next_day() == day
    assert again.verdict() == test.verdict()
    drawn = test.next_day(rng=test.generator())
    assert drawn == again.next_day(rng=again.generator())
    assert sum(drawn.spend.values()) + drawn.back_to_plan == day.budget


def test_a_single_draw_serves_one_arm_with_the_probability_of_its_share():
    test = ads((255, 260, 250), days=5, pause=None)
    rng = np.random.default_rng(4)
    shares = thompson_shares(np.array(list(test.next_day(900).probability.values())), 0.75)
    got = np.zeros(3)
    for _ in range(400):
        spend = test.next_day(900, rng=rng).spend
        assert sorted(spend.values()) == [0, 0, 900]
        got[[spend[arm] == 900 for arm in test.arms]] += 1
    assert got / 400 == pytest.approx(shares, abs=0.08)


def test_the_order_of_rows_and_arms_does_not_matter():
    rows = [
        row(arm, d, clicks=c)
        for d in range(3)
        for arm, c in zip("abc", (240, 260, 250), strict=True)
    ]
    one = Experiment(("a", "b", "c"), log=tuple(rows))
    two = Experiment(("c", "a", "b"), log=tuple(rows[::-1]))
    assert one == two
    assert one.to_json() == two.to_json()
    assert one.observe([row("a", 3)]) == Experiment(one.arms).observe([row("a", 3), *rows])


def test_the_same_in_another_process():
    test = ads((250, 280, 100), days=4, daily_budget=1000)
    code = (
        "import sys; from budgetopt.experiments import Experiment; "
        "t = Experiment.from_json(sys.stdin.read()); "
        "print(t.next_day(rng=t.generator()).to_json()); print(t.verdict().to_json())"
    )
    said = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], input=test.to_json(), check=True,
        capture_output=True, encoding="utf-8", env=os.environ | {"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    here = [test.next_day(rng=test.generator()).to_json(), test.verdict().to_json()]
    assert said.stdout.splitlines() == here
    assert pickle.loads(pickle.dumps(test)) == test


def test_a_winner():
    verdict = ads((250, 320, 240)).verdict()
    assert (verdict.decision, verdict.leader, verdict.stop) == ("winner", "b", True)
    assert verdict.beaten == ("a", "c")
    assert verdict.value_remaining == 0
    best = verdict["b"]
    assert best.probability > 0.999
    assert best.low < best.value < best.high
    assert best.value == pytest.approx((1600.5) / (50_000 + 20), rel=1e-9)
    assert (best.events, best.trials, best.spend) == (1600, 50_000, 1000)
    assert best.expected_loss < 1e-9 < verdict["a"].expected_loss
    with pytest.raises(KeyError):
        verdict["d"]


def test_no_difference_that_matters_needs_many_more():
    few = ads((250, 251))
    assert few.verdict().decision == "keep going"
    rows = [
        row(arm, d, shown=200_000, clicks=5000 + (arm == "b")) for d in range(5) for arm in "ab"
    ]
    verdict = Experiment(("a", "b"), Settings(), tuple(rows)).verdict()
    assert (verdict.decision, verdict.leader, verdict.beaten) == ("no difference", "b", ())
    assert 0 < verdict.value_remaining < 0.05


def test_minimum_cells_first():
    early = ads((250, 400), days=2).verdict()
    assert early.decision == "keep going"
    assert early.waiting == ("a", "b")
    assert early.beaten == ("a",)


def test_nothing_seen():
    for test in (Experiment(("a", "b")), Experiment(("a", "b"), log=(row("a", 0, 0, 0, 0),))):
        verdict = test.verdict()
        assert (verdict.decision, verdict.leader, verdict.value_remaining) == (
            "keep going",
            None,
            None,
        )
        assert [arm.probability for arm in verdict.arms] == pytest.approx([0.5, 0.5])
        assert test.paused == ()


def test_shown_and_never_clicked():
    verdict = ads((0, 0), pause=None).verdict()
    assert verdict.decision == "keep going"
    assert verdict["a"].probability == pytest.approx(0.5)
    assert json.loads(verdict.to_json())["arms"][0]["events"] == 0


@pytest.mark.parametrize(
    ("metric", "expected", "better", "value"),
    [
        ("ctr", 0.025, {"clicks": 500}, 0.05),
        ("cvr", 0.03, {"conversions": 20.0}, 0.08),
        ("cpa", 50, {"conversions": 12.5}, 12.5 / 200),
        ("revenue-per-click", 3.0, {"revenue": 2000.0}, 8.0),
        ("revenue-per-conversion", 150, {"revenue": 2000.0}, 200.0),
    ],
)
def test_every_metric_finds_an_arm_twice_as_good(metric, expected, better, value):
    usual = {"clicks": 250, "conversions": 5.0, "revenue": 700.0}
    if metric == "revenue-per-conversion":
        usual["conversions"] = better["conversions"] = 10.0
    rng = np.random.default_rng(1)
    rows = []
    for day in range(10):
        for arm, given_ in (("a", usual), ("b", usual | better)):
            # Orders of very unequal size: a fifth up or down for the day is nothing.
            given = given_ | {"revenue": given_["revenue"] * rng.gamma(20) / 20}
            rows.append(row(arm, day, **given))
    test = Experiment(("a", "b"), Settings(metric, expected), tuple(rows))
    verdict = test.verdict()
    assert (verdict.decision, verdict.leader) == ("winner", "b")
    assert verdict["b"].value == pytest.approx(value, rel=0.15)
    assert Experiment.from_json(test.to_json()).verdict() == verdict


def test_a_paused_arm_gets_nothing_and_its_money_goes_back():
    test = ads((250, 260, 100), days=3)
    (paused,) = test.paused
    assert (paused.arm, paused.reason) == ("c", "ctr")
    assert paused.probability >= 1 / 1.05
    day = test.next_day(1000)
    assert day.spend["c"] == 0
    assert day.released == {"c": day.back_to_plan}
    assert day.back_to_plan >= 200
    assert sum(day.spend.values()) == 1000 - day.back_to_plan
    assert "c has been paused since 2026-11-1" in day.notes[0]
    # What the others get is what they would have got.
    without = ads((250, 260, 100), days=3, pause=None).next_day(1000)
    assert {a: without.spend[a] for a in "ab"} == {a: day.spend[a] for a in "ab"}
    # A paused arm does not keep the test waiting.
    assert "c" not in test.verdict().waiting


def test_a_paused_arm_stays_paused():
    test = ads((250, 260, 100), days=3, pause=PauseRule(average=0.025))
    better = test.observe(row("c", d, clicks=900) for d in range(3, 20))
    assert [p.arm for p in test.paused] == ["c"]
    assert better.paused == test.paused
    assert Experiment.from_json(better.to_json()).paused == test.paused


def test_an_arm_is_paused_for_its_cpa():
    rule = PauseRule(gap=None, target_cpa=40)
    rows = [
        row(a, d, spend=500.0, conversions=c) for d in range(5) for a, c in (("a", 12), ("b", 4.5))
    ]
    test = Experiment(("a", "b"), Settings("cpa", 40, pause=rule), tuple(rows))
    assert [(p.arm, p.reason) for p in test.paused] == [("b", "cpa")]


def test_all_paused_releases_all():
    rule = PauseRule(gap=None, target_cpa=10)
    rows = [row(a, d, spend=500.0, conversions=1) for d in range(5) for a in "ab"]
    day = Experiment(("a", "b"), Settings("cpa", 40, pause=rule), tuple(rows)).next_day(800)
    assert day.back_to_plan == 800
    assert set(day.spend.values()) == {0}
