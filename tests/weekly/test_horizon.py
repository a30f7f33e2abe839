"""A weekly decision that looks ahead: the first step of the best plan of several weeks."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InputError

WEEK = dt.date(2026, 11, 30)
NAMES = ("a", "b", "c")


def plan_of(**fields):
    channels = [
        bo.Channel("a", carryover=bo.Carryover("geometric", share=0.5)),
        bo.Channel("b"),
        bo.Channel("c"),
    ]
    return bo.Plan(**({"budget": 6000, "currency": "CNY", "channels": channels} | fields))


@pytest.fixture(scope="module")
def past():
    rng = np.random.default_rng(4)
    weeks = np.arange(40)[::-1]
    starts = np.array([WEEK - dt.timedelta(weeks=int(w) + 1) for w in weeks], "datetime64[D]")
    spend = np.round(2000 * rng.lognormal(0, 0.4, (40, 3)))
    spend[-1] = 2000
    outcome = np.round([900, 600, 400] * -np.expm1(-spend / 2500) * rng.lognormal(0, 0.1, (40, 3)))
    return bo.History(NAMES, starts, spend, outcome)


def codes(decision):
    return [note.code for note in decision.notes if hasattr(note, "code")]


def test_the_week_is_the_first_of_the_best_weeks(past):
    plan = plan_of(horizon=6)
    found = bo.reallocate(plan, past, policy="posterior-mean", guardrails=None)
    weeks = bo.plan_weeks(plan, bo.learn(past, plan), 6, history=past)
    assert weeks.weeks[0] == WEEK
    for name in NAMES:
        assert abs(found.allocation.spend[name] - weeks.spend[0][name]) <= Decimal("0.02")
    assert "looks-ahead" in codes(found)
    assert "looks-ahead" not in codes(bo.reallocate(plan, past, horizon=1))


def test_a_smaller_week_ahead_is_wound_down_to(past):
    pause = bo.Operation(phases=[bo.Phase("pause", "2026-12-14", "2027-01-10", 8400)])
    plan = plan_of(operation=pause, horizon=6)
    found = bo.reallocate(plan, past, policy="posterior-mean")
    # 2,100 a week from 2026-12-14 on: at most 2,100 / 0.7 ** 2 now.
    assert found.allocation.total <= Decimal("4285.8")
    alone = bo.reallocate(plan, past, policy="posterior-mean", horizon=1)
    assert alone.allocation.total > 5900


def test_a_week_ahead_that_cannot_be_kept_is_said_now(past):
    pause = bo.Operation(phases=[bo.Phase("pause", "2026-12-14", "2027-01-10", 800)])
    found = bo.reallocate(plan_of(operation=pause, horizon=6), past, policy="posterior-mean")
    [note] = [n for n in found.notes if getattr(n, "code", "").startswith("ahead")]
    assert note.values["week"] == "2026-12-14"
    assert note.values["there"] == "200"
    # After two weeks of 30 % less each, a third one would have to take what is left to 200.
    assert note.values["needed"] == f"{6000 * 0.7**3:,.0f}"
    alone = bo.reallocate(plan_of(operation=pause), past, policy="posterior-mean")
    assert found.allocation.spend == alone.allocation.spend


def test_what_needs_one_week_at_a_time_is_decided_alone(past):
    plan = plan_of(limits=[bo.Limit.few_moves(2)], horizon=6)
    found = bo.reallocate(plan, past, policy="posterior-mean")
    assert "cannot-look-ahead" in codes(found)


@pytest.mark.parametrize("bad", [0, 105, True, 2.5])
def test_bad_horizons_are_refused(bad, past):
    with pytest.raises(InputError):
        bo.reallocate(plan_of(), past, horizon=bad)
    with pytest.raises(InputError):
        plan_of(horizon=bad)
