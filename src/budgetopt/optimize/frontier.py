"""What more or less budget would bring.

- `with_budget` changes a plan's budget and nothing else.
- `budget_at_price` and `budget_between` find the budget at which the next unit of money brings a
  given value.
- `frontier` allocates along a range of budgets, each answer verified; `Frontier` records them, with
  the knee and the budget at a hurdle.

A point far above the spends seen in the history extrapolates the curves, and says so no more loudly
than they do. With counts, lots or S-curves the outcome may jump between two budgets.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import Belief
from budgetopt.calendar import Week
from budgetopt.curves import curve_from_dict
from budgetopt.errors import InfeasibleError, InputError, PlanError, SolverError
from budgetopt.i18n import Message, listed, messages_of, restored, round_known, say, show_figure
from budgetopt.money import as_decimal, difference_of, show_amount, sum_minor
from budgetopt.notebook import Card, Progress, Shown, brief, progress_bar
from budgetopt.optimize.allocate import allocate, draws_of
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.build import StretchedBelief, on_week, problem_of
from budgetopt.optimize.engines import Method, solve
from budgetopt.optimize.problem import Problem
from budgetopt.optimize.risk.measure import Risk
from budgetopt.plan import Plan, kind_of, return_words, unused
from budgetopt.records import JsonRecord, of_plain

if TYPE_CHECKING:
    import pandas as pd


_WIDER = 40
"""Times the room of channels without a cap is doubled before the hurdle counts as never met."""
_HALVINGS = 60
_NAMED = 6
"""Budgets that one sentence names."""


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


class FrontierSource(NamedTuple):
    """What a frontier is made from.

    Parameters
    ----------
    plan
        Everything but the budget.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel, or None.
    risk, draws, seed
        As in `allocate`.
    """

    plan: Plan
    curves: Any
    last: Mapping[str, Any] | None
    risk: Risk | None = None
    draws: int = 200
    seed: int = 0

    @property
    def averse(self) -> bool:
        """Whether something other than the mean of the draws is maximised."""
        return self.risk is not None and not self.risk.neutral

    def best_spend(self, problem: Problem) -> Floats:
        """Return the best split of a problem, before it is rounded."""
        if self.risk is None or self.risk.neutral:
            return solve(problem).spend
        # Loaded late, as in `allocate`.
        from budgetopt.optimize.risk.search import risk_averse

        drawn = draws_of(self.plan, self.curves, self.draws, self.seed, concave=True)
        assert drawn is not None  # else the first point was refused
        return risk_averse(problem, drawn, self.risk).spend

    def problem_at(self, spendable: int) -> Problem:
        """Return the problem with so much to plan, in minor units, none of which must be spent."""
        other = with_budget(self.plan, budget_of_spendable(self.plan, spendable), spend="at-most")
        return problem_of(other, self.curves, self.last)

    @property
    def one_value(self) -> bool:
        """Whether an outcome of every channel counts by the same value."""
        return not self.plan.goal.weights and bool(np.ptp(self.plan.values) == 0)

    @property
    def counts_value(self) -> bool:
        """Whether the goal counts outcomes by their value, up to a factor."""
        return self.one_value or self.plan.goal.kind == "profit"

    def price_of(self, value: float) -> float | None:
        """Return the price of the budget at which its next unit brings a value.

        None where channels differ in value and the goal does not count it, and where prices are
        those of a risk.
        """
        if self.averse:
            return None
        if self.plan.goal.kind == "profit":
            # Below 1 nothing more is spent.
            return max(value, 1.0) - 1.0
        if not self.one_value:
            return None
        worth = float(self.plan.values[0])
        return value / worth if worth else math.inf


def value_slope(source: FrontierSource, spendable: int) -> float:
    r"""Return the value of the next unit of money, from two budgets that differ by little.

    A difference quotient, :math:`(V(B + h) - V(B)) / h`, with V the value of the best split and h a
    hundred-thousandth of the budget, a hundredth with a risk, which is solved less finely: where V
    bends or jumps within h, it is neither side's slope.
    """
    apart = max(1, spendable // (100 if source.averse else 100_000))
    least, most = (source.problem_at(spendable + more) for more in (0, apart))
    worth = source.plan.values
    low, high = (worth @ p.curves.value(source.best_spend(p)) for p in (least, most))
    return float(high - low) * source.plan.money.units / (most.budget - least.budget)


def budget_at_price(source: FrontierSource, price: float) -> Decimal:
    """Return the weekly budget whose next unit adds no more than a price to the objective.

    It is what is spent where a unit of money costs so much: at the optimum every free channel then
    brings the price and no more (Everett 1963).
    """
    plan = source.plan
    problem, spend = _ample(source, price)
    low, high = sum_minor(problem.bounds.lower), sum_minor(problem.bounds.upper)
    steps = round((float(spend.sum()) * plan.money.units - low) / problem.step)
    return budget_of_spendable(plan, min(max(low + steps * problem.step, low), high))


def _ample(source: FrontierSource, price: float) -> tuple[Problem, Floats]:
    """Return a problem with more budget than is worth its price, and its best spends."""
    spendable = max(source.plan.spendable_minor, 100 * source.plan.step_minor)
    for _ in range(_WIDER):
        spendable = min(2 * spendable, 2**52)
        try:
            problem = source.problem_at(spendable)
        except InfeasibleError as error:
            if error.code != "floors-above-budget" or spendable == 2**52:
                raise
            continue
        if math.isinf(price):
            return problem, problem.lower
        spend = solve(replace(problem, cost=problem.cost + price)).spend
        # Strictly less, since a channel without a cap is capped by the budget.
        if spend.sum() < (1.0 - 1e-9) * problem.budget_money:
            break
    return problem, spend


def budget_between(source: FrontierSource, low: Decimal, high: Decimal, hurdle: float) -> Decimal:
    """Return where the slope of the value crosses a hurdle between two budgets, by halving.

    The slope falls with the budget for concave curves without counts; else it may cross the hurdle
    more than once, and this is one of the crossings.
    """
    plan = source.plan
    least, most = (with_budget(plan, budget).spendable_minor for budget in (low, high))
    for _ in range(_HALVINGS):
        if most - least <= plan.step_minor:
            break
        middle = (least + most) // 2
        rises = value_slope(source, middle) >= hurdle
        least, most = (middle, most) if rises else (least, middle)
    return budget_of_spendable(plan, least)


def budget_of_spendable(plan: Plan, spendable: int) -> Decimal:
    """Return the least weekly budget that leaves this much to spend beside the reserve."""
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


def _bad_argument(name: str, value: Any, remedy: Message) -> InputError:
    """Return the error of an argument out of its range."""
    problem = say("frontier-part-is", name=name, value=repr(value))
    return InputError("bad-argument", problem, field=name, value=value, remedy=remedy)


@brief
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
    def goal(self) -> float:
        """Expected value of what the goal sums up, NaN where infeasible."""
        return math.nan if self.allocation is None else self.allocation.worth

    def kinds_beside(self, other: FrontierPoint) -> list[tuple[str, float, float]]:
        """Return the outcomes by name that the goal weighs, here and at another budget."""
        if self.allocation is None or other.allocation is None:
            return []
        here, there = self.allocation.kinds, other.allocation.kinds
        return [(name, here[name], there[name]) for name in here]

    @property
    def roas(self) -> float:
        """Value for each unit of money spent, NaN where none is."""
        total = 0.0 if self.allocation is None else float(self.allocation.total)
        return self.value / total if total else math.nan

    @property
    def binding(self) -> tuple[str, ...]:
        """Names of the limits that hold the outcome back."""
        return () if self.allocation is None else self.allocation.binding


def _written(number: float) -> float | str | None:
    """Return a number as JSON has it: as text what has no end, and None for what is unknown."""
    return None if math.isnan(number) else number if math.isfinite(number) else str(number)


def _number(written: float | str | None) -> float:
    return math.nan if written is None else float(written)


def _kept(curves: Any) -> dict[str, Any] | None:
    """Return what a frontier's curves or belief are as plain data; None for those of the plan."""
    match curves:
        case None:
            return None
        case Belief():
            return {"belief": curves.to_dict()}
        case StretchedBelief():
            ends = {"height": list(curves.height), "width": list(curves.width)}
            return {"of": _kept(curves.belief), **ends}
        case Mapping() if all(hasattr(curve, "to_dict") for curve in curves.values()):
            return {"channels": {name: curve.to_dict() for name, curve in curves.items()}}
    said, how = say("curves-not-kept", kind=type(curves).__name__), say("remedy-curves-kept")
    raise InputError("bad-argument", said, field="curves", remedy=how)


