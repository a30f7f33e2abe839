r"""What pays for money spent beyond the plan of a week, to the last minor unit.

By the rule chosen it is paid for, in this order, by

- ``"reserve"``: what other channels leave of their own plan, then contingency, while it lasts;
- ``"weakest"``: what other channels leave, then the channels whose next unit of money brings least,
  from what they still have to spend this week and, where that is not enough, from next week's;
- ``"stop"``: the channel itself: it gets no more this week than is left of its plan, nothing where
  it is used up, and what is spent beyond it is taken off its next week; what that does not pay is
  held against what other channels leave.

Nobody is taken below a floor, a minimum, or a lock; what cannot be paid for is said.

Cutting the weakest first loses least as long as each unit counts its marginal return :math:`m_j`:
the least of :math:`\sum_j m_j t_j` with :math:`\sum_j t_j` given and :math:`0 \le t_j \le r_j`
fills the smallest :math:`m_j` first, by exchange. Marginal returns rise as money goes, so that for
a large overspend the next decision, which knows the curves, does better: an answer says who pays,
and is no split of a week.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf, isnan
from typing import Any, Literal, NamedTuple

from budgetopt.errors import InputError, did_you_mean
from budgetopt.money import show_amount as show
from budgetopt.money import total_of
from budgetopt.operation.pacing import Line, Paced
from budgetopt.operation.reserve.accounts import Movement
from budgetopt.plan import Plan
from budgetopt.plan.operation.pacing import Overspend
from budgetopt.words import Sentence, say

Payer = Literal["left-over", "reserve", "this-week", "next-week"]
_RULES: tuple[Overspend, ...] = ("reserve", "weakest", "stop")


@dataclass(frozen=True)
class Source:
    """Where some of the money comes from.

    Parameters
    ----------
    payer
        ``"left-over"``: a channel's plan that will not be spent. ``"reserve"``: contingency.
        ``"this-week"``: money that a channel still had to spend. ``"next-week"``: money of its next
        week.
    channel
        Name; empty for contingency.
    amount
        Money, above 0.
    """

    payer: Payer
    channel: str
    amount: Decimal


@dataclass(frozen=True)
class Answered:
    """Who pays for an overspend.

    Parameters
    ----------
    week
        First day of the week.
    rule
        ``"reserve"``, ``"weakest"`` or ``"stop"``.
    over
        Money beyond the plan, by channel that is.
    sources
        Who pays, in order.
    uncovered
        What nobody pays for.

    Raises
    ------
    InputError
        ``bad-argument`` where the sources and what is uncovered are not what is over.
    """

    week: dt.date
    rule: Overspend
    over: tuple[tuple[str, Decimal], ...]
    sources: tuple[Source, ...]
    uncovered: Decimal

    def __post_init__(self) -> None:
        if self.total != total_of((self.uncovered, *(s.amount for s in self.sources))):
            raise _wrong("sources", "do not add up to what is over", "name every source once")

    @property
    def total(self) -> Decimal:
        """All that is over."""
        return total_of(money for _, money in self.over)

    def paid(self, payer: Payer) -> Decimal:
        """Return what one kind of source pays."""
        return total_of(s.amount for s in self.sources if s.payer == payer)

    def movement(self, on: dt.date, who: str = "rule") -> Movement | None:
        """Return what leaves contingency as a movement; None where nothing does."""
        taken = self.paid("reserve")
        return Movement(on, "overspend", taken, who, self.sentence()) if taken else None

    def sentence(self) -> Sentence:
        """Return who pays what in one sentence."""
        over = tuple(
            say("{amount} in {channel}", amount=show(money), channel=name)
            for name, money in self.over
        )
        if not over:
            return say("nothing is spent beyond the plan")
        paid = tuple(
            say(_PAYERS[s.payer], amount=show(s.amount), channel=s.channel) for s in self.sources
        )
        values = {"total": show(self.total), "over": over, "paid": paid}
        if not self.uncovered:
            return say("{total} beyond the plan ({over}) is paid by {paid}", **values)
        values["uncovered"] = show(self.uncovered)
        if not paid:
            return say("{total} beyond the plan ({over}) is paid by nobody", **values)
        template = "{total} beyond the plan ({over}) is paid by {paid}; {uncovered} by nobody"
        return say(template, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, money as text."""
        sources = [
            {"payer": s.payer, "channel": s.channel, "amount": str(s.amount)} for s in self.sources
        ]
        return {
            "week": str(self.week),
            "rule": self.rule,
            "over": {name: str(money) for name, money in self.over},
            "sources": sources,
            "uncovered": str(self.uncovered),
        }


_PAYERS: dict[Payer, str] = {
    "left-over": "{amount} that {channel} leaves of its plan",
    "reserve": "{amount} of contingency",
    "this-week": "{amount} less for {channel} this week",
    "next-week": "{amount} less for {channel} next week",
}


