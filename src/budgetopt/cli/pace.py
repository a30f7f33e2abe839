"""``budgetopt pace``: are we on pace, and what do the reserves hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from budgetopt.cli.files import answer, keep, read_history, today
from budgetopt.cli.on_ledger import LedgerPath, open_ledger
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
from budgetopt.errors import InputError
from budgetopt.ledger import Ledger
from budgetopt.operation.checks import week_of
from budgetopt.operation.pacing import LOOK_BACK, actual_of
from budgetopt.operation.pacing import pace as pace_on
from budgetopt.operation.seen import Seen, see
from budgetopt.operation.state import state_of
from budgetopt.plan import Plan
from budgetopt.report.operation.ledger import as_json, standing
from budgetopt.report.operation.pace import pace_table

_WEEK = dt.timedelta(weeks=1)


def pace(
    plan: PlanPath,
    history: HistoryPath,
    ledger: LedgerPath,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormOption = Form.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Hold what is spent against the plan: of the week, the fiscal period, phase and campaign."""
    keep(out, plan, history)
    declared = Plan.load(plan)
    day = today(as_of)
    past = read_history(declared, history, str(day), data_through)
    with open_ledger(ledger) as found:
        seen = see(found, week_of(declared, day))
        planned, balances = _planned(found, declared, seen, day), seen.balances(declared)
    spent = actual_of(past.select(declared.names))
    paced = pace_on(declared, planned, spent, day)
    if format is Form.json:
        answer(as_json(paced.to_dict() | {"balances": balances.to_dict()}), out)
    else:
        answer(pace_table(paced, balances, lang), out)


def _planned(
    ledger: Ledger, plan: Plan, seen: Seen, today: dt.date
) -> dict[dt.date, Mapping[str, Any]]:
    """Return what is applied, or proposed for this week and the next and not rejected."""
    planned: dict[dt.date, Mapping[str, Any]] = dict(seen.spends_since(plan, today - LOOK_BACK))
    for week in (seen.week, seen.week + _WEEK):
        state = state_of(ledger, week)
        if state.current is not None and state.state != "rejected":
            split = standing(state).items()
            planned.setdefault(week, {name: money for name, money in split if name in plan.index})
    if not planned:
        raise InputError(
            "no-data",
            "the ledger has no week to hold spending against",
            field="ledger",
            remedy="run budgetopt week first",
        )
    return planned
