"""What every response curve can do, for one channel or for whole arrays of channels.

`stack` makes many curves of any kinds one curve over an array of channels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.errors import CurveError
from budgetopt.i18n import say
from budgetopt.notebook import brief

_NOTHING: Floats = np.asarray(np.nan)


class Curve(ABC):
    """Expected outcome per week as a function of money per week: nondecreasing, zero at zero.

    Parameters are numbers for one channel, or arrays shaped ``(channels,)`` or ``(runs,
    channels)`` for many channels at once; every method broadcasts its argument against them.
    So one class serves the live week and ten thousand simulated ones.

    Notes
    -----
    Spends are in units of money per week (not minor units) and must not be negative; outcomes are
    in the unit of ``top``. Slopes are outcome per unit of money.

    A class of one's own that is S-shaped, convex and then concave, says so by `concave` and
    declares the spend where its slope is greatest as a property ``inflection``; any function at
    all becomes a curve by `Points.sampled`.
    """

    kind: ClassVar[str]

    @abstractmethod
    def value(self, spend: ArrayLike) -> Floats:
        """Return the expected outcome at a spend."""

    @abstractmethod
    def slope(self, spend: ArrayLike) -> Floats:
        """Return the marginal outcome per unit of money at a spend; may be infinite at zero."""

    @abstractmethod
    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the largest spend at which the slope is still at least the given one.

        It is 0 where even the first unit brings less. At slope 0 it is the spend beyond which
        nothing more comes, infinite where the curve never ends.
        """

    @abstractmethod
    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the money over which the slope falls by a factor of e here: ``f'/(-f'')``.

        It is what a spend gains when the logarithm of the price falls by one, the derivative that
        Newton's method on the price needs.
        """

    def slope_and_decay(self, spend: ArrayLike) -> tuple[Floats, Floats]:
        """Return `slope` and `slope_decay` at a spend, for who needs both."""
        return self.slope(spend), self.slope_decay(spend)

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return the value of the least concave function above the curve; itself if concave."""
        return self.value(spend)

    def conjugate(
        self, price: ArrayLike, lower: ArrayLike, upper: ArrayLike
    ) -> tuple[Floats, Floats]:
        r"""Return the spend in bounds that maximises ``f(x) - price x``, and the maximum.

        For a curve that is concave, or first convex and then concave, the maximum lies at an end
        or where the falling slope meets the price, so that three candidates are all.
        """
        price, lower, upper = (as_spend(a) for a in (price, lower, upper))
        meeting = self.spend_at_slope(np.maximum(price, 0.0))
        spend = np.where(price < 0, upper, np.clip(meeting, lower, upper))
        best = self.value(spend) - price * spend
        if not self.concave:
            for end in (lower, upper):
                other = self.value(end) - price * end
                spend = np.where(other > best, end, spend)
                best = np.maximum(best, other)
        return spend, best

    @property
    @abstractmethod
    def concave(self) -> bool:
        """Whether the slope never rises with spend."""

    def take(self, columns: Any) -> Curve:
        """Return the curves at some positions of the channel axis: an int, a list, slice or mask.

        A parameter that all channels share is repeated; curves that share every parameter are
        the same at every position.
        """
        given = self.parameters()
        channels = np.broadcast_shapes(*(np.shape(v)[-1:] for v in given.values()))
        if not channels:
            return self
        wide = {k: np.broadcast_to(v, (*np.shape(v)[:-1], *channels)) for k, v in given.items()}
        return self._of_checked({k: v[..., columns] for k, v in wide.items()})

    @classmethod
    def _of_checked(cls, parameters: dict[str, Any]) -> Self:
        """Return a curve of parameters that were checked before, without looking at them again."""
        curve = object.__new__(cls)
        for name, value in parameters.items():
            object.__setattr__(curve, name, value if np.ndim(value) else float(value))
        return curve

    @classmethod
    def join(cls, curves: Sequence[Self]) -> Self:
        """Return single curves of this kind as one curve over an array of channels."""
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: np.array([getattr(c, name) for c in curves]) for name in names})

    def parameters(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain data, ``{"kind": ..., parameter: ...}``."""
        plain = {k: np.asarray(v).tolist() for k, v in self.parameters().items()}
        return {"kind": self.kind, **plain}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.parameters(), other.parameters()
        return all(np.array_equal(mine[k], theirs[k]) for k in mine)

    def __hash__(self) -> int:
        return hash((self.kind, *(np.asarray(v).tobytes() for v in self.parameters().values())))


def check_parameter(
    curve: Curve,
    name: str,
    *,
    above: float = -np.inf,
    least: float = -np.inf,
    below: float = np.inf,
) -> None:
    """Store a parameter as float or float array, or say which value is out of range.

    Raises
    ------
    CurveError
        ``bad-curve``, with the position where the parameter is an array.
    """
    given = getattr(curve, name)
    array = as_floats(given)
    # Written so that NaN fails.
    good = (array > above) & (array >= least) & (array < below)
    if not good.all():
        at = np.unravel_index(int(np.argmin(good)), good.shape)
        where = f"[{', '.join(map(str, at))}]" if at else ""
        rules = [f"above {above:g}"] if above > -np.inf else []
        rules += [f"at least {least:g}"] if least > -np.inf else []
        rules += [f"below {below:g}"] if below < np.inf else ["finite"]
        bad = array[at] if array.ndim else given
        raise CurveError("bad-curve", say("curve-part-is", name=name, where=where, kind=curve.kind,
                         bad=bad), field=name, value=float(bad) if array.ndim else given,
                         remedy=say("give-a-number", range=" and ".join(rules)))  # fmt: skip
    object.__setattr__(curve, name, float(array) if array.ndim == 0 else array)


def as_floats(given: Any) -> Floats:
    """Return numbers as floats, with NaN for what is not a number: text, yes or no."""
    try:
        # A list is looked at item by item, since numpy would make one of a yes.
        array = np.asarray(given, dtype=object if isinstance(given, (list, tuple)) else None)
        if array.dtype.kind == "O":
            items = [np.nan if isinstance(v, (str, bool, np.bool_)) else v for v in array.flat]
            return np.array(items, dtype=np.float64).reshape(array.shape)
        return array.astype(np.float64, copy=False) if array.dtype.kind in "iuf" else _NOTHING
    except (TypeError, ValueError, OverflowError):
        return _NOTHING


def check_shapes(curve: Curve) -> None:
    """Refuse parameters whose shapes do not go together.

    Raises
    ------
    CurveError
        ``bad-curve``.
    """
    shapes = {name: np.shape(value) for name, value in curve.parameters().items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise CurveError(
            "bad-curve",
            say("parameters-curve-shapes", kind=curve.kind, shown=shown),
            field="curve",
            value=shown,
            remedy=say("remedy-number-all-channels"),
        ) from None


def as_spend(spend: ArrayLike) -> Floats:
    """Return spends as a float array."""
    return np.asarray(spend, dtype=np.float64)


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
