"""One total: each week's parts add up to it, and are what the market was made of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.curves import Hill
from budgetopt.report import belief_facts, belief_table

CURVES = (Hill(3000.0, 1000.0, 1.0), Hill(1500.0, 600.0, 1.0))
QUICK = Settings.fast()


def market(seed=0, weeks=104, noise=30.0):
    """Return plan, history, and what season, event, price and channels truly brought."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2024-01-01") + 7 * np.arange(weeks)
    spend = 1000 * rng.lognormal(0, 0.5, (weeks, 2))
    price = rng.normal(0, 1, weeks)
    turn = 2 * np.pi * np.arange(weeks) / 52.18
    truth = {
        "season": 800 * np.cos(turn),
        "event": np.isin(np.arange(weeks), (20, 72)) * 2500.0,
        "control": -400 * price,
        "a": CURVES[0].value(spend[:, 0]),
        "b": CURVES[1].value(spend[:, 1]),
    }
    total = 6000 + sum(truth.values()) + rng.normal(0, noise, weeks)
    events = {"festival": [[str(days[at]), str(days[at])] for at in (20, 72)]}
    plan = bo.Plan(
        budget=2000,
        currency="CNY",
        channels=[bo.Channel("a"), bo.Channel("b")],
        columns=bo.Columns(
            layout="wide", spend={"a": "A", "b": "B"}, outcome="sales", controls=["price"]
        ),
        events=events,
    )
    history = bo.History(("a", "b"), days, spend, total=total, controls={"price": price})
    return plan, history, truth


@pytest.fixture(scope="module")
def found():
    plan, history, truth = market()
    return bo.learn(history, plan, settings=QUICK), truth


def part(belief, kind, name=""):
    (one,) = [p for p in belief.decomposition().parts if (p.kind, p.name) == (kind, name)]
    return np.array(one.outcome)


def test_the_parts_add_up_to_the_totals(found):
    parts = found[0].decomposition()
    assert [(p.kind, p.name) for p in parts.parts] == [
        ("baseline", ""), ("season", ""), ("event", "festival"), ("control", "price"),
        ("channel", "a"), ("channel", "b"), ("left-over", ""),
    ]  # fmt: skip
    total = np.sum([p.outcome for p in parts.parts], axis=0)
    np.testing.assert_allclose(total, parts.actual, rtol=1e-12)
    assert parts.weeks[0] == dt.date(2024, 1, 1)
    frame = parts.to_frame()
    assert list(frame.columns) == ["week", "kind", "name", "outcome"]
    by_week = frame.groupby("week")["outcome"].sum()
    np.testing.assert_allclose(by_week, parts.actual, rtol=1e-12)
    assert by_week.index.tolist() == list(map(pd.Timestamp, parts.weeks))


def test_they_are_what_the_market_was_made_of(found):
    belief, truth = found
    for kind, name, true in (
        ("season", "", truth["season"]),
        ("event", "festival", truth["event"]),
        ("control", "price", truth["control"]),
        ("channel", "a", truth["a"] - truth["a"].mean()),
        ("channel", "b", truth["b"] - truth["b"].mean()),
    ):
        told = part(belief, kind, name)
        told = told - told.mean() if kind == "channel" else told
        assert np.abs(told - true).mean() < 0.35 * np.abs(true).mean() + 30, kind


def test_channels_and_what_is_left_are_those_of_the_fit(found):
    belief, fit = found[0], found[0].fit
    actual = np.array(belief.decomposition().actual)
    media = part(belief, "channel", "a") + part(belief, "channel", "b")
    assert media.mean() / actual.mean() == pytest.approx(fit.media, rel=0.01)
    left = part(belief, "left-over")
    explained = 1 - (left @ left) / np.square(actual - actual.mean()).sum()
    assert explained == pytest.approx(fit.explained, abs=0.01)


def test_a_pinned_channel_brings_what_its_curve_says():
    plan, history, truth = market()
    pinned = bo.Channel("a", curve=CURVES[0], pinned=True)
    belief = bo.learn(history, replace(plan, channels=(pinned, plan.channels[1])), settings=QUICK)
    np.testing.assert_allclose(part(belief, "channel", "a"), truth["a"])


@settings(max_examples=5)
@given(st.floats(1e-3, 1e3))
def test_another_unit_of_the_outcome_changes_the_unit_of_the_parts(scale):
    plan, history, _ = market(weeks=80)
    whole = bo.learn(history, plan, settings=QUICK).decomposition()
    other = replace(history, total=scale * history.total)
    scaled = bo.learn(other, plan, settings=QUICK).decomposition()
    for one, two in zip(whole.parts, scaled.parts, strict=True):
        near = 1e-6 * scale * max(whole.actual)
        np.testing.assert_allclose(two.outcome, scale * np.array(one.outcome), atol=near)


def test_channels_with_outcomes_of_their_own_have_no_total_to_take_apart():
    plan, history, _ = market()
    own = bo.History(("a", "b"), history.weeks, history.spend, outcome=history.spend)
    plan = replace(plan, columns=bo.Columns())
    assert bo.learn(own, plan, settings=QUICK).decomposition() is None


def adstocked(spend, share):
    """Return each week's average of itself and the weeks before, by hand."""
    weights = share ** np.arange(8)
    lagged = [np.concatenate([np.repeat(spend[:1], lag), spend])[: len(spend)] for lag in range(8)]
    return weights @ lagged / weights.sum()


def test_the_carryover_that_was_learned_is_told():
    rng = np.random.default_rng(0)
    spend = 1000 * rng.lognormal(0, 0.6, (130, 2))
    total = 5000 + 60 * np.sqrt(adstocked(spend[:, 0], 0.6)) + 60 * np.sqrt(spend[:, 1])
    days = np.datetime64("2023-01-02") + 7 * np.arange(130)
    history = bo.History(("slow", "quick"), days, spend, total=total + rng.normal(0, 40, 130))
    plan = bo.Plan(budget=2000, currency="CNY", channels=[bo.Channel("slow"), bo.Channel("quick")])
    belief = bo.learn(history, plan)
    told = dict(belief.fit.carryover)
    assert told["slow"] == pytest.approx(0.6, abs=0.05)
    assert told["quick"] == pytest.approx(0.0, abs=0.05)
    assert belief_facts(belief)["fit"]["carryover"] == told
    assert f"slow {told['slow']:.2f}, quick {told['quick']:.2f}; 0.40 where" in " ".join(
        belief_table(belief).split()
    )
    given_one = bo.Channel("slow", carryover=bo.Carryover("geometric", share=0.6))
    declared = bo.learn(history, replace(plan, channels=[given_one, plan.channels[1]]))
    assert [name for name, _ in declared.fit.carryover] == ["quick"]
