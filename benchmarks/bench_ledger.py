"""Ten years of 100 channels in one ledger: verify it, and do one week in it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from budgetopt.ledger import Ledger

YEARS, CHANNELS = 10, 100
KINDS = ("history", "proposal", "approval", "applied", "measured", "alert")
FIRST = dt.date(2016, 1, 4)


def _proposal(rng: np.random.Generator) -> dict[str, object]:
    """About 100 kB: what a decision for 100 channels says, with points of their curves."""
    return {
        f"channel {number}": {
            "spend": f"{rng.uniform(0, 1e5):.2f}",
            "reason": "spend rises, as another 1,000 bring more here than elsewhere",
            "curve": rng.uniform(0, 1e6, 47).tolist(),
        }
        for number in range(CHANNELS)
    }


@pytest.fixture(scope="module")
def decade(tmp_path_factory):
    """Return the file of a ledger with 52 weeks a year, six entries a week."""
    rng, where = np.random.default_rng(3), tmp_path_factory.mktemp("ledger") / "decade.ledger"
    now = dt.datetime(2016, 1, 1, tzinfo=dt.UTC)
    ledger = Ledger.open(where, clock=lambda: now)
    for year in range(YEARS):
        now += dt.timedelta(days=364)
        # A year at a time, since every transaction waits for the disk.
        with ledger.transaction("Friday") as t:
            for week in range(52 * year, 52 * year + 52):
                start = FIRST + dt.timedelta(weeks=week)
                for kind in KINDS:
                    data = _proposal(rng) if kind == "proposal" else {"spend": {"c": "1.00"}}
                    t.add(kind, data, week=start, key=f"{start}/{kind}")
    return where


def bench_verify_ten_years(benchmark, decade) -> None:
    """Every hash of 3,120 entries, 52 MB; the aim is 2 s."""
    found = benchmark.pedantic(Ledger.open(decade).verify, rounds=5)
    benchmark.extra_info["megabytes"] = decade.stat().st_size / 1e6
    assert found.problems == ()
    assert found.entries >= 52 * YEARS * len(KINDS)


def bench_one_week_in_ten_years(benchmark, decade) -> None:
    """Open, read the entries of a week and the latest applied, and append; the aim is 50 ms."""
    data = _proposal(np.random.default_rng(4))
    week = FIRST + dt.timedelta(weeks=300)

    def friday() -> int:
        with Ledger.open(decade).transaction("Friday") as t:
            read = t.entries(week=week)
            assert t.latest("applied") is not None
            t.add("note", data)
        return len(read)

    assert benchmark.pedantic(friday, rounds=20) == len(KINDS)
