"""A dated week: its demand moves outcome, targets and limits, its freezes and phases the money."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief.belief import learn
from budgetopt.calendar import Week
from budgetopt.curves import Hill, Log
from budgetopt.errors import InfeasibleError
from budgetopt.optimize import StretchedBelief, believed_in, on_week
from budgetopt.optimize.allocate import allocate
from budgetopt.optimize.frontier import frontier
from budgetopt.plan import Channel, Goal, Limit, Plan
from budgetopt.simulation.what_if import what_if

DAY = dt.date(2026, 11, 11)
"""A Wednesday: any day of the week names it."""
CURVES = {"a": Log(300, 100), "b": Log(100, 100)}
LAST = {"a": 120, "b": 80}
HIGH = {"demand": {dt.date(2026, 11, 9): 1.6}}


def plan(**changes):
    channels = [Channel(name, curve=curve) for name, curve in CURVES.items()]
    given = {"budget": 200, "currency": "CNY", "channels": channels, "max_change": "none"}
    return Plan(**(given | changes))


def scaled(index):
    return {"a": Log(300 * index, 100), "b": Log(100 * index, 100)}


GOALS = {
    "outcome": {},
    "profit": {"goal": Goal.most_profit(), "outcome": "revenue", "budget": 2000},
    "least spend": {"goal": Goal.least_spend(300)},
    "roas": {"limits": [Limit.roas(2)], "outcome": "revenue", "budget": 2000},
}


@pytest.mark.parametrize("goal", GOALS)
def test_a_week_of_demand_is_the_optimum_under_curves_that_are_so_much_higher(goal):
    made = plan(**GOALS[goal], **HIGH)
    week = allocate(made, last=LAST, week=DAY)
    by_hand = allocate(plan(**GOALS[goal]), scaled(1.6), last=LAST)
    assert week.spend == by_hand.spend
    assert week.outcome == pytest.approx(by_hand.outcome, rel=1e-12)
    assert week.objective == pytest.approx(by_hand.objective, rel=1e-12)
    usual = allocate(plan(**GOALS[goal]), last=LAST)
    # Outcomes move with demand at the same split; where money is weighed, the optimum does too.
    assert (week.spend == usual.spend) == (goal == "outcome")
    assert week.outcome == pytest.approx(1.6 * usual.outcome) or goal != "outcome"


def test_a_target_that_a_usual_week_misses_is_reached():
    goal = {"goal": Goal.least_spend(500)}
    with pytest.raises(InfeasibleError):
        allocate(plan(**goal), week=DAY)
    assert allocate(plan(**goal, **HIGH), week=DAY).outcome >= 500
    with pytest.raises(InfeasibleError):
        allocate(plan(**goal, **HIGH), week=DAY + dt.timedelta(weeks=1))


def test_frontier_and_what_if_are_those_of_the_week():
    made = plan(**HIGH)
    line, usual = frontier(made, None, [100, 200], week=DAY), frontier(plan(), None, [100, 200])
    for point, other in zip(line.points, usual.points, strict=True):
        assert point.outcome == pytest.approx(1.6 * other.outcome, rel=1e-12)
        assert point.mroas == pytest.approx(1.6 * other.mroas, rel=1e-9)
    assert line.budget_at(2.0) == frontier(plan(), scaled(1.6), [100, 200]).budget_at(2.0)
    said = "demand in the week of 2026-11-09 is x1.6"
    assert said in line.summary()
    found = what_if(made, None, {"less": {"budget": "-50%"}}, week=DAY)
    for name in ("as planned", "less"):
        other = what_if(plan(), None, {"less": {"budget": "-50%"}})[name]
        assert found[name].outcome == pytest.approx(1.6 * other.outcome, rel=1e-12)
    assert said in found.summary()


def test_phases_and_freezes_of_the_week():
    phase = {"name": "burst", "first": "2026-11-09", "last": "2026-11-15", "budget": 500}
    freeze = {"name": "learning", "first": "2026-11-11", "last": "2026-11-11", "channels": ["a"]}
    made = plan(operation={"phases": [phase], "freezes": [freeze]}, spend="all")
    week = allocate(made, last=LAST, week=DAY)
    assert week.spend == {"a": Decimal(120), "b": Decimal(380)}
    assert not any(getattr(note, "code", "") == "plan-fields-unused" for note in week.notes)
    # The week after is a usual one.
    assert allocate(made, last=LAST, week=DAY + dt.timedelta(weeks=1)).total == 200
    assert allocate(made, week=DAY).spend["a"] != 120
    [note] = [n for n in allocate(made, week=DAY).notes if "frozen" in n]
    assert note == "no last applied week was given, so these channels are not frozen: 'a'"


def test_a_frozen_channel_that_its_cap_moves_is_named():
    freeze = {"name": "f", "first": "2026-11-11", "last": "2026-11-11"}
    channels = [Channel("a", cap=100, curve=CURVES["a"]), Channel("b", curve=CURVES["b"])]
    made = plan(channels=channels, operation={"freezes": [freeze]})
    week = allocate(made, last=LAST, week=DAY)
    assert week.spend == {"a": Decimal(100), "b": Decimal(80)}
    assert "'a' cannot stay frozen at 120, as its cap is 100" in week.notes


def test_an_event_without_declared_demand_is_named():
    made = plan(events={"11.11": DAY})
    [note] = allocate(made, week=DAY).notes[1:] or allocate(made, week=DAY).notes
    assert note.startswith(
        "no demand is declared for the week of 2026-11-09, which includes '11.11'"
    )
    # A demand of 1 is a declaration too.
    declared = plan(events={"11.11": DAY}, demand={DAY: 1})
    assert not any("demand" in note for note in allocate(declared, week=DAY).notes)


def test_a_week_without_anything_dated_is_the_usual_one():
    made = plan()
    assert on_week(made, None, DAY).plan == made
    assert allocate(made, week=DAY).to_dict() == allocate(made).to_dict()


# A belief in demand


@pytest.fixture(scope="module")
def belief():
    rng = np.random.default_rng(4)
    weeks = np.datetime64("2026-08-31") + 7 * np.arange(10)
    spend = rng.uniform(50, 150, (10, 3))
    outcome = [900, 500, 300] * -np.expm1(-spend / 120) * rng.lognormal(0, 0.2, spend.shape)
    past = bo.History(("a", "b", "c"), weeks, spend, outcome)
    pinned = Channel("c", curve=Hill(300, 80, 1.5), pinned=True)
    return learn(past, plan(channels=[Channel("a"), Channel("b"), pinned]))


MONEY = np.array([60.0, 90.0, 140.0])
ASKED = {
    "mean": lambda b: b.mean(),
    "draw": lambda b: b.draw(np.random.default_rng(1), 5),
    "draw_concave": lambda b: b.draw_concave(np.random.default_rng(1), 5),
    "average": lambda b: b.average(np.random.default_rng(1), 5),
    "quantile": lambda b: b.quantile(0.8, MONEY),
    "tilted": lambda b: b.tilted(2.0, MONEY),
}


@pytest.mark.parametrize("asked", ASKED)
def test_all_that_a_belief_says_is_scaled(asked, belief):
    curve, usual = ASKED[asked](StretchedBelief.in_demand(belief, 1.6, 3)), ASKED[asked](belief)
    np.testing.assert_allclose(curve.value(MONEY), 1.6 * usual.value(MONEY), rtol=1e-12)
    np.testing.assert_allclose(curve.slope(MONEY), 1.6 * usual.slope(MONEY), rtol=1e-12)
    # Of the same family, so that the optimizer knows as much of it.
    assert type(curve) is type(usual)
    assert curve == ASKED[asked](StretchedBelief.in_demand(belief, 1.6, 3))


def test_gains_are_scaled_with_their_doubt(belief):
    mean, variance = belief.gain(MONEY, 1.5 * MONEY)
    found = StretchedBelief.in_demand(belief, 1.6, 3).gain(MONEY, 1.5 * MONEY)
    np.testing.assert_allclose(found[0], 1.6 * mean, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(found[1]), 1.6 * np.sqrt(variance), rtol=1e-12)


def test_a_usual_week_is_the_belief_itself(belief):
    channels = [Channel(name) for name in belief.channels]
    week = Week.of(DAY)
    assert believed_in(plan(channels=channels), week, belief) is belief
    assert believed_in(plan(channels=channels, **HIGH), week, belief) == StretchedBelief.in_demand(
        belief, 1.6, 3
    )
