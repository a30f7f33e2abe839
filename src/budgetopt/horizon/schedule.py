"""Many weeks planned at once: money by channel and week, exact, with its bound.

`plan_weeks` solves the weeks as one program in money as floats (`interior`), rounds them to whole
steps week after week, and holds every week's limits once more, on exact money, as `allocate` does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats, Whole
from budgetopt.belief import Belief, learn
from budgetopt.calendar import Week
from budgetopt.curves import Mixture
from budgetopt.errors import (
    InfeasibleError,
    InputError,
    SolverError,
    as_number,
    did_you_mean,
)
from budgetopt.history import History
from budgetopt.horizon.ahead import SPARE, refuse_ahead
from budgetopt.horizon.branch import improved, search
from budgetopt.horizon.build import Horizon, Over, Timing, program_of
from budgetopt.horizon.interior import Program, solve
from budgetopt.horizon.phasing import MOST_SWING, ChannelSlopes, Variation, varied
from budgetopt.horizon.rounding import week_by_week, whole_lots, whole_together
from budgetopt.i18n import Message, listed, quoted, round_known, say, show_bound, show_figure
from budgetopt.money import Currency, show_amount, sum_minor
from budgetopt.notebook import Card, Shown
from budgetopt.optimize import (
    Spread,
    as_week,
    curves_of,
    demand_note,
    draws_of,
    goal_of,
    last_spend,
    objective_of,
    week_decided,
    whole_weeks,
)
from budgetopt.plan import Plan, as_count, as_part, unused

if TYPE_CHECKING:
    import pandas as pd

_PERIODS = ("week", "month", "quarter", "all")
_NAMED = 6
"""Names that one note lists."""


@public
@dataclass(frozen=True, eq=False, repr=False)
class Schedule(Shown):
    """Money by channel and week, what it is expected to bring, and what no schedule exceeds.

    Parameters
    ----------
    channels
        Names.
    weeks
        First day of each week.
    currency
        Of all amounts.
    minor
        Spends in minor units, shape ``(weeks, channels)``.
    outcomes
        Expected outcome of each week by channel, as ``(weeks, channels)``; money works on in later
        weeks, so that it is not what the week's money brings.
    after
        Expected outcome after the last week, of money spent until then, by channel.
    objective
        What the goal maximises, over all weeks and after them.
    bound
        No schedule within the limits has a better objective.
    mix
        Expected outcome of the same money in last week's proportions, whatever the limits; None
        where no last week is known.
    spread
        Range of the outcome over draws from the belief; its ``better`` is the chance of more than
        `mix` brings, by the goal.
    notes
        What a reader should know.
    goal
        What is maximised, as `Allocation.goal` calls it.
    kinds
        Expected outcome by name, where the goal weighs several.
    mix_objective
        What the goal counts `mix` for.
    variation
        By how much the weeks vary on purpose, what that costs and teaches; None where they do not.
    """

    channels: tuple[str, ...]
    weeks: tuple[dt.date, ...]
    currency: Currency
    minor: Whole
    outcomes: Floats
    after: Floats
    objective: float
    bound: float
    mix: float | None = None
    spread: Spread | None = None
    notes: tuple[Message, ...] = ()
    goal: str = "outcome"
    kinds: Mapping[str, float] = field(default_factory=dict)
    mix_objective: float | None = None
    variation: Variation | None = None

    def _card(self) -> Card:
        width = 0.0 if self.spread is None else self.spread.width
        money = self.currency.amounts([sum_minor(column) for column in self.minor.T])
        brings, after = (self.outcomes.sum(axis=0) + self.after).tolist(), float(self.after.sum())
        rows = [
            (name, show_amount(spent), show_figure(round_known(outcome, width), 5))
            for name, spent, outcome in zip(self.channels, money, brings, strict=True)
        ]
        first, currency = str(self.weeks[0]), self.currency.code
        numbers = [show_figure(round_known(n, width), 5) for n in (sum(brings), after)]
        title = say(
            "year-card",
            title=say("year-title", weeks=len(self.weeks), first=first, currency=currency),
            outcome=numbers[0],
            after=numbers[1],
            share=self.gap_in_percent,
        )
        return Card(title, (say("channel"), say("spend"), say("outcome")), rows)

    @property
    def gap(self) -> float:
        """Most that is lost against the best schedule, as a share of the bound."""
        short = max(0.0, self.bound - self.objective)
        return short / abs(self.bound) if self.bound else short

    @property
    def gap_in_percent(self) -> str:
        """The gap as pages say it: rounded up, and a ten-thousandth of a percent at least."""
        return show_bound(max(100.0 * self.gap, 1e-4))

    @property
    def proven(self) -> bool:
        """Whether no schedule is better by more than a millionth."""
        return self.bound - self.objective <= 1e-6 * abs(self.bound)

    @property
    def spend(self) -> list[dict[str, Decimal]]:
        """Money of each week by channel."""
        amounts = self.currency.amounts
        return [dict(zip(self.channels, amounts(row.tolist()), strict=True)) for row in self.minor]

    @property
    def totals(self) -> list[Decimal]:
        """Money of each week."""
        return [self.currency.amount(sum_minor(row)) for row in self.minor]

    @property
    def outcome(self) -> float:
        """Expected outcome of all weeks, and after them."""
        return float(self.outcomes.sum() + self.after.sum())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "currency": self.currency.code,
            "outcome": self.outcome,
            "outcome_after": float(self.after.sum()),
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "mix": self.mix,
            "mix_objective": self.mix_objective,
            "goal": self.goal,
            "kinds": dict(self.kinds),
            "spread": None if self.spread is None else asdict(self.spread),
            "variation": None if self.variation is None else self.variation.to_dict(),
            "weeks": [
                {
                    "week": str(day),
                    "spend": {name: str(money) for name, money in spend.items()},
                    "outcome": dict(zip(self.channels, row, strict=True)),
                }
                for day, spend, row in zip(
                    self.weeks, self.spend, self.outcomes.tolist(), strict=True
                )
            ],
            "notes": [str(note) for note in self.notes],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week and channel: week, channel, spend and outcome."""
        import pandas as pd

        count, size = self.minor.shape
        return pd.DataFrame(
            {
                "week": np.repeat(np.array(self.weeks, dtype="datetime64[D]"), size),
                "channel": np.tile(np.array(self.channels, dtype=object), count),
                "spend": self.minor.ravel() / self.currency.units,
                "outcome": self.outcomes.ravel(),
            }
        )


