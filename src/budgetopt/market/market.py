"""The market: the hidden truth of a simulation, money in, outcome out.

Everything works on arrays ``(runs, channels)`` and one week is one call of `Market.step`, which
draws nothing: what is random in a week comes in its `Conditions`, so that two policies that spend
the same get the same, and whoever spends more never gets less.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.calendar import as_date
from budgetopt.curves import Curve, stack
from budgetopt.curves.base import Floats, as_spend
from budgetopt.curves.carryover import Carryover, kernels
from budgetopt.errors import InputError, PlanError
from budgetopt.market.checks import number, whole, wrong
from budgetopt.market.dynamics import Delivery, Demand, Drift, Prices, Tracking, scaled
from budgetopt.market.funnel import Funnel
from budgetopt.market.noise import Noise
from budgetopt.market.scenarios import Scenario
from budgetopt.market.truth import CurveSource
from budgetopt.market.weather import Conditions, Weather
from budgetopt.plan import Plan

_PARTS: dict[str, type] = {
    "noise": Noise,
    "drift": Drift,
    "demand": Demand,
    "prices": Prices,
    "delivery": Delivery,
    "tracking": Tracking,
    "funnel": Funnel,
}


class State(NamedTuple):
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
            raise wrong("curves", type(self.curves).__name__, "give curves or a source of them")
        if isinstance(self.curves, Curve):
            _check_curves(self.curves, size)
        elif getattr(self.curves, "channels", size) not in (size, self.channels):
            problem = "curves are drawn for other channels than the market's"
            raise wrong("curves", self.curves, "give the market the same channels", problem)
        for name, kind in _PARTS.items():
            if not isinstance(getattr(self, name), kind):
                raise wrong(name, getattr(self, name), f"give {kind.__name__}(...)")
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
                raise wrong(name, given[0], f"give one number, or {size}, one for each channel")
        if self.start is not None:
            put(self, "start", as_date(self.start, "start"))

    @classmethod
    def of_plan(cls, plan: Plan, curves: Any = None, **settings: Any) -> Self:
        """Return a market of a plan's channels.

        Parameters
        ----------
        plan
            Gives names and carryover, and the curves where none are given.
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
                        f"channel {channel.name!r} has no curve",
                        field="curves",
                        value=channel.name,
                        remedy="give the market curves, a belief or a prior",
                    )
        carried = tuple(channel.carryover for channel in plan.channels)
        if any(carried):
            settings.setdefault("carryover", carried)
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
            How many, at least 1. Multiples of `streams.BLOCK` runs are drawn without waste.
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
                raise wrong("scenarios", scenario, "make it by scenario_from_dict")
            scenario.check(self.channels, weeks, self.start)
        # Their order is no part of the weather.
        happening = tuple(sorted(given, key=lambda scenario: scenario.name))
        names = [scenario.name for scenario in happening]
        doubled = [name for name in names if names.count(name) > 1]
        if doubled:
            raise InputError(
                "bad-name",
                f"two scenarios are called {doubled[0]!r}",
                field="scenarios",
                value=doubled[0],
                remedy="give each a name of its own",
            )
        return Weather(self, weeks, runs, seed, first_run, happening, balanced)

    def begin(self, spent: ArrayLike | None = None) -> State:
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
            raise wrong(
                "spent", earlier.shape, "give money of earlier weeks, at least 0, by channel"
            )
        newest = [self._spend(week) for week in earlier[::-1][:lags]]
        newest += [np.zeros(len(self.channels))] * (lags - len(newest))
        return State(tuple(newest))

    def step(self, state: State, spend: ArrayLike, week: Conditions) -> tuple[State, Outcome]:
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
        after = State(exposures[: len(self._weights) - 1], ever[: len(self.delay)])
        return after, Outcome(delivered, expected, outcome, revised[0], revised)

    def _spend(self, given: ArrayLike) -> Floats:
        """Return ordered money, or say what is wrong with it."""
        spend = as_spend(given)
        size = len(self.channels)
        if not spend.ndim or spend.shape[-1] != size:
            raise wrong("spend", spend.shape, f"give money for each of the {size} channels")
        # Written so that NaN fails.
        if not (spend.min(initial=0.0) >= 0 and spend.max(initial=0.0) < np.inf):
            raise wrong("spend", float(spend.min(initial=0.0)), "give finite money of at least 0")
        return spend


def _names(given: Any) -> tuple[str, ...]:
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if (
        not names
        or not all(isinstance(n, str) and n for n in names)
        or len(set(names)) < len(names)
    ):
        raise InputError(
            "bad-name",
            f"channels of the market are {given!r}",
            field="channels",
            value=str(given),
            remedy="give at least one name, all different",
        )
    return names


def _check_curves(curves: Curve, size: int) -> None:
    try:
        shape = np.shape(curves.value(np.zeros(size)))
    except ValueError:
        shape = ()
    if shape != (size,):
        problem = f"curves do not go with the {size} channels of the market"
        raise wrong("curves", curves.kind, "give one for each, or a source that draws", problem)


def _delay(given: Any) -> tuple[float, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise wrong("delay", given, "give shares such as (0.6, 0.9, 1.0)")
    shares = tuple(number(v, f"delay[{at}]", least=0, most=1) for at, v in enumerate(given))
    if any(map(operator.lt, shares[1:], shares)):
        raise wrong("delay", shares, "give the shares reported so far, which never fall")
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
        raise wrong("carryover", carryover, f"give a Carryover, or {size}, one for each channel")
    return kernels(carryover)
