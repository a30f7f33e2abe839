"""What a weekly run is made from, as it goes into the ledger, and what changed from run to run.

Two runs of a week with the same `Inputs` are the same run: their fingerprint decides whether a
proposal is there already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Self

from budgetopt.belief import Belief
from budgetopt.errors import InputError
from budgetopt.figures import show_figure
from budgetopt.money import show_amount
from budgetopt.operation.record.histories import Difference
from budgetopt.plan import Plan
from budgetopt.policies import Policy
from budgetopt.policies.named import policy_to_dict
from budgetopt.words import listed, say

_NAMED = 6
"""Weeks, fields or channels that one sentence names."""


def canonical(data: Any) -> str:
    """Return data as JSON with sorted keys and nothing to spare: equal data, equal text."""
    return json.dumps(
        data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def fingerprint(data: Any) -> str:
    """Return the SHA-256 of data, hexadecimal."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


@dataclass(frozen=True)
class Inputs:
    """Everything that a week's proposal depends on.

    Parameters
    ----------
    week
        First day of the week decided.
    plan, history, belief
        Fingerprints; that of the belief is empty where it is learned from the history alone.
    policy, guardrails
        Settings as plain data.
    seed
        Seed of the policy.
    last
        Spends applied last, as text by channel; empty where the ledger has none.
    released
        Money released from the reserve by hand for this week, as text.
    scenarios
        Names of the scenarios that were declared for the week.
    version
        Version of this package.
    """

    week: str
    plan: str
    history: str
    belief: str
    policy: Mapping[str, Any]
    guardrails: Mapping[str, Any] | None
    seed: int
    last: Mapping[str, str]
    released: str
    scenarios: tuple[str, ...]
    version: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it."""
        return fingerprint(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "scenarios": list(self.scenarios)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the inputs of `to_dict`."""
        return cls(**{**data, "scenarios": tuple(data["scenarios"])})


def plan_fingerprint(plan: Plan) -> str:
    """Return the SHA-256 of a plan as it is written in a file, whatever the order of its keys."""
    return fingerprint(plan.to_dict())


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return what is recorded of a plan: all of it."""
    return {"fingerprint": plan_fingerprint(plan), "plan": plan.to_dict()}


def belief_fingerprint(belief: Belief | None) -> str:
    """Return the SHA-256 of what a belief was learned from; empty for none."""
    return "" if belief is None else fingerprint(belief.to_dict())


def policy_record(policy: Policy) -> dict[str, Any]:
    """Return a policy as plain data; one of one's own by its name."""
    try:
        return policy_to_dict(policy)
    except InputError:
        return {"name": policy.name}


def what_changed(
    old: Inputs, new: Inputs, plans: tuple[Mapping[str, Any], Mapping[str, Any]], said: Difference
) -> tuple[str, ...]:
    """Return one sentence for everything that differs between the inputs of two runs.

    Parameters
    ----------
    old, new
        The inputs.
    plans
        The plans as plain data, the old one first.
    said
        What the new history says that the old one did not.
    """
    return (
        *_plan_changes(*plans),
        *(_history_changes(said) if old.history != new.history else ()),
        *_other_changes(old, new),
    )


def _history_changes(said: Difference) -> Iterator[str]:
    weeks = (
        ("the history has {weeks} anew", said.added),
        ("the history lacks {weeks} now", said.gone),
        ("the history has {weeks} whole now", said.completed),
    )
    for template, which in weeks:
        if which:
            yield say(template, weeks=listed(map(str, which), _NAMED))
    if said.channels:
        yield say(
            "the channels of the history changed: {names}", names=listed(said.channels, _NAMED)
        )
    if said.revised:
        shown = [
            say(
                "{week} in {channels}",
                week=str(one.week),
                channels=listed(one.channels or (say("total"),), _NAMED),
            )
            for one in said.revised
        ]
        yield say("the history was revised: {weeks}", weeks=listed(shown, _NAMED))
    if said == Difference():
        yield say("the history is known through another day, or has other partial weeks")


def _other_changes(old: Inputs, new: Inputs) -> Iterator[str]:
    if old.seed != new.seed:
        yield say("the seed is {new}, was {old}", new=str(new.seed), old=str(old.seed))
    if old.policy != new.policy:
        was, now = (_policy_name(one.policy) for one in (old, new))
        yield say("the policy is {new}, was {old}", new=now, old=was)
    if old.guardrails != new.guardrails:
        yield say("the guardrails changed")
    if old.belief != new.belief:
        yield say("what was learned before changed")
    if old.last != new.last:
        yield say("the spends applied last changed: {names}", names=_moved(old.last, new.last))
    if old.released != new.released:
        was, now = (show_amount(Decimal(one.released)) for one in (old, new))
        yield say("{new} is released from the reserve, was {old}", new=now, old=was)
    if old.scenarios != new.scenarios:
        yield say(
            "the scenarios declared are {names}", names=listed(new.scenarios or (say("none"),))
        )
    if old.version != new.version:
        yield say("the version is {new}, was {old}", new=new.version, old=old.version)


def _plan_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    was, now = dict(_flat(old)), dict(_flat(new))
    things = [set(_things(side)) for side in (old, new)]
    added, gone = sorted(things[1] - things[0]), sorted(things[0] - things[1])
    if added:
        yield say("the plan has {names} now", names=listed(added, _NAMED))
    if gone:
        yield say("the plan has {names} no more", names=listed(gone, _NAMED))
    whole = tuple(f"{thing}." for thing in (*added, *gone))
    changed = [
        name
        for name in {**was, **now}
        if was.get(name) != now.get(name)
        and not name.startswith(whole)
        # An empty list that was filled, or one that was emptied, is told by what it holds.
        and not any(thing.startswith(f"{name}.") for thing in whole)
    ]
    for name in changed[:_NAMED]:
        values = {key: _shown(side.get(name)) for key, side in (("new", now), ("old", was))}
        yield say("the plan's {field} is {new}, was {old}", field=name, **values)
    if len(changed) > _NAMED:
        yield say("{count} more fields of the plan changed", count=str(len(changed) - _NAMED))


def _flat(data: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Return every single value under its dotted name; things with names are found by them."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _flat(value, f"{at}.{key}" if at else str(key))
    elif isinstance(data, list) and data and all(_name(one) for one in data):
        for one in data:
            yield from _flat(one, f"{at}.{_name(one)}")
    elif at:
        yield at, data


def _things(data: Any, at: str = "") -> Iterator[str]:
    """Return the dotted name of everything that has a name, such as ``channels.search``."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _things(value, f"{at}.{key}" if at else str(key))
    elif isinstance(data, list) and all(_name(one) for one in data):
        for one in data:
            yield f"{at}.{_name(one)}"


def _name(one: Any) -> str:
    return str(one.get("name", "")) if isinstance(one, Mapping) else ""


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return show_figure(value, 15)
    return say("nothing") if value is None else str(value)


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    moved = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return listed(moved, _NAMED)


def _policy_name(policy: Mapping[str, Any]) -> str:
    inner = {k: v for k, v in policy.items() if k not in ("kind", "name", "schema_version")}
    settings = ", ".join(f"{k}={v}" for k, v in inner.items() if not isinstance(v, Mapping))
    name = str(policy.get("kind") or policy.get("name"))
    return f"{name}({settings})" if settings else name
