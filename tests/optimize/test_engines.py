"""What happens where an engine fails: the next one answers, or an error does."""

from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt import Channel, Exponential, Hill, Limit, Plan
from budgetopt.optimize import engines

FAILED = bo.SolverError("not-converged", "lost", field="method", value="x", remedy="none")


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes engines fail, and the list of engines that were asked."""
    asked, run = [], engines._run

    def fail(*names, error=FAILED):
        def instead(problem, method, time_limit):
            asked.append(method)
            if method in names:
                raise error
            return run(problem, method, time_limit)

        monkeypatch.setattr(engines, "_run", instead)
        return asked

    return fail


def plan_of(*limits, shape=0.8, lots=(None, None)):
    channels = [
        Channel("a", curve=Hill(900, 300, shape), labels={"g": "a"}, lot=lots[0]),
        Channel("b", curve=Exponential(700, 400), labels={"g": "b"}, lot=lots[1]),
    ]
    return Plan(budget=1000, currency="CNY", channels=channels, limits=limits, max_change="none")


HALF = Limit.group("half", {"g": "a"}, at_most="40%")


@pytest.mark.parametrize(
    ("plan", "order"),
    [
        (plan_of(), ["waterfill", "dual", "linear", "branch", "integer"]),
        (plan_of(HALF), ["dual", "linear", "branch", "integer"]),
        (plan_of(HALF, shape=2.0), ["branch", "integer"]),
        (plan_of(Limit.few_moves(1)), ["integer"]),
        (plan_of(lots=(70, 30)), ["lots", "integer"]),
        (plan_of(HALF, lots=(70, 30)), ["lots", "integer"]),
        (plan_of(lots=(70, None)), ["integer"]),
        (plan_of(shape=2.0, lots=(70, 30)), ["integer"]),
    ],
)
def test_the_next_engine_answers_and_after_the_last_an_error(plan, order, failing):
    last, best = {"a": 500, "b": 500}, bo.allocate(plan, last={"a": 500, "b": 500})
    for count in range(1, len(order)):
        asked = failing(*order[:count])
        asked.clear()
        week = bo.allocate(plan, last=last)
        assert asked == order[: count + 1]
        assert week.method == order[count]
        assert week.objective == pytest.approx(best.objective, rel=1e-5)
    failing(*order)
    with pytest.raises(bo.SolverError, match="lost"):
        bo.allocate(plan, last=last)


@pytest.mark.parametrize("method", engines.METHODS[1:])
def test_an_engine_that_was_asked_for_answers_itself_or_not_at_all(method, failing):
    asked = failing(method)
    lots = (70, 30) if method == "lots" else (None, None)
    with pytest.raises(bo.SolverError, match="lost"):
        bo.allocate(plan_of(lots=lots), method=method)
    assert asked == [method]


def test_a_clash_that_is_none_is_a_failure(failing):
    clash = bo.InfeasibleError("limits-clash", "no split", field="limits", remedy="relax")
    failing("dual", "linear", "branch", "integer", error=clash)
    with pytest.raises(bo.SolverError, match="found no split, though the limits do not clash"):
        bo.allocate(plan_of(HALF))


def best_of_two(plan, most):
    """Return the best objective by trial, the first channel having at most so many cents."""
    total = float(plan.budget)
    spends = np.arange(most + 1) / 100
    curves = [channel.curve for channel in plan.channels]
    return float(np.max(curves[0].value(spends) + curves[1].value(total - spends)))


@pytest.mark.parametrize("seed", range(30))
def test_a_tiny_group_beside_few_moves_is_kept_to_the_last_digits(seed):
    rng = np.random.default_rng(seed)
    budget = round(10 ** rng.uniform(3, 7))
    channels = [
        Channel(
            name,
            curve=Exponential(rng.uniform(0.5, 3) * budget, rng.uniform(0.1, 1) * budget),
            labels={"g": name},
        )
        for name in "ab"
    ]
    plan = Plan(
        budget=budget,
        currency="CNY",
        channels=channels,
        limits=[Limit.group("tiny", {"g": "a"}, at_most="0.1%"), Limit.few_moves(2)],
        max_change="none",
    )
    last = {name: round(budget * rng.uniform(0, 0.4)) for name in "ab"}
    week = bo.allocate(plan, last=last)
    assert week.total == plan.budget
    assert week.objective == pytest.approx(best_of_two(plan, budget // 10), rel=1e-6)
    assert week.gap < 1e-4


TIME_OUT = "the time limit was reached: this is the best split found by then"


def test_an_answer_that_the_time_cut_short_leads_with_it(monkeypatch):
    from budgetopt.report import allocation_table

    run = engines._run

    def loose(*given):
        solved = run(*given)
        return solved._replace(bound=1.1 * solved.bound)

    monkeypatch.setattr(engines, "_run", loose)
    week = bo.allocate(plan_of(HALF), time_limit=0)
    assert week.timed_out
    assert week.notes[0] == TIME_OUT
    assert week.explain().startswith(f"Note: {TIME_OUT}.\n")
    assert week.explain("zh").startswith("说明：计算时间已到")
    for explain in (False, True):
        assert allocation_table(week, explain=explain).count(TIME_OUT) == 1
    assert allocation_table(week).startswith(f"Note: {TIME_OUT}.\n")
    assert week.to_dict()["timed_out"] is True
    assert bo.Allocation.from_dict(week.to_dict()) == week
    assert not bo.allocate(plan_of(HALF), time_limit=60).timed_out


def test_an_answer_that_is_proven_when_the_time_is_over_is_no_best_effort():
    week = bo.allocate(plan_of(HALF), method="dual", time_limit=0)
    assert not week.timed_out
    assert TIME_OUT not in week.notes


def best_over_lots(plan, last=None):
    """Return the best objective where each number of lots of the first channel is tried in turn."""
    first, *rest = plan.channels
    found, lots = [], int(plan.budget / first.lot)
    for count in range(lots + 1):
        fixed = replace(first, lot=None, locked=count * first.lot)
        try:
            found.append(bo.allocate(replace(plan, channels=[fixed, *rest]), method="dual"))
        except bo.InfeasibleError:
            continue
    return max(week.objective for week in found)


@pytest.mark.parametrize(("seed", "share"), [(0, "10%"), (1, "40%"), (2, "70%")])
@pytest.mark.parametrize("budget", ["2652276.82", "50000000000", "1000000000000.01"])
def test_one_lot_beside_cents_at_any_size_of_money(seed, budget, share):
    rng = np.random.default_rng(seed)
    size, channels = float(budget), []
    for at in range(int(rng.integers(2, 5))):
        top, scale = 10 ** rng.uniform(2, 5), size * 10 ** rng.uniform(-2, 0.5)
        curve = Exponential(top, scale) if rng.random() < 0.5 else Hill(top, scale, 0.8)
        labels = {"g": "x" if at == 1 else "y"}
        channels.append(Channel(f"c{at}", curve=curve, labels=labels, max_change="none"))
    lot = round(size * rng.uniform(0.03, 0.2), 2)
    channels[0] = replace(channels[0], lot=lot)
    cap = Limit.group("cap", {"g": "x"}, at_most=share)
    plan = Plan(budget=budget, currency="CNY", channels=channels, limits=[cap], spend="all")
    week = bo.allocate(plan)
    assert week.total == plan.budget
    assert week.objective == pytest.approx(best_over_lots(plan), rel=1e-6)
    assert week.gap < 1e-5


def test_a_lot_whose_prices_cancel_out_is_split_too():
    # The group's price offsets the budget's on `a`, so that half a lot of it seems to cost nothing.
    channels = [
        Channel("a", curve=Exponential(42485, 115929), labels={"g": "y"}, lot=500000),
        Channel("b", curve=Exponential(4696, 50056), labels={"g": "x"}),
    ]
    cap = Limit.group("cap", {"g": "x"}, at_most="10%")
    plan = Plan(budget="4050979.2", currency="CNY", channels=channels, limits=[cap], spend="all")
    week = bo.allocate(plan)
    assert {n: str(m) for n, m in week.spend.items()} == {"a": "4000000.00", "b": "50979.20"}
    assert week.gap < 1e-6


def test_a_cap_on_the_others_can_ask_for_one_lot_more():
    channels = [
        Channel("a", curve=Exponential(935, 2721391), labels={"g": "y"}, lot=1),
        Channel("b", curve=Exponential(1622, 36416), labels={"g": "x"}),
    ]
    cap = Limit.group("cap", {"g": "x"}, at_most="70%")
    plan = Plan(budget="1278678.30", currency="CNY", channels=channels, limits=[cap], spend="all")
    week = bo.allocate(plan)
    assert week.spend["a"] >= 383604
    assert week.total == plan.budget
    assert week.gap < 1e-5
