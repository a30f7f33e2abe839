"""What goes wrong with files, disks, locks and clocks: a typed error that says what to do."""

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from budgetopt.errors import InputError, LedgerError
from budgetopt.ledger import Ledger
from budgetopt.ledger.reader import CLOCK_SLACK

TRY = """
import json, sys
from budgetopt.errors import BudgetoptError
from budgetopt.ledger import Ledger

def tried(what):
    try:
        return what()
    except BudgetoptError as error:
        return [error.code, error.exit_code, bool(error.remedy)]

def record():
    with ledger.transaction("Ann") as t:
        return t.add("note", {"filler": "x" * 100_000}).number

file = sys.argv[1]
"""


def elsewhere(code, file):
    """Run code in another process, and return what it prints as JSON."""
    words = [sys.executable, "-c", TRY + code, str(file)]
    run = subprocess.run(words, capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def recorded(file, entries=3):
    ledger = Ledger.open(file)
    with ledger.transaction("Ann") as t:
        for number in range(entries):
            t.add("note", {"number": number})
    return ledger


def refused(code, call, *words, **how):
    with pytest.raises(LedgerError) as found:
        call(*words, **how)
    assert found.value.code == code
    assert found.value.exit_code == 6
    assert found.value.remedy
    return str(found.value)


FULL = """
import resource
ledger = Ledger.open(file)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
print(json.dumps([tried(record) for _ in range(8)]))
"""


@pytest.mark.skipif(os.name != "posix", reason="files are limited on POSIX only")
def test_a_file_that_may_not_grow(file):
    ledger = recorded(file)
    found = elsewhere(FULL, file)
    done = [each for each in found if isinstance(each, int)]
    assert done == list(range(4, 4 + len(done)))
    assert 0 < len(done) < 8
    assert [each for each in found if each not in done] == [["ledger-full", 6, True]] * (
        8 - len(done)
    )
    assert ledger.verify().good
    assert [entry.number for entry in ledger.entries()] == list(range(1, 4 + len(done)))
    with ledger.transaction("Ann") as t:
        assert t.add("note", {}).number == 4 + len(done)


SMALL = """
ledger = tried(lambda: Ledger.open(file))
print(json.dumps([tried(record) for _ in range(8)] + [list(ledger.verify().problems)]))
"""


def test_a_disk_that_is_full(tmp_path):
    """A disk of 600 kB in memory, in a name space of its own."""
    words = ["unshare", "-rm", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=600k none {tmp_path}"
    if (
        not shutil.which("unshare")
        or subprocess.run([*words, mount], capture_output=True).returncode
    ):
        pytest.skip("no disk can be mounted here")
    run = subprocess.run(
        [*words, f'{mount} && exec "$@"', "sh", sys.executable, "-c", TRY + SMALL,
         str(tmp_path / "budget.ledger")],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    *found, problems = json.loads(run.stdout)
    done = [each for each in found if isinstance(each, int)]
    assert done == list(range(1, 1 + len(done)))
    assert 0 < len(done) < 8
    assert found[len(done) :] == [["ledger-full", 6, True]] * (8 - len(done))
    assert problems == []


@pytest.mark.parametrize("name", ["x" * 300, "x" * 255, "a\0b", "round"])
def test_a_name_that_no_file_can_have(folder, name):
    (folder / "round").symlink_to(folder / "round")
    for create in (True, False):
        refused("bad-file", Ledger.open, folder / name, create=create)
    assert [path.name for path in folder.iterdir()] == ["round"]


CLOSED = """
import os
Ledger.open(file).verify()
if not os.geteuid():
    os.setgroups([])
    os.setuid(65534)
print(json.dumps([tried(lambda: Ledger.open(name, create=create).head[0])
                  for name in (file, file + ".new") for create in (True, False)]))
"""


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_a_folder_that_may_not_be_entered():
    """As another user than the one who recorded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "closed"
        folder.mkdir()
        file = folder / "budget.ledger"
        recorded(file)
        Path(name).chmod(0o755)
        folder.chmod(0o000)
        try:
            assert elsewhere(CLOSED, file) == [["bad-file", 6, True]] * 4
        finally:
            folder.chmod(0o700)


READ_ONLY = """
import os
# What is imported late is so as long as it may be.
Ledger.open(file).verify()
if not os.geteuid():
    os.setgroups([])
    os.setuid(65534)
ledger = Ledger.open(file)
read = len(ledger.entries()), list(ledger.verify().problems)
print(json.dumps([read, tried(record), tried(lambda: Ledger.open(file + ".new").head[0])]))
"""


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
@pytest.mark.parametrize("sealed", ["file", "folder", "both"])
def test_what_may_not_be_written_is_read(sealed):
    """As another user than the one who recorded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "budget.ledger"
        recorded(file)
        before = file.read_bytes()
        file.chmod(0o444 if sealed != "folder" else 0o666)
        folder.chmod(0o555 if sealed != "file" else 0o777)
        read, written, made = elsewhere(READ_ONLY, file)
        folder.chmod(0o755)
        assert read == [3, []]
        assert written == ["bad-file", 6, True]
        assert made == (["bad-file", 6, True] if sealed != "file" else 0)
        assert file.read_bytes() == before
        if sealed != "file":
            assert [each.name for each in folder.iterdir()] == [file.name]


def test_what_is_written_while_it_is_read_without_a_lock(file, monkeypatch):
    ledger = recorded(file)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert len(ledger.entries()) == 3
    with pytest.raises(LedgerError, match="while it was read"), ledger._store.reading():
        os.utime(file, ns=(1, 1))


def test_a_transaction_in_another_thread_is_no_damage(file):
    """SQLite does not allow it; nobody is to restore a ledger from a backup for that."""
    with ThreadPoolExecutor(1) as other, Ledger.open(file).transaction("Ann") as t:
        error = other.submit(t.add, "note", {}).exception()
        t.add("note", {})
    assert isinstance(error, InputError)
    assert "thread" in error.remedy
    assert Ledger.open(file).verify().entries == 1


def test_a_locked_ledger(where, clock):
    ledger = Ledger.open(where, clock=clock, timeout=0.2)
    with ledger.transaction("Ann") as t:
        t.add("note", {})
        said = refused("ledger-locked", ledger.transaction("Bob").__enter__)
        assert ledger.entries() == ()
    assert "is being written to" in said
    assert len(ledger.entries()) == 1
    assert ledger.verify().good


def test_the_clock_may_not_go_back(ledger, clock):
    with ledger.transaction("Ann") as t:
        first = t.add("note", {})
    clock.now -= CLOCK_SLACK
    with ledger.transaction("Ann") as t:
        # Within the slack the moment of the last entry is taken.
        assert t.add("note", {}).at == first.at
    clock.forward(microseconds=-1)
    said = refused("ledger-clock", ledger.transaction("Ann").__enter__)
    assert "2026-11-20T14:59:49.999999+00:00" in said
    assert "2026-11-20T15:00:00.000000+00:00" in said
    clock.forward(seconds=11)
    with ledger.transaction("Ann") as t:
        assert t.add("note", {}).at == first.at + dt.timedelta(seconds=1, microseconds=-1)
    assert ledger.verify().good


def test_a_clock_without_a_time_zone(where):
    ledger = Ledger.open(where, clock=lambda: dt.datetime(2026, 11, 20))
    with pytest.raises(InputError, match="time zone"):
        ledger.transaction("Ann").__enter__()


def test_a_newer_version(file):
    ledger = recorded(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 4")
    assert "upgrade budgetopt" in refused("ledger-schema", Ledger.open, file)
    refused("ledger-schema", ledger.entries)
    refused("ledger-schema", ledger.verify)
    refused("ledger-schema", ledger.transaction("Ann").__enter__)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 3")
    assert len(ledger.entries()) == 3


def test_a_database_of_something_else(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE ledger_entries (number INTEGER)")
    before = file.read_bytes()
    assert "something else" in refused("ledger-schema", Ledger.open, file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["week,spend\n2026-11-23,5\n", "SQLite format 3", "x" * 9000])
def test_a_file_that_is_no_database(file, text):
    file.write_text(text)
    refused("ledger-schema", Ledger.open, file)
    assert file.read_text() == text


def test_an_empty_file_is_no_new_ledger(file):
    file.touch()
    assert "is empty" in refused("ledger-broken", Ledger.open, file)
    assert file.stat().st_size == 0


def test_a_folder_in_place_of_a_file(tmp_path):
    refused("bad-file", Ledger.open, tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    refused("bad-file", Ledger.open, tmp_path / "no" / "budget.ledger")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_is_not_there(file):
    refused("bad-file", Ledger.open, file, create=False)
    assert not file.exists()
    ledger = recorded(file)
    file.unlink()
    refused("bad-file", ledger.entries)
    refused("bad-file", ledger.transaction("Ann").__enter__)
    assert not file.exists()


def test_a_ledger_that_is_gone_but_for_what_was_not_merged(file):
    """A new ledger in its place would get the entries of the old one written over it."""
    beside = file.with_name(f"{file.name}-wal")
    beside.write_bytes(b"entries")
    assert "-wal" in refused("ledger-broken", Ledger.open, file)
    assert not file.exists()
    assert beside.read_bytes() == b"entries"


def test_a_truncated_file(file):
    """Cut at any length it is refused, or said to be broken, and is left as it was."""
    ledger = recorded(file, 60)
    whole = file.read_bytes()
    for size in [*range(0, len(whole), 1024), len(whole) - 1]:
        file.write_bytes(whole[:size])
        for call in (lambda: Ledger.open(file).entries(), ledger.transaction("Ann").__enter__):
            with pytest.raises(LedgerError) as found:
                call()
            assert found.value.code in ("ledger-broken", "ledger-schema"), size
        assert file.read_bytes() == whole[:size]
    file.write_bytes(whole)
    assert ledger.verify().good


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), 1e10, "5", None])
def test_a_timeout_that_is_none(file, timeout):
    with pytest.raises(InputError, match="timeout"):
        Ledger.open(file, timeout=timeout)
