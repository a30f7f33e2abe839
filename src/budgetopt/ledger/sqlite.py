"""The ledger in one SQLite file.

First the tables, indexes and triggers, and the way to them from every older version; then
`SqliteStore`, which opens the file, makes it, or brings it to this version, and the session that
reads or writes in it; at the end what SQLite raises, as errors of the ledger.

The file is in write-ahead mode and synchronised fully at every commit. SQLite's locks do not hold
on network file systems: there a ledger belongs into PostgreSQL.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from budgetopt.errors import InputError, LedgerError, foreign
from budgetopt.i18n import Message, say
from budgetopt.ledger.reader import (
    FIRST_HEAD,
    HEAD_OF_ENTRIES,
    INDEXES,
    VERSION,
    Session,
    ledger_error,
    tables_of,
)

APPLICATION = int.from_bytes(b"BOpt", "big")
"""SQLite's application id of a ledger."""

PAGE = 4096
"""Bytes of a page, of which a file has a whole number."""

_ENTRIES, _HEAD = tables_of("INTEGER")
_ENTRY_GUARDS = (
    *INDEXES,
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'entries of a ledger are never changed'); END""",
    """CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'entries of a ledger are never deleted'); END""",
    # An insert that replaces an entry would delete it without a trigger.
    """CREATE TRIGGER ledger_next_only BEFORE INSERT ON ledger_entries
WHEN NEW.number <> (SELECT number + 1 FROM ledger_head)
BEGIN SELECT RAISE(ABORT, 'entries of a ledger follow one another'); END""",
)
_HEAD_GUARDS = (
    """CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
WHEN NEW.one <> 1 OR NEW.number <> OLD.number + 1
BEGIN SELECT RAISE(ABORT, 'the head of a ledger moves one entry forward'); END""",
    """CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head
