r"""Pacing: plan, actual and projection to the end of the week, period, phase and campaign.

`Days` holds plan and actual money by dated day and channel, in minor units: `days_of` spreads a
week's plan over its days as the plan budgets them, and the money of weekly rows likewise, since
nothing else is known; where rows are daily, days are days (`RecordedHistory.spent`). `Projected` is
the run rate in exact fractions; a `Line` is one channel, a `Paced` one span of days, a `Pace` the
day's spans. `pace` puts them together.

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
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Whole
from budgetopt.calendar import Fiscal, Week, as_date, periods
from budgetopt.i18n import Message, say
from budgetopt.money import difference_of
from budgetopt.money import show_amount as show
from budgetopt.notebook import Card, Shown, brief
from budgetopt.plan import Pacing, Plan, day_weights
from budgetopt.workflow.validation import wrong_argument

Money = Mapping[str, Any]
Actual = Mapping[Week | dt.date, Money]
"""Money by channel: of a week, on its days seen, or of one day. A channel not named is unknown."""
LOOK_BACK = dt.timedelta(days=400)
"""How far back weeks count on a day: a fiscal year and some."""
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Days:
    """Money by channel and day, arrays of shape ``(channels, days)`` but for `beside`.

    Parameters
    ----------
    first
        The first day.
    planned, actual
        Minor units; the actual is 0 where a day is not seen.
    exact
        What is planned, before it is rounded: whole numbers of any size, each to be divided by
        `parts`.
    parts
        Parts that a minor unit is counted in there.
    seen
        Whether the money of the day is known.
    beside
        What may be spent on each day beside what is planned, reserve left out, shape ``(days,)``.
    decided
        Whether a split was decided for the week that the day lies in, shape ``(days,)``.
    """

    first: dt.date
    planned: Whole
    actual: Whole
    exact: NDArray[np.object_]
    parts: int
    seen: NDArray[np.bool_]
    beside: Whole
    decided: NDArray[np.bool_]

    @property
    def spendable(self) -> int:
        """What may be spent in all: the plan, and what the budget without reserve has beside."""
        return int(self.planned.sum()) + int(self.beside.sum())

    @property
    def count(self) -> int:
        """How many days there are."""
        return int(self.planned.shape[1])

    def day(self, at: int) -> dt.date:
        """Return the day at a position."""
        return self.first + at * _DAY

    def from_on(self, day: dt.date) -> NDArray[np.bool_]:
        """Return which days are not before one, shape ``(days,)``."""
        return np.arange(self.count) >= (day - self.first).days


class Spent(NamedTuple):
    """Money that is known of some days on end.

    Parameters
    ----------
    span
        The days.
    known
        Channels that it is known of, shape ``(channels,)``.
    minor
        Minor units, same shape; 0 where it is not known.
    """

    span: Week
    known: NDArray[np.bool_]
    minor: Whole

    @property
    def last(self) -> dt.date:
        """The last of the days."""
        return self.span.start + (self.span.days - 1) * _DAY


def spent_of(plan: Plan, actual: Actual, today: dt.date) -> list[Spent]:
    """Return money spent in minor units.

    Raises
    ------
    InputError
        ``bad-argument`` where it is of a day to come.
    PlanError
        ``unknown-name`` for what is not a channel.
    """
    found = []
    for key, money in actual.items():
        span = key if isinstance(key, Week) else Week(as_date(key, "actual"), 1)
        plan.require_channels(money, "channels", say("money-spent"))
        known = np.array([name in money for name in plan.names])
        one = Spent(span, known, np.array(plan.last_minor(money), dtype=np.int64))
        if one.last > today:
            problem = say("part-has-money", start=span.start, last=one.last)
            raise wrong_argument("actual", problem, say("remedy-days-seen-only", today=today))
        found.append(one)
    return found


def days_of(
    plan: Plan,
    planned: Mapping[dt.date, Money],
    spent: Sequence[Spent],
    first: dt.date,
    last: dt.date,
) -> Days:
    """Return plan and actual on the days of a span.

    A week that no split was decided for has what `Plan.on` lets it spend: split as in the week
    decided last before it, which goes on until somebody decides, or else as its money was spent.

    Raises
    ------
    InputError
        ``bad-argument`` where no week is planned, or the money of a day is given twice.
    """
    weeks = {_start(plan, day): money for day, money in planned.items()}
    if not weeks:
        raise wrong_argument("planned", say("holds-no-week"), say("remedy-plan-least-week"))
    shape = len(plan.names), (last - first).days + 1
    starts = list(_weeks(plan, first, last))
    weights = {start: day_weights(plan, start) for start in starts}
    parts = math.lcm(*(sum(each) for each in weights.values()))
    grid = Days(
        first=first,
        planned=np.zeros(shape, dtype=np.int64),
        actual=np.zeros(shape, dtype=np.int64),
        exact=np.zeros(shape, dtype=object),
        parts=parts,
        seen=np.zeros(shape, dtype=bool),
        beside=np.zeros(shape[1], dtype=np.int64),
        decided=np.zeros(shape[1], dtype=bool),
    )
    for start in starts:
        at, by = (start - first).days, weights[start]
        amounts = _planned(plan, weeks, spent, start)
        _put(grid.planned, at, _spread(amounts, by))
        share = np.array([parts // sum(by) * weight for weight in by], dtype=object)
        _put(grid.exact, at, amounts.astype(object)[:, None] * share)
        beside = max(plan.on(Week(start)).spendable_minor - int(amounts.sum()), 0)
        _put(grid.beside[None, :], at, _spread(np.array([beside]), by))
        grid.decided[max(at, 0) : max(at + 7, 0)] = start in weeks
    for one in spent:
        if one.span.start <= last and one.last >= first:
            _see(grid, plan, one)
    return grid


def _see(grid: Days, plan: Plan, spent: Spent) -> None:
    """Put what is known of some days in its place."""
    span = spent.span
    at = (span.start - grid.first).days
    there = slice(max(at, 0), max(at + span.days, 0))
    if np.any(grid.seen[spent.known, there]):
        raise wrong_argument("actual", say("days-twice", start=span.start), say("remedy-day-once"))
    grid.seen[spent.known, there] = True
    _put(grid.actual, at, _spread(spent.minor, day_weights(plan, span.start, span.days)))


def _put(array: NDArray[Any], at: int, amounts: NDArray[Any]) -> None:
    """Add amounts by day from a position on, as far as the array goes."""
    skip, end = max(-at, 0), min(at + amounts.shape[1], array.shape[1])
    if end > at + skip:
        array[:, at + skip : end] += amounts[:, skip : end - at]


def _spread(minor: Whole, weights: Sequence[int]) -> Whole:
    """Return amounts by day, shape ``(channels, days)``.

    Running totals over channels and days are rounded, and cells are their differences: each
    channel's total by a day is within a unit of its exact share, and that of all within half of
    one. A cell of a few units may be one below zero.
    """
    days = np.cumsum(np.array([0, *weights], dtype=object))
    channels = np.cumsum(np.array([0, *minor.tolist()], dtype=object))
    totals = (2 * channels[:, None] * days + days[-1]) // (2 * days[-1])
    cells: Whole = np.diff(np.diff(totals, axis=1), axis=0).astype(np.int64)
    return cells


def _planned(
    plan: Plan, weeks: Mapping[dt.date, Money], spent: Iterable[Spent], start: dt.date
) -> Whole:
    """Return what is planned for a week by channel."""
    known = max((week for week in weeks if week <= start), default=min(weeks))
    plan.require_channels(weeks[known], "channels", say("money-planned"))
    split = plan.last_minor(weeks[known])
    if known == start:
        return np.array(split, dtype=np.int64)
    if known > start:
        # Nobody is held against a split that was decided later.
        of_week = [one.minor for one in spent if start <= one.span.start <= start + 6 * _DAY]
        split = np.sum(of_week, axis=0).tolist() if np.any(of_week) else split
    total, all_ = plan.on(Week(start)).spendable_minor, sum(split)
    if not all_:
        return np.zeros(len(split), dtype=np.int64)
    # Running totals are rounded, so that the parts add up; in whole numbers of any size.
    running = np.cumsum(np.array([0, *split], dtype=object))
    parts: Whole = np.diff((2 * total * running + all_) // (2 * all_)).astype(np.int64)
    return parts


def _weeks(plan: Plan, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the starts of the weeks that a span touches."""
    start = Week.of(first, plan.week_start).start
    while start <= last:
        yield start
        start += 7 * _DAY


