"""``budgetopt year``: many weeks planned at once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    AsOf,
    BeliefPath,
    CurvesHistory,
    DataThrough,
    Format,
    FormatOption,
    Language,
    LanguageOption,
    OutPath,
    PlanId,
    PlanPath,
    Who,
    curve_files,
    keep,
    login,
    open_ledger,
    respond,
)
from budgetopt.cli.decide import load_belief, past_of


class By(StrEnum):
    """What one line of the answer is."""

    week = "week"
    month = "month"


class Timing(StrEnum):
    """Over which weeks money may be moved."""

    week = "week"
    month = "month"
    quarter = "quarter"
    all = "all"


def year(
    plan: PlanPath,
    history: CurvesHistory = None,
    belief: BeliefPath = None,
    weeks: Annotated[
        int, typer.Option("--weeks", metavar="N", help="How many weeks to plan.")
    ] = 52,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="DATE", help="Day of the first week; default: the next."),
    ] = None,
    timing: Annotated[
        Timing, typer.Option("--timing", help="Over which weeks money may be moved.")
    ] = Timing.week,
    by: Annotated[By, typer.Option("--by", help="What one line of the table is.")] = By.month,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="FILE",
            help="Ledger to record the weeks in: the weekly run says how far it moved from them.",
        ),
    ] = None,
    plan_id: PlanId = None,
    who: Who = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Plan many weeks at once, with what each week's money does in later weeks.

    Every week keeps the plan's limits, and from week to week the change limits. A year that cannot
    be kept is refused now, with the first week that cannot be kept.
    """
    declared = bo.Plan.load(plan)
    files = curve_files(declared, plan, history, belief)
    keep(out, plan, files, belief)
    curves = None if belief is None else load_belief(belief)
    past = past_of(declared, files, curves, as_of, data_through)
    found = bo.plan_weeks(declared, curves, weeks, history=past, start=start, timing=timing.value)
    if ledger is not None:
        with open_ledger(ledger, plan_id, create=True) as kept:
            bo.workflow.record_year(declared, found, kept, who=login(who))
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.year_table(declared, found, by, lang),
        json=lambda: bo.report.as_json(found.to_dict()),
        result=found,
        plan=declared,
    )
