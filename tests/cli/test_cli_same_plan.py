"""Decision, belief and simulator know the same plan: each command uses every field or names it.

For every field that is more than money the answer with it differs from the answer without it, in a
number, or the field's name stands in it.
"""

import csv
import dataclasses
import datetime as dt
import json
import math
import re
import tomllib
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Log
from budgetopt.ledger import Ledger
from budgetopt.market import believed_market
from budgetopt.optimize.allocate import allocate
from budgetopt.optimize.frontier import frontier
from budgetopt.plan.fields import COMMANDS as USES
from budgetopt.simulation.what_if import sensitivity, sobol, what_if
from budgetopt.workflow import run_week
from budgetopt.workflow.proposal import decision_of
from budgetopt.workflow.ramp import ramp
from budgetopt.workflow.week_state import state_of

from .helpers import run

NAMES = ("search", "feed", "kol")
WEEK, TODAY = dt.date(2026, 11, 2), "2026-11-02"
WEEKS = 20
FIELDS = {
    # First, since it stands before any table; it matters before a week with less money.
    "horizon": """
horizon = 5
[[operation.phases]]
name = "pause"
first = 2026-11-16
last = 2026-11-22
budget = 1300
""",
    "operation.phases": """
[[operation.phases]]
name = "burst"
first = 2026-11-02
last = 2026-11-08
budget = 4000
max_change = "50%"
""",
    "operation.freezes": """
[[operation.freezes]]
name = "learning"
first = 2026-11-02
last = 2026-11-08
channels = ["kol"]
""",
    "demand": """
[demand]
2026-11-03 = 1.6
""",
    "limits_over": """
[[limits_over.month]]
kind = "group"
name = "search a month"
where = ["search"]
at_most = 3500
""",
    "events": """
[events]
"brand day" = [["2026-08-12"], ["2026-11-04"]]
""",
    "channels.carryover": 'carryover = { kind = "geometric", share = 0.6 }',
    "channels.prior": "prior = { roas = 0.05, roas_sd = 0.02 }",
}
PLAN = """
currency = "CNY"
budget = 3300
outcome = "revenue"
{table}

[[channels]]
name = "search"
{channel}

[[channels]]
name = "feed"
cap = 2000

[[channels]]
name = "kol"
"""


def text(field):
    """Return a plan file with one field in it, or with all of them, or none."""
    parts = FIELDS.values() if field == "all" else [FIELDS.get(field, "")]
    own = [part for part in parts if not part.startswith("\n")]
    tables = [part for part in parts if part.startswith("\n")]
    return PLAN.format(table="".join(tables), channel="\n".join(own))


def plan_of(field):
    return bo.Plan.from_dict(tomllib.loads(text(field)))


def rows():
    rng = np.random.default_rng(5)
    for number in range(WEEKS):
        week = WEEK - dt.timedelta(weeks=WEEKS - number)
        spend = np.round(rng.uniform(600, 1500, 3))
        lift = 3.0 if week <= dt.date(2026, 8, 12) <= week + dt.timedelta(days=6) else 1.0
        brought = [9000, 5000, 3000] * -np.expm1(-spend / 1200) * lift
        outcome = np.round(brought * rng.lognormal(0, 0.1, 3))
        for name, money, value in zip(NAMES, spend, outcome, strict=True):
            yield week, name, money, value


@pytest.fixture(scope="module")
def past():
    weeks, _, spend, outcome = zip(*rows(), strict=True)
    starts = np.array(weeks[:: len(NAMES)], dtype="datetime64[D]")
    tables = (np.reshape(part, (WEEKS, len(NAMES))) for part in (spend, outcome))
    return bo.History(NAMES, starts, *tables)


def last_of(past):
    return dict(zip(NAMES, past.spend[-1].tolist(), strict=True))


def by_allocate(plan, past):
    found = allocate(plan, bo.learn(past, plan), last=last_of(past), week=WEEK)
    return found.to_dict(), found.notes


def by_frontier(plan, past):
    belief = bo.learn(past, plan)
    found = frontier(plan, belief, [2000, 3000, 4000], last=last_of(past), week=WEEK)
    # Phases make the budget, which a frontier is given: its range follows them.
    usual = frontier(plan, belief, last=last_of(past), week=WEEK)
    return [found.to_dict(), usual.to_dict()], found.notes


def by_what_if(plan, past):
    belief, changes = bo.learn(past, plan), {"less": {"budget": "-20%"}}
    found = what_if(plan, belief, changes, last=last_of(past), week=WEEK)
    return found.to_frame().to_dict("list"), found.notes