@public
def plan_weeks(
    plan: Plan,
    curves: Any = None,
    weeks: int = 13,
    *,
    history: History | None = None,
    start: dt.date | str | Week | None = None,
    last: Mapping[str, Any] | None = None,
    before: Mapping[str, Sequence[Any]] | None = None,
    timing: Timing = "week",
    rate: float = 0.0,
    over: Over | None = None,
    vary: Any = None,
    draws: int = 200,
    seed: int = 0,
) -> Schedule:
    """Plan the money of many weeks at once, with what it works in later weeks.

    Every week keeps the plan's limits as `allocate` does: its phase's budget, floors, caps, locks,
    freezes and limits across channels; and from week to week the change limits, where the plan may
    lower a channel early so that a smaller week can be kept. S-curves, and channels that are off or
    at least so much, are searched by branch and bound to a gap of a thousandth, or as near as a
    fixed amount of work comes; lots are rounded to, week by week. The gap that is left is stated,
    and the bound holds for all. Limits that count channels, or that read moves or outcomes, are
    refused by name.

    Parameters
    ----------
    plan
        The plan; its channels' carryovers couple the weeks.
    curves
        A belief, a mapping of channel names to curves, or None: what is learned from the history,
        or without one the curves of the plan.
    weeks
        How many, 1 to 520.
    history
        Weeks of spend and outcome, from which the next three are known where they are not given.
    start
        A day of the first week; by default the week after the history.
    last
        Spend of the week before the first, by channel; by default the last of `before`. Without
        either no change limit binds the first week.
    before
        Money of the weeks before the first, by channel, oldest first. By default `last` was spent
        in all of them; without either, nothing.
    timing
        Over which weeks money may be moved: ``"week"`` for each week's own budget, ``"month"``,
        ``"quarter"`` or ``"all"``. A week belongs to the month that most of its days lie in.
    rate
        Interest by week, 0 to 1, by which later outcomes and costs count for less.
    over
        Limits that the sums of the weeks of each period keep, by its length; by default the plan's
        `limits_over`: a channel's monthly
        cap is ``{"month": [Limit.group("tv a month", ["tv"], at_most=40_000)]}``, a group's share
        of the quarter ``{"quarter": [Limit.group("social", ["feed", "kol"], at_most="40%")]}``.
        Money alone counts, of a period that has begun also what `before`, or `last`, says was
        spent in it.
    vary
        Most by which a channel's weeks go up and down around the best ones to learn its slope, such
        as ``"10%"``, above 0 and at most a half; None varies nothing. Each channel varies as far as
        that is worth more than it costs by the formula of `budgetopt.horizon.phasing`, and all
        limits hold. It needs a belief. In simulated markets it did not earn what it cost.
    draws, seed
        Draws from a belief for the range of the outcome, at least 1, and their seed.

    Returns
    -------
    Schedule
        Exact money; its bound comes from the true curves.

    Raises
    ------
    InfeasibleError
        ``limits-clash``, naming the first week that cannot be kept; else as `allocate`.
    SolverError
        ``wrong-method`` where something needs one week at a time; ``not-converged``.
    InputError
        ``bad-argument``; PlanError as `allocate`.

    Notes
    -----
    A channel that is at zero may start again with a share of the equal share; a schedule does not
    stop a channel in order to use that, and its bound is over those that do not.

    References
    ----------
    Beltran-Royo, Zhang, Blanco and Almagro (2013), Multistage multiproduct advertising budgeting,
    European Journal of Operational Research 225.
    """
    if history is not None:
        curves, start, last, before = _known(plan, curves, history, start, last, before)
    kept: Over = over if over is not None else {**dict(plan.limits_over)}
    most = _most_varied(vary, curves)
    horizon = _horizon(plan, curves, weeks, start, last, before, timing, rate, kept)
    program = program_of(horizon)
    refuse_ahead(horizon, program)
    spend, bound = _solved(horizon, program)
    minor = _rounded(horizon, program, spend)
    if minor is not None:
        notes: tuple[Message, ...] = ()
        variation = None
        if most is not None and spend is not None:
            minor, variation = _varied(horizon, program, spend, minor, curves, most)
            notes = (say("year-not-varied") if variation is None else variation.said(),)
        drawn = draws_of(plan, curves, draws, seed)
        found = replace(_schedule(horizon, program, minor, bound, drawn), variation=variation)
        notes += (*unused(plan, "year", curves), *_in_the_curves(plan, curves))
        return replace(found, notes=(*notes, *_undeclared(horizon)))
    raise SolverError(
        "not-converged",
        say("whole-steps-near-best"),
        field="step",
        value=plan.money.show(plan.step_minor),
        remedy=say("remedy-take-finer-step-leave"),
    )


