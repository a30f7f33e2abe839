"""Limits that count channels: few moves, channels that exclude each other, at least k on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from budgetopt.arrays import Whole
from budgetopt.errors import PlanError
from budgetopt.i18n import say
from budgetopt.plan.limits.base import PlanFacts, Row, frozen_where, members, said


@dataclass(frozen=True)
class FewMoves:
    """At most so many channels change their spend against the last applied week.

    Parameters
    ----------
    at_most
        Whole number, at least 0.
    name
        Name of the limit.
    """

    at_most: int
    name: str = "few moves"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_most", _count(self.at_most, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return the row that counts moves; none where there is no last applied week."""
        if last is None:
            return ()
        zero = np.zeros(len(plan.names), dtype=np.int64)
        text = say("changes-at-most", most=self.at_most)
        return (
            Row(
                self.name,
                zero,
                Fraction(self.at_most),
                moves=zero + 1,
                sentence=text,
                kind="few-moves",
            ),
        )


@dataclass(frozen=True)
class Apart:
    """At most one of these channels is on.

    Parameters
    ----------
    channels
        Names, at least two.
    name
        Name of the limit.
    """

    channels: tuple[str, ...]
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        if not self.name:
            object.__setattr__(self, "name", f"apart: {', '.join(self.channels)}")
        if len(set(self.channels)) < 2:
            raise PlanError("bad-plan", say("limit-keeps-fewer", name=repr(self.name)),
                            field=f"limits.{self.name}", value=str(self.channels),
                            remedy=say("remedy-name-two-channels"))  # fmt: skip

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return the row that counts those on."""
        chosen = members(plan, self.channels, self.name)
        text = say("one-of-on", channels=self.channels)
        return (Row(self.name, 0 * chosen, Fraction(1), on=chosen, sentence=text, kind="apart"),)


@dataclass(frozen=True)
class AtLeastOn:
    """At least so many channels of a group are on.

    Parameters
    ----------
    at_least
        Whole number, at least 0.
    where
        The group: labels, or channel names; by default all channels.
    name
        Name of the limit.
    """

    at_least: int
    where: Any = None
    name: str = "at least on"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_least", _count(self.at_least, self.name))
        object.__setattr__(self, "where", frozen_where(self.where, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return the row that counts those on."""
        chosen = members(plan, self.where, self.name)
        group = said(self.where)
        text = say("count-at-least", least=self.at_least, group=group)
        return (
            Row(
                self.name,
                0 * chosen,
                Fraction(-self.at_least),
                on=-chosen,
                sentence=text,
                kind="at-least-on",
                least=True,
            ),
        )


def _count(given: Any, limit: str) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 0:
        raise PlanError("bad-number", say("limit-counts", limit=repr(limit), given=repr(given)),
                        field=f"limits.{limit}", value=given,
                        remedy=say("remedy-whole-number-0-more"))  # fmt: skip
    return int(given)
