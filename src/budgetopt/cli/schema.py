"""``budgetopt schema``: what a plan file may hold."""

from __future__ import annotations

import json

import typer

from budgetopt.plan.files import schema as plan_schema


def schema() -> None:
    """Print the JSON Schema of plan files."""
    typer.echo(json.dumps(plan_schema(), indent=2))
