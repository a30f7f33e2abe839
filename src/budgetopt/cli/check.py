"""``budgetopt check``: is the plan right, and does the history fit it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.cli.files import read_history
from budgetopt.cli.options import AsOf, DataThrough, PlanPath
from budgetopt.curves import Log
from budgetopt.history import History
from budgetopt.market import scenarios_of
from budgetopt.money import show_amount
from budgetopt.optimize import problem_of
from budgetopt.plan import Plan
from budgetopt.simulation import contingencies_of
from budgetopt.weekly import last_spend


def check(
    plan: PlanPath,
    history: Annotated[
        Path | None, typer.Option("--history", metavar="FILE", help="History file.")
    ] = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
) -> None:
    """Check a plan, and a history against it, without deciding anything."""
    declared = Plan.load(plan)
    # The plan keeps these tables unread: what is wrong in one is found here, not on Friday.
    scenarios_of(declared)
    contingencies_of(declared)
    past = None if history is None else read_history(declared, history, as_of, data_through)
    last = None if past is None else last_spend(declared, past.complete())
    # Curves so steep that no hurdle caps them: what is checked is what the plan alone says.
    steep = dict.fromkeys(declared.names, Log(1e30, 1.0))
    problem = problem_of(declared, steep if declared.curves is None else None, last)
    least, most = int(problem.bounds.lower.sum()), int(problem.bounds.upper.sum())
    show, count = declared.money.show, len(declared.channels)
    lines = [
        f"Plan: {count} {'channel' if count == 1 else 'channels'}, "
        f"{show_amount(declared.spendable)} {declared.currency} a week to spend, "
        f"{show_amount(declared.held)} in reserve; its limits ask for at least {show(least)} "
        f"and let in at most {show(min(most, problem.target))}."
    ]
    lines += [] if past is None else _said_of(past)
    typer.echo(report.sentences("\n".join(lines)))


def _said_of(past: History) -> list[str]:
    """Return what a history holds, in sentences."""
    kind = "an outcome for each channel" if past.outcome is not None else "one total outcome"
    count = f"{past.weeks.size} {'week' if past.weeks.size == 1 else 'weeks'}"
    span = f", {past.weeks[0]} to {past.weeks[-1]}" if past.weeks.size else ""
    return [f"History: {count}{span}, {kind}.", *(f"Note: {note}." for note in past.notes)]
