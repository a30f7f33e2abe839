"""Tables for a terminal, readable in 80 columns, Chinese names included."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, how_good
from budgetopt.optimize.frontier import Frontier
from budgetopt.weekly import Decision, Move

WIDTH = 80
"""Columns of a terminal that every table fits into."""
_NAME_LEAST = 16
"""With less room than this beside the numbers, a name gets a line of its own."""
_GAP = "  "
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
    lines = [_wrap(title), _split_table(week, decision.moves)]
    if explain:
        return "\n".join([*lines, "", sentences(decision.explain())])
    lines.append(_totals(week))
    if decision.gain is not None:
        lines.append(_wrap(decision.against_last()))
    if not decision.moved:
        lines.append("Nothing moves.")
    return "\n".join([*lines, *_notes(decision.notes)])


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
    return "\n".join([body, _totals(week), *_notes(week.notes)])


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
        _money([p.budget for p in points]),
        _money(spent),
        _figures([p.outcome for p in points]),
        _figures([p.roas for p in points]),
        _figures([p.mroas for p in points]),
        [str(count) for count in limits],
    )
    rows = [[cell or "-" for cell in row] for row in zip(*columns, strict=True)]
    widths = [
        max(cell_len(cell) for cell in column) for column in zip(headings, *rows, strict=True)
    ]
    table = [
        _GAP.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (headings, *rows)
    ]
    return "\n".join([*table, sentences(line.summary())])


def sentences(lines: str) -> str:
    """Return sentences, one a line, wrapped to the width."""
    return "\n".join(_wrap(line) for line in lines.splitlines())


def _split_table(week: Allocation, moves: Sequence[Move]) -> str:
    limits = dict(week.limits())
    columns = (
        _money([m.before for m in moves]),
        _money([m.after for m in moves]),
        [_change(m) for m in moves],
        _figures([week.outcomes[m.channel] for m in moves]),
        [limits.get(m.channel, "") for m in moves],
    )
    used = [(h, c) for h, c in zip(_HEADINGS[1:], columns, strict=True) if any(c)]
    headings = (_HEADINGS[0], *(h for h, _ in used))
    cells = zip(*(c for _, c in used), strict=True)
    rows = [(m.channel, *row) for m, row in zip(moves, cells, strict=True)]
    return "\n".join(line.rstrip() for line in _lines(headings, rows))


def _lines(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table: names to the left, numbers to the right of their columns."""
    table = [headings, *rows]
    widths = [max(cell_len(row[at]) for row in table) for at in range(1, len(headings))]
    room = WIDTH - sum(widths) - len(_GAP) * len(widths)
    name_width = min(room, max(cell_len(row[0]) for row in table))
    for row in table:
        numbers = [
            _pad(text, w, h) for text, w, h in zip(row[1:], widths, headings[1:], strict=True)
        ]
        if room < _NAME_LEAST:
            yield from _folded(row[0], WIDTH)
            yield _GAP + _GAP.join(numbers).rstrip()
            continue
        first, *rest = _folded(row[0], name_width)
        yield _GAP.join([first + " " * (name_width - cell_len(first)), *numbers])
        yield from rest


def _pad(text: str, width: int, heading: str) -> str:
    space = " " * (width - cell_len(text))
    return text + space if heading == "limit" else space + text


def _money(amounts: Sequence[Decimal | None]) -> list[str]:
    """Return amounts with the same digits after the point; None is empty."""
    whole = all(a is None or a == a.to_integral_value() for a in amounts)
    return ["" if a is None else show(a) if whole else f"{a:,f}" for a in amounts]


def _figures(values: Sequence[float]) -> list[str]:
    """Return numbers with the same digits after the point, five or more in the largest."""
    most = max(map(abs, values), default=0.0)
    if most and not 1e-3 <= most < 1e15:
        return [show_figure(v, 5) for v in values]
    digits = max(0, 4 - math.floor(math.log10(most))) if most else 0
    return [f"{v:,.{digits}f}" for v in values]


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
    return _wrap(", ".join(parts) + "; " + bring + ".")


def _notes(notes: Sequence[str]) -> list[str]:
    return [_wrap(f"Note: {note}.") for note in notes]


def _wrap(line: str) -> str:
    return "\n".join(_folded(line, WIDTH))


def _folded(line: str, width: int) -> list[str]:
    """Return a line in parts no wider than a width in cells, broken at words where there are."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return [part.plain.rstrip() for part in Text(line).wrap(console, width)] or [""]
