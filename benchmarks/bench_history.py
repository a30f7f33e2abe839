"""A history from a file of daily rows, beside what pandas takes to parse the same text."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from budgetopt.history import Columns, History

CHANNELS = 400
FIRST = dt.date(2016, 1, 4)
COLUMNS = Columns(week="date", rows="daily")
READ = """
import json, re, resource, sys, time
from budgetopt.history import Columns, History
began = time.process_time()
spent = History.read(sys.argv[1], Columns(week="date", rows="daily")).spend.sum()
took = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    # Of this program alone: the number above counts what forked it, too.
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
except OSError:
    pass
print(json.dumps([spent, took, peak / 1024]))
"""


@pytest.fixture(scope="module", params=[50, pytest.param(2500, marks=pytest.mark.slow)])
def export(request, tmp_path_factory):
    """Return a file of so many days of 400 channels, and what they spent in cents."""
    rng = np.random.default_rng(1)
    shape = request.param, CHANNELS
    cents, outcomes = rng.integers(100, 9_999_999, shape), rng.integers(0, 500, shape)
    path = tmp_path_factory.mktemp("history") / "daily.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("date,channel,spend,outcome\n")
        for number, (spent, brought) in enumerate(zip(cents, outcomes, strict=True)):
            day = FIRST + dt.timedelta(days=number)
            file.writelines(
                f"{day},channel {channel:03d},{money / 100:.2f},{count}\n"
                for channel, (money, count) in enumerate(
                    zip(spent.tolist(), brought.tolist(), strict=True)
                )
            )
    return path, int(cents.sum())


def bench_read_daily_rows(benchmark, export) -> None:
    """A million daily rows to weeks; the aim is 2 s. The ratio is to `pandas.read_csv`."""
    path, cents = export
    history = benchmark.pedantic(History.read, (path, COLUMNS), rounds=3)
    began = time.process_time()
    pd.read_csv(path)
    parsed = time.process_time() - began
    began = time.process_time()
    History.read(path, COLUMNS)
    benchmark.extra_info["times pandas.read_csv"] = (time.process_time() - began) / parsed
    assert round(100 * history.spend.sum()) == cents


def bench_memory_and_time_of_daily_rows(benchmark, export) -> None:
    """In a process of its own: the aim is 2 s of a processor, and 1 GB at the peak."""
    path, cents = export

    def read() -> list[float]:
        words = [sys.executable, "-c", READ, str(path)]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    spent, took, peak = benchmark.pedantic(read, rounds=1)
    benchmark.extra_info.update({"processor seconds": took, "peak MiB": peak})
    assert round(100 * spent) == cents
    assert peak < 1024
