"""From impressions to lifetime value: every metric of a planner's report from a few totals.

Money buys impressions at the week's CPM, impressions bring clicks at a rate; what the curves
measure is one of conversions, orders or revenue, and the rates lead from it to the others.
Saturation therefore shows where planners see it: further clicks convert less.

Ratios come from totals, never from averages of ratios, and a zero denominator gives NaN. So does a
rate that nobody declared: no metric is made up.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import as_number, did_you_mean
from budgetopt.market.dynamics import by_channel, wrong
from budgetopt.messages import say

Step = Literal["conversions", "orders", "revenue"]
_RATES = ("cpm", "ctr", "order_rate", "aov", "margin", "new_share", "retention")


@dataclass(frozen=True)
class Totals:
    """Amounts that add up, arrays of any one shape.

    Parameters
    ----------
    spend, impressions, clicks, conversions, orders, new_customers, revenue
        Money or counts.
    gross
        Revenue times margin.
    """

    spend: Floats
    impressions: Floats
    clicks: Floats
    conversions: Floats
    orders: Floats
    new_customers: Floats
    revenue: Floats
    gross: Floats

    def sum(self, axis: int | tuple[int, ...] | None = None) -> Totals:
        """Return the totals over some axes."""
        return Totals(*(np.sum(getattr(self, f.name), axis=axis) for f in fields(self)))

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Funnel:
    """Rates between the steps of the funnel; where it says so, one for each channel.

    Whatever hangs on a rate that is None, not declared, is NaN.

    Parameters
    ----------
    outcome
        The step that the curves measure: ``"conversions"``, ``"orders"`` or ``"revenue"``.
    cpm
        Money for a thousand impressions at a price index of 1, above 0; by channel.
    ctr
        Clicks per impression, 0 to 1; by channel.
    order_rate
        Orders per conversion, above 0.
    aov
        Revenue per order, above 0.
    margin
        Share of the revenue that is left after the cost of goods, 0 to 1.
    new_share
        Share of the orders by new customers, 0 to 1.
    retention
        Share of the customers of a period that buy again in the next, 0 to below 1.
    discount
        Discount rate of a period, at least 0.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> Funnel(aov=200, margin=0.5, retention=0.2).lifetime_value
    125.0
    """

    outcome: Step = "conversions"
    cpm: float | tuple[float, ...] | None = None
    ctr: float | tuple[float, ...] | None = None
    order_rate: float | None = None
    aov: float | None = None
    margin: float | None = None
    new_share: float | None = None
    retention: float | None = None
    discount: float = 0.0

    def __post_init__(self) -> None:
        put = object.__setattr__
        if self.outcome not in get_args(Step):
            raise wrong("funnel.outcome", self.outcome, did_you_mean(self.outcome, get_args(Step)))
        given = {name for name in _RATES if getattr(self, name) is not None}
        for name, least in (("cpm", 1e-12), ("ctr", 0.0)):
            if name in given:
                put(self, name, by_channel(getattr(self, name), f"funnel.{name}", least=least))
        if self.ctr is not None and np.max(self.ctr) > 1:
            raise wrong("funnel.ctr", self.ctr, say("remedy-share-0-025"))
        for name in given & {"order_rate", "aov"}:
            put(self, name, as_number(getattr(self, name), f"funnel.{name}", above=0))
        for name, most in (("margin", 1.0), ("new_share", 1.0), ("retention", 0.9999)):
            if name in given:
                number = as_number(getattr(self, name), f"funnel.{name}", least=0, most=most)
                put(self, name, number)
        put(self, "discount", as_number(self.discount, "funnel.discount", least=0))

    def _rate(self, name: str) -> Any:
        """Return a rate, NaN where it is not declared."""
        rate = getattr(self, name)
        return np.nan if rate is None else np.asarray(rate)

    @property
    def lifetime_value(self) -> float:
        r"""Gross profit of a new customer, first order included: ``aov margin (1+d)/(1+d-r)``.

        Source: Gupta and Lehmann (2003), "Customers as assets", with constant margin and
        retention r, discounted at d.
        """
        rate, retention = 1.0 + self.discount, self._rate("retention")
        return float(self._rate("aov") * self._rate("margin") * rate / (rate - retention))

    @property
    def revenue_each(self) -> float:
        """Revenue of one unit of the curves' outcome."""
        if self.outcome == "revenue":
            return 1.0
        aov = float(self._rate("aov"))
        return aov if self.outcome == "orders" else aov * float(self._rate("order_rate"))

    def totals(self, spend: Floats, outcome: Floats, price: float | Floats = 1.0) -> Totals:
        """Return all steps of the funnel.

        Parameters
        ----------
        spend
            Delivered money, shape ``(..., channels)``.
        outcome
            What the curves measure, a shape that goes with it.
        price
            Price index.
        """
        spend, outcome = np.broadcast_arrays(np.asarray(spend, np.float64), outcome)
        impressions = 1000.0 * spend / (self._rate("cpm") * price)
        if self.outcome == "conversions":
            conversions, orders = outcome, outcome * self._rate("order_rate")
        else:
            orders = outcome / self._rate("aov") if self.outcome == "revenue" else outcome
            conversions = orders / self._rate("order_rate")
        revenue = outcome * self.revenue_each
        return Totals(
            spend=spend,
            impressions=impressions,
            clicks=impressions * self._rate("ctr"),
            conversions=conversions,
            orders=orders,
            new_customers=orders * self._rate("new_share"),
            revenue=revenue,
            gross=revenue * self._rate("margin"),
        )

    def metrics(self, totals: Totals, slope: Floats | None = None) -> dict[str, Floats]:
        """Return the planner's ratios by name, NaN where the denominator is zero or not known.

        Parameters
        ----------
        totals
            Amounts.
        slope
            Extra outcome per extra unit of money, such as ``week.curve.slope(spend)``, for
            ``"mROAS"``.
        """
        t = totals
        found = {
            "CPM": _ratio(1000.0 * t.spend, t.impressions),
            "CTR": _ratio(t.clicks, t.impressions),
            "CPC": _ratio(t.spend, t.clicks),
            "CVR": _ratio(t.conversions, t.clicks),
            "CPA": _ratio(t.spend, t.conversions),
            "CAC": _ratio(t.spend, t.new_customers),
            "AOV": _ratio(t.revenue, t.orders),
            "ROAS": _ratio(t.revenue, t.spend),
            "ROI": _ratio(t.gross - t.spend, t.spend),
            "LTV": np.full(np.shape(t.spend), self.lifetime_value),
            "retention": np.full(np.shape(t.spend), self._rate("retention")),
        }
        if slope is not None:
            found["mROAS"] = np.asarray(slope) * self.revenue_each
        return found


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = np.where(np.asarray(below) == 0, np.nan, np.divide(above, below))
    return ratio
