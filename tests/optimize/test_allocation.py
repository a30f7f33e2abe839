"""The record of one week's split: it cannot hold a broken limit, travels, and explains itself."""

import copy
import json
import pickle
import re
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt import Allocation, Channel, Exponential, Log, Plan, Points, Power
from budgetopt.i18n.messages import show_bound, show_figure
from budgetopt.optimize import round_amount
from budgetopt.plan import Bounds, Reserve

CENT = Decimal("0.01")


def plan_of(*channels, **fields):
    return Plan(**({"budget": 100, "currency": "CNY", "channels": channels} | fields))


@pytest.fixture
def plan():
    return plan_of(
        Channel("floor", floor=20, curve=Log(1, 10)),
        Channel("cap", cap=15, curve=Log(9, 10)),
        Channel("lock", locked=5, curve=Log(1, 10)),
        Channel("up", curve=Log(12, 10), max_change=0.1),
        Channel("free", curve=Exponential(30, 40), max_change="none"),
        Channel("抖音", curve=Log(1, 10), max_change=0.1),
        reserve=Reserve(5),
        max_change="none",
    )


@pytest.fixture
def week(plan):
    return bo.allocate(plan, last={"up": 12, "free": 20, "抖音": 10})


def spent(week, **spends):
    return replace(week, spend=week.spend | spends)


def test_every_sort_of_limit_stands_in_the_fixture(week):
    assert dict(week.limits()) == {
        "floor": "floor", "cap": "cap", "lock": "lock", "up": "max change", "抖音": "max change",
    }  # fmt: skip
    assert week.unspent == 0
    assert week.held == 5


@pytest.mark.parametrize(
    ("name", "by", "told"),
    [
        ("floor", -CENT, "below its floor 20"),
        ("cap", CENT, "above its cap 15"),
        ("lock", CENT, "above its lock 5"),
        ("lock", -CENT, "below its lock 5"),
        ("up", CENT, "above its max change 13.20"),
        ("抖音", -CENT, "below its max change 9"),
        ("free", CENT, "above the budget 95"),
    ],
)
def test_one_cent_over_any_limit_cannot_be_constructed(week, name, by, told):
    assert spent(week) == week
    with pytest.raises(bo.VerificationError) as caught:
        spent(week, **{name: week.spend[name] + by})
    assert caught.value.code == "broken-limit"
    assert caught.value.exit_code == 4
    assert told in str(caught.value)


def test_one_cent_less_within_the_limits_can_be_constructed(week):
    assert spent(week, free=week.spend["free"] - CENT).unspent == CENT


def test_a_spend_off_the_step_cannot_be_constructed():
    plan = plan_of(
        Channel("a", curve=Log(1, 9)), Channel("b", locked="3.33", curve=Log(1, 9)), step=10
    )
    week = bo.allocate(plan)
    assert list(week.spend.values()) == [90, Decimal("3.33")]
    with pytest.raises(bo.VerificationError, match="not a multiple of the step 10"):
        spent(week, a=Decimal("89.99"))
    assert spent(week, a=Decimal(80)).unspent == Decimal("16.67")


@pytest.mark.parametrize("bad", [Decimal("NaN"), Decimal(-1), Decimal("0.001"), "a", True, None])
def test_a_spend_that_is_no_money_cannot_be_constructed(week, bad):
    with pytest.raises(bo.BudgetoptError):
        spent(week, free=bad)


def test_a_budget_that_shrinks_behind_the_spends_cannot_be_constructed(week):
    with pytest.raises(bo.VerificationError):
        replace(week, rules=replace(week.rules, budget=week.rules.budget - 1))


def test_a_bound_that_moves_behind_the_spends_cannot_be_constructed(week):
    for name, side, by in [("floor", "lower", 1), ("cap", "upper", -1), ("up", "upper", -1)]:
        moved = getattr(week.bounds, side).copy()
        moved[list(week.spend).index(name)] += by
        rules = replace(week.rules, bounds=replace(week.bounds, **{side: moved}))
        with pytest.raises(bo.VerificationError):
            replace(week, rules=rules)


