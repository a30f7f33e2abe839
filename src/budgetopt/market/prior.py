"""Markets described in a few numbers, from which true curves are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.curves import Curve, Exponential, Hill, Power, Stack
from budgetopt.curves.base import Floats
from budgetopt.errors import did_you_mean
from budgetopt.market.checks import number, whole, wrong
from budgetopt.market.truth import ByRun

FAMILIES = ("exponential", "hill", "power")
"""Families that a prior may mix."""
_LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class Prior:
    r"""True curves spread around an equal share of the money.

    Each channel of each run has a saturation point :math:`h = s\,E\,e^{\sigma_s z_1}`, the money at
    which half of the top is reached, and a slope :math:`b\,e^{\sigma_b z_2}`; its top is slope
    times saturation point. So at the saturation point every family brings half the slope per unit
    of money. The power curve, which never saturates, goes through the same point.

    Parameters
    ----------
    channels
        How many, at least 1.
    equal_share
        Weekly money per channel E, above 0.
    saturation, saturation_sd
        s, above 0, and :math:`\sigma_s`, at least 0.
    slope, slope_sd
        b in outcome per unit of money, above 0, and :math:`\sigma_b`, at least 0.
    kinds
        Families, each equally likely: of ``"exponential"``, ``"hill"`` and ``"power"``.
    hill_shape, power
        Ranges from which the Hill shape and the power are drawn evenly; the shape is above 0
        (S-shaped above 1), the power in 0 to 1.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> prior = Prior(channels=5, equal_share=1000)
    >>> prior.draw(np.random.default_rng(7), 3).value(1000.0).shape
    (3, 5)
    """

    channels: int
    equal_share: float
    saturation: float = 1.0
    saturation_sd: float = 0.7
    slope: float = 0.03
    slope_sd: float = 0.5
    kinds: tuple[str, ...] = ("exponential", "hill")
    hill_shape: tuple[float, float] = (0.6, 1.0)
    power: tuple[float, float] = (0.4, 0.8)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "channels", whole(self.channels, "prior.channels", least=1))
        for name in ("equal_share", "saturation", "slope"):
            put(self, name, number(getattr(self, name), f"prior.{name}", above=0))
        for name in ("saturation_sd", "slope_sd"):
            put(self, name, number(getattr(self, name), f"prior.{name}", least=0))
        given = (self.kinds,) if isinstance(self.kinds, str) else tuple(self.kinds)
        for kind in given:
            if kind not in FAMILIES:
                raise wrong("prior.kinds", kind, did_you_mean(kind, FAMILIES))
        if not given:
            raise wrong("prior.kinds", given, "name at least one family")
        put(self, "kinds", given)
        put(self, "hill_shape", _range(self.hill_shape, "prior.hill_shape", most=np.inf))
        put(self, "power", _range(self.power, "prior.power", most=0.999))

    def draw(self, rng: np.random.Generator, runs: int, /) -> ByRun:
        """Return curves of shape ``(runs, channels)``.

        Four arrays of that shape are taken from the generator, whatever the families are.
        """
        shape = (runs, self.channels)
        family = np.minimum(rng.random(shape) * len(self.kinds), len(self.kinds) - 1).astype(int)
        half = self.equal_share * self.saturation * _spread(rng, shape, self.saturation_sd)
        top = self.slope * half * _spread(rng, shape, self.slope_sd)
        bend = rng.random(shape)
        parts: list[tuple[np.ndarray, Curve]] = []
        for number_, kind in enumerate(self.kinds):
            at = np.flatnonzero(family == number_)
            if at.size:
                parts.append((at, self._curves(kind, half.ravel()[at], bend.ravel()[at])))
        return ByRun(parts[0][1] if len(parts) == 1 else Stack(tuple(parts)), top)

    def _curves(self, kind: str, half: Floats, bend: Floats) -> Curve:
        """Return curves that reach a half at their saturation points."""
        if kind == "exponential":
            return Exponential(np.ones_like(half), half / _LN2)
        low, high = self.hill_shape if kind == "hill" else self.power
        exponent = low + (high - low) * bend
        if kind == "hill":
            return Hill(np.ones_like(half), half, exponent)
        return Power(np.full_like(half, 0.5), half, exponent)


def _spread(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> Floats:
    spread: Floats = np.exp(sd * rng.standard_normal(shape))
    return spread


def _range(given: tuple[float, float], field: str, *, most: float) -> tuple[float, float]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise wrong(field, given, "give the least and the most, such as (0.6, 1.0)")
    low, high = (number(v, f"{field}[{at}]", above=0, most=most) for at, v in enumerate(given))
    if low > high:
        raise wrong(field, given, "give the least first")
    return low, high
