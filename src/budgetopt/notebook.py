"""What a notebook or a prompt shows of a large object: a title and a few rows, never all of it.

`Shown` gives a class its `__repr__`, at most ten lines under 2 KB, and its `_repr_html_`, from one
`Card`; `brief` gives one that lists the fields, `short` to what is large alone. What is shown is no
part of equality, and nothing reads it; the whole is in `to_frame` and `to_dict`. `progress_bar` is
what ``progress=True`` means.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from html import escape
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from budgetopt.i18n import in_language, say, show_figure

T = TypeVar("T")
Progress = Callable[[int, int], object]
"""Takes how much is done, and how much there is in all."""

_ROWS, _NAME, _TITLE = 7, 24, 300
"""Rows that fit into ten lines with title, heads and what is left out; letters of a name and of a
title that are shown."""
_LINES, _BYTES = 10, 2000
"""What a text of its own may have at most."""
_PATIENCE = 2.0
"""Seconds after which a bar appears."""


class Card(NamedTuple):
    """What is shown of an object.

    Parameters
    ----------
    title
        A sentence or two, on one line.
    heads
        Of the columns, names first.
    rows
        Cells as text; where there are more than fit, the first are shown.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


class Shown:
    """A class that shows a card in place of all its fields."""

    __slots__ = ()

    def _card(self) -> Card:
        """Return what is shown."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return as_text(self._card())

    def _repr_html_(self) -> str:
        return as_html(self._card())


def short(kind: type[T]) -> type[T]:
    """Give a dataclass or a named tuple the card of `brief` where it holds many things.

    Where its own text fits into ten lines under 2 KB, it stays that.
    """
    if kind.__repr__ is object.__repr__:
        raise TypeError(f"{kind.__name__} is no record yet: short stands above what makes it one")
    own, carded = kind.__repr__, brief(kind).__repr__

    def shown(self: Any) -> str:
        text = own(self)
        fits = len(text.encode()) < _BYTES and text.count("\n") < _LINES
        return text if fits else carded(self)

    kind.__repr__ = shown  # type: ignore[method-assign] # one for all kinds
    return kind


def brief(kind: type[T]) -> type[T]:
    """Give a dataclass or a named tuple of large parts a card with a line a field, cut short."""

    def card(self: Any) -> Card:
        names = getattr(kind, "_fields", None) or [one.name for one in fields(self)]
        rows = [(name, _in_short(getattr(self, name))) for name in names]
        return Card(kind.__name__, (say("field"), say("field-value")), rows)

    def shown(self: Any) -> str:
        return as_text(card(self))

    def shown_in_html(self: Any) -> str:
        return as_html(card(self))

    kind.__repr__ = shown  # type: ignore[method-assign] # one for all kinds
    kind._repr_html_ = shown_in_html  # type: ignore[attr-defined] # notebooks look for it
    return kind


def _in_short(value: Any) -> str:
    """Return a value as one cell: what is many by their number, what is large by its class.

    Examples
    --------
    >>> _in_short(("a", "b")), _in_short(None), _in_short(1.23456789), _in_short({"a": 1})
    ('2: a, b', '', '1.23457', '1: a')
    """
    match value:
        case None:
            return ""
        case str() | int() | Decimal() | dt.date():
            return str(value)
        case float():
            return show_figure(value)
        case tuple() | list() | Mapping() if not hasattr(value, "_fields"):
            return f"{len(value)}: {', '.join(map(_in_short, islice(value, 3)))}" if value else "0"
    kind: Any = value
    return f"{kind.dtype} {kind.shape}" if hasattr(kind, "dtype") else type(kind).__name__


def _cells(card: Card) -> tuple[list[str], list[list[str]], str]:
    """Return heads, the rows that are shown, and how many are not."""
    rows = [[clipped(cell, _NAME) for cell in row] for row in card.rows[:_ROWS]]
    left = len(card.rows) - len(rows)
    more = in_language(say("rows-more", count=left), "en") if left else ""
    return [in_language(head, "en") for head in card.heads], rows, more


def clipped(text: str, most: int) -> str:
    """Return a text with at most so many letters.

    Examples
    --------
    >>> clipped("search", 6), clipped("search engines", 6)
    ('search', 'searc…')
    """
    text = in_language(text, "en")
    return text if len(text) <= most else f"{text[: most - 1]}…"


def as_text(card: Card) -> str:
    """Return a card in at most ten lines: names to the left, numbers to the right."""
    # Loaded late: a repr is asked for far less often than this room is imported.
    from rich.cells import cell_len

    heads, rows, more = _cells(card)
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        spaces = [" " * (w - cell_len(c)) for w, c in zip(widths, cells, strict=True)]
        rest = (space + cell for space, cell in zip(spaces[1:], cells[1:], strict=True))
        return "  ".join([cells[0] + spaces[0], *rest]).rstrip()

    table = [line(cells) for cells in (heads, *rows)] if rows else []
    return "\n".join([clipped(card.title, _TITLE), *table, *([more] if more else [])])


def as_html(card: Card) -> str:
    """Return a card as a table; names are text there, whatever they hold."""
    heads, rows, more = _cells(card)
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    title = escape(clipped(card.title, _TITLE))
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>" if rows else ""
    foot = f"<p>{escape(more)}</p>" if more else ""
    return f"<table><caption>{title}</caption>{table}</table>{foot}"


@contextmanager
def progress_bar(wanted: Progress | bool | None, name: str) -> Iterator[Progress]:
    """Yield what reports progress: a caller's own function, a bar, or nothing.

    Parameters
    ----------
    wanted
        A function of what is done and of all; True for a bar, which a terminal or a notebook shows
        once two seconds are over, and nothing else does; None or False for nothing.
    name
        What stands before the bar.
    """
    if callable(wanted):
        yield wanted
        return
    if not wanted:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        yield lambda done, total: None
        return
    bars, begun = Bars(console=console, transient=True), time.monotonic()
    task = bars.add_task(name, total=None)

    def told(done: int, total: int) -> None:
        if not bars.live.is_started and time.monotonic() - begun >= _PATIENCE:
            bars.start()
        bars.update(task, completed=done, total=total)

    try:
        yield told
    finally:
        if bars.live.is_started:
            bars.stop()
