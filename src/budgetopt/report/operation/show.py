"""One week of a ledger: what was recorded of it, a revision's split, and what became of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from budgetopt.ledger import Entry
from budgetopt.operation.propose import decision_of
from budgetopt.operation.state import WeekState
from budgetopt.report.layout import amounts, said, table
from budgetopt.report.operation.ledger import (
    STATES,
    Spends,
    actual_of,
    reasons_of,
    restored_of,
    spend_of,
    sum_of,
)
from budgetopt.report.table import decision_table
from budgetopt.words import in_language, say

_KINDS = {
    "proposal": say("proposal"),
    "approval": say("approval"),
    "rejection": say("rejection"),
    "edit": say("edit"),
    "applied": say("applied"),
    "measured": say("measured"),
    "alert": say("alert"),
    "release": say("release"),
    "override": say("override"),
    "note": say("note"),
}
_ENTRIES = (
    say("entry"),
    say("moment, {zone}", zone="UTC"),
    say("revision"),
    say("kind"),
    say("who"),
)
_APPLIED = (say("channel"), say("as approved"), say("as applied"), say("actual"))


def show_table(
    state: WeekState, entries: Sequence[Entry], current: Entry, language: str = "en"
) -> str:
    """Return one revision of a week as text: what was recorded of it, and its split.

    Where something else was applied or spent than the revision says, that stands before it.

    Parameters
    ----------
    state
        The state of the week.
    entries
        Those of the week, oldest first.
    current
        The proposal or edit that is shown.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say(
        "Week of {week}: {state}, revision {revision}",
        week=str(state.week),
        state=STATES[state.state],
        revision=str(state.revision),
    )
    lines = [said(title, language), _entries(entries, language)]
    lines += [said(one, language) for one in _told(entries)]
    shown = say("Revision {revision}:", revision=str(current.revision))
    if current == state.current and (done := _applied(state, language)):
        became = say("What became of revision {revision}:", revision=str(current.revision))
        lines += ["", said(became, language), done]
    lines += ["", said(shown, language)]
    return "\n".join([*lines, decision_table(decision_of(current.data), language=language)])


def applied_csv(state: WeekState) -> str:
    """Return one row a channel: week, channel, approved, spend (as applied) and actual.

    What is not reported, or not yet, is empty.
    """
    splits = _splits(state)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("week", "channel", "approved", "spend", "actual"))
    for name in _names(splits):
        found = [split.get(name) for split in splits]
        texts = ["" if money is None else f"{money:f}" for money in (*found, None)[:3]]
        writer.writerow((str(state.week), name, *texts))
    return out.getvalue()


def _entries(entries: Sequence[Entry], language: str) -> str:
    headings = [in_language(heading, language) for heading in _ENTRIES]
    columns = (
        [str(entry.number) for entry in entries],
        [f"{entry.at:%Y-%m-%d %H:%M}" for entry in entries],
        [str(entry.revision or "") for entry in entries],
        [in_language(_KINDS.get(entry.kind, entry.kind), language) for entry in entries],
        [entry.who for entry in entries],
    )
    return table(headings, columns, words=(headings[1], headings[3], headings[4]))


def _told(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield what people and rules said, by the number of the entry."""
    before = ""
    for entry in entries:
        # What is applied otherwise has its reason in the override before it.
        told, before = (before, entry.kind) == ("override", "applied"), entry.kind
        if told:
            continue
        for reason in (*reasons_of(entry), *restored_of(entry, "needs")):
            yield say("Entry {number}: {reason}.", number=str(entry.number), reason=reason)


def _applied(state: WeekState, language: str = "en") -> str:
    """Return money as approved, applied and spent by channel; empty where all is alike."""
    splits = _splits(state)
    names = _names(splits)
    if not splits or all(split == splits[0] for split in splits):
        return ""
    first, *headings = (in_language(heading, language) for heading in _APPLIED)
    total = in_language(say("total"), language)
    columns = [amounts([*(split.get(name) for name in names), sum_of(split)]) for split in splits]
    return table([first, *headings[: len(splits)]], ([*names, total], *columns))


def _splits(state: WeekState) -> list[Spends]:
    """Return the money of an applied week as approved, applied and, once measured, spent."""
    if state.current is None or state.applied is None:
        return []
    found = [spend_of(state.current), spend_of(state.applied)]
    return found if state.measured is None else [*found, actual_of(state.measured)]


def _names(splits: Sequence[Spends]) -> list[str]:
    return list(dict.fromkeys(name for split in splits for name in split))
