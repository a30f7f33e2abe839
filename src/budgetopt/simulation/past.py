"""What a simulated policy has seen so far, and the belief that it learns from nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.belief.posterior import Posterior
from budgetopt.belief.stream import Stream
from budgetopt.curves import Mixture
from budgetopt.curves.base import Floats
from budgetopt.market import Outcome


class Past:
    """Weeks that are over, as the reports tell them now; later weeks are not in it.

    Parameters
    ----------
    spend, outcome
        Weeks before the first that is simulated, the same for all runs, shape ``(weeks,
        channels)``.
    runs, weeks
        How many are simulated.
    delayed
        Whether reports are revised, so that first reports must be kept beside them.
    """

    def __init__(
        self, spend: Floats, outcome: Floats, runs: int, weeks: int, *, delayed: bool
    ) -> None:
        self.weeks = self._before = len(spend)
        shape = (runs, len(spend) + weeks, spend.shape[1])
        self._spend, self._outcome = np.full((2, *shape), np.nan)
        self._spend[:, : self.weeks], self._outcome[:, : self.weeks] = spend, outcome
        self._first = self._outcome.copy() if delayed else self._outcome

    def add(self, week: Outcome) -> None:
        """Add a week, and what reports say anew of those before."""
        at = self.weeks
        self._spend[:, at], self._first[:, at] = week.spend, week.reported
        newest = week.revised[: at - self._before + 1]
        for age, reported in enumerate(newest):
            self._outcome[:, at - age] = reported
        self.weeks += 1

    def first(self, week: int) -> tuple[Floats, Floats, bool]:
        """Return spend and first report of a week, and whether it was simulated."""
        return self._spend[:, week], self._first[:, week], week >= self._before

    def seen(self) -> tuple[Floats, Floats]:
        """Return spend and outcome of all weeks, ``(runs, weeks, channels)``, not to be written."""
        outcome = self._outcome[:, : self.weeks]
        # What is revised later must not change in the hands of whoever keeps it.
        return _sealed(self._spend[:, : self.weeks]), _sealed(
            outcome.copy() if self._first is not self._outcome else outcome
        )


def _sealed(array: Floats) -> Floats:
    seen = array.view()
    seen.flags.writeable = False
    return seen


class Learner:
    """A belief that learns when it is asked, so that whoever never asks pays nothing.

    Parameters
    ----------
    begin
        Makes a stream that has seen nothing.
    past
        What there is to learn from.
    share
        Part of a week's outcome that its first report tells, known beforehand; it
        goes with the channels.
    """

    def __init__(self, begin: Callable[[], Stream], past: Past, share: Floats) -> None:
        self._begin, self._past, self._share = begin, past, share
        self._stream: Stream | None = None
        self._learned = 0
        self._now: Posterior | None = None

    @property
    def posterior(self) -> Posterior:
        """What is believed after all weeks that are over, over ``(runs, channels)``."""
        if self._stream is None:
            self._stream = self._begin()
        while self._learned < self._past.weeks:
            spend, reported, simulated = self._past.first(self._learned)
            self._stream.learn(spend, reported / self._share if simulated else reported)
            self._learned, self._now = self._learned + 1, None
        if self._now is None:
            self._now = self._stream.posterior
        return self._now

    def mean(self) -> Mixture:
        """Return the expected curves."""
        return self.posterior.mean()

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Mixture:
        """Return posterior draws."""
        return self.posterior.draw(rng, draws)

    def average(self, rng: np.random.Generator, draws: int) -> Mixture:
        """Return the average of posterior draws."""
        return self.posterior.average(rng, draws)

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Mixture:
        """Return the expected curves scaled to a quantile of the response."""
        return self.posterior.quantile(chance, spend)

    def tilted(self, power: float, spend: ArrayLike) -> Mixture:
        """Return the expected curves where steep ones count for more."""
        return self.posterior.tilted(power, spend)

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel brings more at another spend."""
        return self.posterior.gain(before, after)
