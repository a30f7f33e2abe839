"""A curve given by points, with straight lines between them and level beyond the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.curves.base import Curve, as_floats, as_spend, check_parameter
from budgetopt.errors import CurveError
from budgetopt.messages import Message, say
from budgetopt.notebook import short

_NEARLY = 1e-6
"""A curve this near below its concave envelope, as a share of its top, counts as concave: published
curves are rounded, and what is missing shows up in the gap."""

_FIRST = 65
"""Points with which sampling begins: a bend narrower than a part in a hundred may be missed."""
_MOST = 8192
"""Points of a sampled curve; a smooth one needs some hundreds at a tolerance of 1e-6."""
_CLOSE = 1e-14
"""Share of the range so near at which points that still differ stand on a jump."""


@public
@short
@dataclass(frozen=True, eq=False)
class Points(Curve):
    """The curve through measured points; nothing is assumed beyond the last one.

    Parameters
    ----------
    spend
        Money at the points, rising strictly, at least 0; shape ``(points,)`` or ``(...,
        channels, points)``. A point at zero is added where it is missing.
    outcome
        Outcome at the points, never falling, at least 0, and 0 at zero; same shape.

    Raises
    ------
    CurveError
        ``bad-curve`` where points are out of order or out of range.

    Notes
    -----
    Straight lines keep a concave set of points concave, which smooth interpolation does not
    promise; and they make the linear program exact. Slopes and their inverse are those of the
    concave envelope, which for concave points is the curve itself (Rockafellar 1970, section 12).

    Examples
    --------
    >>> curve = Points(spend=[0, 10, 30], outcome=[0, 5, 9])
    >>> float(curve.value(20)), float(curve.slope(5)), float(curve.spend_at_slope(0.3))
    (7.0, 0.5, 10.0)
    """

    spend: Floats | Sequence[float]
    outcome: Floats | Sequence[float]
    kind: ClassVar[str] = "points"

    def __post_init__(self) -> None:
        check_parameter(self, "spend", least=0)
        check_parameter(self, "outcome", least=0)
        x, y = np.asarray(self.spend), np.asarray(self.outcome)
        if x.shape != y.shape or x.ndim == 0 or x.shape[-1] == 0:
            raise self._wrong(say("shapes-differ-empty"), say("remedy-outcome-spend"))
        falls = np.argwhere(np.diff(y) < 0)
        if falls.size:
            at = ", ".join(map(str, [*falls[0][:-1], falls[0][-1] + 1]))
            raise self._wrong(say("outcome-falls", at=at), say("remedy-take-running-maximum"))
        if np.any(x[..., 0] > 0) or x.shape[-1] == 1:
            x, y = _with_zero(x), _with_zero(y)
        if np.any(y[..., 0] != 0):
            raise self._wrong(say("outcome-zero-spend"), say("remedy-leave-baseline-out"))
        # Padding repeats the last point, so equal neighbours are allowed where both are equal.
        same = (np.diff(x) == 0) & (np.diff(y) == 0)
        if not np.all((np.diff(x) > 0) | same):
            raise self._wrong(say("spends-do-not"), say("remedy-sort-points-remove"))
        object.__setattr__(self, "spend", x)
        object.__setattr__(self, "outcome", y)
        with np.errstate(over="ignore", invalid="ignore"):
            hull, slopes = _envelope(x, y)
        if not np.isfinite(slopes).all():
            raise self._wrong(say("rises-too-steeply"), say("remedy-spends-lie-further"))
        object.__setattr__(self, "_hull", hull)
        object.__setattr__(self, "_slopes", slopes)

    @classmethod
    def sampled(
        cls, function: Callable[[float], float], upto: float, tolerance: float = 1e-6
    ) -> Self:
        """Return the curve of any function, such as a model's response with its carry-in.

        What the function gives at 0 comes without this week's spend and is left out, so that
        ``lambda x: model(x + carried_in)`` is the response to the money of the week.

        Parameters
        ----------
        function
            Outcome per week at a spend, never falling; concave, S-shaped or otherwise.
        upto
            Greatest spend that is sampled, above 0; the curve is level beyond it.
        tolerance
            Most by which a line may miss the function half-way between two points, as a share of
            the outcome at `upto`, 1e-9 to 0.1.

        Raises
        ------
        CurveError
            ``bad-curve`` where the function falls or is not finite, or is too wild to be met.

        Examples
        --------
        >>> hill = lambda x: 100 * x**2 / (40**2 + x**2)
        >>> curve = Points.sampled(lambda x: hill(x + 20), upto=100)
        >>> round(float(curve.value(40)), 3), round(hill(60) - hill(20), 3)
        (49.231, 49.231)
        """
        if not (0 < upto < np.inf and 1e-9 <= tolerance <= 0.1):
            raise _unsampled(
                say("cannot-sampled-up", upto=repr(upto), tolerance=repr(tolerance)),
                say("remedy-upto-above-0"),
            )
        x = upto * np.linspace(0.0, 1.0, _FIRST)
        y = _asked(function, x)
        while True:
            if np.any(np.diff(y) < 0):
                fall = int(np.argmax(np.diff(y) < 0))
                raise _unsampled(
                    say("falls-between", x=f"{x[fall]:g}", x_2=f"{x[fall + 1]:g}"),
                    say("remedy-never-falls"),
                )
            middle = 0.5 * (x[1:] + x[:-1])
            between = _asked(function, middle)
            far = np.abs(between - 0.5 * (y[1:] + y[:-1])) > tolerance * (y[-1] - y[0])
            at = np.flatnonzero(far)
            if not at.size:
                break
            if x.size > _MOST or np.min(np.diff(x)[at]) < _CLOSE * upto:
                raise _unsampled(
                    say("not-met-points", size=x.size), say("remedy-allow-greater-tolerance")
                )
            x, y = np.insert(x, at + 1, middle[at]), np.insert(y, at + 1, between[at])
        return cls(x, y - y[0])

    def _wrong(self, problem: Message, remedy: Message) -> CurveError:
        return CurveError(
            "bad-curve", say("points-curve", problem=problem), field="spend", remedy=remedy
        )

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcome on the line between the neighbouring points."""
        return self._between(np.asarray(self.outcome), spend)

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return the value of the least concave function above the points."""
        return self._between(self._hull, spend)  # type: ignore[attr-defined]

    def conjugate(
        self, price: ArrayLike, lower: ArrayLike, upper: ArrayLike
    ) -> tuple[Floats, Floats]:
        """Return the best spend at a price, among the ends and all points between them."""
        price, low, high = (as_spend(a)[..., None] for a in (price, lower, upper))
        knots = np.clip(np.asarray(self.spend), low, high)
        one_each = np.broadcast_to(price, knots.shape)
        heights = np.stack([self.value(knots[..., k]) for k in range(knots.shape[-1])], axis=-1)
        worth = heights - one_each * knots
        at = np.argmax(worth, axis=-1)
        # The ends are among the clipped points unless they lie beyond them all.
        spend, best = _pick(knots, at), _pick(worth, at)
        for end in (low[..., 0], high[..., 0]):
            other = self.value(end) - price[..., 0] * end
            spend, best = np.where(other > best, end, spend), np.maximum(best, other)
        return spend, best

    def _between(self, heights: Floats, spend: ArrayLike) -> Floats:
        knots = np.asarray(self.spend)
        x, at = self._segment(spend)
        left, right = _pick(knots, at), _pick(knots, at + 1)
        low, high = _pick(heights, at), _pick(heights, at + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(right > left, (x - left) / (right - left), 1.0)
        value: Floats = low + (high - low) * np.clip(share, 0.0, 1.0)
        return value

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slope of the envelope to the right of the spend, 0 beyond the last point."""
        x, at = self._segment(spend)
        slopes: Floats = self._slopes  # type: ignore[attr-defined]
        last = np.asarray(self.spend)[..., -1]
        return np.where(x >= last, 0.0, _pick(slopes, at))

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the end of the last line of the envelope that is at least this steep."""
        price = as_spend(slope)[..., None]
        slopes: Floats = self._slopes  # type: ignore[attr-defined]
        steep = np.sum((slopes >= price) & (slopes > 0), axis=-1)
        return _pick(np.asarray(self.spend), steep)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return 0: the slope does not change, or jumps."""
        return np.zeros(np.broadcast_shapes(np.shape(spend), np.shape(self.spend)[:-1]))

    @property
    def concave(self) -> bool:
        """Whether no point lies more than 1e-6 of the top below the concave envelope."""
        hull: Floats = self._hull  # type: ignore[attr-defined]
        short = np.max(hull - self.outcome, axis=-1)
        return bool(np.all(short <= _NEARLY * np.asarray(self.outcome)[..., -1]))

    def take(self, columns: Any) -> Self:
        """Return the curves at some positions of the channel axis."""
        return type(self)(
            np.asarray(self.spend)[..., columns, :], np.asarray(self.outcome)[..., columns, :]
        )

    @classmethod
    def join(cls, curves: Sequence[Self]) -> Self:
        """Return single curves as one over an array of channels, short ones padded at the end."""
        most = max(np.size(c.spend) for c in curves)
        pad = [(0, most - np.size(c.spend)) for c in curves]
        return cls(
            np.stack([np.pad(c.spend, p, mode="edge") for c, p in zip(curves, pad, strict=True)]),
            np.stack([np.pad(c.outcome, p, mode="edge") for c, p in zip(curves, pad, strict=True)]),
        )

    def _segment(self, spend: ArrayLike) -> tuple[Floats, Any]:
        """Return the spends and for each the number of the line it lies on, by bisection."""
        knots = np.asarray(self.spend)
        x = np.broadcast_to(as_spend(spend), np.broadcast_shapes(np.shape(spend), knots.shape[:-1]))
        at = np.zeros(x.shape, dtype=np.intp)
        last = knots.shape[-1] - 2
        step = 1 << max(last, 0).bit_length()
        while step := step >> 1:
            probe = np.minimum(at + step, last)
            at = np.where(_pick(knots, probe) <= x, probe, at)
        return x, at


