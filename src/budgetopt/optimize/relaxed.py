"""What a node of `branch` is worth, and who says so."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.envelope import Envelope

Floats = NDArray[np.float64]


class Relaxed(NamedTuple):
    """A relaxation solved.

    Parameters
    ----------
    bound
        No split in the node has a better objective; from the true curves.
    spend
        Best split under the envelopes, within the rows, shape ``(channels,)``.
    prices
        Price of each row, shape ``(rows,)``.
    """

    bound: float
    spend: Floats
    prices: Floats


class Relaxation(Protocol):
    """One verb: envelopes in, their best split and a proven bound out."""

    def relax(self, envelope: Envelope, start: Floats | None) -> Relaxed | None:
        """Return the best split under envelopes; None where no split keeps the rows."""

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split within the bounds keeps the rows, by the true curves."""
