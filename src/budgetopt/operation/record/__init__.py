"""What the ledger keeps of the inputs of a run, and what changed from run to run.

`inputs` are plan, policy and settings with their fingerprints; `histories` keeps histories as what
each says that the one before did not.
"""

from __future__ import annotations

from budgetopt.operation.record.histories import Difference, Known, recorded
from budgetopt.operation.record.inputs import (
    Inputs,
    belief_fingerprint,
    canonical,
    plan_fingerprint,
    plan_record,
    policy_record,
    what_changed,
)

__all__ = [
    "Difference",
    "Inputs",
    "Known",
    "belief_fingerprint",
    "canonical",
    "plan_fingerprint",
    "plan_record",
    "policy_record",
    "recorded",
    "what_changed",
]
