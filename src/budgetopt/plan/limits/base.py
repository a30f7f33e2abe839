"""What a limit across channels is: a rule that turns the facts of a plan into rows.

A `Row` is the one form that every limit takes: an inequality with exact coefficients, which engines
read in floating point and the last check reads exactly. A `Rule` makes rows out of `PlanFacts`, the
few facts of a plan that limits may know; `Caps` is a second verb, for limits read off the curves.
After these stand what rules are made with: exact `coefficients`, the `members` of a group, and a
group in words.

A row that counts channels is kept by the integer program alone; a row that holds an outcome is
checked in floating point, since outcomes are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats, Whole
from budgetopt.curves import Curve
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.i18n import joined, listed, say
from budgetopt.money import Currency
from budgetopt.notebook import short

Integers = NDArray[Any]
"""Whole numbers: ``int64``, or Python integers (``object``) where 64 bits do not hold them."""

_FITS = 2**60
"""Integers below this, and sums of a few of them, are held by 64 bits."""


@short
@dataclass(frozen=True, eq=False)
class Row:
    r"""One inequality over the channels, a sum of parts that each see one channel.

    .. math::
        \sum_i a_i x_i + m_i |x_i - l_i| - p_i f_i(x_i) + o_i [x_i > 0] + c_i [x_i \ne l_i] \le room

    Parameters
    ----------
    limit
        Name of the rule, under which its price comes back.
    money
        Coefficients ``a`` of spend times `scale`, whole numbers, shape ``(channels,)``; `integers`
        and `multiple` make them such that none is cut to 64 bits.
    moved
        Coefficients ``m`` of money moved against the last applied week times `scale`, at least 0.
    outcome
        Coefficients ``p`` of the expected outcome, at least 0; None where the outcome does not
        enter. Such a row is checked in floating point, the others exactly.
    on, moves
        Coefficients ``o`` and ``c`` of a channel being on, and of its spend moving at all; None
        where nothing is counted. A row that counts has none of the other parts.
    room
        Right-hand side, in money (or outcome, or a count).
    scale
        Common denominator of `money` and `moved`.
    kind
        What kind of rule it comes from, a key of `KINDS`; ``"budget"``, ``"spend-all"`` and
        ``"target"`` are the plan's own, and empty is a rule of a class of one's own.
    unit
        What `room` is measured in: ``"money"``, or a unit in words; empty where it has none.
    bound
        What the rule's owner wrote, where that is not `room`: a share, a ROAS, a CPA.
    base
        Coefficients of what a share is of, times `scale`; None for what is not a share.
    least
        Whether the rule's owner wrote a least amount, which is loosened downwards.

    Notes
    -----
    With ``m`` and ``p`` at least 0 the left side is convex for concave curves, so that rows without
    counts keep the problem concave.
    """

    limit: str
    money: Integers
    room: Fraction
    scale: int = 1
    moved: Integers | None = None
    outcome: Floats | None = None
    on: Whole | None = None
    moves: Whole | None = None
    sentence: str = field(default="", compare=False)
    kind: str = ""
    unit: str = ""
    bound: Fraction | None = None
    base: Integers | None = None
    least: bool = False

    @property
    def counts(self) -> bool:
        """Whether the row counts channels, which only an integer program keeps."""
        return self.on is not None or self.moves is not None

    @property
    def by_one(self) -> bool:
        """Whether its price is told of one more: a channel or a contact, not a sum of money."""
        return self.counts or self.kind == "frequency"

    @property
    def of_money(self) -> bool:
        """Whether only what is spent counts, so that spends of several weeks may be summed."""
        return not self.counts and self.moved is None and self.outcome is None

    @cached_property
    def money_floats(self) -> Floats:
        """Coefficients ``a`` in floating point, each the nearest to the exact one."""
        return _quotients(self.money, self.scale)

    @cached_property
    def moved_floats(self) -> Floats:
        """Coefficients ``m`` in floating point, zeros where no move is seen."""
        if self.moved is None:
            return np.zeros(np.shape(self.money))
        return _quotients(self.moved, self.scale)

    def loosened(self, by: Fraction) -> Row:
        """Return the row with its bound moved: room, a share, a ROAS or a CPA, as `kind` says.

        A ratio of a rule of one's own has its outcomes count for more, by this share of them.
        """
        if self.base is not None:
            money = multiple(by.denominator, self.money) - multiple(by.numerator, self.base)
            return replace(self, money=money, scale=self.scale * by.denominator)
        if not self.ratio:
            return replace(self, room=self.room + by)
        factor = 1 + by
        if self.bound is not None:
            to = self.bound - by if self.least else self.bound + by
            factor = self.bound / to if self.least else to / self.bound
        counted = None if self.outcome is None else self.outcome * float(factor)
        return replace(self, outcome=counted)

    @property
    def stated(self) -> Fraction:
        """What the rule's owner wrote."""
        if self.bound is not None:
            return self.bound
        return -self.room if self.least else self.room

    @property
    def ratio(self) -> bool:
        """Whether the row holds an outcome against money, so that room says nothing."""
        return self.outcome is not None and self.room == 0 and bool(self.money.any())

    def used(self, spend: Whole, last: Whole | None, units: int) -> Fraction:
        """Return the exact left side without the outcome, in money or as a count.

        Parameters
        ----------
        spend, last
            Minor units, shape ``(channels,)``; `last` is needed where the row sees moves.
        units
            Minor units in one unit of money.
        """
        total = Fraction(_dot(self.money, spend), self.scale * units)
        change = spend if last is None else spend - last
        if self.moved is not None:
            total += Fraction(_dot(self.moved, np.abs(change)), self.scale * units)
        if self.on is not None:
            total += _dot(self.on, (spend > 0).astype(np.int64))
        if self.moves is not None:
            total += _dot(self.moves, (change != 0).astype(np.int64))
        return total


