"""What a weekly run does with money: releases, overspends, and what came of earlier weeks."""

import datetime as dt
from decimal import ROUND_DOWN, Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.workflow import state_of
from budgetopt.workflow.approval import apply, approve, edit, release

from ..helpers import FIRST, NAMES, WEEK, after, history, ledger, plan, revised, run


def test_money_released_by_hand_is_spent_in_its_week(tmp_path):
    book, declared = ledger(tmp_path), plan()
    first = run(book)
    before = first.balances.contingency.balance
    left = release(book, declared, 80, who="ann", why="rival", today=FIRST)
    assert left.contingency.balance == before - 80
    found = run(book)
    assert found.revision == 2
    assert list(found.changed) == ["the release from the reserve changed from 0 to 80"]
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
    assert any(note.code == "overspend-paid" for note in following.notes)
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
    assert not any("overspend" in note for note in following.notes)
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
    assert not any("no room to recover" in note for note in found.notes)


def overspent(book, declared, by=700):
    """Live a week in which feed spends more than its plan, and return it with the history."""
    found = run(book, declared)
    approve(book, declared, FIRST, who="ann")
    apply(book, declared, FIRST, who="ann")
    spends = dict(found.decision.allocation.spend)
    return found, after(history(), spends | {"feed": spends["feed"] + by})


def unpaid(found):
    return [alert for alert in found.alerts if alert.code == "uncovered"]


def next_after(past, found, more=0):
    spends = dict(found.decision.allocation.spend)
    return after(past, spends | {"feed": spends["feed"] + more})


def test_what_nobody_paid_is_owed_until_later_contingency_pays(tmp_path):
    # The week holds 85.71 back in March and 214.29 in April, and each later week 300.
    book, declared = ledger(tmp_path), plan(max_change="none")
    found, past = overspent(book, declared, by=1300)
    said = []
    for number in (1, 2, 3, 4):
        week = FIRST + number * WEEK
        found = run(book, declared, past, today=week)
        # Printed again, it is the same page, and nothing is paid twice.
        head = book.head
        again = run(book, declared, past, today=week)
        assert (again.alerts, again.notes, book.head) == (found.alerts, found.notes, head)
        said.append((*map(str, found.notes), *(str(alert.sentence) for alert in unpaid(found))))
        approve(book, declared, week, who="ann")
        apply(book, declared, week, who="ann")
        past = next_after(past, found)
    first, second, third, fourth = (set(one) for one in said)
    week = "the week of 2026-03-30"
    assert first == {
        f"overspend of 1,300 in {week} (1,300 in feed) is covered by 85.71 of contingency; "
        "1,214.29 is not covered"
    }
    assert second == {
        f"1,214.29 still owed for {week} (1,214.29 in feed) is covered by 814.29 of contingency; "
        "400 is not covered"
    }
    assert third == {
        f"400 still owed for {week} (400 in feed) is covered by 300 of contingency; "
        "100 is not covered"
    }
    assert fourth == {f"100 still owed for {week} (100 in feed) is covered by 100 of contingency"}
    taken = [Decimal(e.data["movement"]["amount"]) for e in book.entries(kinds=("release",))]
    assert sum(taken) == 1300
    assert not unpaid(found)


def test_what_nobody_can_pay_is_said_every_week(tmp_path):
    book, declared = ledger(tmp_path), plan(reserve=bo.Reserve(), max_change="none")
    found, past = overspent(book, declared)
    for number in (1, 2, 3):
        week = FIRST + number * WEEK
        found = run(book, declared, past, today=week)
        (alert,) = unpaid(found)
        assert alert.severity == "critical"
        assert dict(alert.figures)["uncovered"] == 700
        first = "overspend of 700 in the week of 2026-03-30 (700 in feed) is not covered"
        later = "overspend of 700 in the week of 2026-03-30 (700 in feed) is still not covered"
        assert str(alert.sentence) == (first if number == 1 else later)
        assert (alert in found.news) is (number == 1)
        approve(book, declared, week, who="ann")
        apply(book, declared, week, who="ann")
        past = next_after(past, found)
    assert len(book.entries(kinds=("note",))) == 1
    # Under another rule the week decided next pays.
    stop = plan({"pacing": {"overspend": "stop"}}, reserve=bo.Reserve(), max_change="none")
    last = run(book, stop, past, today=FIRST + 4 * WEEK)
    assert not unpaid(last)
    assert last.decision.allocation.budget == 3300 - 700
    edited = edit(book, stop, past, FIRST + 4 * WEEK, {}, who="ann", why="as it is")
    assert edited.decision.allocation.budget == 2600


