"""The least concave function above each curve, on the part of its spends that is still open.

- `NonconcaveMixtures`: weighted sums of cells, which may bend any number of times.
- `Bends` says once for all curves where they bend; `Span` is what a channel may spend.
- `Envelope` is the concave curve that the bounds of `branch` come from.

Right for curves that are first convex and then concave, for points, and for mixtures of smooth
cells. A curve of one's own that is neither is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import (
    Curve,
    Hill,
    Hull,
    Mixture,
    Points,
    Sampled,
    Stack,
    Stretches,
    row_envelope,
    stretches,
)
from budgetopt.errors import SolverError
from budgetopt.messages import say


@dataclass(frozen=True, eq=False)
class NonconcaveMixtures:
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
        # Where nothing can be spent, any spend at which they are known will do.
        most = float(np.max(upper, initial=0.0)) or 1.0
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


_ROUNDS = 80
"""Newton's method meets a tangent in some five rounds; bisection alone would need 60."""
_NEAR = 1e-13
"""Relative step at which a tangent point is met; what it is off by enters the chord squared."""
_DOUBLINGS = 200
_HALVINGS = 60
"""Of a bracket of the tangent point of a curve of one's own."""


class Span(NamedTuple):
    """What each channel may spend: `lower`, or anything from `least` to `upper`.

    Parameters
    ----------
    lower, least, upper
        Money, ``lower <= least <= upper``, shape ``(channels,)``; one point where all are equal.
    """

    lower: Floats
    least: Floats
    upper: Floats

    def with_channel(self, at: Any, lower: float, least: float, upper: float) -> Span:
        """Return the same with other spends for one channel, or for some at once."""
        changed = [values.copy() for values in self]
        for values, new in zip(changed, (lower, least, upper), strict=True):
            values[at] = new
        return Span(*changed)


@dataclass(frozen=True, eq=False)
class Bends:
    """Where curves turn from convex to concave.

    Parameters
    ----------
    curves
        Curves over the channels.
    inflection
        Money up to which each is convex, 0 for concave ones, shape ``(channels,)``.
    reach
        Money at which a line from zero is tangent, shape ``(channels,)``.
    points
        Spends and outcomes of each curve through points, by position.
    sums
        Mixtures that are not concave, or None.
    """

    curves: Curve
    inflection: Floats
    reach: Floats
    points: dict[int, tuple[Floats, Floats]]
    sums: NonconcaveMixtures | None = None
    _single: dict[int, Curve] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, curves: Curve, upper: Floats) -> Self:
        """Return the bends of curves that may spend up to so much.

        Raises
        ------
        SolverError
            ``wrong-method`` for a curve of which it is not known where it bends.
        """
        inflection, reach = np.zeros((2, upper.size))
        points: dict[int, tuple[Floats, Floats]] = {}
        sums: NonconcaveMixtures | None = None
        parts = curves.parts if isinstance(curves, Stack) else ((np.arange(upper.size), curves),)
        for places, part in parts:
            if isinstance(part, Points):
                shape = (len(places), np.shape(part.spend)[-1])
                knots, heights = (np.broadcast_to(p, shape) for p in (part.spend, part.outcome))
                points |= {int(at): (knots[k], heights[k]) for k, at in enumerate(places)}
            elif isinstance(part, Hill) and not part.concave:
                works = np.asarray(part.top) > 0
                inflection[places] = np.where(works, part.inflection, 0.0)
                s = np.asarray(part.shape)
                end = part.half * np.power(np.maximum(s - 1.0, 0.0), 1.0 / s)
                reach[places] = np.where(works, np.maximum(end, part.inflection), 0.0)
            elif isinstance(part, Mixture) and not part.concave:
                sums = NonconcaveMixtures.of(part, places, upper[places])
                if sums is None:
                    raise _bends_anywhere(part)
            elif not part.concave and not isinstance(part, Hill):
                inflection[places], reach[places] = _declared(part, len(places))
        if isinstance(curves, Mixture):
            curves = curves.sampled(0.0, np.max(upper, initial=0.0)) or curves
        return cls(curves, inflection, reach, points, sums)

    def one(self, at: int) -> Curve:
        """Return one channel's curve, as an array of one."""
        if at not in self._single:
            self._single[at] = self.curves.take([at])
        return self._single[at]

    def run(self, at: int, spend: float) -> tuple[float, float]:
        """Return the ends of the concave run of points that a spend lies on, left ones first."""
        knots, heights = self.points[at]
        real = np.append(True, np.diff(knots) > 0)
        knots, heights = knots[real], heights[real]
        slopes = np.append(np.diff(heights) / np.diff(knots), 0.0)
        piece = max(int(np.searchsorted(knots, spend)) - 1, 0)
        rises = np.flatnonzero(np.diff(slopes) > 0) + 1
        after = int(np.searchsorted(rises, piece, side="right"))
        low = knots[rises[after - 1]] if after else knots[0]
        return float(low), float(knots[rises[after]]) if after < rises.size else np.inf

    def tangent(self, curve: Curve, at: Any, lower: Floats) -> Floats:
        r"""Return where a line from each lower end touches: the end if it is concave from there.

        The root of :math:`f(l) + f'(t)(t-l) = f(t)` lies between the inflection and `reach`.
        """
        low, high = self.inflection[at], self.reach[at]
        bent = lower < low
        touch = np.where(bent, high, lower)
        if not np.any(bent & (lower > 0)):
            return touch
        base = curve.value(lower)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for _ in range(_ROUNDS):
                slope, way = curve.slope(touch), touch - lower
                over = base + slope * way - curve.value(touch)
                low, high = np.where(over > 0, touch, low), np.where(over > 0, high, touch)
                ahead = touch + over * curve.slope_decay(touch) / (slope * way)
                inside = (ahead >= low) & (ahead <= high)
                ahead = np.where(inside, ahead, 0.5 * (low + high))
                step, touch = np.abs(ahead - touch), np.where(bent, ahead, touch)
                if np.all((step <= _NEAR * touch) | ~bent):
                    break
        return touch


