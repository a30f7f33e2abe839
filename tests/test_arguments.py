"""Whatever is given to a public name, it answers, or raises an error with field and remedy."""

import datetime as dt
import inspect
import itertools
import statistics
import tempfile
import time
from contextlib import chdir
from dataclasses import fields
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.arguments import public
from budgetopt.market import Market, Prior

# What NumPy warns of, a negative number to a broken power, is no error to a caller.
pytestmark = pytest.mark.filterwarnings("default")

PLAN = bo.Plan(
    name="p",
    budget=300,
    currency="CNY",
    channels=[bo.Channel("a", curve=bo.Log(50, 40)), bo.Channel("b", curve=bo.Log(80, 90))],
    reserve={"contingency": 20},
)
SPEND = np.round(np.random.default_rng(0).lognormal(4.6, 0.3, (10, 2)), 2)
HISTORY = bo.History(
    ("a", "b"),
    np.datetime64("2026-01-05") + np.timedelta64(7, "D") * np.arange(10),
    SPEND,
    np.round(SPEND**0.5 * 9),
)
BELIEF = bo.learn(HISTORY, PLAN, settings=bo.Settings.fast())
WEEK = bo.Week(dt.date(2026, 3, 16))
LAST = {"a": 100, "b": 100}
MONDAY, WHO = "2026-03-16", {"who": "x", "why": "y"}


EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "weekly"


@pytest.fixture(scope="module", autouse=True)
def _elsewhere():
    """Run where a call that takes a wrong name for a file may write it."""
    with chdir(_place()):
        yield


class Odd:
    """Nothing that any call takes."""


HOSTILE = [
    None, True, -1, 0, 7, 10**30, 3.5, float("nan"), float("inf"), -1e300, Decimal("NaN"),
    Decimal("sNaN"), "", "x", "\ud800", b"x", [], ["x"], [None], {}, {"x": 1}, {1: 2},
    {"a": None}, ("a", "a"), Odd(), Path("/nope"), np.array([]), np.array([1, 2, 3]),
    np.array([[1.0, 2.0]]), np.array(["a"], dtype=object), np.float64(2), np.int64(2),
    dt.date(2026, 1, 7), dt.datetime(2026, 1, 7, tzinfo=dt.UTC), PLAN, HISTORY, BELIEF, int, Odd,
    {1, 2}, pd.DataFrame({"a": [1]}), pd.NaT, pd.NA, np.datetime64("NaT", "D"), 1j, WEEK,
    bo.Log(1, 1), range(3),
]  # fmt: skip


def parts(record):
    """Return the fields of a record as arguments that make it again."""
    return {one.name: getattr(record, one.name) for one in fields(record) if one.init}


@cache
def answers():
    """Return one answer of each kind."""
    market = Market(PLAN.names, Prior(2, 1000.0))
    return {
        "decision": bo.reallocate(PLAN, HISTORY, belief=BELIEF),
        "allocation": bo.allocate(PLAN),
        "market": market,
        "simulation": bo.simulate(PLAN, market, "equal", weeks=2, runs=2),
        "frontier": bo.frontier(PLAN, budgets=[100, 200]),
        "experiment": bo.Experiment(("x", "y")),
        "ramp": bo.ramp(PLAN, None, LAST, 2),
        "schedule": bo.plan_weeks(PLAN, weeks=2, start=MONDAY, draws=4),
        "backtest": bo.backtest(PLAN, HISTORY, policies=["hold"], weeks=1),
    }


@cache
def ledger():
    """Return a ledger with a week in it; wrong calls leave it as it is."""
    book = bo.Ledger.open(_place() / "l.sqlite")
    answers()["run"] = bo.run_week(PLAN, HISTORY, book, who="x", today=MONDAY, belief=BELIEF)
    bo.approve(book, PLAN, MONDAY, who="x")
    return book


@cache
def _place():
    return Path(tempfile.mkdtemp())


