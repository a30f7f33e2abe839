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

Sums over channels are those of the total, exactly. A ratio whose denominator is zero is None.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import Fiscal, Week, as_date, periods
from budgetopt.money import difference_of
from budgetopt.money import show_amount as show
from budgetopt.operation.by_day import Actual, Days, Money, Whole, actual_of, days_of
from budgetopt.plan import Plan
from budgetopt.plan.operation import Pacing
from budgetopt.words import Sentence, say

__all__ = ["Line", "Pace", "Paced", "Status", "Warned", "actual_of", "pace"]

Status = Literal["ahead", "on", "behind"]
Kind = Literal["week", "period", "phase", "campaign"]


@dataclass(frozen=True)
class Line:
    """Plan, actual and projection of one channel, or of all.

    Parameters
    ----------
    channel
        Name; empty for the total.
    planned
        Money planned for the whole span.
    due
        What of it is planned for the days seen.
    actual
        Money spent on them.
    projection
        Money by the end of the span.
    to_come
        What of it is projected for the days left.
    days_seen
        Days whose money is known; of the total, known of every channel.
    days_left
        Days from today on that are not seen, of any channel for the total.
    catch_up
        Money a day left that ends at the plan, rounded down to the minor unit and at least 0; None
        where no day is left.
    status
        ``"ahead"`` or ``"behind"`` where the projection leaves the band around the plan.
    """

    channel: str
    planned: Decimal
    due: Decimal
    actual: Decimal
    projection: Decimal
    to_come: Decimal
    days_seen: int
    days_left: int
    catch_up: Decimal | None
    status: Status

    @property
    def pace(self) -> float | None:
        """Projection as a share of the plan; None where nothing is planned."""
        return float(Fraction(self.projection) / Fraction(self.planned)) if self.planned else None

    @property
    def delivery(self) -> float | None:
        """Actual as a share of what was planned for the days seen; None where that is nothing."""
        return float(Fraction(self.actual) / Fraction(self.due)) if self.due else None

    @property
    def over(self) -> Decimal:
        """Money that is projected beyond the plan, at least 0."""
        return max(difference_of(self.projection, self.planned), Decimal(0))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, money as text."""
        plain = {k: str(v) if isinstance(v, Decimal) else v for k, v in asdict(self).items()}
        return {**plain, "pace": self.pace, "delivery": self.delivery, "over": str(self.over)}


@dataclass(frozen=True)
class Warned:
    """A share of the budget of a span at which spending is warned of.

    Parameters
    ----------
    share
        The line, as a share of the budget.
    amount
        The same in money.
    reached
        Whether as much is spent.
    day
        Day on which it is or will be spent, by the projection; None where not within the span.
    planned_day
        Day on which it would be spent by the plan; None where not within the span.
    """

    share: float
    amount: Decimal
    reached: bool
    day: dt.date | None
    planned_day: dt.date | None

    @property
    def early(self) -> bool:
        """Whether it comes before its day by the plan."""
        return self.day is not None and (self.planned_day is None or self.day < self.planned_day)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        days = {"day": self.day, "planned_day": self.planned_day}
        plain = {"share": self.share, "amount": str(self.amount), "reached": self.reached}
        return {**plain, **{k: day and str(day) for k, day in days.items()}, "early": self.early}


@dataclass(frozen=True)
class Paced:
    """The pace over one span of days.

    Parameters
    ----------
    kind
        ``"week"``, ``"period"``, ``"phase"`` or ``"campaign"``.
    label
        How it is called.
    first, last
        Its days.
    budget
        Money budgeted for them, reserve included.
    lines
        One a channel, in the plan's order.
    total
        Their sum.
    warned
        The warning lines; none where the budget is zero.
    """

    kind: Kind
    label: str
    first: dt.date
    last: dt.date
    budget: Decimal
    lines: tuple[Line, ...]
    total: Line
    warned: tuple[Warned, ...]

    @property
    def called(self) -> Sentence:
        """Kind and label."""
        return say(_SPANS[self.kind], label=self.label)

    def sentence(self) -> Sentence:
        """Return plan, actual, projection and what to do in one sentence."""
        total = self.total
        values: dict[str, Any] = {
            "span": self.called,
            "actual": show(total.actual),
            "planned": show(total.planned),
            "projection": show(total.projection),
            "status": say(_STATUS[total.status]),
        }
        if total.pace is None or not total.days_seen:
            return say(_SPENT, **values)
        values["pace"] = f"{total.pace:.1%}"
        if not total.catch_up:
            return say(_SPENT_AT_PACE, **values)
        return say(_CATCH_UP, **values, daily=show(total.catch_up), days=total.days_left)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        parts = ("lines", "total", "warned")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in parts}
        return {
            **{k: str(v) for k, v in plain.items()},
            "lines": [line.to_dict() for line in self.lines],
            "total": self.total.to_dict(),
            "warned": [line.to_dict() for line in self.warned],
        }


@dataclass(frozen=True)
class Pace:
    """The pace on one day, over each span that the day lies in.

    Parameters
    ----------
    today
        The day.
    currency
        ISO 4217 code.
    week, period
        The week and the fiscal period.
    phase
        The phase of the plan; None where the day lies in none.
    campaign
        From the first day of the first phase to the last of the last; None without phases.
    """

    today: dt.date
    currency: str
    week: Paced
    period: Paced
    phase: Paced | None = None
    campaign: Paced | None = None

    @property
    def spans(self) -> tuple[Paced, ...]:
        """All that there are, the shortest first."""
        every = (self.week, self.phase, self.period, self.campaign)
        return tuple(span for span in every if span is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        spans: dict[str, Any] = {span.kind: span.to_dict() for span in self.spans}
        return {"today": str(self.today), "currency": self.currency, **spans}


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


_SPANS = {
    "week": "week of {label}",
    "period": "period {label}",
    "phase": "phase {label}",
    "campaign": "campaign {label}",
}
_SPENT = "{span}: {actual} of the planned {planned} is spent, {projection} projected, {status}"
_SPENT_AT_PACE = (
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), {status}"
)
_CATCH_UP = (
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), "
    "{status}; {daily} a day over {days} days left ends at the plan"
)
_STATUS = {"ahead": "ahead of the plan", "on": "on pace", "behind": "behind the plan"}


def _paced(plan: Plan, rules: Pacing, kind: Kind, label: str, days: Days, today: dt.date) -> Paced:
    expected = np.array(
        [_expected(*each) for each in zip(days.planned, days.actual, days.seen, strict=True)]
    )
    band = Fraction(repr(rules.band))
    lines = tuple(
        _line(plan, band, days, expected, today, name, [at]) for at, name in enumerate(plan.names)
    )
    total = _line(plan, band, days, expected, today, "", list(range(len(lines))))
    last = days.day(days.count - 1)
    budget = plan.budget_of(days.first, last)
    spent = int(days.actual.sum())
    by_day = np.cumsum(days.actual.sum(axis=0) + expected.sum(axis=0))
    by_plan = np.cumsum(days.planned.sum(axis=0))
    warned = []
    for share in rules.lines if budget else ():
        least = ceil(Fraction(repr(share)) * budget)
        when, planned = (_day_of(days, cumulated, least) for cumulated in (by_day, by_plan))
        warned.append(Warned(share, plan.money.amount(least), spent >= least, when, planned))
    money = plan.money.amount(budget)
    return Paced(kind, label, days.first, last, money, lines, total, tuple(warned))


def _expected(planned: Whole, actual: Whole, seen: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return what a channel is expected to spend on each day not seen, 0 on those seen.

    Running totals are rounded, as in `calendar.spread`, in whole numbers of any size.
    """
    rest = np.cumsum(np.where(seen, 0, planned)).astype(object)
    spent, due, count = int(actual.sum()), int(planned[seen].sum()), int(seen.sum())
    totals = rest
    if due:
        totals = (2 * spent * rest + due) // (2 * due)
    elif spent:
        totals = rest + (2 * spent * np.cumsum(~seen).astype(object) + count) // (2 * count)
    return np.diff(totals, prepend=0)


