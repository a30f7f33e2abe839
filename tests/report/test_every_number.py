"""Every number of every page is recomputed; a page that gains one that nobody does fails here."""

import datetime as dt

import pytest

import budgetopt as bo

from ..workflow.helpers import FIRST, WEEK
from .books import Records
from .claims import Claims
from .held import Span, hold_memo, hold_review


@pytest.mark.parametrize("week", [FIRST + WEEK, FIRST + 2 * WEEK])
def test_the_memo(eventful, week):
    declared, book, past = eventful
    claims = Claims(bo.report(declared, ledger=book, week=week))
    hold_memo(claims, Records(declared, book, past, week))
    assert claims.left() == []


DAYS = dt.date.fromisoformat
APRIL = "2026-04", DAYS("2026-04-01"), DAYS("2026-04-30"), "2026-03", DAYS("2026-03-01")
SPRING = "2026-Q2", DAYS("2026-04-01"), DAYS("2026-06-30"), "2026-Q1", DAYS("2026-01-01")
WINTER = "2026-Q1", DAYS("2026-01-01"), DAYS("2026-03-31"), "2025-Q4", DAYS("2025-10-01")
REVIEWS = {
    "month": (APRIL, ("2026-05", DAYS("2026-05-01"), DAYS("2026-05-31"))),
    "spring": (SPRING, ("2026-Q3", DAYS("2026-07-01"), DAYS("2026-09-30"))),
    "winter": (WINTER, SPRING[:3]),
}


@pytest.mark.parametrize("name", REVIEWS)
def test_a_review(eventful, name):
    declared, book, past = eventful
    (label, first, last, *before), after = REVIEWS[name]
    kind = "month" if name == "month" else "quarter"
    claims = Claims(bo.report(declared, ledger=book, **{kind: label}))
    newest = min(FIRST + 2 * WEEK, last - dt.timedelta(days=last.weekday()))
    records = Records(declared, book, past, newest)
    hold_review(claims, records, Span(records, label, first, last, *before), after)
    assert claims.left() == []