def answer_overspend(
    plan: Plan,
    week: Paced,
    rule: Overspend | None = None,
    *,
    balance: Any = 0,
    marginal: Mapping[str, float] | None = None,
    next_week: Mapping[str, Any] | None = None,
    least: Mapping[str, Any] | None = None,
) -> Answered:
    """Return who pays for what a week spends, or is projected to spend, beyond its plan.

    While days are left only channels that are ahead of the band count as over; when the week is
    over every unit does.

    Parameters
    ----------
    plan
        Floors, minimums and locks, and the rule of ``plan.operation.pacing``.
    week
        Plan, actual and projection of the week, `Pace.week`.
    rule
        ``"reserve"``, ``"weakest"`` or ``"stop"``, in place of the plan's.
    balance
        Contingency that there is.
    marginal
        What the next unit of money brings, by channel, for ``"weakest"``; in units that compare,
        such as value for money. Channels that are not named, or not known (NaN), pay last.
    next_week
        Money of the next week by channel; nothing is taken from it where it is not given.
    least
        What channels must have of it, by their change limits too.

    Raises
    ------
    InputError
        ``bad-argument`` for another rule, or where ``"weakest"`` has no marginal returns.
    """
    rule = plan.operation.pacing.overspend if rule is None else rule
    if rule not in _RULES:
        raise _wrong("rule", f"is {rule!r}", did_you_mean(str(rule), _RULES))
    if rule == "weakest" and marginal is None:
        raise _wrong("marginal", "is missing", "give what the next unit brings by channel")
    over = {line.channel: _over(plan, line) for line in week.lines}
    over = {name: minor for name, minor in over.items() if minor}
    purse = _Purse(plan, week, plan.last_minor(next_week or {}), plan.last_minor(least or {}))
    left = tuple(_Offer("left-over", n, m) for n, m in purse.left_over().items() if n not in over)
    if rule == "reserve":
        offers = (*left, _Offer("reserve", "", plan.money.minor(balance, "balance")))
    elif rule == "weakest":
        offers = (*left, *_weakest(purse, marginal or {}))
    else:
        offers = (*_own(purse, over), *left)
    missing, sources = sum(over.values()), []
    for payer, channel, most in offers:
        taken = min(most, missing)
        if taken > 0:
            sources.append(Source(payer, channel, plan.money.amount(taken)))
            missing -= taken
    amounts = tuple((name, plan.money.amount(minor)) for name, minor in over.items())
    return Answered(week.first, rule, amounts, tuple(sources), plan.money.amount(missing))


class _Offer(NamedTuple):
    """Most that one payer can pay, in minor units."""

    payer: Payer
    channel: str
    most: int


class _Purse(NamedTuple):
    """What channels have in a week and the next, in minor units."""

    plan: Plan
    week: Paced
    following: list[int]
    needed: list[int]

    def left_over(self) -> dict[str, int]:
        """Return what each channel will leave of its plan."""
        minor = self.plan.money.minor
        both = {
            line.channel: (minor(line.planned, "planned"), minor(line.projection, "projection"))
            for line in self.week.lines
        }
        return {name: max(planned - spent, 0) for name, (planned, spent) in both.items()}

    def this_week(self, at: int) -> int:
        """Return what a channel still spends by the projection, down to the least of its week."""
        minor, line = self.plan.money.minor, self.week.lines[at]
        to_come, all_ = minor(line.to_come, "to_come"), minor(line.projection, "projection")
        return min(to_come, max(all_ - self.least(at, all_), 0))

    def next_week(self, at: int) -> int:
        """Return what can be taken off a channel's next week."""
        there = self.following[at]
        return max(there - max(self.least(at, there), self.needed[at]), 0)

    def least(self, at: int, money: int) -> int:
        """Return what a channel keeps: its floor, its minimum where it is on, all if locked."""
        floor, _, locked = self.plan.minor_bounds[at]
        return money if locked else max(floor, self.plan.minimums_minor[at])


def _over(plan: Plan, line: Line) -> int:
    counts = line.status == "ahead" or not line.days_left
    return plan.money.minor(line.over, "over") if counts else 0


def _weakest(purse: _Purse, marginal: Mapping[str, float]) -> Iterator[_Offer]:
    """Yield what channels can give, the least marginal return first, this week before the next."""
    known = [marginal.get(name, inf) for name in purse.plan.names]
    worth = [inf if isnan(value) else value for value in known]
    order = sorted(range(len(worth)), key=lambda at: worth[at])
    for at in order:
        yield _Offer("this-week", purse.plan.names[at], purse.this_week(at))
    for at in order:
        yield _Offer("next-week", purse.plan.names[at], purse.next_week(at))


def _own(purse: _Purse, over: Mapping[str, int]) -> Iterator[_Offer]:
    """Yield what each channel that is over can give of its own, up to what it is over."""
    for name, minor in over.items():
        at = purse.plan.index[name]
        now = min(purse.this_week(at), minor)
        yield _Offer("this-week", name, now)
        yield _Offer("next-week", name, min(purse.next_week(at), minor - now))


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError("bad-argument", f"{field} {problem}", field=field, remedy=remedy)
