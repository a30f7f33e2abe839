"""From a plan and curves to a verified split of one week's money.

Before a search on whole steps, `drawn_in` takes the bounds that rows imply. A row says something of
each channel alone: what is left of its room where all the others use as little of it as they can.
Where it has no more room than that, its channels are settled, as by a group that may take nothing.
A floating-point program keeps such a row to a share of its largest entry, which at a small
coefficient, or beside a large budget, is many steps; a bound it keeps exactly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import Extrapolated
from budgetopt.calendar import Week
from budgetopt.curves import Mixture
from budgetopt.errors import InfeasibleError, InputError, SolverError
from budgetopt.i18n import say
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.build import (
    extrapolation_note,
    on_priors,
    on_priors_note,
    on_week,
    problem_of,
    untried,
    untried_note,
)
from budgetopt.optimize.engines import Method, solve
from budgetopt.optimize.problem import Clock, Problem, Solved, clock
from budgetopt.optimize.steps import Steps, best_in_steps, rounded
from budgetopt.plan import RULES, Plan, kind_of, unused

if TYPE_CHECKING:
    from budgetopt.optimize.risk.measure import Risk, Spread


import math

from budgetopt.plan import CAP, Row

_MOST = float(np.finfo(np.float64).max)


@public
def allocate(
    plan: Plan,
    curves: Any = None,
    *,
    last: Mapping[str, Any] | None = None,
    week: Week | dt.date | str | None = None,
    method: Method = "auto",
    time_limit: float | None = None,
    risk: Risk | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Allocation:
    """Split a week's budget for the plan's goal, proven and exact to the step.

    Parameters
    ----------
    plan
        Budget, channels, limits and goal.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel. Without it no limit on changes binds, and a note says so.
    week
        A day of the week that is split, for what the plan says of dated weeks: phases, freezes and
        demand. Without it the week is a usual one, and a note names what is left out.
    method
        Engine to use, one of `budgetopt.optimize.METHODS`; by default what the plan needs.
    time_limit
        Seconds after which engines that search return the best verified split with its gap. Only
        an answer that ran into it may differ from run to run. By default a search ends after so
        much work, about a minute of a usual processor: the same answer on any machine.
    risk
        What is maximised over draws from the belief, such as ``Risk.mean_cvar(0.5)``; by default
        the mean of the belief.
    draws
        Draws from the belief, at least 1, for `risk` and for the range of the outcome. For `risk`
        they are given that no channel is S-shaped, and refused where one likely is.
    seed
        Seed of the draws.

    Returns
    -------
    Allocation
        Verified; its ``bound`` comes from the true curves.

    Raises
    ------
    PlanError
        Where a channel has no curve or a name is unknown.
    InfeasibleError
        Where no split keeps the limits; it names a smallest set of them that clash.
    SolverError
        ``wrong-method``, ``time-limit``, ``not-converged``.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> from budgetopt.plan import Channel
    >>> channels = [Channel("a", curve=Log(3, 10)), Channel("b", curve=Log(1, 10))]
    >>> week = allocate(Plan(budget=100, currency="CNY", channels=channels))
    >>> {name: str(money) for name, money in week.spend.items()}
    {'a': '80.00', 'b': '20.00'}
    """
    left = clock(time_limit)
    dated = on_week(plan, curves, week, last)
    notes = (*dated.notes, *unused(dated.plan, "allocate", curves))
    plan, curves = dated.plan, dated.curves
    problem = problem_of(plan, curves, last, left)
    averse = risk is not None and not risk.neutral
    drawn = draws_of(plan, curves, draws, seed, concave=averse)
    if risk is None or not averse:
        solved, steps = solved_in_steps(problem, method, left)
        found = recorded(plan, problem, solved._replace(bound=steps.bound), steps.spend, drawn)
    else:
        found = _averse(plan, problem, risk, drawn, left)
    alone = untried_note(untried(curves, found.spend))
    spend = np.array([float(money) for money in found.spend.values()])
    part = float(on_priors(curves, problem.curves, spend).sum())
    alone = (*alone, *on_priors_note(part, found.outcome))
    notes = (*extrapolation_note(curves, found.spend), *alone, *notes)
    return replace(found, notes=(*found.notes, *notes)) if notes else found


def solve_in_steps(problem: Problem, time_limit: float | None = None) -> Solved:
    """Return the best split on whole steps, in money as floats; errors are those of `solve`."""
    solved, steps = solved_in_steps(problem, "auto", clock(time_limit))
    return solved._replace(spend=steps.spend / problem.money.units, bound=steps.bound)


def solved_in_steps(problem: Problem, method: Method, left: Clock) -> tuple[Solved, Steps]:
    """Return the continuous optimum by an engine, and the best split on whole steps.

    Where no split is found it is looked for once more between the bounds that the rows imply: what
    a program keeps to a share of its largest entry, a bound keeps exactly.

    Parameters
    ----------
    problem, method
        As in `solve`, whose errors are raised, and those of `rounded`.
    left
        The caller's time.
    """
    try:
        return _solved_in_steps(problem, method, left)
    except SolverError as failure:
        tighter = drawn_in(problem) if failure.code == "not-converged" else None
        if tighter is None:
            raise
        try:
            return _solved_in_steps(tighter, method, left)
        except (InfeasibleError, SolverError):
            # It speaks of bounds that nobody has declared.
            raise failure from None


def _solved_in_steps(problem: Problem, method: Method, left: Clock) -> tuple[Solved, Steps]:
    solved = solve(problem, method, left())
    steps = best_in_steps(problem, solved, left)
    return solved._replace(timed_out=steps.timed_out), steps


def _averse(
    plan: Plan, problem: Problem, risk: Risk, drawn: Mixture | None, left: Clock
) -> Allocation:
    """Return the verified split that is best by a risk over draws."""
    from budgetopt.optimize.risk.search import risk_averse

    if drawn is None:
        raise InputError(
            "bad-argument",
            say("risk-given-but"),
            field="risk",
            value=risk.kind,
            remedy=say("remedy-belief-bo-learn"),
        )
    solved = risk_averse(problem, drawn, risk, time_limit=left())
    return recorded(plan, problem, solved, rounded(problem, solved.spend, left), drawn, risk)


def draws_of(plan: Plan, belief: Any, draws: int, seed: int, *, concave: bool = False) -> Any:
    """Return curves drawn from a belief, in the plan's order; None for what is not a belief.

    Where only concave curves will do, S-shaped ones are left out if the belief can. Others are
    `Extrapolated` where the belief knows what was seen, and have values alone.
    """
    if not hasattr(belief, "draw"):
        return None
    draw = getattr(belief, "draw_concave", belief.draw) if concave else belief.draw
    rng = np.random.default_rng(seed)
    drawn, seen = draw(rng, draws), getattr(belief, "trusted_range", None)
    if belief.channels != plan.names:
        at = {name: at for at, name in enumerate(belief.channels)}
        place = [at[name] for name in plan.names]
        drawn, seen = drawn.take(place), None if seen is None else seen[place]
    if concave or seen is None:
        return drawn
    return Extrapolated(drawn, seen, rng.standard_normal((draws, 1)))


def settle(
    plan: Plan,
    problem: Problem,
    solved: Solved,
    drawn: Mixture | None = None,
    risk: Risk | None = None,
    against: Floats | None = None,
) -> Allocation:
    """Round a split to exact money, verify it and record it with its bound and prices.

    Parameters
    ----------
    plan, problem
        The plan and its array form.
    solved
        The continuous split, its prices and its bound.
    drawn
        Curves drawn from the belief, for the range of the outcome.
    risk
        What was maximised over them, if not the mean.
    against
        The split that it is to beat, by default `last_split` within the problem's bounds.
    """
    return recorded(plan, problem, solved, rounded(problem, solved.spend), drawn, risk, against)


def recorded(
    plan: Plan,
    problem: Problem,
    solved: Solved,
    minor: NDArray[np.int64],
    drawn: Mixture | None = None,
    risk: Risk | None = None,
    against: Floats | None = None,
) -> Allocation:
    """Return the verified record of exact spends in minor units; the others as in `settle`."""
    money, names = problem.money, problem.names
    spend = minor / money.units
    outcomes = problem.curves.value(spend)
    marginal = problem.curves.slope(spend)
    worth = objective = float(problem.weight @ outcomes - problem.cost @ spend)
    if risk is not None and drawn is not None:
        each = [
            np.asarray((problem.weight * drawn.value(x)).sum(axis=-1) - problem.cost @ x)
            for x in (spend, problem.last_money)
        ]
        objective = risk.value(*each)
    amounts = money.amounts(minor.tolist())
    last = () if problem.last is None else money.amounts(problem.last.tolist())
    return Allocation(
        currency=money.code,
        spend=dict(zip(names, amounts, strict=True)),
        held=plan.held,
        rules=problem.rules,
        plan=plan,
        outcome=float(outcomes.sum()),
        outcomes=dict(zip(names, outcomes.tolist(), strict=True)),
        objective=objective,
        bound=solved.bound,
        method=solved.method,
        marginal=dict(zip(names, marginal.tolist(), strict=True)),
        prices=_prices(problem, minor, marginal, solved.prices),
        last=dict(zip(names, last, strict=False)),
        notes=(*_notes_on_time(solved), *_notes(plan, problem)),
        steps_worth=_steps_worth(problem, marginal),
        value=_value(plan),
        spread=None if drawn is None else _spread(plan, problem, drawn, spend, against),
        goal=goal_of(plan),
        kinds=_kinds(plan, outcomes),
        worth=worth,
        timed_out=solved.timed_out,
    )


def _steps_worth(problem: Problem, marginal: Floats) -> float:
    """Return what one lot more or less in every channel is worth, infinite slopes left out."""
    each = np.abs(problem.weight * np.where(np.isfinite(marginal), marginal, 0.0) - problem.cost)
    return float(each @ problem.lots) / problem.money.units


def _value(plan: Plan) -> float | None:
    """Return what one unit of the objective is worth in money, None where that is not known."""
    if plan.goal.kind != "outcome":
        return 1.0
    each = plan.values  # a plan is no data frame
    alike = not plan.goal.weights and bool(np.all(each == each[0]))
    return float(each[0]) if alike and kind_of(plan) == "money" else None


def _spread(
    plan: Plan, problem: Problem, drawn: Mixture, spend: Floats, against: Floats | None
) -> Spread:
    """Return the range of the outcome, and the chance to beat the last split by the goal."""
    from budgetopt.optimize.risk.measure import spread

    goal = goal_of(plan)
    if problem.last is None:
        against = None
    elif against is None:
        against = last_split(problem, spend)
    found = spread(drawn, spend, against)
    if goal == "outcome" or against is None:
        return found
    if goal == "least-spend":
        # A target is reached or not; less money is no matter of chance.
        return replace(found, better=None)
    by_goal = spread(drawn, spend, against, weight=problem.weight, cost=problem.cost)
    return replace(found, better=by_goal.better)


def last_split(problem: Problem, spend: Floats) -> Floats:
    """Return last week's split; where the money is other, its proportions at the total of spends.

    Whatever the limits: brought within them, proportions can be those of the decision itself, and
    all that a better split brings would be laid to the money. Spends that are these proportions to
    the minor unit are that split themselves: what rounding brings is no gain.
    """
    last, total, unit = problem.last_money, float(spend.sum()), 1.0 / problem.money.units
    if abs(total - float(last.sum())) < 0.5 * unit or not last.any():
        return last
    same = np.asarray(last * (total / last.sum()))
    return spend if np.all(np.abs(same - spend) <= unit) else same


def goal_of(plan: Plan) -> str:
    """Return what a plan's objective is, as `Allocation.goal` calls it."""
    return "weights" if plan.goal.weights else plan.goal.kind


