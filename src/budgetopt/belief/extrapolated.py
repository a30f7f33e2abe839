r"""Draws of curves beyond the spends that were seen, where what all channels share is in doubt.

Draws of single channels are independent given the weeks, so that their errors average out in a
total. Beyond the seen they do not: how fast returns fall out there is alike in all channels, and no
week said how. So the elasticity of all curves beyond what each was seen at is off by the same
:math:`\tau\varepsilon` in a draw, :math:`\varepsilon \sim N(0, 1)`:

.. math:: f(x)\,e^{\tau\varepsilon\,d(x) - \tau^2 d(x)^2/2}, \qquad
    d(x) = \begin{cases} \ln(x/\text{most}) & x > \text{most} \\
    \tfrac12 \ln(x/\text{least}) & x < \text{least} \\ 0 & \text{else} \end{cases}

The mean stays, and so does all that lies within what was seen; bands widen with the distance.
Below the least spend the curve is held by zero, and the doubt grows half as fast, down to a
twentieth of it. With 0.2 ranges at half to three times the usual budget hold what they say; see
``benchmarks/beyond_seen.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.curves import Curve

ELASTICITY_SD = 0.2
"""Standard deviation by which the elasticity of all curves may be off beyond what was seen."""
_FAR_BELOW = -3.0


@dataclass(frozen=True, eq=False)
class Extrapolated:
    """Draws of curves whose values are asked for; nothing optimises over them.

    Parameters
    ----------
    curves
        Draws before the channels.
    seen
        Least and greatest spend by channel, NaN where there was none, shape ``(channels, 2)``.
    luck
        Standard normal numbers, one a draw, shape ``(draws, 1)``.
    """

    curves: Curve
    seen: Floats
    luck: Floats

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcomes at spends of at least 0, shape ``(..., draws, channels)``."""
        value = self.curves.value(spend)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.log(np.asarray(spend, dtype=np.float64)[..., None] / self.seen)
        below = 0.5 * np.maximum(np.minimum(away[..., 0], 0.0), _FAR_BELOW)
        off = ELASTICITY_SD * np.nan_to_num(np.maximum(away[..., 1], 0.0) + below)
        # Within what was seen the draws stay what they are, to the last bit.
        if not off.any():
            return value
        return np.asarray(value * np.exp(self.luck * off - 0.5 * np.square(off)))
