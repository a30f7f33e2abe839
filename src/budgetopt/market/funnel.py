"""From impressions to lifetime value: every metric of a planner's report from a few totals.

Money buys impressions at the week's CPM, impressions bring clicks at a rate; what the curves
measure is one of conversions, orders or revenue, and the rates lead from it to the others.
Saturation therefore shows where planners see it: further clicks convert less.

Ratios come from totals, never from averages of ratios, and a zero denominator gives NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import as_number, did_you_mean
from budgetopt.market.dynamics import by_channel, wrong
from budgetopt.messages import say

Step = Literal["conversions", "orders", "revenue"]


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
    cpm: float | tuple[float, ...] = 20.0
    ctr: float | tuple[float, ...] = 0.025
    order_rate: float = 1.0
    aov: float = 1.0
    margin: float = 1.0
    new_share: float = 1.0
    retention: float = 0.0
    discount: float = 0.0

    def __post_init__(self) -> None:
        put = object.__setattr__
        if self.outcome not in get_args(Step):
            raise wrong("funnel.outcome", self.outcome, did_you_mean(self.outcome, get_args(Step)))
        put(self, "cpm", by_channel(self.cpm, "funnel.cpm", least=1e-12))
        put(self, "ctr", by_channel(self.ctr, "funnel.ctr", least=0))
        if np.max(self.ctr) > 1:
            raise wrong("funnel.ctr", self.ctr, say("remedy-share-0-025"))
        for name in ("order_rate", "aov"):
            put(self, name, as_number(getattr(self, name), f"funnel.{name}", above=0))
        for name in ("margin", "new_share"):
            put(self, name, as_number(getattr(self, name), f"funnel.{name}", least=0, most=1))
        put(self, "retention", as_number(self.retention, "funnel.retention", least=0, most=0.9999))
        put(self, "discount", as_number(self.discount, "funnel.discount", least=0))

    @property
    def lifetime_value(self) -> float:
        r"""Gross profit of a new customer, first order included: ``aov margin (1+d)/(1+d-r)``.

        Source: Gupta and Lehmann (2003), "Customers as assets", with constant margin and
        retention r, discounted at d.
        """
        rate = 1.0 + self.discount
        return self.aov * self.margin * rate / (rate - self.retention)

    @property
    def revenue_each(self) -> float:
        """Revenue of one unit of the curves' outcome."""
        per_order = {"conversions": self.order_rate, "orders": 1.0, "revenue": 1.0 / self.aov}
        return per_order[self.outcome] * self.aov

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
        impressions = 1000.0 * spend / (np.asarray(self.cpm) * price)
        orders = outcome * (self.revenue_each / self.aov)
        revenue = orders * self.aov
        return Totals(
            spend=spend,
            impressions=impressions,
            clicks=impressions * np.asarray(self.ctr),
            conversions=orders / self.order_rate,
            orders=orders,
            new_customers=orders * self.new_share,
            revenue=revenue,
            gross=revenue * self.margin,
        )

    def metrics(self, totals: Totals, slope: Floats | None = None) -> dict[str, Floats]:
        """Return the planner's ratios by name, NaN where the denominator is zero.

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
            "retention": np.full(np.shape(t.spend), self.retention),
        }
        if slope is not None:
            found["mROAS"] = np.asarray(slope) * self.revenue_each
        return found


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = np.where(np.asarray(below) == 0, np.nan, np.divide(above, below))
    return ratio
