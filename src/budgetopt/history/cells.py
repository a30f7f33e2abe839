"""Columns as spellings, each judged once, and cells to amounts, refusing what can be two things.

Plain decimals, well-formed thousands groups (``1,234.56``, ``12 345``, ``1'234``,
``1,23,456``) and powers of ten. A currency sign or code is dropped where every amount of the column
carries the same one, which the history keeps as `currency_sign` to compare with the plan's; it is
refused where only some do, or where two differ. Percentages, infinities, bools, words and
abbreviated amounts (``1.2k``, ``3万``) are refused.
"""

from __future__ import annotations

import decimal
import math
import numbers
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import CalendarError, HistoryError
from budgetopt.messages import Message, say
from budgetopt.money import DIGITS, currencies_of
from budgetopt.untrusted import half_width

MISSING = frozenset({"", "-", "--", "—", "–", "nan", "na", "n/a", "#n/a", "null", "none"})
"""Cells that say "nothing here", in lower case."""

SIGN = (
    r"[A-Z]{3}|[A-Z]{1,3}\$|CN¥|[Kk]r\.?|zł|Kč|人民币|美元|欧元|英镑|日元|港[币元]"
    r"|[$€£¥￥₹₩₽₺₫฿₴₦₱₪₸元円]"
)
IN_HEADER = re.compile(r"[(\[（【]\s*([^()\[\]（）【】]+?)\s*[)\]）】]|[ _-]([A-Z]{3})$")
"""Where a header names its currency: in brackets, or as a code at its end."""
_WORDS = frozenset({"ALL", "TOP", "TRY", "CUP", "PEN", "LAK", "GEL", "MOP", "SOS", "BAM", "BOB"})
"""Codes of currencies that are words, or short for other things, in headers."""
CELL = re.compile(
    rf"(?P<minus>[-−+]?)(?P<before>{SIGN})?\s*(?P<inner>[-−]?)"
    rf"(?P<body>[0-9.,].*?)\s*(?P<after>{SIGN})?"
)
BARE_GROUP = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
DOTTED_GROUP = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")


def _grammar(point: str) -> re.Pattern[str]:
    other = "," if point == "." else r"\."
    grouped = rf"[1-9][0-9]{{0,2}}(?P<sep>[{other}\s'’])[0-9]{{3}}(?:(?P=sep)[0-9]{{3}})*"
    indian = rf"[1-9][0-9]?(?:{other}[0-9]{{2}})+{other}[0-9]{{3}}"
    whole = rf"(?:[0-9]+|{grouped}|{indian})"
    digits = re.escape(point)
    return re.compile(rf"(?:{whole}(?:{digits}[0-9]*)?|{digits}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?")


GRAMMAR = {point: _grammar(point) for point in ".,"}
USUAL = {
    point: rf"(?:[0-9]++|[1-9][0-9]{{0,2}}+(?:{other}[0-9]{{3}})++)(?:{own}[0-9]*+)?"
    for point, own, other in ((".", r"\.", ","), (",", ",", r"\."))
}
"""The commonest of all amounts, digits with points and commas, which are told quickly."""
ONE = {point: re.compile(usual) for point, usual in USUAL.items()}
LINES = {point: re.compile(rf"(?:{usual}\n)*+") for point, usual in USUAL.items()}


def refuse(code: str, problem: Message, field: str, value: Any, remedy: Message) -> NoReturn:
    """Raise the error of a history: of a date a `CalendarError`, of all else a `HistoryError`."""
    kind = CalendarError if code == "bad-date" else HistoryError
    raise kind(code, problem, field=field, value=value, remedy=remedy) from None


