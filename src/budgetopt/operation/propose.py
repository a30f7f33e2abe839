"""One week's proposal: the plan of that week, and the decision under it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from budgetopt.belief import Belief
from budgetopt.calendar import Week
from budgetopt.history import History
from budgetopt.operation.checks import as_money, as_text
from budgetopt.plan import Plan, Reserve
from budgetopt.plan.reserve import Held
from budgetopt.policies import Policy
from budgetopt.weekly import Decision, Guardrails, reallocate
from budgetopt.weekly.continued import belief_for


@dataclass(frozen=True)
class Terms:
    """What a week's money is beside what the plan says.

    Parameters
    ----------
    released
        Money released from the reserve.
    taken
        Money taken off the week, as earlier ones overspent.
    caps
        Most that channels get which are to pay for an overspend.
    """

    released: Decimal = Decimal(0)
    taken: Decimal = Decimal(0)
    caps: tuple[tuple[str, Decimal], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        caps = as_text(dict(self.caps))
        return {"released": str(self.released), "taken": str(self.taken), "caps": caps}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the terms of `to_dict`."""
        caps = tuple(as_money(data["caps"]).items())
        return cls(Decimal(data["released"]), Decimal(data["taken"]), caps)


def plan_of_week(plan: Plan, week: dt.date, terms: Terms) -> Plan:
    """Return the plan as it is for one week, under the terms of that week.

    What is held back stays what it is, also where it is a share of the budget: money that is
    released was held back before.
    """
    dated = plan.on(Week(week))
    if terms == Terms():
        return dated
    parts = dated.reserve.parts(dated.money.minor(dated.budget, "budget"), dated.money)
    held = {kind: Held(dated.money.amount(minor)) for kind, minor in parts.items()}
    caps = dict(terms.caps)
    channels = tuple(
        replace(c, cap=caps[c.name] if c.cap is None else min(c.cap, caps[c.name]))
        if c.name in caps
        else c
        for c in dated.channels
    )
    budget = dated.budget + terms.released - terms.taken
    return replace(dated, budget=budget, reserve=Reserve(**held), channels=channels)


def learned_for(plan: Plan, history: History, week: dt.date, belief: Belief | None) -> Belief:
    """Return what is believed before a week, as `reallocate` learns it.

    Parameters
    ----------
    plan
        As it is declared: what is learned does not depend on the money of one week.
    history
        All that is known.
    week
        First day of the week.
    belief
        What was learned before; None to learn from the history alone.
    """
    past = history.select(plan.names).until(week).complete()
    return belief_for(plan, past, week, belief)


@dataclass(frozen=True)
class Asked:
    """What a week is decided from, its money and the applied spends apart.

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
    """

    plan: Plan
    history: History
    week: dt.date
    policy: Policy
    guardrails: Guardrails | None
    seed: int
    belief: Belief | None

    @cached_property
    def learned(self) -> Belief:
        """What is believed before the week."""
        return learned_for(self.plan, self.history, self.week, self.belief)

    def decided(self, terms: Terms, last: Mapping[str, Decimal] | None) -> Decision:
        """Return the decision under some terms.

        Parameters
        ----------
        terms
            What the week's money is beside the plan.
        last
            Spends applied last; None for those that the history reports.

        Raises
        ------
        BudgetoptError
            What `reallocate` raises.
        """
        plan = self.plan if terms == Terms() else plan_of_week(self.plan, self.week, terms)
        return reallocate(
            plan,
            self.history,
            week=self.week,
            policy=self.policy,
            seed=self.seed,
            belief=self.learned,
            guardrails=self.guardrails,
            last=last,
        )


def decision_text(decision: Decision) -> str:
    """Return a decision as the ledger keeps it: a text, since the order of channels counts."""
    return json.dumps(
        decision.to_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def decision_of(data: Mapping[str, Any]) -> Decision:
    """Return the decision of a proposal or an edit, verified again."""
    return Decision.from_json(data["decision"])
