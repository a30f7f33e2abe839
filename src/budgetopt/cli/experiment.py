"""``budgetopt experiment``: the next day of a test, and what tests and pilots say so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import Form, FormOption, FormPath, Language, LanguageOption, answer, keep

TestPath = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Test file, .toml or .json, or only a table of its log."),
]
PilotPath = Annotated[
    Path, typer.Argument(metavar="FILE", help="Pilot file, .toml or .json, that names its log.")
]
Day = Annotated[
    str | None,
    typer.Option(
        "--day",
        metavar="DATE",
        help="Day to decide, using the data before it; default: the next day.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option("--budget", metavar="AMOUNT", help="Budget of that day; default: daily_budget."),
]


def next_day(
    file: TestPath,
    day: Day = None,
    budget: Budget = None,
    format: FormOption = Form.table,
    out: FormPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Split the next day's budget between the arms of a test."""
    keep(out, file)
    test = bo.experiments.read(file)
    chosen = None if day is None else bo.calendar.as_date(day, "--day")
    decided = _before(test, chosen).next_day(budget)
    if chosen is not None:
        decided = replace(decided, day=chosen)
    answer(decided.to_json() if format is Form.json else bo.report.next_table(decided, lang), out)


def verdict(
    file: TestPath,
    format: FormOption = Form.table,
    out: FormPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show the result so far: a winner, no difference that matters, or keep going."""
    keep(out, file)
    said = bo.experiments.read(file).verdict()
    answer(said.to_json() if format is Form.json else bo.report.verdict_table(said, lang), out)


def pilot(
    file: PilotPath,
    format: FormOption = Form.table,
    out: FormPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Say whether a pilot on 1-5% of users or regions goes on to everybody: go, stop or go on.

    Gives what the channel would bring with its range, and the lift test for the plan file.
    """
    keep(out, file)
    said = bo.experiments.read_pilot(file).verdict()
    answer(said.to_json() if format is Form.json else bo.report.pilot_table(said, lang), out)


def _before(test: bo.Experiment, day: dt.date | None) -> bo.Experiment:
    if day is None:
        return test
    return replace(test, log=tuple(row for row in test.log if row.day < day))
