"""The weekly run: proposed once, revised when inputs change, paid for, measured, recorded."""

import datetime as dt
import json
from decimal import ROUND_DOWN, Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InfeasibleError
from budgetopt.operation import apply, approve, edit, reject, release, run_week, state_of
from budgetopt.operation.histories import Known, keep, recorded
from budgetopt.policies import PosteriorMean
from budgetopt.words import in_language

from .helpers import MONDAY, NAMES, WEEK, after, history, ledger, plan, revised

FIRST = MONDAY + 12 * WEEK


def run(book, declared=None, past=None, *, today=FIRST, **settings):
    past = history() if past is None else past
    declared = plan() if declared is None else declared
    return run_week(declared, past, book, who="cron", today=today, **settings)


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
    "seed": ({"seed": 3}, ["the seed is 3, was 0"]),
    "policy": (
        {"policy": PosteriorMean()},
        ["the policy is posterior-mean, was optimistic(power=1.0)"],
    ),
    "guardrails": ({"guardrails": None}, ["the guardrails changed"]),
    "scenarios": ({"scenarios": ["rival"]}, ["the scenarios that happen are rival"]),
    "belief": (
        {"belief": bo.learn(history().until(FIRST - WEEK), plan())},
        ["what was learned before changed"],
    ),
    "plan": ({"declared": plan(budget=3400)}, ["the plan's budget is 3400, was 3300"]),
    "channel": (
        {"declared": plan(channels=[bo.Channel("search", cap=1000), *map(bo.Channel, NAMES[1:])])},
        ["the plan's channels.search.cap is 1000, was nothing"],
    ),
    "revised": (
        {"past": revised(history(), MONDAY + 8 * WEEK, 0.9)},
        ["the history was revised: 2026-03-02 in feed"],
    ),
    "gone": ({"past": history().until(FIRST - WEEK)}, ["the history lacks 2026-03-23 now"]),
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


def test_a_week_that_came_is_named(tmp_path):
    book, week = ledger(tmp_path), FIRST + WEEK
    run(book, today=week)
    found = run(book, past=after(history(), dict.fromkeys(NAMES, 900)), today=week)
    assert list(found.changed) == ["the history has 2026-03-30 anew"]


def test_a_history_from_days_to_come_is_refused(tmp_path):
    with pytest.raises(bo.InputError, match="is known through 2026-03-29, after 2026-03-27"):
        run(ledger(tmp_path), today=FIRST - dt.timedelta(days=3))


def test_inputs_that_come_back_are_a_revision_of_their_own(tmp_path):
    book = ledger(tmp_path)
    run(book)
    run(book, seed=1)
    found = run(book)
    assert found.revision == 3
    assert list(found.changed) == ["the seed is 0, was 1"]


def test_histories_are_kept_as_differences_and_come_back_whole(tmp_path):
    book, past = ledger(tmp_path), history()
    known = []
    for at in range(60):
        past = revised(past, MONDAY + (at % 11) * WEEK, 1.01)
        known.append(Known.of(past))
        with book.transaction("cron") as t:
            keep(t, known[-1])
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
    assert found.notes == ("changes count from the week of 2026-03-30, the last that was applied",)


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
    assert other.notes[-1] == "the week is applied, revision 1, so that nothing new is proposed"


def test_a_rejected_week_is_not_proposed_again_from_the_same_inputs(tmp_path):
    book = ledger(tmp_path)
    run(book)
    reject(book, plan(), FIRST, who="ann", why="wait for the launch")
    head = book.head
    found = run(book)
    assert (found.state, found.new, book.head) == ("rejected", False, head)
    assert found.notes[-1].startswith("nothing changed since it was rejected")
    assert run(book, seed=1).state == "proposed"


def test_a_week_that_cannot_be_decided_leaves_the_ledger_as_it_was(tmp_path):
    book = ledger(tmp_path)
    run(book)
    head = book.head
    narrow = plan(channels=[bo.Channel(n, floor=2000) for n in NAMES])
    with pytest.raises(InfeasibleError):
        run(book, narrow)
    assert book.head == head


def test_the_week_decided_is_the_next_that_has_not_begun(tmp_path):
    for days, start in ((-2, FIRST), (0, FIRST), (1, FIRST + WEEK)):
        past = history(12) if days >= 0 else history(11)
        book = ledger(tmp_path / str(days) if (tmp_path / str(days)).mkdir() is None else tmp_path)
        assert run(book, past=past, today=FIRST + dt.timedelta(days=days)).week == start


