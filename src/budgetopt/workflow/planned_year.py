"""The weeks that were planned ahead, as a ledger keeps them, and how far weeks have moved from it.

`record_year` records a `Schedule`; the newest one is the plan of the weeks it holds. `year_moved`
compares what was applied, and what is decided now, with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from budgetopt.horizon import Schedule
from budgetopt.i18n import Message, quoted, say
from budgetopt.ledger import Entry, Ledger
from budgetopt.money import difference_of, show_amount, total_of
from budgetopt.plan import Plan
from budgetopt.workflow.inputs import plan_record
from budgetopt.workflow.snapshot import Snapshot
from budgetopt.workflow.validation import as_money, as_text, ledger_of, named


def record_year(plan: Plan, schedule: Schedule, ledger: Ledger, *, who: str) -> Entry:
    """Record weeks planned ahead; from then on the weekly run says how far it has moved from them.

    Parameters
    ----------
    plan
        The ledger's plan.
    schedule
        The weeks; weeks that were planned before count no more.
    ledger
        Where to record them.
    who
        Who records.

    Raises
    ------
    InputError
        ``bad-argument`` for another plan than the ledger's; LedgerError as `Ledger.transaction`.
    """
    weeks = {
        str(day): as_text(spend) for day, spend in zip(schedule.weeks, schedule.spend, strict=True)
    }
    with ledger_of(ledger, plan).transaction(named(who)) as transaction:
        if transaction.latest("plan") is None:
            # The first entry says whose the ledger is.
            transaction.add("plan", plan_record(plan))
        return transaction.add("year", {"spend": weeks}, week=schedule.weeks[0])


def year_moved(plan: Plan, snapshot: Snapshot, spend: Mapping[str, Decimal]) -> tuple[Message, ...]:
    """Return how far the weeks until now have moved from those planned; nothing without a plan.

    Weeks that were applied count, and the week that is decided now.

    Parameters
    ----------
    plan
        Its channels.
    snapshot
        The ledger as this week sees it.
    spend
        What is decided for this week.
    """
    planned = snapshot.year
    weeks = {} if planned is None else planned.data["spend"]
    if planned is None or str(snapshot.week) not in weeks:
        return ()
    spent = {
        day: as_money(snapshot.weeks.data[day]["spend"])
        for day in snapshot.applied
        if day < snapshot.week and str(day) in weeks
    }
    spent[snapshot.week] = dict(spend)
    asked, got = (
        {name: total_of(each.get(name, Decimal(0)) for each in every) for name in plan.names}
        for every in ([as_money(weeks[str(day)]) for day in spent], [*spent.values()])
    )
    moved = {name: difference_of(got[name], asked[name]) for name in plan.names}
    said = say(
        "year-moved",
        on=str(planned.at.date()),
        weeks=len(spent),
        planned=show_amount(total_of(asked.values())),
        spent=show_amount(total_of(got.values())),
    )
    most = max(moved, key=lambda name: abs(moved[name]))
    if moved[most]:
        more = show_amount(abs(moved[most]))
        code = "year-moved-up" if moved[most] > 0 else "year-moved-down"
        said = say(code, moved=said, channel=quoted(most), more=more)
    return (said,)
