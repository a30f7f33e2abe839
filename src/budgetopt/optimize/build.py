"""From a plan and curves to the arrays of one week's problem, or why it has no solution.

- `problem_of` puts bounds, limits, goal and curves into a `Problem`; `curves_of` and `objective_of`
  are its parts that others need alone.
- `refuse_infeasible` compares the sums of bounds with the budget, and `nearest_totals` says which
  totals whole lots reach: why a plan whose lots differ cannot spend all of its budget.

What is found here is what arithmetic alone can show. Limits across channels that clash are found by
the engines, and explained in `infeasibility`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import in_short
from budgetopt.arrays import Floats, Whole
from budgetopt.curves import Curve, stack
from budgetopt.errors import InfeasibleError, InputError, PlanError
from budgetopt.i18n import quoted, say
from budgetopt.money import sum_minor
from budgetopt.optimize.clock import UNLIMITED, Clock
from budgetopt.optimize.problem import DeclaredBounds, Problem
from budgetopt.plan import (
    FAR,
    MARGIN,
    RULES,
    Bounds,
    Plan,
    Row,
    Source,
    bounds_of,
    one_curve,
    sources_of,
)


@runtime_checkable
class Believes(Protocol):
    """What the optimizer asks of a belief: its channels and the mean of its curves."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, in the order of the curves."""

    def mean(self) -> Curve:
        """Return the expected curve of each channel."""


def problem_of(
    plan: Plan,
    curves: Any = None,
    last: Mapping[str, Any] | None = None,
    left: Clock = UNLIMITED,
) -> Problem:
    """Return a plan's problem for one week, or say why it has no solution.

    Parameters
    ----------
    plan
        The plan.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel, or None.
    left
        The caller's time, in which an explanation is made.

    Raises
    ------
    PlanError
        ``no-curve``, ``unknown-name``.
    InfeasibleError
        ``floors-above-budget``, ``cannot-spend-all``, ``bounds-clash``, ``no-step-in-bounds``.
    """
    size = len(plan.names)
    before = None if last is None else np.array(plan.last_minor(last), dtype=np.int64)
    weight, cost = objective_of(plan)
    limits = tuple(row for rule in plan.limits for row in rule.rows(plan, before))
    curve, lots = curves_of(plan, curves), np.array(plan.lots_minor, dtype=np.int64)
    sources = (*sources_of(plan, last), *_margins(plan, curve))
    stay = (lots > plan.step_minor) | any(row.counts for row in limits)
    error = None
    try:
        bounds = _capped(plan, bounds_of(plan, last), curve)
        bounds = bounds.on_lots(lots, plan.names, plan.money, before, stay)
    except InfeasibleError as caught:
        bounds, error = _crossing(sources), caught
    problem = Problem(
        names=plan.names,
        money=plan.money,
        step=plan.step_minor,
        budget=plan.spendable_minor,
        spend_all=plan.spend == "all",
        bounds=bounds,
        curves=curve,
        weight=weight,
        cost=cost,
        least_on=_least_on(plan, lots, before, stay),
        lots=lots,
        limits=(*limits, *_target(plan, size)),
        last=before,
        declared=DeclaredBounds(
            sources, bounds, plan.money.minor(plan.budget, "budget"), plan.reserve
        ),
    )
    if error is not None:
        raise _explained(problem, left) or error
    refuse_infeasible(problem, left)
    return problem


def _margins(plan: Plan, curves: Curve) -> tuple[Source, ...]:
    """Return the caps that limits read off the curves, as they are declared."""
    none, units = np.zeros(len(plan.names), dtype=np.int64), plan.money.units
    rules = [rule for rule in plan.limits if hasattr(rule, "caps")]
    caps = [np.minimum(rule.caps(plan, curves) * units, float(FAR)) for rule in rules]
    whole = [np.floor(most).astype(np.int64) for most in caps]
    return tuple(Source("mroas", r.name, none, c) for r, c in zip(rules, whole, strict=True))


def _crossing(sources: tuple[Source, ...]) -> Bounds:
    """Return bounds that contradict each other, for the explanation."""
    chosen = [source for source in sources if source.kind != "off-or-at-least"]
    free = np.zeros(chosen[0].lower.size, dtype=np.int8)
    lower = np.max([source.lower for source in chosen], axis=0)
    upper = np.min([np.minimum(source.upper, 2**53) for source in chosen], axis=0)
    return Bounds(lower, upper, free, free)


