"""Test files in: TOML, JSON, or the bare table of a platform.

A TOML file holds the fields of `Settings`, `arms`, `seed`, a ``[pause]`` table and either rows
(``[[log]]``) or the name of a table beside it (``log = "log.csv"``), whose columns ``[columns]``
names. A JSON file is what `Experiment.to_json` writes. A bare table (CSV, XLSX, parquet) is read
with settings that are given, its arms being those that occur. A `Pilot` is declared in the same
way, with the fields of its own. Tables are read by the readers of
`history`, so encodings, delimiters, title and totals rows are taken care of.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from budgetopt.errors import HistoryError, InputError, did_you_mean
from budgetopt.experiments import settings as plain
from budgetopt.experiments.experiment import Experiment
from budgetopt.experiments.pilot import Pilot
from budgetopt.experiments.settings import FIELDS, Observation, Settings, as_arm
from budgetopt.history import Columns, Style, Table, load, read_amounts, read_days
from budgetopt.i18n import say
from budgetopt.messages import as_message
from budgetopt.plan import load as load_plain

NAMED = ("day", "arm", *FIELDS)
DECLARED = (".toml", ".json")
READING = ("date_format", "delimiter", "decimal", "encoding", "sheet")
"""How a table is written, as in the ``[history]`` table of a plan file."""


def read(path: str | os.PathLike[str], settings: Settings | None = None) -> Experiment:
    """Read a test.

    Parameters
    ----------
    path
        A ``.toml``, ``.json``, ``.csv``, ``.txt``, ``.tsv``, ``.xlsx`` or ``.parquet`` file.
    settings
        Settings of a bare table, by default all defaults; a TOML or JSON file has its own.

    Raises
    ------
    InputError
        ``bad-file``, ``bad-plan``, ``unknown-name``, ``bad-argument``, and for the rows of a table
        ``bad-columns``, ``bad-name``, ``bad-number``, ``bad-date`` or ``bad-history``.
    """
    path = Path(path)
    if path.suffix.lower() not in DECLARED:
        rows = read_log(path, settings or Settings())
        return Experiment(_arms(rows), settings or Settings(), rows)
    if settings is not None:
        raise InputError(
            "bad-argument",
            say("file-has-settings", name=path.name),
            field="settings",
            value=path.name,
            remedy=say("remedy-set-file"),
        )
    data = load_plain(path, say("test-file"))
    columns = data.pop("columns", {})
    if not isinstance(data.get("log"), str):
        return Experiment.from_dict(data)
    # The settings say which columns the table must have.
    bare = plain.settings(data | {"log": []})
    rows = read_log(path.parent / data["log"], bare, columns)
    whole = {"arms": list(_arms(rows))} | data | {"log": [row.to_dict() for row in rows]}
    return Experiment.from_dict(whole)


def read_pilot(path: str | os.PathLike[str]) -> Pilot:
    """Read a pilot from a ``.toml`` or ``.json`` file, its log in it or in a table beside it.

    Raises
    ------
    InputError
        As `read` does; ``bad-file`` for a bare table, which says nothing of shares.
    """
    path = Path(path)
    if path.suffix.lower() not in DECLARED:
        raise InputError("bad-file", say("pilot-bare-table", name=path.name), field="file",
                         value=path.name, remedy=say("remedy-pilot-file"))  # fmt: skip
    data = load_plain(path, say("test-file"))
    columns = data.pop("columns", {})
    if not isinstance(data.get("log"), str):
        return Pilot.from_dict(data)
    # What is declared says which columns the table must have.
    bare = Pilot.from_dict(data | {"log": []})
    return bare.observe(read_log(path.parent / data["log"], bare, columns))


def read_log(
    path: str | os.PathLike[str],
    settings: Settings | Pilot,
    columns: Mapping[str, str] | None = None,
) -> tuple[Observation, ...]:
    """Read the rows of a table; one with a header alone has none.

    Parameters
    ----------
    path
        The table.
    settings
        Say which columns it must have: those of the metric and the pause rule, or the outcome of a
        pilot, with day, arm and spend.
    columns
        Column by what it holds (a name of `NAMED`), where they differ, and how the table is written
        (a name of `READING`).

    Raises
    ------
    HistoryError, CalendarError
        With the line, the field and the value.
    """
    given = dict(columns or {})
    for name in given:
        if name not in (*NAMED, *READING):
            raise InputError(
                "bad-plan",
                say("no-field-of-columns", name=repr(name)),
                field=f"columns.{name}",
                value=name,
                remedy=did_you_mean(name, (*NAMED, *READING)),
            )
    named = {name: given.pop(name, name) for name in ("day", "arm", *settings.fields)}
    # A column declared for a field that nothing needs is not looked for.
    reading: dict[str, Any] = {name: given[name] for name in READING if name in given}
    declared = {name: column for name, column in named.items() if name not in ("day", "spend")}
    # A wide history's columns are any columns: cells are handed on as they stand in the file.
    columns_ = Columns("wide", named["day"], spend=declared, outcome=named["spend"], **reading)
    try:
        table = load(path, columns_)
    except HistoryError as error:
        if error.code == "no-data":
            return ()
        raise
    return _rows(table, named, columns_)


def _rows(table: Table, named: Mapping[str, str], columns: Columns) -> tuple[Observation, ...]:
    days = read_days(table.column(named["day"]), columns.date_format)
    style = Style(columns.decimal, table.delimiter)
    amounts = {
        name: read_amounts(table.column(column), style).values
        for name, column in named.items()
        if name not in ("day", "arm")
    }
    arms, rows = table.cells[named["arm"]], []
    for at, day in enumerate(days.astype(object)):
        # What is missing is said by name, once it is known whether it is needed.
        row = {k: None if np.isnan(v[at]) else float(v[at]) for k, v in amounts.items()}
        rows.append(_row(table.where(at), day, arms[at], row))
    return tuple(rows)


def _row(where: str, day: dt.date, arm: Any, amounts: Mapping[str, float | None]) -> Observation:
    try:
        # A workbook turns an arm called 7 into a number.
        name = as_arm(arm if isinstance(arm, str) else "" if arm is None else str(arm))
        given: dict[str, Any] = dict(amounts)
        return Observation(day, name, **given)
    except HistoryError as error:
        raise HistoryError(
            error.code,
            say("field-problem", field=where, problem=error.problem),
            field=error.field,
            value=error.value,
            remedy=as_message(error.remedy),
        ) from None


def _arms(rows: Sequence[Observation]) -> tuple[str, ...]:
    """Return the arms that occur, refusing two that a reader would take for one."""
    arms = sorted({row.arm for row in rows})
    alike: dict[str, str] = {}
    for arm in arms:
        other = alike.setdefault(" ".join(arm.split()).casefold(), arm)
        if other != arm:
            raise HistoryError(
                "bad-name",
                say("arms-differ-case-spaces", other=repr(other), arm=repr(arm)),
                field="arm",
                value=arm,
                remedy=say("remedy-write-alike-list-both"),
            )
    return tuple(arms)
