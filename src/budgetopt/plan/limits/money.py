"""Limits on money across channels: groups, linear side rules, turnover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from budgetopt.arrays import Whole
from budgetopt.errors import MoneyError, PlanError
from budgetopt.i18n import joined, quoted, say
from budgetopt.messages import as_message
from budgetopt.money import Number, as_exact, show_amount, show_number, show_share
from budgetopt.plan.amounts import as_money_or_share, money_or_share_text
from budgetopt.plan.limits.base import (
    PlanFacts,
    Row,
    coefficients,
    frozen_where,
    members,
    multiple,
    said,
)


@dataclass(frozen=True)
class GroupLimit:
    """Least or most money of a group, in money or as a share of all spend or of another group.

    Parameters
    ----------
    name
        Name of the limit.
    where
        The group: labels that a member carries, or channel names.
    at_least, at_most
        Money, or text with a percent sign for a share; at least one of them. A number between 0
        and 1 is refused, since it is a share as often as it is money.
    of
        The group that shares are of; by default all channels, that is, of what is spent.

    Raises
    ------
    PlanError
        ``bad-plan`` where neither bound is given; ``bounds-clash`` where they contradict;
        ``bad-number`` for a number between 0 and 1.
    """

    name: str
    where: Any = None
    at_least: Any = None
    at_most: Any = None
    of: Any = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "where", frozen_where(self.where, self.name))
        put(self, "of", None if self.of is None else frozen_where(self.of, self.name))
        if self.at_least is None and self.at_most is None:
            raise PlanError(
                "bad-plan",
                say("limit-neither-least", name=repr(self.name)),
                field=f"limits.{self.name}",
                remedy=say("remedy-give-one-of-them"),
            )
        low, high = self._bounds()
        if low and high and low[1] == high[1] and low[0] > high[0]:
            raise _clash(self)
        for part, bound in (("at_least", low), ("at_most", high)):
            if bound:
                put(self, part, money_or_share_text(*bound) if bound[1] else bound[0])

    def _bounds(self) -> tuple[tuple[Number, bool] | None, tuple[Number, bool] | None]:
        """Return the least and the most, each with whether it is a share; None if not given."""
        low, high = (
            None if given is None else as_money_or_share(given, f"{part} of limit {self.name!r}")
            for part, given in (("at_least", self.at_least), ("at_most", self.at_most))
        )
        return low, high

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return one row for each bound that is given."""
        low, high = self._bounds()
        both = ((high, 1), (low, -1))
        return tuple(self._row(plan, *bound, sign) for bound, sign in both if bound)

    def _row(self, plan: PlanFacts, amount: Number, is_share: bool, sign: int) -> Row:
        chosen = members(plan, self.where, self.name)
        group = said(self.where)
        if not is_share:
            money = say("amount-currency", amount=show_amount(amount), currency=plan.money.code)
            text = _asked(group, sign, money)
            return Row(
                self.name,
                sign * chosen,
                sign * plan.money.inwards(amount, most=sign > 0),
                sentence=text,
                kind="group",
                unit="money",
                least=sign < 0,
            )
        base = members(plan, {} if self.of is None else self.of, self.name)
        share = Fraction(amount)
        whole = multiple(share.denominator, chosen) - multiple(share.numerator, base)
        of = say("total-spend") if self.of is None else said(self.of)
        part = say("share-of-group", share=show_share(amount), group=of)
        text = _asked(group, sign, part)
        return Row(
            self.name,
            sign * whole,
            Fraction(0),
            share.denominator,
            sentence=text,
            kind="group",
            unit="money",
            bound=share,
            base=multiple(share.denominator, base),
            least=sign < 0,
        )


def _asked(group: str, sign: int, amount: str) -> str:
    if sign > 0:
        return say("group-at-most", group=group, most=amount)
    return say("group-at-least", group=group, least=amount)


