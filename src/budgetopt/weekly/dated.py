"""What the plan says of the dated week: its phase, its freezes, and where changes count from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from budgetopt.calendar import Week
from budgetopt.money import show_amount
from budgetopt.optimize import Problem
from budgetopt.plan import RULES, Freeze, Plan
from budgetopt.plan.operation.dated import frozen
from budgetopt.weekly.guardrails import Fired
from budgetopt.weekly.watch import Watch, held_at
from budgetopt.words import Sentence, listed, quoted, say

_NAMED = 6
"""Channels that one note names."""


def with_freezes(plan: Plan, week: Week, watched: Watch, last: Mapping[str, Decimal]) -> Watch:
    """Return what was found, with the channels held that the plan freezes.

    These hold whatever the guardrails are. A locked channel is left out: its lock is the decision.

    Parameters
    ----------
    plan
        The plan.
    week
        The week decided.
    watched
        What the guardrails found.
    last
        Last applied money by channel.
    """
    held = {
        name: freeze
        for name, freeze in frozen(plan, week).items()
        if plan.channels[plan.index[name]].locked is None
    }
    if not held:
        return watched
    by_freeze: dict[Freeze, list[str]] = {}
    for name, freeze in held.items():
        by_freeze.setdefault(freeze, []).append(name)
    free = [c.name for c in plan.channels if c.locked is None and c.name not in held]
    # A lock may be another spend than the last.
    still = not free and all(c.locked in (None, last.get(c.name, 0)) for c in plan.channels)
    fired = tuple(
        Fired("freeze", _said(freeze, names, last, nothing=still), channels=tuple(names))
        for freeze, names in by_freeze.items()
    )
    return replace(
        watched,
        fired=(*watched.fired, *fired),
        whole_week=watched.whole_week or not free,
        channels=(*watched.channels, *((name, _why(freeze)) for name, freeze in held.items())),
        frozen=tuple(held),
    )


def _said(freeze: Freeze, names: list[str], last: Mapping[str, Decimal], *, nothing: bool) -> str:
    first, end = str(freeze.first), str(freeze.last)
    what = say("nothing moves") if nothing else held_at(names, last)
    return say(_HELD[freeze.why], held=what, first=first, last=end, freeze=quoted(freeze.name))


_HELD = {
    "learning": "{held}, as the platform learns from {first} to {last} ({freeze})",
    "frozen": "{held}, as {freeze} is frozen from {first} to {last}",
}
"""What a freeze does, by its kind."""
_MEANT = {
    _HELD["learning"]: "the platform learns from {first} to {last} ({freeze})",
    _HELD["frozen"]: "{freeze} is frozen from {first} to {last}",
}
"""What is left to say of a freeze that not all of its channels keep."""


def _meant(fired: tuple[Fired, ...], moved: tuple[str, ...]) -> tuple[Fired, ...]:
    """Return what fired, where freezes of channels that move do not say that these are held."""
    return tuple(
        replace(one, sentence=say(_MEANT[one.sentence.template], **one.sentence.values))
        if isinstance(one.sentence, Sentence)
        and one.sentence.template in _MEANT
        and not set(moved).isdisjoint(one.channels)
        else one
        for one in fired
    )


def _why(freeze: Freeze) -> str:
    if freeze.why == "learning":
        return say("held, as the platform learns until {last}", last=str(freeze.last))
    return say("held, as {freeze} is frozen until {last}",
               freeze=quoted(freeze.name), last=str(freeze.last))  # fmt: skip


def looser(watched: Watch) -> Watch | None:
    """Return what is held where all of it does not fit the limits, or None for no way left.

    First the channels that the plan freezes stay, and the rest of last week's split is drawn in;
    then everything is drawn in, and the freezes that cannot be kept are named.
    """
    others = {name for name, _ in watched.channels} - set(watched.frozen)
    if not watched.whole_week and others:
        said = say("what is held does not fit the limits, so all of last week's split is drawn in")
        return replace(watched, whole_week=True, fired=(*watched.fired, Fired("limits", said)))
    if not watched.frozen:
        return None
    said = say(
        "{channels} cannot stay frozen within this week's limits and budget, so all of last "
        "week's split is drawn in",
        channels=listed(map(quoted, watched.frozen), _NAMED),
    )
    meant = _meant(watched.fired, watched.frozen)
    fired = (*meant, Fired("limits", said, channels=watched.frozen))
    return replace(watched, whole_week=True, frozen=(), fired=fired)


def out_of_bounds(free: Problem, watched: Watch) -> Watch:
    """Say which frozen channels a floor or a cap moves all the same."""
    if free.last is None:
        return watched
    fired, bounds, show = [], free.bounds, free.money.show
    for at in (free.names.index(name) for name in watched.frozen):
        last, low, high = int(free.last[at]), int(bounds.lower[at]), int(bounds.upper[at])
        if low <= last <= high:
            continue
        bound, rule = (low, bounds.lower_rule[at]) if last < low else (high, bounds.upper_rule[at])
        said = say(
            "{channel} cannot stay frozen at {last}, as {limit} is {bound}",
            channel=quoted(free.names[at]),
            last=show(last),
            limit=say("its {limit}", limit=RULES[rule]) if rule else say("the budget"),
            bound=show(bound),
        )
        figures = (("last", last / free.money.units), ("bound", bound / free.money.units))
        fired.append(Fired("limits", said, figures, (free.names[at],)))
    moved = tuple(name for one in fired for name in one.channels)
    return replace(watched, fired=(*_meant(watched.fired, moved), *fired))


def applied(plan: Plan, given: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return last applied spends as exact money, of the channels that are named.

    Raises
    ------
    PlanError, MoneyError
        ``unknown-name`` for what is no channel, ``bad-money``.
    """
    minor = plan.last_minor(given)
    return {name: plan.money.amount(minor[at]) for name, at in plan.index.items() if name in given}


def phase_note(plan: Plan, week: Week) -> list[str]:
    """Say which phases a week lies in, and what that makes of its budget."""
    held = [
        phase.name
        for phase in plan.operation.phases
        if phase.first <= week.end and week.start <= phase.last
    ]
    if not held:
        return []
    dated = plan.on(week)
    note = say(
        "the week lies in the phase {phases}: its budget is {budget}, that of a usual week {usual}",
        phases=listed(map(quoted, held), _NAMED),
        budget=show_amount(dated.budget),
        usual=show_amount(plan.budget),
    )
    return [note]


def applied_note(last: Mapping[str, Decimal], reported: Mapping[str, Decimal]) -> list[str]:
    """Say that changes count from spends applied, where these are not what the history reports.

    Parameters
    ----------
    last
        Last applied money by channel.
    reported
        The same by the history.
    """
    apart = [
        say(
            "{channel} ({applied}, reported {reported})",
            channel=quoted(name),
            applied=show_amount(last.get(name, Decimal(0))),
            reported=show_amount(reported.get(name, Decimal(0))),
        )
        for name in dict.fromkeys([*last, *reported])
        if last.get(name, Decimal(0)) != reported.get(name, Decimal(0))
    ]
    if not apart:
        return []
    return [
        say(
            "changes count from the spends last applied, which are not the history's last: "
            "{channels}",
            channels=listed(apart, _NAMED),
        )
    ]
