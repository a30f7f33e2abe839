"""One week's proposal: the plan of that week with its budget adjusted, and the decision for it.

A `BudgetAdjustment` is what was released to a week, taken off it, capped or widened, and
`plan_of_week` the plan with it. `WeekRequest` is what a week is decided from; `decide_nearest`
decides it, with change limits as little wider as will do where no split keeps them all. Last, the
money by channel of a recorded entry, and of a week.
"""

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
from budgetopt.errors import InfeasibleError
from budgetopt.history import History
from budgetopt.ledger import Entry
from budgetopt.money import difference_of, total_of
from budgetopt.optimize import believed_in
from budgetopt.plan import Held, Plan, Reserve
from budgetopt.policies import Policy
from budgetopt.weekly import (
    Decision,
    Guardrails,
    belief_for,
    last_spend,
    reallocate,
    target_statuses,
)
from budgetopt.workflow.ahead import least_widening, why_widened, widened
from budgetopt.workflow.validation import Spends, as_money, as_text
from budgetopt.workflow.week_state import WeekState


@dataclass(frozen=True)
class BudgetAdjustment:
    """Changes to one week's budget: reserve released, overspend repaid, caps, limits widened.

    Parameters
    ----------
    released
        Money released from the reserve.
    taken
        Money taken off the week, as earlier ones overspent.
    caps
        Most that channels get which are to pay for an overspend.
    widened
        Factors in thousandths of change limits that give, as no split keeps them.
    """

    released: Decimal = Decimal(0)
    taken: Decimal = Decimal(0)
    caps: tuple[tuple[str, Decimal], ...] = ()
    widened: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        caps = as_text(dict(self.caps))
        money = {"released": str(self.released), "taken": str(self.taken), "caps": caps}
        return {**money, "widened": dict(self.widened)} if self.widened else money

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the adjustment of `to_dict`."""
        caps = tuple(as_money(data["caps"]).items())
        wide = tuple(data.get("widened", {}).items())
        return cls(Decimal(data["released"]), Decimal(data["taken"]), caps, wide)


def plan_of_week(plan: Plan, week: dt.date, adjustment: BudgetAdjustment) -> Plan:
    """Return the plan as it is for one week, its budget adjusted.

    What is held back stays what it is, also where it is a share of the budget: money that is
    released was held back before.
    """
    dated = plan.on(Week(week))
    if adjustment == BudgetAdjustment():
        return dated
    parts = dated.reserve.parts(dated.money.minor(dated.budget, "budget"), dated.money)
    held = {kind: Held(dated.money.amount(minor)) for kind, minor in parts.items()}
    caps = dict(adjustment.caps)
    channels = tuple(
        replace(c, cap=caps[c.name] if c.cap is None else min(c.cap, caps[c.name]))
        if c.name in caps
        else c
        for c in dated.channels
    )
    budget = difference_of(total_of((dated.budget, adjustment.released)), adjustment.taken)
    own = replace(dated, budget=budget, reserve=Reserve(**held), channels=channels)
    return widened(own, dict(adjustment.widened))


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
    past = history.select(plan.names, plan.currency).until(week).complete()
    return belief_for(plan, past, week, belief)


@dataclass(frozen=True)
class WeekRequest:
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

    def decide(self, adjustment: BudgetAdjustment, last: Mapping[str, Decimal] | None) -> Decision:
        """Return the decision for an adjusted budget.

        Parameters
        ----------
        adjustment
            What the week's money is beside the plan.
        last
            Spends applied last; None for those that the history reports.

        Raises
        ------
        BudgetoptError
            What `reallocate` raises.
        """
        plan = (
            self.plan
            if adjustment == BudgetAdjustment()
            else plan_of_week(self.plan, self.week, adjustment)
        )
        # Where targets stand is worked out once, for the split that is proposed.
        return reallocate(
            replace(plan, targets=()),
            self.history,
            week=self.week,
            policy=self.policy,
            seed=self.seed,
            belief=self.learned,
            guardrails=self.guardrails,
            last=last,
        )

    def with_targets(self, decision: Decision) -> Decision:
        """Return a decision with where the plan's dated targets stand."""
        known = self.history.select(self.plan.names, self.plan.currency)
        stand = target_statuses(
            self.plan, known, self.learned, decision.allocation, decision.week, self.seed
        )
        return replace(decision, targets=stand)


@dataclass(frozen=True)
class NearestDecision:
    """A decision, the budget adjustment that it is made under, and which limits give for it.

    Parameters
    ----------
    decision
        The split.
    adjustment
        Its adjustment, with the change limits that are wider than declared.
    widened
        Why they are, in a sentence; empty where none is.
    """

    decision: Decision
    adjustment: BudgetAdjustment
    widened: str = ""


def decide_nearest(
    request: WeekRequest, adjustment: BudgetAdjustment, last: Mapping[str, Decimal] | None
) -> NearestDecision:
    """Return the decision for an adjusted budget, or the nearest one that can be kept.

    Raises
    ------
    InfeasibleError
        Where no split keeps the limits, however far the change limits give.
    BudgetoptError
        What `reallocate` raises.
    """
    try:
        return NearestDecision(request.decide(adjustment, last), adjustment)
    except InfeasibleError:
        plan = plan_of_week(request.plan, request.week, adjustment)
        before = last
        if before is None:
            before = last_spend(request.plan, request.history.until(request.week).complete())
        expected = believed_in(plan, Week(request.week), request.learned)
        by = least_widening(plan, expected, before)
        if not by:
            raise
        wide = replace(adjustment, widened=tuple(by.items()))
        return NearestDecision(request.decide(wide, last), wide, why_widened(plan, before, by))


def decision_text(decision: Decision) -> str:
    """Return a decision as the ledger keeps it: a text, since the order of channels counts."""
    return json.dumps(
        decision.to_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def decision_of(data: Mapping[str, Any]) -> Decision:
    """Return the decision of a proposal or an edit, verified again."""
    return Decision.from_json(data["decision"])


def spend_of(entry: Entry) -> Spends:
    """Return the money by channel that an entry is about, in the plan's order where it has one."""
    data = entry.data
    spend = data["spend"]
    moves = json.loads(data["decision"])["moves"] if "decision" in data else ()
    names = [move["channel"] for move in moves] or spend
    return {name: Decimal(spend[name]) for name in names}


def latest_split(state: WeekState) -> Spends:
    """Return what was applied in a week, or else what its newest revision gives."""
    entry = state.applied or state.current
    return {} if entry is None else spend_of(entry)
