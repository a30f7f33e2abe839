"""The logistic saturation curve of PyMC-Marketing, concave from zero on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.curves.base import Curve, Floats, as_spend, check_parameter, check_shapes


@dataclass(frozen=True, eq=False)
class Logistic(Curve):
    r"""Half a logistic curve: :math:`top\,(1-e^{-x/scale})/(1+e^{-x/scale})`.

    Parameters
    ----------
    top
        Outcome per week that no spend can exceed, at least 0.
    scale
        Money at which 46 % of `top` is reached, above 0.

    Raises
    ------
    CurveError
        ``bad-curve`` where a parameter is out of range.

    Notes
    -----
    Source: ``logistic_saturation`` of PyMC-Marketing, with ``lam = 1/scale``. It equals
    :math:`top\,\tanh(x/(2\,scale))`; being the upper half, it is concave.

    Examples
    --------
    >>> round(float(Logistic(top=10, scale=5).value(5)), 6)
    4.621172
    """

    top: float | Floats
    scale: float | Floats
    kind: ClassVar[str] = "logistic"

    def __post_init__(self) -> None:
        check_parameter(self, "top", least=0)
        check_parameter(self, "scale", above=0)
        check_shapes(self)

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``top tanh(x / (2 scale))``."""
        with np.errstate(over="ignore"):
            return self.top * np.tanh(0.5 * as_spend(spend) / self.scale)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``2 top/scale · q/(1+q)**2`` with ``q = exp(-x/scale)``."""
        with np.errstate(over="ignore"):
            q = np.exp(-as_spend(spend) / self.scale)
        return 2.0 * self.top / self.scale * q / np.square(1.0 + q)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return ``scale arcosh(top / (scale s) - 1)``, at least 0.

        The area function is ``ln(1 + d + sqrt(d (d+2)))`` with ``d = top/(scale s) - 2``, which
        keeps its digits where the spend is small.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            above = np.asarray(self.top) / self.scale / as_spend(slope) - 2.0
            root = np.sqrt(above * (above + 2.0))
            # Far out the product overflows and the root is as good as the number itself.
            spend = self.scale * np.log1p(above + np.minimum(root, above + 1.0))
        return np.fmax(spend, 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``scale / tanh(x/(2 scale))``; infinite at zero, where the slope is level."""
        with np.errstate(divide="ignore", over="ignore"):
            fall = np.expm1(-as_spend(spend) / self.scale)
            return self.scale * (-2.0 / fall - 1.0)

    @property
    def concave(self) -> bool:
        """Always."""
        return True
