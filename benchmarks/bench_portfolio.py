"""One more week of many accounts from what is kept of them, files and store included.

    BUDGETOPT_ACCOUNTS=1000 BUDGETOPT_WEEKS=104 OMP_NUM_THREADS=1 \
        pytest benchmarks/bench_portfolio.py --benchmark-enable

`extra_info` has the processor time of an account, the size of its record, and the memory of the
process at its peak. Ten thousand accounts on two cores are to take 120 s, which is 24 ms of a
processor for each.
"""

from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import budgetopt as bo

ACCOUNTS = int(os.environ.get("BUDGETOPT_ACCOUNTS", "2"))
WEEKS = int(os.environ.get("BUDGETOPT_WEEKS", "12"))
NAMES = tuple(f"channel {at}" for at in range(12))


def write(folder: Path, number: int, weeks: int) -> None:
    """Write the plan and so many weeks of an account, each of its own seed."""
    rng = np.random.default_rng(number)
    top, half = rng.uniform(2000, 20000, 12), rng.uniform(500, 5000, 12)
    usual = rng.uniform(300, 3000, 12)
    spend = np.round(usual * rng.lognormal(0, 0.25, (WEEKS + 1, 12)), 2)
    revenue = np.round(top * spend / (half + spend) * rng.lognormal(0, 0.15, (WEEKS + 1, 12)))
    days = np.datetime64("2024-01-01") + 7 * np.arange(WEEKS + 1)
    part = folder / f"shop {number:05d}"
    part.mkdir(parents=True, exist_ok=True)
    channels = "".join(f'[[channels]]\nname = "{name}"\n' for name in NAMES)
    head = f'name = "shop"\ncurrency = "CNY"\nbudget = {round(usual.sum())}\noutcome = "revenue"\n'
    (part / "plan.toml").write_text(f'{head}[history]\noutcome = "revenue"\n{channels}', "utf-8")
    rows = [
        f"{days[week]},{name},{spend[week, at]},{revenue[week, at]:.0f}"
        for week in range(weeks)
        for at, name in enumerate(NAMES)
    ]
    (part / "history.csv").write_text("\n".join(["week,channel,spend,revenue", *rows]), "utf-8")


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Return the folder of the accounts with one more week than the store beside it knows."""
    folder = tmp_path_factory.mktemp("portfolio")
    for weeks in (WEEKS, WEEKS + 1):
        for number in range(ACCOUNTS):
            write(folder / "accounts", number, weeks)
        if weeks == WEEKS:
            assert (
                not bo.Portfolio.read(folder / "accounts").reallocate(store=folder / "kept").failed
            )
    return folder


def bench_one_more_week(benchmark, night) -> None:
    """Read, learn one week more, decide and keep every account."""
    spent = []

    def before():
        shutil.rmtree(night / "store", ignore_errors=True)
        shutil.copytree(night / "kept", night / "store")

    def run():
        start = time.process_time()
        found = bo.Portfolio.read(night / "accounts").reallocate(store=night / "store")
        spent.append(time.process_time() - start)
        return found

    found = benchmark.pedantic(run, setup=before, rounds=3)
    sizes = [path.stat().st_size for path in (night / "store").rglob("*") if path.is_file()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    benchmark.extra_info |= {
        "processor_ms_an_account": 1e3 * min(spent) / ACCOUNTS,
        "record_kB": np.mean(sizes) / 1e3,
        "peak_MB": peak,
    }
    assert len(found.accounts) == len(sizes) == ACCOUNTS
    assert not found.failed
