"""The weekly run: proposed once, revised when inputs change, paid for, measured, recorded."""

import datetime as dt
import importlib
import json
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InfeasibleError
from budgetopt.i18n import in_language
from budgetopt.policies import PosteriorMean
from budgetopt.workflow import reject, run_week, state_of
from budgetopt.workflow.approval import apply, approve
from budgetopt.workflow.inputs import RecordedHistory, record_history, recorded

from ..helpers import FIRST, MONDAY, NAMES, WEEK, after, history, ledger, plan, revised, run

propose_module = importlib.import_module("budgetopt.workflow.proposal")


def kinds(book):
    return [entry.kind for entry in book.entries()]


def test_the_first_run_records_plan_history_and_proposal(tmp_path):
    book = ledger(tmp_path)
    found = run(book)
    assert (found.state, found.revision, found.new) == ("proposed", 1, True)
    assert found.week == FIRST
    assert kinds(book)[:3] == ["plan", "history", "proposal"]
    entry = book.latest("proposal")
    assert (entry.number, entry.week, entry.who) == (found.entry, FIRST, "cron")
    assert found.head == book.head
    decision = bo.reallocate(plan(), history(), week=FIRST)
    assert found.decision.to_json() == decision.to_json()
    assert book.latest("plan").data["plan"] == plan().to_dict()


def test_the_same_inputs_give_the_same_bytes_and_no_entry(tmp_path):
    book = ledger(tmp_path)
    first, head = run(book), book.head
    again = run(book)
    assert book.head == head
    assert not again.new
    assert again.decision.to_json() == first.decision.to_json()
    assert again.to_dict() | {"new": True, "news": []} == first.to_dict() | {"news": []}


def test_the_order_of_channels_in_a_history_is_no_input(tmp_path):
    book, past = ledger(tmp_path), history()
    run(book, past=past)
    head = book.head
    turned = past.select(NAMES[::-1])
    run(book, past=turned)
    assert book.head == head


