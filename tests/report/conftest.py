"""A plan with some weeks behind it in a ledger, for the pages that are made of one."""

import datetime as dt
from decimal import Decimal

import pytest

import budgetopt as bo
from budgetopt.workflow import state_of

from ..workflow.helpers import FIRST, WEEK, after, history, ledger, plan, run

REVENUE = {"outcome": "revenue", "name": "shop", "max_change": "30%"}


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """Three weeks decided, two applied, one of them edited; and the history by then."""
    declared, past = plan(**REVENUE), history()
    book = ledger(tmp_path_factory.mktemp("memo"))
    for week in (FIRST, FIRST + WEEK):
        run(book, declared, past, today=week)
        if week > FIRST:
            proposed = Decimal(state_of(book, week).current.data["spend"]["feed"])
            less, why = {"feed": proposed - 1}, "brand <b>terms</b> are dear"
            bo.edit(book, declared, past, week, less, who="ann", why=why)
        bo.approve(book, declared, week, who="ann")
        spent = bo.apply(book, declared, week, who="ann").applied.data["spend"]
        past = after(past, {name: float(money) + 1.25 for name, money in spent.items()})
    run(book, declared, past, today=FIRST + 2 * WEEK)
    return declared, book, past


DAY = dt.timedelta(days=1)
EVENTS = {
    "phases": [
        {"name": "warm-up 1", "first": FIRST, "last": FIRST + 9 * DAY, "budget": 4800},
        {"name": "burst", "first": FIRST + 10 * DAY, "last": FIRST + 16 * DAY, "budget": 4410},
    ],
    "approval": {"move": 200, "total": 3100},
    "pacing": {"lines": [0.5, 0.9, 1.0], "overspend": "reserve"},
}
GOALS = [
    {"metric": "outcome", "value": "+30%", "first": FIRST, "by": FIRST + 3 * WEEK},
    {"metric": "roas", "value": 2, "by": FIRST + 2 * WEEK},
]
COSTS = [GOALS[0], {"metric": "cpa", "value": "0.5", "by": FIRST + 2 * WEEK}]


@pytest.fixture(scope="session")
def eventful(tmp_path_factory):
    """Three weeks in which much happens; the plan, its ledger, and the history by then."""
    return events_of(tmp_path_factory.mktemp("eventful"), outcome="revenue", targets=GOALS)


@pytest.fixture(scope="session")
def counted(tmp_path_factory):
    """Three weeks likewise of an outcome that is a count."""
    return events_of(tmp_path_factory.mktemp("count"), outcome="registrations", targets=COSTS)


def events_of(folder, **more):
    """Return a plan, its ledger and its history after three weeks in which much happens.

    Phases with budgets of their own, dated targets, a limit, approvals, money released by hand, an
    edit, an override of what is applied, overspends that the contingency pays, and alerts.
    """
    declared = plan(
        EVENTS, name="shop 24", max_change="30%", step=10, **more,
        limits=[bo.Limit.linear("two", {"search": 1, "feed": 1}, 2100)],
    )  # fmt: skip
    book, past = ledger(folder), history()
    for week in (FIRST, FIRST + WEEK):
        if week > FIRST:
            why = "a rival since 3 days"
            bo.release(book, declared, 80, who="ann", why=why, today=week - 3 * DAY, week=week)
        run(book, declared, past, today=week)
        other, why = None, ""
        if week > FIRST:
            proposed = {
                n: Decimal(m) for n, m in state_of(book, week).current.data["spend"].items()
            }
            less = {"feed": proposed["feed"] - 10}
            bo.edit(book, declared, past, week, less, who="ann", why="brand <b>terms</b> are dear")
            other, why = {"kol": proposed["kol"] + 10}, "kol billed 10 more"
        bo.approve(book, declared, week, who="ann")
        done = bo.apply(book, declared, week, who="ann", spends=other, why=why)
        spent = {n: float(m) + 1.25 for n, m in done.applied.data["spend"].items()}
        past = after(past, spent | {"search": spent["search"] + 60})
    run(book, declared, past, today=FIRST + 2 * WEEK)
    return declared, book, past