def spent_again(past, week, name, more):
    """Return a history in which one week's spend is another figure."""
    spend = past.spend.copy()
    spend[np.flatnonzero(past.weeks == np.datetime64(week))[0], NAMES.index(name)] += more
    return bo.History(past.channels, past.weeks, spend=spend, outcome=past.outcome)


def answers_of(book):
    return [entry.data["answer"] for entry in book.entries(kinds=("note",))]


def test_a_week_revised_upwards_after_its_overspend_was_answered_is_asked_for_the_rest(tmp_path):
    # The week holds 300 back, 85.71 of it in March, and the one after it 300.
    book, declared = ledger(tmp_path), plan(max_change="none")
    found, past = overspent(book, declared, by=50)
    second = run(book, declared, past, today=FIRST + WEEK)
    assert not unpaid(second)
    past = spent_again(past, FIRST, "feed", 100)
    third = run(book, declared, past, today=FIRST + WEEK)
    said = f"the week of {FIRST} was revised: 100 more overspend (100 in feed) is covered by "
    assert f"{said}35.71 of contingency; 64.29 is not covered" in third.notes
    assert [one.sentence for one in unpaid(third)] == [
        f"{said}35.71 of contingency; 64.29 is not covered"
    ]
    assert unpaid(run(book, declared, past, today=FIRST + WEEK)) == unpaid(third)
    # Once: another run of the same week asks nobody again.
    assert len(answers_of(book)) == 2
    run(book, declared, past, today=FIRST + WEEK, seed=4)
    assert len(answers_of(book)) == 3
    assert answers_of(book)[-1]["over"] == {"feed": "64.29"}
    taken = [Decimal(e.data["movement"]["amount"]) for e in book.entries(kinds=("release",))]
    assert sum(taken) == 150
    # Week by week, and as one whole: what is owed is what was not paid.
    past = spent_again(past, FIRST, "feed", 2000)
    approve(book, declared, FIRST + WEEK, who="ann")
    apply(book, declared, FIRST + WEEK, who="ann")
    past = next_after(past, found)
    fourth = run(book, declared, past, today=FIRST + 2 * WEEK)
    paid = sum(Decimal(e.data["movement"]["amount"]) for e in book.entries(kinds=("release",)))
    owed = sum(dict(one.figures)["uncovered"] for one in unpaid(fourth))
    assert float(paid) + owed == 2150


def test_a_week_revised_downwards_owes_less(tmp_path):
    book, declared = ledger(tmp_path), plan(max_change="none", reserve=bo.Reserve())
    _, past = overspent(book, declared)
    assert len(unpaid(run(book, declared, past, today=FIRST + WEEK))) == 1
    less = spent_again(past, FIRST, "feed", -300)
    (alert,) = unpaid(run(book, declared, less, today=FIRST + WEEK))
    assert alert.sentence == (
        f"700 still owed for the week of {FIRST} (700 in feed) is covered by 300 that feed leaves "
        "unspent; 400 is not covered"
    )
    # What another channel turns out to leave pays too, and nothing pays twice.
    least = spent_again(less, FIRST, "kol", -500)
    assert not unpaid(run(book, declared, least, today=FIRST + WEEK))
    count = len(answers_of(book))
    run(book, declared, least, today=FIRST + WEEK, seed=4)
    assert len(answers_of(book)) == count
    back = spent_again(least, FIRST, "kol", 500)
    (alert,) = unpaid(run(book, declared, back, today=FIRST + WEEK))
    assert dict(alert.figures)["uncovered"] == 400


def test_a_week_beside_a_critical_alert_is_not_approved_by_rule(tmp_path):
    rules = {"approval": {"total": 9000}}
    book, declared = ledger(tmp_path), plan(rules, max_change="none")
    quiet = run(book, declared)
    assert (quiet.state, quiet.needs) == ("approved", ())
    book = ledger(tmp_path / "other") if (tmp_path / "other").mkdir() is None else None
    bare = plan(rules, reserve=bo.Reserve(), max_change="none")
    run(book, bare)
    apply(book, bare, FIRST, who="ann")
    spends = dict(quiet.decision.allocation.spend)
    past = after(history(), spends | {"feed": spends["feed"] + 2000})
    found = run(book, bare, past, today=FIRST + WEEK)
    assert (found.state, found.needs) == ("proposed", ("there is a critical alert",))
    # Nor is what takes its place.
    edited = edit(book, bare, past, FIRST + WEEK, {}, who="ann", why="as it is")
    assert (edited.state.state, edited.needs) == ("edited", ("there is a critical alert",))
    approve(book, bare, FIRST + WEEK, who="ann")
    assert apply(book, bare, FIRST + WEEK, who="ann").state == "applied"