def _curves_of(data: Mapping[str, Any] | None) -> Any:
    if data is None:
        return None
    if "of" in data:
        inner = _curves_of(data["of"])
        return StretchedBelief(inner, tuple(data["height"]), tuple(data["width"]))
    if "belief" in data:
        return Belief.from_dict(data["belief"])
    return {name: curve_from_dict(curve) for name, curve in data["channels"].items()}


@public
@dataclass(frozen=True, repr=False)
class Frontier(Shown, JsonRecord):
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
    notes
        What a reader should know: the demand of its week, and fields of the plan that it cannot
        use.
    """

    _VERSIONS = (1,)
    _MADE_BY = "to_dict(whole=True)"

    points: tuple[FrontierPoint, ...]
    knee: Decimal | None
    source: FrontierSource = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()

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
            raise _bad_argument("hurdle", hurdle, say("remedy-number-above-0"))
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
        """Return one row a budget: money, outcome and its range, returns, limits and the split.

        The range of 90 % is empty without a belief; for a count the returns are CPA and marginal
        CPA, else value, ROAS and mROAS.
        """
        import pandas as pd

        return pd.DataFrame(self._rows())

    def _card(self) -> Card:
        # Even steps: the first few budgets alone would be no frontier.
        last, most = len(self.points) - 1, 6
        at = sorted({round(last * step / most) for step in range(most + 1)})
        rows = [
            (show_amount(p.budget), *(show_figure(v, 5) if math.isfinite(v) else "-"
                                      for v in (p.outcome, *self.returns(p))))
            for p in (self.points[each] for each in at)
        ]  # fmt: skip
        title = say(
            "frontier-in-short", points=len(self.points), currency=self.source.plan.currency
        )
        if self.knee is not None:
            knee = say(
                "frontier-knee", budget=show_amount(self.knee), currency=self.source.plan.currency
            )
            title = say("two-sentences", one=title, other=knee)
        words = return_words(self.source.plan)
        return Card(title, (say("budget"), say("outcome"), words.average, words.marginal), rows)

    def returns(self, point: FrontierPoint) -> tuple[float, float]:
        """Return what money brings at a point, in all and at the margin.

        Where the outcome is a count, it is what one of them costs, NaN where nothing comes of
        money; see `budgetopt.plan.return_words`.
        """
        each = (point.roas, point.mroas)
        if not return_words(self.source.plan).inverse:
            return each
        costs = [1 / value if value else math.nan for value in each]
        return costs[0], costs[1]

    def to_dict(self, *, whole: bool = False) -> dict[str, Any]:
        """Return the points and the knee as plain data.

        Parameters
        ----------
        whole
            Whether to return all that it is, with its plan, curves or belief, and the split of each
            budget, which `from_dict` takes.

        Raises
        ------
        InputError
            ``bad-argument`` where the whole of it has curves of a class of one's own.
        """
        if whole:
            return self._whole()
        rows = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in r.items()}
            for r in self._rows()
        ]
        knee = None if self.knee is None else str(self.knee)
        return {"points": rows, "knee": knee, "notes": list(self.notes)}

    def to_json(self, *, whole: bool = False) -> str:
        """Return `to_dict` as JSON text."""
        data = self.to_dict(whole=whole)
        return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)

    def _whole(self) -> dict[str, Any]:
        source, last = self.source, self.source.last
        points = [
            {
                "budget": str(point.budget),
                "allocation": None if point.allocation is None else point.allocation.to_dict(),
                "problem": str(point.problem),
                "value": _written(point.value),
                "mroas": _written(point.mroas),
            }
            for point in self.points
        ]
        return {
            "schema_version": self._VERSIONS[-1],
            "plan": source.plan.to_dict(),
            "curves": _kept(source.curves),
            "last": last and {name: str(as_decimal(money, "last")) for name, money in last.items()},
            "risk": None if source.risk is None else asdict(source.risk),
            "draws": source.draws,
            "seed": source.seed,
            "points": points,
            "knee": None if self.knee is None else str(self.knee),
            "notes": list(self.notes),
            "words": messages_of([*self.notes, *(point.problem for point in self.points)]),
        }

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        words, last, risk, knee = (data[name] for name in ("words", "last", "risk", "knee"))
        source = FrontierSource(
            Plan.from_dict(data["plan"]),
            _curves_of(data["curves"]),
            last and {name: Decimal(money) for name, money in last.items()},
            None if risk is None else of_plain(Risk, risk),
            int(data["draws"]),
            int(data["seed"]),
        )
        points = tuple(
            FrontierPoint(
                Decimal(row["budget"]),
                None if row["allocation"] is None else Allocation.from_dict(row["allocation"]),
                restored(row["problem"], words),
                _number(row["value"]),
                _number(row["mroas"]),
            )
            for row in data["points"]
        )
        notes = tuple(restored(note, words) for note in data["notes"])
        return cls(points, None if knee is None else Decimal(knee), source, notes)

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for point in self.points:
            week = point.allocation
            spread = None if week is None else week.spread
            split = dict.fromkeys(self.source.plan.names, math.nan)
            if week is not None:
                split = {name: float(money) for name, money in week.spend.items()}
            rows.append(
                {
                    "budget": float(point.budget),
                    "spend": math.nan if week is None else float(week.total),
                    "outcome": point.outcome,
                    "outcome_low": math.nan if spread is None else spread.low,
                    "outcome_high": math.nan if spread is None else spread.high,
                    **self._returns_by_name(point),
                    "gap": math.nan if week is None else week.gap,
                    "binding": ", ".join(point.binding),
                    "problem": point.problem,
                    **{f"spend of {name}": money for name, money in split.items()},
                }
            )
        return rows

    def _returns_by_name(self, point: FrontierPoint) -> dict[str, float]:
        """Return what money brings at a point: value and ROAS, or the cost of a count."""
        if return_words(self.source.plan).inverse:
            return dict(zip(("cpa", "marginal_cpa"), self.returns(point), strict=True))
        return {"value": point.value, "roas": point.roas, "mroas": point.mroas}

    def summary(self) -> str:
        """Return `sentences` and the notes, one a line."""
        notes = (say("note-line", note=note) for note in self.notes)
        return "\n".join([*self.sentences(), *notes])

    def sentences(self) -> list[Message]:
        """Return the frontier in sentences: range, knee, hurdle, what is infeasible.

        What the next unit of money is said to bring depends on what is known of the outcome's
        worth; see `budgetopt.plan.kind_of`.
        """
        code = self.source.plan.currency
        feasible = [p for p in self.points if p.feasible]
        refused = [p for p in self.points if not p.feasible]
        lines = []
        if feasible:
            lines.append(self._ends(feasible[0], feasible[-1]))
            lines += self._at_one(feasible)
        if self.knee is not None:
            lines.append(say("frontier-knee", budget=show_amount(self.knee), currency=code))
        weeks = [(p.budget, p.allocation) for p in feasible if p.allocation is not None]
        out = [show_amount(budget) for budget, week in weeks if week.extrapolated]
        if out:
            lines.append(say("extrapolated-budgets", budgets=listed(out, _NAMED)))
        rests = [
            say("name-and-share", name=show_amount(budget), share=week.on_priors)
            for budget, week in weeks
            if week.on_priors
        ]
        if rests:
            lines.append(say("on-priors-budgets", budgets=listed(rests, _NAMED)))
        if refused:
            lines.append(
                say(
                    "frontier-unanswered",
                    count=len(refused),
                    points=len(self.points),
                    budget=show_amount(refused[0].budget),
                    currency=code,
                    problem=refused[0].problem,
                )
            )
        return lines

    def _ends(self, first: FrontierPoint, last: FrontierPoint) -> Message:
        """Return what the least and the most budget bring, and the next unit of money there."""
        plan, words = self.source.plan, return_words(self.source.plan)
        said: dict[str, Any] = {
            "low": show_amount(first.budget),
            "high": show_amount(last.budget),
            "currency": plan.currency,
        }

        def ranged(low: float, high: float, name: str) -> Message:
            ends = {"low": _known(first, low), "high": _known(last, high)}
            return say("frontier-outcome-range", **ends, outcome=name)

        if plan.goal.weights:
            kinds = listed([ranged(a, b, name) for name, a, b in first.kinds_beside(last)])
            ends = {"worst": _known(first, first.goal), "best": _known(last, last.goal)}
            return say("frontier-weighted", **said, **ends, outcomes=kinds)
        said["outcomes"] = ranged(first.outcome, last.outcome, plan.outcome)
        least, most = (p.mroas for p in (first, last))
        if not words.inverse:
            ends = {"least": show_figure(least, 3), "most": show_figure(most, 3)}
            return say("frontier-returns", **said, **ends)
        costs = [
            say("costs-amount", money=show_figure(1 / each, 3))
            if each > 0
            else say("not-to-be-had")
            for each in (least, most)
        ]
        return say("frontier-costs", **said, first=costs[0], last=costs[1])

    def _at_one(self, feasible: list[FrontierPoint]) -> list[Message]:
        """Return where one more unit of money no longer earns itself back, where that is known."""
        plan = self.source.plan
        if kind_of(plan) != "money" or plan.goal.weights:
            # A hurdle of money says nothing of a goal that counts by weights.
            return []
        name: dict[str, str] = {
            "marginal": return_words(plan).marginal,
            "currency": plan.currency,
        }
        ends = {"low": show_amount(feasible[0].budget), "high": show_amount(feasible[-1].budget)}
        if all(p.mroas >= 1 for p in feasible):
            return [say("hurdle-cleared-everywhere", **name, **ends)]
        at = self.budget_at(1.0)
        if all(p.mroas < 1 for p in feasible) and at <= feasible[0].budget:
            return [say("hurdle-missed-everywhere", **name, **ends)]
        return [say("hurdle-reached", **name, budget=show_amount(at))]


def _known(point: FrontierPoint, value: float) -> str:
    """Return an outcome at a point, to the digits that its range leaves known."""
    spread = None if point.allocation is None else point.allocation.spread
    return show_figure(value if spread is None else round_known(value, spread.width))


_POINTS = 21
_UNANSWERED = ("bounds-clash", "not-converged", "time-limit")
"""Codes of what concerns one budget alone; a reserve above the budget is a clash in the plan."""


@public
def frontier(
    plan: Plan,
    curves: Any = None,
    budgets: Iterable[Any] | None = None,
    *,
    last: Mapping[str, Any] | None = None,
    week: Week | dt.date | str | None = None,
    method: Method = "auto",
    time_limit: float | None = None,
    risk: Risk | None = None,
    draws: int = 200,
    seed: int = 0,
    progress: Progress | bool | None = None,
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
    week
        A day of the week that is looked at, as in `allocate`; the budgets take the place of its
        own.
    method, time_limit, risk, draws, seed
        As in `allocate`, for each budget. With a risk each split is the one that the risk likes
        best; outcome, value, ROAS and mROAS are expected ones all the same, and the knee is the
        best of the points.
    progress
        Called with the budgets that are done, and all; True for a bar on a terminal or in a
        notebook.

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
    ([1.5, 1.0], Decimal('300.00'))
    """
    if plan.goal.kind == "least-spend":
        raise _bad_argument("goal", "least-spend", say("remedy-choose-goal-outcome"))
    dated = on_week(plan, curves, week, last)
    notes = (*dated.notes, *unused(dated.plan, "frontier", curves))
    plan = dated.plan
    source = FrontierSource(plan, dated.curves, last, risk, draws, seed)
    given = _default_budgets(source) if budgets is None else _as_budgets(plan, budgets)
    points: list[FrontierPoint] = []
    with progress_bar(progress, "frontier") as told:
        for budget in given:
            points.append(_point(source, budget, method, time_limit))
            told(len(points), len(given))
    line = Frontier(tuple(points), None, source, notes)
    return replace(line, knee=_knee(line))


