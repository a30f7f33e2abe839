r"""One-week-ahead predictions, and the record of how well they did.

Next week's log outcome in cell ``k`` is normal around :math:`m_k + \ln g_k(x) - \sigma^2/2 + w`
with variance :math:`P + d^2 + \sigma^2 + v_w + u/\max(\hat y, u)`. The record holds, for every
week, the share of its prediction that lay below the outcome; where the belief is calibrated those
shares are even between 0 and 1 (Dawid 1984).

Where this stops. A prediction's band treats counts as log-normal, which is rough below about five
events a week; the record itself is exact for counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.belief.bands import Band, band
from budgetopt.belief.by_channel import Walked
from budgetopt.curves.base import Floats


@dataclass(frozen=True)
class Calibration:
    """How many outcomes lay inside the bands that were predicted for them.

    Parameters
    ----------
    level
        Chance that each band was to hold.
    inside, outcomes
        Outcomes inside, and all that were predicted.
    """

    level: float
    inside: int
    outcomes: int

    @property
    def covered(self) -> float | None:
        """Share inside; None where nothing was predicted."""
        return self.inside / self.outcomes if self.outcomes else None


def calibration(walked: Walked | None, weeks: int, level: float) -> Calibration:
    """Return the record of the last weeks; empty where one total was all."""
    if walked is None:
        return Calibration(level, 0, 0)
    ranks = walked.ranks[-weeks:] if weeks else walked.ranks[:0]
    known = np.isfinite(ranks)
    inside = known & (np.abs(np.where(known, ranks, 0.0) - 0.5) <= 0.5 * level)
    return Calibration(level, int(inside.sum()), int(known.sum()))


def predicted(walked: Walked, spend: Floats, level: float) -> Band:
    """Return next week's outcome at a spend above 0 for each channel, noise included."""
    model, tables = walked.model, walked.state.tables
    rows = model.channels
    shape = np.tile(model.grid.log_value(spend), model.kernels)[:, None, :]
    effect, doubt = walked.effect_ahead()
    noise = np.square(model.noise)
    centre = tables.mean + shape + (effect - 0.5 * noise)[:, None]
    expected = np.exp(np.einsum("rjk,rjk->r", tables.chance, centre)) / walked.inputs.event
    variance = tables.variance + np.square(model.drift) + noise + doubt
    variance = variance + (1.0 / np.maximum(expected, 1.0))[:, None]
    parts = []
    for what in model.hypotheses:
        spread = np.broadcast_to((variance + what.level + what.week)[..., None], centre.shape)
        each = (what.chance * tables.chance, centre, spread)
        parts.append(np.stack([part.reshape(rows, -1) for part in each]))
    chance, log_mean, log_variance = np.concatenate(parts, axis=2)
    return band(chance, log_mean, log_variance, level)