def by_sensitivity(plan, past):
    belief = bo.learn(past, plan)
    found = sensitivity(plan, belief, inputs=["budget", "rate"], last=last_of(past), week=WEEK)
    return found.to_frame().to_dict("list"), found.notes


def by_sobol(plan, past):
    belief = bo.learn(past, plan)
    inputs = ["budget", "rate"]
    found = sobol(plan, belief, by=0.02, inputs=inputs, draws=8, last=last_of(past), week=WEEK)
    return found.to_frame().to_dict("list"), found.notes


def by_reallocate(plan, past):
    found = bo.reallocate(plan, past, week=WEEK)
    return found.to_dict(), found.notes


def by_week(plan, past):
    with TemporaryDirectory() as folder, Ledger.open(f"{folder}/week.db", create=True) as ledger:
        found = run_week(plan, past, ledger, who="ann", today=TODAY, week=WEEK)
    return found.decision.to_dict(), found.decision.notes


def by_ramp(plan, past):
    found = ramp(plan, bo.learn(past, plan), last_of(past), 4, week=WEEK)
    return found.to_dict(), found.notes


def by_simulate(plan, past):
    market = believed_market(plan, bo.learn(past, plan), start=WEEK)
    found = bo.simulate(plan, market, ["hold", "posterior-mean"], weeks=3, runs=8, history=past)
    return found.to_dict(), found.notes


def by_tests(plan, past):
    found = bo.value_of_tests(plan, bo.learn(past, plan), channels=["feed"],
                              designs=["regions,-100%,4,20%"], draws=64)  # fmt: skip
    return found.to_dict(), found.notes


def by_year(plan, past):
    found = bo.plan_weeks(plan, bo.learn(past, plan), 3, history=past, start=WEEK)
    return found.to_dict(), found.notes


def by_learn(plan, past):
    belief = bo.learn(past, moved_back(plan))
    band = belief.response(np.array(list(last_of(past).values())), 0.8)
    return [band.low.tolist(), band.mean.tolist(), band.high.tolist()], belief.notes


def by_backtest(plan, past):
    found = bo.backtest(moved_back(plan), past, weeks=3)
    return found.to_dict(), found.notes


def by_portfolio(plan, past):
    found = bo.Portfolio([bo.Account("shop", plan, past)]).reallocate(week=WEEK)
    [account] = found.accounts
    return [account, *found.channels], account["notes"].splitlines()


def moved_back(plan):
    """Return a plan with its dated fields in weeks that are over."""
    return bo.Plan.from_json(earlier(plan.to_json()))


def earlier(words):
    """Return a text with the days of November two weeks earlier."""

    def back(match):
        return str(dt.date.fromisoformat(match[0]) - dt.timedelta(weeks=2))

    return re.sub(r"2026-11-\d\d", back, words)


COMMANDS = {
    f.__name__[3:]: f
    for f in (
        by_allocate,
        by_frontier,
        by_what_if,
        by_sensitivity,
        by_sobol,
        by_reallocate,
        by_week,
        by_ramp,
        by_simulate,
        by_tests,
        by_year,
        by_learn,
        by_backtest,
        by_portfolio,
    )
}


BESIDE = {
    ("learn", field)
    for field in ("horizon", "limits_over", "operation.phases", "operation.freezes")
}
BESIDE.add(("backtest", "horizon"))
"""Fields beside the matter: what is learned from was spent, and past weeks have no phase ahead."""


def numbers(found):
    """Return the numbers of plain data; what is copied from plan and history is no answer."""
    if isinstance(found, dict):
        left = {"plan", "notes", "words", "rules", "history", "fired", "budget", "held"}
        return [n for key, value in found.items() if key not in left for n in numbers(value)]
    if isinstance(found, (list, tuple)):
        return [n for value in found for n in numbers(value)]
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return [] if math.isnan(found) else [float(found)]
    if isinstance(found, str) and re.fullmatch(r"-?\d+(\.\d+)?", found):
        return [float(found)]
    return []


def named_in(notes):
    """Return the fields that notes name as unused."""
    said = re.compile(r"plan fields not used here: ([^(]*) \(")
    fields = (
        note.values.get("fields", ()) if hasattr(note, "values") else said.findall(str(note))
        for note in notes
    )
    return [name for each in fields for name in each]


def moved(one, other):
    """Say whether two answers differ in numbers by more than arithmetic."""
    mine, theirs = numbers(one), numbers(other)
    return len(mine) != len(theirs) or not np.allclose(mine, theirs, rtol=1e-6)


