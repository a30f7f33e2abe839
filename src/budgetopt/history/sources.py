"""Several files as one history: which files, whose columns each has, and what two files both say.

Rows of one kind (daily or weekly, with the same meaning of what is missing) are put together row by
row: a date and channel that two files have is compared, never added, so that an export which
overlaps the last one counts once and a revised one is refused with both lines. Files of different
kinds are put together by channel: a channel is read from one kind, and what one kind does not reach
to is unknown.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import os
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.calendar import as_date
from budgetopt.history.assemble import WEEK, Weekly, assemble, collapse
from budgetopt.history.cells import refuse, same_currency
from budgetopt.history.columns import Columns, Reading
from budgetopt.history.entries import LAST_DAY, Entries, read_entries
from budgetopt.history.files import is_template
from budgetopt.history.imports import Import, import_of
from budgetopt.history.tables import SHOWN, Table
from budgetopt.i18n import Message, listed, quoted, say
from budgetopt.money import currencies_of
from budgetopt.untrusted import is_safe

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
MOST_FILES = 1_000
"""Files of one history."""


def files_of(paths: Paths, columns: Columns) -> list[tuple[Path, Columns]]:
    """Return every file with its columns.

    Patterns stand for the files that they fit, by name, and a folder for the files in it that the
    sources name. Sources that no file is of would leave their channels without a past, and new: the
    files of every source are wanted, one or more of them where it is a pattern.

    Raises
    ------
    HistoryError
        ``bad-argument`` for a pattern without files, a file given twice, one that no source or
        more than one fits, and a source without a file.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    found: list[Path] = []
    for one in given:
        path = Path(one)
        if any(mark in path.name for mark in "*?[") and "\0" not in str(one) and not path.exists():
            fits = sorted(p for p in path.parent.glob(path.name) if p.is_file())
            if not fits:
                _refuse(str(one), say("pattern-no-file"), say("remedy-check-path"))
            found += fits
        elif columns.sources and "\0" not in str(one) and path.is_dir():
            found += named_files(path, columns)
        else:
            found.append(path)
    if not found or len(found) > MOST_FILES:
        problem = say("files-too-many" if found else "files-none")
        _refuse(str(len(found)), problem, say("remedy-files", most_files=f"{MOST_FILES:,}"))
    # A name that no file can have is refused when it is opened.
    whole = [path if "\0" in str(path) else path.resolve() for path in found]
    for at, path in enumerate(whole):
        if path in whole[:at]:
            _refuse(str(found[at]), say("given-twice"), say("remedy-file-once"))
    made = [(path, _columns_of(path, columns)) for path in found]
    _check_sources([of for _, of in made], columns)
    return made


def named_files(folder: Path, columns: Columns) -> list[Path]:
    """Return the files in a folder that the sources of a plan name, in their order."""
    there = sorted(path for path in folder.iterdir() if path.is_file()) if columns.sources else []
    names = [one.file or "" for one in columns.sources]
    fits = (path for name in names for path in there if fnmatch.fnmatchcase(path.name, name))
    return list(dict.fromkeys(fits))


def _check_sources(used: Sequence[Columns], columns: Columns) -> None:
    """Refuse files of some sources only; a template that was filled in stands for all of them."""
    if any(of not in columns.sources for of in used):
        return
    missing = source_names([one for one in columns.sources if one not in used])
    if missing:
        options = " ".join(f"--history {shlex.quote(name)}" for name in missing)
        refuse(
            "bad-argument",
            say("source-not-given", files=listed(map(quoted, missing), SHOWN)),
            "history",
            missing[0],
            say("remedy-add-source", files=options),
        )


def source_names(sources: Iterable[Columns]) -> list[str]:
    """Return the names of the files that sources are of, as they were before `glob.escape`."""
    return [re.sub(r"\[([*?[])\]", r"\1", one.file or "") for one in sources]


def _columns_of(path: Path, columns: Columns) -> Columns:
    """Return the columns of the one source that a file is of."""
    if not columns.sources:
        return columns
    fits = [one for one in columns.sources if fnmatch.fnmatchcase(path.name, one.file or "")]
    if not fits and is_template(path, columns):
        return replace(columns, sources=())
    if len(fits) != 1:
        names = ", ".join(repr(one.file) for one in columns.sources)
        problem = say("more-than-source") if fits else say("no-source", names=names)
        _refuse(str(path), problem, say("remedy-name-file-history"))
    return fits[0]


def _refuse(value: str, problem: Message, remedy: Message) -> NoReturn:
    said = say("history-path-wrong", value=repr(value), problem=problem)
    refuse("bad-argument", said, "history", value, remedy)


class Group(NamedTuple):
    """Files of one kind, put together row by row."""

    columns: Columns
    entries: Entries
    weekly: Weekly
    imports: tuple[Import, ...] = ()


