"""Dated weeks of simulated years: the money of phases, freezes, and declared demand."""

import datetime as dt

import numpy as np
import pytest

from budgetopt.curves import Log
from budgetopt.market import Market
from budgetopt.plan import Channel, Goal, Limit, Plan
from budgetopt.policies import HoldSteady
from budgetopt.simulation import simulate

START = dt.date(2026, 11, 2)
DAY = dt.timedelta(days=1)
CURVES = {"a": Log(300, 100), "b": Log(100, 100)}
LAST = {"a": 300, "b": 700}


def plan(limits=(), **changes):
    channels = [Channel(name, curve=curve) for name, curve in CURVES.items()]
    given = {"budget": 1000, "currency": "CNY", "channels": channels, "limits": limits}
    return Plan(**(given | changes))


def dates(weeks, **more):
    """Return days of some weeks, from the first to the last by number from 1."""
    first, last = weeks
    return {
        "name": "n",
        "first": START + 7 * (first - 1) * DAY,
        "last": START + (7 * last - 1) * DAY,
    } | more


def spends(made, policy="posterior-mean", weeks=4, start=START, **more):
    market = Market.of_plan(made, start=start)
    found = simulate(made, market, policy, weeks=weeks, runs=2, last=LAST, detail=True, **more)
    [record] = found.records.values()
    outcome, spend = record.detail
    return found, spend, outcome


# A limit across channels that never binds has every run solved alone.
ROOMY = (Limit.group("roomy", ["a"], at_most="99%"),)


@pytest.mark.parametrize("limits", [(), ROOMY], ids=["together", "alone"])
def test_weeks_of_a_phase_have_its_money_and_its_change_limit(limits):
    phase = dates((2, 3), budget=8000, max_change="none")
    made = plan(limits, operation={"phases": [phase]}, spend="all", max_change="20%")
    found, spend, _ = spends(made)
    np.testing.assert_allclose(found.budget[0], [1000, 4000, 4000, 1000])
    # After the burst what may fall is a fifth a week: the simulation goes on above its budget's
    # floors by letting the change limit give, as it says.
    np.testing.assert_allclose(spend[0, :3].sum(axis=1), [1000, 4000, 4000], rtol=1e-6)
    assert spend[0, 3].sum() <= 1000 + 1e-6
    assert np.all(spend[0, 0] <= 1.2 * np.array([300, 700]) + 1e-6)


@pytest.mark.parametrize("limits", [(), ROOMY], ids=["together", "alone"])
def test_frozen_channels_stay_where_they_were(limits):
    freeze = dates((2, 3), channels=["a"])
    made = plan(limits, operation={"freezes": [freeze]})
    _, spend, _ = spends(made)
    a = spend[:, :, 0]
    np.testing.assert_allclose(a[:, 1], a[:, 0], rtol=1e-9)
    np.testing.assert_allclose(a[:, 2], a[:, 0], rtol=1e-9)
    assert np.all(np.abs(a[:, 3] - a[:, 2]) > 1)


def test_a_freeze_beats_no_change_limit_at_all():
    freeze = dates((1, 1))
    made = plan(operation={"freezes": [freeze]}, max_change="none")
    _, spend, _ = spends(made, weeks=2)
    np.testing.assert_allclose(spend[:, 0], [list(LAST.values())] * 2, rtol=1e-9)


def test_declared_demand_is_true_in_its_week_and_learned_as_such():
    made = plan(demand={START + 8 * DAY: 1.6})
    usual, spend, before = spends(plan(), HoldSteady())
    _, same, after = spends(made, HoldSteady())
    np.testing.assert_array_equal(same, spend)
    np.testing.assert_allclose(after, before * np.array([1, 1.6, 1, 1])[:, None], rtol=1e-12)
    # Without noise, what is learned of the curves is the same, and so is every split.
    _, with_it, _ = spends(made)
    _, without, _ = spends(plan())
    np.testing.assert_allclose(with_it, without, rtol=1e-3)
    assert usual.notes == spends(made, HoldSteady())[0].notes


def test_profit_goes_further_in_a_week_of_demand():
    made = {"goal": Goal.most_profit(), "max_change": "none", "value": 1, "outcome": "revenue"}
    low = spends(plan(**made), weeks=2, regret=False)[1][0, 1].sum()
    high = spends(plan(**made, demand={START + 7 * DAY: 3}), weeks=2)[1][0, 1].sum()
    assert high > 1.2 * low


def test_a_market_of_another_demand_than_the_plan_says_so():
    made = plan(demand={START: 2})
    market = Market(made.names, list(CURVES.values()), start=START)
    found = simulate(made, market, "equal", weeks=1, runs=1)
    assert "the market's demand differs from the plan's, which policies rely on" in found.notes


def test_without_dates_what_is_dated_is_named():
    made = plan(demand={START: 2}, operation={"phases": [dates((1, 1), budget=9)]})
    found, _, _ = spends(made, start=None)
    [note] = [note for note in found.notes if getattr(note, "code", "") == "plan-fields-unused"]
    assert note.values["fields"] == ("demand", "operation.phases")
    assert note.values["why"] == "week 1 of the simulation has no date"
