"""Weeks planned ahead in the ledger, and how far the weeks have moved from them."""

from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InputError
from budgetopt.i18n import in_language
from budgetopt.workflow import apply, approve, record_year

from .helpers import FIRST, WEEK, after, history, ledger, plan, run


@pytest.fixture
def book(tmp_path):
    return ledger(tmp_path)


def about_the_year(found):
    return [note for note in found.notes if "the weeks planned on" in note]


def live(book, past, week, spends=None):
    """Decide a week and apply it, and return the run and the history after it."""
    found = run(book, past=past, today=week, week=week)
    approve(book, plan(), week, who="ann")
    apply(book, plan(), week, who="bob", spends=spends or {}, why="so" if spends else None)
    done = dict(found.decision.allocation.spend) | (spends or {})
    return found, after(past, done)


def test_the_weekly_run_says_how_far_the_weeks_have_moved(book):
    past = history()
    assert about_the_year(run(book, past=past)) == []
    year = bo.plan_weeks(plan(), None, 8, history=past)
    entry = record_year(plan(), year, book, who="ann")
    assert (entry.kind, entry.week, entry.who) == ("year", FIRST, "ann")
    assert entry.data["spend"][str(FIRST)] == {n: f"{m:f}" for n, m in year.spend[0].items()}
    # The first week takes 400 of what feed was planned; the second one is decided, by hand here.
    spends = {"feed": year.spend[0]["feed"] - 400, "search": year.spend[0]["search"]}
    spends["kol"] = year.spend[0]["kol"]
    first, past = live(book, past, FIRST, spends)
    assert about_the_year(first) == []  # proposed before the year was planned
    second = run(book, past=past, today=FIRST + WEEK, week=FIRST + WEEK)
    (note,) = about_the_year(second)
    decided = second.decision.allocation.spend
    planned = sum(year.totals[:2])
    spent = sum(spends.values()) + sum(decided.values())
    moved = {n: spends[n] + decided[n] - year.spend[0][n] - year.spend[1][n] for n in spends}
    most = max(moved, key=lambda name: abs(moved[name]))
    amount = f"{abs(moved[most]):,.2f}".removesuffix(".00")
    side = "above" if moved[most] > 0 else "below"
    assert note == (
        f"the weeks planned on 2026-01-02: for 2 weeks up to this one {planned:,.0f} was planned, "
        f"and {spent:,.0f} is spent or decided; the channel furthest from it is '{most}', "
        f"{amount} {side}"
    )
    assert "多周计划" in in_language(note, "zh")
    # Recorded with the week, and read back as it was said.
    again = run(book, past=past, today=FIRST + WEEK, week=FIRST + WEEK)
    assert not again.new
    assert about_the_year(again) == [note]


def test_only_the_weeks_planned_last_count_and_weeks_outside_say_nothing(book):
    past = history()
    late = bo.plan_weeks(plan(), None, 2, history=past, start=FIRST + 3 * WEEK)
    record_year(plan(), bo.plan_weeks(plan(), None, 8, history=past), book, who="ann")
    record_year(plan(), late, book, who="ann")
    assert about_the_year(run(book, past=past)) == []


def test_followed_to_the_cent_no_channel_is_named(book):
    past = history()
    standing = run(book, past=past).decision.allocation.spend
    year = bo.plan_weeks(plan(), None, 1, history=past)
    money = [[int(standing[name] * 100) for name in year.channels]]
    same = replace(year, minor=np.array(money))
    record_year(plan(), same, book, who="ann")
    (note,) = about_the_year(run(book, past=past, seed=1))
    total = sum(standing.values())
    assert note.endswith(f"for 1 week up to this one {total:,.0f} was planned, and {total:,.0f} "
                         "is spent or decided")  # fmt: skip


def test_another_plan_cannot_record_its_weeks(book):
    run(book)
    other = plan(currency="USD")
    year = bo.plan_weeks(other, None, 2, history=history(), last=dict.fromkeys(other.names, 1000))
    with pytest.raises(InputError, match="another plan"):
        record_year(other, year, book, who="ann")
    assert book.latest("year") is None
