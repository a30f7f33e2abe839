"""The ledger in one SQLite file."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from budgetopt.errors import LedgerError
from budgetopt.ledger.sqlite_errors import typed_errors
from budgetopt.ledger.sqlite_schema import APPLICATION, CREATE, PAGE, TABLES, UPGRADES, VERSION
from budgetopt.ledger.store import Session
from budgetopt.words import say


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
                raise self._error("bad-file", "is not there", "name the file of a ledger")
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
        missing = tuple(say("the ledger lacks {what}", what=_name(sql)) for sql in meant - found)
        extra = tuple(say("the ledger has {what} too", what=_name(sql)) for sql in found - meant)
        damage = tuple(
            say("the file is damaged: {what}", what=str(what))
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
                raise self._error("ledger-locked", "was written while it was read", "run again")

    def _refuse_other(self, connection: sqlite3.Connection, size: int) -> None:
        """Refuse a file of another program, and one that SQLite would take for a whole one."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application == APPLICATION:
            if size % PAGE:
                raise self._error("ledger-broken", "was cut off", "restore it from a backup")
        elif connection.execute("PRAGMA page_count").fetchone() == (0,):
            remedy = "restore it from a backup, or remove it to begin a new ledger"
            raise self._error("ledger-broken", "is empty, which no ledger is", remedy)
        else:
            remedy = "name the file of a ledger, or a new one"
            raise self._error("ledger-schema", "is a database of something else", remedy)

    def _version(self, connection: sqlite3.Connection) -> int:
        with typed_errors(self._where):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        if 1 <= version <= VERSION:
            return int(version)
        remedy = f"upgrade budgetopt, it knows {VERSION}"
        raise self._error("ledger-schema", f"has version {version}", remedy)

    def _there(self) -> bool:
        try:
            # A name that no file can have is told by `resolve` alone.
            return self._path.resolve().exists()
        except (OSError, ValueError, RuntimeError) as error:
            problem = f"cannot be opened, {getattr(error, 'strerror', None) or error}"
            raise self._error("bad-file", problem, "name a file that can be reached") from None

    def _stamp(self, path: Path) -> _Stamp:
        # The file itself is never opened here: closing it would drop every lock that SQLite
        # holds on it in this process (SQLite, How To Corrupt, section 2.2).
        try:
            found = path.stat()
        except OSError as error:
            problem = f"cannot be opened, {error.strerror or error}"
            raise self._error("bad-file", problem, "name the file of a ledger") from None
        return _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that was replaced since it was opened."""
        if self._version(connection) != VERSION:
            raise self._error("ledger-schema", "is not as it was opened", "open it again")

    def _error(self, code: str, problem: str, remedy: str) -> LedgerError:
        return LedgerError(
            code,
            f"ledger {self._where!r} {problem}",
            field="ledger",
            value=self._where,
            remedy=remedy,
        )

    def _create(self) -> None:
        """Make an empty ledger under another name and put it in place, if nobody else did.

        A process that dies in between leaves no ledger in place of half of one.
        """
        try:
            if Path(f"{self._path}-wal").exists() and not self._path.exists():
                # SQLite would write what is in it over the new ledger.
                remedy = "restore the ledger, or move the file that ends in -wal away"
                raise self._error("ledger-broken", "is gone, and its -wal is still there", remedy)
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
            problem = f"cannot be made, {error.strerror or error}"
            remedy = "name a file in a folder that can be written"
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
