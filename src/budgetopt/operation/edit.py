"""Somebody wants another split: it is held against every limit, priced, and needs approval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief import Belief
from budgetopt.errors import InputError
from budgetopt.figures import show_figure
from budgetopt.history import History
from budgetopt.ledger import Ledger
from budgetopt.money import show_amount
from budgetopt.operation.approve import approve_by_rule, name_needed
from budgetopt.operation.broken import breaks, broken_limit
from budgetopt.operation.checks import Spends, as_text, named, reason, spends_of, week_of
from budgetopt.operation.propose import Terms, decision_of, decision_text, learned_for, plan_of_week
from budgetopt.operation.record import Inputs, belief_fingerprint, plan_fingerprint
from budgetopt.operation.state import WeekState, state_of
from budgetopt.optimize import Problem, draws_of, problem_of, settle
from budgetopt.plan import Bounds, Plan
from budgetopt.weekly import Decision
from budgetopt.weekly.guard import best_split, holding
from budgetopt.weekly.reallocate import DRAWS
from budgetopt.weekly.reasons import moves_of
from budgetopt.words import Sentence, say, templates_of

_SAME = 1e-9
"""Share by which an expected outcome may differ and still be from the same curves: another machine
may add in another order."""
EDIT = "edit"
"""Whose split an edited one is, in place of a policy's name."""


@dataclass(frozen=True)
class Edited:
    """An edited split, verified and priced.

    Parameters
    ----------
    decision
        The new revision.
    cost
        Expected outcome of the split that it takes the place of, less its own, under the same
        curves; below zero where the edit brings more.
    instead
        Expected outcome of that split.
    needs
        Why it needs a name; empty where it is approved by rule.
    state
        The state of the week, None where the edit was only priced.
    proposed
        Expected outcome of the proposal, where the edit takes the place of another edit.
    """

    decision: Decision
    cost: float
    instead: float
    needs: tuple[str, ...] = ()
    state: WeekState | None = None
    proposed: float | None = None

    def sentence(self, outcome: str = "outcome") -> Sentence:
        """Return what the edit costs, in one sentence.

        Parameters
        ----------
        outcome
            What comes back is called so, as in the plan.
        """
        said = _price(self.cost, outcome)
        if self.proposed is None:
            return said
        cost = self.proposed - self.decision.allocation.outcome
        values = {"edit": said, "cost": show_figure(abs(cost), 4)}
        if cost > 0:
            return say("{edit}, and costs {cost} against the proposal", **values)
        if cost < 0:
            return say("{edit}, and brings {cost} more than the proposal", **values)
        return say("{edit}, and costs nothing against the proposal", **values)


def _price(cost: float, outcome: str) -> Sentence:
    values = {"cost": show_figure(abs(cost), 4), "outcome": outcome}
    if cost > 0:
        return say("this edit costs {cost} of expected {outcome} in this week", **values)
    if cost < 0:
        return say("this edit brings {cost} more of expected {outcome} in this week", **values)
    return say("this edit changes no expected {outcome}", outcome=outcome)


def edit(
    ledger: Ledger,
    plan: Plan,
    history: History,
    week: dt.date | str,
    spends: Mapping[str, Any],
    *,
    who: str,
    why: str,
    belief: Belief | None = None,
) -> Edited:
    """Put another split in the place of the newest revision of a week.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan, history, belief
        Those that the week was proposed from, so that the curves are the same.
    week
        A day of the week.
    spends
        Money of the channels that change; the others keep what the newest revision gives them.
    who, why
        Who edits, and why.

    Returns
    -------
    Edited
        Recorded as a new revision, which needs approval as any other.

    Raises
    ------
    InputError
        ``broken-limit`` with the limit that the split breaks; ``wrong-state``; ``bad-argument``
        where plan or history are not those of the proposal, or no reason is given.
    LedgerError
        Where the ledger cannot be written.
    """
    start, who, why = week_of(plan, week), named(who), reason(why)
    seen = state_of(ledger, start)
    made = priced(seen, plan, history, spends, belief=belief)
    assert seen.current is not None
    needs = name_needed(plan, made.decision)
    said = (made.sentence(plan.outcome), *needs)
    with ledger.transaction(who) as t:
        state = state_of(t, start)
        state.require("edit")
        if state != seen:
            raise _overtaken(state)
        revision = state.revision + 1
        data = {
            "decision": decision_text(made.decision),
            "spend": as_text(made.decision.allocation.spend),
            "terms": seen.current.data["terms"],
            "budget": str(made.decision.allocation.budget),
            "held": seen.current.data["held"],
            "limits": dict(made.decision.allocation.limits()),
            "why": why,
            "cost": made.cost,
            "instead": made.instead,
            "edited": state.revision,
            "sentence": said[0],
            "needs": list(needs),
            "words": templates_of(said),
        }
        t.add("edit", data, week=start, revision=revision, key=f"{start}/{revision}")
        approve_by_rule(t, plan, made.decision, state_of(t, start))
        return replace(made, needs=needs, state=state_of(t, start))


