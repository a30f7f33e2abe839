"""From a plan and curves to the arrays of one week's problem, or why it has no solution.

- `on_week` is the plan as it is in a dated week, its phases' money and change limit and its frozen
  channels, and the curves of its demand: the outcome of a week of demand 1.6 is 1.6 times what the
  curves of a usual week say of the same money.
- `problem_of` puts bounds, limits, goal and curves into a `Problem`; `curves_of` and `objective_of`
  are its parts that others need alone.
- `refuse_infeasible` compares the sums of bounds with the budget, and `nearest_totals` says which
  totals whole lots reach: why a plan whose lots differ cannot spend all of its budget.

What is found here is what arithmetic alone can show. Limits across channels that clash are found by
the engines, and explained in `infeasibility`.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arguments import in_short
from budgetopt.arrays import Floats, Whole
from budgetopt.belief import Observed
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Curve, stack, stretched
from budgetopt.errors import CalendarError, HistoryError, InfeasibleError, InputError, PlanError
from budgetopt.history import History
from budgetopt.i18n import Message, listed, quoted, say, show_figure
from budgetopt.messages import linked
from budgetopt.money import show_amount, sum_minor
from budgetopt.notebook import short
from budgetopt.optimize.problem import UNLIMITED, Clock, DeclaredBounds, Problem
from budgetopt.plan import (
    CAP,
    FAR,
    FLOOR,
    FREE,
    MARGIN,
    RULES,
    Bounds,
    Channel,
    Plan,
    Reserve,
    Row,
    Source,
    bounds_of,
    one_curve,
    sources_of,
)

_MATERIAL = 0.01
"""Share of an outcome from which it is said to rest on priors alone."""
_NAMED = 6
"""Names that one note lists."""


class Known(NamedTuple):
    """Channels and their curves, as the optimizer asks a belief for them.

    Parameters
    ----------
    channels
        Names, in the order of the curves.
    curves
        Over the channels.
    """

    channels: tuple[str, ...]
    curves: Curve

    def mean(self) -> Curve:
        """Return the curves."""
        return self.curves


@dataclass(frozen=True)
class StretchedBelief:
    """A belief with all outcomes times a height, of money over a width, as `stretched` has curves.

    So it is in a week of another demand (height), or where media cost more (width).

    Parameters
    ----------
    belief
        What is believed as things are.
    height, width
        At least 0, and above 0, one for each channel in the belief's order.
    """

    belief: Any
    height: tuple[float, ...]
    width: tuple[float, ...]

    @classmethod
    def in_demand(cls, belief: Any, index: float, channels: int) -> Self:
        """Return what is believed of a week of some demand, above 0."""
        return cls(belief, (index,) * channels, (1.0,) * channels)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, in the order of the curves."""
        names: tuple[str, ...] = self.belief.channels
        return names

    @property
    def log(self) -> Any:
        """What the belief was learned from."""
        return self.belief.log

    @property
    def trusted_range(self) -> Floats | None:
        """As of the belief, in this week's media prices; None where it does not say."""
        seen = getattr(self.belief, "trusted_range", None)
        return None if seen is None else seen * np.array(self.width)[:, None]

    def mean(self) -> Curve:
        """Return the expected curves."""
        return self._stretched(self.belief.mean())

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return draws of the curves."""
        return self._stretched(self.belief.draw(rng, draws))

    def draw_concave(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return draws given that no channel is S-shaped."""
        return self._stretched(getattr(self.belief, "draw_concave", self.belief.draw)(rng, draws))

    def average(self, rng: np.random.Generator, draws: int) -> Curve:
        """Return the average of draws."""
        return self._stretched(self.belief.average(rng, draws))

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Curve:
        """Return the expected curves scaled to a quantile."""
        at = None if spend is None else self._usual(spend)
        return self._stretched(self.belief.quantile(chance, at))

    def tilted(self, power: float, spend: ArrayLike) -> Curve:
        """Return the expected curves where steep ones count for more."""
        return self._stretched(self.belief.tilted(power, self._usual(spend)))

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel brings more at another spend."""
        mean, variance = self.belief.gain(self._usual(before), self._usual(after))
        height = np.array(self.height)
        return height * mean, height**2 * variance

    def _usual(self, spend: ArrayLike) -> Floats:
        """Return the money that buys as much as things are."""
        usual: Floats = np.asarray(spend) / np.array(self.width)
        return usual

    def _stretched(self, curves: Curve) -> Curve:
        return stretched(curves, np.array(self.height), np.array(self.width))


def last_spend(plan: Plan, past: Observed) -> dict[str, Decimal]:
    """Return each channel's money in the last week it was reported for.

    Channels that were never reported are left out.
    """
    last = {}
    for at, name in enumerate(plan.names):
        reported = past.spend[np.isfinite(past.spend[:, at]), at]
        if reported.size:
            last[name] = plan.money.amount(plan.money.nearest(reported[-1]))
    return last


def week_decided(known: History, week: dt.date | str | None) -> dt.date:
    """Return the start of the week to decide, by default the next one.

    Raises
    ------
    HistoryError
        ``no-data`` where no week of the history is whole.
    CalendarError
        ``bad-date`` where the week starts on another day.
    """
    if week is None:
        whole = np.flatnonzero(~known.partial)
        if not whole.size:
            raise HistoryError(
                "no-data",
                say("history-has-no-whole-week"),
                field="history",
                remedy=say("remedy-one-week"),
            )
        # The week after the last whole one may be under way; those after it are to come.
        under_way = int(whole[-1]) + 1 < known.weeks.size
        return Week(as_date(known.weeks[whole[-1]], "week")).shift(1 + under_way).start
    start = as_date(week, "week")
    if Week.of(start, known.week_start).start != start:
        raise CalendarError(
            "bad-date",
            say(
                "week-starts-but",
                start=start,
                start_2=f"{start:%A}",
                week_start=known.week_start.title(),
            ),
            field="week",
            value=str(start),
            remedy=say("remedy-give-needed", needed=Week.of(start, known.week_start).start),
        )
    return start


def whole_weeks(known: History, start: dt.date) -> History:
    """Return the whole weeks before the one decided.

    Raises
    ------
    HistoryError
        ``no-data`` where there is none.
    """
    past = known.complete()
    if past.weeks.size == 0:
        raise HistoryError(
            "no-data",
            say("no-complete-week-before", week=str(start)),
            field="week",
            value=str(start),
            remedy=say("remedy-longer-history"),
        )
    return past


def untried(belief: Any, spend: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Return the channels that get money although no week or test ever spoke of them.

    What is said of them is what was believed beforehand; curves that were not learned, and pinned
    ones, are the user's own word.
    """
    seen = getattr(belief, "trusted_range", None)
    if seen is None:
        return ()
    pinned = dict(belief.log.priors.pinned)
    pairs = zip(belief.channels, np.isnan(seen).all(axis=1).tolist(), strict=True)
    return tuple(name for name, gone in pairs if gone and name not in pinned and spend.get(name))