def _start(plan: Plan, day: Any) -> dt.date:
    """Return a day on which a week starts, or refuse it."""
    start = as_date(day, "planned")
    if Week.of(start, plan.week_start).start != start:
        remedy = say("remedy-weeks-start", week_start=plan.week_start.title())
        raise wrong_argument(
            "planned", say("week-starts", start=start, start_2=f"{start:%A}"), remedy
        )
    return start


@dataclass(frozen=True)
class Expected:
    """What one channel is expected to spend on the days not seen: ``rate * plan + daily``.

    Parameters
    ----------
    rate
        Money for each that is planned.
    daily
        Minor units a day beside the plan.
    """

    rate: Fraction
    daily: Fraction

    def over(self, planned: Fraction, days: int) -> Fraction:
        """Return the minor units of some days."""
        return self.rate * planned + self.daily * days


@dataclass(frozen=True, eq=False)
class Projected:
    """What the channels are expected to spend on the days not seen, in minor units.

    Parameters
    ----------
    days
        Plan and actual by channel and day.
    """

    days: Days

    @cached_property
    def channels(self) -> tuple[Expected, ...]:
        """The rates by channel."""
        return tuple(_expected(self.days, at) for at in range(len(self.days.seen)))

    def on(self, which: NDArray[np.bool_]) -> list[Fraction]:
        """Return what is expected on those of some days, shape ``(days,)``, that are not seen."""
        days = self.days
        return [
            channel.over(_exact(days, at, which & ~days.seen[at]), int((which & ~seen).sum()))
            for at, (channel, seen) in enumerate(zip(self.channels, days.seen, strict=True))
        ]

    def by(self, day: int) -> Fraction:
        """Return what all channels together will have spent by the end of a day, by position."""
        rests = zip(self.channels, self._planned[:, day], self._unseen[:, day], strict=True)
        to_come = (channel.over(Fraction(int(p)), int(n)) for channel, p, n in rests)
        return int(self._actual[day]) + sum(to_come, Fraction(0))

    @cached_property
    def _planned(self) -> Whole:
        return np.cumsum(np.where(self.days.seen, 0, self.days.planned), axis=1)

    @cached_property
    def _unseen(self) -> Whole:
        return np.cumsum(~self.days.seen, axis=1)

    @cached_property
    def _actual(self) -> Whole:
        return np.asarray(np.cumsum(self.days.actual.sum(axis=0)))


