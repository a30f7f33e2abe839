"""``budgetopt learn``: what the history says of every channel's curve."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.belief import Belief, Settings
from budgetopt.belief import learn as learn_curves
from budgetopt.cli.beliefs import load_belief, refuse_gaps, save_belief
from budgetopt.cli.files import answer, keep, read_history
from budgetopt.cli.options import (
    AsOf,
    BeliefPath,
    DataThrough,
    Format,
    FormatOption,
    HistoryPath,
    PlanPath,
)
from budgetopt.plan import Plan
from budgetopt.weekly.continued import belief_for


class Resolution(StrEnum):
    """How fine the grids of the learner are."""

    full = "full"
    fast = "fast"


_SETTINGS = {Resolution.full: Settings, Resolution.fast: Settings.fast}


def learn(
    plan: PlanPath,
    history: HistoryPath,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    settings: Annotated[
        Resolution | None,
        typer.Option(help="How fine the grids are; default: full, or as in --belief."),
    ] = None,
    belief: BeliefPath = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="File that the belief is saved to.")
    ] = Path("belief.json"),
    format: FormatOption = Format.table,
) -> None:
    """Learn every channel's curve from the history, print what is believed, and save it."""
    keep(out, plan, history)
    declared = Plan.load(plan)
    chosen = None if settings is None else _SETTINGS[settings]()
    past = read_history(declared, history, as_of, data_through)
    if belief is None:
        learned = learn_curves(past, declared, settings=chosen)
    else:
        earlier = load_belief(belief)
        refuse_gaps(earlier, declared, past)
        if chosen is not None and chosen != earlier.settings:
            earlier = Belief.of(earlier.log, chosen)
        learned = belief_for(declared, past, dt.date.max, earlier)
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.belief_table(learned),
        Format.json: lambda: report.belief_json(learned),
        Format.csv: lambda: report.belief_csv(learned),
    }
    text = texts[format]()
    save_belief(learned, out, "--out")
    answer(text, None)