@cache
def declarations():
    """Return the classes that are written by hand, with arguments that are right."""
    made = (
        *PLAN.channels[:1], PLAN, PLAN.goal, PLAN.max_change, PLAN.reserve, PLAN.operation,
        bo.BudgetLines(2, {"a": 1, "b": 1}), bo.Phase("x", MONDAY, MONDAY, 3),
        bo.Freeze("x", MONDAY, MONDAY), bo.Approval(move=1), bo.Release("pace", 0.5, pace=0.9),
        bo.Target("cpa", 3, MONDAY), bo.Columns(), HISTORY, WEEK, bo.Log(1, 1), bo.Hill(1, 1, 2),
        bo.Exponential(1, 1), bo.Power(1, 1, 0.5), bo.Logistic(1, 1), bo.Points([0, 1], [0, 1]),
        bo.Carryover("geometric", 0.5), bo.Settings(), BELIEF, bo.ChannelPrior(),
        bo.LiftTest("a", 1.0, 0.5, 2.0), bo.Risk.cvar(), bo.HoldSteady(), bo.EqualSplit(),
        bo.PosteriorMean(), bo.Proportional(), bo.Greedy(), bo.Optimistic(), bo.Thompson(),
        bo.UpperQuantile(), bo.Cautious(), bo.Guarded(), bo.ExplorationBudget(), bo.Phased(),
        bo.Change(), bo.Pilot("a", 1000, 0.02),
    )  # fmt: skip
    delay = {"shares": [0.5, 1.0], "ages": [0, 1], "log_sds": [0.1, 0], "channels": {}}
    return [*((type(one), parts(one)) for one in made), (bo.Delay, delay)]


def calls():
    """Yield every other public name, with arguments that are right."""
    both = {"plan": PLAN, "history": HISTORY}
    a = answers()
    week = {"ledger": ledger(), "plan": PLAN, "week": MONDAY}
    for made in a.values():
        if type(made).__name__ in bo.__all__:
            yield type(made), parts(made)
    yield bo.learn, {**both, "settings": bo.Settings.fast()}
    yield bo.allocate, {**rest(bo.allocate), "plan": PLAN}
    yield bo.frontier, {**rest(bo.frontier), "plan": PLAN, "budgets": [100, 200]}
    yield bo.plan_weeks, {**rest(bo.plan_weeks), "plan": PLAN, "weeks": 2, "start": MONDAY}
    yield bo.what_if, {**rest(bo.what_if), "plan": PLAN, "changes": {"x": {"budget": "+1%"}}}
    yield bo.ramp, {**rest(bo.ramp), "plan": PLAN, "curves": None, "last": LAST, "weeks": 2}
    yield bo.reallocate, {**rest(bo.reallocate), **both, "belief": BELIEF, "policy": "equal"}
    yield bo.backtest, {**rest(bo.backtest), **both, "policies": ["hold"], "weeks": 1}
    yield bo.simulate, {**rest(bo.simulate), "plan": PLAN, "market": a["market"], "weeks": 1,
                        "policies": "equal", "runs": 1}  # fmt: skip
    tests = {**rest(bo.value_of_tests), "plan": PLAN, "belief": BELIEF, "draws": 512}
    yield bo.value_of_tests, tests
    shop = bo.Account("x", PLAN, HISTORY)
    night = bo.Portfolio([shop])
    yield bo.Account, parts(shop)
    yield bo.Portfolio, {"accounts": [shop]}
    yield night.reallocate, {**rest(night.reallocate), "policy": "equal"}
    yield bo.Ledger, {"store": None, "clock": None}
    yield bo.Ledger.open, {**rest(bo.Ledger.open), "where": _place() / "o.sqlite"}
    yield bo.run_week, {**rest(bo.run_week), **both, "ledger": ledger(), "who": "x",
                        "today": MONDAY, "belief": BELIEF}  # fmt: skip
    yield bo.approve, {**week, **WHO, "revision": 1}
    yield bo.reject, {**week, **WHO, "revision": 1}
    yield bo.apply, {**week, **WHO, "spends": LAST}
    yield bo.edit, {**week, **WHO, "history": HISTORY, "spends": LAST, "belief": BELIEF}
    yield bo.release, {"ledger": ledger(), "plan": PLAN, "amount": 1, **WHO, "today": MONDAY,
                       "week": None}  # fmt: skip
    yield bo.upload_sheet, {**rest(bo.upload_sheet), **week, "platform": "google"}
    yield from methods(a)