def rounded(exact: Sequence[Fraction]) -> list[int]:
    """Return whole numbers that add up to the exact sum, rounded once (half up).

    Each is the one below or above the exact number, and itself where that is whole; the largest
    remainders go up, the first among equals.

    Examples
    --------
    >>> rounded([Fraction(1, 2), Fraction(1, 3), Fraction(2, 3)])
    [1, 0, 1]
    """
    whole = [floor(one) for one in exact]
    missing = floor(sum(exact, Fraction(0)) + Fraction(1, 2)) - sum(whole)
    order = sorted(range(len(whole)), key=lambda at: whole[at] - exact[at])
    for at in order[:missing]:
        whole[at] += 1
    return whole


def _expected(days: Days, at: int) -> Expected:
    seen = days.seen[at]
    spent, due = int(days.actual[at].sum()), _due(days, at, seen)
    if due:
        return Expected(spent / due, Fraction(0))
    return Expected(Fraction(1), Fraction(spent, int(seen.sum())) if spent else Fraction(0))


def _exact(days: Days, at: int, which: NDArray[np.bool_]) -> Fraction:
    """Return what is planned for a channel on some days, exactly where its run rate is known.

    Where it is projected as planned, that is what the plan shows.
    """
    if _due(days, at, days.seen[at]):
        return _due(days, at, which)
    return Fraction(int(days.planned[at][which].sum()))


def _due(days: Days, at: int, which: NDArray[np.bool_]) -> Fraction:
    """Return what is planned for a channel on some days, before it is rounded."""
    return Fraction(sum(days.exact[at][which].tolist()), days.parts)


Status = Literal["ahead", "on", "behind", "unseen", "not-begun", "unplanned"]
Kind = Literal["week", "period", "phase", "campaign"]

