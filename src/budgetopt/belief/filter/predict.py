r"""One-week-ahead predictions: where an outcome lies in what was expected of it.

The share of the prediction below the outcome, :math:`F(y)`, is even between 0 and 1 where the
belief is calibrated (Dawid 1984). For counts it is the middle of the jump,
:math:`F(y) - \tfrac12 p(y)`, of the negative binomial that a gamma rate makes.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, expit, ndtr, psi

from budgetopt.belief.filter.gammas import gamma_shape
from budgetopt.belief.filter.observe import Before
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
    if few:
        return _rank_of_counts(before, chance, hypotheses, seen, scale)
    row, nuisance, cell = np.nonzero(chance > _NEGLIGIBLE)
    weight = chance[row, nuisance, cell]
    miss = seen[row] - before.centre[row, nuisance, cell]
    below = np.zeros(weight.size)
    for one in hypotheses:
        sd = np.sqrt(before.total + one.level + one.week + scale[:, None])
        below += one.chance * ndtr(miss / sd[row, nuisance])
    summed = np.bincount(row, weight * below, len(chance))
    answer: Floats = summed / np.bincount(row, weight, len(chance))
    return answer


def _rank_of_counts(
    before: Before,
    chance: Floats,
    hypotheses: tuple[Hypothesis, ...],
    events: Floats,
    event: Floats,
) -> Floats:
    """Return ranks of counts; the cells of a nuisance count as one normal."""
    weight = chance.sum(axis=2)
    heavy = np.maximum(weight, np.finfo(np.float64).tiny)
    middle = np.einsum("rjk,rjk->rj", chance, before.centre) / heavy
    square = np.einsum("rjk,rjk->rj", chance, np.square(before.centre)) / heavy
    total = before.total + np.maximum(square - np.square(middle), 0.0)
    below = np.zeros_like(weight)
    for one in hypotheses:
        shape = gamma_shape(total + one.level + one.week)
        still = expit(psi(shape) + np.log(event)[:, None] - middle)
        below += one.chance * _count_rank(shape, still, events[:, None])
    answer: Floats = np.sum(weight * below, axis=1) / weight.sum(axis=1)
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
    return np.asarray(0.5 * (upto + less), dtype=np.float64)