def untried_note(names: Iterable[str]) -> tuple[Message, ...]:
    """Say of which channels an estimate rests on the prior alone, in one sentence or none."""
    said = [quoted(name) for name in names]
    return (say("prior-only", channels=listed(said)),) if said else ()


def extrapolation_note(belief: Any, spend: Mapping[str, Decimal]) -> tuple[Message, ...]:
    """Say which spends lie where no week or test ever was, in one sentence or none.

    Parameters
    ----------
    belief
        What was learned; curves that were not learned have nothing to say.
    spend
        The split, by channel.
    """
    seen, said = getattr(belief, "trusted_range", None), []
    if seen is None:
        return ()
    for name, (least, most) in zip(belief.channels, seen.tolist(), strict=True):
        money = spend.get(name, Decimal(0))
        what = {"channel": quoted(name), "money": show_amount(money)}
        if float(money) > most:
            said.append(say("above-observed", most=show_figure(most), **what))
        elif 0 < float(money) < least:
            said.append(say("below-observed", least=show_figure(least), **what))
    return (say("extrapolated", channels=listed(said)),) if said else ()


def on_priors(belief: Any, curves: Curve, spend: ArrayLike) -> Floats:
    r"""Return how much of each channel's expected outcome rests on priors alone.

    Where weeks and tests speak of the spends from l to m, they say of the curve f

    .. math:: s(x) = \begin{cases} f(x) & l \le x \le m \\ f(m) & x > m \\
        f(l)\,x/l & x < l \\ 0 & \text{where no spend was seen} \end{cases}

    which is the least that any rising curve with falling returns brings, if it is f where it was
    seen. The rest, :math:`f(x) - s(x)`, is how f was believed to go on: no data speak of it. Both
    add up to f, so that of a move from x to y the part :math:`f(y) - s(y) - f(x) + s(x)` rests on
    priors alone, and the parts of channels add up to that of the split.

    Parameters
    ----------
    belief
        What was learned. Curves that were not learned, and pinned ones, are the user's own word.
    curves
        The expected curves f, in the belief's order of channels.
    spend
        Money by channel, shape ``(..., channels)``.

    Notes
    -----
    It says where data end, not how much they say: few or noisy weeks widen ranges instead. For an
    S-shaped curve s is no least outcome, and the rest may be below zero.
    """
    money = np.asarray(spend, dtype=np.float64)
    seen = getattr(belief, "trusted_range", None)
    if seen is None:
        return np.zeros_like(money)
    least, most = np.asarray(seen, dtype=np.float64).T
    unseen = np.isnan(least)
    at = np.where(unseen, 0.0, np.clip(money, least, most))
    share = np.where(money < at, money / np.where(at > 0, at, 1.0), 1.0)
    rest = curves.value(money) - np.where(unseen, 0.0, share * curves.value(at))
    pinned = dict(belief.log.priors.pinned)
    return np.where([name in pinned for name in belief.channels], 0.0, rest)