def _point(
    source: FrontierSource, budget: Decimal, method: Method, time_limit: float | None
) -> FrontierPoint:
    """Return one budget's best split, or why there is none."""
    try:
        plan = with_budget(source.plan, budget)
        week = allocate(plan, source.curves, last=source.last, method=method, time_limit=time_limit,
                        risk=source.risk, draws=source.draws, seed=source.seed)  # fmt: skip
    except (InfeasibleError, PlanError, SolverError) as error:
        if not isinstance(error, InfeasibleError) and error.code not in _UNANSWERED:
            raise
        return FrontierPoint(budget, None, str(error), math.nan, math.nan)
    value = float(plan.values @ np.array([week.outcomes[n] for n in plan.names]))
    return FrontierPoint(budget, week, "", value, _mroas(source._replace(plan=plan), week))


def _mroas(source: FrontierSource, week: Allocation) -> float:
    """Return the value that the next unit of money brings."""
    if source.averse:
        return value_slope(source, week.rules.budget)
    price = week.prices.get("budget", 0.0) - week.prices.get("spend all", 0.0)
    if _many_prices(week):
        if source.plan.limits or not source.counts_value:
            return value_slope(source, week.rules.budget)
        price = _steepest(source, week)
        if math.isinf(price):
            return value_slope(source, week.rules.budget)
    if price <= 0:
        return 0.0
    if source.plan.goal.kind == "profit":
        return price + 1.0
    if source.one_value:
        return price * float(source.plan.values[0])
    return value_slope(source, week.rules.budget)


