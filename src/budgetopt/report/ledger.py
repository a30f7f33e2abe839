"""What a ledger holds, as text, JSON and CSV; read from its entries, moments in UTC.

In this order: all weeks, entries and their reasons, whether the ledger is intact; where one week
stands and what to do next; one week in full; what differs between its revisions or stages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from budgetopt.errors import InputError
from budgetopt.i18n import Message, in_language, restored, say
from budgetopt.ledger import Entry, Verified
from budgetopt.messages import linked
from budgetopt.money import difference_of, show_amount, total_of
from budgetopt.plan import Plan
from budgetopt.report.decision import decision_table
from budgetopt.report.text import Table, amounts, figures, said
from budgetopt.workflow import RULE, WeekState, decision_of, latest_split, spend_of

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
    "ledger_no_change": say("guard-entry-change"),
    "ledger_no_update": say("guard-entry-update"),
    "ledger_no_delete": say("guard-entry-delete"),
    "ledger_next_only": say("guard-chain"),
    "ledger_by_key": say("guard-twice"),
    "ledger_head_forward": say("guard-head-update"),
    "ledger_head_stays": say("guard-head-delete"),
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
        return said(say("ledger-empty"), language)
    headings = [in_language(heading, language) for heading in _WEEKS]
    words = (headings[1], headings[-1])
    columns = (
        [str(state.week) for state in states],
        [in_language(STATES[state.state], language) for state in states],
        [str(state.revision) for state in states],
        *map(amounts, zip(*(sums_of(state) for state in states), strict=True)),
        figures([outcome_of(state) for state in states]),
        [in_language(_by(state), language) for state in states],
    )
    kept = say("ledger-anchor", count=f"{head[0]:,}")
    return "\n".join([str(Table(headings, columns, words)), said(kept, language), anchor(head)])


def history_json(states: Sequence[WeekState], head: tuple[int, str]) -> str:
    """Return the weeks of a ledger as JSON."""
    weeks = [
        row | {"week": str(row["week"])} | {name: _text(row[name]) for name in _SUMS}
        for row in history_rows(states)
    ]
    return as_json({"weeks": weeks, "entry": head[0], "head": head[1]})


def history_rows(states: Sequence[WeekState]) -> list[dict[str, Any]]:
    """Return the weeks of a ledger as plain data; what is not so far is None."""
    return [
        {
            "week": state.week,
            "state": state.state,
            "revision": state.revision,
            **dict(zip(_SUMS, sums_of(state), strict=True)),
            "outcome": None if (found := outcome_of(state)) != found else found,
            "by": _by(state),
        }
        for state in states
    ]


def sums_of(state: WeekState) -> tuple[Decimal | None, ...]:
    """Return all channels together as planned, applied and spent; None where it is not so far."""
    # Straight from the data: the order of channels, which does not count here, is in the decision.
    planned, applied = (
        None if entry is None else total_of(map(Decimal, entry.data["spend"].values()))
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
        say("no-revision-week", wanted=wanted),
        field="revision",
        value=wanted,
        remedy=say("choose-one-of", known=known) if found else say("remedy-run-week-first"),
    )


def actual_of(measured: Entry) -> Spends:
    """Return what was really spent by channel, where a report says so."""
    # Known to the minor unit at most, from a file of figures.
    reported = measured.data["spend"].items()
    return {name: Decimal(repr(spent)) for name, spent in reported if spent is not None}


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
        said = (say("override-line", changes=_overridden(entry), why=why) for why in said)
    if entry.kind == "release" and not data["rule"]:
        # A rule's sentence has the amount in it; a person's has not.
        amount = show_amount(Decimal(data["movement"]["amount"]))
        said = (say("released-because", amount=amount, why=why) for why in said)
    yield from said


def verified_table(found: Verified, language: str = "en") -> str:
    """Return whether a ledger is what was recorded, every problem with its entry's number."""
    count = f"{found.entries:,}"
    if found.good:
        template = "ledger-intact"
        return "\n".join([said(say(template, count=count), language), anchor(found.head)])
    lines = [
        say("ledger-problems", count=count,
            problems=f"{len(found.problems):,}"),
        *(say("problem-line", problem=_in_plain_words(problem)) for problem in found.problems),
    ]  # fmt: skip
    return "\n".join(said(line, language) for line in lines)


def _in_plain_words(problem: str) -> str:
    """Return a problem, where protection is missing with what it protects from."""
    what = problem.values.get("what", "") if isinstance(problem, Message) else ""
    name = str(what).rpartition(" ")[2]
    if name in _PROTECTION and problem == say("ledger-missing-objects", what=what):
        return say("protection-missing", protection=_PROTECTION[name], what=what)
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


