r"""One-week-ahead predictions: where an outcome lies in what was expected of it.

The share of the prediction below the outcome, :math:`F(y)`, is even between 0 and 1 where the
belief is calibrated (Dawid 1984). For counts it is the middle of the jump,
:math:`F(y) - \tfrac12 p(y)`, of the negative binomial that a gamma rate makes.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, expit, ndtr, psi

from budgetopt.belief.filter.observe import Before, gamma_shape
from budgetopt.belief.filter.tables import Hypothesis
from budgetopt.curves.base import Floats

_NEGLIGIBLE = 1e-5
"""Chance of a cell that moves no rank by more than its share of the table."""


def rank(
    before: Before,
    chance: Floats,
    hypotheses: tuple[Hypothesis, ...],
    seen: Floats,
    scale: Floats,
    *,
    few: bool,
) -> Floats:
    """Return the share of each row's prediction that lies below what was seen, ``(rows,)``.

    Parameters
    ----------
    before
        What was expected.
    chance
        Of nuisances and cells before the week.
    hypotheses
        What may have happened.
    seen, scale
        Log outcome and counting variance; or, where `few`, events and the size of one.
    few
        Whether the outcome is learned as a count.
    """
    row, nuisance, cell = np.nonzero(chance > _NEGLIGIBLE)
    weight = chance[row, nuisance, cell]
    centre = before.centre[row, nuisance, cell]
    below = np.zeros(weight.size)
    for one in hypotheses:
        spread = before.total + one.level + one.week
        if few:
            shape = gamma_shape(spread)
            still = (psi(shape) + np.log(scale)[:, None])[row, nuisance] - centre
            below += one.chance * _count_rank(shape[row, nuisance], expit(still), seen[row])
        else:
            sd = np.sqrt(spread + scale[:, None])[row, nuisance]
            below += one.chance * ndtr((seen[row] - centre) / sd)
    summed = np.bincount(row, weight * below, len(chance))
    answer: Floats = summed / np.bincount(row, weight, len(chance))
    return answer


def _count_rank(shape: Floats, still: Floats, events: Floats) -> Floats:
    """Return the middle of the negative binomial's jump at a count, which need not be whole.

    Parameters
    ----------
    shape, still
        Of the gamma rate, and the chance ``c/(1+c)`` of no further event at it.
    events
        The count.
    """
    upto = betainc(shape, events + 1.0, still)
    less = np.where(events >= 1.0, betainc(shape, np.maximum(events, 1e-300), still), 0.0)
    answer: Floats = 0.5 * (upto + less)
    return answer