def read_group(
    tables: Iterable[tuple[Table, Columns]], reading: Reading, several: bool = False
) -> Group:
    """Return the weeks of several files as if they were one."""
    groups: dict[tuple[object, ...], list[tuple[Entries, Columns]]] = {}
    imports = []
    for table, columns in tables:
        columns = table.columns or columns
        entries = read_entries(replace(table, one_of_many=several), columns, reading)
        imports.append(import_of(entries, columns))
        if several:
            file = table.file if is_safe(table.file) else ascii(table.file)
            notes = [say("of-file", file=file, note=note) for note in entries.notes]
            entries = replace(entries, notes=tuple(notes))
        kind = (columns.rows, columns.missing, columns.absent, columns.gaps, entries.total is None)
        groups.setdefault(kind, []).append((entries, columns))
    made = []
    for parts in groups.values():
        columns, entries = parts[0][1], parts[0][0]
        if len(parts) > 1:
            entries = _merged([collapse(e, c, reading.week_start) for e, c in parts])
            columns = replace(columns, repeats="refuse", sources=())
        made.append(Group(columns, entries, assemble(entries, columns, reading)))
    whole = made[0] if len(made) == 1 else _joined(made)
    return whole._replace(imports=tuple(imports))


def _merged(parts: Sequence[Entries]) -> Entries:
    """Return the entries of several files; what two of them have must be the same."""
    channels = tuple(sorted({name for part in parts for name in part.channels}))
    position = {name: at for at, name in enumerate(channels)}
    codes = [np.array([position[n] for n in part.channels])[part.codes] for part in parts]
    days = np.concatenate([part.days for part in parts])
    key = days.astype(np.int64) * len(channels) + np.concatenate(codes)
    spend = np.concatenate([part.spend for part in parts])
    outcomes = [part.outcome for part in parts if part.outcome is not None]
    outcome = np.concatenate(outcomes) if outcomes else None
    file = np.repeat(np.arange(len(parts)), [part.days.size for part in parts])
    start = np.cumsum([0, *(part.days.size for part in parts)])

    def where(entry: int) -> str:
        at = int(file[entry])
        return parts[at].where(entry - int(start[at]))

    keep, again = _once(key, {"spend": spend, "outcome": outcome}, where)
    total, controls, total_again = _merged_totals(parts)
    notes = [note for part in parts for note in part.notes]
    if again + total_again:
        notes.append(say("rows-in-two-files", rows=again + total_again))
    return Entries(
        # Whatever is refused from here on is named by its date and channel.
        Table({}, np.zeros(key.size, np.int64), np.zeros(key.size, bool), file="the files"),
        channels,
        days[keep],
        np.concatenate(codes)[keep],
        np.arange(key.size)[keep],
        spend[keep],
        None if outcome is None else outcome[keep],
        total,
        tuple(notes),
        _one_sign(parts),
        np.unique(np.concatenate([p.dates if p.dates.size else p.days for p in parts])),
        controls=controls,
    )


def _once(
    key: NDArray[np.int64], amounts: dict[str, Floats | None], where: Callable[[int], str]
) -> tuple[NDArray[np.int64], int]:
    """Return the first of every key, and how many others say the same; refuse what differs."""
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(np.diff(key[order]) == 0) + 1
    for name, values in amounts.items():
        if values is None:
            continue
        one, other = values[order[again - 1]], values[order[again]]
        differ = np.flatnonzero((one != other) & ~(np.isnan(one) & np.isnan(other)))
        for at in differ[:1]:
            rows = int(order[again[at] - 1]), int(order[again[at]])
            problem = say(
                "rows-differ",
                rows=where(rows[0]),
                rows_2=where(rows[1]),
                name={"spend": say("spend"), "outcome": say("outcome")}.get(name, name),
                one=f"{one[at]:g}",
                other=f"{other[at]:g}",
            )
            remedy = say("remedy-leave-out-older-file")
            refuse("bad-history", problem, name, float(other[at]), remedy)
    keep = np.ones(key.size, dtype=bool)
    keep[order[again]] = False
    return np.flatnonzero(keep), int(again.size)


def _merged_totals(
    parts: Sequence[Entries],
) -> tuple[tuple[NDArray[np.datetime64], Floats] | None, dict[str, Floats], int]:
    """Return total outcomes and controls by date of several files, and how many are in two."""
    totals = [(part, *part.total) for part in parts if part.total is not None]
    if not totals:
        return None, {}, 0
    days = np.concatenate([day for _, day, _ in totals])
    values = np.concatenate([value for _, _, value in totals])
    files = [part.table for part, day, _ in totals for _ in day]
    rows = [row for _, day, _ in totals for row in range(day.size)]

    def where(entry: int) -> str:
        return say("place-on-day", place=files[entry].where(rows[entry]), day=days[entry])

    names = {name for part, _, _ in totals for name in part.controls}
    # A file that lacks a control leaves it unknown, which the history refuses by its week.
    controls = {
        name: np.concatenate(
            [p.controls.get(name, np.full(day.size, np.nan)) for p, day, _ in totals]
        )
        for name in sorted(names)
    }
    keep, again = _once(days.astype(np.int64), {"outcome": values, **controls}, where)
    return (days[keep], values[keep]), {name: c[keep] for name, c in controls.items()}, again


