"""The weekly run: learn from history, decide one week, explain every move.

`reallocate` is the call, and its parts follow it. Then what the plan freezes in a dated week:
`with_freezes` adds its channels to what the guardrails hold; `looser` gives way, step by step,
where all that is held does not fit the limits, and `out_of_bounds` names frozen channels that a
floor or a cap moves all the same. `applied_note` says what a reader should know of the spends that
changes count from.

`belief_for` continues a belief, or learns anew where there is none; what the plan says of priors,
carryover and events is taken as it is today, also for weeks that were learned before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import Belief, learn
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Curve, Mixture
from budgetopt.errors import InfeasibleError, InputError, SolverError, did_you_mean
from budgetopt.history import History
from budgetopt.horizon import plan_weeks
from budgetopt.i18n import Message, listed, quoted, say, show_figure
from budgetopt.market import Change
from budgetopt.money import show_amount
from budgetopt.optimize import (
    Allocation,
    Known,
    Problem,
    Solved,
    believed_in,
    best_for,
    draws_of,
    exchanged,
    extrapolation_note,
    goal_of,
    in_demand,
    last_spend,
    problem_of,
    project_onto_limits,
    settle,
    untried,
    week_decided,
    week_notes,
    whole_weeks,
)
from budgetopt.plan import RULES, Channel, Freeze, Plan, as_count, frozen, unused
from budgetopt.policies import (
    BeliefView,
    HoldSteady,
    Kept,
    Policy,
    View,
    as_policy,
    conservative,
    decided,
    default_policy,
)
from budgetopt.weekly.decision import Decision, Gains, below_cost, gains_of, moves_of
from budgetopt.weekly.guardrails import (
    Beyond,
    Guardrails,
    Intervention,
    Watch,
    best_split,
    beyond_change,
    checked_spend,
    held_at,
    holding,
    probing,
    watch,
)
from budgetopt.weekly.targets import target_statuses

_NAMED = 6
"""Weeks, or channels, that one note names."""

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
    ahead
        Whether the view's optimum is the first of several weeks.
    """

    problem: Problem
    view: View
    best: Solved
    watch: Watch
    ahead: bool = False


class _Chosen(NamedTuple):
    """A split, the name of the policy whose it is, and the guards that fired for it."""

    spend: Floats
    policy: str
    fired: tuple[Intervention, ...]


