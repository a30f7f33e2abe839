"""Money that leaves the contingency reserve, by rule or by hand, as the ledger keeps it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from budgetopt.calendar import as_date
from budgetopt.errors import InputError
from budgetopt.ledger import Ledger, Transaction
from budgetopt.operation.checks import named, next_week, reason, week_of
from budgetopt.operation.reserve import Answered, Balances, Due, Movement, release_by_hand
from budgetopt.operation.seen import overspend_key, see
from budgetopt.plan import Plan
from budgetopt.words import templates_of


def release(
    ledger: Ledger,
    plan: Plan,
    amount: Any,
    *,
    who: str,
    why: str,
    today: dt.date | str,
    week: dt.date | str | None = None,
) -> Balances:
    """Release contingency by hand: the money may be spent in one week.

    The week is to be run after this, or again: it is then a new revision.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan
        Its reserve.
    amount
        Money, at most the balance.
    who, why
        Who releases it, and why.
    today
        The day on which this is done.
    week
        A day of the week that may spend it; by default of the next that has not begun.

    Returns
    -------
    Balances
        What is left.

    Raises
    ------
    InputError
        ``wrong-state`` where the week is applied already; ``bad-argument`` for more than there is,
        or without a name or reason.
    MoneyError
        ``bad-money``.
    LedgerError
        Where the ledger cannot be written.
    """
    start = next_week(plan, as_date(today, "today")) if week is None else week_of(plan, week)
    who, why = named(who), reason(why)
    with ledger.transaction(who) as t:
        seen = see(t, start)
        if seen.state.over:
            raise InputError(
                "wrong-state",
                f"no money can be released for the week of {start}, which is {seen.state.state}",
                field="week",
                value=str(start),
                remedy="name a week that is not applied yet",
            )
        movement = release_by_hand(plan, seen.free(plan), amount, who, why, start)
        _write(t, movement, start, "")
        return seen.balances(plan, (movement,))


def write_answer(t: Transaction, answered: Answered, week: dt.date) -> None:
    """Record who pays for an overspend, and what leaves the reserve for it."""
    said, key = answered.sentence(), overspend_key(answered.week)
    t.add(
        "note",
        {"answer": answered.to_dict(), "sentence": said, "words": templates_of((said,))},
        week=week,
        key=key,
    )
    movement = answered.movement(answered.week)
    if movement is not None:
        _write(t, movement, week, key)


def write_due(t: Transaction, due: Due, week: dt.date) -> None:
    """Record a release that a rule asks for."""
    _write(t, due.movement(week), week, due.key)


def _write(t: Transaction, movement: Movement, week: dt.date, rule: str) -> None:
    data = {
        "movement": movement.to_dict(),
        "rule": rule,
        "words": templates_of((movement.why,)),
    }
    t.add("release", data, week=week, key=rule)
