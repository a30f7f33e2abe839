"""What was decided in reading each file: by the plan, by the file itself, or by its columns' names.

`init` writes these sentences beside the lines of a drafted plan, and an `Import` keeps them with a
history, for ``check --report``. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import week_starts
from budgetopt.history.columns import CHOICES, Columns
from budgetopt.history.entries import Entries
from budgetopt.history.layouts import named, platform_of
from budgetopt.history.tables import SHOWN, Table
from budgetopt.i18n import Message, listed, messages_of, quoted, say, show_figure

_OF_NOTES = {
    "header-skipped-line": "header",
    "header-skipped-lines": "header",
    "header-skipped-row": "header",
    "header-skipped-rows": "header",
    "dates-day-first": "date_format",
    "dates-month-first": "date_format",
    "totals-dropped": "totals",
    "rows-filtered": "where",
    "rows-ignored": "ignore",
    "nothing-to-ignore": "ignore",
    "unmapped-left-out": "unmapped",
    "missing-cells-read-zero": "missing",
    "missing-cells-read-unknown": "missing",
    "template-weeks-open": "template",
}
"""What the notes of a file are about, by their code."""
_ROWS = ("rows-merged", "rows-in-two-files")


def is_of_reading(note: str) -> bool:
    """Whether a note says how a file was read, which changes no decision."""
    code = getattr(note, "code", "")
    if code == "of-file" and isinstance(note, Message):
        return is_of_reading(note.values["note"])
    return code in _OF_NOTES or code in _ROWS


@dataclass(frozen=True)
class Import:
    """What was decided in reading one file.

    Parameters
    ----------
    file
        Its name, empty for a data frame.
    rows
        Rows that count.
    spend, left_out
        What they spent, and what was spent on names that are no channels of the plan.
    decisions
        Pairs of what was decided, such as a field of `Columns`, and the sentence that says how.
    """

    file: str
    rows: int
    spend: float
    left_out: float
    decisions: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, with codes and values of the sentences."""
        decisions = [{"what": what, "text": str(text)} for what, text in self.decisions]
        words = messages_of(text for _, text in self.decisions)
        sums = {"rows": self.rows, "spend": self.spend, "left_out": self.left_out}
        return {"file": self.file, **sums, "decisions": decisions, "words": words}


def import_of(entries: Entries, columns: Columns) -> Import:
    """Return what was decided in reading the file of some entries."""
    table = entries.table
    with np.errstate(over="ignore"):
        spend = float(np.nansum(entries.spend))
    decided = [*_of_text(table, columns), *of_header(table.header, columns).items()]
    decided += [*_of_columns(columns), *of_days(entries.days, columns).items()]
    days = {"first": str(entries.days.min()), "last": str(entries.days.max())}
    sign = entries.currency_sign
    decided += [
        ("dates", say("import-dates", **days)),
        ("currency", say("import-currency", sign=sign) if sign else say("import-no-currency")),
    ]
    if entries.campaigns:
        counts = {"campaigns": entries.campaigns, "channels": len(entries.channels)}
        decided.append(("map", say("import-mapped", **counts)))
    notes = [note for note in entries.notes if isinstance(note, Message)]
    decided += [(_OF_NOTES[note.code], note) for note in notes if note.code in _OF_NOTES]
    there = {what for what, _ in decided}
    declared = {what: value for what, value in columns.to_dict().items() if what in CHOICES}
    decided += [
        (what, say("import-declared", value=value))
        for what, value in declared.items()
        if what not in there and what != "layout"
    ]
    if "totals" not in there:
        decided.append(("totals", say("import-no-totals")))
    if "unmapped" not in there and columns.layout == "long":
        decided.append(("unmapped", say("import-all-mapped", spend=show_figure(spend))))
    return Import(table.file, table.places.size, spend, entries.left_out, tuple(decided))


def of_header(header: Sequence[str], columns: Columns) -> dict[str, str]:
    """Return what the names of a header say beside the columns that are read."""
    platform = platform_of(header)
    layout = say("draft-platform", platform=platform) if platform else say("draft-plain-table")
    decided: dict[str, str] = {"file": layout}
    if columns.spends:
        decided["layout"] = say("draft-wide", columns=len(columns.spends))
    for role in ("week", "channel", "spend", "outcome"):
        names = list(dict.fromkeys(named(header, role)))
        others = [name for name in names if name not in columns.declared]
        if others and len(others) < len(names):
            decided[role] = say("draft-other-columns", columns=listed(map(quoted, others)))
    return decided


def of_days(days: NDArray[np.datetime64], columns: Columns) -> dict[str, str]:
    """Return what the dates of the rows show."""
    days = np.unique(days)
    if columns.rows == "weekly":
        return {"rows": say("draft-weekly", dates=days.size)}
    weeks = np.unique(week_starts(days, "monday")).size
    return {"rows": say("draft-daily", dates=days.size, weeks=weeks)}


def _of_text(table: Table, columns: Columns) -> list[tuple[str, str]]:
    """Return how the cells of a file were told apart."""
    decided: list[tuple[str, str]] = []
    if table.encoding:
        read = "import-encoding" if table.encoding == "utf-8" else "import-encoding-marked"
        how = "import-encoding-declared" if columns.encoding else read
        decided.append(("encoding", say(how, encoding=table.encoding)))
    if table.delimiter:
        mark = quoted(table.delimiter)
        decided.append(("delimiter", say("import-delimiter", mark=mark)))
    if table.sheet:
        decided.append(("sheet", say("import-sheet", sheet=quoted(table.sheet))))
    return decided


def _of_columns(columns: Columns) -> list[tuple[str, str]]:
    """Return which columns are read as what."""
    shown: dict[str, tuple[str, ...]] = {"week": (columns.week,)}
    shown |= {} if columns.spends else {"channel": (columns.channel,)}
    shown |= {"spend": columns.spend_columns, "outcome": columns.outcome_columns}
    return [
        (what, say("import-columns", columns=listed(map(quoted, names), SHOWN)))
        for what, names in shown.items()
    ]
