"""One week's proposal: the plan of that week, and the decision under it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from budgetopt.belief import Belief
from budgetopt.calendar import Week
from budgetopt.history import History
from budgetopt.plan import Plan, Reserve
from budgetopt.plan.reserve import Held
from budgetopt.policies import Policy
from budgetopt.weekly import Decision, Guardrails, reallocate


def plan_of_week(plan: Plan, week: dt.date, released: Decimal) -> Plan:
    """Return the plan as it is for one week, with what is released from the reserve in its budget.

    What is held back stays what it is, also where it is a share of the budget: money that is
    released was held back before.
    """
    dated = plan.on(Week(week))
    if not released:
        return dated
    parts = dated.reserve.parts(dated.money.minor(dated.budget, "budget"), dated.money)
    held = {kind: Held(dated.money.amount(minor)) for kind, minor in parts.items()}
    return replace(dated, budget=dated.budget + released, reserve=Reserve(**held))


@dataclass(frozen=True)
class Asked:
    """What a week is decided from, the money released apart.

    Parameters
    ----------
    plan
        As it is declared, for all weeks.
    history
        All that is known.
    week
        First day of the week decided.
    policy, guardrails, seed, belief
        As in `reallocate`.
    last
        Spends applied last; None for those of the history.
    """

    plan: Plan
    history: History
    week: dt.date
    policy: Policy
    guardrails: Guardrails | None
    seed: int
    belief: Belief | None
    last: Mapping[str, Decimal] | None = None

    def decided(self, released: Decimal) -> Decision:
        """Return the decision with some money released.

        Raises
        ------
        BudgetoptError
            What `reallocate` raises.
        """
        return reallocate(
            plan_of_week(self.plan, self.week, released),
            self.history,
            week=self.week,
            policy=self.policy,
            seed=self.seed,
            belief=self.belief,
            guardrails=self.guardrails,
            last=self.last,
        )


def decision_text(decision: Decision) -> str:
    """Return a decision as the ledger keeps it: a text, since the order of channels counts."""
    return json.dumps(
        decision.to_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def decision_of(data: Mapping[str, Any]) -> Decision:
    """Return the decision of a proposal or an edit, verified again."""
    return Decision.from_json(data["decision"])