def _many_prices(week: Allocation) -> bool:
    """Whether the budget has many prices: no channel is inside its bounds.

    So it is at the least that must be spent, and where a channel without a cap takes the whole
    budget, which then is its cap.
    """
    bounds, room = week.bounds, week.bounds.upper > week.bounds.lower
    if sum_minor(bounds.lower) == week.rules.budget:
        return bool(np.any(room | (bounds.upper_rule == 0)))
    spend = week.rules.money.minors(week.spend, "spend")
    whole = (bounds.upper_rule == 0) & (spend == bounds.upper) & (spend > 0)
    return bool(np.any(whole & room))


def _steepest(source: FrontierSource, week: Allocation) -> float:
    """Return what the next unit adds to the objective in the channel where it adds most."""
    spend = week.rules.money.minors(week.spend, "spend")
    open_ended = (spend < week.bounds.upper) | (week.bounds.upper_rule == 0)
    slopes = np.array([week.marginal[name] for name in source.plan.names])
    if source.plan.goal.kind == "profit":
        slopes = slopes * source.plan.values - 1.0
    return float(np.max(slopes[open_ended], initial=0.0))


def _knee(line: Frontier) -> Decimal | None:
    """Return the budget farthest above the line between the ends, by its price."""
    feasible = [(p.budget, p.allocation) for p in line.points if p.allocation is not None]
    if len(feasible) < 3:
        return None
    (least, first), (most, last) = feasible[0], feasible[-1]
    width, rise = float(difference_of(last.budget, first.budget)), last.worth - first.worth
    if width <= 0 or rise <= 0:
        return None
    # A bend of less than a thousandth of the rise is no knee but rounding.
    above = [
        (week.worth - first.worth) / rise - float(difference_of(week.budget, first.budget)) / width
        for _, week in feasible
    ]
    if max(above) < 1e-3:
        return None
    if line.source.averse:
        return feasible[int(np.argmax(above))][0]
    knee = budget_at_price(line.source, rise / width)
    return min(max(knee, least), most)


def _default_budgets(source: FrontierSource) -> tuple[Decimal, ...]:
    """Return even steps from what must be spent to what may be spent."""
    plan = source.plan
    top = max(2 * plan.spendable_minor, plan.step_minor)
    while True:
        try:
            bounds = source.problem_at(top).bounds
            break
        except InfeasibleError as error:
            if error.code != "floors-above-budget" or top > 2**51:
                raise
            top *= 2
    low = sum_minor(bounds.lower)
    high = max(low, min(sum_minor(bounds.upper), 2 * plan.spendable_minor))
    steps = np.linspace(0, (high - low) // plan.step_minor, _POINTS).round().astype(int).tolist()
    return tuple(dict.fromkeys(budget_of_spendable(plan, low + plan.step_minor * n) for n in steps))


def _as_budgets(plan: Plan, budgets: Iterable[Any]) -> tuple[Decimal, ...]:
    """Return budgets as exact money, rising, each once."""
    money = plan.money
    given = {money.amount(money.minor(as_decimal(b, "budgets"), "budgets")) for b in budgets}
    if not given:
        raise _bad_argument("budgets", (), say("remedy-least-budget-leave"))
    return tuple(sorted(given))