def on_priors_note(part: float, outcome: float) -> tuple[Message, ...]:
    """Say how much of an outcome rests on priors alone, in one sentence or none.

    It is said from a hundredth of the outcome.
    """
    if not abs(part) >= _MATERIAL * abs(outcome) > 0:
        return ()
    return (say("on-priors", part=show_figure(part, 3), share=f"{part / outcome:.0%}"),)


def in_demand(curves: Curve, index: float, channels: int) -> Curve:
    """Return curves over the channels in a week of some demand."""
    if index == 1.0:
        return curves
    return stretched(curves, np.full(channels, index), np.ones(channels))


def believed_in(plan: Plan, week: Week, belief: Any) -> Any:
    """Return what is believed of a week: the belief itself where its demand is the usual one."""
    index = plan.demand_of(week)
    if index == 1.0:
        return belief
    if hasattr(belief, "draw"):
        return StretchedBelief.in_demand(belief, index, len(belief.channels))
    return Known(plan.names, in_demand(curves_of(plan, belief), index, len(plan.names)))


@short
class DatedWeek(NamedTuple):
    """A plan and curves as they are in one week.

    Parameters
    ----------
    plan
        Its money and change limit are the week's, frozen channels are locked where they were, and
        nothing dated is left in it.
    curves
        A belief or curves, of the week's demand.
    notes
        What of it a reader should know.
    """

    plan: Plan
    curves: Any
    notes: tuple[Message, ...] = ()


def as_week(plan: Plan, week: Week | dt.date | str | None) -> Week | None:
    """Return the week that a day lies in, None for none.

    Raises
    ------
    CalendarError
        ``bad-date``.
    """
    if week is None or isinstance(week, Week):
        return week
    return Week.of(as_date(week, "week"), plan.week_start)


def on_week(
    plan: Plan,
    curves: Any,
    week: Week | dt.date | str | None,
    last: Mapping[str, Any] | None = None,
) -> DatedWeek:
    """Return a plan and curves as they are in a week; as they are given where there is none.

    Parameters
    ----------
    plan
        As it is declared, for all weeks.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    week
        A day of it, or None.
    last
        Last applied spend by channel, where frozen channels stay.

    Raises
    ------
    CalendarError
        ``bad-date``.
    PlanError
        ``bounds-clash`` where the reserve is above the week's budget.
    """
    week = as_week(plan, week)
    if week is None:
        return DatedWeek(plan, curves)
    frozen, moved = _frozen(plan, week, last)
    channels = tuple(frozen.get(channel.name, channel) for channel in plan.channels)
    dated = plan.on(week)
    operation = replace(dated.operation, phases=(), freezes=())
    left = replace(dated, channels=channels, operation=operation, demand=(), events=())
    return DatedWeek(left, believed_in(plan, week, curves), (*week_notes(plan, week), *moved))


