"""One entry of the ledger: its columns, its canonical text and its hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from budgetopt.errors import InputError, LedgerError, foreign
from budgetopt.i18n import say
from budgetopt.notebook import brief

KINDS = (
    "plan",
    "history",
    "proposal",
    "approval",
    "rejection",
    "edit",
    "applied",
    "measured",
    "alert",
    "release",
    "override",
    "note",
    "year",
)
"""What an entry can be."""

# In the order of an entry's fields; the long body is stored last, so that a scan can leave it out.
COLUMNS: dict[str, type] = {
    "number": int,
    "at": str,
    "who": str,
    "kind": str,
    "week": str,
    "revision": int,
    "key": str,
    "plan": str,
    "body": str,
    "previous": str,
    "hash": str,
}
"""Columns of an entry and the types they are stored in."""

ORIGIN = "0" * 64
"""What the first entry has as its previous hash, and an empty ledger as its own."""


@brief
@dataclass(frozen=True, slots=True)
class Entry:
    """One fact, as it was recorded.

    Parameters
    ----------
    number
        1 for the first entry of a ledger, and so on without gaps.
    at
        Moment in UTC at which its transaction began; never before that of the entry before.
    who
        Person or program that recorded it.
    kind
        One of `KINDS`.
    week
        First day of the week it is about, None where it is about no week.
    revision
        Number of the revision, 0 where there are none.
    key
        Name under which its plan has one entry of its kind at most; empty for none.
    body
        Its data as canonical JSON.
    previous, hash
        SHA-256 of the entry before and of this one, 64 hexadecimal digits.
    plan
        Identity of the plan that it is about; empty where that plan has neither id nor name, and in
        entries that were recorded before a ledger held several plans.
    """

    number: int
    at: dt.datetime
    who: str
    kind: str
    week: dt.date | None
    revision: int
    key: str
    body: str
    previous: str
    hash: str
    plan: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The body as plain data."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise changed(self.number)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain data for JSON, its body as data."""
        return {
            "number": self.number,
            "at": moment_text(self.at),
            "who": self.who,
            "kind": self.kind,
            "week": None if self.week is None else self.week.isoformat(),
            "revision": self.revision,
            "key": self.key,
            "plan": self.plan,
            "data": self.data,
            "previous": self.previous,
            "hash": self.hash,
        }

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """Return the entry of a stored row, held against its own hash.

        Raises
        ------
        LedgerError
            ``ledger-broken`` where the row is not what was hashed.
        """
        stored = dict(zip(COLUMNS, row, strict=True))
        if not well_typed(stored) or hash_of(stored) != stored["hash"]:
            raise changed(stored["number"])
        try:
            # What another program wrote may be hashed and still be no entry.
            at = dt.datetime.fromisoformat(stored["at"])
            week = dt.date.fromisoformat(stored["week"]) if stored["week"] else None
        except ValueError:
            raise changed(stored["number"]) from None
        if at.tzinfo is None:
            raise changed(stored["number"])
        return cls(**stored | {"at": at, "week": week})


def changed(number: Any) -> LedgerError:
    """Return the error on an entry that is not what was recorded."""
    return LedgerError(
        "ledger-broken",
        say("ledger-entry-changed", number=str(number)),
        field="number",
        value=number,
        remedy=say("remedy-restore-verify"),
    )


def well_typed(stored: Mapping[str, Any]) -> bool:
    """Say whether every column holds the type it is meant to."""
    return all(type(stored[name]) is kind for name, kind in COLUMNS.items())


def hash_of(stored: Mapping[str, Any]) -> str:
    r"""Return the hash of the columns of an entry, the hash itself aside.

    It is SHA-256 over ``name length\nvalue\n`` of every column in the order of `COLUMNS`, in UTF-8
    with the length in bytes, so that no two entries are the same text. The previous hash is one of
    the columns, by which entries are chained (Haber and Stornetta 1991, section 5.1). A column that
    is empty or nought is left out: one that a later schema adds leaves older hashes as they are.

    It proves that nothing was changed by accident, or by somebody who cannot compute it. Whoever
    can write to the ledger can write a new chain; that is found by an anchor kept elsewhere.
    """
    text = hashlib.sha256()
    for name in COLUMNS:
        value = stored.get(name, "")
        if name != "hash" and value not in ("", 0):
            # Bytes that are no UTF-8 were read as lone surrogates, and go back as they were.
            raw = str(value).encode("utf-8", "surrogateescape")
            text.update(b"%s %d\n%s\n" % (name.encode(), len(raw), raw))
    return text.hexdigest()


def moment_text(moment: dt.datetime) -> str:
    """Return a moment in UTC as text of one length, so that moments sort as texts do."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def body_text(data: Mapping[str, Any]) -> str:
    """Return data as canonical JSON: sorted names, no spaces, no NaN.

    Raises
    ------
    InputError
        ``bad-argument`` where JSON cannot hold the data.
    """
    try:
        if not isinstance(data, Mapping):
            raise TypeError(say("it-is-no-mapping"))
        text = json.dumps(
            dict(data), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            "bad-argument",
            say("data-cannot-recorded", error=foreign(error)),
            field="data",
            remedy=say("remedy-mapping-names-texts"),
        ) from None
    return text
