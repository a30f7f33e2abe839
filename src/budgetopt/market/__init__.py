"""The market: the hidden truth of a simulation, money in, outcome out.

From simple to subtle: `Market` holds what is true and `Market.step` is one week of it; its
`Weather` is all that happens whatever is spent, drawn so that every policy meets the same; `Prior`
describes true curves to be drawn, and `believed_market` draws them from what was learned; `Noise`,
`Drift`, `Demand`, `Prices`, `Delivery` and `Tracking` say what is random; `Funnel` leads to the
planner's metrics; a `Scenario` is something that happens at a time, in a size, with a chance.
Policies never import this room.
"""

from __future__ import annotations

from budgetopt.market.believed import believed_market, noise_of
from budgetopt.market.dynamics import Delivery, Demand, Drift, Prices, Tracking
from budgetopt.market.funnel import Funnel, Totals
from budgetopt.market.market import Market, Outcome, State
from budgetopt.market.noise import Noise
from budgetopt.market.prior import Prior
from budgetopt.market.scenarios import (
    KINDS,
    RISKS,
    BudgetChange,
    ChannelClosed,
    Competitor,
    CreativeFatigue,
    Factors,
    NegativePublicity,
    NewChannel,
    Outage,
    Overspend,
    PlatformPolicy,
    Promotion,
    Scenario,
    WeakEffect,
    festival,
    scenario_from_dict,
    scenario_named,
    scenario_schema,
    scenarios_of,
)
from budgetopt.market.truth import ByRun, CurveSource, Scaled
from budgetopt.market.weather import Conditions, Weather

__all__ = [
    "KINDS",
    "RISKS",
    "BudgetChange",
    "ByRun",
    "ChannelClosed",
    "Competitor",
    "Conditions",
    "CreativeFatigue",
    "CurveSource",
    "Delivery",
    "Demand",
    "Drift",
    "Factors",
    "Funnel",
    "Market",
    "NegativePublicity",
    "NewChannel",
    "Noise",
    "Outage",
    "Outcome",
    "Overspend",
    "PlatformPolicy",
    "Prices",
    "Prior",
    "Promotion",
    "Scaled",
    "Scenario",
    "State",
    "Totals",
    "Tracking",
    "WeakEffect",
    "Weather",
    "believed_market",
    "festival",
    "noise_of",
    "scenario_from_dict",
    "scenario_named",
    "scenario_schema",
    "scenarios_of",
]
