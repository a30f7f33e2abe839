"""Money that is held back from the week."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from budgetopt.errors import PlanError
from budgetopt.money import Currency, as_decimal
from budgetopt.plan.change import as_share


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
    is_share: bool = False

    def __init__(self, contingency: Any = 0) -> None:
        field = "reserve.contingency"
        share = isinstance(contingency, str) and contingency.strip().endswith("%")
        amount = as_share(contingency, field) if share else as_decimal(contingency, field)
        if not share and 0 < amount < 1:
            raise PlanError(
                "bad-number",
                f"{field} is {contingency}, less than one unit of money",
                field=field,
                value=contingency,
                remedy=f"write '{amount * 100:.4g}%' for a share of the budget",
            )
        object.__setattr__(self, "contingency", amount)
        object.__setattr__(self, "is_share", share)

    def minor(self, budget: int, currency: Currency) -> int:
        """Return the money held back from a budget, in minor units, a share rounded up."""
        if self.is_share:
            return -int(-self.contingency * budget // 1)
        return currency.minor(self.contingency, "reserve.contingency")

    def to_plain(self) -> str:
        """Return the contingency as it is written in a plan file."""
        return f"{self.contingency * 100:f}%" if self.is_share else f"{self.contingency:f}"
