"""Policies: the past and the limits in, next week's money out.

From dull to subtle: `HoldSteady` moves nothing, `Proportional` shares by trailing ROAS,
`PosteriorMean` takes the optimum of the mean curves, `Thompson` that of drawn curves. Any object
with a name and the verb `decide` of `Policy` is a policy; `View.fit` draws what it wishes into the
limits.
"""

from __future__ import annotations

import re

from budgetopt.errors import InputError, did_you_mean
from budgetopt.policies.base import Learned, Policy, View
from budgetopt.policies.fit import fit_shares, fit_spend
from budgetopt.policies.hold import HoldSteady
from budgetopt.policies.posterior_mean import PosteriorMean
from budgetopt.policies.proportional import Proportional
from budgetopt.policies.thompson import Thompson

__all__ = [
    "NAMES",
    "HoldSteady",
    "Learned",
    "Policy",
    "PosteriorMean",
    "Proportional",
    "Thompson",
    "View",
    "fit_shares",
    "fit_spend",
    "policy_named",
]

NAMES = ("posterior-mean", "thompson", "proportional", "hold")
"""Names that `policy_named` takes; ``thompson(10)`` and ``proportional(4)`` set their number."""


def policy_named(name: str) -> Policy:
    """Return the policy of a name such as ``hold`` or ``thompson(10)``.

    Raises
    ------
    InputError
        ``unknown-name``, or ``bad-argument`` for a number out of range.
    """
    match = re.fullmatch(r"([a-z-]+)(?:\((\d{1,6})\))?", name.strip().lower())
    base, number = match.groups() if match else (name, None)
    if base in ("thompson", "proportional"):
        kind = Thompson if base == "thompson" else Proportional
        return kind(int(number)) if number else kind()
    if number is None and base in NAMES:
        return HoldSteady() if base == "hold" else PosteriorMean()
    raise InputError(
        "unknown-name",
        f"policy {name!r} is not known",
        field="policy",
        value=name,
        remedy=did_you_mean(base, NAMES),
    )
