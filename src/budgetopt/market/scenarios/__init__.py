"""Scenarios: what happens to a market, when, where and how likely, as frozen data.

Several at once multiply their factors. Whether one strikes a run is drawn with the weather, so all
policies meet the same.
"""

from __future__ import annotations

from budgetopt.market.scenarios.base import Effect, Recovering, Scenario
from budgetopt.market.scenarios.files import KINDS, scenario_from_dict, scenario_schema
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
from budgetopt.market.scenarios.planned import scenario_named, scenarios_of
from budgetopt.market.scenarios.presets import RISKS, festival

__all__ = [
    "KINDS",
    "RISKS",
    "BudgetChange",
    "ChannelClosed",
    "Competitor",
    "CreativeFatigue",
    "Effect",
    "Factors",
    "NegativePublicity",
    "NewChannel",
    "Outage",
    "Overspend",
    "PlatformPolicy",
    "Promotion",
    "Recovering",
    "Scenario",
    "WeakEffect",
    "festival",
    "scenario_from_dict",
    "scenario_named",
    "scenario_schema",
    "scenarios_of",
]
