"""What more or less budget would bring, as a record."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from budgetopt.figures import show_figure
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.frontier.hurdle import Source, bad, budget_at_price, budget_between

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FrontierPoint:
    """One budget and the best that it brings.

    Parameters
    ----------
    budget
        Money per week, reserve included.
    allocation
        The verified split, or None where the budget is infeasible.
    problem
        Why it is infeasible, empty where it is not.
    value
        What the outcome is worth in money, NaN where infeasible.
    mroas
        Value that the next unit of money brings; 0 where it would stay unspent.
    """

    budget: Decimal
    allocation: Allocation | None
    problem: str
    value: float
    mroas: float

    @property
    def feasible(self) -> bool:
        """Whether some split of this budget keeps the limits."""
        return self.allocation is not None

    @property
    def outcome(self) -> float:
        """Expected outcome, NaN where infeasible."""
        return math.nan if self.allocation is None else self.allocation.outcome

    @property
    def roas(self) -> float:
        """Value for each unit of money spent, NaN where none is."""
        total = 0.0 if self.allocation is None else float(self.allocation.total)
        return self.value / total if total else math.nan

    @property
    def binding(self) -> tuple[str, ...]:
        """Names of the limits that hold the outcome back."""
        return () if self.allocation is None else self.allocation.binding


@dataclass(frozen=True)
class Frontier:
    """The best outcome along a range of budgets.

    Parameters
    ----------
    points
        One for each budget, rising; infeasible budgets are there and say why.
    knee
        Budget beyond which more brings clearly less: where the frontier lies farthest above the
        straight line between its ends; None for a straight frontier or fewer than three points.
    source
        What it was made from, for `budget_at`.
    """

    points: tuple[FrontierPoint, ...]
    knee: Decimal | None
    source: Source = field(repr=False, compare=False)

    def budget_at(self, hurdle: float = 1.0) -> Decimal:
        r"""Return the budget at which mROAS falls to a hurdle, found by the price.

        It is the budget that maximises :math:`value(B) - hurdle \cdot B`, where every channel
        that is free brings the hurdle and no more, exact to the plan's step and not tied to the
        points of the frontier; reserve included. Where caps end the spending at a higher mROAS, it
        is what the caps let in; where even the floors bring less, it is what the floors ask for.

        Parameters
        ----------
        hurdle
            Value for a unit of money, above 0. With the goal of most profit nothing is spent
            below 1, so that lower hurdles give the same budget as 1.

        Raises
        ------
        InputError
            ``bad-argument``.
        InfeasibleError
            Where no split keeps the limits at any budget.
        """
        good = isinstance(hurdle, (int, float, Decimal)) and not isinstance(hurdle, bool)
        if not good or not 0 < hurdle < math.inf:
            raise bad("hurdle", hurdle, "give a number above 0")
        rate = self.source.price_of(float(hurdle))
        if rate is not None:
            return budget_at_price(self.source, rate)
        feasible = [p for p in self.points if p.feasible] or list(self.points)
        above = sum(p.mroas >= hurdle for p in feasible)
        if above in (0, len(feasible)):
            return feasible[min(above, len(feasible) - 1)].budget
        return budget_between(
            self.source, feasible[above - 1].budget, feasible[above].budget, float(hurdle)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a budget: money, outcome, value, ROAS, mROAS, limits and the split."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_dict(self) -> dict[str, Any]:
        """Return the points and the knee as plain data."""
        rows = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in r.items()}
            for r in self._rows()
        ]
        return {"points": rows, "knee": None if self.knee is None else str(self.knee)}

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for point in self.points:
            week = point.allocation
            split = dict.fromkeys(self.source.plan.names, math.nan)
            if week is not None:
                split = {name: float(money) for name, money in week.spend.items()}
            rows.append(
                {
                    "budget": float(point.budget),
                    "spend": math.nan if week is None else float(week.total),
                    "outcome": point.outcome,
                    "value": point.value,
                    "roas": point.roas,
                    "mroas": point.mroas,
                    "gap": math.nan if week is None else week.gap,
                    "binding": ", ".join(point.binding),
                    "problem": point.problem,
                    **{f"spend of {name}": money for name, money in split.items()},
                }
            )
        return rows

    def summary(self) -> str:
        """Return the frontier in sentences: range, knee, where mROAS is 1, what is infeasible."""
        plan = self.source.plan
        code, outcome = plan.currency, plan.outcome
        feasible = [p for p in self.points if p.feasible]
        refused = [p for p in self.points if not p.feasible]
        lines = []
        if feasible:
            first, last = feasible[0], feasible[-1]
            lines.append(
                f"{first.budget:,} to {last.budget:,} {code} bring {show_figure(first.outcome)} to "
                f"{show_figure(last.outcome)} {outcome}; the next unit of money brings "
                f"{show_figure(first.mroas, 3)} at first and {show_figure(last.mroas, 3)} at last."
            )
            lines.append(f"mROAS falls to 1 at {self.budget_at(1.0):,} {code}.")
        if self.knee is not None:
            lines.append(f"The knee is at {self.knee:,} {code}.")
        if refused:
            lines.append(
                f"{len(refused)} of {len(self.points)} budgets have no answer, the first is "
                f"{refused[0].budget:,} {code}: {refused[0].problem}"
            )
        return "\n".join(lines)
