"""The weekly run: learn from history, decide one week, explain every move."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from budgetopt.belief import learn
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Curve
from budgetopt.errors import CalendarError, HistoryError, InputError
from budgetopt.history import History
from budgetopt.optimize import Problem, draws_of, problem_of, settle, solve
from budgetopt.plan import Plan
from budgetopt.policies import Policy, PosteriorMean, View
from budgetopt.policies.base import Floats
from budgetopt.weekly.decision import Decision
from budgetopt.weekly.guard import checked_policy, checked_spend, drawn_in
from budgetopt.weekly.reasons import moves_of

_NAMED = 6
"""Weeks that one note names."""

DRAWS = 1000
"""Draws from the belief that the range of the outcome is read from."""


def reallocate(
    plan: Plan,
    history: History,
    *,
    week: dt.date | str | None = None,
    policy: Policy | None = None,
    seed: int = 0,
) -> Decision:
    """Decide how one week's money is split, from what earlier weeks brought.

    Parameters
    ----------
    plan
        Budget, channels and limits.
    history
        Weeks of spend and outcome; only whole weeks before the one decided are used.
    week
        Day on which the week starts; by default the next one: after the last whole week, and
        after the week under way where the history has a part of it.
    policy
        How to decide; by default `PosteriorMean`.
    seed
        Seed of the policy's random numbers, at least 0; each week has numbers of its own.

    Returns
    -------
    Decision
        The same bytes for the same input and seed. Whatever the policy, the allocation's outcome
        and bound are those of the posterior mean curves, so that its gap is what the policy
        gives up by them.

    Raises
    ------
    HistoryError
        Where the history does not fit the plan, or has no whole week before the one decided.
    CalendarError
        ``bad-date`` where `week` is not a date or not a start day.
    InfeasibleError
        Where no split keeps the limits.
    VerificationError
        ``broken-limit`` where the policy's answer breaks a limit.
    """
    policy = checked_policy(PosteriorMean() if policy is None else policy)
    known = history.select(plan.names)
    start = _week_decided(known, week)
    known = known.until(start)
    past = known.complete()
    if past.weeks.size == 0:
        raise HistoryError(
            "no-data",
            f"the history has no whole week before {start}",
            field="week",
            value=str(start),
            remedy="give a longer history or a later week",
        )
    seed = _seed(seed)
    belief = learn(past, plan)
    last = last_spend(plan, past)
    problem = problem_of(plan, belief, last)
    best = solve(problem)
    view = _view(plan, past, problem, belief, last, best.spend)
    rng = np.random.default_rng([seed, start.toordinal()])
    spend = checked_spend(problem, policy.name, policy.decide(view, rng))
    drawn = draws_of(plan, belief, DRAWS, seed)
    allocation = settle(plan, problem, best._replace(spend=spend, method=policy.name), drawn)
    before = problem.curves.value(view.last).sum()
    return Decision(
        week=Week(start),
        allocation=allocation,
        moves=moves_of(allocation, last, problem, best.prices),
        policy=policy.name,
        seed=seed,
        gain=float(allocation.outcome - before) if last else None,
        history=past.fingerprint,
        notes=(*_missing_weeks(known, past, start), *belief.notes, *past.notes, *allocation.notes),
    )


def _week_decided(known: History, week: dt.date | str | None) -> dt.date:
    """Return the start of the week to decide."""
    if week is None:
        whole = np.flatnonzero(~known.partial)
        if not whole.size:
            raise HistoryError(
                "no-data",
                "the history has no whole week",
                field="history",
                remedy="give at least one week that is over",
            )
        # The week after the last whole one may be under way; those after it are to come.
        under_way = int(whole[-1]) + 1 < known.weeks.size
        return Week(as_date(known.weeks[whole[-1]], "week")).shift(1 + under_way).start
    start = as_date(week, "week")
    if Week.of(start, known.week_start).start != start:
        raise CalendarError(
            "bad-date",
            f"week {start} starts on a {start:%A}, but weeks start on {known.week_start.title()}",
            field="week",
            value=str(start),
            remedy=f"give {Week.of(start, known.week_start).start}",
        )
    return start


def last_spend(plan: Plan, past: History) -> dict[str, Decimal]:
    """Return each channel's money in the last week it was reported for.

    Channels that were never reported are left out.
    """
    last = {}
    for at, name in enumerate(plan.names):
        reported = past.spend[np.isfinite(past.spend[:, at]), at]
        if reported.size:
            last[name] = plan.money.amount(plan.money.nearest(reported[-1]))
    return last


def _view(
    plan: Plan,
    past: History,
    problem: Problem,
    belief: Any,
    last: dict[str, Decimal],
    best: Floats,
) -> View:
    def optimum(curves: Curve) -> Floats:
        # The mean of the belief is what the week is judged by, and is solved already.
        if curves == problem.curves:
            return best.copy()
        return solve(replace(problem, curves=curves)).spend

    def fixed(values: Any) -> Floats:
        # A policy that writes into its view must not change what its answer is checked against.
        array = np.array(values, dtype=np.float64)
        array.flags.writeable = False
        return array

    return View(
        belief=belief,
        lower=fixed(problem.lower),
        upper=fixed(problem.upper),
        budget=fixed(problem.budget / problem.money.units),
        last=fixed([float(last.get(n, 0)) for n in plan.names]),
        spend=past.spend,
        outcome=past.outcome,
        spend_all=problem.spend_all,
        best=optimum,
        keep=lambda spend: drawn_in(problem, best, spend),
    )


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(
            "bad-argument",
            f"seed is {seed!r}",
            field="seed",
            value=seed,
            remedy="give a whole number, 0 or more",
        )
    return int(seed)


def _missing_weeks(known: History, past: History, start: dt.date) -> list[str]:
    """Say which weeks were left out, and from which one changes count if not from the one before.

    Parameters
    ----------
    known, past
        The weeks before the one decided, and the whole ones of them.
    start
        First day of the week decided.
    """
    notes = []
    if known.partial.any():
        shown = [str(week) for week in known.weeks[known.partial]]
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        notes.append(f"left out, as not whole: {', '.join(shown[:_NAMED])}{more}")
    last = as_date(past.weeks[-1], "week")
    if (start - last).days > 7:
        notes.append(f"the last whole week known is {last}, and changes count from it")
    return notes
