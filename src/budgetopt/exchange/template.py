"""The workbook that channel owners fill in, which a history is read from.

One row a week and channel with spend and outcome; for a plan that knows one total outcome, one row
a week with a spend for every channel. Only those cells can be typed in, and hold no other than
numbers of at least zero; sums are live. What makes a workbook a template, and how it is read, is
in `budgetopt.history`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError
from budgetopt.exchange.formats import Workbook
from budgetopt.history import TEMPLATE_WORDS, column_letter
from budgetopt.i18n import in_language, say
from budgetopt.plan import Plan
from budgetopt.untrusted import as_cell

MOST_ROWS = 100_000
"""Rows of a template: ten years of 190 channels."""
_TITLE, _HOW, _SUMS, _HEADER, _FIRST = range(5)
"""Rows of the sheet."""
_OPEN = {"locked": False, "bg_color": "#FFF9DB", "border": 1, "border_color": "#D9D9D9"}
_HEAD = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
_DATE = "yyyy-mm-dd"


@dataclass(frozen=True)
class _Layout:
    """What a template's sheet is made of.

    Parameters
    ----------
    headers
        Cells of the header.
    first
        Position of the first column that is filled in.
    spends
        Positions of the columns of spend.
    rows
        Week and channel of each row; no channel where all share a row.
    summed
        Position of the column that adds up a row, None where there is none.
    """

    headers: tuple[str, ...]
    first: int
    spends: range
    rows: tuple[tuple[dt.date, str], ...]
    summed: int | None

    @property
    def end(self) -> int:
        """The last row of the sheet, counted from 1."""
        return _FIRST + len(self.rows)

    def open(self) -> Iterator[int]:
        """Yield the columns that are filled in."""
        return (at for at in range(self.first, len(self.headers)) if at != self.summed)

    def number(self, plan: Plan, at: int) -> str:
        """Return the format of the numbers of a column: money, or an outcome of any kind."""
        if at not in self.spends and at != self.summed:
            return "General"
        return "#,##0" + ("." + "0" * plan.money.digits if plan.money.digits else "")


def template(
    plan: Plan,
    *,
    weeks: int = 8,
    week: dt.date | str | None = None,
    today: dt.date | str | None = None,
    language: str = "en",
) -> bytes:
    """Return an empty template of a plan as the bytes of an ``.xlsx`` file.

    `History.read` reads it back, filled in, whatever the plan says of the files it reads otherwise.
    Weeks that nobody has filled in at either end are left out there.

    Parameters
    ----------
    plan
        Its channels, currency and outcome. Where its history has one total outcome, so has the
        template.
    weeks
        How many weeks, at least 1.
    week
        A day of the last week; by default of the last one that is over.
    today
        What is today; by default the clock says it.
    language
        ``"en"`` or ``"zh"``.

    Raises
    ------
    InputError
        ``bad-argument`` for too few or too many weeks or another language, ``bad-name`` for a
        channel that is called as a column of the template, ``missing-extra`` without XlsxWriter.
    CalendarError
        ``bad-date``.
    """
    shift = 0 if week is not None else -1
    day = as_date(week or today or dt.date.today(), "week")
    last = Week.of(day, plan.week_start).shift(shift).start
    layout = _layout(plan, last, weeks, language)
    book = Workbook()
    sheet = book.sheet(in_language(say("template-sheet"), language))
    _write_head(book, sheet, layout, plan, language)
    _write_rows(book, sheet, layout, plan)
    _validate(sheet, layout, language)
    _protect(sheet, layout)
    if layout.summed is None:
        _write_sums(book, layout, plan, sheet.get_name(), language)
    return book.to_bytes()


def _layout(plan: Plan, last: dt.date, weeks: int, language: str) -> _Layout:
    in_language("", language)
    words = TEMPLATE_WORDS[language]
    one_total = plan.columns.layout == "wide" and not plan.columns.outcomes
    height = 1 if one_total else len(plan.names)
    if not 1 <= weeks * height <= MOST_ROWS:
        raise InputError(
            "bad-argument",
            say("weeks-is", weeks=weeks),
            field="weeks",
            value=weeks,
            remedy=say("remedy-up-to-rows", most_rows=f"{MOST_ROWS // height:,}"),
        )
    starts = [last - dt.timedelta(weeks=weeks - 1 - at) for at in range(weeks)]
    if not one_total:
        spend = words.spend + ("" if plan.currency == "XXX" else f" ({plan.currency})")
        headers = (words.week, words.channel, spend, words.outcome)
        return _Layout(headers, 2, range(2, 3), tuple(product(starts, plan.names)), None)
    for name in plan.names:
        if name in words:
            raise InputError(
                "bad-name",
                say("channel-called-column", name=repr(name)),
                field="channel",
                value=name,
                remedy=say("remedy-rename-choose-another"),
            )
    names = tuple(map(as_cell, plan.names))
    wide = (words.week, *names, words.spent, words.total)
    rows = tuple((start, "") for start in starts)
    return _Layout(wide, 1, range(1, len(names) + 1), rows, len(names) + 1)


def _write_head(book: Workbook, sheet: Any, layout: _Layout, plan: Plan, language: str) -> None:
    """Write title, instruction, sums and header."""
    title = say("template-title", plan=plan.name) if plan.name else say("template-no-title")
    how = say("template-how", currency=plan.currency, outcome=plan.outcome)
    book.text(sheet, _TITLE, 0, in_language(title, language), bold=True, font_size=14)
    book.text(sheet, _HOW, 0, in_language(how, language), italic=True)
    book.text(sheet, _SUMS, 0, in_language(say("template-sum"), language), bold=True)
    for at in range(layout.first, len(layout.headers)):
        cells = f"{_cell(at, _FIRST)}:{_cell(at, layout.end - 1)}"
        form = book.format(num_format=layout.number(plan, at), bold=True)
        sheet.write_formula(_SUMS, at, f"=SUM({cells})", form)
    for at, header in enumerate(layout.headers):
        book.text(sheet, _HEADER, at, header, **_HEAD)
        sheet.set_column(at, at, 16 if at != 1 or layout.first == 1 else 28)
    sheet.set_row(_HEADER, 30)


def _write_rows(book: Workbook, sheet: Any, layout: _Layout, plan: Plan) -> None:
    """Write the weeks and channels, and the cells that are filled in."""
    for number, (start, channel) in enumerate(layout.rows, start=_FIRST):
        sheet.write_datetime(number, 0, _noon(start), book.format(num_format=_DATE, align="left"))
        if channel:
            book.text(sheet, number, 1, as_cell(channel))
        for at in layout.open():
            form = book.format(num_format=layout.number(plan, at), **_OPEN)
            sheet.write_blank(number, at, None, form)
        if layout.summed is not None:
            cells = f"{_cell(layout.first, number)}:{_cell(layout.summed - 1, number)}"
            form = book.format(num_format=layout.number(plan, layout.summed), bold=True)
            sheet.write_formula(number, layout.summed, f"=SUM({cells})", form)


def _validate(sheet: Any, layout: _Layout, language: str) -> None:
    """Let nothing but numbers of at least zero into the cells that are filled in."""
    said = {
        "input_title": say("template-cell"),
        "input_message": say("template-amount"),
        "error_title": say("template-cell"),
        "error_message": say("template-amount"),
    }
    rule = {"validate": "decimal", "criteria": ">=", "value": 0}
    texts = {name: in_language(text, language) for name, text in said.items()}
    for at in layout.open():
        sheet.data_validation(_FIRST, at, layout.end - 1, at, rule | texts)


def _protect(sheet: Any, layout: _Layout) -> None:
    """Lock all other cells; without a password, since it keeps from slips and not from people."""
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True})
    sheet.autofilter(_HEADER, 0, layout.end - 1, len(layout.headers) - 1)
    sheet.freeze_panes(_FIRST, layout.first)


def _write_sums(book: Workbook, layout: _Layout, plan: Plan, of: str, language: str) -> None:
    """Write a sheet with the sums of every week, and how much of it is filled in."""
    sheet = book.sheet(in_language(say("template-weeks"), language))
    words = TEMPLATE_WORDS[language]
    filled = in_language(say("template-filled", cells=2 * len(plan.names)), language)
    for at, header in enumerate((words.week, *layout.headers[2:], filled)):
        book.text(sheet, 0, at, header, **_HEAD)
        sheet.set_column(at, at, 18)
    columns = [
        f"'{of}'!${column_letter(at)}${_FIRST + 1}:${column_letter(at)}${layout.end}"
        for at in (0, 2, 3)
    ]
    starts = sorted({start for start, _ in layout.rows})
    for row, start in enumerate(starts, start=1):
        sheet.write_datetime(row, 0, _noon(start), book.format(num_format=_DATE, align="left"))
        week = f"{columns[0]},A{row + 1}"
        for at in (1, 2):
            form = book.format(num_format=layout.number(plan, at + 1))
            sheet.write_formula(row, at, f"=SUMIF({week},{columns[at]})", form)
        counts = (f'COUNTIFS({week},{columns[at]},"<>")' for at in (1, 2))
        sheet.write_formula(row, 3, f"={'+'.join(counts)}", book.format())
    sheet.protect("")
    sheet.freeze_panes(1, 1)


def _cell(column: int, row: int) -> str:
    return f"{column_letter(column)}{row + 1}"


def _noon(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day)
