"""What the filter knows, as arrays, and what it assumes before it has any data.

- `Gammas`: the gamma function's logarithm and its derivatives;
- `PriorModel`: levels of drift and noise, the hypotheses of a week, and the priors of cells;
- `Tables`, `Effect`: what is known of every row, and of the week effect that channels share;
- `WeekData`: the spends and outcomes of one week.

A row is a channel of a run; a table has the axes rows, nuisances (drift times noise) and cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.belief.settings import Grid, Settings

_STEPS = 6
_HALF_LOG_TAU = 0.5 * float(np.log(2.0 * np.pi))


class Gammas:
    r"""The logarithm :math:`\ln\Gamma(x)` and its derivatives, right to 1e-9, each when asked for.

    By the recurrence from :math:`x` to :math:`x + 6` and the asymptotic series there. SciPy's
    functions are exact to rounding, one by one and ten times as slow; what is learned from a week
    does not need more than nine digits.

    Parameters
    ----------
    x
        Numbers above 0 of any shape, from 1e-30 to 1e30.

    References
    ----------
    Abramowitz and Stegun (1964), 6.1.41, 6.3.18, 6.4.6 and 6.4.12.
    """

    def __init__(self, x: Floats) -> None:
        self._parts = [1.0 / (x + step) for step in range(_STEPS)]
        self._w = x + _STEPS
        self._y = 1.0 / self._w
        self._z = self._y * self._y

    @cached_property
    def _squares(self) -> list[Floats]:
        return [part * part for part in self._parts]

    @cached_property
    def _log_w(self) -> Floats:
        return np.log(self._w)

    @property
    def log(self) -> Floats:
        r""":math:`\ln\Gamma`."""
        w, y, z = self._w, self._y, self._z
        series = y * (1 / 12 + z * (-1 / 360 + z * (1 / 1260 - z / 1680)))
        product = reduce(np.multiply, self._parts)
        return (w - 0.5) * self._log_w - w + _HALF_LOG_TAU + series + np.log(product)

    @cached_property
    def digamma(self) -> Floats:
        r""":math:`\psi`."""
        y, z = self._y, self._z
        series = z * (1 / 12 + z * (-1 / 120 + z * (1 / 252 - z / 240)))
        return self._log_w - 0.5 * y - series - reduce(np.add, self._parts)

    @property
    def trigamma(self) -> Floats:
        r""":math:`\psi'`."""
        y, z = self._y, self._z
        series = z * (0.5 + y * (1 / 6 + z * (-1 / 30 + z * (1 / 42 - z / 30))))
        return y + series + reduce(np.add, self._squares)

    @property
    def tetragamma(self) -> Floats:
        r""":math:`\psi''`."""
        y, z = self._y, self._z
        cubes = [square * part for square, part in zip(self._squares, self._parts, strict=True)]
        series = z * (0.5 + z * (-1 / 6 + z * (1 / 6 - 0.3 * z)))
        return -z * (1.0 + y + series) - 2.0 * reduce(np.add, cubes)


def gamma_shape(variance: Floats) -> Floats:
    r"""Return the shape at which a log-gamma has a variance: :math:`\psi'(r) = V`.

    From :math:`1/r + 1/(2r^2) = V` by one step of Newton on the logarithm of ``r``; right to
    0.4 % for every variance.
    """
    first = (1.0 + np.sqrt(1.0 + 2.0 * variance)) / (2.0 * variance)
    there = Gammas(first)
    spread, slope = there.trigamma, there.tetragamma
    shape: Floats = first * np.exp((np.log(variance) - np.log(spread)) * spread / (slope * first))
    return shape


_BLOCK = 32768
"""Cells worked on at a time: a dozen tables of this size stay in the processor's cache."""
CENTRES = np.linspace(-2.0, 2.0, 5)
"""Standard deviations at which the centres of shared priors are tried."""
_NOISE_SD, _USUAL_NOISE_SD = 0.5, 0.7
"""Prior standard deviations of a channel's log noise around the usual one, and of the usual one."""
_DRIFT_SD, _USUAL_DRIFT_SD = 0.7, 0.7
"""The same for drift."""


class Hypothesis(NamedTuple):
    """What may have happened in a week: its chance, and the variance it adds to level and week."""

    chance: float
    level: float
    week: float