def _most_varied(vary: Any, curves: Any) -> float | None:
    """Return by what share of its money a channel may vary; None where nothing is to."""
    if vary is None:
        return None
    most = as_number(as_part(vary, "vary", above_zero=True), "vary", above=0, most=MOST_SWING)
    if not isinstance(curves, Belief):
        raise InputError("bad-argument", say("vary-needs-belief"), field="vary", value=vary,
                         remedy=say("remedy-vary-needs-belief"))  # fmt: skip
    return most


def _varied(
    horizon: Horizon, program: Program, spend: Floats, minor: Whole, belief: Belief, most: float
) -> tuple[Whole, Variation | None]:
    """Return exact money of weeks that vary, and what that teaches; None where it does not pay."""
    slopes = ChannelSlopes.of(belief, horizon.plan.names, spend.mean(axis=1))
    share = slopes.share(len(minor), most)
    if not share.any():
        return minor, None
    tilted = varied(program, spend, share)
    moved = _rounded(horizon, tilted, _solved(horizon, tilted)[0])
    if moved is None:
        return minor, None
    units, weight = horizon.plan.money.units, objective_of(horizon.plan)[0]
    lost = program.value(minor.T / units) - program.value(moved.T / units)
    variation = slopes.variation((moved - minor).T / units, float(lost), weight)
    return (moved, variation) if variation.worth > variation.cost else (minor, None)


