"""The weekly run: learn from history, decide one week, explain every move."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np

from budgetopt.belief import learn
from budgetopt.calendar import Week, as_date
from budgetopt.errors import CalendarError, HistoryError, InputError
from budgetopt.history import History
from budgetopt.optimize import Problem, problem_of, settle, waterfill
from budgetopt.plan import Plan
from budgetopt.policies import Policy, PosteriorMean, View
from budgetopt.weekly.decision import Decision
from budgetopt.weekly.reasons import moves_of


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
        Day on which the week starts; by default the week after the last whole one.
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
    """
    past = history.select(plan.names).complete()
    start = _week_decided(past, week)
    past = past.until(start)
    if past.weeks.size == 0:
        raise HistoryError(
            "no-data",
            f"the history has no whole week before {start}",
            field="week",
            value=str(start),
            remedy="give a longer history or a later week",
        )
    policy = policy or PosteriorMean()
    belief = learn(past, plan)
    last = _last_spend(plan, past)
    problem = problem_of(plan, belief, last)
    rng = np.random.default_rng([_seed(seed), start.toordinal()])
    view = _view(plan, past, problem, belief, last)
    spend = policy.decide(view, rng)
    best = waterfill(problem.curves, problem.lower, problem.upper, view.budget)
    allocation = settle(plan, problem, spend, best.price, method=policy.name, last=last)
    before = problem.curves.value(view.last).sum()
    return Decision(
        week=Week(start),
        allocation=allocation,
        moves=moves_of(allocation, last, problem.curves),
        policy=policy.name,
        seed=seed,
        gain=float(allocation.outcome - before) if last else None,
        history=past.fingerprint,
        notes=(*_gap_weeks(past, start), *belief.notes, *past.notes, *allocation.notes),
    )


def _week_decided(past: History, week: dt.date | str | None) -> dt.date:
    """Return the start of the week to decide."""
    if week is None:
        if past.weeks.size == 0:
            raise HistoryError(
                "no-data",
                "the history has no whole week",
                field="history",
                remedy="give at least one week that is over",
            )
        return Week(as_date(past.weeks[-1], "week")).shift(1).start
    start = as_date(week, "week")
    if Week.of(start, past.week_start).start != start:
        raise CalendarError(
            "bad-date",
            f"week {start} starts on a {start:%A}, but weeks start on {past.week_start.title()}",
            field="week",
            value=str(start),
            remedy=f"give {Week.of(start, past.week_start).start}",
        )
    return start


def _last_spend(plan: Plan, past: History) -> dict[str, Decimal]:
    """Return each channel's money in the last week it was reported for."""
    last = {}
    for at, name in enumerate(plan.names):
        reported = past.spend[np.isfinite(past.spend[:, at]), at]
        if reported.size:
            last[name] = plan.money.amount(plan.money.nearest(reported[-1]))
    return last


def _view(
    plan: Plan, past: History, problem: Problem, belief: Any, last: dict[str, Decimal]
) -> View:
    return View(
        belief=belief,
        lower=problem.lower,
        upper=problem.upper,
        budget=np.asarray(problem.budget / problem.money.units),
        last=np.array([float(last.get(n, 0)) for n in plan.names]),
        spend=past.spend,
        outcome=past.outcome,
        spend_all=problem.spend_all,
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


def _gap_weeks(past: History, start: dt.date) -> tuple[str, ...]:
    """Say so where weeks lie between the last one known and the one decided."""
    last = as_date(past.weeks[-1], "week")
    between = (start - last).days // 7 - 1
    if not between:
        return ()
    return (f"{between} week(s) before this one are not in the history; changes count from {last}",)
