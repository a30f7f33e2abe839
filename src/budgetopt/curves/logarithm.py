"""The logarithmic curve, which slows down but never saturates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.curves.base import Curve, Floats, as_spend, check_parameter, check_shapes


@dataclass(frozen=True, eq=False)
class Log(Curve):
    r"""Each doubling brings about the same again: :math:`top\,\ln(1+x/scale)`.

    Parameters
    ----------
    top
        Outcome per week gained by each factor of e once ``x`` is far above `scale`, at least 0.
    scale
        Money at which the slope is half of the first slope, above 0.

    Raises
    ------
    CurveError
        ``bad-curve`` where a parameter is out of range.

    Notes
    -----
    Source: the semilogarithmic response of Hanssens, Parsons and Schultz (2001), ch. 3. Always
    concave; it has no ceiling, so it must not be trusted far beyond the spends it was learned on.

    Examples
    --------
    >>> round(float(Log(top=10, scale=5).value(5)), 6)
    6.931472
    """

    top: float | Floats
    scale: float | Floats
    kind: ClassVar[str] = "log"

    def __post_init__(self) -> None:
        check_parameter(self, "top", least=0)
        check_parameter(self, "scale", above=0)
        check_shapes(self)

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``top ln(1 + x/scale)``."""
        with np.errstate(over="ignore"):
            return self.top * np.log1p(as_spend(spend) / self.scale)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``top / (scale + x)``."""
        return self.top / (self.scale + as_spend(spend))

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return ``top/s - scale``, at least 0."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            spend = self.top / as_spend(slope) - self.scale
        return np.fmax(spend, 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``scale + x``."""
        return self.scale + as_spend(spend)

    @property
    def concave(self) -> bool:
        """Always."""
        return True
