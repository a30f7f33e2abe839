"""Scenarios to begin with: the six usual risks, and the two large shopping festivals.

Sizes are examples to be replaced by one's own; ``dataclasses.replace(risk, start=9)`` moves one.
"""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType

from budgetopt.errors import InputError, did_you_mean
from budgetopt.market.checks import whole
from budgetopt.market.scenarios.base import Scenario
from budgetopt.market.scenarios.kinds import (
    Competitor,
    NegativePublicity,
    Outage,
    Overspend,
    PlatformPolicy,
    Promotion,
    WeakEffect,
)

RISKS: MappingProxyType[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Competitor(name="competition", start=5, end=8, size=0.2, recovery=1),
            PlatformPolicy(name="platform policy", start=5, price=0.3, reach=-0.2),
            NegativePublicity(name="negative publicity", start=5, end=6, size=0.4, recovery=2),
            Overspend(name="overspend", start=5, end=8, size=0.15),
            Outage(name="technical failure", start=5, days=2),
            WeakEffect(name="weak effect", start=1, size=0.25),
        )
    }
)
"""The six risks that plans name, each with the size and time of an example."""

_FESTIVALS = {
    "618": ((6, 1), (6, 18), 0.8, 0.3),
    "double-11": ((11, 1), (11, 11), 1.2, 0.5),
}


def festival(name: str, year: int) -> Promotion:
    """Return a shopping festival of a year: ``"618"`` or ``"double-11"`` (双11).

    Raises
    ------
    InputError
        ``unknown-name``; ``bad-argument`` for a year before 2009, the first 双11.

    Examples
    --------
    >>> str(festival("618", 2026).end)
    '2026-06-18'
    """
    if name not in _FESTIVALS:
        raise InputError(
            "unknown-name",
            f"festival {name!r} is not known",
            field="festival",
            value=name,
            remedy=did_you_mean(name, _FESTIVALS),
        )
    first, last, demand, price = _FESTIVALS[name]
    year = whole(year, "year", least=2009)
    start, end = (dt.date(year, *day) for day in (first, last))
    return Promotion(name=f"{name} {year}", start=start, end=end, demand=demand, price=price)
