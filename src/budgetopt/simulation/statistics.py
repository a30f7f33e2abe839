r"""Means of runs with intervals, chances, tails, and how many runs a precision takes.

Runs are independent, so a mean has the interval :math:`\bar x \pm t_{n-1} s/\sqrt n` (Student
1908); a ratio of sums that of its linearisation, :math:`R = \bar a / \bar b` with the residuals
:math:`(a_r - R\,b_r)/\bar b` (the delta method: Cochran 1977, "Sampling Techniques", section 6.4).
Two policies in the same runs are compared by the differences of their residuals, run by run.

- `Sample`, `interval`, `difference`, `chance`, `tail_mean`, `runs_for`: the mathematics;
- `MEASURES`: what a run is measured by, a sum over its weeks or a ratio of two sums;
- `Precision`: when there are runs enough.

Where this stops: the linearisation needs some dozens of runs and a :math:`\bar b` far from 0;
stopping once an interval is narrow enough makes it a little too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from budgetopt.arrays import Floats
from budgetopt.errors import InputError, as_number, did_you_mean
from budgetopt.i18n import say
from budgetopt.market import whole, wrong

if TYPE_CHECKING:
    from budgetopt.simulation.job import Job
    from budgetopt.simulation.year import Batch

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
    """A measure in every run.

    Parameters
    ----------
    point
        Its mean, or the ratio of two means.
    residuals
        By how much each run moves the point, of mean 0: the spread of their mean is that of the
        point; shape ``(runs,)``.
    each
        The measure of each run, same shape, NaN where its denominator is 0.
    """

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
    r"""Return the sample of sums, or of ratios of sums, one a run.

    A ratio of sums is :math:`R = \bar a / \bar b` with the residuals
    :math:`(a_r - R\,b_r)/\bar b`.

    Parameters
    ----------
    above, below
        Sums by run, in units of the measure, shape ``(runs,)``.

    References
    ----------
    Cochran (1977), Sampling Techniques, section 6.4: the delta method.
    """
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
    r"""Return half the width of the interval of a mean; infinite for a single run.

    .. math:: t_{n-1}\,s/\sqrt n, \qquad s^2 = \sum_r e_r^2 / (n-1)

    Parameters
    ----------
    residuals
        :math:`e_r`, of mean 0, shape ``(runs,)``.
    level
        Chance with which such an interval holds the true mean.

    References
    ----------
    Student (1908), The probable error of a mean.
    """
    size = residuals.size
    if size < 2:
        return math.inf
    spread = float(np.sqrt(np.square(residuals).sum() / (size - 1)))
    return float(stdtrit(size - 1, 0.5 + 0.5 * level)) * spread / math.sqrt(size)


def interval(found: Sample, level: float = LEVEL) -> Interval:
    """Return the mean of a sample with its interval."""
    level = checked_level(level)
    half = half_width(found.residuals, level)
    return Interval(found.point, found.point - half, found.point + half, level)


def difference(one: Sample, other: Sample, level: float = LEVEL) -> Difference:
    """Return the paired difference of two samples of the same runs.

    Its residuals are the differences of both, run by run, so that luck that both share drops out.
    """
    level = checked_level(level)
    mean = one.point - other.point
    half = half_width(one.residuals - other.residuals, level)
    apart = math.hypot(half_width(one.residuals, level), half_width(other.residuals, level))
    better = float(np.mean(one.each > other.each))
    return Difference(mean, mean - half, mean + half, apart, better, level)


def chance(happened: NDArray[np.bool_], level: float = LEVEL) -> Interval:
    r"""Return a chance with its interval, from runs in which it happened or not.

    .. math:: \frac{\hat p + z^2/2n \pm z\sqrt{\hat p(1-\hat p)/n + z^2/4n^2}}{1 + z^2/n}

    Parameters
    ----------
    happened
        Shape ``(runs,)``.
    level
        Chance with which such an interval holds the true chance, about.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    level = checked_level(level)
    size, share = happened.size, float(np.mean(happened))
    z = float(ndtri(0.5 + 0.5 * level))
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * math.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0), level)


def tail_mean(values: Floats, share: float, *, low: bool) -> float:
    r"""Return the mean of the lowest or highest share of values, the CVaR of that tail.

    With n values the worst :math:`n\,share` count, the last of them in part.

    References
    ----------
    Rockafellar and Uryasev (2002), Conditional value-at-risk for general loss distributions,
    proposition 8.
    """
    share = as_number(share, "share", above=0, most=1)
    ordered = np.sort(values) if low else -np.sort(-values)
    weight = np.clip(share * values.size - np.arange(values.size), 0.0, 1.0)
    return float(ordered @ weight / weight.sum())


