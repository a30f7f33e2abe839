"""Pages of frontiers, what-ifs, simulated years and beliefs: their numbers, from what they show."""

from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.report import Years

from .parsed import Parsed, number, shows

NAMES = ("search", "feed", "kol")


@pytest.fixture(scope="module")
def plan():
    curves = (bo.Exponential(400, 60), bo.Hill(500, 120, 1), bo.Log(90, 30))
    channels = [bo.Channel(n, curve=c, cap=120) for n, c in zip(NAMES, curves, strict=True)]
    return bo.Plan(budget="200.50", currency="CNY", outcome="revenue", channels=channels)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_frontier_has_every_budget_and_its_split_to_the_cent(plan, language):
    line = bo.frontier(plan, budgets=[50, "120.25", 200, "300.10", 500])
    page = Parsed(bo.report(line, language=language))
    tables = [table for table in page.tables if table.section]
    drawn, splits, budgets = tables
    assert [number(head) for head in splits.heads[1:]] == [p.budget for p in line.points]
    for at, point in enumerate(line.points):
        column = {row[0]: number(row[at + 1]) for row in splits.rows[1:]}
        total = column.popitem()[1]
        assert column == dict(point.allocation.spend)
        assert total == point.allocation.total == sum(column.values())
        row = budgets.rows[at + 1]
        assert [number(cell) for cell in row[:2]] == [point.budget, point.allocation.total]
        assert shows(row[2], point.outcome)
        assert shows(row[3], point.roas)
        assert shows(drawn.rows[at + 1][1], point.outcome)
    chosen = next(attrs for tag, attrs in page.tags if tag == "input")
    assert (chosen["max"], chosen["value"]) == ("4", "2")


def test_a_budget_without_an_answer_has_dashes(plan):
    must = [bo.Channel(c.name, curve=c.curve, floor=60) for c in plan.channels]
    tight = bo.Plan(budget=200, currency="CNY", outcome="revenue", channels=must)
    line = bo.frontier(tight, budgets=[100, 200])
    page = Parsed(bo.report(line))
    splits = page.table("Budgets", 1)
    assert {row[1] for row in splits.rows[1:]} == {"-"}
    assert number(splits.rows[1][2]) >= 60


def test_what_ifs_stand_beside_each_other_with_the_split_of_each(plan):
    found = bo.what_if(
        plan,
        None,
        {"less": bo.Change(budget="-20%"), "dear": bo.Change(price={"feed": "+30%"})},
    )
    page = Parsed(bo.report(found))
    cases, splits = page.table("Cases"), page.table("The split of each case")
    for row, answer in zip(cases.rows[1:], found.answers, strict=True):
        assert row[0].endswith(answer.name)
        assert number(row[1]) == answer.allocation.total
        assert shows(row[2], answer.outcome)
    for at, answer in enumerate(found.answers):
        column = {row[0]: number(row[at + 1]) for row in splits.rows[1:]}
        assert column.popitem()[1] == answer.allocation.total
        assert column == dict(answer.allocation.spend)
    share = found.answers[1].outcome / found.answers[0].outcome - 1
    assert float(number(cases.column("change")[cases.rows[2][0]])) == pytest.approx(
        100 * share, abs=0.051
    )
    assert [len(marks) for marks in page.bars_by_name().values()] == [1, 1, 1]


@pytest.fixture(scope="module")
def years(plan):
    from dataclasses import replace

    noise = bo.market.noise_of(plan, (0.2,) * 3)
    market = bo.Market.of_plan(plan, noise=noise)
    policies = [bo.EqualSplit(), bo.PosteriorMean()]
    world = bo.simulate(replace(plan, delay=None), market, policies, weeks=4, runs=12, seed=3)
    return Years(plan, "curves of the plan", world)


def test_simulated_years_show_what_each_policy_brings(years):
    page = Parsed(bo.report(years))
    world = years.usual
    weekly, table = page.table("Years as usual"), page.table("Years as usual", 1)
    for policy in world.policies:
        row = next(row for row in table.rows if row[0] == policy)
        low, high = world.quantiles("outcome", policy, chances=(0.05, 0.95))
        assert shows(row[1], world.mean("outcome", policy).mean)
        assert shows(row[3], low)
        assert shows(row[4], high)
        bands = world.quantiles("outcome", policy, chances=(0.05, 0.95), weekly=True)
        at = weekly.heads.index(policy)
        for week in range(world.weeks):
            cells = weekly.rows[week + 1][at : at + 3]
            mean = world.by_week("outcome", policy)[:, week].mean()
            assert all(map(shows, cells, (mean, *bands[:, week])))
    best = max(world.policies, key=lambda name: world.mean("goal", name).mean)
    assert f"Policy {best} " in page.verdict
    assert shows(page.bars_by_name()[best][0].to_eng_string(), world.mean("outcome", best).mean)


def test_a_belief_has_every_curve_with_its_band(plan):
    rng = np.random.default_rng(2)
    spend = np.round(rng.uniform(20, 120, (14, 3)), 2)
    outcome = np.round([400, 500, 90] * (1 - np.exp(-spend / 60)) * rng.lognormal(0, 0.1, (14, 3)))
    starts = np.datetime64("2025-01-06") + 7 * np.arange(14)
    belief = bo.learn(bo.History(NAMES, starts, spend, outcome=outcome), plan,
                      settings=bo.Settings.fast())  # fmt: skip
    page = Parsed(bo.report(belief, plan=plan))
    for at, row in enumerate(belief.summary()):
        table = page.table("Response curves", at)
        for cells, reading in zip(table.rows[1:], row.curve, strict=True):
            found = reading.response
            assert shows(cells[0], reading.spend)
            assert all(map(shows, cells[1:], (found.mean, found.low, found.high)))
    known = page.table("What is known, and from what").column("spend")
    for row in belief.summary():
        assert shows(known[row.channel], row.at_usual.spend)
    assert Decimal(belief.log.weeks.size) == number(page.verdict)
    assert bo.report(belief) != bo.report(belief, plan=plan)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_weeks_are_drawn_with_their_phases_and_every_amount(plan, language):
    phase = bo.Phase("burst", "2026-12-14", "2026-12-20", 300)
    plan = bo.Plan(
        budget=200, currency="CNY", channels=plan.channels, max_change="none",
        operation=bo.Operation(phases=[phase]),
    )  # fmt: skip
    found = bo.plan_weeks(plan, weeks=6, start="2026-12-07")
    page = Parsed(bo.report(found, plan=plan, language=language))
    (chart,) = page.charts
    days = [row[0] for row in chart.table.rows[1:]]
    assert days == [f"{day} · burst" if at == 1 else str(day) for at, day in enumerate(found.weeks)]
    for row, spend in zip(chart.table.rows[1:], found.spend, strict=True):
        assert all(shows(cell, spend[name]) for cell, name in zip(row[1:], NAMES, strict=True))
    by_month = [table for table in page.tables if table.heads[1:] == list(NAMES)][-1]
    for at, name in enumerate(NAMES):
        cells = [number(row[at + 1]) for row in by_month.rows[1:]]
        assert cells.pop() == sum(cells) == sum(week[name] for week in found.spend)
    with pytest.raises(bo.errors.InputError, match="plan"):
        bo.report(found)
