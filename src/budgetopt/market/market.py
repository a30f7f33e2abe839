"""The market: the hidden truth of a simulation, money in, outcome out.

From simple to subtle:

- `Market` holds what is true; `Market.step` is one week of it and draws nothing: what is random
  in a week comes in its `Conditions`, so that two policies that spend the same get the same, and
  whoever spends more never gets less;
- `Weather` is all that happens whatever is spent. It holds a chunk of runs and gives its weeks one
  by one, so that memory does not grow with the weeks, and again from the start whenever it is
  iterated. Run r's numbers depend on seed, r and purpose alone: not on the chunk, the policies, the
  number of weeks (save for the week of a shock that is drawn), nor on other scenarios;
- `believed_market` is the market as it is believed to be: true curves drawn from a belief, noise
  and drift as learned.

Everything works on arrays ``(runs, channels)``. Where this stops: channels do not steal from each
other, and one carryover kernel serves all weeks.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import Belief
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Carryover, Curve, Mixture, Scaled, as_spend, kernels, stack
from budgetopt.errors import InputError, PlanError, as_number
from budgetopt.i18n import quoted, say
from budgetopt.market.dynamics import (
    Delivery,
    Demand,
    Drift,
    Factor,
    Noise,
    Prices,
    Tracking,
    scaled,
    whole,
    wrong,
)
from budgetopt.market.funnel import Funnel
from budgetopt.market.random import Balanced, Stream
from budgetopt.market.scenarios.base import Effect, Scenario
from budgetopt.market.truth import CurveSource, draw_truth, one_cell
from budgetopt.notebook import brief, short
from budgetopt.plan import Plan, nature_of
from budgetopt.untrusted import is_safe

_TEN_YEARS = 520
"""Weeks over which the demand that a plan declares is written out."""
_PARTS: dict[str, type] = {
    "noise": Noise,
    "drift": Drift,
    "demand": Demand,
    "prices": Prices,
    "delivery": Delivery,
    "tracking": Tracking,
    "funnel": Funnel,
}


@short
class MarketState(NamedTuple):
    """What a market remembers of earlier weeks, newest first.

    Parameters
    ----------
    exposures
        Delivered money over price of the weeks that still work.
    reported
        Outcome that is ever reported of the weeks that are not yet complete.
    """

    exposures: tuple[Floats, ...] = ()
    reported: tuple[Floats, ...] = ()


@short
class Outcome(NamedTuple):
    """What came of a week's spends, arrays that broadcast to ``(runs, channels)``.

    Parameters
    ----------
    spend
        Delivered money.
    expected
        Expected outcome, what regret is measured in.
    outcome
        Outcome that came.
    reported
        What this week's report says of it.
    revised
        What the reports say now of this week, the last, and so on, as far as they still change.
    """

    spend: Floats
    expected: Floats
    outcome: Floats
    reported: Floats
    revised: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class Conditions:
    """One week of the weather, every factor a number or an array over runs and channels.

    Parameters
    ----------
    number
        The week, from 1 on.
    start
        Its first day, where the market has dates.
    truth
        True curves of week 1 at a price of 1.
    response
        Factor of the curves: drift, demand and scenarios.
    price
        Price index.
    reach
        Share of the people that can be reached.
    delivery
        Delivered share of the ordered money while the channel is open.
    open
        Share of the week in which the channel takes money; 0 is closed.
    tracking
        Share of the outcome that is ever reported.
    budget
        Factor of the plan's budget, shape ``(runs,)``.
    multiplier, luck
        What `Noise.outcome` takes.
    """

    number: int
    start: dt.date | None
    truth: Curve
    response: Factor
    price: Factor
    reach: Factor
    delivery: Factor
    open: Factor
    tracking: Factor
    budget: Floats
    multiplier: Factor
    luck: Floats | None

    @cached_property
    def curve(self) -> Scaled:
        r"""Expected outcome of the week against ordered money, for whoever knows the truth.

        It is :math:`a\,r\,f(d\,x/(p\,r))` with response a, reach r, price p and delivered share d,
        open days included. With carryover it is the curve of a steady week.
        """
        taken = np.asarray(self.delivery * np.asarray(self.open))
        some = taken > 0
        width = self.price * np.asarray(self.reach) / np.where(some, taken, 1.0)
        height = np.where(some, self.response * np.asarray(self.reach), 0.0)
        return Scaled(self.truth, height, width)


@public
@brief
@dataclass(frozen=True, eq=False)
class Market:
    r"""Money in, outcome out: the truth that policies do not see.

    With ordered money x, delivered share d, price p, reach r, response a and carryover weights w,
    the expected outcome of week t is

    .. math:: a_t\,r_t\,f(z_t/r_t), \qquad z_t = \sum_l w_l\,d_{t-l}\,x_{t-l}/p_{t-l}

    and noise of mean 1 makes the outcome of it.

    Parameters
    ----------
    channels
        Names, all different.
    curves
        True curves of week 1: one a channel, or curves over the channels, the same in every run;
        or whatever draws them for each run, such as a belief or a `Prior`.
    noise, drift, demand, prices, delivery, tracking
        What is random; by default nothing is.
    delay
        Share of a week's outcome that is reported by the end of the week itself, of the next, and
        so on: nondecreasing, 0 to 1, complete from then on. Empty for at once. Shares are exact;
        the scatter of which conversions come late is left out.
    carryover
        A `Carryover` for all channels, one (or None) for each, or None.
    funnel
        Rates from the outcome to the planner's metrics.
    start
        First day of week 1, for what is dated by days.

    Raises
    ------
    InputError, CalendarError, CurveError
        Where a setting is out of range or does not go with the channels.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> market = Market(channels=("a", "b"), curves=[Log(10, 50), Log(20, 50)])
    >>> state = market.begin()
    >>> for week in market.weather(weeks=2, runs=1, seed=7):
    ...     state, out = market.step(state, [50.0, 50.0], week)
    >>> out.outcome.round(3)
    array([ 6.931, 13.863])
    """

    channels: tuple[str, ...]
    curves: Curve | CurveSource
    noise: Noise = field(default_factory=Noise)
    drift: Drift = field(default_factory=Drift)
    demand: Demand = field(default_factory=Demand)
    prices: Prices = field(default_factory=Prices)
    delivery: Delivery = field(default_factory=Delivery)
    tracking: Tracking = field(default_factory=Tracking)
    delay: tuple[float, ...] = ()
    carryover: Carryover | tuple[Carryover | None, ...] | None = None
    funnel: Funnel = field(default_factory=Funnel)
    start: dt.date | None = None
    _weights: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "channels", _names(self.channels))
        size = len(self.channels)
        if isinstance(self.curves, (list, tuple)) and self.curves:
            put(self, "curves", stack(self.curves))
        if not isinstance(self.curves, Curve) and not hasattr(self.curves, "draw"):
            raise wrong("curves", type(self.curves).__name__, say("remedy-curves-source-them"))
        if isinstance(self.curves, Curve):
            _check_curves(self.curves, size)
        elif getattr(self.curves, "channels", size) not in (size, self.channels):
            problem = say("curves-drawn-other")
            raise wrong("curves", self.curves, say("remedy-market-same-channels"), problem)
        for name, kind in _PARTS.items():
            if not isinstance(getattr(self, name), kind):
                raise wrong(name, getattr(self, name), say("remedy-call-kind", name=kind.__name__))
        put(self, "delay", _delay(self.delay))
        put(self, "_weights", _weights(self.carryover, size))
        for owner, name in (
            (self.noise, "sd"),
            (self.noise, "dispersion"),
            (self.funnel, "cpm"),
            (self.funnel, "ctr"),
        ):
            given = np.shape(getattr(owner, name))
            if given not in ((), (size,)):
                raise wrong(name, given[0], say("remedy-number-channel", size=size))
        if self.start is not None:
            put(self, "start", as_date(self.start, "start"))

    @classmethod
    def of_plan(cls, plan: Plan, curves: Any = None, **settings: Any) -> Self:
        """Return a market of a plan's channels.

        Parameters
        ----------
        plan
            Gives names, carryover and the demand of dated weeks, and the curves where none are
            given.
        curves
            As in `Market`.
        settings
            The other parameters of `Market`.

        Raises
        ------
        PlanError
            ``no-curve`` where curves are neither given nor in the plan.
        """
        if curves is None:
            curves = [channel.curve for channel in plan.channels]
            for channel in plan.channels:
                if channel.curve is None:
                    raise PlanError(
                        "no-curve",
                        say("channel-has-no-curve", channel=quoted(channel.name)),
                        field="curves",
                        value=channel.name,
                        remedy=say("remedy-market-curves"),
                    )
        if nature_of(plan) == "money":
            settings.setdefault("funnel", Funnel(outcome="revenue"))
        carried = tuple(channel.carryover for channel in plan.channels)
        if any(carried):
            settings.setdefault("carryover", carried)
        if settings.get("start") is not None and plan.demand:
            first = Week(as_date(settings["start"], "start"))
            index = (plan.demand_of(first.shift(number)) for number in range(_TEN_YEARS))
            settings.setdefault("demand", Demand(index=tuple(index)))
        return cls(channels=plan.names, curves=curves, **settings)

    def weather(
        self,
        weeks: int,
        runs: int,
        seed: int,
        *,
        first_run: int = 0,
        scenarios: Scenario | Iterable[Scenario] = (),
        balanced: bool = False,
    ) -> Weather:
        """Return the weather of a chunk of runs, that all policies meet.

        Parameters
        ----------
        weeks, runs
            How many, at least 1. Multiples of `random.BLOCK` runs are drawn without waste.
        seed
            The replication, at least 0.
        first_run
            Number of the chunk's first run, at least 0.
        scenarios
            What happens, in any order; names differ.
        balanced
            Whether chance is evenly spread over every 64 runs, from Sobol' points.

        Raises
        ------
        InputError
            ``bad-argument``; ``unknown-name`` for a channel that is not there; ``bad-name`` for
            two scenarios of one name.
        CalendarError
            ``bad-date`` for a scenario outside the weeks.
        """
        weeks, runs = whole(weeks, "weeks", least=1), whole(runs, "runs", least=1)
        seed, first_run = whole(seed, "seed"), whole(first_run, "first_run")
        given = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
        for scenario in given:
            if not isinstance(scenario, Scenario):
                raise wrong("scenarios", scenario, say("remedy-make-scenario-dict"))
            scenario.check(self.channels, weeks, self.start)
        # Their order is no part of the weather.
        happening = tuple(sorted(given, key=lambda scenario: scenario.name))
        names = [scenario.name for scenario in happening]
        doubled = [name for name in names if names.count(name) > 1]
        if doubled:
            raise InputError(
                "bad-name",
                say("two-scenarios-named", doubled=repr(doubled[0])),
                field="scenarios",
                value=doubled[0],
                remedy=say("remedy-name"),
            )
        return Weather(self, weeks, runs, seed, first_run, happening, balanced)

    def begin(self, spent: ArrayLike | None = None) -> MarketState:
        """Return the state before week 1.

        Parameters
        ----------
        spent
            Money of earlier weeks, oldest first, shape ``(weeks, channels)`` or ``(weeks, runs,
            channels)``, taken at a price of 1; None where nothing was spent.
        """
        lags = len(self._weights) - 1
        earlier = np.zeros((0, len(self.channels))) if spent is None else as_spend(spent)
        if earlier.ndim < 2 or not np.all(np.isfinite(earlier) & (earlier >= 0)):
            raise wrong("spent", earlier.shape, say("remedy-money-earlier-weeks"))
        newest = [self._spend(week) for week in earlier[::-1][:lags]]
        newest += [np.zeros(len(self.channels))] * (lags - len(newest))
        return MarketState(tuple(newest))

    def step(
        self, state: MarketState, spend: ArrayLike, week: Conditions
    ) -> tuple[MarketState, Outcome]:
        """Return the state after a week, and what came of it.

        Parameters
        ----------
        state
            From `begin` or the step before.
        spend
            Ordered money, at least 0, shape ``(channels,)`` or ``(runs, channels)``.
        week
            The week's conditions.

        Raises
        ------
        InputError
            ``bad-argument`` for a spend that is negative, not finite or of another shape.
        """
        delivered = scaled(self._spend(spend), week.delivery, week.open)
        exposures = (delivered / week.price, *state.exposures)
        effective = exposures[0]
        if len(self._weights) > 1:
            effective = sum(w * x for w, x in zip(self._weights, exposures, strict=True))
        each = week.truth.value(effective / week.reach)
        expected = scaled(each, week.reach, week.response)
        outcome = self.noise.outcome(expected, week.multiplier, week.luck)
        ever = (scaled(outcome, week.tracking), *state.reported)
        revised = tuple(map(scaled, ever, (*self.delay, 1.0)))
        after = MarketState(exposures[: len(self._weights) - 1], ever[: len(self.delay)])
        return after, Outcome(delivered, expected, outcome, revised[0], revised)

    def _spend(self, given: ArrayLike) -> Floats:
        """Return ordered money, or say what is wrong with it."""
        spend = as_spend(given)
        size = len(self.channels)
        if not spend.ndim or spend.shape[-1] != size:
            raise wrong("spend", spend.shape, say("remedy-money-channels", size=size))
        # Written so that NaN fails.
        if not (spend.min(initial=0.0) >= 0 and spend.max(initial=0.0) < np.inf):
            raise wrong("spend", float(spend.min(initial=0.0)), say("remedy-finite-money-least"))
        return spend


def _names(given: Any) -> tuple[str, ...]:
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if (
        not names
        or not all(isinstance(n, str) and n and is_safe(n) for n in names)
        or len(set(names)) < len(names)
    ):
        raise InputError("bad-name", say("market-channels-are", given=repr(given)),
                         field="channels", value=str(given),
                         remedy=say("remedy-least-name-all-different"))  # fmt: skip
    return names


def _check_curves(curves: Curve, size: int) -> None:
    try:
        shape = np.shape(curves.value(np.zeros(size)))
    except ValueError:
        shape = ()
    if shape != (size,):
        problem = say("curves-do-not", size=size)
        raise wrong("curves", curves.kind, say("remedy-source-draws"), problem)


def _delay(given: Any) -> tuple[float, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise wrong("delay", given, say("remedy-shares-0-6"))
    shares = tuple(as_number(v, f"delay[{at}]", least=0, most=1) for at, v in enumerate(given))
    if any(map(operator.lt, shares[1:], shares)):
        raise wrong("delay", shares, say("remedy-shares-reported-far"))
    # Complete weeks need no memory.
    while shares and shares[-1] == 1.0:
        shares = shares[:-1]
    return shares


def _weights(carryover: Any, size: int) -> Floats:
    """Return the weights by lag, shape ``(lags, 1)`` or ``(lags, channels)``."""
    if carryover is None:
        return np.ones((1, 1))
    if isinstance(carryover, Carryover):
        return carryover.weights[:, None]
    each = isinstance(carryover, (list, tuple)) and len(carryover) == size
    if not each or not all(one is None or isinstance(one, Carryover) for one in carryover):
        raise wrong("carryover", carryover, say("remedy-carryover-channel", size=size))
    return kernels(carryover)


@short
@dataclass(frozen=True, eq=False)
class Weather:
    """A chunk of runs of a market's weather; `Market.weather` makes it.

    Parameters
    ----------
    market
        Whose weather.
    weeks
        How many, at least 1.
    runs
        How many, at least 1.
    seed
        The replication, at least 0.
    first_run
        Number of the chunk's first run.
    scenarios
        What happens, names all different.
    balanced
        Whether chance is evenly spread over every block of runs, `random.Balanced`.
    """

    market: Market
    weeks: int
    runs: int
    seed: int
    first_run: int = 0
    scenarios: tuple[Scenario, ...] = ()
    balanced: bool = False

    @cached_property
    def truth(self) -> Curve:
        """True curves of week 1, of ``(channels,)`` if given, of ``(runs, channels)`` if drawn."""
        source = self.market.curves
        if isinstance(source, Curve):
            return source
        size = len(self.market.channels)
        drawn = draw_truth(source, size, self.seed, self.first_run, self.runs)
        return one_cell(drawn) if isinstance(drawn, Mixture) else drawn

    @cached_property
    def happens(self) -> dict[str, NDArray[np.bool_]]:
        """Runs in which each scenario happens, by its name, shape ``(runs,)``."""
        return {
            s.name: self._stream("scenario", name=s.name).uniforms(1)[:, 0] < s.chance
            for s in self.scenarios
        }

    def __iter__(self) -> Iterator[Conditions]:
        """Yield the weeks in order, the same numbers every time."""
        market, size = self.market, len(self.market.channels)
        parts = {
            name: getattr(market, name).factors(self._stream, size, self.weeks)
            for name in ("drift", "demand", "prices", "delivery", "tracking")
        }
        noise, luck = self._stream("noise"), self._stream("luck")
        for week in range(1, self.weeks + 1):
            happening = self._effects(week)
            yield Conditions(
                number=week,
                start=market.start and market.start + dt.timedelta(weeks=week - 1),
                truth=self.truth,
                response=_product(parts["drift"](week), parts["demand"](week), happening.demand),
                price=_product(parts["prices"](week), happening.price),
                reach=happening.reach,
                delivery=_product(parts["delivery"](week), happening.delivery),
                open=happening.open,
                tracking=_product(parts["tracking"](week), happening.tracking),
                budget=np.broadcast_to(happening.budget, (self.runs,)),
                multiplier=market.noise.multiplier(noise, size),
                luck=market.noise.luck(luck, size),
            )

    def _stream(self, purpose: str, *, name: str = "") -> Stream:
        kind = Balanced if self.balanced else Stream
        return kind(self.seed, purpose, self.first_run, self.runs, name=name)

    def _effects(self, week: int) -> Effect:
        """Return the product of all scenarios' factors, each a number or an array."""
        found = Effect()
        for scenario in self.scenarios:
            window = scenario.window(self.market.start)
            there = scenario.effect_in(week, window)
            if scenario.chance < 1:
                other = scenario.effect_without(week, window)
                there = self._either(self.happens[scenario.name], there, other)
            found = Effect(
                *map(partial(_times, self._columns(scenario)), Effect._fields, found, there)
            )
        return found

    def _either(self, happens: NDArray[np.bool_], there: Effect, other: Effect) -> Effect:
        """Return for each run the one or the other, of shape ``(runs, 1)`` where they differ."""
        return Effect(
            *(
                a if a == b else np.where(happens, a, b)[:, None]
                for a, b in zip(there, other, strict=True)
            )
        )

    def _columns(self, scenario: Scenario) -> NDArray[np.bool_] | None:
        """Return where a scenario's channels are, or None for all of them."""
        if not scenario.channels:
            return None
        return np.array([name in scenario.channels for name in self.market.channels])