def test_money_released_by_hand_is_spent_in_its_week(tmp_path):
    book, declared = ledger(tmp_path), plan()
    first = run(book)
    before = first.balances.contingency.balance
    left = release(book, declared, 80, who="ann", why="rival", today=FIRST)
    assert left.contingency.balance == before - 80
    found = run(book)
    assert found.revision == 2
    assert list(found.changed) == ["80 is released from the reserve, was 0"]
    assert found.decision.allocation.budget == first.decision.allocation.budget + 80
    assert found.decision.allocation.held == first.decision.allocation.held
    assert found.balances == left
    assert [one.amount for one in found.released] == [80]
    approve(book, declared, FIRST, who="ann")
    apply(book, declared, FIRST, who="ann")
    with pytest.raises(bo.InputError, match="money cannot be released for it"):
        release(book, declared, 1, who="ann", why="more", today=FIRST)


def test_a_rule_releases_once_and_its_money_stays_with_the_week(tmp_path):
    rule = {"when": "scenario", "share": 0.5, "scenario": "rival"}
    book, declared = ledger(tmp_path), plan({"releases": [rule]})
    quiet = run(book, declared)
    found = run(book, declared, scenarios=["rival"])
    whole = quiet.balances.contingency.balance
    half = (whole / 2).quantize(Decimal("0.01"), ROUND_DOWN)
    assert [one.amount for one in found.released] == [half]
    assert found.decision.allocation.budget == quiet.decision.allocation.budget + half
    assert found.balances.contingency.balance == whole - half
    again = run(book, declared, scenarios=["rival"])
    assert again.to_dict() | {"new": True, "news": []} == found.to_dict() | {"news": []}
    later = run(book, declared, scenarios=["rival"], seed=1)
    assert later.released == found.released
    assert later.decision.allocation.budget == found.decision.allocation.budget
    assert len(book.entries(kinds=("release",))) == 1


def test_a_rule_on_marginal_returns_looks_at_the_decision(tmp_path):
    first = run(ledger(tmp_path))
    most = max(first.decision.allocation.marginal.values())
    for at, (hurdle, count) in enumerate(((most * 0.5, 1), (most * 2, 0))):
        (tmp_path / str(at)).mkdir()
        book = ledger(tmp_path / str(at))
        rule = {"when": "mroas", "share": 1, "hurdle": hurdle}
        assert len(run(book, plan({"releases": [rule]})).released) == count


def lived(book, declared, past, factor, name="feed"):
    """Propose, approve and apply a week, of which a channel then spends another amount."""
    found = run(book, declared, past, today=FIRST)
    approve(book, declared, FIRST, who="ann")
    apply(book, declared, FIRST, who="ann")
    spends = dict(found.decision.allocation.spend)
    spends[name] = spends[name] * Decimal(factor)
    return found, after(past, spends)


def test_channels_may_come_and_go(tmp_path):
    book, declared = ledger(tmp_path), plan()
    _, past = lived(book, declared, history(), "1.1")
    other = plan(channels=[bo.Channel(n) for n in ("search", "kol", "shop")])
    left = bo.History(
        ("search", "kol"), past.weeks, spend=past.spend[:, ::2], outcome=past.outcome[:, ::2]
    )
    found = run(book, other, left, today=FIRST + WEEK)
    before = {move.channel: move.before for move in found.decision.moves}
    applied = book.latest("applied").data["spend"]
    assert before == {"search": Decimal(applied["search"]), "kol": Decimal(applied["kol"]),
                      "shop": None}  # fmt: skip
    again = run(book, declared, past, today=FIRST + WEEK, week=FIRST)
    assert again.state in ("applied", "measured")


def test_money_released_for_a_later_week_is_not_there_before_it(tmp_path):
    book, declared = ledger(tmp_path), plan()
    first = FIRST + WEEK
    left = release(book, declared, 300, who="ann", why="x", today=FIRST, week=first + 2 * WEEK)
    # A week of April that is run earlier finds no more than what stays for the later one.
    found = release(book, declared, 1, who="ann", why="x", today=FIRST, week=first)
    assert found.contingency.balance == 299
    assert left.contingency.balance >= 0
    with pytest.raises(bo.InputError, match="of contingency"):
        release(book, declared, 300, who="ann", why="x", today=FIRST, week=first)
    late = run(book, week=first + 2 * WEEK, today=FIRST)
    assert late.balances.contingency.balance >= 0


