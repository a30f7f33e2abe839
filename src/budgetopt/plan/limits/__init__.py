"""Limits across channels: named data that turn into rows.

`GroupLimit`, `LinearLimit` and `Turnover` speak of money, `RoasFloor`, `MroasFloor`, `CpaCeiling`
and `OutcomeFloor` of what it brings, `FrequencyCap` of how often it meets people, `FewMoves`,
`Apart` and `AtLeastOn` count channels. `Limit` has a maker for each; whatever has a name and the
verb `rows` of `Rule` is a limit too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from inspect import getdoc
from typing import Any

from budgetopt.arguments import public
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.messages import say
from budgetopt.money import number_text
from budgetopt.plan.limits.base import Caps, Row, Rule, integers
from budgetopt.plan.limits.counts import Apart, AtLeastOn, FewMoves
from budgetopt.plan.limits.money import GroupLimit, LinearLimit, Turnover
from budgetopt.plan.limits.ratios import (
    CpaCeiling,
    FrequencyCap,
    MroasFloor,
    OutcomeFloor,
    RoasFloor,
)

__all__ = [
    "KINDS",
    "Apart",
    "AtLeastOn",
    "Caps",
    "CpaCeiling",
    "FewMoves",
    "FrequencyCap",
    "GroupLimit",
    "Limit",
    "LinearLimit",
    "MroasFloor",
    "OutcomeFloor",
    "RoasFloor",
    "Row",
    "Rule",
    "Turnover",
    "integers",
    "limit_from_dict",
    "limit_schema",
    "limit_to_dict",
]

KINDS: dict[str, Any] = {
    "group": GroupLimit,
    "linear": LinearLimit,
    "turnover": Turnover,
    "few-moves": FewMoves,
    "apart": Apart,
    "at-least-on": AtLeastOn,
    "roas": RoasFloor,
    "mroas": MroasFloor,
    "cpa": CpaCeiling,
    "outcome": OutcomeFloor,
    "frequency": FrequencyCap,
}
"""Limits that a plan file may name, by their `kind`."""


@public
class Limit:
    """The makers of limits, in one place to find them.

    Examples
    --------
    >>> Limit.group("douyin", {"platform": "douyin"}, at_most="40%").at_most
    '40%'
    """

    group = GroupLimit
    linear = LinearLimit
    turnover = Turnover
    few_moves = FewMoves
    apart = Apart
    at_least_on = AtLeastOn
    roas = RoasFloor
    mroas = MroasFloor
    cpa = CpaCeiling
    outcome = OutcomeFloor
    frequency = FrequencyCap


def limit_from_dict(data: Mapping[str, Any]) -> Rule:
    """Return the limit of ``{"kind": "group", "name": ..., ...}``.

    Raises
    ------
    PlanError
        ``bad-plan`` for an unknown kind, or for a missing or misspelt part.
    """
    given = dict(data)
    kind = given.pop("kind", None)
    if kind not in KINDS:
        raise PlanError("bad-plan", say("limit-kind-not", kind=repr(kind)), field="limits.kind",
                        value=kind, remedy=did_you_mean(str(kind), KINDS))  # fmt: skip
    parts = list(KINDS[kind].__dataclass_fields__)
    for part in given:
        if part not in parts:
            raise PlanError(
                "bad-plan",
                say("limit-no-part", kind=kind, part=repr(part)),
                field="limits",
                value=part,
                remedy=did_you_mean(part, parts),
            )
    for needed in fields(KINDS[kind]):
        if needed.default is MISSING and needed.name not in given:
            name = needed.name
            raise PlanError("bad-plan", say("limit-missing-part", kind=kind, part=repr(name)),
                            field=f"limits.{name}", value=kind,
                            remedy=say("remedy-add-name", name=name))  # fmt: skip
    rule: Rule = KINDS[kind](**given)
    return rule


def limit_schema() -> dict[str, Any]:
    """Return the JSON Schema of a limit in a plan file: each kind with its parts, as documented."""
    return {"anyOf": [_schema_of(kind, made) for kind, made in KINDS.items()]}


def _schema_of(kind: str, made: Any) -> dict[str, Any]:
    text = getdoc(made) or ""
    table = text.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    told = {
        name: {"description": " ".join(about.split())}
        for names, about in re.findall(r"^(\S.*)\n((?: .+\n?)+)", table, re.MULTILINE)
        for name in names.split(", ")
    }
    parts = fields(made)
    return {
        "type": "object",
        "title": made.__name__,
        "description": text.partition("\n")[0],
        "properties": {"kind": {"const": kind}} | {p.name: told.get(p.name, {}) for p in parts},
        "required": ["kind", *(part.name for part in parts if part.default is MISSING)],
        "additionalProperties": False,
    }


def limit_to_dict(limit: Rule) -> dict[str, Any]:
    """Return a limit as plain data that `limit_from_dict` takes.

    Raises
    ------
    PlanError
        ``bad-plan`` for a limit of a class of one's own.
    """
    for kind, maker in KINDS.items():
        if is_dataclass(limit) and type(limit) is maker:
            parts = {part.name: _plain(getattr(limit, part.name)) for part in fields(limit)}
            return {"kind": kind, **{k: v for k, v in parts.items() if v is not None}}
    raise PlanError("bad-plan", say("limit-custom-python", name=repr(limit.name)),
                    field=f"limits.{limit.name}", value=type(limit).__name__,
                    remedy=say("remedy-use-limit-python"))  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, Fraction)):
        return number_text(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value
