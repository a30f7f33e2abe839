"""Who has to say yes: the rules that ask for a name, and approving or rejecting by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from budgetopt.errors import InputError, did_you_mean
from budgetopt.ledger import Ledger, Transaction
from budgetopt.money import show_amount
from budgetopt.operation.checks import RULE, named, reason, week_of
from budgetopt.operation.record import Inputs, plan_fingerprint
from budgetopt.operation.state import WeekState, state_of
from budgetopt.plan import Plan
from budgetopt.weekly import Decision, Move
from budgetopt.words import say, templates_of


def name_needed(plan: Plan, decision: Decision) -> tuple[str, ...]:
    """Return why a decision needs a name, one sentence a reason; empty where none is needed.

    A channel that had nothing and gets something moves by more than any share of what it had.

    Parameters
    ----------
    plan
        Its ``operation.approval`` has the rules; without them every decision needs a name.
    decision
        What is proposed.
    """
    rules = plan.operation.approval
    if rules is None:
        return (say("the plan has no approval rules, so every proposal needs a name"),)
    found: list[str] = []
    for move in decision.moves:
        money = abs(move.change)
        if rules.move is not None and money > rules.move:
            found.append(
                _above("{channel} moves by {money}, above {limit}", move, money, rules.move)
            )
        if rules.move_share is not None and money > rules.move_share * (move.before or Decimal(0)):
            found.append(_share(move, rules.move_share))
        if rules.channel is not None and move.after > rules.channel:
            found.append(
                _above("{channel} gets {money}, above {limit}", move, move.after, rules.channel)
            )
    total = decision.allocation.total
    if rules.total is not None and total > rules.total:
        shown = {"money": show_amount(total), "limit": show_amount(rules.total)}
        found.append(say("the week is {money}, above {limit}", **shown))
    return tuple(found)


def approve_by_rule(t: Transaction, plan: Plan, decision: Decision, state: WeekState) -> None:
    """Approve the newest revision of a week where no rule asks for a name."""
    if not name_needed(plan, decision):
        why = say("no rule of the plan asks for a name")
        _judge(t, "approval", state, RULE, (why,))


def approve(
    ledger: Ledger,
    plan: Plan,
    week: dt.date | str,
    *,
    who: str,
    why: str = "",
    revision: int | None = None,
) -> WeekState:
    """Approve the newest revision of a week by name.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan
        Its ``operation.approval.approvers`` are those who may; anybody with a name without them.
    week
        A day of the week.
    who, why
        Who says so, and why.
    revision
        The revision that was looked at; where given, another one is not approved unseen.

    Returns
    -------
    WeekState
        Approved.

    Raises
    ------
    InputError
        ``wrong-state`` where there is nothing to approve, ``unknown-name`` for somebody who may
        not, ``bad-argument`` for another plan than the proposal's, whose approvers count.
    LedgerError
        Where the ledger cannot be written.
    """
    approvers = () if plan.operation.approval is None else plan.operation.approval.approvers
    if approvers and who not in approvers:
        raise InputError(
            "unknown-name",
            f"{who!r} is not among the approvers of the plan",
            field="who",
            value=who,
            remedy=did_you_mean(who, approvers),
        )
    return _verdict(ledger, plan, week, "approval", named(who), why, revision)


def reject(
    ledger: Ledger,
    plan: Plan,
    week: dt.date | str,
    *,
    who: str,
    why: str,
    revision: int | None = None,
) -> WeekState:
    """Reject the newest revision of a week by name; one that was approved may be, until applied.

    Parameters and errors are those of `approve`; anybody may reject, and must say why
    (``bad-argument``).
    """
    return _verdict(ledger, plan, week, "rejection", named(who), reason(why), revision)


def _verdict(
    ledger: Ledger,
    plan: Plan,
    week: dt.date | str,
    kind: str,
    who: str,
    why: str,
    revision: int | None,
) -> WeekState:
    start = week_of(plan, week)
    with ledger.transaction(who) as t:
        state = state_of(t, start)
        state.require(kind)
        if kind == "approval":
            _refuse_another(plan, state)
        if revision not in (None, state.revision):
            raise InputError(
                "wrong-state",
                f"revision {revision} of the week of {start} is not the newest, which is "
                f"{state.revision}",
                field="revision",
                value=revision,
                remedy="look at the newest revision first",
            )
        _judge(t, kind, state, who, (why,) if why else ())
        return state_of(t, start)


def _refuse_another(plan: Plan, state: WeekState) -> None:
    """Refuse to approve by other rules than those that the week was proposed under."""
    assert state.proposal is not None
    if plan_fingerprint(plan) != Inputs.from_dict(state.proposal.data["inputs"]).plan:
        raise InputError(
            "bad-argument",
            "the plan is not the one that the week was proposed from",
            field="plan",
            remedy="run the week again, and approve the revision that it proposes",
        )


def _judge(t: Transaction, kind: str, state: WeekState, who: str, why: Iterable[str]) -> None:
    said = tuple(why)
    data: dict[str, Any] = {"by": who, "why": list(said), "words": templates_of(said)}
    # A revision may be approved and then rejected, each of them once.
    t.add(
        kind, data, week=state.week, revision=state.revision, key=f"{state.week}/{state.revision}"
    )


def _above(template: str, move: Move, money: Decimal, limit: Decimal) -> str:
    shown = {"money": show_amount(money), "limit": show_amount(limit)}
    return say(template, channel=move.channel, **shown)


def _share(move: Move, limit: Decimal) -> str:
    most = f"{float(limit) * 100:.4g} %"
    if not move.before:
        template = "{channel} had nothing and gets {money}, above {share} of what it had"
        return say(template, channel=move.channel, money=show_amount(move.after), share=most)
    moved = f"{float(abs(move.change) / move.before) * 100:.4g} %"
    template = "{channel} moves by {moved} of what it had, above {share}"
    return say(template, channel=move.channel, moved=moved, share=most)
