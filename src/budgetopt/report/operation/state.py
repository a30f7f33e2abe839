"""Where a week stands and what has to be done next, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from budgetopt.operation.checks import RULE
from budgetopt.operation.state import WeekState
from budgetopt.plan import Plan
from budgetopt.report.layout import said
from budgetopt.report.operation.ledger import STATES, as_json, restored_of, standing
from budgetopt.words import Sentence, say

VERBS = {"proposed": "approve", "edited": "approve", "approved": "apply"}
"""The command that comes next, by state."""
_NEXT = {
    "none": say("Next: run the week."),
    "approved": say("Next: put it into effect, then say so:"),
    "rejected": say("Next: edit it, or run the week again with other inputs."),
    "applied": say("Next: nothing until the week is over; the run after it measures it."),
    "measured": say("The week is over and measured."),
}


def state_lines(state: WeekState, plan: Plan, command: str, language: str = "en") -> list[str]:
    """Return where a week stands, what is next, and the command for it.

    Parameters
    ----------
    state
        The state of the week.
    plan
        Its approvers are named where somebody has to approve.
    command
        The command that is next, which is not wrapped; empty for none.
    language
        ``"en"`` or ``"zh"``.
    """
    lines = [said(_stands(state), language)]
    lines += [said(next_step(state, plan), language)]
    return [*lines, f"  {command}"] if command else lines


def next_step(state: WeekState, plan: Plan) -> Sentence:
    """Return what has to be done next with a week, in a sentence."""
    if state.state not in ("proposed", "edited"):
        return _NEXT[state.state]
    assert state.current is not None
    why = clauses(restored_of(state.current, "needs"))
    approvers = () if plan.operation.approval is None else plan.operation.approval.approvers
    values: dict[str, Any] = {"why": why, "approvers": approvers}
    if approvers and why:
        return say("Next: {approvers} may approve it, as {why}:", **values)
    if approvers:
        return say("Next: {approvers} may approve it:", **values)
    return say("Next: approve it, as {why}:", **values) if why else say("Next: approve it:")


def clauses(texts: Sequence[str]) -> str:
    """Return clauses one after the other, each of which may have commas of its own."""
    return reduce(lambda one, other: say("{one}; {other}", one=one, other=other), texts or ("",))


def state_json(state: WeekState, command: str, **more: Any) -> str:
    """Return where a week stands as JSON, with the command that is next."""
    plain = {
        "week": str(state.week),
        "state": state.state,
        "revision": state.revision,
        "spend": {name: str(money) for name, money in standing(state).items()},
        "next": command or None,
    }
    return as_json(plain | more)


def _stands(state: WeekState) -> Sentence:
    values = {
        "week": str(state.week),
        "state": STATES[state.state],
        "revision": str(state.revision),
    }
    verdict = state.verdict
    if verdict is None or state.state not in ("approved", "rejected"):
        return say("Week of {week}: {state}, revision {revision}.", **values)
    by = str(verdict.data["by"])
    if by == RULE:
        return say("Week of {week}: {state} by rule, revision {revision}.", **values)
    values |= {"who": by, "why": clauses(restored_of(verdict, "why"))}
    if values["why"]:
        return say("Week of {week}: {state} by {who}, revision {revision} ({why}).", **values)
    return say("Week of {week}: {state} by {who}, revision {revision}.", **values)
