"""Text that others wrote: files up to a size, names that are safe to show, cells of CSV, numbers.

A name may be written in any script, with emoji, spaces and slashes. It may not hold what moves the
cursor, ends a line or turns the direction of writing (Unicode Technical Report 36, section 3),
since every table, page and terminal shows it. Two names are twins where only characters without
width, or the way in which accents are encoded, tell them apart.
"""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

MEBIBYTE = 2**20
_NAMES = 2**15
"""Names that are remembered: those of a plan are asked for again and again."""


class TooLargeError(OSError):
    """A file has more than is read; its `strerror` says how much that is."""

    def __str__(self) -> str:
        return f"it has more than {self.strerror}, the most that is read"


def read_bounded(path: Path, most: int) -> bytes:
    """Return the bytes of a file of at most so many.

    Raises
    ------
    OSError
        As `open` does, and with ``EFBIG`` where there are more.
    """
    with path.open("rb") as file:
        # A file that says its size is not read to find that it is too large; a pipe says nothing.
        told = os.fstat(file.fileno()).st_size
        data = b"" if told > most else file.read(most + 1)
    if max(told, len(data)) > most:
        size = f"{most // MEBIBYTE} MiB" if most >= MEBIBYTE else f"{most:,} bytes"
        raise TooLargeError(errno.EFBIG, size)
    return data


_CONTROLS = (
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: tab, line breaks, escape sequences
    "\u2028\u2029"  # line and paragraph separators
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of direction
    "\u206a-\u206f\ufff9-\ufffb"  # deprecated format controls, annotations
    "\ud800-\udfff"  # halves of a character, which no file can hold
)
_TAGS = "\U000e0000-\U000e007f"
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
"""The flags of England, Scotland and others are emoji spelt in tags, which nothing else needs."""
_UNSAFE = re.compile(f"[{_CONTROLS}{_TAGS}]")
_UNSAFE_IN_LINES = re.compile(f"(?!\n)[{_CONTROLS}{_TAGS}]")
_NO_WIDTH = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0100-\U000e01ef]"
)


@lru_cache(maxsize=_NAMES)
def is_safe(name: str) -> bool:
    r"""Whether a name holds nothing that would act on a terminal or a page.

    Examples
    --------
    >>> is_safe("小红书 👩‍👩‍👧 / קמפיין"), is_safe("tv\x1b[2J"), is_safe("tv\u202e")
    (True, False, False)
    """
    return not _UNSAFE.search(_FLAG.sub("", name))


def escaped(text: str) -> str:
    r"""Return a text of several lines with everything unsafe but line breaks as ``\uXXXX``.

    JSON text stays the same data.

    Examples
    --------
    >>> escaped("tv\x1b[2J")
    'tv\\u001b[2J'
    """
    if not _UNSAFE_IN_LINES.search(text):
        return text
    flags = [(flag.start(), flag.end()) for flag in _FLAG.finditer(text)]

    def escape(match: re.Match[str]) -> str:
        if any(start <= match.start() < end for start, end in flags):
            return match[0]
        code = ord(match[0])
        if code <= 0xFFFF:
            return f"\\u{code:04x}"
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"

    return _UNSAFE_IN_LINES.sub(escape, text)


@lru_cache(maxsize=_NAMES)
def twin_key(name: str) -> str:
    r"""Return what twins have in common: the name composed, trimmed, without what has no width.

    Examples
    --------
    >>> twin_key("cafe\u0301\u200b") == twin_key("café")
    True
    """
    return unicodedata.normalize("NFC", _NO_WIDTH.sub("", name)).strip()


def is_blank(name: str) -> bool:
    """Whether nothing of a name can be seen."""
    return not twin_key(name)


_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def as_cell(text: str) -> str:
    """Return a text as a cell of a CSV file that no spreadsheet takes for a formula.

    Texts that begin like a formula get an apostrophe in front, and so do those that begin with
    apostrophes before it, so that `from_cell` gives every text back; numbers stay as they are.

    Examples
    --------
    >>> as_cell("=1+1"), as_cell("-1.5"), from_cell(as_cell("'=x"))
    ("'=1+1", '-1.5', "'=x")
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def from_cell(text: str) -> str:
    """Return the text that `as_cell` made a cell of."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


_FULL_WIDTH = str.maketrans(
    {code + 0xFEE0: code for code in (*range(ord("0"), ord("9") + 1), *map(ord, "+-.,%/()"))}
)


def half_width(text: str) -> str:
    """Return text with full-width digits and the signs of numbers as plain ones.

    Examples
    --------
    >>> half_width("１，２３４．５０％")
    '1,234.50%'
    """
    return text if text.isascii() else text.translate(_FULL_WIDTH)
