"""The simulator: possible years of a plan, the engine of the live week inside the loop.

`simulate` lets policies meet one weather, run by run, and returns a `Simulation`, which answers
questions about outcome, risk and differences. A `Schedule` is a fixed plan, the open loop; a
`Contingency` is the plan's answer to a scenario, and `contingencies_of` reads those of a plan file;
`Precision` says when runs are enough. `what_if` and `sensitivity` ask the optimum alone, without a
market or chance.
"""

from __future__ import annotations

from budgetopt.simulation.contingency import Contingency
from budgetopt.simulation.measures import MEASURES
from budgetopt.simulation.planned import (
    contingencies_of,
    contingency_from_dict,
    contingency_schema,
)
from budgetopt.simulation.precision import Precision
from budgetopt.simulation.run import simulate
from budgetopt.simulation.schedule import Schedule
from budgetopt.simulation.sensitivity import Tornado, sensitivity, sobol
from budgetopt.simulation.simulation import Simulation
from budgetopt.simulation.statistics import Difference, Interval
from budgetopt.simulation.what_if import Change, WhatIf, what_if

__all__ = [
    "MEASURES",
    "Change",
    "Contingency",
    "Difference",
    "Interval",
    "Precision",
    "Schedule",
    "Simulation",
    "Tornado",
    "WhatIf",
    "contingencies_of",
    "contingency_from_dict",
    "contingency_schema",
    "sensitivity",
    "simulate",
    "sobol",
    "what_if",
]
