"""The least a platform's learning phase needs: so many conversions at the expected cost of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from budgetopt.errors import PlanError, did_you_mean
from budgetopt.money import as_decimal


@dataclass(frozen=True)
class LearningMinimum:
    """A channel that is on gets at least what its learning phase needs in a week.

    Parameters
    ----------
    conversions
        Conversions a week that the platform needs to learn; about 50 is widely asked for.
    cpa
        Money that one conversion is expected to cost.

    Raises
    ------
    MoneyError
        ``bad-money`` for what is no amount.

    Examples
    --------
    >>> str(LearningMinimum(50, "30.50").money)
    '1525.00'
    """

    conversions: Decimal
    cpa: Decimal

    def __init__(self, conversions: Any, cpa: Any) -> None:
        object.__setattr__(self, "conversions", as_decimal(conversions, "learning.conversions"))
        object.__setattr__(self, "cpa", as_decimal(cpa, "learning.cpa"))

    @property
    def money(self) -> Decimal:
        """Money a week."""
        return self.conversions * self.cpa

    @classmethod
    def of(cls, given: Any, field: str) -> Self | None:
        """Return a minimum from a mapping of its parts, a minimum, or None."""
        if given is None or isinstance(given, cls):
            return given
        parts = ("conversions", "cpa")
        if isinstance(given, Mapping) and set(given) == set(parts):
            return cls(**given)
        wrong = [name for name in given if name not in parts] if isinstance(given, Mapping) else []
        raise PlanError(
            "bad-plan",
            f"{field} is {given!r}",
            field=field,
            value=str(given),
            remedy=did_you_mean(str(wrong[0]), parts)
            if wrong
            else "give both parts, such as { conversions = 50, cpa = 30 }",
        )

    def to_dict(self) -> dict[str, str]:
        """Return the minimum as it is written in a plan file."""
        return {"conversions": f"{self.conversions:f}", "cpa": f"{self.cpa:f}"}
