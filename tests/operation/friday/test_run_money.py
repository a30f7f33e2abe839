"""What a weekly run does with money: releases, overspends, and what came of earlier weeks."""

import datetime as dt
from decimal import ROUND_DOWN, Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.operation import apply, approve, edit, release, state_of

from ..helpers import FIRST, NAMES, WEEK, after, history, ledger, plan, revised, run


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
    with pytest.raises(bo.InputError, match="no money can be released for the week of"):
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
    with pytest.raises(bo.InputError, match="give at most 299"):
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


def test_the_reserve_is_no_part_of_what_may_be_spent(tmp_path):
    book = ledger(tmp_path)
    found = run(book, plan(reserve=bo.Reserve(contingency="10%", test=60)))
    assert found.decision.allocation.budget == 3300 - 330 - 60


@pytest.mark.parametrize("rule", ["weakest", "stop"])
@pytest.mark.parametrize("change", ["none", "30%"])
def test_no_week_is_paid_for_by_money_that_is_not_there(tmp_path, rule, change):
    """Two weeks spent three times their plan; the next one pays what it can, once."""
    book, past = ledger(tmp_path), history()
    declared = plan({"pacing": {"overspend": rule}}, max_change=change)
    for week in (FIRST, FIRST + WEEK):
        found = run(book, declared, week=week, today=week)
        approve(book, declared, week, who="ann")
        apply(book, declared, week, who="ann")
        past = after(past, {n: 3 * money for n, money in found.decision.allocation.spend.items()})
    week = FIRST + 2 * WEEK
    found = run(book, declared, past, week=week, today=week)
    answers = [entry.data["answer"] for entry in book.entries(kinds=("note",), week=week)]
    sources = [source for answer in answers for source in answer["sources"]]
    paid = sum(Decimal(source["amount"]) for source in sources)
    assert len(answers) == 2
    assert {source["payer"] for source in sources} == {"next-week"}
    assert sum(Decimal(answer["uncovered"]) for answer in answers) > 0
    assert "uncovered" in [alert.code for alert in found.alerts]
    assert found.decision.allocation.total <= declared.spendable - paid
    assert not any("cannot be taken off" in note for note in found.notes)
