"""A week as its run leaves it, as a record that goes to JSON and comes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from budgetopt.arguments import public
from budgetopt.calendar import as_date
from budgetopt.i18n import messages_of, restored, say
from budgetopt.notebook import Card, Shown
from budgetopt.records import JsonRecord, of_plain
from budgetopt.weekly import Decision
from budgetopt.workflow.alerts import Alert
from budgetopt.workflow.pacing import Pace
from budgetopt.workflow.reserves import Balances, Movement
from budgetopt.workflow.week_state import State


@public
@dataclass(frozen=True, repr=False)
class WeekRun(Shown, JsonRecord):
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
    widened
        Why change limits give in this week; empty where they do not.
    not_recorded
        Earlier weeks that are approved and have begun, but were never recorded as applied.
    """

    _VERSIONS = (1,)

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
    widened: str = ""
    not_recorded: tuple[dt.date, ...] = ()

    @property
    def week(self) -> dt.date:
        """First day of the week."""
        return self.decision.week.start

    def _card(self) -> Card:
        counted = dict.fromkeys(("critical", "warning", "info"), 0)
        for alert in self.alerts:
            counted[alert.severity] += 1
        stands = say("run-in-short", state=self.state, revision=self.revision, **counted)
        decided = self.decision._card()
        return decided._replace(title=say("two-sentences", one=stands, other=decided.title))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        said = (
            *self.changed,
            *self.needs,
            *self.notes,
            *(m.why for m in self.released),
            self.widened,
        )
        return {
            "schema_version": self._VERSIONS[-1],
            "week": str(self.week),
            "state": self.state,
            "revision": self.revision,
            "entry": self.entry,
            "head": list(self.head),
            "new": self.new,
            "changed": list(self.changed),
            "needs": list(self.needs),
            "notes": list(self.notes),
            "widened": self.widened,
            "measured": [str(week) for week in self.measured],
            "not_recorded": [str(week) for week in self.not_recorded],
            "alerts": [one.to_dict() for one in self.alerts],
            "news": [one.key for one in self.news],
            "released": [one.to_dict() for one in self.released],
            "balances": self.balances.to_dict(),
            "pace": self.pace.to_dict(),
            "words": messages_of(said),
            "decision": self.decision.to_dict(),
        }

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        words, alerts = data["words"], tuple(map(Alert.from_dict, data["alerts"]))
        released = map(Movement.from_dict, data["released"])
        number, digest = data["head"]
        return cls(
            Decision.from_dict(data["decision"]),
            data["state"],
            int(data["revision"]),
            int(data["entry"]),
            (int(number), str(digest)),
            bool(data["new"]),
            tuple(restored(text, words) for text in data["changed"]),
            tuple(restored(text, words) for text in data["needs"]),
            of_plain(Pace, data["pace"]),
            of_plain(Balances, data["balances"]),
            alerts,
            tuple(one for one in alerts if one.key in set(data["news"])),
            tuple(replace(one, why=restored(one.why, words)) for one in released),
            tuple(as_date(week, "measured") for week in data["measured"]),
            tuple(restored(text, words) for text in data["notes"]),
            restored(data["widened"], words),
            tuple(as_date(week, "not_recorded") for week in data["not_recorded"]),
        )
