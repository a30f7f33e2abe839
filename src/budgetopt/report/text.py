"""How text is laid out in a terminal, and how results are written to files.

First sentences wrapped to 80 columns, in Chinese between any two characters; then tables and
columns of numbers, by the width of characters in cells; the same parts as Markdown; last
`write_whole`, after which a file is whole or absent.
"""

from __future__ import annotations

import io
import math
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Self

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from budgetopt.errors import InputError, foreign
from budgetopt.history import Import
from budgetopt.i18n import begun, in_language, magnitude, say, show_figure
from budgetopt.money import show_amount
from budgetopt.notebook import short
from budgetopt.untrusted import escaped

WIDTH = 80
"""Columns of a terminal that every table fits into."""
_NAME_LEAST = 16
"""With less room than this beside the numbers, a name gets a line of its own."""
_GAP = "  "
_ACROSS = 6
"""Columns of money that a terminal, or a sheet of A4, has room for beside a name."""
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_CLOSES = "，。；：、）”％！？"
_PIECE = re.compile(rf"\s+|[（“]*(?:[^\s{_WIDE}]+|[^（\s])[{_CLOSES}]*|[（“]+")
"""What stays on one line: a word or a wide character, with what opens and closes it."""
DECIDED = {
    "week": say("role-date"),
    "channel": say("channel"),
    "spend": say("spend"),
    "outcome": say("outcome"),
    "encoding": say("decided-encoding"),
    "delimiter": say("decided-delimiter"),
    "file": say("decided-file"),
    "sheet": say("decided-sheet"),
    "rows": say("decided-rows"),
    "dates": say("decided-dates"),
    "currency": say("decided-currency"),
    "repeats": say("decided-repeats"),
    "totals": say("decided-totals"),
    "unmapped": say("decided-unmapped"),
    "decimal": say("decided-decimal"),
    "date_format": say("decided-date-format"),
    "map": say("decided-map"),
    "header": say("decided-header"),
    "where": say("decided-where"),
    "ignore": say("decided-ignore"),
    "missing": say("decided-missing"),
    "template": say("decided-template"),
    "layout": say("decided-layout"),
    "gaps": say("decided-gaps"),
    "week_is": say("decided-week-is"),
    "absent": say("decided-absent"),
}
"""What was decided in reading a file, by the name that `Import` has for it."""
_MARKS = re.compile(r"([\\`*_\[\]<>|#~])")
_BINARY = getattr(os, "O_BINARY", 0)
"""Windows alone turns line ends into its own, unless told otherwise."""


def sentences(lines: str, language: str = "en") -> str:
    """Return sentences, one a line, wrapped to the width as their language wraps."""
    fold = _folded_anywhere if language == "zh" else _folded
    return "\n".join("\n".join(fold(line, WIDTH)) for line in lines.splitlines())


def said(text: str, language: str = "en") -> str:
    """Return a text in a language, wrapped to the width."""
    return sentences(in_language(text, language), language)


def capital(text: str, language: str = "en") -> str:
    """Return a text as `said` does, with a capital at its beginning unless that is a name."""
    return sentences(begun(text, language), language)


def noted(notes: Sequence[str], language: str = "en") -> list[str]:
    """Return notes as wrapped sentences."""
    return [said(note, language) for note in note_lines(notes)]


def import_report(imports: Sequence[Import], language: str = "en") -> str:
    """Return what was decided in reading each file, one decision a line."""
    lines: list[str] = []
    for one in imports:
        sums = {"rows": f"{one.rows:,}", "spend": show_figure(one.spend)}
        lines.append(
            said(say("import-file", file=one.file or say("import-table"), **sums), language)
        )
        lines += [
            said(say("import-line", what=DECIDED[what], text=text), language)
            for what, text in one.decisions
        ]
    return "\n".join(lines)