def _in_the_curves(plan: Plan, curves: Any) -> list[Message]:
    """Return which channels' carryover was learned with the curve, and so couples no weeks."""
    names = [quoted(one.name) for one in plan.channels if one.carryover is None]
    if getattr(curves, "source", "") != "total" or not names:
        return []
    return [say("year-carryover-not-used", channels=listed(names, _NAMED))]


def _undeclared(horizon: Horizon) -> list[Message]:
    """Return which weeks have an event whose demand nobody declared."""
    plan = horizon.plan
    weeks = [one.week for one in horizon.weeks]
    return [note for week in weeks if plan.demand_of(week) == 1 for note in demand_note(plan, week)]


def _known(
    plan: Plan,
    curves: Any,
    history: History,
    start: dt.date | str | Week | None,
    last: Mapping[str, Any] | None,
    before: Mapping[str, Sequence[Any]] | None,
) -> tuple[Any, dt.date, Mapping[str, Any], Mapping[str, Sequence[Any]]]:
    """Return curves, first week and earlier spends, from a history where they are not given."""
    history = history.select(plan.names, plan.currency)
    first = as_week(plan, start)
    begin = week_decided(history, None) if first is None else first.start
    past = whole_weeks(history.until(begin), begin)
    spent = np.where(np.isfinite(past.spend), past.spend, 0.0)
    earlier = {name: spent[:, at].tolist() for at, name in enumerate(plan.names)}
    return (
        learn(past, plan) if curves is None else curves,
        begin,
        last_spend(plan, past) if last is None else last,
        earlier if before is None else before,
    )


def _horizon(
    plan: Plan,
    curves: Any,
    weeks: int,
    start: dt.date | str | Week | None,
    last: Mapping[str, Any] | None,
    before: Mapping[str, Sequence[Any]] | None,
    timing: Timing,
    rate: float,
    over: Over,
) -> Horizon:
    """Return the plan over weeks, of checked arguments."""
    as_count(weeks, "weeks", 520)
    as_number(rate, "rate", least=0, most=1)
    for name, period in (("timing", timing), *(("over", period) for period in over)):
        if period not in _PERIODS:
            raise InputError("bad-argument", field=name, value=period,
                             remedy=did_you_mean(str(period), _PERIODS))  # fmt: skip
    first = as_week(plan, start)
    if first is None:
        raise InputError("bad-argument", say("first-week-given"), field="start",
                         remedy=say("remedy-give-start-or"))  # fmt: skip
    if before is not None:
        plan.require_channels(before, "before", say("weeks-before"))
        if last is None:
            last = {name: path[-1] for name, path in before.items() if len(path)}
    spent = None if last is None else np.array(plan.last_minor(last), dtype=np.int64)
    known = _known_weeks(plan, spent, before)
    earlier = known / plan.money.units
    if before is None:
        # What works on from before is as if every week had been the last one.
        lags = max([1, *(c.carryover.lags for c in plan.channels if c.carryover is not None)])
        steady = np.zeros(len(plan.names)) if spent is None else spent / plan.money.units
        earlier = np.tile(steady, (lags - 1, 1))
    dates = [first.shift(at) for at in range(-len(known), weeks)]
    curve = curves_of(plan, curves)
    return Horizon.of(plan, curve, dates, known, spent, earlier, timing, float(rate), over)


def _known_weeks(
    plan: Plan, last: Whole | None, before: Mapping[str, Sequence[Any]] | None
) -> Whole:
    """Return money of the weeks before that is known, minor units, oldest first."""
    if before is None:
        return np.zeros((0, len(plan.names)), dtype=np.int64) if last is None else last[None]
    known = np.zeros((max(map(len, before.values()), default=0), len(plan.names)), dtype=np.int64)
    for name, path in before.items():
        money = [plan.money.minor(one, f"before.{name}", "nearest") for one in path]
        known[len(known) - len(path) :, plan.index[name]] = money
    return known


