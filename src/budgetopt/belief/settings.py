"""What the learner assumes before it has seen anything."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from budgetopt.belief.grid import Grid
from budgetopt.errors import InputError

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
        deviation, 0.01 to 2.
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
    jump_chance: float = 0.01
    jump_sd: float = 0.5
    outlier_chance: float = 0.02
    outlier_sd: float = 1.5
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
        """Return a resolution for thousands of runs: a fortieth of the cells."""
        return cls(
            points=9,
            hill_shapes=(0.8,),
            steep_shapes=(),
            noise=(0.1, 0.2, 0.4),
            drift=(0.01, 0.05),
        )

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
            f"{name} of the settings is {given!r}",
            field=name,
            value=given,
            remedy=f"give {'different numbers' if many else 'a number'} from {low:g} to {high:g}",
        )
    return tuple(map(float, given)) if many else type(default)(given)
