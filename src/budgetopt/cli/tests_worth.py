"""``budgetopt tests``: which test of a channel's money to run next, in money."""

from __future__ import annotations

from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    AsOf,
    BeliefPath,
    DataThrough,
    Format,
    FormatOption,
    HistoryPath,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
    files_of,
    keep,
    no_history,
    read_history,
    respond,
)
from budgetopt.cli.decide import Resolution, load_belief
from budgetopt.messages import say


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
    settings: Annotated[
        Resolution, typer.Option(help="Resolution of the learner.")
    ] = Resolution.full,
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
