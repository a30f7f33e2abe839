"""Checks of what commands are given: weeks, plans, names, reasons, and spends against limits.

`week_of` and `next_week` find a week; `refuse_another_plan` and `check_approver` keep a ledger to
its plan and its approvers; `named`, `reason` and `spends_of` read texts and money; `broken_limits`
names every limit that a split breaks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError, did_you_mean
from budgetopt.i18n import say
from budgetopt.ledger import Entry
from budgetopt.optimize import Rules, violations
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


def refuse_another_plan(written: Entry | None, plan: Plan) -> None:
    """Refuse a plan that is not the one a ledger is kept for.

    A plan may change from week to week, and stays the same plan while its currency and the day its
    weeks start on do, one channel of the plan recorded last is among its channels, and its name is
    no other: a plan may be given a name later, or lose it.

    Parameters
    ----------
    written
        The plan recorded last, None where the ledger has none.
    plan
        The plan to go on with.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    if written is None:
        return
    data = written.data["plan"]
    before = {
        "name": data.get("name") or plan.name or "",
        "currency": data["currency"],
        "week_start": data.get("week_start", "monday"),
    }
    now = {"name": plan.name or before["name"], "currency": plan.currency}
    now["week_start"] = plan.week_start
    for field, value in before.items():
        if now[field] != value:
            raise _another_plan(field, f"has {field} {value!r}, and this one {now[field]!r}", value)
    names = [channel["name"] for channel in data["channels"]]
    if plan.index.keys().isdisjoint(names):
        shown = ", ".join(map(repr, names[:6]))
        raise _another_plan("channels", f"has none of this plan's channels, but {shown}", shown)


def _another_plan(field: str, problem: str, value: str) -> InputError:
    return InputError(
        "bad-argument",
        f"the ledger belongs to another plan, which {problem}",
        field=f"plan.{field}",
        value=value,
        remedy="use the ledger of this plan, or start a new one"
        + (", or keep the name where it is the same plan" if field == "name" else ""),
    )


def check_approver(plan: Plan, who: str, written: Entry | None = None) -> None:
    """Refuse somebody who may not approve; anybody with a name may where a plan names nobody.

    Parameters
    ----------
    plan
        Its ``operation.approval.approvers`` are those who may.
    who
        The name.
    written
        The plan recorded last in a ledger, whose approvers count in place of the plan's: nobody
        becomes an approver by a plan that no run has recorded.

    Raises
    ------
    InputError
        ``unknown-name``.
    """
    approvers = () if plan.operation.approval is None else plan.operation.approval.approvers
    if written is not None:
        rules = written.data["plan"].get("operation", {}).get("approval", {})
        approvers = tuple(rules.get("approvers", ()))
    if approvers and who not in approvers:
        raise InputError(
            "unknown-name",
            say("among-approvers-plan", who=repr(who)),
            field="who",
            value=who,
            remedy=did_you_mean(str(who), approvers),
        )


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
    PlanError
        ``unknown-name`` for an unknown channel name.
    MoneyError
        ``bad-money``.
    """
    plan.require_channels(given, "spends", "the spends")
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


def broken_limits(
    names: Sequence[str],
    minor: NDArray[np.int64],
    rules: Rules,
    outcome: NDArray[np.float64] | None = None,
) -> Iterator[InputError]:
    """Yield an error for every limit that a split breaks, by the name of the limit.

    Parameters
    ----------
    names
        Channels.
    minor
        The split in minor units.
    rules
        What it is held against.
    outcome
        Expected outcome of each channel; needed where a row holds outcomes.
    """
    for row, error in violations(names, minor, rules, outcome):
        said = error.problem
        if row:
            said = say("split-breaks-limit", limit=row.limit, rule=row.sentence)
        yield broken_limit(said, row.limit if row else error.field, error.value)


def wrong_argument(field: str, problem: str, remedy: str) -> InputError:
    """Return the error on an argument: ``bad-argument``."""
    return InputError("bad-argument", f"{field} {problem}", field=field, remedy=remedy)


def broken_limit(problem: str, field: str, value: Any) -> InputError:
    """Return the error on a limit that a split breaks."""
    return InputError(
        "broken-limit",
        problem,
        field=field,
        value=value,
        remedy="stay within that limit, or change the plan and run the week again",
    )
