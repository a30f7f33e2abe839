"""The append-only record of what was planned, proposed, approved, applied and measured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from budgetopt.arguments import public
from budgetopt.errors import InputError
from budgetopt.i18n import say
from budgetopt.ledger.entry import Entry
from budgetopt.ledger.reader import Reader, Store, Transaction, plan_text
from budgetopt.ledger.sqlite import SqliteStore
from budgetopt.ledger.verify import Verified, verified


@public
class Ledger:
    """An append-only, hash-chained record; open it by `Ledger.open`.

    One ledger may be used from several threads and processes at once, and after a fork: no
    connection is kept between calls, and the database lets one transaction write at a time.

    Parameters
    ----------
    store
        The database.
    clock
        Returns the present moment, with its time zone.
    plan_id
        Identity of the plan whose entries it reads and writes, one of many in the database; None
        for those of the only one.
    """

    def __init__(
        self, store: Store, clock: Callable[[], dt.datetime], plan_id: str | None = None
    ) -> None:
        self._store, self._clock, self._plan = store, clock, plan_id

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        clock: Callable[[], dt.datetime] | None = None,
        timeout: float = 5.0,
        create: bool = True,
        plan_id: str | None = None,
    ) -> Self:
        """Open a ledger, of an older version too, or make an empty one.

        Parameters
        ----------
        where
            A file, or the URL of a PostgreSQL database (extra ``sql``), such as
            ``postgresql://user@host/name``.
        clock
            Returns the present moment, with its time zone; by default the machine's clock.
        timeout
            Seconds to wait while another process writes, at most a million.
        create
            Whether to make the ledger if there is none.
        plan_id
            Whose weeks these are, where the database keeps many plans apart; by default the plan
            says it by its ``id``.

        Raises
        ------
        LedgerError
            ``bad-file`` where it cannot be opened or made, ``ledger-schema`` where it is no ledger
            or of a newer version, ``ledger-locked``, ``ledger-broken``, ``ledger-full``.
        InputError
            ``missing-extra``, or ``bad-argument``.
        """
        store = _store(where, timeout)
        store.prepare(create=create)
        return cls(store, clock or _now, None if plan_id is None else plan_text(plan_id))

    def of(self, plan_id: str) -> Ledger:
        """Return the same ledger as one plan sees it: only entries of that identity."""
        return Ledger(self._store, self._clock, plan_text(plan_id))

    @property
    def plan_id(self) -> str | None:
        """Identity of the plan that was chosen; None where none was."""
        return self._plan

    @property
    def plans(self) -> tuple[str, ...]:
        """Identities of all plans of the database, sorted."""
        query = "SELECT DISTINCT plan FROM ledger_entries"
        with self._store.reading() as session:
            return tuple(sorted(plan for (plan,) in session.rows(query)))

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read several things as they are at one moment."""
        with self._store.reading() as session:
            yield Reader(session, self._plan)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: no connection is kept between calls."""

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry, 0 and zeros where there is none.

        Where a plan was chosen it is the last one of that plan. Kept elsewhere it is an anchor,
        against which `verify` holds the ledger later.
        """
        with self.reading() as reader:
            return reader.head

    def entries(
        self,
        kinds: Iterable[str] | None = None,
        week: dt.date | str | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return entries in the order they were recorded, each held against its own hash.

        Parameters
        ----------
        kinds
            Only these.
        week
            Only those about the week that starts on this day.
        after
            Only those with a higher number.
        last
            Only so many, the last of them.
        """
        with self.reading() as reader:
            return reader.entries(kinds, week, after, last)

    def latest(self, kind: str, week: dt.date | str | None = None) -> Entry | None:
        """Return the last entry of a kind, about a week if one is given; None for none."""
        with self.reading() as reader:
            return reader.latest(kind, week)

    @contextmanager
    def transaction(self, who: str) -> Iterator[Transaction]:
        """Read and record while nobody else can write; all is recorded if the block ends well.

        Parameters
        ----------
        who
            Person or program that records.

        Yields
        ------
        Transaction
            It has `entries`, `latest` and `head` as the ledger, and ``add``. Inside the block it
            is what sees new entries; the ledger itself sees them after the block.

        Raises
        ------
        LedgerError
            ``ledger-locked``, ``ledger-clock`` where the clock is behind the last entry,
            ``ledger-broken``, ``ledger-full``, or ``bad-file`` where it may not be written.
        """
        with (
            self._store.writing() as session,
            Transaction(session, who, self._moment(), self._plan) as transaction,
        ):
            yield transaction

    def verify(self, anchor: tuple[int, str] | None = None) -> Verified:
        """Hold every entry against its hash and the one before, and the last against the head.

        Parameters
        ----------
        anchor
            A `head` that was noted before, which the ledger must still hold.
        """
        return verified(self._store, anchor)

    def _moment(self) -> dt.datetime:
        now = self._clock()
        if now.tzinfo is None:
            raise InputError(
                "bad-argument",
                say("clock-says-without-time", now=now.isoformat()),
                field="clock",
                value=now.isoformat(),
                remedy=say("remedy-return-moment-time-zone"),
            )
        return now.astimezone(dt.UTC)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _store(where: str | Path, timeout: float) -> Store:
    # Databases count milliseconds in 32 bits.
    if not (isinstance(timeout, (int, float)) and 0 <= timeout <= 1_000_000):
        raise InputError(
            "bad-argument", field="timeout", value=timeout, remedy=say("remedy-seconds-0-1-000")
        )
    if isinstance(where, str) and "://" in where:
        # SQLAlchemy is an extra, and slow to import.
        from budgetopt.ledger.postgres import PostgresStore

        return PostgresStore(where, timeout)
    return SqliteStore(Path(where), timeout)
