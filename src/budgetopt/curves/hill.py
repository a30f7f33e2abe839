"""The Hill curve: concave up to shape 1, S-shaped above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.curves.base import Curve, Floats, as_spend, check_parameter

_ROUNDS = 12
"""Halley rounds allowed; from the asymptote four reach the last bit."""


@dataclass(frozen=True, eq=False)
class Hill(Curve):
    r"""Saturation as in dose and response: :math:`top\,x^{s}/(half^{s}+x^{s})`.

    Parameters
    ----------
    top
        Outcome per week that no spend can exceed, at least 0.
    half
        Money at which half of `top` is reached, above 0.
    shape
        Exponent ``s``, above 0. At most 1: concave; above 1: S-shaped, convex up to
        ``half ((s-1)/(s+1))**(1/s)``.

    Raises
    ------
    CurveError
        ``bad-curve`` where a parameter is out of range.

    Notes
    -----
    Source: Hill (1910); for media Jin, Wang, Sun, Chan and Koehler (2017), section 2.2. Below
    shape 1 the slope at zero is infinite.

    Examples
    --------
    >>> curve = Hill(top=100, half=50, shape=1)
    >>> float(curve.value(50)), float(curve.slope(0)), Hill(100, 50, 2).concave
    (50.0, 2.0, False)
    """

    top: float | Floats
    half: float | Floats
    shape: float | Floats
    kind: ClassVar[str] = "hill"

    def __post_init__(self) -> None:
        check_parameter(self, "top", least=0)
        check_parameter(self, "half", above=0)
        check_parameter(self, "shape", above=0)

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``top / (1 + (half/x)**s)``."""
        with np.errstate(divide="ignore", over="ignore"):
            return self.top / (1.0 + np.power(self.half / as_spend(spend), self.shape))

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``top s/x · w (1-w)`` with ``w = x**s/(half**s + x**s)``."""
        x = as_spend(spend)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            z = x / self.half
            # w(1-w) is the same at z and 1/z; below 1 the power cannot overflow.
            power = np.power(np.minimum(z, 1.0 / z), self.shape)
            slope = self.top * np.asarray(self.shape) / x * power / np.square(1.0 + power)
            return np.where(x > 0, slope, self._slope_at_zero())

    def _slope_at_zero(self) -> Floats:
        first = np.asarray(self.top) / self.half
        steep = np.where(np.asarray(self.top) > 0, np.inf, 0.0)
        return np.select(
            [np.asarray(self.shape) < 1, np.asarray(self.shape) == 1], [steep, first], 0.0
        )

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        r"""Return the spend on the falling branch of the slope, 0 where the price is never met.

        With :math:`t = s\ln(x/half)` the logarithm of the slope is
        :math:`h(t) = t(1-1/s) - 2\ln(1+e^t)` up to a constant. It is concave, and the
        asymptotes :math:`t(1-1/s) - 2\max(0, t)` lie above it, so that Newton's and Halley's
        methods from the asymptote's root fall towards the root without ever passing it. For
        shape 1 the root is in closed form, :math:`x = half(\sqrt{top/(half\,slope)} - 1)`.
        """
        price = as_spend(slope)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if np.all(np.asarray(self.shape) == 1.0):
                spend = self.half * (np.sqrt(np.asarray(self.top) / self.half / price) - 1.0)
            else:
                first = np.asarray(self.top) * self.shape / self.half
                spend = self.half * _falling_root(np.log(price / first), np.asarray(self.shape))
        return np.where(spend > 0, spend, 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``x / ((1-s) + 2 s w)``; where the slope still rises, infinity."""
        x, s = as_spend(spend), np.asarray(self.shape)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            power = np.power(x / self.half, s)
            decay = x / ((1.0 - s) + 2.0 * s / (1.0 + 1.0 / power))
            decay = np.where((x == 0) & (s == 1), np.asarray(self.half) / 2.0, decay)
        return np.where(decay >= 0, decay, np.inf)

    @property
    def inflection(self) -> Floats:
        """Return the spend where the slope is greatest: 0 where the curve is concave."""
        s = np.asarray(self.shape)
        return self.half * np.power(np.maximum(s - 1.0, 0.0) / (s + 1.0), 1.0 / s)

    @property
    def concave(self) -> bool:
        """Whether every shape is at most 1 (a channel without effect is flat, hence concave)."""
        return bool(np.all((np.asarray(self.shape) <= 1.0) | (np.asarray(self.top) == 0.0)))


def _falling_root(target: Floats, shape: Floats) -> Floats:
    """Return ``z = exp(t/s)`` with ``t(1-1/s) - 2 ln(1+e^t) = target`` where h falls, 0 if none."""
    rise = 1.0 - 1.0 / shape
    # The root of the upper asymptotes: the left one is met first where the target is positive.
    t = np.where(target > 0, np.where(shape < 1, target / rise, np.nan), target / (rise - 2.0))
    for _ in range(_ROUNDS):
        miss = t * rise - 2.0 * np.logaddexp(0.0, t) - target
        share = 1.0 / (1.0 + np.exp(-t))
        first, second = rise - 2.0 * share, -2.0 * share * (1.0 - share)
        step = miss / first
        step /= 1.0 - 0.5 * step * second / first
        # On the rising branch of an S-curve the price is above the greatest slope: no root.
        t = np.where(first < 0, t - step, np.nan)
        if not np.any(np.abs(step) > 1e-14 * (1.0 + np.abs(t))):
            break
    z: Floats = np.exp(t / shape)
    return np.where(np.isnan(z), 0.0, z)
