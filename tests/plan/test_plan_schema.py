"""The JSON Schema of a plan file, and that any plan comes back as it was."""

import datetime as dt
import inspect
import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Carryover, Exponential, Hill, Log, Logistic, Points, Power
from budgetopt.history import Delay
from budgetopt.money import Currency
from budgetopt.plan import (
    BudgetLines,
    Channel,
    ChannelPrior,
    LiftTest,
    MaxChange,
    Operation,
    Plan,
    Reserve,
)
from budgetopt.plan.fields import PlanFields
from budgetopt.plan.files import schema, table_of
from budgetopt.plan.limits import KINDS
from budgetopt.untrusted import twin_key

EXAMPLE = Path(__file__).parents[2] / "examples" / "weekly" / "plan.toml"
EVERY_FIELD = Path(__file__).parent / "every_field.toml"


def least(**changes):
    """Return the smallest plan as plain data, with some fields changed or added."""
    return {"currency": "CNY", "budget": 100, "channels": [{"name": "a"}]} | changes


def channel(**changes):
    return least(channels=[{"name": "抖音"} | changes])


def test_the_schema_is_plain_json_and_refuses_unknown_fields_everywhere():
    made = schema()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["required"] == ["currency", "budget", "channels"]
    objects = [made, *made["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects)
    assert made["$defs"]["ChannelFile"]["required"] == ["name"]
    assert "default" not in made["properties"]["reserve"]


def fits(value, rule, root):
    """Return whether a value fits the few rules of JSON Schema that ours uses."""
    if "$ref" in rule:
        return fits(value, root["$defs"][rule["$ref"].rsplit("/", 1)[1]], root)
    if "anyOf" in rule:
        return any(fits(value, one, root) for one in rule["anyOf"])
    if "const" in rule:
        return value == rule["const"]
    if "enum" in rule:
        return value in rule["enum"]
    kind = rule.get("type")
    if kind == "number":
        known = isinstance(value, (int, float)) and not isinstance(value, bool)
        return known and value >= rule.get("minimum", value)
    if kind == "array":
        if not isinstance(value, list) or len(value) < rule.get("minItems", 0):
            return False
        short = len(value) <= rule.get("maxItems", len(value))
        return short and all(fits(v, rule["items"], root) for v in value)
    if kind == "object":
        return isinstance(value, dict) and fits_object(value, rule, root)
    simple = {"string": isinstance(value, str), "null": value is None}
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return ({None: True, "boolean": isinstance(value, bool)} | simple)[kind]


def fits_object(value, rule, root):
    named, more = rule.get("properties", {}), rule.get("additionalProperties", True)
    if not set(rule.get("required", [])) <= set(value):
        return False
    for name, part in value.items():
        if name in named:
            good = fits(part, named[name], root)
        else:
            good = more if isinstance(more, bool) else fits(part, more, root)
        if not good:
            return False
    return True


def test_the_schema_accepts_the_plans_that_load_and_what_to_dict_gives():
    made = schema()
    for plan in (Plan.load(EXAMPLE), Plan.load(EVERY_FIELD), Plan.from_dict(least())):
        assert fits(plan.to_dict(), made, made)
    assert not fits(least(budgett=1), made, made)
    assert not fits(channel(flor=1), made, made)
    assert not fits(channel(floor=-1), made, made)
    assert not fits(channel(pinned=1), made, made)
    assert not fits(least(operation={"pacings": {}}), made, made)
    assert not fits(least(operation={"fiscal": {"first_month": "2"}}), made, made)
    assert fits(least(events=["2026-01-01", ["2026-01-01", "2026-01-02"]]), made, made)
    assert not fits(least(events={"a": ["2026-01-01"] * 3}), made, made)
    assert not fits({"currency": "CNY", "budget": 1}, made, made)


def test_the_schema_has_every_kind_of_limit_with_what_its_parts_say():
    made = schema()
    kinds = made["properties"]["limits"]["items"]["anyOf"]
    assert [one["properties"]["kind"]["const"] for one in kinds] == list(KINDS)
    assert all(part.get("description") or "const" in part
               for one in kinds for part in one["properties"].values())  # fmt: skip
    turnover = {"kind": "turnover", "at_most": 100}
    assert fits(least(limits=[turnover], limits_over={"month": [turnover]}), made, made)
    for wrong in ({"kind": "turnover"}, {"kind": "turn", "at_most": 1}, turnover | {"most": 1}):
        assert not fits(least(limits=[wrong]), made, made)
        assert not fits(least(limits_over={"month": [wrong]}), made, made)


def test_the_file_knows_every_field_of_the_columns_and_their_defaults():
    declared = {f.name: f.default for f in fields(bo.Columns)}
    in_file = {name: field.default for name, field in table_of(bo.Columns).model_fields.items()}
    plain = {"ignore": (), "map": (), "sources": (), "controls": (), "where": declared["where"]}
    assert not in_file["where"]
    assert in_file | plain == declared
    assert set(table_of(bo.history.MapRule).model_fields) == {
        f.name for f in fields(bo.history.MapRule)
    }


def test_the_file_holds_every_field_of_the_plan_and_its_parts():
    in_file = set(table_of(PlanFields).model_fields) - {"schema_version", "history"}
    assert in_file | {"columns"} == {f.name for f in fields(Plan)}
    for part in (Channel, Operation, MaxChange, BudgetLines, Delay, Carryover):
        assert set(table_of(part).model_fields) == {f.name for f in fields(part)}


@pytest.mark.parametrize("kind", [Plan, Channel, Operation, MaxChange, Reserve, BudgetLines])
def test_every_declared_field_is_documented(kind):
    """Several names may share a line, as in ``scenarios, contingencies``."""
    lines = inspect.getdoc(kind).splitlines()
    names = {name for line in lines if line[:1].islower() for name in line.split(", ")}
    assert {f.name for f in fields(kind)} <= names


# Any plan comes back as it was

names = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp", "M"]), min_size=1, max_size=12
).filter(twin_key)
positive = st.floats(1e-6, 1e9)
curves = st.one_of(
    st.builds(Exponential, positive, positive),
    st.builds(Hill, positive, positive, st.floats(0.1, 5)),
    st.builds(Log, positive, positive),
    st.builds(Logistic, positive, positive),
    st.builds(Power, positive, positive, st.floats(0.01, 0.99)),
    st.lists(positive, min_size=1, max_size=5, unique=True).map(
        lambda xs: Points(sorted(xs), sorted(xs))
    ),
)

delays = st.builds(
    lambda shares: Delay([*sorted(shares), 1.0]), st.lists(st.floats(0.01, 1), max_size=4)
)
weibulls = st.sampled_from(["weibull-pdf", "weibull-cdf"])
carryovers = st.one_of(
    st.builds(Carryover, st.just("geometric"), share=st.floats(0, 0.95)),
    st.builds(
        Carryover,
        st.just("delayed"),
        share=st.floats(0.01, 0.95),
        delay=st.floats(0, 4),
        length=st.integers(5, 520),
    ),
    st.builds(
        Carryover,
        weibulls,
        shape=st.floats(0.1, 10),
        scale=st.floats(0.1, 50),
        length=st.integers(1, 60),
    ),
)

priors = st.builds(
    ChannelPrior,
    roas=positive,
    roas_sd=st.floats(0.01, 5),
    saturation=st.none() | positive,
    noise=st.none() | st.floats(0.001, 5),
)
days = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
events = st.lists(
    st.tuples(days, st.integers(0, 30)).map(lambda e: (e[0], e[0] + dt.timedelta(days=e[1]))),
    max_size=3,
) | st.dictionaries(names.map("event {}".format), days, max_size=3)
demands = st.dictionaries(st.integers(0, 500), st.floats(0.001, 50), max_size=5).map(
    lambda held: {dt.date(2020, 1, 6) + dt.timedelta(weeks=at): v for at, v in held.items()}
)

values = st.none() | st.booleans() | names | st.integers() | st.floats(-1e9, 1e9) | days
scenarios = st.builds(
    lambda fields, name: fields | {"name": name},
    st.dictionaries(names, values | st.lists(values, max_size=3), max_size=3),
    names,
)


def lift_tests(channels):
    return st.builds(
        LiftTest,
        st.sampled_from(channels),
        st.floats(-1e9, 1e9),
        positive,
        st.floats(1e3, 1e9),
        st.floats(0, 999),
        st.none() | days,
    )


@st.composite
def plans(draw):
    code = draw(st.sampled_from(["CNY", "JPY", "KWD", "XXX"]))

    def money(least=0, most=10**9):
        return Currency(code).amount(draw(st.integers(least, most)))

    def change():
        share = draw(st.none() | st.decimals(0, 10, places=6))
        cash = draw(st.none() | st.just(money()))
        zero = None if share is None else draw(st.none() | st.just(money()))
        return MaxChange(share, cash, zero)

    def one(name):
        floor = money(most=10**6)
        cap = draw(st.none() | st.just(floor + money()))
        locked = draw(st.none() | st.just(floor if cap is None else cap))
        curve = draw(st.none() | curves)
        return Channel(
            name,
            floor=floor,
            cap=cap,
            locked=locked,
            max_change=change() if draw(st.booleans()) else None,
            curve=curve,
            pinned=curve is not None and draw(st.booleans()),
            prior=draw(st.none() | priors),
            labels=draw(st.dictionaries(names, names, max_size=3)),
            carryover=draw(st.none() | carryovers),
        )

    channel_names = draw(st.lists(names, min_size=1, max_size=4, unique_by=twin_key))
    lines = draw(st.dictionaries(names, st.decimals(0, 10**6, places=3), max_size=4))
    reserve = draw(st.decimals(0, 100, places=5).map(lambda p: Reserve(f"{p}%")))
    return Plan(
        budget=money(),
        currency=code,
        channels=[one(n) for n in channel_names],
        max_change=change(),
        reserve=draw(st.none() | st.just(reserve)),
        step=draw(st.none() | st.just(money(least=1))),
        spend=draw(st.sampled_from(["at-most", "all"])),
        outcome=draw(st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "M"]))),
        outcome_unit=draw(st.none() | positive),
        week_start=draw(st.sampled_from(["monday", "Sunday"])),
        columns=bo.Columns(
            week="w", repeats=draw(st.sampled_from(["refuse", "sum"])), gaps="unknown"
        ),
        budget_lines=BudgetLines(sum(lines.values()), lines) if lines else None,
        name=draw(names),
        delay=draw(st.none() | delays),
        events=draw(events),
        demand=draw(demands),
        lift_tests=draw(st.lists(lift_tests(channel_names), unique=True, max_size=3)),
        scenarios=draw(st.lists(scenarios, unique_by=lambda held: held["name"], max_size=2)),
        contingencies=draw(st.lists(st.fixed_dictionaries({"scenario": names}), max_size=2)),
    )


@given(plans())
def test_any_plan_comes_back_from_dict_and_json_as_it_was(plan):
    made = plan.to_dict()
    assert Plan.from_dict(made) == plan
    assert Plan.from_dict(made).to_dict() == made
    assert Plan.from_json(plan.to_json()) == plan
    assert hash(Plan.from_json(plan.to_json())) == hash(plan)
    assert fits(json.loads(json.dumps(made, allow_nan=False)), schema(), schema())
