r"""One budget for many accounts: split over them by their frontiers, then inside each.

What an account brings of a weekly budget b, split in the best way by what was learned, is its
frontier :math:`F_a(b)`. To share a total B,

.. math:: \max_b \sum_a F_a(b_a), \qquad \sum_a b_a \le B,

is a plan like any other, whose channels are accounts and whose curves are frontiers; so floors,
caps, change limits and groups of accounts are declared as they are for channels, and `allocate`
solves it.

Where this stops: a frontier is worked out at some 25 budgets, a factor of :math:`2^{1/4}` apart
around the account's own, with straight lines between them, so that it is missed by about a part in
a thousand; an account gets at most eight times its own budget. Its best split is that of the
expected curves; a policy that explores, and guardrails, may take another inside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from budgetopt.belief import Belief
from budgetopt.curves import Points
from budgetopt.errors import InputError, PlanError, did_you_mean
from budgetopt.i18n import quoted, say
from budgetopt.money import show_amount, sum_minor, total_of
from budgetopt.optimize import Allocation, allocate, budget_of_spendable, frontier, on_week
from budgetopt.plan import Channel, Plan, bounds_of, kind_of

_STEPS = np.exp2(np.arange(-12, 13) / 4)
"""Budgets of a frontier, as parts of the account's own."""
_OFF = Points(spend=[0, 1], outcome=[0, 0])


class Line(NamedTuple):
    """What an account brings along a range of budgets.

    Parameters
    ----------
    account
        Its key.
    currency, measure
        What money is counted in, and what comes back: ``""`` for money, else the outcome's name.
    week
        Start of the week decided, None where the account failed.
    budgets, worth
        Money per week, rising, and what its best split brings.
    spent
        What all channels together spent last.
    """

    account: str
    currency: str
    measure: str
    week: dt.date | None
    budgets: tuple[Decimal, ...]
    worth: tuple[float, ...]
    spent: Decimal


def line_of(
    account: str, plan: Plan, belief: Belief, last: Mapping[str, Decimal], week: dt.date
) -> Line:
    """Return an account's frontier, from the least that its floors ask for.

    Raises
    ------
    InfeasibleError
        Where no budget keeps the limits.
    """
    spent = total_of(last.values())
    own = max(plan.budget, spent, plan.money.amount(1))
    around = {plan.money.amount(plan.money.nearest(float(own) * step)) for step in _STEPS.tolist()}
    dated = on_week(plan, belief, week, last).plan
    least = budget_of_spendable(dated, sum_minor(bounds_of(dated, last).lower))
    budgets = {least, *(budget for budget in (plan.budget, *around) if budget > least)}
    found = frontier(plan, belief, budgets, last=last, week=week)
    points = [point for point in found.points if point.feasible]
    if not points:
        # Refused for the reason for which it would be alone.
        allocate(plan, belief, last=last, week=week)
    money = kind_of(plan) == "money"
    worth = np.array([point.value if money else point.outcome for point in points])
    worth = np.maximum.accumulate(np.maximum(worth, 0.0)) * ([float(p.budget) > 0 for p in points])
    return Line(
        account,
        plan.currency,
        "" if money else plan.outcome,
        week,
        tuple(point.budget for point in points),
        tuple(worth.tolist()),
        spent,
    )


def set_aside(account: str, plan: Plan | None) -> Line:
    """Return the line of an account that failed: it keeps its own budget, and brings nothing.

    Where not even its plan can be read, it keeps nothing.
    """
    kept = Decimal(0) if plan is None else plan.budget
    return Line(account, "" if plan is None else plan.currency, "", None, (kept,), (0.0,), kept)


def share(total: Plan | Any, lines: Sequence[Line]) -> Allocation:
    """Return how a total is split over accounts.

    Parameters
    ----------
    total
        The weekly money of all; or a plan whose channels are the accounts, for limits of theirs.
    lines
        The accounts' frontiers, at least one; those that failed keep the budget of their own plan.

    Raises
    ------
    InputError
        ``bad-argument`` where accounts decide different weeks; ``unknown-name`` where the plan
        names other accounts than there are.
    PlanError
        ``bad-plan`` where accounts differ in currency, or in what they bring; ``bounds-clash``
        where one is capped below what its own limits ask for, or asks for more than it can use.
    InfeasibleError
        Where no split keeps the limits.
    """
    able = [line for line in lines if line.week is not None]
    _refuse_unlike(able)
    currency = able[0].currency
    if not isinstance(total, Plan):
        channels = [Channel(line.account) for line in lines]
        total = Plan(budget=total, currency=currency, channels=channels, max_change="none")
    known = {line.account: line for line in lines}
    if set(known) != set(total.names):
        wrong = next(iter(set(total.names) ^ set(known)))
        raise InputError("unknown-name", say("shared-names-differ", account=quoted(wrong)),
                         field="shared", value=wrong,
                         remedy=did_you_mean(wrong, sorted(known)))  # fmt: skip
    if total.currency != currency:
        raise _unlike("currency", total.currency, currency)
    channels = [_channel(channel, known[channel.name]) for channel in total.channels]
    last = {line.account: line.spent for line in lines}
    found = allocate(replace(total, channels=tuple(channels)), last=last)
    return replace(found, notes=(*found.notes, say("shared-by-frontiers")))


def _channel(declared: Channel, line: Line) -> Channel:
    """Return an account as a channel: its frontier, within what its own limits can use."""
    if line.week is None:
        free: dict[str, Any] = {"floor": 0, "cap": None, "off_or_at_least": None}
        return replace(declared, **free, curve=_OFF, locked=line.budgets[0])
    if declared.locked is not None:
        return replace(declared, curve=_curve(line))
    most = line.budgets[-1] if declared.cap is None else min(declared.cap, line.budgets[-1])
    floor = max(declared.floor, line.budgets[0])
    if floor > most:
        raise PlanError("bounds-clash", say("shared-cap-too-low", account=quoted(line.account),
                        least=show_amount(line.budgets[0]), most=show_amount(most)),
                        field=f"channels.{line.account}.cap", value=str(most),
                        remedy=say("remedy-shared-cap"))  # fmt: skip
    return replace(declared, curve=_curve(line), floor=floor, cap=most)


def _curve(line: Line) -> Points:
    if len(line.budgets) == 1 and not line.budgets[0]:
        return _OFF
    return Points([float(budget) for budget in line.budgets], list(line.worth))


def _refuse_unlike(lines: Sequence[Line]) -> None:
    """Refuse accounts whose money, outcomes or weeks are not of one kind."""
    first = lines[0]
    for line in lines:
        if line.currency != first.currency:
            raise _unlike("currency", line.currency, first.currency)
        if line.measure != first.measure:
            raise _unlike("outcome", line.measure or "money", first.measure or "money")
        if line.week != first.week:
            raise InputError("bad-argument", say("shared-weeks-differ", one=str(first.week),
                             account=quoted(line.account), other=str(line.week)), field="week",
                             value=str(line.week), remedy=say("remedy-shared-week"))  # fmt: skip


def _unlike(field: str, one: str, other: str) -> PlanError:
    return PlanError("bad-plan", say("shared-unlike", what=field, one=one, other=other),
                     field=field, value=one, remedy=say("remedy-shared-unlike"))  # fmt: skip
