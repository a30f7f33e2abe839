"""How far a channel's spend may move from one week to the next, and shares written as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from budgetopt.errors import PlanError, did_you_mean
from budgetopt.money import Currency, as_decimal, show_amount

DEFAULT_SHARE = Decimal("0.30")
"""A week's change of a channel where the plan says nothing (Sprinklr moves 10 % of the pool a
change, 20 % an edit is widely repeated for Meta, TikTok allows 50 %)."""


def as_share(value: Any, field: str, most: Decimal = Decimal(1)) -> Decimal:
    """Return a share from a number (``0.3``) or from text with a percent sign (``"30%"``).

    Raises
    ------
    PlanError
        ``bad-number`` above `most`, which is how 30 for 30 % is found out.
    MoneyError
        ``bad-money`` for what is not a number, negative or not finite.
    """
    if isinstance(value, str) and value.strip().endswith("%"):
        share = shifted(as_decimal(value.strip()[:-1], field), -2)
    else:
        share = as_decimal(value, field)
    if share > most:
        raise PlanError(
            "bad-number",
            f"{field} is {value}, more than {most * 100:.0f} %",
            field=field,
            value=value,
            remedy="write 30 % as 0.30 or '30%'",
        )
    return share


def shifted(number: Decimal, places: int) -> Decimal:
    """Return a finite number times a power of ten, exact whatever the program's precision is."""
    sign, digits, exponent = number.as_tuple()
    return Decimal((sign, digits, int(exponent) + places))


@dataclass(frozen=True)
class MaxChange:
    """How far a spend may move against the last applied week; every rule given must hold.

    Parameters
    ----------
    share
        Largest move as a share of the last applied spend, 0 to 10; None for no such rule.
    money
        Largest move in money; None for no such rule.
    from_zero
        What a channel whose last spend was zero may get, only beside `share`: a share of zero
        would keep it at zero for ever. None for `share` times the equal share of the budget.

    Raises
    ------
    PlanError
        ``bad-number``; ``bad-plan`` for `from_zero` without `share`.
    MoneyError
        ``bad-money``.

    Examples
    --------
    >>> MaxChange(share=0.3).room(100_00, 500_00, Currency("CNY"))
    3000
    """

    share: Decimal | None = None
    money: Decimal | None = None
    from_zero: Decimal | None = None

    def __init__(self, share: Any = None, money: Any = None, from_zero: Any = None) -> None:
        put = object.__setattr__
        parts = {"share": share, "money": money, "from_zero": from_zero}
        for name, part in _parts(parts, "max_change").items():
            put(self, name, part)

    @classmethod
    def of(cls, given: Any, field: str) -> Self | None:
        """Return a rule from a share, ``"none"``, a mapping of the parameters, a rule, or None."""
        if given is None or isinstance(given, cls):
            return given
        if isinstance(given, Mapping):
            return cls(**_parts(given, field))
        if isinstance(given, str) and given == "none":
            return cls()
        return cls(as_share(given, field, Decimal(10)))

    def check(self, currency: Currency, field: str) -> None:
        """Raise ``bad-money`` for an amount finer than a currency's minor unit, or too large."""
        for name in ("money", "from_zero"):
            amount = getattr(self, name)
            if amount is not None:
                currency.minor(amount, _part_of(field, name))

    def room(self, last: int, equal_share: int, currency: Currency) -> int | None:
        """Return the largest move in minor units, or None where no rule is given.

        Parameters
        ----------
        last
            Last applied spend, in minor units.
        equal_share
            Weekly budget divided by the number of channels, in minor units.
        currency
            Currency of the amounts.
        """
        rooms = []
        if self.share is not None:
            if last == 0 and self.from_zero is not None:
                rooms.append(currency.minor(self.from_zero, "max_change.from_zero"))
            else:
                rooms.append(int(Fraction(self.share) * (last or equal_share)))
        if self.money is not None:
            rooms.append(currency.minor(self.money, "max_change.money"))
        return min(rooms, default=None)

    def to_dict(self) -> dict[str, str]:
        """Return the rule as it is written in a plan file."""
        parts = ("share", "money", "from_zero")
        return {k: f"{v:f}" for k in parts if (v := getattr(self, k)) is not None}

    def __str__(self) -> str:
        parts = [] if self.share is None else [f"{float(self.share) * 100:.4g} %"]
        parts += [] if self.money is None else [show_amount(self.money)]
        return " and ".join(parts) or "no limit"


def _parts(given: Mapping[str, Any], field: str) -> dict[str, Decimal | None]:
    """Return the exact parts of a rule, or say which one is wrong."""
    unknown = [name for name in given if name not in ("share", "money", "from_zero")]
    if unknown:
        raise PlanError(
            "bad-plan",
            f"{field} has no part {unknown[0]!r}",
            field=field,
            value=unknown[0],
            remedy=did_you_mean(str(unknown[0]), ["share", "money", "from_zero"]),
        )
    parts: dict[str, Decimal | None] = {
        name: None if part is None else as_decimal(part, _part_of(field, name))
        for name, part in given.items()
        if name != "share"
    }
    share = given.get("share")
    parts["share"] = (
        None if share is None else as_share(share, _part_of(field, "share"), Decimal(10))
    )
    if parts["share"] is None and parts.get("from_zero") is not None:
        raise PlanError(
            "bad-plan",
            f"{_part_of(field, 'from_zero')} is {given['from_zero']}, but no share is given",
            field=_part_of(field, "from_zero"),
            value=given["from_zero"],
            remedy="give a share too: without one, money alone says how far zero may move",
        )
    return parts


def _part_of(field: str, part: str) -> str:
    """Return ``max_change.share of 'a'`` for the share of ``max_change of 'a'``."""
    name, *owner = field.split(" ", 1)
    return " ".join([f"{name}.{part}", *owner])
