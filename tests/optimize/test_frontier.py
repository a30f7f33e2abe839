"""The frontier: closed forms, finite differences, and budgets that cannot be."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt import Channel, Exponential, Hill, History, Log, Plan, Reserve, allocate, learn
from budgetopt.belief import Settings
from budgetopt.errors import InputError, PlanError
from budgetopt.optimize.build import problem_of
from budgetopt.optimize.frontier import frontier, with_budget
from budgetopt.optimize.risk import Risk, risk_averse
from budgetopt.optimize.risk.measure import spread
from budgetopt.plan import Goal, Limit


def logs(**kw):
    channels = [Channel("a", curve=Log(300, 100)), Channel("b", curve=Log(100, 100))]
    return Plan(**{"budget": 200, "currency": "CNY", "channels": channels} | kw)


def three(**kw):
    channels = [
        Channel("a", curve=Hill(900, 300, 0.8), floor=20, cap=800, labels={"side": "x"}),
        Channel("b", curve=Exponential(500, 150), labels={"side": "x"}),
        Channel("c", curve=Log(250, 90), cap=500, labels={"side": "y"}),
    ]
    return Plan(**{"budget": 600, "currency": "CNY", "channels": channels} | kw)


def test_budget_at_a_hurdle_in_closed_form():
    # Slopes 300/(100+x) and 100/(100+y) meet a price p below 1 at x + y = 400/p - 200.
    line = frontier(logs(), budgets=[100, 200, 300])
    assert line.budget_at(1) == Decimal("200.00")
    assert line.budget_at(0.5) == Decimal("600.00")
    assert line.budget_at(0.01) == Decimal("39800.00")
    # Above 1 only the first channel runs: x = 300/p - 100.
    assert line.budget_at(1.5) == Decimal("100.00")
    assert line.budget_at(3) == 0
    assert line.budget_at(1e9) == 0
    assert [p.mroas for p in line.points] == pytest.approx([1.5, 1.0, 0.8], rel=1e-6)


def test_the_hurdle_is_in_value():
    plan = logs(value="0.5")
    line = frontier(plan, budgets=[200])
    assert line.points[0].mroas == pytest.approx(0.5)
    assert line.points[0].value == pytest.approx(0.5 * line.points[0].outcome)
    assert line.points[0].roas == pytest.approx(line.points[0].value / 200)
    assert line.budget_at(0.5) == Decimal("200.00")
    assert frontier(logs(value=0), budgets=[200]).budget_at() == 0


def test_most_profit_stops_at_one():
    line = frontier(logs(goal=Goal.most_profit()), budgets=[100, 150, 400])
    assert line.budget_at(1) == line.budget_at(0.2) == Decimal("200.00")
    assert line.budget_at(1.5) == Decimal("100.00")
    assert [p.mroas for p in line.points] == pytest.approx([1.5, 1.2, 0.0], rel=1e-6)
    assert line.points[2].allocation.total == Decimal("200.00")


def test_channels_that_differ_in_value():
    channels = [
        Channel("a", curve=Log(300, 100), value=2),
        Channel("b", curve=Log(100, 100), value=1),
    ]
    plan = logs(channels=channels)
    line = frontier(plan, budgets=[100, 200, 400, 800])
    # Above 200 each further unit goes 3:1, so that a price p is worth 1.75 p.
    expected = [3.0, 1.75, 1.75 * 400 / 600, 1.75 * 400 / 1000]
    assert [p.mroas for p in line.points][1:] == pytest.approx(expected[1:], rel=1e-3)
    assert float(line.budget_at(1)) == pytest.approx(1.75 * 400 - 200, rel=1e-3)
    assert line.budget_at(9) == 100
    assert line.budget_at(0.1) == 800


def test_reserve_stays_a_share_and_the_hurdle_grosses_it_up():
    line = frontier(logs(reserve=Reserve("20%")), budgets=[250])
    assert line.points[0].allocation.budget == Decimal("200.00")
    assert line.points[0].mroas == pytest.approx(1.0)
    assert line.budget_at(1) == Decimal("250.00")
    assert frontier(logs(reserve=Reserve(30)), budgets=[230]).budget_at(1) == Decimal("230.00")


def test_the_knee_by_hand():
    # f = 100 ln(1 + x/100) from 0 to 300: the chord's slope is 100 ln 4 / 300, where x is 116.40.
    plan = Plan(budget=300, currency="CNY", channels=[Channel("a", curve=Log(100, 100))])
    line = frontier(plan, budgets=range(0, 301, 20))
    assert float(line.knee) == pytest.approx(300 / np.log(4) - 100, abs=0.01)
    assert "knee" in line.summary()


def test_no_knee_on_a_line_or_with_two_points():
    plan = Plan(
        budget=300, currency="CNY", channels=[Channel("a", curve=Exponential(1e6, 1e6), cap=300)]
    )
    assert frontier(plan, budgets=range(0, 301, 50)).knee is None
    assert frontier(logs(), budgets=[100, 200]).knee is None


def test_default_budgets_run_from_floors_to_caps():
    line = frontier(three())
    assert len(line.points) == 21
    assert line.points[0].budget == 20
    assert line.points[-1].budget == 1200
    capped = [Channel(c.name, curve=c.curve, floor=10, cap=150) for c in three().channels]
    line = frontier(three(channels=capped))
    assert (line.points[0].budget, line.points[-1].budget) == (30, 450)
    assert all(p.feasible for p in line.points)
    # At the floors the next unit still brings what it brings.
    assert line.points[0].mroas > line.points[1].mroas > 0
    assert line.points[-1].mroas == 0


def test_outcome_rises_ever_more_slowly_and_mroas_is_its_slope():
    plan = three(limits=[Limit.group("x", {"side": "x"}, at_most=700)])
    line = frontier(plan, budgets=np.arange(100, 1200, 50).tolist())
    outcome = np.array([p.outcome for p in line.points])
    assert np.all(np.diff(outcome) >= -1e-6)
    assert np.all(np.diff(outcome, 2) <= 1e-3)
    mroas = np.array([p.mroas for p in line.points])
    assert np.all(np.diff(mroas) <= 1e-6)
    for point in line.points:
        near = [float(point.budget) + move for move in (-0.5, 0.5)]
        low, high = (p.outcome for p in frontier(plan, budgets=near).points)
        assert point.mroas == pytest.approx(high - low, rel=0.02, abs=2e-3)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"limits": [Limit.group("x", {"side": "x"}, at_most=300)]},
        {"limits": [Limit.group("y", {"side": "y"}, at_most="30%")]},
        {"step": 10},
        {"spend": "all"},
    ],
)
def test_the_budget_at_a_hurdle_has_that_price(rule):
    plan = three(**rule)
    for hurdle in (0.3, 0.8):
        budget = frontier(plan, budgets=[200]).budget_at(hurdle)
        more, less = (frontier(plan, budgets=[budget + move]).points[0].mroas for move in (20, -20))
        assert more < hurdle < less


def test_change_limits_keep_their_meaning():
    plan = three(max_change=0.1)
    last = {"a": 200, "b": 200, "c": 200}
    line = frontier(plan, last=last)
    assert (line.points[0].budget, line.points[-1].budget) == (540, 660)
    assert line.budget_at(1e-9) == 660
    assert line.budget_at(1e9) == 540
    assert "max change of b" in line.points[0].allocation.prices or line.points[0].feasible


def test_infeasible_budgets_say_why():
    line = frontier(three(spend="all"), budgets=[10, 600, 90_000])
    first, middle, last = line.points
    assert (first.feasible, middle.feasible, last.feasible) == (False, True, True)
    assert "must be spent" in first.problem
    assert np.isnan(first.outcome)
    assert np.isnan(first.roas)
    assert first.binding == ()
    assert "no answer for 1 of 3 budgets" in line.summary()
    frame = line.to_frame()
    assert frame["problem"].tolist()[1] == ""
    assert frame["spend of b"].isna().tolist() == [True, False, False]
    assert line.to_dict()["points"][0]["outcome"] is None
    short = frontier(logs(reserve=Reserve(150)), budgets=[100, 200])
    assert "reserve" in short.points[0].problem


def test_each_point_is_the_allocation_of_its_budget():
    line = frontier(three(), budgets=[Decimal("333.33"), 400, 400])
    assert len(line.points) == 2
    for point in line.points:
        assert point.allocation == allocate(with_budget(three(), point.budget))


@pytest.mark.parametrize("shape", [1.0, 1.5])
@pytest.mark.parametrize(
    "limits",
    [
        [],
        [Limit.group("few", ["a"], at_most=500)],
        [Limit.frequency(2, reach=1000, cpm=25, where=["a"])],
    ],
)
def test_the_first_unit_of_money_brings_the_steepest_slope_at_nothing(shape, limits):
    # A Hill curve of shape 1 rises by top / half at nothing; one of a greater shape not at all.
    channels = [Channel("a", curve=Hill(900, 300, shape)), Channel("b", curve=Hill(200, 100, 1.0))]
    plan = Plan(budget=600, currency="CNY", channels=channels, limits=limits)
    least = frontier(plan, budgets=[0, 300, 600]).points[0]
    assert least.mroas == pytest.approx(3.0 if shape == 1.0 else 2.0, rel=1e-3)


def test_an_s_curve_is_traced_on_its_hull():
    channels = [
        Channel("a", curve=Hill(500, 100, 3), cap=400),
        Channel("b", curve=Log(100, 50), cap=400),
    ]
    plan = logs(channels=channels)
    line = frontier(plan, budgets=range(0, 401, 50))
    outcome = [p.outcome for p in line.points]
    assert outcome == sorted(outcome)
    for hurdle in (0.5, 1.0):
        best = line.budget_at(hurdle)
        worth = [p.outcome - hurdle * float(p.budget) for p in line.points]
        found = allocate(with_budget(plan, best))
        assert found.outcome - hurdle * float(best) >= max(worth) - 0.02


@given(
    st.lists(st.tuples(st.floats(10, 1000), st.floats(10, 500)), min_size=1, max_size=5),
    st.floats(0.05, 2),
)
@settings(max_examples=30)
def test_the_value_less_the_hurdle_is_best_at_its_budget(curves, hurdle):
    channels = [Channel(f"c{n}", curve=Log(*pair)) for n, pair in enumerate(curves)]
    plan = Plan(budget=100, currency="CNY", channels=channels)
    best = frontier(plan, budgets=[100]).budget_at(hurdle)

    def net(budget):
        return allocate(with_budget(plan, budget)).outcome - hurdle * float(budget)

    for other in (best + 5, max(best - 5, Decimal(0)), best * 2):
        assert net(best) >= net(other) - 1e-3


@pytest.mark.parametrize("hurdle", [0, -1, float("nan"), float("inf"), "one", True])
def test_a_hurdle_out_of_range(hurdle):
    with pytest.raises(InputError, match="hurdle") as caught:
        frontier(logs(), budgets=[100]).budget_at(hurdle)
    assert caught.value.code == "bad-argument"


def test_arguments_that_are_wrong_are_named():
    with pytest.raises(InputError, match="budgets"):
        frontier(logs(), budgets=[])
    with pytest.raises(InputError, match="goal"):
        frontier(logs(goal=Goal.least_spend(10)))
    with pytest.raises(InputError):
        frontier(logs(), budgets=["much"])
    with pytest.raises(PlanError, match="no curve"):
        frontier(logs(channels=[Channel("a")]), budgets=[100])


def test_a_plan_with_another_budget_keeps_the_rest():
    plan = three(max_change=0.2, reserve=Reserve("5%"), step=5, name="spring")
    other = with_budget(plan, 900)
    assert with_budget(other, 600) == plan
    assert other.to_dict() | {"budget": "600"} == plan.to_dict()


def test_a_belief_gives_its_mean_and_its_risk():
    rng = np.random.default_rng(3)
    names, weeks = ("a", "b", "c"), 60
    spend = rng.lognormal(4.6, 0.4, (weeks, 3))
    history = History(
        channels=names,
        weeks=np.datetime64("2024-01-01") + 7 * np.arange(weeks),
        spend=spend,
        outcome=300 * -np.expm1(-spend / 100) * rng.lognormal(0, 0.2, spend.shape),
        total=None,
        partial=np.zeros(weeks, dtype=bool),
    )
    plan = Plan(budget=300, currency="CNY", channels=[Channel(n) for n in names])
    belief = learn(history, plan)
    line = frontier(plan, belief, budgets=[150, 300, 600])
    assert [p.feasible for p in line.points] == [True] * 3
    assert float(line.points[0].budget) < float(line.budget_at(1.0))
    week, draws = problem_of(plan, belief), belief.draw(np.random.default_rng(1), 100)
    risk = Risk.mean_cvar(0.5)
    solved = risk_averse(week, draws, risk)
    value = risk.value(draws.value(solved.spend).sum(axis=-1))
    assert solved.bound == pytest.approx(value, rel=1e-8)
    found = spread(draws, solved.spend, [100.0, 100.0, 100.0])
    assert found.low < found.median < found.high
    assert 0 <= found.better <= 1


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ([10, 20, 40], "From 10 to 40 CNY mROAS is at least 1 everywhere."),
        ([300, 400, 800], "From 300 to 800 CNY mROAS is below 1 everywhere."),
        ([10, 400], "At 200 CNY mROAS falls to 1."),
    ],
)
def test_a_hurdle_beyond_the_budgets_is_said_to_be_beyond_them(budgets, said):
    line = frontier(logs(outcome="revenue"), budgets=budgets)
    assert said in line.summary()


def test_a_count_without_a_value_has_a_cost_and_no_hurdle():
    line = frontier(logs(outcome="转化"), budgets=[100, 200, 400])
    first, last = line.points[0], line.points[-1]
    text = line.summary()
    assert "ROAS" not in text
    assert (
        f"one more costs {1 / first.mroas:.3g} at first and costs {1 / last.mroas:.3g} at last "
        "(marginal CPA)" in text
    )


def test_a_frontier_with_a_risk_has_the_splits_that_the_risk_likes_best():
    plan, belief = _learned()
    risk, budgets = Risk.mean_cvar(0.8, 0.1), [600, 900, 1200, 1500]
    line = frontier(plan, belief, budgets, risk=risk, draws=60, seed=3)
    neutral = frontier(plan, belief, budgets)
    for point, plain in zip(line.points, neutral.points, strict=True):
        week = allocate(with_budget(plan, point.budget), belief, risk=risk, draws=60, seed=3)
        assert point.allocation == week
        assert point.outcome <= plain.outcome * (1 + 1e-9)
    assert any(p.allocation.spend != q.allocation.spend
               for p, q in zip(line.points, neutral.points, strict=True))  # fmt: skip
    # What the next unit brings is the slope of what is expected along these splits.
    between = (line.points[2].value - line.points[1].value) / 300
    assert line.points[2].mroas < between < line.points[1].mroas
    assert line.knee in [p.budget for p in line.points]
    hurdle = (line.points[1].mroas + line.points[2].mroas) / 2
    assert 900 < line.budget_at(hurdle) < 1200


def test_a_frontier_of_a_neutral_risk_is_the_frontier():
    plan, belief = _learned()
    budgets = [600, 900, 1200]
    line, plain = (frontier(plan, belief, budgets, risk=r) for r in (Risk.mean(), None))
    assert line.points == plain.points
    assert line.knee == plain.knee


def test_a_risk_needs_a_belief():
    with pytest.raises(InputError, match="no belief") as caught:
        frontier(logs(), budgets=[100], risk=Risk.cvar())
    assert caught.value.code == "bad-argument"


def _learned():
    weeks = np.datetime64("2026-01-05") + 7 * np.arange(10)
    rng = np.random.default_rng(5)
    spend = rng.uniform(100, 600, (10, 3))
    outcome = np.array([40.0, 25.0, 60.0]) * np.sqrt(spend) * np.exp(rng.normal(0, 0.3, (10, 3)))
    past = History(("a", "b", "c"), weeks, spend, outcome=outcome)
    plan = Plan(budget=900, currency="CNY", channels=[Channel(n) for n in "abc"])
    return plan, learn(past, plan, settings=Settings(points=9, noise=(0.2, 0.4), steep_shapes=()))
