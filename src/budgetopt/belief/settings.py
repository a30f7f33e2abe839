"""What the learner assumes before it has any data: the grid of curves, and the priors.

- `Grid`: the shapes a belief weighs, one grid of curves that all channels share;
- `Settings`: priors and resolution of `learn`, each with its range; `Settings.fast` is a coarse
  grid for simulations.

Where this stops: only shapes of the grid are weighed. A curve that no cell is near (a threshold
steeper than `steep_shapes`, a response that falls again) is read as the nearest that is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.curves import Curve, Exponential, Hill, Scalable, Stack
from budgetopt.errors import InputError
from budgetopt.messages import say
from budgetopt.notebook import short

_LN2 = float(np.log(2.0))
_TINY = float(np.finfo(np.float64).tiny)


@short
@dataclass(frozen=True)
class Grid:
    """Saturation points times families; in each cell a curve that brings 1 at the reference.

    Parameters
    ----------
    reference
        Money per week at which every cell brings 1, above 0.
    points
        Number of saturation points, evenly spread in the logarithm.
    span
        They run from reference/span to reference·span.
    hill_shapes
        Shapes of the concave Hill families beside the exponential, each at most 1.
    steep_shapes
        Shapes of the S-shaped Hill families, each above 1.
    steep_span
        S-shaped cells are kept where the saturation point lies within reference/steep_span and
        reference·steep_span: farther out they are straight powers of the spend, and the mean of a
        prior would believe in them.
    steep_share
        Prior chance of all S-shaped families together.

    Notes
    -----
    The saturation point is the money at which half of the top is reached, for all families, so
    that one prior serves all: ``scale = half / ln 2`` for the exponential.
    """

    reference: float
    points: int
    span: float
    hill_shapes: tuple[float, ...]
    steep_shapes: tuple[float, ...] = ()
    steep_span: float = 4.0
    steep_share: float = 0.0

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.log_half.size)

    @cached_property
    def _ladder(self) -> Floats:
        ends = np.log(self.span)
        return np.linspace(-ends, ends, self.points)

    @cached_property
    def _steep_ladder(self) -> Floats:
        # One part in a million of room: a point on the edge belongs to the grid in every unit.
        inside: Floats = self._ladder[np.abs(self._ladder) <= np.log(self.steep_span) + 1e-6]
        return inside

    @cached_property
    def log_half(self) -> Floats:
        """Logarithm of each cell's saturation point in references, shape ``(cells,)``."""
        concave = np.tile(self._ladder, 1 + len(self.hill_shapes))
        return np.concatenate([concave, np.tile(self._steep_ladder, len(self.steep_shapes))])

    @cached_property
    def steep(self) -> Floats:
        """1 for the S-shaped cells and 0 for the concave ones, shape ``(cells,)``."""
        concave = self.points * (1 + len(self.hill_shapes))
        return (np.arange(self.size) >= concave).astype(np.float64)

    @cached_property
    def cells(self) -> Stack:
        r"""The curves, with the cells on the axis where a stack has its channels.

        With x in references and the saturation point h: :math:`(1 - e^{-x \ln 2/h}) / (1 - e^{-\ln
        2/h})` and :math:`(1 + h^s)\,x^s / (h^s + x^s)`, so that each brings 1 at the reference.
        """
        half = np.exp(self.log_half)
        concave = self.points * (1 + len(self.hill_shapes))
        parts = (np.arange(self.points), np.arange(self.points, concave))
        scale = half[parts[0]] / _LN2
        exponential = Exponential(-1.0 / np.expm1(-1.0 / scale), self.reference * scale)
        shapes = np.repeat(self.hill_shapes, self.points)
        curves: list[tuple[Any, Curve]] = [(parts[0], exponential)]
        steep = np.repeat(self.steep_shapes, self._steep_ladder.size)
        for at, shape in ((parts[1], shapes), (np.arange(concave, self.size), steep)):
            if at.size:
                top = 1.0 + half[at] ** shape
                curves.append((at, Hill(top, self.reference * half[at], shape)))
        if self.reference == 1.0:
            return Stack(tuple(curves))
        return Scalable(tuple(curves), self.reference, _in_references(replace(self, reference=1.0)))

    def prior(self, centre: Floats, sd: Floats | float) -> Floats:
        r"""Return prior chances of the cells, shape ``(..., cells)``.

        Proportional to :math:`e^{-(\ln h_k - c)^2 / 2s^2}` with the saturation point :math:`h_k` in
        references, the same for every concave family and for every S-shaped one; the S-shaped
        families together have `steep_share`.

        Parameters
        ----------
        centre, sd
            Centre and standard deviation, shapes that broadcast.
        """
        away = (self.log_half - np.asarray(centre)[..., None]) / np.asarray(sd)[..., None]
        dense = np.exp(-0.5 * np.square(away))
        share = self.steep_share if self.steep.any() else 0.0
        chance = np.zeros_like(dense)
        for family, part in ((1.0 - self.steep, 1.0 - share), (self.steep, share)):
            total = np.sum(dense * family, axis=-1, keepdims=True)
            chance += part * dense * family / np.maximum(total, _TINY)
        answer: Floats = chance / chance.sum(axis=-1, keepdims=True)
        return answer

    def log_value(self, spend: Floats) -> Floats:
        """Return the logarithm of each cell's outcome, shape ``(..., cells)``; spends above 0."""
        return np.log(np.maximum(self.cells.value(spend[..., None]), _TINY))

    def log_slope(self, spend: Floats) -> Floats:
        """Return the logarithm of each cell's slope, shape ``(..., cells)``; spends above 0."""
        return np.log(np.maximum(self.cells.slope(spend[..., None]), _TINY))


