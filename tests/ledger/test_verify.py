"""Whatever is changed by other means is found, and named."""

import contextlib
import datetime as dt
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from budgetopt.errors import LedgerError
from budgetopt.ledger import Ledger
from budgetopt.ledger.entry import COLUMNS, hash_of
from budgetopt.ledger.sqlite import TABLES

WEEK = dt.date(2026, 11, 23)


def lived(ledger, clock, entries=5):
    for number in range(entries):
        clock.forward(minutes=1)
        with ledger.transaction("Änn") as t:
            t.add("note", {"预算": number}, week=WEEK, revision=number + 1, key=f"k{number}")
    return ledger


def outside(file, *statements):
    """Change the file as another program would, with the triggers put aside and back."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        triggers = [sql for sql in TABLES if "TRIGGER" in sql]
        connection.execute("BEGIN")
        for sql in triggers:
            connection.execute(f"DROP TRIGGER {sql.split()[2]}")
        for statement, *values in statements:
            connection.execute(statement, values)
        for sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")


@pytest.fixture
def year(file, clock):
    return lived(Ledger.open(file, clock=clock), clock)


def test_an_untouched_ledger_is_good(ledger, clock):
    assert ledger.verify().good
    lived(ledger, clock, entries=70)
    found = ledger.verify()
    assert found.problems == ()
    assert (found.entries, found.head) == (70, ledger.head)
    assert found.good


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_found_and_its_entry_named(file, year, column, folder):
    whole = folder / "whole"
    shutil.copy(file, whole)
    good = year.entries()
    for entry in good:
        shutil.copy(whole, file)
        if COLUMNS[column] is int:
            change = f"{column} + 100"
        else:
            change = f"substr({column}, 1, 3) || 'x' || substr({column}, 5)"
        outside(file, (f"UPDATE ledger_entries SET {column} = {change} WHERE number = ?",
                       entry.number))  # fmt: skip
        first = year.verify().problems[0]
        expected = entry.number
        if column == "number" and entry.number < 5:
            assert first == f"entry {expected} is missing; the next one is {expected + 1}"
        elif column == "number":
            assert first == "entry 5 is missing; the next one is 105"
        else:
            assert f"entry {expected}" in first
        assert year.verify().entries == 5


@pytest.mark.parametrize("column", [name for name, kind in COLUMNS.items() if kind is str])
def test_a_changed_type_is_found(file, year, column):
    outside(file, (f"UPDATE ledger_entries SET {column} = CAST({column} AS BLOB) "
                   "WHERE number = 2",))  # fmt: skip
    assert year.verify().problems[0] == f"entry 2: {column} changed type"
    with pytest.raises(LedgerError, match="entry 2 ") as found:
        year.entries()
    assert found.value.code == "ledger-broken"


@pytest.mark.parametrize("value", [1.5, "one", b"\x01"])
def test_a_number_of_another_type_is_found(file, year, value):
    outside(file, ("UPDATE ledger_entries SET revision = ? WHERE number = 1", value))
    assert year.verify().problems[0] == "entry 1: revision changed type"


def test_bytes_that_are_no_text_are_found(file, year):
    outside(file, ("UPDATE ledger_entries SET who = CAST(x'C3C3' AS TEXT) WHERE number = 3",))
    assert year.verify().problems == ("entry 3: its content differs from what was recorded",)


def test_every_character_of_an_entry_counts(file, year):
    """Each character of each text column, changed by itself, is found."""
    entry = year.entries()[2]
    tried = 0
    for column in ("at", "who", "week", "key", "body", "previous", "hash"):
        with closing(sqlite3.connect(file)) as plain:
            text = plain.execute(
                f"SELECT {column} FROM ledger_entries WHERE number = 3"
            ).fetchone()[0]
        for at in range(len(text)):
            other = text[:at] + ("~" if text[at] != "~" else "!") + text[at + 1 :]
            outside(file, (f"UPDATE ledger_entries SET {column} = ? WHERE number = 3", other))
            assert "entry 3" in year.verify().problems[0], (column, at)
            tried += 1
        outside(file, (f"UPDATE ledger_entries SET {column} = ? WHERE number = 3", text))
    assert year.verify().good
    assert year.entries()[2] == entry
    assert tried > 150


def test_an_entry_hashed_again_breaks_the_next(file, year):
    with closing(sqlite3.connect(file)) as plain:
        plain.row_factory = sqlite3.Row
        row = dict(plain.execute("SELECT * FROM ledger_entries WHERE number = 2").fetchone())
    row["who"] = "Mallory"
    outside(file, ("UPDATE ledger_entries SET who = ?, hash = ? WHERE number = 2", "Mallory",
                   hash_of(row)))  # fmt: skip
    assert year.verify().problems == ("entry 3 does not follow the entry before it",)


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "x"), ("at", "2026-01-05"), ("at", "2026-01-05T00:00:00"), ("week", "2026-13-01"),
     ("body", "[1"), ("body", "[]"), ("body", "[" * 100_000)],
)  # fmt: skip
def test_an_entry_hashed_again_that_is_none_is_refused_with_its_number(file, year, column, value):
    def hashed(*row):
        return hash_of(dict(zip(COLUMNS, row, strict=True)))

    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.create_function("hashed", len(COLUMNS), hashed)
        connection.execute("DROP TRIGGER ledger_no_update")
        connection.execute(f"UPDATE ledger_entries SET {column} = ? WHERE number = 3", [value])
        connection.execute(f"UPDATE ledger_entries SET hash = hashed({', '.join(COLUMNS)})")
    with pytest.raises(LedgerError, match="entry 3") as caught:
        _ = [entry.data for entry in year.entries()]
    assert (caught.value.code, caught.value.value) == ("ledger-broken", 3)


def test_a_plan_of_bytes_is_refused_with_its_entry(file, year):
    outside(file, ("UPDATE ledger_entries SET plan = x'ff' WHERE number = 2",))
    with pytest.raises(LedgerError, match="entry 2"):
        _ = year.plans


@pytest.mark.parametrize(
    "change",
    [
        "number = 'x'",
        "number = x'ff'",
        "number = 1.5",
        "hash = x'00'",
        "number = 0, hash = CAST(x'f4' AS TEXT)",
    ],
)
def test_a_head_of_another_type_is_refused(file, year, change):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER ledger_head_forward")
        connection.execute(f"UPDATE ledger_head SET {change}")
    with pytest.raises(LedgerError) as caught, year.transaction("Bob") as t:
        t.add("note", {})
    assert caught.value.code == "ledger-broken"


def test_a_cut_tail_is_found(file, year):
    outside(file, ("DELETE FROM ledger_entries WHERE number > 3",))
    assert year.verify().problems == ("the head names entry 5 as the last, but the last is 3",)
    with pytest.raises(LedgerError, match="not its last entry"), year.transaction("Ann"):
        pass


def test_a_cut_middle_is_found(file, year):
    outside(file, ("DELETE FROM ledger_entries WHERE number = 3",))
    assert year.verify().problems[0] == "entry 3 is missing; the next one is 4"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "UPDATE ledger_head SET number = 4",
            "the head names entry 4 as the last, but the last is 5",
        ),
        ("UPDATE ledger_head SET number = '5 '", None),
        ("UPDATE ledger_head SET hash = 'f' || substr(hash, 2)", None),
        ("UPDATE ledger_head SET hash = CAST(hash AS BLOB)", None),
        ("DELETE FROM ledger_head", "the head of the ledger is missing or duplicated"),
    ],
)
def test_a_changed_head_is_found(file, year, change, problem):
    outside(file, ("UPDATE ledger_head SET hash = 'e' || substr(hash, 2)",))
    assert year.verify().problems == ("the hash in the head differs from that of entry 5",)
    outside(file, ("UPDATE ledger_head SET hash = ?", year.entries()[-1].hash))
    assert year.verify().good
    outside(file, (change,))
    if "'5 '" in change:  # SQLite makes a number of it, as which it is what it was.
        assert year.verify().good
    else:
        assert year.verify().problems[0] == (
            problem or "the hash in the head differs from that of entry 5"
        )


@pytest.mark.parametrize("sql", [sql for sql in TABLES if "TABLE" not in sql])
def test_a_missing_trigger_or_index_is_found(file, year, sql):
    what, name = sql.replace("UNIQUE ", "").split()[1:3]
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"DROP {what} {name}")
    (problem,) = year.verify().problems
    assert name in problem
    assert problem.startswith("the ledger is missing ")


def test_another_table_is_found(file, year):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    assert year.verify().problems == ("the ledger also contains TABLE mine",)


def test_an_anchor_finds_a_chain_written_anew(file, year, clock):
    anchor = year.head
    lived(year, clock, 0)
    with year.transaction("Ann") as t:
        t.add("note", {})
    assert year.verify(anchor).good
    file.unlink()
    again = lived(Ledger.open(file, clock=clock), clock, 6)
    assert again.verify().good
    assert again.verify(anchor).problems == (f"no entry 5 has the hash {anchor[1]}",)


def test_nothing_is_changed_by_plain_statements(file, year):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in (
            "UPDATE ledger_entries SET who = 'x'",
            "DELETE FROM ledger_entries",
            "INSERT OR REPLACE INTO ledger_entries SELECT * FROM ledger_entries WHERE number = 2",
            "DELETE FROM ledger_head",
            "UPDATE ledger_head SET hash = 'x'",
            "INSERT OR REPLACE INTO ledger_head VALUES (1, 7, 'x')",
        ):
            with contextlib.suppress(sqlite3.IntegrityError):
                connection.execute(statement)
    assert year.verify().good or year.verify().problems[0].startswith("the head names entry 7")


def flipped(file, year, positions):
    """Flip bytes of the file one at a time; return how many were found by `verify`."""
    whole, good, found = file.read_bytes(), year.entries(), 0
    for at in positions:
        bent = bytearray(whole)
        bent[at] ^= 1 + at % 255
        file.write_bytes(bent)
        try:
            problems = Ledger.open(file).verify().problems
        except LedgerError:
            problems = ("refused",)
        found += bool(problems)
        # What nobody finds is no part of what was recorded.
        if not problems:
            assert year.entries() == good, at
        for beside in ("-wal", "-shm"):
            file.with_name(file.name + beside).unlink(missing_ok=True)
    file.write_bytes(whole)
    assert year.verify().good
    return found


def test_no_byte_of_the_file_changes_what_is_read(file, year):
    size = file.stat().st_size
    assert flipped(file, year, random.Random(7).sample(range(size), 400)) > 20


@pytest.mark.slow
def test_no_byte_in_eleven_changes_what_is_read(file, year):
    assert flipped(file, year, range(1, file.stat().st_size, 11)) > 150
