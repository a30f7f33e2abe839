"""Sheets as files: CSV, JSON, Markdown, workbooks and parquet.

`render` writes a `Book` in a format, `write` any result to a file whose ending names the format.
Text that a spreadsheet would take for a formula is text in each of them. A workbook has formats for
its numbers, sums that are alive, and native charts; the values that are stored beside the sums are
the exact ones, for readers that recompute nothing. The same content makes the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

from budgetopt.errors import InputError
from budgetopt.exchange.tables import Book, Chart, Sheet, book_of
from budgetopt.i18n import Message, in_language, missing_extra, say
from budgetopt.report import LaidOut, Table, as_json, as_markdown, laid_out, write_whole
from budgetopt.untrusted import as_cell, escaped, from_cell

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".md": "md",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}
"""Formats by the ending of a file."""
_MOST_ROWS = 1_048_574
"""Rows of a sheet beside its header and its sums."""
_NO_SHEET = re.compile(r"[\[\]:*?/\\']")
_HEADS: dict[str, Message] = {
    "channel": say("channel"),
    "week": say("week"),
    "last": say("last"),
    "spend": say("spend"),
    "least": say("least"),
    "most": say("most"),
    "outcome": say("outcome"),
    "marginal": say("marginal"),
    "limit": say("limit"),
    "reason": say("reason"),
    "budget": say("budget"),
    "part": say("part"),
    "amount": say("amount"),
    "policy": say("policy"),
    "split": say("split"),
    "money": say("money"),
    "frontier": say("frontier"),
    "notes": say("notes"),
    "cases": say("cases"),
    "splits": say("splits"),
}
"""Columns and sheets as people read them; others are called what they are."""
MOST_TEXT = 32_767
"""Characters that a cell of a workbook holds."""
_NO_GUESS = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
_BEGAN = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""A date of creation that says nothing, so that the same workbook has the same bytes."""
_NEEDS = {"xlsx": ("xlsxwriter", "excel"), "parquet": ("pyarrow", "parquet")}
"""The package and the extra of formats that need one."""


def write(
    result: Any, path: str | PathLike[str], *, language: str = "en", for_excel: bool = False
) -> None:
    """Write a result to a file whose ending names the format; the file is whole or absent.

    Parameters
    ----------
    result
        Whatever `book_of` takes.
    path
        A file ending in ``.csv``, ``.tsv``, ``.json``, ``.md``, ``.xlsx`` or ``.parquet``. CSV and
        parquet hold the first sheet.
    language
        ``"en"`` or ``"zh"``, of what people read: Markdown and workbooks. Programs read CSV, JSON
        and parquet, so their columns have the same English names in every language.
    for_excel
        Whether text begins with a byte-order mark, without which Excel misreads other scripts.

    Raises
    ------
    InputError
        ``bad-argument`` for another ending or result, ``missing-extra``, ``bad-file``.
    """
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES:
        raise InputError("bad-argument", say("path-whose-ending", path=repr(str(path))),
                         field="path", value=str(path), remedy=say("remedy-name-file-ending",
                         suffixes=[*SUFFIXES]))  # fmt: skip
    format = SUFFIXES[file.suffix.lower()]
    if format == "json" and hasattr(result, "to_dict") and not hasattr(result, "iloc"):
        content: str | bytes = as_json(result.to_dict()) + "\n"
    else:
        content = render(book_of(result), format, language)
    if for_excel and isinstance(content, str):
        content = "\ufeff" + content
    write_whole(file, content)


def render(book: Book, format: str, language: str = "en") -> str | bytes:
    """Return a result in a format, as text or as the bytes of a file."""
    writers: dict[str, Callable[[], str | bytes]] = {
        "csv": lambda: as_csv(book.sheets[0]),
        "tsv": lambda: as_csv(book.sheets[0], "\t"),
        "json": lambda: sheets_json(book),
        "md": lambda: markdown_of(book, language),
        "xlsx": lambda: as_workbook(book, language),
        "parquet": lambda: as_parquet(book.sheets[0]),
    }
    return writers[format]()


