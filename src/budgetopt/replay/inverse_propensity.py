"""Inverse propensity: every reward divided by how likely its action was."""

from __future__ import annotations

from dataclasses import dataclass

from budgetopt.replay.base import importance_weights
from budgetopt.replay.checks import Floats
from budgetopt.replay.log import Log


@dataclass(frozen=True)
class InversePropensity:
    r"""Mean of weighted rewards.

    .. math:: \hat v = \frac{1}{n} \sum_i w_i r_i, \qquad w_i = \frac{\pi(a_i \mid x_i)}{p_i},
        \qquad \widehat{\mathrm{se}} = \frac{s(w r)}{\sqrt n}

    with :math:`s` the standard deviation over :math:`n - 1`. Unbiased where the propensities are
    right and positive wherever the policy's are; its variance grows with the squared weights, and
    shifting all rewards changes more than the value, since the weights sum to one only on average.

    Notes
    -----
    Source: Horvitz and Thompson (1952); for policies Dudik, Langford and Li (2011). Where the
    logging policy learned on the way, the terms are martingale differences around the value: the
    mean stays unbiased, and the interval asks that the weights stay bounded (Hadad, Hirshberg,
    Zhan, Wager and Athey 2021).
    """

    @property
    def name(self) -> str:
        """``inverse-propensity``."""
        return "inverse-propensity"

    def weights(self, log: Log, probabilities: Floats) -> Floats:
        """Return the importance weights."""
        return importance_weights(log, probabilities)

    def terms(self, log: Log, probabilities: Floats, weights: Floats) -> Floats:
        """Return the weighted rewards, shape ``(rows,)``."""
        return weights * log.rewards
