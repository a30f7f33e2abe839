"""Which engine solves a plan, chosen by what the plan needs."""

from __future__ import annotations

import logging
import time
from typing import Literal

import numpy as np

from budgetopt.curves import Curve, Hull, Mixture, Points, Stack
from budgetopt.errors import InfeasibleError, InputError, SolverError, did_you_mean
from budgetopt.messages import Message, linked, listed, say
from budgetopt.money import sum_minor
from budgetopt.optimize.problem import Clock, Problem, Solved, clock, keeps
from budgetopt.optimize.steps import on_lots, suits_lots
from budgetopt.optimize.waterfill import lagrangian_bound, waterfill
from budgetopt.plan import FREE

Method = Literal["auto", "waterfill", "dual", "branch", "linear", "lots", "integer"]
METHODS: tuple[Method, ...] = ("auto", "waterfill", "dual", "branch", "linear", "lots", "integer")
"""Engines that `solve` may be told to use; ``"auto"`` leaves the choice to the plan."""

LOG = logging.getLogger("budgetopt.optimize")
_FEW = 200
"""Channels up to which straight curves are quicker by a linear program than by prices."""


def solve(problem: Problem, method: Method = "auto", time_limit: float | None = None) -> Solved:
    """Return the best continuous split, by the engine that the plan needs or the one asked for.

    ==============  ====================================================================
    engine          what it solves
    ==============  ====================================================================
    ``waterfill``   concave curves, a budget and bounds
    ``dual``        concave curves and any rows that do not count
    ``branch``      S-curves and off-or-at-least as well
    ``linear``      as ``dual``, by linear programs
    ``lots``        as ``dual``, where channels have lots of their own
    ``integer``     everything, counts and lots included, by integer programs
    ==============  ====================================================================

    With ``"auto"`` the next engine that can takes over where one does not converge. Without a time
    limit every search ends after so much work, counted and not timed: alike on any machine.

    Raises
    ------
    InputError
        ``unknown-name`` for a method that is not there.
    InfeasibleError
        Where no split keeps the limits.
    SolverError
        ``wrong-method`` where the engine asked for cannot solve the plan; ``not-converged`` where
        no engine could; ``time-limit`` where the time limit was reached before any split was found.
    """
    if method not in METHODS:
        raise InputError(
            "unknown-name",
            say("method-not-known", method=repr(method)),
            field="method",
            value=method,
            remedy=did_you_mean(str(method), METHODS),
        )
    able = _able(problem)
    chosen = able[0] if method == "auto" else method
    if chosen not in able:
        raise SolverError(
            "wrong-method",
            say("method-cannot-solve", chosen=repr(chosen), problem=_needs(problem)),
            field="method",
            value=chosen,
            remedy=say("remedy-choose-leave-choice", able=linked("either-or", able)),
        )
    if (settled := _settled(problem, chosen)) is not None:
        return settled
    left, tells = clock(time_limit), LOG.isEnabledFor(logging.DEBUG)
    # Without a limit, and without a log, nothing looks at a clock.
    began = time.perf_counter() if tells else 0.0
    for engine in able if method == "auto" else (chosen,):
        try:
            solved = _run(problem, engine, left())
            solved = solved._replace(bound=solved.bound + _rounding(problem, solved))
            found = mark_timed_out(solved, problem.objective(solved.spend), left)
            if tells:
                _log(problem, found, time.perf_counter() - began)
            return found
        except InfeasibleError:
            clash = explain_infeasible(problem, left, known=True)
            if clash is not None:
                raise clash from None
            failure = _unproven(engine)
        except SolverError as error:
            if error.code != "not-converged":
                raise
            failure = error
    # Where no engine can tell, the explanation may be able to show that there is no split.
    raise explain_infeasible(problem, left) or failure from None


def _log(problem: Problem, found: Solved, seconds: float) -> None:
    """Say at level DEBUG what an engine found, and how fast."""
    worth = problem.objective(found.spend)
    about = (found.method, found.spend.size, worth, found.bound - worth, seconds)
    LOG.debug("%s: %d channels, objective %.6g, gap %.3g, %.4f s", *about)


def _settled(problem: Problem, method: Method) -> Solved | None:
    """Return the one split that locks and caps leave, where it keeps everything.

    An engine has nothing to choose, and may miss by a last digit what fits exactly. Every row has
    a price of nothing, since more room for it is of no use; where the budget alone bounds a
    channel, it would be.
    """
    bounds = problem.bounds
    free = (bounds.lower != bounds.upper) | (bounds.upper_rule == FREE)
    if free.any() or not keeps(problem, bounds.lower):
        return None
    spend = problem.lower
    return Solved(spend, np.zeros(problem.rows.size), problem.objective(spend), method)


