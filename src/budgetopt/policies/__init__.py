"""Policies: the past and the limits in, next week's money out.

From dull to subtle: `HoldSteady` moves nothing, `EqualSplit` and `Proportional` share by rule,
`Greedy` moves one step, `PosteriorMean` takes the optimum of the mean curves, `Thompson` that of
drawn curves, `UpperQuantile` and `Optimistic` that of hopeful ones. `Cautious`, `Guarded`,
`ExplorationBudget` and `Phased` change another policy. Any object with a name and the verb `decide`
of `Policy` is a policy; `View.project` is the way into the limits. `decided` falls back on another
policy in a week that one cannot solve.
"""

from __future__ import annotations

from budgetopt.optimize import fit_shares, fit_spend
from budgetopt.policies.base import (
    BeliefView,
    Policy,
    View,
    check_chance,
    check_count,
    check_share,
    checked_policy,
)
from budgetopt.policies.baselines import EqualSplit, Greedy, HoldSteady, Proportional
from budgetopt.policies.bayesian import (
    ExplorationBudget,
    Optimistic,
    Phased,
    PosteriorMean,
    Thompson,
    UpperQuantile,
)
from budgetopt.policies.conservative import (
    Cautious,
    Decided,
    Guarded,
    Kept,
    conservative,
    decided,
    not_amounts,
)
from budgetopt.policies.registry import (
    DEFAULT,
    NAMES,
    as_policy,
    default_policy,
    policy_from_dict,
    policy_named,
    policy_to_dict,
)

__all__ = [
    "DEFAULT",
    "NAMES",
    "BeliefView",
    "Cautious",
    "Decided",
    "EqualSplit",
    "ExplorationBudget",
    "Greedy",
    "Guarded",
    "HoldSteady",
    "Kept",
    "Optimistic",
    "Phased",
    "Policy",
    "PosteriorMean",
    "Proportional",
    "Thompson",
    "UpperQuantile",
    "View",
    "as_policy",
    "check_chance",
    "check_count",
    "check_share",
    "checked_policy",
    "conservative",
    "decided",
    "default_policy",
    "fit_shares",
    "fit_spend",
    "not_amounts",
    "policy_from_dict",
    "policy_named",
    "policy_to_dict",
]
