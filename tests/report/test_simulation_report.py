"""Simulated years as text: in 80 columns whatever is played, and plain where little is known."""

import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from budgetopt import report
from budgetopt.curves import Log
from budgetopt.market import Competitor, Market, Noise, Outage
from budgetopt.plan import Channel, Plan
from budgetopt.simulation import Contingency, Schedule, simulate

LONG = ("每周按回报重新分配预算的方案" * 6, "b" * 200)


def years(names=("a", "b"), unit=1.0, runs=8, risks=(), answers=(), **settings):
    channels = [Channel(n, curve=Log(9.0 * unit, 700.0 * unit)) for n in ("抖音", "百度")]
    plan = Plan(budget=2000 * unit, currency="CNY", channels=channels, outcome="revenue")
    market = Market.of_plan(plan, noise=Noise.lognormal(0.2))
    players = [Schedule([(1000.0 + at) * unit] * 2, name) for at, name in enumerate(names)]
    usual = simulate(plan, market, players, weeks=6, runs=runs)
    struck = None
    if risks:
        struck = simulate(plan, market, players, weeks=6, runs=runs, scenarios=risks,
                          contingencies=answers)  # fmt: skip
    return report.Years(plan, "Made up.", usual, struck, tuple(risks), tuple(answers), **settings)


RISKS = [
    Competitor(name="对手的促销活动" * 9, start=2, end=3, channels=["抖音"]),
    Outage(start=5, days=0.5, chance=0.4),
]
ANSWERS = [Contingency(RISKS[0].name, release=0.25, pause=["抖音"], spare={"百度": 5e6})]


@pytest.mark.parametrize("names", [("a", "b"), LONG], ids=["short", "long"])
@pytest.mark.parametrize("unit", [1e-2, 1.0, 1e6])
def test_no_line_is_wider_than_the_terminal(names, unit):
    made = years(names, unit, risks=RISKS, answers=ANSWERS, target=1e6)
    text = report.years_table(made)
    assert max(map(cell_len, text.splitlines())) <= report.WIDTH
    if names == ("a", "b"):
        assert "0.5 days from week 5, in 40% of the runs" in " ".join(text.split())


def test_one_policy_and_no_scenario_is_one_table():
    text = report.years_table(years(("a",)))
    assert "More" not in text
    assert "As usual" not in text
    assert text.startswith("8 runs of 6 weeks, seed 0; 2,000 CNY a week to spend, 0 in reserve.")


def test_a_margin_is_no_roas():
    made = years()
    assert " ROAS" in report.years_table(made)
    margin = report.Years(replace(made.plan, value="0.5"), "Made up.", made.usual)
    assert "value/spend" in report.years_table(margin)


def test_one_run_has_no_intervals_and_is_still_told():
    text = report.years_table(years(runs=1))
    assert text.startswith("1 run of 6 weeks")
    assert "inf" not in text
    assert "nan" not in text
    assert json.loads(report.years_json(years(runs=1)))["differences"][0]["low"] is None


def test_nothing_that_comes_back_is_no_error():
    channels = [Channel("a", curve=Log(0.0, 1.0))]
    plan = Plan(budget=10, currency="CNY", channels=channels, outcome_unit=1)
    found = simulate(plan, Market.of_plan(plan), Schedule([0.0], "nothing"), weeks=2, runs=3)
    made = report.Years(plan, "Made up.", found)
    assert "nothing" in report.years_table(made)
    assert json.loads(report.years_json(made))["status"] == "complete"


def test_what_is_neither_never_nor_always_is_not_rounded_to_it():
    from budgetopt.report.simulation import _share

    assert [_share(s) for s in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0%",
        "<1%",
        "50%",
        ">99%",
        "100%",
    ]
