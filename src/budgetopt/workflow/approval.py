"""What people do with a week: approve, reject, edit, apply, and release contingency.

`name_needed` says which rules ask for a name; `approve`, `reject` and `approve_by_rule` record the
verdict. `edit` puts another split in the place of a revision, held against every limit and
`priced`; `apply` records what was really applied, a broken limit included, since it is a fact;
`release` and `write_due` take money out of the contingency reserve, by hand and by rule.

Each reads and writes in one transaction; what state a week may go to is in `week_state`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import public
from budgetopt.belief import Belief
from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.i18n import Message, messages_of, say, show_figure
from budgetopt.ledger import Entry, Ledger, Transaction
from budgetopt.money import show_amount, show_share
from budgetopt.notebook import short
from budgetopt.optimize import Problem, believed_in, draws_of, last_split, problem_of, settle
from budgetopt.plan import Bounds, Plan
from budgetopt.weekly import (
    DRAWS,
    Decision,
    Gains,
    Move,
    best_split,
    gains_of,
    holding,
    moves_of,
    target_statuses,
)
from budgetopt.workflow.inputs import Inputs, belief_fingerprint, plan_fingerprint
from budgetopt.workflow.proposal import (
    BudgetAdjustment,
    decision_of,
    decision_text,
    learned_for,
    plan_of_week,
)
from budgetopt.workflow.reserves import Answered, Balances, Due, Movement, release_by_hand
from budgetopt.workflow.snapshot import overspend_key, take_snapshot
from budgetopt.workflow.validation import (
    RULE,
    Spends,
    as_money,
    as_text,
    broken_limit,
    broken_limits,
    check_approver,
    ledger_of,
    named,
    next_week,
    reason,
    spends_of,
    week_of,
)
from budgetopt.workflow.week_state import WeekState, state_of


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
        return (say("approval-rules-missing"),)
    found: list[str] = []
    for move in decision.moves:
        money = move.change.copy_abs()
        if rules.move is not None and money > rules.move:
            found.append(_above("move-above-amount", move, money, rules.move))
        share = None if rules.move_share is None else Fraction(rules.move_share)
        if share is not None and Fraction(money) > share * Fraction(move.before or 0):
            found.append(_share(move, share))
        if rules.channel is not None and move.after > rules.channel:
            found.append(_above("channel-above-amount", move, move.after, rules.channel))
    total = decision.allocation.total
    if rules.total is not None and total > rules.total:
        shown = {"money": show_amount(total), "limit": show_amount(rules.total)}
        found.append(say("week-above-amount", **shown))
    return tuple(found)


def critical(count: int) -> tuple[Message, ...]:
    """Return why a week beside critical alerts needs a name; nothing where there are none."""
    if not count:
        return ()
    if count == 1:
        return (say("one-critical-alert"),)
    return (say("critical-alerts", count=count),)


def alarmed(proposal: Entry) -> tuple[Message, ...]:
    """Return why whatever takes the place of a proposal needs a name: its critical alerts."""
    return critical(proposal.data.get("critical", 0))


def approve_by_rule(t: Transaction, needs: tuple[str, ...], state: WeekState) -> None:
    """Approve the newest revision of a week where nothing asks for a name."""
    if not needs:
        why = say("no-approval-needed")
        _judge(t, "approval", state, RULE, (why,))


@public
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
    check_approver(plan, who)
    return _verdict(ledger, plan, week, "approval", named(who), why, revision)


@public
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
    with ledger_of(ledger, plan).transaction(who) as t:
        state = state_of(t, start)
        state.require(kind)
        if kind == "approval":
            _refuse_another(plan, state)
        if revision not in (None, state.revision):
            raise InputError(
                "wrong-state",
                say(
                    "revision-not-newest",
                    revision=str(revision),
                    week=str(start),
                    newest=str(state.revision),
                ),
                field="revision",
                value=revision,
                remedy=say("remedy-review-first"),
            )
        _judge(t, kind, state, who, (why,) if why else ())
        return state_of(t, start)


def _refuse_another(plan: Plan, state: WeekState) -> None:
    """Refuse to approve by other rules than those that the week was proposed under."""
    assert state.proposal is not None
    if plan_fingerprint(plan) != Inputs.from_dict(state.proposal.data["inputs"]).plan:
        raise InputError(
            "bad-argument",
            say("plan-week-proposed"),
            field="plan",
            remedy=say("remedy-run-week-again-approve"),
        )


def _judge(t: Transaction, kind: str, state: WeekState, who: str, why: Iterable[str]) -> None:
    said = tuple(why)
    data: dict[str, Any] = {"by": who, "why": list(said), "words": messages_of(said)}
    # A revision may be approved and then rejected, each of them once.
    t.add(
        kind, data, week=state.week, revision=state.revision, key=f"{state.week}/{state.revision}"
    )


def _above(template: str, move: Move, money: Decimal, limit: Decimal) -> str:
    shown = {"money": show_amount(money), "limit": show_amount(limit)}
    return say(template, channel=move.channel, **shown)


def _share(move: Move, limit: Fraction) -> str:
    most = f"{show_share(limit)} %"
    if not move.before:
        template = "new-channel-above-share"
        return say(template, channel=move.channel, money=show_amount(move.after), share=most)
    moved = f"{show_share(abs(Fraction(move.change)) / Fraction(move.before))} %"
    template = "move-above-share"
    return say(template, channel=move.channel, moved=moved, share=most)


_SAME = 1e-9
"""Share by which an expected outcome may differ and still be from the same curves: another machine
may add in another order."""
EDIT = "edit"
"""Whose split an edited one is, in place of a policy's name."""


