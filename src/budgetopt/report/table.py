"""Decisions, allocations and frontiers as tables for a terminal, Chinese names included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, how_good
from budgetopt.optimize.frontier import Frontier
from budgetopt.report.layout import amounts, figures, noted, said, sentences, table
from budgetopt.weekly import Decision, Move
from budgetopt.words import Sentence, in_language, listed, say

_HEADINGS = (
    say("channel"),
    say("last"),
    say("next"),
    say("change"),
    say("outcome"),
    say("limit"),
)

_FREEZES = (
    "held, as {freeze} is frozen until {last}",
    "held, as the platform learns until {last}",
)
"""What is said of a channel that a freeze of the plan holds."""


def decision_table(decision: Decision, *, explain: bool = False, language: str = "en") -> str:
    """Return a decision as text: a heading, one line a channel, what it brings, and the notes.

    Parameters
    ----------
    decision
        The decision.
    explain
        Whether sentences, with the reason of every move, take the place of the last lines.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    week = decision.allocation
    title = say(
        "Week of {week}, {currency}, policy {policy}",
        week=str(decision.week),
        currency=week.currency,
        policy=decision.policy,
    )
    lines = [said(title, language), split_table(week, decision.moves, language)]
    if explain:
        return "\n".join([*lines, "", sentences(decision.explain(language), language)])
    lines.append(said(totals(week), language))
    if decision.gain is not None:
        lines.append(said(decision.against_last(), language))
    if not decision.moved:
        lines.append(sentences(said(decision.why_nothing_moves(), language)))
    return "\n".join([*lines, *noted(decision.notes, language)])


def allocation_table(week: Allocation, *, explain: bool = False, language: str = "en") -> str:
    """Return an allocation as text: one line a channel, what it brings, and the notes.

    Parameters
    ----------
    week
        The allocation.
    explain
        Whether sentences, with one on every channel, take the place of the last lines.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    moves = [Move(name, week.last.get(name), spend) for name, spend in week.spend.items()]
    body = split_table(week, moves, language)
    if explain:
        return "\n".join([body, "", sentences(week.explain(language), language)])
    return "\n".join([body, said(totals(week), language), *noted(week.notes, language)])


def frontier_table(line: Frontier) -> str:
    """Return a frontier as text: one line a budget, then its summary.

    Parameters
    ----------
    line
        The frontier; budgets without an answer have dashes, and the summary says why.
    """
    headings = ("budget", "spent", "outcome", "ROAS", "mROAS", "at a limit")
    points = line.points
    spent = [None if p.allocation is None else p.allocation.total for p in points]
    limits = [0 if p.allocation is None else len(p.allocation.limits()) for p in points]
    columns = (
        amounts([p.budget for p in points]),
        amounts(spent),
        figures([p.outcome for p in points]),
        figures([p.roas for p in points]),
        figures([p.mroas for p in points]),
        [str(count) for count in limits],
    )
    rows = [[cell or "-" for cell in row] for row in zip(*columns, strict=True)]
    widths = [
        max(cell_len(cell) for cell in column) for column in zip(headings, *rows, strict=True)
    ]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (headings, *rows)
    ]
    return "\n".join([*lines, sentences(line.summary())])


def split_table(week: Allocation, moves: Sequence[Move], language: str = "en") -> str:
    """Return one line a channel: last and next money, the change, the outcome and the limit."""
    limits = dict(week.limits())
    headings = [in_language(heading, language) for heading in _HEADINGS]
    columns = (
        amounts([m.before for m in moves]),
        amounts([m.after for m in moves]),
        [in_language(_change(m), language) for m in moves],
        figures([week.outcomes[m.channel] for m in moves]),
        [in_language(_limit(m, limits), language) for m in moves],
    )
    return table(headings, ([m.channel for m in moves], *columns), words=headings[-1])


def _limit(move: Move, limits: Mapping[str, str]) -> str:
    """Return the limit that a move meets; what a freeze holds is no lock of the plan."""
    if isinstance(move.held, Sentence) and move.held.template in _FREEZES:
        return say("frozen")
    return limits.get(move.channel, "")


def _change(move: Move) -> str:
    if move.before is None:
        return say("new") if move.after else ""
    if not move.change:
        return "="
    return f"{move.share:+.1%}" if move.share is not None else say("from 0")


def totals(week: Allocation) -> str:
    """Return what is spent, unspent and in reserve, and what is expected of it, in a sentence."""
    parts = spent(week)
    parts += [say("{money} in reserve", money=show(week.held))] if week.held else []
    return say(
        "{parts}; expected outcome {outcome}, {how_good}.",
        parts=listed(parts),
        outcome=show_figure(week.outcome),
        how_good=how_good(week),
    )


def spent(week: Allocation) -> list[Sentence]:
    """Return what is spent of the budget and what stays unspent, in clauses."""
    total, budget = show(week.total), show(week.budget)
    parts = [
        say(
            "{total} of {budget} {currency} spent",
            total=total,
            budget=budget,
            currency=week.currency,
        )
    ]
    return parts + ([say("{money} unspent", money=show(week.unspent))] if week.unspent else [])
