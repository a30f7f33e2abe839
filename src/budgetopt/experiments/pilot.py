r"""A pilot: a channel on for 1 to 5 % of users or regions, before its money is scaled.

- `Pilot`: what is declared, and the log of what was observed; a value, as `Experiment` is one;
- `PilotVerdict`: go, stop, or go on; what the channel brings, with its range; and the lift test
  that `learn` takes. `pilot_sentences` says it in words.

The pilot group has the share ``p`` of the users or regions, the control group ``c``. With outcomes
``y`` and money ``m`` of a week, the whole market at the pilot's money per user would bring

.. math:: D = \frac{y_p}{p} - \frac{y_c}{c} \quad\text{more than at the control group's, for}\quad
          \Delta = \frac{m_p}{p} - \frac{m_c}{c} \quad\text{more money.}

Go is said where D is above what the money must bring, :math:`\Delta` over the most that one more
outcome may cost; stop where it is below. Both are read off an interval of D that is right however
often it is looked at (`stopping.counts_always` for the conversions of users, whose luck is that of
single events, and `stopping.weeks_always` for regions and for revenue, whose weeks show how far
they differ), and, once the declared weeks are over, off the usual one (`counts_once`,
`weeks_once`). Each may be wrong with half of the error rate.

Where this stops: groups are drawn at random and do not see each other's ads; shares are of the
outcome before the pilot; the effect is the same in every week, and none comes after it. D is
read at one amount of money per user: with falling returns more money brings less for each unit.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.special import ndtri, stdtrit

from budgetopt.arguments import Given, public, record
from budgetopt.arrays import Floats
from budgetopt.errors import HistoryError, InputError, as_number, did_you_mean
from budgetopt.experiments import settings as plain
from budgetopt.experiments.settings import Observation, as_arm
from budgetopt.experiments.sizes import minimum_detectable_effect
from budgetopt.experiments.stopping import counts_always, counts_once, weeks_always, weeks_once
from budgetopt.i18n import Message, say, show_figure
from budgetopt.money import Currency, show_amount
from budgetopt.notebook import short
from budgetopt.plan import LiftTest

ARMS = ("pilot", "control")
KINDS = ("users", "regions")
OUTCOMES = ("conversions", "revenue")
LEAST_SHARE, MOST_SHARE = 0.01, 0.05
GO, STOP, GO_ON, UNDECIDED = "go", "stop", "go on", "undecided"
FEWEST_WEEKS = 3
"""That say how far weeks differ."""
_APART = 0.1
"""Money that lies farther from the planned, as a share, is another point of the curve."""


@public
@short
@record()
class Pilot:
    """A channel on for a small share of users or regions, before its money is scaled.

    Parameters
    ----------
    channel
        Its name.
    planned
        Money per week of the channel once it is scaled to everybody; the pilot gets its share.
    share
        Of users or regions that are in the pilot, by outcome, 0.01 to 0.05.
    weeks
        That it lasts, 1 to 52; regions and revenue need at least 3.
    kind
        ``"users"`` or ``"regions"``.
    control
        Share in the control group; by default all others.
    outcome
        ``"conversions"`` or ``"revenue"``: which field of the log is looked at.
    most_cost
        Money that one more unit of outcome may cost: a CPA, or 0.33 for a return of 3; None where
        any outcome will do.
    error_rate
        Probability of a wrong go, and of a wrong stop, at most, however often it is looked at;
        from above 0 to below 0.5.
    usual
        Outcome of a usual week without the channel, which says beforehand what can be found.
    noise
        How far that outcome differs from week to week, a standard deviation; by default, and only
        for conversions of users, the square root of `usual`.
    currency
        ISO 4217 code.
    log
        Rows of the two arms, ``"pilot"`` and ``"control"``, by day or by week, both of the same
        days. Rows of one week, such as those of several regions, are added up. Weeks begin with the
        first row's day.

    Raises
    ------
    InputError
        ``bad-argument``, or ``unknown-name`` for the kind, the outcome or an arm.
    HistoryError
        ``bad-name`` for a channel's name that is blank or not text, ``bad-number`` for a row
        without the outcome, ``bad-history`` for a day of one arm only, or that daily rows lack.
    MoneyError
        ``bad-money`` or ``bad-currency``.

    Notes
    -----
    Of 2,000 simulated pilots of 2 % of users, with 5,000 conversions a week and 8 weeks, an effect
    of 15 % was shown before the end in 83 % and at the end in 98 %, and a range missed it on one
    side in 2.6 %. With regions whose weeks differ by half the effect 4 weeks show it in 76 %, at
    the end alone, and 8 weeks before the end in 70 %.

    Examples
    --------
    Two per cent of users; 98 % are the control group:

    >>> pilot = Pilot("short video", planned=30_000, share=0.02, most_cost=60)
    >>> pilot.money_a_week
    Decimal('600.00')
    >>> rows = [Observation(f"2026-11-{day:02}", arm, money, conversions=got)
    ...         for day in (2, 9, 16, 23)
    ...         for arm, money, got in (("pilot", 600, 130), ("control", 0, 4900))]
    >>> found = pilot.observe(rows).verdict()
    >>> found.decision, found.incremental, round(found.error)
    ('go', 1500.0, 287)
    """

    channel: str
    planned: Given[Decimal]
    share: float
    weeks: int = 4
    kind: str = "users"
    control: float | None = None
    outcome: str = "conversions"
    most_cost: float | None = None
    error_rate: float = 0.05
    usual: float | None = None
    noise: float | None = None
    currency: str = "CNY"
    log: tuple[Observation, ...] = ()

    def __post_init__(self) -> None:
        self._set("channel", as_arm(self.channel, "channel"))
        for name, known in (("kind", KINDS), ("outcome", OUTCOMES)):
            given = getattr(self, name)
            if given not in known:
                raise InputError("unknown-name", say("pilot-no-such", given=repr(given), name=name),
                                 field=name, value=str(given),
                                 remedy=did_you_mean(str(given), known))  # fmt: skip
        money = self.money.minor(self.planned, "planned")
        self._set("planned", self.money.amount(money))
        if not money:
            raise InputError("bad-argument", field="planned", value=0,
                             remedy=say("remedy-number-above-zero"))  # fmt: skip
        self._set("share", as_number(self.share, "share", least=LEAST_SHARE, most=MOST_SHARE,
                                     remedy=say("remedy-pilot-share")))  # fmt: skip
        rest = 1.0 - self.share
        control = as_number(rest if self.control is None else self.control, "control", above=0,
                            most=rest)  # fmt: skip
        self._set("control", control)
        least = 1 if self.by_events else FEWEST_WEEKS
        weeks = as_number(self.weeks, "weeks", least=least, most=52,
                          remedy=None if self.by_events else say("remedy-pilot-weeks"))  # fmt: skip
        if weeks != int(weeks):
            raise InputError("bad-argument", field="weeks", value=self.weeks,
                             remedy=say("remedy-whole-weeks"))  # fmt: skip
        self._set("weeks", int(weeks))
        for name in ("most_cost", "usual", "noise"):
            if getattr(self, name) is not None:
                self._set(name, as_number(getattr(self, name), name, above=0, below=1e100))
        self._set("error_rate", as_number(self.error_rate, "error_rate", above=0, below=0.5))
        rows = sorted(self.log, key=lambda row: (row.day, row.arm))
        self._set("log", tuple(rows))
        for row in rows:
            if row.arm not in ARMS:
                raise InputError("unknown-name",
                                 say("arm-not-in-test", arm=repr(row.arm), day=row.day),
                                 field="arm", value=row.arm,
                                 remedy=did_you_mean(row.arm, ARMS))  # fmt: skip
            if getattr(row, self.outcome) is None:
                row.refuse(self.outcome, say("value-missing"), say("remedy-pilot-outcome"))
        self._by_week  # noqa: B018 - a log that is not two arms in every week is refused

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def money(self) -> Currency:
        """The currency."""
        return Currency(self.currency)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that every row must have."""
        return (self.outcome, "spend")

    @property
    def by_events(self) -> bool:
        """Whether outcomes are single events, whose luck is known; else weeks show their noise."""
        return self.kind == "users" and self.outcome == "conversions"

    @property
    def groups(self) -> Floats:
        """Shares of pilot and control group."""
        return np.array([self.share, self.control])

    @property
    def money_a_week(self) -> Decimal:
        """Money of the pilot in one week, its share of the planned, rounded to the cent."""
        minor = self.money.minor(self.planned, "planned")
        return self.money.amount(round(minor * Fraction(repr(self.share))))

    @property
    def detectable(self) -> float | None:
        r"""Least outcome per week that is found with 80 % chance when the weeks are over.

        :math:`(z_{1-\alpha/2} + z_{0.8})\,s\sqrt{(1/p + 1/c)/n}`; None where it cannot be known.
        """
        noise = self.noise
        if noise is None and self.by_events and self.usual is not None:
            noise = math.sqrt(self.usual)
        if noise is None:
            return None
        error = noise * math.sqrt(float((1.0 / self.groups).sum()) / self.weeks)
        return minimum_detectable_effect(error, level=1.0 - self.error_rate)

    def observe(self, rows: Iterable[Observation]) -> Self:
        """Return the pilot with more rows in its log."""
        return replace(self, log=(*self.log, *rows))

    @cached_property
    def _by_week(self) -> tuple[Floats, Floats, int]:
        """Return outcome and money by week and arm, and days left out of a week that is not over.

        Rows are daily where some week has several days; then a last week without its last day is
        not over.
        """
        if not self.log:
            return np.zeros((0, 2)), np.zeros((0, 2)), 0
        first = self.log[0].day
        days = {row.day for row in self.log}
        week = {day: (day - first).days // 7 for day in days}
        count = max(week.values()) + 1
        left: set[dt.date] = set()
        daily = len(set(week.values())) < len(days)
        if daily and first + dt.timedelta(7 * count - 1) not in days:
            count -= 1
            left = {day for day in days if week[day] == count}
        table = np.zeros((2, count, 2))
        for row in self.log:
            if row.day not in left:
                at = week[row.day], ARMS.index(row.arm)
                table[:, *at] += getattr(row, self.outcome), row.spend
        self._refuse_gaps(first, count, daily, days - left)
        return table[0], table[1], len(left)

    def _refuse_gaps(self, first: dt.date, weeks: int, daily: bool, days: set[dt.date]) -> None:
        """Refuse a day that one arm has not, of daily rows any: less of a week looks like harm."""
        seen = {(day - first).days for day in days}
        unseen = set(range(0, 7 * weeks, 7)) - {at - at % 7 for at in seen}
        there = {(row.day, row.arm) for row in self.log}
        for at in sorted(range(7 * weeks) if daily else seen | unseen):
            day = first + dt.timedelta(at)
            for arm in ARMS:
                if (day, arm) not in there:
                    said = say("pilot-day-without", arm=arm, day=day.isoformat())
                    raise HistoryError("bad-history", said, field="log", value=day.isoformat(),
                                       remedy=say("remedy-pilot-day"))  # fmt: skip

    def verdict(self) -> PilotVerdict:
        """Return what the pilot says so far: go, stop, or go on."""
        return self._verdict

    @cached_property
    def _verdict(self) -> PilotVerdict:
        outcome, spend, left = self._by_week
        weeks, ended = outcome.shape[0], None
        if self.log:
            ended = self.log[0].day + dt.timedelta(7 * weeks - 1)
        known = PilotVerdict(
            self.channel, GO_ON, "", weeks, self.weeks, self.share, float(self.groups[1]),
            self.outcome, self.planned, self.currency, self.kind, self.error_rate,
            self.money_a_week, self.most_cost, self.detectable, days_left_out=left, ended=ended,
        )  # fmt: skip
        if not weeks:
            return known
        over = UNDECIDED if weeks >= self.weeks else GO_ON
        if not outcome.sum():
            return replace(known, decision=over)
        low, high = self._range(outcome)
        whole = spend / self.groups
        money = whole.cumsum(axis=0) / np.arange(1, weeks + 1)[:, None]
        bar = (money[:, 0] - money[:, 1]) / (self.most_cost or math.inf)
        # What comes without more money says nothing of what money brings.
        more = money[:, 0] > money[:, 1]
        go, stop = more & (low > bar), more & (high < bar)
        settled = np.flatnonzero(go | stop)
        decision, reason = over, ""
        decided = None
        if settled.size:
            # What was said once stays said: later looks are not other chances.
            at = int(settled[0])
            decision, decided = (GO if go[at] else STOP), at + 1
            reason = "pays" if go[at] else "harms" if high[at] < 0 else "does-not-pay"
        each = outcome / self.groups
        return replace(
            known,
            decision=decision,
            reason=reason,
            decided=decided,
            incremental=float(np.mean(each[:, 0] - each[:, 1])),
            low=float(low[-1]) if math.isfinite(low[-1]) else None,
            high=float(high[-1]) if math.isfinite(high[-1]) else None,
            error=self._error(outcome),
            spend_high=float(money[-1, 0]),
            spend_low=float(money[-1, 1]),
            outcome_high=float(each[:, 0].mean()),
            outcome_low=float(each[:, 1].mean()),
            needed=float(bar[-1]),
        )

    def _range(self, outcome: Floats) -> tuple[Floats, Floats]:
        """Return the ends of the outcome per week after each week, right at every look together."""
        half, n, planned = self.error_rate / 2.0, outcome.shape[0], self.weeks - 1
        if self.by_events:
            total = outcome.cumsum(axis=0)
            exposure = np.arange(1.0, n + 1.0)[:, None] * self.groups
            low, high = counts_always(total, exposure, half)
            once = counts_once(total, exposure, half)
        else:
            each = outcome / self.groups
            apart = each[:, 0] - each[:, 1]
            low, high = weeks_always(apart, half)
            once = weeks_once(apart, half)
        # All of these hold together, so what they share does; one look at the end, not at others.
        if n > planned:
            low[planned] = max(low[planned], once[0][planned])
            high[planned] = min(high[planned], once[1][planned])
        least, most = np.maximum.accumulate(low), np.minimum.accumulate(high)
        # Nothing shared: the effect was not the same in all weeks, and the last look stands.
        return np.where(least < most, least, low), np.where(least < most, most, high)

    def _error(self, outcome: Floats) -> float | None:
        r"""Return the standard error of the outcome per week.

        Of events :math:`\sqrt{\sum_j (x_j + 1/2)/e_j^2}` with Jeffreys' half event; of weeks that
        whose normal 90 % range is Student's, :math:`t_{n-1}(0.95)/z(0.95)\; s/\sqrt n`.
        """
        n = outcome.shape[0]
        if self.by_events:
            variance = (outcome.sum(axis=0) + 0.5) / np.square(n * self.groups)
            return float(np.sqrt(variance.sum()))
        if n < FEWEST_WEEKS:
            return None
        each = outcome / self.groups
        sd = float(np.std(each[:, 0] - each[:, 1], ddof=1))
        return sd / math.sqrt(n) * float(stdtrit(n - 1, 0.95) / ndtri(0.95)) or None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, shaped like a pilot's file; money is text, so that nothing is lost."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        data |= {"planned": f"{self.planned:f}", "log": [row.to_dict() for row in self.log]}
        return {"schema_version": plain.SCHEMA_VERSION, **data}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the pilot that plain data describes.

        Raises
        ------
        InputError
            ``bad-plan`` for a missing or misspelt field, and whatever the constructor raises.
        """
        known = [one.name for one in fields(cls)]
        given = plain.declared(data, "pilot", ("schema_version", *known))
        for name in ("channel", "planned", "share"):
            if name not in given:
                raise InputError("bad-plan", say("part-of-missing", name=name, where="pilot"),
                                 field=name, remedy=say("remedy-add-name", name=name))  # fmt: skip
        given.pop("schema_version", None)
        return cls(**given | {"log": plain.rows_of(given)})

    def to_json(self) -> str:
        """Return JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the pilot that JSON text describes; raises as `from_dict` does."""
        return cls.from_dict(plain.parsed(text))


@short
@dataclass(frozen=True)
class PilotVerdict:
    """What a pilot says so far.

    Parameters
    ----------
    channel
        Its name.
    decision
        ``"go"``, ``"stop"``, ``"go on"``, or ``"undecided"`` where the weeks are over and neither
        is shown.
    reason
        ``"pays"``, ``"does-not-pay"``, ``"harms"``, or empty.
    weeks, planned_weeks
        Whole weeks of the log, and weeks that were declared.
    share, control
        Of the two groups.
    outcome
        Which is looked at.
    planned, currency, kind
        Money per week at scale, and who is in the pilot.
    error_rate
        Of a wrong go, and of a wrong stop, at most.
    money_a_week
        Money of the pilot in one week, as planned.
    most_cost
        What one more outcome may cost.
    detectable
        Least outcome per week that would be found.
    incremental, low, high, error
        Outcome per week of the whole market at the pilot's money per user beyond that of the
        control group, the ends of its range (each wrong with the error rate at most; None where
        there is none), and its standard error; None while nothing was seen.
    spend_high, spend_low
        Money per week of the whole market, at the pilot's and the control group's money per user.
    outcome_high, outcome_low
        Outcome per week of the whole market at either.
    needed
        Outcome per week that the difference in money must bring.
    decided
        Week after which the decision fell.
    days_left_out
        Days of a last week that is not over.
    ended
        Last day of the weeks looked at.
    """

    channel: str
    decision: str
    reason: str
    weeks: int
    planned_weeks: int
    share: float
    control: float
    outcome: str
    planned: Decimal
    currency: str
    kind: str
    error_rate: float
    money_a_week: Decimal
    most_cost: float | None
    detectable: float | None
    incremental: float | None = None
    low: float | None = None
    high: float | None = None
    error: float | None = None
    spend_high: float | None = None
    spend_low: float | None = None
    outcome_high: float | None = None
    outcome_low: float | None = None
    needed: float | None = None
    decided: int | None = None
    days_left_out: int = 0
    ended: dt.date | None = None

    @property
    def lift_test(self) -> LiftTest | None:
        """The result as a plan's ``lift_tests`` take it, at the money that was piloted.

        None while nothing was seen, where the error is not known, or where the pilot's users got
        no more money than the others. What a stop rule stopped is no other evidence for a learner
        that weighs likelihoods (Berger and Wolpert 1988, The likelihood principle, section 4.2).
        """
        if self.incremental is None or self.error is None:
            return None
        assert self.spend_high is not None
        assert self.spend_low is not None
        if not self.spend_high > self.spend_low:
            return None
        return LiftTest(self.channel, self.incremental, self.error, self.spend_high,
                        self.spend_low, self.ended)  # fmt: skip

    @property
    def cost(self) -> float | None:
        """Money that one more unit of outcome cost; None where none came."""
        if self.incremental is None or self.incremental <= 0:
            return None
        assert self.spend_high is not None
        assert self.spend_low is not None
        return (self.spend_high - self.spend_low) / self.incremental

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; money is text, so that nothing is lost."""
        test = self.lift_test
        return asdict(self) | {
            "planned": f"{self.planned:f}",
            "money_a_week": f"{self.money_a_week:f}",
            "ended": None if self.ended is None else self.ended.isoformat(),
            "cost": self.cost,
            "lift_test": None if test is None else test.to_dict(),
            "notes": [str(each) for each in pilot_sentences(self)],
        }

    def to_json(self) -> str:
        """Return JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)


def pilot_sentences(verdict: PilotVerdict) -> list[Message]:
    """Return what a pilot says, in sentences."""
    v, said = verdict, []
    error = f"{100 * v.error_rate:g}%"
    if v.incremental is None and v.weeks:
        return [say("pilot-nothing-came", weeks=v.weeks), *_left_out(v)]
    if v.incremental is None:
        said.append(say("pilot-no-data", share=f"{100 * v.share:g}%", weeks=v.planned_weeks,
                        money=show_amount(v.money_a_week)))  # fmt: skip
        if v.detectable is not None:
            said.append(say("pilot-detectable", least=show_figure(v.detectable, 3)))
        return said + _left_out(v)
    needed = say("pilot-needed", needed=_figure(v.needed))
    brought = {
        "channel": v.channel,
        "money": _figure(v.spend_high),
        "more": _figure(v.incremental),
        "needed": needed if v.most_cost else say("pilot-anything"),
        "weeks": v.decided or v.weeks,
        "error": error,
    }
    code = {
        "pays": "pilot-go" if v.most_cost else "pilot-go-any",
        "does-not-pay": "pilot-stop",
        "harms": "pilot-harms",
    }.get(v.reason, "pilot-goes-on" if v.decision == GO_ON else "pilot-undecided")
    assert v.spend_high is not None
    assert v.spend_low is not None
    if v.spend_high <= v.spend_low:
        both = {"money": _figure(v.spend_high), "control": _figure(v.spend_low)}
        return [say("pilot-no-more-money", **both), *_left_out(v)]
    said.append(say(code, **brought))
    if v.low is not None and v.high is not None:
        level = f"{100 * (1 - 2 * v.error_rate):g}%"
        said.append(say("pilot-range", money=_figure(v.spend_high), more=_figure(v.incremental),
                        low=_figure(v.low), high=_figure(v.high), level=level))  # fmt: skip
    else:
        said.append(say("pilot-no-range", more=_figure(v.incremental), money=_figure(v.spend_high)))
    if v.cost is not None and v.low is not None and v.high is not None:
        money = v.spend_high - v.spend_low
        # A range that reaches to nothing has no dearest end.
        code = "pilot-cost" if v.low > 0 else "pilot-cost-open"
        most = {"high": _figure(money / v.low)} if v.low > 0 else {}
        said.append(say(code, cost=_figure(v.cost), low=_figure(money / v.high), **most))
    if abs(v.spend_high / float(v.planned) - 1.0) > _APART:
        said.append(say("pilot-elsewhere", money=_figure(v.spend_high),
                        planned=show_amount(v.planned)))  # fmt: skip
    said.append(say("pilot-per-user", money=_figure(v.spend_high)))
    if v.lift_test is None:
        said.append(say("pilot-no-lift-test"))
    return said + _left_out(v)


def _left_out(verdict: PilotVerdict) -> list[Message]:
    days = verdict.days_left_out
    return [say("pilot-week-not-over", days=days)] if days else []


def _figure(value: float | None) -> str:
    return show_figure(0.0 if value is None else value, 4)
