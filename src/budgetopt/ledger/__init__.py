"""The ledger: an append-only record of the weekly rhythm, in one file or in PostgreSQL.

`Ledger.open` opens one; ``with ledger.transaction(who) as t: t.add(...)`` records; ``verify`` finds
what was changed by other means. An `Entry` says who recorded what, when, and about which week.
"""

from __future__ import annotations

from budgetopt.ledger.entry import KINDS, Entry
from budgetopt.ledger.ledger import Ledger, Verified
from budgetopt.ledger.reader import LONGEST, Reader, Transaction

__all__ = ["KINDS", "LONGEST", "Entry", "Ledger", "Reader", "Transaction", "Verified"]