@short
@dataclass(frozen=True)
class Edited:
    """An edited split, verified and priced.

    Parameters
    ----------
    decision
        The new revision.
    cost
        What the split that it takes the place of brings by the plan's goal, less what it brings
        itself, under the same curves; below zero where the edit brings more.
    instead
        Expected outcome of that split.
    needs
        Why it needs a name; empty where it is approved by rule.
    state
        The state of the week, None where the edit was only priced.
    proposed
        The same of the proposal, where the edit takes the place of another edit.
    """

    decision: Decision
    cost: float
    instead: float
    needs: tuple[str, ...] = ()
    state: WeekState | None = None
    proposed: float | None = None

    def sentence(self, outcome: str = "outcome") -> Message:
        """Return what the edit costs, in one sentence.

        Parameters
        ----------
        outcome
            What comes back is called so, as in the plan.
        """
        week = self.decision.allocation
        said = _price(self.cost, outcome, week.goal)
        if self.proposed is None:
            return said
        cost = self.proposed - week.worth
        values = {"edit": said, "cost": show_figure(abs(cost), 4)}
        if cost > 0:
            return say("edit-worse-than-proposal", **values)
        if cost < 0:
            return say("edit-better-than-proposal", **values)
        return say("edit-equals-proposal", **values)


def _price(cost: float, outcome: str, goal: str) -> Message:
    values = {"cost": show_figure(abs(cost), 4), "outcome": outcome}
    if goal == "least-spend":
        if cost > 0:
            return say("edit-more-money", cost=values["cost"])
        if cost < 0:
            return say("edit-less-money", cost=values["cost"])
        return say("edit-same-money")
    if goal == "weights":
        values["outcome"] = say("weighted-outcome")
    if goal == "profit":
        values["outcome"] = say("profit")
    if cost > 0:
        return say("edit-costs", **values)
    if cost < 0:
        return say("edit-gains", **values)
    return say("edit-neutral", outcome=outcome)


