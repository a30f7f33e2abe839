"""Pages as HTML: the weekly memo of 30 channels and 104 weeks, and a month's review of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from bench_operation import write_weeks

import budgetopt as bo

WEEKS, CHANNELS = 104, 30
FIRST = dt.date(2024, 1, 1)
NAMES = tuple(f"channel {number:02d}" for number in range(CHANNELS))


@pytest.fixture(scope="module")
def plan():
    return bo.Plan(
        budget=30_000,
        currency="CNY",
        outcome="revenue",
        channels=[bo.Channel(name) for name in NAMES],
        reserve=bo.Reserve(contingency="5%"),
        max_change="30%",
    )


@pytest.fixture(scope="module")
def where(tmp_path_factory, plan):
    """Return the file of a ledger with two years of weeks."""
    rng = np.random.default_rng(3)
    spend = np.round(rng.uniform(600, 1200, (WEEKS, CHANNELS)))
    brought = np.round(3000 * -np.expm1(-spend / 1500) * rng.lognormal(0, 0.2, spend.shape))
    starts = np.datetime64(FIRST) + np.arange(WEEKS) * np.timedelta64(7, "D")
    past = bo.History(NAMES, starts, spend=spend, outcome=brought)
    recent = bo.History(NAMES, past.weeks[-8:], past.spend[-8:], past.outcome[-8:])
    file = tmp_path_factory.mktemp("page") / "years.ledger"
    write_weeks(file, plan, past, bo.reallocate(plan, recent))
    return file


@pytest.mark.parametrize("span", [{}, {"month": "2025-11"}], ids=["memo", "month"])
def bench_page_of_a_ledger(benchmark, plan, where, span) -> None:
    """Read the ledger and write the page, warm; the aim is 2 s, and 1.2 MB."""
    text = benchmark.pedantic(lambda: bo.report(plan, ledger=where, **span), rounds=5)
    benchmark.extra_info["kilobytes"] = len(text.encode()) / 1e3
    assert len(text.encode()) < 1_200_000
    assert all(name in text for name in NAMES)
