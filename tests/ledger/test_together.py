"""Threads and processes record at once: nothing is lost, doubled or out of order."""

import datetime as dt
import os
import subprocess
import sys
import threading
from collections import Counter

import pytest

from budgetopt.errors import LedgerError
from budgetopt.ledger import Ledger

ROUNDS = 5
RECORD = """
import sys
from budgetopt.ledger import Ledger

where, name, rounds = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(rounds)):
    with Ledger.open(where, timeout=60).transaction(name) as t:
        t.add("note", {"before": t.head[0]}, key=f"{name}/{number}")
        t.add("alert", {"before": t.head[0]})
"""


def test_eight_threads_and_four_processes(where):
    ledger = Ledger.open(where, timeout=60)
    failures = []

    def record(name):
        try:
            for number in range(ROUNDS):
                with ledger.transaction(name) as t:
                    t.add("note", {"before": t.head[0]}, key=f"{name}/{number}")
                    t.add("alert", {"before": t.head[0]})
                seen = ledger.entries()
                assert [entry.number for entry in seen] == list(range(1, len(seen) + 1))
                assert len(seen) % 2 == 0
        except Exception as error:  # noqa: BLE001 - a thread cannot raise into the test
            failures.append(error)

    threads = [threading.Thread(target=record, args=(f"thread {n}",)) for n in range(8)]
    words = [sys.executable, "-c", RECORD, str(where)]
    processes = [
        subprocess.Popen([*words, f"process {n}", str(ROUNDS)], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for n in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = [process.communicate(timeout=60)[1] for process in processes]

    assert failures == []
    assert said == [""] * 4
    found = ledger.entries()
    assert ledger.verify().good
    assert len(found) == 12 * ROUNDS * 2
    assert Counter(entry.who for entry in found) == {
        **{f"thread {n}": ROUNDS * 2 for n in range(8)},
        **{f"process {n}": ROUNDS * 2 for n in range(4)},
    }
    # Nobody wrote between the two entries of a transaction, nor between its reads and its writes.
    assert [entry.data["before"] for entry in found] == list(range(len(found)))
    assert all(a.who == b.who for a, b in zip(found[::2], found[1::2], strict=True))


def test_one_ledger_is_made_by_many_at_once(where):
    ledgers, start = [], threading.Barrier(8)

    def make():
        start.wait()
        ledgers.append(Ledger.open(where, timeout=30))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledgers) == 8
    for number, ledger in enumerate(ledgers):
        with ledger.transaction("Ann") as t:
            assert t.add("note", {}).number == number + 1


def test_two_that_want_one_key_get_one_entry(where):
    ledger, start, outcome = Ledger.open(where, timeout=30), threading.Barrier(6), []

    def propose(name):
        start.wait()
        try:
            with ledger.transaction(name) as t:
                t.add("proposal", {}, key="2026-11-23/1")
            outcome.append("recorded")
        except LedgerError as error:
            outcome.append(error.code)

    threads = [threading.Thread(target=propose, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["ledger-conflict"] * 5 + ["recorded"]
    assert len(ledger.entries()) == 1


def test_readers_do_not_wait_for_a_writer(ledger):
    with ledger.transaction("Ann") as t:
        t.add("note", {})
        assert ledger.entries() == ()
        assert len(t.entries()) == 1
        assert ledger.verify().good
    assert len(ledger.entries()) == 1


WRITERS, PLANS = 16, 40
WEEKS = int(os.environ.get("BUDGETOPT_WEEKS", "320"))
"""Weeks of all plans together; 10,000 take minutes."""
PROPOSE = """
import datetime as dt, sys
from budgetopt.ledger import Ledger

where, writer, writers, plans, weeks = sys.argv[1], *map(int, sys.argv[2:])
ledger = Ledger.open(where, timeout=600)
print("ready", flush=True)
sys.stdin.readline()
# A share of one's own, and again a part of the next writer's, as a job that is started twice does.
share = range(writer, weeks, writers), range((writer + 1) % writers, weeks, 8 * writers)
for number in (*share[0], *share[1]):
    week = dt.date(2026, 1, 5) + dt.timedelta(weeks=number // plans)
    with ledger.of(f"plan {number % plans}").transaction(f"writer {writer}") as t:
        if t.latest("proposal", week) is None:
            t.add("proposal", {"number": number}, week=week, revision=1, key=f"{week}/1")
            t.add("approval", {"number": number}, week=week, revision=1)
"""


@pytest.mark.slow
def test_many_writers_lose_and_double_no_week_of_any_plan(empty_schema):
    where, _ = empty_schema
    ledger = Ledger.open(where)
    words = [sys.executable, "-c", PROPOSE, where]
    processes = [
        subprocess.Popen([*words, *map(str, (n, WRITERS, PLANS, WEEKS))], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for n in range(WRITERS)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * WRITERS
    found = [entry for plan in ledger.plans for entry in ledger.of(plan).entries()]
    monday = dt.date(2026, 1, 5)
    for kind in ("proposal", "approval"):
        held = Counter((e.plan, e.week, e.data["number"]) for e in found if e.kind == kind)
        assert held == {
            (f"plan {n % PLANS}", monday + dt.timedelta(weeks=n // PLANS), n): 1
            for n in range(WEEKS)
        }
    assert sorted(e.number for e in found) == list(range(1, 2 * WEEKS + 1))
    assert ledger.verify().good
    assert len({e.who for e in found}) == WRITERS
