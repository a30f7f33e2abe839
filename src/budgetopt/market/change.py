"""A change of what a plan counts on: budget, caps, prices, demand; for what-ifs and weekly runs.

`Change` is one what-if; `Change.of` changes a plan and what is believed of its channels together,
and `cases_of` reads the tables ``[[cases]]`` of a plan file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.curves import Curve, stretched
from budgetopt.errors import PlanError
from budgetopt.i18n import Message, listed, of_name, say
from budgetopt.market.dynamics import known
from budgetopt.money import as_decimal, show_amount
from budgetopt.notebook import short
from budgetopt.optimize import Known, StretchedBelief, curves_of
from budgetopt.plan import PATTERN, Channel, Plan, Relative
from budgetopt.untrusted import half_width

_ALL = "*"
Pairs = tuple[tuple[str, Relative], ...]


@public
@short
@dataclass(frozen=True)
class Change:
    """Inputs that are other than planned.

    Parameters
    ----------
    budget
        Relative change of the weekly budget, at least -100 %: ``"-20%"`` or ``"x0.8"`` is a fifth
        less; or another budget, an amount of at least 1,000 such as ``"20000"``. A smaller bare
        number may be meant as a share, and is refused. Reserves that are shares follow it.
    cap
        New caps by channel, money; the floor stays.
    price
        Relative change of the price of media, above -100 %, for all channels or by channel: at
        ``"+30%"`` the same money brings what 1/1.3 of it brought.
    rate
        Relative change of what the same media bring, at least -100 %, likewise.
    without
        Channels that get nothing.
    demand
        Relative change of what all channels bring, at least -100 %.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    budget: Relative | Decimal = Relative(0)  # noqa: RUF009 - as immutable as any float
    cap: tuple[tuple[str, Decimal], ...] = ()
    price: Pairs = ()
    rate: Pairs = ()
    without: tuple[str, ...] = ()
    demand: Relative = Relative(0)  # noqa: RUF009

    def __init__(
        self,
        budget: str | Relative | Decimal = Relative(0),  # noqa: B008 - as immutable as any float
        cap: Mapping[str, Any] | tuple[tuple[str, Any], ...] = (),
        price: str | Relative | Mapping[str, str | Relative] | Pairs = (),
        rate: str | Relative | Mapping[str, str | Relative] | Pairs = (),
        without: str | tuple[str, ...] | list[str] = (),
        demand: str | Relative = Relative(0),  # noqa: B008
    ) -> None:
        put = object.__setattr__
        put(self, "budget", _budget(budget))
        put(
            self,
            "cap",
            tuple((n, as_decimal(v, of_name("change.cap", n))) for n, v in dict(cap).items()),
        )
        put(self, "price", _pairs(price, "change.price", above=-1))
        put(self, "rate", _pairs(rate, "change.rate"))
        put(self, "without", (without,) if isinstance(without, str) else tuple(without))
        put(self, "demand", Relative.of(demand, "change.demand"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Change:
        """Return the change of its parts by name.

        Raises
        ------
        InputError
            ``unknown-name`` for a part that is misspelt, and as for a `Change`.
        """
        known(data, tuple(cls.__dataclass_fields__), "change")
        return cls(**data)

    @classmethod
    def of_budget(cls, money: Decimal) -> Change:
        """Return the change to a budget, however small: an amount that cannot be a share."""
        change = cls()
        object.__setattr__(change, "budget", money)
        return change

    def check(self, names: tuple[str, ...]) -> None:
        """Raise ``unknown-name`` for a channel that is not there."""
        named = [name for name, _ in (*self.cap, *self.price, *self.rate) if name != _ALL]
        known([*named, *self.without], names, "change")

    def parts(self, currency: str) -> tuple[Message, ...]:
        """Return what is changed, in a clause each; nothing where all is as planned."""
        return tuple(self._parts(currency))

    def name(self, currency: str) -> str:
        """Return what is changed as the name of a case, empty where all is as planned."""
        parts = self.parts(currency)
        return listed(parts) if parts else ""

    def notes(self, currency: str) -> tuple[Message, ...]:
        """Return what a page says that is assumed, in one clause; none where nothing is."""
        parts = self.parts(currency)
        return (say("assumed", parts=listed(parts)),) if parts else ()

    def _parts(self, currency: str) -> Iterator[Message]:
        if isinstance(self.budget, Decimal):
            amount = show_amount(self.budget)
            yield say("change-budget-to", money=amount, currency=currency)
        elif self.budget:
            yield say("change-budget", change=str(self.budget))
        for name, change in self.price:
            every = name == _ALL
            yield (
                say("change-all-prices", change=str(change))
                if every
                else say("change-price", channel=name, change=str(change))
            )
        for name, money in self.cap:
            yield say("change-cap", channel=name, money=show_amount(money), currency=currency)
        for name in self.without:
            yield say("change-without", channel=name)
        if self.demand:
            yield say("change-demand", change=str(self.demand))
        for name, change in self.rate:
            every = name == _ALL
            yield (
                say("change-all-rates", change=str(change))
                if every
                else say("change-rate", channel=name, change=str(change))
            )

    def of(self, plan: Plan, curves: Any = None) -> tuple[Plan, Any]:
        """Return a plan and its curves as they are under the change.

        Parameters
        ----------
        plan
            The plan of a usual week, or of a dated one: a phase's money is not the plan's budget.
        curves
            A belief, a mapping, or None for the plan's own.

        Raises
        ------
        InputError
            ``unknown-name``.
        PlanError
            ``bounds-clash`` for a cap below its floor; ``no-curve``.
        """
        self.check(plan.names)
        changed = self.plan(plan)
        if not (self.price or self.rate or self.demand):
            return changed, curves
        if not hasattr(curves, "draw"):
            return changed, Known(plan.names, self.curves(curves_of(plan, curves), plan.names))
        height, width = self.factors(curves.channels)
        return changed, StretchedBelief(curves, tuple(height.tolist()), tuple(width.tolist()))

    def plan(self, plan: Plan) -> Plan:
        """Return the changed plan."""
        caps = dict(self.cap)
        channels = [
            _off(c) if c.name in self.without else _capped(c, caps.get(c.name))
            for c in plan.channels
        ]
        budget = plan.budget
        if isinstance(self.budget, Decimal):
            budget = plan.money.exact(self.budget, "budget")
        elif self.budget:
            scaled = float(budget) * (1 + self.budget)
            budget = plan.money.amount(plan.money.nearest(scaled))
        return replace(plan, budget=budget, channels=tuple(channels), budget_lines=None)

    def curves(self, curves: Curve, names: tuple[str, ...]) -> Curve:
        """Return the changed curves over the channels."""
        height, width = self.factors(names)
        if np.all(height == 1.0) and np.all(width == 1.0):
            return curves
        return stretched(curves, height, width)

    def factors(self, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Return by how much outcomes and prices change, each of shape ``(channels,)``."""
        height, width = (_factors(pairs, names) for pairs in (self.rate, self.price))
        return height * (1.0 + self.demand), width


def cases_of(plan: Plan) -> dict[str, Change]:
    """Return the what-ifs that a plan declares, by name.

    Raises
    ------
    PlanError, InputError
        Where a table cannot be read, or names a channel that is not there.
    """
    found = {}
    for table in plan.cases:
        given = table.to_dict()
        name = given.pop("name")
        found[name] = Change.from_dict(given)
        found[name].check(plan.names)
        if found[name] == Change():
            raise PlanError("bad-plan", say("case-changes-nothing", name=repr(name)), field="cases",
                            value=name, remedy=say("remedy-budget-price-cap-rate"))  # fmt: skip
    return found


def case_schema() -> dict[str, Any]:
    """Return the JSON Schema of one case in a plan file."""
    change = {"type": "string", "pattern": PATTERN}
    by_channel = {"type": "object", "additionalProperties": change}
    money = {"type": ["number", "string"]}
    return {
        "type": "object",
        "description": "A what-if: inputs that are other than planned.",
        "properties": {
            "name": {"type": "string", "description": "its name in results"},
            "budget": {
                "anyOf": [change, money],
                "description": "change of the weekly budget, or another one of at least 1,000",
            },
            "price": {"anyOf": [change, by_channel], "description": "change of media prices"},
            "rate": {"anyOf": [change, by_channel], "description": "change of what media bring"},
            "demand": {**change, "description": "change of what all channels bring"},
            "cap": {
                "type": "object",
                "additionalProperties": money,
                "description": "new caps by channel",
            },
            "without": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "description": "channels that get nothing",
            },
        },
        "required": ["name"],
        "additionalProperties": False,
    }


_AMOUNT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?")
_LEAST_AMOUNT = 1000
"""Least budget that is read as one: 80 or 150 may be meant as a percentage."""


def _budget(given: Any) -> Relative | Decimal:
    """Return a relative change of the budget, or the amount that takes its place."""
    if isinstance(given, Decimal) and given.is_finite() and given >= _LEAST_AMOUNT:
        return given
    text = half_width(given).strip() if isinstance(given, str) else ""
    if len(text) < _LONGEST and _AMOUNT.fullmatch(text):
        amount = as_decimal(text.replace(",", ""), "change.budget")
        if amount >= _LEAST_AMOUNT:
            return amount
    return Relative.of(given, "change.budget")


_LONGEST = 40


def _pairs(given: Any, field: str, *, above: float = -math.inf) -> Pairs:
    alone = isinstance(given, (str, int, float, Decimal))
    pairs = {_ALL: given} if alone else dict(given)
    where = {name: field if alone else f"{field}.{name}" for name in pairs}
    return tuple((n, Relative.of(v, where[n], above=above)) for n, v in pairs.items())


def _factors(pairs: Pairs, names: tuple[str, ...]) -> Floats:
    given = dict(pairs)
    return np.array([1.0 + given.get(name, given.get(_ALL, 0.0)) for name in names])


def _capped(channel: Channel, cap: Decimal | None) -> Channel:
    return channel if cap is None else replace(channel, cap=cap)


def _off(channel: Channel) -> Channel:
    nothing: dict[str, Any] = {"floor": 0, "cap": None, "locked": 0}
    return replace(channel, **nothing, off_or_at_least=None, learning=None)
