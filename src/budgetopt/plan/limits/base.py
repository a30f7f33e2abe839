"""What a limit across channels is, and the makers of those that come with budgetopt."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.plan.limits.row import Row
from budgetopt.words import joined, listed, say

if TYPE_CHECKING:
    from budgetopt.plan.plan import Plan

Whole = NDArray[np.int64]


@runtime_checkable
class Rule(Protocol):
    """One verb: a plan and the last applied week in, rows out.

    A class of one's own plugs in without inheriting; its rows are checked exactly, priced and
    named like those of the library.
    """

    @property
    def name(self) -> str:
        """Name under which the price comes back; different from every other limit's."""

    def rows(self, plan: Plan, last: Whole | None) -> tuple[Row, ...]:
        """Return the rows; `last` is last applied money in minor units by channel, or None."""


class Caps(Protocol):
    """A second verb that a limit may have: the most money by channel, read off the curves."""

    def caps(self, plan: Plan, curves: Curve) -> NDArray[np.float64]:
        """Return money by channel, infinite where the limit says nothing."""


def members(plan: Plan, where: Mapping[str, str] | tuple[str, ...], limit: str) -> Whole:
    """Return 1 for every channel of a group and 0 for the others, shape ``(channels,)``.

    Parameters
    ----------
    plan
        The plan.
    where
        Labels that a member carries, all of them (``{"platform": "douyin"}``; empty for every
        channel), or names of channels.
    limit
        Name of the limit, for the error.

    Raises
    ------
    PlanError
        ``unknown-name`` where a name, a label or its value stands for no channel.
    """
    if not isinstance(where, Mapping):
        chosen = np.zeros(len(plan.channels), dtype=np.int64)
        for name in where:
            if name not in plan.index:
                raise _unknown(limit, f"channel {name!r}", name, plan.names)
            chosen[plan.index[name]] = 1
        return chosen
    inside = np.ones(len(plan.channels), dtype=bool)
    for key, value in where.items():
        if key not in plan.labels:
            raise _unknown(limit, f"label {key!r}", key, sorted(plan.labels))
        carries = plan.labels[key] == value
        if not carries.any():
            known = sorted({v for v in plan.labels[key] if v is not None})
            raise _unknown(limit, f"{key} {value!r}", str(value), known)
        inside &= carries
    if not inside.any():
        raise _unknown(limit, f"group {dict(where)!r}", str(dict(where)), plan.names)
    return inside.astype(np.int64)


def _unknown(limit: str, what: str, value: str, known: Any) -> PlanError:
    return PlanError(
        "unknown-name",
        f"limit {limit!r} names {what}, which no channel of the plan has",
        field=f"limits.{limit}",
        value=value,
        remedy=did_you_mean(value, known),
    )


def said(where: Mapping[str, str] | tuple[str, ...]) -> str:
    """Return a group in words."""
    if not isinstance(where, Mapping):
        return listed(where)
    labels = [say("{label} {value}", label=k, value=v) for k, v in where.items()]
    return joined(labels) if labels else say("all channels")


def frozen_where(where: Any, limit: str) -> Any:
    """Return a group as it is kept: a dict of labels, or a tuple of names.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    if where is None:
        return {}
    if isinstance(where, Mapping):
        return dict(where)
    if isinstance(where, (list, tuple)) and all(isinstance(name, str) for name in where):
        return tuple(where)
    raise PlanError(
        "bad-plan",
        f"limit {limit!r} is for {where!r}",
        field=f"limits.{limit}.where",
        value=str(where),
        remedy="give labels such as { platform = 'douyin' }, or a list of channel names",
    )


def as_fraction(value: Any) -> Fraction:
    """Return an exact fraction of a `Decimal`, int or plain text."""
    return Fraction(str(value))
