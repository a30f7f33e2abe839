"""Curves as the optimizer asks a belief for them."""

from __future__ import annotations

from typing import NamedTuple

from budgetopt.curves import Curve


class Known(NamedTuple):
    """Channels and their curves.

    Parameters
    ----------
    channels
        Names, in the order of the curves.
    curves
        Over the channels.
    """

    channels: tuple[str, ...]
    curves: Curve

    def mean(self) -> Curve:
        """Return the curves."""
        return self.curves
