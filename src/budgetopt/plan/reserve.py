"""Money that is held back from the week, in three kinds that are never mixed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from budgetopt.errors import PlanError
from budgetopt.money import Currency, as_decimal
from budgetopt.plan.change import as_share, shifted

KINDS = ("contingency", "test", "holdout")
"""The kinds of reserve, as the fields of `Reserve` are called."""


@dataclass(frozen=True)
class Held:
    """An amount that is held back, in money or as a share of the budget.

    Parameters
    ----------
    amount
        Money, or the share.
    is_share
        Which of the two.
    """

    amount: Decimal = Decimal(0)
    is_share: bool = False

    def minor(self, budget: int, currency: Currency, field: str) -> int:
        """Return the money held back from a budget, in minor units, a share rounded up."""
        if self.is_share:
            return math.ceil(Fraction(self.amount) * budget)
        return currency.minor(self.amount, field)

    def __str__(self) -> str:
        return f"{shifted(self.amount, 2):f}%" if self.is_share else f"{self.amount:f}"


@dataclass(frozen=True)
class Reserve:
    """Money of the weekly budget that the week's split leaves alone.

    Each part is money, or text with a percent sign for a share of the budget (``"5%"``). A number
    between 0 and 1 is refused, since it is a share as often as it is money.

    Parameters
    ----------
    contingency
        Unspent until it is released.
    test
        Spent to learn, by a policy of its own.
    holdout
        What the population that sees no ads would have cost.

    Raises
    ------
    PlanError
        ``bad-number``.

    Examples
    --------
    >>> Reserve("5%", test=750).minor(100_000_00, Currency("CNY"))
    575000
    """

    contingency: Held = Held()
    test: Held = Held()
    holdout: Held = Held()

    def __init__(self, contingency: Any = 0, test: Any = 0, holdout: Any = 0) -> None:
        for kind, given in zip(KINDS, (contingency, test, holdout), strict=True):
            object.__setattr__(self, kind, _held(given, f"reserve.{kind}"))

    def parts(self, budget: int, currency: Currency) -> dict[str, int]:
        """Return the money of each kind held back from a budget, in minor units."""
        return {
            kind: getattr(self, kind).minor(budget, currency, f"reserve.{kind}") for kind in KINDS
        }

    def minor(self, budget: int, currency: Currency) -> int:
        """Return all money held back from a budget, in minor units."""
        return sum(self.parts(budget, currency).values())

    def to_dict(self) -> dict[str, str]:
        """Return the parts as they are written in a plan file."""
        return {kind: str(held) for kind in KINDS if (held := getattr(self, kind)).amount}


def _held(given: Any, field: str) -> Held:
    if isinstance(given, Held):
        return given
    if isinstance(given, str) and given.strip().endswith("%"):
        share = as_share(given, field)
        # A share of nothing is nothing, so that it comes back from a file as it was.
        return Held(share, is_share=share > 0)
    amount = as_decimal(given, field)
    if 0 < amount < 1:
        raise PlanError(
            "bad-number",
            f"{field} is {given}, less than one unit of money",
            field=field,
            value=given,
            remedy=f"write '{float(amount) * 100:.4g}%' for a share of the budget",
        )
    return Held(amount)
