"""Writing to the ledger: reads and new entries under one lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from budgetopt.calendar import as_date
from budgetopt.errors import InputError, LedgerError
from budgetopt.ledger.entry import COLUMNS, Entry, body_text, hash_of, moment_text
from budgetopt.ledger.reader import SELECT, Reader, known_kind, whole
from budgetopt.ledger.store import Session

CLOCK_SLACK = dt.timedelta(seconds=10)
"""How far the clock may be behind the last entry, which two machines' clocks can be: such an entry
takes the moment of the last one."""

LONGEST = 2000
"""Bytes of a name or a key, in UTF-8: an index of PostgreSQL holds 2,700."""

_INSERT = (
    f"INSERT INTO ledger_entries ({', '.join(COLUMNS)}) "
    f"VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
)
_MOVE_HEAD = "UPDATE ledger_head SET number = :number, hash = :hash"


class Transaction(Reader):
    """The ledger while nobody else can write to it; see `Ledger.transaction`."""

    def __init__(self, session: Session, who: str, now: dt.datetime) -> None:
        super().__init__(session)
        self._who = _text("who", who)
        if not self._who:
            raise InputError(
                "bad-argument",
                "who is empty",
                field="who",
                value=who,
                remedy="name the person or program that records",
            )
        self._number, self._hash = self.head
        self._at = self._moment(now)
        self._over = False
        self._failed: LedgerError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take no more entries, and refuse to end well where one could not be written.

        After an error a database may have undone what was written before, whoever caught it.
        """
        self._over = True
        if error is None and self._failed is not None:
            raise self._failed

    def add(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        week: dt.date | None = None,
        revision: int = 0,
        key: str = "",
    ) -> Entry:
        """Record an entry, which is kept if the block of the transaction ends well.

        Parameters
        ----------
        kind
            One of `KINDS`.
        data
            What JSON can hold, by name.
        week
            First day of the week it is about.
        revision
            0 or more.
        key
            Name under which the ledger has one entry of this kind at most.

        Raises
        ------
        InputError
            ``bad-argument``, or ``bad-date`` for the week.
        LedgerError
            ``ledger-conflict`` where there is an entry of this kind and key; and as
            `Ledger.transaction`.
        """
        row: dict[str, Any] = {
            "number": self._number + 1,
            "at": moment_text(self._at),
            "who": self._who,
            "kind": known_kind(kind),
            "week": "" if week is None else as_date(week, "week").isoformat(),
            "revision": whole("revision", revision),
            "key": _text("key", key),
            "body": body_text(data),
            "previous": self._hash,
        }
        row["hash"] = hash_of(row | {"hash": ""})
        self._refuse_over()
        self._refuse_double(row["kind"], row["key"])
        try:
            self._session.do(_INSERT, **row)
            self._session.do(_MOVE_HEAD, number=row["number"], hash=row["hash"])
        except LedgerError as error:
            self._failed = error
            raise
        self._number, self._hash = row["number"], row["hash"]
        return Entry.of_row([row[name] for name in COLUMNS])

    def _refuse_over(self) -> None:
        if self._failed is not None:
            raise self._failed
        if self._over:
            raise InputError(
                "bad-argument",
                "the transaction is over",
                field="transaction",
                remedy="record inside of its block, or begin another one",
            )

    def _refuse_double(self, kind: str, key: str) -> None:
        query = "SELECT number FROM ledger_entries WHERE kind = :kind AND key = :key AND key <> ''"
        for (number,) in self._session.rows(query, kind=kind, key=key):
            raise LedgerError(
                "ledger-conflict",
                f"the ledger has {kind} {key!r} already, as entry {number}",
                field="key",
                value=key,
                remedy="read that entry, or record a new revision under another key",
            )

    def _moment(self, now: dt.datetime) -> dt.datetime:
        """Return the moment of this transaction, which is not before the last entry."""
        if not self._number:
            return now
        rows = self._session.rows(f"{SELECT} WHERE number = :number", number=self._number)
        last = Entry.of_row(rows[0]) if rows else None
        if last is None or last.hash != self._hash:
            raise LedgerError(
                "ledger-broken",
                f"the ledger's head, entry {self._number}, is not its last entry",
                field="head",
                value=self._number,
                remedy="restore the ledger from a backup; verify says what is wrong with it",
            )
        if now < last.at - CLOCK_SLACK:
            raise LedgerError(
                "ledger-clock",
                f"it is {moment_text(now)} by the clock, and entry {last.number} "
                f"was recorded at {moment_text(last.at)}",
                field="clock",
                value=moment_text(now),
                remedy="set the clock of this machine and run again",
            )
        return max(now, last.at)


def _text(field: str, value: str) -> str:
    """Return one line of text, as every database can hold it."""
    problem, remedy = f"is {value!r}", "give one line of text without spaces around it"
    if isinstance(value, str) and value.isprintable() and value == value.strip():
        if len(value.encode()) <= LONGEST:
            return value
        problem, remedy = f"is {len(value)} characters long", f"give at most {LONGEST} bytes"
    raise InputError("bad-argument", f"{field} {problem}", field=field, value=value, remedy=remedy)