def _line(
    plan: Plan,
    band: Fraction,
    days: Days,
    expected: NDArray[np.object_],
    today: dt.date,
    name: str,
    rows: list[int],
) -> Line:
    """Return the line of some channels together."""
    planned, seen, ahead = days.planned[rows], days.seen[rows], days.from_on(today)
    left = int((ahead & ~seen.all(axis=0)).sum())
    whole, spent = int(planned.sum()), int(days.actual[rows].sum())
    projection = spent + int(expected[rows].sum())
    to_come = int(expected[rows][:, ahead].sum())
    # Days that are over but not reported are taken to have gone as projected.
    gone = projection - to_come
    status: Status = "on"
    if projection > (1 + band) * whole:
        status = "ahead"
    elif projection < (1 - band) * whole:
        status = "behind"
    money = plan.money.amount
    return Line(
        name,
        money(whole),
        money(int(planned[seen].sum())),
        money(spent),
        money(projection),
        money(to_come),
        int(seen.all(axis=0).sum()),
        left,
        money(max(whole - gone, 0) // left) if left else None,
        status,
    )


def _day_of(days: Days, cumulated: NDArray[Any], least: int) -> dt.date | None:
    """Return the day on which a running total reaches an amount."""
    there = np.flatnonzero(cumulated >= least)
    return days.day(int(there[0])) if there.size else None