def as_csv(sheet: Sheet, delimiter: str = ",") -> str:
    """Return a sheet as CSV in which no cell is a formula; what is unknown is empty.

    Programs read it: its columns have the same English names in every language.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    for row in (tuple(sheet.columns), *sheet.rows):
        writer.writerow([as_cell(escaped(_text(value))) for value in row])
    return out.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def sheets_json(book: Book) -> str:
    """Return sheets as JSON: columns and rows by name, money as text, which keeps it exact."""
    sheets = {
        sheet.name: {
            "columns": list(sheet.columns),
            "rows": [[_plain(value) for value in row] for row in sheet.rows],
        }
        for sheet in book.sheets
    }
    return as_json({"schema_version": 1, "kind": book.kind, "sheets": sheets}) + "\n"


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, (Decimal, dt.date)) else value


def markdown_of(book: Book, language: str = "en") -> str:
    """Return the page of a result as Markdown; without one, its sheets."""
    if book.page is not None:
        return as_markdown(book.page(language))
    tables = [
        Table(
            [head_of(name, language) for name in sheet.columns],
            [[_text(value) for value in values] for values in sheet.columns.values()],
            words=[head_of(n, language) for n, v in sheet.columns.items() if not _is_numeric(v)],
        )
        for sheet in book.sheets
    ]
    return as_markdown(laid_out(tables, language))


def _is_numeric(values: Iterable[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in known
    )


def head_of(name: str, language: str) -> str:
    """Return a column or sheet as people read it."""
    return in_language(_HEADS[name], language) if name in _HEADS else name


def as_parquet(sheet: Sheet) -> bytes:
    """Return a sheet as a parquet file, its columns those of `Sheet.to_frame`.

    Raises
    ------
    InputError
        ``missing-extra``.
    """
    check_installed("parquet")
    out = io.BytesIO()
    sheet.to_frame().to_parquet(out, engine="pyarrow", index=False)
    return out.getvalue()


def check_installed(format: str) -> None:
    """Refuse a format whose package is not installed, before anything is done for it.

    Raises
    ------
    InputError
        ``missing-extra``.
    """
    package, extra = _NEEDS.get(format, ("", ""))
    if package and find_spec(package) is None:
        raise missing_extra(say("writing-format", format=format), package, extra, "format")


class Workbook:
    """A workbook that is made in memory.

    Raises
    ------
    InputError
        ``missing-extra`` where the package that writes workbooks is not installed.
    """

    def __init__(self) -> None:
        check_installed("xlsx")
        import xlsxwriter  # type: ignore[import-untyped] # it comes without types

        self._bytes = io.BytesIO()
        self.book: Any = xlsxwriter.Workbook(self._bytes, {"in_memory": True, **_NO_GUESS})
        self.book.set_properties({"created": _BEGAN.replace(tzinfo=None)})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def sheet(self, title: str) -> Any:
        """Return a new sheet."""
        return self.book.add_worksheet(title)

    def format(self, **properties: Any) -> Any:
        """Return a format, the same for the same properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(properties)
        return self._formats[key]

    def text(self, sheet: Any, row: int, column: int, text: str, **properties: Any) -> None:
        """Write a text that no spreadsheet takes for a formula, also when it is edited.

        Raises
        ------
        InputError
            ``bad-name`` for a text that is longer than a cell.
        """
        if len(text) > MOST_TEXT:
            raise InputError(
                "bad-name",
                say("name-has-characters", text=repr(text[:40]), text_2=f"{len(text):,}"),
                field="name",
                value=text[:40],
                remedy=say("remedy-cell-workbook-holds", most_text=f"{MOST_TEXT:,}"),
            )
        if as_cell(text) != text:
            properties["quote_prefix"] = True
        sheet.write_string(row, column, text, self.format(**properties))

    def to_bytes(self) -> bytes:
        """Return the finished workbook."""
        self.book.close()
        return self._bytes.getvalue()


def as_workbook(book: Book, language: str = "en") -> bytes:
    """Return a result as a workbook: its sheets, and its sentences on a last one.

    Raises
    ------
    InputError
        ``missing-extra``; ``bad-argument`` for more rows than a sheet holds.
    """
    _check_rows(book.sheets)
    made = Workbook()
    for sheet in book.sheets:
        _Page(made.book, sheet, language).write()
    page = "" if book.page is None else book.page(language)
    lines = page.sentences if isinstance(page, LaidOut) else page.splitlines()
    if lines:
        style = made.format(text_wrap=True, quote_prefix=True)
        notes = made.sheet(head_of("notes", language))
        notes.set_column(0, 0, 100)
        for row, line in enumerate(lines):
            notes.write_string(row, 0, escaped(line), style)
    return made.to_bytes()


def _check_rows(sheets: Sequence[Sheet]) -> None:
    for sheet in sheets:
        if len(sheet.rows) > _MOST_ROWS:
            raise InputError("bad-argument", say("table-rows-more", name=repr(sheet.name),
                             rows=f"{len(sheet.rows):,}"), field="format", value="xlsx",
                             remedy=say("remedy-write-csv-parquet"))  # fmt: skip


