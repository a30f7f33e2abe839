"""What a node of `branch` is worth, and who says so."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.branch.envelope import Envelope

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
    """What a tree asks: the best under envelopes with a bound, and the best on concave branches."""

    def relax(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split under envelopes; None where no split keeps the rows.

        Parameters
        ----------
        envelope
            The envelopes of a node.
        start
            Prices of a similar problem, or None.
        floor
            Objective of the best split so far: a bound below it need not be the best bound.
        """

    def settle(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split where every curve is concave on its span.

        None where no split keeps the rows, or none is better than the floor.
        """

    def sharpen(self, envelope: Envelope, found: Relaxed) -> Relaxed | None:
        """Return the best split on concave branches near one; None if it is not sharper."""

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split within the bounds keeps the rows, by the true curves."""

    def weight(self, relaxed: Relaxed) -> Floats:
        """Return what an outcome counts for at a node's prices, shape ``(channels,)``."""
