"""How text is laid out in a terminal: wrapped sentences, tables, columns of numbers."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from budgetopt.figures import show_figure
from budgetopt.money import show_amount
from budgetopt.words import in_language, say

WIDTH = 80
"""Columns of a terminal that every table fits into."""
_NAME_LEAST = 16
"""With less room than this beside the numbers, a name gets a line of its own."""
_GAP = "  "
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_CLOSES = "，。；：、）”％！？"
_PIECE = re.compile(rf"\s+|[（“]*(?:[^\s{_WIDE}]+|[^（\s])[{_CLOSES}]*|[（“]+")
"""What stays on one line: a word or a wide character, with what opens and closes it."""


def sentences(lines: str, language: str = "en") -> str:
    """Return sentences, one a line, wrapped to the width as their language wraps."""
    fold = _folded_anywhere if language == "zh" else _folded
    return "\n".join("\n".join(fold(line, WIDTH)) for line in lines.splitlines())


def said(text: str, language: str = "en") -> str:
    """Return a text in a language, wrapped to the width."""
    return sentences(in_language(text, language), language)


def capital(text: str, language: str = "en") -> str:
    """Return a text as `said` does, with a capital at its beginning."""
    text = in_language(text, language)
    return sentences(text[:1].upper() + text[1:], language)


def noted(notes: Sequence[str], language: str = "en") -> list[str]:
    """Return notes as wrapped sentences."""
    said = (in_language(say("Note: {note}.", note=note), language) for note in notes)
    return [sentences(note, language) for note in said]


def table(
    headings: Sequence[str], columns: Sequence[Sequence[str]], words: str | Sequence[str] = ()
) -> str:
    """Return a table: names to the left, numbers to the right of their columns.

    Parameters
    ----------
    headings
        One a column, the first over the names.
    columns
        The names, then texts of numbers; a column of empty texts is left out.
    words
        Headings of columns of words, which stand to the left of them.
    """
    of_words = (words,) if isinstance(words, str) else words
    names, *rest = columns
    used = [(h, c) for h, c in zip(headings[1:], rest, strict=True) if any(c)]
    titles = [headings[0], *(h for h, _ in used)]
    rows = list(zip(names, *(c for _, c in used), strict=True))
    left = [title in of_words for title in titles]
    return "\n".join(line.rstrip() for line in _lines([tuple(titles), *rows], left))


def _lines(rows: Sequence[Sequence[str]], left: Sequence[bool]) -> Iterator[str]:
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    room = WIDTH - sum(widths[1:]) - len(_GAP) * len(widths[1:])
    name_width = min(room, widths[0])
    for name, *cells in rows:
        numbers = [_padded(*each) for each in zip(cells, widths[1:], left[1:], strict=True)]
        if room < min(_NAME_LEAST, widths[0]):
            yield from _folded(name, WIDTH)
            yield _GAP + _GAP.join(numbers).rstrip()
            continue
        first, *more = _folded(name, name_width)
        yield _GAP.join([first + " " * (name_width - cell_len(first)), *numbers])
        yield from more


def _padded(text: str, width: int, left: bool) -> str:
    space = " " * (width - cell_len(text))
    return text + space if left else space + text


def amounts(money: Sequence[Decimal | None]) -> list[str]:
    """Return amounts with the same digits after the point; None is empty."""
    whole = all(a is None or a == a.to_integral_value() for a in money)
    return ["" if a is None else show_amount(a) if whole else f"{a:,f}" for a in money]


def figures(values: Sequence[float], digits: int = 5, huge: float = 1e15) -> list[str]:
    """Return numbers with the same digits after the point, as many or more in the largest.

    Parameters
    ----------
    values
        Any numbers; NaN is empty.
    digits
        Significant digits of the largest.
    huge
        From here on all are written with exponents, as they are where the largest is tiny.
    """
    most = max((abs(v) for v in values if not math.isnan(v)), default=0.0)
    if most and not 1e-3 <= most < huge:
        texts = [show_figure(v, digits) if most < huge else f"{v:.{digits}g}" for v in values]
    else:
        places = max(0, digits - 1 - math.floor(math.log10(most))) if most else 0
        texts = [f"{v:,.{places}f}" for v in values]
    return ["" if math.isnan(v) else text for v, text in zip(values, texts, strict=True)]


def _folded(line: str, width: int) -> list[str]:
    """Return a line in parts no wider than a width in cells, broken at words where there are."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return [part.plain.rstrip() for part in Text(line).wrap(console, width)] or [""]


def _folded_anywhere(line: str, width: int) -> list[str]:
    """Return a line in parts as Chinese is broken: between any two characters.

    Numbers and words of letters stay whole, and no part begins with what closes a clause.
    """
    parts = [""]
    for piece in _PIECE.findall(line):
        if cell_len(parts[-1] + piece.rstrip()) > width:
            parts.append("")
        parts[-1] += piece if parts[-1] else piece.lstrip()
    return [
        row for part in parts for row in _folded(part.rstrip(), width) if part or len(parts) == 1
    ]