@public
def reallocate(
    plan: Plan,
    history: History,
    *,
    week: dt.date | str | None = None,
    policy: Policy | str | None = None,
    seed: int = 0,
    belief: Belief | None = None,
    guardrails: Guardrails | None = GUARDRAILS,
    last: Mapping[str, Any] | None = None,
    change: Change | None = None,
    horizon: int | None = None,
) -> Decision:
    """Decide how one week's money is split, from what earlier weeks brought.

    Parameters
    ----------
    plan
        Budget, channels and limits; those of the week decided, by `Plan.on`. Channels that the plan
        freezes in it stay as they were, and outcomes are those of its demand.
    history
        Weeks of spend and outcome; only whole weeks before the one decided are used.
    week
        Day on which the week starts; by default the next one: after the last whole week, and
        after the week under way where the history has a part of it.
    policy
        How to decide, or its name, such as ``"thompson(3)"``; by default
        that of `budgetopt.policies.default_policy`. In a week that it cannot solve its
        ``fallback`` is taken, by default `HoldSteady`.
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
    change
        What is other than planned in this week, such as ``Change(price="+30%")``; a note says so.
    horizon
        How many weeks the decision looks ahead, 1 to 104; by default the plan's. With more than 1
        what a policy takes for the best split is the first week of the best plan of so many
        (`plan_weeks`), where that can be made; a note says where not, and which week ahead cannot
        be kept.

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
    policy, seed = as_policy(default_policy(history) if policy is None else policy), _seed(seed)
    known = history.select(plan.names, plan.currency)
    start = week_decided(known, week)
    known = known.until(start)
    past = whole_weeks(known, start)
    # What is learned does not depend on how much a phase has to spend.
    learned, reported = belief_for(plan, past, start, belief), last_spend(plan, past)
    spent = reported if last is None else applied_spend(plan, last)
    usual, (plan, parked) = plan, with_parked(plan, past)
    watched = watch(guardrails, Week(start), past, learned, spent) if guardrails else Watch()
    watched = with_freezes(plan, Week(start), watched, spent)
    plan = plan.on(Week(start))
    expected = believed_in(plan, Week(start), learned)
    assumed = () if change is None else change.notes(plan.currency)
    if change is not None:
        plan, expected = change.of(plan, expected)
    ready = _ready(plan, past, expected, spent, watched)
    ready, ahead = looking_ahead(usual, past, Week(start), spent, ready, horizon)
    rng = np.random.default_rng([seed, start.toordinal()])
    chosen = _chosen(policy, ready, guardrails, rng)
    drawn = draws_of(plan, expected, DRAWS, seed)
    allocation = _settled(plan, ready, chosen, drawn)
    idle = _not_delivered(ready.watch, allocation, spent)
    chosen = chosen._replace(fired=(*chosen.fired, *idle))
    silent = {name: say("prior-only-here") for name in untried(expected, allocation.spend)}
    silent |= {
        name: say("not-delivered-here", week=week)
        for name, week in ready.watch.silent
        if any(name in one.channels for one in idle)
    }
    said, held = [one.sentence for one in chosen.fired], dict(ready.watch.channels)
    counted = [] if last is None else applied_note(spent, reported)
    weeks = _missing_weeks(known, past, start, counted=last is None)
    dated = (*parked, *week_notes(usual, Week(start)), *unused(usual, "reallocate", learned))
    noted = (
        *few_weeks_note(past),
        *learned.notes,
        *past.notes,
        *extrapolation_note(learned, allocation.spend),
    )
    first, rest = allocation.notes[: allocation.timed_out], allocation.notes[allocation.timed_out :]
    moves = moves_of(allocation, spent, ready.problem, ready.best.prices, held, drawn, silent)
    counted = [*counted, *below_cost(usual, moves)]
    return Decision(
        week=Week(start),
        allocation=allocation,
        moves=moves,
        policy=policy.name,
        seed=seed,
        gains=gains_of(ready.problem, allocation, expected) if spent else Gains(),
        history=past.fingerprint,
        notes=(*first, *assumed, *ahead, *said, *dated, *counted, *weeks, *noted, *rest),
        decided_by=chosen.policy,
        fired=chosen.fired,
        beyond=_beyond(plan, expected, spent, ready),
        targets=target_statuses(usual, past, learned, allocation, Week(start), seed),
    )


FEW_WEEKS = 8
"""Whole weeks up to which curves are mostly what was believed beforehand."""


def few_weeks_note(past: History) -> tuple[Message, ...]:
    """Say that a history of whole weeks is short, in one sentence or none."""
    count = past.weeks.size
    return (say("few-weeks", weeks=count, enough=FEW_WEEKS),) if 0 < count < FEW_WEEKS else ()


def looking_ahead(
    plan: Plan,
    past: History,
    week: Week,
    last: Mapping[str, Decimal],
    ready: _Ready,
    horizon: int | None,
) -> tuple[_Ready, tuple[Message, ...]]:
    """Return the week with the best plan of several weeks as its optimum, and what cannot be.

    Raises
    ------
    InputError
        ``bad-argument`` for a horizon that is not 1 to 104 weeks.
    """
    weeks = plan.horizon if horizon is None else as_count(horizon, "horizon", 104)
    if weeks is None or weeks == 1:
        return ready, ()
    view, units = ready.view, plan.money.units
    earlier = dict(zip(plan.names, np.nan_to_num(past.spend).T.tolist(), strict=True))

    @cache
    def first(curves: Curve) -> Floats:
        usual = Known(plan.names, in_demand(curves, 1.0 / plan.demand_of(week), len(plan.names)))
        found = plan_weeks(plan, usual, weeks, start=week, last=last or None, before=earlier)
        return view.project(found.minor[0] / units)

    def optimum(curves: Curve) -> Floats:
        # Where no weeks are found under curves that are drawn, the week is decided alone.
        with suppress(SolverError, InfeasibleError):
            return first(curves).copy()
        return view.optimum(curves)

    try:
        first(ready.problem.curves)
    except (SolverError, InfeasibleError) as error:
        return ready, (_not_ahead(weeks, error),)
    return ready._replace(view=replace(view, best=optimum), ahead=True), (
        say("looks-ahead", weeks=weeks),
    )


def _not_ahead(weeks: int, error: SolverError | InfeasibleError) -> Message:
    """Say why a week is decided by itself, or which week ahead cannot be kept."""
    found = error.details
    if "week" not in found:
        return say("cannot-look-ahead", weeks=weeks, why=error.code)
    given = {"week": str(found["week"]), "there": show_amount(found["there"])}
    if "needed" in found:
        given["needed"] = show_amount(found["needed"])
    remedy = (
        "" if "max_change" not in found else say("ahead-wider", share=f"{found['max_change']:.0%}")
    )
    return say("ahead-not-kept" if "needed" in found else "ahead-clash", remedy=remedy, **given)


def _beyond(
    plan: Plan, belief: BeliefView, last: dict[str, Decimal], ready: _Ready
) -> Beyond | None:
    """Return what the change limits keep out of reach, where a guard does not hold the week."""
    if ready.watch.whole_week:
        return None
    # Where nothing is spent on a channel, more money for it is no way out.
    held = (*ready.watch.held, *(name for name, _ in ready.watch.silent))
    return beyond_change(plan, belief, last, ready.problem, ready.best, held, goal_of(plan))


def _ready(
    plan: Plan, past: History, belief: BeliefView, last: dict[str, Decimal], watched: Watch
) -> _Ready:
    """Return the week with what is held inside its bounds, or with less of it where that fits."""
    free = problem_of(plan, belief, last)
    try:
        problem = probing(holding(free, watched.held), _usual_of_silent(past, watched, last))
        best, stuck = best_split(problem)
    except InfeasibleError:
        less = looser(watched)
        if less is None:
            raise
        return _ready(plan, past, belief, last, less)
    watched = out_of_bounds(free, watched)
    return _Ready(problem, _view(plan, past, problem, belief, best.spend, stuck), best, watched)


def _usual_of_silent(
    past: History, watched: Watch, last: Mapping[str, Decimal]
) -> dict[str, float]:
    """Return the usual money of channels on which nothing was spent of late."""
    usual = {}
    for name, _ in watched.silent:
        spend = past.spend[:, past.index[name]]
        some = spend[spend > 0]
        if name not in watched.held:
            usual[name] = float(some.mean() if some.size else last[name])
    return usual


def _not_delivered(
    watched: Watch, allocation: Allocation, last: Mapping[str, Decimal]
) -> tuple[Intervention, ...]:
    """Return an alarm for each silent channel that has money now, or had some to spend."""
    fired = []
    for name, week in watched.silent:
        planned = allocation.spend[name]
        if not planned and not last.get(name):
            continue
        said = say("not-delivered", channel=quoted(name), week=week, money=show_amount(planned))
        fired.append(Intervention("not-delivered", said, (("planned", float(planned)),), (name,)))
    return tuple(fired)


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
        said = say("fallback-decides", reason=found.reason, policy=found.policy)
        fired = (*fired, Intervention("otherwise", said))
    spend = checked_spend(ready.problem, found.policy, found.spend)
    if rails is None:
        return _Chosen(spend, found.policy, fired)
    if ready.ahead and spend.sum() < view.last.sum():
        # A week that is wound down for later ones brings less on purpose: its mix is guarded.
        view = replace(view, last=view.last * (spend.sum() / view.last.sum()))
    kept = conservative(view, spend, rails.most_loss, rails.confidence, ready.watch.widened)
    if kept.part == 1.0:
        return _Chosen(spend, found.policy, fired)
    return _Chosen(kept.spend, found.policy, (*fired, _part_of_the_way(found.policy, kept, rails)))


def _part_of_the_way(policy: str, kept: Kept, rails: Guardrails) -> Intervention:
    loss, allowed = (show_figure(-float(gain), 3) for gain in (kept.low, kept.allowed))
    said = say(
        "conservative-step",
        policy=policy,
        loss=loss,
        confidence=f"{rails.confidence:.0%}",
        allowed=allowed,
        share=f"{rails.most_loss:.1%}",
        part=f"{kept.part:.0%}",
    )
    names = ("loss", "allowed", "part")
    figures = map(float, (-kept.low, -kept.allowed, kept.part))
    return Intervention("most-loss", said, tuple(zip(names, figures, strict=True)))


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


def _view(
    plan: Plan,
    past: History,
    problem: Problem,
    belief: BeliefView,
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
        return exchanged(replace(problem, curves=curves), best_for(problem, best, curves))

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
        projection=lambda spend: project_onto_limits(problem, best, spend),
        weight=fixed(problem.weight),
        cost=fixed(problem.cost),
        test=fixed(plan.reserve.parts(budget, problem.money)["test"] / units),
        total=past.total,
    )


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(
            "bad-argument", field="seed", value=seed, remedy=say("remedy-whole-number-0-more")
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
        notes.append(say("partial-weeks-left-out", weeks=shown))
    last = as_date(past.weeks[-1], "week")
    if (start - last).days > 7 and counted:
        notes.append(say("base-is-last-whole-week", week=str(last)))
    elif (start - last).days > 7:
        notes.append(say("last-whole-week", week=str(last)))
    return notes


def with_parked(plan: Plan, past: History) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan whose channels that have been idle for long are locked at 0, and a note.

    A campaign that has ended does not come back to life because its curve looked steep. What never
    had any money is new and not idle.
    """
    if plan.park_after is None:
        return plan, ()
    parked: dict[str, Channel] = {}
    for at, channel in enumerate(plan.channels):
        spent = np.flatnonzero(np.nan_to_num(past.spend[:, at]) > 0)
        idle = spent.size > 0 and past.weeks.size - 1 - spent[-1] >= plan.park_after
        if idle and channel.locked is None and not channel.floor and not channel.awake:
            off: dict[str, Any] = {"cap": None, "off_or_at_least": None, "learning": None}
            parked[channel.name] = replace(channel, **off, locked=0)
    if not parked:
        return plan, ()
    names = listed(map(quoted, parked), _NAMED)
    channels = tuple(parked.get(channel.name, channel) for channel in plan.channels)
    parts = {"weeks": plan.park_after, "line": "awake = true"}
    note = say("channels-parked", channels=names, **parts)
    return replace(plan, channels=channels), (note,)


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
        Intervention("freeze", _said(freeze, names, last, nothing=still), channels=tuple(names))
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
    what = say("nothing-moves") if nothing else held_at(names, last)
    return say(_HELD[freeze.why], held=what, first=first, last=end, freeze=quoted(freeze.name))