def _kinds(plan: Plan, outcomes: Floats) -> dict[str, float]:
    """Return the outcome by name, where the goal weighs several."""
    return {name: float(plan.rates(name) @ outcomes) for name, _ in plan.goal.weights}


def _prices(
    problem: Problem, spend: NDArray[np.int64], marginal: Floats, prices: Floats
) -> dict[str, float]:
    """Return the price of every limit that holds the objective back, by name.

    A channel's worth is what its next unit of money adds to the objective less what that unit
    uses of the rows at their prices. Room under its upper bound is worth that much; room above
    its lower bound is worth the opposite.
    """
    found: dict[str, float] = {}
    worth = _times(problem.weight, marginal) - problem.cost
    if problem.limits or problem.spend_all:
        # Where nothing may be spent, the next unit of money can be worth infinitely much.
        rows, prices = problem.rows, np.minimum(prices, _MOST)
        worth = (
            np.clip(worth, -_MOST, _MOST)
            - rows.money.T @ prices
            + _times(rows.outcome.T @ prices, marginal)
        )
    else:
        # An infinite slope at an infinite price is worth nothing more.
        worth = np.where(np.isfinite(worth), worth - min(prices[0], _MOST), 0.0)
    for row, price in zip(problem.all_rows, prices.tolist(), strict=True):
        if price > 0:
            found[row.limit] = found.get(row.limit, 0.0) + price
    bounds = problem.bounds
    for rules, at_bound, value in (
        (bounds.upper_rule, spend == bounds.upper, worth),
        (bounds.lower_rule, spend == bounds.lower, -worth),
    ):
        for at in np.flatnonzero((rules > 0) & at_bound & (value > 0)).tolist():
            found[f"{RULES[rules[at]]} of {problem.names[at]}"] = float(value[at])
    return found


