"""What is kept of an account between two nights: its decision, and what was learned.

`Kept` is one account's record as bytes, and `Store` whatever keeps bytes under a name: a folder of
files, or an object of one's own with the same two methods, over a database or a bucket. A record
says what it was made from, so that nothing of it is used for anything else; a damaged one, or one
of another version, counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from budgetopt.belief import Restart

_KIND = "budgetopt account 1"


class Store(Protocol):
    """Keeps one record an account."""

    def read(self, account: str) -> bytes | None:
        """Return the record of an account; None where there is none."""
        ...

    def write(self, account: str, record: bytes) -> None:
        """Keep a record in place of the one before, all of it or nothing."""
        ...


class Kept(NamedTuple):
    """The record of an account.

    Parameters
    ----------
    account
        Its key.
    inputs
        Fingerprint of all that its decision was made from.
    rows
        The decision's rows, as JSON holds them.
    learned
        Bytes of a `Restart`; empty for none.
    """

    account: str
    inputs: str
    rows: Any
    learned: bytes

    def to_bytes(self) -> bytes:
        """Return the record as it is kept."""
        about = json.dumps([_KIND, self.account, self.inputs, self.rows], ensure_ascii=False)
        head = about.encode()
        return b"\n".join([hashlib.sha256(head).hexdigest().encode(), head, self.learned])

    @classmethod
    def from_bytes(cls, record: bytes | None, account: str) -> Self:
        """Return a record of an account, an empty one where it is none."""
        digest, head, learned = (*(record or b"").split(b"\n", 2), b"", b"")[:3]
        if hashlib.sha256(head).hexdigest().encode() == digest:
            kind, known, inputs, rows = json.loads(head)
            if (kind, known) == (_KIND, account):
                return cls(account, inputs, rows, learned)
        return cls(account, "", None, b"")

    @property
    def restart(self) -> Restart | None:
        """Where learning may go on from; None for nowhere."""
        return Restart.from_bytes(self.learned)


class Folder:
    """Records as files of a folder, each written under another name and put in place whole.

    Parameters
    ----------
    path
        The folder; made where there is none. Workers on other machines have to see it too.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def read(self, account: str) -> bytes | None:
        """Return the record of an account; None where there is none."""
        try:
            return self._file(account).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, account: str, record: bytes) -> None:
        """Keep a record in place of the one before, all of it or nothing."""
        file = self._file(account)
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".new")
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(record)
            os.replace(name, file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _file(self, account: str) -> Path:
        # Names of accounts may be anything, and ten thousand files in one folder are slow to list.
        name = hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return self.path / name[:2] / name
