"""S-curves, lots and channels that are off or at least so much, over many weeks."""

import datetime as dt
import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weeks import flights

import budgetopt as bo
from budgetopt.errors import InfeasibleError
from budgetopt.horizon import plan_weeks
from budgetopt.horizon.branch import _passed_on, search

START = dt.date(2026, 12, 7)
LOT = 1000


def random_plan(seed, lots, least):
    """Return a plan of few channels, some S-shaped, and how many weeks can be enumerated."""
    rng = random.Random(seed)
    size = rng.choice([2, 3])
    channels = []
    for name in "abc"[:size]:
        curve = rng.choice([
            bo.Hill(rng.uniform(300, 900), rng.uniform(1500, 6000), rng.uniform(1.3, 4)),
            bo.Hill(rng.uniform(300, 900), rng.uniform(1500, 6000), rng.uniform(1.3, 4)),
            bo.Log(rng.uniform(100, 500), rng.uniform(800, 5000)),
        ])  # fmt: skip
        carryover = rng.choice([
            None,
            bo.Carryover("geometric", share=rng.uniform(0.2, 0.6), length=4),
            bo.Carryover("delayed", share=0.4, delay=1, length=3),
        ])  # fmt: skip
        minimum = rng.choice([2000, 3000]) if least else None
        channels.append(
            bo.Channel(name, curve=curve, carryover=carryover, lot=LOT if lots else None,
                       off_or_at_least=minimum)
        )  # fmt: skip
    change = rng.choice(["none", {"money": 2000}])
    budget = rng.choice([5000, 6000, 7000])
    plan = bo.Plan(budget=budget, currency="CNY", channels=channels, max_change=change)
    return plan, 3 if size == 2 else 2


def outcomes(plan, paths, last):
    """Return the outcome of many paths of spends, ``(paths, weeks, channels)``, by definition."""
    total = np.zeros(len(paths))
    for at, channel in enumerate(plan.channels):
        weights = [1.0] if channel.carryover is None else channel.carryover.weights.tolist()
        edge = np.zeros((len(paths), len(weights) - 1))
        path = np.concatenate([edge + last, paths[:, :, at], edge], axis=1)
        lags = len(weights) - 1
        for week in range(lags, path.shape[1]):
            effective = sum(w * path[:, week - lag] for lag, w in enumerate(weights))
            total += channel.curve.value(effective)
    return total


def every_path(plan, weeks, last):
    """Return every path of whole lots that keeps the plan."""
    spends = [
        [x for x in range(0, int(plan.budget) + 1, LOT) if x == 0 or x >= (c.off_or_at_least or 0)]
        for c in plan.channels
    ]
    splits = [one for one in itertools.product(*spends) if sum(one) <= plan.budget]
    paths = np.array(list(itertools.product(splits, repeat=weeks)), dtype=float)
    if plan.max_change.money is not None:
        before = np.concatenate([np.full_like(paths[:, :1], last), paths], axis=1)
        paths = paths[np.all(np.abs(np.diff(before, axis=1)) <= 2000, axis=(1, 2))]
    return paths


@pytest.mark.parametrize("lots", [True, False])
@pytest.mark.parametrize("least", [True, False])
@pytest.mark.parametrize("seed", [3, 5, 7])
def test_no_path_that_is_enumerated_is_better_than_stated(seed, least, lots):
    plan, weeks = random_plan(seed, lots, least)
    last = 3000 if least else 2000
    found = plan_weeks(plan, weeks=weeks, start=START, last=dict.fromkeys(plan.names, last))
    best = outcomes(plan, every_path(plan, weeks, last), last).max()
    assert best <= found.bound * (1 + 1e-9)
    if lots:
        assert best * 0.99 <= found.objective <= best * (1 + 1e-9)
        assert np.all(found.minor % (LOT * 100) == 0)
    else:
        assert found.gap <= 1e-3
        assert found.objective >= best * 0.999
    for channel, path in zip(plan.channels, found.minor.T / 100, strict=True):
        assert all(x == 0 or x >= (channel.off_or_at_least or 0) for x in path)
    moves = np.abs(np.diff(found.minor / 100, axis=0, prepend=last))
    assert plan.max_change.money is None or np.all(moves <= 2000)
    assert all(total <= plan.budget for total in found.totals)


def test_a_channel_that_cannot_be_on_every_week_is_on_in_as_many_as_the_money_pays():
    channel = bo.Channel("tv", curve=bo.Exponential(100, 4000), off_or_at_least=10_000)
    plan = bo.Plan(budget=5000, currency="CNY", channels=[channel], max_change="none")
    found = plan_weeks(plan, weeks=4, start=START, timing="all")
    assert sorted(x for (x,) in found.minor.tolist()) == [0, 0, 1_000_000, 1_000_000]
    # Two flights of 10,000: 2 · 100 (1 - e^-2.5).
    assert found.outcome == pytest.approx(200 * (1 - np.exp(-2.5)))
    assert found.gap <= 1e-3


def test_weeks_in_which_channels_can_be_neither_off_nor_on_are_refused():
    # From 3,000 each may fall to 1,000, which is neither: both need 3,000, and 5,000 are there.
    channels = [
        bo.Channel(name, curve=bo.Exponential(100, 4000), off_or_at_least=3000) for name in "ab"
    ]
    change = {"money": 2000}
    plan = bo.Plan(budget=5000, currency="CNY", channels=channels, max_change=change)
    with pytest.raises(InfeasibleError, match="off or at least") as caught:
        plan_weeks(plan, weeks=2, start=START, last={"a": 3000, "b": 3000})
    assert caught.value.code == "limits-clash"
    assert "off_or_at_least" in str(caught.value.remedy)
    found = plan_weeks(plan, weeks=2, start=START, last={"a": 3000, "b": 2000})
    assert [x > 0 for x in found.minor[0]] == [True, False]


def test_ends_are_passed_on_by_hand():
    # 2 a + b <= 10, and b >= 2 a - 1, with 0 <= a, b <= 8.
    rows = np.array([[[2.0, 1.0], [2.0, -1.0]]])
    low, high = _passed_on(rows, np.array([[10.0, 1.0]]), np.zeros((1, 2)), np.full((1, 2), 8.0), 0)
    assert high.tolist() == [[4.5, 8.0]]
    assert low.tolist() == [[0.0, 0.0]]
    low, high = _passed_on(rows, np.array([[10.0, 1.0]]), np.array([[3.0, 0.0]]), high, 0)
    assert (low.tolist(), high.tolist()) == ([[3.0, 5.0]], [[4.5, 4.0]])


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_ends_that_are_passed_on_lose_no_plan(seed):
    rng = np.random.default_rng(seed)
    rows, point = rng.normal(size=(2, 4, 5)), rng.uniform(0, 9, (2, 5))
    room = np.einsum("grn,gn->gr", rows, point) + rng.exponential(0.5, (2, 4))
    low, high = np.zeros((2, 5)), np.full((2, 5), 9.0)
    for _ in range(4):
        low, high = _passed_on(rows, room, low, high, 1e-12)
    assert np.all((low <= point) & (point <= high))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_half_a_year_of_flights_is_within_a_hundredth(seed):
    given, least = flights(12, 26, seed)
    found = search(given, least)
    assert found.spend is not None
    value = given.value(found.spend)
    assert 0 <= found.bound - value <= 0.01 * found.bound
