"""Many weeks at once: against repeated weeks, other solvers, and arithmetic."""

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import budgetopt as bo
from budgetopt import report
from budgetopt.errors import InfeasibleError, InputError, SolverError
from budgetopt.horizon import plan_weeks
from budgetopt.i18n.messages import show_figure

START = dt.date(2026, 12, 7)
CURVES = {
    "search": bo.Exponential(900, 4000),
    "feed": bo.Log(500, 3000),
    "kol": bo.Hill(700, 5000, 0.8),
}
WORKS_ON = {
    "search": None,
    "feed": bo.Carryover("geometric", share=0.5),
    "kol": bo.Carryover("delayed", share=0.4, delay=1, length=5),
}
LAST = {"search": 4000, "feed": 3000, "kol": 3000}


def plan_of(carries=True, budget=10_000, **fields):
    fields = {"currency": "CNY", "max_change": "30%"} | fields
    channels = fields.pop("channels", None) or [
        bo.Channel(name, curve=curve, carryover=WORKS_ON[name] if carries else None)
        for name, curve in CURVES.items()
    ]
    return bo.Plan(budget=budget, channels=channels, **fields)


def test_weeks_that_nothing_couples_are_the_weeks_that_allocate_gives():
    plan = plan_of(carries=False, max_change=None, demand={"2026-12-15": 1.5})
    found = plan_weeks(plan, weeks=4, start=START)
    for at, spend in enumerate(found.spend):
        alone = bo.allocate(plan, week=START + at * dt.timedelta(weeks=1))
        assert all(abs(spend[name] - alone.spend[name]) <= Decimal("0.02") for name in spend)
        assert found.outcomes[at].sum() == pytest.approx(alone.outcome, rel=1e-9)
    assert found.gap < 1e-8
    assert not found.after.any()


def effective(path, weights):
    """Return what a path of money works in each week and after it, term by term."""
    return [
        sum(w * path[t - lag] for lag, w in enumerate(weights) if 0 <= t - lag < len(path))
        for t in range(len(path) + len(weights) - 1)
    ]


def outcome_of(spend, before, carries=WORKS_ON):
    """Return the outcome of a plan of weeks by the definition of carryover."""
    total = 0.0
    for name, curve in CURVES.items():
        kernel = carries[name]
        weights = [1.0] if kernel is None else kernel.weights.tolist()
        early = [before[name]] * (len(weights) - 1)
        path = effective([*early, *spend[name]], weights)[len(early) :]
        total += sum(float(curve.value(z)) for z in path)
    return total


def test_carry_in_and_what_comes_after_count():
    plan = plan_of()
    found = plan_weeks(plan, weeks=5, start=START, last=LAST)
    spend = {name: [float(week[name]) for week in found.spend] for name in CURVES}
    assert found.outcome == pytest.approx(outcome_of(spend, LAST), rel=1e-12)
    assert found.objective == pytest.approx(found.outcome, rel=1e-12)
    assert found.after.sum() > 0
    none = plan_weeks(plan, weeks=5, start=START, before={name: [0, 0, 0, 0] for name in CURVES})
    assert none.outcome < found.outcome


def test_no_other_solver_finds_better_weeks():
    plan, weeks = plan_of(), 4
    found = plan_weeks(plan, weeks=weeks, start=START, last=LAST)
    names = list(CURVES)

    def less(x):
        table = dict(zip(names, x.reshape(3, weeks) * 1000, strict=True))
        return -outcome_of(table, LAST) / 1000

    def keeps(x):
        path = np.concatenate([[[LAST[n] / 1000] for n in names], x.reshape(3, weeks)], axis=1)
        up, down = 1.3 * path[:, :-1] - path[:, 1:], path[:, 1:] - 0.7 * path[:, :-1]
        return np.concatenate([up.ravel(), down.ravel(), 10 - path[:, 1:].sum(axis=0)])

    start = np.repeat([[LAST[n] / 1000 * 0.98] for n in names], weeks, axis=1).ravel()
    other = minimize(less, start, method="SLSQP", bounds=[(0.01, 10)] * 12, tol=1e-12,
                     constraints={"type": "ineq", "fun": keeps})  # fmt: skip
    assert keeps(other.x).min() > -1e-6
    assert found.bound / 1000 >= -other.fun * (1 - 1e-7)
    assert found.objective / 1000 == pytest.approx(-other.fun, rel=1e-6)


