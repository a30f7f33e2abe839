"""The parametric response curves, each with value, slope and the spend at a given slope.

- `Exponential` (a constant share of what is left), `Log` (slows down, never saturates), `Power`
  (constant elasticity) and `Logistic` (the saturation curve of PyMC-Marketing): always concave.
- `Hill`: concave up to shape 1, S-shaped above; its slope has no closed inverse, and two branches.

`Power`, and `Hill` below shape 1, have an infinite slope at zero. All are nondecreasing and zero at
zero; none says anything on spends beyond those that it was fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.curves.base import Curve, as_spend, check_parameter, check_shapes
from budgetopt.notebook import short


@dataclass(frozen=True, eq=False)
class _TopAndScale(Curve):
    """A concave curve of a height `top` and a scale of money; each says what they mean for it."""

    top: float | Floats
    scale: float | Floats

    def __post_init__(self) -> None:
        check_parameter(self, "top", least=0)
        check_parameter(self, "scale", above=0)
        check_shapes(self)

    @property
    def concave(self) -> bool:
        """Always."""
        return True


@public
@short
@dataclass(frozen=True, eq=False)
class Exponential(_TopAndScale):
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

    kind: ClassVar[str] = "exponential"

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


_ROUNDS = 2
"""Householder rounds of fourth order: from a start within a fifth the second reaches the last bit,
for every shape (checked from 0.05 to 100) and price."""

_BLOCK = 4096
"""Channels solved at a time: the working arrays stay in the processor's cache and are small enough
that their memory is used again instead of going back to the system (checked on 2,048 to 16,384)."""


@public
@short
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
        check_shapes(self)

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``top / (1 + (half/x)**s)``."""
        with np.errstate(divide="ignore", over="ignore"):
            ratio = np.power(self.half / as_spend(spend), self.shape)
            ratio += 1.0
            return self.top / ratio

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``top s/half · z**(s-1) / (1+z**s)**2`` with ``z = x/half``."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = as_spend(spend) / self.half
            return self._slope(z, self._power(z))

    def _slope(self, z: Floats, power: Floats) -> Floats:
        rest = 1.0 / (1.0 + power)
        part = power * rest
        part *= rest
        part /= z
        slope = np.asarray(self.top) * self.shape / self.half * part
        # Also where the spend is too small a part of half to be told from zero.
        zero = z == 0
        return np.where(zero, self._slope_at_zero(), slope) if np.any(zero) else slope

    def _power(self, z: Floats) -> Floats:
        # Beyond 1e300 nothing changes, save that infinity would give NaN.
        return np.minimum(np.power(z, self.shape), 1e300)

    def _slope_at_zero(self) -> Floats:
        first = np.asarray(self.top) / self.half
        steep = np.where(np.asarray(self.top) > 0, np.inf, 0.0)
        return np.select(
            [np.asarray(self.shape) < 1, np.asarray(self.shape) == 1], [steep, first], 0.0
        )

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        r"""Return the spend on the falling branch of the slope, 0 where the price is never met.

        With :math:`z = x/half` and :math:`y = \ln(1+z^s)` the slope is
        :math:`(top\,s/half)\,e^{-(1+1/s)y}\,w^{1-1/s}`, where :math:`w = 1-e^{-y}` is the share of
        `top` that is reached. Its logarithm, :math:`\rho\ln w - y` up to factor and constant with
        :math:`\rho = (s-1)/(s+1)`, is nearly a line in y, and Householder's method solves it in
        two rounds. For shape 1 there is :math:`x = half(\sqrt{top/(half\,slope)} - 1)`.
        """
        price = as_spend(slope)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if np.all(np.asarray(self.shape) == 1.0):
                spend = self.half * (np.sqrt(np.asarray(self.top) / self.half / price) - 1.0)
            else:
                first = np.asarray(self.top) * self.shape / self.half
                target = np.log(first) - np.log(price)
                spend = _falling_root(target, np.asarray(self.shape))
                np.copyto(spend, np.inf, where=target == np.inf)
                spend *= self.half
        # NaN, where there is no root, becomes 0.
        return np.fmax(spend, 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``x (1+z**s) / ((1-s) + (1+s) z**s)``; where the slope still rises, infinity."""
        x = as_spend(spend)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self._decay(x, self._power(x / self.half))

    def slope_and_decay(self, spend: ArrayLike) -> tuple[Floats, Floats]:
        """Return both, of one power."""
        x = as_spend(spend)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = x / self.half
            power = self._power(z)
            return self._slope(z, power), self._decay(x, power)

    def _decay(self, x: Floats, power: Floats) -> Floats:
        s = np.asarray(self.shape)
        fall = (1.0 + s) * power
        fall += 1.0 - s
        decay = (1.0 + power) / fall
        decay *= x
        if np.all(fall > 0):
            return decay
        # For shape 1 the limit at zero.
        return np.where(fall > 0, decay, np.where(s == 1, np.asarray(self.half) / 2.0, np.inf))

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return the line from zero to its tangent point ``half (s-1)**(1/s)``, then the curve."""
        x, s = as_spend(spend), np.asarray(self.shape)
        value = self.value(x)
        if self.concave:
            return value
        end = self.half * np.power(np.maximum(s - 1.0, 0.0), 1.0 / s)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(x < end, x * (self.value(end) / end), value)

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
    """Return ``z = x/half`` on the falling branch, block by block; NaN where there is none."""
    target, shape = np.broadcast_arrays(target, shape)
    root = np.empty(target.shape)
    goals, shapes, roots = target.ravel(), shape.ravel(), root.reshape(-1)
    for at in range(0, root.size, _BLOCK):
        some = slice(at, at + _BLOCK)
        roots[some] = _falling_block(goals[some], shapes[some])
    return root


def _falling_block(target: Floats, shape: Floats) -> Floats:
    """Return the roots of one flat block: solve ``y - rho ln w = goal`` for y, hand back z."""
    rho = (shape - 1.0) / (shape + 1.0)
    more = 1.0 + rho
    goal = 0.5 * more * target
    y = _start(goal, rho)
    for _ in range(_ROUNDS):
        w = -np.expm1(-y)
        fall = w * more
        fall -= rho
        # At an inflection, where this is 0, the start is the root already.
        np.maximum(fall, 1e-6 * w, out=fall)
        # Newton's step is w·miss; bend brings in the second derivative, rest the third.
        miss = np.log(w)
        miss *= rho
        np.subtract(y, miss, out=miss)
        miss -= goal
        miss /= fall
        rest = 1.0 - w
        bend = rho * rest
        bend *= miss
        bend /= fall
        rest += 1.0
        rest *= miss
        rest *= 1.0 / 6.0
        rest += 1.0
        rest *= bend
        np.subtract(1.0, rest, out=rest)
        bend *= -0.5
        bend += 1.0
        bend *= miss
        bend *= w
        bend /= rest
        y -= bend
    z = np.log(-np.expm1(-y))
    z += y
    z /= shape
    return np.exp(z, out=z)


def _start(goal: Floats, rho: Floats) -> Floats:
    """Return a y within a fifth of the root."""
    rising = rho > 0
    if not rising.any():
        return _start_concave(goal, rho)
    return np.where(rising, _start_falling(goal, rho), _start_concave(goal, rho))


def _start_concave(goal: Floats, rho: Floats) -> Floats:
    """Return the root of ``y - rho ln y = goal``, by Lambert's W, where that is above the goal."""
    # At shape 1, where rho is 0, the goal is the root; the other start must just not be NaN.
    lean = np.maximum(-rho, 1e-17)
    ratio = np.exp(np.minimum(goal / lean, 300.0)) / lean
    start: Floats = np.log1p(ratio / (1.0 + 0.5 * np.log1p(ratio)))
    start *= lean
    return np.maximum(start, goal, out=start)


def _start_falling(goal: Floats, rho: Floats) -> Floats:
    """Return a parabola's root at the inflection, bent into a line far from it."""
    low = rho / (1.0 + rho)
    inflection = -np.log1p(-low)
    above = goal - (inflection - rho * np.log(low))
    # A price that rounding alone puts above the greatest slope is met at the inflection.
    above = np.where(above > -1e-13 * (1.0 + np.abs(goal)), np.maximum(above, 0.0), np.nan)
    line = 0.5 * above
    return np.minimum(goal, inflection + line + np.sqrt(line * line + rho * above))


@public
@short
@dataclass(frozen=True, eq=False)
class Log(_TopAndScale):
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

    kind: ClassVar[str] = "log"

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


@public
@short
@dataclass(frozen=True, eq=False)
class Logistic(_TopAndScale):
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

    kind: ClassVar[str] = "logistic"

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


@public
@short
@dataclass(frozen=True, eq=False)
class Power(_TopAndScale):
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

    exponent: float | Floats
    kind: ClassVar[str] = "power"

    def __post_init__(self) -> None:
        check_parameter(self, "exponent", above=0, below=1)
        super().__post_init__()

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
