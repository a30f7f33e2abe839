"""What a ledger holds as text and JSON: its weeks, one week, and whether it is whole.

Everything is read from entries; moments are in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from budgetopt.errors import InputError
from budgetopt.ledger import Entry, Verified
from budgetopt.money import show_amount
from budgetopt.operation.checks import RULE
from budgetopt.operation.state import WeekState
from budgetopt.report.layout import amounts, figures, said, table
from budgetopt.words import Sentence, in_language, restored, say

Spends = dict[str, Decimal]

STATES = {
    "none": say("none"),
    "proposed": say("proposed"),
    "approved": say("approved"),
    "rejected": say("rejected"),
    "edited": say("edited"),
    "applied": say("applied"),
    "measured": say("measured"),
}
"""What a state is called."""
_WEEKS = (
    say("week"),
    say("state"),
    say("revision"),
    say("planned"),
    say("applied"),
    say("actual"),
    say("outcome"),
    say("by"),
)
_PROTECTION = {
    "ledger_no_change": say("protection against changed or deleted entries"),
    "ledger_no_update": say("protection against changed entries"),
    "ledger_no_delete": say("protection against deleted entries"),
    "ledger_next_only": say("protection against entries that do not follow one another"),
    "ledger_by_key": say("protection against entries that are recorded twice"),
    "ledger_head_forward": say("protection against a changed head"),
    "ledger_head_stays": say("protection against a deleted head"),
}
"""What triggers and indexes of a ledger are for, by name."""
_SUMS = ("planned", "applied", "actual")


def history_table(states: Sequence[WeekState], head: tuple[int, str], language: str = "en") -> str:
    """Return the weeks of a ledger as text, the newest last.

    What a week brought stands beside what was spent in it, whatever was planned and applied.

    Parameters
    ----------
    states
        The states of its weeks.
    head
        Number and hash of its last entry.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    if not states:
        return said(say("No week is in the ledger yet."), language)
    headings = [in_language(heading, language) for heading in _WEEKS]
    words = (headings[1], headings[-1])
    columns = (
        [str(state.week) for state in states],
        [in_language(STATES[state.state], language) for state in states],
        [str(state.revision) for state in states],
        *map(amounts, zip(*(_sums(state) for state in states), strict=True)),
        figures([_outcome(state) for state in states]),
        [in_language(_by(state), language) for state in states],
    )
    kept = say("{count} entries. The anchor, to be kept elsewhere:", count=f"{head[0]:,}")
    return "\n".join([table(headings, columns, words), said(kept, language), anchor(head)])


def history_json(states: Sequence[WeekState], head: tuple[int, str]) -> str:
    """Return the weeks of a ledger as JSON."""
    weeks = [
        {
            "week": str(state.week),
            "state": state.state,
            "revision": state.revision,
            **dict(zip(_SUMS, map(_text, _sums(state)), strict=True)),
            "outcome": None if (found := _outcome(state)) != found else found,
            "by": _by(state),
        }
        for state in states
    ]
    return as_json({"weeks": weeks, "entry": head[0], "head": head[1]})


def _sums(state: WeekState) -> tuple[Decimal | None, ...]:
    """Return all channels together as planned, applied and spent; None where it is not so far."""
    # Straight from the data: the order of channels, which does not count here, is in the decision.
    planned, applied = (
        None if entry is None else sum(map(Decimal, entry.data["spend"].values()), Decimal(0))
        for entry in (state.current, state.applied)
    )
    actual = None if state.measured is None else sum_of(actual_of(state.measured))
    return planned, applied, actual


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def anchor(head: tuple[int, str]) -> str:
    """Return the head of a ledger as ``--anchor`` takes it, on a line that can be copied."""
    number, digest = head
    return f"  {number}:{digest}"


def entries_json(entries: Iterable[Entry]) -> str:
    """Return entries as JSON."""
    return as_json([entry.to_dict() for entry in entries])


def revision_of(entries: Iterable[Entry], revision: int | None) -> Entry:
    """Return the proposal or edit of a revision; the newest where none is given.

    Raises
    ------
    InputError
        ``bad-argument`` where there is no such revision.
    """
    found = {e.revision: e for e in entries if e.kind in ("proposal", "edit")}
    wanted = max(found, default=0) if revision is None else revision
    if wanted in found:
        return found[wanted]
    known = ", ".join(map(str, found))
    raise InputError(
        "bad-argument",
        f"there is no revision {wanted} of the week",
        field="revision",
        value=wanted,
        remedy=f"choose one of {known}" if found else "run the week first",
    )


