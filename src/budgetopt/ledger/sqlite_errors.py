"""Errors of SQLite as errors of the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from budgetopt.errors import LedgerError

_BY_CODE: dict[int, tuple[str, str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "ledger-locked",
        "is being written to by another process",
        "wait for it to end, or give a longer timeout",
    ),
    sqlite3.SQLITE_FULL: (
        "ledger-full",
        "cannot be written for want of space",
        "make room on its disk and run again; nothing of this run was recorded",
    ),
    sqlite3.SQLITE_IOERR: (
        "ledger-full",
        "cannot be read or written by its disk",
        "look at the disk, its quota and limits, and run again; nothing of this run was recorded",
    ),
    sqlite3.SQLITE_READONLY: (
        "bad-file",
        "may not be written",
        "run as a user who may write to the file and its folder",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "bad-file",
        "cannot be opened",
        "name a file in a folder that can be written",
    ),
    sqlite3.SQLITE_NOTADB: (
        "ledger-schema",
        "is not a ledger, or its beginning is damaged",
        "name the file of a ledger, or restore it from a backup",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "ledger-broken",
        "is damaged",
        "restore it from a backup",
    ),
}
for _same, _as in (
    (sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY),
    (sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_BUSY),
    (sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY),
    (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY),
    (sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_CORRUPT),
):
    _BY_CODE[_same] = _BY_CODE[_as]


@contextmanager
def typed_errors(where: str) -> Iterator[None]:
    """Raise what SQLite raises inside as a `LedgerError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        # The lower byte is the kind of an error, the rest its occasion.
        kind = (getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_CORRUPT) & 0xFF
        code, problem, remedy = _BY_CODE.get(kind, _BY_CODE[sqlite3.SQLITE_CORRUPT])
        raise LedgerError(
            code,
            f"ledger {where!r} {problem} ({error})",
            field="ledger",
            value=where,
            remedy=remedy,
        ) from error