def broken(plan, found, last):
    """Return what a schedule breaks, read off the plan's own fields in exact numbers."""
    wrong, before = [], {n: Decimal(str(last[n])) for n in plan.names}
    for day, spend in zip(found.weeks, found.spend, strict=True):
        dated = plan.on(bo.Week.of(day))
        if sum(spend.values()) > dated.spendable:
            wrong.append((day, "budget"))
        for c in plan.channels:
            money = spend[c.name]
            if money < c.floor or (c.cap is not None and money > c.cap):
                wrong.append((day, c.name, "bounds"))
            rule = c.max_change or dated.max_change
            if rule is None or rule.share is None or c.locked is not None:
                continue
            equal = dated.spendable / len(plan.names)
            base = before[c.name] or equal
            if Fraction(abs(money - before[c.name])) > Fraction(rule.share) * Fraction(base):
                wrong.append((day, c.name, "change"))
        before = spend
    return wrong


BURST = bo.Operation(phases=[bo.Phase("burst", "2027-01-04", "2027-01-10", 22_000)])


def test_a_peak_is_kept_from_end_to_end():
    plan = plan_of(operation=BURST)
    found = plan_weeks(plan, weeks=13, start=START, last=LAST)
    assert broken(plan, found, LAST) == []
    peak = found.weeks.index(dt.date(2027, 1, 4))
    # After it 10,000 are there again: no more than 10,000 / 0.7 can be spent in it.
    assert found.totals[peak] <= Decimal("14285.72")
    assert found.totals[peak] > 12_000
    assert found.gap < 1e-6


def test_a_year_that_cannot_be_kept_is_refused_with_the_week_and_the_remedy():
    plan = plan_of(operation=BURST, spend="all")
    with pytest.raises(InfeasibleError) as caught:
        plan_weeks(plan, weeks=13, start=START, last=LAST)
    error = caught.value
    assert error.code == "limits-clash"
    assert error.details["week"] == dt.date(2027, 1, 4)
    # 10,000 become 22,000.
    assert error.details["max_change"] == 1.2
    wider = bo.Phase("burst", "2027-01-04", "2027-01-10", 22_000, max_change="120%")
    back = bo.Phase("after", "2027-01-11", "2027-01-17", 10_000, max_change="55%")
    plan = plan_of(operation=bo.Operation(phases=[wider, back]), spend="all")
    found = plan_weeks(plan, weeks=13, start=START, last=LAST)
    assert [str(t) for t in found.totals[3:6]] == ["10000.00", "22000.00", "10000.00"]


def test_money_that_is_there_no_more_is_said_weeks_before():
    less = bo.Operation(phases=[bo.Phase("pause", "2027-02-01", "2027-02-28", 4000)])
    channels = [bo.Channel(n, curve=c, floor=2000) for n, c in CURVES.items()]
    with pytest.raises(InfeasibleError):
        plan_weeks(plan_of(channels=channels, operation=less), weeks=13, start=START, last=LAST)
    # Without floors the channels are wound down in time, though that is 30 % a week.
    found = plan_weeks(plan_of(operation=less), weeks=13, start=START, last=LAST)
    assert broken(plan_of(operation=less), found, LAST) == []
    assert found.totals[7] <= Decimal("1428.58")
    assert found.totals[8] <= 1000
    assert found.totals[3] > 5000


