"""Reward models for the doubly robust estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from budgetopt.replay.checks import Floats, Ints, as_floats, check_number, refuse
from budgetopt.replay.log import Log


@runtime_checkable
class RewardModel(Protocol):
    """One verb: learn from some rows of a log, say what to expect of others.

    A model that knows more of the rows than the log does holds it by row number.
    """

    def predict(self, log: Log, train: Ints, rows: Ints) -> Floats:
        """Return the expected reward of every action in `rows`, shape ``(len(rows), actions)``.

        It may look at the rewards of the rows `train` only.
        """


@dataclass(frozen=True)
class CellMeans:
    r"""Means by context and action, drawn to the action's mean, and that to the general one.

    .. math:: \hat q_a = \frac{\sum_{a_i = a} r_i + k \bar r}{n_a + k}, \qquad
        \hat q_{xa} = \frac{\sum_{x_i = x,\, a_i = a} r_i + k \hat q_a}{n_{xa} + k}

    Parameters
    ----------
    prior_rows
        :math:`k`, how many rows the coarser mean counts as, above 0 and at most 1e9.

    Raises
    ------
    InputError
        ``bad-argument`` for prior rows out of range.
    """

    prior_rows: float = 20.0

    def __post_init__(self) -> None:
        remedy = "give a number above 0, at most 1e9"
        check_number(self.prior_rows, "prior_rows", float(np.nextafter(0, 1)), 1e9, remedy)

    def predict(self, log: Log, train: Ints, rows: Ints) -> Floats:
        """Return the drawn means of the training rows."""
        shape = (len(log.context_names), len(log.names))
        cells, rewards = log.cells[train], log.rewards[train]
        count = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        total = np.bincount(cells, rewards, shape[0] * shape[1]).reshape(shape)
        prior = self.prior_rows
        by_action = (total.sum(axis=0) + prior * rewards.mean()) / (count.sum(axis=0) + prior)
        means: Floats = (total + prior * by_action) / (count + prior)
        return means[log.contexts[rows]]


def cross_fitted(model: RewardModel, log: Log, folds: int) -> Floats:
    """Return expected rewards of every action, each row's learned from the other folds.

    Returns
    -------
    numpy.ndarray
        Shape ``(rows, actions)``.

    Raises
    ------
    InputError
        ``bad-argument`` for a model whose answer has another shape or is not finite.
    """
    expected = np.empty((log.rows, len(log.names)))
    every = np.arange(log.rows)
    for fold in range(folds):
        held = every % folds == fold
        answer = as_floats(model.predict(log, every[~held], every[held]), "model")
        if answer.shape != (held.sum(), len(log.names)) or not np.isfinite(answer).all():
            problem = f"the reward model answered shape {answer.shape} or not finite"
            remedy = f"answer finite numbers of shape {(int(held.sum()), len(log.names))}"
            refuse("bad-argument", problem, "model", str(answer.shape), remedy)
        expected[held] = answer
    return expected
