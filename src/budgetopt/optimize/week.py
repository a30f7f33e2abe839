"""A dated week: the plan as it is in it, and the curves of its demand.

What a plan declares of a week is its phases' money and change limit, the channels that are frozen,
and its demand: the outcome of a week of demand 1.6 is 1.6 times what the curves of a usual week say
of the same money.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.belief import Observed
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Curve, stretched
from budgetopt.errors import CalendarError, HistoryError
from budgetopt.history import History
from budgetopt.i18n import Message, listed, quoted, say, show_figure
from budgetopt.money import show_amount
from budgetopt.optimize.build import curves_of
from budgetopt.plan import CAP, FLOOR, RULES, Channel, Plan

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