@public
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
    ledger = ledger_of(ledger, plan)
    before = state_of(ledger, start)
    made = priced(before, plan, history, spends, belief=belief)
    assert before.current is not None
    assert before.proposal is not None
    needs = (*name_needed(plan, made.decision), *alarmed(before.proposal))
    said = (made.sentence(plan.outcome), *needs)
    with ledger.transaction(who) as t:
        state = state_of(t, start)
        state.require("edit")
        if state != before:
            raise _overtaken(state)
        revision = state.revision + 1
        data = {
            "decision": decision_text(made.decision),
            "spend": as_text(made.decision.allocation.spend),
            "terms": before.current.data["terms"],
            "budget": str(made.decision.allocation.budget),
            "held": before.current.data["held"],
            "limits": {name: rule.code for name, rule in made.decision.allocation.limits()},
            "why": why,
            "cost": made.cost,
            "instead": made.instead,
            "edited": state.revision,
            "sentence": said[0],
            "needs": list(needs),
            "words": messages_of(said),
        }
        t.add("edit", data, week=start, revision=revision, key=f"{start}/{revision}")
        approve_by_rule(t, needs, state_of(t, start))
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
    known = history.select(plan.names, plan.currency)
    _refuse_others(plan, known, belief, Inputs.from_dict(state.proposal.data["inputs"]))
    base = decision_of(state.current.data)
    wanted = spends_of(plan, spends, base.allocation.spend)
    learned = learned_for(plan, known, state.week, belief)
    dated = plan_of_week(plan, state.week, BudgetAdjustment.from_dict(state.proposal.data["terms"]))
    last = dict(base.allocation.last)
    expected = believed_in(plan, Week(state.week), learned)
    problem = problem_of(dated, expected, last or None)
    frozen = _frozen(plan, problem, base)
    held = holding(problem, frozen)
    _refuse_broken(problem, held, frozen, wanted)
    best, _ = best_split(held)
    minor = problem.money.minors(wanted, "spends")
    drawn = draws_of(dated, expected, DRAWS, base.seed)
    solved = best._replace(spend=minor / problem.money.units, method=EDIT)
    against = last_split(held, solved.spend)
    settled = settle(dated, _pinned(held, minor), solved, drawn, against=against)
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
        gains=gains_of(held, allocation, expected) if before else Gains(),
        history=base.history,
        notes=allocation.notes,
        decided_by=EDIT,
        beyond=base.beyond,
        targets=target_statuses(plan, known, learned, allocation, base.week, base.seed),
    )
    second = state.current != state.proposal
    proposed = decision_of(state.proposal.data).allocation.worth if second else None
    cost = base.allocation.worth - allocation.worth
    return Edited(decision, cost, instead, proposed=proposed)


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
        say("not-as-proposed", field=field),
        field=field,
        value=value,
        remedy=say("remedy-run-week-again-edit"),
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
            kept = say("frozen-keeps", name=name, asked=asked, what=frozen[name], there=there)
            raise broken_limit(kept, name, asked)
    outcome = problem.curves.value(minor / problem.money.units)
    for error in broken_limits(problem.names, minor, problem.rules, outcome):
        raise error


def _overtaken(state: WeekState) -> InputError:
    return InputError(
        "wrong-state",
        say(
            "week-changed-meanwhile",
            week=str(state.week),
            state=say(state.state),
            revision=str(state.revision),
        ),
        field="week",
        value=str(state.week),
        remedy=say("remedy-review-newest"),
    )


@public
def apply(
    ledger: Ledger,
    plan: Plan,
    week: dt.date | str,
    *,
    who: str,
    spends: Mapping[str, Any] | None = None,
    why: str = "",
) -> WeekState:
    """Record what was applied in a week: the change limits of later weeks count from it.

    A week that is applied already may be corrected, with a reason, until it is measured. Spends
    that break a limit are recorded too, since they are a fact, together with what they break.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan
        Channels and currency; where the one recorded last names approvers, one of them applies.
    week
        A day of the week.
    who
        Who applied it.
    spends
        Money of the channels that got something else than was approved; None where none did.
    why
        The reason, needed where anything differs; it is recorded as an override.

    Returns
    -------
    WeekState
        Applied; ``applied.data["broken"]`` has a sentence for every limit of its week that other
        spends break, those on expected outcomes apart.

    Raises
    ------
    InputError
        ``wrong-state`` where the week is not approved, or is applied and nothing is corrected;
        ``bad-argument`` for a difference without reason, or another plan than the ledger's;
        ``unknown-name`` also for somebody who is no approver; ``bad-money``.
    LedgerError
        Where the ledger cannot be written.
    """
    start = week_of(plan, week)
    with ledger_of(ledger, plan).transaction(named(who)) as t:
        written = t.latest("plan")
        state = state_of(t, start)
        state.require("applied")
        check_approver(plan, who, written)
        assert state.current is not None
        standing = state.applied or state.current
        stood = as_money(standing.data["spend"])
        done = stood if spends is None else spends_of(plan, spends, stood)
        if state.applied is not None and done == stood:
            raise _nothing_new(start)
        count = len(t.entries(kinds=("applied",), week=start))
        if done != stood:
            override = {"instead": as_text(stood), "spend": as_text(done), "why": reason(why)}
            t.add("override", override, week=start, revision=state.revision)
        kept = {part: standing.data[part] for part in ("budget", "held", "limits")}
        broken = () if spends is None else _broken(decision_of(state.current.data), done)
        told = {"broken": list(broken), "words": messages_of(broken)}
        data = {**kept, "spend": as_text(done), "why": why.strip(), **told}
        t.add("applied", data, week=start, revision=state.revision, key=f"{start}/{count + 1}")
        return state_of(t, start)


