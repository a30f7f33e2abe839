"""``budgetopt schema``: what a plan file may hold."""

from __future__ import annotations

import json
from typing import Any

import typer

from budgetopt.market import scenario_schema
from budgetopt.plan.files import schema as plan_schema
from budgetopt.simulation import contingency_schema


def schema() -> None:
    """Print the JSON Schema of plan files."""
    typer.echo(json.dumps(whole_schema(), indent=2))


def whole_schema() -> dict[str, Any]:
    """Return the schema of a plan with that of the tables which rooms above the plan read."""
    whole = plan_schema()
    tables = {"scenarios": scenario_schema(), "contingencies": contingency_schema()}
    for name, table in tables.items():
        whole["properties"][name]["items"] = table
    return whole