@dataclass(frozen=True)
class Cells:
    """One column: every spelling that it holds, and which of them each row has.

    Columns repeat themselves, so that whatever reads one judges a spelling once and not a row.

    Parameters
    ----------
    spellings
        Cells that differ, in the order of the first row of each; those of an array of dates or
        numbers as they stand.
    at
        Position in `spellings` of every row, shape ``(rows,)``.
    """

    spellings: NDArray[Any]
    at: NDArray[np.intp]

    @classmethod
    def of(cls, cells: Iterable[Any]) -> Cells:
        """Return cells as a column; text, numbers, dates or an array of either."""
        if isinstance(cells, np.ndarray) and cells.dtype != object:
            return cls(cells, np.arange(cells.size))
        cells = list(cells)
        try:
            # True and 1 are equal, but no two of one spelling.
            number = numbering()
            at = [number[c if isinstance(c, str) else (type(c), c)] for c in cells]
        except TypeError:
            return cls(as_objects(cells), np.arange(len(cells)))
        spellings = [key if isinstance(key, str) else key[1] for key in number]
        return cls(as_objects(spellings), np.array(at, dtype=np.intp))

    def __len__(self) -> int:
        return self.at.size

    def __getitem__(self, row: int) -> Any:
        return self.spellings[self.at[row]]

    def take(self, keep: NDArray[np.bool_]) -> Self:
        """Return the rows that are kept, with their spellings alone."""
        return self._compact(self.spellings, self.at[keep])

    def map(self, of: Callable[[Any], Any]) -> Self:
        """Return the column with each spelling turned into another; equal ones become one."""
        number = numbering()
        turned = np.array([number[of(s)] for s in self.spellings], dtype=np.intp)
        return self._compact(as_objects(number), turned[self.at])

    def _compact(self, spellings: NDArray[Any], at: NDArray[np.intp]) -> Self:
        first = np.full(len(spellings), at.size)
        first[at[::-1]] = np.arange(at.size)[::-1]
        used = np.argsort(first, kind="stable")[: int((first < at.size).sum())]
        place = np.empty(len(spellings), dtype=np.intp)
        place[used] = np.arange(used.size)
        return type(self)(spellings[used], place[at])

    def each(self, of: Callable[[Any], Any], dtype: Any = bool) -> NDArray[Any]:
        """Return what is said of the spelling of every row."""
        return np.array([of(s) for s in self.spellings], dtype=dtype)[self.at]

    def row_of(self, spelling: int) -> int:
        """Return the first row that has a spelling."""
        return int(np.argmax(self.at == spelling))


@dataclass(frozen=True)
class Column:
    """One column of a table: its cells, its name, and where each row of it stands."""

    cells: Cells
    name: str
    where: Callable[[int], str]

    def place(self, spelling: int) -> str:
        """Say where the first row stands that has a spelling."""
        return self.where(self.cells.row_of(spelling))

    def refuse(self, code: str, spelling: int, problem: Message, remedy: Message) -> NoReturn:
        """Raise the error of a spelling, which says where it stands."""
        cell, name = self.cells.spellings[spelling], self.name
        said = {"place": self.place(spelling), "field": repr(name), "cell": shown(cell)}
        refuse(code, say("cell-is-wrong", **said, problem=problem), name, cell, remedy)


def shown(cell: Any) -> str:
    """Return a cell as an error shows it: numbers bare, anything else quoted."""
    number = isinstance(cell, numbers.Number)
    return str(cell)[:60] if number else repr(str(cell).strip()[:60])


def numbering() -> defaultdict[Any, int]:
    """Return a mapping that gives every new key the next number, from 0."""
    number: defaultdict[Any, int] = defaultdict()
    number.default_factory = number.__len__
    return number


def as_objects(values: Iterable[Any]) -> NDArray[Any]:
    """Return values as they are: numpy would turn a list of dates or numbers into other things."""
    values = list(values)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@dataclass(frozen=True)
class Amounts:
    """Numbers of one column, NaN where a cell is missing, and the currency sign they carried."""

    values: NDArray[np.float64]
    sign: str = ""


@dataclass(frozen=True)
class Style:
    """How numbers are written in a file: the decimal sign, and the delimiter beside it."""

    point: str = "."
    delimiter: str | None = None


