"""A week's plan in array form, the one thing that every engine solves and every check reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve, stack
from budgetopt.errors import InfeasibleError, PlanError, did_you_mean
from budgetopt.money import Currency
from budgetopt.optimize.rules import Rules
from budgetopt.plan import MARGIN, RULES, Bounds, Plan, Row, bounds_of, one_curve

if TYPE_CHECKING:
    from budgetopt.optimize.rows import Rows

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@runtime_checkable
class Believes(Protocol):
    """What the optimizer asks of a belief: its channels and the mean of its curves."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, in the order of the curves."""

    def mean(self) -> Curve:
        """Return the expected curve of each channel."""


@dataclass(frozen=True, eq=False)
class Problem:
    r"""Maximise :math:`\sum_i w_i f_i(x_i) - b_i x_i` within bounds and rows.

    Amounts are whole numbers of minor units, so that checks are exact; the properties give the
    engines the same in money as floats.

    Parameters
    ----------
    names
        Channel names.
    money
        Currency of all amounts.
    step
        Minor units in one step of money.
    budget
        Most that may be spent, in minor units; exactly that with `spend_all`.
    spend_all
        Whether leaving money is refused.
    bounds
        Bounds by channel in minor units, drawn in to whole steps.
    curves
        Curves over the channels, in units of money.
    weight, cost
        What an outcome counts for, and what a unit of money costs, by channel.
    least_on
        Minor units; where above 0 the channel is at 0 or between this and its upper bound.
    lots
        Minor units of each channel's own step.
    limits
        Exact rows besides the budget.
    last
        Last applied spend in minor units, or None.
    """

    names: tuple[str, ...]
    money: Currency
    step: int
    budget: int
    spend_all: bool
    bounds: Bounds
    curves: Curve
    weight: Floats
    cost: Floats
    least_on: Whole
    lots: Whole
    limits: tuple[Row, ...]
    last: Whole | None

    @property
    def lower(self) -> Floats:
        """Least money by channel."""
        return self.bounds.lower / self.money.units

    @property
    def upper(self) -> Floats:
        """Most money by channel."""
        return self.bounds.upper / self.money.units

    @property
    def budget_money(self) -> float:
        """The budget in money."""
        return self.budget / self.money.units

    @property
    def last_money(self) -> Floats:
        """Last applied money by channel, zeros where there is none."""
        return np.zeros(len(self.names)) if self.last is None else self.last / self.money.units

    @property
    def target(self) -> int:
        """The largest total in minor units that steps and locked spends let the budget reach."""
        locked = int(self.bounds.lower[self.bounds.lower == self.bounds.upper].sum())
        return locked + (self.budget - locked) // self.step * self.step

    @cached_property
    def all_rows(self) -> tuple[Row, ...]:
        """All exact rows: the budget first, then that it is all to be spent, then the limits."""
        ones = np.ones(len(self.names), dtype=np.int64)
        room = Fraction(self.budget, self.money.units)
        rows = [Row("budget", ones, room, sentence="the budget")]
        if self.spend_all:
            rows.append(Row("spend all", -ones, -room, sentence="all of the budget is spent"))
        return (*rows, *self.limits)

    @cached_property
    def rows(self) -> Rows:
        """All rows in floats; row 0 is the budget."""
        from budgetopt.optimize.rows import Rows

        return Rows.of(self.all_rows, len(self.names))

    @property
    def rules(self) -> Rules:
        """Everything exact that the spends must keep."""
        return Rules(
            self.money,
            self.step,
            self.budget,
            self.bounds,
            self.least_on,
            self.lots,
            self.all_rows[1:],
            self.last,
        )

    @property
    def plain(self) -> bool:
        """Whether budget and bounds are all there is, and every outcome counts the same."""
        return (
            not self.limits
            and not self.least_on.any()
            and bool(np.all(self.weight == 1.0))
            and not self.cost.any()
            and bool(np.all(self.lots == self.step))
        )

    def objective(self, spend: Floats) -> float:
        """Return what is maximised, at spends in money."""
        return float(self.weight @ self.curves.value(spend) - self.cost @ spend)


def problem_of(plan: Plan, curves: Any = None, last: Mapping[str, Any] | None = None) -> Problem:
    """Return a plan's problem for one week, or say why it has no solution.

    Parameters
    ----------
    plan
        The plan.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel, or None.

    Raises
    ------
    PlanError
        ``no-curve``, ``unknown-name``.
    InfeasibleError
        ``floors-above-budget``, ``cannot-spend-all``, ``bounds-clash``, ``no-step-in-bounds``.
    """
    size = len(plan.names)
    before = None if last is None else np.array(plan.last_minor(last), dtype=np.int64)
    weight, cost = _objective(plan)
    limits = tuple(row for rule in plan.limits for row in rule.rows(plan, before))
    curve, lots = curves_of(plan, curves), np.array(plan.lots_minor, dtype=np.int64)
    bounds = _capped(plan, bounds_of(plan, last), curve)
    stay = (lots > plan.step_minor) | any(row.counts for row in limits)
    problem = Problem(
        names=plan.names,
        money=plan.money,
        step=plan.step_minor,
        budget=plan.spendable_minor,
        spend_all=plan.spend == "all",
        bounds=bounds.drawn_in(lots, plan.names, plan.money, before, stay),
        curves=curve,
        weight=weight,
        cost=cost,
        least_on=_least_on(plan, lots, before, stay),
        lots=lots,
        limits=(*limits, *_target(plan, size)),
        last=before,
    )
    refuse_infeasible(problem)
    return problem