def test_an_allocation_is_frozen(week):
    with pytest.raises(FrozenInstanceError):
        week.outcome = 1.0


def test_copies_pickles_and_json_give_an_equal_allocation(week):
    for other in (
        pickle.loads(pickle.dumps(week)),
        copy.deepcopy(week),
        Allocation.from_dict(week.to_dict()),
        Allocation.from_dict(json.loads(week.to_json())),
    ):
        assert other == week
        assert other.to_json() == week.to_json()
        assert [str(v) for v in other.spend.values()] == [str(v) for v in week.spend.values()]
    assert week != spent(week, free=week.spend["free"] - CENT)


def test_json_is_strict_even_where_a_slope_is_infinite():
    plan = plan_of(
        Channel("a", cap=0, curve=Power(1, 9, 0.5)), Channel("b", cap=5, curve=Log(1, 1))
    )
    week = bo.allocate(plan)
    assert week.marginal["a"] == float("inf")

    def refuse(constant):
        raise AssertionError(constant)

    plain = json.loads(week.to_json(), parse_constant=refuse)
    assert Allocation.from_dict(plain) == week


@pytest.mark.parametrize("spoil", [
    lambda d: d.pop("spend"), lambda d: d.pop("rules"), lambda d: d.pop("schema_version"),
    lambda d: d.update(schema_version=99), lambda d: d.update(spend=5),
    lambda d: d["rules"].update(budget="much"), lambda d: d.update(currency="RMB"),
    lambda d: d["rules"].pop("bounds"), lambda d: d["rules"]["bounds"].pop("lower"),
    lambda d: d["rules"]["bounds"].update(lower=["a"]),
    lambda d: d.update(marginal=None), lambda d: d["spend"].update(free="-1"),
    lambda d: d["spend"].update(free="NaN"), lambda d: d["rules"].pop("words"),
    lambda d: d.pop("words"), lambda d: d.update(words={"said": {}}, notes=["said"]),
])  # fmt: skip
def test_data_that_are_no_allocation_are_refused(week, spoil):
    data = json.loads(week.to_json())
    spoil(data)
    with pytest.raises(bo.InputError) as caught:
        Allocation.from_dict(data)
    assert caught.value.code == "bad-argument"


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_what_is_no_mapping_is_refused(data):
    with pytest.raises(bo.InputError):
        Allocation.from_dict(data)


def test_data_changed_so_that_a_limit_breaks_are_refused(week):
    data = week.to_dict()
    data["spend"]["cap"] = "15.01"
    with pytest.raises(bo.VerificationError, match="above its cap 15"):
        Allocation.from_dict(data)


def test_bounds_from_another_number_of_channels_are_refused(week):
    longer = Bounds(*(np.append(getattr(week.bounds, f), 0) for f in Bounds.__dataclass_fields__))
    with pytest.raises((bo.BudgetoptError, ValueError)):
        replace(week, rules=replace(week.rules, bounds=longer))


def test_the_frame_has_a_row_a_channel_and_plain_columns(week):
    frame = week.to_frame()
    first = ["channel", "last", "spend", "least", "most", "outcome", "marginal", "limit"]
    assert list(frame.columns) == first
    assert list(frame.channel) == list(week.spend)
    assert frame.spend.sum() == pytest.approx(float(week.total), abs=1e-9)
    assert frame.outcome.sum() == pytest.approx(week.outcome, rel=1e-12)
    assert list(frame["limit"]) == ["floor", "cap", "lock", "max change", "", "max change"]
    assert list(frame["last"]) == [0, 0, 0, 12, 20, 10]


def test_the_parts_of_the_outcome_add_up_and_marginals_are_slopes(week, plan):
    assert sum(week.outcomes.values()) == pytest.approx(week.outcome, rel=1e-12)
    for c in plan.channels:
        spend = float(week.spend[c.name])
        assert week.outcomes[c.name] == pytest.approx(float(c.curve.value(spend)), rel=1e-12)
        assert week.marginal[c.name] == pytest.approx(float(c.curve.slope(spend)), rel=1e-12)
    assert week.gap == pytest.approx((week.bound - week.outcome) / week.bound, abs=1e-15)


