"""Plan files: TOML and JSON in, JSON out, the schema, and what is wrong where."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.curves import Carryover, Hill, Points
from budgetopt.history import Delay
from budgetopt.plan import (
    AlertRules,
    Approval,
    BudgetLines,
    Channel,
    ChannelPrior,
    Fiscal,
    Freeze,
    LiftTest,
    MaxChange,
    Operation,
    Pacing,
    Phase,
    Plan,
    Release,
    Reserve,
    Target,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "weekly" / "plan.toml"

EVERY_FIELD = Path(__file__).parent / "every_field.toml"

EVERY_FIELD_IN_PYTHON = Plan(
    name="Weekly",
    currency="CNY",
    budget="20000.50",
    step="0.50",
    spend="all",
    max_change=MaxChange(share="0.25", money=4000, from_zero="300.25"),
    outcome="revenue",
    outcome_unit=120.5,
    week_start="Sunday",
    park_after=8,
    limits_over={"quarter": [bo.Limit.group("feeds a quarter", {"kind": "feeds"}, at_most="60%")]},
    reserve=Reserve("5%"),
    columns=bo.Columns(
        layout="wide",
        week="DATE",
        spend={"抖音": "dy", "a b": "ab"},
        outcome=("orders", "value"),
        rows="daily",
        date_format="%d-%m-%Y",
        delimiter=";",
        decimal=",",
        encoding="gbk",
        missing="zero",
        gaps="unknown",
    ),
    delay=Delay(
        [0.7, 0.95, 1], [0, 1, 2.5], [0.1, 0.05, 0], channels={"a b": {"shares": [0.5, 0.8, 1.0]}}
    ),
    events=[
        ("618", "2026-06-01", "2026-06-18"),
        ("双11", "2025-11-01", "2025-11-11"),
        ("双11", "2026-11-11", "2026-11-11"),
        ("brand_day", "2026-03-08", "2026-03-08"),
    ],
    demand={"2026-06-15": 1.6, "2026-11-09": 2},
    lift_tests=[
        LiftTest("a b", -12.5, 30, 500, 100.5, "2026-03-31"),
        LiftTest("抖音", 120, 0.1, 5000),
    ],
    scenarios=[
        {
            "kind": "competitor",
            "name": "双11 rival",
            "start": "2026-11-01",
            "end": "2026-11-11",
            "size": 0.25,
            "channels": ["抖音"],
        },
        {"kind": "overspend", "start": 5},
    ],
    contingencies=[{"scenario": "双11 rival", "release": 0.5, "pause": ["抖音"], "after": 2}],
    cases=[
        {"name": "抖音 dearer", "price": {"抖音": "+30%"}, "demand": "x1.1"},
        {"name": "cut", "budget": "-20%", "cap": {"抖音": 900}, "without": ["a b"]},
    ],
    targets=[
        Target("outcome", "+30%", dt.date(2026, 11, 30), dt.date(2026, 11, 1)),
        Target("roas", 3, dt.date(2026, 12, 31)),
    ],
    operation=Operation(
        phases=[
            Phase("预热", dt.date(2026, 11, 1), dt.date(2026, 11, 8), "8000.40", "warm-up", "none"),
            Phase(
                "双11",
                dt.date(2026, 11, 9),
                dt.date(2026, 11, 11),
                30000,
                "burst",
                MaxChange(2, "9000.50"),
            ),
        ],
        freezes=[
            Freeze(
                "learning of 抖音",
                dt.date(2026, 10, 5),
                dt.date(2026, 10, 18),
                ["抖音"],
                "learning",
            )
        ],
        approval=Approval(2000, "0.20", "9000.50", 30000, ["li", "王"]),
        pacing=Pacing((0.8, 0.95, 1), 0.07, "weakest"),
        releases=[Release("pace", "0.5", pace=0.1)],
        fiscal=Fiscal("4-4-5", 2),
        alerts=AlertRules(stale_days=12, pause_roas=0.8),
    ),
    budget_lines=BudgetLines(
        "110000.10", {"content and creative": "50000.05", "media": "60000.05"}
    ),
    channels=[
        Channel(
            "抖音",
            floor="1000.25",
            cap=8000,
            max_change=MaxChange(),
            curve=Hill(9000.5, 4000, 0.8),
            labels={"kind": "feeds", "segment": "new"},
            prior=ChannelPrior(3.5, 0.2, 20000, 0.7, 0.3),
        ),
        Channel(
            "a b",
            locked=500,
            max_change=0.5,
            curve=Points([0, 10.5], [0, 3]),
            carryover=Carryover("delayed", share=0.4, delay=1.5, length=8),
            pinned=True,
            awake=True,
        ),
    ],
)


def least(**changes):
    """Return the smallest plan as plain data, with some fields changed or added."""
    return {"currency": "CNY", "budget": 100, "channels": [{"name": "a"}]} | changes


LIFT = {"channel": "a", "incremental": 5, "error": 1, "high": 9}


def channel(**changes):
    return least(channels=[{"name": "抖音"} | changes])


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(data):
    with pytest.raises(bo.InputError) as caught:
        Plan.from_dict(data)
    return caught.value


def test_every_field_of_a_toml_file_arrives():
    assert Plan.load(EVERY_FIELD) == EVERY_FIELD_IN_PYTHON


def test_every_field_survives_dict_json_and_files(tmp_path):
    plan = EVERY_FIELD_IN_PYTHON
    assert Plan.from_dict(plan.to_dict()) == plan
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.load(written(tmp_path, "plan.JSON", plan.to_json())) == plan
    assert Plan.from_json(json.dumps(plan.to_dict())) == plan


def test_amounts_in_files_are_decimals_not_floats(tmp_path):
    # 0.1 + 0.2 is 0.3 here, and 2**53 - 1 cents keeps its last cent.
    text = 'currency = "CNY"\nbudget = 90071992547409.91\nchannels = [{name = "a", floor = 0.1}]'
    assert Plan.load(written(tmp_path, "p.toml", text)).spendable == Decimal("90071992547409.91")
    lines = '"budget_lines": {"total": 0.3, "lines": {"a": 0.1, "b": 0.2}}'
    plan = Plan.from_json(
        f'{{"currency": "CNY", "budget": 1, "channels": [{{"name": "a"}}], {lines}}}'
    )
    assert plan.budget_lines.total == Decimal("0.3")


def test_the_smallest_plan_needs_three_fields():
    plan = Plan.from_dict(least())
    assert plan == Plan(budget=100, currency="CNY", channels=[Channel("a")])
    assert plan.max_change == MaxChange("30%")
    assert Plan.from_dict(plan.to_dict()) == plan


def test_the_example_plan_loads_and_comes_back():
    plan = Plan.load(EXAMPLE)
    assert len(plan.channels) == 12
    assert plan.currency == "CNY"
    assert Plan.from_dict(plan.to_dict()) == plan


def test_the_example_with_the_documents_total_is_refused_by_ten_thousand(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8").replace("total = 110000", "total = 100000")
    with pytest.raises(bo.PlanError, match="10,000 above the total 100,000") as caught:
        Plan.load(written(tmp_path, "plan.toml", text))
    assert caught.value.code == "lines-do-not-add-up"
    assert caught.value.value == "10000"


# What is misspelt, missing or wrong, at every level


@pytest.mark.parametrize(
    ("data", "place", "suggestion"),
    [
        (least(budgett=5), "budgett", "'budget'"),
        ({"currency": "CNY", "budget": 1, "chanels": [{"name": "a"}]}, "chanels", "'channels'"),
        (channel(flor=5), "channels.0.flor", "'floor'"),
        (channel(cpa=5), "channels.0.cpa", "'cap'"),
        (channel(lock=5), "channels.0.lock", "'locked'"),
        (least(reserve={"contigency": 5}), "reserve.contigency", "'contingency'"),
        (least(history={"layuot": "long"}), "history.layuot", "'layout'"),
        (least(budget_lines={"totl": 1, "lines": {}}), "budget_lines.totl", "'total'"),
        (least(delay={"shars": [1]}), "delay.shars", "'shares'"),
        (
            least(delay={"shares": [1], "channels": {"a": {"shres": [1]}}}),
            "delay.channels.a.shres",
            "'shares'",
        ),
        (
            channel(carryover={"kind": "geometric", "shar": 1}),
            "channels.0.carryover.shar",
            "'share'",
        ),
        (channel(prior={"raos": 3}), "channels.0.prior.raos", "'roas'"),
        (channel(pined=True), "channels.0.pined", "'pinned'"),
        (least(lift_tests=[{"chanel": "a"}]), "lift_tests.0.chanel", "'channel'"),
        (least(lift_tests=[LIFT, LIFT | {"channel": "aa"}]), "lift_tests.1.channel", "'a'"),
        (least(event={}), "event", "'events'"),
        (least(max_change={"shar": 0.1}), "max_change", "'share'"),
        (channel(max_change={"form_zero": 1, "share": 1}), "max_change of '抖音'", "'from_zero'"),
        (channel(curve={"kind": "hil", "top": 1}), "channels.抖音.curve.kind", "'hill'"),
    ],
)
def test_a_misspelt_field_is_refused_with_a_suggestion(data, place, suggestion):
    error = refused(data)
    assert error.field == place
    assert suggestion in error.remedy


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({}, "currency"),
        ({"currency": "CNY", "channels": []}, "budget"),
        ({"currency": "CNY", "budget": 1}, "channels"),
        (least(channels=[{"floor": 1}]), "channels.0.name"),
        (least(budget_lines={"lines": {}}), "budget_lines.total"),
        (least(budget_lines={"total": 1}), "budget_lines.lines"),
        (least(lift_tests=[{"channel": "a", "error": 1, "high": 9}]), "lift_tests.0.incremental"),
    ],
)
def test_a_missing_field_is_refused_with_its_place(data, place):
    error = refused(data)
    assert (error.code, error.field) == ("bad-plan", place)
    assert "missing" in str(error)


WRONG = [5, [1], {"a": 1}, None, True, "text"]


@pytest.mark.parametrize(
    ("make", "fine"),
    [
        (lambda v: least(currency=v), ()),
        (lambda v: least(budget=v), (5,)),
        (lambda v: least(step=v), (5, None)),
        (lambda v: least(name=v), ("text",)),
        (lambda v: least(outcome=v), ("text",)),
        (lambda v: least(outcome_unit=v), (5, None)),
        (lambda v: least(week_start=v), ()),
        (lambda v: least(spend=v), ()),
        (lambda v: least(max_change=v), (5, None)),
        (lambda v: least(reserve=v), ()),
        (lambda v: least(reserve={"contingency": v}), (5,)),
        (lambda v: least(history=v), ()),
        (lambda v: least(history={"week": v}), ("text",)),
        (lambda v: least(history={"layout": v}), ()),
        (lambda v: least(history={"layout": "wide", "outcome": "y", "spend": v}), ()),
        (lambda v: least(history={"outcome": v}), ("text",)),
        (lambda v: least(history={"ignore": v}), ()),
        (lambda v: least(budget_lines=v), (None,)),
        (lambda v: least(budget_lines={"total": 1, "lines": v}), ({"a": 1},)),
        (lambda v: least(budget_lines={"total": 1, "lines": {"a": v}}), ()),
        (lambda v: least(delay=v), (None,)),
        (lambda v: least(delay={"shares": v}), ([1],)),
        (lambda v: least(delay={"shares": [1], "ages": v}), ([1], None)),
        (lambda v: least(delay={"shares": [1], "channels": v}), ()),
        (lambda v: least(delay={"shares": [1], "channels": {"a": {"shares": v}}}), ([1],)),
        (lambda v: least(events=v), ()),
        (lambda v: least(events={"a": v}), ()),
        (lambda v: least(events={"a": ["2026-01-01", v]}), ()),
        (lambda v: least(demand=v), ()),
        (lambda v: least(demand={"2026-01-01": v}), (5,)),
        (lambda v: least(lift_tests=v), ()),
        (lambda v: least(lift_tests=[v]), ()),
        (lambda v: least(lift_tests=[LIFT | {"channel": v}]), ()),
        (lambda v: least(lift_tests=[LIFT | {"incremental": v}]), (5,)),
        (lambda v: least(lift_tests=[LIFT | {"error": v}]), (5,)),
        (lambda v: least(lift_tests=[LIFT | {"high": v}]), (5,)),
        (lambda v: least(lift_tests=[LIFT | {"low": v}]), (5,)),
        (lambda v: least(lift_tests=[LIFT | {"ended": v}]), (None,)),
        (lambda v: least(channels=v), ()),
        (lambda v: least(channels=[v]), ()),
        (lambda v: channel(name=v), ("text",)),
        (lambda v: channel(floor=v), (5,)),
        (lambda v: channel(cap=v), (5, None)),
        (lambda v: channel(locked=v), (5, None)),
        (lambda v: channel(max_change=v), (5, None)),
        (lambda v: channel(max_change={"share": v}), (5, None)),
        (lambda v: channel(curve=v), (None,)),
        (lambda v: channel(curve={"kind": v}), ()),
        (lambda v: channel(curve={"kind": "log", "scale": 1, "top": v}), (5,)),
        (lambda v: channel(carryover=v), (None,)),
        (lambda v: channel(carryover={"kind": v}), ()),
        (lambda v: channel(carryover={"kind": "geometric", "share": v}), ()),
        (lambda v: channel(prior=v), (None,)),
        (lambda v: channel(prior={"roas": v}), (5, None)),
        (lambda v: channel(prior={"roas": 3, "roas_sd": v}), (5,)),
        (lambda v: channel(pinned=v), ()),
        (lambda v: channel(awake=v), (True,)),
        (lambda v: least(park_after=v), (5, None)),
        (lambda v: channel(curve={"kind": "log", "top": 1, "scale": 1}, pinned=v), (True,)),
        (lambda v: channel(labels=v), ()),
        (lambda v: channel(labels={"a": v}), ("text",)),
    ],
)
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_value_of_the_wrong_type_is_a_typed_error_at_every_level(make, fine, wrong):
    if any(wrong == f and type(wrong) is type(f) for f in fine):
        Plan.from_dict(make(wrong))
    else:
        error = refused(make(wrong))
        assert error.remedy
        assert "dict[" not in error.field
        assert ".str" not in error.field


@pytest.mark.parametrize("data", [[], "plan", 5, None, [("currency", "CNY")]])
def test_what_is_no_mapping_is_refused(data):
    assert refused(data).code == "bad-plan"


@pytest.mark.parametrize("version", [2, 0, "1", None])
def test_another_schema_version_is_refused(version):
    assert refused(least(schema_version=version)).field == "schema_version"


@pytest.mark.parametrize(
    ("curve", "named"),
    [
        ({"kind": "hill", "top": float("nan"), "half": 1, "shape": 1}, "top"),
        ({"kind": "hill", "top": 1, "half": float("inf"), "shape": 1}, "half"),
        ({"kind": "hill", "top": 1, "half": 1, "shape": -1}, "shape"),
        ({"kind": "log", "top": -1, "scale": 1}, "top"),
        ({"kind": "exponential", "top": 1, "scale": 0}, "scale"),
        ({"kind": "logistic", "top": 1, "scale": -2}, "scale"),
        ({"kind": "power", "top": 1, "scale": 1, "exponent": 1}, "exponent"),
        ({"kind": "points", "spend": [0, 2, 1], "outcome": [0, 1, 2]}, "spend"),
        ({"kind": "points", "spend": [0, 1], "outcome": [0, float("nan")]}, "outcome"),
        ({"kind": "points", "spend": [0, 1], "outcome": [1, 2]}, "spend"),
        ({"kind": "log", "top": 1}, "curve"),
        ({"kind": "log", "top": 1, "scale": 1, "tip": 1}, "tip"),
        ({"kind": "log", "top": [1, 2], "scale": 1}, "curve"),
        ({"top": 1}, "kind"),
    ],
)
def test_a_bad_curve_in_a_file_is_refused_with_channel_and_parameter(curve, named):
    error = refused(channel(curve=curve))
    assert error.code == "bad-curve"
    assert "'抖音'" in str(error)
    assert error.field.endswith(named)


def test_a_delay_of_no_channel_of_the_plan_is_refused():
    error = refused(channel() | {"delay": {"shares": [1], "channels": {"抖音2": {"shares": [1]}}}})
    assert (error.code, error.field) == ("unknown-name", "delay.channels")
    assert error.remedy == "did you mean '抖音'?"
    with pytest.raises(bo.PlanError, match="give a Delay"):
        Plan(budget=1, currency="CNY", channels=[Channel("a")], delay=[1.0])


def test_a_bad_delay_in_a_file_is_refused_with_its_place():
    error = refused(least(delay={"shares": [0.5, 0.4, 1]}))
    assert (error.code, error.field) == ("bad-argument", "delay.shares")
    assert "falls from 0.5 to 0.4" in str(error)


@pytest.mark.parametrize(
    ("carryover", "named", "said"),
    [
        ({"kind": "geometric", "share": 1}, "share", "below 1"),
        ({"kind": "geometric"}, "share", "missing"),
        ({"kind": "delayed", "share": 0.5, "delay": 9, "length": 9}, "delay", "from 0 to 8"),
        ({"kind": "weibull-pdf", "share": 0.5, "length": 9}, "share", "has no share"),
    ],
)
def test_a_bad_carryover_in_a_file_is_refused_with_channel_and_parameter(carryover, named, said):
    error = refused(channel(carryover=carryover))
    assert (error.code, error.field) == ("bad-curve", f"channels.抖音.carryover.{named}")
    assert said in str(error)


def test_two_channels_of_one_name_in_a_file_are_refused():
    assert "declared twice" in str(refused(least(channels=[{"name": "a"}, {"name": "a"}])))


def test_money_that_a_file_cannot_mean_is_refused():
    assert "1,000" in str(refused(least(budget="1,000")))
    assert "not finite" in str(refused(least(budget=float("inf"))))
    assert "yes or no" in str(refused(channel(floor=False)))


# Files that are no plan


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    text = 'currency = "CNY"\r\nbudget = 1\r\nchannels = [{name = "抖音"}]\r\n'
    plan = Plan.load(written(tmp_path, "p.toml", b"\xef\xbb\xbf" + text.encode()))
    assert plan.names == ("抖音",)
    as_json = json.dumps(plan.to_dict(), ensure_ascii=False).encode()
    assert Plan.load(written(tmp_path, "p.json", b"\xef\xbb\xbf" + as_json)) == plan


@pytest.mark.parametrize("name", ["p.toml", "p.json"])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('currency = "CNY" # 抖音'.encode("gbk"), "bad-file"),
        ('{"currency": "CNY"}'.encode("utf-16"), "bad-file"),
        (b"\xff\xfe\x00", "bad-file"),
        (b"{[}", "bad-plan"),
        (b"", "bad-plan"),
        (b"[1, 2]", "bad-plan"),
        (b"a = 1\na = 2", "bad-plan"),
        (b"\x00", "bad-plan"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path, name, content, code):
    with pytest.raises(bo.PlanError) as caught:
        Plan.load(written(tmp_path, name, content))
    assert caught.value.code == code


def test_a_field_written_twice_is_refused_in_json_as_in_toml():
    text = '{"currency": "CNY", "budget": 1, "budget": 2, "channels": [{"name": "a"}]}'
    with pytest.raises(bo.PlanError, match="'budget' is written twice"):
        Plan.from_json(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, "NaN", '{"budget": 1e9999999999999}'])
def test_json_that_breaks_parsers_is_a_typed_error(text):
    with pytest.raises(bo.InputError):
        Plan.from_json(text)


def test_a_path_that_cannot_be_read_is_refused_with_the_reason(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    for path, reason in [
        (tmp_path / "folder.toml", "directory"),
        (tmp_path / "none.toml", "No such file"),
        (tmp_path / "plan.yaml", "neither .toml nor .json"),
        (tmp_path / "plan", "neither .toml nor .json"),
        ("a\0b.toml", "null"),
    ]:
        with pytest.raises(bo.PlanError, match=reason) as caught:
            Plan.load(path)
        assert caught.value.code == "bad-file"
        assert caught.value.remedy
