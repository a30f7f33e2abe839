"""Which fields of a plan each command uses, and which it names because it cannot use them.

A field belongs to a matter, and a command says what it does with each matter. So a field that is
new to the plan is decided on for every command at once, or a test fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from budgetopt.i18n import Message, say
from budgetopt.plan.channel import Channel
from budgetopt.plan.governance import Operation
from budgetopt.plan.plan import Plan

MATTERS: dict[str, str] = {
    "split": "budget channels currency max_change reserve step spend outcome outcome_unit limits "
    "goal value channels.name channels.floor channels.cap channels.locked channels.max_change "
    "channels.labels channels.off_or_at_least channels.lot channels.value channels.rates "
    "channels.learning",
    "files": "week_start columns budget_lines name id",
    "horizon": "horizon",
    "curve": "channels.curve",
    "pinned": "channels.pinned",
    "prior": "channels.prior",
    "lift tests": "lift_tests",
    "carryover": "channels.carryover",
    "delay": "delay",
    "demand": "demand",
    "events": "events",
    "phases": "operation.phases",
    "freezes": "operation.freezes",
    "rules": "operation.pacing operation.releases",
    "ledger": "operation.approval operation.fiscal operation.alerts",
    "years": "scenarios contingencies",
    "cases": "cases",
    "targets": "targets",
    "parking": "park_after channels.awake",
}
"""Fields by matter, those of channels and of the operation with their table's name."""

USED = "used"
BESIDE = "beside"
"""The matter is none of what the command answers."""
LEARNED = "learned"
"""Used by a belief that was learned with it; else named."""
OWN = "own"
"""Used where nothing is learned; else named."""

_NO_WEEK = say("unused-no-week")
"""Where a week is given, the plan of that week has no dated field left."""
_NO_DATE = say("unused-no-date")
_BY_RULE = say("unused-by-rule")
_NOT_LEARNED = say("unused-curves-given")
_OTHERWISE = say("unused-learned-otherwise")
_SETTLED = say("unused-settled-curves")
_ONLY_PINNED = say("unused-only-pinned")
_NO_CURVES = say("unused-money-only")
_HOLDS = say("unused-freeze-gives-way")
_LEARNED_ANEW = say("unused-learned-anew")
_WEEKS_ALONE = say("unused-weeks-alone")
_USUAL = say("unused-event-weeks")
_NOT_PARKED = say("unused-parking")
_ONE_WEEK = say("unused-one-week")
_WEEKS_GIVEN = say("unused-weeks-given")
_PAST_MONEY = say("unused-past-money")

_WEEK = {
    "split": USED,
    "files": USED,
    "curve": OWN,
    **dict.fromkeys(("pinned", "prior", "lift tests", "carryover", "delay"), LEARNED),
    **dict.fromkeys(("demand", "events", "phases", "freezes"), _NO_WEEK),
    "horizon": _ONE_WEEK,
    **dict.fromkeys(("rules", "ledger", "years", "cases", "targets"), BESIDE),
    "parking": _NOT_PARKED,
}
_DECISION = {**dict.fromkeys(MATTERS, USED), "curve": OWN, "years": BESIDE, "cases": BESIDE}
_CHECK = {
    **dict.fromkeys(("split", "files", "phases", "rules", "ledger", "years", "cases"), USED),
    "targets": USED,
    "horizon": _ONE_WEEK,
    **dict.fromkeys(("prior", "lift tests", "carryover", "demand", "events"), _NO_CURVES),
    **dict.fromkeys(("curve", "pinned", "delay"), USED),
    "freezes": _HOLDS,
    "parking": BESIDE,
}
_YEARS = {
    **dict.fromkeys(MATTERS, USED),
    "pinned": _LEARNED_ANEW,
    "lift tests": _WEEKS_ALONE,
    "events": _USUAL,
    **dict.fromkeys(("phases", "freezes", "demand"), _NO_DATE),
    "rules": _BY_RULE,
    **dict.fromkeys(("ledger", "cases", "targets"), BESIDE),
    "parking": _NOT_PARKED,
}
_LEARN = {
    **dict.fromkeys(MATTERS, BESIDE),
    **dict.fromkeys(("files", "pinned", "prior", "lift tests", "carryover", "delay"), USED),
    **dict.fromkeys(("demand", "events"), USED),
    "curve": OWN,
}
COMMANDS: dict[str, dict[str, str]] = {
    "learn": _LEARN,
    "check": _CHECK,
    "allocate": _WEEK,
    "frontier": _WEEK,
    "what-if": _WEEK | {"cases": USED},
    "ramp": _WEEK,
    "sensitivity": _WEEK,
    "sobol": _WEEK,
    "reallocate": _DECISION | dict.fromkeys(("rules", "ledger"), BESIDE),
    "backtest": _DECISION
    | dict.fromkeys(("rules", "ledger", "targets"), BESIDE)
    | {"phases": _PAST_MONEY},
    "tests": _WEEK,
    "week": _DECISION,
    "year": _WEEK | dict.fromkeys(("carryover", "demand", "events", "phases", "freezes"), USED),
    "simulate": _YEARS,
}
"""What each command does with each matter: one of the words above, or why it cannot use it."""

