"""What if: one week's optimum of a plan under changed inputs, side by side, without chance.

`what_if` solves the plan anew for each `Change`; `sensitivity` moves one input at a time; `sobol`
moves all of them together and says which the outcome's variance is due to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budgetopt.curves import Curve
from budgetopt.curves.base import Floats
from budgetopt.errors import InfeasibleError, PlanError
from budgetopt.figures import show_figure
from budgetopt.market.checks import known, number, wrong
from budgetopt.optimize import allocate, curves_of
from budgetopt.plan import Channel, Plan
from budgetopt.simulation.known import Known
from budgetopt.simulation.stretch import stretched

if TYPE_CHECKING:
    import pandas as pd

AS_PLANNED = "as planned"
_ALL = "*"

Pairs = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Change:
    """Inputs that are other than planned.

    Parameters
    ----------
    budget
        Relative change of the weekly budget, at least -1: -0.2 is a fifth less. Reserves that are
        shares follow it.
    cap
        New caps by channel, money; the floor stays.
    price
        Relative change of the price of media, above -1, for all channels or by channel: at 0.3 the
        same money brings what 1/1.3 of it brought.
    rate
        Relative change of what the same media bring, at least -1, likewise.
    without
        Channels that get nothing.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    budget: float = 0.0
    cap: tuple[tuple[str, Decimal], ...] = ()
    price: Pairs = ()
    rate: Pairs = ()
    without: tuple[str, ...] = ()

    def __init__(
        self,
        budget: float = 0.0,
        cap: Mapping[str, Any] | tuple[tuple[str, Any], ...] = (),
        price: float | Mapping[str, float] | Pairs = (),
        rate: float | Mapping[str, float] | Pairs = (),
        without: str | tuple[str, ...] | list[str] = (),
    ) -> None:
        put = object.__setattr__
        put(self, "budget", number(budget, "change.budget", least=-1))
        put(self, "cap", tuple((n, Decimal(str(v))) for n, v in dict(cap).items()))
        put(self, "price", _pairs(price, "change.price", least=-1))
        put(self, "rate", _pairs(rate, "change.rate", least=-1))
        if any(value <= -1 for _, value in self.price):
            raise wrong("change.price", price, "give a change above -1")
        put(self, "without", (without,) if isinstance(without, str) else tuple(without))

    def check(self, names: tuple[str, ...]) -> None:
        """Raise ``unknown-name`` for a channel that is not there."""
        named = [name for name, _ in (*self.cap, *self.price, *self.rate) if name != _ALL]
        known([*named, *self.without], names, "change")

    def plan(self, plan: Plan) -> Plan:
        """Return the changed plan."""
        caps = dict(self.cap)
        channels = [
            _off(c) if c.name in self.without else _capped(c, caps.get(c.name))
            for c in plan.channels
        ]
        budget = plan.budget
        if self.budget:
            scaled = float(budget) * (1 + self.budget)
            budget = plan.money.amount(plan.money.nearest(scaled))
        return replace(plan, budget=budget, channels=tuple(channels), budget_lines=None)

    def curves(self, curves: Curve, names: tuple[str, ...]) -> Curve:
        """Return the changed curves over the channels."""
        height, width = (_factors(pairs, names) for pairs in (self.rate, self.price))
        if np.all(height == 1.0) and np.all(width == 1.0):
            return curves
        return stretched(curves, height, width)


class Answer(NamedTuple):
    """One week's optimum under a change.

    Parameters
    ----------
    name
        Of the change.
    budget
        Money that may be spent.
    spend, outcome, value
        Of the optimum: money, expected outcome, and its worth; NaN where there is none.
    split
        Money by channel.
    problem
        Why no split keeps the limits; empty where one does.
    """

    name: str
    budget: float
    spend: float
    outcome: float
    value: float
    split: tuple[tuple[str, float], ...]
    problem: str = ""


