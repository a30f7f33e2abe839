"""The kinds of scenario, in the order in which planners name them."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import ClassVar

from budgetopt.market.dynamics import wrong
from budgetopt.market.scenarios.base import NOTHING, Effect, Recovering, Scenario, relative, setting
from budgetopt.messages import say
from budgetopt.notebook import short
from budgetopt.plan import Relative

LOST = "assumed-response-lost"


@dataclass(frozen=True, kw_only=True)
class BudgetChange(Scenario):
    """The weekly budget is cut or raised.

    Parameters
    ----------
    size
        Change, at least -100 %: ``"-20%"`` or ``"x0.8"`` is a cut by a fifth.
    """

    kind: ClassVar[str] = "budget"
    size: Relative = relative("-20%", "budget")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels:
            raise wrong(self.label("channels"), self.channels, say("remedy-budget-whole-plan"))

    def effect(self, strength: float) -> Effect:
        """Return the factor of the budget."""
        return Effect(budget=1.0 + self.size * strength)


@dataclass(frozen=True, kw_only=True)
class Competitor(Recovering):
    """A rival takes attention: the same money brings less, for weeks.

    Parameters
    ----------
    size
        Share of the response that is lost, 0 to 1.
    """

    kind: ClassVar[str] = "competitor"
    size: float = setting(0.2, "share of the response that is lost", LOST, least=0, most=1)

    def effect(self, strength: float) -> Effect:
        """Return the factor of the response."""
        return Effect(demand=1.0 - self.size * strength)


@dataclass(frozen=True, kw_only=True)
class PlatformPolicy(Scenario):
    """A platform changes its rules: prices rise and fewer people are reached, overnight.

    Parameters
    ----------
    price
        Change of the price, such as ``"+30%"`` or ``"x1.3"``, above -100 %.
    reach
        Change of the people that can be reached, likewise.
    """

    kind: ClassVar[str] = "platform-policy"
    price: Relative = relative("+30%", "price", above=-1)
    reach: Relative = relative("-20%", "reach", above=-1)

    def effect(self, strength: float) -> Effect:
        """Return the factors of price and reach."""
        return Effect(price=1.0 + self.price * strength, reach=1.0 + self.reach * strength)


@dataclass(frozen=True, kw_only=True)
class NegativePublicity(Recovering):
    """Conversion falls across channels, fast, then recovers.

    Parameters
    ----------
    size
        Share of the response that is lost, 0 to 1.
    recovery
        Weeks after the end in which half of the loss is made good.
    """

    kind: ClassVar[str] = "negative-publicity"
    size: float = setting(0.4, "share of the response that is lost", LOST, least=0, most=1)
    recovery: float = setting(
        2.0,
        "weeks in which half of the loss is recovered",
        "assumed-half-recovered",
        least=0,
    )

    def effect(self, strength: float) -> Effect:
        """Return the factor of the response."""
        return Effect(demand=1.0 - self.size * strength)


@dataclass(frozen=True, kw_only=True)
class Overspend(Scenario):
    """Channels spend more than was ordered.

    Parameters
    ----------
    size
        Share that is spent beyond the order, at least 0.
    """

    kind: ClassVar[str] = "overspend"
    size: float = setting(
        0.15, "overspend as a share of the planned amount", "assumed-spent-beyond-plan", least=0
    )

    def effect(self, strength: float) -> Effect:
        """Return the factor of the delivery."""
        return Effect(delivery=1.0 + self.size * strength)


@dataclass(frozen=True, kw_only=True)
class Outage(Scenario):
    """Page or payment is down for some days from the start: money is spent, nothing earned.

    Parameters
    ----------
    days
        How many, above 0; hours are parts of a day.
    """

    kind: ClassVar[str] = "outage"
    days: float = setting(2.0, "days that it lasts", "", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end is not None:
            raise wrong(self.label("end"), str(self.end), say("remedy-outage-days-not"))

    def _last_day(self, origin: dt.date | None) -> float:
        return self._day(self.start, origin) + self.days

    def effect(self, strength: float) -> Effect:
        """Return the factor of the response: the share of days that work."""
        return Effect(demand=1.0 - strength)


@dataclass(frozen=True, kw_only=True)
class ChannelClosed(Scenario):
    """Channels take no money."""

    kind: ClassVar[str] = "channel-closed"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels:
            raise wrong(self.label("channels"), self.channels, say("remedy-name-channels-close"))

    def effect(self, strength: float) -> Effect:
        """Return the share of the week in which the channel is open."""
        return Effect(open=1.0 - strength)


@dataclass(frozen=True, kw_only=True)
class NewChannel(Scenario):
    """Channels of the plan take no money before the start; where it does not happen, never."""

    kind: ClassVar[str] = "new-channel"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels:
            raise wrong(self.label("channels"), self.channels, say("remedy-name-channels-new"))

    def effect(self, strength: float) -> Effect:
        """Return the share of the week in which the channel is open."""
        return Effect(open=strength)

    def effect_without(self, week: int, window: tuple[float, float]) -> Effect:
        """Return that it stays closed."""
        return self.effect(0.0)


@short
@dataclass(frozen=True, kw_only=True)
class Promotion(Scenario):
    """A shopping festival or brand day: demand and prices both rise.

    Parameters
    ----------
    demand
        Change of the response, such as ``"+80%"`` or ``"x1.8"``, at least -100 %.
    price
        Change of the price, likewise, above -100 %.
    """

    kind: ClassVar[str] = "promotion"
    demand: Relative = relative("+80%", "response")
    price: Relative = relative("+30%", "price", above=-1)

    def effect(self, strength: float) -> Effect:
        """Return the factors of response and price."""
        return Effect(demand=1.0 + self.demand * strength, price=1.0 + self.price * strength)


@dataclass(frozen=True, kw_only=True)
class CreativeFatigue(Scenario):
    """The same creative brings less every week, until it is renewed at the end.

    Parameters
    ----------
    size
        Share of the response that is lost each week, 0 to 1; in the first week nothing is.
    least
        Share of the response that is left in any case, 0 to 1.
    """

    kind: ClassVar[str] = "creative-fatigue"
    size: float = setting(
        0.05,
        "share of the response lost each week",
        "assumed-response-lost-weekly",
        least=0,
        most=1,
    )
    least: float = setting(
        0.5,
        "share of the response left in any case",
        "assumed-least-left",
        least=0,
        most=1,
    )

    def effect(self, strength: float) -> Effect:
        """Return the factor of the response when so much of what can be lost is lost."""
        return Effect(demand=1.0 - (1.0 - self.least) * strength)

    def effect_in(self, week: int, window: tuple[float, float]) -> Effect:
        """Return the factor of the response of a week."""
        share = self.strength(week, window)
        if not share:
            return NOTHING
        # Whole weeks since the creative was new.
        age = max(math.floor(week - 1 - window[0] / 7.0), 0)
        left = max((1.0 - self.size) ** age, self.least)
        return Effect(demand=1.0 - (1.0 - left) * share)


@dataclass(frozen=True, kw_only=True)
class WeakEffect(Scenario):
    """Wrong audience or creative: the response is weaker than believed.

    Parameters
    ----------
    size
        Share of the response that is missing, 0 to 1.
    """

    kind: ClassVar[str] = "weak-effect"
    size: float = setting(
        0.3,
        "share of the response that is missing",
        "assumed-response-missing",
        least=0,
        most=1,
    )

    def effect(self, strength: float) -> Effect:
        """Return the factor of the response."""
        return Effect(demand=1.0 - self.size * strength)


@dataclass(frozen=True, kw_only=True)
class Factors(Recovering):
    """Anything else, said in changes or factors; ``"+0%"`` or ``"x1"`` leaves a thing as it is.

    Parameters
    ----------
    demand, price, reach, delivery, tracking, budget
        As in `Effect`, such as ``"-20%"`` or ``"x0.8"``; price and reach above -100 %, the others
        at least.
    """

    kind: ClassVar[str] = "factors"
    demand: Relative = relative("+0%", "response")
    price: Relative = relative("+0%", "price", above=-1)
    reach: Relative = relative("+0%", "reach", above=-1)
    delivery: Relative = relative("+0%", "delivery")
    tracking: Relative = relative("+0%", "reported-share")
    budget: Relative = relative("+0%", "budget")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels and self.budget:
            raise wrong(self.label("channels"), self.channels, say("remedy-budget-whole-plan"))

    def effect(self, strength: float) -> Effect:
        """Return the factors, each as far from 1 as the strength says."""
        own = [f for f in Effect._fields if f != "open"]
        return Effect(**{name: 1.0 + getattr(self, name) * strength for name in own})
