"""True curves: given, drawn from a belief, or drawn from a described prior.

`ByRun` holds a curve of its own for every run and channel, of whatever family each has. `Scaled`
stretches any curves in outcome and money, which is what a week's conditions do to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.curves import Curve, Mixture, Points, Stack
from budgetopt.curves.base import Floats, as_spend
from budgetopt.errors import InputError
from budgetopt.market.streams import BLOCK, generators


class CurveSource(Protocol):
    """Whatever draws curves: a belief, a `Prior`, one's own."""

    def draw(self, rng: np.random.Generator, draws: int, /) -> Curve:
        """Return curves of shape ``(draws, channels)``, each drawn on its own."""
        ...


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


@dataclass(frozen=True, eq=False)
class Scaled(Curve):
    r"""Curves stretched in outcome and in money: :math:`h\,f(x/w)`.

    Parameters
    ----------
    curve
        The curves f.
    height
        Factor h of the outcome, at least 0; a number or an array that goes with the curves.
    width
        Factor w of the money, above 0, likewise.
    """

    curve: Curve
    height: float | Floats
    width: float | Floats
    kind: ClassVar[str] = "scaled"

    def value(self, spend: ArrayLike) -> Floats:
        """Return ``h f(x/w)``."""
        return self.height * self.curve.value(as_spend(spend) / self.width)

    def slope(self, spend: ArrayLike) -> Floats:
        """Return ``h/w f'(x/w)``; where the height is 0, 0."""
        with np.errstate(invalid="ignore"):
            slope = self.height / self.width * self.curve.slope(as_spend(spend) / self.width)
        return np.where(np.asarray(self.height) > 0, slope, 0.0)

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return ``w`` times the spend at which f has the slope ``s w/h``."""
        some = np.asarray(self.height) > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = np.where(some, as_spend(slope) * self.width / self.height, np.inf)
        return np.where(some, self.width * self.curve.spend_at_slope(steep), 0.0)

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return ``w`` times the decay of f."""
        return self.width * self.curve.slope_decay(as_spend(spend) / self.width)

    def envelope(self, spend: ArrayLike) -> Floats:
        """Return ``h`` times the envelope of f."""
        return self.height * self.curve.envelope(as_spend(spend) / self.width)

    @property
    def concave(self) -> bool:
        """Whether f is."""
        return self.curve.concave

    def take(self, columns: Any) -> Curve:
        """Return the curves at some positions of the channel axis."""
        height, width = (
            v[..., columns] if np.shape(v)[-1:] > (1,) else v
            for v in (np.asarray(self.height), np.asarray(self.width))
        )
        return Scaled(self.curve.take(columns), height, width)

    def to_dict(self) -> dict[str, Any]:
        """Return curve and factors as plain data."""
        factors = {k: np.asarray(getattr(self, k)).tolist() for k in ("height", "width")}
        return {"kind": self.kind, "curve": self.curve.to_dict(), **factors}


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
            raise _not_drawn(f"weights of shape {weights.shape}")
        return Mixture(drawn.cells, weights[rows])
    whole = drawn if isinstance(drawn, ByRun) else _by_run(drawn, channels)
    if whole.height.shape != (BLOCK, channels):
        raise _not_drawn(f"curves of shape {whole.height.shape}")
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
            raise _not_drawn(f"a {curve.kind} curve")
        shapes = [np.shape(v) for v in curve.parameters().values()]
        if any(shape not in ((), (len(at),), (BLOCK, len(at)), (BLOCK, 1)) for shape in shapes):
            raise _not_drawn(f"parameters of shapes {shapes}")
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
    return InputError(
        "bad-argument",
        f"drawing {BLOCK} runs of curves gave {found}",
        field="curves",
        value=found,
        remedy="draw one curve for each run and each channel of the market",
    )
