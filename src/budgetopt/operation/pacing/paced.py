"""Spending held against a plan: of one channel, of one span of days, and of the day's spans."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from budgetopt.money import difference_of
from budgetopt.money import show_amount as show
from budgetopt.words import Sentence, say

Status = Literal["ahead", "on", "behind", "unseen", "not-begun"]
Kind = Literal["week", "period", "phase", "campaign"]

_SPANS = {
    "week": "week of {label}",
    "period": "period {label}",
    "phase": "phase {label}",
    "campaign": "campaign {label}",
}
_SPENT = "{span}: {actual} of the planned {planned} is spent, {projection} projected, {status}"
_UNKNOWN = "{span}: {planned} is planned, {status}"
_SPENT_AT_PACE = (
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), {status}"
)
_CATCH_UP = (
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), "
    "{status}; {daily} a day over {days} days left ends at the plan"
)
_LAST_DAY = (
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), "
    "{status}; {daily} on the day left ends at the plan"
)
_STATUS = {
    "ahead": "ahead of the plan",
    "on": "on pace",
    "behind": "behind the plan",
    "unseen": "no data yet",
    "not-begun": "not begun",
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
        later, or nothing is due yet nor spent.
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
        return self.status not in ("unseen", "not-begun")

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