CHANGES = {
    "seed": ({"seed": 3}, ["the seed changed from 0 to 3"]),
    "policy": (
        {"policy": PosteriorMean()},
        ["the policy changed from optimistic(power=1.0) to posterior-mean"],
    ),
    "guardrails": ({"guardrails": None}, ["the guardrail settings changed"]),
    "scenarios": ({"scenarios": ["rival"]}, ["the declared scenarios are now rival"]),
    "belief": (
        {"belief": bo.learn(history().until(FIRST - WEEK), plan())},
        ["the earlier learning results changed"],
    ),
    "plan": ({"declared": plan(budget=3400)}, ["budget in the plan changed from 3300 to 3400"]),
    "channel": (
        {"declared": plan(channels=[bo.Channel("search", cap=1000), *map(bo.Channel, NAMES[1:])])},
        ["channels.search.cap in the plan changed from nothing to 1000"],
    ),
    "revised": (
        {"past": revised(history(), MONDAY + 8 * WEEK, 0.9)},
        ["the history was revised: 2026-03-02 in feed"],
    ),
    "gone": ({"past": history().until(FIRST - WEEK)}, ["no longer in the history: 2026-03-23"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_input_is_the_next_revision_and_says_what_changed(tmp_path, name):
    book = ledger(tmp_path)
    settings, said = CHANGES[name]
    run(book)
    found = run(book, **settings)
    assert (found.revision, found.new, found.state) == (2, True, "proposed")
    assert list(found.changed) == said
    assert book.latest("proposal").data["changed"] == list(found.changed)
    assert all(in_language(one, "zh") != one for one in found.changed)
    assert run(book, **settings).to_dict()["changed"] == list(found.changed)


def test_a_scenario_stays_declared_and_its_week_approved(tmp_path):
    rule = {"when": "scenario", "scenario": "rival", "share": 0.5}
    book, declared = ledger(tmp_path), plan({"releases": [rule]})
    first = run(book, declared, scenarios=["rival"])
    assert len(first.released) == 1
    approve(book, declared, FIRST, who="ann")
    head = book.head
    again = run(book, declared)
    assert (again.state, again.new, book.head) == ("approved", False, head)
    more = run(book, declared, scenarios=["storm"])
    assert (more.revision, more.changed) == (2, ("the declared scenarios are now rival, storm",))
    assert more.decision.allocation.budget == first.decision.allocation.budget
    # Another week has its own.
    other = run(book, declared, week=FIRST + WEEK)
    assert book.latest("proposal", other.week).data["inputs"]["scenarios"] == []


def test_a_week_that_came_is_named(tmp_path):
    book, week = ledger(tmp_path), FIRST + WEEK
    run(book, today=week)
    found = run(book, past=after(history(), dict.fromkeys(NAMES, 900)), today=week)
    assert list(found.changed) == ["new in the history: 2026-03-30"]


def test_a_history_from_days_to_come_is_refused(tmp_path):
    with pytest.raises(bo.InputError, match="is known through 2026-03-29, after 2026-03-27"):
        run(ledger(tmp_path), today=FIRST - dt.timedelta(days=3))


def test_inputs_that_come_back_are_a_revision_of_their_own(tmp_path):
    book = ledger(tmp_path)
    run(book)
    run(book, seed=1)
    found = run(book)
    assert found.revision == 3
    assert list(found.changed) == ["the seed changed from 1 to 0"]


def test_histories_are_kept_as_differences_and_come_back_whole(tmp_path):
    book, past = ledger(tmp_path), history()
    known = []
    for at in range(60):
        past = revised(past, MONDAY + (at % 11) * WEEK, 1.01)
        known.append(RecordedHistory.of(past))
        with book.transaction("cron") as t:
            record_history(t, known[-1])
    entries = book.entries(kinds=("history",))
    assert len(entries) == 60
    assert sum(entry.data["base"] == 0 for entry in entries) == 3
    for entry, one in zip(entries, known, strict=True):
        assert recorded(book, entry.number) == one


def test_changes_count_from_what_was_applied_last_also_after_a_skipped_week(tmp_path):
    book, declared, past = ledger(tmp_path), plan(), history()
    run(book)
    approve(book, declared, FIRST, who="ann")
    spends = {"search": 1100, "feed": 1000, "kol": 900}
    apply(book, declared, FIRST, who="ann", spends=spends, why="round figures")
    # Delivered otherwise, and the week after is skipped: what was applied counts.
    past = after(past, {"search": 600, "feed": 600, "kol": 600})
    past = after(past, {"search": 600, "feed": 600, "kol": 600})
    found = run(book, past=past, today=FIRST + 2 * WEEK)
    for move in found.decision.moves:
        assert move.before == spends[move.channel]
        assert abs(move.change) <= Decimal("0.3") * move.before
    assert found.notes == (
        "changes are measured from the week of 2026-03-30, the last one applied",
    )


def test_an_applied_week_is_reported_and_not_proposed_again(tmp_path):
    book, declared = ledger(tmp_path), plan()
    first = run(book)
    approve(book, declared, FIRST, who="ann")
    apply(book, declared, FIRST, who="ann")
    head = book.head
    same = run(book)
    assert (same.state, same.new, book.head) == ("applied", False, head)
    other = run(book, seed=5)
    assert (other.state, other.new, book.head) == ("applied", False, head)
    assert other.decision.to_json() == first.decision.to_json()
    assert other.notes[-1] == "the week is applied (revision 1), so nothing new is proposed"


def test_a_week_that_is_over_is_reported_and_never_proposed(tmp_path):
    book, late, end = ledger(tmp_path), FIRST + WEEK, FIRST + dt.timedelta(days=6)
    with pytest.raises(bo.InputError) as caught:
        run(book, today=late, week=FIRST)
    assert caught.value.code == "wrong-state"
    assert f"the week of {FIRST} ended on {end}" in str(caught.value)
    assert book.entries() == ()
    first = run(book, today=end, week=FIRST)
    assert first.new
    approve(book, plan(), FIRST, who="ann")
    for settings in ({}, {"seed": 1}):
        again = run(book, today=late, week=FIRST, **settings)
        assert (again.state, again.new, again.revision) == ("approved", False, 1)
        assert again.decision.to_json() == first.decision.to_json()
    assert again.notes[-1] == f"the week ended on {end}, so nothing new is proposed"


def test_the_ledger_has_no_applied_week_is_said_where_it_is_so(tmp_path):
    book, so = ledger(tmp_path), "so changes are measured from the history"
    week, next_week = FIRST, FIRST + WEEK
    assert run(book, week=next_week).notes == (f"the ledger has no applied week, {so}",)
    approve(book, plan(), next_week, who="ann")
    apply(book, plan(), next_week, who="ann")
    assert run(book, week=week).notes == (f"no earlier week was applied, {so}",)


def test_a_rejected_week_is_not_proposed_again_from_the_same_inputs(tmp_path):
    book = ledger(tmp_path)
    run(book)
    reject(book, plan(), FIRST, who="ann", why="wait for the launch")
    head = book.head
    found = run(book)
    assert (found.state, found.new, book.head) == ("rejected", False, head)
    assert found.notes[-1].startswith("nothing has changed since it was rejected")
    assert run(book, seed=1).state == "proposed"


def undecided(book, declared, **settings):
    """Run twice a week that cannot be decided, and return the error and what was recorded."""
    there, found = len(book.entries()), []
    for _ in range(2):
        with pytest.raises(bo.BudgetoptError) as caught:
            run(book, declared, **settings)
        found.append((str(caught.value), book.head))
    assert found[0] == found[1]
    return caught.value, book.entries()[there:]


def test_a_week_that_cannot_be_decided_is_measured_and_told_before_the_error(tmp_path):
    book, declared, week = ledger(tmp_path), plan(), FIRST + WEEK
    spends = run(book).decision.allocation.spend
    approve(book, declared, FIRST, who="ann")
    apply(book, declared, FIRST, who="ann")
    # Change limits give, but not where nothing may move.
    small = plan(budget=1000, max_change=0)
    error, found = undecided(book, small, past=after(history(), spends), today=week)
    assert isinstance(error, InfeasibleError)
    assert {entry.kind for entry in found[:-1]} >= {"plan", "history", "measured"}
    (alert,) = (e for e in found if e.kind == "alert" and e.data["code"] == "cannot-decide")
    assert (alert.data["severity"], alert.week) == ("critical", week)
    said = f"the week of {week} cannot be decided: {error.problem}; {error.remedy}"
    assert alert.data["sentence"] == said
    assert alert.key.startswith(f"cannot-decide:{week}:{error.code}:{error.field}:")
    assert error.problem not in alert.key
    assert {entry.at for entry in found} == {found[0].at}
    assert (state_of(book, FIRST).state, state_of(book, week).state) == ("measured", "none")
    mended = run(book, past=after(history(), spends), today=week)
    assert (mended.new, mended.revision, mended.measured) == (True, 1, ())


def test_a_method_that_stops_short_is_told_too(tmp_path, monkeypatch):
    book, words = ledger(tmp_path), ("not-converged", "the method stopped")
    monkeypatch.setattr(propose_module, "reallocate", stops(words))
    error, found = undecided(book, plan())
    assert isinstance(error, bo.SolverError)
    assert [entry.kind for entry in found[:2]] == ["plan", "history"]
    assert found[-1].data["sentence"].endswith("cannot be decided: the method stopped")
    monkeypatch.undo()
    assert run(book).new


def stops(words):
    def reallocate(*_, **__):
        raise bo.SolverError(*words)

    return reallocate


def test_a_plan_that_cannot_be_decided_leaves_the_proposal_that_stands(tmp_path):
    book = ledger(tmp_path)
    run(book)
    approved = approve(book, plan(), FIRST, who="ann")
    narrow = plan(channels=[bo.Channel(n, floor=2000) for n in NAMES])
    _, found = undecided(book, narrow)
    assert [entry.kind for entry in found] == ["plan", "alert"]
    assert state_of(book, FIRST) == approved
    assert (run(book).state, run(book).new) == ("approved", False)


def test_the_week_decided_is_the_next_that_has_not_begun(tmp_path):
    for days, start in ((-2, FIRST), (0, FIRST), (1, FIRST + WEEK)):
        past = history(12) if days >= 0 else history(11)
        book = ledger(tmp_path / str(days) if (tmp_path / str(days)).mkdir() is None else tmp_path)
        assert run(book, past=past, today=FIRST + dt.timedelta(days=days)).week == start


def test_alerts_are_raised_once(tmp_path):
    book = ledger(tmp_path)
    late = FIRST + 2 * WEEK
    found = run(book, today=late)
    assert "data-stale" in [alert.code for alert in found.news]
    recorded_keys = [entry.key for entry in book.entries(kinds=("alert",))]
    assert recorded_keys == [alert.key for alert in found.news]
    again = run(book, today=late)
    assert again.alerts == found.alerts
    assert again.news == ()


def test_a_target_out_of_reach_is_an_alert_and_an_error(tmp_path):
    book = ledger(tmp_path)
    declared = plan(goal=bo.Goal(kind="least-spend", target=90_000))
    error, found = undecided(book, declared)
    assert error.code == "target-out-of-reach"
    assert [entry.kind for entry in found] == ["plan", "history", "alert"]
    assert found[-1].data["code"] == "target-out-of-reach"
    assert f"{found[-1].data['figures']['best']:,.1f}" in str(error)


def test_approved_by_rule_where_nothing_asks_for_a_name(tmp_path):
    book = ledger(tmp_path)
    found = run(book, plan({"approval": {"total": 3300}}))
    assert (found.state, found.needs) == ("approved", ())
    assert book.latest("approval").data["by"] == "rule"
    book = ledger(tmp_path / "other" if (tmp_path / "other").mkdir() is None else tmp_path)
    found = run(book, plan({"approval": {"total": 2000}}))
    assert found.state == "proposed"
    total = found.decision.allocation.total
    assert list(found.needs) == [f"the week is {total:,.0f}, above 2,000"]


def test_what_is_wrong_is_refused_and_nothing_recorded(tmp_path):
    book = ledger(tmp_path)
    for settings in ({"policy": 3}, {"seed": -1}, {"today": "soon"}, {"week": "2026-13-01"}):
        with pytest.raises(bo.InputError):
            run(book, **settings)
    with pytest.raises(bo.InputError):
        run_week(plan(), history(), book, who=" ", today=FIRST)
    assert book.entries() == ()
    first = run(book, seed=np.int64(4))
    assert not run(book, seed=4).new
    assert first.decision.seed == 4


def test_a_run_goes_to_json(tmp_path):
    found = run(ledger(tmp_path))
    data = json.loads(found.to_json())
    assert data["week"] == str(FIRST)
    assert data["decision"] == json.loads(found.decision.to_json())
    assert data["head"] == list(found.head)


def test_every_figure_of_a_need_is_a_field(tmp_path):
    rules = {"move": 10, "move_share": "1%", "channel": 500, "total": 100}
    found = run(ledger(tmp_path), plan({"approval": rules}))
    moves = {move.channel: move for move in found.decision.moves}
    said = set(found.needs)
    for name, move in moves.items():
        if abs(move.change) > 10:
            assert f"{name} changes by {abs(move.change):,.0f}, above 10" in said
        if move.after > 500:
            assert f"{name} gets {move.after:,.0f}, above 500" in said
        if abs(move.share) > 0.01:
            share = f"{abs(move.share) * 100:.4g} %"
            assert f"{name} changes by {share}, above 1 %" in said
    assert all(in_language(one, "zh") != one for one in said)


def test_a_phase_has_its_budget_and_a_freeze_holds(tmp_path):
    operation = {
        "phases": [
            {
                "name": "burst",
                "first": str(FIRST),
                "last": str(FIRST + dt.timedelta(days=6)),
                "budget": 3600,
                "kind": "burst",
            }
        ],
        "freezes": [
            {"name": "launch", "first": str(FIRST), "last": str(FIRST), "channels": ["kol"]}
        ],
    }
    found = run(ledger(tmp_path), plan(operation))
    assert found.decision.allocation.budget == 3300
    kol = next(move for move in found.decision.moves if move.channel == "kol")
    assert not kol.change


def test_a_thing_that_the_plan_has_anew_is_told_once(tmp_path):
    book = ledger(tmp_path)
    first = run(book)
    frozen = {"name": "new site", "first": "2025-01-06", "last": "2025-01-12", "channels": ["feed"]}
    second = run(book, plan({"freezes": [frozen]}))
    assert second.changed == ("added to the plan: operation.freezes.new site",)
    third = run(book, plan())
    assert (first.revision, third.revision) == (1, 3)
    assert third.changed == ("removed from the plan: operation.freezes.new site",)


def test_a_policy_may_be_named(tmp_path):
    found = run(ledger(tmp_path), policy="posterior-mean")
    decision = bo.reallocate(plan(), history(), week=FIRST, policy=PosteriorMean())
    assert found.decision.to_json() == decision.to_json()
    with pytest.raises(bo.InputError, match="did you mean 'hold'"):
        run(ledger(tmp_path), policy="holds")
