r"""The projection in fractions of a minor unit, rounded once.

Rounded by day, cents would be multiplied by the run rate; rounded by channel, they would not add up
to the total. Whatever is shown is thus rounded once from the exact sum, and channels are rounded by
largest remainder so that they add up to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor

import numpy as np
from numpy.typing import NDArray

from budgetopt.operation.pacing.by_day import Days, Whole


@dataclass(frozen=True)
class Expected:
    """What one channel is expected to spend on the days not seen: ``rate * plan + daily``.

    Parameters
    ----------
    rate
        Money for each that is planned.
    daily
        Minor units a day beside the plan.
    """

    rate: Fraction
    daily: Fraction

    def over(self, planned: Fraction, days: int) -> Fraction:
        """Return the minor units of some days."""
        return self.rate * planned + self.daily * days


@dataclass(frozen=True, eq=False)
class Projected:
    """What the channels are expected to spend on the days not seen, in minor units.

    Parameters
    ----------
    days
        Plan and actual by channel and day.
    """

    days: Days

    @cached_property
    def channels(self) -> tuple[Expected, ...]:
        """The rates by channel."""
        days = self.days
        return tuple(map(_expected, days.weekly, days.actual, days.seen))

    def on(self, which: NDArray[np.bool_]) -> list[Fraction]:
        """Return what is expected on those of some days, shape ``(days,)``, that are not seen."""
        days = self.days
        return [
            channel.over(_exact(days, at, which & ~days.seen[at]), int((which & ~seen).sum()))
            for at, (channel, seen) in enumerate(zip(self.channels, days.seen, strict=True))
        ]

    def by(self, day: int) -> Fraction:
        """Return what all channels together will have spent by the end of a day, by position."""
        rests = zip(self.channels, self._planned[:, day], self._unseen[:, day], strict=True)
        to_come = (channel.over(Fraction(int(p)), int(n)) for channel, p, n in rests)
        return int(self._actual[day]) + sum(to_come, Fraction(0))

    @cached_property
    def _planned(self) -> Whole:
        return np.cumsum(np.where(self.days.seen, 0, self.days.planned), axis=1)

    @cached_property
    def _unseen(self) -> Whole:
        return np.cumsum(~self.days.seen, axis=1)

    @cached_property
    def _actual(self) -> Whole:
        return np.asarray(np.cumsum(self.days.actual.sum(axis=0)))


def rounded(exact: Sequence[Fraction]) -> list[int]:
    """Return whole numbers that add up to the exact sum, rounded once (half up).

    Each is the one below or above the exact number, and itself where that is whole; the largest
    remainders go up, the first among equals.

    Examples
    --------
    >>> rounded([Fraction(1, 2), Fraction(1, 3), Fraction(2, 3)])
    [1, 0, 1]
    """
    whole = [floor(one) for one in exact]
    missing = floor(sum(exact, Fraction(0)) + Fraction(1, 2)) - sum(whole)
    order = sorted(range(len(whole)), key=lambda at: whole[at] - exact[at])
    for at in order[:missing]:
        whole[at] += 1
    return whole


def _expected(weekly: Whole, actual: Whole, seen: NDArray[np.bool_]) -> Expected:
    spent, count = int(actual.sum()), int(seen.sum())
    due = Fraction(int(weekly[seen].astype(object).sum()), 7)
    if due:
        return Expected(spent / due, Fraction(0))
    return Expected(Fraction(1), Fraction(spent, count) if spent else Fraction(0))


def _exact(days: Days, at: int, which: NDArray[np.bool_]) -> Fraction:
    """Return what is planned for a channel on some days, exactly where its run rate is known.

    Where it is projected as planned, that is what the plan shows.
    """
    if days.weekly[at][days.seen[at]].any():
        return Fraction(int(days.weekly[at][which].astype(object).sum()), 7)
    return Fraction(int(days.planned[at][which].sum()))
