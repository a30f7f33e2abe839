"""Ledgers of every older version are brought to this one, and no hash is written anew."""

import re
import sqlite3
import threading
from contextlib import closing

import pytest

from budgetopt.errors import LedgerError
from budgetopt.ledger import Ledger
from budgetopt.ledger import postgres as postgres_schema
from budgetopt.ledger import sqlite as sqlite_schema


def hashes_in(text):
    """Return the previous and own hash of every entry of a text, as they stand there."""
    return re.findall(r"'([0-9a-f]{64})', '([0-9a-f]{64})'", text)


@pytest.fixture
def old(request, here):
    """Return, for either database, an old ledger, a way to run SQL in it and its text."""

    def make(database, version=1):
        text = (here / f"version_{version}_{database}.sql").read_text("utf-8")
        if database == "postgresql":
            url, run = request.getfixturevalue("empty_schema")
        else:
            url = request.getfixturevalue("file")

            def run(sql):
                with closing(sqlite3.connect(url, isolation_level=None)) as connection:
                    if "INSERT INTO" in sql:
                        connection.executescript(sql)
                        return None
                    return connection.execute(sql).fetchall()

        run(text)
        return url, run, text

    return make


DATABASES = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


def test_every_older_version_has_a_way_and_a_ledger(here):
    for name, schema in (("sqlite", sqlite_schema), ("postgresql", postgres_schema)):
        assert list(schema.UPGRADES) == list(range(1, schema.VERSION))
        for version in schema.UPGRADES:
            assert (here / f"version_{version}_{name}.sql").exists()


@DATABASES
def test_an_old_ledger_is_read_verified_and_gone_on_with(old, database):
    where, _, text = old(database)
    ledger = Ledger.open(where)
    assert ledger.verify().problems == ()
    entries = ledger.entries()
    assert [(e.previous, e.hash) for e in entries] == hashes_in(text)
    assert [e.kind for e in entries] == ["plan", "proposal", "approval"]
    assert [(e.revision, e.key) for e in entries] == [(0, "")] * 3
    assert entries[1].data == {"spend": {"抖音": "600.00", "百度": "400.00"}}
    assert entries[2].who == "Änn O'Neil"
    assert ledger.head == (3, entries[2].hash)
    with ledger.transaction("Ann") as t:
        t.add("applied", {}, week=entries[1].week, revision=1, key="k")
    assert Ledger.open(where).verify().problems == ()
    assert len(ledger.entries(week=entries[1].week)) == 3


@DATABASES
def test_a_ledger_of_one_plan_becomes_one_of_many(old, database):
    where, _, text = old(database, 2)
    ledger = Ledger.open(where)
    assert ledger.verify().problems == ()
    entries = ledger.entries()
    assert [(e.previous, e.hash) for e in entries] == hashes_in(text)
    assert [(e.revision, e.key, e.plan) for e in entries] == [
        (0, "", ""), (1, "2026-11-23/1", ""), (1, "", "")
    ]  # fmt: skip
    with ledger.of("b").transaction("Ann") as t:
        t.add("proposal", {}, week=entries[1].week, revision=1, key="2026-11-23/1")
    assert ledger.plans == ("", "b")
    assert Ledger.open(where).of("").entries() == entries
    assert Ledger.open(where).verify().problems == ()


@DATABASES
def test_an_old_ledger_without_entries(old, database):
    where, run, _ = old(database)
    run("DELETE FROM ledger_entries")
    ledger = Ledger.open(where)
    assert ledger.head == (0, "0" * 64)
    assert ledger.verify().good


@DATABASES
def test_what_was_wrong_before_is_found_after(old, database):
    where, run, _ = old(database)
    run("UPDATE ledger_entries SET body = '{}' WHERE number = 2")
    problems = Ledger.open(where).verify().problems
    assert problems == ("entry 2: its content differs from what was recorded",)


@DATABASES
@pytest.mark.parametrize("version", [1, 2])
def test_a_migration_that_fails_leaves_the_old_ledger(old, database, version, monkeypatch):
    where, run, _ = old(database, version)
    before = run("SELECT * FROM ledger_entries ORDER BY number")
    schema = sqlite_schema if database == "sqlite" else postgres_schema
    steps = schema.UPGRADES[version]
    for cut in range(len(steps) + 1):
        with monkeypatch.context() as patch:
            patch.setitem(schema.UPGRADES, version, (*steps[:cut], "SELECT * FROM no_such_table"))
            with pytest.raises(LedgerError):
                Ledger.open(where)
        assert run("SELECT * FROM ledger_entries ORDER BY number") == before
    assert Ledger.open(where).verify().good


@DATABASES
def test_a_ledger_is_migrated_once_by_many_at_once(old, database):
    where, _, _ = old(database)
    opened, start = [], threading.Barrier(6)

    def migrate():
        start.wait()
        opened.append(Ledger.open(where, timeout=30))

    threads = [threading.Thread(target=migrate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(ledger.entries()) for ledger in opened] == [3] * 6
    assert opened[0].verify().good


@pytest.mark.parametrize("version", [1, 2])
def test_a_migrated_file_is_made_as_a_new_one(old, folder, version):
    where, _, _ = old("sqlite", version)
    Ledger.open(where)
    Ledger.open(folder / "new.ledger")
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2"
    found = []
    for file in (where, folder / "new.ledger"):
        with closing(sqlite3.connect(file)) as connection:
            found.append(connection.execute(query).fetchall())
            found[-1].append(connection.execute("PRAGMA user_version").fetchone())
    assert found[0] == found[1]


@DATABASES
def test_an_old_ledger_changed_back_is_refused(old, database):
    where, run, _ = old(database)
    ledger = Ledger.open(where)
    if database == "sqlite":
        run("PRAGMA user_version = 1")
    else:
        run("UPDATE ledger_version SET version = 1")
    with pytest.raises(LedgerError, match="open it again") as found:
        ledger.entries()
    assert found.value.code == "ledger-schema"
