"""A weekly run that is killed leaves nothing or all; runs at once end in one proposal."""

import datetime as dt
import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from budgetopt.errors import LedgerError
from budgetopt.ledger import Ledger
from budgetopt.workflow import run_week

from ..helpers import FIRST, history, ledger, plan

run_module = importlib.import_module("budgetopt.workflow.run_week")
HERE = Path(__file__).parents[1]


def kills(folder, count, seed):
    words = [sys.executable, HERE / "kill.py", folder, str(count), str(seed)]
    run = subprocess.run(words, check=True, capture_output=True, timeout=600)
    return json.loads(run.stdout)


def nothing_or_all(count, found):
    # A proposal, the history, what was measured, who pays, what is released, an approval, alerts.
    assert found["entries"] > 3
    assert found["half"] == 0
    assert found["broken"] == []
    # What was left is the beginning of the undisturbed ledger, and the rerun its end, to the byte.
    assert found["other"] == 0
    assert found["none"] + found["all"] == count


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")


@needs_fork
def test_runs_that_are_killed_leave_nothing_or_all(tmp_path):
    found = kills(tmp_path, 15, seed=1)
    nothing_or_all(15, found)


@needs_fork
@pytest.mark.slow
def test_three_hundred_runs_that_are_killed_leave_nothing_or_all(tmp_path):
    found = kills(tmp_path, 300, seed=2)
    nothing_or_all(300, found)
    # So that the test does test: many died before anything was written, many after, some between.
    assert min(found["none"], found["all"]) > 15
    assert found["midst"] > 10


RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from helpers import FIRST, history, plan
from budgetopt.ledger import Ledger
from budgetopt.workflow import run_week

book = Ledger.open(sys.argv[2], timeout=60)
print("ready", flush=True)
sys.stdin.readline()
run = run_week(plan(), history(), book, who="process", today=FIRST)
print(run.revision, flush=True)
"""


def test_eight_threads_and_four_processes_end_in_one_proposal(tmp_path):
    book = ledger(tmp_path)
    where = tmp_path / "budget.ledger"
    found, failures = [], []

    def friday(name):
        try:
            mine = Ledger.open(where, timeout=60)
            found.append(run_week(plan(), history(), mine, who=name, today=FIRST))
        except Exception as error:  # noqa: BLE001 - a thread cannot raise into the test
            failures.append(error)

    words = [sys.executable, "-c", RUN, str(HERE), str(where)]
    processes = [
        subprocess.Popen(
            words,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=friday, args=(f"thread {n}",)) for n in range(8)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = [process.communicate(timeout=60) for process in processes]
    assert failures == []
    assert said == [("1\n", "")] * 4
    assert len({run.decision.to_json() for run in found}) == 1
    assert sum(run.new for run in found) <= 1
    kinds = [entry.kind for entry in book.entries()]
    assert [kinds.count(kind) for kind in ("plan", "history", "proposal")] == [1, 1, 1]
    assert book.verify().problems == ()
    keys = [entry.key for entry in book.entries(kinds=("alert",))]
    assert len(set(keys)) == len(keys)


def test_two_runs_with_other_seeds_are_two_revisions(tmp_path):
    book, start = ledger(tmp_path), threading.Barrier(2)
    where, found = tmp_path / "budget.ledger", []

    def friday(seed):
        mine = Ledger.open(where, timeout=60)
        start.wait()
        found.append(run_week(plan(), history(), mine, who="cron", today=FIRST, seed=seed))

    threads = [threading.Thread(target=friday, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = sorted(found, key=lambda run: run.revision)
    assert (first.revision, second.revision) == (1, 2)
    seeds = first.decision.seed, second.decision.seed
    assert list(second.changed) == [f"the seed changed from {seeds[0]} to {seeds[1]}"]
    assert book.verify().problems == ()


def refused(code, book, **settings):
    with pytest.raises(LedgerError) as caught:
        run_week(plan(), history(), book, who="cron", today=FIRST, **settings)
    assert caught.value.code == code


def test_a_ledger_that_is_locked_or_whose_clock_went_back_takes_no_run(tmp_path):
    book, where = ledger(tmp_path), tmp_path / "budget.ledger"
    run_week(plan(), history(), book, who="cron", today=FIRST)
    head, impatient = book.head, Ledger.open(where, timeout=0.05)
    with impatient.transaction("somebody else"):
        refused("ledger-locked", impatient, seed=1)
    early = Ledger.open(where, clock=lambda: dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    refused("ledger-clock", early, seed=1)
    assert book.head == head
    # What is recorded can be read all the same.
    assert not run_week(plan(), history(), early, who="cron", today=FIRST).new
    assert run_week(plan(), history(), book, who="cron", today=FIRST, seed=1).revision == 2


def test_a_run_that_fails_while_it_writes_leaves_nothing(tmp_path, monkeypatch):
    book = ledger(tmp_path)
    monkeypatch.setattr(run_module, "approve_by_rule", fail)
    with pytest.raises(ZeroDivisionError):
        run_week(plan(), history(), book, who="cron", today=FIRST)
    assert book.entries() == ()
    monkeypatch.undo()
    assert run_week(plan(), history(), book, who="cron", today=FIRST).new


def fail(*_):
    raise ZeroDivisionError
