"""Kill weekly runs at random moments: ``kill.py FOLDER KILLS SEED``; prints JSON.

Every run starts from the same ledger and the same clock, so that the ledger of a run that was
killed and run again is held against that of an undisturbed one, hash by hash.
"""

import datetime as dt
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

import budgetopt as bo
from budgetopt.ledger import Ledger
from budgetopt.workflow import run_week, state_of
from budgetopt.workflow.approval import apply, approve

NAMES = ("search", "feed", "kol", "shop")
START = dt.date(2026, 3, 30)
WEEK = dt.timedelta(weeks=1)
PLAN = bo.Plan(
    budget=4000,
    currency="CNY",
    channels=[bo.Channel(name) for name in NAMES],
    reserve=bo.Reserve(contingency="10%"),
    step=1,
    operation={"approval": {"total": 4000}, "releases": [
        {"when": "scenario", "share": 0.5, "scenario": "rival"}
    ]},
)  # fmt: skip


def clock():
    return dt.datetime(2026, 4, 3, 15, tzinfo=dt.UTC)


def past(weeks):
    """Return weeks of which the last overspends, so that much is recorded after it."""
    rng = np.random.default_rng(5)
    spend = np.round(rng.uniform(600, 1000, (weeks, len(NAMES))))
    brought = np.round([9000, 5000, 3000, 2000] * -np.expm1(-spend / 1200))
    starts = np.datetime64(START - 20 * WEEK) + np.arange(weeks) * np.timedelta64(7, "D")
    return bo.History(NAMES, starts, spend=spend, outcome=brought)


def friday(file, belief):
    """Do the run that is killed."""
    return run_week(
        PLAN,
        past(21),
        Ledger.open(file, clock=clock, timeout=60),
        who="cron",
        today=START + WEEK,
        belief=belief,
        scenarios=["rival"],
    )


def prepared(file, belief):
    """Make the ledger that all runs start from: a week that was applied."""
    book = Ledger.open(file, clock=clock)
    run_week(PLAN, past(20), book, who="cron", today=START, belief=belief)
    if state_of(book, START).state != "approved":
        approve(book, PLAN, START, who="ann")
    apply(book, PLAN, START, who="ann")


def rows(file):
    return [entry.to_dict() for entry in Ledger.open(file, clock=clock).entries()]


def killed(file, belief, wait=None):
    """Run in a process that is killed after a while; without one return how long it takes."""
    started = time.perf_counter()
    child = os.fork()
    if not child:
        friday(file, belief)
        os._exit(0)
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return time.perf_counter() - started


def main():
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng, belief = random.Random(seed), bo.learn(past(19), PLAN)
    base, whole = folder / "base", folder / "whole"
    prepared(base, belief)
    shutil.copy(base, whole)
    decision = friday(whole, belief).decision.to_json()
    before, undisturbed = rows(base), rows(whole)
    found = {"none": 0, "all": 0, "half": 0, "other": 0, "broken": [], "midst": 0,
             "entries": len(undisturbed) - len(before)}  # fmt: skip
    for number in range(kills):
        file = folder / str(number)
        shutil.copy(base, file)
        if number % 5 == 0:
            # How long a run takes goes up and down with what else the machine does.
            once = killed(shutil.copy(base, folder / "timed"), belief)
        killed(file, belief, rng.uniform(0, 1.2 * once))
        found["midst"] += os.path.exists(f"{file}-wal")
        left = rows(file)
        found[{len(before): "none", len(undisturbed): "all"}.get(len(left), "half")] += 1
        again = friday(file, belief)
        same = again.decision.to_json() == decision and rows(file) == undisturbed
        found["other"] += not (same and left == undisturbed[: len(left)])
        found["broken"] += Ledger.open(file).verify().problems
        file.unlink()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
