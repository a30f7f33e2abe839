"""What is known before a history is read: declared in the plan, gathered for learning."""

import datetime as dt
import json
from dataclasses import replace

import pytest

import budgetopt as bo
from budgetopt.curves import Carryover, Hill, Log
from budgetopt.history import Delay
from budgetopt.plan import Channel, ChannelPrior, LiftTest, Plan, Priors

KERNEL = Carryover("geometric", share=0.4)
TEST = LiftTest("search", 120, 30, 20_000, 10_000, "2026-03-31")
MODEL = LiftTest("kol", 50, 10, 5_000)
PLAN = Plan(
    budget=100,
    currency="CNY",
    channels=[
        Channel("search", prior={"roas": 3, "noise": 0.3}, carryover=KERNEL),
        Channel("kol", curve=Log(5, 10), prior=ChannelPrior(saturation=20)),
        Channel("feed", curve=Hill(9, 4, 0.5), pinned=True),
    ],
    delay=Delay([0.5, 1.0], channels={"kol": [0.2, 1.0]}),
    events={"618": ["2026-06-17", "2026-06-18"], "brand day": "2026-03-08"},
    demand={"2026-06-15": 1.5},
    lift_tests=[TEST, MODEL.to_dict()],
)


def plan_of(*channels, **fields):
    return Plan(budget=100, currency="CNY", channels=channels or [Channel("search")], **fields)


def test_the_old_name_of_the_priors_warns():
    with pytest.warns(DeprecationWarning, match=r"Plan\.priors"):
        assert PLAN.beforehand == PLAN.priors


def test_a_plan_gathers_all_that_is_declared_and_no_more():
    assert PLAN.priors == Priors(
        channels=(("search", ChannelPrior(3, noise=0.3)), ("kol", ChannelPrior(saturation=20))),
        carryovers=(("search", KERNEL),),
        # The curve of kol is not pinned, so that it is learned.
        pinned=(("feed", Hill(9, 4, 0.5)),),
        delay=PLAN.delay,
        demand=((dt.date(2026, 6, 15), 1.5),),
        events=(
            ("618", dt.date(2026, 6, 17), dt.date(2026, 6, 18)),
            ("brand day", dt.date(2026, 3, 8), dt.date(2026, 3, 8)),
        ),
        lift_tests=(TEST, MODEL),
    )
    assert plan_of().priors == Priors()
    labelled = plan_of(Channel("a", labels={"kind": "search"}), Channel("b")).priors
    assert labelled == Priors(labels=(("a", (("kind", "search"),)),))
    assert Priors.from_dict(labelled.to_dict()) == labelled
    # What was written before there were any reads the same.
    assert "labels" not in Priors().to_dict()


def test_what_concerns_some_channels_keeps_what_concerns_all():
    some = PLAN.priors.only(["kol", "unknown"])
    whole = PLAN.priors
    assert some.channels == (("kol", ChannelPrior(saturation=20)),)
    assert (some.carryovers, some.pinned, some.lift_tests) == ((), (), (MODEL,))
    assert (some.delay, some.demand, some.events) == (whole.delay, whole.demand, whole.events)
    assert whole.only(PLAN.names) == whole
    assert whole.only([]).only(PLAN.names).lift_tests == ()


@pytest.mark.parametrize("known", [PLAN.priors, Priors()], ids=["all", "nothing"])
def test_it_comes_back_from_json_as_it_was(known):
    plain = json.loads(json.dumps(known.to_dict(), allow_nan=False))
    assert Priors.from_dict(plain) == known
    assert hash(Priors.from_dict(plain)) == hash(known)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("priors", {"a": {"noise": 0}}),
        ("carryovers", {"a": {"kind": "geometric", "share": 1}}),
        ("pinned", {"a": {"kind": "hil"}}),
        ("delay", {"shares": [0.5]}),
        ("demand", {"2026-06-15": float("nan")}),
        ("demand", {"soon": 1}),
        ("events", ["soon"]),
        ("lift_tests", [{"channel": "a"}]),
    ],
)
def test_a_part_that_was_changed_in_the_file_is_refused(part, wrong):
    with pytest.raises(bo.InputError):
        Priors.from_dict(PLAN.priors.to_dict() | {part: wrong})