@pytest.fixture(scope="module")
def without(past):
    return {name: command(plan_of(""), past) for name, command in COMMANDS.items()}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_each_field_moves_the_answer_or_is_named(command, field, past, without):
    found, notes = COMMANDS[command](plan_of(field), past)
    if (command, field) in BESIDE:
        assert not moved(found, without[command][0])
        return
    if (command, field) == ("sobol", "demand"):
        # Shares of a variance stay where all outcomes are scaled; the week's demand is said.
        assert notes == by_sensitivity(plan_of(field), past)[1] != ()
        return
    assert moved(found, without[command][0]) or field in named_in(notes)
    assert not named_in(without[command][1])


@pytest.mark.parametrize("command", COMMANDS)
def test_all_fields_together_are_taken(command, past, without):
    found, _ = COMMANDS[command](plan_of("all"), past)
    assert moved(found, without[command][0])


def test_every_command_that_declares_what_it_uses_is_among_them():
    # What `check` uses it says in words, on the command line below.
    known = {name.replace("_", "-") for name in COMMANDS} - {"portfolio"} | {"check"}
    assert known == set(USES)


def test_a_past_week_is_decided_with_what_was_ahead_of_it(past):
    """What is frozen for two weeks should stand where it is wanted before that."""
    freeze = """
[[operation.freezes]]
name = "learning"
first = 2026-10-26
last = 2026-11-08
channels = ["kol"]
"""
    advised = []
    for table in ("", "horizon = 6\n"):
        plan = bo.Plan.from_dict(tomllib.loads(PLAN.format(table=table + freeze, channel="")))
        found = bo.backtest(plan, past, weeks=2)
        advised.append([next(iter(week.advised.values())).tolist() for week in found.weeks])
    alone, ahead = advised
    assert moved(alone[0], ahead[0])
    assert not moved(alone[1], ahead[1])


@pytest.mark.parametrize("field", ["operation.phases", "operation.freezes", "demand", "events"])
def test_without_a_week_what_is_dated_is_named(field, past):
    plan, belief = plan_of(field), bo.learn(past, plan_of(field))
    market = dataclasses.replace(believed_market(plan, belief), start=None)
    answers = {
        "allocate": allocate(plan, belief),
        "frontier": frontier(plan, belief, [3000]),
        "what-if": what_if(plan, belief),
        "sensitivity": sensitivity(plan, belief, inputs=["budget"]),
        "sobol": sobol(plan, belief, inputs=["budget"], draws=8),
        "ramp": ramp(plan, belief, last_of(past), 1),
        "simulate": bo.simulate(plan, market, "equal", weeks=1, runs=1),
    }
    for name, found in answers.items():
        assert any(
            field in n.values.get("fields", ()) for n in found.notes if hasattr(n, "values")
        ), name


def test_a_belief_that_was_learned_without_the_plan_is_named(past):
    belief = bo.learn(past, plan_of(""))
    for field in ("channels.prior", "channels.carryover"):
        # What is extrapolated is said as well.
        [note] = (n for n in what_if(plan_of(field), belief).notes if "not used" in n)
        assert (
            note == f"plan fields not used here: {field} (the given belief was learned without it)"
        )
    curves = dict.fromkeys(NAMES, Log(100, 500))
    [note] = what_if(plan_of("channels.prior"), curves).notes
    assert note.values["why"] == "the curves are given, so nothing is learned"


# On the command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ann")
    lines = [f"{week},{name},{money},{value}" for week, name, money, value in rows()]
    (tmp_path / "history.csv").write_text("\n".join(["week,channel,spend,outcome", *lines]) + "\n")
    for field in ("", *FIELDS):
        (tmp_path / f"plan {field}.toml").write_text(text(field), encoding="utf-8")
        (tmp_path / f"past {field}.toml").write_text(earlier(text(field)), encoding="utf-8")
        account = tmp_path / "accounts" / (field or "plain")
        account.mkdir(parents=True)
        (account / "plan.toml").write_text(text(field), encoding="utf-8")
        (account / "history.csv").write_bytes((tmp_path / "history.csv").read_bytes())
    return tmp_path


PAST = ("--history", "history.csv", "--as-of", TODAY)
LINES = {
    "check": PAST,
    "learn": (*PAST, "--json"),
    "backtest": (*PAST, "--weeks", 3, "--json"),
    "what-if": (*PAST, "--week", WEEK, "--budget", "-20%", "--json"),
    "tests": (*PAST, "--channel", "feed", "--design", "regions,-100%,4,20%", "--json"),
    "reallocate": (*PAST, "--week", WEEK, "--json"),
    "week": (*PAST, "--week", WEEK, "--json"),
    "ramp": (*PAST, "--weeks", 3, "--json"),
    "frontier": (*PAST, "--week", WEEK, "--json"),
    "year": (*PAST, "--weeks", 3, "--start", WEEK, "--json"),
    "simulate": (*PAST, "--weeks", 2, "--runs", 4, "--json"),
}


