"""Reviews of months and quarters: sums of the ledger's whole weeks, to the cent."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InputError
from budgetopt.report.review import period_named
from budgetopt.workflow import decision_of, state_of

from ..workflow.helpers import FIRST, NAMES, WEEK, plan
from .parsed import Parsed, number

MONTH, QUARTER = "2026-04", "2026-Q2"
"""Both begin within the week of `FIRST`, so that the first whole week of both is the one after."""


def page_of(lived, language="en", **period):
    declared, book, _ = lived
    return Parsed(bo.report(declared, ledger=book, language=language, **period))


def sums(past, first, last, of):
    """Return what was spent or brought in the weeks that begin within days, and their count."""
    days = past.weeks.astype("datetime64[D]")
    chosen = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
    return getattr(past, of)[chosen].sum(axis=0), int(chosen.sum())


@pytest.mark.parametrize("period", [{"month": MONTH}, {"quarter": QUARTER}])
def test_channels_are_sums_of_the_weeks_that_begin_in_the_period(lived, period):
    _, _, past = lived
    table = page_of(lived, **period).table("Channels")
    before = dt.date(2026, 3, 1) if "month" in period else dt.date(2026, 1, 1)
    (money, weeks), (then, earlier) = (
        sums(past, *span, "spend")
        for span in ((dt.date(2026, 4, 1), dt.date(2026, 6, 30)), (before, dt.date(2026, 3, 31)))
    )
    outcome = sums(past, dt.date(2026, 4, 1), dt.date(2026, 6, 30), "outcome")[0]
    assert weeks == 1
    for at, name in enumerate(NAMES):
        row = next(row for row in table.rows if row[0] == name)
        assert number(row[1]) == Decimal(repr(float(money[at])))
        assert float(number(row[3])) == pytest.approx(outcome[at], rel=1e-4)
        change = 100 * (money[at] / weeks / (then[at] / earlier) - 1)
        assert float(number(row[2])) == pytest.approx(change, abs=0.051)
        assert float(number(row[5])) == pytest.approx(outcome[at] / money[at], rel=5e-3)
    total = table.rows[-1]
    assert number(total[1]) == sum(number(row[1]) for row in table.rows[1:-1])
    assert float(number(total[3])) == pytest.approx(outcome.sum(), rel=1e-4)


def test_plan_against_actual_sums_what_was_applied(lived):
    _, book, past = lived
    page = page_of(lived, month=MONTH)
    week = FIRST + WEEK
    applied = {n: Decimal(m) for n, m in state_of(book, week).applied.data["spend"].items()}
    planned = page.table("Plan against actual").column("planned")
    assert {name: number(planned[name]) for name in NAMES} == applied
    assert number(planned["total"]) == sum(applied.values())
    promised = decision_of(state_of(book, week).current.data).allocation.outcome
    share = past.outcome[-1].sum() / promised
    assert f"{share:.0%} of it" in page.sections["Plan against actual"]
    assert f"{Decimal(repr(float(past.spend[-1].sum()))):,}" in page.verdict


def test_what_was_done_and_what_is_next_come_from_ledger_and_plan(lived):
    declared, book, _ = lived
    page = page_of(lived, month=MONTH)
    done = page.table("What was done")
    unsaid = ("plan", "history", "proposal", "measured", "alert")
    entries = [e for e in book.entries() if e.kind not in unsaid and e.week > FIRST]
    assert [row[:3] for row in done.rows[1:]] == [[str(e.week), e.kind, e.who] for e in entries]
    edit = next(row for row in done.rows if row[1] == "edit")
    assert "brand <b>terms</b> are dear" in edit[3]
    following = page.table("Plan for 2026-05").column("spend")
    latest = decision_of(state_of(book, FIRST + 2 * WEEK).current.data).allocation
    assert {name: number(following[name]) for name in NAMES} == dict(latest.spend)
    may = declared.money.amount(declared.budget_of(dt.date(2026, 5, 1), dt.date(2026, 5, 31)))
    assert f"{may:,.2f}".rstrip("0").rstrip(".") in page.sections["Plan for 2026-05"]


def test_a_quarter_is_shown_by_month(lived):
    _, _, past = lived
    page = page_of(lived, quarter="2026-Q1")
    table = page.table("Channels", 1)
    assert [row[0] for row in table.rows[1:]] == ["2026-01", "2026-02", "2026-03", "total"]
    spent = [number(row[1]) for row in table.rows[1:]]
    assert sum(spent[:-1]) == spent[-1]
    ends = ((1, 31), (2, 28), (3, 31))
    for (month, day), shown in zip(ends, spent, strict=False):
        span = dt.date(2026, month, 1), dt.date(2026, month, day)
        assert shown == Decimal(repr(float(sums(past, *span, "spend")[0].sum())))


def test_both_languages_show_the_same_numbers(lived):
    english, chinese = (page_of(lived, language, month=MONTH) for language in ("en", "zh"))
    for mine, theirs in zip(english.tables, chinese.tables, strict=True):
        numbers = [[number(cell) for cell in row[1:3]] for row in mine.rows[1:]]
        if mine.section != "What was done":
            assert [[number(cell) for cell in row[1:3]] for row in theirs.rows[1:]] == numbers


@pytest.mark.parametrize(
    ("kind", "given", "label"),
    [
        ("month", "2026-11", "2026-11"),
        ("month", "2026-11-30", "2026-11"),
        ("quarter", "2026-q4", "2026-Q4"),
        ("quarter", "2026-12-31", "2026-Q4"),
    ],
)
def test_a_period_is_named_by_its_label_or_a_day(kind, given, label):
    before, found, after = period_named(plan(), kind, given)
    assert found.label == label
    assert before.last + dt.timedelta(days=1) == found.first
    assert found.last + dt.timedelta(days=1) == after.first


def test_fiscal_years_name_their_own_quarters():
    fiscal = bo.calendar.Fiscal("4-4-5", 4)
    declared = plan(operation=bo.Operation(fiscal=fiscal))
    assert period_named(declared, "quarter", "FY2027-Q1")[1].first == dt.date(2026, 4, 1)
    assert period_named(declared, "month", "2026-11-15")[1].label.startswith("FY2027-P")


@pytest.mark.parametrize("given", ["", "11", "2026-13", "2026-Q5", "0001-01", "9999-12", "x-y-z"])
@pytest.mark.parametrize("kind", ["month", "quarter"])
def test_what_names_no_period_is_refused(kind, given):
    with pytest.raises(InputError) as caught:
        period_named(plan(), kind, given)
    assert (caught.value.code, caught.value.field) == ("bad-argument", kind)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"month": MONTH, "quarter": QUARTER}, "bad-argument"),
        ({"month": "2026-05"}, "no-data"),
        ({"month": "2020-01"}, "bad-argument"),
    ],
)
def test_a_period_without_weeks_or_given_twice_is_refused(lived, given, code):
    with pytest.raises(InputError) as caught:
        page_of(lived, **given)
    assert caught.value.code == code
