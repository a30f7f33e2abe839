"""What changed in a week: between revisions, or between proposed, edited, applied and actual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from budgetopt.operation.state import WeekState
from budgetopt.report.layout import amounts, said, table
from budgetopt.report.operation.ledger import Spends, actual_of, as_json, spend_of, sum_of
from budgetopt.words import Sentence, in_language, say

_STAGES = {
    "proposed": say("as proposed"),
    "edited": say("as edited"),
    "applied": say("as applied"),
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
        changes = [*(_change(every, n) for n in names), sum_of(every[-1]) - sum_of(every[0])]
        sizes = zip(changes, amounts([abs(c) for c in changes]), strict=True)
        shown = [f"{'-' if c < 0 else '+'}{size}" if c else "=" for c, size in sizes]
        lines.insert(0, table([first, *headings, last], ([*names, total], *columns, shown)))
        between = {"first": headings[0], "last": headings[-1]}
        lines.insert(1, said(say("The change is from {first} to {last}.", **between), language))
    else:
        lines.append(said(say("Nothing differs: {splits}.", splits=tuple(headings)), language))
    why = (say("Why: {why}.", why=note) for note in notes)
    return "\n".join([*lines, *(said(one, language) for one in why)])


def diff_json(splits: Mapping[str, Spends], notes: Iterable[str] = ()) -> str:
    """Return splits side by side as JSON, every channel of them."""
    plain = {name: {k: str(v) for k, v in split.items()} for name, split in splits.items()}
    return as_json({"splits": plain, "notes": [str(note) for note in notes]})


def _heading(name: str) -> Sentence:
    return _STAGES.get(name) or say("revision {revision}", revision=name)


def _absent(splits: Mapping[str, Spends], names: Iterable[str]) -> Iterator[Sentence]:
    """Yield the channels that a split does not have, which count as no money."""
    for name, split in splits.items():
        if absent := tuple(each for each in names if each not in split):
            yield say("Not in {split}: {channels}.", split=_heading(name), channels=absent)


def _change(splits: Sequence[Spends], name: str) -> Decimal:
    return splits[-1].get(name, Decimal(0)) - splits[0].get(name, Decimal(0))
