"""Limits on money across channels: groups, linear side rules, turnover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from budgetopt.errors import PlanError
from budgetopt.money import as_decimal, show_amount
from budgetopt.plan.change import as_share
from budgetopt.plan.limits.base import Whole, as_fraction, frozen_where, members, said
from budgetopt.plan.limits.row import Row, coefficients
from budgetopt.words import say

if TYPE_CHECKING:
    from budgetopt.plan.plan import Plan


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
        Money, or text with a percent sign for a share; at least one of them.
    of
        The group that shares are of; by default all channels, that is, of what is spent.

    Raises
    ------
    PlanError
        ``bad-plan`` where neither bound is given; ``bounds-clash`` where they contradict.
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
                f"limit {self.name!r} has neither at_least nor at_most",
                field=f"limits.{self.name}",
                remedy="give one of them",
            )
        low, high = (_bound(b, self.name) for b in (self.at_least, self.at_most))
        if low and high and low[1] == high[1] and low[0] > high[0]:
            raise PlanError(
                "bounds-clash",
                f"limit {self.name!r} asks for at least {self.at_least} and at most {self.at_most}",
                field=f"limits.{self.name}",
                value=str(self.at_least),
                remedy="lower at_least or raise at_most",
            )

    def rows(self, plan: Plan, last: Whole | None) -> tuple[Row, ...]:
        """Return one row for each bound that is given."""
        rows = []
        for given, sign in ((self.at_most, 1), (self.at_least, -1)):
            if given is not None:
                rows.append(self._row(plan, given, sign))
        return tuple(rows)

    def _row(self, plan: Plan, given: Any, sign: int) -> Row:
        chosen = members(plan, self.where, self.name)
        amount, is_share = _bound(given, self.name) or (Decimal(0), False)
        group = said(self.where)
        if not is_share:
            money = say("{amount} {currency}", amount=show_amount(amount), currency=plan.currency)
            text = _asked(group, sign, money)
            return Row(self.name, sign * chosen, sign * as_fraction(amount), sentence=text)
        base = members(plan, {} if self.of is None else self.of, self.name)
        share = as_fraction(amount)
        whole = chosen * share.denominator - base * share.numerator
        of = say("what is spent") if self.of is None else said(self.of)
        part = say("{share} % of {group}", share=f"{amount * 100:.4g}", group=of)
        text = _asked(group, sign, part)
        return Row(self.name, sign * whole, Fraction(0), share.denominator, sentence=text)


def _asked(group: str, sign: int, amount: str) -> str:
    if sign > 0:
        return say("{group}: at most {most}", group=group, most=amount)
    return say("{group}: at least {least}", group=group, least=amount)


def _bound(given: Any, limit: str) -> tuple[Decimal, bool] | None:
    """Return an amount and whether it is a share, or None."""
    if given is None:
        return None
    if isinstance(given, str) and given.strip().endswith("%"):
        return as_share(given, f"limit {limit!r}"), True
    return as_decimal(given, f"limit {limit!r}"), False


@dataclass(frozen=True)
class LinearLimit:
    """Any linear side rule: agency fees, CO2, stock.

    Parameters
    ----------
    name
        Name of the limit.
    coefficients
        What one unit of money in a channel uses up, by channel; negative for what it gives back.
    at_most
        Room, may be negative.
    unit
        What is used up, for sentences.

    Raises
    ------
    PlanError
        ``bad-number`` for a coefficient or room that is not a finite number.
    """

    name: str
    coefficients: Mapping[str, Any]
    at_most: Any
    unit: str = ""

    def __post_init__(self) -> None:
        exact = {k: _signed(v, f"{self.name}.{k}") for k, v in dict(self.coefficients).items()}
        object.__setattr__(self, "coefficients", exact)
        object.__setattr__(self, "at_most", _signed(self.at_most, f"{self.name}.at_most"))

    def rows(self, plan: Plan, last: Whole | None) -> tuple[Row, ...]:
        """Return the one row."""
        members(plan, tuple(self.coefficients), self.name)
        whole, scale = coefficients(plan, self.coefficients, len(plan.channels))
        most, unit = f"{self.at_most:,f}", self.unit.rstrip()
        text = say("at most {most} {unit}", most=most, unit=unit)
        text = text if unit else say("at most {most}", most=most)
        return (Row(self.name, whole, as_fraction(self.at_most), scale, sentence=text),)


def _signed(value: Any, field: str) -> Decimal:
    try:
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        exact = Decimal("NaN")
    if isinstance(value, bool) or not exact.is_finite():
        raise PlanError(
            "bad-number",
            f"limits.{field} is {value!r}",
            field=f"limits.{field}",
            value=value,
            remedy="give a finite number",
        )
    return exact


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
        object.__setattr__(self, "at_most", as_decimal(self.at_most, f"limit {self.name!r}"))

    def rows(self, plan: Plan, last: Whole | None) -> tuple[Row, ...]:
        """Return the row of money moved; none where there is no last applied week."""
        if last is None:
            return ()
        size = len(plan.channels)
        return (
            Row(
                self.name,
                np.zeros(size, dtype=np.int64),
                as_fraction(self.at_most),
                moved=np.ones(size, dtype=np.int64),
                sentence=say(
                    "at most {money} {currency} moves in total",
                    money=show_amount(self.at_most),
                    currency=plan.currency,
                ),
            ),
        )