def _declared(part: Curve, channels: int) -> tuple[Floats, Floats]:
    """Return what S-shaped curves of one's own declare as `inflection`, and their tangent points.

    A line from zero touches where ``f(t) = t f'(t)``, beyond the inflection.
    """
    given = getattr(part, "inflection", None)
    if given is None:
        raise _bends_anywhere(part)
    inflection = np.array(np.broadcast_to(np.asarray(given, dtype=np.float64), channels))

    def short(at: Floats) -> NDArray[np.bool_]:
        return np.asarray(part.value(at) < at * part.slope(at))

    low, high = inflection.copy(), np.maximum(2.0 * inflection, 1e-300)
    for _ in range(_DOUBLINGS):
        beyond = short(high) & (inflection > 0)
        if not beyond.any():
            break
        high = np.where(beyond, 2.0 * high, high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        still = short(middle)
        low, high = np.where(still, middle, low), np.where(still, high, middle)
    return inflection, np.where(inflection > 0, high, 0.0)


def _bends_anywhere(curve: Curve) -> SolverError:
    return SolverError(
        "wrong-method",
        say("where-curve-not", kind=curve.kind),
        field="method",
        value="branch",
        remedy=say("remedy-declare-inflection-where"),
    )


@dataclass(frozen=True, eq=False)
class Hulls:
    """Envelopes of curves through points, one a row, padded at the end.

    Parameters
    ----------
    places
        Positions on the channel axis, shape ``(rows,)``.
    knots, heights
        Spends and values of the envelope there, shape ``(rows, knots)``.
    slopes
        Between the knots, falling, -1 in the padding, shape ``(rows, knots - 1)``.
    """

    places: NDArray[np.intp]
    knots: Floats
    heights: Floats
    slopes: Floats

    def at_slope(self, steep: NDArray[np.bool_]) -> Floats:
        """Return the ends of the last lines that are steep enough, a mask like `slopes`."""
        count = steep.sum(axis=-1)
        ends: Floats = self.knots[np.arange(count.size), count]
        return ends

    def read(self, spend: Floats) -> tuple[Floats, Floats]:
        """Return values and slopes to the right at spends."""
        at = np.sum(self.knots[:, 1:-1] <= spend[:, None], axis=-1)
        rows = np.arange(at.size)
        slope = np.maximum(self.slopes[rows, at], 0.0)
        value = self.heights[rows, at] + slope * (spend - self.knots[rows, at])
        return value, slope


def _hull_row(bends: Bends, at: int, span: Span, size: int) -> tuple[Floats, Floats, Floats]:
    knots, _ = bends.points[at]
    lower, least, upper = (float(ends[at]) for ends in span)
    inside = knots[(knots > least) & (knots < upper)]
    spend = np.unique([lower, least, upper, *inside])
    heights, slopes = row_envelope(spend, bends.one(at).value(spend[:, None])[:, 0])
    pad = (0, size - spend.size)
    return (
        np.pad(spend, pad, mode="edge"),
        np.pad(heights, pad, mode="edge"),
        np.pad(slopes, pad, constant_values=-1.0),
    )


def _hulls(bends: Bends, span: Span) -> Hulls | None:
    if not bends.points:
        return None
    size = 4 + max(knots.size for knots, _ in bends.points.values())
    rows = [_hull_row(bends, at, span, size) for at in bends.points]
    knots, heights, slopes = (np.stack(part) for part in zip(*rows, strict=True))
    return Hulls(np.array(list(bends.points)), knots, heights, slopes)


@dataclass(frozen=True, eq=False)
class Envelope(Curve):
    r"""The concave envelope of each curve on its span: a chord, then the curve.

    On ``{l} ∪ [m, u]`` it is the line from ``(l, f(l))`` to the tangent point ``t``, drawn into
    ``[m, u]``, and ``f`` beyond. Points have the upper hull of what lies in the span.

    Parameters
    ----------
    bends
        The curves.
    span
        What each channel may spend.
    touch
        The tangent points ``t``, ``l`` where the curve is concave from there on.
    base
        ``f(l)``.
    chord
        Slope of the line, infinite where there is none.
    hulls
        Those of the points, or None.
    sums
        The envelopes of mixtures, or None; where there are such, the line is not used.

    Notes
    -----
    Source: Falk and Soland (1969), "An algorithm for separable nonconvex programming problems",
    section 3; for sigmoids Udell and Boyd (2013), "Maximizing a sum of sigmoids", section 4.
    """

    bends: Bends
    span: Span
    touch: Floats
    base: Floats
    chord: Floats
    hulls: Hulls | None
    sums: Hull | None = None
    kind: ClassVar[str] = "envelope"

    @classmethod
    def over(cls, bends: Bends, span: Span) -> Self:
        """Return the envelopes on a span."""
        every = slice(None)
        lines = _lines(bends, bends.curves, every, span)
        hulls = _hulls(bends, span)
        if hulls is not None:
            lines[0][hulls.places], lines[2][hulls.places] = span.lower[hulls.places], np.inf
        if bends.sums is None:
            return cls(bends, span, *lines, hulls)
        places = bends.sums.places
        lines[0][places], lines[2][places] = span.lower[places], np.inf
        return cls(bends, span, *lines, hulls, bends.sums.over(span))

    @classmethod
    def on_concave(cls, bends: Bends, span: Span) -> Self:
        """Return the curves themselves, on spans where each is concave and has no hole."""
        base, line = bends.curves.value(span.lower), np.full_like(span.lower, np.inf)
        sums = None if bends.sums is None else bends.sums.on(span)
        return cls(bends, span, span.lower, base, line, _hulls(bends, span), sums)

    def with_channel(self, at: int, lower: float, least: float, upper: float) -> Self:
        """Return the same with another span for one channel."""
        span = self.span.with_channel(at, lower, least, upper)
        if at in self.bends.points and self.hulls is not None:
            row, hulls = int(np.flatnonzero(self.hulls.places == at)[0]), self.hulls
            new = _hull_row(self.bends, at, span, hulls.knots.shape[-1])
            tables = [table.copy() for table in (hulls.knots, hulls.heights, hulls.slopes)]
            for table, values in zip(tables, new, strict=True):
                table[row] = values
            base = self.base.copy()
            base[at], touch = new[1][0], self.touch.copy()
            touch[at] = lower
            hulls = Hulls(hulls.places, *tables)
            return replace(self, span=span, hulls=hulls, base=base, touch=touch)
        some = slice(at, at + 1)
        if self.sums is not None and self.bends.sums is not None and at in self.mixed:
            base, touch = self.base.copy(), self.touch.copy()
            base[at], touch[at] = self.bends.one(at).value(span.lower[some])[0], lower
            sums = self.bends.sums.changed(self.sums, at, span)
            return replace(self, span=span, sums=sums, base=base, touch=touch)
        part = Span(*(values[some] for values in span))
        lines = self.touch.copy(), self.base.copy(), self.chord.copy()
        for line, new_line in zip(
            lines, _lines(self.bends, self.bends.one(at), some, part), strict=True
        ):
            line[some] = new_line
        return replace(self, span=span, touch=lines[0], base=lines[1], chord=lines[2])

    def take(self, columns: Any) -> Curve:
        """Return the envelopes at some positions, where none is of points or mixtures."""
        bends, span = self.bends, Span(*(ends[columns] for ends in self.span))
        curves = bends.curves.take(columns)
        part = Bends(curves, bends.inflection[columns], bends.reach[columns], {})
        touch, base, chord = (line[columns] for line in (self.touch, self.base, self.chord))
        return Envelope(part, span, touch, base, chord, None)

    def value(self, spend: ArrayLike) -> Floats:
        """Return the height of the envelope."""
        x = np.asarray(spend, dtype=np.float64)
        inside = (x < self.touch) & np.isfinite(self.chord)
        line = self.base + np.where(inside, self.chord, 0.0) * (x - self.span.lower)
        value = np.where(inside, line, self.bends.curves.value(x))
        if self.hulls is not None:
            value[self.hulls.places] = self.hulls.read(x[self.hulls.places])[0]
        if self.sums is not None:
            value[self.mixed] = self.sums.value(x[self.mixed])
        return value

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slope of the chord, or of the curve beyond it."""
        x = np.asarray(spend, dtype=np.float64)
        slope = np.where(x < self.touch, self.chord, self.bends.curves.slope(x))
        if self.hulls is not None:
            slope[self.hulls.places] = self.hulls.read(x[self.hulls.places])[1]
        if self.sums is not None:
            slope[self.mixed] = self.sums.slope(x[self.mixed])
        return slope

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the largest spend at which the envelope is still at least so steep."""
        price = np.broadcast_to(np.asarray(slope, dtype=np.float64), self.touch.shape)
        spend = np.where(price <= self.chord, self.falling(price), self.span.lower)
        if self.hulls is not None:
            steep = self.hulls.slopes >= price[self.hulls.places, None]
            spend[self.hulls.places] = self.hulls.at_slope(steep & (self.hulls.slopes > 0))
        if self.sums is not None:
            spend[self.mixed] = self.sums.spend_at_slope(price[self.mixed])
        return spend

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the decay of the curve, 0 on straight lines."""
        x = np.asarray(spend, dtype=np.float64)
        decay = np.where(x < self.touch, 0.0, self.bends.curves.slope_decay(x))
        if self.hulls is not None:
            decay[self.hulls.places] = 0.0
        if self.sums is not None:
            decay[self.mixed] = self.sums.slope_decay(x[self.mixed])
        return decay

    @property
    def mixed(self) -> NDArray[np.intp]:
        """Positions of the mixtures that are not concave."""
        return np.empty(0, dtype=np.intp) if self.bends.sums is None else self.bends.sums.places

    def falling(self, price: Floats) -> Floats:
        """Return the spend at a price beyond the chord, drawn into the span."""
        if self.mixed.size == self.touch.size:
            return self.touch
        meeting = self.bends.curves.spend_at_slope(price)
        return np.clip(meeting, self.touch, self.span.upper)

    def short(self, spend: Floats) -> Floats:
        """Return how far the curves lie below the envelope; infinite in a hole of the span."""
        span = self.span
        hole = (spend > span.lower) & (spend < span.least)
        return np.where(hole, np.inf, self.value(spend) - self.bends.curves.value(spend))

    def line(self, at: int, spend: float) -> tuple[float, float]:
        """Return the ends of the straight line that a channel's spend lies on."""
        if self.sums is not None and at in self.mixed:
            low, high = self.sums.take(np.flatnonzero(self.mixed == at)).line(spend)
            return float(low[0]), float(high[0])
        if self.hulls is None or at not in self.bends.points:
            return float(self.span.lower[at]), float(self.touch[at])
        row = int(np.flatnonzero(self.hulls.places == at)[0])
        knots, slopes = self.hulls.knots[row], self.hulls.slopes[row]
        last = int(np.sum(slopes >= 0)) - 1
        if last < 0:
            return float(knots[0]), float(knots[0])
        piece = min(max(int(np.searchsorted(knots, spend)) - 1, 0), last)
        same = np.flatnonzero(slopes == slopes[piece])
        return float(knots[same[0]]), float(knots[same[-1] + 1])

    @property
    def concave(self) -> bool:
        """Always."""
        return True


def _lines(bends: Bends, curve: Curve, at: Any, span: Span) -> tuple[Floats, Floats, Floats]:
    """Return tangent points, values at the lower ends, and slopes of the chords."""
    touch = np.clip(bends.tangent(curve, at, span.lower), span.least, span.upper)
    base = curve.value(span.lower)
    way = touch - span.lower
    with np.errstate(divide="ignore", invalid="ignore"):
        chord = np.where(way > 0, (curve.value(touch) - base) / way, np.inf)
    return touch, base, chord
