"""``budgetopt week``: the whole Friday."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from budgetopt.cli.files import answer, check_place, keep, read_history, today
from budgetopt.cli.on_ledger import CRITICAL, LedgerPath, Who, login, next_command, open_ledger
from budgetopt.cli.options import (
    AsOf,
    DataThrough,
    Form,
    FormOption,
    HistoryPath,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
)
from budgetopt.cli.reallocate import NOTHING_MOVES, PolicyOption, SeedOption
from budgetopt.market import scenario_named
from budgetopt.operation.alerts import worst
from budgetopt.operation.friday import run_week
from budgetopt.operation.state import state_of
from budgetopt.plan import Plan
from budgetopt.policies import NAMES, policy_named
from budgetopt.report.operation.week import week_json, week_page


def week(
    plan: PlanPath,
    history: HistoryPath,
    ledger: LedgerPath,
    week: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="A day of the week to decide; default: the next to begin."
        ),
    ] = None,
    policy: PolicyOption = NAMES[0],
    seed: SeedOption = 0,
    who: Who = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="One that is happening; may be repeated."),
    ] = None,
    format: FormOption = Form.table,
    out: OutPath = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the notes on plan, history and belief.")
    ] = False,
    lang: LanguageOption = Language.en,
) -> None:
    """Do the whole Friday: load, check, learn, decide, explain and record a week, on one page."""
    keep(out, plan, history, Path(ledger))
    check_place(out)
    chosen, declared, name = policy_named(policy), Plan.load(plan), login(who)
    day = today(as_of)
    happening = [_known(one, declared) for one in scenario or ()]
    past = read_history(declared, history, str(day), data_through)
    with open_ledger(ledger, create=True) as found:
        run = run_week(
            declared,
            past,
            found,
            who=name,
            today=day,
            week=week,
            policy=chosen,
            seed=seed,
            scenarios=happening,
        )
        state = state_of(found, run.week)
    following = next_command(state, plan, declared, ledger)
    if format is Form.json:
        answer(week_json(run, following), out)
    else:
        answer(week_page(run, state, declared, following, explain=explain, language=lang), out)
    if worst(run.alerts) == "critical":
        raise typer.Exit(CRITICAL)
    if not run.decision.moved:
        raise typer.Exit(NOTHING_MOVES)


def _known(name: str, plan: Plan) -> str:
    """Return the name of a scenario that a release or a table of the plan, or a preset has."""
    released = {rule.scenario for rule in plan.operation.releases}
    return name if name in released else scenario_named(name, plan).name