@dataclass(frozen=True)
class WhatIf:
    """Answers side by side, the plan as it is first."""

    answers: tuple[Answer, ...]

    def __getitem__(self, name: str) -> Answer:
        """Return the answer of a change.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        known([name], tuple(answer.name for answer in self.answers), "what_if")
        return next(answer for answer in self.answers if answer.name == name)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each change, with its difference from the plan as it is."""
        import pandas as pd

        base = self.answers[0]
        rows = []
        for a in self.answers:
            row: dict[str, Any] = {"change": a.name, "budget": a.budget, "spend": a.spend}
            row |= {"outcome": a.outcome, "more outcome": a.outcome - base.outcome}
            row |= {"ROAS": a.value / a.spend if a.spend else np.nan, "profit": a.value - a.spend}
            row |= {f"spend on {name}": money for name, money in a.split}
            rows.append(row | {"problem": a.problem})
        return pd.DataFrame(rows)

    def summary(self) -> str:
        """Return a sentence for each change."""
        base, lines = self.answers[0], []
        for a in self.answers:
            if a.problem:
                lines.append(f"{a.name}: no split keeps the limits: {a.problem}.")
                continue
            said = f"{a.name}: {show_figure(a.spend)} brings {show_figure(a.outcome)}"
            if a is not base:
                gap = a.outcome - base.outcome
                share = f" ({gap / base.outcome:+.1%})" if base.outcome > 0 else ""
                said += f", {show_figure(abs(gap))} {'more' if gap >= 0 else 'less'}{share}"
            lines.append(said + ".")
        return "\n".join(lines)


def what_if(
    plan: Plan,
    curves: Any = None,
    changes: Mapping[str, Change | Mapping[str, Any]] | None = None,
    *,
    last: Mapping[str, Any] | None = None,
) -> WhatIf:
    """Solve one week of a plan as it is, and again under each change.

    Parameters
    ----------
    plan
        Budget, channels and limits.
    curves
        As in `allocate`: a belief, a mapping, or None for the plan's own.
    changes
        By name: a `Change` or its parts.
    last
        Last applied spend, for the change limit.

    Returns
    -------
    WhatIf
        A change under which no split keeps the limits has the reason in place of an answer.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``.
    InfeasibleError
        Where the plan has no split as it is.
    """
    base, rows = curves_of(plan, curves), []
    given = {AS_PLANNED: Change()}
    for name, change in (changes or {}).items():
        given[name] = change if isinstance(change, Change) else _change(change)
        given[name].check(plan.names)
    for name, change in given.items():
        try:
            rows.append(answer_under(change, plan, base, name=name, last=last))
        except (InfeasibleError, PlanError) as error:
            clash = isinstance(error, InfeasibleError) or error.code == "bounds-clash"
            if name == AS_PLANNED or not clash:
                raise
            nothing = tuple((channel, np.nan) for channel in plan.names)
            rows.append(Answer(name, np.nan, np.nan, np.nan, np.nan, nothing, error.problem))
    return WhatIf(tuple(rows))


def answer_under(
    change: Change,
    plan: Plan,
    curves: Curve,
    *,
    name: str = "",
    last: Mapping[str, Any] | None = None,
) -> Answer:
    """Return the optimum of a plan and curves over its channels under one change.

    Raises
    ------
    InfeasibleError
        Where no split keeps the limits.
    PlanError
        ``bounds-clash`` for a cap below its floor.
    """
    plan, curves = change.plan(plan), change.curves(curves, plan.names)
    week = allocate(plan, Known(plan.names, curves), last=last)
    split = tuple((channel, float(money)) for channel, money in week.spend.items())
    outcomes = np.array([week.outcomes[channel] for channel in plan.names])
    spend = sum(money for _, money in split)
    value = float(plan.values @ outcomes)  # noqa: PD011 # a plan is no data frame
    return Answer(name, float(plan.spendable), spend, week.outcome, value, split)


def _change(given: Mapping[str, Any]) -> Change:
    parts = tuple(Change.__dataclass_fields__)
    known(given, parts, "change")
    return Change(**given)


def _pairs(given: Any, field: str, *, least: float) -> Pairs:
    pairs = {_ALL: given} if isinstance(given, (int, float)) else dict(given)
    return tuple((name, number(v, f"{field}.{name}", least=least)) for name, v in pairs.items())


def _factors(pairs: Pairs, names: tuple[str, ...]) -> Floats:
    given = dict(pairs)
    return np.array([1.0 + given.get(name, given.get(_ALL, 0.0)) for name in names])


def _capped(channel: Channel, cap: Decimal | None) -> Channel:
    return channel if cap is None else replace(channel, cap=cap)


def _off(channel: Channel) -> Channel:
    nothing: dict[str, Any] = {"floor": 0, "cap": None, "locked": 0}
    return replace(channel, **nothing, off_or_at_least=None, learning=None)