_SPANS = {
    "week": "week-span",
    "period": "period-span",
    "phase": "phase-span",
    "campaign": "campaign-span",
}
_SPENT = "pace-projected"
_UNPLANNED = "pace-undecided"
_UNPLANNED_UNKNOWN = "pace-undecided-no-data"
_UNKNOWN = "pace-planned"
_SPENT_AT_PACE = "pace-at-share"
_CATCH_UP = "pace-catch-up"
_LAST_DAY = "pace-last-day"
_STATUS = {
    "ahead": "ahead-of-plan",
    "on": "on-pace",
    "behind": "behind-plan",
    "unseen": "no-data-yet",
    "not-begun": "not-begun",
    "unplanned": "no-plan",
}


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
        ``"ahead"`` or ``"behind"`` where the projection leaves the band around the plan, else
        ``"on"``. ``"unseen"`` where no day's money is known; ``"not-begun"`` where the span begins
        later, or nothing is due yet nor spent. ``"unplanned"`` in a week that no split was decided
        for: what the plan file would let it spend is held against nobody.
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
        """Projection as a share of the plan; None where nothing is planned, or nothing known."""
        if not self.begun or not self.planned:
            return None
        return float(Fraction(self.projection) / Fraction(self.planned))

    @property
    def begun(self) -> bool:
        """Whether anything is known that a pace could be told from."""
        return self.status not in ("unseen", "not-begun", "unplanned")

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
    """A share of what may be spent in a span at which spending is warned of.

    Parameters
    ----------
    share
        The line, as a share of `Paced.spendable`.
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


@brief
@dataclass(frozen=True)
class Paced:
    """The pace over one span of days.

    Parameters
    ----------
    kind
        ``"week"``, ``"period"``, ``"phase"`` or ``"campaign"``.
    label
        Its name.
    first, last
        Its days.
    budget
        Money budgeted for them, reserve included.
    spendable
        Money that may be spent on them: the budget without reserve, or what is planned where that
        is more, as in a week that a reserve was released for; week by week, spread over days as the
        plan is. The warning lines are shares of it.
    lines
        One a channel, in the plan's order.
    total
        Their sum.
    warned
        The warning lines; none where nothing may be spent.
    """

    kind: Kind
    label: str
    first: dt.date
    last: dt.date
    budget: Decimal
    spendable: Decimal
    lines: tuple[Line, ...]
    total: Line
    warned: tuple[Warned, ...]

    @property
    def called(self) -> Message:
        """Kind and label."""
        return say(_SPANS[self.kind], label=self.label)

    def sentence(self) -> Message:
        """Return plan, actual, projection and what to do in one sentence."""
        total = self.total
        values: dict[str, Any] = {
            "span": self.called,
            "actual": show(total.actual),
            "planned": show(total.planned),
            "projection": show(total.projection),
            "status": say(_STATUS[total.status]),
        }
        if total.status == "unplanned":
            known = total.days_seen or total.actual
            return say(_UNPLANNED if known else _UNPLANNED_UNKNOWN, **values)
        if not total.begun:
            return say(
                _UNKNOWN, span=self.called, planned=values["planned"], status=values["status"]
            )
        if total.pace is None or not total.days_seen:
            return say(_SPENT, **values)
        values["pace"] = f"{total.pace:.1%}"
        if not total.catch_up:
            return say(_SPENT_AT_PACE, **values)
        if total.days_left == 1:
            return say(_LAST_DAY, **values, daily=show(total.catch_up))
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


@dataclass(frozen=True, repr=False)
class Pace(Shown):
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

    def _card(self) -> Card:
        heads = (say("span"), say("planned"), say("spent"), say("projected"), say("pace"))
        rows = [
            (
                span.called,
                *(show(m) for m in (span.total.planned, span.total.actual, span.total.projection)),
                "" if span.total.pace is None else f"{span.total.pace:.1%}",
            )
            for span in self.spans
        ]
        return Card(say("pace-title", day=str(self.today), currency=self.currency), heads, rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        spans: dict[str, Any] = {span.kind: span.to_dict() for span in self.spans}
        return {"today": str(self.today), "currency": self.currency, **spans}


def pace(
    plan: Plan,
    planned: Mapping[dt.date, Money],
    actual: Actual,
    today: dt.date | str,
    *,
    week: dt.date | str | None = None,
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
        are not there have what the plan lets them spend, split as in the last one before them that
        is, or else as their money was spent; alone they are held against no plan.
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
    phases, spent = plan.operation.phases, spent_of(plan, actual, now)

    def paced(kind: Kind, label: str, first: dt.date, last: dt.date) -> Paced:
        days = days_of(plan, planned, spent, first, last)
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
    if kind == "week" and days.first <= today and not days.decided.any():
        lines, total = tuple(map(_undecided, lines)), _undecided(total)
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
    # Days within a week that hold next to nothing may be a unit below zero together.
    whole, due = max(int(planned.sum()), 0), max(int(planned[seen].sum()), 0)
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


def _undecided(line: Line) -> Line:
    """Return the line of a week that nobody decided: it is behind or ahead of nothing."""
    return replace(line, status="unplanned", catch_up=None)


def _day_of(days: Days, least: int, by: Callable[[int], Any]) -> dt.date | None:
    """Return the day by whose end a running total reaches an amount."""
    at = bisect_left(range(days.count), least, key=by)
    return days.day(at) if at < days.count else None
