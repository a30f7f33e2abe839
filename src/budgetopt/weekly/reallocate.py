"""The weekly run: learn from history, decide one week, explain every move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from budgetopt.belief import Belief
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Curve, Mixture
from budgetopt.errors import CalendarError, HistoryError, InfeasibleError, InputError, SolverError
from budgetopt.figures import show_figure
from budgetopt.history import History
from budgetopt.optimize import (
    Allocation,
    Problem,
    Solved,
    best_for,
    drawn_in,
    draws_of,
    problem_of,
    settle,
)
from budgetopt.plan import Plan
from budgetopt.policies import (
    DEFAULT,
    HoldSteady,
    Kept,
    Policy,
    View,
    checked_policy,
    conservative,
    decided,
)
from budgetopt.policies.base import Floats
from budgetopt.weekly.continued import belief_for, beyond_seen
from budgetopt.weekly.dated import (
    applied,
    applied_note,
    looser,
    out_of_bounds,
    phase_note,
    with_freezes,
)
from budgetopt.weekly.decision import Decision
from budgetopt.weekly.guard import best_split, checked_spend, holding
from budgetopt.weekly.guardrails import Fired, Guardrails
from budgetopt.weekly.reasons import moves_of
from budgetopt.weekly.watch import Watch, watch
from budgetopt.words import listed, say

_NAMED = 6
"""Weeks that one note names."""

DRAWS = 1000
"""Draws from the belief that the range of the outcome is read from."""

GUARDRAILS = Guardrails()
"""What holds where nobody says otherwise."""


class _Ready(NamedTuple):
    """A week that is ready to be decided.

    Parameters
    ----------
    problem
        With the channels held that a guard holds.
    view
        What a policy sees.
    best
        The best split by the expected curves.
    watch
        What the guards found.
    """

    problem: Problem
    view: View
    best: Solved
    watch: Watch


class _Chosen(NamedTuple):
    """A split, the name of the policy whose it is, and the guards that fired for it."""

    spend: Floats
    policy: str
    fired: tuple[Fired, ...]


def reallocate(
    plan: Plan,
    history: History,
    *,
    week: dt.date | str | None = None,
    policy: Policy | None = None,
    seed: int = 0,
    belief: Belief | None = None,
    guardrails: Guardrails | None = GUARDRAILS,
    last: Mapping[str, Any] | None = None,
) -> Decision:
    """Decide how one week's money is split, from what earlier weeks brought.

    Parameters
    ----------
    plan
        Budget, channels and limits; those of the week decided, by `Plan.on`. Channels that the plan
        freezes in it stay as they were.
    history
        Weeks of spend and outcome; only whole weeks before the one decided are used.
    week
        Day on which the week starts; by default the next one: after the last whole week, and
        after the week under way where the history has a part of it.
    policy
        How to decide; by default `budgetopt.policies.DEFAULT`. In a week that it cannot solve its
        ``otherwise`` is taken, by default `HoldSteady`.
    seed
        Seed of the policy's random numbers, at least 0; each week has numbers of its own.
    belief
        What was learned before, continued by the weeks of the history; None to learn from the
        history alone.
    guardrails
        What holds whatever the policy is; None for the limits of the plan alone.
    last
        Money by channel that was applied last, from which changes count, and freezes; by default
        what the history reports last. A channel that is not named is new.

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
    InputError
        Where the belief has other channels than the plan, or has seen the week decided;
        ``unknown-name`` where `last` names no channel of the plan, ``bounds-clash`` where the
        plan's reserve is above the week's budget.
    InfeasibleError
        Where no split keeps the limits.
    VerificationError
        ``broken-limit`` where the policy's answer breaks a limit.
    """
    policy, seed = checked_policy(DEFAULT if policy is None else policy), _seed(seed)
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
    # What is learned does not depend on how much a phase has to spend.
    learned, reported = belief_for(plan, past, start, belief), last_spend(plan, past)
    spent = reported if last is None else applied(plan, last)
    watched = watch(guardrails, Week(start), past, learned, spent) if guardrails else Watch()
    watched = with_freezes(plan, Week(start), watched, spent)
    usual, plan = plan, plan.on(Week(start))
    ready = _ready(plan, past, learned, spent, watched)
    rng = np.random.default_rng([seed, start.toordinal()])
    chosen = _chosen(policy, ready, guardrails, rng)
    drawn = draws_of(plan, learned, DRAWS, seed)
    allocation = _settled(plan, ready, chosen, drawn)
    before = ready.problem.curves.value(ready.view.last).sum()
    said, held = [one.sentence for one in chosen.fired], dict(ready.watch.channels)
    counted = [] if last is None else applied_note(spent, reported)
    weeks = _missing_weeks(known, past, start, counted=last is None)
    noted = (*learned.notes, *past.notes, *beyond_seen(learned, allocation), *allocation.notes)
    return Decision(
        week=Week(start),
        allocation=allocation,
        moves=moves_of(allocation, spent, ready.problem, ready.best.prices, held, drawn),
        policy=policy.name,
        seed=seed,
        gain=float(allocation.outcome - before) if spent else None,
        history=past.fingerprint,
        notes=(*said, *phase_note(usual, Week(start)), *counted, *weeks, *noted),
        decided_by=chosen.policy,
        fired=chosen.fired,
    )


def _ready(
    plan: Plan, past: History, belief: Belief, last: dict[str, Decimal], watched: Watch
) -> _Ready:
    """Return the week with what is held inside its bounds, or with less of it where that fits."""
    free = problem_of(plan, belief, last)
    try:
        problem = holding(free, watched.held)
        best, stuck = best_split(problem)
    except InfeasibleError:
        less = looser(watched)
        if less is None:
            raise
        return _ready(plan, past, belief, last, less)
    watched = out_of_bounds(free, watched)
    return _Ready(problem, _view(plan, past, problem, belief, best.spend, stuck), best, watched)


def _chosen(
    policy: Policy, ready: _Ready, rails: Guardrails | None, rng: np.random.Generator
) -> _Chosen:
    """Return what the policy wants, or as much of it as the guards let through."""
    view, fired = ready.view, ready.watch.fired
    if ready.watch.whole_week:
        held = HoldSteady()
        spend = checked_spend(ready.problem, held.name, held.decide(view, rng))
        return _Chosen(spend, held.name, fired)
    found = decided(policy, view, rng)
    if found.reason:
        said = say("{reason}, so {policy} decides", reason=found.reason, policy=found.policy)
        fired = (*fired, Fired("otherwise", said))
    spend = checked_spend(ready.problem, found.policy, found.spend)
    if rails is None:
        return _Chosen(spend, found.policy, fired)
    kept = conservative(view, spend, rails.most_loss, rails.confidence, ready.watch.widened)
    if kept.part == 1.0:
        return _Chosen(spend, found.policy, fired)
    return _Chosen(kept.spend, found.policy, (*fired, _part_of_the_way(found.policy, kept, rails)))


def _part_of_the_way(policy: str, kept: Kept, rails: Guardrails) -> Fired:
    loss, allowed = (show_figure(-float(gain), 3) for gain in (kept.low, kept.allowed))
    said = say(
        "the split of {policy} might bring {loss} less than last week's split at "
        "{confidence} confidence, more than the {allowed} ({share}) that "
        "may be lost, so it is taken {part} of the way",
        policy=policy,
        loss=loss,
        confidence=f"{rails.confidence:.0%}",
        allowed=allowed,
        share=f"{rails.most_loss:.1%}",
        part=f"{kept.part:.0%}",
    )
    names = ("loss", "allowed", "part")
    figures = map(float, (-kept.low, -kept.allowed, kept.part))
    return Fired("most-loss", said, tuple(zip(names, figures, strict=True)))


def _settled(plan: Plan, ready: _Ready, chosen: _Chosen, drawn: Mixture | None) -> Allocation:
    """Return the split in exact money, verified, with its range as wide as it should be."""
    solved = ready.best._replace(spend=chosen.spend, method=chosen.policy)
    week = settle(plan, ready.problem, solved, drawn)
    factor, spread = ready.watch.widened, week.spread
    if factor == 1.0 or spread is None:
        return week
    low = max(0.0, spread.median - factor * (spread.median - spread.low))
    high = spread.median + factor * (spread.high - spread.median)
    return replace(week, spread=replace(spread, low=low, high=high))


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
    belief: Belief,
    best: Floats,
    stuck: SolverError | None,
) -> View:
    """Return what a policy sees; where there is no best split it is told so when it asks."""

    def optimum(curves: Curve) -> Floats:
        # The mean of the belief is what the week is judged by, and is solved already.
        if curves == problem.curves:
            if stuck is not None:
                raise stuck
            return best.copy()
        return best_for(problem, best, curves)

    def fixed(values: Any) -> Floats:
        # A policy that writes into its view must not change what its answer is checked against.
        array = np.array(values, dtype=np.float64)
        array.flags.writeable = False
        return array

    units = problem.money.units
    budget = problem.money.minor(plan.budget, "budget")
    return View(
        belief=belief,
        lower=fixed(problem.lower),
        upper=fixed(problem.upper),
        budget=fixed(problem.budget / units),
        last=fixed(problem.last_money),
        spend=past.spend,
        outcome=past.outcome,
        spend_all=problem.spend_all,
        best=optimum,
        keep=lambda spend: drawn_in(problem, best, spend),
        weight=fixed(problem.weight),
        cost=fixed(problem.cost),
        test=fixed(plan.reserve.parts(budget, problem.money)["test"] / units),
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


def _missing_weeks(known: History, past: History, start: dt.date, *, counted: bool) -> list[str]:
    """Say which weeks were left out, and from which one changes count if not from the one before.

    Parameters
    ----------
    known, past
        The weeks before the one decided, and the whole ones of them.
    start
        First day of the week decided.
    counted
        Whether changes count from these weeks at all.
    """
    notes: list[str] = []
    if known.partial.any():
        shown = listed([str(week) for week in known.weeks[known.partial]], _NAMED)
        notes.append(say("left out, as not whole: {weeks}", weeks=shown))
    last = as_date(past.weeks[-1], "week")
    if (start - last).days > 7 and counted:
        notes.append(
            say("the last whole week known is {week}, and changes count from it", week=str(last))
        )
    elif (start - last).days > 7:
        notes.append(say("the last whole week known is {week}", week=str(last)))
    return notes