_HELD = {"learning": "held-while-learning", "frozen": "held-while-frozen"}
"""What a freeze does, by its kind."""
_MEANT = {_HELD["learning"]: "learning-span", _HELD["frozen"]: "frozen-span"}
"""What is left to say of a freeze that not all of its channels keep."""


def _meant(fired: tuple[Intervention, ...], moved: tuple[str, ...]) -> tuple[Intervention, ...]:
    """Return what fired, where freezes of channels that move do not say that these are held."""
    return tuple(
        replace(one, sentence=say(_MEANT[one.sentence.code], **one.sentence.values))
        if isinstance(one.sentence, Message)
        and one.sentence.code in _MEANT
        and not set(moved).isdisjoint(one.channels)
        else one
        for one in fired
    )


def _why(freeze: Freeze) -> str:
    if freeze.why == "learning":
        return say("held-learning", last=str(freeze.last))
    return say("held-frozen",
               freeze=quoted(freeze.name), last=str(freeze.last))  # fmt: skip


def looser(watched: Watch) -> Watch | None:
    """Return what is held where all of it does not fit the limits, or None for no way left.

    First the channels that the plan freezes stay, and the rest of last week's split is drawn in;
    then everything is drawn in, and the freezes that cannot be kept are named.
    """
    others = {name for name, _ in watched.channels} - set(watched.frozen)
    if not watched.whole_week and others:
        said = say("held-channels-clash")
        return replace(
            watched, whole_week=True, fired=(*watched.fired, Intervention("limits", said))
        )
    if not watched.frozen:
        return None
    said = say("freezes-dropped", channels=listed(map(quoted, watched.frozen), _NAMED))
    meant = _meant(watched.fired, watched.frozen)
    fired = (*meant, Intervention("limits", said, channels=watched.frozen))
    return replace(watched, whole_week=True, frozen=(), fired=fired)


