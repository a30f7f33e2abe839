"""What was really applied, measured and released."""

from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.i18n import in_language, restored
from budgetopt.workflow.approval import apply, approve, release
from budgetopt.workflow.measure import measure

from .helpers import FIRST, NAMES, after, history, ledger, plan
from .test_commands import propose, refused


@pytest.fixture
def book(tmp_path):
    return ledger(tmp_path)


def test_what_was_applied_may_differ_for_a_reason(book):
    found = propose(book)
    spends = dict(found.decision.allocation.spend)
    approve(book, plan(), FIRST, who="ann")
    refused("bad-argument", apply, book, plan(), FIRST, who="bob", spends={"kol": 10})
    refused("unknown-name", apply, book, plan(), FIRST, who="bob", spends={"kool": 10}, why="x")
    state = apply(book, plan(), FIRST, who="bob", spends={"kol": 10}, why="sold out")
    assert state.state == "applied"
    done = {name: Decimal(m) for name, m in state.applied.data["spend"].items()}
    assert done == spends | {"kol": 10}
    override = book.latest("override")
    assert (override.data["why"], override.week) == ("sold out", FIRST)
    assert Decimal(override.data["instead"]["kol"]) == spends["kol"]
    refused("wrong-state", apply, book, plan(), FIRST, who="bob")
    state = apply(book, plan(), FIRST, who="bob", spends={"kol": 11}, why="a slip")
    assert state.applied.data["spend"]["kol"] == "11.00"
    assert len(book.entries(kinds=("applied",))) == 2


def test_what_was_applied_may_break_limits_and_says_which(book):
    declared = plan(
        channels=[bo.Channel("search", cap=1500), *map(bo.Channel, NAMES[1:])],
        limits=[bo.Limit.group("social", ["feed", "kol"], at_most=1500)],
        max_change="none",
    )
    propose(book, declared)
    approve(book, declared, FIRST, who="ann")
    spends = {"search": 1600, "feed": 1200, "kol": 800}
    state = apply(book, declared, FIRST, who="bob", spends=spends, why="sold so")
    assert state.applied == book.latest("applied")
    so = "the applied split breaks a limit: "
    assert state.applied.data["broken"] == [
        so + "spend of 'search' is 1,600, above its cap 1,500",
        so + "the total is 3,600, above the budget 3,000",
        so + "the split breaks 'social': feed, kol: at most 1,500 CNY",
    ]
    restored_zh = in_language(
        restored(state.applied.data["broken"][0], state.applied.data["words"]), "zh"
    )
    assert restored_zh == "实际执行违反限制：“search”的消耗为 1,600，高于上限 1,500"
    kept = {"search": 1400, "feed": 800, "kol": 700}
    state = apply(book, declared, FIRST, who="bob", spends=kept, why="a slip")
    assert state.applied.data["broken"] == []


def test_measuring_waits_for_whole_weeks(book):
    found = propose(book)
    approve(book, plan(), FIRST, who="ann")
    apply(book, plan(), FIRST, who="ann")
    assert measure(book, plan(), history(), who="cron") == ()
    spends = dict(found.decision.allocation.spend)
    partial = np.arange(13) == 12
    running = after(history(), spends, partial=partial)
    assert measure(book, plan(), running, who="cron") == ()
    missing = after(history(), spends, outcome=[5000, np.nan, 800])
    assert measure(book, plan(), missing, who="cron") == ()
    (state,) = measure(book, plan(), after(history(), spends), who="cron")
    assert (state.state, state.week, state.measures) == ("measured", FIRST, 1)
    assert measure(book, plan(), after(history(), spends), who="cron") == ()
    refused("wrong-state", apply, book, plan(), FIRST, who="bob", spends={"kol": 1}, why="x")


def test_no_more_is_released_than_there_is(book):
    left = release(book, plan(), 20, who="ann", why="x", today=FIRST).contingency.balance
    refused("bad-argument", release, book, plan(), left + 1, who="ann", why="x", today=FIRST)
    refused("bad-argument", release, book, plan(), 1, who="ann", why="", today=FIRST)
    whole = release(book, plan(), left, who="ann", why="x", today=FIRST, week=FIRST)
    assert whole.contingency.balance == 0
    assert whole.holdout == whole.test
