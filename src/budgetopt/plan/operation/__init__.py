"""How weeks are run: phases, freezes, who approves, pacing, releases, fiscal periods and alerts.

`Operation` holds the parts; each checks itself. What follows for one dated week is in `dated`:
`Plan.on`, `Plan.budget_of` and `Plan.frozen` ask there.
"""

from __future__ import annotations

from budgetopt.plan.operation.alerts import AlertRules
from budgetopt.plan.operation.approval import Approval
from budgetopt.plan.operation.freeze import Freeze
from budgetopt.plan.operation.operation import Operation
from budgetopt.plan.operation.pacing import Pacing
from budgetopt.plan.operation.phase import Phase
from budgetopt.plan.operation.release import Release

__all__ = ["AlertRules", "Approval", "Freeze", "Operation", "Pacing", "Phase", "Release"]
