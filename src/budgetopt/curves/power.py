"""The power curve, of constant elasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.curves.base import Curve, Floats, as_spend, check_parameter, check_shapes


@dataclass(frozen=True, eq=False)
class Power(Curve):
    r"""One per cent more money brings `exponent` per cent more: :math:`top\,(x/scale)^{p}`.

    Parameters
    ----------
    top
        Outcome per week at a spend of `scale`, at least 0.
    scale
        Money at which `top` is reached, above 0.
    exponent
        Elasticity ``p``, above 0 and below 1.

    Raises
    ------
    CurveError
        ``bad-curve`` where a parameter is out of range.

    Notes
    -----
    Source: the multiplicative response of Hanssens, Parsons and Schultz (2001), ch. 3. Always
    concave; the slope at zero is infinite, so the optimum never leaves such a channel at zero.

    Examples
    --------
    >>> float(Power(top=10, scale=100, exponent=0.5).value(25))
    5.0
    """

    top: float | Floats
    scale: float | Floats
    exponent: float | Floats
    kind: ClassVar[str] = "power"

    def __post_init__(self) -> None:
        check_parameter(self, "top", least=0)
        check_parameter(self, "scale", above=0)
        check_parameter(self, "exponent", above=0, below=1)
        check_shapes(self)

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``top (x/scale)**p``."""
        with np.errstate(over="ignore"):
            return self.top * np.power(as_spend(spend) / self.scale, self.exponent)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``top p/scale (x/scale)**(p-1)``, infinite at zero."""
        p, top = np.asarray(self.exponent), np.asarray(self.top)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slope = top * p / self.scale * np.power(as_spend(spend) / self.scale, p - 1.0)
        return np.where(top > 0, slope, 0.0)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return ``scale (top p/(scale s))**(1/(1-p))``."""
        p = np.asarray(self.exponent)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.asarray(self.top) * p / self.scale / as_spend(slope)
            spend = self.scale * np.power(ratio, 1.0 / (1.0 - p))
        floored: Floats = np.fmax(spend, 0.0)
        return floored

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``x / (1-p)``."""
        return as_spend(spend) / (1.0 - np.asarray(self.exponent))

    @property
    def concave(self) -> bool:
        """Always."""
        return True