def _explained(problem: Problem, left: Clock) -> InfeasibleError | None:
    from budgetopt.optimize.infeasibility.explain import explain_infeasible

    return explain_infeasible(problem, left)


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
            said = {"rule": least, "channel": quoted(plan.names[at]), "limit": quoted(rule.name)}
            raise InfeasibleError(
                "bounds-clash",
                say("bound-above-limit", **said, bound=show(bounds.lower[at]), most=show(caps[at])),
                field=f"limits.{rule.name}",
                value=show(caps[at]),
                remedy=say("remedy-bound-or-limit", **said),
            )
        tighter = caps < bounds.upper
        bounds = Bounds(
            bounds.lower,
            np.where(tighter, caps, bounds.upper),
            bounds.lower_rule,
            np.where(tighter, MARGIN, bounds.upper_rule).astype(np.int8),
        )
    return bounds


def objective_of(plan: Plan) -> tuple[Floats, Floats]:
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
    return (
        Row(
            "target",
            zero,
            room,
            outcome=np.ones(size),
            sentence=text,
            kind="target",
            least=True,
            unit=plan.outcome,
        ),
    )


def curves_of(plan: Plan, source: Any = None) -> Curve:
    """Return one curve over a plan's channels, from a belief, a mapping or the plan itself.

    Raises
    ------
    PlanError
        ``no-curve`` where a channel has none, ``unknown-name`` for an unknown channel name.
    """
    if isinstance(source, Believes):
        if source.channels == plan.names:
            return source.mean()
        plan.require_channels(source.channels, "curves", say("a-belief"))
        place = {name: at for at, name in enumerate(source.channels)}
        return source.mean().take([place[n] for n in _all_named(plan, place)])
    if source is None and plan.curves is not None:
        return plan.curves
    declared = {c.name: c.curve for c in plan.channels}
    given: Mapping[str, Any] = declared if source is None else source
    if not isinstance(given, Mapping):
        raise InputError(
            "bad-argument",
            say("curves-is", source=in_short(source)),
            field="curves",
            value=in_short(source),
            remedy=say("remedy-belief-mapping-channels"),
        )
    plan.require_channels(given, "curves", say("some-curves"))
    return stack([one_curve(given[name], name) for name in _all_named(plan, given)])


def _all_named(plan: Plan, given: Mapping[str, Any]) -> tuple[str, ...]:
    for name in plan.names:
        if given.get(name) is None:
            raise PlanError(
                "no-curve",
                say("channel-has-no-curve", channel=quoted(name)),
                field=f"channels.{name}.curve",
                value=None,
                remedy=say("remedy-curve-or-learn"),
            )
    return plan.names


def refuse_infeasible(problem: Problem, left: Clock = UNLIMITED) -> None:
    """Compare the sums of the bounds with the budget.

    Raises
    ------
    InfeasibleError
        ``floors-above-budget``, ``cannot-spend-all``.
    """
    bounds, budget = problem.bounds, problem.budget
    high = sum_minor(bounds.lower) > budget
    stepped = problem.even and bool(np.all(problem.lots == problem.step))
    most = min(sum_minor(bounds.upper), problem.target if stepped else budget)
    low = problem.spend_all and most < budget
    if high or low:
        show = problem.money.show(budget)
        raise _explained(problem, left) or InfeasibleError(
            "floors-above-budget" if high else "cannot-spend-all",
            say("minimum-spend-misfit" if high else "maximum-spend-misfit", budget=show),
            field="budget" if high else "spend",
            value=show,
            remedy=say("remedy-change-bounds-budget"),
        )
    if problem.spend_all and not stepped:
        refuse_unreachable(problem, left)


_BITS = 2**22
"""Totals up to which each one is looked at; beyond that their common divisor alone decides."""


class ReachableTotals(NamedTuple):
    """The nearest totals in minor units at or below a budget, and at or above it.

    Either is None where there is none.
    """

    below: int | None
    above: int | None


