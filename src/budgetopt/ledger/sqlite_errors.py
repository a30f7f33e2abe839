"""Errors of SQLite as errors of the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from budgetopt.errors import InputError, LedgerError

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
    sqlite3.SQLITE_IOERR_WRITE: (
        "ledger-full",
        "cannot be written to its disk",
        "look at the disk, its quota and limits, and run again; nothing of this run was recorded",
    ),
    sqlite3.SQLITE_IOERR: (
        "bad-file",
        "cannot be read from its disk",
        "look at the disk, or restore the ledger from a backup on another one",
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
_OTHERWISE = _BY_CODE[sqlite3.SQLITE_CORRUPT]
for _same, _as in (
    (sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY),
    (sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_BUSY),
    (sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY),
    (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY),
    (sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_CORRUPT),
    (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_WRITE),
    (sqlite3.SQLITE_IOERR_DIR_FSYNC, sqlite3.SQLITE_IOERR_WRITE),
    (sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_WRITE),
    (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE),
):
    _BY_CODE[_same] = _BY_CODE[_as]


@contextmanager
def typed_errors(where: str) -> Iterator[None]:
    """Raise what SQLite raises inside as a `LedgerError` that says what to do."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        # The ledger itself is as good as ever.
        raise InputError(
            "bad-argument",
            f"the transaction cannot be used here ({error})",
            field="transaction",
            remedy="use it inside of its block, in the thread that began it",
        ) from error
    # Python decodes SQLite's messages, which quote the bytes of a damaged file.
    except (sqlite3.Error, UnicodeDecodeError) as error:
        number = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        # The lower byte is the kind of an error, the rest its occasion.
        code, problem, remedy = _BY_CODE.get(number) or _BY_CODE.get(number & 0xFF) or _OTHERWISE
        raise LedgerError(
            code,
            f"ledger {where!r} {problem} ({error})",
            field="ledger",
            value=where,
            remedy=remedy,
        ) from error
