"""The exponential (negative-exponential saturation) curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.curves.base import Curve, Floats, as_spend, check_parameter, check_shapes


@dataclass(frozen=True, eq=False)
class Exponential(Curve):
    r"""Constant share of what is left is won by each unit: :math:`top\,(1-e^{-x/scale})`.

    Parameters
    ----------
    top
        Outcome per week that no spend can exceed, at least 0.
    scale
        Money at which 63 % of `top` is reached, above 0.

    Raises
    ------
    CurveError
        ``bad-curve`` where a parameter is out of range.

    Notes
    -----
    Source: the modified exponential of Gupta and Steenburgh (2008), "Allocating marketing
    resources". Always concave.

    Examples
    --------
    >>> curve = Exponential(top=100, scale=50)
    >>> round(float(curve.value(50)), 3), round(float(curve.spend_at_slope(curve.slope(20))), 9)
    (63.212, 20.0)
    """

    top: float | Floats
    scale: float | Floats
    kind: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        check_parameter(self, "top", least=0)
        check_parameter(self, "scale", above=0)
        check_shapes(self)

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``top (1 - exp(-x/scale))``."""
        with np.errstate(over="ignore"):
            return -self.top * np.expm1(-as_spend(spend) / self.scale)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``top/scale exp(-x/scale)``."""
        with np.errstate(over="ignore"):
            return self.top / self.scale * np.exp(-as_spend(spend) / self.scale)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return ``scale ln(top / (scale s))``, at least 0."""
        first = np.asarray(self.top) / self.scale
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            spend = self.scale * np.log(first / as_spend(slope))
        return np.fmax(spend, 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``scale``, the same everywhere."""
        return self.scale + np.zeros_like(as_spend(spend))

    @property
    def concave(self) -> bool:
        """Always."""
        return True
