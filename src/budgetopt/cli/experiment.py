"""``budgetopt experiment``: the next day of a test of creatives, and what it says so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.calendar import as_date
from budgetopt.cli.files import answer, keep
from budgetopt.cli.options import Form, FormOption, OutPath
from budgetopt.experiments import Experiment
from budgetopt.experiments.files import read

TestPath = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Test file, .toml or .json, or a bare table of its log."),
]
Day = Annotated[
    str | None,
    typer.Option(
        "--day", metavar="DATE", help="Day to decide, from the days before; default: the next."
    ),
]
Budget = Annotated[
    str | None,
    typer.Option("--budget", metavar="AMOUNT", help="Money of that day; default: daily_budget."),
]


def next_day(
    file: TestPath,
    day: Day = None,
    budget: Budget = None,
    format: FormOption = Form.table,
    out: OutPath = None,
) -> None:
    """Say what every arm gets on the next day."""
    keep(out, file)
    test = read(file)
    chosen = None if day is None else as_date(day, "--day")
    decided = _before(test, chosen).next_day(budget)
    if chosen is not None:
        decided = replace(decided, day=chosen)
    answer(decided.to_json() if format is Form.json else report.next_table(decided), out)


def verdict(file: TestPath, format: FormOption = Form.table, out: OutPath = None) -> None:
    """Say what a test shows so far: a winner, no difference that matters, or keep going."""
    keep(out, file)
    said = read(file).verdict()
    answer(said.to_json() if format is Form.json else report.verdict_table(said), out)


def _before(test: Experiment, day: dt.date | None) -> Experiment:
    if day is None:
        return test
    return replace(test, log=tuple(row for row in test.log if row.day < day))
