"""What the learner assumes before it has seen anything."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from budgetopt.errors import InputError

_RANGES: dict[str, tuple[float, float]] = {
    "points": (3, 200),
    "span": (2.0, 1e4),
    "hill_shapes": (0.1, 1.0),
    "saturation": (1e-3, 1e3),
    "saturation_sd": (0.05, 5.0),
    "centre_sd": (0.0, 5.0),
    "amplitude_sd": (0.05, 5.0),
    "noise": (1e-3, 5.0),
    "usual_noise": (1e-3, 5.0),
    "total_points": (3, 200),
    "effect_share": (0.01, 2.0),
    "doubt": (0.0, 2.0),
    "carryover": (0.0, 0.95),
    "sweeps": (1, 50),
}


@dataclass(frozen=True)
class Settings:
    """Grids and priors of `learn`; every one is free of units.

    Parameters
    ----------
    points
        Saturation points of the grid, 3 to 200, spread evenly in the logarithm.
    span
        The grid runs from reference/span to reference·span, 2 to 10,000.
    hill_shapes
        Hill shapes beside the exponential, each 0.1 to 1, so that every cell is concave.
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
        Weekly noise levels tried, standard deviations of the log outcome, each 0.001 to 5,
        evenly spread in the logarithm.
    usual_noise
        Prior median of the noise.
    total_points
        Saturation points of the grid where one total is all there is, 3 to 200.
    effect_share
        Share of the total outcome that all channels together may bring, one prior standard
        deviation, 0.01 to 2.
    doubt
        Standard deviation of the log response that no amount of history with one total can
        remove, because what moves spend and outcome alike is read as effect, 0 to 2.
    carryover
        Shares of an effect carried into the next week that are tried with one total, 0 to 0.95.
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
    saturation: float = 1.0
    saturation_sd: float = 1.0
    centre_sd: float = 0.75
    amplitude_sd: float = 1.0
    # A fifth apart: half the noise variance is part of the level, so coarser steps would shift it.
    noise: tuple[float, ...] = tuple(round(0.05 * 20 ** (k / 16), 4) for k in range(17))
    usual_noise: float = 0.2
    # Nine points a factor of two apart: a total cannot tell finer saturation points apart.
    total_points: int = 9
    # Half-normal with this sd has mean 0.4, the prior media contribution of Google's Meridian.
    effect_share: float = 0.5
    # Errors of half the effect are usual where experiments checked regressions (Gordon,
    # Zettelmeyer, Bhargava and Chapsky 2019); at 0.25 the 90 % band is never below -34 %/+51 %.
    doubt: float = 0.25
    # Steps as fine as three years of weeks can tell; coarser ones bias the amplitude.
    carryover: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    # On four sets of weeks eight rounds left the mean curve within 0.2 % of fifty rounds.
    sweeps: int = 8

    def __post_init__(self) -> None:
        for item in fields(self):
            low, high = _RANGES[item.name]
            object.__setattr__(
                self, item.name, _in_range(item.name, getattr(self, item.name), low, high)
            )


def _in_range(name: str, given: Any, low: float, high: float) -> Any:
    """Return a setting as int, float or tuple of floats, or say what is wrong with it."""
    default = getattr(Settings, name)
    many = isinstance(default, tuple)
    try:
        values = np.asarray(given)
        # Text, booleans and missing values are no numbers here.
        good = values.dtype.kind in "iuf" and values.ndim == int(many) and values.size > 0
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