# Words

NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?")


def numbers_that_may_be_said(week):
    """Return every number that is a field, or follows from two of them as documented."""
    unit = round_amount(week.budget)
    money = [week.total, week.budget, week.unspent, week.held, week.step, unit]
    money += [*week.spend.values(), *week.last.values()]
    said = {bo.money.show_amount(m) for m in money}
    said |= {show_figure(week.outcome), show_bound(100 * week.gap)}
    said |= {show_figure(week.prices.get("budget", 0.0) * float(unit))}
    said |= {show_figure(slope * float(unit), 4) for slope in week.marginal.values()}
    for name, before in week.last.items():
        if before:
            said.add(f"{(week.spend[name] - before) / before:+.1%}")
    return said


def explained(week):
    text = week.explain()
    for name in week.spend:
        text = text.replace(name, "")
    return text


def test_the_words_say_only_numbers_that_are_fields(week):
    found = [n.rstrip(",") for n in NUMBER.findall(explained(week))]
    assert len(found) > 20
    assert set(found) <= numbers_that_may_be_said(week)


spends = st.integers(0, 10**7).map(lambda minor: Decimal(minor).scaleb(-2))


@given(
    st.lists(st.tuples(st.floats(1e-9, 1e9), st.floats(0.1, 1e6)), min_size=1, max_size=5),
    spends,
    st.lists(spends, min_size=5, max_size=5),
)
@settings(max_examples=60)
def test_any_week_explains_itself_in_its_own_numbers_and_comes_back(curves, budget, before):
    channels = [
        Channel("abcde"[at], cap=[None, 50][at % 2], curve=Log(*curve))
        for at, curve in enumerate(curves)
    ]
    plan = plan_of(*channels, budget=budget, max_change="none")
    week = bo.allocate(plan, last=dict(zip(plan.names, before, strict=False)))
    found = {n.rstrip(",") for n in NUMBER.findall(week.explain())}
    assert found <= numbers_that_may_be_said(week)
    assert Allocation.from_dict(json.loads(week.to_json())) == week


def test_the_words_say_moves_limits_and_what_is_left(week):
    text = week.explain()
    assert "95 of 95 CNY is spent" in text
    assert "5 CNY is held in reserve." in text
    assert "up: 12 → 13.20 (+10.0%), at its max change; " in text
    assert "lock: 0 → 5, at its lock; " in text
    assert text.count("\n") == 2 + len(week.spend)


def test_the_words_say_that_the_rest_is_less_than_a_step():
    week = bo.allocate(plan_of(Channel("a", curve=Log(1, 9)), budget=105, step=10))
    assert "5 CNY stays unspent: it is less than one step of 10." in week.explain()


def test_points_that_fall_short_of_concave_show_in_the_gap():
    # The middle point lies 1e-7 of the top below the line: counted as concave, and not hidden.
    dented = Points([0, 50, 100], [0, 50 - 1e-5, 100])
    week = bo.allocate(
        plan_of(Channel("a", curve=dented), Channel("b", curve=Log(1, 1)), budget=50)
    )
    assert week.bound >= week.outcome
    assert week.gap < 1e-6


@pytest.mark.parametrize(("budget", "unit"), [(60_000, "1000"), ("0.45", "0.01"), (0, "1"),
                                              (20, "1"), ("19.99", "0.1")])  # fmt: skip
def test_margins_are_said_for_a_round_amount_near_a_fiftieth_of_the_budget(budget, unit):
    assert round_amount(Decimal(budget)) == Decimal(unit)


@pytest.mark.parametrize(
    ("short", "said"),
    [
        (0, "the best possible under the limits"),
        (1.6e-16, "the best possible under the limits"),
        (9e-7, "the best possible under the limits"),
        (2e-6, "within 0.0002 % of the best possible under the limits"),
        (1.02e-4, "within 0.011 % of the best possible under the limits"),
    ],
)
def test_what_is_proven_is_called_the_best_possible(week, short, said):
    near = replace(week, bound=week.objective / (1 - short))
    assert near.proven == (said[:3] == "the")
    assert f", {said} (" in near.explain().splitlines()[0]
