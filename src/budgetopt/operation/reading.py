"""What operation asks of a ledger to read it: the same outside and inside of a transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Protocol

from budgetopt.ledger import Entry


class Reads(Protocol):
    """A ledger, or one of its transactions."""

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry."""

    def entries(
        self,
        kinds: Iterable[str] | None = None,
        week: dt.date | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return entries, oldest first."""

    def latest(self, kind: str, week: dt.date | None = None) -> Entry | None:
        """Return the newest entry of a kind."""