def test_frozen_channels_stay_and_groups_keep_their_share():
    plan = plan_of(
        operation=bo.Operation(
            freezes=[bo.Freeze("11.11", "2026-12-21", "2026-12-27", channels=["feed"])]
        ),
        limits=[bo.Limit.group("social", ["feed", "kol"], at_most=5500)],
    )
    found = plan_weeks(plan, weeks=6, start=START, last=LAST)
    assert found.spend[2]["feed"] == found.spend[1]["feed"]
    assert all(week["feed"] + week["kol"] <= 5500 for week in found.spend)
    assert broken(plan, found, LAST) == []


def test_free_timing_never_loses_and_keeps_the_totals():
    plan = plan_of(demand={"2026-12-22": 1.4, "2027-01-06": 0.6})
    found = {
        timing: plan_weeks(plan, weeks=8, start=START, last=LAST, timing=timing)
        for timing in ("week", "month", "quarter", "all")
    }
    best = [found[timing].objective for timing in found]
    assert all(b >= a * (1 - 1e-7) for a, b in pairwise(best))
    assert best[-1] > best[0]
    month = {}
    for day, total in zip(found["month"].weeks, found["month"].totals, strict=True):
        middle = day + dt.timedelta(days=3)
        month.setdefault((middle.year, middle.month), []).append(total)
    assert all(sum(totals) <= 10_000 * len(totals) for totals in month.values())
    assert sum(found["all"].totals) <= 80_000


# In 19 a week must spend more than its own money, and its month has it.
@settings(max_examples=10)
@given(st.integers(0, 10**6))
@example(19)
def test_more_weeks_of_freedom_never_lose(seed):
    plan, last = random_plan(seed)
    weeks = {"weeks": 6, "start": START, "last": last}
    found = [plan_weeks(plan, timing=timing, **weeks) for timing in ("week", "month", "all")]
    # Whole steps may cost a little, as with random plans below.
    step = 1 if plan.currency == "JPY" else 0.01
    for one, freer in pairwise(found):
        assert freer.bound >= one.objective * (1 - 1e-9)
        each = freer.objective / float(sum(freer.totals))
        assert freer.objective >= one.objective - 3 * step * each * one.minor.size
    # A plan of more weeks holds that of fewer: whatever it does later, it starts no worse.
    longer = plan_weeks(plan, weeks=7, start=START, last=last)
    assert longer.bound >= found[0].objective * (1 - 1e-9)


def test_interest_moves_money_forwards():
    plan = plan_of(carries=False, max_change=None)
    now = plan_weeks(plan, weeks=4, start=START, timing="all", rate=0.2).totals
    assert all(a > b for a, b in pairwise(now))


def test_profit_leaves_money_that_brings_less_than_it_costs():
    channels = [
        bo.Channel("a", curve=bo.Log(1000, 500), value=1),
        bo.Channel("b", curve=bo.Log(900, 400), value=1),
    ]
    plan = bo.Plan(
        budget=10_000, currency="CNY", channels=channels, goal=bo.Goal.most_profit(), value=1
    )
    found = plan_weeks(plan, weeks=2, start=START)
    alone = bo.allocate(plan)
    assert found.totals == [alone.total] * 2
    assert found.objective == pytest.approx(2 * alone.objective, rel=1e-9)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"limits": [bo.Limit.few_moves(1)]}, "few"),
    ],
)
def test_what_needs_one_week_at_a_time_is_refused_by_name(fields, named):
    with pytest.raises(SolverError, match=named) as caught:
        plan_weeks(plan_of(**fields), weeks=3, start=START)
    assert caught.value.code == "wrong-method"


@pytest.mark.parametrize(
    "bad",
    [
        {"weeks": 0},
        {"weeks": 2.5},
        {"weeks": True},
        {"timing": "year"},
        {"rate": -0.1},
        {"rate": "x"},
    ],
)
def test_bad_arguments_are_named(bad):
    with pytest.raises(InputError) as caught:
        plan_weeks(plan_of(), **({"weeks": 3} | bad), start=START)
    assert caught.value.field == next(iter(bad))


# Properties


