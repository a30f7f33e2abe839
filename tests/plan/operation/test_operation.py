"""The parts of an operation check themselves, and come back from plain data as they were."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.plan import (
    AlertRules,
    Approval,
    Fiscal,
    Freeze,
    MaxChange,
    Operation,
    Pacing,
    Phase,
    Plan,
    Release,
)
from budgetopt.untrusted import twin_key

from .helpers import day, phase, plan


def test_nothing_said_is_the_default_and_is_not_written():
    bare = bo.Plan(budget=100, currency="CNY", channels=[bo.Channel("a")])
    assert bare.operation == Operation() == Operation.of(None) == Operation.of({})
    assert "operation" not in bare.to_dict()
    assert Operation().to_dict() == {}
    assert (bare.operation.approval, bare.operation.pacing.lines) == (None, (0.8, 0.9, 1.0))
    assert bare.operation.fiscal == Fiscal("month", 1)


def test_parts_are_made_exact_and_frozen():
    made = Operation.of(
        {
            "phases": [
                phase("later", "2026-12-01", "2026-12-31", "10.10", kind="wind-down"),
                phase(max_change={"share": "50%", "money": 20}),
            ],
            "freezes": {"name": "ban", "first": day("2026-11-09"), "last": "2026-11-11"},
            "approval": {"move": 5.5, "move_share": "20%", "approvers": ["王", "li"]},
            "pacing": {"lines": ["50%", 1, "110%"], "band": "7%", "overspend": "stop"},
            "releases": [
                {"when": "scenario", "share": 1, "scenario": "rival"},
                {"when": "pace", "share": "25%", "pace": "10%"},
                {"when": "mroas", "share": 0.5, "hurdle": 2},
            ],
            "fiscal": {"period": "4-4-5", "first_month": 2},
            "alerts": {"stale_days": 3, "pause_cpa": 80, "reserve_low": "15%"},
        }
    )
    assert [p.name for p in made.phases] == ["burst", "later"]
    assert made.phases[0].max_change == MaxChange("0.5", 20)
    assert made.phases[1].budget == Decimal("10.10")
    assert made.freezes == (Freeze("ban", day("2026-11-09"), day("2026-11-11")),)
    assert made.approval.move == Decimal("5.5")
    assert made.approval.move_share == Decimal("0.20")
    assert made.approval.amounts == {"move": Decimal("5.5")}
    assert made.pacing == Pacing((0.5, 1.0, 1.1), 0.07, "stop")
    assert [r.share for r in made.releases] == [1, Decimal("0.25"), Decimal("0.5")]
    assert made.releases[1].pace == 0.1
    assert made.alerts == AlertRules(3, pause_cpa=80, reserve_low=0.15)
    assert hash(made) == hash(Operation.of(made.to_dict()))


BURST = phase()
REFUSED = [
    # What is misspelt, missing or of another kind.
    ({"phase": []}, "unknown-name", "operation.phase", "did you mean 'phases'"),
    ({"phases": [phase(budgett=1)]}, "unknown-name", "operation.phases.0.budgett", "'budget'"),
    ({"phases": [{"name": "a"}]}, "bad-argument", "operation.phases.0.first", "give name, first"),
    ({"phases": "burst"}, "bad-argument", "operation.phases.0", "give Phase(...)"),
    ({"phases": 5}, "bad-argument", "operation.phases.0", "give Phase(...)"),
    ({"pacing": 0.1}, "bad-argument", "operation.pacing", "give Pacing(...)"),
    ({"phases": [phase(kind="bursts")]}, "bad-plan", "operation.phases.0.kind", "'burst'"),
    # Phases.
    (
        {"phases": [phase(last="2026-11-01")]},
        "bad-date",
        "operation.phases.0.last",
        "write the first day first",
    ),
    ({"phases": [phase(last="2206-11-11")]}, "bad-date", "operation.phases.0.last", "nearer"),
    ({"phases": [phase(first="11.11.")]}, "bad-date", "operation.phases.0.first", "write it as"),
    ({"phases": [phase(" ")]}, "bad-name", "operation.phases.0.name", "give every phase a name"),
    ({"phases": [phase(budget=-1)]}, "bad-money", "operation.phases.0.budget", "zero or more"),
    ({"phases": [phase(max_change=30)]}, "bad-number", "operation.phases.0.max_change", "30%"),
    ({"phases": [BURST, phase("b")]}, "bad-plan", "operation.phases", "a day has one budget"),
    (
        {"phases": [BURST, phase("b", "2026-11-11", "2026-11-20")]},
        "bad-plan",
        "operation.phases",
        "follow each other",
    ),
    (
        {"phases": [BURST, phase(first="2027-01-01", last="2027-01-02")]},
        "bad-name",
        "operation.phases",
        "a name of its own",
    ),
    # Freezes.
    (
        {"freezes": [{"name": "x", "first": "2026-11-11", "last": "2026-11-10"}]},
        "bad-date",
        "operation.freezes.0.last",
        "first day first",
    ),
    (
        {"freezes": [phase("x", channels="a") | {"budget": 0}]},
        "unknown-name",
        "operation.freezes.0.budget",
        "choose one of",
    ),
    (
        {"freezes": [Freeze("x", dt.date(2026, 1, 1), dt.date(2026, 1, 1)), "y"]},
        "bad-argument",
        "operation.freezes.1",
        "give Freeze(...)",
    ),
    # Approval.
    ({"approval": {}}, "bad-plan", "operation.approval", "total = 0"),
    ({"approval": {"approvers": ["li"]}}, "bad-plan", "operation.approval", "leave approval out"),
    ({"approval": {"move_share": 20}}, "bad-number", "operation.approval.move_share", "30%"),
    ({"approval": {"move": "1,000"}}, "bad-money", "operation.approval.move", "separators"),
    (
        {"approval": {"total": 1, "approvers": "li"}},
        "bad-plan",
        "operation.approval.approvers",
        "a list of names",
    ),
    (
        {"approval": {"total": 1, "approvers": ["li", "li"]}},
        "bad-name",
        "operation.approval.approvers",
        "every name once",
    ),
    # Pacing.
    ({"pacing": {"lines": [0.9, 0.8]}}, "bad-plan", "operation.pacing.lines", "rising"),
    ({"pacing": {"lines": [0.9, 0.9]}}, "bad-plan", "operation.pacing.lines", "rising"),
    ({"pacing": {"lines": [0]}}, "bad-number", "operation.pacing.lines", "above 0"),
    ({"pacing": {"lines": [80]}}, "bad-number", "operation.pacing.lines", "30%"),
    ({"pacing": {"lines": 0.8}}, "bad-plan", "operation.pacing.lines", "rising"),
    ({"pacing": {"band": 1.1}}, "bad-number", "operation.pacing.band", "30%"),
    ({"pacing": {"overspend": "reserves"}}, "bad-plan", "operation.pacing.overspend", "'reserve'"),
    # Releases.
    (
        {"releases": [{"when": "scenario", "share": 1}]},
        "bad-plan",
        "operation.releases.0.scenario",
        "give scenario",
    ),
    (
        {"releases": [{"when": "pace", "share": 1, "pace": 0.1, "hurdle": 1}]},
        "bad-plan",
        "operation.releases.0.hurdle",
        "it alone",
    ),
    (
        {"releases": [{"when": "pace", "share": 0, "pace": 0.1}]},
        "bad-number",
        "operation.releases.0.share",
        "above 0",
    ),
    (
        {"releases": [{"when": "mroas", "share": "101%", "hurdle": 1}]},
        "bad-number",
        "operation.releases.0.share",
        "30%",
    ),
    (
        {"releases": [{"when": "mroas", "share": 1, "hurdle": 0}]},
        "bad-argument",
        "operation.releases.0.hurdle",
        "from 1e-12",
    ),
    (
        {"releases": [{"when": "roas", "share": 1, "hurdle": 1}]},
        "bad-plan",
        "operation.releases.0.when",
        "'mroas'",
    ),
    # Periods and alerts.
    ({"fiscal": {"period": "week"}}, "bad-argument", "operation.fiscal.period", "month"),
    ({"fiscal": {"first_month": 13}}, "bad-argument", "operation.fiscal.first_month", "1 to 12"),
    ({"alerts": {"stale_days": 0}}, "bad-argument", "operation.alerts.stale_days", "1 to 365"),
    ({"alerts": {"stuck_weeks": 2.5}}, "bad-argument", "operation.alerts.stuck_weeks", "whole"),
    ({"alerts": {"reserve_low": 2}}, "bad-number", "operation.alerts.reserve_low", "30%"),
    ({"alerts": {"pause_cpa": 0}}, "bad-argument", "operation.alerts.pause_cpa", "from 1e-12"),
]


@pytest.mark.parametrize(("given", "code", "field", "remedy"), REFUSED)
def test_what_is_wrong_is_named_with_its_place_and_its_remedy(given, code, field, remedy):
    with pytest.raises(bo.InputError) as caught:
        Operation.of(given)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert remedy in caught.value.remedy
    # The same through a plan, which alone would find nothing wrong.
    with pytest.raises(bo.InputError) as caught:
        bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")], operation=given)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"freezes": [phase("x", channels=["c"])]}, "unknown-name", "operation.freezes.0.channels"),
        ({"phases": [phase(budget="1.005")]}, "bad-money", "operation.phases.burst.budget"),
        (
            {"phases": [phase(max_change={"money": "1e15"})]},
            "bad-money",
            "operation.phases.burst.max_change.money",
        ),
        ({"approval": {"channel": "1e15"}}, "bad-money", "operation.approval.channel"),
    ],
)
def test_a_plan_refuses_what_does_not_fit_its_channels_and_its_currency(changes, code, field):
    for freeze in changes.get("freezes", []):
        del freeze["budget"]
    with pytest.raises(bo.InputError) as caught:
        plan(operation=changes)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_freeze_of_a_misspelt_channel_names_the_nearest():
    freeze = {"name": "x", "first": "2026-01-01", "last": "2026-01-01", "channels": ["Feed"]}
    with pytest.raises(bo.InputError, match="did you mean 'feed'"):
        plan(freezes=[freeze], channels=[bo.Channel("feed"), bo.Channel("kol")])


@pytest.mark.parametrize(
    ("table", "place", "remedy"),
    [
        ({"phase": []}, "operation.phase", "did you mean 'phases'"),
        ({"phases": [phase(kinds="burst")]}, "operation.phases.0.kinds", "did you mean 'kind'"),
        ({"phases": [phase(max_change={"shar": 1})]}, "operation.phases.0.max_change", "'share'"),
        ({"freezes": [phase("x", chanels=[])]}, "operation.freezes.0.budget", "choose one of"),
        ({"approval": {"totall": 1}}, "operation.approval.totall", "did you mean 'total'"),
        ({"pacing": {"line": [1]}}, "operation.pacing.line", "did you mean 'lines'"),
        ({"releases": [{"hurdles": 1}]}, "operation.releases.0.hurdles", "did you mean 'hurdle'"),
        ({"fiscal": {"periods": "year"}}, "operation.fiscal.periods", "did you mean 'period'"),
        ({"alerts": {"stale": 3}}, "operation.alerts.stale", "did you mean 'stale_days'"),
        ({"phases": [{"name": "x"}]}, "operation.phases.0.first", "add operation.phases.0.first"),
        ({"fiscal": {"period": "week"}}, "operation.fiscal.period", "choose one of 'month'"),
        ({"alerts": {"stale_days": "3"}}, "operation.alerts.stale_days", "a whole number"),
    ],
)
def test_a_plan_file_names_what_is_misspelt_missing_or_of_another_kind(table, place, remedy):
    data = {"currency": "CNY", "budget": 1, "channels": [{"name": "a"}], "operation": table}
    with pytest.raises(bo.InputError) as caught:
        Plan.from_dict(data)
    assert caught.value.code == "bad-plan"
    assert caught.value.field.startswith(place)
    assert remedy in caught.value.remedy


# Any operation comes back as it was

names = st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "M"]), min_size=1, max_size=9)
names = names.filter(str.strip).filter(twin_key)
shares = st.decimals(0, 1, places=4)
above = shares.filter(bool)
money = st.decimals(0, 10**9, places=2)
days = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
changes = st.none() | st.builds(MaxChange, shares, st.none() | money)


@st.composite
def phases(draw):
    ends = sorted(draw(st.lists(days, max_size=8, unique=True)))
    spans = zip(ends[::2], ends[1::2], strict=False)
    titles = draw(st.lists(names, min_size=4, max_size=4, unique_by=twin_key))
    kinds = st.sampled_from(["preparation", "warm-up", "burst", "steady", "wind-down"])
    made = [
        Phase(title, first, last, draw(money), draw(kinds), draw(changes))
        for title, (first, last) in zip(titles, spans, strict=False)
    ]
    return draw(st.permutations(made))


def freezes(channels):
    return st.builds(
        lambda name, first, more, held, why: Freeze(
            name, first, first + dt.timedelta(days=more), held, why
        ),
        names,
        days,
        st.integers(0, 3_659),
        st.lists(st.sampled_from(channels), unique=True).map(tuple),
        st.sampled_from(["frozen", "learning"]),
    )


approvals = st.builds(
    Approval,
    move=money,
    move_share=st.none() | shares,
    channel=st.none() | money,
    total=st.none() | money,
    approvers=st.lists(names, unique=True, max_size=3).map(tuple),
)
positive = st.floats(1e-9, 1e9)
releases = st.one_of(
    st.builds(lambda s, n: Release("scenario", s, scenario=n), above, names),
    st.builds(lambda s, p: Release("pace", s, pace=p), above, above),
    st.builds(lambda s, h: Release("mroas", s, hurdle=h), above, positive),
)


def operations(channels):
    return st.builds(
        Operation,
        phases=phases(),
        freezes=st.lists(freezes(channels), max_size=3),
        approval=st.none() | approvals,
        pacing=st.builds(
            Pacing,
            st.lists(above, unique=True, max_size=4).map(sorted),
            shares,
            st.sampled_from(["reserve", "weakest", "stop"]),
        ),
        releases=st.lists(releases, max_size=3),
        fiscal=st.builds(
            Fiscal, st.sampled_from(["month", "quarter", "year", "4-4-5"]), st.integers(1, 12)
        ),
        alerts=st.builds(
            AlertRules,
            st.integers(1, 365),
            st.integers(1, 520),
            shares,
            shares,
            st.none() | positive,
            st.none() | positive,
        ),
    )


@given(operations(["a", "b"]))
def test_any_operation_comes_back_from_a_plan_file_as_it_was(operation):
    made = bo.Plan(
        budget=100,
        currency="CNY",
        channels=[bo.Channel("a"), bo.Channel("b")],
        operation=operation,
    )
    assert made.operation == operation
    assert Plan.from_dict(made.to_dict()) == made
    back = Plan.from_json(made.to_json())
    assert (back, hash(back)) == (made, hash(made))
    assert Operation.of(operation.to_dict()) == operation


def released_on(scenario, *scenarios):
    releases = [{"when": "scenario", "share": 1, "scenario": scenario}]
    return bo.Plan(
        budget=100,
        currency="CNY",
        channels=[bo.Channel("a")],
        scenarios=scenarios,
        operation={"releases": releases},
    )


def test_a_release_names_a_scenario_of_the_plan():
    promotion, kind = {"name": "rival", "kind": "competitor"}, {"kind": "cost-shock"}
    for name, scenarios in (
        ("rival", [promotion]),
        ("cost-shock", [promotion, kind]),
        # A plan that declares none leaves it to whoever declares them.
        ("rival", []),
    ):
        assert released_on(name, *scenarios).operation.releases[0].scenario == name
    for name in ("rivall", "competitor"):
        with pytest.raises(bo.PlanError) as caught:
            released_on(name, promotion, kind)
        assert caught.value.code == "unknown-name"
        assert caught.value.field == "operation.releases.0.scenario"
    with pytest.raises(bo.PlanError, match="did you mean 'rival'"):
        released_on("rivall", promotion)