def _frozen(
    plan: Plan, week: Week, last: Mapping[str, Any] | None
) -> tuple[dict[str, Channel], tuple[Message, ...]]:
    """Return the channels that a week freezes, locked where they are, and which cannot stay."""
    names = [n for n in plan.frozen(week) if plan.channels[plan.index[n]].locked is None]
    if not names:
        return {}, ()
    if last is None:
        said = say("freezes-need-last-week", channels=listed(map(quoted, names), _NAMED))
        return {}, (said,)
    spent = dict(zip(plan.names, plan.money.amounts(plan.last_minor(last)), strict=True))
    found, notes = {}, []
    free: dict[str, Any] = {"floor": 0, "cap": None, "off_or_at_least": None, "learning": None}
    for name in names:
        channel = plan.channels[plan.index[name]]
        stays = max(channel.floor, spent[name])
        stays = stays if channel.cap is None else min(channel.cap, stays)
        found[name] = replace(channel, **free, locked=stays)
        if stays != spent[name]:
            rule = FLOOR if stays > spent[name] else CAP
            notes.append(_moved(name, spent[name], stays, rule))
    return found, tuple(notes)


def _moved(name: str, last: Decimal, stays: Decimal, rule: int) -> Message:
    return say(
        "freeze-broken-by-limit",
        channel=quoted(name),
        last=show_amount(last),
        limit=say("its-limit", limit=RULES[rule]),
        bound=show_amount(stays),
    )


def week_notes(plan: Plan, week: Week) -> tuple[Message, ...]:
    """Return what a plan says of a week's money and demand."""
    return (*_phase_note(plan, week), *demand_note(plan, week))


def _phase_note(plan: Plan, week: Week) -> tuple[Message, ...]:
    """Say which phases a week lies in, and what that makes of its budget."""
    held = [
        phase.name
        for phase in plan.operation.phases
        if phase.first <= week.end and week.start <= phase.last
    ]
    if not held:
        return ()
    note = say(
        "week-in-phase",
        phases=listed(map(quoted, held), _NAMED),
        budget=show_amount(plan.on(week).budget),
        usual=show_amount(plan.budget),
    )
    return (note,)


def demand_note(plan: Plan, week: Week) -> tuple[Message, ...]:
    """Say what the demand of a week is taken as; of an event, that nobody declared any."""
    index, events = plan.demand_of(week), plan.events_of(week)
    if index != 1.0:
        return (
            say("demand-of-week", week=str(week.start), index=f"x{index:g}", times=f"{index:g}"),
        )
    if any(week.start <= day <= week.end for day, _ in plan.demand) or not events:
        return ()
    return (
        say("demand-undeclared", week=str(week.start), events=listed(map(quoted, events), _NAMED)),
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
    *,
    money: int | None = None,
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
    money
        What the week may take any part of, in minor units, instead of the plan's budget.

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
    budget, reserve = plan.money.minor(plan.budget, "budget"), plan.reserve
    if money is not None:
        budget, reserve = money, Reserve()
        open_ = bounds.upper_rule == FREE
        upper = np.where(open_, np.maximum(bounds.lower, money), bounds.upper)
        bounds = replace(bounds, upper=upper)
    problem = Problem(
        names=plan.names,
        money=plan.money,
        step=plan.step_minor,
        budget=plan.spendable_minor if money is None else money,
        spend_all=money is None and plan.spend == "all",
        bounds=bounds,
        curves=curve,
        weight=weight,
        cost=cost,
        least_on=_least_on(plan, lots, before, stay),
        lots=lots,
        limits=(*limits, *_target(plan, size)),
        last=before,
        declared=DeclaredBounds(sources, bounds, budget, reserve),
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
    near_by = {"totals": linked("either-or", shown or [""])}
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
