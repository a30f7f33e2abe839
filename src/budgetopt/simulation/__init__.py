"""The simulator: possible years of a plan, the engine of the live week inside the loop.

`simulate` lets policies meet one weather, run by run, and returns a `Simulation`, which answers
questions about outcome, risk and differences. A `Schedule` is a fixed plan, the open loop; a
`Contingency` is the plan's answer to a scenario, and `contingencies_of` reads those of a plan file;
`Precision` says when runs are enough. `what_if` and `sensitivity` ask the optimum alone, without a
market or chance.
"""

from __future__ import annotations

from budgetopt.market import Change
from budgetopt.simulation.contingency import (
    Contingency,
    contingencies_of,
    contingency_from_dict,
    contingency_schema,
)
from budgetopt.simulation.job import Schedule
from budgetopt.simulation.run import simulate
from budgetopt.simulation.simulation import Simulation
from budgetopt.simulation.statistics import MEASURES, Difference, Interval, Precision
from budgetopt.simulation.what_if import (
    SobolIndices,
    Tornado,
    WhatIf,
    input_in_words,
    sensitivity,
    sobol,
    what_if,
)

__all__ = [
    "MEASURES",
    "Change",
    "Contingency",
    "Difference",
    "Interval",
    "Precision",
    "Schedule",
    "Simulation",
    "SobolIndices",
    "Tornado",
    "WhatIf",
    "contingencies_of",
    "contingency_from_dict",
    "contingency_schema",
    "input_in_words",
    "sensitivity",
    "simulate",
    "sobol",
    "what_if",
]