def random_plan(seed):
    """Return a plan of dated weeks under bounds, changes, groups and phases, and its last week."""
    rng = random.Random(seed)
    size = rng.randint(2, 5)
    names = [f"c{at}" for at in range(size)]
    kinds = [
        lambda: bo.Exponential(rng.uniform(50, 900), rng.uniform(500, 5000)),
        lambda: bo.Log(rng.uniform(50, 900), rng.uniform(500, 5000)),
        lambda: bo.Hill(rng.uniform(50, 900), rng.uniform(500, 5000), rng.uniform(0.4, 1)),
        lambda: bo.Power(rng.uniform(5, 90), rng.uniform(500, 5000), rng.uniform(0.2, 0.8)),
    ]
    last = {name: rng.randint(500, 3000) for name in names}
    channels = [
        bo.Channel(
            name,
            curve=rng.choice(kinds)(),
            carryover=rng.choice([None, bo.Carryover("geometric", share=rng.uniform(0.1, 0.6))]),
            floor=rng.choice([0, 0, 100]),
            cap=rng.choice([None, None, 5000]),
            locked=last[name] if name == "c0" and rng.random() < 0.3 else None,
        )
        for name in names
    ]
    limits = []
    if rng.random() < 0.5:
        limits.append(
            bo.Limit.group(
                "pair", names[:2], at_most=last["c0"] + last["c1"] + rng.randint(0, 2000)
            )
        )
    total = sum(last.values())
    phases = [bo.Phase("more", "2026-12-21", "2027-01-03", round(total * rng.uniform(1.6, 2.6)))]
    plan = bo.Plan(
        budget=total, currency=rng.choice(["CNY", "JPY"]), channels=channels, limits=limits,
        max_change=rng.choice(["20%", "40%", {"share": 0.3, "money": 900}]),
        operation=bo.Operation(phases=phases if rng.random() < 0.7 else ()),
    )  # fmt: skip
    return plan, last


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_plans_are_kept_exactly_and_proven(first):
    for seed in range(first, first + 20):
        plan, last = random_plan(seed)
        found = plan_weeks(plan, weeks=6, start=START, last=last)
        assert broken(plan, found, last) == [], seed
        for limit in plan.limits:
            assert all(week["c0"] + week["c1"] <= limit.at_most for week in found.spend)
        # Where all channels rise or fall as fast as they may, each step that is lost grows too.
        step = 1 if plan.currency == "JPY" else 0.01
        each = found.objective / float(sum(found.totals))
        assert found.bound - found.objective <= 3 * step * each * found.minor.size, seed


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([1e-3, 1000.0]))
def test_the_unit_of_outcomes_and_the_order_of_channels_change_nothing(seed, factor):
    plan, last = random_plan(seed)
    found = plan_weeks(plan, weeks=4, start=START, last=last)
    other = {
        c.name: bo.curves.stretched(c.curve, np.array(factor), np.array(1.0)) for c in plan.channels
    }
    turned = bo.Plan(
        budget=plan.budget, currency=plan.currency, channels=plan.channels[::-1],
        limits=plan.limits, max_change=plan.max_change, operation=plan.operation,
    )  # fmt: skip
    again = plan_weeks(turned, other, weeks=4, start=START, last=last)
    assert again.objective == pytest.approx(found.objective * factor, rel=1e-4)
    assert again.bound == pytest.approx(found.bound * factor, rel=1e-6)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(0, 2**32))
def test_no_random_weeks_within_the_limits_exceed_the_bound(seed, draw):
    plan, last = random_plan(seed)
    found = plan_weeks(plan, weeks=4, start=START, last=last)
    rng, names = np.random.default_rng(draw), plan.names
    for _ in range(5):
        spend, before = [], last
        for at in range(4):
            dated = plan.on(bo.Week.of(START + at * dt.timedelta(weeks=1)))
            week = bo.allocate(
                bo.Plan(budget=dated.budget, currency=plan.currency, channels=plan.channels,
                        limits=plan.limits, max_change=dated.max_change),
                {n: bo.Log(rng.uniform(0.1, 9), rng.uniform(100, 9000)) for n in names},
                last=before,
            )  # fmt: skip
            before = {n: float(m) for n, m in week.spend.items()}
            spend.append(before)
        total = 0.0
        for c in plan.channels:
            weights = [1.0] if c.carryover is None else c.carryover.weights.tolist()
            early = [float(last[c.name])] * (len(weights) - 1)
            path = effective([*early, *(week[c.name] for week in spend)], weights)[len(early) :]
            total += sum(float(c.curve.value(z)) for z in path)
        assert total <= found.bound * (1 + 1e-9)


