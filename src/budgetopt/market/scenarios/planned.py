"""Scenarios that a plan declares, and those that every plan may name."""

from __future__ import annotations

from budgetopt.errors import InputError, did_you_mean
from budgetopt.market.checks import known
from budgetopt.market.scenarios.base import Scenario
from budgetopt.market.scenarios.files import scenario_from_dict
from budgetopt.market.scenarios.presets import RISKS
from budgetopt.plan import Plan


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
            f"scenario {name!r} is neither in the plan nor one of the usual risks",
            field="scenario",
            value=name,
            remedy=did_you_mean(name, among),
        )
    return among[name]