def out_of_bounds(free: Problem, watched: Watch) -> Watch:
    """Say which frozen channels a floor or a cap moves all the same."""
    if free.last is None:
        return watched
    fired, bounds, show = [], free.bounds, free.money.show
    for at in (free.index[name] for name in watched.frozen):
        last, low, high = int(free.last[at]), int(bounds.lower[at]), int(bounds.upper[at])
        if low <= last <= high:
            continue
        bound, rule = (low, bounds.lower_rule[at]) if last < low else (high, bounds.upper_rule[at])
        said = say(
            "freeze-broken-by-limit",
            channel=quoted(free.names[at]),
            last=show(last),
            limit=say("its-limit", limit=RULES[rule]) if rule else say("the-budget"),
            bound=show(bound),
        )
        figures = (("last", last / free.money.units), ("bound", bound / free.money.units))
        fired.append(Intervention("limits", said, figures, (free.names[at],)))
    moved = tuple(name for one in fired for name in one.channels)
    return replace(watched, fired=(*_meant(watched.fired, moved), *fired))


def applied_spend(plan: Plan, given: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return last applied spends as exact money, of the channels that are named.

    Raises
    ------
    PlanError, MoneyError
        ``unknown-name`` for what is no channel, ``bad-money``.
    """
    minor = plan.last_minor(given)
    return {name: plan.money.amount(minor[at]) for name, at in plan.index.items() if name in given}


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
            "applied-and-reported",
            channel=quoted(name),
            applied=show_amount(last.get(name, Decimal(0))),
            reported=show_amount(reported.get(name, Decimal(0))),
        )
        for name in dict.fromkeys([*last, *reported])
        if last.get(name, Decimal(0)) != reported.get(name, Decimal(0))
    ]
    if not apart:
        return []
    return [say("base-is-applied", channels=listed(apart, _NAMED))]


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