def _able(problem: Problem) -> tuple[Method, ...]:
    """Return the engines that can solve a problem, the best first."""
    counts = any(row.counts for row in problem.limits)
    free = problem.bounds.lower < problem.bounds.upper
    lots = bool(np.any(problem.lots[free] > problem.step))
    # Equal lots under a budget alone are a coarse step, which rounding settles.
    if counts or (lots and not problem.even):
        return ("lots", "integer") if suits_lots(problem) else ("integer",)
    if not problem.curves.concave or problem.least_on.any():
        return ("branch", "integer")
    if problem.plain:
        return ("waterfill", "dual", "linear", "branch", "integer")
    if _straight(problem.curves) and problem.lower.size <= _FEW:
        # Channels on straight pieces are tied at a price, which a linear program never minds.
        return ("linear", "dual", "branch", "integer")
    return ("dual", "linear", "branch", "integer")


def _straight(curves: Curve) -> bool:
    """Say whether every curve is made of straight pieces."""
    if isinstance(curves, Stack):
        return all(_straight(part) for _, part in curves.parts)
    return isinstance(curves, Points)


def _needs(problem: Problem) -> Message:
    """Return what of a problem the simpler engines cannot solve, in words."""
    found = {
        say("engine-counts"): any(row.counts for row in problem.limits),
        say("engine-lots"): bool(np.any(problem.lots > problem.step)),
        say("engine-s-shapes"): not problem.curves.concave,
        say("engine-least-on"): bool(problem.least_on.any()),
        say("engine-rows"): not problem.plain,
    }
    return listed(text for text, there in found.items() if there)


def _run(problem: Problem, method: Method, time_limit: float | None) -> Solved:
    if method == "waterfill":
        return _filled(problem)
    if method == "lots":
        left = clock(time_limit)
        relaxed = _run(problem, "waterfill" if problem.plain else "dual", time_limit)
        return on_lots(problem, relaxed, left)
    if method == "dual":
        from budgetopt.optimize.dual.search import dual
        from budgetopt.optimize.waterfill import field_of

        field = field_of(problem)
        fast = field._replace(curves=_read_fast(problem))
        return dual(fast, problem.rows, left=clock(time_limit))
    if method == "branch":
        from budgetopt.optimize.branch.search import branch

        return branch(problem, time_limit=time_limit)
    if method == "linear":
        from budgetopt.optimize.programs.linear import linear

        return linear(problem, time_limit=time_limit)
    from budgetopt.optimize.programs.integer import integer

    return integer(problem, time_limit=time_limit)


def _read_fast(problem: Problem) -> Curve:
    """Return concave curves for a search that reads them many times within their bounds."""
    curves = problem.curves
    sampled = curves.sampled(problem.lower, problem.upper) if isinstance(curves, Mixture) else None
    return curves if sampled is None else Hull.on(sampled, problem.lower, problem.upper)


def explain_infeasible(
    problem: Problem, left: Clock, *, known: bool = False
) -> InfeasibleError | None:
    """Return why a problem has no solution, as `infeasibility.explain_infeasible` does."""
    from budgetopt.optimize.infeasibility.explain import explain_infeasible as explain

    return explain(problem, left, known=known)


def mark_timed_out(solved: Solved, worth: float, left: Clock) -> Solved:
    """Return an answer that says so where the time ran out before its bound was reached.

    Parameters
    ----------
    solved, worth
        The answer and its objective.
    left
        The caller's time.
    """
    unproven = not solved.bound - worth <= 1e-6 * abs(solved.bound)
    return solved._replace(timed_out=unproven and left() == 0)


def _rounding(problem: Problem, solved: Solved) -> float:
    """Return what rows that floating point misses may be worth, 0 where that is nothing.

    A cent beside locks of billions is no exact difference, and at a steep curve it is worth much.
    """
    rows, prices = problem.rows, np.where(np.isfinite(solved.prices), solved.prices, 0.0)
    size = np.abs(rows.room) + abs(rows.money) @ np.abs(solved.spend)
    worth = float(prices @ size) * solved.spend.size * float(np.finfo(np.float64).eps)
    return worth if worth > 1e-8 * abs(solved.bound) else 0.0


def _unproven(engine: str) -> SolverError:
    """Return what an engine says where it finds no split, and the limits do not clash."""
    return SolverError(
        "not-converged",
        say("method-found-no", engine=repr(engine)),
        field="method",
        value=engine,
        remedy=say("remedy-choose-another-method"),
    )


def _filled(problem: Problem) -> Solved:
    lower, budget = problem.lower, problem.budget_money
    # A channel without a cap is bounded by the budget, whose price that is.
    upper = np.where(problem.bounds.upper_rule > 0, problem.upper, np.inf)
    spend, price = waterfill(problem.curves, lower, upper, budget)
    bound = lagrangian_bound(problem.curves, lower, upper, budget, price)
    if sum_minor(problem.bounds.lower) == problem.budget:
        # In floats something may seem to be left, which at an infinite slope is worth infinity.
        spend, bound = lower, np.asarray(problem.curves.value(lower).sum())
    if problem.spend_all and price == 0:
        # What is left brings nothing anywhere; it is spent all the same, evenly over the room.
        room = problem.upper - spend
        spend = spend + room * min(1.0, (budget - spend.sum()) / max(room.sum(), 1e-300))
    prices = np.zeros(1 + problem.spend_all)
    prices[0] = price
    return Solved(spend, prices, float(bound), "waterfill")
