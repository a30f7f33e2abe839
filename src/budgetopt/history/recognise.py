"""A file nobody declared: its layout, columns, encoding, dates and rows, each with the reason.

`recognise` reads a file by the names that platforms give their columns (`layouts`), and decides
only what the file shows: every decision is kept beside its field, for a draft to write down. What
the file leaves open, such as day-first dates without a day above 12, is refused as in any reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import DAYS, as_date
from budgetopt.errors import BudgetoptError
from budgetopt.history.cells import refuse, rough
from budgetopt.history.columns import Columns
from budgetopt.history.dates import read_spans
from budgetopt.history.files import (
    READERS,
    load,
    parquet_frame,
    read_file,
    read_sheets,
    sheet_rows,
)
from budgetopt.history.history import History
from budgetopt.history.imports import of_days, of_header
from budgetopt.history.layouts import first_named, plain_name, platform_of, roles_of
from budgetopt.history.mapping import MapRule
from budgetopt.history.tables import SHOWN, Plain, bad_file, style_of
from budgetopt.history.texts import find_encoding, likelihood
from budgetopt.i18n import listed, quoted, say

_WIDE = re.compile(r"(.+?)[_ ](?:s|spend|cost|costs|消耗|花费|消费)", re.IGNORECASE)
_CAMPAIGNS = frozenset({"channel", "渠道", "session default channel group"})
_ROLES = {
    "week": say("role-date"),
    "channel": say("channel"),
    "spend": say("spend"),
    "outcome": say("outcome"),
}
"""What a role is called, which is also a name that a column of it may have."""
ANSWERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "bad-number": (
        ("missing", "zero", say("draft-missing")),
        ("decimal", ",", say("draft-decimal")),
    ),
    "bad-history": (
        ("repeats", "sum", say("draft-repeats")),
        ("gaps", "unknown", say("draft-gaps")),
        ("absent", "zero", say("draft-absent")),
    ),
}
"""What may be declared where a file is refused, by the code of the error, in the order tried."""


@dataclass(frozen=True)
class Recognised:
    """The columns of one file, and why.

    Parameters
    ----------
    path
        The file.
    columns
        Its columns, `Columns.file` being its name.
    platform
        Whose layout it has; empty where none is known.
    week_start
        Day on which its weeks start.
    reasons
        What was decided of a field, by its name.
    """

    path: Path
    columns: Columns
    platform: str = ""
    week_start: str = "monday"
    reasons: dict[str, str] = field(default_factory=dict)


def recognise(path: str | Path) -> Recognised:
    """Return the columns of a file by their names.

    Raises
    ------
    HistoryError
        ``bad-columns`` where it has no known columns of date, spend and outcome; else as
        `History.read`.
    CalendarError
        ``bad-date``.
    """
    path = Path(path)
    header, how = _find_header(path)
    found = _by_name(path, header)
    columns = replace(found.columns, **how, file=escape(path.name))
    reasons = dict(found.reasons)
    if "encoding" in how:
        reasons["encoding"] = say("draft-encoding")
    return _settled(replace(found, columns=columns, reasons=reasons))


def _find_header(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the header of a file, and the encoding or sheet that it was found by."""
    data = read_file(path)
    if path.suffix.lower() == ".xlsx":
        sheets = read_sheets(path, data)
        of_sheets = [(_score(row), title, row) for title, _, row in sheet_rows(sheets)]
        best, title, row = max(of_sheets, key=likelihood, default=(0, "", []))
        titles = {other for score, other, _ in of_sheets if score and score == best}
        if len(titles) > 1:
            names = ", ".join(map(repr, sorted(titles)))
            bad_file(path, say("ambiguous-sheets-look", names=names), say("remedy-leave-sheet"))
        return row, {"sheet": title} if len(sheets) > 1 else {}
    if path.suffix.lower() == ".parquet":
        return list(map(str, parquet_frame(path, data).columns)), {}
    row, encoding = find_encoding(path, data, _score)
    return row, {} if encoding is None else {"encoding": encoding}


