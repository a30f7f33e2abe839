"""``budgetopt reallocate``: one week's decision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.belief import Belief
from budgetopt.cli import beliefs
from budgetopt.cli.beliefs import history_of, load_belief, refuse_gaps
from budgetopt.cli.files import answer, keep, read_history
from budgetopt.cli.options import (
    AsOf,
    BeliefPath,
    DataThrough,
    Explain,
    Format,
    FormatOption,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
)
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.plan import Plan
from budgetopt.policies import NAMES, policy_named
from budgetopt.weekly import reallocate as reallocate_week
from budgetopt.weekly.continued import belief_for

NOTHING_MOVES = 5
"""Exit code where the decision moves no money."""

PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="NAME",
        help=f"One of {', '.join(NAMES)}; settings in brackets, as in thompson(10) or "
        "cautious(thompson(10), 0.5).",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the policy.")]


def reallocate(
    plan: PlanPath,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history", metavar="FILE", help="History file; default: the weeks of --belief."
        ),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of the week to decide; default: the next."),
    ] = None,
    policy: PolicyOption = NAMES[0],
    seed: SeedOption = 0,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    belief: BeliefPath = None,
    save_belief: Annotated[
        Path | None,
        typer.Option(
            "--save-belief", metavar="FILE", help="File for what was believed, new weeks included."
        ),
    ] = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
    lang: LanguageOption = Language.en,
) -> None:
    """Decide one week's split from the history, with a reason for every move."""
    keep(out, plan, history, belief)
    keep(save_belief, plan, history, option="--save-belief")
    keep(save_belief, out, option="--save-belief", what="--out")
    chosen, declared = policy_named(policy), Plan.load(plan)
    earlier = None if belief is None else load_belief(belief)
    past = _past(declared, earlier, history, as_of, data_through)
    decision = reallocate_week(declared, past, week=week, policy=chosen, seed=seed, belief=earlier)
    if save_belief is not None:
        start = decision.week.start
        learned = belief_for(declared, past.until(start), start, earlier)
        beliefs.save_belief(learned, save_belief, "--save-belief")
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.decision_table(decision, explain=explain, language=lang),
        Format.json: decision.to_json,
        Format.csv: lambda: report.decision_csv(decision),
    }
    answer(texts[format](), out)
    if not decision.moved:
        raise typer.Exit(NOTHING_MOVES)


def _past(
    plan: Plan,
    belief: Belief | None,
    history: Path | None,
    as_of: str | None,
    data_through: str | None,
) -> History:
    """Return the weeks of a file, or those that a belief was learned from."""
    if history is None:
        if belief is None:
            raise InputError(
                "bad-argument",
                "missing option '--history'",
                field="history",
                remedy="give it, or --belief",
            )
        return history_of(belief, plan)
    past = read_history(plan, history, as_of, data_through)
    if belief is not None:
        refuse_gaps(belief, plan, past)
    return past
