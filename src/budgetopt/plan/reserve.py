"""Money that is held back from the week."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from budgetopt.errors import PlanError
from budgetopt.money import Currency, as_decimal
from budgetopt.plan.change import as_share, shifted


@dataclass(frozen=True)
class Reserve:
    """Money of the weekly budget that is not planned.

    Parameters
    ----------
    contingency
        Unspent until it is released: money, or text with a percent sign for a share of the
        budget (``"5%"``). A number between 0 and 1 is refused, since it is a share as often as
        it is money.

    Raises
    ------
    PlanError
        ``bad-number``.

    Examples
    --------
    >>> Reserve("5%").minor(100_000_00, Currency("CNY")), Reserve(750).minor(1, Currency("CNY"))
    (500000, 75000)
    """

    contingency: Decimal = Decimal(0)
    is_share: bool = field(default=False, init=False)

    def __init__(self, contingency: Any = 0) -> None:
        where = "reserve.contingency"
        share = isinstance(contingency, str) and contingency.strip().endswith("%")
        amount = as_share(contingency, where) if share else as_decimal(contingency, where)
        if not share and 0 < amount < 1:
            raise PlanError(
                "bad-number",
                f"{where} is {contingency}, less than one unit of money",
                field=where,
                value=contingency,
                remedy=f"write '{float(amount) * 100:.4g}%' for a share of the budget",
            )
        object.__setattr__(self, "contingency", amount)
        object.__setattr__(self, "is_share", share)

    def minor(self, budget: int, currency: Currency) -> int:
        """Return the money held back from a budget, in minor units, a share rounded up."""
        if self.is_share:
            return math.ceil(Fraction(self.contingency) * budget)
        return currency.minor(self.contingency, "reserve.contingency")

    def to_plain(self) -> str:
        """Return the contingency as it is written in a plan file."""
        return f"{shifted(self.contingency, 2):f}%" if self.is_share else f"{self.contingency:f}"
