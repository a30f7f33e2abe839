"""Reading and writing a ledger within one session of its database.

`Session` and `Store` are what the ledger asks of a database: rows, statements, a session to read in
and one to write in alone. A `Reader` finds entries, each checked against its own hash; a
`Transaction` also adds them, chained to the one before, while nobody else can write. The tables,
the limit of a key's length and of a clock that runs behind are here too, as every database has to
keep them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol, Self

from budgetopt.calendar import as_date
from budgetopt.errors import InputError, LedgerError, did_you_mean
from budgetopt.i18n import Message, quoted, say
from budgetopt.ledger.entry import (
    COLUMNS,
    KINDS,
    ORIGIN,
    Entry,
    body_text,
    changed,
    hash_of,
    moment_text,
)


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


VERSION = 3
"""Of the tables."""


def tables_of(whole: str) -> tuple[str, str]:
    """Return the statements that make the tables of entries and of their head.

    Parameters
    ----------
    whole
        What the database calls a whole number of 64 bits.
    """
    entries = f"""CREATE TABLE ledger_entries (
    number {whole} PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    week TEXT NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    plan TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
)"""
    head = f"""CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number {whole} NOT NULL,
    hash TEXT NOT NULL
)"""
    return entries, head


FIRST_HEAD = f"INSERT INTO ledger_head VALUES (1, 0, '{'0' * 64}')"
HEAD_OF_ENTRIES = (
    "UPDATE ledger_head SET (number, hash) = "
    "(SELECT number, hash FROM ledger_entries ORDER BY number DESC LIMIT 1) "
    "WHERE EXISTS (SELECT 1 FROM ledger_entries)"
)
INDEXES = (
    "CREATE INDEX ledger_by_plan ON ledger_entries (plan, number)",
    "CREATE INDEX ledger_by_week ON ledger_entries (plan, week, kind, number)",
    "CREATE INDEX ledger_by_kind ON ledger_entries (plan, kind, number)",
    "CREATE UNIQUE INDEX ledger_by_key ON ledger_entries (plan, kind, key) WHERE key <> ''",
)


def ledger_error(where: str, code: str, problem: Message, remedy: Message) -> LedgerError:
    """Return the error of a ledger that is kept somewhere."""
    problem = say("ledger-wrong", where=repr(where), problem=problem)
    return LedgerError(code, problem, field="ledger", value=where, remedy=remedy)


_BY_PLAN = "SELECT plan, number FROM ledger_entries ORDER BY plan"
SELECT = f"SELECT {', '.join(COLUMNS)} FROM ledger_entries"
HEAD = "SELECT one, number, hash FROM ledger_head"


class Reader:
    """The entries of one plan as one session sees them.

    Parameters
    ----------
    session
        The session.
    plan
        Whose entries are read and written; None for those of the only plan that there is.
    """

    def __init__(self, session: Session, plan: str | None = None) -> None:
        self._session, self.bound = session, plan

    @cached_property
    def plan(self) -> str:
        """Identity of the plan whose entries are read.

        Raises
        ------
        LedgerError
            ``ledger-plans`` where no plan was chosen and the ledger holds several.
        """
        if self.bound is not None:
            return self.bound
        ends = [
            row for way in ("", " DESC") for row in self._session.rows(f"{_BY_PLAN}{way} LIMIT 1")
        ]
        for plan, number in ends:
            if type(plan) is not str:
                raise changed(number)
        if not ends:
            return ""
        (first, _), (last, _) = ends
        if first == last:
            return str(first)
        raise LedgerError(
            "ledger-plans",
            say("ledger-holds-plans", first=quoted(first), last=quoted(last)),
            field="plan_id",
            remedy=say("remedy-choose-plan-id"),
        )

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry, of the plan where one was chosen; `Ledger.head`."""
        if self.bound is None:
            return self._last
        newest = "WHERE plan = :plan ORDER BY number DESC LIMIT 1"
        found = self._session.rows(
            f"SELECT number, hash FROM ledger_entries {newest}", plan=self.bound
        )
        return found[0] if found else (0, ORIGIN)

    @property
    def home(self) -> Entry | None:
        """The plan that was recorded first of all: it says whether the ledger is for many."""
        first = "WHERE kind = 'plan' ORDER BY number LIMIT 1"
        rows = self._session.rows(f"{SELECT} {first}")
        return Entry.of_row(rows[0]) if rows else None

    def holds(self, plan: str) -> bool:
        """Say whether there are entries of a plan."""
        query = "SELECT number FROM ledger_entries WHERE plan = :plan LIMIT 1"
        return bool(self._session.rows(query, plan=plan))

    @property
    def _last(self) -> tuple[int, str]:
        found = self._session.rows(HEAD)
        if len(found) != 1:
            raise LedgerError(
                "ledger-broken", say("ledger-heads", count=len(found)), remedy=say("remedy-restore")
            )
        _, number, digest = found[0]
        if type(number) is not int or type(digest) is not str or not digest.isascii():
            raise _not_last(number)
        return number, digest

    def entries(
        self,
        kinds: Iterable[str] | None = None,
        week: dt.date | str | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return entries in the order they were recorded; `Ledger.entries`."""
        wanted: list[str] = ["plan = :plan"]
        values: dict[str, Any] = {"plan": self.plan}
        if kinds is not None:
            named = {f"kind{at}": known_kind(kind) for at, kind in enumerate(_several(kinds))}
            # An empty list is no SQL.
            wanted.append(f"kind IN ({', '.join(f':{name}' for name in named) or 'NULL'})")
            values |= named
        if week is not None:
            wanted.append("week = :week")
            values["week"] = as_date(week, "week").isoformat()
        if after:
            wanted.append("number > :after")
            values["after"] = whole("after", after)
        where = f"WHERE {' AND '.join(wanted)}"
        if last is None:
            rows = self._session.rows(f"{SELECT} {where} ORDER BY number", **values)
            return tuple(map(Entry.of_row, rows))
        newest = f"{SELECT} {where} ORDER BY number DESC LIMIT :last"
        rows = self._session.rows(newest, **values, last=whole("last", last))
        return tuple(map(Entry.of_row, rows))[::-1]

    def latest(self, kind: str, week: dt.date | str | None = None) -> Entry | None:
        """Return the last entry of a kind; `Ledger.latest`."""
        found = self.entries((kind,), week, last=1)
        return found[0] if found else None


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

    def __init__(
        self, session: Session, who: str, now: dt.datetime, plan: str | None = None
    ) -> None:
        super().__init__(session, plan)
        self._who = _text("who", who)
        if not self._who:
            raise InputError(
                "bad-argument",
                say("who-is-empty"),
                field="who",
                value=who,
                remedy=say("remedy-name-person-program-records"),
            )
        self._number, self._hash = self._last
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
        week: dt.date | str | None = None,
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
            Name under which the plan has one entry of this kind at most.

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
            "plan": _text("plan", self.plan),
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
                say("transaction-is-over"),
                field="transaction",
                remedy=say("remedy-record-inside-block-begin"),
            )

    def _refuse_double(self, kind: str, key: str) -> None:
        query = (
            "SELECT number FROM ledger_entries "
            "WHERE plan = :plan AND kind = :kind AND key = :key AND key <> ''"
        )
        for (number,) in self._session.rows(query, plan=self.plan, kind=kind, key=key):
            raise LedgerError(
                "ledger-conflict",
                say("ledger-has-key", kind=kind, key=quoted(key), number=str(number)),
                field="key",
                value=key,
                remedy=say("remedy-other-key"),
            )

    def _moment(self, now: dt.datetime) -> dt.datetime:
        """Return the moment of this transaction, which is not before the last entry."""
        if not self._number:
            return now
        rows = self._session.rows(f"{SELECT} WHERE number = :number", number=self._number)
        last = Entry.of_row(rows[0]) if rows else None
        if last is None or last.hash != self._hash:
            raise _not_last(self._number)
        if now < last.at - CLOCK_SLACK:
            raise LedgerError(
                "ledger-clock",
                say(
                    "ledger-clock-behind",
                    now=moment_text(now),
                    number=str(last.number),
                    at=moment_text(last.at),
                ),
                field="clock",
                value=moment_text(now),
                remedy=say("remedy-set-clock"),
            )
        return max(now, last.at)


def _not_last(number: Any) -> LedgerError:
    return LedgerError(
        "ledger-broken",
        say("ledger-head-not-last", number=str(number)),
        field="head",
        value=number,
        remedy=say("remedy-restore-verify"),
    )


def known_kind(kind: str) -> str:
    """Return a kind that is one of `KINDS`.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    if kind not in KINDS:
        raise InputError(
            "bad-argument",
            say("entry-kind-is", kind=repr(kind)),
            field="kind",
            value=kind,
            remedy=did_you_mean(str(kind), KINDS),
        )
    return kind


def whole(field: str, value: int) -> int:
    """Return a whole number from 0 on, as every database can hold it.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    raise InputError("bad-argument", field=field, value=value, remedy=say("remedy-whole-number-0"))


def _several(kinds: Iterable[str]) -> tuple[str, ...]:
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _text(field: str, value: str) -> str:
    """Return one line of text, as every database can hold it."""
    problem, remedy = say("part-is-value", level=repr(value)), say("remedy-line-text-without")
    if isinstance(value, str) and value.isprintable() and value == value.strip():
        if len(value.encode()) <= LONGEST:
            return value
        problem = say("characters-long", value=len(value))
        remedy = say("remedy-most-bytes", longest=LONGEST)
    problem = say("assumed-change", what=field, change=problem)
    raise InputError("bad-argument", problem, field=field, value=value, remedy=remedy)


def plan_text(plan: str) -> str:
    """Return the identity of a plan as every database can hold it; it may be empty.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    return _text("plan_id", plan)
