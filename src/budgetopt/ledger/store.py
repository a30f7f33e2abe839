"""What the ledger asks of a database: a session to read in, and one to write in alone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Session(Protocol):
    """One transaction of a database, in SQL with ``:name`` for values."""

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        ...

    def do(self, sql: str, **values: Any) -> None:
        """Run a statement that returns nothing."""
        ...


class Store(Protocol):
    """A database that holds a ledger.

    Every error of the database comes out as a `LedgerError`. No connection outlives its session, so
    that a store may be used from any thread and after a fork.
    """

    def prepare(self, *, create: bool) -> None:
        """Make the ledger if there is none and it may be made, or bring it to this version."""
        ...

    def reading(self) -> AbstractContextManager[Session]:
        """Open a session that sees the ledger at one moment."""
        ...

    def writing(self) -> AbstractContextManager[Session]:
        """Open the one session that may write; what it wrote is kept if its block ends well."""
        ...

    def faults(self, session: Session) -> tuple[str, ...]:
        """Return what is wrong with tables, indexes and triggers, as sentences."""
        ...