def _times(weight: Floats, marginal: Floats) -> Floats:
    """Return the products, with nothing where the weight is 0 and the slope infinite."""
    return np.multiply(weight, marginal, where=weight > 0, out=np.zeros_like(marginal))


def _notes_on_time(solved: Solved) -> tuple[str, ...]:
    if solved.timed_out:
        return (say("time-limit"),)
    return ()


def _notes(plan: Plan, problem: Problem) -> tuple[str, ...]:
    """Return what is not kept because there is no last applied week to keep it against."""
    if problem.last is not None:
        return ()
    free = (c.max_change or plan.max_change for c in plan.channels if c.locked is None)
    notes: list[str] = []
    if any(rule.share is not None or rule.money is not None for rule in free):
        notes.append(say("change-limits-need-last-week"))
    # Whatever has rows only beside a last week needs one: one's own limits too.
    nothing = np.zeros(len(plan.channels), dtype=np.int64)
    bound = {row.limit for row in problem.limits}
    free_limits = (rule for rule in plan.limits if rule.name not in bound)
    idle = [r.name for r in free_limits if not r.rows(plan, None) and r.rows(plan, nothing)]
    if idle:
        template = "limits-need-last-week"
        notes.append(say(template, limits=tuple(idle)))
    return tuple(notes)