def methods(a):
    """Yield makers and questions of the public classes."""
    frame, run = HISTORY.to_frame(), a["simulation"]
    yield bo.Limit.group, {"name": "g", "where": {"k": "v"}, "at_most": 3}
    yield bo.Plan.load, {"path": EXAMPLE / "plan.toml"}
    yield bo.Plan.draft, {"history": HISTORY, "currency": "CNY"}
    for made in (PLAN, a["decision"], a["experiment"]):
        yield type(made).from_dict, {"data": made.to_dict()}
        yield type(made).from_json, {"text": made.to_json()}
    for made in (BELIEF, a["allocation"]):
        yield type(made).from_dict, {"data": made.to_dict()}
    yield PLAN.on, {"week": WEEK}
    yield PLAN.budget_of, {"first": dt.date(2026, 1, 1), "last": dt.date(2026, 2, 1)}
    for ask in (PLAN.frozen, PLAN.demand_of, PLAN.events_of):
        yield ask, {"week": WEEK}
    yield bo.History.from_frame, {**rest(bo.History.from_frame), "frame": frame}
    yield bo.History.read, {**rest(bo.History.read), "path": EXAMPLE / "history.csv"}
    yield HISTORY.until, {"week": dt.date(2026, 2, 2)}
    yield HISTORY.select, {"channels": ["a", "b"], "currency": "CNY"}
    yield bo.Week.of, {"day": dt.date(2026, 1, 5), "start_day": "monday"}
    yield WEEK.shift, {"weeks": 1}
    yield WEEK.over, {"today": dt.date(2026, 1, 1)}
    for curve in (bo.Log(1, 1), bo.Hill(1, 1, 2), bo.Points([0, 1], [0, 1])):
        yield curve.value, {"spend": 3.0}
        yield curve.slope, {"spend": 3.0}
        yield curve.spend_at_slope, {"slope": 0.5}
    yield bo.Points.sampled, {"function": np.sqrt, "upto": 10, "tolerance": 1e-2}
    yield bo.Carryover("geometric", 0.5).carried_in, {"before": [1.0], "weeks": 3}
    yield BELIEF.draw, {"rng": np.random.default_rng(0), "draws": 2}
    yield BELIEF.quantile, {"chance": 0.5, "spend": [1.0, 2.0]}
    yield BELIEF.gain, {"before": [1.0, 2.0], "after": [3.0, 4.0]}
    yield BELIEF.tilted, {"power": 1.0, "spend": [1.0, 2.0]}
    yield BELIEF.response, {"spend": [1.0, 2.0], "level": 0.8}
    yield BELIEF.predict, {"spend": [1.0, 2.0], "level": 0.8}
    yield BELIEF.calibration, {"weeks": 8, "level": 0.8}
    yield BELIEF.updated, {"history": HISTORY}
    yield BELIEF.__getitem__, {"channel": "a"}
    yield a["decision"].explain, {"language": "en"}
    yield a["frontier"].budget_at, {"hurdle": 1.0}
    yield a["experiment"].next_day, {"budget": 1000, "rng": None}
    yield a["market"].weather, {**rest(a["market"].weather), "weeks": 2, "runs": 2, "seed": 0}
    yield bo.Risk.cvar().value, {"outcomes": [1.0, 2.0], "last": None}
    for ask in (run.by_week, run.by_run, run.mean, run.quantiles, run.chance, run.cvar,
                run.to_frame, run.metrics, run.summary):  # fmt: skip
        yield ask, rest(ask)


def rest(call):
    """Return the arguments of a call that have a default, at it."""
    every = inspect.signature(call).parameters.values()
    return {one.name: one.default for one in every if one.default is not one.empty}


@cache
def every_call():
    return [*declarations(), *calls()]


def refused_well(call, right, name, value):
    """Call with one wrong argument: an answer, or a typed error that says what to do."""
    error = None
    try:
        call(**{**right, name: value})
    except bo.BudgetoptError as refused:
        error = refused
    assert error is None or (error.code and isinstance(error.field, str) and error.remedy)


# Work grows with these, and a wrong one of them may be a right one for a long night.
UNBOUNDED = {"runs", "weeks", "draws", "chunk", "horizon"}
# The caller's own functions: what they raise is the caller's.
FUNCTIONS = {"progress", "function", "clock"}