BEGIN SELECT RAISE(ABORT, 'the head of a ledger stays'); END""",
)

TABLES = (_ENTRIES, _HEAD, *_ENTRY_GUARDS, *_HEAD_GUARDS)
"""Every object of the present version, as SQLite keeps its text."""

CREATE = (_ENTRIES, _HEAD, FIRST_HEAD, *_ENTRY_GUARDS, *_HEAD_GUARDS)
"""What makes an empty ledger."""


def _rebuilt(added: str) -> tuple[str, ...]:
    """Return what makes the table of entries anew, with values for columns that it lacked."""
    return (
        "ALTER TABLE ledger_entries RENAME TO ledger_entries_before",
        _ENTRIES,
        f"INSERT INTO ledger_entries SELECT number, at, who, kind, week, {added}, previous, hash, "
        "body FROM ledger_entries_before",
        "DROP TABLE ledger_entries_before",
    )


UPGRADES = {
    # Version 1 had neither revisions nor keys nor a head, and nothing that refused changes.
    1: (
        *_rebuilt("0, '', ''"),
        _HEAD,
        FIRST_HEAD,
        HEAD_OF_ENTRIES,
        *_ENTRY_GUARDS,
        *_HEAD_GUARDS,
    ),
    # Version 2 was one plan's, whose entries said nothing of it.
    2: (
        "DROP TRIGGER ledger_next_only",
        *_rebuilt("revision, key, ''"),
        *_ENTRY_GUARDS,
    ),
}
"""What takes a ledger from a version to the next one."""


class SqliteStore:
    """A SQLite file in write-ahead mode, synchronised fully at every commit.

    Parameters
    ----------
    path
        The file. While it is open, ``-wal`` and ``-shm`` stand beside it and belong to it.
    timeout
        Seconds to wait for another writer.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path, self._timeout, self._where = path, timeout, str(path)

    def prepare(self, *, create: bool) -> None:
        """Make the file if there is none and it may be made, or bring it to this version."""
        if not self._there():
            if not create:
                raise self._error(
                    "bad-file", say("ledger-not-there"), say("remedy-name-file-ledger")
                )
            self._create()
        with self._connected() as connection:
            if self._version(connection) < VERSION:
                self._upgrade(connection)

    @contextmanager
    def reading(self) -> Iterator[SqliteSession]:
        """Open a session that sees the ledger at one moment."""
        with self._connected() as connection:
            self._check(connection)
            with typed_errors(self._where):
                connection.execute("BEGIN")
            yield SqliteSession(connection, self._where)

    @contextmanager
    def writing(self) -> Iterator[SqliteSession]:
        """Open the one session that may write; what it wrote is kept if its block ends well."""
        with self._connected() as connection:
            with typed_errors(self._where):
                connection.execute("BEGIN IMMEDIATE")
            self._check(connection)
            # Closing the connection undoes what was not committed.
            yield SqliteSession(connection, self._where)
            with typed_errors(self._where):
                connection.execute("COMMIT")

    def faults(self, session: Session) -> tuple[str, ...]:
        """Return what is wrong with tables, indexes and triggers, as sentences."""
        query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
        found, meant = {sql for (sql,) in session.rows(query)}, set(TABLES)
        missing = tuple(say("ledger-missing-objects", what=_name(sql)) for sql in meant - found)
        extra = tuple(say("ledger-extra-objects", what=_name(sql)) for sql in found - meant)
        damage = tuple(
            say("file-damaged", what=str(what))
            for (what,) in session.rows("PRAGMA integrity_check")
            if what != "ok"
        )
        return *sorted(missing), *sorted(extra), *damage

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        path = self._path.resolve()
        at_rest, before = not Path(f"{path}-wal").exists(), self._stamp(path)
        # Where no file can be made beside it, SQLite reads a file only if told that nobody
        # writes. Somebody who may could begin to, so the file is held against what it was.
        sealed = at_rest and not os.access(path.parent, os.W_OK)
        mode = "mode=ro&immutable=1" if sealed else "mode=rw"
        with typed_errors(self._where):
            connection = _connect(f"{path.as_uri()}?{mode}", self._timeout)
        try:
            with closing(connection):
                with typed_errors(self._where):
                    connection.execute("PRAGMA synchronous = FULL")
                    self._refuse_other(connection, before.size if at_rest else 0)
                yield connection
        finally:
            if sealed and self._stamp(path) != before:
                raise self._error(
                    "ledger-locked", say("written-while-read"), say("remedy-run-again")
                )

    def _refuse_other(self, connection: sqlite3.Connection, size: int) -> None:
        """Refuse a file of another program, and one that SQLite would take for a whole one."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application == APPLICATION:
            if size % PAGE:
                raise self._error(
                    "ledger-broken", say("ledger-truncated"), say("remedy-restore-backup")
                )
        elif connection.execute("PRAGMA page_count").fetchone() == (0,):
            remedy = say("remedy-restore-backup-delete")
            raise self._error("ledger-broken", say("empty-not-ledger"), remedy)
        else:
            remedy = say("remedy-name-file-ledger-new")
            raise self._error("ledger-schema", say("database-something-else"), remedy)

    def _version(self, connection: sqlite3.Connection) -> int:
        with typed_errors(self._where):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if 1 <= version <= VERSION:
            return int(version)
        remedy = say("remedy-upgrade-budgetopt-knows", version=VERSION)
        raise self._error("ledger-schema", say("part-has-version", shown=version), remedy)

    def _there(self) -> bool:
        try:
            # A name that no file can have is told by `resolve` alone.
            return self._path.resolve().exists()
        except (OSError, ValueError, RuntimeError) as error:
            problem = say("cannot-opened", error=foreign(error))
            raise self._error("bad-file", problem, say("remedy-name-file-can")) from None

    def _stamp(self, path: Path) -> _Stamp:
        # The file itself is never opened here: closing it would drop every lock that SQLite
        # holds on it in this process (SQLite, How To Corrupt, section 2.2).
        try:
            found = path.stat()
        except OSError as error:
            problem = say("cannot-opened", error=foreign(error))
            raise self._error("bad-file", problem, say("remedy-name-file-ledger")) from None
        return _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that was replaced since it was opened."""
        if self._version(connection) != VERSION:
            raise self._error("ledger-schema", say("not-opened"), say("remedy-open-again"))

    def _error(self, code: str, problem: Message, remedy: Message) -> LedgerError:
        return ledger_error(self._where, code, problem, remedy)

    def _create(self) -> None:
        """Make an empty ledger under another name and put it in place, if nobody else did.

        A process that dies in between leaves no ledger in place of half of one.
        """
        try:
            if Path(f"{self._path}-wal").exists() and not self._path.exists():
                # SQLite would write what is in it over the new ledger.
                remedy = say("remedy-restore-ledger-move")
                raise self._error("ledger-broken", say("gone-wal-still"), remedy)
            with tempfile.TemporaryDirectory(
                dir=self._path.resolve().parent, prefix=".budgetopt-", ignore_cleanup_errors=True
            ) as folder:
                made = Path(folder) / "ledger"
                with typed_errors(self._where), closing(_connect(made.as_uri(), 0)) as new:
                    new.execute(f"PRAGMA page_size = {PAGE}")
                    new.execute("PRAGMA journal_mode = WAL")
                    new.execute("PRAGMA synchronous = FULL")
                    _run(new, (*CREATE, *_marks(VERSION)))
                # A link takes no name that is taken, where a move would replace another's ledger.
                os.link(made, self._path)
                _keep_names(self._path.parent)
        except FileExistsError:
            return
        except OSError as error:
            code = "ledger-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "bad-file"
            problem = say("cannot-created", error=foreign(error))
            remedy = say("remedy-name-file-folder-can")
            raise self._error(code, problem, remedy) from None

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Bring an older version to this one in one transaction; hashes stay as they are."""
        with typed_errors(self._where):
            connection.execute("BEGIN IMMEDIATE")
            # Somebody else may have done it meanwhile.
            for version in range(self._version(connection), VERSION):
                for statement in (*UPGRADES[version], *_marks(version + 1)):
                    connection.execute(statement)
            connection.execute("COMMIT")


class _Stamp(NamedTuple):
    """What changes when a file is written."""

    modified: int
    size: int
    inode: int


class SqliteSession:
    """One connection, in a transaction."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection, self._where = connection, where

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with typed_errors(self._where):
            return self._connection.execute(sql, values).fetchall()

    def do(self, sql: str, **values: Any) -> None:
        """Run a statement that returns nothing."""
        with typed_errors(self._where):
            self._connection.execute(sql, values)


