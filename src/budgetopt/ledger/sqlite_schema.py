"""The tables of a ledger in SQLite, and the way to them from every older version."""

from __future__ import annotations

APPLICATION = int.from_bytes(b"BOpt", "big")
"""SQLite's application id of a ledger."""

VERSION = 2

PAGE = 4096
"""Bytes of a page, of which a file has a whole number."""

_ENTRIES = """CREATE TABLE ledger_entries (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    week TEXT NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
)"""
_HEAD = """CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash TEXT NOT NULL
)"""
_FIRST_HEAD = f"INSERT INTO ledger_head VALUES (1, 0, '{'0' * 64}')"
_GUARDS = (
    "CREATE INDEX ledger_by_week ON ledger_entries (week, kind, number)",
    "CREATE INDEX ledger_by_kind ON ledger_entries (kind, number)",
    "CREATE UNIQUE INDEX ledger_by_key ON ledger_entries (kind, key) WHERE key <> ''",
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'entries of a ledger are never changed'); END""",
    """CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'entries of a ledger are never deleted'); END""",
    # An insert that replaces an entry would delete it without a trigger.
    """CREATE TRIGGER ledger_next_only BEFORE INSERT ON ledger_entries
WHEN NEW.number <> (SELECT number + 1 FROM ledger_head)
BEGIN SELECT RAISE(ABORT, 'entries of a ledger follow one another'); END""",
    """CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
WHEN NEW.one <> 1 OR NEW.number <> OLD.number + 1
BEGIN SELECT RAISE(ABORT, 'the head of a ledger moves one entry forward'); END""",
    """CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head
BEGIN SELECT RAISE(ABORT, 'the head of a ledger stays'); END""",
)

TABLES = (_ENTRIES, _HEAD, *_GUARDS)
"""Every object of the present version, as SQLite keeps its text."""

CREATE = (_ENTRIES, _HEAD, _FIRST_HEAD, *_GUARDS)
"""What makes an empty ledger."""

# Version 1 had neither revisions nor keys nor a head, and nothing that refused changes.
_FROM_1 = (
    "ALTER TABLE ledger_entries RENAME TO ledger_entries_1",
    _ENTRIES,
    "INSERT INTO ledger_entries SELECT number, at, who, kind, week, 0, '', previous, hash, body "
    "FROM ledger_entries_1",
    "DROP TABLE ledger_entries_1",
    _HEAD,
    _FIRST_HEAD,
    "UPDATE ledger_head SET (number, hash) = "
    "(SELECT number, hash FROM ledger_entries ORDER BY number DESC LIMIT 1) "
    "WHERE EXISTS (SELECT 1 FROM ledger_entries)",
    *_GUARDS,
)

UPGRADES = {1: _FROM_1}
"""What takes a ledger from a version to the next one."""
