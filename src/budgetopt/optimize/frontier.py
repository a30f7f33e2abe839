"""What more or less budget would bring: the best outcome along a range of budgets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from budgetopt.errors import BudgetoptError, InfeasibleError, InputError, PlanError, SolverError
from budgetopt.figures import show_figure
from budgetopt.money import as_decimal
from budgetopt.optimize.allocate import allocate
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.engines import Method, solve
from budgetopt.optimize.problem import Problem, problem_of
from budgetopt.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

_POINTS = 21
_WIDER = 40
"""Times the room of channels without a cap is doubled before the hurdle counts as never met."""
_HALVINGS = 60
_UNANSWERED = ("bounds-clash", "not-converged", "time-limit")
"""Codes of what concerns one budget alone; a reserve above the budget is a clash in the plan."""


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
    plan, curves, last
        What it was made from, for `budget_at`.
    """

    points: tuple[FrontierPoint, ...]
    knee: Decimal | None
    plan: Plan = field(repr=False)
    curves: Any = field(repr=False, compare=False)
    last: Mapping[str, Any] | None = field(repr=False, compare=False)

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
            raise _bad("hurdle", hurdle, "give a number above 0")
        worth = self.plan.values
        if self.plan.goal.kind == "profit":
            return _budget_at_price(self, max(float(hurdle), 1.0) - 1.0)
        if self.plan.goal.weights or np.ptp(worth) > 0:
            return _budget_by_halving(self, float(hurdle))
        if not worth[0]:
            return _budget_at_price(self, math.inf)
        return _budget_at_price(self, float(hurdle) / float(worth[0]))

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
            split = dict.fromkeys(self.plan.names, math.nan)
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
        code, outcome = self.plan.currency, self.plan.outcome
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
                f"{len(refused)} of {len(self.points)} budgets are infeasible, the first "
                f"{refused[0].budget:,} {code}: {refused[0].problem}"
            )
        return "\n".join(lines)


def frontier(
    plan: Plan,
    curves: Any = None,
    budgets: Iterable[Any] | None = None,
    *,
    last: Mapping[str, Any] | None = None,
    method: Method = "auto",
    time_limit: float | None = None,
) -> Frontier:
    r"""Return the best outcome along a range of budgets, each a verified allocation.

    Parameters
    ----------
    plan
        Everything but its budget; reserve shares, change limits and steps keep their meaning.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    budgets
        Money per week, reserve included. By default 21 even steps from the sum of what must be
        spent to the sum of what may be spent, at most twice the plan's budget.
    last
        Last applied spend by channel.
    method, time_limit
        As in `allocate`, for each budget.

    Raises
    ------
    InputError
        ``bad-argument`` for a plan of least spend for a target, whose outcome no budget changes.
    PlanError, SolverError
        As in `allocate`. An infeasible budget raises nothing: its point says why.

    Notes
    -----
    The knee is where the normalised frontier lies farthest above the diagonal, as in Satopää,
    Albrecht, Irwin and Raghavan (2011), "Finding a kneedle in a haystack", section 2; here it is
    not picked among the points but found exactly, as the budget whose price is the slope of the
    line between the ends. It depends on the range of the budgets.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> from budgetopt.plan import Channel
    >>> channels = [Channel("a", curve=Log(300, 100)), Channel("b", curve=Log(100, 100))]
    >>> line = frontier(Plan(budget=200, currency="CNY", channels=channels), budgets=[100, 200])
    >>> [round(point.mroas, 3) for point in line.points], line.budget_at(0.8)
    ([1.333, 1.0], Decimal('300.00'))
    """
    if plan.goal.kind == "least-spend":
        raise _bad("goal", "least-spend", "ask for most outcome or most profit")
    given = _default_budgets(plan, curves, last) if budgets is None else _as_budgets(plan, budgets)
    points = tuple(_point(plan, curves, b, last, method, time_limit) for b in given)
    line = Frontier(points, None, plan, curves, last)
    return replace(line, knee=_knee(line))


