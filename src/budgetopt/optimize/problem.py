"""A week's plan in array form, the one thing that every engine solves and every check reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve, stack
from budgetopt.errors import InfeasibleError, PlanError, SolverError, did_you_mean
from budgetopt.money import Currency
from budgetopt.plan import RULES, Bounds, Plan, bounds_of


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
    """Maximise the summed outcome within a budget and bounds, exact in minor units.

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
    """

    names: tuple[str, ...]
    money: Currency
    step: int
    budget: int
    spend_all: bool
    bounds: Bounds
    curves: Curve

    @property
    def lower(self) -> NDArray[np.float64]:
        """Least money by channel."""
        return self.bounds.lower / self.money.units

    @property
    def upper(self) -> NDArray[np.float64]:
        """Most money by channel."""
        return self.bounds.upper / self.money.units

    @property
    def target(self) -> int:
        """The largest total in minor units that steps and locked spends let the budget reach."""
        locked = int(self.bounds.lower[self.bounds.lower == self.bounds.upper].sum())
        return locked + (self.budget - locked) // self.step * self.step


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
    SolverError
        ``not-concave`` for S-shaped curves.
    """
    bounds = bounds_of(plan, last).drawn_in(plan.step_minor, plan.names, plan.money)
    problem = Problem(
        names=plan.names,
        money=plan.money,
        step=plan.step_minor,
        budget=plan.spendable_minor,
        spend_all=plan.spend == "all",
        bounds=bounds,
        curves=curves_of(plan, curves),
    )
    _refuse_infeasible(problem)
    if not problem.curves.concave:
        raise SolverError(
            "not-concave",
            f"the curve of {_first_not_concave(problem)!r} is S-shaped, which is not solved yet",
            field="curve",
            remedy="give a concave curve, such as a Hill curve of shape 1 or less",
        )
    return problem


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
    declared = {c.name: c.curve for c in plan.channels}
    given: Mapping[str, Any] = declared if source is None else source
    _refuse_unknown(plan, given, "the curves")
    return stack([given[name] for name in _all_named(plan, given)])


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


def _first_not_concave(problem: Problem) -> str:
    each = (problem.curves.take([at]) for at in range(len(problem.names)))
    return next(n for n, c in zip(problem.names, each, strict=True) if not c.concave)


def _refuse_infeasible(problem: Problem) -> None:
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