@lru_cache(maxsize=8)
def _in_references(grid: Grid) -> Stack:
    """Return the cells of a grid whose reference is 1, the same for all who ask."""
    return grid.cells


_RANGES: dict[str, tuple[float, float]] = {
    "points": (3, 200),
    "span": (2.0, 1e4),
    "hill_shapes": (0.1, 1.0),
    "steep_shapes": (1.01, 6.0),
    "steep_span": (1.0, 1e4),
    "steep_share": (0.0, 0.9),
    "saturation": (1e-3, 1e3),
    "saturation_sd": (0.05, 5.0),
    "centre_sd": (0.0, 5.0),
    "amplitude_sd": (0.05, 5.0),
    "noise": (1e-3, 5.0),
    "usual_noise": (1e-3, 5.0),
    "drift": (0.0, 1.0),
    "usual_drift": (1e-3, 1.0),
    "jump_chance": (0.0, 0.2),
    "jump_sd": (0.05, 5.0),
    "outlier_chance": (0.0, 0.2),
    "outlier_sd": (0.05, 5.0),
    "break_chance": (0.0, 0.2),
    "week_effect": (0.0, 2.0),
    "week_persistence": (0.0, 0.999),
    "event_sd": (0.0, 5.0),
    "total_points": (3, 200),
    "effect_share": (0.01, 2.0),
    "doubt": (0.0, 2.0),
    "carryover": (0.0, 0.95),
    "total_carryover": (0.0, 0.95),
    "sweeps": (1, 50),
}
_MAY_BE_EMPTY = ("hill_shapes", "steep_shapes", "week_effect")


