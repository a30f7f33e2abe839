"""The template that channel owners fill in: its columns, and how a filled-in one is told.

`exchange` writes it; here is what makes a workbook one: the words of its header, in English or in
Chinese, which are never renamed, since files with them are out there. A long template has one row
a week and channel; a wide one, for plans that know one total outcome, one row a week. Weeks before
the first and after the last that anybody has filled in are open, and left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from budgetopt.history.columns import Columns
from budgetopt.history.layouts import plain_name
from budgetopt.untrusted import from_cell

HEADER_WITHIN = 100
"""Lines in which a header is looked for; the longest preamble met so far has eight."""
Sheets = dict[str, list[list[Any]]]
"""Cells of every sheet of a workbook by its title."""


class TemplateWords(NamedTuple):
    """Words of a template's header.

    Parameters
    ----------
    week, channel, spend, outcome
        Columns of a long template. The spend may have its currency in brackets.
    total
        The last column of a wide template, one outcome of all channels.
    spent
        The column before it, where the sheet adds up what the channels spent.
    """

    week: str
    channel: str
    spend: str
    outcome: str
    total: str
    spent: str


WORDS: Mapping[str, TemplateWords] = {
    "en": TemplateWords(
        "Week from", "Channel", "Spend", "Outcome", "Total outcome", "All channels"
    ),
    "zh": TemplateWords("周起始日", "渠道", "花费", "成果", "总成果", "各渠道合计"),
}
"""Words by language."""


@dataclass(frozen=True)
class Filled:
    """A filled-in template in a workbook.

    Parameters
    ----------
    sheet
        Title of its sheet.
    above
        Rows above its header.
    header
        Cells of the header.
    columns
        What they mean.
    """

    sheet: str
    above: int
    header: list[str]
    columns: Columns

    @property
    def amounts(self) -> set[int]:
        """Positions of the columns that are filled in."""
        names = (*self.columns.spend_columns, str(self.columns.outcome))
        return {self.header.index(name) for name in names}

    def rows(
        self, cells: Sequence[Sequence[Any]]
    ) -> tuple[list[tuple[int, list[Any]]], tuple[dt.date, ...]]:
        """Return the numbered rows that count, and the weeks that nobody has filled in yet.

        A row without a date is kept, to be refused with its place, unless it is blank.
        """
        found = numbered_rows(cells, self.above, len(self.header))
        week, amounts = self.header.index(self.columns.week), self.amounts
        days = [_day(row[week]) for _, row in found]
        filled = [any(not _is_blank(row[at]) for at in amounts) for _, row in found]
        known = [day for day, some in zip(days, filled, strict=True) if some and day]
        first, last = min(known, default=dt.date.max), max(known, default=dt.date.min)

        def counts(day: dt.date | None) -> bool:
            return day is None or first <= day <= last

        kept = [row for row, day, some in zip(found, days, filled, strict=True)
                if some or counts(day)]  # fmt: skip
        return kept, tuple(sorted({day for day in days if day is not None and not counts(day)}))


def numbered_rows(
    rows: Sequence[Sequence[Any]], above: int, width: int
) -> list[tuple[int, list[Any]]]:
    """Return the filled rows under a header with their numbers, none shorter than the header."""
    return [
        (number, [*row, *[None] * (width - len(row))])
        for number, row in enumerate(rows, start=1)
        if number > above + 1 and not all(map(_is_blank, row))
    ]


def cells_of(row: Iterable[Any]) -> list[str]:
    """Return cells as the text of a header."""
    return ["" if cell is None else str(cell).strip() for cell in row]


def find_template(sheets: Sheets, like: Columns) -> Filled | None:
    """Return the template of a workbook; None where it has none, or holds declared columns.

    Parameters
    ----------
    sheets
        Cells of its sheets.
    like
        The declared columns, whose word on missing amounts and weeks counts for templates too.
    """
    found = []
    for title, rows in sheets.items():
        for above, row in enumerate(rows[:HEADER_WITHIN]):
            header = cells_of(row)
            while header and not header[-1]:
                header.pop()
            if set(like.declared) <= set(header):
                return None
            columns = next((c for words in WORDS.values() if (c := _meant(header, words))), None)
            if columns is not None:
                columns = replace(columns, missing=like.missing, gaps=like.gaps, sheet=title)
                found.append(Filled(title, above, header, columns))
                break
    return found[0] if len(found) == 1 else None


def _meant(header: list[str], words: TemplateWords) -> Columns | None:
    """Return what the columns of a header mean, None where it is not a template's."""
    if list(map(plain_name, header)) == [word.casefold() for word in words[:4]]:
        week, channel, spend, outcome = header
        return Columns(week=week, channel=channel, spend=spend, outcome=outcome)
    channels = header[1:-2]
    ends = header[:1] + header[-2:] == [words.week, words.spent, words.total]
    if not (ends and channels and all(channels) and len(set(header)) == len(header)):
        return None
    spends = {from_cell(name): name for name in channels}
    return Columns(layout="wide", week=words.week, spend=spends, outcome=words.total)


def _is_blank(cell: Any) -> bool:
    return cell is None or not str(cell).strip()


def _day(cell: Any) -> dt.date | None:
    return cell.date() if isinstance(cell, dt.datetime) else cell if type(cell) is dt.date else None
