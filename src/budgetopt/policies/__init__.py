"""Policies: the past and the limits in, next week's money out.

From dull to subtle: `HoldSteady` moves nothing, `EqualSplit` and `Proportional` share by rule,
`Greedy` moves one step, `PosteriorMean` takes the optimum of the mean curves, `Thompson` that of
drawn curves, `UpperQuantile` and `Optimistic` that of hopeful ones. `Cautious`, `Guarded` and
`TestBudget` change another policy. Any object with a name and the verb `decide` of `Policy` is a
policy; `View.fit` draws what it wishes into the limits. `decided` falls back on another policy in a
week that one cannot solve.
"""

from __future__ import annotations

from budgetopt.policies.base import Learned, Policy, View
from budgetopt.policies.cautious import Cautious
from budgetopt.policies.checks import checked_policy
from budgetopt.policies.equal import EqualSplit
from budgetopt.policies.fit import fit_shares, fit_spend
from budgetopt.policies.greedy import Greedy
from budgetopt.policies.guarded import Guarded, Kept, conservative
from budgetopt.policies.hold import HoldSteady
from budgetopt.policies.named import DEFAULT, NAMES, policy_from_dict, policy_named, policy_to_dict
from budgetopt.policies.optimistic import Optimistic
from budgetopt.policies.otherwise import Decided, decided, not_amounts
from budgetopt.policies.posterior_mean import PosteriorMean
from budgetopt.policies.proportional import Proportional
from budgetopt.policies.test_budget import TestBudget
from budgetopt.policies.thompson import Thompson
from budgetopt.policies.upper_quantile import UpperQuantile

__all__ = [
    "DEFAULT",
    "NAMES",
    "Cautious",
    "Decided",
    "EqualSplit",
    "Greedy",
    "Guarded",
    "HoldSteady",
    "Kept",
    "Learned",
    "Optimistic",
    "Policy",
    "PosteriorMean",
    "Proportional",
    "TestBudget",
    "Thompson",
    "UpperQuantile",
    "View",
    "checked_policy",
    "conservative",
    "decided",
    "fit_shares",
    "fit_spend",
    "not_amounts",
    "policy_from_dict",
    "policy_named",
    "policy_to_dict",
]