def test_an_overspend_is_taken_from_the_reserve(tmp_path):
    book, declared = ledger(tmp_path), plan()
    found, past = lived(book, declared, history(), "1.1")
    over = found.decision.allocation.spend["feed"] / 10
    following = run(book, declared, past, today=FIRST + WEEK)
    assert following.measured == (FIRST,)
    (taken,) = book.entries(kinds=("release",))
    assert Decimal(taken.data["movement"]["amount"]) == over
    assert taken.data["movement"]["kind"] == "overspend"
    assert following.decision.allocation.budget == found.decision.allocation.budget
    assert any("beyond the plan" in note for note in following.notes)
    # Nobody pays twice.
    head = book.head
    run(book, declared, past, today=FIRST + WEEK)
    run(book, declared, past, today=FIRST + WEEK, seed=4)
    assert len(book.entries(kinds=("release",))) == 1
    assert book.head[0] == head[0] + 1


@pytest.mark.parametrize("rule", ["weakest", "stop"])
def test_an_overspend_is_taken_off_the_next_week(tmp_path, rule):
    book, declared = ledger(tmp_path), plan({"pacing": {"overspend": rule}})
    found, past = lived(book, declared, history(), "1.05")
    over = found.decision.allocation.spend["feed"] / 20
    following = run(book, declared, past, today=FIRST + WEEK)
    budget = following.decision.allocation.budget
    assert budget == found.decision.allocation.budget - over
    assert not book.entries(kinds=("release",))
    again = run(book, declared, past, today=FIRST + WEEK, seed=4)
    assert again.decision.allocation.budget == budget
    edited = edit(book, declared, past, FIRST + WEEK, {}, who="ann", why="as it is")
    assert edited.cost == 0
    assert edited.decision.allocation.budget == budget


def test_what_others_leave_of_a_week_pays_without_a_word(tmp_path):
    book, declared = ledger(tmp_path), plan()
    found = run(book, declared)
    approve(book, declared, FIRST, who="ann")
    apply(book, declared, FIRST, who="ann")
    spends = dict(found.decision.allocation.spend)
    spends |= {"feed": spends["feed"] + 5, "kol": spends["kol"] - 8}
    following = run(book, declared, after(history(), spends), today=FIRST + WEEK)
    assert not book.entries(kinds=("release",))
    assert not any("beyond the plan" in note for note in following.notes)
    (note,) = book.entries(kinds=("note",))
    assert note.data["answer"]["sources"] == [
        {"payer": "left-over", "channel": "kol", "amount": "5.00"}
    ]


def test_what_came_of_a_week_is_measured_once_and_again_when_it_is_revised(tmp_path):
    book, declared = ledger(tmp_path), plan()
    _, past = lived(book, declared, history(), 1)
    run(book, declared, past, today=FIRST + WEEK)
    (measured,) = book.entries(kinds=("measured",))
    assert measured.week == FIRST
    assert measured.data["outcome"] == dict(zip(NAMES, past.outcome[-1], strict=True))
    assert state_of(book, FIRST).state == "measured"
    later = revised(past, FIRST, 1.2)
    assert run(book, declared, later, today=FIRST + WEEK).measured == (FIRST,)
    assert state_of(book, FIRST).measures == 2
    assert run(book, declared, later, today=FIRST + WEEK, seed=9).measured == ()
    partial = np.arange(13) == 12
    running = bo.History(NAMES, later.weeks, later.spend, later.outcome * 2, partial=partial)
    assert run(book, declared, running, today=FIRST + dt.timedelta(days=3), week=FIRST + WEEK)
    assert state_of(book, FIRST).measures == 2


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
    for _ in range(2):
        with pytest.raises(InfeasibleError) as caught:
            run(book, declared)
        assert caught.value.code == "target-out-of-reach"
    (entry,) = book.entries()
    assert (entry.kind, entry.data["code"]) == ("alert", "target-out-of-reach")
    best = entry.data["figures"]["best"]
    assert f"{best:,.1f}" in str(caught.value)


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
            assert f"{name} moves by {abs(move.change):,.0f}, above 10" in said
        if move.after > 500:
            assert f"{name} gets {move.after:,.0f}, above 500" in said
        if abs(move.share) > 0.01:
            share = f"{abs(move.share) * 100:.4g} %"
            assert f"{name} moves by {share} of what it had, above 1 %" in said
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


def test_the_reserve_is_no_part_of_what_may_be_spent(tmp_path):
    book = ledger(tmp_path)
    found = run(book, plan(reserve=bo.Reserve(contingency="10%", test=60)))
    assert found.decision.allocation.budget == 3300 - 330 - 60
