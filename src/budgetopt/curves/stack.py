"""Many curves of any kinds as one curve over an array of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.curves.base import Curve
from budgetopt.errors import CurveError
from budgetopt.i18n import say
from budgetopt.notebook import brief


def stack(curves: Sequence[Curve]) -> Curve:
    """Return single curves as one curve whose last axis is the channels.

    Curves of one kind become that kind with array parameters; mixed kinds become a `Stack`.

    Examples
    --------
    >>> from budgetopt.curves import Exponential, Log
    >>> stack([Log(2, 1), Log(3, 1)]).top
    array([2., 3.])
    >>> stack([Log(2, 1), Exponential(3, 1)]).value([0.0, 0.0])
    array([0., 0.])
    """
    columns: dict[type[Curve], list[int]] = {}
    for at, curve in enumerate(curves):
        columns.setdefault(type(curve), []).append(at)
    joined = [(np.array(at), kind.join([curves[i] for i in at])) for kind, at in columns.items()]
    return joined[0][1] if len(joined) == 1 else Stack(tuple(joined))


@dataclass(frozen=True, eq=False)
class Stack(Curve):
    """Curves of several kinds side by side on the channel axis.

    Parameters
    ----------
    parts
        Pairs of channel positions and the curve over just these channels; together the positions
        are 0 to the number of channels less one.
    """

    parts: tuple[tuple[Any, Curve], ...]
    kind: ClassVar[str] = "stack"

    def __post_init__(self) -> None:
        places = [np.asarray(at, dtype=np.intp) for at, _ in self.parts]
        held = np.concatenate([np.empty(0, dtype=np.intp), *places])
        if not np.array_equal(np.sort(held), np.arange(held.size)):
            raise CurveError("bad-curve", say("positions-stack-s-parts"), field="parts",
                             value=held.tolist(), remedy=say("remedy-channel-part"))  # fmt: skip
        curves = (curve for _, curve in self.parts)
        object.__setattr__(self, "parts", tuple(zip(places, curves, strict=True)))

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcome of each channel."""
        return self._each(lambda curve, x: curve.value(x), spend)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slope of each channel."""
        return self._each(lambda curve, x: curve.slope(x), spend)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the spend of each channel at its slope."""
        return self._each(lambda curve, s: curve.spend_at_slope(s), slope)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the slope's decay of each channel."""
        return self._each(lambda curve, x: curve.slope_decay(x), spend)

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return the concave envelope of each channel."""
        return self._each(lambda curve, x: curve.envelope(x), spend)

    def conjugate(
        self, price: ArrayLike, lower: ArrayLike, upper: ArrayLike
    ) -> tuple[Floats, Floats]:
        """Return the best spend of each channel at its price, and what it is worth."""
        given = [np.asarray(a, dtype=np.float64) for a in (price, lower, upper)]
        shape = np.broadcast_shapes(*(a.shape for a in given), (self.size,))
        wide = [np.broadcast_to(a, shape) for a in given]
        spend, best = np.empty(shape), np.empty(shape)
        for at, curve in self.parts:
            spend[..., at], best[..., at] = curve.conjugate(*(a[..., at] for a in wide))
        return spend, best

    @property
    def concave(self) -> bool:
        """Whether every part is."""
        return all(curve.concave for _, curve in self.parts)

    @property
    def size(self) -> int:
        """Number of channels."""
        return sum(len(at) for at, _ in self.parts)

    def take(self, columns: Any) -> Curve:
        """Return the curves at some positions; of one kind only, they are a curve of that kind."""
        wanted = np.arange(self.size)[columns]
        owner, place = np.empty((2, self.size), dtype=np.intp)
        for number, (at, _) in enumerate(self.parts):
            owner[at], place[at] = number, np.arange(len(at))
        if wanted.ndim == 0:
            part: Curve = self.parts[int(owner[wanted])][1]
            return part.take(int(place[wanted]))
        parts: list[tuple[Any, Curve]] = []
        for number, (_, curve) in enumerate(self.parts):
            here = np.flatnonzero(owner[wanted] == number)
            if here.size:
                parts.append((here, curve.take(place[wanted[here]])))
        return parts[0][1] if len(parts) == 1 else Stack(tuple(parts))

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as plain data."""
        parts = [{"columns": at.tolist(), "curve": c.to_dict()} for at, c in self.parts]
        return {"kind": self.kind, "parts": parts}

    def _each(self, method: Callable[[Curve, Floats], Floats], given: ArrayLike) -> Floats:
        wide, size = np.asarray(given, dtype=np.float64), self.size
        if not wide.ndim or wide.shape[-1] != size:
            wide = np.broadcast_to(wide, np.broadcast_shapes(wide.shape, (size,)))
        results = [(at, method(curve, wide[..., at])) for at, curve in self.parts]
        lead = wide.shape[:-1]
        if any(result.ndim != wide.ndim or result.shape[:-1] != lead for _, result in results):
            lead = np.broadcast_shapes(lead, *(r.shape[:-1] for _, r in results))
        out = np.empty((*lead, size))
        for at, result in results:
            out[..., at] = result
        return out

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stack) or len(self.parts) != len(other.parts):
            return NotImplemented if not isinstance(other, Stack) else False
        return all(
            np.array_equal(a, b) and c == d
            for (a, c), (b, d) in zip(self.parts, other.parts, strict=True)
        )

    def __hash__(self) -> int:
        return hash(tuple((at.tobytes(), curve) for at, curve in self.parts))


@brief
@dataclass(frozen=True, eq=False, repr=False)
class Scalable(Stack):
    """Curves that know the unit their money is in: ``f(x) = base(x / unit)``.

    What is worked out of `base` serves the curves in every unit.

    Parameters
    ----------
    parts
        As in `Stack`.
    unit
        Money, above 0.
    base
        The curves of money in units.
    """

    unit: float
    base: Stack
