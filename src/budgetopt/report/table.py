"""Tables for a terminal, readable in 80 columns, Chinese names included."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, how_good
from budgetopt.weekly import Decision, Move

WIDTH = 80
"""Columns of a terminal that every table fits into."""


def decision_table(decision: Decision) -> str:
    """Return a decision as text: a heading, one line a channel, what it brings, and the notes."""
    week = decision.allocation
    title = f"Week of {decision.week}, {week.currency}, policy {decision.policy}"
    body = _split_table(week, decision.moves)
    lines = [title, body, _totals(week)]
    if decision.gain is not None:
        lines.append(_wrap(f"Against last week's split: {decision.gain:+,.6g} expected outcome."))
    if not decision.moved:
        lines.append("Nothing moves.")
    return "\n".join([*lines, *_notes(decision.notes)])


def allocation_table(week: Allocation) -> str:
    """Return an allocation as text: one line a channel, what it brings, and the notes."""
    moves = [Move(n, week.last.get(n), money, "") for n, money in week.spend.items()]
    return "\n".join([_split_table(week, moves), _totals(week), *_notes(week.notes)])


def sentences(lines: str) -> str:
    """Return sentences, one a line, wrapped to the width."""
    return "\n".join(_wrap(line) for line in lines.splitlines())


def _split_table(week: Allocation, moves: Sequence[Move]) -> str:
    limits = dict(week.limits())
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("channel", overflow="fold", ratio=1)
    for heading in ("last", "next", "change", "outcome"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("at its", no_wrap=True)
    for move in moves:
        table.add_row(
            Text(move.channel),
            "" if move.before is None else show(move.before),
            show(move.after),
            _change(move),
            f"{week.outcomes[move.channel]:,.5g}",
            limits.get(move.channel, ""),
        )
    return _render(table)


def _change(move: Move) -> str:
    if move.before is None:
        return "new"
    if not move.change:
        return "="
    return f"{move.share:+.1%}" if move.share is not None else "from 0"


def _totals(week: Allocation) -> str:
    parts = [f"{show(week.total)} of {show(week.budget)} {week.currency} spent"]
    parts += [f"{show(week.unspent)} unspent"] if week.unspent else []
    parts += [f"{show(week.held)} in reserve"] if week.held else []
    bring = f"expected outcome {week.outcome:,.6g}, {how_good(week)}"
    return _wrap(", ".join(parts) + "; " + bring + ".")


def _notes(notes: Sequence[str]) -> list[str]:
    return [_wrap(f"Note: {note}.") for note in notes]


def _wrap(line: str) -> str:
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    return "\n".join(part.plain.rstrip() for part in Text(line).wrap(console, WIDTH))


def _render(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None, highlight=False, emoji=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
