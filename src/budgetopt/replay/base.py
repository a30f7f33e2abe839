"""What an estimator does, and the arithmetic that several of them share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from budgetopt.replay.checks import Floats
from budgetopt.replay.log import Log


@runtime_checkable
class Estimator(Protocol):
    """Weights for the rows of a log, and terms whose mean is the policy's value.

    An object of any class plugs in without inheriting; `budgetopt.replay.evaluate` judges the
    support by the weights before it asks for the terms.
    """

    @property
    def name(self) -> str:
        """How answers call it."""

    def weights(self, log: Log, probabilities: Floats) -> Floats:
        """Return how much each row counts, at least 0 and 1 on average, shape ``(rows,)``."""

    def terms(self, log: Log, probabilities: Floats, weights: Floats) -> Floats:
        """Return numbers with the value as mean, and its error as the error of their mean.

        The weights may have been clipped. One term for each row that counts: the part of the
        estimate that it brings, linearised where the estimate is not a mean.
        """


def importance_weights(log: Log, probabilities: Floats) -> Floats:
    r"""Return :math:`w_i = \pi(a_i \mid x_i) / p_i`, shape ``(rows,)``.

    `probabilities` are the evaluated policy's, shape ``(rows, actions)``.
    """
    return taken(log, probabilities) / log.propensities


def taken(log: Log, table: Floats) -> Floats:
    """Return from a table ``(rows, actions)`` the entry of the action that was taken."""
    return np.take_along_axis(table, log.actions[:, None], axis=1)[:, 0]