def with_budget(plan: Plan, budget: Any, **changes: Any) -> Plan:
    """Return a plan with another weekly budget, and other fields where they are named.

    Examples
    --------
    >>> from budgetopt.plan import Channel
    >>> plan = Plan(budget=100, currency="CNY", channels=[Channel("a")])
    >>> with_budget(plan, 250).spendable
    Decimal('250.00')
    """
    kept = {f.name: getattr(plan, f.name) for f in fields(plan)}
    return Plan(**kept | {"budget": budget} | changes)


def _point(
    plan: Plan,
    curves: Any,
    budget: Decimal,
    last: Mapping[str, Any] | None,
    method: Method,
    time_limit: float | None,
) -> FrontierPoint:
    try:
        other = with_budget(plan, budget)
        week = allocate(other, curves, last=last, method=method, time_limit=time_limit)
    except (InfeasibleError, PlanError, SolverError) as error:
        if not isinstance(error, InfeasibleError) and error.code not in _UNANSWERED:
            raise
        return FrontierPoint(budget, None, str(error), math.nan, math.nan)
    value = float(plan.values @ np.array([week.outcomes[n] for n in plan.names]))
    mroas = _mroas(other, curves, last, week)
    return FrontierPoint(budget, week, "", value, mroas)


def _mroas(plan: Plan, curves: Any, last: Mapping[str, Any] | None, week: Allocation) -> float:
    """Return the value that the next unit of money brings."""
    price = week.prices.get("budget", 0.0) - week.prices.get("spend all", 0.0)
    spent = sum(int(m) for m in week.bounds.lower)
    least = spent == week.rules.budget and bool(np.any(week.bounds.upper > week.bounds.lower))
    profit = plan.goal.kind == "profit"
    if not least and (profit or (not plan.goal.weights and np.ptp(plan.values) == 0)):
        if profit:
            return price + 1.0 if price > 0 else 0.0
        return max(price, 0.0) * float(plan.values[0])
    # At the least that must be spent any price will do, and other goals have no price in value.
    return _value_slope(plan, problem_of(plan, curves, last)) if least or price > 0 else 0.0


