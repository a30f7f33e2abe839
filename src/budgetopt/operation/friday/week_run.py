"""What one weekly run found and proposed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from budgetopt.operation.alerts import Alert
from budgetopt.operation.pacing import Pace
from budgetopt.operation.reserve import Balances, Movement
from budgetopt.operation.state import State
from budgetopt.weekly import Decision
from budgetopt.words import templates_of

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class WeekRun:
    """A week as its run leaves it.

    Parameters
    ----------
    decision
        The split that stands: the newest proposal, or the edit that took its place.
    state
        Where the week stands.
    revision
        Number of the revision that stands.
    entry
        Number of its entry in the ledger.
    head
        Number and hash of the ledger's last entry; an anchor to keep elsewhere.
    new
        Whether this run proposed it; False where it was there already.
    changed
        What changed since the revision before; empty for the first.
    needs
        Why a name is needed; empty where a rule approves it.
    pace
        Plan, actual and projection on the day of the run.
    balances
        What the reserves hold once this week is counted.
    alerts
        What a person should know on the day of the run, the worst first.
    news
        Those of them that were not raised before.
    released
        What left the reserves for this week.
    measured
        Weeks that were measured by this run.
    notes
        What a reader should know of the run itself; those of the split are in `decision`.
    """

    decision: Decision
    state: State
    revision: int
    entry: int
    head: tuple[int, str]
    new: bool
    changed: tuple[str, ...]
    needs: tuple[str, ...]
    pace: Pace
    balances: Balances
    alerts: tuple[Alert, ...] = ()
    news: tuple[Alert, ...] = ()
    released: tuple[Movement, ...] = ()
    measured: tuple[dt.date, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def week(self) -> dt.date:
        """First day of the week."""
        return self.decision.week.start

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        said = (*self.changed, *self.needs, *self.notes, *(m.why for m in self.released))
        return {
            "schema_version": SCHEMA_VERSION,
            "week": str(self.week),
            "state": self.state,
            "revision": self.revision,
            "entry": self.entry,
            "head": list(self.head),
            "new": self.new,
            "changed": list(self.changed),
            "needs": list(self.needs),
            "notes": list(self.notes),
            "measured": [str(week) for week in self.measured],
            "alerts": [one.to_dict() for one in self.alerts],
            "news": [one.key for one in self.news],
            "released": [one.to_dict() for one in self.released],
            "balances": self.balances.to_dict(),
            "pace": self.pace.to_dict(),
            "words": templates_of(said),
            "decision": self.decision.to_dict(),
        }

    def to_json(self) -> str:
        """Return the run as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
