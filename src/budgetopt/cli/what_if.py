"""``budgetopt what-if``: one week as planned and under changes, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    AsOf,
    BeliefPath,
    CurvesHistory,
    CurvesPath,
    CurveWeeks,
    DataThrough,
    Format,
    FormatOption,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
    WeekOption,
    curve_files,
    joined_changes,
    keep,
    model_curves,
    named,
    priced,
    respond,
)
from budgetopt.cli.decide import load_belief, past_of
from budgetopt.errors import InputError
from budgetopt.messages import say


def what_if(
    plan: PlanPath,
    history: CurvesHistory = None,
    belief: BeliefPath = None,
    curves: CurvesPath = None,
    curve_weeks: CurveWeeks = 1,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget", metavar="CHANGE", help="Another budget, such as -20%, x0.8 or 20000."
        ),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            "--price",
            metavar="[CHANNEL=]CHANGE",
            help="Higher or lower media prices, such as a=+30%.",
        ),
    ] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", metavar="CHANNEL=AMOUNT", help="Another cap of a channel."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="CHANNEL", help="A channel that gets nothing."),
    ] = None,
    demand: Annotated[
        list[str] | None,
        typer.Option("--demand", metavar="CHANGE", help="More or less demand, such as +40%."),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Put all changes in one case.")
    ] = False,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    week: WeekOption = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show one week as planned and under changes: outcome, range, return and the new split.

    Each change is its own case; without any, the cases in the plan are used.
    """
    declared = bo.Plan.load(plan)
    files = curve_files(declared, plan, history, belief or curves)
    keep(out, plan, files, belief, curves)
    changes: list[dict[str, Any]] = [
        *({"budget": change} for change in budget or ()),
        *({"price": dict([priced(text)])} for text in price or ()),
        *({"cap": dict([named("cap", text)])} for text in cap or ()),
        *({"without": [name]} for name in without or ()),
        *({"demand": change} for change in demand or ()),
    ]
    cases = _cases(declared, [joined_changes(changes)] if together and changes else changes)
    if belief is not None and curves is not None:
        raise InputError(
            "bad-argument",
            say("belief-curves-both-given"),
            field="curves",
            value=str(curves),
            remedy=say("remedy-give-one-of-them"),
        )
    learned = None if belief is None else load_belief(belief)
    past = past_of(declared, files, learned, as_of, data_through)
    known = model_curves(curves, curve_weeks) if learned is None else learned
    found = bo.what_if(declared, known, cases, history=past, week=week, progress=True)
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.what_if_table(found, lang),
        json=lambda: bo.report.what_if_json(found),
        result=found,
    )


def _cases(plan: bo.Plan, changes: Sequence[Mapping[str, Any]]) -> dict[str, bo.Change]:
    """Return cases by what they change; those of the plan where none is given."""
    found: dict[str, bo.Change] = {} if changes else bo.market.cases_of(plan)
    for parts in changes:
        change = bo.Change.from_dict(parts)
        name = change.name(plan.currency)
        if name:
            found[name] = change
    if not found:
        raise InputError(
            "bad-argument",
            say("nothing-is-asked"),
            field="budget",
            remedy=say("remedy-budget-price-cap-without"),
        )
    return found
