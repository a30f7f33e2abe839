"""What every response curve can do, for one channel or for whole arrays of channels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.errors import CurveError
from budgetopt.i18n import say

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
