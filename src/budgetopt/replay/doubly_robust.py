"""Doubly robust: a reward model, and the weighted rest that it leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.replay.base import importance_weights, taken
from budgetopt.replay.checks import Floats, check_number
from budgetopt.replay.log import Log
from budgetopt.replay.reward_model import CellMeans, RewardModel, cross_fitted


@dataclass(frozen=True)
class DoublyRobust:
    r"""Mean of what a reward model expects of the policy, plus its weighted errors.

    .. math:: \hat v = \frac{1}{n} \sum_i \Big[ \sum_a \pi(a \mid x_i)\, \hat q(x_i, a)
        + w_i \big(r_i - \hat q(x_i, a_i)\big) \Big]

    with the standard error of a mean. Unbiased where the propensities are right, whatever the
    model; a good model takes variance away, and none of the weights. The model is cross-fitted:
    what it expects of a row it learned from the rows of the other folds.

    Parameters
    ----------
    model
        What rewards to expect; by default means by context and action.
    folds
        Number of folds, 2 to the number of rows; row ``i`` is in fold ``i mod folds``, so that
        every fold spans the whole time of the log.

    Raises
    ------
    InputError
        ``bad-argument`` for folds out of range, or a model that does not answer one finite number
        for each row and action.

    Notes
    -----
    Source: Dudik, Langford and Li (2011); cross-fitting after Chernozhukov, Chetverikov, Demirer,
    Duflo, Hansen, Newey and Robins (2018), section 3. Folds take rows as exchangeable: in a log of
    a policy that learned on the way, rows after a row tell a little of it through the actions they
    took, and exact unbiasedness ends there.
    """

    model: RewardModel = CellMeans()  # noqa: RUF009 - frozen
    folds: int = 5

    def __post_init__(self) -> None:
        whole = isinstance(self.folds, (int, np.integer))
        check_number(
            self.folds if whole else None, "folds", 2, np.inf, "give a whole number from 2"
        )

    @property
    def name(self) -> str:
        """``doubly-robust``."""
        return "doubly-robust"

    def weights(self, log: Log, probabilities: Floats) -> Floats:
        """Return the importance weights."""
        return importance_weights(log, probabilities)

    def terms(self, log: Log, probabilities: Floats, weights: Floats) -> Floats:
        """Return what is expected of the policy plus the weighted error, shape ``(rows,)``."""
        remedy = "give as many folds as the log has rows, or fewer"
        check_number(self.folds, "folds", 2, log.rows, remedy)
        expected = cross_fitted(self.model, log, self.folds)
        under_policy = np.einsum("ia,ia->i", probabilities, expected)
        corrected: Floats = under_policy + weights * (log.rewards - taken(log, expected))
        return corrected
