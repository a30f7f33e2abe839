"""True curves: given, drawn from a belief, or drawn from a described prior.

- `CurveSource` is whatever draws curves, such as a belief or a `Prior`;
- `Prior` describes a market in a few numbers, from which true curves are drawn;
- `draw_truth` draws them so that a run's curves depend on seed and run alone;
- `ByRun` holds a curve of its own for every run and channel, of whatever family each has.

Where this stops: truths are concave or S-shaped curves of single channels; nothing here makes
channels interact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.curves import Curve, Exponential, Hill, Mixture, Points, Power, Stack, as_spend
from budgetopt.errors import InputError, as_number, did_you_mean
from budgetopt.market.dynamics import whole, wrong
from budgetopt.market.random import BLOCK, generators
from budgetopt.messages import say


class CurveSource(Protocol):
    """Whatever draws curves: a belief, a `Prior`, one's own."""

    def draw(self, rng: np.random.Generator, draws: int, /) -> Curve:
        """Return curves of shape ``(draws, channels)``, each drawn on its own."""
        ...


FAMILIES = ("exponential", "hill", "power")
"""Families that a prior may mix."""


@dataclass(frozen=True)
class Prior:
    r"""True curves spread around an equal share of the money.

    Each channel of each run has a saturation point :math:`h = s\,E\,e^{\sigma_s z_1}`, the money at
    which half of the top is reached, and a slope :math:`b\,e^{\sigma_b z_2}`; its top is slope
    times saturation point. So at the saturation point every family brings half the slope per unit
    of money. The power curve, which never saturates, goes through the same point.

    Parameters
    ----------
    channels
        How many, at least 1.
    equal_share
        Weekly money per channel E, above 0.
    saturation, saturation_sd
        s, above 0, and :math:`\sigma_s`, at least 0.
    slope, slope_sd
        b in outcome per unit of money, above 0, and :math:`\sigma_b`, at least 0.
    kinds
        Families, each equally likely: of ``"exponential"``, ``"hill"`` and ``"power"``.
    hill_shape, power
        Ranges from which the Hill shape and the power are drawn evenly; the shape is above 0
        (S-shaped above 1), the power in 0 to 1.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> prior = Prior(channels=5, equal_share=1000)
    >>> prior.draw(np.random.default_rng(7), 3).value(1000.0).shape
    (3, 5)
    """

    channels: int
    equal_share: float
    saturation: float = 1.0
    saturation_sd: float = 0.7
    slope: float = 0.03
    slope_sd: float = 0.5
    kinds: tuple[str, ...] = ("exponential", "hill")
    hill_shape: tuple[float, float] = (0.6, 1.0)
    power: tuple[float, float] = (0.4, 0.8)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "channels", whole(self.channels, "prior.channels", least=1))
        for name in ("equal_share", "saturation", "slope"):
            put(self, name, as_number(getattr(self, name), f"prior.{name}", above=0))
        for name in ("saturation_sd", "slope_sd"):
            put(self, name, as_number(getattr(self, name), f"prior.{name}", least=0))
        given = (self.kinds,) if isinstance(self.kinds, str) else tuple(self.kinds)
        for kind in given:
            if kind not in FAMILIES:
                raise wrong("prior.kinds", kind, did_you_mean(kind, FAMILIES))
        if not given:
            raise wrong("prior.kinds", given, say("remedy-name-least-family"))
        put(self, "kinds", given)
        put(self, "hill_shape", _range(self.hill_shape, "prior.hill_shape", most=np.inf))
        put(self, "power", _range(self.power, "prior.power", most=0.999))

    def draw(self, rng: np.random.Generator, runs: int, /) -> ByRun:
        """Return curves of shape ``(runs, channels)``.

        Four arrays of that shape are taken from the generator, whatever the families are.
        """
        shape = (runs, self.channels)
        family = np.minimum(rng.random(shape) * len(self.kinds), len(self.kinds) - 1).astype(int)
        half = self.equal_share * self.saturation * _spread(rng, shape, self.saturation_sd)
        top = self.slope * half * _spread(rng, shape, self.slope_sd)
        bend = rng.random(shape)
        parts: list[tuple[np.ndarray, Curve]] = []
        for number_, kind in enumerate(self.kinds):
            at = np.flatnonzero(family == number_)
            if at.size:
                parts.append((at, self._curves(kind, half.ravel()[at], bend.ravel()[at])))
        return ByRun(parts[0][1] if len(parts) == 1 else Stack(tuple(parts)), top)

    def _curves(self, kind: str, half: Floats, bend: Floats) -> Curve:
        """Return curves that reach a half at their saturation points."""
        if kind == "exponential":
            return Exponential(np.ones_like(half), half / _LN2)
        low, high = self.hill_shape if kind == "hill" else self.power
        exponent = low + (high - low) * bend
        if kind == "hill":
            return Hill(np.ones_like(half), half, exponent)
        return Power(np.full_like(half, 0.5), half, exponent)


