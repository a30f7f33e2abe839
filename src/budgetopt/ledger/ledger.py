"""The append-only record of what was planned, proposed, approved, applied and measured.

`Ledger` opens it, and `verified` says whether it is what was recorded: every row against its hash,
the chain and the head.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from budgetopt.arguments import public
from budgetopt.errors import InputError, LedgerError
from budgetopt.i18n import Message, say
from budgetopt.ledger.entry import COLUMNS, ORIGIN, Entry, changed, hash_of, well_typed
from budgetopt.ledger.reader import HEAD, SELECT, Reader, Session, Store, Transaction, plan_text
from budgetopt.ledger.sqlite import SqliteStore
from budgetopt.notebook import brief

_PAGE = 64
"""Entries read at a time, since bodies are long."""
_NEXT = f"ORDER BY number LIMIT {_PAGE}"


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
        query = "SELECT plan, MIN(number) FROM ledger_entries GROUP BY plan"
        with self._store.reading() as session:
            found = session.rows(query)
        for plan, number in found:
            if type(plan) is not str:
                raise changed(number)
        return tuple(sorted(plan for plan, _ in found))

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


@brief
@dataclass(frozen=True)
class Verified:
    """What `Ledger.verify` found.

    Parameters
    ----------
    entries
        Number of entries that were read.
    head
        Number and hash of the last entry read: the anchor to keep elsewhere.
    problems
        What is wrong, from the first entry on; empty where nothing is.
    """

    entries: int
    head: tuple[int, str]
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verified(store: Store, anchor: tuple[int, str] | None = None) -> Verified:
    """Return what is wrong with a ledger; `Ledger.verify`."""
    walk = _Walk(anchor)
    with store.reading() as session:
        try:
            walk.over(session)
            walk.problems.extend(store.faults(session))
        except LedgerError as error:
            if error.code != "ledger-broken":
                raise
            walk.problems.append(say("ledger-unreadable", why=error.problem))
    return Verified(walk.entries, (walk.number, walk.hash), tuple(walk.problems))


class _Walk:
    """Goes through the chain from its first entry on."""

    def __init__(self, anchor: tuple[int, str] | None) -> None:
        self.problems: list[str] = []
        self.entries, self.number, self.hash, self._at = 0, 0, ORIGIN, ""
        self._anchor, self._anchored = anchor, anchor is None or anchor == (0, ORIGIN)

    def over(self, session: Session) -> None:
        """Walk over every entry, and hold the end against head and anchor."""
        start, page = -(2**63), [()] * _PAGE
        while len(page) == _PAGE:
            page = session.rows(f"{SELECT} WHERE number >= :start {_NEXT}", start=start)
            for row in page:
                self._take(dict(zip(COLUMNS, row, strict=True)))
            if self.number < start:  # Rows come out of order from a damaged file alone.
                break
            start = self.number + 1
        self.problems.extend(self._wrong_end(session.rows(HEAD)))

    def _take(self, stored: dict[str, Any]) -> None:
        self.problems.extend(self._wrong(stored))
        self.entries += 1
        self.number, self.hash, self._at = stored["number"], stored["hash"], stored["at"]
        self._anchored |= (self.number, self.hash) == self._anchor

    def _wrong(self, stored: dict[str, Any]) -> Iterator[Message]:
        number = str(stored["number"])
        if not well_typed(stored):
            wrong = tuple(name for name, kind in COLUMNS.items() if type(stored[name]) is not kind)
            yield say("entry-type-changed", number=number, columns=wrong)
            return
        if stored["number"] != self.number + 1:
            missing = str(self.number + 1)
            yield say("entry-missing", missing=missing,
                      number=number)  # fmt: skip
        if hash_of(stored) != stored["hash"]:
            yield say("entry-content-changed", number=number)
        if stored["previous"] != self.hash:
            yield say("entry-chain-broken", number=number)
        if stored["at"] < str(self._at):
            yield say("entry-older", number=number)

    def _wrong_end(self, heads: Sequence[tuple[Any, ...]]) -> Iterator[Message]:
        number = str(self.number)
        if len(heads) != 1 or heads[0][0] != 1:
            yield say("head-missing")
        elif heads[0][1] != self.number:
            head = str(heads[0][1])
            yield say("head-entry-differs", head=head,
                      number=number)  # fmt: skip
        elif heads[0][2] != self.hash:
            yield say("head-hash-differs", number=number)
        if self._anchor is not None and not self._anchored:
            number, digest = str(self._anchor[0]), self._anchor[1]
            yield say("anchor-not-found", number=number, hash=digest)
