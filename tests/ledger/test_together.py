"""Threads and processes record at once: nothing is lost, doubled or out of order."""

import subprocess
import sys
import threading
from collections import Counter

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
