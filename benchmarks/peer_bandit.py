"""A bandit library's channels as arms, as one would use it for a weekly split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from budgetopt.policies import View, fit_shares


@dataclass
class ChannelArms:
    """MABWiser's Thompson sampling: a channel is an arm, a week with ROAS above the median a win.

    The shares of the budget are those in which 200 draws choose the channels, drawn into the
    limits. One object serves one simulation; it is fed every week of the view once.
    """

    name: str = "mabwiser, channels as arms"
    draws: int = 200
    _bandits: list[Any] = field(default_factory=list)
    _weeks: int = 0

    def decide(self, view: View, rng: np.random.Generator) -> np.ndarray:
        """Return money in proportion to how often each arm is chosen."""
        runs, channels = view.lower.shape
        if not self._bandits:
            self._bandits = [_bandit(channels, seed) for seed in range(runs)]
        spend, outcome = view.spend, view.outcome
        roas = np.where(spend > 0, outcome / np.maximum(spend, 1e-300), 0.0)
        wins = (roas > np.median(roas, axis=-1, keepdims=True)).astype(int)
        shares = np.ones((runs, channels))
        for run, bandit in enumerate(self._bandits):
            for week in range(self._weeks, wins.shape[1]):
                bandit.partial_fit(list(range(channels)), wins[run, week].tolist())
            if wins.shape[1]:
                chosen = [bandit.predict() for _ in range(self.draws)]
                shares[run] += np.bincount(chosen, minlength=channels)
        self._weeks = wins.shape[1]
        return fit_shares(shares, view.lower, view.upper, view.budget)


def _bandit(channels: int, seed: int) -> Any:
    from mabwiser.mab import MAB, LearningPolicy

    return MAB(list(range(channels)), LearningPolicy.ThompsonSampling(), seed=seed)


def available() -> bool:
    """Return whether MABWiser is installed; the ``bench`` extra brings it."""
    try:
        import mabwiser  # noqa: F401
    except ImportError:
        return False
    return True
