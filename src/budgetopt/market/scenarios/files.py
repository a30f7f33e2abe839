"""Scenarios by name and from files: the tables ``[[scenarios]]`` of a plan, and their schema.

- `scenario_from_dict` and `scenario_schema`: a scenario as plain data;
- `RISKS` and `festival`: scenarios to begin with, the six usual risks and the two large shopping
  festivals. Sizes are examples to be replaced by one's own; ``dataclasses.replace(risk, start=9)``
  moves one;
- `scenarios_of` and `scenario_named`: those that a plan declares, and those that every plan may
  name.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from budgetopt.errors import InputError, PlanError, did_you_mean
from budgetopt.i18n import Message, say
from budgetopt.market.dynamics import known, whole
from budgetopt.market.scenarios import kinds
from budgetopt.market.scenarios.base import COMMON, Scenario
from budgetopt.market.scenarios.kinds import (
    Competitor,
    NegativePublicity,
    Outage,
    Overspend,
    PlatformPolicy,
    Promotion,
    WeakEffect,
)
from budgetopt.plan import PATTERN, Plan, Relative

KINDS: dict[str, type[Scenario]] = {
    kind.kind: kind
    for kind in (
        kinds.BudgetChange,
        kinds.Competitor,
        kinds.PlatformPolicy,
        kinds.NegativePublicity,
        kinds.Overspend,
        kinds.Outage,
        kinds.ChannelClosed,
        kinds.NewChannel,
        kinds.Promotion,
        kinds.CreativeFatigue,
        kinds.WeakEffect,
        kinds.Factors,
    )
}
"""The scenarios that a plan file may name, by their `kind`."""

_COMMON_SCHEMA: dict[str, Any] = {
    "name": {"type": "string", "description": "its name in results"},
    "start": {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "date"}],
        "description": "first week, a number from 1 on, or first day",
    },
    "end": {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "date"}],
        "description": "last week or last day, included; leave out for no end",
    },
    "channels": {
        "type": "array",
        "items": {"type": "string"},
        "description": "channels it affects; leave out for all",
    },
    "chance": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "chance that it happens in a run",
    },
}


def scenario_from_dict(data: Mapping[str, Any]) -> Scenario:
    """Return the scenario of ``{"kind": "competitor", "start": 5, "end": 8, "size": 0.2}``.

    Raises
    ------
    PlanError
        ``bad-plan`` for an unknown kind or a misspelt field.
    InputError, CalendarError
        Where a value is out of range.
    """
    if not isinstance(data, Mapping):
        raise _bad(
            "scenario", data, say("remedy-write-table-kind"), say("scenario-is", data=repr(data))
        )
    given = {str(key): value for key, value in data.items()}
    name = given.pop("kind", None)
    if not isinstance(name, str) or name not in KINDS:
        problem = (
            say("kind-scenario", name=repr(name)) if name is not None else say("scenario-no-kind")
        )
        raise _bad("scenario.kind", name, did_you_mean(str(name), KINDS), problem)
    kind = KINDS[name]
    allowed = [*COMMON, *(own.name for own in kind.settings())]
    for key in given:
        if key not in allowed:
            problem = say("scenario-no-field", name=name, key=repr(key))
            raise _bad(f"scenario.{key}", given[key], did_you_mean(key, allowed), problem)
    return kind(**given)


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of one scenario in a plan file."""
    return {
        "description": "What happens in a market, when, where and how likely.",
        "oneOf": [_kind_schema(kind) for kind in KINDS.values()],
    }


def _kind_schema(kind: type[Scenario]) -> dict[str, Any]:
    own = {s.name: _number_schema(s.metadata, s.default) for s in kind.settings()}
    return {
        "type": "object",
        "title": kind.kind,
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": {"kind": {"const": kind.kind}, **_COMMON_SCHEMA, **own},
        "required": ["kind"],
        "additionalProperties": False,
    }


def _number_schema(metadata: Mapping[str, Any], default: float) -> dict[str, Any]:
    if "relative" in metadata:
        return {
            "type": "string",
            "pattern": PATTERN,
            "default": str(default),
            "description": f"{metadata['about']}: '+30%', '-20%' or a factor, 'x1.3'",
        }
    words = {"least": "minimum", "most": "maximum", "above": "exclusiveMinimum"}
    limits = {words[k]: v for k, v in metadata["range"].items() if math.isfinite(v)}
    return {
        "type": "number",
        **limits,
        "default": default,
        "description": metadata["about"],
    }


def _bad(field: str, value: Any, remedy: Message, problem: Message) -> PlanError:
    return PlanError("bad-plan", problem, field=field, value=value, remedy=remedy)


def _by(text: str) -> Relative:
    return Relative.of(text, "size")


RISKS: MappingProxyType[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Competitor(name="competition", start=5, end=8, size=0.2, recovery=1),
            PlatformPolicy(name="platform policy", start=5, price=_by("+30%"), reach=_by("-20%")),
            NegativePublicity(name="negative publicity", start=5, end=6, size=0.4, recovery=2),
            Overspend(name="overspend", start=5, end=8, size=0.15),
            Outage(name="technical failure", start=5, days=2),
            WeakEffect(name="weak effect", start=1, size=0.25),
        )
    }
)
"""The six risks that plans name, each with the size and time of an example."""

_FESTIVALS = {
    "618": ((6, 1), (6, 18), _by("+80%"), _by("+30%")),
    "double-11": ((11, 1), (11, 11), _by("+120%"), _by("+50%")),
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
        raise InputError("unknown-name", say("unknown-festival", name=repr(name)), field="festival",
                         value=name, remedy=did_you_mean(name, _FESTIVALS))  # fmt: skip
    first, last, demand, price = _FESTIVALS[name]
    year = whole(year, "year", least=2009)
    start, end = (dt.date(year, *day) for day in (first, last))
    return Promotion(name=f"{name} {year}", start=start, end=end, demand=demand, price=price)


def scenarios_of(plan: Plan) -> dict[str, Scenario]:
    """Return the scenarios of a plan, ``[[scenarios]]`` in its file, by name.

    Raises
    ------
    PlanError
        ``bad-plan`` for an unknown kind or a misspelt field.
    InputError, CalendarError
        Where a value is out of range; ``unknown-name`` for a channel that the plan does not have.
    """
    found = {}
    for table in plan.scenarios:
        scenario = scenario_from_dict(table)
        known(scenario.channels, plan.names, scenario.label("channels"))
        found[scenario.name] = scenario
    return found


def scenario_named(name: str, plan: Plan) -> Scenario:
    """Return a plan's scenario of a name, or else the one of `RISKS`.

    Raises
    ------
    InputError
        ``unknown-name``, and as `scenarios_of`.
    """
    among = {**RISKS, **scenarios_of(plan)}
    if name not in among:
        raise InputError(
            "unknown-name",
            say("unknown-scenario-neither-plan", name=repr(name)),
            field="scenario",
            value=name,
            remedy=did_you_mean(name, among),
        )
    return among[name]