class _Page:
    """One sheet of a workbook: a header, the rows, the sums below them, and the chart."""

    def __init__(self, workbook: Any, sheet: Sheet, language: str) -> None:
        self.workbook, self.sheet, self.language = workbook, sheet, language
        name = _NO_SHEET.sub(" ", head_of(sheet.name, language))[:31].strip()
        self.page = workbook.add_worksheet(name or None)
        self.count = len(sheet.rows)

    def write(self) -> None:
        """Write the sheet."""
        bold = self.workbook.add_format({"bold": True, "bottom": 1, "quote_prefix": True})
        for at, (name, values) in enumerate(self.sheet.columns.items()):
            head = name if self.sheet.plain else head_of(name, self.language)
            self.page.write_string(0, at, _as_kept(head), bold)
            style = self._style(name, values)
            plain = self.workbook.add_format(style)
            for row, value in enumerate(values, start=1):
                self._cell(row, at, value, plain)
            if self.sheet.sums:
                self._sum(at, name, self.workbook.add_format(style | {"bold": True, "top": 1}))
            longest = max([len(head), *(len(_text(value)) for value in values)])
            self.page.set_column(at, at, min(60, max(10, longest + 2)))
        self.page.freeze_panes(1, 1)
        if self.sheet.chart is not None and self.count:
            self._draw(self.sheet.chart)

    def _style(self, name: str, values: Sequence[Any]) -> dict[str, Any]:
        """Return the number format of a column."""
        known = [value for value in values if value is not None]
        if not _is_numeric(known):
            dates = any(isinstance(value, dt.date) for value in known)
            return {"num_format": "yyyy-mm-dd"} if dates else {"quote_prefix": True}
        if name in self.sheet.shares:
            return {"num_format": "0.0%"}
        if any(isinstance(value, Decimal) for value in known):
            places = max(-int(value.as_tuple().exponent) for value in known)
            return {"num_format": "#,##0" + ("." + "0" * places if places > 0 else "")}
        if all(isinstance(value, int) for value in known):
            return {"num_format": "#,##0"}
        return {"num_format": "#,##0.00" if max(map(abs, known)) >= 1 else "0.0000"}

    def _cell(self, row: int, at: int, value: Any, style: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self.page.write_boolean(row, at, value, style)
        elif isinstance(value, (int, float, Decimal)):
            self.page.write_number(row, at, float(value), style)
        elif isinstance(value, dt.date) and value.year > 1900:
            self.page.write_datetime(row, at, dt.datetime.combine(value, dt.time()), style)
        else:
            # Excel counts days from 1900; an earlier one is text.
            text = in_language(value if isinstance(value, str) else _text(value), self.language)
            self.page.write_string(row, at, _as_kept(text), style)

    def _sum(self, at: int, name: str, style: Any) -> None:
        from xlsxwriter.utility import xl_range  # type: ignore[import-untyped] # likewise

        row, total = self.count + 1, self.sheet.total(name) if name in self.sheet.sums else None
        if total is not None:
            formula = f"=SUM({xl_range(1, at, self.count, at)})"
            self.page.write_formula(row, at, formula, style, float(total))
        elif at == 0:
            self.page.write_string(row, 0, in_language(say("total"), self.language), style)
        else:
            self.page.write_blank(row, at, None, style)

    def _draw(self, look: Chart) -> None:
        """Draw the sheet below itself."""
        names, sheet = list(self.sheet.columns), self.page.get_name()
        line = {"type": "scatter", "subtype": "straight_with_markers"}
        chart = self.workbook.add_chart(line if look.kind == "line" else {"type": "column"})
        across = names.index(look.across)
        for at in map(names.index, look.up):
            chart.add_series(
                {
                    "name": [sheet, 0, at],
                    "categories": [sheet, 1, across, self.count, across],
                    "values": [sheet, 1, at, self.count, at],
                }
            )
        if look.kind == "line":
            chart.set_x_axis({"name": head_of(look.across, self.language)})
            chart.set_y_axis({"name": head_of(look.up[0], self.language)})
        chart.set_size({"width": 640, "height": 360})
        self.page.insert_chart(self.count + 3, 0, chart)


def _as_kept(text: str) -> str:
    """Return text as a cell that a history reads back as it was; its format makes it no formula."""
    return text if from_cell(text) == text else as_cell(text)