def _overridden(entry: Entry) -> tuple[Message, ...]:
    """Return every channel that an override changed, from what and to what."""
    before, after = (
        {name: Decimal(money) for name, money in entry.data[part].items()}
        for part in ("instead", "spend")
    )
    return tuple(
        say(
            "changed-from",
            channel=name,
            before=show_amount(before.get(name, Decimal(0))),
            after=show_amount(money),
        )
        for name, money in after.items()
        if money != before.get(name)
    )


def sum_of(split: Spends) -> Decimal:
    """Return all channels together."""
    return total_of(split.values())


def outcome_of(state: WeekState) -> float:
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


VERBS = {"proposed": "approve", "edited": "approve", "approved": "apply"}
"""The command that comes next, by state."""
_NEXT = {
    "none": say("next-run-week"),
    "approved": say("next-apply"),
    "rejected": say("next-edit-or-rerun"),
    "applied": say("next-wait"),
    "measured": say("week-measured"),
}


def state_lines(state: WeekState, plan: Plan, command: str, language: str = "en") -> list[str]:
    """Return where a week stands, what is next, and the command for it.

    Parameters
    ----------
    state
        The state of the week.
    plan
        Its approvers are named where somebody has to approve.
    command
        The command that is next, which is not wrapped; empty for none.
    language
        ``"en"`` or ``"zh"``.
    """
    lines = [said(state_sentence(state), language)]
    lines += [said(next_step(state, plan), language)]
    return [*lines, f"  {command}"] if command else lines


def next_step(state: WeekState, plan: Plan) -> Message:
    """Return what has to be done next with a week, in a sentence."""
    if state.state not in ("proposed", "edited"):
        return _NEXT[state.state]
    assert state.current is not None
    why = clauses(restored_of(state.current, "needs"))
    approvers = () if plan.operation.approval is None else plan.operation.approval.approvers
    values: dict[str, Any] = {"why": why, "approvers": approvers}
    if approvers and why:
        return say("next-approvers-because", **values)
    if approvers:
        return say("next-approvers", **values)
    return say("next-approve-because", **values) if why else say("next-approve")


def clauses(texts: Sequence[str]) -> str:
    """Return clauses one after the other, each of which may have commas of its own."""
    return linked("clauses", texts or ("",))


def state_json(state: WeekState, command: str, **more: Any) -> str:
    """Return where a week stands as JSON, with the command that is next."""
    plain = {
        "week": str(state.week),
        "state": state.state,
        "revision": state.revision,
        "spend": {name: str(money) for name, money in latest_split(state).items()},
        "next": command or None,
    }
    return as_json(plain | more)


def state_sentence(state: WeekState) -> Message:
    """Return where a week stands in a sentence: by whom, and why."""
    values = {
        "week": str(state.week),
        "state": STATES[state.state],
        "revision": str(state.revision),
    }
    verdict = state.verdict
    if verdict is None or state.state not in ("approved", "rejected"):
        return say("state-plain", **values)
    by = str(verdict.data["by"])
    if by == RULE:
        return say("state-by-rule", **values)
    values |= {"who": by, "why": clauses(restored_of(verdict, "why"))}
    if values["why"]:
        return say("state-by-because", **values)
    return say("state-by", **values)


KINDS_SAID = {
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
    "year": say("year-planned"),
}
"""What a kind of entry is called."""
_ENTRIES = (
    say("entry"),
    say("moment-zone", zone="UTC"),
    say("revision"),
    say("kind"),
    say("who"),
)
_APPLIED = (say("channel"), say("as-approved"), say("as-applied"), say("actual"))


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
        "state-heading",
        week=str(state.week),
        state=STATES[state.state],
        revision=str(state.revision),
    )
    lines = [said(title, language), _entries(entries, language)]
    lines += [said(one, language) for one in reason_lines(entries)]
    shown = say("revision-heading", revision=str(current.revision))
    if current == state.current and (done := _applied(state, language)):
        became = say("revision-applied-heading", revision=str(current.revision))
        lines += ["", said(became, language), done]
    lines += ["", said(shown, language)]
    return "\n".join([*lines, decision_table(decision_of(current.data), language=language)])


def applied_rows(state: WeekState) -> list[dict[str, Any]]:
    """Return one row a channel: week, channel, approved, spend (as applied) and actual.

    What is not reported, or not yet, is None.
    """
    splits = _splits(state)
    rows = []
    for name in _names(splits):
        found = [split.get(name) for split in splits]
        approved, applied, actual = (*found, None)[:3]
        row = {"week": state.week, "channel": name, "approved": approved}
        rows.append(row | {"spend": applied, "actual": actual})
    return rows


def _entries(entries: Sequence[Entry], language: str) -> str:
    headings = [in_language(heading, language) for heading in _ENTRIES]
    columns = (
        [str(entry.number) for entry in entries],
        [f"{entry.at:%Y-%m-%d %H:%M}" for entry in entries],
        [str(entry.revision or "") for entry in entries],
        [in_language(KINDS_SAID.get(entry.kind, entry.kind), language) for entry in entries],
        [entry.who for entry in entries],
    )
    return str(Table(headings, columns, words=(headings[1], headings[3], headings[4])))


