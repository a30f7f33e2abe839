"""Dated targets in the weekly run, and what past weeks promised beside what they delivered."""

import datetime as dt
from decimal import Decimal

import pytest

import budgetopt as bo
from budgetopt import report
from budgetopt.i18n import in_language
from budgetopt.workflow import scores, state_of
from budgetopt.workflow.approval import apply, approve

from .helpers import FIRST, MONDAY, NAMES, WEEK, after, history, ledger, plan, run

FAR = {"metric": "outcome", "value": 10**6, "first": FIRST, "by": FIRST + 2 * WEEK}
NEAR = {"metric": "outcome", "value": 100, "first": FIRST, "by": FIRST + 2 * WEEK}


def alerts_of(found):
    return [one for one in found.alerts if one.code == "dated-target"]


def test_a_target_out_of_reach_is_an_alert_once(tmp_path):
    book, declared = ledger(tmp_path), plan(targets=[FAR, NEAR], outcome="leads")
    found = run(book, declared)
    (alert,) = alerts_of(found)
    far, near = found.decision.targets
    assert (far.state, near.state) == ("out-of-reach", "on-track")
    assert alert.severity == "warning"
    figures = dict(alert.figures)
    assert figures["needed"] == 10**6
    assert figures["low"] < figures["forecast"] < figures["high"] < 10**6
    assert "目标难以达成" in in_language(alert.sentence, "zh")
    assert run(book, declared).news == ()


def test_money_released_for_one_week_is_not_that_of_the_weeks_after(tmp_path):
    book, declared = ledger(tmp_path), plan(targets=[NEAR], outcome="leads")
    before = run(book, declared).decision.targets[0].forecast
    bo.release(book, declared, 80, who="li", why="more", today=FIRST - dt.timedelta(days=3))
    found = run(book, declared)
    more = found.decision.targets[0].forecast
    gain = found.decision.allocation.outcome
    assert found.decision.allocation.budget == 3080
    assert 0 < more - before < 0.05 * gain


def test_pages_say_where_targets_stand_in_both_languages(tmp_path):
    book, declared = ledger(tmp_path), plan(targets=[FAR, NEAR], outcome="leads")
    found = run(book, declared)
    state = state_of(book, FIRST)
    for language, words in (("en", "out of reach"), ("zh", "难以达成")):
        page = report.week_page(found, state, declared, "", language=language)
        assert words in page
        assert words in report.decision_table(found.decision, language=language)
        shown = report.show_table(state, book.entries(week=FIRST), state.current, language)
        assert words in shown


def test_an_edit_says_where_it_takes_the_targets(tmp_path):
    book, declared = ledger(tmp_path), plan(targets=[NEAR], outcome="leads")
    run(book, declared)
    made = bo.edit(book, declared, history(), FIRST, {"feed": 600}, who="li", why="x")
    assert made.decision.targets[0].state == "on-track"


PHASE = {"name": "burst", "first": FIRST, "last": FIRST + dt.timedelta(days=6), "budget": 3300}


def measured(tmp_path, **changes):
    """Return a ledger with two applied and measured weeks, and what was applied and came."""
    book, declared = ledger(tmp_path), plan({"phases": [PHASE]}, **changes)
    past, decided = history(), []
    for week in (FIRST, FIRST + WEEK):
        found = run(book, declared, past, week=week, today=week)
        approve(book, declared, week, who="li")
        apply(book, declared, week, who="li")
        decided.append(found.decision.allocation)
        past = after(past, found.decision.allocation.spend)
    bo.workflow.measure(book, declared, past, who="li")
    return book, declared, past, decided


def test_scores_are_the_sums_of_what_was_decided_and_what_came(tmp_path):
    book, declared, past, decided = measured(tmp_path)
    found = scores(book, declared)
    assert (found.first, found.last) == (FIRST, FIRST + WEEK)
    for at, one in enumerate(found.channels):
        assert one.name == NAMES[at]
        assert one.promised == pytest.approx(sum(each.outcomes[one.name] for each in decided))
        assert one.delivered == pytest.approx(past.outcome[-2:, at].sum())
        assert one.applied == one.spent == sum(each.spend[one.name] for each in decided)
        assert one.ratio == pytest.approx(one.delivered / one.promised)
    assert found.total.delivered == pytest.approx(past.outcome[-2:].sum())
    (phase,) = found.phases
    assert (phase.name, phase.weeks) == ("burst", 1)
    assert phase.delivered == pytest.approx(past.outcome[-2].sum())
    assert scores(book, declared, weeks=1).first == FIRST + WEEK


def test_another_amount_is_promised_at_the_decisions_margin(tmp_path):
    book, declared = ledger(tmp_path), plan()
    week = run(book, declared).decision.allocation
    approve(book, declared, FIRST, who="li")
    applied = {"feed": week.spend["feed"] - 100}
    apply(book, declared, FIRST, who="li", spends=applied, why="x")
    past = after(history(), {**week.spend, **applied})
    bo.workflow.measure(book, declared, past, who="li")
    feed = scores(book, declared).channels[1]
    assert feed.applied == applied["feed"]
    assert feed.promised == pytest.approx(week.outcomes["feed"] - 100 * week.marginal["feed"])


def test_weeks_whose_outcomes_still_arrive_have_no_score(tmp_path):
    delay = bo.Delay((0.5, 0.8, 1.0))
    book, declared, _, _ = measured(tmp_path, delay=delay)
    assert scores(book, declared) is None


def test_a_ledger_without_measured_weeks_has_no_scores(tmp_path):
    book = ledger(tmp_path)
    run(book)
    assert scores(book, plan()) is None


def test_the_page_shows_scores_in_both_languages(tmp_path):
    book, declared, *_ = measured(tmp_path)
    found = scores(book, declared)
    title, table = report.score_parts(found)
    assert title == f"Promised and delivered, weeks of {FIRST} to {FIRST + WEEK}:"
    assert str(table).splitlines()[-1].startswith("total")
    assert "达成率" in str(report.score_parts(found, "zh")[1])
    assert found.to_dict()["total"]["applied"] == str(found.total.applied)
    assert Decimal(found.to_dict()["total"]["spent"]) == found.total.spent
    assert found.first > MONDAY
