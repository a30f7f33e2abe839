"""Where a node of `branch` is split, and the concave branches around its point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.branch.envelope import Bends, Envelope, Span

Floats = NDArray[np.float64]
Ends = tuple[float, float, float]

_ASIDE = 1e-3
"""Share of a chord that a split keeps away from its ends, so that both halves shrink."""
_NARROW = 1e-14
"""Share of a spend below which a chord is too short to be split."""
_SHORT = 1e-12
"""Share of the objective by which a channel must lie under its envelope to be looked at."""
_KEPT = 1e-12
"""Share of its amount by which rounding may make a spend miss an end of its span."""


def split(envelope: Envelope, spend: Floats, weight: Floats) -> list[tuple[int, Ends]]:
    """Return a channel and its two halves; nothing where every envelope meets its curve.

    Parameters
    ----------
    envelope, spend
        The node's envelopes and its best split under them.
    weight
        What an outcome counts for there, shape ``(channels,)``.
    """
    lower, least, upper = envelope.span
    short = _short(envelope, spend, weight)
    hole = short == np.inf
    if np.any(hole):
        at = int(np.argmax(np.where(hole, weight * (envelope.value(spend) - envelope.base), -1)))
        low = float(lower[at])
        return [(at, (low, low, low)), (at, (float(least[at]),) * 2 + (float(upper[at]),))]
    at = int(np.argmax(short))
    low, high = envelope.line(at, float(spend[at]))
    if not short[at] > 0 or high - low <= _NARROW * high:
        return []
    aside = _ASIDE * (high - low)
    point = min(max(float(spend[at]), low + aside), high - aside)
    below, above = float(lower[at]), float(upper[at])
    if point < least[at]:
        point = float(least[at])
    return [(at, (below, float(least[at]), point)), (at, (point, point, above))]


def _short(envelope: Envelope, spend: Floats, weight: Floats) -> Floats:
    """Return how far each channel lies under its envelope, in the objective."""
    short = envelope.short(spend)
    return np.where(np.isinf(short), np.inf, weight * np.where(np.isinf(short), 0.0, short))


class Branches:
    """The concave branches of the curves in the spans of the root.

    Parameters
    ----------
    bends
        The curves and where they bend.
    span
        What the channels may spend.
    """

    def __init__(self, bends: Bends, span: Span) -> None:
        self.bends, self.span = bends, span
        self.start = np.minimum(np.maximum(span.least, bends.inflection), span.upper)
        self.free = (bends.inflection <= span.lower) & (span.least <= span.lower)
        self.seen: set[bytes] = set()

    def holds(self, spend: Floats) -> bool:
        """Return whether spends are in the spans."""
        lower, least, upper = self.span
        slack = _KEPT * np.maximum(spend, upper)
        inside = (spend >= least - slack) & (spend <= upper + slack)
        return bool(np.all(inside | (np.abs(spend - lower) <= slack)))

    def at(self, spend: Floats) -> Envelope:
        """Return the concave problem of the branches that a split lies on."""
        low, high = self._fixed(spend)
        return Envelope.on_concave(self.bends, Span(low, low, high))

    def around(self, envelope: Envelope, spend: Floats, weight: Floats) -> Iterator[Envelope]:
        """Yield concave problems near a node's point that were not tried before.

        A channel beyond its inflection keeps to its falling slope, one below stays where it is;
        those under a chord are tried at the nearer end of it, all at the lower, and all at the
        upper end.
        """
        low, high = self._fixed(spend)
        short = _short(envelope, spend, weight)
        inside = np.flatnonzero(short > _SHORT * float(weight @ envelope.value(spend)))
        if not inside.size:
            yield from self._new(low, high)
            return
        lines = np.array([envelope.line(at, float(spend[at])) for at in inside.tolist()])
        nearest = np.argmin(np.abs(lines - spend[inside, None]), axis=-1)
        for side in (nearest, 0 * nearest, 0 * nearest + 1):
            moved = spend.copy()
            moved[inside] = lines[np.arange(side.size), side]
            yield from self._new(*self._fixed(moved))

    def _fixed(self, spend: Floats) -> tuple[Floats, Floats]:
        on = self.free | (spend >= self.start)
        low, high = np.where(on, self.start, spend), np.where(on, self.span.upper, spend)
        for at in self.bends.points:
            low[at], high[at] = self._run(at, float(spend[at]))
        if self.bends.sums is not None:
            places = self.bends.sums.places
            low[places], high[places] = self.bends.sums.stretch(spend, self.span)
        return low, high

    def _run(self, at: int, spend: float) -> tuple[float, float]:
        """Return the ends of the concave run of points on which a spend lies."""
        least, upper = float(self.span.least[at]), float(self.span.upper[at])
        if spend < least:
            return spend, spend
        low, high = self.bends.run(at, spend)
        return min(max(low, least), upper), min(high, upper)

    def _new(self, low: Floats, high: Floats) -> Iterator[Envelope]:
        key = low.tobytes() + high.tobytes()
        if key not in self.seen:
            self.seen.add(key)
            yield Envelope.on_concave(self.bends, Span(low, low, high))
