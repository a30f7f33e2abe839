"""The budget by module (content, media, tools ...), checked to add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from budgetopt.errors import MoneyError, PlanError
from budgetopt.money import MOST, as_decimal, show_amount

_WIDE = Context(prec=60)
"""Enough for every sum of lines to be exact."""


@dataclass(frozen=True)
class BudgetLines:
    """The lines of a module budget, which must add up to their total.

    Parameters
    ----------
    total
        What the lines must sum to, exactly.
    lines
        Money by line.

    Raises
    ------
    PlanError
        ``lines-do-not-add-up``, with the difference; ``bad-plan`` where there is no line.
    MoneyError
        ``bad-money``.

    Examples
    --------
    >>> BudgetLines(100, {"content": 40, "media": 60}).total
    Decimal('100')
    """

    total: Decimal
    lines: tuple[tuple[str, Decimal], ...]

    def __init__(self, total: Any, lines: Mapping[str, Any]) -> None:
        exact = _amount(total, "budget_lines.total")
        items = tuple((name, _amount(v, f"budget_lines.lines.{name}")) for name, v in _named(lines))
        object.__setattr__(self, "total", exact)
        object.__setattr__(self, "lines", items)
        added = _sum([amount for _, amount in items])
        if added != exact:
            more = "above" if added > exact else "below"
            apart = _WIDE.subtract(added, exact)
            raise PlanError(
                "lines-do-not-add-up",
                f"the budget lines add up to {show_amount(added)}, "
                f"{show_amount(apart.copy_abs())} {more} the total {show_amount(exact)}",
                field="budget_lines",
                value=str(apart),
                remedy="correct a line or the total",
            )


def _named(lines: Any) -> list[tuple[str, Any]]:
    """Return the lines as pairs, from a mapping or from pairs."""
    try:
        named = [(str(name), amount) for name, amount in dict(lines).items()]
    except (TypeError, ValueError):
        named = []
    if not named:
        raise PlanError(
            "bad-plan",
            f"budget_lines.lines is {lines!r}",
            field="budget_lines.lines",
            value=str(lines),
            remedy="give every line a name and an amount",
        )
    return named


def _amount(given: Any, field: str) -> Decimal:
    """Return an amount that can be added up exactly: below 2**53, at most 20 digits after it."""
    amount = as_decimal(given, field)
    if amount >= MOST or int(amount.as_tuple().exponent) < -20:
        raise MoneyError(
            "bad-money",
            f"{field} is {given}, more than can be added up exactly",
            field=field,
            value=given,
            remedy=f"stay below {MOST:,} and give at most 20 digits after the point",
        )
    return amount


def _sum(amounts: list[Decimal]) -> Decimal:
    """Return the sum, exact whatever the program's precision is."""
    total = Decimal(0)
    for amount in amounts:
        total = _WIDE.add(total, amount)
    return total
