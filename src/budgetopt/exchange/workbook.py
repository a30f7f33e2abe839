"""Workbooks as bytes: text that stays text, and the same bytes for the same content."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from budgetopt.errors import InputError
from budgetopt.i18n import missing_extra, say
from budgetopt.untrusted import as_cell

MOST_TEXT = 32_767
"""Characters that a cell of a workbook holds."""
_NO_GUESS = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
_BEGAN = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""A date of creation that says nothing, so that the same workbook has the same bytes."""


class Workbook:
    """A workbook that is made in memory.

    Raises
    ------
    InputError
        ``missing-extra`` where the package that writes workbooks is not installed.
    """

    def __init__(self) -> None:
        try:
            import xlsxwriter  # type: ignore[import-untyped] # it comes without types
        except ImportError:
            raise missing_extra(say("writing-workbook"), "XlsxWriter", "excel", "out") from None
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
