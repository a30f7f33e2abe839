"""The one form that every rule across channels takes: a row with exact coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from budgetopt.plan.plan import Plan

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


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
        Coefficients ``a`` of spend times `scale`, whole numbers, shape ``(channels,)``.
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

    Notes
    -----
    With ``m`` and ``p`` at least 0 the left side is convex for concave curves, so that rows without
    counts keep the problem concave.
    """

    limit: str
    money: Whole
    room: Fraction
    scale: int = 1
    moved: Whole | None = None
    outcome: Floats | None = None
    on: Whole | None = None
    moves: Whole | None = None
    sentence: str = field(default="", compare=False)

    @property
    def counts(self) -> bool:
        """Whether the row counts channels, which only an integer program keeps."""
        return self.on is not None or self.moves is not None

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


def _dot(left: Whole, right: Whole) -> int:
    """Return an exact sum of products, in machine words where they cannot overflow."""
    high = int(np.abs(left).max(initial=0)) * int(np.abs(right).max(initial=0))
    if high * max(1, left.size) < 2**62:
        return int(left @ right)
    return sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))


def coefficients(plan: Plan, given: Mapping[str, Any], size: int) -> tuple[Whole, int]:
    """Return whole coefficients over the channels and their common denominator.

    Parameters
    ----------
    plan
        The plan, for the positions of the names.
    given
        Exact coefficient (int, `Decimal`, `Fraction` or decimal text) by channel name.
    size
        Number of channels.
    """
    exact = {name: Fraction(str(value)) for name, value in given.items()}
    scale = 1
    for value in exact.values():
        scale = scale * value.denominator // np.gcd(scale, value.denominator)
    whole = np.zeros(size, dtype=np.int64)
    for name, value in exact.items():
        whole[plan.index[name]] = int(value * int(scale))
    return whole, int(scale)