@dataclass(frozen=True, eq=False)
class PriorModel:
    """Settings as the arrays that the filter works on.

    Parameters
    ----------
    grid
        The cells.
    settings
        Priors and levels.
    log_half, log_half_sd, log_noise
        A channel's own prior of the saturation point (logarithm, in references) and of the noise;
        NaN where it has none; shape ``(channels,)``.
    kernels
        Carryovers crossed with the cells, at least 1; the kernels run slowest.
    dtype
        Of the large tables. What has no cells is always in double precision.
    """

    grid: Grid
    settings: Settings
    log_half: Floats
    log_half_sd: Floats
    log_noise: Floats
    kernels: int = 1
    dtype: type[np.floating[Any]] = np.float64

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.log_half.size)

    @property
    def cells(self) -> int:
        """Number of cells, carryovers included."""
        return self.grid.size * self.kernels

    @cached_property
    def drift(self) -> Floats:
        """Weekly drift of each nuisance, shape ``(nuisances,)``; drifts run slowest."""
        return np.repeat(self.settings.drift, len(self.settings.noise))

    @cached_property
    def noise(self) -> Floats:
        """Weekly noise of each nuisance, shape ``(nuisances,)``."""
        return np.tile(self.settings.noise, len(self.settings.drift))

    @cached_property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What may have happened, those without a chance left out; the widest comes last."""
        known = self.settings
        usual = Hypothesis(1.0 - known.jump_chance - known.outlier_chance, 0.0, 0.0)
        jump = Hypothesis(known.jump_chance, known.jump_sd**2, 0.0)
        outlier = Hypothesis(known.outlier_chance, 0.0, known.outlier_sd**2)
        some = [one for one in (usual, jump, outlier) if one.chance > 0]
        return tuple(sorted(some, key=lambda one: one.level + one.week))

    @cached_property
    def cell_prior(self) -> Floats:
        """Chances of cells at each centre, ``(channels or 1, centres, cells)``; see `Grid.prior`.

        A channel with a prior of its own has the same chances at every centre.
        """
        known = self.settings
        centre = np.log(known.saturation) + known.centre_sd * CENTRES
        own = np.isfinite(self.log_half)
        shared = self.grid.prior(centre, known.saturation_sd)[None]
        if own.any():
            each = self.grid.prior(
                np.where(own, self.log_half, 0.0), np.where(own, self.log_half_sd, 1.0)
            )
            shared = np.where(own[:, None, None], each[:, None, :], shared)
        prior: Floats = np.tile(shared, self.kernels) / self.kernels
        return prior.astype(self.dtype, copy=False)

    @cached_property
    def nuisance_prior(self) -> Floats:
        r"""Chances of nuisances, ``(channels or 1, pairs of centres, nuisances)``.

        Levels of drift and noise are independent and log-normal around the usual ones,
        :math:`\ln d \sim N(\ln d_u, s_d^2)` and :math:`\ln\sigma \sim N(\ln\sigma_u, s_n^2)`, taken
        at the levels tried. The pairs are of usual drifts and usual noises, drifts slowest in both.
        """
        # A drift of zero has no logarithm; a tenth of a percent a week is as good as none.
        level = np.log(np.maximum(self.settings.drift, 1e-3))
        usual = np.log(self.settings.usual_drift) + _USUAL_DRIFT_SD * CENTRES
        drift = _normal(level, usual, _DRIFT_SD)
        level = np.log(self.settings.noise)
        usual = np.log(self.settings.usual_noise) + _USUAL_NOISE_SD * CENTRES
        noise = _normal(level, usual, _NOISE_SD)[None]
        own = np.isfinite(self.log_noise)
        if own.any():
            each = _normal(level, np.where(own, self.log_noise, 0.0), _NOISE_SD)
            noise = np.where(own[:, None, None], each[:, None, :], noise)
        pairs: Floats = np.einsum("ud,cvs->cuvds", drift, noise)
        return pairs.reshape(len(noise), len(CENTRES) ** 2, -1).astype(self.dtype, copy=False)


def _normal(level: Floats, centre: Floats, sd: float) -> Floats:
    away = (level - centre[:, None]) / sd
    # Less the nearest level's: all of them may be far away.
    dense = np.exp(-0.5 * (np.square(away) - np.min(np.square(away), axis=-1, keepdims=True)))
    chance: Floats = dense / dense.sum(axis=-1, keepdims=True)
    return chance


class Tables(NamedTuple):
    """Knowledge of each row; a row is one channel of one run, runs slowest.

    Parameters
    ----------
    mean
        Mean of the log amplitude, shape ``(rows, nuisances, cells)``.
    variance
        Its variance, ``(rows, nuisances)``.
    evidence
        Log likelihood up to a constant of each row, ``(rows, nuisances, cells)``.
    chance
        Posterior chances, same shape; those of a row sum to one.
    cell_chance, cell_mean
        Chance of each cell, and mean of the log amplitude in it, ``(rows, cells)``.
    within
        Variance of the log amplitude for a known cell, nuisances' spread included, ``(rows,)``.
    """

    mean: Floats
    variance: Floats
    evidence: Floats
    chance: Floats
    cell_chance: Floats
    cell_mean: Floats
    within: Floats


class Effect(NamedTuple):
    """Mean, variance and log weight of the week effect by kind, each of shape ``(runs, kinds)``."""

    mean: Floats
    variance: Floats
    weight: Floats


class WeekData(NamedTuple):
    """One week of observations; arrays of shape ``(rows,)`` save where said.

    Parameters
    ----------
    day
        First day.
    spend
        Effective money by carryover, above 0 where seen, shape ``(rows, kernels)``.
    outcome
        What came back, at least 0.
    seen
        Whether spend and outcome are to be learned from.
    event
        Size of one event in units of the outcome.
    offset, offset_variance
        Logarithm of a known factor of the expected outcome, and how well it is known.
    eventful
        Whether the week is a holiday or promotion, when all channels may move together.
    """

    day: np.datetime64
    spend: Floats
    outcome: Floats
    seen: NDArray[np.bool_]
    event: Floats
    offset: Floats
    offset_variance: Floats
    eventful: bool = False


def beside(values: Floats, table: Floats) -> Floats:
    """Return a number of each row and nuisance for all cells of a table, in its precision."""
    return values.astype(table.dtype, copy=False)[..., None]


def tiny(table: Floats) -> float:
    """Return the least number above 0 of a table's precision."""
    return float(np.finfo(table.dtype).tiny)


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Return slices of rows whose tables stay in the cache."""
    tall = max(1, _BLOCK // width)
    return (slice(at, min(at + tall, rows)) for at in range(0, rows, tall))
