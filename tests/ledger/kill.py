"""Kill processes at random moments: ``kill.py recording|making FILE KILLS SEED``.

A process that records says, through a pipe, which transaction it has seen end. Prints JSON.
"""

import datetime as dt
import json
import os
import random
import signal
import sys
import time

from budgetopt.ledger import Ledger

FACTS = 3
"""Entries a transaction."""


def record_for_ever(file, told):
    ledger = Ledger.open(file, timeout=60)
    while True:
        with ledger.transaction("clerk") as t:
            number = t.head[0] // FACTS
            for fact in range(FACTS):
                t.add("note", {"of": number, "fact": fact, "filler": "x" * 20_000},
                      week=dt.date(2026, 11, 23), key=f"{number}/{fact}")  # fmt: skip
        os.write(told, b"%d\n" % number)


def killed(file, wait):
    """Return the number of the last transaction that a killed process has seen end, or -1."""
    reading, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        record_for_ever(file, told)
    os.close(told)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said:
        return max(map(int, said.read().split()), default=-1)


def while_recording(file, kills, rng):
    """Kill processes that record in one ledger."""
    lost, broken, beside = 0, [], 0
    for _ in range(kills):
        said = killed(file, rng.uniform(0, 0.07))
        beside += os.path.exists(f"{file}-wal")
        ledger = Ledger.open(file)
        whole, left = divmod(ledger.head[0], FACTS)
        lost += said >= whole
        broken += ledger.verify().problems
        broken += ["half a transaction"] if left else []
    data = [entry.data for entry in ledger.entries()]
    in_order = [(at // FACTS, at % FACTS) for at in range(len(data))]
    return {
        "lost": lost,
        "broken": broken,
        "midst": beside,
        "entries": len(data),
        "in order": [(each["of"], each["fact"]) for each in data] == in_order,
    }


def while_making(file, kills, rng):
    """Kill processes that make a ledger, a new one each."""
    broken, made = [], 0
    for number in range(kills):
        each = f"{file}.{number}"
        # The first at once: a quick machine had made every one before it was killed.
        killed(each, rng.uniform(0, 0.04) if number else 0.0)
        made += os.path.exists(each)
        broken += Ledger.open(each).verify().problems
    return {"broken": broken, "made": made}


def main():
    what, file, kills, seed = sys.argv[1:]
    how = {"recording": while_recording, "making": while_making}[what]
    json.dump(how(file, int(kills), random.Random(int(seed))), sys.stdout)


if __name__ == "__main__":
    main()
