r"""Are we on pace: plan, actual and projection to the end of the week, period, phase and campaign.

For one channel and one span of days let :math:`p_d` be what is planned for day ``d``, :math:`a_d`
what was spent, and ``S`` the days whose money is known. With :math:`A=\sum_{d\in S}a_d` and
:math:`D=\sum_{d\in S}p_d` the projection is

.. math:: A + \frac{A}{D} \sum_{d\notin S} p_d,

the run rate of the days seen in units of the plan; where the plan is even, as within a week, that
is the usual :math:`A \cdot n / |S|`. Before any day is seen it is the plan. Money spent where none
was planned (:math:`D=0`) goes on at its daily rate beside the plan.

Where it stops: a run rate knows nothing of weekdays, of caps that a platform keeps, or of what will
be decided on Friday; from one or two days it is hardly more than a guess. What was not reported is
projected as days to come are.

All is computed in fractions and rounded once: the total to the minor unit, the channels by largest
remainder, so that their sum is the total exactly. A ratio whose denominator is zero is None.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from budgetopt.calendar import Fiscal, Week, as_date, periods
from budgetopt.operation.pacing.by_day import Actual, Days, Money, days_of
from budgetopt.operation.pacing.paced import Kind, Line, Pace, Paced, Status, Warned
from budgetopt.operation.pacing.projected import Projected, rounded
from budgetopt.plan import Plan
from budgetopt.plan.operation import Pacing


def pace(
    plan: Plan,
    planned: Mapping[dt.date, Money],
    actual: Actual,
    today: dt.date,
    *,
    week: dt.date | None = None,
    pacing: Pacing | None = None,
    fiscal: Fiscal | None = None,
) -> Pace:
    """Return plan, actual and projection of the spans that a day lies in.

    Parameters
    ----------
    plan
        Budgets, channels, phases and rules.
    planned
        Money by channel and by the first day of the week: applied, or else proposed. Weeks that
        are not there have what the plan lets them spend, split as in the nearest week that is.
    actual
        Money by channel: of a `Week` on its days seen, or of a day; see `actual_of`. A channel
        that is not named is unknown then.
    today
        The day on which this is asked.
    week
        A day of the week that is asked for; by default `today`.
    pacing, fiscal
        Rules in place of those of ``plan.operation``.

    Raises
    ------
    InputError
        ``bad-argument`` where no week is planned, or money of a day is given twice or too early.
    PlanError, MoneyError, CalendarError
        ``unknown-name``, ``bad-money``, ``bad-date``.
    """
    rules, counted = pacing or plan.operation.pacing, fiscal or plan.operation.fiscal
    now = as_date(today, "today")
    at = now if week is None else as_date(week, "week")
    monday = Week.of(at, plan.week_start)
    month = periods(at, at, counted, plan.week_start)[0]
    phases = plan.operation.phases

    def paced(kind: Kind, label: str, first: dt.date, last: dt.date) -> Paced:
        days = days_of(plan, planned, actual, first, last, now)
        return _paced(plan, rules, kind, label, days, now)

    phase = next((p for p in phases if p.first <= at <= p.last), None)
    campaign = plan.name or " – ".join(dict.fromkeys(p.name for p in (*phases[:1], *phases[-1:])))
    return Pace(
        now,
        plan.currency,
        paced("week", str(monday.start), monday.start, monday.end),
        paced("period", month.label, month.first, month.last),
        None if phase is None else paced("phase", phase.name, phase.first, phase.last),
        paced("campaign", campaign, phases[0].first, phases[-1].last) if phases else None,
    )


def _paced(plan: Plan, rules: Pacing, kind: Kind, label: str, days: Days, today: dt.date) -> Paced:
    projected, ahead = Projected(days), days.from_on(today)
    spent = days.actual.sum(axis=1).tolist()
    rest, to_come = projected.on(np.ones_like(ahead)), projected.on(ahead)
    exact = _Exact(
        rounded([a + b for a, b in zip(spent, rest, strict=True)]),
        rounded(to_come),
        # Days that are over but not reported are taken to have gone as projected.
        [a + b - c for a, b, c in zip(spent, rest, to_come, strict=True)],
    )
    band = Fraction(repr(rules.band))
    lines = tuple(
        _line(plan, band, days, exact, today, name, [at]) for at, name in enumerate(plan.names)
    )
    total = _line(plan, band, days, exact, today, "", list(range(len(lines))))
    last = days.day(days.count - 1)
    warned = _warned(plan, rules, days, projected)
    money = plan.money.amount
    return Paced(
        kind,
        label,
        days.first,
        last,
        money(plan.budget_of(days.first, last)),
        money(days.spendable),
        lines,
        total,
        warned,
    )


def _warned(plan: Plan, rules: Pacing, days: Days, projected: Projected) -> tuple[Warned, ...]:
    """Return the warning lines, shares of what may be spent."""
    spent, spendable = int(days.actual.sum()), days.spendable
    by_plan = np.cumsum(days.planned.sum(axis=0)).tolist()
    found = []
    for share in rules.lines if spendable else ():
        least = ceil(Fraction(repr(share)) * spendable)
        when = _day_of(days, least, projected.by)
        planned = _day_of(days, least, by_plan.__getitem__)
        found.append(Warned(share, plan.money.amount(least), spent >= least, when, planned))
    return tuple(found)


class _Exact(NamedTuple):
    """By channel: what is projected of all days and of those left, and what has gone exactly."""

    projection: list[int]
    to_come: list[int]
    gone: list[Fraction]


def _line(
    plan: Plan,
    band: Fraction,
    days: Days,
    exact: _Exact,
    today: dt.date,
    name: str,
    rows: list[int],
) -> Line:
    """Return the line of some channels together."""
    planned, seen, ahead = days.planned[rows], days.seen[rows], days.from_on(today)
    left = int((ahead & ~seen.all(axis=0)).sum())
    whole, due = int(planned.sum()), int(planned[seen].sum())
    spent = int(days.actual[rows].sum())
    projection, to_come = (sum(each[at] for at in rows) for each in exact[:2])
    gone = sum((exact.gone[at] for at in rows), Fraction(0))
    status: Status = "on"
    if today < days.first or (seen.any() and whole and not due and not spent):
        status = "not-begun"
    elif not seen.any():
        status = "unseen"
    elif projection > (1 + band) * whole:
        status = "ahead"
    elif projection < (1 - band) * whole:
        status = "behind"
    money = plan.money.amount
    return Line(
        name,
        money(whole),
        money(due),
        money(spent),
        money(projection),
        money(to_come),
        int(seen.all(axis=0).sum()),
        left,
        money(floor(max(whole - gone, Fraction(0)) / left)) if left else None,
        status,
    )


def _day_of(days: Days, least: int, by: Callable[[int], Any]) -> dt.date | None:
    """Return the day by whose end a running total reaches an amount."""
    at = bisect_left(range(days.count), least, key=by)
    return days.day(at) if at < days.count else None