def test_the_plan_comes_back_from_dict_json_and_its_own_fields():
    assert Plan.from_dict(PLAN.to_dict()) == PLAN
    assert Plan.from_json(PLAN.to_json()) == PLAN
    assert hash(Plan.from_json(PLAN.to_json())) == hash(PLAN)
    assert replace(PLAN) == PLAN
    assert Plan.from_json(PLAN.to_json()).priors == PLAN.priors


def test_the_order_of_declaring_events_and_demand_changes_nothing():
    one = plan_of(events={"b": "2026-06-18", "a": "2026-06-19"}, demand={"2026-06-15": 2})
    other = plan_of(events={"a": "2026-06-19", "b": "2026-06-18"}, demand={"2026-06-15": 2})
    assert one == other


# Pinned


def test_a_pinned_channel_needs_a_curve():
    assert Channel("a", curve=Log(1, 1), pinned=True).pinned
    assert not Channel("a", curve=Log(1, 1)).pinned
    assert not Channel("a", pinned=False).pinned
    with pytest.raises(bo.PlanError, match="'a' is pinned but has no curve") as caught:
        Channel("a", pinned=True)
    assert (caught.value.code, caught.value.field) == ("no-curve", "channels.a.pinned")


@pytest.mark.parametrize("bad", [1, 0, "yes", None, [True]], ids=repr)
def test_pinned_is_yes_or_no(bad):
    with pytest.raises(bo.PlanError, match="write true or false") as caught:
        Channel("a", curve=Log(1, 1), pinned=bad)
    assert (caught.value.code, caught.value.field) == ("bad-plan", "channels.a.pinned")


# Lift tests and priors in the plan


def test_a_lift_test_of_no_channel_of_the_plan_is_refused():
    with pytest.raises(bo.PlanError, match="did you mean 'search'") as caught:
        plan_of(lift_tests=[TEST, replace(TEST, channel="serach")])
    assert (caught.value.code, caught.value.field) == ("unknown-name", "lift_tests.1.channel")


def test_a_lift_test_that_is_told_twice_is_refused_since_it_would_count_twice():
    later = replace(TEST, ended=dt.date(2026, 4, 30))
    assert plan_of(lift_tests=[TEST, later]).lift_tests == (TEST, later)
    with pytest.raises(bo.PlanError, match="given twice") as caught:
        plan_of(lift_tests=[TEST, later, TEST.to_dict()])
    assert (caught.value.code, caught.value.field) == ("bad-plan", "lift_tests.2")


@pytest.mark.parametrize("alone", [TEST, TEST.to_dict()], ids=["test", "fields"])
def test_one_lift_test_may_be_given_without_a_list(alone):
    assert plan_of(lift_tests=alone).lift_tests == (TEST,)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (5, "lift_tests.0"),
        (None, "lift_tests.0"),
        (["search"], "lift_tests.0"),
        ([TEST, {"channel": "search"}], "lift_tests.1.incremental"),
        ([TEST.to_dict() | {"error": 0}], "lift_tests.0.error"),
    ],
)
def test_what_is_no_lift_test_is_refused_with_its_place(given, field):
    with pytest.raises(bo.InputError) as caught:
        plan_of(lift_tests=given)
    assert (caught.value.code, caught.value.field) == ("bad-argument", field)


def test_a_wrong_prior_names_its_channel():
    with pytest.raises(bo.InputError, match=r"channels\.抖音\.prior: prior\.roas is -1") as caught:
        Channel("抖音", prior={"roas": -1})
    assert (caught.value.code, caught.value.field) == ("bad-argument", "channels.抖音.prior.roas")
    with pytest.raises(bo.InputError, match="give ChannelPrior"):
        Channel("抖音", prior=3)
