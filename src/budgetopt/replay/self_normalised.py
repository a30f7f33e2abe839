"""Self-normalised: the weighted mean of the rewards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.replay.base import importance_weights
from budgetopt.replay.checks import Floats
from budgetopt.replay.log import Log


@dataclass(frozen=True)
class SelfNormalised:
    r"""Weighted mean of rewards.

    .. math:: \hat v = \frac{\sum_i w_i r_i}{\sum_i w_i}, \qquad
        \widehat{\mathrm{se}} = \frac{1}{\sqrt n} \, s\!\left(\frac{w (r - \hat v)}{\bar w}\right)

    The value lies among the rewards, and shifting or scaling them shifts or scales it. It is a
    ratio of two means: its bias is of order :math:`1/n`, and the error is the delta method's, the
    standard error of the ratio's linear part.

    Notes
    -----
    Source: Hajek (1971); Swaminathan and Joachims (2015); the delta method in Owen (2013),
    section 9.2, with :math:`n - 1` so that equal weights give the error of a mean. Needs all that
    `InversePropensity` needs.
    """

    @property
    def name(self) -> str:
        """``self-normalised``."""
        return "self-normalised"

    def weights(self, log: Log, probabilities: Floats) -> Floats:
        """Return the importance weights."""
        return importance_weights(log, probabilities)

    def terms(self, log: Log, probabilities: Floats, weights: Floats) -> Floats:
        """Return the weighted mean plus each row's part of its linear error, shape ``(rows,)``."""
        value = np.average(log.rewards, weights=weights)
        parts: Floats = value + weights * (log.rewards - value) / weights.mean()
        return parts
