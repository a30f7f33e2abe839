r"""Curves stretched in outcome and in money, :math:`h\,f(x/w)`.

`Scaled` says it of any curve; `stretched` returns curves of their own family, since the optimizer
knows more about families: where an S-curve bends, and that cells are shared.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.curves.base import Curve, Stack, as_spend
from budgetopt.curves.mixture import Mixture, Picked
from budgetopt.curves.points import Points

_OUTCOME = ("top", "outcome")
_MONEY = ("scale", "half", "spend")


@dataclass(frozen=True, eq=False)
class Scaled(Curve):
    r"""Curves stretched in outcome and in money: :math:`h\,f(x/w)`.

    Parameters
    ----------
    curve
        The curves f.
    height
        Factor h of the outcome, at least 0; a number or an array that goes with the curves.
    width
        Factor w of the money, above 0, likewise.
    """

    curve: Curve
    height: float | Floats
    width: float | Floats
    kind: ClassVar[str] = "scaled"

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``h f(x/w)``."""
        return self.height * self.curve.value(as_spend(spend) / self.width)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``h/w f'(x/w)``; where the height is 0, 0."""
        with np.errstate(invalid="ignore"):
            slope = self.height / self.width * self.curve.slope(as_spend(spend) / self.width)
        return np.where(np.asarray(self.height) > 0, slope, 0.0)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return ``w`` times the spend at which f has the slope ``s w/h``."""
        some = np.asarray(self.height) > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = np.where(some, as_spend(slope) * self.width / self.height, np.inf)
        return np.where(some, self.width * self.curve.spend_at_slope(steep), 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``w`` times the decay of f."""
        return self.width * self.curve.slope_decay(as_spend(spend) / self.width)

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return ``h`` times the envelope of f."""
        return self.height * self.curve.envelope(as_spend(spend) / self.width)

    @property
    def concave(self) -> bool:
        """Whether f is."""
        return self.curve.concave

    @property
    def inflection(self) -> Floats | None:
        """Where the slope is greatest, if f is S-shaped and declares it."""
        declared = getattr(self.curve, "inflection", None)
        return None if declared is None else np.asarray(self.width * np.asarray(declared))

    def take(self, columns: Any) -> Curve:
        """Return the curves at some positions of the channel axis."""
        height, width = (
            v[..., columns] if np.shape(v)[-1:] > (1,) else v
            for v in (np.asarray(self.height), np.asarray(self.width))
        )
        return Scaled(self.curve.take(columns), height, width)

    def to_dict(self) -> dict[str, Any]:
        """Return curve and factors as plain data."""
        factors = {k: np.asarray(getattr(self, k)).tolist() for k in ("height", "width")}
        return {"kind": self.kind, "curve": self.curve.to_dict(), **factors}


def stretched(curve: Curve, height: Floats, width: Floats) -> Curve:
    """Return curves over the channels times a height, of money over a width.

    Parameters
    ----------
    curve
        Curves over the channels.
    height, width
        At least 0, and above 0, shape ``(channels,)``.
    """
    if isinstance(curve, Scaled):
        return stretched(curve.curve, height * curve.height, width * curve.width)
    if isinstance(curve, Stack):
        parts = [(at, stretched(part, height[at], width[at])) for at, part in curve.parts]
        return Stack(tuple(parts))
    if isinstance(curve, Mixture):
        return _mixture(curve, height, width)
    own: set[str] = {f.name for f in fields(curve)} if is_dataclass(curve) else set()
    outcome, money = (own.intersection(names) for names in (_OUTCOME, _MONEY))
    if len(outcome) != 1 or len(money) != 1:
        return Scaled(curve, height, width)
    tall, wide = (a[:, None] if isinstance(curve, Points) else a for a in (height, width))
    name, other = outcome.pop(), money.pop()
    changed: dict[str, Any] = {
        name: np.asarray(getattr(curve, name)) * tall,
        other: np.asarray(getattr(curve, other)) * wide,
    }
    return replace(curve, **changed)  # type: ignore[type-var] # a dataclass, as was asked


def _mixture(curve: Mixture, height: Floats, width: Floats) -> Curve:
    """Return a mixture of cells that are stretched to each width there is."""
    if isinstance(curve, Picked):
        return curve.scaled(height) if np.all(width == 1.0) else Scaled(curve, height, width)
    size, weights = height.size, np.asarray(curve.weights)
    if np.all(width == 1.0):
        return Mixture(curve.cells, weights * height[:, None])
    count = weights.shape[-1]
    single = np.ndim(curve.cells.value(np.zeros(count))) == 1
    if weights.ndim > 2 or not single:
        return Scaled(curve, height, width)
    tall = np.broadcast_to(weights, (size, count)) * height[:, None]
    widths, which = np.unique(width, return_inverse=True)
    if widths.size == 1:
        return Mixture(stretched(curve.cells, np.ones(count), np.full(count, widths[0])), tall)
    parts, spread = [], np.zeros((size, widths.size, count))
    spread[np.arange(size), which] = tall
    for at, one in enumerate(widths):
        cells = stretched(curve.cells, np.ones(count), np.full(count, one))
        inner = cells.parts if isinstance(cells, Stack) else ((np.arange(count), cells),)
        parts += [(places + at * count, part) for places, part in inner]
    return Mixture(Stack(tuple(parts)), spread.reshape(size, -1))
