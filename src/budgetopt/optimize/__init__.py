"""The optimizer: a plan and curves in, a verified split of one week's money out.

`problem_of` puts a plan into arrays; `solve` chooses the engine that it needs, of which
`waterfill`, concave curves under a budget and bounds, works on many runs at once; the Lagrangian
of the true curves proves how good the answer is; `verify` holds every limit on the rounded money;
`allocate` wires them, and `Allocation` is the record.
"""

from __future__ import annotations

from budgetopt.optimize.allocate import allocate, draws_of, settle
from budgetopt.optimize.allocation import Allocation
from budgetopt.optimize.certificate import lagrangian_bound
from budgetopt.optimize.check import verify
from budgetopt.optimize.drawn import best_for, broken_rows, drawn_in
from budgetopt.optimize.engines import METHODS, TIME_LIMIT, Method, solve
from budgetopt.optimize.problem import Believes, Problem, curves_of, problem_of
from budgetopt.optimize.rules import Rules
from budgetopt.optimize.solved import Solved
from budgetopt.optimize.waterfill import Filled, waterfill
from budgetopt.optimize.words import held_back, how_good, round_amount

__all__ = [
    "METHODS",
    "TIME_LIMIT",
    "Allocation",
    "Believes",
    "Filled",
    "Method",
    "Problem",
    "Rules",
    "Solved",
    "allocate",
    "best_for",
    "broken_rows",
    "curves_of",
    "drawn_in",
    "draws_of",
    "held_back",
    "how_good",
    "lagrangian_bound",
    "problem_of",
    "round_amount",
    "settle",
    "solve",
    "verify",
    "waterfill",
]
