"""The ledger in a PostgreSQL database, through SQLAlchemy (extra ``sql``).

First the tables, indexes and triggers, and the way to them from every older version; then what
PostgreSQL raises, as errors of the ledger; then the session and `PostgresStore`. One writer at a
time holds an advisory lock; the triggers stop everybody but an owner who takes them off, which
`Ledger.verify` finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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

_ENTRIES, _HEAD = tables_of("BIGINT")
_VERSION = "CREATE TABLE ledger_version (version INTEGER PRIMARY KEY)"
_REFUSE = """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a ledger is never changed or deleted'; END $$"""
_TRIGGERS = (
    "CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head FOR EACH ROW "
    "WHEN (NEW.one <> 1 OR NEW.number <> OLD.number + 1) EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON ledger_head "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
)

OBJECTS = frozenset(
    {
        "INDEX ledger_entries_pkey",
        "INDEX ledger_head_pkey",
        *(" ".join(text.replace("UNIQUE ", "").split()[1:3]) for text in (*INDEXES, *_TRIGGERS)),
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

CREATE = (_VERSION, f"INSERT INTO ledger_version VALUES ({VERSION})", _ENTRIES, _HEAD, FIRST_HEAD,
          *INDEXES, _REFUSE, *_TRIGGERS)  # fmt: skip
"""What makes an empty ledger."""

UPGRADES = {
    # Version 1 had neither revisions nor keys nor a head, and nothing that refused changes.
    1: (
        "ALTER TABLE ledger_entries ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE ledger_entries ADD COLUMN key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE ledger_entries ALTER COLUMN revision DROP DEFAULT",
        "ALTER TABLE ledger_entries ALTER COLUMN key DROP DEFAULT",
        _HEAD,
        FIRST_HEAD,
        HEAD_OF_ENTRIES,
        _REFUSE,
        *_TRIGGERS,
    ),
    # Version 2 was one plan's, whose entries said nothing of it.
    2: (
        "ALTER TABLE ledger_entries ADD COLUMN plan TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE ledger_entries ALTER COLUMN plan DROP DEFAULT",
        "DROP INDEX IF EXISTS ledger_by_week, ledger_by_kind, ledger_by_key",
        *INDEXES,
    ),
}
"""What takes a ledger from a version to the next one."""


try:
    import psycopg  # noqa: F401 - only to know that it is there
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, DBAPIError
except ImportError:
    raise InputError(
        "missing-extra",
        say("ledger-postgresql-needs"),
        field="where",
        value="sqlalchemy",
        remedy=say("remedy-pip-install-budgetopt"),
    ) from None

_WRITER = 0x424F7074
"""PostgreSQL's name of the lock that one writer at a time holds, for all ledgers of a database."""

_BY_STATE = {
    "55P03": ("ledger-locked", say("written-by-session"), say("remedy-wait-or-timeout")),
    "53100": ("ledger-full", say("no-space-for-ledger"), say("remedy-free-server")),
    "25006": ("bad-file", say("ledger-not-writable"), say("remedy-main-server")),
    "42501": ("bad-file", say("user-may-not"), say("remedy-ask-owner")),
    "42P07": ("ledger-schema", say("tables-of-same-names"), say("remedy-other-database")),
    "42P01": ("ledger-broken", say("table-missing"), say("remedy-restore-backup")),
    "42703": ("ledger-broken", say("column-missing"), say("remedy-restore-backup")),
    "XX001": ("ledger-broken", say("ledger-is-damaged"), say("remedy-restore-backup")),
    "XX002": ("ledger-broken", say("ledger-is-damaged"), say("remedy-restore-backup")),
}
_UNKNOWN = ("bad-file", say("ledger-unusable"), say("remedy-look-server"))


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
            raise _no_address(say("address-ledger-cannot")) from None
        if address.get_backend_name() != "postgresql":
            raise _no_address(
                say("ledger-cannot-kept", get_backend_name=address.get_backend_name())
            )
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
            raise self._error(
                "bad-file", say("does-not-contain"), say("remedy-name-database-ledger")
            )
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
        return tuple(say("ledger-missing-objects", what=what) for what in sorted(OBJECTS - found))

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
            "ledger-schema",
            say("part-has-version", shown=shown),
            say("remedy-upgrade-budgetopt-knows", version=VERSION),
        )

    def _check(self, session: Session) -> None:
        """Refuse tables that were replaced since the ledger was opened."""
        if self._version(session) != VERSION:
            raise self._error("ledger-schema", say("not-opened"), say("remedy-open-again"))

    def _error(self, code: str, problem: Message, remedy: Message) -> LedgerError:
        return ledger_error(self._where, code, problem, remedy)


@contextmanager
def _typed_errors(where: str) -> Iterator[None]:
    """Raise what the database raises inside as a `LedgerError` that says what to do."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        code, problem, remedy = _BY_STATE.get(state, _UNKNOWN)
        said = foreign(error.orig or error)
        raise ledger_error(
            where, code, say("number-as-wanted", value=problem, wanted=said), remedy
        ) from error


def _no_address(problem: Message) -> InputError:
    return InputError(
        "bad-argument", problem, field="where", remedy=say("remedy-file-postgresql-user")
    )
