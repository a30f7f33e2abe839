"""Rejection replay: only the rows where the policy would have done the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.replay.base import taken
from budgetopt.replay.checks import Floats, check_number, refuse
from budgetopt.replay.log import Log

_ROUNDING = 0.01
"""Share by which a uniform propensity may be off, for those that were written with few digits."""


@dataclass(frozen=True)
class Rejection:
    r"""Mean reward of the rows whose action the policy picks as well.

    On every row the policy draws an action; the row is kept where it is the logged one, which is
    with probability :math:`\pi(a_i \mid x_i)`. On a log that chose uniformly among the
    :math:`K` actions the kept rows are as if the policy had been live:

    .. math:: \hat v = \frac{1}{T} \sum_{i \text{ kept}} r_i, \qquad
        \widehat{\mathrm{se}} = \frac{s(r_\text{kept})}{\sqrt T}

    Parameters
    ----------
    seed
        Of the policy's draws, 0 to 2**63; a policy that is certain on every row needs none.

    Raises
    ------
    InputError
        ``bad-argument`` for a seed out of range, or a log that did not choose uniformly.

    Notes
    -----
    Source: Li, Chu, Langford and Wang (2011), the evaluator on a finite log. Rows count with
    weight :math:`K` or 0, so that the effective sample is the number of rows kept, about one in
    :math:`K`. For a policy that is not certain, `SelfNormalised` stands for all draws at
    once and has less noise.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        whole = isinstance(self.seed, (int, np.integer))
        remedy = "give a whole number from 0 to 2**63"
        check_number(self.seed if whole else None, "seed", 0, 2**63, remedy)

    @property
    def name(self) -> str:
        """``rejection``."""
        return "rejection"

    def weights(self, log: Log, probabilities: Floats) -> Floats:
        """Return the number of actions for a row that is kept, 0 for others."""
        actions = len(log.names)
        other = np.flatnonzero(np.abs(log.propensities * actions - 1.0) > _ROUNDING)
        if other.size:
            row = int(other[0])
            chance = float(log.propensities[row])
            problem = f"row {row} of the log has propensity {chance}, not 1 in {actions}"
            remedy = "use another estimator: rejection needs a log that chose uniformly"
            refuse("bad-argument", problem, "propensities", chance, remedy)
        draws = np.random.default_rng(self.seed).random(log.rows)
        return np.where(draws < taken(log, probabilities), float(actions), 0.0)

    def terms(self, log: Log, probabilities: Floats, weights: Floats) -> Floats:
        """Return the rewards of the rows kept, shape ``(kept,)``."""
        return log.rewards[weights > 0]
