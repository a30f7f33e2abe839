"""Warm start: a belief that was learned before, continued with the weeks that are new.

`belief_for` continues a belief, or learns anew where there is none; what the plan says of priors,
carryover and events is taken as it is today, also for weeks that were learned before.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from budgetopt.belief import Belief, learn
from budgetopt.calendar import as_date
from budgetopt.errors import InputError, did_you_mean
from budgetopt.history import History
from budgetopt.i18n import say
from budgetopt.plan import Plan


def belief_for(plan: Plan, past: History, start: dt.date, belief: Belief | None) -> Belief:
    """Return what is believed before a week, learned anew or from where a belief stopped.

    Parameters
    ----------
    plan
        Channels, and what is known beforehand.
    past
        Whole weeks before the one decided.
    start
        First day of the week decided.
    belief
        What was learned before; None to learn from `past` alone.

    Raises
    ------
    InputError
        ``unknown-name`` where the belief has other channels than the plan, ``bad-argument`` where
        it has seen the week decided, or has another kind of outcome.
    """
    if belief is None:
        return learn(past, plan)
    _refuse_others(plan, belief)
    seen = as_date(belief.log.weeks[-1], "week") if belief.log.weeks.size else None
    if seen is not None and seen >= start:
        raise InputError(
            "bad-argument",
            say("belief-already-includes-week", seen=seen, start=start),
            field="belief",
            value=str(seen),
            remedy=say("remedy-belief-before-week-later"),
        )
    log, known = belief.log, plan.priors.only(plan.names)
    same = log.channels == plan.names and log.unit == plan.outcome_unit and log.priors == known
    if same:
        return belief.updated(past)
    # The weeks stay; what the plan says of them is what it says now.
    order = [log.index[name] for name in plan.names]
    moved = replace(
        log,
        channels=plan.names,
        unit=plan.outcome_unit,
        spend=log.spend[:, order],
        outcome=None if log.outcome is None else log.outcome[:, order],
        priors=known,
    )
    return type(belief).of(moved.extended(past), belief.settings)


def _refuse_others(plan: Plan, belief: Belief) -> None:
    for names, known, who in (
        (belief.channels, plan.names, "belief-names-other"),
        (plan.names, belief.channels, "plan-names-other"),
    ):
        there = set(known)
        for name in names:
            if name not in there:
                raise InputError(
                    "unknown-name",
                    say(who, name=repr(name)),
                    field="belief",
                    value=name,
                    remedy=say("remedy-or-learn-anew", remedy=did_you_mean(name, known)),
                )
