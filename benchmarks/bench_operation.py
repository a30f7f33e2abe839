"""A Friday on ten years of 100 channels: what the weekly run adds to the decision itself.

The smoke test in the default suite takes half a year of 12 channels.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.calendar import Fiscal
from budgetopt.ledger import Ledger
from budgetopt.workflow import Alert, run_week
from budgetopt.workflow.inputs import Inputs, RecordedHistory, plan_record, record_history
from budgetopt.workflow.proposal import BudgetAdjustment, WeekRequest, decision_text
from budgetopt.workflow.reserves import parts_of
from budgetopt.workflow.validation import as_text

FIRST = dt.date(2016, 1, 4)
WEEK = dt.timedelta(weeks=1)


def clock() -> dt.datetime:
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def size(request) -> tuple[int, int]:
    """Return weeks and channels: small where nothing is timed."""
    return (26, 12) if request.config.getoption("benchmark_disable") else (520, 100)


@pytest.fixture(scope="module")
def plan(size):
    return bo.Plan(
        budget=1_000 * size[1],
        currency="CNY",
        channels=[bo.Channel(f"channel {number:02d}") for number in range(size[1])],
        reserve=bo.Reserve(contingency="5%"),
        step=1,
        operation={"approval": {"total": 0}},
    )


@pytest.fixture(scope="module")
def past(plan, size):
    """Return one week more than the last history in the ledger has."""
    rng = np.random.default_rng(3)
    spend = np.round(rng.uniform(600, 1200, size))
    brought = np.round(3000 * -np.expm1(-spend / 1500) * rng.lognormal(0, 0.2, spend.shape))
    starts = np.datetime64(FIRST) + np.arange(size[0]) * np.timedelta64(7, "D")
    return bo.History(plan.names, starts, spend=spend, outcome=brought)


@pytest.fixture(scope="module")
def decision(plan, past):
    recent = bo.History(plan.names, past.weeks[-8:], past.spend[-8:], past.outcome[-8:])
    return bo.reallocate(plan, recent)


@pytest.fixture(scope="module")
def decade(tmp_path_factory, plan, past, decision):
    """Return the file of a ledger in which every week was proposed, applied and measured."""
    where = tmp_path_factory.mktemp("operation") / "decade.ledger"
    write_weeks(where, plan, past, decision)
    return where


def write_weeks(where, plan, past, decision) -> None:
    """Write a ledger in which every week of a history was proposed, applied and measured."""
    known, ledger = RecordedHistory.of(past), Ledger.open(where, clock=clock)
    rows, spend = list(known.rows.items()), as_text(decision.allocation.spend)
    first = dt.date.fromisoformat(rows[0][0])
    inputs = Inputs(*[""] * 4, {}, None, 0, {}, "0", (), "")
    kept = {"spend": spend, "budget": str(plan.spendable), "held": as_text(parts_of(plan, first))}
    kept["limits"] = dict(decision.allocation.limits())
    proposal = kept | {"decision": decision_text(decision), "inputs": inputs.to_dict()}
    proposal |= {"fingerprint": "", "terms": BudgetAdjustment().to_dict(), "words": {}, "needs": []}
    with ledger.transaction("Friday") as t:
        written = t.add("plan", plan_record(plan)).number
        for week in range(len(rows)):
            start = first + week * WEEK
            if week:
                # Every Friday knows one more week, under a fingerprint of its own.
                earlier = dict(rows[:week])
                history = RecordedHistory(str(week), plan.names, False, str(start), earlier)
                number = record_history(t, history)
                proposal |= {"plan_entry": written, "history_entry": number}
            about = {"week": start, "revision": 1, "key": f"{start}/1"}
            t.add("proposal", proposal, **about)
            t.add("approval", {"by": "ann", "why": [], "words": {}}, **about)
            t.add("applied", {**kept, "why": ""}, **about)
            alert = Alert("data-stale", "warning", "no data", key=f"data-stale:{start}")
            t.add("alert", alert.to_dict(), week=start, key=alert.key)
            if week < len(rows) - 1:
                brought = dict(zip(plan.names, rows[week][1][1], strict=True))
                spent = {name: float(money) for name, money in spend.items()}
                data = {"spend": spent, "outcome": brought, "total": None, "history": str(week)}
                t.add("measured", data, **about)


@pytest.mark.parametrize("period", ["month", "year"])
def bench_a_friday_beside_the_decision(
    benchmark, tmp_path, monkeypatch, plan, past, decision, decade, period
) -> None:
    """All of a run but the decision: the aim is 0.3 s. A fiscal year is paced in 53 weeks."""
    plan = replace(plan, operation=replace(plan.operation, fiscal=Fiscal(period)))
    monkeypatch.setattr(WeekRequest, "decide", lambda *_: decision)
    week = decision.week.start

    def fresh():
        return (shutil.copy(decade, tmp_path / "copy.ledger"),), {}

    def friday(file):
        book = Ledger.open(file, clock=clock)
        return run_week(plan, past, book, who="cron", today=week, week=week)

    found = benchmark.pedantic(friday, setup=fresh, rounds=7)
    benchmark.extra_info["megabytes"] = decade.stat().st_size / 1e6
    assert found.new
    assert found.measured == (week - WEEK,)


def bench_a_friday_again(benchmark, tmp_path, monkeypatch, plan, past, decision, decade) -> None:
    """A run that finds its proposal recorded."""
    monkeypatch.setattr(WeekRequest, "decide", lambda *_: decision)
    week, file = decision.week.start, shutil.copy(decade, tmp_path / "copy.ledger")
    book = Ledger.open(file, clock=clock)

    def friday():
        return run_week(plan, past, book, who="cron", today=week, week=week)

    assert friday().new
    assert not benchmark.pedantic(friday, rounds=7).new