@short
@dataclass(frozen=True)
class Table:
    """A table in one language: names to the left, numbers to the right of their columns.

    Its text fits the width of a terminal; other pages lay out the same cells in their own way.

    Parameters
    ----------
    headings
        One a column, the first over the names.
    columns
        The names, then texts of numbers; a column of empty texts is left out.
    words
        Headings of columns of words, which stand to the left of them.
    drops
        Positions of columns that are left out of the text one after another until it fits.
    total
        Whether the last row sums up those above it.
    """

    headings: Sequence[str]
    columns: Sequence[Sequence[str]]
    words: str | Sequence[str] = ()
    drops: Sequence[int] = ()
    total: bool = False

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells row by row, without columns that are empty."""
        return list(zip(*(self.columns[at] for at in self.used()), strict=True))

    def used(self, dropped: Sequence[int] = ()) -> list[int]:
        """Return the positions of the columns that have texts, the names always."""
        return [
            at
            for at, column in enumerate(self.columns)
            if not at or (at not in dropped and any(column))
        ]

    def groups(self) -> list[Table]:
        """Return the table as some below each other, each with the names and few other columns.

        For columns that are as many as there are budgets or cases, of which a sheet of paper would
        cut off those that it has no room for.
        """
        most = range(1, len(self.columns), _ACROSS)
        return [
            replace(self, headings=[self.headings[0], *self.headings[at : at + _ACROSS]],
                    columns=[self.columns[0], *self.columns[at : at + _ACROSS]])
            for at in most
        ]  # fmt: skip

    def is_of_words(self, at: int) -> bool:
        """Return whether a column holds words."""
        words = (self.words,) if isinstance(self.words, str) else self.words
        return self.headings[at] in words

    def __str__(self) -> str:
        for count in range(len(self.drops) + 1):
            text = self._text(self.used(self.drops[:count]))
            if max(map(cell_len, text.splitlines())) <= WIDTH:
                break
        return text

    def _text(self, used: Sequence[int]) -> str:
        rows = zip(*((self.headings[at], *self.columns[at]) for at in used), strict=True)
        lines = _lines(list(rows), [self.is_of_words(at) for at in used])
        return "\n".join(line.rstrip() for line in lines)


class LaidOut(str):
    """Text for a terminal that remembers its sentences and tables, for other layouts of them."""

    __slots__ = ("language", "parts")
    parts: tuple[str | Table, ...]
    language: str

    def __new__(cls, text: str, parts: Iterable[str | Table], language: str) -> Self:
        """Return the text with what it was made of."""
        made = super().__new__(cls, text)
        made.parts, made.language = tuple(parts), language
        return made

    @property
    def sentences(self) -> list[str]:
        """What is said beside the tables, in its language."""
        said = [in_language(part, self.language) for part in self.parts if isinstance(part, str)]
        return [line for text in said for line in text.splitlines() if line]


def laid_out(parts: Iterable[str | Table], language: str = "en") -> LaidOut:
    """Return sentences and tables one below the other, as a terminal shows them."""
    kept = tuple(parts)
    lines = (str(p) if isinstance(p, Table) else said(p, language) for p in kept)
    return LaidOut("\n".join(lines).rstrip(), kept, language)


def as_markdown(text: str) -> str:
    """Return a page as Markdown for a chat: tables, and each sentence a paragraph.

    What stands over a table is bold, as is a row of sums. Text that was not laid out from tables
    is quoted as it stands.
    """
    if not isinstance(text, LaidOut):
        return f"```text\n{text.replace('```', '` ` `')}\n```\n"
    blocks = []
    for part, following in zip(text.parts, (*text.parts[1:], ""), strict=True):
        if isinstance(part, Table):
            blocks.append(_grid(part))
            continue
        lines = [_plain(line) for line in in_language(part, text.language).splitlines() if line]
        titled = isinstance(following, Table)
        blocks += [f"**{line}**" if titled else line for line in lines]
    return "\n\n".join(blocks) + "\n"


def _grid(table: Table) -> str:
    used = table.used()
    words = [not at or table.is_of_words(at) for at in used]
    rows = [[_plain(cell) for cell in row] for row in table.rows]
    if table.total:
        rows[-1] = [f"**{cell}**" if cell else "" for cell in rows[-1]]
    heads = [_plain(table.headings[at]) for at in used]
    every = [heads, ["---" if word else "---:" for word in words], *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in every)


def _plain(text: str) -> str:
    """Return text as Markdown shows it: on one line, no character of it a mark."""
    return _MARKS.sub(r"\\\1", escaped(" ".join(text.split())))


def note_lines(notes: Iterable[str]) -> list[str]:
    """Return notes as sentences."""
    return [say("note-line", note=note) for note in notes]


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
    known = [a for a in money if a is not None]
    if all(a == int(a) for a in known):
        return ["" if a is None else show_amount(a) for a in money]
    # Money of a file may be written with fewer digits than that of a plan.
    places = max(-int(a.as_tuple().exponent) for a in known)
    return ["" if a is None else f"{a:,.{places}f}" for a in money]


def figures(values: Sequence[float], digits: int = 5, huge: float = 1e15) -> list[str]:
    """Return numbers with the same digits after the point, as many or more in the largest.

    Whole numbers, such as counts, have none.

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
        places = max(0, digits - 1 - magnitude(most)) if most else 0
        places *= any(math.isfinite(v) and v != round(v) for v in values)
        texts = [f"{v:,.{places}f}" for v in values]
    return ["" if math.isnan(v) else text for v, text in zip(values, texts, strict=True)]


