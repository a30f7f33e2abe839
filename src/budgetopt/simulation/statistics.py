r"""Means of runs with intervals, chances, tails, and how many runs a precision takes.

Runs are independent, so a mean has the interval :math:`\bar x \pm t_{n-1} s/\sqrt n` (Student); a
ratio of sums that of its linearisation, :math:`R = \bar a / \bar b` with the residuals
:math:`(a_r - R\,b_r)/\bar b` (the delta method: Cochran 1977, "Sampling Techniques", section 6.4),
which is good where there are some dozens of runs and :math:`\bar b` is far from 0. Two answers in
the same runs are compared by the differences of their residuals, run by run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from budgetopt.curves.base import Floats
from budgetopt.market.checks import number, wrong

LEVEL = 0.95


class Interval(NamedTuple):
    """A mean with its interval; the interval is infinite for a single run.

    Parameters
    ----------
    mean, low, high
        In units of the measure.
    level
        Chance with which such an interval holds the true mean.
    """

    mean: float
    low: float
    high: float
    level: float = LEVEL

    @property
    def half(self) -> float:
        """Half of its width."""
        return 0.5 * (self.high - self.low)


class Difference(NamedTuple):
    """What one answer brings more than another in the same runs.

    Parameters
    ----------
    mean, low, high
        Paired, with its interval.
    unpaired_half
        Half the width that the interval would have if the runs were not the same.
    share_better
        Share of the runs in which the first is greater.
    level
        Chance with which such an interval holds the true mean.
    """

    mean: float
    low: float
    high: float
    unpaired_half: float
    share_better: float
    level: float = LEVEL

    @property
    def half(self) -> float:
        """Half of its width."""
        return 0.5 * (self.high - self.low)


class Sample(NamedTuple):
    """A measure in every run: its point, and residuals of mean 0 whose mean's spread is its own."""

    point: float
    residuals: Floats
    each: Floats

    def by_blocks(self, size: int) -> Sample:
        """Return the sample with residuals of whole blocks of runs, which alone are independent."""
        if size == 1:
            return self
        blocks = self.residuals[: len(self.residuals) // size * size].reshape(-1, size)
        return self._replace(residuals=blocks.mean(axis=1))


def sample(above: Floats, below: Floats | None = None) -> Sample:
    """Return the sample of sums, or of ratios of sums, one a run."""
    if below is None:
        mean = float(above.mean())
        return Sample(mean, above - mean, above)
    base = float(below.mean())
    ratio = float(above.mean()) / base if base else math.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(below != 0, above / below, np.nan)
        residuals = (above - ratio * below) / base if base else np.full(above.shape, np.nan)
    return Sample(ratio, residuals, each)


def half_width(residuals: Floats, level: float = LEVEL) -> float:
    """Return half the width of the interval of a mean; infinite for a single run."""
    size = residuals.size
    if size < 2:
        return math.inf
    spread = float(np.sqrt(np.square(residuals).sum() / (size - 1)))
    return float(stats.t.ppf(0.5 + 0.5 * level, size - 1)) * spread / math.sqrt(size)


def interval(found: Sample, level: float = LEVEL) -> Interval:
    """Return the mean of a sample with its interval."""
    level = checked_level(level)
    half = half_width(found.residuals, level)
    return Interval(found.point, found.point - half, found.point + half, level)


def difference(one: Sample, other: Sample, level: float = LEVEL) -> Difference:
    """Return the paired difference of two samples of the same runs."""
    level = checked_level(level)
    mean = one.point - other.point
    half = half_width(one.residuals - other.residuals, level)
    apart = math.hypot(half_width(one.residuals, level), half_width(other.residuals, level))
    better = float(np.mean(one.each > other.each))
    return Difference(mean, mean - half, mean + half, apart, better, level)


def chance(happened: NDArray[np.bool_], level: float = LEVEL) -> Interval:
    """Return a chance with its interval (Wilson 1927), from runs in which it happened or not."""
    level = checked_level(level)
    size, share = happened.size, float(np.mean(happened))
    z = float(stats.norm.ppf(0.5 + 0.5 * level))
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * math.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0), level)


def tail_mean(values: Floats, share: float, *, low: bool) -> float:
    r"""Return the mean of the lowest or highest share of values, the CVaR of that tail.

    With n values the worst :math:`n\,share` count, the last of them in part (Rockafellar and
    Uryasev 2002, "Conditional value-at-risk for general loss distributions", proposition 8).
    """
    share = number(share, "share", above=0, most=1)
    ordered = np.sort(values) if low else -np.sort(-values)
    weight = np.clip(share * values.size - np.arange(values.size), 0.0, 1.0)
    return float(ordered @ weight / weight.sum())


def runs_for(residuals: Floats, half: float, level: float = LEVEL) -> int:
    r"""Return how many runs an interval of half a width takes: :math:`(z s / half)^2`."""
    half, level = number(half, "half", above=0), checked_level(level)
    if residuals.size < 2:
        raise wrong("runs", residuals.size, "simulate two runs at least to see how they vary")
    spread = float(np.sqrt(np.square(residuals).sum() / (residuals.size - 1)))
    return max(2, math.ceil((float(stats.norm.ppf(0.5 + 0.5 * level)) * spread / half) ** 2))


def checked_level(level: float) -> float:
    """Return a level between 0 and 1."""
    level = number(level, "level", above=0, most=1)
    if level == 1.0:
        raise wrong("level", level, "give a chance below 1")
    return level
