"""A belief that was learned before, continued with what is new."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import numpy as np

from budgetopt.belief import Belief, learn
from budgetopt.calendar import as_date
from budgetopt.errors import InputError, did_you_mean
from budgetopt.figures import show_figure
from budgetopt.history import History
from budgetopt.money import show_amount
from budgetopt.optimize import Allocation
from budgetopt.plan import Plan
from budgetopt.words import listed, quoted, say


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
            f"the belief has seen the week of {seen}, which is not before {start}",
            field="belief",
            value=str(seen),
            remedy="give the belief as it was before that week, or a later week",
        )
    log, known = belief.log, plan.beforehand.only(plan.names)
    same = log.channels == plan.names and log.unit == plan.outcome_unit and log.beforehand == known
    if same:
        return belief.updated(past)
    # The weeks stay; what the plan says of them is what it says now.
    order = [log.channels.index(name) for name in plan.names]
    moved = replace(
        log,
        channels=plan.names,
        unit=plan.outcome_unit,
        spend=log.spend[:, order],
        outcome=None if log.outcome is None else log.outcome[:, order],
        beforehand=known,
    )
    return type(belief).of(moved.extended(past), belief.settings)


def beyond_seen(belief: Belief, allocation: Allocation) -> list[str]:
    """Say which spends lie where no week was ever seen, in one sentence or none.

    Parameters
    ----------
    belief
        What was learned.
    allocation
        The split.
    """
    said = []
    for name in belief.beyond(allocation.spend):
        least, most = belief.spend_range[belief.channels.index(name)]
        money = allocation.spend[name]
        # A channel that was never seen has a note of its own.
        if np.isfinite(most):
            said.append(_beyond(name, money, float(least), float(most)))
    if not said:
        return []
    return [
        say(
            "beyond what was ever spent in a week, where curves are drawn on: {channels}",
            channels=listed(said),
        )
    ]


def _beyond(name: str, money: Decimal, least: float, most: float) -> str:
    channel, shown = quoted(name), show_amount(money)
    if money > most:
        return say(
            "{channel} ({money}, above the most {most})",
            channel=channel,
            money=shown,
            most=show_figure(most),
        )
    return say(
        "{channel} ({money}, below the least {least})",
        channel=channel,
        money=shown,
        least=show_figure(least),
    )


def _refuse_others(plan: Plan, belief: Belief) -> None:
    for names, known, who in (
        (belief.channels, plan.names, "the belief names {}, which is no channel of the plan"),
        (plan.names, belief.channels, "the plan names {}, of which the belief knows nothing"),
    ):
        for name in names:
            if name not in known:
                raise InputError(
                    "unknown-name",
                    who.format(repr(name)),
                    field="belief",
                    value=name,
                    remedy=f"{did_you_mean(name, known)} Otherwise learn anew",
                )
