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
from budgetopt.ledger.reader import Reader, Store, Transaction
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
    """

    def __init__(self, store: Store, clock: Callable[[], dt.datetime]) -> None:
        self._store, self._clock = store, clock

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        clock: Callable[[], dt.datetime] | None = None,
        timeout: float = 5.0,
        create: bool = True,
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
        return cls(store, clock or _now)

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

        Kept elsewhere it is an anchor, against which `verify` holds the ledger later.
        """
        with self._store.reading() as session:
            return Reader(session).head

    def entries(
        self,
        kinds: Iterable[str] | None = None,
        week: dt.date | None = None,
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
        with self._store.reading() as session:
            return Reader(session).entries(kinds, week, after, last)

    def latest(self, kind: str, week: dt.date | None = None) -> Entry | None:
        """Return the last entry of a kind, about a week if one is given; None for none."""
        with self._store.reading() as session:
            return Reader(session).latest(kind, week)

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
            Transaction(session, who, self._moment()) as transaction,
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
            "bad-argument",
            say("field-is", field="timeout", value=repr(timeout)),
            field="timeout",
            value=timeout,
            remedy=say("remedy-seconds-0-1-000"),
        )
    if isinstance(where, str) and "://" in where:
        # SQLAlchemy is an extra, and slow to import.
        from budgetopt.ledger.postgres import PostgresStore

        return PostgresStore(where, timeout)
    return SqliteStore(Path(where), timeout)
