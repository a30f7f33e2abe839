"""The market: the hidden truth of a simulation, money in, outcome out.

From simple to subtle: `Market` holds what is true and `Market.step` is one week of it; its
`Weather` is all that happens whatever is spent, drawn so that every policy meets the same; `Prior`
describes true curves to be drawn, and `believed_market` draws them from what was learned; `Noise`,
`Drift`, `Demand`, `Prices`, `Delivery` and `Tracking` say what is random; `Funnel` leads to the
planner's metrics; a `Scenario` is something that happens at a time, in a size, with a chance.
Policies never import this room.
"""

from __future__ import annotations

from budgetopt.market.change import Change, case_schema, cases_of
from budgetopt.market.dynamics import (
    Delivery,
    Demand,
    Drift,
    Noise,
    Prices,
    Tracking,
    known,
    whole,
    wrong,
)
from budgetopt.market.funnel import Funnel, Totals
from budgetopt.market.market import (
    Conditions,
    Market,
    MarketState,
    Outcome,
    Weather,
    believed_market,
    noise_of,
)
from budgetopt.market.random import BLOCK
from budgetopt.market.scenarios.base import Scenario
from budgetopt.market.scenarios.files import (
    KINDS,
    RISKS,
    festival,
    scenario_from_dict,
    scenario_named,
    scenario_schema,
    scenarios_of,
)
from budgetopt.market.scenarios.kinds import (
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
    WeakEffect,
)
from budgetopt.market.truth import ByRun, CurveSource, Prior
from budgetopt.plan import Relative

__all__ = [
    "BLOCK",
    "KINDS",
    "RISKS",
    "BudgetChange",
    "ByRun",
    "Change",
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
    "MarketState",
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
    "Relative",
    "Scenario",
    "Totals",
    "Tracking",
    "WeakEffect",
    "Weather",
    "believed_market",
    "case_schema",
    "cases_of",
    "festival",
    "known",
    "noise_of",
    "scenario_from_dict",
    "scenario_named",
    "scenario_schema",
    "scenarios_of",
    "whole",
    "wrong",
]
