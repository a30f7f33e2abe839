"""Contingencies that a plan declares, the tables ``[[contingencies]]`` of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from budgetopt.errors import PlanError, did_you_mean
from budgetopt.market import RISKS, scenarios_of
from budgetopt.plan import Plan
from budgetopt.simulation.contingency import Contingency


def contingency_from_dict(data: Mapping[str, Any]) -> Contingency:
    """Return the contingency of ``{"scenario": "outage", "release": 1, "pause": ["feed"]}``.

    Raises
    ------
    PlanError
        ``bad-plan`` for a missing or misspelt field.
    InputError
        ``bad-argument`` where a value is out of range.
    """
    allowed = [f.name for f in fields(Contingency)]
    for key in data:
        if key not in allowed:
            problem = f"a contingency has no field {key!r}"
            raise _bad(f"contingency.{key}", data[key], did_you_mean(key, allowed), problem)
    if not isinstance(data.get("scenario"), str):
        problem = f"a contingency answers the scenario {data.get('scenario')!r}"
        raise _bad("contingency.scenario", data.get("scenario"), "name the scenario", problem)
    return Contingency(**data)


def contingencies_of(plan: Plan) -> tuple[Contingency, ...]:
    """Return the contingencies of a plan; each answers a scenario of the plan or of `RISKS`.

    Raises
    ------
    PlanError
        ``bad-plan``.
    InputError
        ``bad-argument``; ``unknown-name`` for a scenario or a channel that is not there.
    """
    among = tuple({**RISKS, **scenarios_of(plan)})
    found = tuple(contingency_from_dict(table) for table in plan.contingencies)
    for one in found:
        one.check(among, plan.names)
    return found


def contingency_schema() -> dict[str, Any]:
    """Return the JSON Schema of one contingency in a plan file."""
    share = {"type": "number", "minimum": 0, "maximum": 1, "default": 0}
    names = {"type": "array", "items": {"type": "string"}}
    return {
        "description": "What the plan does while a scenario is at work.",
        "type": "object",
        "properties": {
            "scenario": {"type": "string", "description": "name of the scenario"},
            "release": share | {"description": "share of the contingency reserve let go"},
            "pause": names | {"description": "channels that get nothing"},
            "spare": {
                "type": "object",
                "additionalProperties": {"type": "number", "minimum": 0},
                "description": "money a week in place of a lower cap, by channel",
            },
            "after": {
                "type": "integer",
                "minimum": 0,
                "default": 1,
                "description": "weeks until the plan answers",
            },
        },
        "required": ["scenario"],
        "additionalProperties": False,
    }


def _bad(field: str, value: Any, remedy: str, problem: str) -> PlanError:
    return PlanError("bad-plan", problem, field=field, value=value, remedy=remedy)