@pytest.mark.parametrize("command", LINES)
def test_on_the_command_line_each_field_moves_the_answer_or_is_named(command, folder, capsys):
    found = {}
    for field in ("", *FIELDS):
        ledger = ("--ledger", f"{field}.db") if command == "week" else ()
        when = "past" if command in ("learn", "backtest") else "plan"
        code, out, err = run(capsys, command, f"{when} {field}.toml", *LINES[command], *ledger)
        assert code in (0, 4, 5), err
        found[field] = out
    for field in FIELDS:
        if command == "check":
            # Phases are walked ahead: the burst fits, and the pause of another plan does not.
            said = "('pause'): limits require at least 2,310.01"
            spoken = field in found[field] or said in " ".join(found["horizon"].split())
            assert spoken if field == "operation.phases" else field in found[field]
            continue
        answers = [json.loads(found[name]) for name in (field, "")]
        if (command, field) in BESIDE:
            assert not moved(*answers)
            continue
        named = re.search(f"plan fields not used here: [^:]*{re.escape(field)}", found[field])
        assert moved(*answers) or named, field


def test_every_account_of_a_night_is_decided_by_every_field_of_its_plan(folder, capsys):
    code, _, err = run(capsys, "nightly", "accounts", "--out", "out", "--week", WEEK,
                       "--as-of", TODAY)  # fmt: skip
    assert code == 0, err
    with open("out/channels.csv", encoding="utf-8-sig", newline="") as file:
        rows = [(row["account"], float(row["spend"])) for row in csv.DictReader(file)]
    with open("out/accounts.csv", encoding="utf-8-sig", newline="") as file:
        brought = {row["account"]: row for row in csv.DictReader(file)}
    for field in FIELDS:
        mine, plain = (
            [
                *(money for name, money in rows if name == account),
                float(brought[account]["outcome"]),
            ]
            for account in (field, "plain")
        )
        assert moved(mine, plain) or field in brought[field]["notes"], field


def test_only_a_plan_with_curves_is_allocated_and_names_what_it_has_no_week_for(folder, capsys):
    curve = 'curve = { kind = "exponential", top = 5000, scale = 1200 }'
    for field in ("operation.phases", "operation.freezes", "demand", "events", "horizon"):
        words = re.sub(r'(name = "(?:search|feed|kol)")', rf"\1\n{curve}", text(field))
        (folder / "curves.toml").write_text(words, encoding="utf-8")
        code, out, err = run(capsys, "allocate", "curves.toml", "--json")
        assert code == 0, err
        assert re.search(f"plan fields not used here: [^:]*{re.escape(field)}", out), field


def test_the_page_says_the_demand_of_the_week(folder, capsys):
    said = "demand in the week of 2026-11-02 is x1.6"
    for command, more in (("reallocate", ()), ("week", ("--ledger", "w.db"))):
        line = (command, "plan demand.toml", *PAST, "--week", WEEK, *more)
        assert said in " ".join(run(capsys, *line)[1].split())
        assert "需求指数为 x1.6" in run(capsys, *line, "--lang", "zh")[1].replace("\n", "")


def test_an_edited_week_is_priced_in_its_demand(folder, past, capsys):
    ledger = ("--ledger", "w.db")
    week = ("week", "plan demand.toml", *PAST, "--week", WEEK, *ledger, "--json")
    feed = float(json.loads(run(capsys, *week)[1])["decision"]["allocation"]["spend"]["feed"])
    edited = ("edit", "plan demand.toml", *ledger, "--week", WEEK, "--history", "history.csv")
    code, _, err = run(
        capsys, *edited, "--set", f"feed={feed - 10:.2f}", "--why", "stock", "--json"
    )
    assert code == 0, err
    with Ledger.open("w.db") as found:
        allocation = decision_of(state_of(found, WEEK).current.data).allocation
    assert float(allocation.spend["feed"]) == pytest.approx(feed - 10)
    belief = bo.learn(past, plan_of("demand"))
    spend = np.array([float(allocation.spend[name]) for name in NAMES])
    brought = 1.6 * float(belief.mean().value(spend).sum())
    assert allocation.outcome == pytest.approx(brought, rel=1e-9)
