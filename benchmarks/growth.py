"""How time and memory grow with channels, runs, rows and entries: exponents over four sizes.

    OMP_NUM_THREADS=1 python benchmarks/growth.py [--only lots,draws] [--json] [--runs 3]

A case is timed at four sizes, each twice the one before, by processor time, the median of some
runs. The exponent is the slope of the logarithm of the time over that of the size, by least
squares: 1 where twice the channels take twice as long. `peak` is what Python and NumPy held at the
peak of one more run of the largest size, `gap` the largest that an answer leaves.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import json
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import problems

import budgetopt as bo
from budgetopt import Limit
from budgetopt.history import Columns, History
from budgetopt.ledger import Ledger

Call = Callable[[], object]

WEEKS = 26


@functools.cache
def weeks(count: int) -> tuple[bo.Plan, History]:
    """Return a plan and 26 weeks of noisy exponential channels, by a seed of their own."""
    rng = np.random.default_rng(count)
    top, scale = rng.lognormal(5, 0.6, count), rng.lognormal(4.6, 0.7, count)
    spend = np.round(rng.lognormal(4.6, 0.3, (WEEKS, count)), 2)
    noise = rng.lognormal(0, 0.1, (WEEKS, count))
    outcome = np.round(top * (1.0 - np.exp(-spend / scale)) * noise)
    names = tuple(f"channel {at}" for at in range(count))
    first = np.datetime64("2026-01-05") + 7 * np.arange(WEEKS)
    plan = bo.Plan(budget=100 * count, currency="CNY", channels=[bo.Channel(n) for n in names])
    return plan, History(names, first, spend, outcome)


@functools.cache
def belief(count: int) -> bo.Belief:
    plan, history = weeks(count)
    return bo.learn(history, plan)


def learn(count: int) -> Call:
    plan, history = weeks(count)
    return lambda: bo.learn(history, plan)


def reallocate(count: int) -> Call:
    (plan, history), known = weeks(count), belief(count)
    return lambda: bo.reallocate(plan, history, belief=known, policy="thompson(1)", seed=1)


def draws(count: int) -> Call:
    """Draw a thousand curves of each channel and read what a split brings in each."""
    known, spend = belief(count), np.full(count, 100.0)
    return lambda: known.draw(np.random.default_rng(0), 1000).value(spend)


def select(count: int) -> Call:
    plan, history = weeks(count)
    return lambda: history.select(plan.names[::-1], plan.currency)


def plain(count: int) -> Call:
    plan = problems.plan(count, "hill")
    return lambda: bo.allocate(plan)


def grouped(count: int) -> Call:
    """Allocate with ten groups that overlap, some of which bind."""
    plan = in_groups(problems.plan(count, "hill"), 10)
    return lambda: bo.allocate(plan)


def switches(count: int) -> Call:
    """Allocate to channels that are off or at least 60, with ten groups that overlap."""
    plan = in_groups(problems.plan(count, "hill"), 10)
    channels = [
        replace(channel, floor=0, cap=None, off_or_at_least=60) for channel in plan.channels
    ]
    plan = replace(plan, channels=tuple(channels))
    return lambda: bo.allocate(plan)


def lots(count: int) -> Call:
    """Allocate in lots of 5 to 59."""
    return functools.partial(bo.allocate, in_lots(problems.plan(count, "mixed")))


def grouped_lots(count: int) -> Call:
    """Allocate in such lots under three groups."""
    return functools.partial(bo.allocate, in_groups(in_lots(problems.plan(count, "mixed")), 3))


def in_lots(plan: bo.Plan, seed: int = 7) -> bo.Plan:
    rng = np.random.default_rng(seed)
    channels = [bo.Channel(c.name, floor=c.floor, cap=c.cap, curve=c.curve, labels=c.labels,
                           lot=int(rng.integers(5, 60))) for c in plan.channels]  # fmt: skip
    return bo.Plan(budget=plan.budget, currency="CNY", channels=channels)


def in_groups(plan: bo.Plan, groups: int, seed: int = 7) -> bo.Plan:
    rng = np.random.default_rng(seed)
    member = rng.random((len(plan.channels), groups)) < 0.4
    channels = [bo.Channel(c.name, floor=c.floor, cap=c.cap, curve=c.curve, lot=c.lot,
                           labels={f"g{at}": "yes" for at in np.flatnonzero(some)})
                for c, some in zip(plan.channels, member, strict=True)]  # fmt: skip
    limits = [Limit.group(f"group {at}", {f"g{at}": "yes"}, at_most=int(90 * member[:, at].sum()))
              for at in range(groups) if member[:, at].any()]  # fmt: skip
    return bo.Plan(budget=plan.budget, currency="CNY", channels=channels, limits=limits)


def simulated(limits: Sequence[bo.Limit], runs: int) -> Call:
    """Simulate a quarter of eight channels, the budget decided anew every week of every run."""
    curve = bo.Log(np.linspace(300.0, 900.0, 8), np.full(8, 80.0))
    names = [f"channel {at}" for at in range(8)]
    labels = [{"g": "x" if at < 4 else "y"} for at in range(8)]
    channels = [bo.Channel(n, labels=own) for n, own in zip(names, labels, strict=True)]
    plan = bo.Plan(budget=800, currency="CNY", channels=channels, limits=limits)
    market = bo.Market(names, curve, noise=bo.market.Noise.lognormal(0.2))
    return lambda: bo.simulate(plan, market, policies=["posterior-mean"], weeks=13, runs=runs)


def read(rows: int) -> Call:
    """Read daily rows of 400 channels from a CSV to weeks."""
    rng, days = np.random.default_rng(1), np.datetime64("2016-01-04") + np.arange(-(-rows // 400))
    spends = rng.integers(100, 9_999_999, (days.size, 400)) / 100
    lines = (
        f"{day},channel {at:03d},{money:.2f},{at}\n"
        for day, own in zip(days, spends, strict=True)
        for at, money in enumerate(own)
    )
    path = SCRATCH / f"{rows}.csv"
    path.write_text("date,channel,spend,outcome\n" + "".join(lines), "utf-8")
    return lambda: History.read(path, Columns(week="date", rows="daily"))


def ledger(entries: int) -> Call:
    """Read every entry of a ledger and check its hashes, its chain and its head."""
    book = Ledger.open(SCRATCH / f"{entries}.db")
    with book.transaction("Friday") as written:
        for at in range(entries):
            week = dt.date(2016, 1, 4) + dt.timedelta(weeks=at)
            written.add("applied", {"spend": {"c": "1.00"}}, week=week, key=str(week))
    return lambda: Ledger.open(SCRATCH / f"{entries}.db").verify()


GROUP = Limit.group("half", {"g": "x"}, at_most="45%")
KEPT = tempfile.TemporaryDirectory()
SCRATCH = Path(KEPT.name)

CASES: dict[str, tuple[Callable[[int], Call], Sequence[int]]] = {
    "learn": (learn, (50, 100, 200, 400)),
    "reallocate": (reallocate, (50, 100, 200, 400)),
    "draws": (draws, (50, 100, 200, 400)),
    "select": (select, (2_000, 4_000, 8_000, 16_000)),
    "allocate": (plain, (2_000, 4_000, 8_000, 16_000)),
    "groups": (grouped, (500, 1_000, 2_000, 4_000)),
    "switches in groups": (switches, (125, 250, 500, 1_000)),
    "lots": (lots, (10, 20, 40, 80)),
    "lots in groups": (grouped_lots, (5, 10, 20, 40)),
    "simulate": (functools.partial(simulated, ()), (250, 500, 1_000, 2_000)),
    "simulate in groups": (functools.partial(simulated, (GROUP,)), (25, 50, 100, 200)),
    "read": (read, (50_000, 100_000, 200_000, 400_000)),
    "ledger": (ledger, (1_000, 2_000, 4_000, 8_000)),
}


def seconds(call: Call, runs: int) -> float:
    """Return the median processor time of some runs after a first one."""
    call()
    taken = []
    for _ in range(runs):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Return the slope of log time over log size."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(times, 1e-9)), 1)[0])


def peak(call: Call) -> float:
    """Return the most that Python and NumPy held in a run beyond what was there, in MB."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return most


def measured(name: str, runs: int, sizes: Sequence[int] | None = None) -> dict[str, object]:
    """Return sizes, seconds, exponent and peak of a case, and the largest gap of its answers."""
    make, usual = CASES[name]
    sizes = sizes or usual
    calls = [make(count) for count in sizes]
    times = [seconds(call, runs) for call in calls]
    return {"case": name, "sizes": list(sizes), "seconds": times,
            "exponent": exponent(sizes, times), "peak_mb": peak(calls[-1]),
            "gap": max(getattr(call(), "gap", 0.0) for call in calls)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for name in args.only.split(","):
        found = measured(name, args.runs)
        if args.json:
            print(json.dumps(found), flush=True)
            continue
        pairs = zip(found["sizes"], found["seconds"], strict=True)
        points = ", ".join(f"{size:,}: {1e3 * took:.3g} ms" for size, took in pairs)
        held = f"peak {found['peak_mb']:.0f} MB, gap {found['gap']:.1e}"
        grows = f"exponent {found['exponent']:.2f}, {held}"
        print(f"{name:15} {grows}; {points}", flush=True)


if __name__ == "__main__":
    main()