def _quotients(numerators: Integers, scale: int) -> Floats:
    """Return numerators over a common denominator, in floating point."""
    whole = np.asarray(numerators)
    if scale == 1 and whole.dtype != object:
        return whole.astype(np.float64)
    return np.array([number / scale for number in whole.tolist()], dtype=np.float64)


def _dot(left: Integers, right: Whole) -> int:
    """Return an exact sum of products, in machine words where they cannot overflow."""
    high = int(np.abs(left).max(initial=0)) * int(np.abs(right).max(initial=0))
    if high * max(1, left.size) < 2**62:
        return int(left @ right)
    return sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))


def integers(numbers: Iterable[int]) -> Integers:
    """Return whole numbers as an array that holds every one of them exactly."""
    exact = list(numbers)
    fit = all(abs(number) < _FITS for number in exact)
    return np.array(exact, dtype=np.int64 if fit else object)


def multiple(factor: int, whole: Whole) -> Integers:
    """Return small whole numbers times an integer of any size, exactly."""
    product: Integers = (whole if abs(factor) < _FITS else whole.astype(object)) * factor
    return product


class PlanFacts(Protocol):
    """The facts of a plan that limits are made from; `Plan` has them all."""

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names in the order declared."""

    @property
    def index(self) -> Mapping[str, int]:
        """Position of each channel by name."""

    @property
    def labels(self) -> Mapping[str, NDArray[np.object_]]:
        """The value of each label by channel, None where a channel does not carry it."""

    @property
    def values(self) -> Floats:
        """What one outcome of each channel is worth in money, shape ``(channels,)``."""

    @property
    def money(self) -> Currency:
        """The currency with its minor unit."""

    @property
    def outcome(self) -> str:
        """Name of the outcome."""

    def rates(self, outcome: str) -> Floats:
        """Return how much of a named outcome comes with one unit of each channel's outcome."""


@runtime_checkable
class Rule(Protocol):
    """One verb: a plan and the last applied week in, rows out.

    A class of one's own plugs in without inheriting; its rows are checked exactly, priced and
    named like those of the library.
    """

    @property
    def name(self) -> str:
        """Name under which the price comes back; different from every other limit's."""

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return the rows; `last` is last applied money in minor units by channel, or None."""


class Caps(Protocol):
    """A second verb that a limit may have: the most money by channel, read off the curves."""

    def caps(self, plan: PlanFacts, curves: Curve) -> NDArray[np.float64]:
        """Return money by channel, infinite where the limit says nothing."""


def coefficients(plan: PlanFacts, given: Mapping[str, Any]) -> tuple[Integers, int]:
    """Return whole coefficients over the channels and their common denominator.

    Parameters
    ----------
    plan
        Positions of the names.
    given
        Exact coefficient (int, `Decimal` or `Fraction`) by channel name.
    """
    exact = {name: Fraction(value) for name, value in given.items()}
    scale = math.lcm(*(value.denominator for value in exact.values()))
    whole = [0] * len(plan.names)
    for name, value in exact.items():
        whole[plan.index[name]] = int(value * scale)
    return integers(whole), scale


def members(plan: PlanFacts, where: Mapping[str, str] | tuple[str, ...], limit: str) -> Whole:
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
        ``unknown-name`` where a name, a label or its value stands for no channel; ``bad-plan`` for
        an empty list, which would limit nothing.
    """
    if not isinstance(where, Mapping):
        if not where:
            raise _no_group(limit, [])
        chosen = np.zeros(len(plan.names), dtype=np.int64)
        for name in where:
            if name not in plan.index:
                raise _unknown(limit, say("the-channel-name", name=repr(name)), name, plan.names)
            chosen[plan.index[name]] = 1
        return chosen
    inside = np.ones(len(plan.names), dtype=bool)
    for key, value in where.items():
        if key not in plan.labels:
            raise _unknown(limit, say("the-label-name", name=repr(key)), key, sorted(plan.labels))
        carries = plan.labels[key] == value
        if not carries.any():
            known = sorted({v for v in plan.labels[key] if v is not None})
            raise _unknown(limit, f"{key} {value!r}", str(value), known)
        inside &= carries
    if not inside.any():
        raise _unknown(
            limit, say("the-group-name", name=repr(dict(where))), str(dict(where)), plan.names
        )
    return inside.astype(np.int64)


def _unknown(limit: str, what: str, value: str, known: Any) -> PlanError:
    return PlanError(
        "unknown-name",
        say("limit-names-nothing", limit=repr(limit), what=what),
        field=f"limits.{limit}",
        value=value,
        remedy=did_you_mean(value, known),
    )


def said(where: Mapping[str, str] | tuple[str, ...]) -> str:
    """Return a group in words."""
    if not isinstance(where, Mapping):
        return listed(where)
    labels = [say("label-value", label=k, value=v) for k, v in where.items()]
    return joined(labels) if labels else say("all-channels")


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
    raise _no_group(limit, where)


def _no_group(limit: str, where: Any) -> PlanError:
    return PlanError("bad-plan", say("limit-is-for", limit=repr(limit), where=repr(where)),
                     field=f"limits.{limit}.where", value=str(where),
                     remedy=say("remedy-labels-list-channel"))  # fmt: skip