def read_amounts(column: Column, style: Style, *, signed: bool = False) -> Amounts:
    """Return a column as numbers, by default none of them below zero.

    Parameters
    ----------
    column
        Text or numbers of any kind.
    style
        How text cells are written.
    signed
        Whether numbers below zero are meant.

    Returns
    -------
    Amounts
        Values of shape ``(rows,)``, finite, or NaN where missing.

    Raises
    ------
    HistoryError
        ``bad-number`` for the first cell that is not such a number.
    """
    try:
        values, signs = _convert(column.cells.spellings, style)
    except _UnreadableError as bad:
        column.refuse("bad-number", bad.at, bad.problem, bad.remedy)
    for at in np.flatnonzero(np.isinf(values))[:1].tolist():
        column.refuse("bad-number", at, say("number-not-finite"), say("remedy-finite-number"))
    for at in np.flatnonzero((values < 0) & (not signed))[:1].tolist():
        column.refuse("bad-number", at, say("value-negative"), say("remedy-credit-own-week"))
    return Amounts(values[column.cells.at], _one_sign(column, signs, values))


def rough(cells: Cells, style: Style) -> NDArray[np.float64]:
    """Return cells as evidence, never as amounts that are kept: what is no number is NaN."""

    def of(cell: Any) -> float:
        try:
            return _read_cell(cell, style)[0]
        except _UnreadableError:
            return math.nan

    return cells.each(of, np.float64)


class _UnreadableError(Exception):
    """One cell is not a number; the caller knows where it stands."""

    def __init__(self, problem: Message, remedy: Message) -> None:
        super().__init__(problem)
        self.at, self.problem, self.remedy = 0, problem, remedy


def _convert(cells: NDArray[Any], style: Style) -> tuple[NDArray[np.float64], list[str]]:
    """Return the numbers, and the sign of each cell where any cell has one."""
    if style == Style(".", ";"):
        _check_dots(cells)
    if cells.dtype.kind in "iuf":
        return cells.astype(np.float64), []
    if (usual := _usual(cells, style)) is not None:
        return usual, []
    read: list[tuple[float, str]] = []
    try:
        read.extend(_read_cell(cell, style) for cell in cells)
    except _UnreadableError as bad:
        bad.at = len(read)
        raise
    signs = [sign for _, sign in read]
    return np.array([value for value, _ in read]), signs if any(signs) else []


def _check_dots(cells: NDArray[Any]) -> None:
    """Refuse a column in which every point may separate thousands, as in ``1.234;950``."""
    dotted = [at for at, cell in enumerate(cells) if isinstance(cell, str) and "." in cell]
    if dotted and all(DOTTED_GROUP.fullmatch(cells[at].strip()) for at in dotted):
        bad = _UnreadableError(say("thousand-fraction-file"), say("remedy-declare-decimal-write"))
        bad.at = dotted[0]
        raise bad


def _usual(cells: NDArray[Any], style: Style) -> NDArray[np.float64] | None:
    """Return text of digits with points and commas as numbers, None where any cell is another."""
    try:
        text = "\n".join(cells) + "\n"
    except TypeError:
        return None
    point, other = (".", ",") if style.point == "." else (",", ".")
    ascii_text = text.encode("ascii", "replace")
    if point == "." and not ascii_text.translate(None, b"0123456789.eE+-\n"):
        with suppress(ValueError):  # An empty or odd cell is among them.
            return cells.astype(np.float64)
    # Between semicolons 1,234 may be a fraction.
    one_by_one = style.delimiter == ";" or text.count("\n") != cells.size
    if one_by_one or not LINES[point].fullmatch(text):
        return None
    return np.fromstring(text.replace(other, "").replace(point, "."), sep="\n")