def is_wrong(name, value):
    """Return whether a value is worth trying for an argument."""
    if name in FUNCTIONS:
        return not callable(value)
    return name not in UNBOUNDED or not isinstance(value, int | float)


VALUES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=3), st.floats())


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_declarations_raise_only_typed_errors(data):
    kind, right = data.draw(st.sampled_from(declarations()))
    refused_well(kind, right, data.draw(st.sampled_from(sorted(right))), data.draw(VALUES))


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_only_typed_errors(data):
    call, right = data.draw(st.sampled_from(every_call()))
    name = data.draw(st.sampled_from(sorted(right)))
    value = data.draw(VALUES)
    if is_wrong(name, value):
        refused_well(call, right, name, value)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(40))
def test_every_argument_with_every_value(shard):
    every = [(call, right, name) for call, right in every_call() for name in right]
    for (call, right, name), value in itertools.islice(
        itertools.product(every, HOSTILE), shard, None, 40
    ):
        if is_wrong(name, value):
            refused_well(call, right, name, value)


@pytest.mark.slow
def test_every_public_name_is_called_and_marked():
    called = {getattr(call, "__name__", "") for call, _ in every_call()}
    for name in bo.__all__:
        one = getattr(bo, name)
        if isinstance(one, type) and issubclass(one, Exception):
            continue
        made = one.group if name == "Limit" else one
        assert hasattr(made.__init__ if isinstance(made, type) else made, "__wrapped__"), name
        assert name == "Limit" or name in called, name


@pytest.mark.parametrize(
    ("call", "field", "words"),
    [
        (lambda: bo.reallocate(PLAN, None), "history", "history is None: give a History"),
        (lambda: bo.learn(PLAN, HISTORY), "history", "history is a Plan: give what has"),
        (lambda: bo.allocate("plan.toml"), "plan", "plan is 'plan.toml': give a Plan"),
        (lambda: bo.allocate(PLAN, 3), "curves", "curves is 3: give a belief"),
        (lambda: bo.Channel("a", labels=3), "labels", "labels of Channel is 3"),
        (lambda: bo.Channel("a", kap=3), "kap", "Channel has no parameter 'kap': did you mean"),
        (lambda: bo.learn(hist=3), "hist", "learn has no parameter 'hist': did you mean"),
        (lambda: bo.frontier(PLAN, budgets=5), "budgets", "budgets is 5: give a list or None"),
        (lambda: bo.allocate(PLAN, last=[1, 2]), "last", "last is a list: give a mapping"),
    ],
)
def test_the_wrong_argument_is_named(call, field, words):
    with pytest.raises(bo.InputError) as refused:
        call()
    assert refused.value.field == field
    assert words in str(refused.value)
    assert refused.value.remedy


def test_a_failure_of_our_own_is_raised_as_it_is():
    @public
    def broken(plan: bo.Plan) -> int:
        return [][0]

    with pytest.raises(IndexError):
        broken(PLAN)


def test_a_stand_in_is_asked_for_no_more_than_is_used():
    class Names:
        names = ("a",)

    @public
    def first(plan: bo.Plan) -> str:
        return plan.names[0]

    assert first(Names()) == "a"
    with pytest.raises(bo.InputError, match="plan is 3: give a Plan"):
        first(3)


def test_a_series_by_channel_is_last_weeks_spend():
    assert bo.allocate(PLAN, last=pd.Series(LAST)) == bo.allocate(PLAN, last=LAST)


def test_a_missing_argument_is_said_by_python():
    with pytest.raises(TypeError, match="missing 1 required"):
        bo.reallocate(PLAN)


@pytest.mark.slow
def test_a_right_call_costs_what_it_did():
    bare, times = bo.allocate.__wrapped__, {"bare": [], "marked": []}
    for _ in range(60):
        for name, call in (("bare", bare), ("marked", bo.allocate)):
            begun = time.process_time_ns()
            call(PLAN)
            times[name].append(time.process_time_ns() - begun)
    ratio = statistics.median(times["marked"]) / statistics.median(times["bare"])
    assert ratio < 1.05
