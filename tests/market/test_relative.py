"""Relative changes have one way to be written, wherever a market or a plan is changed."""

import dataclasses
import decimal
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.errors import InputError
from budgetopt.market import KINDS, RISKS, Relative, scenario_from_dict
from budgetopt.simulation.what_if import Change, what_if

RELATIVE = [
    (kind, own.name)
    for kind, scenario in KINDS.items()
    for own in scenario.settings()
    if "relative" in own.metadata
]


@pytest.mark.parametrize(
    ("text", "change"),
    [("+30%", 0.3), ("-20%", -0.2), ("x1.3", 0.3), ("x0.8", -0.2), ("× 2", 1.0), ("*.5", -0.5),
     ("＋３０％", 0.3), ("−5 %", -0.05), ("+0%", 0.0), ("x1", 0.0), (" +2.5% ", 0.025)],
)  # fmt: skip
def test_a_change_in_percent_or_as_a_factor(text, change):
    with decimal.localcontext(prec=1, rounding="ROUND_UP"):
        found = Relative.of(text, "price")
        assert found == change
        assert Relative.of(str(found), "price") == found


def test_both_ways_of_a_bare_number_are_named():
    with pytest.raises(InputError) as caught:
        Relative.of(0.8, "price")
    assert str(caught.value) == (
        "price is 0.8, which is not a change: "
        "write '+80%' for a change, or 'x0.8' for a factor, which is '-20%'"
    )
    with pytest.raises(InputError, match=r"write '-20%' for a change$"):
        Relative.of(-0.2, "price")


@pytest.mark.parametrize(
    "given",
    [0.3, 1, 0, -0.2, "30%", "0.3", "up", "", None, True, "+30", "x", "x-1", "++3%", "+1e3%",
              "+" + "9" * 50 + "%", float("nan"), 1e300, [0.3], decimal.Decimal("0.3")],
)  # fmt: skip
def test_everything_else_is_refused_wherever_both_could_be_meant(given):
    for kind, name in RELATIVE:
        with pytest.raises(InputError, match="write"):
            scenario_from_dict({"kind": kind, name: given})
    for part in ("budget", "price", "rate"):
        if given is not None and not isinstance(given, list):
            with pytest.raises(InputError, match="write"):
                Change(**{part: given})
    with pytest.raises(InputError, match="write"):
        Change(price={"a": given})


def test_the_convention_is_that_of_every_kind_with_a_price_or_a_budget():
    assert {name for _, name in RELATIVE} == {
        "size", "price", "reach", "demand", "delivery", "tracking", "budget"}  # fmt: skip
    assert [kind for kind, name in RELATIVE if name == "size"] == ["budget"]


@pytest.mark.parametrize(("kind", "name"), RELATIVE)
def test_one_text_means_one_thing_in_every_kind(kind, name):
    one = scenario_from_dict({"kind": kind, name: "x1.25"})
    other = scenario_from_dict({"kind": kind, name: "+25%"})
    assert one == other
    part = {"size": "budget"}.get(name, name)
    assert getattr(one.effect(1.0), part) == 1.25
    assert json.loads(json.dumps(one.to_dict())) == one.to_dict()
    assert scenario_from_dict(one.to_dict()) == one == pickle.loads(pickle.dumps(one))
    assert dataclasses.replace(one, start=3) == dataclasses.replace(other, start=3)


@given(st.decimals(min_value=-100, max_value=9999, places=4))
def test_any_change_comes_back_from_its_text(percent):
    found = Relative.of(f"{percent:+f}%", "price")
    assert found == pytest.approx(float(percent) / 100)
    assert Relative.of(str(found), "price") == found


def test_shares_that_can_only_be_shares_stay_numbers():
    assert scenario_from_dict({"kind": "competitor", "size": 0.2}).size == 0.2
    assert scenario_from_dict({"kind": "overspend", "size": 0.2}).size == 0.2


def test_what_is_assumed_is_said_defaults_included():
    assert RISKS["platform policy"].assumptions() == ["price +30%", "reach -20%"]
    assert scenario_from_dict({"kind": "platform-policy", "price": "+10%"}).assumptions() == [
        "price +10%", "reach -20%"]  # fmt: skip
    assert RISKS["competition"].assumptions() == [
        "20% of the response lost",
        "half recovered in 1 week",]  # fmt: skip
    assert scenario_from_dict({"kind": "factors", "budget": "x0.7"}).assumptions() == [
        "budget -30%"
    ]
    for kind in KINDS:
        more = {"channels": ["a"]} if kind in ("channel-closed", "new-channel") else {}
        assert all(map(str.isprintable, scenario_from_dict({"kind": kind} | more).assumptions()))


def test_the_what_if_of_a_cut_is_the_same_in_both_ways():
    plan = bo.Plan(budget=100, currency="CNY", channels=[bo.Channel("a", curve=bo.Log(10, 10))])
    found = what_if(plan, changes={"a": {"budget": "-20%"}, "b": {"budget": "x0.8"}})
    assert found["a"]._replace(name="b") == found["b"]
    assert found["a"].budget == 80
