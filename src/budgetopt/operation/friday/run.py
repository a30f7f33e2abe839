"""The whole Friday: read, measure, pace, decide, and record it all at once.

Everything is worked out before anything is written. The ledger is then locked, and where nobody has
written to it meanwhile all entries go in together; otherwise everything is worked out anew from
what is there now. So two runs at once end in one proposal, and one that is killed leaves nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from budgetopt.belief import Belief
from budgetopt.calendar import as_date
from budgetopt.errors import InputError, LedgerError
from budgetopt.history import History
from budgetopt.ledger import Ledger, Transaction
from budgetopt.operation.approve import approve_by_rule
from budgetopt.operation.checks import named, next_week, week_of
from budgetopt.operation.friday.draft import Draft, Friday
from budgetopt.operation.friday.week_run import WeekRun
from budgetopt.operation.measure import write_actuals
from budgetopt.operation.propose import Asked
from budgetopt.operation.record import plan_record
from budgetopt.operation.record.histories import Known, keep
from budgetopt.operation.release import write_answer, write_due
from budgetopt.operation.seen import see
from budgetopt.operation.state import state_of
from budgetopt.plan import Plan
from budgetopt.policies import DEFAULT, Policy, checked_policy
from budgetopt.weekly import Guardrails
from budgetopt.weekly.reallocate import GUARDRAILS

_ATTEMPTS = 100
"""Times that a run is worked out anew because somebody else wrote meanwhile."""


def run_week(
    plan: Plan,
    history: History,
    ledger: Ledger,
    *,
    who: str,
    today: dt.date | str,
    week: dt.date | str | None = None,
    policy: Policy | None = None,
    seed: int = 0,
    belief: Belief | None = None,
    guardrails: Guardrails | None = GUARDRAILS,
    scenarios: Iterable[str] = (),
) -> WeekRun:
    """Propose a week, and record what was known, measured, released and alerted with it.

    The same week with the same plan, history, policy, settings, seed, applied spends and released
    reserve is proposed once: another run returns what is recorded. Anything else that is proposed
    for the week is a new revision, which says what changed and takes the place of the older ones.
    A week that is applied or over is not proposed again: its record is returned, with a note. Where
    a week cannot be decided, all but the proposal is recorded, with a critical alert, before the
    error is raised.

    Parameters
    ----------
    plan
        Budget, channels, limits and how weeks are run.
    history
        Weeks of spend and outcome.
    ledger
        What happened so far; everything new goes into it, in one transaction.
    who
        Person or program that runs this.
    today
        The day of the run.
    week
        A day of the week to decide; by default of the next that has not begun before `today`.
    policy, seed, belief, guardrails
        As in `reallocate`. A policy of one's own is known by its name: give it another one where
        its settings change.
    scenarios
        Names of the scenarios that are happening, for rules that release the reserve. What was
        declared for the week before stays declared for it.

    Returns
    -------
    WeekRun
        The decision, and where it stands.

    Raises
    ------
    InputError
        ``bad-argument`` where the history knows days after `today`; ``wrong-state`` for a week that
        was over on it and never proposed.
    BudgetoptError
        What `reallocate` raises; `LedgerError` where the ledger cannot be read or written.
    """
    day = as_date(today, "today")
    start = next_week(plan, day) if week is None else week_of(plan, week)
    _refuse_to_come(history, day)
    chosen = checked_policy(DEFAULT if policy is None else policy)
    number = int(seed) if isinstance(seed, np.integer) else seed
    known = history.select(plan.names)
    friday = Friday(
        Asked(plan, known, start, chosen, guardrails, number, belief),
        day,
        tuple(sorted(set(scenarios))),
        Known.of(known),
    )
    name = named(who)
    for _ in range(_ATTEMPTS):
        seen = see(ledger, start)
        draft = friday.drafted(ledger, seen)
        if not draft.anything:
            # What was read is of one moment only if nobody wrote between the reads.
            if ledger.head == seen.head:
                return draft.result()
            continue
        with ledger.transaction(name) as t:
            if t.head != seen.head:
                continue
            written = _write(t, friday, draft)
        # What is known is recorded by now, whether or not the week can be decided.
        return written.result()
    raise LedgerError(
        "ledger-locked",
        f"others wrote to the ledger {_ATTEMPTS} times while this run was worked out",
        field="ledger",
        remedy="run again when it is quieter",
    )


def _refuse_to_come(history: History, today: dt.date) -> None:
    if history.through is not None and history.through > today:
        raise InputError(
            "bad-argument",
            f"the history is known through {history.through}, after {today}",
            field="today",
            value=str(today),
            remedy="give the day of the run, and the history as it was known on it",
        )


def _write(t: Transaction, friday: Friday, draft: Draft) -> Draft:
    """Record all of a draft, and return it with its run as it stands then."""
    plan, start = friday.asked.plan, friday.asked.week
    written = t.latest("plan")
    if written is None or draft.plan_is_new:
        written = t.add("plan", plan_record(plan))
    history = keep(t, friday.known, draft.before)
    write_actuals(t, draft.actuals)
    for answered in draft.answers:
        write_answer(t, answered, start)
    for due in draft.dues:
        write_due(t, due, start)
    run = draft.run
    if run is not None and draft.proposal is not None:
        data = {**draft.proposal, "plan_entry": written.number, "history_entry": history}
        revision = run.revision
        t.add("proposal", data, week=start, revision=revision, key=f"{start}/{revision}")
        approve_by_rule(t, plan, run.decision, state_of(t, start))
    for alert in draft.news:
        t.add("alert", alert.to_dict(), week=start, key=alert.key)
    if run is None:
        return draft
    state = state_of(t, start)
    assert state.current is not None
    run = replace(run, state=state.state, entry=state.current.number, head=t.head)
    return replace(draft, run=run)