def _score(header: Sequence[str]) -> int:
    """Return how much a row looks like a header: known names of date, spend and outcome, others."""
    roles = roles_of(header)
    wide = "week" in roles and len(_wide_spends(header)) > 1
    main = 2 * len(roles & {"week", "spend", "outcome", "channel"}) + 2 * wide
    return main if "week" in roles and ("spend" in roles or wide) else 0


def _wide_spends(header: Sequence[str]) -> dict[str, str]:
    """Return columns of spend by channel, as ``tv_S`` or ``TV spend``."""
    found = {column: _WIDE.fullmatch(column) for column in header}
    return {match[1]: column for column, match in found.items() if match}


def _by_name(path: Path, header: list[str]) -> Recognised:
    """Return the columns that the names of a header say."""
    roles = ("week", "channel", "spend", "outcome")
    chosen = {role: name for role in roles if (name := first_named(header, role))}
    wide = _wide_spends(header)
    is_wide = len(wide) > 1 and not ("channel" in chosen and "spend" in chosen)
    needed = ["week", "outcome", *([] if is_wide else ["channel", "spend"])]
    if not is_wide and set(needed) - set(chosen) == {"channel"}:
        return _one_channel(path, header, chosen)
    for role in needed:
        if role not in chosen:
            _no_column(path, role, header, wide=role == "channel" and "spend" not in chosen)
    platform = platform_of(header)
    if is_wide:
        columns = Columns(layout="wide", week=chosen["week"], spend=wide, outcome=chosen["outcome"])
        return Recognised(path, columns, platform, reasons=of_header(header, columns))
    columns = Columns.from_dict(chosen)
    reasons = of_header(header, columns)
    if re.search(r"end(?:ing)?$|结束|截止", plain_name(chosen["week"])):
        columns = replace(columns, week_is="end")
        reasons["week_is"] = say("draft-week-end")
    return Recognised(path, columns, platform, reasons=reasons)


def _one_channel(path: Path, header: list[str], chosen: Mapping[str, str]) -> Recognised:
    """Return the columns of a file without a channel: it is one, called as its platform or itself.

    That is so where no date has several rows, which `_settled` looks at.
    """
    platform = platform_of(header)
    name = platform or path.stem
    columns = Columns(
        layout="wide",
        week=chosen["week"],
        spend={name: chosen["spend"]},
        outcome={name: chosen["outcome"]},
    )
    reasons = of_header(header, columns) | {"layout": say("draft-one-channel", channel=name)}
    return Recognised(path, columns, platform, reasons=reasons)


def _no_column(path: Path, role: str, header: Sequence[str], *, wide: bool = False) -> NoReturn:
    there = listed((quoted(name) for name in header if name), 2 * SHOWN)
    problem = say("no-column-known", name=path.name, role=_ROLES[role], there=there)
    remedy = say("remedy-rename-declare-plan", role=_ROLES[role])
    remedy = say("remedy-rename-or-wide") if wide else remedy
    refuse("bad-columns", problem, role, header[:20], remedy)