def _product(*factors: Factor) -> Factor:
    """Return the product of factors; those that are exactly 1 cost nothing."""
    plain = math.prod((f for f in factors if isinstance(f, float)), start=1.0)
    arrays = [f for f in factors if not isinstance(f, float)]
    return scaled(arrays[0], *arrays[1:], plain) if arrays else plain


def _times(columns: NDArray[np.bool_] | None, name: str, factor: Factor, more: Factor) -> Factor:
    """Return a factor times one more on some columns; the budget has none."""
    if isinstance(more, float) and more == 1.0:
        return factor
    if name == "budget":
        return factor * (more if isinstance(more, float) else more[:, 0])
    return factor * (more if columns is None else np.where(columns, more, 1.0))


def believed_market(plan: Plan, belief: Belief, **settings: Any) -> Market:
    """Return the market of a plan as a belief has it.

    Each run draws one true curve for each channel, so that what is not known differs between runs
    as far as it is in doubt. Noise and drift are those that were learned, on average; outcomes are
    counted where the plan says what one event is; reports come as late as the plan declares for
    all channels.

    Parameters
    ----------
    plan
        Gives names, carryover, demand of dated weeks, size of an event and delay.
    belief
        What was learned of its channels.
    settings
        Parameters of `Market`, in place of what is learned.

    Raises
    ------
    InputError
        ``bad-argument`` where the belief is of other channels.

    Notes
    -----
    Seasons, demand that nobody declared, and delays of single channels are left out, and what
    is learned is taken to hold in the weeks to come. Drift is one number for all channels.
    """
    rows = belief.summary()
    usual = belief.settings.usual_noise
    noise = tuple(usual if row.noise is None else row.noise.mean for row in rows)
    drift = float(np.mean([0.0 if row.drift is None else row.drift.mean for row in rows]))
    known: dict[str, Any] = {
        "noise": noise_of(plan, noise),
        "drift": Drift(drift),
        "delay": _believed_delay(plan),
    }
    return Market.of_plan(plan, belief, **known | settings)


def noise_of(plan: Plan, sd: float | tuple[float, ...]) -> Noise:
    """Return lognormal noise, counted where the plan says what one event is."""
    if plan.outcome_unit is None:
        return Noise.lognormal(sd)
    return Noise.both(sd, unit=plan.outcome_unit)


def _believed_delay(plan: Plan) -> tuple[float, ...]:
    """Return the shares reported by the end of a week, of the next, and so on."""
    if plan.delay is None or plan.delay.channels:
        return ()
    ages = np.arange(math.ceil(plan.delay.ages[-1]) + 1)
    shares = plan.delay.share(ages)
    # Nothing is known of reports that are younger than the youngest age.
    return tuple(np.nan_to_num(shares).tolist())