def test_limits_over_periods_are_kept_to_the_cent_and_cost_what_they_bind():
    plan = plan_of(max_change="60%")
    cap = bo.Limit.group("search a month", ["search"], at_most="13333.33")
    share = bo.Limit.group("social", ["feed", "kol"], at_most="52%")
    free = plan_weeks(plan, weeks=9, start=START, last=LAST)
    held = plan_weeks(
        plan, weeks=9, start=START, last=LAST, over={"month": [cap], "quarter": [share]}
    )
    assert broken(plan, held, LAST) == []
    months, quarters = {}, {}
    for day, spend in zip(held.weeks, held.spend, strict=True):
        middle = day + dt.timedelta(days=3)
        months.setdefault((middle.year, middle.month), []).append(spend["search"])
        social, total = quarters.setdefault((middle.year, (middle.month - 1) // 3), ([], []))
        social.append(spend["feed"] + spend["kol"])
        total.append(sum(spend.values()))
    assert all(sum(money) <= Decimal("13333.33") for money in months.values())
    # 13,333.33 bind in the month of four weeks or more, and the share in both quarters.
    assert max(map(sum, months.values())) > Decimal("13333.00")
    assert all(sum(s) <= sum(t) * Decimal("0.52") for s, t in quarters.values())
    assert held.objective < free.objective
    assert held.bound < free.bound
    assert held.gap < 5e-5


def test_a_month_that_has_begun_counts_what_was_spent_in_it():
    # The first three weeks lie in December, as the two before them do.
    plan, cap = plan_of(max_change=None), bo.Limit.group("search", ["search"], at_most=9000)
    before = {"search": [1500, 2500.25, 2000], "feed": [500, 500, 500], "kol": [0, 0, 0]}
    start = dt.date(2026, 12, 14)
    found = plan_weeks(plan, weeks=4, start=start, before=before, over={"month": [cap]})
    december = [spend["search"] for spend in found.spend[:3]]
    assert sum(december) <= Decimal("4499.75")
    assert sum(december) > Decimal("4499.00")
    # Only the last week is known where no others are said: `last` is in December too.
    last = {name: path[-1] for name, path in before.items()}
    found = plan_weeks(plan, weeks=3, start=start, last=last, over={"month": [cap]})
    assert Decimal(6999) < sum(spend["search"] for spend in found.spend) <= 7000
    spent = bo.Limit.group("search", ["search"], at_most=4000)
    with pytest.raises(InfeasibleError) as caught:
        plan_weeks(plan, weeks=3, start=start, before=before, over={"month": [spent]})
    assert caught.value.details["week"] == start


def test_a_least_amount_over_a_quarter_may_come_late_and_one_out_of_reach_is_refused():
    plan = plan_of()
    late = bo.Limit.group("search", ["search"], at_least=37_000)
    found = plan_weeks(plan, weeks=8, start=START, last=LAST, over={"all": [late]})
    assert sum(week["search"] for week in found.spend) >= 37_000
    never = bo.Limit.group("search", ["search"], at_least=81_000)
    with pytest.raises(InfeasibleError) as caught:
        plan_weeks(plan, weeks=8, start=START, last=LAST, over={"all": [never]})
    assert caught.value.details["week"] == START + dt.timedelta(weeks=7)
    with pytest.raises(InputError) as wrong:
        plan_weeks(plan, weeks=2, start=START, over={"year": []})
    assert wrong.value.field == "over"
    with pytest.raises(SolverError, match="few"):
        plan_weeks(plan, weeks=2, start=START, over={"month": [bo.Limit.few_moves(1)]})


def test_limits_over_periods_may_stand_in_the_plan():
    cap = {"kind": "group", "name": "search a month", "where": ["search"], "at_most": "13333.33"}
    data = plan_of(max_change="60%").to_dict()
    plan = bo.Plan.from_dict({**data, "limits_over": {"month": [cap]}})
    given = {"month": [bo.Limit.group("search a month", ["search"], at_most="13333.33")]}
    plain, weeks = bo.Plan.from_dict(data), {"weeks": 9, "start": START, "last": LAST}
    held, told = plan_weeks(plan, **weeks), plan_weeks(plain, over=given, **weeks)
    assert held.minor.tolist() == told.minor.tolist()
    # What a call says stands instead.
    free = plan_weeks(plan, over={}, **weeks)
    assert free.minor.tolist() == plan_weeks(plain, **weeks).minor.tolist()
    assert free.objective > held.objective
    assert bo.Plan.from_dict(plan.to_dict()) == plan


@pytest.mark.parametrize(
    "limit", [bo.Limit.few_moves(1), bo.Limit.turnover(5), bo.Limit.mroas(at_least=2)]
)
def test_only_money_is_summed_over_periods(limit):
    with pytest.raises(bo.PlanError) as caught:
        plan_of(limits_over={"month": [limit]}, value=1)
    assert (caught.value.field, caught.value.value) == ("limits_over", limit.name)
    with pytest.raises(SolverError, match="many weeks") as refused:
        plan_weeks(plan_of(value=1), weeks=2, start=START, over={"month": [limit]})
    assert refused.value.code == "wrong-method"


def test_periods_of_a_plan_are_months_and_quarters():
    with pytest.raises(bo.PlanError, match="limits_over") as caught:
        plan_of(limits_over={"year": []})
    assert "quarter" in str(caught.value.remedy)


RATES, VALUES = {"search": 0, "feed": 1, "kol": 9}, (40, 30, 20)
GOALS = {
    "outcome": ({}, (1, 1, 1), 0),
    "weights": ({"outcome": "leads", "goal": bo.Goal.most_outcome({"sales": 2})}, (0, 2, 18), 0),
    "profit": ({"goal": bo.Goal.most_profit()}, VALUES, 1),
}


@pytest.mark.parametrize("name", GOALS)
def test_what_is_said_against_last_weeks_mix_is_by_the_goal(name):
    fields, weight, cost = GOALS[name]
    channels = [
        bo.Channel(n, curve=CURVES[n], rates={"sales": RATES[n]}, value=value)
        for n, value in zip(CURVES, VALUES, strict=True)
    ]
    plan = plan_of(channels=channels, spend="all", **fields)
    found = plan_weeks(plan, weeks=3, start=START, last=LAST)
    # Nothing works on, and last week's money is the budget: the mix is that week three times.
    brings = 3 * np.array([float(CURVES[n].value(float(LAST[n]))) for n in CURVES])
    assert found.mix == pytest.approx(brings.sum())
    assert found.mix_objective == pytest.approx(weight @ brings - cost * 30_000)
    assert found.objective > found.mix_objective
    text, chinese = (report.year_table(plan, found, language=each) for each in ("en", "zh"))
    text, chinese = " ".join(text.split()), chinese.replace("\n", "")
    if name == "outcome":
        assert f"mix of the same money: {found.outcome / found.mix - 1:+.1%}" in text
        return
    gain = show_figure(found.objective - found.mix_objective, 3, sign=True)
    what = {"weights": "outcome by the goal's weights", "profit": "profit"}[name]
    assert f"same money ({show_figure(found.mix_objective)}): {gain} {what}." in text
    assert gain in chinese
    if name == "weights":
        # More of what the goal wants is less of the plan's own outcome.
        assert found.outcome < found.mix
        sales = float(np.array(list(RATES.values())) @ found.outcomes.sum(axis=0))
        assert found.kinds == {"sales": pytest.approx(sales)}
        assert f"{show_figure(sales)} sales, worth {show_figure(2 * sales)} by the goal" in text


def kept_by_its_remedies(seed, base=None):
    """Return how many remedies a random year took until it was kept, None if no share is named."""
    rng = np.random.default_rng(seed)
    size, count = int(rng.integers(2, 5)), int(rng.integers(3, 6))
    drawn = int(rng.choice([10_000, 123_450]))
    base = drawn if base is None else base
    money = (10 * np.round(base * np.exp(rng.normal(0, 0.4, count)) / 10)).astype(int).tolist()
    percent = rng.integers(5, 40, count).tolist()
    last = np.round(base * rng.dirichlet(np.full(size, 5.0)), 2).tolist()
    names = [f"c{at}" for at in range(size)]
    channels = [
        bo.Channel(name, curve=bo.Log(100, base / size),
                   carryover=bo.Carryover("geometric", share=0.4))
        for name in names
    ]  # fmt: skip
    named: list[int] = []
    while True:
        phases = []
        for at, (total, share) in enumerate(zip(money, percent, strict=True)):
            first, last_day = (START + dt.timedelta(days=7 * at + day) for day in (0, 6))
            phases.append(bo.Phase(f"w{at}", first, last_day, total, max_change=f"{share}%"))
        plan = bo.Plan(
            budget=base,
            currency="CNY",
            channels=channels,
            spend="all",
            step=10,
                       operation=bo.Operation(phases=phases))  # fmt: skip
        try:
            plan_weeks(plan, weeks=count, start=START, last=dict(zip(names, last, strict=True)))
            return len(named)
        except InfeasibleError as error:
            if "max_change" not in error.details:
                return None
            at = (error.details["week"] - START).days // 7
            # What was widened is enough for good: only a later week may be named next.
            assert not named or at > named[-1]
            named.append(at)
            percent[at] = round(100 * error.details["max_change"])


@pytest.mark.parametrize("seeds", [range(32, 40), pytest.param(range(32), marks=pytest.mark.slow)])
def test_every_remedy_is_enough_for_its_week(seeds):
    taken = [kept_by_its_remedies(seed) for seed in seeds]
    assert sum(one is not None and one > 0 for one in taken) >= 2


# Steps of 10 are coarse for budgets of 2,000: some years that any money keeps no whole steps do.
@pytest.mark.parametrize(
    "seeds", [(28, 39), pytest.param(range(60), marks=pytest.mark.slow)], ids=["two", "many"]
)
def test_a_remedy_is_enough_in_coarse_steps(seeds):
    taken = [kept_by_its_remedies(seed, 2000) for seed in seeds]
    assert sum(one is not None and one > 0 for one in taken) >= 2


def test_a_year_that_only_whole_steps_break_is_refused_by_name():
    # 110 become 140 at 30 %, but of whole tens from 50 on 50 and 60 become 60 and 70.
    def found(share):
        weeks = ((110, "none"), (140, share))
        phases = [
            bo.Phase(f"w{at}", START + dt.timedelta(days=7 * at),
                     START + dt.timedelta(days=7 * at + 6), total, max_change=change)
            for at, (total, change) in enumerate(weeks)
        ]  # fmt: skip
        plan = plan_of(
            channels=[bo.Channel(name, curve=bo.Log(100, 500), floor=50) for name in "ab"],
            spend="all", step=10, operation=bo.Operation(phases=phases),
        )  # fmt: skip
        return plan_weeks(plan, weeks=2, start=START).minor.tolist()

    with pytest.raises(InfeasibleError) as caught:
        found("30%")
    assert caught.value.details["week"] == START + dt.timedelta(days=7)
    # 60 become 80.
    assert caught.value.details["max_change"] == 0.34
    assert sorted(map(sorted, found("34%"))) == [[5000, 6000], [6000, 8000]]