def _broken(decision: Decision, done: Spends) -> tuple[Message, ...]:
    """Return what spends break of the rules that a week was decided under."""
    rules = decision.allocation.rules
    # Nobody knows here what is expected of other spends.
    firm = replace(rules, rows=tuple(row for row in rules.rows if row.outcome is None))
    names = tuple(decision.allocation.spend)
    minor = rules.money.minors({name: done.get(name, Decimal(0)) for name in names}, "spends")
    found = broken_limits(names, minor, firm)
    return tuple(say("applied-breaks-limit", limit=e.problem) for e in found)


def _nothing_new(start: dt.date) -> InputError:
    return InputError(
        "wrong-state",
        say("applied-already", week=str(start)),
        field="week",
        value=str(start),
        remedy=say("remedy-correct-applied"),
    )


@public
def release(
    ledger: Ledger,
    plan: Plan,
    amount: Any,
    *,
    who: str,
    why: str,
    today: dt.date | str,
    week: dt.date | str | None = None,
) -> Balances:
    """Release contingency by hand: the money may be spent in one week.

    The week is to be run after this, or again: it is then a new revision.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan
        Its reserve; where the one recorded last names approvers, one of them releases.
    amount
        Money, at most the balance.
    who, why
        Who releases it, and why.
    today
        The day on which this is done.
    week
        A day of the week that may spend it; by default of the next that has not begun.

    Returns
    -------
    Balances
        What is left.

    Raises
    ------
    InputError
        ``wrong-state`` where the week is applied already; ``bad-argument`` for more than there is,
        without a name or reason, or for another plan than the ledger's; ``unknown-name`` for
        somebody who is no approver.
    MoneyError
        ``bad-money``.
    LedgerError
        Where the ledger cannot be written.
    """
    start = next_week(plan, as_date(today, "today")) if week is None else week_of(plan, week)
    who, why = named(who), reason(why)
    with ledger_of(ledger, plan).transaction(who) as t:
        written = t.latest("plan")
        check_approver(plan, who, written)
        snapshot = take_snapshot(t, start)
        state = snapshot.state.state
        if snapshot.state.over:
            raise InputError(
                "wrong-state",
                say("release-too-late", week=str(start), state=say(state)),
                field="week",
                value=str(start),
                remedy=say("remedy-week-not-applied"),
            )
        movement = release_by_hand(plan, snapshot.free(plan), amount, who, why, start)
        _write(t, movement, start, "")
        return snapshot.balances(plan, (movement,))


def write_answer(t: Transaction, answered: Answered, week: dt.date) -> None:
    """Record who pays for an overspend, and what leaves the reserve for it.

    What nobody pays for stands already, and is recorded once.
    """
    if answered.later and not answered.sources:
        return
    said, key = answered.sentence(), overspend_key(answered.week)
    if answered.later or answered.revised:
        key = f"{key}/{1 + sum(e.key.startswith(key) for e in t.entries(kinds=('note',)))}"
    t.add(
        "note",
        {"answer": answered.to_dict(), "sentence": said, "words": messages_of((said,))},
        week=week,
        key=key,
    )
    movement = answered.movement(answered.counts_on(week))
    if movement is not None:
        _write(t, movement, week, key)


def write_due(t: Transaction, due: Due, week: dt.date) -> None:
    """Record a release that a rule asks for."""
    _write(t, due.movement(week), week, due.key)


def _write(t: Transaction, movement: Movement, week: dt.date, rule: str) -> None:
    data = {
        "movement": movement.to_dict(),
        "rule": rule,
        "words": messages_of((movement.why,)),
    }
    t.add("release", data, week=week, key=rule)