@public
@short
@dataclass(frozen=True)
class Settings:
    """Grids and priors of `learn`; every one is free of units.

    The defaults are the full resolution; `fast` is for simulations.

    Parameters
    ----------
    points
        Saturation points of the grid, 3 to 200, spread evenly in the logarithm.
    span
        The grid runs from reference/span to reference·span, 2 to 10,000.
    hill_shapes
        Hill shapes beside the exponential, each 0.1 to 1, so that these cells are concave.
    steep_shapes
        Hill shapes of S-shaped cells, each 1.01 to 6; none for concave cells alone.
    steep_span
        S-shaped cells saturate between reference/steep_span and reference·steep_span.
    steep_share
        Prior chance that a channel is S-shaped, 0 to 0.9.
    saturation
        Prior median of the money at which half of the top is reached, in references.
    saturation_sd
        Prior standard deviation of its logarithm from channel to channel, 0.05 to 5.
    centre_sd
        How far the median that all channels share may lie from `saturation`, as a standard
        deviation of the logarithm, 0 to 5; it is learned from all channels together.
    amplitude_sd
        Prior standard deviation of the log response at the reference, 0.05 to 5. At 1, nine
        channels in ten lie within a factor of five of the pooled ROAS.
    noise
        Weekly noise levels tried, standard deviations of the log outcome, each 0.001 to 5.
    usual_noise
        Prior median of the noise.
    drift
        Weekly drifts tried, standard deviations of the change of the log response, 0 to 1.
    usual_drift
        Prior median of the drift.
    jump_chance, jump_sd
        Chance in a week that a channel's response jumps for good, 0 to 0.2, and how far in the
        logarithm.
    outlier_chance, outlier_sd
        Chance that a week is one of its own (an outage, a report that is wrong), and how far.
    break_chance
        Chance in a week that a channel's response breaks for good, as far as an outlier lies: it
        stops bringing anything, or brings three times as much. One week does not tell a break from
        an outlier, the next ones do; 0, or no outliers, leaves breaks out.
    week_effect
        Sizes of a week effect that all channels share, standard deviations of its logarithm; none
        leaves it out. It is learned with three channels or more.
    week_persistence
        Shares of the week effect that carry into the next week, 0 to 0.999.
    event_sd
        How far a week that is known to be a holiday or promotion may stand out.
    total_points
        Saturation points of the grid where one total is all there is, 3 to 200.
    effect_share
        Share of the total outcome that all channels together may bring, one prior standard
        deviation at the usual scale, 0.01 to 2; scales around it are weighed by their evidence.
    doubt
        Standard deviation of the log response that no amount of history with one total can
        remove, because what moves spend and outcome alike is read as effect, 0 to 2.
    carryover
        Shares of an effect carried into the next week that are tried, 0 to 0.95, where channels
        have outcomes of their own; 0 alone learns none.
    total_carryover
        The same with one total.
    sweeps
        Rounds over the channels with one total, 1 to 50.

    Raises
    ------
    InputError
        ``bad-argument`` where a setting is out of its range.
    """

    points: int = 25
    span: float = 20.0
    hill_shapes: tuple[float, ...] = (1.0, 0.8, 0.6)
    steep_shapes: tuple[float, ...] = (2.0, 3.0)
    steep_span: float = 4.0
    # At one in ten a market without S-curves loses 0.3 % of the best outcome; at this, 0.02 %.
    steep_share: float = 0.02
    saturation: float = 1.0
    saturation_sd: float = 1.0
    centre_sd: float = 0.75
    amplitude_sd: float = 1.0
    # A factor of 1.6 apart: half the noise variance is part of the level, so much coarser steps
    # would shift it.
    noise: tuple[float, ...] = (0.05, 0.08, 0.13, 0.2, 0.32, 0.52, 0.85)
    usual_noise: float = 0.2
    drift: tuple[float, ...] = (0.004, 0.02, 0.07)
    usual_drift: float = 0.02
    # A jump is averaged with the usual week at once, so it is kept small: twice as likely and 0.5
    # wide, a steady level would be known a fifth less well, and decisions would bring 0.05 to 0.09
    # points less where responses are steady, 0.05 more at most where they drift (benchmarks).
    # Large jumps are breaks.
    jump_chance: float = 0.005
    jump_sd: float = 0.3
    outlier_chance: float = 0.02
    outlier_sd: float = 1.5
    # As likely as an outlier: the second week decides.
    break_chance: float = 0.02
    week_effect: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.4)
    week_persistence: tuple[float, ...] = (0.0, 0.9)
    event_sd: float = 0.5
    # Nine points a factor of two apart: a total cannot tell finer saturation points apart.
    total_points: int = 9
    # Half-normal with this sd has mean 0.4, the prior media contribution of Google's Meridian.
    effect_share: float = 0.5
    # Errors of half the effect are usual where experiments checked regressions (Gordon,
    # Zettelmeyer, Bhargava and Chapsky 2019); at 0.25 the 90 % band is never below -34 %/+51 %.
    doubt: float = 0.25
    carryover: tuple[float, ...] = (0.0,)
    # Steps as fine as three years of weeks can tell; coarser ones bias the amplitude.
    total_carryover: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    # On four sets of weeks eight rounds left the mean curve within 0.2 % of fifty rounds.
    sweeps: int = 8

    def __post_init__(self) -> None:
        for item in fields(self):
            low, high = _RANGES[item.name]
            object.__setattr__(
                self, item.name, _in_range(item.name, getattr(self, item.name), low, high)
            )

    @classmethod
    def fast(cls) -> Self:
        """Return a coarse resolution for thousands of runs: a fortieth or eighth of the cells."""
        return cls(
            points=9,
            hill_shapes=(0.8,),
            steep_shapes=(),
            noise=(0.1, 0.2, 0.4),
            drift=(0.01, 0.05),
            total_points=5,
            total_carryover=(0.0, 0.4),
            sweeps=3,
        )

    @property
    def can_break(self) -> bool:
        """Whether levels may break: a break is told from an outlier, or not at all."""
        return self.break_chance > 0 and self.outlier_chance > 0

    def grid(self, reference: float) -> Grid:
        """Return the cells where each channel has an outcome of its own, at a reference."""
        return Grid(
            reference,
            self.points,
            self.span,
            self.hill_shapes,
            self.steep_shapes,
            self.steep_span,
            self.steep_share,
        )

    def total_grid(self, reference: float) -> Grid:
        """Return the cells where one total is all there is: coarser, and concave."""
        return Grid(reference, self.total_points, self.span, self.hill_shapes)


def _in_range(name: str, given: Any, low: float, high: float) -> Any:
    """Return a setting as int, float or tuple of floats, or say what is wrong with it."""
    default = getattr(Settings, name)
    many = isinstance(default, tuple)
    try:
        values = np.asarray(given, dtype=np.float64 if many and not len(given) else None)
        # Text, booleans and missing values are no numbers here.
        good = values.dtype.kind in "iuf" and values.ndim == int(many)
        good = good and (values.size > 0 or name in _MAY_BE_EMPTY)
        # Written so that NaN fails.
        good = good and bool(np.all((values >= low) & (values <= high)))
        good = good and np.unique(values).size == values.size
        good = good and (type(default) is not int or values == int(values))
    except (TypeError, ValueError):
        good = False
    if not good:
        raise InputError(
            "bad-argument",
            say("settings-part-is", name=name, given=repr(given)),
            field=name,
            value=given,
            remedy=say(
                "remedy-numbers-from-to" if many else "remedy-number-in-range",
                low=f"{low:g}",
                high=f"{high:g}",
            ),
        )
    return tuple(map(float, given)) if many else type(default)(given)
