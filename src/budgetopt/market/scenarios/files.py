"""Scenarios as plain data, the tables ``[[scenarios]]`` of a plan file, and their schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from budgetopt.errors import PlanError, did_you_mean
from budgetopt.market.scenarios import kinds
from budgetopt.market.scenarios.base import COMMON, Scenario

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
    "name": {"type": "string", "description": "how it is called in results"},
    "start": {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "date"}],
        "description": "first week, a number from 1 on, or first day",
    },
    "end": {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "date"}],
        "description": "last week or last day, included; none for no end",
    },
    "channels": {
        "type": "array",
        "items": {"type": "string"},
        "description": "whom it concerns; none for all",
    },
    "chance": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "chance in a run that it happens",
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
        raise _bad("scenario", data, "write a table with its kind", f"a scenario is {data!r}")
    given = {str(key): value for key, value in data.items()}
    name = given.pop("kind", None)
    if not isinstance(name, str) or name not in KINDS:
        problem = (
            f"kind of a scenario is {name!r}" if name is not None else "a scenario has no kind"
        )
        raise _bad("scenario.kind", name, did_you_mean(str(name), KINDS), problem)
    kind = KINDS[name]
    allowed = [*COMMON, *(own.name for own in kind.settings())]
    for key in given:
        if key not in allowed:
            problem = f"{name} scenario has no field {key!r}"
            raise _bad(f"scenario.{key}", given[key], did_you_mean(key, allowed), problem)
    return kind(**given)


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of one scenario in a plan file."""
    return {
        "description": "What happens to a market, when, where and how likely.",
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
    words = {"least": "minimum", "most": "maximum", "above": "exclusiveMinimum"}
    limits = {words[k]: v for k, v in metadata["range"].items() if math.isfinite(v)}
    return {
        "type": "number",
        **limits,
        "default": default,
        "description": metadata["about"],
    }


def _bad(field: str, value: Any, remedy: str, problem: str) -> PlanError:
    return PlanError("bad-plan", problem, field=field, value=value, remedy=remedy)
