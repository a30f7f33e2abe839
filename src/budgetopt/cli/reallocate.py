"""``budgetopt reallocate``: one week's decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.cli.files import answer, keep, read_history
from budgetopt.cli.options import (
    AsOf,
    DataThrough,
    Explain,
    Format,
    FormatOption,
    HistoryPath,
    OutPath,
    PlanPath,
)
from budgetopt.plan import Plan
from budgetopt.policies import NAMES, policy_named
from budgetopt.weekly import reallocate as reallocate_week

NOTHING_MOVES = 5


def reallocate(
    plan: PlanPath,
    history: HistoryPath,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of the week to decide; default: the next."),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(NAMES)}; settings in brackets, as in thompson(10) or "
            "cautious(thompson(10), 0.5).",
        ),
    ] = NAMES[0],
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the policy.")] = 0,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
) -> None:
    """Decide one week's split from the history, with a reason for every move."""
    keep(out, plan, history)
    chosen, declared = policy_named(policy), Plan.load(plan)
    past = read_history(declared, history, as_of, data_through)
    decision = reallocate_week(declared, past, week=week, policy=chosen, seed=seed)
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.decision_table(decision, explain=explain),
        Format.json: decision.to_json,
        Format.csv: lambda: report.decision_csv(decision),
    }
    answer(texts[format](), out)
    if not decision.moved:
        raise typer.Exit(NOTHING_MOVES)