def refuse_unreachable(problem: Problem, left: Clock = UNLIMITED) -> None:
    """Refuse a plan that says spend all where no combination of lots adds up to the budget.

    Raises
    ------
    InfeasibleError
        ``cannot-spend-all``; its ``details`` hold the nearest totals ``below`` and ``above``.
    """
    from budgetopt.optimize.infeasibility.explain import explain_infeasible

    totals = nearest_totals(problem)
    if totals.below == problem.budget:
        return
    money = problem.money
    near = {side: money.amount(t) for side, t in totals._asdict().items() if t is not None}
    shown = [money.show(t) for t in totals if t is not None]
    near_by = {
        "totals": reduce(lambda one, other: say("either-or", one=one, other=other), shown or [""])
    }
    budget = money.show(problem.budget)
    clash = explain_infeasible(problem, left, known=True)
    raise InfeasibleError(
        "cannot-spend-all",
        say("lots-miss-budget", budget=budget, **near_by)
        if shown
        else say("lots-reach-nothing", budget=budget),
        field="spend",
        value="all",
        remedy=say("remedy-let-spend", **near_by) if shown else say("remedy-at-most"),
        details=near,
        limits=clash.limits if clash else (),
        remedies=clash.remedies if clash else (),
        irreducible=clash is not None and clash.irreducible,
    )


def nearest_totals(problem: Problem) -> ReachableTotals:
    """Return the nearest totals that the channels' lots reach within their bounds.

    Notes
    -----
    Every total is the least one and a multiple of the common divisor of what channels can add to
    theirs. Which multiples are reached is told by the bits of one whole number, shifted by what
    each channel can add (Bellman's recursion for subset sums; Kellerer, Pferschy and Pisinger 2004,
    section 4.1). Where there are too many, all multiples between the least and the most count.
    """
    menus = [_menu(problem, at) for at in range(len(problem.names))]
    if not all(menus):
        return ReachableTotals(None, None)
    least = sum(menu[0].start for menu in menus)
    most = sum(max(run[-1] for run in menu) for menu in menus)
    added = [[range(r.start - m[0].start, r.stop - m[0].start, r.step) for r in m] for m in menus]
    runs = [run for menu in added for run in menu]
    unit = math.gcd(*(x for run in runs for x in (run.start, run.step * (len(run) > 1)))) or 1
    asked, rest = divmod(problem.budget - least, unit)
    if asked < 0:
        return ReachableTotals(None, least)
    # Taking lots away one by one, the last total above the budget is nearer than the greatest.
    width = asked + max(max(run.start, run.step) for run in runs) // unit + 2
    if width > _BITS:
        below = min(problem.budget - rest, most)
        return ReachableTotals(below, below + unit if rest and below + unit <= most else None)
    reach = 1
    for menu in added:
        reach = _sums(reach, menu, unit, (1 << width) - 1)
    low, high = reach & ((1 << (asked + 1)) - 1), reach >> (asked + (rest > 0))
    below = least + unit * (low.bit_length() - 1)
    first = (high & -high).bit_length() - 1
    return ReachableTotals(below, least + unit * (asked + (rest > 0) + first) if high else None)


def _menu(problem: Problem, at: int) -> list[range]:
    """Return what a channel may spend in minor units, as runs of whole lots, the least first.

    A channel without a cap may spend more than the budget, so that the next total is found.
    """
    bounds, lot = problem.bounds, int(problem.lots[at])
    low, high, least = (int(a[at]) for a in (bounds.lower, bounds.upper, problem.least_on))
    if not bounds.upper_rule[at]:
        high = max(high, problem.budget + max(lot, least))
    if low == high:
        return [range(low, low + 1)]
    runs = [range(-(-max(low, least) // lot) * lot, high // lot * lot + 1, lot)]
    runs += [range(1)] * (low == 0)
    if problem.last is not None and (lot > problem.step or problem.rows.counts):
        last = int(problem.last[at])
        runs += [range(last, last + 1)] * (max(low, least * (last > 0)) <= last <= high)
    return sorted((run for run in runs if run), key=lambda run: run.start)


def _sums(reach: int, menu: list[range], unit: int, mask: int) -> int:
    """Return the bits of all sums of a total reached and one amount of a menu."""
    sums, width = 0, mask.bit_length()
    for run in menu:
        # What lies beyond the mask is not even shifted there: it may be gigabytes of zeros.
        start, left = min(run.start // unit, width), min(len(run) - 1, width * unit // run.step)
        more, count = reach << start, 1
        while left > 0:
            taken = min(count, left)
            more = (more | more << run.step * taken // unit) & mask
            left, count = left - taken, 2 * count
        sums |= more
    return sums & mask