def _keep_names(folder: Path) -> None:
    """Bring the names in a folder to the disk; elsewhere than on POSIX they are there already."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _connect(uri: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    # Bytes that are no UTF-8 are read too, so that verify can say where they are.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def _run(connection: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    for statement in ("BEGIN IMMEDIATE", *statements, "COMMIT"):
        connection.execute(statement)


def _marks(version: int) -> tuple[str, str]:
    return f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {version}"


def _name(sql: str) -> str:
    """Return what a statement makes, as in ``INDEX ledger_by_week``."""
    return " ".join(sql.replace(" UNIQUE", "").split()[1:3])


_BY_CODE: dict[int, tuple[str, Message, Message]] = {
    sqlite3.SQLITE_BUSY: (
        "ledger-locked",
        say("written-by-process"),
        say("remedy-wait-or-timeout"),
    ),
    sqlite3.SQLITE_FULL: (
        "ledger-full",
        say("no-space-for-ledger"),
        say("remedy-free-disk"),
    ),
    sqlite3.SQLITE_IOERR_WRITE: (
        "ledger-full",
        say("disk-not-written"),
        say("remedy-look-disk"),
    ),
    sqlite3.SQLITE_IOERR: (
        "bad-file",
        say("disk-not-read"),
        say("remedy-disk-or-backup"),
    ),
    sqlite3.SQLITE_READONLY: (
        "bad-file",
        say("ledger-not-writable"),
        say("remedy-user-may-write"),
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "bad-file",
        say("ledger-not-opened"),
        say("remedy-name-file-folder-can"),
    ),
    sqlite3.SQLITE_NOTADB: (
        "ledger-schema",
        say("no-ledger-or-damaged"),
        say("remedy-ledger-or-backup"),
    ),
    sqlite3.SQLITE_CORRUPT: (
        "ledger-broken",
        say("ledger-is-damaged"),
        say("remedy-restore-backup"),
    ),
}
_UNKNOWN = _BY_CODE[sqlite3.SQLITE_CORRUPT]
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
            say("transaction-cannot-used", error=foreign(error)),
            field="transaction",
            remedy=say("remedy-use-inside-block"),
        ) from error
    # Python decodes SQLite's messages, which quote the bytes of a damaged file.
    except (sqlite3.Error, UnicodeDecodeError) as error:
        number = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        # The lower byte is the kind of an error, the rest its occasion.
        code, problem, remedy = _BY_CODE.get(number) or _BY_CODE.get(number & 0xFF) or _UNKNOWN
        raise ledger_error(
            where, code, say("number-as-wanted", value=problem, wanted=foreign(error)), remedy
        ) from error