_KNOWN = {
    "prior": "channels",
    "pinned": "pinned",
    "lift tests": "lift_tests",
    "carryover": "carryovers",
    "delay": "delay",
}
"""What `Priors` calls a matter."""


def unused(plan: Plan, command: str, belief: Any = None) -> tuple[Message, ...]:
    """Return which declared fields a command cannot use, one sentence for each reason.

    Parameters
    ----------
    plan
        As it is declared; the plan of a dated week has no dated fields left to be named.
    command
        One of `COMMANDS`.
    belief
        What was learned; None, or curves by channel, where nothing was.

    Examples
    --------
    >>> plan = Plan(budget=9, currency="CNY", channels=[Channel("a")], demand={"2026-11-09": 2})
    >>> [str(note) for note in unused(plan, "allocate")]
    ['plan fields not used here: demand (no week is given)']
    """
    reasons: dict[str, list[str]] = {}
    for matter, status in COMMANDS[command].items():
        why = _why(plan, matter, status, belief)
        if why:
            named = [field for field in MATTERS[matter].split() if _declared(plan, field)]
            reasons.setdefault(why, []).extend(named)
    return tuple(
        say("plan-fields-unused", fields=tuple(named), why=why)
        for why, named in reasons.items()
        if named
    )


def _why(plan: Plan, matter: str, status: str, belief: Any) -> str:
    """Return why a matter cannot be used; nothing where it is."""
    learned = hasattr(belief, "mean")
    if status == OWN:
        # What is pinned is believed, and no curve of a channel beside it is lost.
        free = any(c.curve is not None and not c.pinned for c in plan.channels)
        return _ONLY_PINNED if learned and free else ""
    if status == LEARNED and not learned:
        return {"carryover": _SETTLED, "delay": "", "pinned": ""}.get(matter, _NOT_LEARNED)
    if status == LEARNED:
        known = getattr(getattr(belief, "log", None), "priors", None)
        with_it = known is None or getattr(known, name := _KNOWN[matter]) == getattr(
            plan.priors.only(plan.names), name
        )
        return "" if with_it else _OTHERWISE
    return "" if status in (USED, BESIDE) else status


def all_fields() -> Iterator[str]:
    """Yield every field that a plan can declare, those of its parts with their table's name."""
    parts = {"channels": Channel, "operation": Operation}
    for one in fields(Plan):
        if one.name != "operation":
            yield one.name
        for part in fields(parts[one.name]) if one.name in parts else ():
            yield f"{one.name}.{part.name}"


@cache
def _plain() -> Plan:
    """Return a plan that declares nothing."""
    return Plan(budget=1, currency="CNY", channels=[Channel("a")])


def _declared(plan: Plan, field: str) -> bool:
    """Say whether a plan declares a field other than by default."""
    table, _, name = field.rpartition(".")
    if table == "channels":
        usual = getattr(_plain().channels[0], name)
        return any(getattr(channel, name) != usual for channel in plan.channels)
    mine, usual = (getattr(p, table) if table else p for p in (plan, _plain()))
    return bool(getattr(mine, name) != getattr(usual, name))
