"""What-ifs as text, JSON and CSV: base and cases side by side, and the new split of each."""

from __future__ import annotations

import math
from decimal import Decimal

from budgetopt.i18n import Message, in_language, listed, quoted, say
from budgetopt.plan import return_words
from budgetopt.report.decision import outcome_head, range_width, ranges, total_row
from budgetopt.report.ledger import as_json
from budgetopt.report.text import Table, amounts, as_known, figures, laid_out, note_lines
from budgetopt.simulation import WhatIf

_MARK = "*"
"""What stands behind an amount at a limit."""
_NAMED = 3
"""Channels at a limit that one sentence names."""


def what_if_table(found: WhatIf, language: str = "en") -> str:
    """Return what-ifs as text: one line a case, one a channel, and what a reader should know.

    Parameters
    ----------
    found
        The answers.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say("what-if-title", currency=found.plan.currency)
    parts: list[str | Table] = [title, cases_table(found, language), *impossible(found)]
    for table in splits_table(found, language).groups():
        parts += ["", table]
    below = [*at_limits(found), *same_splits(found), *meanings(found)]
    return laid_out([*parts, "", *below, *note_lines(found.notes)], language)


def impossible(found: WhatIf) -> list[str]:
    """Return in a sentence a case why it has no answer, for those that have none."""
    return [
        say("case-impossible", case=answer.name, why=answer.problem)
        for answer in found.answers
        if answer.problem
    ]


def meanings(found: WhatIf) -> list[str]:
    """Return in sentences what the figures of what-ifs mean."""
    meaning = say("what-if-meaning-by-goal") if found.by_worth else say("what-if-meaning")
    ranged = bool(_ranges(found)[0]) and not found.plan.goal.weights
    return [meaning, *([say("range-meaning")] if ranged else [])]


def at_limits(found: WhatIf) -> list[str]:
    """Return in a sentence what the mark of amounts means, naming the limits that are met."""
    weeks = [answer.allocation for answer in found.answers if answer.allocation is not None]
    met = {str(limit): limit for week in weeks for _, limit in week.limits()}
    return [say("marked-at-limit", limits=listed(met.values()))] if met else []


def same_splits(found: WhatIf) -> list[str]:
    """Return in a sentence a case that its split is the one planned, and what holds it there."""
    base, said = found.answers[0].allocation, list[str]()
    labels = case_labels(len(found.answers))
    for label, answer in zip(labels[1:], found.answers[1:], strict=True):
        week = answer.allocation
        if base is None or week is None or week.spend != base.spend:
            continue
        held: dict[Message, list[str]] = {}
        for name, limit in week.limits():
            held.setdefault(limit, []).append(quoted(name))
        stops = [
            say("channels-at-limit", channels=listed(names, _NAMED), limit=limit)
            for limit, names in held.items()
        ]
        same = {"case": label, "base": labels[0]}
        said.append(
            say("same-split-held", **same, stops=listed(stops))
            if stops
            else say("same-split", **same)
        )
    return said


def what_if_json(found: WhatIf) -> str:
    """Return what-ifs as JSON."""
    return as_json(found.to_dict())


def case_labels(count: int) -> list[str]:
    """Return short names of cases for the heads of columns: A, B, and so on, then A1.

    Examples
    --------
    >>> case_labels(3)
    ['A', 'B', 'C']
    """
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [f"{letters[at % 26]}{at // 26 or ''}" for at in range(count)]


def cases_table(found: WhatIf, language: str = "en") -> Table:
    """Return one row a case: spend, outcome with its range, the change, and the return.

    Where the goal weighs several outcomes, each of them and their sum by weights.
    """
    base, before = found.answers[0], found.worth(found.answers[0])
    outcomes, width = [answer.outcome for answer in found.answers], _width(found)
    shares = [
        found.worth(a) / before - 1 if before > 0 and a is not base else math.nan
        for a in found.answers
    ]
    brings: dict[str, list[str]] = {
        outcome_head(found.plan, language): as_known(outcomes, width),
        say("range-of-90"): _ranges(found),
    }
    returns: dict[str, list[str]] = {}
    if found.plan.goal.weights:
        each = [found.kinds(answer) for answer in found.answers]
        brings = {name: figures([kinds[name] for kinds in each]) for name in each[0]}
    else:
        average = return_words(found.plan).average
        returns[average] = figures([found.returns(a)[average] for a in found.answers], 3)
    change = say("change-by-goal" if found.by_worth else "change")
    heads = [say("case"), say("spend"), *brings, change, *returns]
    labels = case_labels(len(found.answers))
    named = [in_language(answer.name, language) for answer in found.answers]
    columns = (
        [f"{label} {name}" for label, name in zip(labels, named, strict=True)],
        amounts([None if a.allocation is None else a.allocation.total for a in found.answers]),
        *brings.values(),
        ["" if math.isnan(share) else f"{share:+z.1%}" for share in shares],
        *returns.values(),
    )
    return Table([in_language(head, language) for head in heads], columns)


def _width(found: WhatIf) -> float:
    """Return how far apart the ends of the plan's range are, 0 where it has none."""
    week = found.answers[0].allocation
    return 0.0 if week is None else range_width(week)


def _ranges(found: WhatIf) -> list[str]:
    weeks = [answer.allocation for answer in found.answers]
    return ranges([None if week is None else week.spread for week in weeks], _width(found))


def splits_table(found: WhatIf, language: str = "en") -> Table:
    """Return one row a channel: the money that it gets in each case, marked where at a limit."""
    labels = case_labels(len(found.answers))
    names, weeks = found.plan.names, [answer.allocation for answer in found.answers]
    columns: list[list[Decimal | None]] = [
        [None] * (len(names) + 1) if w is None else [*(w.spend[n] for n in names), w.total]
        for w in weeks
    ]
    heads, rows = [in_language(say("channel"), language), *labels], [*names, ""]
    rows[-1] = total_row(language)
    held = [set() if w is None else {name for name, _ in w.limits()} for w in weeks]
    texts = [
        [f"{cell or '-'}{_MARK * (name in met)}" for name, cell in zip(rows, cells, strict=True)]
        for cells, met in zip(map(amounts, columns), held, strict=True)
    ]
    return Table(heads, (rows, *texts), total=True)