def _asked(function: Callable[[float], float], spend: Floats) -> Floats:
    """Return a function at some spends, one by one: it need not know of arrays."""
    try:
        # A text is no number, although `float` reads it.
        given = as_floats([function(x) + 0.0 for x in spend.tolist()])
    except (TypeError, ValueError):
        given = np.zeros(0)
    if given.shape != spend.shape or not np.isfinite(given).all():
        raise _unsampled(say("does-not-return"), say("remedy-fix-function"))
    return given


def _unsampled(problem: Message, remedy: Message) -> CurveError:
    return CurveError(
        "bad-curve", say("sampled-curve", problem=problem), field="function", remedy=remedy
    )


def _pick(table: Floats, at: Any) -> Floats:
    """Return entries of the last axis of a table, one for each position in `at`."""
    at = np.minimum(at, table.shape[-1] - 1)
    wide = np.broadcast_to(table, (*np.shape(at), table.shape[-1]))
    picked: Floats = np.take_along_axis(wide, at[..., None], axis=-1)[..., 0]
    return picked


def _with_zero(points: Floats) -> Floats:
    return np.concatenate([np.zeros((*points.shape[:-1], 1)), points], axis=-1)


def _envelope(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the least concave function above the points: heights at them, slopes between them."""
    wide = np.diff(x) > 0
    slopes = np.zeros(wide.shape)
    np.divide(np.diff(y), np.diff(x), out=slopes, where=wide)
    bent = np.any(np.diff(slopes) > 0, axis=-1)
    if not np.any(bent):
        return y, slopes
    heights = y.copy()
    for row in zip(*np.nonzero(np.atleast_1d(bent)), strict=True):
        at = row if x.ndim > 1 else ()
        heights[at], slopes[at] = row_envelope(x[at], y[at])
    return heights, slopes


def row_envelope(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return heights and slopes of one row's envelope, by Andrew's (1979) monotone chain."""

    def rise(i: int, j: int) -> float:
        return float((y[j] - y[i]) / (x[j] - x[i]))

    kept = [0]
    for i in range(1, x.size):
        if x[i] == x[kept[-1]]:
            continue
        while len(kept) > 1 and rise(kept[-2], kept[-1]) <= rise(kept[-2], i):
            kept.pop()
        kept.append(i)
    chords = np.minimum.accumulate(np.diff(y[kept]) / np.diff(x[kept]))
    # Padding after the last point lies on no chord and has slope 0.
    chord = np.searchsorted(kept, np.arange(x.size - 1), side="right") - 1
    return np.interp(x, x[kept], y[kept]), np.append(chords, 0.0)[chord]