@dataclass(frozen=True)
class LinearLimit:
    r"""Any linear side rule, :math:`\sum_i a_i x_i \le b`: agency fees, CO2, stock.

    Parameters
    ----------
    name
        Name of the limit.
    coefficients
        What one unit of money in a channel uses up, by channel; negative for what it gives back.
    at_most, at_least
        Most and least that is used up, may be negative; at least one of the two, or `equal`.
    unit
        What is used up, for sentences.
    equal
        What is used up exactly, to the last minor unit: whole steps must be able to meet it.

    Raises
    ------
    PlanError
        ``bad-number`` for a coefficient or bound that is not a finite number; ``bad-plan`` where
        no bound is given, or `equal` beside another; ``bounds-clash`` where the bounds contradict.
    """

    name: str
    coefficients: Mapping[str, Any]
    at_most: Any = None
    unit: str = ""
    at_least: Any = None
    equal: Any = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        exact = {k: _signed(v, f"{self.name}.{k}") for k, v in dict(self.coefficients).items()}
        put(self, "coefficients", exact)
        given = [part for part in _BOUNDS if getattr(self, part) is not None]
        for part in given:
            put(self, part, _signed(getattr(self, part), f"{self.name}.{part}"))
        if not given or (self.equal is not None and len(given) > 1):
            raise PlanError("bad-plan", say("limit-has-bounds" if given else "limit-has-no-bound",
                            limit=repr(self.name), **{"bounds": joined(given)} if given else {}),
                            field=f"limits.{self.name}", value=", ".join(given),
                            remedy=say("remedy-most-least-both"))  # fmt: skip
        if len(given) > 1 and self.at_least > self.at_most:
            raise _clash(self)

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return one row for each bound, two for an equality."""
        members(plan, tuple(self.coefficients), self.name)
        whole, scale = coefficients(plan, self.coefficients)
        most = least = self.equal
        if self.equal is None:
            most, least = self.at_most, self.at_least
        # Without a unit, sums and differences of spends are money.
        unit = self.unit.strip()
        plain = not unit and bool(np.all(np.isin(np.abs(whole), (0, scale))))
        return tuple(
            Row(
                self.name,
                sign * whole,
                sign * (plan.money.inwards(bound, most=sign > 0) if plain else Fraction(bound)),
                scale,
                sentence=self._said(sign),
                kind="linear",
                unit="money" if plain else unit,
            )
            for sign, bound in ((1, most), (-1, least))
            if bound is not None
        )

    def _said(self, sign: int) -> str:
        """Return a bound in words."""
        unit = self.unit.strip()
        if self.equal is not None:
            return say("exactly", amount=_with_unit(self.equal, unit))
        if sign < 0:
            return say("at-least", least=_with_unit(self.at_least, unit))
        return say("at-most", most=_with_unit(self.at_most, unit))


_BOUNDS = ("at_most", "at_least", "equal")
"""The bounds that a linear limit may have."""


def _with_unit(bound: Number, unit: str) -> str:
    return f"{show_number(bound)} {unit}".rstrip()


def _clash(limit: GroupLimit | LinearLimit) -> PlanError:
    return PlanError("bounds-clash", say("limit-ends-clash", limit=quoted(limit.name),
                     least=str(limit.at_least), most=str(limit.at_most)),
                     field=f"limits.{limit.name}", value=str(limit.at_least),
                     remedy=say("remedy-ends"))  # fmt: skip


def _signed(value: Any, field: str) -> Number:
    try:
        return as_exact(value, f"limits.{field}", signed=True)
    except MoneyError as error:
        raise PlanError("bad-number", as_message(error.problem), field=f"limits.{field}",
                        value=value, remedy=say("remedy-finite-number")) from None  # fmt: skip


@dataclass(frozen=True)
class Turnover:
    """Most money that may move in total against the last applied week, ups and downs together.

    Parameters
    ----------
    at_most
        Money.
    name
        Name of the limit.
    """

    at_most: Any
    name: str = "turnover"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_most", as_exact(self.at_most, f"limits.{self.name}.at_most"))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return the row of money moved; none where there is no last applied week."""
        if last is None:
            return ()
        size = len(plan.names)
        return (
            Row(
                self.name,
                np.zeros(size, dtype=np.int64),
                plan.money.inwards(self.at_most, most=True),
                moved=np.ones(size, dtype=np.int64),
                sentence=say(
                    "turnover-at-most", money=show_amount(self.at_most), currency=plan.money.code
                ),
                kind="turnover",
                unit="money",
            ),
        )
