"""``budgetopt experiment`` and ``tests``: what tests and pilots say, and which test to run next."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    AsOf,
    BeliefPath,
    DataThrough,
    Form,
    Format,
    FormatOption,
    FormOption,
    FormPath,
    HistoryPath,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
    answer,
    files_of,
    keep,
    no_history,
    read_history,
    respond,
)
from budgetopt.cli.decide import LearnerOption, Resolution, load_belief
from budgetopt.messages import say

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


def tests(
    plan: PlanPath,
    history: HistoryPath = None,
    belief: BeliefPath = None,
    design: Annotated[
        list[str] | None,
        typer.Option(
            "--design",
            metavar="KIND,CHANGE,WEEKS[,SHARE]",
            help="A candidate test, such as regions,-100%,4,20%; kinds: everywhere, switchback, "
            "regions, users. May be repeated. Default: six usual ones.",
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", metavar="NAME", help="A channel to test; default: all."),
    ] = None,
    weeks: Annotated[
        int, typer.Option("--weeks", metavar="N", help="Weeks in which the result is used.")
    ] = 26,
    doubt: Annotated[
        float | None,
        typer.Option(
            "--doubt",
            metavar="SHARE",
            help="How far reports may lie from what channels cause; default: 0.25.",
        ),
    ] = None,
    settings: LearnerOption = Resolution.full,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Say what tests of single channels are worth, net of their cost, and which to run first.

    Also says when none is worth it, what knowing every curve would be worth, and which limit costs
    most for lack of knowledge.
    """
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history) if history or belief is None else []
    keep(out, plan, files, belief)
    past = read_history(declared, files, as_of, data_through) if files else None
    if belief is not None:
        known = load_belief(belief)
        known = known if past is None else known.updated(past)
    elif past is not None:
        fast = bo.Settings.fast() if settings is Resolution.fast else None
        known = bo.learn(past, declared, settings=fast)
    else:
        raise no_history(declared, say("remedy-belief"))
    found = bo.value_of_tests(
        declared, known, designs=design, channels=channel, weeks=weeks, doubt=doubt
    )
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.value_table(found, lang),
        json=lambda: bo.report.as_json(found.to_dict()),
        result=found,
    )