def _least_on(plan: Plan, lots: Whole, last: Whole | None, stay: NDArray[np.bool_]) -> Whole:
    """Return what a channel gets at least when it is on, in whole lots, or its last spend."""
    least = np.array(plan.minimums_minor, dtype=np.int64)
    whole: Whole = -(-least // lots) * lots
    if last is None:
        return whole
    return np.where(stay & (last >= least) & (last < whole), last, whole)


def _capped(plan: Plan, bounds: Bounds, curves: Curve) -> Bounds:
    """Return bounds with the caps that limits read off the curves."""
    # A runtime protocol would ask every limit twice as long.
    for rule in (limit for limit in plan.limits if hasattr(limit, "caps")):
        most = np.minimum(rule.caps(plan, curves) * plan.money.units, 2.0**53)
        caps = np.floor(most).astype(np.int64)
        low = caps < bounds.lower
        if np.any(low):
            at = int(np.argmax(low))
            least, show = RULES[bounds.lower_rule[at]], plan.money.show
            raise InfeasibleError(
                "bounds-clash",
                f"{least} of {plan.names[at]!r} is {show(bounds.lower[at])}, but the limit "
                f"{rule.name!r} leaves at most {show(caps[at])}",
                field=f"limits.{rule.name}",
                value=show(caps[at]),
                remedy=f"lower the {least} of {plan.names[at]!r} or the limit {rule.name!r}",
            )
        tighter = caps < bounds.upper
        bounds = Bounds(
            bounds.lower,
            np.where(tighter, caps, bounds.upper),
            bounds.lower_rule,
            np.where(tighter, MARGIN, bounds.upper_rule).astype(np.int8),
        )
    return bounds


def _objective(plan: Plan) -> tuple[Floats, Floats]:
    """Return what an outcome counts for and what money costs, by channel."""
    ones, goal = np.ones(len(plan.names)), plan.goal
    if goal.kind == "profit":
        return plan.values, ones
    if goal.kind == "least-spend":
        return 0.0 * ones, ones
    if not goal.weights:
        return ones, 0.0 * ones
    weight = sum(float(share) * plan.rates(outcome) for outcome, share in goal.weights)
    return np.asarray(weight), 0.0 * ones


def _target(plan: Plan, size: int) -> tuple[Row, ...]:
    """Return the row of the outcome to reach with least spend."""
    if plan.goal.target is None:
        return ()
    zero, room = np.zeros(size, dtype=np.int64), -Fraction(plan.goal.target)
    text = f"{plan.outcome} at least {plan.goal.target:f}"
    return (Row("target", zero, room, outcome=np.ones(size), sentence=text),)


def curves_of(plan: Plan, source: Any = None) -> Curve:
    """Return one curve over a plan's channels, from a belief, a mapping or the plan itself.

    Raises
    ------
    PlanError
        ``no-curve`` where a channel has none, ``unknown-name`` for a name that is no channel.
    """
    if isinstance(source, Believes):
        if source.channels == plan.names:
            return source.mean()
        _refuse_unknown(plan, source.channels, "the belief")
        place = {name: at for at, name in enumerate(source.channels)}
        return source.mean().take([place[n] for n in _all_named(plan, place)])
    if source is None and plan.curves is not None:
        return plan.curves
    declared = {c.name: c.curve for c in plan.channels}
    given: Mapping[str, Any] = declared if source is None else source
    _refuse_unknown(plan, given, "the curves")
    return stack([one_curve(given[name], name) for name in _all_named(plan, given)])


def _refuse_unknown(plan: Plan, names: Any, where: str) -> None:
    for name in names:
        if name not in plan.index:
            raise PlanError(
                "unknown-name",
                f"{where} name {name!r}, which is no channel of the plan",
                field="curves",
                value=name,
                remedy=did_you_mean(name, plan.names),
            )


def _all_named(plan: Plan, given: Mapping[str, Any]) -> tuple[str, ...]:
    for name in plan.names:
        if given.get(name) is None:
            raise PlanError(
                "no-curve",
                f"channel {name!r} has no curve",
                field=f"channels.{name}.curve",
                value=None,
                remedy="give it a curve, or learn one from a history",
            )
    return plan.names


def refuse_infeasible(problem: Problem) -> None:
    """Compare the sums of the bounds with the budget."""
    show, bounds = problem.money.show, problem.bounds
    least, most = int(bounds.lower.sum()), int(bounds.upper.sum())
    if least > problem.budget:
        named = _named_bounds(problem)
        raise InfeasibleError(
            "floors-above-budget",
            f"the least that must be spent is {show(least)} ({named}), "
            f"{show(least - problem.budget)} above the budget {show(problem.budget)}",
            field="budget",
            value=show(problem.budget),
            remedy=f"lower what must be spent by {show(least - problem.budget)} "
            "or raise the budget",
        )
    if problem.spend_all and (most < problem.budget or problem.target < problem.budget):
        reach = min(most, problem.target)
        raise InfeasibleError(
            "cannot-spend-all",
            f"the plan says spend all of {show(problem.budget)}, but its bounds and its step "
            f"let in {show(reach)}",
            field="spend",
            value="all",
            remedy=f"raise the caps by {show(problem.budget - reach)}, or write 'at-most'",
        )


def _named_bounds(problem: Problem) -> str:
    """Return the largest lower bounds with their limits' names, for a message."""
    bounds, show = problem.bounds, problem.money.show
    order = np.argsort(-bounds.lower, kind="stable")
    first = [at for at in order if bounds.lower[at] > 0][:4]
    named = [
        f"{RULES[bounds.lower_rule[at]]} of {problem.names[at]!r} {show(bounds.lower[at])}"
        for at in first
    ]
    return ", ".join(named) + (", ..." if np.sum(bounds.lower > 0) > len(named) else "")
