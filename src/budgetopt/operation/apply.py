"""What was really applied: what was approved, or something else for a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from budgetopt.errors import InputError
from budgetopt.ledger import Ledger
from budgetopt.operation.broken import breaks
from budgetopt.operation.checks import (
    Spends,
    as_money,
    as_text,
    named,
    reason,
    spends_of,
    week_of,
)
from budgetopt.operation.propose import decision_of
from budgetopt.operation.state import WeekState, state_of
from budgetopt.plan import Plan
from budgetopt.weekly import Decision
from budgetopt.words import Sentence, say, templates_of


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
        Channels and currency.
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
        ``bad-argument`` for a difference without reason, ``unknown-name``, ``bad-money``.
    LedgerError
        Where the ledger cannot be written.
    """
    start = week_of(plan, week)
    with ledger.transaction(named(who)) as t:
        state = state_of(t, start)
        state.require("applied")
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
        told = {"broken": list(broken), "words": templates_of(broken)}
        data = {**kept, "spend": as_text(done), "why": why.strip(), **told}
        t.add("applied", data, week=start, revision=state.revision, key=f"{start}/{count + 1}")
        return state_of(t, start)


def _broken(decision: Decision, done: Spends) -> tuple[Sentence, ...]:
    """Return what spends break of the rules that a week was decided under."""
    rules = decision.allocation.rules
    # Nobody knows here what is expected of other spends.
    firm = replace(rules, rows=tuple(row for row in rules.rows if row.outcome is None))
    names = tuple(decision.allocation.spend)
    minor = rules.money.minors({name: done.get(name, Decimal(0)) for name in names}, "spends")
    found = breaks(names, minor, firm)
    return tuple(say("what was applied breaks a limit: {limit}", limit=e.problem) for e in found)


def _nothing_new(start: dt.date) -> InputError:
    return InputError(
        "wrong-state",
        f"the week of {start} is applied already, with these spends",
        field="week",
        value=str(start),
        remedy="give spends and why to correct what was applied",
    )
