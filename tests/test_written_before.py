"""What the version before wrote is read, lived on and checked as it was then.

The files in ``fixtures/before`` were written by commit 52d501d: a ledger in which one week was
edited, approved, applied and overspent, a second one approved and applied, 90 released by hand, and
a third one proposed; the plan, history and belief of it; its last allocation; and a plan of every
field, as TOML and as that version wrote it back.
"""

import datetime as dt
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.errors import InputError, VerificationError
from budgetopt.ledger import Ledger
from budgetopt.workflow import apply, approve, edit, run_week, state_of, states_of

BEFORE = Path(__file__).parent / "fixtures" / "before"
WEEK = dt.date(2026, 4, 13)
"""The week that is proposed."""


def data_of(name):
    return json.loads((BEFORE / name).read_text("utf-8"))


@pytest.fixture
def ledger(tmp_path):
    where = tmp_path / "budget.ledger"
    with closing(sqlite3.connect(where)) as connection:
        connection.executescript((BEFORE / "ledger.sql").read_text("utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return Ledger.open(where)


@pytest.fixture
def plan():
    return bo.Plan.load(BEFORE / "plan.json")


@pytest.fixture
def history():
    return bo.History.read(BEFORE / "history.csv")


def covers(new, old):
    """Say whether data hold all that older data hold, with the same values."""
    if isinstance(old, dict):
        return all(key in new and covers(new[key], value) for key, value in old.items())
    if isinstance(old, list):
        return len(new) == len(old) and all(map(covers, new, old))
    return new == old


def test_plan_files_are_read_with_every_field():
    plan = bo.Plan.load(BEFORE / "every_field.toml")
    # An outcome whose worth is not declared was worth 1 then, and its worth is not known now.
    written = bo.Plan.load(BEFORE / "every_field_as_json.json")
    assert (plan.value, written) == (None, replace(plan, value=1))
    assert covers(written.to_dict(), data_of("every_field_as_json.json"))


def test_a_belief_is_read_and_is_what_is_learned_from_the_same_weeks(plan, history):
    old = data_of("belief.json")
    belief = bo.Belief.from_dict(old)
    assert covers(belief.to_dict()["log"], old["log"])
    learned = bo.learn(history, plan)
    spend = [1000.0, 1000.0, 1000.0]
    assert belief.mean().value(spend) == pytest.approx(learned.mean().value(spend), rel=1e-12)


def test_an_allocation_without_a_plan_is_checked_by_the_rows_it_carries():
    old = data_of("allocation.json")
    week = bo.Allocation.from_dict(old)
    assert {name: str(money) for name, money in week.spend.items()} == old["spend"]
    assert {row.limit for row in week.rules.rows} == {"douyin", "calm", "balance"}
    again = bo.Allocation.from_dict(json.loads(week.to_json()))
    assert (again, again.to_json()) == (week, week.to_json())
    assert week.explain().splitlines() != week.explain("zh").splitlines()
    # Above its cap; beyond the budget.
    for name, money in (("search", "2401.00"), ("feed", "900.00")):
        spend = {**old["spend"], name: money}
        with pytest.raises(VerificationError, match=r"cap|max change|budget"):
            bo.Allocation.from_dict({**old, "spend": spend})


def test_rows_of_an_allocation_without_a_plan_bind():
    old = data_of("allocation.json")
    rows = [{**row, "room": "1"} if row["limit"] == "calm" else row for row in old["rules"]["rows"]]
    with pytest.raises(VerificationError, match="against"):
        bo.Allocation.from_dict({**old, "rules": {**old["rules"], "rows": rows}})


def test_a_present_record_does_not_pass_without_its_plan():
    plan = bo.Plan(budget=10, currency="CNY", channels=[bo.Channel("a", curve=bo.Log(5, 5))])
    data = bo.allocate(plan).to_dict()
    del data["plan"]
    with pytest.raises(InputError, match="not Allocation data"):
        bo.Allocation.from_dict(data)


def test_a_ledger_is_whole_and_every_decision_in_it_is_read(ledger):
    assert ledger.verify().problems == ()
    states = [(state.state, state.revision) for state in states_of(ledger)]
    assert states == [("measured", 2), ("measured", 1), ("proposed", 1)]
    entries = ledger.entries(kinds=("proposal", "edit"))
    assert len(entries) == 4
    for entry in entries:
        decision = bo.Decision.from_json(entry.data["decision"])
        spend = {name: str(money) for name, money in decision.allocation.spend.items()}
        assert spend == entry.data["spend"]
        assert bo.Decision.from_json(decision.to_json()) == decision
        for language in ("en", "zh"):
            told = decision.explain(language)
            for name, money in decision.allocation.spend.items():
                assert name in told
                assert f"{money:,.0f}" in told


def test_a_proposal_is_found_again_approved_applied_and_the_next_week_follows(
    ledger, plan, history, tmp_path
):
    again = run_week(plan, history, ledger, who="cron", today=WEEK)
    assert (again.new, again.state, again.revision) == (False, "proposed", 1)
    assert approve(ledger, plan, WEEK, who="mei").state == "approved"
    assert apply(ledger, plan, WEEK, who="mei").state == "applied"
    spend = again.decision.allocation.spend
    text = (BEFORE / "history.csv").read_text("utf-8")
    text += "".join(f"{WEEK},{name},{money},2000\n" for name, money in spend.items())
    (where := tmp_path / "longer.csv").write_text(text, "utf-8")
    following = run_week(
        plan, bo.History.read(where), ledger, who="cron", today=WEEK + dt.timedelta(weeks=1)
    )
    assert following.new
    assert WEEK in following.measured
    moves = {move.channel: move.before for move in following.decision.moves}
    assert moves == dict(spend)
    assert following.decision.allocation.total <= Decimal(2934)
    assert ledger.verify().problems == ()


def test_a_proposal_that_was_learned_otherwise_is_not_edited_in_silence(ledger, plan, history):
    """The learner has changed since: the same weeks give other curves, and the page says so."""
    before = state_of(ledger, WEEK).state
    with pytest.raises(InputError, match="run the week again"):
        edit(ledger, plan, history, WEEK, {"feed": 500}, who="lei", why="less stock")
    assert state_of(ledger, WEEK).state == before
    assert ledger.verify().problems == ()
