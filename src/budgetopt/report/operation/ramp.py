"""The way to a far optimum as text: its steps, where every channel goes, and faster ways."""

from __future__ import annotations

from decimal import Decimal

from budgetopt.figures import show_figure
from budgetopt.operation.ramp import Path, Ramp
from budgetopt.report.layout import amounts, capital, figures, said, table
from budgetopt.words import in_language, say

_SHOWN = 8
"""Steps that are shown one by one; of a longer way the last ones are left out."""
_STEPS = (say("week"), say("moved"), say("outcome"), say("of the optimum"), say("at a limit"))
_SPLITS = (say("channel"), say("last"), say("next"), say("optimum"), say("change"))


def ramp_table(ramp: Ramp, last: dict[str, Decimal], language: str = "en") -> str:
    """Return a ramp as text: the steps of the weekly path, every channel's way, and sentences.

    Parameters
    ----------
    ramp
        The ramp.
    last
        Spends that it starts from, by channel.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say(
        "The way to the optimum under the change limits, {currency}", currency=ramp.far.currency
    )
    lines = [said(title, language), _splits(ramp, last, language)]
    if ramp.path.steps:
        lines += ["", _steps(ramp.path, last, ramp.far.objective, language)]
        more = len(ramp.path.steps) - _SHOWN
        if more > 0:
            lines.append(said(say("and {weeks} weeks more.", weeks=more), language))
    lines.append("")
    lines += [capital(say("{sentence}.", sentence=one), language) for one in ramp.sentences()]
    return "\n".join(lines)


def _splits(ramp: Ramp, last: dict[str, Decimal], language: str) -> str:
    """Return where every channel stands, goes next, and ends."""
    far, steps = ramp.far.spend, ramp.path.steps
    after = steps[0].spend if steps else last
    headings = [in_language(heading, language) for heading in _SPLITS]
    return table(
        headings,
        (
            list(far),
            amounts([last.get(name, Decimal(0)) for name in far]),
            amounts([after[name] for name in far]),
            amounts(list(far.values())),
            [_change(last.get(name, Decimal(0)), far[name]) for name in far],
        ),
    )


def _change(before: Decimal, after: Decimal) -> str:
    if before == after:
        return "="
    return f"{(after - before) / before:+.1%}" if before else ""


def _steps(path: Path, last: dict[str, Decimal], best: float, language: str) -> str:
    """Return one line a week: what moves, what it brings, and how much of the optimum that is."""
    steps, before, moved = path.steps[:_SHOWN], last, []
    for step in steps:
        gaps = [money - before.get(name, Decimal(0)) for name, money in step.spend.items()]
        up, down = (sum((g for g in gaps if g * way > 0), Decimal(0)) for way in (1, -1))
        moved.append(max(up, -down))
        before = dict(step.spend)
    headings = [in_language(heading, language) for heading in _STEPS]
    return table(
        headings,
        (
            [str(number) for number in range(1, len(steps) + 1)],
            amounts(moved),
            figures([step.outcome for step in steps]),
            [f"{show_figure(100 * s.objective / best, 4)}%" if best > 0 else "" for s in steps],
            [str(len(step.limits())) for step in steps],
        ),
    )