def spend_of(entry: Entry) -> Spends:
    """Return the money by channel that an entry is about, in the plan's order where it has one."""
    data = entry.data
    spend = data["spend"]
    moves = json.loads(data["decision"])["moves"] if "decision" in data else ()
    names = [move["channel"] for move in moves] or spend
    return {name: Decimal(spend[name]) for name in names}


def actual_of(measured: Entry) -> Spends:
    """Return what was really spent by channel, where a report says so."""
    # Known to the minor unit at most, from a file of figures.
    reported = measured.data["spend"].items()
    return {name: Decimal(repr(spent)) for name, spent in reported if spent is not None}


def standing(state: WeekState) -> Spends:
    """Return what was applied in a week, or else what its newest revision gives."""
    entry = state.applied or state.current
    return {} if entry is None else spend_of(entry)


def restored_of(entry: Entry, field: str) -> tuple[str, ...]:
    """Return the sentences of an entry's field as they were made; none where it has none."""
    data = entry.data
    found, made = data.get("movement", data).get(field) or (), data.get("words", {})
    texts = (found,) if isinstance(found, str) else found
    return tuple(restored(text, made) for text in texts)


def reasons_of(entry: Entry) -> Iterator[str]:
    """Yield why an entry was made, in sentences: what changed, and what people and rules said."""
    said = (one for field in ("changed", "sentence", "why") for one in restored_of(entry, field))
    data = entry.data
    if entry.kind == "override":
        said = (say("{changes}: {why}", changes=_overridden(entry), why=why) for why in said)
    if entry.kind == "release" and not data["rule"]:
        # A rule's sentence has the amount in it; a person's has not.
        amount = show_amount(Decimal(data["movement"]["amount"]))
        said = (say("{amount} is released: {why}", amount=amount, why=why) for why in said)
    yield from said


def verified_table(found: Verified, language: str = "en") -> str:
    """Return whether a ledger is what was recorded, every problem with its entry's number."""
    count = f"{found.entries:,}"
    if found.good:
        template = "{count} entries, all as they were recorded. The anchor, to be kept elsewhere:"
        return "\n".join([said(say(template, count=count), language), anchor(found.head)])
    lines = [
        say("{count} entries. What is wrong ({problems}):", count=count,
            problems=f"{len(found.problems):,}"),
        *(say("{problem}.", problem=_plain(problem)) for problem in found.problems),
    ]  # fmt: skip
    return "\n".join(said(line, language) for line in lines)


def _plain(problem: str) -> str:
    """Return a problem, where protection is missing with what it protects from."""
    what = problem.values.get("what", "") if isinstance(problem, Sentence) else ""
    name = str(what).rpartition(" ")[2]
    if name in _PROTECTION and problem == say("the ledger lacks {what}", what=what):
        return say("{protection} is missing: {what}", protection=_PROTECTION[name], what=what)
    return problem


def verified_json(found: Verified) -> str:
    """Return whether a ledger is what was recorded as JSON."""
    number, digest = found.head
    return as_json(
        {
            "good": found.good,
            "entries": found.entries,
            "entry": number,
            "head": digest,
            "problems": [str(problem) for problem in found.problems],
        }
    )


def _overridden(entry: Entry) -> tuple[Sentence, ...]:
    """Return every channel that an override changed, from what and to what."""
    before, after = (
        {name: Decimal(money) for name, money in entry.data[part].items()}
        for part in ("instead", "spend")
    )
    return tuple(
        say(
            "{channel} from {before} to {after}",
            channel=name,
            before=show_amount(before.get(name, Decimal(0))),
            after=show_amount(money),
        )
        for name, money in after.items()
        if money != before.get(name)
    )


def sum_of(split: Spends) -> Decimal:
    """Return all channels together."""
    return sum(split.values(), Decimal(0))


def _outcome(state: WeekState) -> float:
    """Return what was measured, all channels together; NaN where nothing was."""
    if state.measured is None:
        return float("nan")
    data = state.measured.data
    if data["total"] is not None:
        return float(data["total"])
    return float(sum(value for value in data["outcome"].values() if value is not None))


def _by(state: WeekState) -> str:
    """Return who approved or rejected a week last, or nothing."""
    if state.verdict is None:
        return ""
    by = str(state.verdict.data["by"])
    return say("rule") if by == RULE else by


def as_json(data: Any) -> str:
    """Return plain data as JSON text."""
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)
