"""Decisions, allocations and frontiers as tables for a terminal, Chinese names included."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, how_good
from budgetopt.optimize.frontier import Frontier
from budgetopt.report.layout import amounts, figures, noted, sentences, table
from budgetopt.weekly import Decision, Move

_HEADINGS = ("channel", "last", "next", "change", "outcome", "limit")


def decision_table(decision: Decision, *, explain: bool = False) -> str:
    """Return a decision as text: a heading, one line a channel, what it brings, and the notes.

    Parameters
    ----------
    decision
        The decision.
    explain
        Whether sentences, with the reason of every move, take the place of the last lines.
    """
    week = decision.allocation
    title = f"Week of {decision.week}, {week.currency}, policy {decision.policy}"
    lines = [sentences(title), _split_table(week, decision.moves)]
    if explain:
        return "\n".join([*lines, "", sentences(decision.explain())])
    lines.append(_totals(week))
    if decision.gain is not None:
        lines.append(sentences(decision.against_last()))
    if not decision.moved:
        lines.append("Nothing moves.")
    return "\n".join([*lines, *noted(decision.notes)])


def allocation_table(week: Allocation, *, explain: bool = False) -> str:
    """Return an allocation as text: one line a channel, what it brings, and the notes.

    Parameters
    ----------
    week
        The allocation.
    explain
        Whether sentences, with one on every channel, take the place of the last lines.
    """
    body = _split_table(week, [Move(n, week.last.get(n), s, "") for n, s in week.spend.items()])
    if explain:
        return "\n".join([body, "", sentences(week.explain())])
    return "\n".join([body, _totals(week), *noted(week.notes)])


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


def _split_table(week: Allocation, moves: Sequence[Move]) -> str:
    limits = dict(week.limits())
    columns = (
        amounts([m.before for m in moves]),
        amounts([m.after for m in moves]),
        [_change(m) for m in moves],
        figures([week.outcomes[m.channel] for m in moves]),
        [limits.get(m.channel, "") for m in moves],
    )
    return table(_HEADINGS, ([m.channel for m in moves], *columns), words="limit")


def _change(move: Move) -> str:
    if move.before is None:
        return "new" if move.after else ""
    if not move.change:
        return "="
    return f"{move.share:+.1%}" if move.share is not None else "from 0"


def _totals(week: Allocation) -> str:
    parts = [f"{show(week.total)} of {show(week.budget)} {week.currency} spent"]
    parts += [f"{show(week.unspent)} unspent"] if week.unspent else []
    parts += [f"{show(week.held)} in reserve"] if week.held else []
    bring = f"expected outcome {show_figure(week.outcome)}, {how_good(week)}"
    return sentences(", ".join(parts) + "; " + bring + ".")
