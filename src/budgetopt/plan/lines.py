"""The budget by module (content, media, tools ...), checked to add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from budgetopt.errors import PlanError
from budgetopt.money import as_decimal, show_amount


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
        ``lines-do-not-add-up``, with the difference.

    Examples
    --------
    >>> BudgetLines(100, {"content": 40, "media": 60}).total
    Decimal('100')
    """

    total: Decimal
    lines: tuple[tuple[str, Decimal], ...]

    def __init__(self, total: Any, lines: Mapping[str, Any]) -> None:
        exact = as_decimal(total, "budget_lines.total")
        items = tuple(
            (str(k), as_decimal(v, f"budget_lines.lines.{k}")) for k, v in dict(lines).items()
        )
        object.__setattr__(self, "total", exact)
        object.__setattr__(self, "lines", items)
        added = sum((amount for _, amount in items), Decimal(0))
        if added != exact:
            more = "above" if added > exact else "below"
            raise PlanError(
                "lines-do-not-add-up",
                f"the budget lines add up to {show_amount(added)}, "
                f"{show_amount(abs(added - exact))} {more} the total {show_amount(exact)}",
                field="budget_lines",
                value=str(added - exact),
                remedy="correct a line or the total",
            )
