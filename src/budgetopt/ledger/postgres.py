"""The ledger in a PostgreSQL database, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from budgetopt.errors import InputError, LedgerError
from budgetopt.ledger.postgres_schema import CREATE, FOUND, OBJECTS, UPGRADES, VERSION
from budgetopt.ledger.store import Session
from budgetopt.words import say

try:
    import psycopg  # noqa: F401 - only to know that it is there
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, DBAPIError
except ImportError:
    raise InputError(
        "missing-extra",
        "a ledger in PostgreSQL needs SQLAlchemy and psycopg, which are not installed",
        field="where",
        value="sqlalchemy",
        remedy="pip install 'budgetopt[sql]'",
    ) from None

_WRITER = 0x424F7074
"""PostgreSQL's name of the lock that one writer at a time holds, for all ledgers of a database."""

_BY_STATE = {
    "55P03": ("ledger-locked", "is being written to by somebody else",
              "wait for it to end, or give a longer timeout"),
    "53100": ("ledger-full", "cannot be written for want of space",
              "make room on the server and run again; nothing of this run was recorded"),
    "25006": ("bad-file", "may not be written",
              "name the server that is written to, not a copy that follows it"),
    "42501": ("bad-file", "may not be read or written by this user",
              "ask the owner of the database for the right to it"),
    "42P07": ("ledger-schema", "shares its tables' names with something else",
              "name another database or schema"),
    "42P01": ("ledger-broken", "lacks a table", "restore it from a backup"),
    "42703": ("ledger-broken", "lacks a column", "restore it from a backup"),
    "XX001": ("ledger-broken", "is damaged", "restore it from a backup"),
    "XX002": ("ledger-broken", "is damaged", "restore it from a backup"),
}  # fmt: skip
_OTHERWISE = ("bad-file", "cannot be used", "look at the server, its address and its log")


class PostgresSession:
    """One connection, in a transaction."""

    def __init__(self, connection: sqlalchemy.Connection, where: str) -> None:
        self._connection, self._where = connection, where

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with _typed_errors(self._where):
            return [tuple(row) for row in self._connection.execute(sqlalchemy.text(sql), values)]

    def do(self, sql: str, **values: Any) -> None:
        """Run a statement that returns nothing."""
        with _typed_errors(self._where):
            self._connection.execute(sqlalchemy.text(sql), values)


class PostgresStore:
    """Tables in a database, in the first schema of its search path.

    Parameters
    ----------
    url
        As SQLAlchemy takes it, ``postgresql://user@host/name``.
    timeout
        Seconds to wait for another writer.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        try:
            address = sqlalchemy.make_url(url)
        except (ArgumentError, ValueError):
            # The address is not shown, as it may hold a password.
            raise _no_address("the address of the ledger cannot be read") from None
        if address.get_backend_name() != "postgresql":
            raise _no_address(f"a ledger cannot be kept in {address.get_backend_name()}")
        # Parts of the query can be passwords too.
        shown = {key: value for key, value in address.query.items() if "password" not in key}
        self._where = address.set(query=shown).render_as_string(hide_password=True)
        self._engine = sqlalchemy.create_engine(
            address.set(drivername="postgresql+psycopg"),
            poolclass=sqlalchemy.NullPool,
            connect_args={"client_encoding": "utf8"},
        )

    def prepare(self, *, create: bool) -> None:
        """Make the tables if there are none and they may be made, or bring them to this version."""
        with self._connected(writable=False) as session:
            version = self._version(session)
        if version == VERSION:
            return
        if not version and not create:
            raise self._error("bad-file", "holds no ledger", "name the database of a ledger")
        with self._locked() as session:
            # Somebody else may have done it meanwhile.
            version = self._version(session)
            for statement in CREATE if not version else ():
                session.do(statement)
            for older in range(version or VERSION, VERSION):
                for statement in UPGRADES[older]:
                    session.do(statement)
                session.do("UPDATE ledger_version SET version = :newer", newer=older + 1)

    @contextmanager
    def reading(self) -> Iterator[PostgresSession]:
        """Open a session that sees the ledger at one moment."""
        with self._connected(writable=False) as session:
            self._check(session)
            yield session

    @contextmanager
    def writing(self) -> Iterator[PostgresSession]:
        """Open the one session that may write; what it wrote is kept if its block ends well."""
        with self._locked() as session:
            self._check(session)
            yield session

    def faults(self, session: Session) -> tuple[str, ...]:
        """Return what is wrong with indexes and triggers, as sentences."""
        found = {name for (name,) in session.rows(FOUND)}
        return tuple(say("the ledger lacks {what}", what=what) for what in sorted(OBJECTS - found))

    @contextmanager
    def _connected(self, *, writable: bool) -> Iterator[PostgresSession]:
        level = "READ COMMITTED" if writable else "REPEATABLE READ"
        with _typed_errors(self._where):
            plain = self._engine.connect()
        with plain:
            connection = plain.execution_options(
                isolation_level=level, postgresql_readonly=not writable
            )
            yield PostgresSession(connection, self._where)
            if writable:
                with _typed_errors(self._where):
                    connection.commit()

    @contextmanager
    def _locked(self) -> Iterator[PostgresSession]:
        with self._connected(writable=True) as session:
            # Nought would wait for ever.
            wait = f"{max(1, round(self._timeout * 1000))}ms"
            session.do("SELECT set_config('lock_timeout', :wait, true)", wait=wait)
            session.do("SELECT pg_advisory_xact_lock(:writer)", writer=_WRITER)
            yield session

    def _version(self, session: Session) -> int:
        """Return the version of the tables, 0 where there are none."""
        ((there,),) = session.rows("SELECT to_regclass('ledger_version') IS NOT NULL")
        if not there:
            return 0
        versions = [version for (version,) in session.rows("SELECT version FROM ledger_version")]
        if len(versions) == 1 and 1 <= versions[0] <= VERSION:
            return int(versions[0])
        shown = ", ".join(map(str, versions)) or "none"
        raise self._error(
            "ledger-schema", f"has version {shown}", f"upgrade budgetopt, it knows {VERSION}"
        )

    def _check(self, session: Session) -> None:
        """Refuse tables that were replaced since the ledger was opened."""
        if self._version(session) != VERSION:
            raise self._error("ledger-schema", "is not as it was opened", "open it again")

    def _error(self, code: str, problem: str, remedy: str) -> LedgerError:
        return LedgerError(
            code,
            f"ledger {self._where!r} {problem}",
            field="ledger",
            value=self._where,
            remedy=remedy,
        )


@contextmanager
def _typed_errors(where: str) -> Iterator[None]:
    """Raise what the database raises inside as a `LedgerError` that says what to do."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        code, problem, remedy = _BY_STATE.get(state, _OTHERWISE)
        said = " ".join(str(error.orig).split())
        raise LedgerError(
            code,
            f"ledger {where!r} {problem} ({said})",
            field="ledger",
            value=where,
            remedy=remedy,
        ) from error


def _no_address(problem: str) -> InputError:
    return InputError(
        "bad-argument",
        problem,
        field="where",
        remedy="give a file, or postgresql://user@host/name",
    )