def _solved(horizon: Horizon, program: Program) -> tuple[Floats | None, float]:
    """Return the best weeks as floats, None where none were found, and what no weeks exceed."""
    if program.curves.concave and not horizon.least_on.any():
        solved = solve(program)
        spend, bound = solved.spend, float(solved.bound)
    else:
        found = search(program, horizon.least_on)
        if found.bound == -np.inf:
            raise InfeasibleError("limits-clash", say("year-none"), field="limits",
                                  remedy=say("remedy-year-none"))  # fmt: skip
        if found.spend is None:
            return found
        spend, bound = found.spend, found.bound
    lots = horizon.steps
    own = program.free & (lots != horizon.plan.step_minor / horizon.plan.money.units)
    if not own.any():
        return spend, bound
    # What the others do best beside whole lots; where those cannot be, weeks are rounded alone.
    whole = np.where(own, whole_lots(program, spend, own, lots), spend)
    lower, upper = (np.where(own, whole, end) for end in (program.lower, program.upper))
    fixed = replace(program, lower=lower, upper=upper)
    beside = improved(fixed, np.where(own, 0.0, horizon.least_on), whole)
    return (spend if beside is None else beside), bound


def _rounded(horizon: Horizon, program: Program, spend: Floats | None) -> Whole | None:
    """Return exact money near the best weeks, ``(weeks, channels)``; None where none is found.

    Raises
    ------
    InfeasibleError
        ``limits-clash`` where no whole steps keep the weeks.
    """
    minor = week_by_week(horizon, spend)
    if minor is None:
        minor = week_by_week(horizon, _solved(horizon, program_of(horizon, SPARE))[0])
    if minor is None and spend is not None and not horizon.least_on.any():
        minor = week_by_week(horizon, whole_together(program, spend, horizon.steps))
        if minor is None:
            refuse_ahead(horizon, program, whole=True)
    return minor


def _schedule(
    horizon: Horizon, program: Program, minor: Whole, bound: float, drawn: Mixture | None
) -> Schedule:
    """Return the record of exact money."""
    plan, count = horizon.plan, len(minor)
    spend = (minor / plan.money.units).T
    lasting = program.effective(spend)
    demand = horizon.demand(len(lasting))
    outcomes = demand[:, None] * horizon.curve.value(lasting)
    brings, after = outcomes[:count], outcomes[count:].sum(axis=0)
    mix = other = None
    if horizon.last is not None and horizon.last.any():
        mix = np.outer(horizon.last / horizon.last.sum(), spend.sum(axis=0))
        other = program.effective(mix)
    return Schedule(
        channels=plan.names,
        weeks=tuple(one.week.start for one in horizon.weeks),
        currency=plan.money,
        minor=minor,
        outcomes=brings,
        after=after,
        objective=float(program.value(spend)),
        bound=bound,
        mix=None if other is None else float(demand @ horizon.curve.value(other).sum(axis=1)),
        spread=None if drawn is None else _spread(drawn, demand, program.weight, lasting, other),
        goal=goal_of(plan),
        kinds={
            n: float(plan.rates(n) @ (brings.sum(axis=0) + after)) for n, _ in plan.goal.weights
        },
        mix_objective=None if mix is None else float(program.value(mix)),
    )


def _spread(
    drawn: Mixture, demand: Floats, weight: Floats, plan: Floats, other: Floats | None
) -> Spread:
    """Return the range of the outcome of effective spends, and how often they beat others.

    Both of shape ``(weeks, channels)``, as is what an outcome counts for; in a draw all weeks have
    the same curves. Their money is the same, and so is its cost.
    """

    def total(effective: Floats, counts: Floats) -> Floats:
        rows = zip(counts, effective, strict=True)
        return np.asarray(sum(drawn.value(row) @ each for each, row in rows))

    mine = total(plan, np.broadcast_to(demand[:, None], plan.shape))
    low, median, high = np.quantile(mine, (0.05, 0.5, 0.95)).tolist()
    better = None
    if other is not None:
        better = float(np.mean(total(plan, weight) > total(other, weight)))
    return Spread(low, median, high, float(mine.mean()), better, mine.size)
