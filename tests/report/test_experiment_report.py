"""Tests of creatives as text: what the next day and the verdict say, in 80 columns."""

import datetime as dt

import pytest
from rich.cells import cell_len

from budgetopt import report
from budgetopt.experiments import Experiment, Observation, Settings

LONG = ("短视频素材A 竖版15秒 达人口播", "图文素材B 横版 " + "很长" * 40, "c" * 200)
SHORT = ("blue", "red")


def made(arms, days=4, clicks=(300, 240, 200), **settings):
    start = dt.date(2026, 11, 16)
    rows = [
        Observation(
            start + dt.timedelta(days=day),
            arm,
            350.5,
            impressions=10_000,
            clicks=clicks[at],
            conversions=clicks[at] / 20,
            revenue=clicks[at] * 3,
        )
        for day in range(days)
        for at, arm in enumerate(arms)
    ]
    return Experiment(arms, Settings(**{"daily_budget": 100_000} | settings), tuple(rows))


@pytest.mark.parametrize("arms", [LONG, SHORT], ids=["long", "short"])
@pytest.mark.parametrize(
    "metric", [("ctr", None), ("cvr", None), ("cpa", 20.0), ("revenue-per-click", 3.0)]
)
def test_no_line_is_wider_than_the_terminal(arms, metric):
    test = made(arms, metric=metric[0], expected=metric[1])
    for text in (report.next_table(test.next_day()), report.verdict_table(test.verdict())):
        assert max(map(cell_len, text.splitlines())) <= report.WIDTH
        assert not any(line != line.rstrip() for line in text.splitlines())
        # A longer name is folded, with its numbers beside the first line.
        assert all(arm[:9] in text for arm in arms)


def row_of(text, name):
    return next(line for line in text.splitlines() if line.startswith(name)).split()[1:]


def test_the_next_day_says_what_it_holds():
    day = made(SHORT, days=2).next_day()
    text = report.next_table(day)
    assert text.startswith("Test on 2026-11-18, 100,000 to spend\n")
    for arm in SHORT:
        money, best, least = row_of(text, arm)
        assert money.replace(",", "") == f"{day.spend[arm]:f}"
        assert best == f"{day.probability[arm]:.0%}"
        assert float(least) == float(day.minimum[arm])
    assert "100,000 of 100,000 spent." in text
    first = report.next_table(Experiment(SHORT).next_day(1000))
    assert first.startswith("First day of the test, 1,000 to spend\n")


def test_the_verdict_says_what_it_holds():
    verdict = made(SHORT, days=9).verdict()
    text = report.verdict_table(verdict)
    assert text.startswith(f"Test after 9 days, by CTR (low to high: 95% sure): {verdict.decision}")
    value, low, high, best, loss, spend, *state = row_of(text, "red")
    red = verdict["red"]
    for said, meant in ((value, red.value), (low, red.low), (high, red.high)):
        assert float(said.removesuffix("%")) == pytest.approx(100 * meant, abs=0.006)
    assert best == f"{red.probability:.1%}"
    assert loss == f"{red.expected_loss / verdict['blue'].value:.1%}"
    assert spend == "3,154.50"
    assert state == ["beaten"]


def test_cpa_is_money_for_a_conversion_and_its_range_the_right_way_round():
    verdict = made(SHORT, metric="cpa", expected=20.0).verdict()
    value, low, high, *_ = map(float, (row_of(report.verdict_table(verdict), "blue"))[:3])
    assert low < value < high
    assert value == pytest.approx(1 / verdict["blue"].value, rel=1e-3)
    assert high == pytest.approx(1 / verdict["blue"].low, rel=1e-3)


def test_nothing_seen_is_no_verdict():
    text = report.verdict_table(Experiment(SHORT).verdict())
    assert "No data yet: keep going." in text
    assert "Test after 0 days" in text


def test_a_paused_arm_is_named_with_its_day():
    test = made(("blue", "red"), clicks=(300, 40), days=6)
    assert [paused.arm for paused in test.paused] == ["red"]
    verdict = report.verdict_table(test.verdict())
    assert row_of(verdict, "red")[-2:] == ["paused", test.paused[0].day]
    assert "back to the plan" in report.next_table(test.next_day())
