"""What is PostgreSQL's alone: its address, its rights, and changes by other means."""

import pytest

from budgetopt.errors import InputError, LedgerError
from budgetopt.ledger import Ledger
from budgetopt.ledger.entry import COLUMNS


@pytest.fixture
def year(empty_schema, clock):
    url, run = empty_schema
    ledger = Ledger.open(url, clock=clock)
    for number in range(4):
        clock.forward(minutes=1)
        with ledger.transaction("Änn") as t:
            t.add("note", {"预算": number}, revision=number + 1, key=f"k{number}")
    return ledger, run


def outside(run, *statements):
    for table in ("ledger_entries", "ledger_head"):
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        run(statement)
    for table in ("ledger_entries", "ledger_head"):
        run(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_found(year, column):
    ledger, run = year
    for number in (1, 3):
        change = f"{column} + 100" if COLUMNS[column] is int else f"{column} || 'x'"
        outside(run, f"UPDATE ledger_entries SET {column} = {change} WHERE number = {number}")
        first = ledger.verify().problems[0]
        assert f"entry {number}" in first
        back = f"{column} - 100" if COLUMNS[column] is int else f"rtrim({column}, 'x')"
        outside(run, f"UPDATE ledger_entries SET {column} = {back} WHERE {column} = {change} "
                     f"OR number IN ({number}, {number + 100})")  # fmt: skip
        assert ledger.verify().good


def test_a_changed_head_is_found(year):
    ledger, run = year
    outside(run, "UPDATE ledger_head SET hash = hash || ' '")
    assert ledger.verify().problems == ("the hash in the head differs from that of entry 4",)
    outside(run, "UPDATE ledger_head SET hash = rtrim(hash), number = 3")
    assert ledger.verify().problems == ("the head names entry 3 as the last, but the last is 4",)
    outside(run, "DELETE FROM ledger_head")
    assert ledger.verify().problems == ("the head of the ledger is missing or duplicated",)
    with pytest.raises(LedgerError, match="0 heads"):
        ledger.transaction("Ann").__enter__()


def test_a_cut_tail_is_found(year):
    ledger, run = year
    outside(run, "DELETE FROM ledger_entries WHERE number = 4")
    assert ledger.verify().problems == ("the head names entry 4 as the last, but the last is 3",)


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("DROP TRIGGER ledger_no_change ON ledger_entries", "TRIGGER ledger_no_change"),
        ("ALTER TABLE ledger_head DISABLE TRIGGER ledger_head_stays", "TRIGGER ledger_head_stays"),
        ("DROP INDEX ledger_by_key", "INDEX ledger_by_key"),
        ("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_pkey",
         "INDEX ledger_entries_pkey"),
    ],
)  # fmt: skip
def test_a_missing_trigger_or_index_is_found(year, statement, missing):
    ledger, run = year
    run(statement)
    assert ledger.verify().problems == (f"the ledger is missing {missing}",)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET who = 'x'",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "UPDATE ledger_head SET number = 2",
        "DELETE FROM ledger_head",
        "TRUNCATE ledger_head",
    ],
)
def test_plain_statements_are_refused(year, statement):
    import sqlalchemy

    ledger, run = year
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"):
        run(statement)
    assert ledger.verify().good


def test_a_table_that_is_gone(year):
    ledger, run = year
    run("DROP TABLE ledger_entries")
    with pytest.raises(LedgerError) as found:
        ledger.entries()
    assert found.value.code == "ledger-broken"
    assert not ledger.verify().good


def test_tables_of_something_else(empty_schema):
    url, run = empty_schema
    run("CREATE TABLE ledger_entries (x INTEGER)")
    with pytest.raises(LedgerError) as found:
        Ledger.open(url)
    assert found.value.code == "ledger-schema"
    assert run("SELECT * FROM ledger_entries") == []


def test_a_newer_version(year):
    ledger, run = year
    run("UPDATE ledger_version SET version = 4")
    with pytest.raises(LedgerError, match="upgrade budgetopt") as found:
        ledger.entries()
    assert found.value.code == "ledger-schema"


def test_a_schema_without_a_ledger(empty_schema):
    url, _ = empty_schema
    with pytest.raises(LedgerError, match="does not contain a ledger") as found:
        Ledger.open(url, create=False)
    assert found.value.code == "bad-file"


def test_a_user_who_may_only_read(server, empty_schema, year):
    url, run = empty_schema
    schema = url.rpartition("%3D")[2]
    run(f"CREATE ROLE reader_{schema} LOGIN")
    run(f"GRANT USAGE ON SCHEMA {schema} TO reader_{schema}")
    run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}")
    reader = Ledger.open(url.replace("ledger@", f"reader_{schema}@"))
    assert reader.verify().good
    assert len(reader.entries()) == 4
    with pytest.raises(LedgerError) as found, reader.transaction("Ann") as t:
        t.add("note", {})
    assert found.value.code == "bad-file"
    assert "right" in found.value.remedy
    assert len(reader.entries()) == 4


@pytest.mark.parametrize("address", ["ann:secret@/x?", "ann@/x?password=secret&"])
def test_a_server_that_cannot_be_reached_and_a_password_that_is_not_shown(tmp_path, address):
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as found:
        Ledger.open(f"postgresql://{address}host={tmp_path}")
    assert found.value.code == "bad-file"
    assert "secret" not in str(found.value)
    assert "secret" not in str(found.value.to_dict())


@pytest.mark.parametrize("where", ["mysql://ann:secret@host/x", "postgresql://a:b:c", "http://x"])
def test_an_address_of_something_else(where):
    pytest.importorskip("psycopg")
    with pytest.raises(InputError) as found:
        Ledger.open(where)
    assert found.value.code == "bad-argument"
    assert "secret" not in str(found.value)


def test_without_the_extra(monkeypatch):
    import sys

    monkeypatch.delitem(sys.modules, "budgetopt.ledger.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(InputError, match=r"budgetopt\[sql\]") as found:
        Ledger.open("postgresql://ann@host/x")
    assert found.value.code == "missing-extra"
