"""The weather of a market: all that happens whatever is spent, the same for every policy.

`Weather` holds a chunk of runs and gives its weeks one by one, so that memory does not grow with
the weeks, and again from the start whenever it is iterated. Run r's numbers depend on seed, r and
purpose alone: not on the chunk, the policies, the number of weeks (save for the week of a shock
that is drawn), nor on other scenarios.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve, Mixture
from budgetopt.curves.base import Floats
from budgetopt.market.dynamics import Factor, scaled
from budgetopt.market.scenarios import Effect, Scenario
from budgetopt.market.streams import Balanced, Stream
from budgetopt.market.truth import Scaled, draw_truth, one_cell

if TYPE_CHECKING:
    from budgetopt.market.market import Market


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
        Whether chance is evenly spread over every block of runs, `streams.Balanced`.
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
