"""Two policies with other money: what the money brings, and what the split of it brings."""

import re

import numpy as np
import pytest

from budgetopt import report
from budgetopt.curves import Log
from budgetopt.errors import InputError
from budgetopt.i18n.messages import show_figure
from budgetopt.market import Drift, Market, Noise
from budgetopt.plan import Channel, Goal, Plan
from budgetopt.simulation import Schedule, simulate

RATES = ({"sales": 0}, {"sales": 1})
GOALS = {
    "outcome": {},
    "weights": {"goal": Goal.most_outcome({"leads": 1, "sales": 30}), "outcome": "leads"},
    "profit": {"goal": Goal.most_profit(), "value": 40},
    "least-spend": {"goal": Goal.least_spend(150)},
}


def plan_of(goal="outcome", **fields):
    channels = [
        Channel(name, curve=Log(top, 300.0), rates=rates)
        for name, top, rates in zip(("a", "b"), (90.0, 60.0), RATES, strict=True)
    ]
    return Plan(budget=2000, currency="CNY", channels=channels, **GOALS[goal] | fields)


def played(goal="outcome", plans=((900, 100), (600, 1200)), **market):
    plan = plan_of(goal)
    world = Market.of_plan(plan, **market)
    players = [Schedule(spend, f"p{at}") for at, spend in enumerate(plans)]
    return plan, simulate(plan, world, players, weeks=5, runs=16)


@pytest.mark.parametrize("goal", ["outcome", "weights", "profit"])
def test_the_parts_are_those_of_the_curves_and_add_up(goal):
    # Without chance, the year is arithmetic: five weeks of 1,000 in 9 : 1 and of 1,800 in 1 : 2.
    plan, found = played(goal)
    weight = {"outcome": [1, 1], "weights": [1, 31], "profit": [40, 40]}[goal]

    def brings(*spend):
        spent = np.array(spend, dtype=float)
        outcome = np.array([90.0, 60.0]) * np.log1p(spent / 300.0)
        return 5 * (np.array(weight) @ outcome - (spent.sum() if goal == "profit" else 0))

    first, same, other = brings(900, 100), brings(1620, 180), brings(600, 1200)
    by_money, by_split = found.parts("p1")
    assert by_money.mean == pytest.approx(same - first)
    assert by_split.mean == pytest.approx(other - same)
    gap = found.difference("p1", "p0", measure="goal")
    assert gap.mean == pytest.approx(by_money.mean + by_split.mean)
    said = found.summary()
    for figure in (gap.mean, by_money.mean, by_split.mean, 5 * 800.0):
        assert show_figure(figure) in said
    page = report.years_table(report.Years(plan, "Made up.", found))
    assert "where spend differs" in " ".join(page.split())
    assert "by split" in page
    chinese, number = found.summary("zh"), re.compile(r"\d[\d,.]*\d|\d")
    assert set(number.findall(chinese)) == set(number.findall(said))
    assert set(re.findall("[A-Za-z]+", chinese)) <= {"p"}


def test_the_parts_are_paired_in_the_same_weather():
    _, found = played(noise=Noise.both(0.3), drift=Drift(0.2))
    by_money, by_split = found.parts("p1")
    gap = found.difference("p1", "p0", measure="goal")
    assert gap.mean == pytest.approx(by_money.mean + by_split.mean)
    assert found.same_money["p0 with the money of p1"].spend == pytest.approx(
        found.record("p1").spend
    )


def test_the_same_money_has_one_part_and_the_same_year():
    plan, found = played(plans=((900, 100), (400, 600)), noise=Noise.both(0.3))
    assert found.parts("p1") is None
    same = found.same_money["p0 with the money of p1"]
    np.testing.assert_array_equal(same.outcome, found.record("p0").outcome)
    assert "due to" not in found.summary()
    assert "by split" not in report.years_table(report.Years(plan, "Made up.", found))


def test_the_goal_is_compared_and_not_the_raw_outcome():
    # More of b is fewer leads, and many more sales.
    _, found = played("weights", plans=((600, 400), (100, 900)))
    assert found.difference("p1", "p0").mean < 0 < found.difference("p1", "p0", measure="goal").mean
    assert "p1 returns" in found.summary()
    assert "outcome by the goal's weights than p0" in found.summary()


@pytest.mark.parametrize("goal", ["weights", "profit"])
def test_every_policy_that_learns_is_near_the_clairvoyant_by_the_goal(goal):
    plan = plan_of(goal, max_change="none")
    world = Market.of_plan(plan, noise=Noise.lognormal(0.05))
    names = ["posterior-mean", "proportional", "hold"]
    last = {"a": 1000, "b": 1000}
    found = simulate(plan, world, names, weeks=10, runs=4, regret=True, last=last)
    best = found.records["clairvoyant"].expected_goal.sum()
    reached = {name: found.record(name).expected_goal.sum() / best for name in found.policies}
    assert reached["posterior-mean"] > 0.97
    assert found.mean("regret", "posterior-mean").mean == pytest.approx(
        (1 - reached["posterior-mean"]) * best / 4, abs=1e-6
    )
    if goal == "weights":
        # Half of the money in each is what a count of raw outcomes keeps.
        assert reached["proportional(8)"] > 0.9


def test_a_goal_of_least_money_is_held_against_its_target_as_well():
    # Without chance: 90 ln(1 + 900 / 300) + 60 ln(1 + 600 / 300), and so on, against 150 a week.
    plan = plan_of("least-spend")
    dear, cheap = [(900, 600)] * 5, [(300, 300)] * 2 + [(900, 300)] * 3
    players = [
        Schedule(np.array(spend, float), name) for spend, name in ((dear, "a"), (cheap, "b"))
    ]
    found = simulate(plan, Market.of_plan(plan), players, weeks=5, runs=16)
    low, high = (90 * np.log1p(x / 300) + 60 * np.log1p(300 / 300) for x in (300, 900))
    assert (low < 150 < high, found.target) == (True, 150)
    assert found.on_target("a") == pytest.approx((0, 0, 1500))
    assert found.on_target("b") == pytest.approx((0.4, 150 - low, 1200))
    said = found.summary()
    assert "b takes -2,700 of money against a" in said
    assert f"misses the target of 150 in 40% of the weeks, by {show_figure(150 - low)} on" in said
    page = " ".join(report.years_table(report.Years(plan, "Made up.", found)).split())
    assert "The goal is 150 a week." in page
    assert re.search(r"policy spend missed short by a 1,500 0% b 1,200 40% 46", page)
    assert found.to_dict()["policies"]["b"]["on_target"]["missed"] == 0.4
    with pytest.raises(InputError, match="asks for no outcome of a week"):
        played()[1].on_target()