def _joined(groups: Sequence[Group]) -> Group:
    """Return files of different kinds as one: each channel from one of them, weeks from all."""
    outcomes = _outcomes_of(groups)
    first = min(group.weekly.weeks[0] for group in groups)
    last = max(group.weekly.weeks[-1] for group in groups)
    weeks = np.arange(first, last + WEEK, WEEK)
    before = [int((group.weekly.weeks[0] - first) // WEEK) for group in groups]
    pads = [
        (at, weeks.size - at - group.weekly.weeks.size)
        for at, group in zip(before, groups, strict=True)
    ]
    ends = [_end(group.weekly) for group in groups]
    partial = np.asarray(weeks + LAST_DAY > np.datetime64(min(ends), "D"))
    for group, pad in zip(groups, pads, strict=True):
        partial |= np.pad(group.weekly.partial, pad)

    def beside(arrays: Iterable[Floats]) -> Floats:
        padded = [_padded(array, pad) for array, pad in zip(arrays, pads, strict=True)]
        return np.concatenate(padded, axis=-1)

    joined = Weekly(
        weeks,
        beside(group.weekly.spend for group in groups),
        beside(outcomes),
        None,
        partial,
        _notes_of(groups, pads, ends),
        None if all(group.weekly.through is None for group in groups) else min(ends),
        beside(_daily(group.weekly) for group in groups),
    )
    channels = tuple(name for group in groups for name in group.entries.channels)
    sign = _one_sign([group.entries for group in groups])
    whole = replace(groups[0].entries, channels=channels, currency_sign=sign)
    return Group(groups[0].columns, whole, joined)


def _outcomes_of(groups: Sequence[Group]) -> list[Floats]:
    """Return the outcomes of each kind; refuse a total, and a channel that two kinds have."""
    problem: Message | None = None
    value, outcomes = "", []
    kind_of: dict[str, int] = {}
    for kind, group in enumerate(groups):
        for name in group.entries.channels:
            if kind_of.setdefault(name, kind) != kind:
                problem, value = say("channel-files-read", name=repr(name)), name
        if group.weekly.outcome is None:
            problem, value = say("total-outcome-stands"), "outcome"
        else:
            outcomes.append(group.weekly.outcome)
    if problem:
        refuse("bad-history", problem, "history.sources", value, say("remedy-declare-rows-missing"))
    return outcomes


def _notes_of(
    groups: Sequence[Group], pads: Sequence[tuple[int, int]], ends: Sequence[dt.date]
) -> tuple[str, ...]:
    """Return what was noted of each kind, and of weeks that some do not reach to."""
    notes = [note for group in groups for note in group.weekly.notes]
    for group, pad in zip(groups, pads, strict=True):
        if any(pad):
            names = listed(group.entries.channels, SHOWN)
            notes.append(say("weeks-of-other-files", channels=names, weeks=sum(pad)))
    if len(set(ends)) > 1:
        notes.append(say("files-end-apart", day=min(ends), last=max(ends)))
    return tuple(notes)


def _one_sign(parts: Sequence[Entries]) -> str:
    """Return the currency that files carry; refuse two."""
    signs = {part.currency_sign for part in parts if part.currency_sign}
    for one in sorted(signs):
        for other in sorted(signs):
            if not same_currency(one, other):
                problem = say(
                    "files-different-currencies", repr=", ".join(map(repr, sorted(signs)))
                )
                remedy = say("remedy-currency-amounts-never-converted")
                refuse("bad-money", problem, "currency", one, remedy)
    # What says most: a sign may stand for several currencies.
    return min(sorted(signs), key=lambda sign: len(currencies_of(sign)), default="")


def _daily(made: Weekly) -> Floats:
    """Return money by day, unknown where rows are weekly."""
    if made.daily is not None:
        return made.daily
    return np.full((made.weeks.size, 7, made.spend.shape[1]), np.nan)


def _end(made: Weekly) -> dt.date:
    """Return the last day that a kind of files speaks of."""
    if made.through is not None:
        return made.through
    whole = np.flatnonzero(~made.partial)
    return as_date(made.weeks[whole[-1] if whole.size else 0] + LAST_DAY, "weeks")


def _padded(array: Floats, pad: tuple[int, int]) -> Floats:
    """Return an array by week with so many unknown weeks before and after it."""
    return np.pad(array, [pad, *[(0, 0)] * (array.ndim - 1)], constant_values=np.nan)
