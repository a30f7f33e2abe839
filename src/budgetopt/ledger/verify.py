"""Whether a ledger is what was recorded: every row against its hash, the chain and the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from budgetopt.errors import LedgerError
from budgetopt.i18n import Message, say
from budgetopt.ledger.entry import COLUMNS, ORIGIN, hash_of, well_typed
from budgetopt.ledger.reader import HEAD, SELECT, Session, Store
from budgetopt.notebook import brief

_PAGE = 64
"""Entries read at a time, since bodies are long."""
_NEXT = f"ORDER BY number LIMIT {_PAGE}"


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