def _read_cell(cell: Any, style: Style) -> tuple[float, str]:
    if isinstance(cell, str):
        if style.delimiter != ";" and ONE[style.point].fullmatch(cell):
            whole = cell.replace("," if style.point == "." else ".", "")
            return float(whole.replace(style.point, ".")), ""
        return _read_text(half_width(cell.strip()), style)
    if cell is None:
        return math.nan, ""
    if isinstance(cell, (bool, np.bool_)):
        raise _UnreadableError(say("yes-no-not"), say("remedy-number"))
    if isinstance(cell, (numbers.Real, decimal.Decimal)):
        try:
            return float(cell), ""
        except OverflowError:
            return math.inf, ""  # A whole number beyond any float, refused as not finite.
    raise _UnreadableError(say("not-number"), say("remedy-number"))


def _read_text(text: str, style: Style) -> tuple[float, str]:
    if text.casefold() in MISSING:
        return math.nan, ""
    match = CELL.fullmatch(text)
    if not match or not GRAMMAR[style.point].fullmatch(match["body"]):
        raise _diagnose(text, match, style)
    body, sign = match["body"], _currency(match, style)
    if style.point == "." and style.delimiter == ";" and BARE_GROUP.fullmatch(body):
        raise _UnreadableError(
            say("thousand-fraction-file-delimited"), say("remedy-declare-decimal-write-without")
        )
    plain = re.sub(r"[\s'’" + ("," if style.point == "." else ".") + "]", "", body)
    number = float(plain.replace(style.point, "."))
    return (-number if "-" in _minus(match) else number), sign


def _minus(match: re.Match[str]) -> str:
    return (match["minus"] + match["inner"]).replace("−", "-")


def _currency(match: re.Match[str], style: Style) -> str:
    """Return the currency sign or code of a cell, one spelling for each."""
    signs = [sign for sign in (match["before"], match["after"]) if sign]
    if len(signs) > 1 or not all(map(currencies_of, signs)):
        raise _diagnose(match[0], None, style)
    return str(signs[0]).replace("￥", "¥") if signs else ""


def header_currency(name: str) -> str:
    """Return the currency sign or code that a column's name carries; empty where it has none.

    Examples
    --------
    >>> [header_currency(name) for name in ("Amount spent (USD)", "消耗(元)", "Clicks (all)")]
    ['USD', '元', '']
    """
    for match in IN_HEADER.finditer(name):
        text = match[1] or match[2]
        # Informal names in plain letters, such as kr or US, are too often something else here.
        plain = text.isascii() and "$" not in text
        if text == "RMB" or (
            text in DIGITS and text not in _WORDS if plain else currencies_of(text)
        ):
            return text
    return ""


def same_currency(one: str, other: str) -> bool:
    """Whether two signs or codes may stand for one currency."""
    return one == other or bool(set(currencies_of(one)) & set(currencies_of(other)))


def _diagnose(text: str, match: re.Match[str] | None, style: Style) -> _UnreadableError:
    """Say what is wrong with a text cell that is not a number under the declared style."""
    other = "," if style.point == "." else "."
    if "%" in text or "％" in text:
        return _UnreadableError(say("percentage-not-amount"), say("remedy-declare-column-holds"))
    if text.casefold().lstrip("+-−") in ("inf", "infinity", "∞"):
        return _UnreadableError(say("number-not-finite"), say("remedy-finite-number"))
    if match and GRAMMAR[other].fullmatch(match["body"]):
        return _UnreadableError(
            say("not-written-decimal", point=repr(style.point)),
            say("remedy-declare-decimal", other=repr(other)),
        )
    return _UnreadableError(say("not-number"), say("remedy-write-1250-50"))


def _one_sign(column: Column, signs: Sequence[str], values: NDArray[np.float64]) -> str:
    """Return the sign that every amount carries, or refuse the first that differs."""
    if not signs:
        return ""
    given = np.flatnonzero(~np.isnan(values)).tolist()
    first = signs[given[0]]
    for at in given:
        sign = signs[at]
        if sign != first:
            said = say("a-currency-sign", signs=repr(sign)) if sign else say("no-currency-sign")
            other = repr(first) if first else say("no-sign")
            place = column.place(given[0])
            problem = say("cell-other-currency", said=said, given=place, other=other)
            column.refuse("bad-number", at, problem, say("remedy-currency-write-cell"))
    return first
