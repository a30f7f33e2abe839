"""What state a week is in: folded from its entries, in order, by one pure function.

`LedgerReader` is what the workflow asks of a ledger, outside and inside of a transaction. `NEXT` is
the whole table of what may happen: commands ask it before they write (`WeekState.require`), and
reading a ledger asks it again (`WeekState.after`). `fold` goes over a week's entries; `state_of`
and `states_of` read them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from budgetopt.errors import InputError, LedgerError
from budgetopt.i18n import say
from budgetopt.ledger import Entry
from budgetopt.notebook import brief


class LedgerReader(Protocol):
    """A ledger, or one of its transactions."""

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry."""

    def entries(
        self,
        kinds: Iterable[str] | None = None,
        week: dt.date | str | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return entries, oldest first."""

    def latest(self, kind: str, week: dt.date | str | None = None) -> Entry | None:
        """Return the newest entry of a kind."""


State = Literal["none", "proposed", "approved", "rejected", "edited", "applied", "measured"]

NEXT: dict[State, dict[str, State]] = {
    "none": {"proposal": "proposed"},
    "proposed": {
        "proposal": "proposed",
        "approval": "approved",
        "rejection": "rejected",
        "edit": "edited",
    },
    "approved": {
        "proposal": "proposed",
        "rejection": "rejected",
        "edit": "edited",
        "applied": "applied",
    },
    "rejected": {"proposal": "proposed", "edit": "edited"},
    "edited": {
        "proposal": "proposed",
        "approval": "approved",
        "rejection": "rejected",
        "edit": "edited",
    },
    "applied": {"applied": "applied", "measured": "measured"},
    "measured": {"measured": "measured"},
}
"""The state that an entry of a kind leads to, by the state that the week is in.

A proposal or an edit is a new revision, and takes the place of those before it. A second applied
entry corrects the first.
"""
KINDS = ("proposal", "approval", "rejection", "edit", "applied", "measured")
"""Kinds of entries that change the state of their week; all others leave it as it is."""
_NEW_REVISION = ("proposal", "edit")

_COMMANDS = {
    "proposal": "week",
    "approval": "approve",
    "rejection": "reject",
    "edit": "edit",
    "applied": "apply",
}
"""The commands that write entries; a week is measured by the run of a later one."""
_DONE = {"proposal": "proposed", "approval": "approved", "rejection": "rejected", "edit": "edited"}
"""What a command does, where it is not called as the kind of its entry."""


@brief
@dataclass(frozen=True)
class WeekState:
    """A week's state, and the entries that made it.

    Parameters
    ----------
    week
        First day of the week.
    state
        Where it stands.
    revision
        Number of the newest revision, 0 where there is none.
    proposal
        The newest entry that the weekly run proposed.
    current
        The newest proposal or edit: its split is the one that stands.
    verdict
        Approval or rejection of `current`.
    applied
        What was applied, as corrected last.
    measured
        What came of it, as measured last.
    measures
        How often it was measured.
    """

    week: dt.date
    state: State = "none"
    revision: int = 0
    proposal: Entry | None = None
    current: Entry | None = None
    verdict: Entry | None = None
    applied: Entry | None = None
    measured: Entry | None = None
    measures: int = 0

    @property
    def possible(self) -> tuple[str, ...]:
        """Kinds of entries that may follow."""
        return tuple(NEXT[self.state])

    @property
    def over(self) -> bool:
        """Whether the week is applied, so that nothing is decided about it any more."""
        return self.state in ("applied", "measured")

    @property
    def planned(self) -> Entry | None:
        """The entry whose split is the week's plan: applied, or the newest one not rejected."""
        return self.applied or (None if self.state == "rejected" else self.current)

    def after(self, entry: Entry) -> WeekState:
        """Return the state after one more entry.

        Raises
        ------
        LedgerError
            ``ledger-broken`` where the entry may not follow.
        """
        if entry.kind not in KINDS:
            return self
        state = NEXT[self.state].get(entry.kind)
        revision = self.revision + (entry.kind in _NEW_REVISION)
        if state is None or entry.revision != revision or entry.week != self.week:
            raise LedgerError(
                "ledger-broken",
                say(
                    "entry-revision-cannot",
                    number=entry.number,
                    kind=entry.kind,
                    revision=entry.revision,
                    revision_2=self.revision,
                    week=self.week,
                    state=self.state,
                ),
                field="kind",
                value=entry.kind,
                remedy=say("remedy-write-entries-week"),
            )
        now = replace(self, state=state, revision=revision)
        match entry.kind:
            case "proposal":
                return replace(now, proposal=entry, current=entry, verdict=None)
            case "edit":
                return replace(now, current=entry, verdict=None)
            case "approval" | "rejection":
                return replace(now, verdict=entry)
            case "applied":
                return replace(now, applied=entry)
        return replace(now, measured=entry, measures=self.measures + 1)

    def require(self, kind: str) -> None:
        """Raise unless an entry of a kind may follow.

        Raises
        ------
        InputError
            ``wrong-state``, with what is possible instead.
        """
        if kind in NEXT[self.state]:
            return
        values = {"week": str(self.week), "state": say(self.state)}
        if self.state == "none":
            stands = say("week-has-no-proposal", week=values["week"])
        elif self.revision:
            stands = say("week-is-revision", **values, revision=str(self.revision))
        else:
            stands = say("week-is", **values)
        commands = [_COMMANDS[following] for following in self.possible if following in _COMMANDS]
        one = "possible-is" if len(commands) == 1 else "possible-are"
        rest = say(one, commands=tuple(commands)) if commands else say("nothing-possible")
        raise InputError(
            "wrong-state",
            stands,
            field="week",
            value=str(self.week),
            remedy=say("not-now", done=say(_DONE.get(kind, kind)), rest=rest),
        )


def fold(week: dt.date, entries: Iterable[Entry]) -> WeekState:
    """Return the state of a week from its entries, oldest first.

    Parameters
    ----------
    week
        First day of the week.
    entries
        All entries of that week; those of kinds that change no state may be among them.

    Raises
    ------
    LedgerError
        ``ledger-broken`` where an entry may not follow those before it.
    """
    state = WeekState(week)
    for entry in entries:
        state = state.after(entry)
    return state


def state_of(reader: LedgerReader, week: dt.date) -> WeekState:
    """Return the state of a week in a ledger, from the entries of that week alone."""
    return fold(week, reader.entries(kinds=KINDS, week=week))


def states_of(reader: LedgerReader) -> tuple[WeekState, ...]:
    """Return the state of every week that a ledger knows, oldest first."""
    states: dict[dt.date, WeekState] = {}
    for entry in reader.entries(kinds=KINDS):
        if entry.week is not None:
            states[entry.week] = states.get(entry.week, WeekState(entry.week)).after(entry)
    return tuple(states[week] for week in sorted(states))
