"""Where prices and bounds are easily wrong: no room, one taker, straight pieces, broken records."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt import Channel, Exponential, Hill, Limit, Log, Plan, Points, Power
from budgetopt.curves.base import stack
from budgetopt.optimize.waterfill import waterfill


def plan_of(*channels, **fields):
    return Plan(**({"budget": 100, "currency": "CNY", "channels": channels} | fields))


def test_floors_that_take_the_whole_budget_leave_a_price():
    channels = [Channel("a", floor=50, curve=Log(3, 10)), Channel("b", floor=50, curve=Log(1, 10))]
    week = bo.allocate(plan_of(*channels))
    assert week.gap < 1e-9
    assert week.prices["budget"] == pytest.approx(3 / 60)


def test_one_channel_has_the_price_of_its_next_unit():
    week = bo.allocate(plan_of(Channel("a", curve=Log(3, 10))))
    assert week.prices["budget"] == pytest.approx(3 / 110)


def test_a_channel_that_takes_all_the_room_sets_the_price():
    channels = [
        Channel("a", curve=Power(9, 10, 0.5)),
        Channel("b", floor=20, curve=Power(0.1, 10, 0.5)),
    ]
    week = bo.allocate(plan_of(*channels))
    assert week.prices["budget"] == pytest.approx(week.marginal["a"], rel=1e-4)
    assert week.gap < 1e-7


def test_no_budget_at_all_still_says_what_money_would_bring():
    week = bo.allocate(plan_of(Channel("a", curve=Log(3, 10)), budget=0))
    assert week.prices["budget"] == pytest.approx(0.3)
    assert week.total == 0


def test_the_price_is_that_of_the_channel_with_room_left():
    curves = stack([Log(1, 1), Log(1, 1)])
    filled = waterfill(curves, [1.0, 0.2], [2.0, 0.3], 1.25)
    assert filled.price == pytest.approx(1 / 1.25)


def test_an_infinite_slope_at_zero_leaves_a_finite_bound():
    channels = [
        Channel("a", floor="0.01", curve=Log(486.54, 1)),
        Channel("b", floor="0.02", curve=Points([0, 900, 1800], [0, 246, 400])),
        Channel("c", curve=Hill(6.94, 21, 0.95)),
    ]
    assert np.isfinite(bo.allocate(plan_of(*channels, budget="0.04")).bound)


@pytest.mark.parametrize("shift", [-50, 50])
def test_straight_pieces_just_off_the_budget_are_filled_to_it(shift):
    curves = stack([Points([5e8, 1e9], [10, 11]), Points([5e8 + shift, 1e9], [10, 11])])
    spend = waterfill(curves, [0, 0], [1e9, 1e9], 1e9).spend
    assert spend.sum() == pytest.approx(1e9, rel=1e-12)


def test_a_giant_lock_does_not_blur_the_small_channels():
    channels = [
        Channel("z", locked=10**9, curve=Log(0, 1)),
        Channel("a", curve=Log(3, 10)),
        Channel("b", curve=Log(1, 10)),
    ]
    week = bo.allocate(plan_of(*channels, budget=10**9 + 100))
    assert week.gap < 1e-9
    assert week.prices["budget"] == pytest.approx(1 / 30, rel=1e-6)


def test_spend_all_spends_even_what_brings_nothing():
    channels = [Channel("a", curve=Points([10], [5])), Channel("b", curve=Log(0, 1))]
    week = bo.allocate(plan_of(*channels, spend="all"))
    assert week.unspent == 0
    assert week.outcome == 5


def test_runs_with_and_without_room_are_solved_side_by_side():
    curves = stack([Log(3, 10), Exponential(5, 20)])
    lower = np.array([[0.0, 0.0], [40.0, 60.0], [10.0, 0.0]])
    filled = waterfill(curves, lower, np.full((3, 2), 200.0), np.array([100.0, 100.0, 1000.0]))
    assert filled.spend[1].tolist() == [40, 60]
    assert filled.price[1] == pytest.approx(max(3 / 50, 5 / 20 * np.exp(-3)))
    assert filled.spend[2].tolist() == [200, 200]
    alone = waterfill(curves, lower[0], [200.0, 200.0], 100.0)
    assert filled.spend[0] == pytest.approx(alone.spend, rel=1e-12)


def record():
    channels = [Channel("a", curve=Log(3, 10)), Channel("b", curve=Log(1, 10))]
    return json.loads(bo.allocate(plan_of(*channels)).to_json())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d["rules"]["bounds"].update(lower=[0]),
        lambda d: d["rules"]["bounds"].update(lower=[0.9, 0]),
        lambda d: d["rules"]["bounds"].update(lower_rule=[77, 0]),
        lambda d: d["rules"].update(step=0),
        lambda d: d["rules"].update(lots=[1]),
        lambda d: d["rules"].update(currency="JPY"),
        lambda d: d.update(bound="nan"),
        lambda d: d.update(outcome="inf"),
        lambda d: d.update(outcomes={}),
        lambda d: d.update(marginal={"a": 1}),
        lambda d: d.update(last={"a": "5"}),
        lambda d: d.update(last={"x": "5"}),
    ],
)
def test_a_record_whose_parts_do_not_fit_is_refused(spoil):
    data = record()
    spoil(data)
    with pytest.raises(bo.BudgetoptError):
        bo.Allocation.from_dict(data)


def test_what_was_verified_cannot_be_changed():
    week = bo.Allocation.from_dict(record())
    with pytest.raises(TypeError):
        week.spend["a"] = 5
    with pytest.raises(ValueError, match="read-only"):
        week.bounds.upper[0] = 5
    assert hash(week) == hash(bo.Allocation.from_dict(record()))


@pytest.mark.parametrize("curve", [5, Log([1, 2], [1, 2]), "hill"])
def test_what_is_no_single_curve_is_refused_by_name(curve):
    with pytest.raises(bo.InputError, match="'a'"):
        bo.allocate(plan_of(Channel("a")), {"a": curve})


def test_an_amount_of_absurd_size_is_refused_at_once():
    with pytest.raises(bo.MoneyError, match="too large"):
        Channel("a", floor="1e999999999")


def test_a_policy_that_leaves_money_is_not_topped_up_by_rounding():
    names = ("a", "b", "c")
    spend = np.array([[143.0, 71, 113]] * 6)
    weeks = np.datetime64("2025-03-03") + 7 * np.arange(6)
    history = bo.History(names, weeks, spend, outcome=2 * spend)
    channels = [Channel(n, labels={"g": "x"} if n != "c" else {}) for n in names]
    limit = Limit.group("xs", {"g": "x"}, at_most="90%")
    plan = plan_of(*channels, budget=1000, limits=[limit])
    week = bo.reallocate(plan, history, policy=bo.HoldSteady()).allocation
    assert [int(m) for m in week.spend.values()] == [143, 71, 113]
    assert week.total == 327


def test_where_prices_do_not_settle_the_linear_program_answers(monkeypatch):
    import budgetopt.optimize.dual.search as room
    from budgetopt.errors import SolverError

    def lost(*_, **__):
        raise SolverError("not-converged", "the search for the prices ended")

    channels = [Channel(n, curve=Log(t, 10), labels={"g": n}) for n, t in (("a", 3), ("b", 1))]
    plan = plan_of(*channels, limits=[Limit.group("a", {"g": "a"}, at_most=50)])
    expected = bo.allocate(plan)
    monkeypatch.setattr(room, "dual", lost)
    week = bo.allocate(plan)
    assert (expected.method, week.method) == ("dual", "linear")
    assert week.gap < 1e-6
    assert week.spend == expected.spend


@pytest.mark.parametrize("method", ["auto", "branch"])
def test_a_cent_beside_locks_of_billions_brings_no_more_than_the_bound(method):
    # What floating point makes of the cent was worth up to 3 % of it, at an infinite slope.
    rng = np.random.default_rng(0)
    for _ in range(12):
        locks = [Decimal(int(cents)) / 100 for cents in rng.integers(10**13, 10**14, 3)]
        channels = [bo.Channel("free", curve=Power(1e9, 1e3, 0.3))]
        channels += [bo.Channel(f"{n}", locked=x, curve=Log(1e-9, 1)) for n, x in enumerate(locks)]
        plan = bo.Plan(budget=sum(locks) + Decimal("0.03"), currency="CNY", channels=channels)
        week = bo.allocate(plan, method=method)
        assert week.spend["free"] == Decimal("0.03")
        assert week.objective <= week.bound * (1 + 1e-9)
        assert week.gap < 0.1


@pytest.mark.parametrize("limit", [None, Limit.few_moves(3), Limit.at_least_on(1)])
@pytest.mark.parametrize("digits", [7, 9, 12])
def test_a_fils_beside_locks_goes_where_it_brings_most_and_is_proven(digits, limit):
    """Locks leave 0.001 KWD; a gap of 0.80 was stated of what is the best there is."""
    rng = np.random.default_rng(digits)
    curves = [Exponential(500, 900), Hill(400, 300, 2.5)]
    channels = [Channel(name, curve=c) for name, c in zip("ab", curves, strict=True)]
    for name in "cd":
        money = Decimal(int(rng.integers(10 ** (digits - 1), 10**digits))) / 1000
        channels.append(Channel(name, locked=money, curve=Log(100, float(money))))
    locks = {c.name: c.locked for c in channels[2:]}
    budget = sum(locks.values()) + Decimal("0.001")
    plan = plan_of(*channels, budget=budget, currency="KWD", limits=[limit] if limit else [],
                   max_change="none")  # fmt: skip
    week = bo.allocate(plan, last=locks | {"a": 0, "b": 1})
    assert week.spend == locks | {"a": Decimal("0.001"), "b": 0}
    assert week.gap < 1e-6
