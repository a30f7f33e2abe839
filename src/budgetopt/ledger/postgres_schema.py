"""The tables of a ledger in PostgreSQL, and the way to them from every older version."""

from __future__ import annotations

VERSION = 2

_ENTRIES = """CREATE TABLE ledger_entries (
    number BIGINT PRIMARY KEY,
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
_VERSION = "CREATE TABLE ledger_version (version INTEGER PRIMARY KEY)"
_HEAD = """CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
)"""
_FIRST_HEAD = f"INSERT INTO ledger_head VALUES (1, 0, '{'0' * 64}')"
_REFUSE = """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a ledger is never changed or deleted'; END $$"""
_INDEXES = (
    "CREATE INDEX ledger_by_week ON ledger_entries (week, kind, number)",
    "CREATE INDEX ledger_by_kind ON ledger_entries (kind, number)",
    "CREATE UNIQUE INDEX ledger_by_key ON ledger_entries (kind, key) WHERE key <> ''",
)
_TRIGGERS = (
    "CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head FOR EACH ROW "
    "WHEN (NEW.one <> 1 OR NEW.number <> OLD.number + 1) EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON ledger_head "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
)
_GUARDS = (*_INDEXES, _REFUSE, *_TRIGGERS)

OBJECTS = frozenset(
    {
        "INDEX ledger_entries_pkey",
        "INDEX ledger_head_pkey",
        *(" ".join(text.replace("UNIQUE ", "").split()[1:3]) for text in (*_INDEXES, *_TRIGGERS)),
    }
)
"""Indexes and triggers of the present version."""

# A trigger that is switched off, or an index that is not kept, counts as missing.
FOUND = """
SELECT 'TRIGGER ' || tgname FROM pg_trigger
WHERE tgrelid IN (to_regclass('ledger_entries'), to_regclass('ledger_head'))
    AND NOT tgisinternal AND tgenabled IN ('O', 'A')
UNION ALL
SELECT 'INDEX ' || relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid IN (to_regclass('ledger_entries'), to_regclass('ledger_head')) AND indisvalid
"""
"""Selects what `OBJECTS` names, as far as it is there."""

CREATE = (_VERSION, f"INSERT INTO ledger_version VALUES ({VERSION})", _ENTRIES, _HEAD, _FIRST_HEAD,
          *_GUARDS)  # fmt: skip
"""What makes an empty ledger."""

# Version 1 had neither revisions nor keys nor a head, and nothing that refused changes.
_FROM_1 = (
    "ALTER TABLE ledger_entries ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ledger_entries ADD COLUMN key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE ledger_entries ALTER COLUMN revision DROP DEFAULT",
    "ALTER TABLE ledger_entries ALTER COLUMN key DROP DEFAULT",
    _HEAD,
    _FIRST_HEAD,
    "UPDATE ledger_head SET (number, hash) = "
    "(SELECT number, hash FROM ledger_entries ORDER BY number DESC LIMIT 1) "
    "WHERE EXISTS (SELECT 1 FROM ledger_entries)",
    *_GUARDS,
)

UPGRADES = {1: _FROM_1}
"""What takes a ledger from a version to the next one."""