def runs_for(residuals: Floats, half: float, level: float = LEVEL) -> int:
    r"""Return how many runs an interval of half a width takes: :math:`(z s / half)^2`."""
    half, level = as_number(half, "half", above=0), checked_level(level)
    if residuals.size < 2:
        raise wrong("runs", residuals.size, say("remedy-simulate-two-runs"))
    spread = float(np.sqrt(np.square(residuals).sum() / (residuals.size - 1)))
    return max(2, math.ceil((float(ndtri(0.5 + 0.5 * level)) * spread / half) ** 2))


def checked_level(level: float) -> float:
    """Return a level between 0 and 1."""
    return as_number(level, "level", above=0, below=1)


class Measure(NamedTuple):
    """A measure of a run.

    Parameters
    ----------
    above, below
        Names of the sums; without `below` it is a sum.
    more_is_better
        Which tail is the bad one.
    """

    above: str
    below: str = ""
    more_is_better: bool = True


MEASURES: dict[str, Measure] = {
    "outcome": Measure("outcome"),
    "goal": Measure("goal"),
    "expected": Measure("expected"),
    "spend": Measure("spend", more_is_better=False),
    "value": Measure("value"),
    "profit": Measure("profit"),
    "regret": Measure("regret", more_is_better=False),
    "roas": Measure("value", "spend"),
    "cpa": Measure("spend", "outcome", more_is_better=False),
}
"""Measures by name: outcome that came, what the plan's goal sums up, expected outcome, money, the
outcome's worth in money, worth less money, what a clairvoyant gets more by the goal, worth per
money, money per outcome."""


def measure_named(name: str) -> Measure:
    """Return a measure.

    Raises
    ------
    InputError
        ``unknown-name``.
    """
    if name not in MEASURES:
        raise InputError("unknown-name", say("unknown-measure", name=repr(name)), field="measure",
                         value=name, remedy=did_you_mean(name, MEASURES))  # fmt: skip
    return MEASURES[name]


_SUMS = ("outcome", "goal", "expected", "spend", "value", "profit")


@dataclass(frozen=True)
class Precision:
    """Runs are enough when the interval of a mean is narrow enough.

    Parameters
    ----------
    half
        Half the width of the interval, above 0, in units of the measure.
    measure
        One of `MEASURES`, save regret.
    policy
        Whose mean; None for the first policy's.
    less
        The policy that it is compared with, run by run; None for the mean itself.
    least
        Runs that are done in any case, at least 2.
    level
        Level of the interval.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``.

    Notes
    -----
    Looking again and again makes the interval at the stop hold the truth a little less often than
    its level says; some hundreds of runs at least keep that within a percentage point or two.
    """

    half: float
    measure: str = "outcome"
    policy: str | None = None
    less: str | None = None
    least: int = 200
    level: float = 0.95

    def __post_init__(self) -> None:
        as_number(self.half, "precision.half", above=0)
        whole(self.least, "precision.least", least=2)
        checked_level(self.level)
        found = measure_named(self.measure)
        if found.above not in _SUMS:
            raise InputError("bad-argument", say("precision-watched-while-runs",
                             measure=repr(self.measure)), field="precision.measure",
                             value=self.measure, remedy=say("remedy-roas-cpa",
                             sums=", ".join(_SUMS)))  # fmt: skip

    def check(self, names: Sequence[str]) -> None:
        """Raise ``unknown-name`` for a policy that does not play."""
        for name in (self.policy, self.less):
            if name is not None and name not in names:
                raise InputError("unknown-name", say("precision-names-policy-simulated",
                                 name=repr(name)), field="precision", value=name,
                                 remedy=did_you_mean(name, names))  # fmt: skip

    def reached(self, job: Job, batches: Sequence[Batch]) -> bool:
        """Return whether the runs of these batches are enough."""
        if sum(len(batch.budget) for batch in batches) < self.least:
            return False
        first = self.policy or job.policies[0].name
        residuals = self._sample(first, batches).residuals
        if self.less is not None:
            residuals = residuals - self._sample(self.less, batches).residuals
        return half_width(residuals, self.level) <= self.half

    def _sample(self, policy: str, batches: Sequence[Batch]) -> Sample:
        def sums(name: str) -> Floats:
            parts = []
            for batch in batches:
                record = batch.records[policy]
                if name == "profit":
                    parts.append((record.value - record.spend).sum(axis=-1))
                else:
                    parts.append(getattr(record, name).sum(axis=-1))
            return np.concatenate(parts)

        measure = measure_named(self.measure)
        return sample(sums(measure.above), sums(measure.below) if measure.below else None)
