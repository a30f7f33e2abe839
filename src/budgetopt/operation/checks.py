"""What commands are told by people: weeks, names, reasons and amounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError, did_you_mean
from budgetopt.plan import Plan


def week_of(plan: Plan, week: dt.date | str) -> dt.date:
    """Return the first day of the week that a day lies in.

    Raises
    ------
    CalendarError
        ``bad-date``.
    """
    return Week.of(as_date(week, "week"), plan.week_start).start


def next_week(plan: Plan, today: dt.date) -> dt.date:
    """Return the first day of the next week that has not begun before a day."""
    week = Week.of(today, plan.week_start)
    return week.start if week.start == today else week.shift(1).start


RULE = "rule"
"""Who does what the plan's rules say by themselves; nobody is called so."""


def named(who: str) -> str:
    """Return a name, or refuse one that says nothing, or is that of the rules."""
    remedy = "give the name of whoever does this"
    if isinstance(who, str) and who.strip() == RULE:
        raise InputError("bad-argument", f"who is {who!r}", field="who", value=who, remedy=remedy)
    return _said(who, "who", remedy)


def reason(why: str) -> str:
    """Return a reason, or refuse one that says nothing."""
    return _said(why, "why", "give the reason in a few words")


def spends_of(plan: Plan, given: Mapping[str, Any], otherwise: Mapping[str, Decimal]) -> Spends:
    """Return exact money by channel, in the plan's order.

    Parameters
    ----------
    plan
        Its channels and currency.
    given
        Money of some channels or all.
    otherwise
        Money of the channels that are not given.

    Raises
    ------
    InputError
        ``unknown-name`` for a name that is no channel.
    MoneyError
        ``bad-money``.
    """
    for name in given:
        if name not in plan.index:
            raise InputError(
                "unknown-name",
                f"the spends name {name!r}, which is no channel of the plan",
                field="spends",
                value=name,
                remedy=did_you_mean(str(name), plan.names),
            )
    amounts = {name: given.get(name, otherwise.get(name, 0)) for name in plan.names}
    minor = plan.money.minor
    return {n: plan.money.amount(minor(a, f"spend of {n!r}")) for n, a in amounts.items()}


Spends = dict[str, Decimal]
"""Exact money by channel."""


def as_text(spends: Mapping[str, Decimal]) -> dict[str, str]:
    """Return money by channel as JSON keeps it."""
    return {name: f"{money:f}" for name, money in spends.items()}


def as_money(data: Mapping[str, str]) -> Spends:
    """Return the money of `as_text`."""
    return {name: Decimal(money) for name, money in data.items()}


def _said(text: str, field: str, remedy: str) -> str:
    if not isinstance(text, str) or not text.strip():
        missing = text is None or (isinstance(text, str) and not text.strip())
        problem = f"{field} is missing" if missing else f"{field} is {text!r}"
        raise InputError("bad-argument", problem, field=field, value=text, remedy=remedy)
    return text.strip()
