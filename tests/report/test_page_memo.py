"""The weekly memo: every number of it from the ledger and the history."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InputError
from budgetopt.report.record import LedgerRecord
from budgetopt.report.week import alert_lines
from budgetopt.workflow import (
    Alert,
    RecordedHistory,
    decision_of,
    recorded,
    state_of,
    take_snapshot,
)

from ..workflow.helpers import FIRST, NAMES, WEEK, history, ledger, plan, run
from .conftest import REVENUE
from .parsed import Parsed, number


@pytest.fixture(scope="module")
def page(lived):
    declared, book, _ = lived
    return Parsed(bo.report(declared, ledger=book))


def by_day(weeks=13, known=4, late=0):
    """Return a history of daily rows, of whose last week some days are known.

    `late` is money that the first channel spent a day later in that week.
    """
    rng = np.random.default_rng(5)
    daily = np.round(rng.uniform(20, 300, (weeks, 7, 3)))
    daily[-1, known:] = np.nan
    daily[-1, 0, 0] -= late
    daily[-1, 1, 0] += late
    starts = np.datetime64("2026-01-05") + 7 * np.arange(weeks)
    spend = np.nansum(daily, axis=1)
    return bo.History(
        NAMES, starts, spend, outcome=np.round(spend * 3), daily=daily,
        partial=np.arange(weeks) == weeks - 1, data_through=starts[-1].astype(object)
        + dt.timedelta(days=known - 1),
    )  # fmt: skip


def test_the_memo_and_the_run_pace_the_same_days(tmp_path):
    book, declared, past = ledger(tmp_path), plan(**REVENUE), by_day()
    # The week under way has two days in March and five in April.
    friday = FIRST + dt.timedelta(days=4)
    done = run(book, declared, past, today=friday)
    record = LedgerRecord.read(declared, book)
    assert record.pace().to_dict() == done.pace.to_dict()
    exact = Decimal(repr(np.nansum(past.daily[-1, 2:4]).item()))
    assert record.pace().period.total.actual == exact
    said = Parsed(bo.report(declared, ledger=book)).sections["Plan against actual"]
    assert "spread over its days" not in said


def test_money_that_moved_between_days_of_a_week_is_recorded(tmp_path):
    book, declared, past = ledger(tmp_path), plan(**REVENUE), by_day()
    friday = FIRST + dt.timedelta(days=4)
    run(book, declared, past, today=friday)
    other = by_day(late=7)
    assert other.fingerprint == past.fingerprint
    number = len(book.entries())
    run(book, declared, past, today=friday)
    assert len(book.entries()) == number
    run(book, declared, other, today=friday)
    kept = recorded(book, book.latest("history").number)
    assert kept == RecordedHistory.of(other)
    assert kept != RecordedHistory.of(past)


def spent(past, at):
    return dict(zip(NAMES, (Decimal(repr(v)) for v in past.spend[at].tolist()), strict=True))


def brought(past, at):
    return dict(zip(NAMES, past.outcome[at].tolist(), strict=True))


def test_plan_against_actual_is_the_ledger_to_the_cent(lived, page):
    _, book, past = lived
    last = FIRST + WEEK
    table = page.table("Plan against actual")
    columns = [table.column(head) for head in table.heads[1:]]
    planned, actual, gap, outcome, roas = columns
    applied = {n: Decimal(m) for n, m in state_of(book, last).applied.data["spend"].items()}
    for name, money in spent(past, -1).items():
        assert number(planned[name]) == applied[name]
        assert number(actual[name]) == money
        assert number(gap[name]) == money - applied[name]
        assert float(number(outcome[name])) == pytest.approx(brought(past, -1)[name], rel=1e-4)
        ratio = brought(past, -1)[name] / float(money)
        assert float(number(roas[name])) == pytest.approx(ratio, rel=5e-3)
    for column in columns[:3]:
        assert number(column["total"]) == sum(number(column[name]) or 0 for name in NAMES)
    assert float(number(outcome["total"])) == pytest.approx(past.outcome[-1].sum(), rel=1e-4)
    expected = decision_of(state_of(book, last).current.data).allocation
    said = page.sections["Plan against actual"]
    assert f"{past.outcome[-1].sum():,.0f}" in said
    assert expected.spread is None or "expected (" in said


def test_week_on_week_and_four_weeks_are_sums_of_the_history(lived, page):
    _, _, past = lived
    rows = {row[0]: row[1:] for row in page.table("Week on week and four weeks").rows[1:]}
    assert list(rows) == [*NAMES, "total"]
    for at, name in [*enumerate(NAMES), (slice(None), "total")]:
        spend, outcome = (a[:, at].reshape(len(a), -1).sum(1) for a in (past.spend, past.outcome))
        for offset, span in ((0, 1), (5, 4)):
            money, change, came, rise, roas = rows[name][offset : offset + 5]
            now, then = slice(-span, None), slice(-2 * span, -span)
            assert number(money) == Decimal(repr(float(spend[now].sum())))
            assert float(number(came)) == pytest.approx(outcome[now].sum(), rel=1e-4)
            for shown, series in ((change, spend), (rise, outcome)):
                share = 100 * (series[now].sum() / series[then].sum() - 1)
                assert float(number(shown)) == pytest.approx(share, abs=0.051)
            ratio = outcome[now].sum() / spend[now].sum()
            assert float(number(roas)) == pytest.approx(ratio, rel=5e-3)


def test_the_charts_show_half_a_year_of_the_history(lived, page):
    _, book, past = lived
    actual = page.table("Week on week and four weeks", 1)
    weeks = [str(week) for week in past.weeks]
    assert [row[0] for row in actual.rows[1:]] == weeks
    shown = [float(number(row[1])) for row in actual.rows[1:]]
    assert shown == pytest.approx(past.outcome.sum(axis=1).tolist(), rel=1e-3)
    for week in (FIRST, FIRST + WEEK):
        kept = json.loads(state_of(book, week).current.data["decision"])["allocation"]
        row = next(row for row in actual.rows if row[0] == str(week))
        ends = [kept["outcome"], kept["spread"]["low"], kept["spread"]["high"]]
        assert [float(number(c)) for c in row[2:]] == pytest.approx(ends, rel=1e-3)
    money = page.table("Week on week and four weeks", 2)
    for row, each in zip(money.rows[1:], past.spend.tolist(), strict=True):
        assert [float(number(c)) for c in row[1:]] == pytest.approx(each, rel=1e-3)


def test_the_split_the_reserves_and_the_verdict_are_the_ledgers(lived, page):
    declared, book, _ = lived
    state = state_of(book, FIRST + 2 * WEEK)
    decision = decision_of(state.current.data)
    following = page.table("The split").column("next")
    assert {n: number(following[n]) for n in NAMES} == dict(decision.allocation.spend)
    balances = take_snapshot(book, state.week).balances(declared)
    rows = {row[0]: [number(cell) for cell in row[1:]] for row in page.table("Reserves").rows[1:]}
    account = balances.contingency
    assert rows["contingency"] == [account.built, account.taken, account.balance]
    assert f"{decision.allocation.total:,.0f}" in page.verdict
    assert "proposed, revision 1" in page.verdict


def test_the_memo_of_an_earlier_week_tells_who_edited_it_and_why(lived):
    declared, book, _ = lived
    page = Parsed(bo.report(declared, ledger=book, week=str(FIRST + WEEK + dt.timedelta(days=3))))
    assert "brand <b>terms</b> are dear" in page.sections["Where the week stands"]
    assert "applied, revision 2" in page.verdict or "measured, revision 2" in page.verdict
    assert "b" not in {tag for tag, _ in page.tags}


def test_the_memo_needs_nothing_but_the_ledger_and_is_the_same_each_time(lived):
    declared, book, _ = lived
    assert bo.report(declared, ledger=book) == bo.report(declared, ledger=book)
    chinese = Parsed(bo.report(declared, ledger=book, language="zh"))
    english = Parsed(bo.report(declared, ledger=book))
    for mine, theirs in zip(english.tables, chinese.tables, strict=True):
        numbers = [[number(cell) for cell in row[1:3]] for row in mine.rows[1:]]
        assert [[number(cell) for cell in row[1:3]] for row in theirs.rows[1:]] == numbers


@pytest.mark.parametrize(
    ("options", "field"),
    [({}, "ledger"), ({"week": "2031-01-01"}, "week"), ({"week": "2020-01-01"}, "week")],
)
def test_a_page_that_cannot_be_made_says_what_to_give(lived, options, field):
    declared, book, _ = lived
    given = {"ledger": book} if options else {}
    with pytest.raises(InputError) as caught:
        bo.report(declared, **given, **options)
    assert (caught.value.code, caught.value.field) == ("bad-argument", field)


def test_a_ledger_without_weeks_has_no_memo(tmp_path):
    with pytest.raises(InputError, match="no week"):
        bo.report(plan(), ledger=ledger(tmp_path))


def test_one_total_outcome_has_no_outcome_by_channel(tmp_path):
    past = history()
    whole = bo.History(NAMES, past.weeks, spend=past.spend, total=past.outcome.sum(axis=1))
    book, declared = ledger(tmp_path), plan(**REVENUE)
    run(book, declared, whole)
    page = Parsed(bo.report(declared, ledger=book))
    outcome = page.table("Plan against actual").column("revenue")
    assert {outcome[name] for name in NAMES} == {""}
    assert float(number(outcome["total"])) == pytest.approx(np.sum(past.outcome[-1]), rel=1e-4)


def test_what_past_weeks_promised_and_delivered_stands_beside_the_newest_week(lived):
    declared, book, past = lived
    page = Parsed(bo.report(declared, ledger=book))
    table = page.table("Promised and delivered")
    weeks = [FIRST, FIRST + WEEK]
    decided = [decision_of(state_of(book, week).current.data).allocation for week in weeks]
    applied = [state_of(book, week).applied.data["spend"] for week in weeks]
    for at, name in enumerate(NAMES):
        row = next(row for row in table.rows if row[0] == name)
        assert number(row[1]) == len(weeks)
        assert number(row[2]) == sum(Decimal(spend[name]) for spend in applied)
        assert float(number(row[3])) == past.spend[-2:, at].sum()
        promised = sum(split.outcomes[name] for split in decided)
        assert float(number(row[4])) == pytest.approx(promised, rel=0.05)
        assert float(number(row[5])) == pytest.approx(past.outcome[-2:, at].sum(), rel=0.05)
    earlier = Parsed(bo.report(declared, ledger=book, week=str(FIRST)))
    assert "Promised and delivered" not in earlier.sections


@pytest.mark.parametrize(("code", "lines"), [("uncovered", 2), ("reserve-low", 1)])
def test_what_nobody_covers_comes_with_what_to_do(code, lines):
    said = list(alert_lines([Alert(code, "critical", "400 is not covered", (), (), f"{code}:key")]))
    assert len(said) == lines
    assert ("lower a coming week's budget" in said[-1]) == (lines == 2)
