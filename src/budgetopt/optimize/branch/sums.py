"""Mixtures that are not concave, as `branch` reads them: they may bend any number of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Mixture
from budgetopt.curves.hull import Hull
from budgetopt.curves.sampled import Sampled
from budgetopt.curves.stretches import Stretches, stretches

if TYPE_CHECKING:
    from budgetopt.optimize.branch.envelope import Span

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of S-shaped and concave cells, and where they are concave.

    Parameters
    ----------
    places
        Positions on the channel axis, shape ``(sums,)``.
    sampled
        The sums.
    parts
        Their concave stretches.
    """

    places: NDArray[np.intp]
    sampled: Sampled
    parts: Stretches

    @classmethod
    def of(cls, curves: Mixture, places: NDArray[np.intp], upper: Floats) -> Self | None:
        """Return the sums up to some spends; None where the cells are not smooth."""
        most = float(np.max(upper, initial=0.0))
        sampled = curves.sampled(0.0, most)
        return None if sampled is None else cls(places, sampled, stretches(sampled, 0.0, most))

    def over(self, span: Span) -> Hull:
        """Return their envelopes on the spans of all channels."""
        return Hull.over(self.sampled, self.parts, *(ends[self.places] for ends in span))

    def on(self, span: Span) -> Hull:
        """Return the sums themselves, on spans where each is concave."""
        return Hull.on(self.sampled, span.lower[self.places], span.upper[self.places])

    def changed(self, hull: Hull, at: int, span: Span) -> Hull:
        """Return envelopes with that of one channel made anew on its span."""
        row = np.flatnonzero(self.places == at)
        parts = self.parts.pick(row)
        ends = (ends[self.places[row]] for ends in span)
        return hull.replaced(int(row[0]), Hull.over(self.sampled.take(row), parts, *ends))

    def stretch(self, spend: Floats, span: Span) -> tuple[Floats, Floats]:
        """Return the ends of the concave stretch in the span on which each sum's spend lies."""
        x, least, upper = (ends[self.places] for ends in (spend, span.least, span.upper))
        return self.parts.around(x, least, upper)
