"""``budgetopt frontier``: what other budgets would bring."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from budgetopt import report
from budgetopt.belief import learn
from budgetopt.cli.files import answer, keep, read_history
from budgetopt.cli.options import (
    AsOf,
    DataThrough,
    Format,
    FormatOption,
    MethodOption,
    OutPath,
    PlanPath,
    TimeLimit,
)
from budgetopt.optimize import METHODS, TIME_LIMIT, Method
from budgetopt.optimize.frontier import frontier as trace_frontier
from budgetopt.plan import Plan
from budgetopt.weekly import last_spend


def frontier(
    plan: PlanPath,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history", metavar="FILE", help="Learn the curves from this; default: the plan's own."
        ),
    ] = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    method: MethodOption = METHODS[0],
    time_limit: TimeLimit = TIME_LIMIT,
    format: FormatOption = Format.table,
    out: OutPath = None,
) -> None:
    """Show what less or more budget would bring, and where the last unit earns itself back."""
    keep(out, plan, history)
    declared, belief, last = Plan.load(plan), None, None
    if history is not None:
        past = read_history(declared, history, as_of, data_through)
        past = past.select(declared.names).complete()
        belief, last = learn(past, declared), last_spend(declared, past)
    line = trace_frontier(
        declared, belief, last=last, method=cast(Method, method), time_limit=time_limit
    )
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.frontier_table(line),
        Format.json: lambda: json.dumps(line.to_dict(), ensure_ascii=False, allow_nan=False),
        Format.csv: lambda: line.to_frame().to_csv(index=False, lineterminator="\n"),
    }
    answer(texts[format](), out)
