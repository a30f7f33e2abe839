r"""What lies between the expected outcome of a week and the one that comes.

The outcome is :math:`M\,E`, a multiplier M of mean 1 times the expected outcome E, or where
outcomes are counted a Poisson number of events of that mean. M is drawn with the weather and does
not depend on the spends. The events are the Poisson quantile of a uniform number that is drawn
with the weather too, so one run meets one luck whatever a policy spends, and more expected outcome
never brings less.

======================  ========================================  ======================
noise                   M                                         variance of the outcome
======================  ========================================  ======================
`Noise.none`            1                                         0
`Noise.lognormal`       :math:`e^{\sigma z-\sigma^2/2}`           :math:`(e^{\sigma^2}-1)E^2`
`Noise.poisson`         1, counted                                :math:`uE`
`Noise.both`            lognormal, counted                        the sum of the two
`Noise.negative_        gamma of mean 1 and variance              :math:`uE+\alpha E^2`
binomial`               :math:`\alpha`, counted
======================  ========================================  ======================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import as_number
from budgetopt.market.dynamics import by_channel, wrong
from budgetopt.market.random import Stream, poisson_quantile
from budgetopt.messages import say
from budgetopt.notebook import short

PerChannel = float | tuple[float, ...]


@short
@dataclass(frozen=True)
class Noise:
    r"""Mean-one noise of a channel's weekly outcome; the class methods name the usual ones.

    Parameters
    ----------
    sd
        Standard deviation of the logarithm of a lognormal multiplier, at least 0; one number, or
        one for each channel.
    dispersion
        Variance of a gamma multiplier, at least 0, likewise; not beside `sd`.
    counted
        Whether the outcome is a whole number of events.
    unit
        Size of one event in units of the outcome, above 0: 1 for counts, the average order value
        for revenue.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> Noise.both(0.2) == Noise(sd=0.2, counted=True)
    True
    """

    sd: PerChannel = 0.0
    dispersion: PerChannel = 0.0
    counted: bool = False
    unit: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", by_channel(self.sd, "noise.sd", least=0))
        spread = by_channel(self.dispersion, "noise.dispersion", least=0)
        object.__setattr__(self, "dispersion", spread)
        object.__setattr__(self, "unit", as_number(self.unit, "noise.unit", above=0))
        if np.any(self.sd) and np.any(self.dispersion):
            raise wrong("noise.dispersion", self.dispersion, say("remedy-sd-dispersion-not"))

    @classmethod
    def none(cls) -> Self:
        """Return no noise: what comes is what was expected."""
        return cls()

    @classmethod
    def lognormal(cls, sd: PerChannel) -> Self:
        """Return a lognormal multiplier."""
        return cls(sd=sd)

    @classmethod
    def poisson(cls, *, unit: float = 1.0) -> Self:
        """Return counts."""
        return cls(counted=True, unit=unit)

    @classmethod
    def both(cls, sd: PerChannel, *, unit: float = 1.0) -> Self:
        """Return counts whose rate has a lognormal multiplier."""
        return cls(sd=sd, counted=True, unit=unit)

    @classmethod
    def negative_binomial(cls, dispersion: PerChannel, *, unit: float = 1.0) -> Self:
        """Return counts whose rate has a gamma multiplier: variance ``m + dispersion m²``."""
        return cls(dispersion=dispersion, counted=True, unit=unit)

    def multiplier(self, stream: Stream, channels: int) -> float | Floats:
        r"""Return a week's multipliers, shape ``(runs, channels)``, or 1 where there are none.

        :math:`e^{\sigma z - \sigma^2/2}`, or a gamma number of mean 1 and variance :math:`\alpha`.
        """
        if np.any(self.sd):
            sd = np.asarray(self.sd)
            drawn = stream.normals(channels)
            drawn *= sd
            drawn -= 0.5 * np.square(sd)
            return np.exp(drawn, out=drawn)
        if np.any(self.dispersion):
            spread = np.broadcast_to(np.asarray(self.dispersion), (channels,))
            varied = spread > 0
            # A gamma of dispersion zero is one.
            shape = 1.0 / np.where(varied, spread, 1.0)
            drawn = stream.gammas(shape)
            drawn *= spread
            return drawn if varied.all() else np.where(varied, drawn, 1.0)
        return 1.0

    def luck(self, stream: Stream, channels: int) -> Floats | None:
        """Return a week's normals behind the counts, or None where nothing is counted."""
        return stream.normals(channels) if self.counted else None

    def outcome(self, expected: Floats, multiplier: float | Floats, luck: Floats | None) -> Floats:
        """Return what comes of the expected outcome; nondecreasing in it.

        ``M E``, or where outcomes are counted the unit times the Poisson quantile, at the week's
        luck, of the mean ``M E / unit``.
        """
        rate = expected * multiplier
        if luck is None:
            return rate
        rate /= self.unit
        events = poisson_quantile(luck, rate)
        events *= self.unit
        return events
