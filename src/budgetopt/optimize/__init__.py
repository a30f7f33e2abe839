"""The optimizer: a plan and curves in, a verified split of one week's money out.

`problem_of` puts a plan into arrays; `solve` chooses the engine that it needs, of which
`waterfill`, concave curves under a budget and bounds, works on many runs at once; the Lagrangian
of the true curves proves how good the answer is; `verify` holds every limit on the rounded money;
`allocate` wires them, and `Allocation` is the record.
"""

from __future__ import annotations

from budgetopt.optimize.allocate import (
    allocate,
    draws_of,
    goal_of,
    last_split,
    settle,
    solve_in_steps,
)
from budgetopt.optimize.allocation import (
    GOAL_WORDS,
    Allocation,
    channels_in_words,
    expected,
    expected_by,
    held_back,
    how_good,
    round_amount,
    split_rows,
)
from budgetopt.optimize.batched import best_of_runs
from budgetopt.optimize.branch.envelope import Bends, Envelope
from budgetopt.optimize.branch.envelope import Span as OpenSpan
from budgetopt.optimize.branch.relax import Branches
from budgetopt.optimize.build import (
    Believes,
    DatedWeek,
    Known,
    StretchedBelief,
    as_week,
    believed_in,
    curves_of,
    demand_note,
    extrapolation_note,
    in_demand,
    last_spend,
    objective_of,
    on_priors,
    on_week,
    problem_of,
    refuse_infeasible,
    untried,
    untried_note,
    week_decided,
    week_notes,
    whole_weeks,
)
from budgetopt.optimize.engines import METHODS, Method, solve
from budgetopt.optimize.frontier import Frontier, budget_of_spendable, frontier
from budgetopt.optimize.highs import minimise
from budgetopt.optimize.infeasibility import total_range
from budgetopt.optimize.problem import Problem, Rules, Solved, verify, violations
from budgetopt.optimize.project import (
    best_for,
    fit_shares,
    fit_spend,
    in_proportion,
    project_onto_limits,
    violated_limits,
)
from budgetopt.optimize.risk.measure import Risk, Spread
from budgetopt.optimize.steps import exchanged, rounded, runs_on_steps
from budgetopt.optimize.waterfill import Filled, lagrangian_bound, waterfill

__all__ = [
    "GOAL_WORDS",
    "METHODS",
    "Allocation",
    "Believes",
    "Bends",
    "Branches",
    "DatedWeek",
    "Envelope",
    "Filled",
    "Frontier",
    "Known",
    "Method",
    "OpenSpan",
    "Problem",
    "Risk",
    "Rules",
    "Solved",
    "Spread",
    "StretchedBelief",
    "allocate",
    "as_week",
    "believed_in",
    "best_for",
    "best_of_runs",
    "budget_of_spendable",
    "channels_in_words",
    "curves_of",
    "demand_note",
    "draws_of",
    "exchanged",
    "expected",
    "expected_by",
    "extrapolation_note",
    "fit_shares",
    "fit_spend",
    "frontier",
    "goal_of",
    "held_back",
    "how_good",
    "in_demand",
    "in_proportion",
    "lagrangian_bound",
    "last_spend",
    "last_split",
    "minimise",
    "objective_of",
    "on_priors",
    "on_week",
    "problem_of",
    "project_onto_limits",
    "refuse_infeasible",
    "round_amount",
    "rounded",
    "runs_on_steps",
    "settle",
    "solve",
    "solve_in_steps",
    "split_rows",
    "total_range",
    "untried",
    "untried_note",
    "verify",
    "violated_limits",
    "violations",
    "waterfill",
    "week_decided",
    "week_notes",
    "whole_weeks",
]