def as_known(values: Sequence[float], width: float, most: int = 5) -> list[str]:
    """Return expected numbers to the second digit of how far the ends of their range are apart.

    Parameters
    ----------
    values
        Numbers of one unit; NaN is empty.
    width
        Of the range of the largest, 0 where it is not known: the largest then has its first digits.
    most
        Significant digits of the largest, at most, so that a narrow range adds none.

    Examples
    --------
    >>> as_known([123456.7, 1234.5], 20000), as_known([8.456, 0.21], 3.0), as_known([5.0], 0)
    (['123,000', '1,000'], ['8.5', '0.2'], ['5'])
    >>> as_known([259_335.0, 3976.0], 170_000)
    ['259,000', '4,000']
    """
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    if not (0 < width < math.inf and largest):
        return figures(values, most)
    places = _places(values, width, most)
    texts = [f"{round(v, places) + 0.0:,.{max(0, places)}f}" for v in values]
    return ["" if math.isnan(v) else text for v, text in zip(values, texts, strict=True)]


def _places(values: Sequence[float], width: float, most: int) -> int:
    """Return the places after the point: the width's second, and the first of the least value."""
    sizes = [magnitude(v) for v in values if math.isfinite(v) and v]
    return min(max(1 - magnitude(width), -min(sizes)), most - 1 - max(sizes))


def adding_up(values: Sequence[float], width: float, most: int = 5) -> list[str]:
    """Return expected numbers as `as_known` does, where those before the last add up to it.

    What the rounded total has beside the numbers rounded down goes to those with the largest
    remainders, one unit each.

    Examples
    --------
    >>> adding_up([14.4, 14.4, 14.4, 43.2], 30.0)
    ['15', '14', '14', '43']
    """
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    parts = values[:-1]
    if not largest or not all(math.isfinite(v) for v in values):
        return as_known(values, width, most)
    # As many places as `as_known` and `figures` give.
    known = 0 < width < math.inf
    places = _places(values, width, most) if known else max(0, most - 1 - magnitude(largest))
    unit = 10.0**-places
    total = round(values[-1] / unit)
    units = [math.floor(v / unit) for v in parts]
    rest = total - sum(units)
    if not 0 <= rest <= len(parts):
        return as_known(values, width, most)
    first = sorted(range(len(parts)), key=lambda at: units[at] - parts[at] / unit)
    for at in first[:rest]:
        units[at] += 1
    whole = [*(u * unit for u in units), total * unit]
    # Rounded once: the places of the rounded numbers can be fewer.
    return [f"{v + 0.0:,.{max(0, places)}f}" for v in whole] if known else figures(whole, most)


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


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name and move it into place, so that it is whole or absent.

    Text is written in UTF-8. A file that is there already keeps its mode, a new one follows the
    umask.

    Raises
    ------
    InputError
        ``bad-file`` where the folder is missing or cannot be written, or the name stands for
        something that is not a plain file.
    """
    # A link is kept, and what it points to is replaced.
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            raise OSError(say("not-plain-file"))
        _replace(target, content if isinstance(content, bytes) else content.encode("utf-8"))
    except (OSError, UnicodeEncodeError) as error:
        raise InputError(
            "bad-file",
            say(
                "path-unwritable",
                path=repr(str(path)),
                error=foreign(error),
            ),
            field="out",
            value=str(path),
            remedy=say("remedy-name-file-folder-can"),
        ) from None


def _replace(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".budgetopt-{secrets.token_hex(8)}")
    # Opened as any new file is, so that the umask decides who may read it.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        with os.fdopen(handle, "wb") as out:
            if target.exists():
                # Before a word is in it, so that nobody reads what the old file kept from them.
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            out.write(content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