def priced(
    state: WeekState,
    plan: Plan,
    history: History,
    spends: Mapping[str, Any],
    *,
    belief: Belief | None = None,
) -> Edited:
    """Return what a split would be as an edit of a week, verified and priced, and record nothing.

    Parameters
    ----------
    state
        The state of the week, as `state_of` returns it.
    plan, history, spends, belief
        As in `edit`.

    Raises
    ------
    InputError
        As `edit` does.
    """
    state.require("edit")
    assert state.current is not None
    assert state.proposal is not None
    known = history.select(plan.names)
    _refuse_others(plan, known, belief, Inputs.from_dict(state.proposal.data["inputs"]))
    base = decision_of(state.current.data)
    wanted = spends_of(plan, spends, base.allocation.spend)
    learned = learned_for(plan, known, state.week, belief)
    dated = plan_of_week(plan, state.week, Terms.from_dict(state.proposal.data["terms"]))
    last = dict(base.allocation.last)
    problem = problem_of(dated, learned, last or None)
    frozen = _frozen(plan, problem, base)
    held = holding(problem, frozen)
    _refuse_broken(problem, held, frozen, wanted)
    best, _ = best_split(held)
    minor = problem.money.minors(wanted, "spends")
    drawn = draws_of(dated, learned, DRAWS, base.seed)
    solved = best._replace(spend=minor / problem.money.units, method=EDIT)
    settled = settle(dated, _pinned(held, minor), solved, drawn)
    # Under the rules that it was pinned without: verified once more.
    allocation = replace(settled, rules=held.rules)
    value = problem.curves.value
    instead = float(value(np.array([float(m) for m in base.allocation.spend.values()])).sum())
    if not isclose(instead, base.allocation.outcome, rel_tol=_SAME):
        raise _other("expected outcome", instead)
    before = {move.channel: move.before for move in base.moves if move.before is not None}
    decision = Decision(
        week=base.week,
        allocation=allocation,
        moves=moves_of(allocation, before, held, best.prices, drawn=drawn),
        policy=base.policy,
        seed=base.seed,
        gain=float(allocation.outcome - value(held.last_money).sum()) if before else None,
        history=base.history,
        notes=allocation.notes,
        decided_by=EDIT,
    )
    second = state.current != state.proposal
    proposed = decision_of(state.proposal.data).allocation.outcome if second else None
    return Edited(decision, instead - allocation.outcome, instead, proposed=proposed)


def _frozen(plan: Plan, problem: Problem, base: Decision) -> dict[str, str]:
    """Return the channels that a freeze holds, by the name of the freeze.

    Where other limits moved a channel in spite of its freeze, the freeze holds no edit either.
    """
    frozen = plan.frozen(base.week)
    if problem.last is None or not frozen:
        return {}
    stays = np.clip(problem.last, problem.bounds.lower, problem.bounds.upper)
    there = problem.money.minors(base.allocation.spend, "spends")
    kept = dict(zip(problem.names, (stays == there).tolist(), strict=True))
    return {name: freeze for name, freeze in frozen.items() if kept[name]}


def _pinned(problem: Problem, minor: NDArray[np.int64]) -> Problem:
    """Return a problem whose bounds leave one split; a limit is named where that stands at it."""
    bounds = problem.bounds
    rules = (
        np.where(minor == bound, rule, 0).astype(np.int8)
        for bound, rule in (
            (bounds.lower, bounds.lower_rule),
            (bounds.upper, bounds.upper_rule),
        )
    )
    return replace(problem, bounds=Bounds(minor, minor, *rules))


def _refuse_others(plan: Plan, history: History, belief: Belief | None, inputs: Inputs) -> None:
    """Refuse other inputs than those of the proposal: other curves, other prices."""
    for field, now, then in (
        ("plan", plan_fingerprint(plan), inputs.plan),
        ("history", history.fingerprint, inputs.history),
        ("belief", belief_fingerprint(belief), inputs.belief),
    ):
        if now != then:
            raise _other(field, now)


def _other(field: str, value: Any) -> InputError:
    return InputError(
        "bad-argument",
        f"the {field} is not the one that the week was proposed from",
        field=field,
        value=value,
        remedy="run the week again, and edit the revision that it proposes",
    )


def _refuse_broken(
    problem: Problem, held: Problem, frozen: Mapping[str, str], wanted: Spends
) -> None:
    """Refuse a split that breaks a limit of the plan, by the name of the limit."""
    minor = problem.money.minors(wanted, "spends")
    for at, name in enumerate(problem.names):
        stays = int(held.bounds.lower[at])
        if name in frozen and minor[at] != stays:
            there, asked = (show_amount(problem.money.amount(m)) for m in (stays, int(minor[at])))
            problem_said = f"spend of {name!r} is {asked}, but {frozen[name]!r} keeps it at {there}"
            raise broken_limit(problem_said, name, asked)
    outcome = problem.curves.value(minor / problem.money.units)
    for error in breaks(problem.names, minor, problem.rules, outcome):
        raise error


def _overtaken(state: WeekState) -> InputError:
    return InputError(
        "wrong-state",
        f"the week of {state.week} has changed meanwhile, and is {state.state}, revision "
        f"{state.revision}",
        field="week",
        value=str(state.week),
        remedy="look at the newest revision, and edit it",
    )