_ROUNDS = 10
"""Times at most that every row is looked at; one bound may draw in the next."""


def drawn_in(problem: Problem) -> Problem | None:
    r"""Return a problem of the same splits with its bounds drawn in; None where none can be.

    .. math::
        a_i x_i \le room - \sum_{j \ne i} \min_{l_j \le x_j \le u_j} a_j x_j

    None as well where bounds cross, so that there is no split: that is for an explanation to say.

    Notes
    -----
    Source: Brearley, Mitra and Williams (1975), "Analysis of mathematical programming problems
    prior to applying the simplex algorithm", section 3. What money moves or outcomes use of a row
    is left out: a part that is at least 0 can only ask for more.
    """
    lower, upper = problem.bounds.lower.tolist(), problem.bounds.upper.tolist()
    rows = [row for row in problem.all_rows if row.outcome is None and not row.counts]
    for _ in range(_ROUNDS):
        before = (*lower, *upper)
        for row in rows:
            _draw_in(row, problem, lower, upper)
            if any(low > high for low, high in zip(lower, upper, strict=True)):
                return None
        if (*lower, *upper) == before:
            break
    low, high = np.array(lower, dtype=np.int64), np.array(upper, dtype=np.int64)
    rule = np.where(high < problem.bounds.upper, CAP, problem.bounds.upper_rule).astype(np.int8)
    bounds = replace(problem.bounds, lower=low, upper=high, upper_rule=rule)
    return None if bounds == problem.bounds else replace(problem, bounds=bounds)


def _draw_in(row: Row, problem: Problem, lower: list[int], upper: list[int]) -> None:
    """Draw the bounds in minor units in to what one row leaves each channel."""
    parts = [(at, part) for at, part in enumerate(row.money.tolist()) if part]
    least = sum(part * (lower[at] if part > 0 else upper[at]) for at, part in parts)
    left = math.floor(row.room * row.scale * problem.money.units) - least
    for at, part in parts:
        reach = left // abs(part)
        if part > 0 and lower[at] + reach < upper[at]:
            upper[at] = _last(problem, at, lower[at], lower[at] + reach)
        elif part < 0 and upper[at] - reach > lower[at]:
            lower[at] = _first(problem, at, upper[at] - reach, upper[at])


def _last(problem: Problem, at: int, low: int, high: int) -> int:
    """Return the largest amount up to `high` that a channel may take; `low` is one."""
    lot, least, last = _own(problem, at)
    whole = high // lot * lot
    found = max(whole if whole >= least else 0, last if last <= high else 0)
    return max(found, low) if low <= high else high


def _first(problem: Problem, at: int, low: int, high: int) -> int:
    """Return the smallest amount from `low` on that a channel may take; `high` is one."""
    lot, least, last = _own(problem, at)
    whole = -(-max(low, least) // lot) * lot
    found = min(whole, last) if last >= low else whole
    return min(found, high) if low <= high else low


def _own(problem: Problem, at: int) -> tuple[int, int, int]:
    """Return a channel's lot, what it takes at least when on, and its last spend, -1 for none."""
    least, last = int(problem.least_on[at]), -1 if problem.last is None else int(problem.last[at])
    return int(problem.lots[at]), least, last if last >= least else -1