def _value_slope(plan: Plan, problem: Problem) -> float:
    """Return by how much the value rises with the budget, where the goal does not say it."""
    apart = max(1, problem.budget // 10_000)
    more = replace(problem, budget=problem.budget + apart)
    low, high = (plan.values @ p.curves.value(solve(p).spend) for p in (problem, more))
    return float(high - low) * problem.money.units / apart


def _budget_at_price(line: Frontier, price: float) -> Decimal:
    """Return the budget whose next unit adds no more than a price to the objective."""
    plan, money = line.plan, line.plan.money
    spendable = _ample(line, price)
    problem = _problem_at(line, spendable)
    low, high = int(problem.bounds.lower.sum()), int(problem.bounds.upper.sum())
    if math.isinf(price):
        return _weekly(plan, low)
    spend = _priced_spend(problem, price)
    minor = low + round((float(spend.sum()) * money.units - low) / problem.step) * problem.step
    return _weekly(plan, min(max(minor, low), high))


def _ample(line: Frontier, price: float) -> int:
    """Return money to plan, in minor units, under which no channel without a cap is held back."""
    plan = line.plan
    spendable = max(plan.spendable_minor, 100 * plan.step_minor)
    for _ in range(_WIDER):
        try:
            problem = _problem_at(line, spendable)
            if math.isinf(price) or _priced_spend(problem, price).sum() < problem.budget_money:
                return spendable
            held = problem.bounds.upper == problem.budget
            if not np.any(held) and problem.bounds.upper.sum() <= problem.budget:
                return spendable
        except InfeasibleError:
            if spendable > 2**50:
                raise
        spendable = min(2 * spendable, 2**52)
    return spendable


def _problem_at(line: Frontier, spendable: int) -> Problem:
    """Return the problem with so much to plan, none of which has to be spent."""
    other = with_budget(line.plan, _weekly(line.plan, spendable), spend="at-most")
    return problem_of(other, line.curves, line.last)


def _priced_spend(problem: Problem, price: float) -> Any:
    """Return the best split where a unit of money costs so much more of the objective."""
    return solve(replace(problem, cost=problem.cost + price)).spend


def _budget_by_halving(line: Frontier, hurdle: float) -> Decimal:
    """Return where the slope of the value crosses a hurdle, for goals that do not maximise it.

    Between the points where it does; the last such budget.
    """
    feasible = [p for p in line.points if p.feasible]
    above = [at for at, p in enumerate(feasible) if p.mroas >= hurdle]
    if not feasible or not above or above[-1] == len(feasible) - 1:
        ends = feasible[-1 if above else 0 :] or line.points
        return ends[0].budget
    plan = line.plan
    low, high = (with_budget(plan, feasible[above[-1] + k].budget).spendable_minor for k in (0, 1))
    for _ in range(_HALVINGS):
        middle = (low + high) // 2
        if high - low <= plan.step_minor:
            break
        rises = _value_slope(plan, _problem_at(line, middle)) >= hurdle
        low, high = (middle, high) if rises else (low, middle)
    return _weekly(plan, low)


def _knee(line: Frontier) -> Decimal | None:
    """Return the budget farthest above the line between the ends, by its price."""
    feasible = [(p.budget, p.allocation) for p in line.points if p.allocation is not None]
    if len(feasible) < 3:
        return None
    (least, first), (most, last) = feasible[0], feasible[-1]
    width, rise = float(last.budget - first.budget), last.objective - first.objective
    if width <= 0 or rise <= 0:
        return None
    # A bend of less than a thousandth of the rise is no knee but rounding.
    along = [float(w.budget - first.budget) / width for _, w in feasible]
    above = [(w.objective - first.objective) / rise - x for (_, w), x in zip(feasible, along)]
    if max(above) < 1e-3:
        return None
    knee = _budget_at_price(line, rise / width)
    return min(max(knee, least), most)


def _weekly(plan: Plan, spendable: int) -> Decimal:
    """Return the least weekly budget that leaves so much beside the reserve."""
    money, most = plan.money, 2**52

    def left(budget: int) -> int:
        return budget - plan.reserve.minor(budget, money)

    low, high = spendable, max(2 * spendable, 1)
    while left(high) < spendable and high < most:
        low, high = high, 2 * high
    if high >= most and left(high) < spendable:
        # All of any budget is held back.
        return plan.budget
    low = low if left(low) < spendable else spendable - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if left(middle) >= spendable else (middle, high)
    return money.amount(high)


def _default_budgets(
    plan: Plan, curves: Any, last: Mapping[str, Any] | None
) -> tuple[Decimal, ...]:
    """Return even steps from what must be spent to what may be spent."""
    line = Frontier((), None, plan, curves, last)
    # Bounds alone are asked for here; whether limits clash is said by the points.
    top = max(2 * plan.spendable_minor, _floors(line))
    bounds = _problem_at(line, top).bounds
    low, high = int(bounds.lower.sum()), min(int(bounds.upper.sum()), top)
    step = plan.step_minor
    steps = np.linspace(0, (high - low) // step, _POINTS).round().astype(int).tolist()
    return tuple(dict.fromkeys(_weekly(plan, low + step * n) for n in steps))


def _floors(line: Frontier) -> int:
    """Return enough money for every lower bound, in minor units."""
    enough = max(1, line.plan.spendable_minor)
    while enough < 2**51:
        try:
            return int(_problem_at(line, enough).bounds.lower.sum())
        except InfeasibleError as error:
            if error.code != "floors-above-budget":
                raise
            enough *= 2
    return enough


def _as_budgets(plan: Plan, budgets: Iterable[Any]) -> tuple[Decimal, ...]:
    """Return budgets as exact money, rising, each once."""
    money = plan.money
    given = {money.amount(money.minor(as_decimal(b, "budgets"), "budgets")) for b in budgets}
    if not given:
        raise _bad("budgets", (), "give at least one budget, or leave them out")
    return tuple(sorted(given))


def _bad(name: str, value: Any, remedy: str) -> BudgetoptError:
    problem = f"{name} of the frontier is {value!r}"
    return InputError("bad-argument", problem, field=name, value=value, remedy=remedy)