def _settled(found: Recognised) -> Recognised:
    """Decide what the rows show: daily or weekly, the decimal sign, repeats, what is absent."""
    columns, reasons, start = found.columns, dict(found.reasons), "monday"
    table = load(found.path, columns)
    spans = read_spans(table.column(columns.week), columns.date_format)
    days = np.unique(spans.first)
    if len(columns.spends) == 1 and days.size < spans.first.size:
        _no_column(found.path, "channel", table.header)
    weekly = days.size > 1 and not (np.diff(days).astype(np.int64) % 7).any()
    if weekly:
        day = as_date(days[0], columns.week)
        offset = 1 if columns.week_is == "end" else 0
        start = DAYS[(day.weekday() + offset) % 7]
        reasons["week_start"] = say("draft-week-start", day=start)
    else:
        columns = replace(columns, rows="daily", week_is="start")
    reasons |= of_days(days, columns)
    found = replace(found, columns=columns, week_start=start, reasons=reasons)
    # Only what stops the reading is declared, each with its reason.
    read = _read(found)
    while isinstance(read, BudgetoptError):
        for name, value, reason in ANSWERS.get(read.code, ()):
            if name == "repeats":
                copies = _pasted(found)
                reason = say("draft-repeats-equal", rows=copies) if copies else reason
            columns = Columns.from_dict(found.columns.to_dict() | {name: value})
            tried = replace(found, columns=columns, reasons=found.reasons | {name: reason})
            after = _read(tried)
            if columns != found.columns and _differ(read, after):
                found, read = tried, after
                break
        else:
            raise read
    if read.partial.all() and read.weeks.size > 1 and found.columns.rows == "daily":
        # Every week lacks days, such as weekends: they are no days that are still to come.
        reasons = found.reasons | {"absent": say("draft-absent")}
        found = replace(found, columns=replace(found.columns, absent="zero"), reasons=reasons)
    return found


def _pasted(found: Recognised) -> int:
    """Return how many rows equal another in every column of the file; refuse them as all repeats.

    Where rows of one date and channel differ they are parts, such as campaigns, and to be added up.
    Rows without an amount are left out: it is nothing to add them.
    """
    columns, path = found.columns, found.path
    wanted = Plain(columns.declared, columns.encoding, columns.delimiter, columns.sheet)
    table = READERS[path.suffix.lower()](path, read_file(path), wanted)
    style = style_of(table, columns)
    amounts = np.array([rough(table.cells[name], style) for name in columns.amounts])
    table = table.take(~table.labels & (np.nan_to_num(amounts) != 0).any(axis=0))
    table = replace(table, file=path.name, one_of_many=True)

    def firsts(names: Iterable[str]) -> NDArray[np.intp]:
        """Return the first row of each that differs in some columns, by row."""
        codes = np.array([table.cells[name].at for name in names])
        _, first, at = np.unique(codes, axis=1, return_index=True, return_inverse=True)
        return np.asarray(first[at.ravel()])

    rows, first = np.arange(table.places.size), firsts(table.cells)
    pasted = np.flatnonzero(first != rows)
    keys = [columns.week, *(() if columns.spends else (columns.channel,))]
    if pasted.size and np.array_equal(firsts(keys), first):
        again, one = (table.where(int(row)) for row in (pasted[0], first[pasted[0]]))
        problem = say("row-repeats-row", again=again, rows=one)
        refuse("bad-history", problem, "history.repeats", again, say("remedy-remove-or-sum"))
    return int(pasted.size)


def _read(found: Recognised) -> History | BudgetoptError:
    try:
        return History.read(found.path, found.columns, week_start=found.week_start)
    except BudgetoptError as error:
        return error


def _differ(error: BudgetoptError, after: History | BudgetoptError) -> bool:
    """Whether a declaration has settled what an error is about."""
    if isinstance(after, History):
        return True
    return (error.code, error.field, str(error)) != (after.code, after.field, str(after))


def together(files: Sequence[Recognised]) -> Columns:
    """Return the columns of several files as one history.

    Campaigns of a known platform are mapped to the platform, one channel a file's layout; what one
    file stands for by itself stays as it is.
    """
    if len(files) == 1:
        return replace(files[0].columns, file=None)
    starts = {one.week_start for one in files if one.columns.rows == "weekly"}
    if len(starts) > 1:
        problem = say("files-start-weeks", starts=" and ".join(sorted(starts)))
        remedy = say("remedy-export-weeks-start-day")
        refuse("bad-history", problem, "week_start", sorted(starts)[0], remedy)
    rules = tuple(
        MapRule(channel=one.platform, file=escape(one.path.name))
        for one in files
        if one.platform
        and not one.columns.spends
        and plain_name(one.columns.channel) not in _CAMPAIGNS
    )
    sources = tuple(
        one.columns if one.columns.spends else replace(one.columns, map=rules) for one in files
    )
    return replace(Columns(), map=rules, sources=sources)
