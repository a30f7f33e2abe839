"""What is known of the arms of a test, whatever the metric: the protocol of its three families.

`rates.Rates` (Beta-binomial), `counts.Counts` (Gamma-Poisson) and `averages.Averages`
(normal-gamma) keep it. Each has a *line*: a scale on which its densities are smooth, so that one
quadrature serves all three. In all of them more is better.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Posterior(Protocol):
    """Independent distributions of the arms' true values; more is better."""

    widest: ClassVar[float]
    """Widest panel of the line on which twelve nodes follow the value."""

    @property
    def mean(self) -> Floats:
        """Expected value by arm, shape ``(..., arms)``."""

    def quantile(self, lower: Floats) -> Floats:
        """Return points of the line below which a mass lies, shape ``(masses, arms)``."""

    def upper(self, tail: Floats) -> Floats:
        """Return points of the line above which a mass lies, shape ``(masses, arms)``."""

    def cdf(self, value: Floats) -> Floats:
        """Return the mass below values of shape ``(points, 1)``, shape ``(points, arms)``."""

    def density(self, point: Floats) -> Floats:
        """Return the density along the line at points ``(points, 1)``, shape ``(points, arms)``."""

    def value(self, point: Floats) -> Floats:
        """Return the value at points of the line, same shape."""

    def point(self, value: Floats) -> Floats:
        """Return the point of the line at values, same shape."""

    def slope(self, point: Floats) -> Floats:
        """Return by how much the value rises along the line at points, same shape."""