def reason_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield what people and rules said, by the number of the entry."""
    before = ""
    for entry in entries:
        # What is applied otherwise has its reason in the override before it.
        overridden, before = (before, entry.kind) == ("override", "applied"), entry.kind
        if overridden:
            continue
        for reason in (*reasons_of(entry), *restored_of(entry, "needs")):
            yield say("entry-reason", number=str(entry.number), reason=reason)


def _applied(state: WeekState, language: str = "en") -> str:
    """Return money as approved, applied and spent by channel; empty where all is alike."""
    splits = _splits(state)
    names = _names(splits)
    if not splits or all(split == splits[0] for split in splits):
        return ""
    first, *headings = (in_language(heading, language) for heading in _APPLIED)
    total = in_language(say("total"), language)
    columns = [amounts([*(split.get(name) for name in names), sum_of(split)]) for split in splits]
    return str(Table([first, *headings[: len(splits)]], ([*names, total], *columns)))


def _splits(state: WeekState) -> list[Spends]:
    """Return the money of an applied week as approved, applied and, once measured, spent."""
    if state.current is None or state.applied is None:
        return []
    found = [spend_of(state.current), spend_of(state.applied)]
    return found if state.measured is None else [*found, actual_of(state.measured)]


def _names(splits: Sequence[Spends]) -> list[str]:
    return list(dict.fromkeys(name for split in splits for name in split))


_STAGES = {
    "proposed": say("as-proposed"),
    "edited": say("as-edited"),
    "applied": say("as-applied"),
    "actual": say("actual"),
}


def stages(state: WeekState) -> dict[str, Spends]:
    """Return the money of a week at each stage that it came to, by the stage's name."""
    found: dict[str, Spends] = {}
    if state.proposal is not None:
        found["proposed"] = spend_of(state.proposal)
    if state.current is not None and state.current.kind == "edit":
        found["edited"] = spend_of(state.current)
    if state.applied is not None:
        found["applied"] = spend_of(state.applied)
    if state.measured is not None:
        found["actual"] = actual_of(state.measured)
    return found


def diff_table(
    splits: Mapping[str, Spends], notes: Iterable[str] = (), language: str = "en"
) -> str:
    """Return the channels whose money differs between splits, and the change from first to last.

    Parameters
    ----------
    splits
        Money by channel, by the name of the split: a stage, or a number.
    notes
        Why, in sentences.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    every = list(splits.values())
    names = [
        name for name in dict.fromkeys(n for split in every for n in split)
        if len({split.get(name) for split in every}) > 1
    ]  # fmt: skip
    headings = [in_language(_heading(name), language) for name in splits]
    lines = [said(one, language) for one in _absent(splits, names)]
    if names:
        ends = (say("channel"), say("change"), say("total"))
        first, last, total = (in_language(each, language) for each in ends)
        columns = [amounts([*(s.get(n) for n in names), sum_of(s)]) for s in every]
        changes = [
            *(_change(every, n) for n in names),
            difference_of(sum_of(every[-1]), sum_of(every[0])),
        ]
        sizes = zip(changes, amounts([c.copy_abs() for c in changes]), strict=True)
        shown = [f"{'-' if c < 0 else '+'}{size}" if c else "=" for c, size in sizes]
        table = Table([first, *headings, last], ([*names, total], *columns, shown))
        lines.insert(0, str(table))
        between = {"first": headings[0], "last": headings[-1]}
        lines.insert(1, said(say("change-meaning", **between), language))
    else:
        lines.append(said(say("nothing-differs", splits=tuple(headings)), language))
    why = (say("why-line", why=note) for note in notes)
    return "\n".join([*lines, *(said(one, language) for one in why)])


def diff_json(splits: Mapping[str, Spends], notes: Iterable[str] = ()) -> str:
    """Return splits side by side as JSON, every channel of them."""
    plain = {name: {k: str(v) for k, v in split.items()} for name, split in splits.items()}
    return as_json({"splits": plain, "notes": [str(note) for note in notes]})


def _heading(name: str) -> Message:
    return _STAGES.get(name) or say("revision-number", revision=name)


def _absent(splits: Mapping[str, Spends], names: Iterable[str]) -> Iterator[Message]:
    """Yield the channels that a split does not have, which count as no money."""
    for name, split in splits.items():
        if absent := tuple(each for each in names if each not in split):
            yield say("not-in-split", split=_heading(name), channels=absent)


def _change(splits: Sequence[Spends], name: str) -> Decimal:
    last, first = (split.get(name, Decimal(0)) for split in (splits[-1], splits[0]))
    return difference_of(last, first)
