"""Checks of what commands are given: weeks, plans, names, reasons, and spends against limits.

`week_of` and `next_week` find a week; `ledger_of` and `check_approver` keep a ledger to its plan
and its approvers; `named`, `reason` and `spends_of` read texts and money; `broken_limits` names
every limit that a split breaks.
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
from budgetopt.i18n import Message, of_name, say
from budgetopt.ledger import Entry, Ledger, Reader
from budgetopt.messages import as_message
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


def ledger_of(ledger: Ledger, plan: Plan) -> Ledger:
    """Return a ledger as a plan sees it: with its own weeks and no others.

    A plan's identity is the id that was chosen with the ledger, else the one that it declares, else
    its name; the first entry fixes it. A ledger whose first plan has an id keeps every plan that
    has one, apart. A ledger whose first plan has none is kept for that plan alone, unless another
    id is chosen with the ledger. A plan may change from week to week, and stays the same plan while
    its currency and the day its weeks start on do, and one channel of the plan recorded last is
    among its channels.

    Parameters
    ----------
    ledger
        The database, or one plan's part of it.
    plan
        The plan to go on with.

    Raises
    ------
    InputError
        ``bad-argument`` where the ledger is another plan's, or the id chosen is not the plan's.
    """
    found = ledger
    # What stands in for a ledger holds one plan.
    if isinstance(ledger, Ledger):
        with ledger.reading() as reader:
            found = ledger.of(plan_key(reader, plan, ledger.plan_id))
    written = found.latest("plan")
    if written is not None:
        _refuse_unlike(written, plan)
    return found


def plan_key(reader: Reader, plan: Plan, chosen: str | None) -> str:
    """Return the identity under which a ledger keeps a plan; `ledger_of`.

    Parameters
    ----------
    reader
        The ledger.
    plan
        The plan.
    chosen
        The id that was chosen with the ledger; None where none was.
    """
    home = reader.home
    if home is None:
        return chosen if chosen is not None else plan.id or plan.name
    first, given = home.data["plan"], chosen if chosen is not None else plan.id or None
    if chosen is not None and plan.id not in (None, chosen):
        raise _another_plan(
            "id", say("is-chosen-as", chosen=repr(chosen), id=repr(plan.id)), chosen
        )
    # Entries of one plan without an id may be older than identities are, and say nothing.
    alone = home.plan or first.get("name", "")
    if given is None:
        if first.get("id") or plan.name != alone:
            field = "id" if first.get("id") else "name"
            held = first.get("id") or alone
            raise _another_plan(
                field, say("has-and-this", field=field, value=repr(held), now=repr(plan.name)), held
            )
        return home.plan
    if given in (alone, home.plan):
        return home.plan
    if chosen is None and not first.get("id") and not reader.holds(given):
        raise _another_plan("id", say("has-name-this-id", name=repr(alone), id=repr(given)), alone)
    return given


def _refuse_unlike(written: Entry, plan: Plan) -> None:
    """Refuse a plan that cannot be the one recorded last."""
    data = written.data["plan"]
    before = {"currency": data["currency"], "week_start": data.get("week_start", "monday")}
    for field, value in before.items():
        now = getattr(plan, field)
        if now != value:
            raise _another_plan(
                field, say("has-and-this", field=field, value=repr(value), now=repr(now)), value
            )
    names = [channel["name"] for channel in data["channels"]]
    if plan.index.keys().isdisjoint(names):
        shown = ", ".join(map(repr, names[:6]))
        raise _another_plan("channels", say("none-plan-s", shown=shown), shown)


def _another_plan(field: str, problem: Message, value: str) -> InputError:
    remedy = say("remedy-this-plans-ledger")
    if field in ("id", "name"):
        remedy = say("remedy-this-plans-ledger-or-name", field=field)
    return InputError(
        "bad-argument",
        say("ledger-belongs-another", problem=problem),
        field=f"plan.{field}",
        value=value,
        remedy=remedy,
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
    remedy = say("remedy-name-whoever-does")
    if isinstance(who, str) and who.strip() == RULE:
        raise InputError("bad-argument", field="who", value=who, remedy=remedy)
    return _said(who, "who", remedy)


def reason(why: str) -> str:
    """Return a reason, or refuse one that says nothing."""
    return _said(why, "why", say("remedy-reason-few-words"))


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
    plan.require_channels(given, "spends", say("spends-given"))
    amounts = {name: given.get(name, otherwise.get(name, 0)) for name in plan.names}
    minor = plan.money.minor
    return {n: plan.money.amount(minor(a, of_name("spend", n))) for n, a in amounts.items()}


Spends = dict[str, Decimal]
"""Exact money by channel."""


def as_text(spends: Mapping[str, Decimal]) -> dict[str, str]:
    """Return money by channel as JSON keeps it."""
    return {name: f"{money:f}" for name, money in spends.items()}


def as_money(data: Mapping[str, str]) -> Spends:
    """Return the money of `as_text`."""
    return {name: Decimal(money) for name, money in data.items()}


def _said(text: str, field: str, remedy: Message) -> str:
    if not isinstance(text, str) or not text.strip():
        missing = text is None or (isinstance(text, str) and not text.strip())
        problem = (
            say("where-is-missing", where=field)
            if missing
            else say("field-is", field=field, value=repr(text))
        )
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
        said = as_message(error.problem)
        if row:
            said = say("split-breaks-limit", limit=row.limit, rule=row.sentence)
        yield broken_limit(said, row.limit if row else error.field, error.value)


def wrong_argument(field: str, problem: Message, remedy: Message) -> InputError:
    """Return the error on an argument: ``bad-argument``."""
    return InputError(
        "bad-argument",
        say("assumed-change", what=field, change=problem),
        field=field,
        remedy=remedy,
    )


def broken_limit(problem: Message, field: str, value: Any) -> InputError:
    """Return the error on a limit that a split breaks."""
    return InputError(
        "broken-limit", problem, field=field, value=value, remedy=say("remedy-stay-within-limit")
    )
