"""Reading the ledger within one session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from budgetopt.calendar import as_date
from budgetopt.errors import InputError, LedgerError, did_you_mean
from budgetopt.ledger.entry import COLUMNS, KINDS, Entry
from budgetopt.ledger.store import Session

SELECT = f"SELECT {', '.join(COLUMNS)} FROM ledger_entries"
HEAD = "SELECT one, number, hash FROM ledger_head"


class Reader:
    """The entries as one session sees them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry; `Ledger.head`."""
        found = self._session.rows(HEAD)
        if len(found) != 1:
            raise LedgerError(
                "ledger-broken",
                f"the ledger has {len(found)} heads in place of one",
                remedy="restore the ledger from a backup",
            )
        _, number, digest = found[0]
        return number, digest

    def entries(
        self,
        kinds: Iterable[str] | None = None,
        week: dt.date | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return entries in the order they were recorded; `Ledger.entries`."""
        wanted: list[str] = []
        values: dict[str, Any] = {}
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
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        if last is None:
            rows = self._session.rows(f"{SELECT}{where} ORDER BY number", **values)
            return tuple(map(Entry.of_row, rows))
        newest = f"{SELECT}{where} ORDER BY number DESC LIMIT :last"
        rows = self._session.rows(newest, **values, last=whole("last", last))
        return tuple(map(Entry.of_row, rows))[::-1]

    def latest(self, kind: str, week: dt.date | None = None) -> Entry | None:
        """Return the last entry of a kind; `Ledger.latest`."""
        found = self.entries((kind,), week, last=1)
        return found[0] if found else None


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
            f"kind of entry is {kind!r}",
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
    raise InputError(
        "bad-argument",
        f"{field} is {value!r}",
        field=field,
        value=value,
        remedy="give a whole number from 0 on",
    )


def _several(kinds: Iterable[str]) -> tuple[str, ...]:
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)
