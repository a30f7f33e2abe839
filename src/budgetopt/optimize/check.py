"""The last check of an answer: its spends against the plan's own declared numbers.

Everything is worked out here from what the user wrote, in fractions and Python integers. Nothing is
shared with what made the answer: not the bounds, not the rows that engines read, not their arrays.
A limit that was put into rows wrongly shows here.

Two kinds of limit are left to `problem.verify`: one of a class of one's own has nothing but its
rows, and `MroasFloor` is a cap that is read off the curves. Outcomes are floats, so a limit on them
may be missed by a share of 2e-9.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from budgetopt.errors import VerificationError
from budgetopt.i18n import Message, say
from budgetopt.plan import (
    KINDS,
    Apart,
    AtLeastOn,
    Channel,
    CpaCeiling,
    FewMoves,
    FrequencyCap,
    GroupLimit,
    LinearLimit,
    OutcomeFloor,
    Plan,
    RoasFloor,
    Turnover,
)

_FLOAT = Fraction(2, 10**9)
"""Share by which a limit on outcomes, which are floats, may be missed."""
_NOISE = Fraction(1, 10_000)
"""Minor units by which a declared amount may miss a whole one and still stand for it."""
_SPACINGS = 4
"""The same in spacings of floats of the amount's size."""


@dataclass(frozen=True)
class Split:
    """A week's spends with what they are held against.

    Parameters
    ----------
    plan
        What was declared.
    spend
        Money by channel.
    last
        Last applied money by channel, empty where there is none.
    outcomes
        Expected outcome by channel.
    """

    plan: Plan
    spend: Mapping[str, Decimal]
    last: Mapping[str, Decimal]
    outcomes: Mapping[str, float]

    def violations(self) -> Iterator[VerificationError]:
        """Yield an error for every declared limit that the spends break."""
        if tuple(self.spend) != tuple(channel.name for channel in self.plan.channels):
            yield broken_limit(say("the-split"), say("of-other-channels"), say("plan-does-not"))
            return
        yield from self._of_the_whole()
        for name, problem in self._of_channels():
            spend = say("spend-of", name=name)
            yield broken_limit(spend, str(self.spend[name]), problem, field=name)
        for limit in self.plan.limits:
            for problem in _CHECKS.get(type(limit), _nothing)(self, limit):
                yield broken_limit(
                    say("the-split"), problem, say("against-limit", name=repr(limit.name))
                )

    @cached_property
    def units(self) -> int:
        """Minor units in one unit of money."""
        return self.plan.money.units

    @cached_property
    def money(self) -> dict[str, int]:
        """Spends in minor units, rounded down."""
        return self._spends[0]

    @cached_property
    def _spends(self) -> tuple[dict[str, int], set[str]]:
        """Spends in minor units, rounded down, and the names of those that are finer."""
        units, money, finer = self.units, {}, set()
        for name, amount in self.spend.items():
            top, bottom = amount.as_integer_ratio()
            money[name], rest = divmod(top * units, bottom)
            if rest:
                money[name] = self.whole(amount)
                finer.add(name)
        return money, finer

    @cached_property
    def before(self) -> dict[str, int]:
        """Last applied spends in minor units."""
        return {name: self.whole(amount) for name, amount in self.last.items()}

    @cached_property
    def moved(self) -> list[int]:
        """What each channel moves against the last applied week, in minor units."""
        return [abs(money - self.before[name]) for name, money in self.money.items()]

    @cached_property
    def spendable(self) -> int:
        """The declared budget less the reserve in minor units."""
        budget = left = self.whole(self.plan.budget)
        for part in (getattr(self.plan.reserve, kind) for kind in KINDS):
            share = Fraction(part.amount) * budget / self.units if part.is_share else part.amount
            left -= self.whole(share, up=True)
        return left

    def whole(self, amount: Decimal | Fraction, *, up: bool = False) -> int:
        """Return declared money in minor units, rounded down or up where it is finer than those.

        An amount that misses a whole number by no more than the noise of floats is that number;
        what no float prints has none.
        """
        top, bottom = amount.as_integer_ratio()
        whole, rest = divmod(top * self.units, bottom)
        if not rest:
            return whole
        near = whole + (2 * rest >= bottom)
        off = abs(Fraction(top * self.units, bottom) - near)
        float_near = float(amount)
        printed = Fraction(str(float_near)) == amount
        spacing = Fraction(math.ulp(float_near)) * self.units * printed
        return near if off <= max(_NOISE, _SPACINGS * spacing) else whole + up

    def group(self, where: Any) -> list[str]:
        """Return the channels of a group, given as labels or as names."""
        if not isinstance(where, Mapping):
            return list(where)
        parts = [self._labels.get(pair, {}) for pair in where.items()]
        if not parts:
            return list(self.spend)
        return [name for name in parts[0] if all(name in part for part in parts[1:])]

    def sum(self, where: Any) -> int:
        """Return the money of a group in minor units."""
        return sum(self.money[name] for name in self.group(where))

    @cached_property
    def _labels(self) -> dict[tuple[str, str], dict[str, None]]:
        """Channels by label and its value."""
        table: dict[tuple[str, str], dict[str, None]] = {}
        for channel in self.plan.channels:
            for pair in channel.labels:
                table.setdefault(pair, {})[channel.name] = None
        return table

    def _of_the_whole(self) -> Iterator[VerificationError]:
        total, goal, show = sum(self.money.values()), self.plan.goal, self.plan.money.show
        if total > self.spendable:
            above = say("above-budget", budget=show(self.spendable))
            yield broken_limit(say("the-total"), show(total), above)
        if self.plan.spend == "all" and total < self.spendable:
            yield broken_limit(
                say("the-total"), show(total), say("not-all", spendable=show(self.spendable))
            )
        if goal.target is not None:
            brought = _brought(self, {}, None)
            if brought * (1 + _FLOAT) < Fraction(goal.target):
                yield broken_limit(say("the-outcome"), f"{float(brought):g}", say("below-target"))

    def _of_channels(self) -> Iterator[tuple[str, Message]]:
        """Yield what spends break of their channels' own limits, by channel."""
        money, finer = self._spends
        step = None if self.plan.step is None else self.whole(self.plan.step)
        for channel in self.plan.channels:
            name = channel.name
            spend = money[name]
            if name in finer:
                yield name, say("finer-than-unit")
            if channel.locked is not None:
                if spend != self.whole(channel.locked):
                    yield name, say("not-its-lock", amount=str(channel.locked))
                continue
            least, most = self._reach(channel)
            if not least <= spend <= most:
                yield name, say("below-own-limits" if spend < least else "above-own-limits")
            if spend and spend < (on := self._least_on(channel)):
                yield name, say("neither-off-nor", amount=self.plan.money.show(on))
            lot = step if channel.lot is None else self.whole(channel.lot)
            stays = bool(self.last) and spend == self.before[name]
            if lot is not None and spend % lot and least < most and not stays:
                yield name, say("no-multiple-of-step", step=str(channel.lot or self.plan.step))

    def _least_on(self, channel: Channel) -> int:
        least = (
            0 if channel.off_or_at_least is None else self.whole(channel.off_or_at_least, up=True)
        )
        if channel.learning is None:
            return least
        money = Fraction(channel.learning.conversions) * Fraction(channel.learning.cpa)
        return max(least, self.whole(money, up=True))

    def _reach(self, channel: Channel) -> tuple[int, int]:
        """Return the least and the most that a channel may get, in minor units."""
        least = self.whole(channel.floor, up=True) if channel.floor else 0
        last = self.before[channel.name] if self.last else 0
        if channel.cap is not None:
            most = self.whole(channel.cap)
        else:
            most = max(self.spendable, least, last)
        if self.last:
            for room in self._rooms(channel, last):
                least, most = max(least, last - room), min(most, last + room)
        return least, most

    def _rooms(self, channel: Channel, last: int) -> Iterator[int]:
        """Yield how far a channel may move, by each part of its change limit."""
        rule = channel.max_change or self.plan.max_change
        if rule.share is not None and last == 0 and rule.from_zero is not None:
            yield self.whole(rule.from_zero)
        elif rule.share is not None:
            top, bottom = rule.share.as_integer_ratio()
            # A channel that had nothing may get a share of the equal share of the budget.
            yield top * (last or self.spendable // len(self.plan.channels)) // bottom
        if rule.money is not None:
            yield self.whole(rule.money)


Check = Callable[[Split, Any], Iterator[Message]]


def _nothing(split: Split, limit: Any) -> Iterator[Message]:
    return iter(())


def _group(split: Split, limit: GroupLimit) -> Iterator[Message]:
    money = split.sum(limit.where)
    for given, sign in ((limit.at_most, 1), (limit.at_least, -1)):
        if isinstance(given, str):
            base = split.sum({} if limit.of is None else limit.of)
            bound = Fraction(given.removesuffix("%")) / 100 * base
        elif given is not None:
            bound = Fraction(split.whole(given, up=sign < 0))
        if given is not None and sign * (money - bound) > 0:
            yield say("minor-units-beyond", units=f"{float(abs(money - bound)):g}")


def _linear(split: Split, limit: LinearLimit) -> Iterator[Message]:
    parts = {name: Fraction(value) for name, value in limit.coefficients.items()}
    used = _sum(value * split.money[name] for name, value in parts.items())
    # Sums and differences of spends are money, in which the noise of floats does not count.
    plain = not limit.unit.strip() and all(abs(value) in (0, 1) for value in parts.values())
    for given, signs in ((limit.at_most, (1,)), (limit.at_least, (-1,)), (limit.equal, (1, -1))):
        for sign in signs if given is not None else ():
            bound = Fraction(given) * split.units
            if plain:
                bound = Fraction(split.whole(given, up=sign < 0))
            if sign * (used - bound) > 0:
                yield say("amount-beyond", amount=f"{float(abs(used - bound) / split.units):g}")


def _turnover(split: Split, limit: Turnover) -> Iterator[Message]:
    if split.last and sum(split.moved) > split.whole(limit.at_most):
        yield say("minor-units-moved", units=sum(split.moved))


def _few_moves(split: Split, limit: FewMoves) -> Iterator[Message]:
    if split.last and sum(map(bool, split.moved)) > limit.at_most:
        yield say("moves-made", count=sum(map(bool, split.moved)))


def _apart(split: Split, limit: Apart) -> Iterator[Message]:
    if sum(split.money[name] > 0 for name in set(limit.channels)) > 1:
        yield say("more-than-one-on")


def _at_least_on(split: Split, limit: AtLeastOn) -> Iterator[Message]:
    on = sum(split.money[name] > 0 for name in split.group(limit.where))
    if on < limit.at_least:
        yield say("so-many-on", count=on)


def _roas(split: Split, limit: RoasFloor) -> Iterator[Message]:
    usual = Decimal(1) if split.plan.value is None else split.plan.value
    worth = {c.name: usual if c.value is None else c.value for c in split.plan.channels}
    value = _brought(split, limit.where, worth)
    if value * (1 + _FLOAT) < Fraction(limit.at_least) * split.sum(limit.where) / split.units:
        yield say("value-brought", value=f"{float(value):g}")


def _cpa(split: Split, limit: CpaCeiling) -> Iterator[Message]:
    outcome = _brought(split, limit.where, None)
    money = Fraction(split.sum(limit.where), split.units)
    if money > Fraction(limit.at_most) * outcome * (1 + _FLOAT):
        yield say("outcome-brought", outcome=f"{float(outcome):g}")


def _outcome(split: Split, limit: OutcomeFloor) -> Iterator[Message]:
    rates = None
    if limit.of and limit.of != split.plan.outcome:
        rates = {c.name: dict(c.rates).get(limit.of, Decimal(0)) for c in split.plan.channels}
    outcome = _brought(split, limit.where, rates)
    if outcome * (1 + _FLOAT) < Fraction(limit.at_least):
        yield say("outcome-brought", outcome=f"{float(outcome):g}")


def _frequency(split: Split, limit: FrequencyCap) -> Iterator[Message]:
    prices = limit.cpm
    if not isinstance(prices, Mapping):
        prices = dict.fromkeys(split.group(limit.where), prices)
    money = ((Fraction(split.money[name], split.units), price) for name, price in prices.items())
    contacts = _sum(1000 * spent / Fraction(price) for spent, price in money)
    if contacts > Fraction(limit.at_most) * Fraction(limit.reach):
        each = contacts / Fraction(limit.reach)
        yield say("contacts-made", contacts=f"{float(each):g}")


_CHECKS: dict[type, Check] = {
    GroupLimit: _group,
    LinearLimit: _linear,
    Turnover: _turnover,
    FewMoves: _few_moves,
    Apart: _apart,
    AtLeastOn: _at_least_on,
    RoasFloor: _roas,
    CpaCeiling: _cpa,
    OutcomeFloor: _outcome,
    FrequencyCap: _frequency,
}
"""How each kind of limit is checked from what it declares."""


def _brought(split: Split, where: Any, each: Mapping[str, Decimal] | None) -> Fraction:
    """Return what a group brings, by what one unit of each channel's outcome counts for."""
    return _sum(
        Fraction(split.outcomes[name]) * (1 if each is None else Fraction(each[name]))
        for name in split.group(where)
    )


def _sum(amounts: Any) -> Fraction:
    """Return an exact sum; over a common denominator it is quick for many."""
    every = list(amounts)
    scale = math.lcm(*(amount.denominator for amount in every))
    return Fraction(sum(a.numerator * (scale // a.denominator) for a in every), scale)


def broken_limit(what: str, amount: str, problem: Message, field: str = "") -> VerificationError:
    """Return the error for an amount that breaks a limit; `field` is what it is of by default."""
    return VerificationError(
        "broken-limit",
        say("amount-breaks-limit", what=what, amount=amount, problem=problem),
        field=field or what,
        value=amount,
        remedy=say("remedy-do-not-use"),
    )
