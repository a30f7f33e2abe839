"""What every engine answers with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Solved(NamedTuple):
    """A continuous split, the prices of the rows, and a proven bound.

    Parameters
    ----------
    spend
        Money by channel, within bounds and rows up to rounding error, shape ``(channels,)``.
    prices
        Price of each row of the problem, at least 0, shape ``(rows,)``.
    bound
        No split within the limits has a better objective; from the true curves.
    method
        Engine that made it.
    """

    spend: NDArray[np.float64]
    prices: NDArray[np.float64]
    bound: float
    method: str