def _spread(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> Floats:
    spread: Floats = np.exp(sd * rng.standard_normal(shape))
    return spread


def _range(given: tuple[float, float], field: str, *, most: float) -> tuple[float, float]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise wrong(field, given, say("remedy-least-most-0"))
    low, high = (as_number(v, f"{field}[{at}]", above=0, most=most) for at, v in enumerate(given))
    if low > high:
        raise wrong(field, given, say("remedy-least-first"))
    return low, high


def draw_truth(source: CurveSource, channels: int, seed: int, first_run: int, runs: int) -> Curve:
    """Return the curves of a chunk of runs, each run's the same in every chunk.

    Raises
    ------
    InputError
        ``bad-argument`` where the source draws for another number of channels, or curves that
        have no value of their own for each run.
    """
    chunk = []
    for at, rng in enumerate(generators(seed, "truth", first_run, runs)):
        first = (first_run // BLOCK + at) * BLOCK
        rows = slice(max(first_run - first, 0), min(first_run + runs - first, BLOCK))
        chunk.append(_rows(source.draw(rng, BLOCK), channels, rows))
    mixtures = [part for part in chunk if isinstance(part, Mixture)]
    if len(mixtures) == len(chunk):
        weights = np.concatenate([np.asarray(part.weights) for part in mixtures])
        return Mixture(mixtures[0].cells, weights)
    return _joined([part for part in chunk if isinstance(part, ByRun)])


def _rows(drawn: Curve, channels: int, rows: slice) -> ByRun | Mixture:
    """Return some runs of drawn curves."""
    if isinstance(drawn, Mixture):
        weights = np.asarray(drawn.weights)
        if weights.shape[:2] != (BLOCK, channels):
            raise _not_drawn(say("weights-of-shape", shape=weights.shape))
        return Mixture(drawn.cells, weights[rows])
    whole = drawn if isinstance(drawn, ByRun) else _by_run(drawn, channels)
    if whole.height.shape != (BLOCK, channels):
        raise _not_drawn(say("curves-of-shape", shape=whole.height.shape))
    return whole.runs(rows)


def one_cell(mixture: Mixture) -> Curve:
    """Return a mixture of which every member has one cell as that cell alone, which is quicker."""
    weights = np.asarray(mixture.weights)
    cells = mixture.cells
    parts = cells.parts if isinstance(cells, Stack) else ((0, cells),)
    shared = all(np.ndim(v) <= 1 for _, curve in parts for v in curve.parameters().values())
    if not shared or np.count_nonzero(weights, axis=-1).max(initial=0) > 1:
        return mixture
    cell = np.argmax(weights, axis=-1)
    height = np.take_along_axis(weights, cell[..., None], axis=-1)[..., 0]
    return ByRun(cells.take(cell.ravel()), height)


def _by_run(drawn: Curve, channels: int) -> ByRun:
    """Return curves with parameters ``(runs, channels)`` on one flat axis."""
    parts = drawn.parts if isinstance(drawn, Stack) else ((np.arange(channels), drawn),)
    flat = []
    for at, curve in parts:
        if isinstance(curve, (Mixture, Points)):
            raise _not_drawn(say("a-kind-curve", kind=curve.kind))
        shapes = [np.shape(v) for v in curve.parameters().values()]
        if any(shape not in ((), (len(at),), (BLOCK, len(at)), (BLOCK, 1)) for shape in shapes):
            raise _not_drawn(say("parameters-of-shapes", shapes=shapes))
        place = (np.arange(BLOCK)[:, None] * channels + at).ravel()
        wide = {
            k: np.broadcast_to(v, (BLOCK, len(at))).ravel() for k, v in curve.parameters().items()
        }
        flat.append((place, type(curve)(**wide)))
    return ByRun(Stack(tuple(flat)), np.ones((BLOCK, channels)))


def _joined(chunk: Sequence[ByRun]) -> ByRun:
    """Return the curves of consecutive runs as one."""
    height = np.concatenate([part.height for part in chunk])
    found: dict[type[Curve], list[tuple[np.ndarray, dict[str, Any]]]] = {}
    start = 0
    for part in chunk:
        size = part.height.size
        shapes = part.shapes
        pieces = shapes.parts if isinstance(shapes, Stack) else ((np.arange(size), shapes),)
        for at, curve in pieces:
            given = {k: np.broadcast_to(v, at.shape) for k, v in curve.parameters().items()}
            found.setdefault(type(curve), []).append((at + start, given))
        start += size
    parts = tuple(
        (
            np.concatenate([at for at, _ in each]),
            kind(**{k: np.concatenate([given[k] for _, given in each]) for k in each[0][1]}),
        )
        for kind, each in found.items()
    )
    return ByRun(parts[0][1] if len(parts) == 1 else Stack(parts), height)


def _not_drawn(found: str) -> InputError:
    return InputError("bad-argument", say("drawing-runs-curves", block=BLOCK, found=found),
                      field="curves", value=found, remedy=say("remedy-draw-curve-run"))  # fmt: skip


@dataclass(frozen=True, eq=False)
class ByRun(Curve):
    """A curve for every run and channel, of any families side by side.

    Parameters
    ----------
    shapes
        Curves on one flat axis, runs by runs.
    height
        Factor of each, at least 0, shape ``(runs, channels)``.
    """

    shapes: Curve
    height: Floats
    kind: ClassVar[str] = "by-run"

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcome of each run and channel."""
        return self.height * self._wide(self.shapes.value(self._flat(spend)))

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slope of each; where the height is 0, 0."""
        slope = self._wide(self.shapes.slope(self._flat(spend)))
        with np.errstate(invalid="ignore"):
            return np.where(self.height > 0, self.height * slope, 0.0)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return the spend of each at its slope."""
        height = self.height.ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = np.where(height > 0, self._flat(slope) / height, np.inf)
        # Without height no spend has a slope.
        return self._wide(np.where(height > 0, self.shapes.spend_at_slope(steep), 0.0))

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the slope's decay of each."""
        return self._wide(self.shapes.slope_decay(self._flat(spend)))

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return the envelope of each."""
        return self.height * self._wide(self.shapes.envelope(self._flat(spend)))

    @property
    def concave(self) -> bool:
        """Whether every shape is."""
        return self.shapes.concave

    def take(self, columns: Any) -> Curve:
        """Return the curves at some positions of the channel axis."""
        return self._at(np.arange(self.height.size).reshape(self.height.shape)[:, columns])

    def runs(self, rows: slice) -> ByRun:
        """Return the curves of some runs."""
        return self._at(np.arange(self.height.size).reshape(self.height.shape)[rows])

    def to_dict(self) -> dict[str, Any]:
        """Return shapes and heights as plain data."""
        plain = {"shapes": self.shapes.to_dict(), "height": self.height.tolist()}
        return {"kind": self.kind, **plain}

    def _at(self, places: np.ndarray) -> ByRun:
        flat = places.ravel()
        return ByRun(self.shapes.take(flat), self.height.ravel()[flat].reshape(places.shape))

    def _flat(self, given: ArrayLike) -> Floats:
        wide = as_spend(given)
        wide = np.broadcast_to(wide, np.broadcast_shapes(wide.shape, self.height.shape))
        return wide.reshape(*wide.shape[: wide.ndim - self.height.ndim], self.height.size)

    def _wide(self, flat: Floats) -> Floats:
        return flat.reshape(*flat.shape[:-1], *self.height.shape)


_LN2 = float(np.log(2.0))
