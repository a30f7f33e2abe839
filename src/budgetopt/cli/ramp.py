"""``budgetopt ramp``: the weekly steps to the optimum under the change limits."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

import typer

from budgetopt.belief import learn
from budgetopt.calendar import Week
from budgetopt.cli.files import answer, keep, read_history, today
from budgetopt.cli.on_ledger import open_ledger
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
from budgetopt.operation.checks import next_week, week_of
from budgetopt.operation.ramp import ramp as ramp_to
from budgetopt.operation.seen import see
from budgetopt.plan import Plan
from budgetopt.report.operation.ledger import as_json
from budgetopt.report.operation.ramp import ramp_table
from budgetopt.weekly import last_spend


def ramp(
    plan: PlanPath,
    history: HistoryPath,
    ledger: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Count from what it says was applied last."),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Take the plan as it is in the week of this day."),
    ] = None,
    weeks: Annotated[
        int | None, typer.Option(metavar="N", help="Weeks counted; default: until it arrives.")
    ] = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormOption = Form.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show the way to the optimum, week by week, and what a faster way would bring."""
    keep(out, plan, history)
    declared = Plan.load(plan)
    day = today(as_of)
    past = read_history(declared, history, str(day), data_through)
    past = past.select(declared.names).complete()
    start = next_week(declared, day) if week is None else week_of(declared, week)
    dated = declared if week is None else declared.on(Week(start))
    last = _applied(ledger, start) or last_spend(declared, past)
    found = ramp_to(dated, learn(past, declared), last, weeks)
    if format is Form.json:
        answer(as_json(found.to_dict()), out)
    else:
        answer(ramp_table(found, last, lang), out)


def _applied(where: str | None, before: dt.date) -> dict[str, Decimal]:
    """Return the spends applied last by a ledger; none without a ledger, or such a week in it."""
    if where is None:
        return {}
    with open_ledger(where) as ledger:
        found = see(ledger, before).last
    return {} if found is None else found[1]
